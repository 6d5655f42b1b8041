"""MIDI files event by event: as mido reads those that are right, and on past what is wrong in others."""

import io
import random
from pathlib import Path
from typing import Any

import mido
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from midi_bytes import end, event, header, midi, name, note, number, off, on, put, tempo
from sampled import examples
from seqgan_cli.data.kinds import music
from seqgan_cli.data.midi import smf
from tiny import data_settings

TUNES = sorted((Path(__file__).parents[2] / "data" / "tunes").glob("*.mid"))


def pitches(content: bytes) -> list[int]:
    """Keys that are struck, in order."""
    [track] = smf.parse(content).tracks
    return [key for _, _, key, struck in track.strikes if struck]


def faults(content: bytes) -> set[str]:
    return set().union(*(track.faults for track in smf.parse(content).tracks))


# Files that are right

CHANNEL = st.integers(0, 15)
BYTE = st.integers(0, 127)
DELTA = st.sampled_from([0, 0, 1, 96, 127, 128, 20_000, 3_000_000])
WORDS = st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=90).map(lambda text: text.encode("latin-1"))
EVENTS = st.one_of(
    st.builds(lambda d, c, k, v: on(d, k, v, c), DELTA, CHANNEL, BYTE, BYTE),
    st.builds(lambda d, c, k: off(d, k, c), DELTA, CHANNEL, BYTE),
    st.builds(lambda d, c, s, a, b: event(d, s << 4 | c, a, b), DELTA, CHANNEL, st.sampled_from([0xA, 0xB, 0xE]), BYTE, BYTE),
    st.builds(lambda d, c, s, a: event(d, s << 4 | c, a), DELTA, CHANNEL, st.sampled_from([0xC, 0xD]), BYTE),
    st.builds(tempo, DELTA, st.integers(1, (1 << 24) - 1)),
    st.builds(lambda d, k, text: event(d, 0xFF, k, len(text), *text), DELTA, st.integers(1, 7), WORDS),
    st.builds(lambda d, own: event(d, 0xFF, 0x7F, len(own), *own), DELTA, st.binary(max_size=90)),
    st.builds(lambda d, text: event(d, 0xF0, len(text) + 1, *text, 0xF7), DELTA, st.lists(BYTE, max_size=9)),
    st.just(event(0, 0xFF, 0x58, 4, 3, 2, 24, 8)),
    st.just(event(5, 0xFF, 0x59, 2, 0xFD, 1)),
)


def shortened(events: list[bytes]) -> bytes:
    """The events without a status byte that the one before had."""
    content, running = b"", 0
    for one in events:
        place = next(i for i, byte in enumerate(one) if byte < 128) + 1
        status = one[place]
        content += one[:place] + one[place + 1 :] if status == running and status < 0xF0 else one
        running = status if status < 0xF0 else 0
    return content


@settings(deadline=None, max_examples=examples(200))
@given(
    tracks=st.lists(st.lists(EVENTS, max_size=25), min_size=1, max_size=3),
    running=st.booleans(),
    kind=st.integers(0, 2),
    division=st.sampled_from([96, 480, -25 << 8 | 40]),
)
def test_files_that_are_right_are_read_as_mido_reads_them(
    tracks: list[list[bytes]], running: bool, kind: int, division: int
) -> None:
    bodies = [(shortened(events) if running else b"".join(events)) + end(7) for events in tracks]
    content = midi(*bodies, kind=kind, division=division)
    found, expected = smf.parse(content), mido.MidiFile(file=io.BytesIO(content))
    assert (found.kind, found.division, len(found.tracks)) == (expected.type, division, len(expected.tracks))
    for own, theirs in zip(found.tracks, expected.tracks, strict=True):
        tick, strikes, tempos = 0, [], []
        for message in theirs:
            tick += message.time
            if message.type in ("note_on", "note_off"):
                strikes.append((tick, message.channel, message.note, message.type == "note_on" and message.velocity > 0))
            elif message.type == "set_tempo":
                tempos.append((tick, message.tempo))
        assert (own.strikes, own.tempos, own.ticks, own.faults) == (strikes, tempos, tick, set())


@pytest.mark.parametrize("path", TUNES, ids=lambda path: path.name)
def test_the_projects_tunes_are_without_fault(path: Path) -> None:
    assert faults(path.read_bytes()) == set()


@pytest.mark.parametrize(
    ("body", "expected"),
    [("Mélodie".encode(), "Mélodie"), ("Mélodie".encode("latin-1"), "Mélodie"), (b"", ""), ("旋律".encode(), "旋律")],
)
def test_names_are_utf8_or_a_byte_a_letter(body: bytes, expected: str) -> None:
    [track] = smf.parse(midi(event(0, 0xFF, 3, len(body), *body) + name("another") + note(60))).tracks
    assert track.name == expected


def test_chunks_of_another_kind_are_skipped() -> None:
    content = header(1) + b"XFIH" + (5).to_bytes(4, "big") + b"abcde" + midi(note(60))[14:]
    assert pitches(content) == [60]
    assert faults(content) == set()


def test_a_header_may_be_longer() -> None:
    content = midi(note(60))
    longer = content[:4] + (9).to_bytes(4, "big") + content[8:14] + b"abc" + content[14:]
    assert pitches(longer) == [60]


def test_time_passes_before_an_event_of_any_kind() -> None:
    """Which mido forgets for meta events that it does not know."""
    [track] = smf.parse(midi(event(50, 0xFF, 8, 1, 65) + event(7, 0xFF, 0x60, 0) + on(3, 60) + end(40))).tracks
    assert (track.strikes, track.ticks) == ([(60, 0, 60, True)], 100)


def test_a_status_is_taken_over_past_a_meta_event_where_a_track_does_so() -> None:
    content = midi(on(0, 60) + b"\x60\x3c\x00" + event(0, 0xFF, 5, 2, *b"la") + b"\x00\x3e\x40\x60\x3e\x00")
    assert pitches(content) == [60, 62]
    assert faults(content) == set()


# Files that are not

MELODY = [note(pitch) for pitch in range(50, 70)]
# An event that is wrong in itself; all that comes before and after it is read.
WRONG = {
    smf.HIGH_BYTE: [
        event(0, 0xB0, 7, 255),
        event(0, 0xB0, 200, 7),
        event(3, 0xC2, 128),
        event(0, 0xE1, 255, 255),
        event(0, 0xB0, 7, 130) + event(0, 0xB0, 10, 130),
    ],
    smf.WRONG_LENGTH: [
        event(0, 0xFF, 0x58, 2, 3, 2),
        event(0, 0xFF, 0x59, 3, 0, 0, 0),
        event(0, 0xFF, 0x51, 1, 7),
        event(0, 0xFF, 0x51, 4, 7, 7, 7, 7),
        event(0, 0xFF, 0x58, 2, 3, 2) * 3,
        event(0, 0xFF, 0x59, 1, 0, 0),  # says less than it has
        event(0, 0xFF, 0x51, 2, 7, 0x21, 0x20),
        event(0, 0xFF, 0x01, 3, *b"words"),
        event(0, 0xFF, 0x01, 6, *"Mélodie".encode()),
        event(0, 0xFF, 0x01, 7, *b"words"),  # and more
        event(0, 0xFF, 0x01, 100, *b"words"),
        b"\x00\xff\x01\xff\xff\x7f" + b"words",
        b"\x00\xff\x01\xff\xff\xff\xff\x01",
        event(0, 0xF0, 3, *b"words", 0xF7),
    ],
    smf.NO_EVENT: [event(0, 0xF5, 0xF5, 0xF5), event(0, 0xF2), b"\xff\xff\xff\xff\x7f"],
}


@pytest.mark.parametrize(("fault", "wrong"), [(fault, wrong) for fault, some in WRONG.items() for wrong in some])
@pytest.mark.parametrize("place", [0, 7, len(MELODY)])
def test_what_is_wrong_is_read_past_and_told(fault: str, wrong: bytes, place: int) -> None:
    content = midi(b"".join([*MELODY[:place], wrong, *MELODY[place:]]))
    assert pitches(content) == [*range(50, 70)]
    assert faults(content) == {fault}
    [track] = smf.parse(content).tracks
    assert track.ticks in (2000, 2003)


def test_data_above_127_in_every_note_is_read() -> None:
    content = midi(b"".join(on(0, 50 + i, 200) + off(100, 50 + i) for i in range(20)))
    assert pitches(content) == [*range(50, 70)]
    running = b"\x00\x90\x32\xc8" + b"".join(number(100) + bytes([50 + i, 0, 0, 51 + i, 200]) for i in range(19))
    assert pitches(midi(running)) == [*range(50, 70)]


def test_a_status_that_nothing_takes_over_is_read_past() -> None:
    content = midi(b"\x00\x40\x40" + b"".join(MELODY))
    assert pitches(content) == [*range(50, 70)]
    assert faults(content) == {smf.NO_EVENT}


@pytest.mark.parametrize("stated", [3, 7, 12])
def test_a_name_of_the_wrong_length_is_the_name_that_stands_there(stated: int) -> None:
    """As where letters were counted, and not bytes."""
    content = midi(event(0, 0xFF, 3, stated, *"Mélodie".encode()) + b"".join(MELODY))
    [track] = smf.parse(content).tracks
    assert (track.name, [key for _, _, key, struck in track.strikes if struck]) == ("Mélodie", [*range(50, 70)])


@pytest.mark.parametrize("stated", [0, 9, 1000, 1 << 30])
def test_a_track_of_the_wrong_length_is_read_to_its_end(stated: int) -> None:
    bodies = [b"".join(MELODY) + end(), name("second") + note(40) + end()]
    sizes = (stated, len(bodies[1]))
    content = header(2) + b"".join(b"MTrk" + s.to_bytes(4, "big") + body for s, body in zip(sizes, bodies, strict=True))
    first, second = smf.parse(content).tracks
    assert [key for _, _, key, struck in first.strikes if struck] == [*range(50, 70)]
    assert second.name == "second"
    assert first.faults == {smf.WRONG_SIZE}


def test_a_file_that_was_read_past_a_fault_is_named(tmp_path: Path) -> None:
    melody = b"".join(note(60 + i % 5) for i in range(40))
    put(tmp_path, midi(event(0, 0xB0, 7, 255) + melody), "a.mid")
    for i in range(5):
        put(tmp_path, midi(melody + event(0, 0xFF, 0x59, 1, 0)), f"b{i}.mid")
    put(tmp_path, midi(melody), "c.mid")
    documents = music.read_music(tmp_path, data_settings(step=0.5))
    assert (len(documents), documents.rejected) == (7, {})
    assert documents.notes == (
        "Read on, as players do, where a file has a data byte above 127: a.mid.",
        "Read on, as players do, where a file has a meta event of the wrong length: b0.mid, b1.mid, b2.mid and 2 more.",
    )


@pytest.mark.sampled(3)
@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "filling",
    [
        b"\x00\xff\x01\xff\xff\x7f",
        b"\x00\x90\x3c\xff",
        b"\xff",
        b"\x00\xff\x01\x83\xff\x7f",
        b"\x00\xf0\x01",
        b"\x00\xc0\x01\xf5",
        b"\x00\xff\x01\x0a\x00\xf5",
    ],
)
def test_no_file_takes_long(filling: bytes) -> None:
    smf.parse(midi(filling * (200_000 // len(filling)) + note(60)))


@settings(deadline=None, max_examples=examples(150))
@given(tune=st.sampled_from(TUNES), seed=st.integers(0, 1 << 30), flips=st.integers(1, 30), start=st.sampled_from([0, 14, 22]))
def test_flipped_bits_are_no_traceback(tmp_path_factory: Any, tune: Path, seed: int, flips: int, start: int) -> None:
    draw, content = random.Random(seed), bytearray(tune.read_bytes())
    for _ in range(flips):
        content[draw.randrange(start, len(content))] ^= 1 << draw.randrange(8)
    folder = tmp_path_factory.mktemp("flipped")
    put(folder, bytes(content), "flipped.mid")
    put(folder, tune.read_bytes(), "whole.mid")
    documents = music.read_music(folder, data_settings())
    assert len(documents) + sum(entry.count for entry in documents.rejected.values()) == 2
    assert all(1 <= int(token) <= 88 for token in documents.tokens)


@settings(deadline=None, max_examples=examples(60))
@given(place=st.integers(22, 10_000), bit=st.integers(0, 7), tune=st.sampled_from(TUNES))
def test_one_flipped_bit_in_a_track_costs_a_note_or_two_and_no_tune(place: int, bit: int, tune: Path) -> None:
    whole = tune.read_bytes()
    content = bytearray(whole)
    content[22 + (place - 22) % (len(whole) - 26)] ^= 1 << bit  # the track's events, without its end
    before, after = pitches(whole), pitches(bytes(content))
    begins = next((i for i, (a, b) in enumerate(zip(before, after, strict=False)) if a != b), min(len(before), len(after)))
    ends = next(
        (i for i, (a, b) in enumerate(zip(before[::-1], after[::-1], strict=False)) if a != b), min(len(before), len(after))
    )
    assert begins + ends >= len(before) - 12
