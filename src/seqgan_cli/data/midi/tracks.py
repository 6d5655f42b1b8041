"""MIDI files ↔ notes: the melody of a file in exact arithmetic, and sequences of pitches written for players."""

from __future__ import annotations

import bisect
import itertools
import math
import os
import re
import stat
import unicodedata
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from seqgan_cli import files
from seqgan_cli.data.midi import smf
from seqgan_cli.errors import SeqganError, UsageError
from seqgan_cli.lazy import np

KEYS = 88  # of a piano; id = MIDI note − BELOW
BELOW = 20
DRUMS = 9  # the channel whose notes are no pitches
DEFAULT_TEMPO = 500_000  # µs a beat
LARGEST = 1_000_000  # bytes; an hour of dense piano music is under 500 kB
LONGEST = 3600  # seconds; a piece is shorter, and a damaged file may claim years
TOO_LONG = f"longer than {LONGEST // 60} minutes"
SHORTEST_STEP, LONGEST_STEP = Fraction(1, 1000), Fraction(60)  # seconds: a sequence has at most 3.6 million pitches
SOLO = re.compile("solo|melody|lead", re.IGNORECASE)
SUFFIXES = (".mid", ".midi", ".kar")
NAMED = f"{', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}"

Time = int | Fraction


class Unusable(Exception):  # noqa: N818  a tune is left out; only `strict` makes it an error
    """Why a tune cannot be used, as it stands after its name and a colon."""


@dataclass(frozen=True)
class Part:
    """One voice. Times are exact, in a unit of its own.

    notes: (start, end, MIDI note); end: of the voice; step: how long one is; remarks: what a reader should know of the tune, a
    sentence that is the same for all such tunes, and what to add of this one.
    """

    notes: Sequence[tuple[Time, Time, int]]
    end: Time
    step: Time
    remarks: Mapping[str, str] = field(default_factory=dict)


def exact_step(step: float) -> Fraction:
    """The step as the decimal number the user wrote: 0.4 is 2/5. Raises UsageError."""
    if not SHORTEST_STEP <= step <= LONGEST_STEP:
        raise UsageError(f"data.step={step}: must be from {float(SHORTEST_STEP)} to {LONGEST_STEP} seconds for music.")
    return Fraction(repr(float(step)))


def midi_files(path: Path) -> tuple[Path, list[str], list[str]]:
    """A folder, the names of the MIDI files in and below it and of folders that cannot be read, and those of other files.

    Raises SeqganError if there are none.
    """
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError) as error:
        raise SeqganError(f"Cannot read {path}: {getattr(error, 'strerror', None) or error}.") from None
    if stat.S_ISREG(mode):
        return path.parent, [path.name], []
    if not stat.S_ISDIR(mode):
        raise SeqganError(f"{path} is neither a file nor a folder: name a MIDI file, or a folder with some.")
    refused: list[OSError] = []
    names: list[str] = []
    others: list[str] = []
    for folder, _, found in os.walk(path, onerror=refused.append):
        for name in found:
            if not name.startswith("."):  # which a system keeps for itself, under any ending
                kind = names if name.lower().endswith(SUFFIXES) else others
                kind.append((Path(folder) / name).relative_to(path).as_posix())
    names += [Path(error.filename).relative_to(path).as_posix() for error in refused]
    if not names:
        raise SeqganError(f"{path} holds no {NAMED} file, only {len(others)} others." if others else f"{path} is empty.")
    return path, sorted(names), sorted(others)


def midi_among(files: Sequence[Path]) -> tuple[Path, list[str], list[str]]:
    """As `midi_files`, of files that are named one by one; the folder has them all in it or below it."""
    folder = Path(os.path.commonpath([file.parent for file in files]))
    names = [file.relative_to(folder).as_posix() for file in files]
    others = [name for name in names if not name.lower().endswith(SUFFIXES)]
    return folder, [name for name in names if name not in others], others


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


def midi_part(content: bytes, track: str, channel: int, step: Fraction) -> Part:
    """The wanted track and channel of a MIDI file. Raises Unusable.

    Args:
        content: the file's bytes.
        track: number from 0, or name; "": the melody, as in read_music.
        channel: 1 … 16; 0: all but the drums'.
        step: seconds.
    """
    if not content:
        raise Unusable("empty")
    try:
        file = smf.parse(content)
    except smf.Damaged as damage:
        raise Unusable(str(damage)) from None
    faults = sorted(set().union(*(each.faults for each in file.tracks)))
    found, notes, channels = _melody(file.tracks, track, channel, bool(faults))
    # The tracks of a file of type 2 are pieces of their own.
    clock = _Clock(file.division, [found] if file.kind == 2 else file.tracks, step)
    remarks = {f"Read on, as players do, where a file has {fault}": "" for fault in faults}
    if len(channels) > 1:
        named = f"{', '.join(map(str, channels[:-1]))} and {channels[-1]}"
        remarks["The track has notes of several channels, and all are heard (--channel N chooses one)"] = f"channels {named}"
    timed = [(clock.time(start), clock.time(stop), note) for start, stop, note in notes]
    return Part(timed, clock.time(found.ticks), clock.step, remarks)


def _melody(
    tracks: Sequence[smf.Track], wanted: str, channel: int, damaged: bool
) -> tuple[smf.Track, list[tuple[int, int, int]], list[int]]:
    """The track to read, its notes as of _notes, and their channels from 1. Raises Unusable."""
    if wanted in map(str, range(len(tracks))):
        candidates = [tracks[int(wanted)]]
    elif wanted:
        candidates = [track for track in tracks if _alike(track.name or "") == _alike(wanted)]
    else:
        candidates = sorted(tracks, key=lambda track: not SOLO.search(track.name or ""))
    asked = (f" of channel {channel}" if channel else "") + (f" in a track {wanted!r}" if wanted else "")
    for track in candidates:
        notes = [note for note in _notes(track) if note[3] == channel - 1 or (not channel and note[3] != DRUMS)]
        if notes:
            return track, [note[:3] for note in notes], sorted({note[3] + 1 for note in notes})
    if not channel and any(_notes(track) for track in candidates):
        raise Unusable(f"nothing but drums{asked}, which have no pitch")
    raise Unusable("damaged" if damaged and not asked else f"no notes{asked}")


def _alike(name: str) -> str:
    """The same of names that differ in case, in spaces around them, or in how an accent is encoded."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name.strip()).casefold())


def _notes(track: smf.Track) -> list[tuple[int, int, int, int]]:
    """(start, end, MIDI note, channel) in ticks. The first release of a key ends the note that was struck first."""
    notes: list[tuple[int, int, int, int]] = []
    sounding: dict[tuple[int, int], deque[int]] = {}
    for tick, channel, key, struck in track.strikes:
        starts = sounding.setdefault((channel, key), deque())
        if struck:
            starts.append(tick)
        elif starts:
            notes.append((starts.popleft(), tick, key, channel))
    return notes


class _Clock:
    """Turns ticks into times without rounding: whole numbers of a unit in which a step is whole too.

    Args:
        division: as in the file's header: ticks a beat, or if negative −(frames a second) and ticks a frame in one byte each.
        tracks: those whose changes of tempo count; a file that counts frames has none.
        step: seconds.
    """

    def __init__(self, division: int, tracks: Iterable[smf.Track], step: Fraction) -> None:
        changes = [(0, DEFAULT_TEMPO)]
        if division > 0:
            self.units = 1_000_000 * division  # a tick of a beat of n µs is n of them
            for track in tracks:
                changes += track.tempos
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
        self._longest = LONGEST * self.units
        self._factor = step.denominator
        self.step = step.numerator * self.units

    def time(self, tick: int) -> int:
        """When a tick is. Raises Unusable beyond the longest music."""
        i = bisect.bisect_right(self._ticks, tick) - 1
        time = self._times[i] + (tick - self._ticks[i]) * self._changes[i][1]
        if time > self._longest:
            raise Unusable(TOO_LONG)
        return time * self._factor


def write_midi(pitches: np.ndarray, step: float, path: Path, track: str = "", channel: int = 0) -> None:
    """Write a sequence as a MIDI file of one track: equal neighbours are one held note, 0 is a rest.

    Args:
        pitches: int `[T]`, ids 0…88.
        step: seconds of each.
        path: replaced as a whole or not at all.
        track: the track's name.
        channel: 1 … 16; 0: the first.

    `read_music` with that step, track and channel and rests=token gives the sequence back. Raises SeqganError without mido or
    for an id that is no pitch, UsageError for a step that is no use, OSError.
    """
    try:
        import mido
    except ImportError:
        raise SeqganError("Writing MIDI needs mido: pip install 'seqgan-cli[music]'.") from None
    length, pitches = exact_step(step), np.asarray(pitches)
    if ((pitches < 0) | (pitches > KEYS)).any():
        raise SeqganError(f"Ids from 0 (rest) to {KEYS} (C8) can be written as MIDI, not {pitches.min()} to {pitches.max()}.")
    # A step is a beat, as far as a tempo, 24 bits of µs, goes.
    tempo = min(round(length * 1_000_000), (1 << 24) - 1)
    ticks = 480

    def tick(position: int) -> int:
        """Rounded down from the exact time, each by itself: errors do not add up, and no note begins after its step."""
        return math.floor(position * length * 1_000_000 * ticks / tempo)

    title = track.encode(errors="replace").decode()  # which came from a command line of any bytes
    events = mido.MidiTrack([mido.MetaMessage("track_name", name=title)] if title else [])
    events.append(mido.MetaMessage("set_tempo", tempo=tempo))
    own = max(channel - 1, 0)
    borders = [*np.flatnonzero(np.diff(pitches, prepend=-1)).tolist(), len(pitches)]
    written = 0
    for start, stop in itertools.pairwise(borders):
        if pitches[start]:
            note = int(pitches[start]) + BELOW
            events.append(mido.Message("note_on", channel=own, note=note, velocity=80, time=tick(start) - written))
            events.append(mido.Message("note_off", channel=own, note=note, velocity=0, time=tick(stop) - tick(start)))
            written = tick(stop)
    events.append(mido.MetaMessage("end_of_track", time=tick(len(pitches)) - written))
    midi = mido.MidiFile(type=0, ticks_per_beat=ticks, tracks=[events], charset="utf-8")
    files.write(path, lambda file: midi.save(file=file))
