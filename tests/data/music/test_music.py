"""MIDI to sequences of pitches: against other libraries, and which of the notes are heard."""

import unicodedata
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import mido
import pretty_midi
import pytest
import symusic
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from midi_bytes import end, event, midi, name, note, number, off, on, put, tempo
from music_read import read, reason, row, rows
from reference import pitches_of_steps
from sampled import examples
from seqgan_cli.data.kinds import music
from seqgan_cli.errors import UsageError
from tiny import data_settings


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
