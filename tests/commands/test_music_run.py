"""A run of music from end to end: samples as MIDI and pictures, scores, and what is refused."""

import json
import shutil
from pathlib import Path

import mido
import numpy as np
import pytest

from midi_bytes import event, midi, note, off, on, put
from seqgan_cli.config.resolution import resolve
from seqgan_cli.data.kinds.music import read_music
from seqgan_cli.errors import UsageError
from seqgan_cli.runs.run import Run
from seqgan_cli.studies.experiments.plan import claim
from tiny import data_settings

TUNES = Path(__file__).parents[2] / "data" / "tunes"


def ids(seqgan, run, *options):
    return [[*map(int, line.split())] for line in seqgan("sample", "--format", "ids", *options, "--run", run).out.splitlines()]


def test_ids_are_the_keys_of_a_piano_and_windows_fill_the_sequence(seqgan, tunes):
    rows = ids(seqgan, tunes.path, "-n", 20)
    assert {len(row) for row in rows} == {16}
    assert all(0 <= pitch <= 88 for row in rows for pitch in row)
    assert not (tunes.path / "vocabulary.txt").exists()
    assert "nearest-window MSE ↓" in tunes.out


def test_midi_files_hold_the_same_samples(seqgan, tunes, tmp_path):
    done = seqgan("sample", "-n", 12, "--seed", 3, "--format", "midi", "-o", tmp_path / "midi", "--run", tunes.path)
    assert (done.code, done.out) == (0, "")
    assert sorted(path.name for path in (tmp_path / "midi").iterdir()) == [f"{i:02d}.mid" for i in range(1, 13)]
    documents = read_music(tmp_path / "midi", data_settings(rests="token", window=16))
    found = [[int(documents.tokens[i]) for i in row] for row in np.split(documents.ids, documents.offsets[1:-1])]
    assert found == ids(seqgan, tunes.path, "-n", 12, "--seed", 3)
    assert mido.MidiFile(tmp_path / "midi" / "01.mid").length == pytest.approx(16 * 0.4)


def test_midi_files_can_be_scored(seqgan, tunes, tmp_path):
    options = ["-n", 12, "--run", tunes.path]
    assert seqgan("sample", "--format", "midi", "-o", tmp_path / "midi", *options).code == 0
    (tmp_path / "raw.txt").write_text(seqgan("sample", "--format", "raw", *options).out)
    found = []
    for hypotheses in (tmp_path / "midi", tmp_path / "raw.txt"):
        done = seqgan("eval-bleu", "--hypotheses", hypotheses, "--json", "--run", tunes.path)
        assert done.code == 0, done.err
        found.append(json.loads(done.out)["bleu"])
    assert found[1].keys() == {"BLEU-2", "BLEU-3", "BLEU-4", "BLEU-5"}
    assert all(0 <= score <= 1 for scores in found for score in scores.values())


def test_a_picture_of_samples(seqgan, tunes, tmp_path):
    path = tmp_path / "roll.png"
    assert seqgan("sample", "-n", 3, "--format", "pianoroll", "-o", path, "--run", tunes.path).code == 0
    assert path.read_bytes().startswith(b"\x89PNG")


@pytest.mark.whole
def test_a_report_draws_samples_of_music(seqgan, tunes, text, tmp_path):
    for made, drawn in ((tunes, True), (text, False)):
        page = tmp_path / "page.html"
        assert seqgan("report", "-o", page, "--samples", 64, "-q", "--run", made.path).code == 0
        assert ("Samples as piano rolls" in page.read_text(encoding="utf-8")) == drawn


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--format", "midi"], "midi is not written to stdout: name a directory with --output."),
        (["--format", "pianoroll"], "pianoroll is not written to stdout: name a .png file with --output."),
        (["--format", "pianoroll", "-o", "roll.pdf"], "roll.pdf: name a .png file."),
        (["--format", "pianoroll", "-o", "roll.png", "-n", "33"], "a picture holds 32 sequences at most."),
        (["--format", "midi", "-o", "full"], "full is no empty directory: name a new one."),
        (["--format", "midi", "-o", "full/song"], "full/song is no empty directory: name a new one."),
    ],
)
def test_places_for_music_that_are_refused(seqgan, tunes, refused, tmp_path, monkeypatch, contents, options, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "song").write_text("mine")
    refused(seqgan("sample", *options, "--run", tunes.path), 2, words, usage=True)
    assert contents(tmp_path) == {"full/song": b"mine"}


def without_sampling(path):
    """A record as of before the setting was: written by hand, in the format without a checksum."""
    record = json.loads(path.read_text())
    for name in ("data.sampling", "data.channel"):
        del record["settings"][name]
    del record["checksum"]
    path.write_text(json.dumps({**record, "format": 1}))


def test_a_run_of_before_goes_on_and_keeps_the_sampling_that_there_was(seqgan, tunes, refused, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(tunes.path, run)
    without_sampling(run / "config.json")
    values = Run(run).config().values
    assert (values["data.sampling"], values["data.channel"]) == ("instant", 0)
    before = Run(run).fingerprint
    done = seqgan("pretrain-g", "--data", TUNES, "--set", "pretrain-g.epochs=1", "--run", run)
    assert done.code == 0, done.err
    assert Run(run).fingerprint == before
    assert Run(run).config().values["data.sampling"] == "instant"
    done = seqgan("pretrain-g", "--data", TUNES, "--set", "data.sampling=longest", "--run", run)
    assert (done.code, done.out) == (2, "")
    assert f"data.sampling is instant in {run} and cannot become longest" in done.err


@pytest.mark.parametrize(("kind", "shut"), [("music", True), ("text", False)])
def test_an_experiment_of_before_goes_on_with_the_sampling_that_there_was(tmp_path, kind, shut):
    """Where no tunes are read it is no matter."""
    asked = {"data.kind": kind}
    config, instant = (
        resolve({**asked, **more}, dict.fromkeys([*asked, *more], "option"), None, "paper")
        for more in ({}, {"data.sampling": "instant"})
    )
    claim(tmp_path, config, "paper", begin=True)
    (tmp_path / "seed-0").mkdir()
    path = tmp_path / "experiment.json"
    record = json.loads(path.read_text())
    del record["settings"]["data.sampling"]
    path.write_text(json.dumps(record))
    if shut:
        claim(tmp_path, instant, "paper", begin=True)
        with pytest.raises(UsageError, match=r"data\.sampling = instant, and this command asks for longest.*Ask for the same"):
            claim(tmp_path, config, "paper", begin=True)
    else:
        claim(tmp_path, config, "paper", begin=True)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--channel", "17"], "must be at most 16."),
        (["--sampling", "first"], "'first' is not one of 'longest', 'instant'."),
    ],
)
def test_what_cannot_be_chosen_of_music_is_refused(seqgan, refused, options, words):
    refused(seqgan("corpus", TUNES, *options), 2, words, usage=True)


def test_the_drums_channel_is_refused(seqgan, refused):
    done = seqgan("corpus", TUNES, "--channel", 10)
    refused(done, 2, "data.channel=10: that channel is the drums', which have no pitch: choose another.")


def test_the_summary_tells_of_channels_faults_and_other_files(seqgan, tmp_path):
    melody = b"".join(note(60 + i % 7) for i in range(80))
    put(tmp_path, midi(event(0, 0xB0, 7, 200) + melody), "a.kar")
    put(tmp_path, midi(melody + on(0, 72, channel=4) + off(50, 72, 4)), "b.mid")
    put(tmp_path, b"words", "notes.txt")
    done = seqgan("corpus", tmp_path, "--validation", 0)
    assert done.code == 0, done.err
    for words in (
        "Read on, as players do, where a file has a data byte above 127: a.kar.",
        "The track has notes of several channels, and all are heard (--channel N chooses one): b.mid (channels 1 and 5).",
        "Not read, being no .mid, .midi or .kar file: notes.txt.",
    ):
        assert words in done.out


def test_text_is_no_music(seqgan, text, refused, tmp_path):
    done = seqgan("sample", "--format", "midi", "-o", tmp_path / "midi", "--run", text.path)
    refused(done, 1, f"{text.path} is not of music, so it has no --format midi: use text, raw, ids or jsonl.")
    assert not (tmp_path / "midi").exists()
