"""Standard MIDI Files, read as players do: past a byte that is wrong to the next event that is right, and with what was wrong.

Own code, since the libraries read a file whole or not at all: a data byte above 127, a key of 99 sharps or a time signature of
three bytes, none of which anybody hears, cost them the tune.
"""

import dataclasses
import re
from dataclasses import dataclass, field

NOTE_OFF, NOTE_ON = 0x8, 0x9  # upper half of the status byte
META, TRACK_NAME, END_OF_TRACK, TEMPO = 0xFF, 0x03, 0x2F, 0x51
SYSEX = (0xF0, 0xF7)
DATA_BYTES = {0x8: 2, 0x9: 2, 0xA: 2, 0xB: 2, 0xC: 1, 0xD: 1, 0xE: 2}
META_BYTES = {0x20: 1, 0x21: 1, END_OF_TRACK: 0, TEMPO: 3, 0x54: 5, 0x58: 4, 0x59: 2}  # those of a fixed length
NUMBER_BYTES = 4  # of a number of seven bits a byte, at most
SURE = 8  # events in a row, after which what was taken for events is believed
BAR = 4  # beats: more before an event that was searched for is left over from what is none
TEXTS = range(0x01, 0x10)  # meta events of words
WORDLESS = re.compile(rb"[\x00-\x08\x0e-\x1f]")
HEADER, CHUNK = b"MThd", b"MTrk"

HIGH_BYTE = "a data byte above 127"
WRONG_LENGTH = "a meta event of the wrong length"
NO_EVENT = "bytes that are no event"
WRONG_SIZE = "a track that is not as long as it says"


class Damaged(Exception):  # noqa: N818  a tune is left out, as for Unusable
    """Why no track can be read, as it stands after a file's name and a colon."""


@dataclass
class Track:
    """What sounds in a track. Times are ticks from its beginning.

    name: of the first event that names it; strikes: (tick, channel 0 … 15, key, whether it is struck or released); tempos:
    (tick, µs a beat); ticks: its length; faults: what was read past.
    """

    name: str | None = None
    strikes: list[tuple[int, int, int, bool]] = field(default_factory=list)
    tempos: list[tuple[int, int]] = field(default_factory=list)
    ticks: int = 0
    faults: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class File:
    """kind: 0, 1 or 2; division: what a tick is, as the header has it, signed; tracks: in their order."""

    kind: int
    division: int
    tracks: tuple[Track, ...]


@dataclass(frozen=True)
class _Event:
    """One event: where it begins and ends in the file, and what it says.

    delta: ticks since the one before; status: its first byte, or the one that it takes over; kind: of a meta event, else 0;
    body: where its content begins; explicit: whether it has a status byte of its own; fault: what is wrong, or nothing.
    """

    start: int
    delta: int
    status: int
    kind: int
    body: int
    end: int
    explicit: bool
    fault: str = ""

    @property
    def of_channel(self) -> bool:
        return self.status < SYSEX[0]

    @property
    def ends_track(self) -> bool:
        return self.status == META and self.kind == END_OF_TRACK


def parse(content: bytes) -> File:
    """The file, in time O(bytes). Raises Damaged."""
    if not content.startswith(HEADER):
        raise Damaged("no MIDI file")
    if len(content) < 14:
        raise Damaged("cut off")
    kind, count = (int.from_bytes(content[at : at + 2], "big") for at in (8, 10))
    division = int.from_bytes(content[12:14], "big", signed=True)
    at = 8 + int.from_bytes(content[4:8], "big")
    tracks: list[Track] = []
    while len(tracks) < count:
        start, stated = at + 8, at + 8 + int.from_bytes(content[at + 4 : at + 8], "big")
        if start > len(content):
            raise Damaged("cut off")
        if content[at : at + 4] == CHUNK:
            track, at = _track_of(content, start, stated, BAR * (division if division > 0 else 1000))
            tracks.append(track)
        elif content[at : at + 4].isalnum():  # of another kind: the standard has them skipped
            at = stated
        else:
            raise Damaged("damaged")
    return File(kind, division, tuple(tracks))


def _track_of(content: bytes, start: int, stated: int, bar: int) -> tuple[Track, int]:
    """The track whose events begin at `start` and are said to end at `stated`, and where the next one begins."""
    track, after, ended = _track(content, start, min(stated, len(content)), bar)
    at_chunk = stated == len(content) or content[stated : stated + 4].isalnum()
    if not ended and stated > len(content):
        raise Damaged("cut off")
    if not ended and not at_chunk:  # said to be shorter than it is
        following = content.find(CHUNK, stated)
        stated = following if following >= 0 else len(content)
        track, _, _ = _track(content, start, stated, bar)
        track.faults.add(WRONG_SIZE)
    elif stated > len(content) or (ended and after < stated and content.startswith(CHUNK, after)):
        stated = after
        track.faults.add(WRONG_SIZE)
    return track, stated


def _track(content: bytes, at: int, limit: int, bar: int) -> tuple[Track, int, bool]:
    """The events from `at` up to `limit`, where the last one ended, and whether that was the track's end."""
    track, running, shared = Track(), 0, False  # shared: whether an event took over the status of the one before
    while at < limit:
        event = _event(content, at, limit, running)
        if event is None or not _ends_well(content, event, limit, running if shared else 0):
            track.faults.add(WRONG_LENGTH if event else NO_EVENT)
            found = _next(content, at + 1, limit, bar)
            if found is None:
                return track, limit, False
            if event and event.kind == TRACK_NAME:  # its length may be that of its letters, and not of its bytes
                _keep(track, dataclasses.replace(event, end=found), content)
            at, running = found, 0
            continue
        if event.fault:
            track.faults.add(event.fault)
        track.ticks += event.delta
        at = event.end
        if event.ends_track:
            return track, at, True
        if event.of_channel:
            running, shared = event.status, shared or not event.explicit
        _keep(track, event, content)
    return track, limit, False


def _event(content: bytes, start: int, limit: int, running: int) -> _Event | None:
    """The event that begins there, or None if there is none; a meta event of the wrong length may end beyond `limit`.

    running: the status byte that an event without one takes over; 0: none.
    """
    delta, at = _number(content, start, limit)
    if at >= limit:
        return None
    status, explicit = content[at], content[at] > 127
    if explicit:
        at += 1
    else:
        status = running
    if status in (META, *SYSEX):
        kind, at = (content[at], at + 1) if status == META and at < limit else (0, at)
        length, body = _number(content, at, limit)
        wrong = body + length > limit or (status == META and META_BYTES.get(kind, length) != length)
        return _Event(start, delta, status, kind, body, body + length, True, WRONG_LENGTH if wrong else "")
    end = at + DATA_BYTES.get(status >> 4, limit)
    if end > limit:
        return None
    high = any(byte > 127 for byte in content[at:end])
    return _Event(start, delta, status, 0, at, end, explicit, HIGH_BYTE if high else "")


def _number(content: bytes, at: int, limit: int) -> tuple[int, int]:
    """A number of seven bits a byte, and where it ends, which is behind `limit` if it does not end before."""
    value = 0
    for place in range(at, min(at + NUMBER_BYTES, limit)):
        value = value << 7 | content[place] & 127
        if content[place] < 128:
            return value, place + 1
    return 0, limit + 1


def _ends_well(content: bytes, event: _Event, limit: int, running: int) -> bool:
    """Whether an event ends where it says, as far as that shows: one that says how long it is leads astray if that is wrong.

    running: what the event after it may take over, if a track does so at all.
    """
    if event.of_channel or event.ends_track:
        return True
    if event.end > limit:
        return False
    odd = event.kind in TEXTS and WORDLESS.search(content, event.body, event.end)
    if odd and _next(content, event.body, event.end, event.end, limit) is not None:
        return False  # its last words are events
    following = _event(content, event.end, limit, 0)
    return bool(following and following.explicit and not event.fault) or _follow(content, event.end, limit, running)


def _next(content: bytes, at: int, limit: int, bar: int, track_limit: int = 0) -> int | None:
    """The first place from `at` on where events go on without a doubt, not more than a bar of ticks later, or None."""
    for place in range(at, limit):
        event = _event(content, place, track_limit or limit, 0)
        if event is None or event.fault or event.delta > bar or event.status in SYSEX:
            continue
        if _follow(content, event.end, track_limit or limit, event.status):
            return place
    return None


def _follow(content: bytes, at: int, limit: int, running: int) -> bool:
    """Whether events follow one another from here to the track's end, or so many that what is there must be events."""
    for _ in range(SURE):
        if at == limit:
            return True
        event = _event(content, at, limit, running if running < SYSEX[0] else 0)
        if event is None or event.end > limit or (event.fault and not event.explicit):
            return False
        if event.ends_track:
            return True
        running, at = event.status if event.of_channel else running, event.end
    return True


def _keep(track: Track, event: _Event, content: bytes) -> None:
    """Keep what an event says of notes, tempo and name."""
    body = content[event.body : event.end]
    if event.status >> 4 in (NOTE_OFF, NOTE_ON):
        key, velocity = (min(byte, 127) for byte in body)
        track.strikes.append((track.ticks, event.status & 15, key, event.status >> 4 == NOTE_ON and velocity > 0))
    elif event.status == META and event.kind == TEMPO and not event.fault:
        track.tempos.append((track.ticks, int.from_bytes(body, "big")))
    elif event.status == META and event.kind == TRACK_NAME and track.name is None:
        track.name = _text(body)


def _text(body: bytes) -> str:
    """Words of a file, which does not say how they are written: UTF-8 if they can be, else one byte a letter."""
    try:
        return body.decode()
    except UnicodeDecodeError:
        return body.decode("latin-1")
