"""A folder that was read once comes from the cache, and from nothing that is not its own."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from midi_bytes import midi, note, put
from music_read import GOOD, assert_same, no_reading, read, rows
from seqgan_cli.data.kinds import music
from seqgan_cli.data.midi import smf
from seqgan_cli.data.text import cache
from seqgan_cli.errors import SeqganError
from tiny import data_settings


@pytest.fixture
def big(tmp_path: Path) -> Path:
    """A folder large enough to be kept, with something to tell of."""
    for i in range(music.CACHED_FROM):
        put(tmp_path, midi(b"".join(note(20 + (i * j + 1) % 60) for j in range(40))), f"tunes/{i}.mid")
    put(tmp_path, b"", "tunes/empty.mid")
    return tmp_path / "tunes"


HALF = data_settings(step=0.5)


def test_a_second_reading_comes_from_the_cache_and_is_the_same(
    big: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = music.read_music(big, HALF)
    assert first.notes
    assert first.rejected
    assert len(list(own_cache.iterdir())) == 1
    monkeypatch.setattr(smf, "parse", no_reading)
    assert_same(music.read_music(big, HALF), first)


def test_another_folder_with_the_same_tunes_names_itself(big: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    music.read_music(big, HALF)
    monkeypatch.setattr(smf, "parse", no_reading)
    assert music.read_music(big.rename(big.with_name("moved")), HALF).source == str(big.with_name("moved"))


@pytest.mark.parametrize(
    "own",
    [{"step": 0.4}, {"rests": "token"}, {"track": "0"}, {"window": 33}, {"sampling": "instant"}, {"channel": 1}],
)
def test_other_settings_are_read_anew(big: Path, own: dict[str, Any], own_cache: Path) -> None:
    music.read_music(big, HALF)
    fresh = music.read_music(big, data_settings(**{"step": 0.5, **own}))
    assert len(list(own_cache.iterdir())) == 2
    for kept in own_cache.iterdir():
        kept.unlink()
    assert_same(music.read_music(big, data_settings(**{"step": 0.5, **own})), fresh)


def test_strict_is_not_answered_from_a_lenient_reading(big: Path) -> None:
    music.read_music(big, HALF)
    with pytest.raises(SeqganError, match=r"empty\.mid: empty\."):
        music.read_music(big, data_settings(step=0.5, strict=True))


def test_a_changed_or_renamed_file_is_read_anew(big: Path) -> None:
    before = music.read_music(big, HALF)
    put(big, midi(b"".join(note(99) for _ in range(40))), "7.mid")
    assert rows(music.read_music(big, HALF)) != rows(before)
    (big / "7.mid").rename(big / "00.mid")
    assert rows(music.read_music(big, HALF))[1] == [79] * 40
    (big / "empty.mid").rename(big / "none.mid")
    assert music.read_music(big, HALF).rejected["empty"].places == ["none.mid"]


@pytest.mark.parametrize(
    "damage", [lambda whole: b"", lambda whole: whole[:-30], lambda whole: whole[:99] + b"\0" * 99 + whole[198:]]
)
def test_a_damaged_cache_is_ignored_and_written_anew(
    big: Path, own_cache: Path, damage: Callable[[bytes], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = music.read_music(big, HALF)
    [kept] = own_cache.iterdir()
    kept.write_bytes(damage(kept.read_bytes()))
    assert_same(music.read_music(big, HALF), first)
    monkeypatch.setattr(smf, "parse", no_reading)
    assert_same(music.read_music(big, HALF), first)


def test_objects_in_a_cache_are_never_loaded(big: Path, own_cache: Path) -> None:
    first = music.read_music(big, HALF)
    [kept] = own_cache.iterdir()
    np.savez(kept, ids=np.array([{}], object), offsets=first.offsets, told=np.array("{}"))
    assert_same(music.read_music(big, HALF), first)


def test_a_cache_that_cannot_be_written_is_none(big: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEQGAN_CACHE", str(put(tmp_path, b"", "a file") / "below"))
    assert_same(music.read_music(big, HALF), music.read_music(big, HALF))


def test_without_a_home_there_is_no_cache(big: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SEQGAN_CACHE")
    monkeypatch.setattr(cache.platformdirs, "user_cache_path", lambda _: Path("~/.cache/seqgan"))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    music.read_music(big, HALF)
    assert not list((tmp_path / "here").iterdir())


def test_the_cache_is_in_the_users_own_place(big: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SEQGAN_CACHE")
    monkeypatch.setattr(cache.platformdirs, "user_cache_path", lambda name: tmp_path / "home" / name)
    music.read_music(big, HALF)
    assert [path.suffix for path in (tmp_path / "home" / "seqgan").iterdir()] == [".npz"]


def test_a_few_files_leave_nothing_behind(tmp_path: Path, own_cache: Path) -> None:
    put(tmp_path, GOOD)
    read(tmp_path)
    assert not list(own_cache.iterdir())
