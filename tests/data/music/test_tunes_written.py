"""Windows of tunes, sequences written as MIDI and read back, the tunes of the project, and their picture."""

import importlib.util
import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import mido
import numpy as np
import pretty_midi
import pytest
import symusic
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from midi_bytes import put
from music_read import read
from sampled import examples
from seqgan_cli import figures
from seqgan_cli.data.documents import Collector
from seqgan_cli.data.kinds import music
from seqgan_cli.data.midi.tracks import write_midi
from seqgan_cli.errors import SeqganError
from tiny import data_settings

DATA = Path(__file__).parents[3] / "data"

@settings(deadline=None)
@given(
    lengths=st.lists(st.integers(1, 40), max_size=8),
    window=st.integers(2, 12),
    stride=st.integers(0, 15),
    data=st.data(),
)
def test_windows_are_those_of_a_loop(lengths: list[int], window: int, stride: int, data: st.DataObject) -> None:
    collector = Collector()
    for length in lengths:
        collector.add(["1"] * length)
    documents = collector.documents("made up")
    chosen = data.draw(st.lists(st.sampled_from(range(len(lengths))), unique=True) if lengths else st.just([]))
    expected = []
    for i in chosen:
        start = int(documents.offsets[i])
        while start + window <= documents.offsets[i + 1]:
            expected.append((start, start + window))
            start += stride or window
    starts, ends = music.windows(documents, np.array(chosen, np.int64), window, stride)
    assert starts.dtype == ends.dtype == np.int64
    assert list(zip(starts.tolist(), ends.tolist(), strict=True)) == expected


# Writing

SEQUENCES = st.lists(st.integers(0, 88) | st.sampled_from([0, 40]), min_size=1, max_size=60)
STEPS = st.sampled_from([0.4, 0.5, 0.001, 1 / 3, 0.123456789, 17.3, 60.0]) | st.floats(0.001, 60)


@settings(deadline=None, max_examples=examples(100), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    sequence=SEQUENCES,
    step=STEPS,
    track=st.sampled_from(["", "", "0", "3", "Mélodie", "旋律"]),
    channel=st.sampled_from([0, 0, 1, 5, 16]),
)
def test_a_written_sequence_reads_back(tmp_path: Path, sequence: list[int], step: float, track: str, channel: int) -> None:
    """With what was asked for of the tunes, which the run of the samples goes on asking for."""
    path = tmp_path / "tune.mid"
    write_midi(np.array(sequence), step, path, track, channel)
    if any(sequence):
        for sampling in ("longest", "instant"):
            assert read(path, step=step, rests="token", sampling=sampling, track=track, channel=channel) == [sequence]
    # The other libraries count in floats: asked in the middle of each step.
    notes = [note for track in symusic.Score(str(path)).to("second").tracks for note in track.notes]
    middles = (np.arange(len(sequence)) + 0.5) * step
    assert heard(middles, [(note.start, note.end, note.pitch) for note in notes]) == sequence
    played = [note for part in pretty_midi.PrettyMIDI(str(path)).instruments for note in part.notes]
    assert heard(middles, [(note.start, note.end, note.pitch) for note in played]) == sequence
    assert len(played) == sum(bool(pitch) for pitch, _ in itertools.groupby(sequence))


def heard(times: np.ndarray, notes: Sequence[tuple[float, float, int]]) -> list[int]:
    return [max((note - 20 for start, stop, note in notes if start <= time < stop), default=0) for time in times]


def test_a_file_of_the_default_step_is_plain_music(tmp_path: Path) -> None:
    path = tmp_path / "tune.mid"
    write_midi(np.array([40, 40, 0, 42]), 0.4, path)
    file = mido.MidiFile(path)
    assert (file.type, len(file.tracks), file.ticks_per_beat) == (0, 1, 480)
    assert [(m.type, m.time) for m in file.tracks[0]] == [
        ("set_tempo", 0),
        ("note_on", 0),
        ("note_off", 960),
        ("note_on", 480),
        ("note_off", 480),
        ("end_of_track", 0),
    ]
    assert file.tracks[0][0].tempo == 400_000
    assert file.length == pytest.approx(1.6)


def test_an_empty_sequence_is_a_file_without_notes(tmp_path: Path) -> None:
    write_midi(np.array([], np.int32), 0.4, tmp_path / "tune.mid")
    assert symusic.Score(str(tmp_path / "tune.mid")).note_num() == 0


@pytest.mark.parametrize("wrong", [-1, 89])
def test_an_id_that_is_no_pitch_is_refused(tmp_path: Path, wrong: int) -> None:
    with pytest.raises(SeqganError, match=r"^Ids from 0 \(rest\) to 88 \(C8\)"):
        write_midi(np.array([5, wrong]), 0.4, tmp_path / "tune.mid")
    assert not list(tmp_path.iterdir())


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put(tmp_path, b"before")

    def half(self: mido.MidiFile, file: Any) -> None:
        file.write(b"MThd")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(mido.MidiFile, "save", half)
    with pytest.raises(OSError, match="No space left"):
        write_midi(np.array([5]), 0.4, path)
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


# The tunes of the project, and their picture


def test_the_projects_tunes_are_what_the_script_writes(tmp_path: Path) -> None:
    specification = importlib.util.spec_from_file_location("write_tunes", DATA / "write_tunes.py")
    assert specification is not None
    assert specification.loader is not None
    script = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(script)
    script.main(tmp_path)
    written = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert written == {path.name: path.read_bytes() for path in (DATA / "tunes").iterdir()}


def test_the_projects_tunes_are_enough_to_train_on() -> None:
    documents = music.read_music(DATA / "tunes", data_settings())
    assert 4 <= len(documents) <= 6
    assert documents.lengths.min() >= 64
    assert not documents.rejected
    starts, _ = music.windows(documents, np.arange(len(documents)), 32, 4)
    assert len(starts) > 100


def test_a_piano_roll_names_the_notes(tmp_path: Path) -> None:
    first, second = tmp_path / "roll.svg", tmp_path / "again.svg"
    sequences = [np.array([40, 40, 0, 44, 47]), np.array([0, 52])]
    figures.piano_roll(sequences, 0.4, first, tmp_path / "roll.png")
    figures.piano_roll(sequences, 0.4, second)
    drawn = first.read_text()
    assert [label for label in ("C4", "E4", "G4", "C5") if f">{label}<" in drawn] == ["C4", "E4", "G4", "C5"]
    assert "♯" not in drawn
    assert first.read_bytes() == second.read_bytes()
    assert (tmp_path / "roll.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("sequence", [[0, 0, 0], [1, 88], [88], [1]])
def test_a_piano_roll_of_any_pitches_is_drawn(tmp_path: Path, sequence: list[int]) -> None:
    figures.piano_roll([np.array(sequence)], 0.4, tmp_path / "roll.svg")
    drawn = (tmp_path / "roll.svg").read_text()
    lowest, highest = min(sequence) or 40, max(sequence) or 52
    cs = [f"C{octave}" for octave in range(9) if lowest - 1 <= 12 * octave + 12 - 20 <= highest + 1]
    assert all(f">{c}<" in drawn for c in cs)
