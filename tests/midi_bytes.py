"""MIDI files byte by byte, for tests of what reads them."""

from pathlib import Path


def number(value: int) -> bytes:
    """A number as MIDI writes it: seven bits a byte, the last below 0x80."""
    parts = [value & 127]
    while value := value >> 7:
        parts.append(value & 127 | 128)
    return bytes(reversed(parts))


def event(delta: int, *content: int) -> bytes:
    return number(delta) + bytes(content)


def on(delta: int, pitch: int, velocity: int = 64, channel: int = 0) -> bytes:
    return event(delta, 0x90 | channel, pitch, velocity)


def off(delta: int, pitch: int, channel: int = 0) -> bytes:
    return event(delta, 0x80 | channel, pitch, 0)


def tempo(delta: int, microseconds: int) -> bytes:
    return event(delta, 0xFF, 0x51, 3, *microseconds.to_bytes(3, "big"))


def name(text: str) -> bytes:
    return event(0, 0xFF, 0x03, len(text.encode()), *text.encode())


def end(delta: int = 0) -> bytes:
    return event(delta, 0xFF, 0x2F, 0)


def header(tracks: int, division: int = 100, kind: int = 1) -> bytes:
    return b"MThd" + (6).to_bytes(4, "big") + b"".join(x.to_bytes(2, "big") for x in (kind, tracks, division & 0xFFFF))


def midi(*tracks: bytes, division: int = 100, kind: int = 1) -> bytes:
    """A file; a track without an end gets one."""
    whole = [track if track.endswith(end()[1:]) else track + end() for track in tracks]
    return header(len(tracks), division, kind) + b"".join(b"MTrk" + len(t).to_bytes(4, "big") + t for t in whole)


def put(folder: Path, content: bytes, file: str = "tune.mid") -> Path:
    path = folder / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def note(pitch: int) -> bytes:
    return on(0, pitch) + off(100, pitch)
