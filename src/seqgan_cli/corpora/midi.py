"""MIDI files ↔ notes in steps: the melody of a file in exact arithmetic, and sequences of pitches written for players."""

import bisect
import io
import itertools
import math
import os
import re
import stat
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from seqgan_cli import files
from seqgan_cli.errors import SeqganError, UsageError

KEYS = 88  # of a piano; id = MIDI note − BELOW
BELOW = 20
DRUMS = 9  # the channel whose notes are no pitches
DEFAULT_TEMPO = 500_000  # µs a beat
LONGEST_DELTA = 1 << 28  # ticks between two events: the format has four bytes of seven bits
# bytes; an hour of dense piano music is under 500 kB. The parser keeps some 300 for every two of them.
LARGEST = 1_000_000
LONGEST = 3600  # seconds; a piece is shorter, and a damaged file may claim years
TOO_LONG = f"longer than {LONGEST // 60} minutes"
SHORTEST_STEP, LONGEST_STEP = Fraction(1, 1000), Fraction(60)  # seconds: a sequence has at most 3.6 million pitches
# A number in a MIDI file goes on as long as its bytes are ≥ 0x80; mido reads one of any length, in quadratic time.
ENDLESS = re.compile(rb"[\x80-\xff]{4096}")
SOLO = re.compile("solo|melody|lead", re.IGNORECASE)
SUFFIXES = (".mid", ".midi")


class Unusable(Exception):  # noqa: N818  a tune is left out; only `strict` makes it an error
    """Why a tune cannot be used, as it stands after its name and a colon."""


@dataclass(frozen=True)
class Part:
    """One voice in steps: the notes (first step, step after the last, MIDI note), and the step after the voice's end."""

    notes: list[tuple[int, int, int]]
    end: int


def exact_step(step: float) -> Fraction:
    """The step as the decimal number the user wrote: 0.4 is 2/5. Raises UsageError."""
    if not SHORTEST_STEP <= step <= LONGEST_STEP:
        raise UsageError(f"data.step={step}: must be from {float(SHORTEST_STEP)} to {LONGEST_STEP} seconds for music.")
    return Fraction(repr(float(step)))


def midi_files(path: Path) -> tuple[Path, list[str]]:
    """A folder, and the names of the MIDI files in and below it, and of folders that cannot be read.

    Raises SeqganError if there are none.
    """
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError) as error:
        raise SeqganError(f"Cannot read {path}: {getattr(error, 'strerror', None) or error}.") from None
    if stat.S_ISREG(mode):
        return path.parent, [path.name]
    if not stat.S_ISDIR(mode):
        raise SeqganError(f"{path} is neither a file nor a folder: name a MIDI file, or a folder with some.")
    refused: list[OSError] = []
    names, others = [], 0
    for folder, _, found in os.walk(path, onerror=refused.append):
        midi = [name for name in found if name.lower().endswith(SUFFIXES)]
        names += [(Path(folder) / name).relative_to(path).as_posix() for name in midi]
        others += len(found) - len(midi)
    names += [Path(error.filename).relative_to(path).as_posix() for error in refused]
    if not names:
        raise SeqganError(f"{path} holds no .mid or .midi file, only {others} others." if others else f"{path} is empty.")
    return path, sorted(names)


def content_of(path: Path) -> bytes:
    """A file of reasonable size. Raises Unusable; a pipe is never opened, since that would wait."""
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            raise Unusable("a folder that cannot be read" if stat.S_ISDIR(mode) else "no ordinary file")
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as error:
        raise Unusable(f"not readable ({error.strerror})") from None
    if len(content) > LARGEST:
        raise Unusable(f"larger than {LARGEST / 1e6:g} MB")
    return content


def _mido(doing: str) -> Any:
    try:
        import mido
    except ImportError:
        raise SeqganError(f"{doing} MIDI needs mido: pip install 'seqgan-cli[music]'.") from None
    return mido


def midi_part(content: bytes, wanted: str, step: Fraction) -> Part:
    """The wanted track of a MIDI file in steps. Raises Unusable."""
    midi = _parse(content)
    track, notes = _melody(midi.tracks, wanted)
    # The tracks of a file of type 2 are pieces of their own.
    clock = _Clock(midi.ticks_per_beat, [track] if midi.type == 2 else midi.tracks, step)
    end = clock.first_step(sum(message.time for message in track))
    return Part([(clock.first_step(start), clock.first_step(stop), note) for start, stop, note in notes], end)


def _parse(content: bytes) -> Any:
    """The file as mido reads it. Raises Unusable."""
    mido = _mido("Reading")
    if not content:
        raise Unusable("empty")
    if not content.startswith(b"MThd"):
        raise Unusable("no MIDI file")
    if ENDLESS.search(content):
        raise Unusable("damaged")
    try:
        midi = mido.MidiFile(file=io.BytesIO(content))
    except EOFError:
        raise Unusable("cut off") from None
    except Exception:  # mido raises whatever the bytes lead to: OSError, ValueError, IndexError, KeyError …
        raise Unusable("damaged") from None
    if any(message.time >= LONGEST_DELTA for track in midi.tracks for message in track):
        raise Unusable("damaged")
    return midi


def _melody(tracks: Sequence[Any], wanted: str) -> tuple[Any, list[tuple[int, int, int]]]:
    """The track to read, and its notes. Raises Unusable."""
    if wanted in map(str, range(len(tracks))):
        candidates = [tracks[int(wanted)]]
    elif wanted:
        candidates = [track for track in tracks if track.name.strip().lower() == wanted.strip().lower()]
    else:
        candidates = sorted(tracks, key=lambda track: not SOLO.search(track.name))
    for track in candidates:
        notes = _notes(track)
        if notes:
            return track, notes
    raise Unusable(f"no notes in a track {wanted!r}" if wanted else "no notes")


def _notes(track: Iterable[Any]) -> list[tuple[int, int, int]]:
    """(start, end, MIDI note) in ticks. The first release of a key ends the note that was struck first."""
    notes: list[tuple[int, int, int]] = []
    sounding: dict[tuple[int, int], deque[int]] = {}
    tick = 0
    for message in track:
        tick += message.time
        if message.type not in ("note_on", "note_off") or message.channel == DRUMS:
            continue
        starts = sounding.setdefault((message.channel, message.note), deque())
        if message.type == "note_on" and message.velocity:
            starts.append(tick)
        elif starts:
            notes.append((starts.popleft(), tick, message.note))
    return notes


class _Clock:
    """Turns ticks into steps without rounding: a time is a whole number of units, so many a second.

    Args:
        division: as in the file's header: ticks a beat, or if negative −(frames a second) and ticks a frame in one byte each.
        tracks: those whose changes of tempo count; a file that counts frames has none.
        step: seconds.
    """

    def __init__(self, division: int, tracks: Iterable[Iterable[Any]], step: Fraction) -> None:
        changes = [(0, DEFAULT_TEMPO)]
        if division > 0:
            self.units = 1_000_000 * division  # a tick of a beat of n µs is n of them
            for track in tracks:
                tick = 0
                for message in track:
                    tick += message.time
                    if message.type == "set_tempo":
                        changes.append((tick, message.tempo))
            changes.sort(key=lambda change: change[0])  # at one tick the last counts, and the default before all
        else:
            frames, ticks = -(division >> 8), division & 255
            if frames not in (24, 25, 29, 30) or not ticks:
                raise Unusable("does not say how long a tick is")
            # 29 stands for the 30000/1001 frames a second of television.
            self.units, unit = (30_000 * ticks, 1001) if frames == 29 else (frames * ticks, 1)
            changes = [(0, unit)]
        if any(not tempo for _, tempo in changes):
            raise Unusable("a tempo of 0 µs a beat")
        self._changes = changes
        self._ticks = [tick for tick, _ in changes]
        self._times = [0]
        for (tick, tempo), (following, _) in itertools.pairwise(changes):
            self._times.append(self._times[-1] + (following - tick) * tempo)
        self._step = step

    def first_step(self, tick: int) -> int:
        """The first step at or after a tick. Raises Unusable beyond the longest music."""
        i = bisect.bisect_right(self._ticks, tick) - 1
        time = self._times[i] + (tick - self._ticks[i]) * self._changes[i][1]
        if time > LONGEST * self.units:
            raise Unusable(TOO_LONG)
        return -(-time * self._step.denominator // (self._step.numerator * self.units))


def write_midi(pitches: np.ndarray, step: float, path: Path) -> None:
    """Write a sequence as a MIDI file of one track: equal neighbours are one held note, 0 is a rest.

    Args:
        pitches: int `[T]`, ids 0…88.
        step: seconds of each.
        path: replaced as a whole or not at all.

    `read_music` with that step and rests=token gives the sequence back. Raises SeqganError without mido or for an id that is
    no pitch, UsageError for a step that is no use, OSError.
    """
    mido = _mido("Writing")
    length, pitches = exact_step(step), np.asarray(pitches)
    if ((pitches < 0) | (pitches > KEYS)).any():
        raise SeqganError(f"Ids from 0 (rest) to {KEYS} (C8) can be written as MIDI, not {pitches.min()} to {pitches.max()}.")
    # A step is a beat, as far as a tempo, 24 bits of µs, goes.
    tempo = min(round(length * 1_000_000), (1 << 24) - 1)
    ticks = 480

    def tick(position: int) -> int:
        """Rounded down from the exact time, each by itself: errors do not add up, and no note begins after its step."""
        return math.floor(position * length * 1_000_000 * ticks / tempo)

    track = mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=tempo)])
    borders = [*np.flatnonzero(np.diff(pitches, prepend=-1)).tolist(), len(pitches)]
    written = 0
    for start, stop in itertools.pairwise(borders):
        if pitches[start]:
            note = int(pitches[start]) + BELOW
            track.append(mido.Message("note_on", note=note, velocity=80, time=tick(start) - written))
            track.append(mido.Message("note_off", note=note, velocity=0, time=tick(stop) - tick(start)))
            written = tick(stop)
    track.append(mido.MetaMessage("end_of_track", time=tick(len(pitches)) - written))
    midi = mido.MidiFile(type=0, ticks_per_beat=ticks, tracks=[track])
    files.write(path, lambda file: midi.save(file=file))
