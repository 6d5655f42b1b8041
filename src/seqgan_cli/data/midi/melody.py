"""A voice → the pitch of every step: what sounds longest in the step, or what sounds when it begins."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from seqgan_cli.data.midi.tracks import BELOW, KEYS, Part, Time, Unusable
from seqgan_cli.lazy import np

if TYPE_CHECKING:
    from seqgan_cli.data.kinds.music import MusicSettings

SLIVERS = 10  # to a step: players are early and late by less than such a part of it

Note = tuple[Time, Time, int]  # start, end, key


def pitches_of(part: Part, settings: MusicSettings) -> tuple[np.ndarray, int]:
    """Ids int `[T]` of a voice, and how many notes are off a piano's keys and so were left out. Raises Unusable.

    Of several keys that sound at once the highest is heard. `settings.sampling`: `instant`: the pitch of a step is the one that
    is heard when the step begins. `longest`: the one that is heard longest within it, of equally long ones the first; what of a
    note reaches less than a tenth of a step into a step does not count there, unless the note sounds nowhere longer.

    Time O(N log N + T) for N notes, however many sound at once.
    """
    notes = [(start, stop, note - BELOW) for start, stop, note in part.notes if 1 <= note - BELOW <= KEYS]
    outside, longest = len(part.notes) - len(notes), settings.sampling == "longest"
    if longest:
        notes = [_without_slivers(note, part.step) for note in notes if note[0] < note[1]]
    length = max((_step_after(stop, part.step) for _, stop, _ in notes), default=0)
    if settings.rests == "token":
        length = max(length, _step_after(SLIVERS * part.end - longest * part.step, SLIVERS * part.step))
    pitches = np.zeros(length, np.int64)
    for first, after, key in _longest(_heard(notes), part.step) if longest else _at_instants(_heard(notes), part.step):
        pitches[first:after] = key
    heard = np.flatnonzero(pitches)
    if not len(heard):
        raise Unusable("no note of a piano at any step")
    if settings.rests == "hold":
        latest = np.maximum.accumulate(np.where(pitches > 0, np.arange(length), 0))
        pitches = pitches[latest][heard[0] :]
    if len(pitches) < settings.window:
        raise Unusable(f"shorter than {settings.window} steps of {settings.step:g} s")
    return pitches, outside


def _step_after(time: Time, step: Time) -> int:
    """The first step that begins at or after a time."""
    return -(-time // step)


def _without_slivers(note: Note, step: Time) -> Note:
    """The note without less than a tenth of a step at either end, where a step that it hardly reaches has it.

    A note that sounds nowhere longer stays where it sounds longest, in the first of two steps that share it alike.
    """
    start, stop, key = note
    second, last = start // step + 1, _step_after(stop, step) - 1  # the step after that of its start, and that of its end
    if second > last:
        return note
    head, tail = second * step - start, stop - last * step
    between = last > second
    early = SLIVERS * head < step and (between or tail > head)
    late = SLIVERS * tail < step and (between or head >= tail)
    return second * step if early else start, last * step if late else stop, key


def _heard(notes: Iterable[Note]) -> Iterator[Note]:
    """What is heard and from when to when, in order: the highest of the keys that sound."""
    changes = sorted(change for start, stop, key in notes for change in ((start, 1, key), (stop, -1, key)))
    sounding, keys = [0] * (KEYS + 1), 0  # how often each sounds, and a bit for each that does
    for (time, change, key), (following, _, _) in itertools.pairwise(changes):
        sounding[key] += change
        keys = keys | 1 << key if sounding[key] > 0 else keys & ~(1 << key)
        if keys and following > time:
            yield time, following, keys.bit_length() - 1


def _at_instants(heard: Iterable[Note], step: Time) -> Iterator[tuple[int, int, int]]:
    """Runs of steps (first, after the last, key) at whose beginning a key is heard."""
    for start, stop, key in heard:
        yield _step_after(start, step), _step_after(stop, step), key


def _longest(heard: Iterable[Note], step: Time) -> Iterator[tuple[int, int, int]]:
    """Runs of steps (first, after the last, key) in which no key is heard longer, nor as long and before."""
    for number, pieces in itertools.groupby(_pieces(heard, step), lambda piece: piece[0]):
        lengths: dict[int, Time] = {}  # in the order of their beginnings
        afters = set()
        for _, after, key, length in pieces:
            lengths[key] = lengths.get(key, 0) + length
            afters.add(after)
        yield number, max(afters), max(lengths, key=lambda key: lengths[key])


def _pieces(heard: Iterable[Note], step: Time) -> Iterator[tuple[int, int, int, Time]]:
    """What is heard, cut where steps begin: (step, the one after, key, how long); steps that it fills are one piece."""
    for start, stop, key in heard:
        first, after = _step_after(start, step), stop // step  # of the steps that it fills
        if first > after:
            yield after, after + 1, key, stop - start
            continue
        if start < first * step:
            yield first - 1, first, key, first * step - start
        if first < after:
            yield first, after, key, (after - first) * step
        if after * step < stop:
            yield after, after + 1, key, stop - after * step
