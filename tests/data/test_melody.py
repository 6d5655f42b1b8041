"""The pitch of a step: what sounds longest in it, against a literal loop, and as people play."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from midi_bytes import midi, off, on, put
from reference import pitches_of_steps
from sampled import examples
from seqgan_cli.data.kinds.music import MusicSettings, read_music
from seqgan_cli.data.midi.melody import pitches_of
from seqgan_cli.data.midi.tracks import Part, Unusable
from tiny import data_settings


def heard(notes: Any, step: Any, end: Any = 0, **own: Any) -> list[int]:
    """Ids of every step, or none where no note is heard."""
    try:
        return pitches_of(Part(notes, end, step), MusicSettings(window=1, **own))[0].tolist()
    except Unusable:
        return []


TIMES = st.integers(0, 90) | st.fractions(0, 90, max_denominator=7)
NOTES = st.lists(
    st.tuples(TIMES, st.just(0) | st.integers(1, 40) | st.fractions(0, 40, max_denominator=7), st.integers(58, 63)), max_size=12
)


@settings(deadline=None, max_examples=examples(150))
@given(
    spans=NOTES,
    step=st.sampled_from([1, 7, 10, 30, Fraction(50, 7)]),
    end=TIMES,
    sampling=st.sampled_from(["longest", "instant"]),
    rests=st.sampled_from(["hold", "token"]),
)
def test_steps_are_those_of_a_literal_loop(spans: Any, step: Any, end: Any, sampling: str, rests: str) -> None:
    notes = [(start, start + length, note) for start, length, note in spans]
    expected = pitches_of_steps(notes, Fraction(step), sampling, rests, end)
    assert heard(notes, step, end, sampling=sampling, rests=rests) == expected


STEP = 400  # ms
JITTER = st.integers(-STEP // 10 + 1, STEP // 10 - 1)


@st.composite
def played(draw: st.DrawFn) -> tuple[list[int], list[tuple[int, int, int]]]:
    """What is written, a pitch or rest (0) a step, and how a player gave it: each border early or late, with a lower voice."""
    written = draw(st.lists(st.sampled_from([0, 40, 40, 42, 44, 45]), min_size=1, max_size=24).filter(any))
    notes: list[tuple[int, int, int]] = []
    start = 0
    while start < len(written):
        stop = start + 1
        while stop < len(written) and written[stop] == written[start] and draw(st.booleans()):
            stop += 1
        for below in (0, 12) if draw(st.booleans()) else (0,):
            if written[start]:
                early, late = (max(0, place * STEP + draw(JITTER)) for place in (start, stop))
                notes.append((early, late, written[start] + 20 - below))
        start = stop
    return written, notes


@settings(deadline=None, max_examples=examples(300))
@given(played())
@example(([40, 42, 44, 45], [(0, 405, 60), (405, 795, 62), (795, 1205, 64), (1205, 1595, 65)]))
def test_notes_a_little_early_or_late_are_read_as_they_are_written(piece: tuple[list[int], Any]) -> None:
    """By less than a tenth of a step at either end, rests too."""
    written, notes = piece
    end = max(stop for _, stop, _ in notes)
    found = heard(notes, STEP, end, rests="token")
    assert found == np.trim_zeros(np.array(written), "b").tolist()
    held = np.trim_zeros(np.array(written)).tolist()
    assert heard(notes, STEP, end) == [pitch or max_before(held, i) for i, pitch in enumerate(held)]


def max_before(pitches: list[int], i: int) -> int:
    """The last pitch before a rest."""
    return next(pitch for pitch in reversed(pitches[:i]) if pitch)


def test_instants_misread_what_is_early_or_late(tmp_path: Path) -> None:
    """Six notes of a step each, every other border 6 ticks of 480 late or early."""
    borders = [0, 486, 954, 1446, 1914, 2406, 2880]
    track = b"".join(
        on(0, 60 + pitch) + off(after - before, 60 + pitch)
        for pitch, before, after in zip([0, 2, 4, 5, 7, 9], borders, borders[1:], strict=False)
    )
    path = put(tmp_path, midi(b"\x00\xff\x51\x03" + (400_000).to_bytes(3, "big") + track, division=480))

    def read(sampling: str) -> list[int]:
        documents = read_music(path, data_settings(window=1, sampling=sampling))
        return [int(documents.tokens[i]) for i in documents.ids]

    assert read("longest") == [40, 42, 44, 45, 47, 49]
    assert read("instant") == [40, 40, 44, 44, 47, 47]


@pytest.mark.parametrize(
    ("notes", "expected"),
    [
        ([(0, 5, 60), (5, 10, 62)], [40]),  # as long: the first
        ([(0, 5, 62), (5, 10, 60)], [42]),
        ([(0, 4, 60), (4, 10, 62)], [42]),
        ([(0, 3, 60), (3, 7, 62), (7, 10, 60)], [40]),  # together
        ([(0, 10, 60), (0, 4, 67)], [40]),  # the lower one is heard once the higher has ended
        ([(0, 10, 60), (0, 6, 67)], [47]),
        ([(0, 2, 60)], [40]),  # silence is no pitch
        ([(0, 10, 60), (19, 20, 62)], [40, 42]),
        ([(0, 10.9, 60)], [40]),  # a sliver
        ([(0, 11, 60)], [40, 40]),
        ([(0, 10, 60), (15.1, 15.2, 62)], [40, 42]),  # short, but nowhere longer
        ([(0, 10, 60), (19.9, 20.1, 62)], [40, 42]),  # half in either: the first
        ([(0, 10, 60), (19.9, 20.2, 62)], [40, 0, 42]),
    ],
)
def test_what_sounds_longest_in_a_step(notes: Any, expected: list[int]) -> None:
    exact = [(Fraction(repr(start)), Fraction(repr(stop)), note) for start, stop, note in notes]
    assert heard(exact, 10, rests="token") == expected


def test_times_beyond_64_bits_are_exact() -> None:
    step = 3 * 10**30
    notes = [(i * step - (i > 0), (i + 1) * step - 1, 60 + i) for i in range(5)]
    assert heard(notes, step) == [40, 41, 42, 43, 44]


def test_a_long_note_costs_no_time_for_each_of_its_steps() -> None:
    found, _ = pitches_of(Part([(0, 3_600_000, 60), (1, 3_599_999, 72)], 3_600_000, 1), MusicSettings())
    assert len(found) == 3_600_000
    assert {*found.tolist()} == {40, 52}
