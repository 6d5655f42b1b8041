"""Folders of tunes: their order, what is left out and told, and what is refused."""

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from midi_bytes import midi, note, put
from music_read import GOOD, read, rows
from seqgan_cli.data.kinds import music
from seqgan_cli.data.midi.tracks import write_midi
from seqgan_cli.errors import SeqganError, UsageError
from tiny import data_settings


def test_a_folder_is_read_in_order_with_the_folders_in_it(tmp_path: Path) -> None:
    put(tmp_path, midi(note(61)), "b.mid")
    put(tmp_path, midi(note(60)), "a/z.MIDI")
    put(tmp_path, midi(note(62)), "c/d/e.Mid")
    put(tmp_path, midi(note(63)), "sung.KAR")
    put(tmp_path, b"no tune", "readme.txt")
    put(tmp_path, b"no tune", ".DS_Store")
    put(tmp_path, b"no tune", "._b.mid")
    (tmp_path / "folder.mid").mkdir()
    documents = music.read_music(tmp_path, data_settings(step=0.5, window=1))
    assert rows(documents) == [[40], [41], [42], [43]]
    assert documents.tokens == ["40", "41", "42", "43"]
    assert documents.ids.dtype == np.int32
    assert documents.offsets.dtype == np.int64
    assert (documents.source, documents.rejected) == (str(tmp_path), {})
    assert documents.notes == ("Not read, being no .mid, .midi or .kar file: readme.txt.",)


def test_bad_files_of_a_folder_are_left_out_with_place_and_reason(tmp_path: Path) -> None:
    put(tmp_path, GOOD, "good.mid")
    for i in range(5):
        put(tmp_path, b"", f"sub/{i}.mid")
    put(tmp_path, midi(note(60)), "short.mid")
    (tmp_path / "link.mid").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "pipe.mid")
    documents = music.read_music(tmp_path, data_settings(step=0.5))
    assert len(documents) == 1
    assert {reason: (entry.count, entry.places) for reason, entry in documents.rejected.items()} == {
        "not readable (No such file or directory)": (1, ["link.mid"]),
        "no ordinary file": (1, ["pipe.mid"]),
        "shorter than 32 steps of 0.5 s": (1, ["short.mid"]),
        "empty": (5, ["sub/0.mid", "sub/1.mid", "sub/2.mid"]),
    }


def test_strict_stops_at_the_first_bad_file(tmp_path: Path) -> None:
    put(tmp_path, GOOD, "a.mid")
    put(tmp_path, GOOD[:-9], "sub/b.mid")
    with pytest.raises(SeqganError, match=r", sub/b\.mid: cut off\. Leave --strict out to go on without it\.$"):
        read(tmp_path, strict=True)
    assert len(read(tmp_path / "a.mid", strict=True)) == 1


def test_nothing_usable_names_the_most_frequent_reason(tmp_path: Path) -> None:
    for i in range(3):
        put(tmp_path, b"", f"{i}.mid")
    put(tmp_path, midi(note(60)), "short.mid")
    with pytest.raises(SeqganError) as refused:
        read(tmp_path, window=3)
    assert str(refused.value) == f"{tmp_path} holds no tune that can be used: 3 of 4 left out: empty (0.mid)."


def test_a_folder_without_music_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SeqganError, match=r"is empty\.$"):
        read(tmp_path)
    put(tmp_path, b"", "a.txt")
    put(tmp_path, b"", "sub/b.mp3")
    with pytest.raises(SeqganError, match=r"holds no \.mid, \.midi or \.kar file, only 2 others\.$"):
        read(tmp_path)


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SeqganError, match=r"^Cannot read .*none: No such file or directory\.$"):
        read(tmp_path / "none")
    with pytest.raises(SeqganError, match=r"^Cannot read .*: File name too long\.$"):
        read(tmp_path / ("x" * 300))
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SeqganError, match="is neither a file nor a folder"):
        read(tmp_path / "pipe")


def test_a_folder_that_cannot_be_read_is_left_out_like_a_bad_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, GOOD)
    put(tmp_path, GOOD, "locked/b.mid")
    really = os.scandir

    def scandir(path: str) -> Any:
        if str(path).endswith("locked"):
            raise PermissionError(13, "Permission denied", str(path))
        return really(path)

    monkeypatch.setattr(os, "scandir", scandir)
    documents = music.read_music(tmp_path, data_settings(step=0.5))
    assert len(documents) == 1
    assert documents.rejected["a folder that cannot be read"].places == ["locked"]


def test_a_name_that_is_no_utf8_can_be_printed(tmp_path: Path) -> None:
    put(tmp_path, GOOD, "good.mid")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/bad\xff.mid")).write_bytes(b"")
    documents = music.read_music(tmp_path, data_settings(step=0.5))
    assert documents.rejected["empty"].places == ["bad�.mid"]


@pytest.mark.parametrize("step", [0.0, 0.0009, 61.0, 1e300, float("inf"), float("nan"), -1.0])
def test_a_step_that_is_no_use_is_refused(tmp_path: Path, step: float) -> None:
    with pytest.raises(UsageError, match=r"data\.step=.*: must be from 0\.001 to 60 seconds"):
        read(put(tmp_path, GOOD), step=step)
    with pytest.raises(UsageError, match=r"data\.step"):
        write_midi(np.array([1]), step, tmp_path / "x.mid")


def test_without_mido_tunes_are_read_and_none_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mido", None)
    assert len(read(put(tmp_path, GOOD))) == 1
    with pytest.raises(SeqganError, match=r"^Writing MIDI needs mido: pip install 'seqgan-cli\[music\]'\.$"):
        write_midi(np.array([1, 2]), 0.4, tmp_path / "x.mid")
