"""MIDI files that are refused, each with its reason, and that no content is a traceback."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from midi_bytes import end, header, midi, name, note, number, off, on, put, tempo
from music_read import DRUMS, GOOD, reason, row, rows
from sampled import examples
from seqgan_cli.data.kinds import music
from tiny import data_settings

HOUR = 100 * 2 * 3600  # ticks
BAD = {
    "empty": b"",
    "no MIDI file": b"RIFF" + GOOD,
    "cut off": GOOD[:-9],
    "damaged": midi(b"\x00\xf5\xf5\xf5" * 40),
    "no notes": midi(name("words alone")),
    "nothing but drums, which have no pitch": DRUMS,
    "no note of a piano at any step": midi(on(1, 20) + off(5, 20)),
    "does not say how long a tick is": midi(note(60), division=0),
    "a tempo of 0 µs a beat": midi(tempo(0, 0) + note(60)),
    "longer than 60 minutes": midi(on(0, 60) + off(HOUR + 1, 60)),
    "larger than 1 MB": GOOD + bytes(1_000_000),
}


@pytest.mark.parametrize("expected", BAD)
def test_a_bad_file_is_refused_with_the_reason(tmp_path: Path, expected: str) -> None:
    assert reason(tmp_path, BAD[expected]) == expected


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (GOOD[:14], "cut off"),
        (b"MThd", "cut off"),
        (header(3) + GOOD[14:], "cut off"),  # says three tracks
        (header(0), "no notes"),
        (header(0xFFFF), "cut off"),
        (GOOD.replace(b"MTrk", b"XTrk"), "cut off"),  # of another kind, and nothing follows
        (GOOD.replace(b"MTrk", b"\0\0\0\0"), "damaged"),
        (midi(b"\x00\xf0" + number(900_000_000)), "damaged"),
        (midi(note(60), division=-25 << 8), "does not say how long a tick is"),
        (midi(note(60), division=-7 << 8 | 4), "does not say how long a tick is"),
        (midi(note(60), division=-128 << 8 | 255), "does not say how long a tick is"),
        (midi(tempo(0, 0xFFFFFF) + on(0, 60) + off(30_000, 60)), "longer than 60 minutes"),
        (midi(note(60) + end((1 << 28) - 1)), "longer than 60 minutes"),
        (midi(on(0, 20) + off(100, 20)), "no note of a piano at any step"),
        (midi(on(0, 60)), "no notes"),
    ],
)
def test_more_bad_files(tmp_path: Path, content: bytes, expected: str) -> None:
    assert reason(tmp_path, content) == expected


def test_an_hour_is_not_too_long(tmp_path: Path) -> None:
    assert row(tmp_path, midi(on(0, 60) + off(HOUR, 60))) == [40] * 7200


@pytest.mark.timeout(30)
@pytest.mark.sampled(1)
@pytest.mark.parametrize("prefix", [b"", b"\x00\xff\x01", b"\x00\xf0"])
def test_a_number_without_end_is_refused_and_not_waited_for(tmp_path: Path, prefix: bytes) -> None:
    assert reason(tmp_path, midi(prefix + b"\xff" * 900_000 + b"\x00")) == "damaged"


@pytest.mark.timeout(60)
def test_a_file_of_nothing_but_notes_on_top_of_each_other_is_read(tmp_path: Path) -> None:
    """Tens of thousands of strikes of one key and as many releases; a step of a millisecond."""
    half = 40_000
    content = midi(on(0, 60) + b"\x00\x3c\x40" * (half - 1) + off(1, 60) + b"\x00\x3c\x00" * (half - 1), division=1)
    assert row(tmp_path, content, step=0.001) == [40] * 500


@settings(deadline=None, max_examples=examples(120), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_content_is_a_traceback(tmp_path: Path, data: st.DataObject) -> None:
    """Random bytes, random bytes as a track, and a good file with some bytes changed: each is read or refused."""
    content = data.draw(
        st.one_of(
            st.binary(max_size=200),
            st.binary(max_size=200).map(lambda body: midi(body)),
            st.lists(st.tuples(st.integers(0, len(GOOD) - 1), st.integers(0, 255)), min_size=1, max_size=5).map(changed),
        )
    )
    rests = data.draw(st.sampled_from(["hold", "token"]))
    put(tmp_path, GOOD, "good.mid")
    put(tmp_path, content)
    documents = music.read_music(tmp_path, data_settings(rests=rests, window=3))
    assert len(documents) + sum(entry.count for entry in documents.rejected.values()) == 2
    assert all(entry.places == ["tune.mid"] for entry in documents.rejected.values())
    assert all(len(found) >= 3 and {*found} <= {*range(89)} for found in rows(documents))


def changed(places: Sequence[tuple[int, int]]) -> bytes:
    content = bytearray(GOOD)
    for place, value in places:
        content[place] = value
    return bytes(content)
