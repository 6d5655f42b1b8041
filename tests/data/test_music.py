"""MIDI and ABC to sequences of pitches and back, against other libraries and literal loops; and everything that is refused."""

import importlib.util
import itertools
import os
import sys
import unicodedata
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import mido
import numpy as np
import pretty_midi
import pytest
import symusic
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from midi_bytes import end, event, header, midi, name, note, number, off, on, put, tempo
from reference import pitches_of_steps
from sampled import examples
from seqgan_cli import figures
from seqgan_cli.data.documents import Collector, Documents
from seqgan_cli.data.kinds import music
from seqgan_cli.data.kinds.music import MusicSettings
from seqgan_cli.data.midi import smf
from seqgan_cli.data.midi.folk import abc_part, folk_tunes
from seqgan_cli.data.midi.melody import pitches_of
from seqgan_cli.data.midi.tracks import write_midi
from seqgan_cli.data.text import cache
from seqgan_cli.errors import SeqganError, UsageError
from tiny import data_settings

DATA = Path(__file__).parents[2] / "data"


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("SEQGAN_CACHE", str(folder))
    return folder


def rows(documents: Documents) -> list[list[int]]:
    """The documents' ids, as the tokens say."""
    numbers = [int(token) for token in documents.tokens]
    return [[numbers[i] for i in documents.ids[start:stop]] for start, stop in itertools.pairwise(documents.offsets.tolist())]


def read(path: Path, **own: Any) -> list[list[int]]:
    return rows(music.read_music(path, data_settings(**{"window": 1, **own})))


def row(folder: Path, content: bytes, **own: Any) -> list[int]:
    """What one file gives. At 100 ticks a beat of half a second, a step of 0.5 s is 100 ticks."""
    [found] = read(put(folder, content), **{"step": 0.5, **own})
    return found


def reason(folder: Path, content: bytes, **own: Any) -> str:
    """Why the file is refused."""
    with pytest.raises(SeqganError) as refused:
        row(folder, content, **own)
    message = str(refused.value)
    beginning, ending = f"{folder / 'tune.mid'} holds no tune that can be used: 1 of 1 left out: ", " (tune.mid)."
    assert message.startswith(beginning)
    assert message.endswith(ending)
    return message.removeprefix(beginning).removesuffix(ending)


# Sampling, against other libraries


def seconds(tick: int, changes: Sequence[tuple[int, int]], division: int) -> Fraction:
    """Tick by tick."""
    total, current = 0, 500_000
    at = dict(changes)
    for t in range(tick):
        current = at.get(t, current)
        total += current
    return Fraction(total, division * 1_000_000)


TEMPOS = st.tuples(st.integers(0, 300), st.sampled_from([500_000, 400_000, 461_538, 1, 1_000_003]))
# Few pitches, so that keys are struck while they sound.
NOTES = st.tuples(
    st.integers(0, 200),
    st.integers(0, 150),
    st.sampled_from([60, 60, 64, 20, 21, 108, 109]),
    st.sampled_from([0, 0, 0, 3, 9]),
    st.sampled_from(["off", "zero", "never", "off first"]),
)
TRACKS = st.tuples(st.lists(NOTES, min_size=1, max_size=9), st.lists(TEMPOS, max_size=3))


def encoded(notes: Sequence[Any], changes: Sequence[tuple[int, int]], title: str, running: bool) -> tuple[bytes, int]:
    """A track, and its length in ticks. `running`: no status byte is given twice in a row."""
    events: list[tuple[int, bytes]] = [(tick, tempo(0, microseconds)[1:]) for tick, microseconds in changes]
    for start, length, pitch, channel, release in notes:
        strike = (start, bytes([0x90 | channel, pitch, 70]))
        close = (start + length, bytes([(0x90 if release == "zero" else 0x80) | channel, pitch, 0]))
        events += {"never": [strike], "off first": [close, strike]}.get(release, [strike, close])
    content, now, status = name(title), 0, 0
    for tick, what in sorted(events, key=lambda one: one[0]):
        content += number(tick - now) + (what[1:] if running and what[0] == status else what)
        now, status = tick, what[0] if what[0] < 0xF0 else 0
    return content + end(), now


@settings(deadline=None, max_examples=examples(100), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    tracks=st.lists(TRACKS, min_size=1, max_size=3),
    chosen=st.integers(0, 2),
    division=st.sampled_from([7, 24, 96]),
    step=st.sampled_from([0.4, 0.05, 0.05, 1 / 3]),
    rests=st.sampled_from(["hold", "token"]),
    running=st.booleans(),
    sampling=st.sampled_from(["longest", "instant"]),
)
def test_sequences_agree_with_symusics_notes(
    tmp_path: Path, tracks: list[Any], chosen: int, division: int, step: float, rests: str, running: bool, sampling: str
) -> None:
    chosen %= len(tracks)
    parts = [encoded(notes, changes, f"voice {i}", running) for i, (notes, changes) in enumerate(tracks)]
    # At one tick the last change counts, in the order of the tracks.
    changes = [change for _, own in tracks for change in own]
    content = midi(*(track for track, _ in parts), division=division)

    def at(tick: int) -> Fraction:
        return seconds(tick, changes, division)

    notes = [
        (at(note.start), at(note.end), note.pitch)
        for track in symusic.Score.from_midi(content).tracks
        if track.name == f"voice {chosen}" and not track.is_drum
        for note in track.notes
    ]
    expected = pitches_of_steps(notes, Fraction(repr(step)), sampling, rests, at(parts[chosen][1]))
    how = {"step": step, "rests": rests, "sampling": sampling}
    if expected:
        for track in (str(chosen), f"VOICE {chosen}"):
            assert row(tmp_path, content, track=track, **how) == expected
    else:
        assert reason(tmp_path, content, track=str(chosen), **how).startswith(("no note", "nothing but drums"))


@settings(deadline=None, max_examples=examples(60), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    changes=st.lists(st.tuples(st.integers(0, 300), st.integers(200_000, 1_500_000)), max_size=4),
    events=st.lists(st.tuples(st.integers(0, 200), st.integers(1, 200), st.integers(21, 108)), min_size=1, max_size=8),
)
def test_sequences_agree_with_pretty_midis_seconds(
    tmp_path: Path, changes: list[tuple[int, int]], events: list[tuple[int, int, int]]
) -> None:
    """Chords of different pitches, under changing tempo, in floating point: compared where no note begins or ends."""
    file = mido.MidiFile(ticks_per_beat=96)
    file.tracks.append(mido.MidiTrack(mido.MetaMessage("set_tempo", tempo=us, time=delta) for delta, us in changes))
    struck = {pitch: (start, start + length) for start, length, pitch in events}
    moments = sorted((t, kind, pitch) for pitch, span in struck.items() for kind, t in zip(("on", "off"), span, strict=True))
    now = [0, *(t for t, _, _ in moments)]
    file.tracks.append(
        mido.MidiTrack(
            mido.Message(f"note_{kind}", note=pitch, time=t - before)
            for (t, kind, pitch), before in zip(moments, now, strict=False)
        )
    )
    path = tmp_path / "tune.mid"
    file.save(path)
    notes = [(note.start, note.end, note.pitch) for note in pretty_midi.PrettyMIDI(str(path)).instruments[0].notes]
    step = 0.05
    how = {"step": step, "rests": "token", "sampling": "instant"}
    found = read(path, **how)[0] if any(pitches_of_steps(notes, step, "instant", "token", 0)) else []
    for i, pitch in enumerate(found):
        time = i * step
        if min(abs(time - border) for start, stop, _ in notes for border in (start, stop)) > 1e-6:
            assert pitch == max((note - 20 for start, stop, note in notes if start <= time < stop), default=0)


@pytest.mark.parametrize("microseconds", [400_000, 100_000, 800_000, 333_333])
def test_a_grid_of_beats_does_not_jitter(tmp_path: Path, microseconds: int) -> None:
    """A note a beat for over two thousand beats, sampled once a beat: in floats the first miss comes within ten."""
    pitches = [40 + i % 30 for i in range(2500)]
    content = midi(tempo(0, microseconds) + b"".join(on(0, p) + off(480, p) for p in pitches), division=480)
    assert row(tmp_path, content, step=microseconds / 1e6) == [pitch - 20 for pitch in pitches]


def test_a_note_sounds_from_its_start_to_before_its_end(tmp_path: Path) -> None:
    content = midi(on(0, 60) + off(100, 60) + on(0, 62) + off(101, 62) + on(98, 64) + off(2, 64) + end(200))
    assert row(tmp_path, content, rests="token", sampling="instant") == [40, 42, 42, 44, 0, 0]


def test_the_highest_of_several_is_heard(tmp_path: Path) -> None:
    assert row(tmp_path, midi(on(0, 60) + on(0, 67) + on(100, 64) + off(100, 67) + off(100, 64) + off(100, 60))) == [
        47,
        47,
        44,
        40,
    ]


def test_a_key_struck_twice_sounds_until_it_is_released_twice(tmp_path: Path) -> None:
    content = midi(on(0, 60) + on(100, 60) + off(100, 60) + on(0, 50) + off(200, 60) + off(100, 50))
    assert row(tmp_path, content) == [40, 40, 40, 40, 30]
    # Released once: the first strike has ended, and the second is never released.
    assert row(tmp_path, midi(on(0, 60) + on(100, 60) + off(100, 60))) == [40, 40]


def test_a_note_that_is_never_released_is_none(tmp_path: Path) -> None:
    assert row(tmp_path, midi(on(0, 90) + on(0, 60) + off(200, 60) + end(300))) == [40, 40]


def test_a_file_that_counts_frames_has_no_tempo(tmp_path: Path) -> None:
    """-25 frames of 40 ticks are milliseconds; 29 stands for 30000/1001 frames a second."""
    notes = b"".join(on(0, 60 + i) + off(500, 60 + i) for i in range(6))
    assert row(tmp_path, midi(tempo(0, 9) + notes, division=-25 << 8 | 40)) == [40, 41, 42, 43, 44, 45]
    # 15000 ticks of 1001/3000000 s are a hair more than 5 s.
    content = midi(on(0, 60) + off(15_000, 60) + on(0, 62) + off(1500, 62), division=-29 << 8 | 100)
    assert row(tmp_path, content, sampling="instant") == [*[40] * 11, 42]
    assert row(tmp_path, content, step=0.05, sampling="instant")[100:102] == [40, 42]
    assert row(tmp_path, content, step=0.05)[99:102] == [40, 42, 42]


def test_tracks_of_a_file_of_type_two_keep_their_own_time(tmp_path: Path) -> None:
    content = midi(tempo(0, 1_000_000) + on(0, 50) + off(100, 50), on(0, 60) + off(200, 60), kind=2)
    assert row(tmp_path, content, track="0") == [30, 30]
    assert row(tmp_path, content, track="1") == [40, 40]


# Rests, range, tracks

REST = on(150, 60) + off(100, 60) + on(150, 62) + off(100, 62) + end(150)


def test_a_rest_holds_the_pitch_before_it(tmp_path: Path) -> None:
    assert row(tmp_path, midi(REST)) == [40, 40, 40, 42]
    assert row(tmp_path, midi(REST), sampling="instant") == [40, 40, 42]


def test_a_rest_is_a_token(tmp_path: Path) -> None:
    assert row(tmp_path, midi(REST), rests="token") == [0, 40, 40, 0, 42, 0, 0]
    assert row(tmp_path, midi(REST), rests="token", sampling="instant") == [0, 0, 40, 0, 42, 0, 0]


def test_notes_off_the_piano_are_left_out_and_counted(tmp_path: Path) -> None:
    low = midi(on(0, 20) + on(0, 21) + off(100, 20) + off(0, 21) + on(0, 109) + off(0, 109))
    put(tmp_path, low, "low.mid")
    put(tmp_path, midi(on(0, 108) + off(100, 108)), "high.mid")
    documents = music.read_music(tmp_path, data_settings(window=1, step=0.5))
    assert rows(documents) == [[88], [1]]
    assert documents.notes == ("Left out 2 notes below A0 or above C8.",)


def latin(text: str) -> bytes:
    """A track's name, one byte a letter."""
    return event(0, 0xFF, 0x03, len(text), *text.encode("latin-1"))


@pytest.mark.parametrize(
    ("wanted", "tracks", "expected"),
    [
        ("", [b"", note(60), note(62)], 40),
        ("", [note(60), name("The Melody") + note(62)], 42),
        ("", [note(60), name("LEAD vocals") + note(62), name("solo") + note(64)], 42),
        ("", [note(60), name("solo"), note(62)], 40),  # the solo has no notes
        ("", [on(0, 40, channel=9) + off(100, 40, channel=9), note(62)], 42),
        ("2", [note(60), note(62), note(64)], 44),
        ("bass ", [note(60), name("Bass") + note(50)], 30),
        ("Bass", [name("bass"), name("BASS") + note(50)], 30),
        ("7", [note(60), name("7") + note(62)], 42),
        ("Mélodie", [note(60), name("Mélodie") + note(62)], 42),
        (" MÉLODIE", [note(60), name(unicodedata.normalize("NFD", "mélodie ")) + note(62)], 42),
        (unicodedata.normalize("NFD", "Mélodie"), [note(60), latin("mélodie") + note(62)], 42),
        ("STRASSE", [note(60), name("Straße") + note(62)], 42),
    ],
)
def test_which_track_is_the_melody(tmp_path: Path, wanted: str, tracks: list[bytes], expected: int) -> None:
    assert row(tmp_path, midi(*tracks), track=wanted) == [expected]


@pytest.mark.parametrize("wanted", ["1", "2", "99", "flute", "0.0", "-1", "²", "9" * 5000])
def test_a_track_without_notes_is_refused(tmp_path: Path, wanted: str) -> None:
    assert reason(tmp_path, midi(note(60), name("empty")), track=wanted) == f"no notes in a track {wanted!r}"


# Channels

SHARED = on(0, 60) + on(0, 91, channel=2) + on(0, 40, channel=9) + off(100, 60) + off(0, 91, 2) + off(0, 40, 9)


@pytest.mark.parametrize(("channel", "expected"), [(0, 71), (1, 40), (3, 71)])
def test_a_channel_of_a_track_is_chosen(tmp_path: Path, channel: int, expected: int) -> None:
    assert row(tmp_path, midi(SHARED), channel=channel) == [expected]


def test_a_track_of_several_channels_is_told_unless_one_is_chosen(tmp_path: Path) -> None:
    put(tmp_path, midi(SHARED + note(62)), "many.mid")
    put(tmp_path, midi(note(60)), "one.mid")
    told = music.read_music(tmp_path, data_settings(window=1)).notes
    assert told == (
        "The track has notes of several channels, and all are heard (--channel N chooses one): many.mid (channels 1 and 3).",
    )
    assert music.read_music(tmp_path, data_settings(window=1, channel=1)).notes == ()


def test_a_channel_is_looked_for_in_every_track(tmp_path: Path) -> None:
    content = midi(note(60), name("solo") + note(61), on(0, 62, channel=4) + off(100, 62, channel=4))
    assert row(tmp_path, content) == [41]
    assert row(tmp_path, content, channel=5) == [42]
    assert reason(tmp_path, content, channel=6) == "no notes of channel 6"
    assert reason(tmp_path, content, channel=5, track="solo") == "no notes of channel 5 in a track 'solo'"


def test_drums_are_told_as_drums(tmp_path: Path) -> None:
    drums = on(0, 40, channel=9) + off(100, 40, channel=9)
    assert reason(tmp_path, midi(note(60), name("kit") + drums), track="kit") == (
        "nothing but drums in a track 'kit', which have no pitch"
    )
    with pytest.raises(UsageError, match=r"^data\.channel=10: that channel is the drums', which have no pitch"):
        row(tmp_path, midi(drums), channel=10)


# Bad files

GOOD = midi(b"".join(note(60 + i % 9) for i in range(40)))
DRUMS = midi(on(0, 40, channel=9) + off(100, 40, channel=9))
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


# Folders


def test_a_folder_is_read_in_order_with_the_folders_in_it(tmp_path: Path) -> None:
    put(tmp_path, midi(note(61)), "b.mid")
    put(tmp_path, midi(note(60)), "a/z.MIDI")
    put(tmp_path, midi(note(62)), "c/d/e.Mid")
    put(tmp_path, midi(note(63)), "sung.KAR")
    put(tmp_path, b"no tune", "readme.txt")
    put(tmp_path, b"no tune", ".DS_Store")
    put(tmp_path, b"no tune", "._b.mid")
    (tmp_path / "folder.mid").mkdir()
    documents = music.read_music(tmp_path, data_settings(step=0.5, window=1))
    assert rows(documents) == [[40], [41], [42], [43]]
    assert documents.tokens == ["40", "41", "42", "43"]
    assert documents.ids.dtype == np.int32
    assert documents.offsets.dtype == np.int64
    assert (documents.source, documents.rejected) == (str(tmp_path), {})
    assert documents.notes == ("Not read, being no .mid, .midi or .kar file: readme.txt.",)


def test_bad_files_of_a_folder_are_left_out_with_place_and_reason(tmp_path: Path) -> None:
    put(tmp_path, GOOD, "good.mid")
    for i in range(5):
        put(tmp_path, b"", f"sub/{i}.mid")
    put(tmp_path, midi(note(60)), "short.mid")
    (tmp_path / "link.mid").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "pipe.mid")
    documents = music.read_music(tmp_path, data_settings(step=0.5))
    assert len(documents) == 1
    assert {reason: (entry.count, entry.places) for reason, entry in documents.rejected.items()} == {
        "not readable (No such file or directory)": (1, ["link.mid"]),
        "no ordinary file": (1, ["pipe.mid"]),
        "shorter than 32 steps of 0.5 s": (1, ["short.mid"]),
        "empty": (5, ["sub/0.mid", "sub/1.mid", "sub/2.mid"]),
    }


def test_strict_stops_at_the_first_bad_file(tmp_path: Path) -> None:
    put(tmp_path, GOOD, "a.mid")
    put(tmp_path, GOOD[:-9], "sub/b.mid")
    with pytest.raises(SeqganError, match=r", sub/b\.mid: cut off\. Leave --strict out to go on without it\.$"):
        read(tmp_path, strict=True)
    assert len(read(tmp_path / "a.mid", strict=True)) == 1


def test_nothing_usable_names_the_most_frequent_reason(tmp_path: Path) -> None:
    for i in range(3):
        put(tmp_path, b"", f"{i}.mid")
    put(tmp_path, midi(note(60)), "short.mid")
    with pytest.raises(SeqganError) as refused:
        read(tmp_path, window=3)
    assert str(refused.value) == f"{tmp_path} holds no tune that can be used: 3 of 4 left out: empty (0.mid)."


def test_a_folder_without_music_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SeqganError, match=r"is empty\.$"):
        read(tmp_path)
    put(tmp_path, b"", "a.txt")
    put(tmp_path, b"", "sub/b.mp3")
    with pytest.raises(SeqganError, match=r"holds no \.mid, \.midi or \.kar file, only 2 others\.$"):
        read(tmp_path)


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SeqganError, match=r"^Cannot read .*none: No such file or directory\.$"):
        read(tmp_path / "none")
    with pytest.raises(SeqganError, match=r"^Cannot read .*: File name too long\.$"):
        read(tmp_path / ("x" * 300))
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SeqganError, match="is neither a file nor a folder"):
        read(tmp_path / "pipe")


def test_a_folder_that_cannot_be_read_is_left_out_like_a_bad_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, GOOD)
    put(tmp_path, GOOD, "locked/b.mid")
    really = os.scandir

    def scandir(path: str) -> Any:
        if str(path).endswith("locked"):
            raise PermissionError(13, "Permission denied", str(path))
        return really(path)

    monkeypatch.setattr(os, "scandir", scandir)
    documents = music.read_music(tmp_path, data_settings(step=0.5))
    assert len(documents) == 1
    assert documents.rejected["a folder that cannot be read"].places == ["locked"]


def test_a_name_that_is_no_utf8_can_be_printed(tmp_path: Path) -> None:
    put(tmp_path, GOOD, "good.mid")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/bad\xff.mid")).write_bytes(b"")
    documents = music.read_music(tmp_path, data_settings(step=0.5))
    assert documents.rejected["empty"].places == ["bad�.mid"]


@pytest.mark.parametrize("step", [0.0, 0.0009, 61.0, 1e300, float("inf"), float("nan"), -1.0])
def test_a_step_that_is_no_use_is_refused(tmp_path: Path, step: float) -> None:
    with pytest.raises(UsageError, match=r"data\.step=.*: must be from 0\.001 to 60 seconds"):
        read(put(tmp_path, GOOD), step=step)
    with pytest.raises(UsageError, match=r"data\.step"):
        write_midi(np.array([1]), step, tmp_path / "x.mid")


def test_without_mido_tunes_are_read_and_none_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mido", None)
    assert len(read(put(tmp_path, GOOD))) == 1
    with pytest.raises(SeqganError, match=r"^Writing MIDI needs mido: pip install 'seqgan-cli\[music\]'\.$"):
        write_midi(np.array([1, 2]), 0.4, tmp_path / "x.mid")


# The cache


@pytest.fixture
def big(tmp_path: Path) -> Path:
    """A folder large enough to be kept, with something to tell of."""
    for i in range(music.CACHED_FROM):
        put(tmp_path, midi(b"".join(note(20 + (i * j + 1) % 60) for j in range(40))), f"tunes/{i}.mid")
    put(tmp_path, b"", "tunes/empty.mid")
    return tmp_path / "tunes"


def assert_same(a: Documents, b: Documents) -> None:
    assert (a.source, a.tokens, a.rejected, a.notes) == (b.source, b.tokens, b.rejected, b.notes)
    for own, other in ((a.ids, b.ids), (a.offsets, b.offsets)):
        assert own.dtype == other.dtype
        assert own.tolist() == other.tolist()


def no_reading(*_: Any) -> None:
    raise AssertionError("read again")


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


# The folk tunes

ABC = """X: 1
T: Every rule of the reader
M: 4/4
L: 1/8
Q: 1/4=60
K: G
F2 ^c2 c2 z2 | c2 {a}(3ddd d>e |: [Bdg]2 B4 Q: 1/4=120
A4 :| x8 |
"""


@pytest.fixture
def folk(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Tunes to fill, which stand for music21's."""
    pytest.importorskip("music21")
    tunes: dict[str, str] = {}
    monkeypatch.setattr(music, "folk_tunes", lambda: tunes)
    return tunes


def test_an_abc_tune_is_sampled_by_key_accidental_length_and_tempo(folk: dict[str, str]) -> None:
    folk["a tune"] = ABC
    [found] = rows(music.read_folk(data_settings(step=0.25, rests="token", window=2)))
    f, c_sharp, c, d, e, g, b, a = 46, 53, 52, 54, 56, 59, 51, 49
    bar1 = [f] * 4 + [c_sharp] * 8 + [0] * 4
    # A grace note takes no time; three in the time of two, then a dotted pair.
    bar2 = [c] * 4 + [d] * 4 + [d] * 3 + [e]
    bar3 = [g] * 4 + [b] * 8 + [a] * 4
    assert found == bar1 + bar2 + bar3
    assert rows(music.read_folk(data_settings(step=0.25, window=2)))[0] == [pitch or c_sharp for pitch in found]


def test_without_a_tempo_a_quarter_note_is_half_a_second(folk: dict[str, str]) -> None:
    folk["a"] = "X:1\nM:4/4\nL:1/4\nK:C\nCDEF|\n"
    folk["b"] = 'X:1\nM:4/4\nL:1/4\nQ:"by heart"=x\nK:C\nCDEF|\n'
    assert rows(music.read_folk(data_settings(step=0.5, window=2))) == [[40, 42, 44, 45]] * 2


def test_of_several_voices_the_first_is_read(folk: dict[str, str]) -> None:
    folk["a"] = "X:1\nM:4/4\nL:1/4\nK:C\nV:1\nCDEF|\nV:2\nC,D,E,F,|\nV:1\nGABc|\n"
    assert rows(music.read_folk(data_settings(step=0.5, window=2))) == [[40, 42, 44, 45, 47, 49, 51, 52]]


def test_bad_abc_is_refused_with_the_reason(folk: dict[str, str]) -> None:
    start = "X:1\nM:4/4\nL:1/4\nK:C\n"
    folk.update(good=start + "CDEF|\n", none="", words=start + "w:la la\n", zero=start + "C/0\n", chord=start + "[CEG\n")
    folk.update(long=start + "C99999\n", short=start + "C\n", lengthless="X:1\nK:C\nCDEF|\n")
    documents = music.read_folk(data_settings(step=0.5, window=2))
    assert rows(documents) == [[40, 42, 44, 45]]
    assert {place: reason for reason, entry in documents.rejected.items() for place in entry.places} == {
        "none": "no notes in the first voice",
        "words": "no notes in the first voice",
        "zero": "damaged",
        "chord": "damaged",
        "long": "longer than 60 minutes",
        "short": "shorter than 2 steps of 0.5 s",
        "lengthless": "damaged",
    }
    with pytest.raises(SeqganError, match=r"^folk, none: no notes"):
        folk.pop("good")
        music.read_folk(data_settings(step=0.5, window=2, strict=True))


def test_progress_is_reported_unless_the_cache_knows(folk: dict[str, str]) -> None:
    folk.update({str(i): f"X:{i}\n" + ABC[5:] for i in range(music.CACHED_FROM)})
    told: list[tuple[int, int]] = []
    first = music.read_folk(data_settings(window=2), lambda done, total: told.append((done, total)))
    assert told == [(i + 1, len(folk)) for i in range(len(folk))]
    assert_same(music.read_folk(data_settings(window=2), no_reading), first)


def test_music21s_tunes_are_all_there_and_sound_as_its_own_scores_do() -> None:
    pytest.importorskip("music21")
    from music21 import abcFormat

    tunes = folk_tunes()
    assert len(tunes) == 1059 + 1180 + 2009
    step = Fraction(1, 10)
    for place in list(tunes)[3::400]:
        if '">"' in tunes[place]:
            continue  # music21's scores leave out notes with an accent
        handler = abcFormat.ABCHandler(abcVersion=(2, 1, 0))
        handler.process(tunes[place])
        score = abcFormat.translate.abcToStreamScore(handler).flatten()
        marks = score.getElementsByClass("MetronomeMark")
        quarter = Fraction(marks[0].secondsPerQuarter() if marks else 0.5).limit_denominator(10_000)
        notes = [
            (exact(n.offset) * quarter, exact(n.offset + n.quarterLength) * quarter, max(pitch.midi for pitch in n.pitches))
            for n in score.notes
            if not n.duration.isGrace and "Harmony" not in n.classes
        ]
        for sampling in ("longest", "instant"):
            found, _ = pitches_of(abc_part(tunes[place], step), MusicSettings(window=1, sampling=sampling))
            assert found.tolist() == pitches_of_steps(notes, step, sampling, "hold", 0), place


def exact(length: float | Fraction) -> Fraction:
    return Fraction(length).limit_denominator(1000)


def test_without_music21_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(SeqganError, match=r"^The folk tunes need music21: pip install 'seqgan-cli\[folk\]'\.$"):
        music.read_folk(data_settings())


# Windows


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
