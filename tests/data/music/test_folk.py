"""ABC to sequences of pitches, and the tunes of music21."""

import importlib.util
from fractions import Fraction

import pytest

from music_read import assert_same, no_reading, rows
from reference import pitches_of_steps
from seqgan_cli.data.kinds import music
from seqgan_cli.data.kinds.music import MusicSettings
from seqgan_cli.data.midi.folk import abc_part, folk_tunes
from seqgan_cli.data.midi.melody import pitches_of
from seqgan_cli.errors import SeqganError
from tiny import data_settings

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
