"""`seqgan eval-quality`: what it reports, against literal counts over the sequences it says it scores."""

import json
import math
import random
import statistics
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

import reference
from seqgan_cli.commands.eval_quality import TITLES
from seqgan_cli.randomness import key
from seqgan_cli.runs.generators import generator_checkpoint, read_generator
from seqgan_cli.runs.run import Run
from seqgan_cli.sampling.choices import Sampling
from seqgan_cli.sampling.sequences import sample

COMMON = list(TITLES)[:8]
NUM = 60


def scored(seqgan, run, *arguments):
    outcome = seqgan("eval-quality", "-q", "--json", "-n", NUM, "--run", run, *arguments)
    assert outcome.code == 0, outcome.err
    assert outcome.err == ""
    assert outcome.out.count("\n") == 1
    return json.loads(outcome.out)


def samples_of(path, which, *purpose, temperature=1.0):
    """The samples that the command draws, and the corpus."""
    run = Run(path)
    corpus = run.corpus()
    generator = read_generator(run, generator_checkpoint(run, which, lambda message: None), corpus)
    return sample(generator, NUM, key(0, "eval-quality", *purpose), Sampling(temperature)), corpus


def cut(vocabulary, tokens):
    """Sequences without what follows their end, −1 for `<unk>`, which matches nothing."""
    unknown = 2 if vocabulary.has_special_tokens else None
    return [[-1 if i == unknown else int(i) for i in row[: vocabulary.length(row)]] for row in tokens]


def check_mean(estimate, values, quantile=1.96):
    assert estimate["count"] == len(values)
    assert estimate["mean"] == pytest.approx(statistics.fmean(values))
    half = quantile * statistics.stdev(values) / math.sqrt(len(values))
    assert estimate["high"] - estimate["mean"] == pytest.approx(half, abs=1e-9)
    assert estimate["mean"] - estimate["low"] == pytest.approx(half, abs=1e-9)


def test_every_figure_is_the_literal_one(seqgan, text):
    found = scored(seqgan, text.path)
    measures = found["measures"]
    assert found["from"] == "adversarial, round 2"
    assert list(measures) == COMMON
    drawn, corpus = samples_of(text.path, "latest")
    mle, _ = samples_of(text.path, "pretrain-g", "MLE")
    training = cut(corpus.vocabulary, corpus.train)
    equal = found["compared"]
    assert equal == min(NUM, len(corpus.test)) == found["heldout"] < NUM
    runs = {}
    for column, tokens in (("samples", drawn), ("MLE", mle), ("data", corpus.test)):
        sequences = cut(corpus.vocabulary, tokens)
        for n in (1, 2, 3, 4):
            assert measures[f"distinct_{n}"][column] == pytest.approx(reference.distinct_n(sequences[:equal], n))
        runs[column] = [reference.longest_copied_run(sequence, training) for sequence in sequences]
        shares = [run / len(s) for run, s in zip(runs[column], sequences, strict=True) if s]
        documents = column == "data"  # one a line, whose interval has Student's t
        check_mean(measures["copied_run"][column], runs[column], stats.t.ppf(0.975, equal - 1) if documents else 1.96)
        check_mean(measures["copied_run_share"][column], shares, stats.t.ppf(0.975, len(shares) - 1) if documents else 1.96)
        assert measures["copied_run_largest"][column] == max(runs[column][:equal])
        whole = statistics.fmean(row.tolist() in corpus.train.tolist() for row in tokens)
        assert measures["copied_share"][column]["mean"] == pytest.approx(whole)
    p = stats.ttest_ind(runs["samples"], runs["MLE"], equal_var=False).pvalue
    assert measures["copied_run"]["p"] == pytest.approx(p, nan_ok=True)
    assert measures["distinct_2"]["p"] is None


def test_the_mle_generator_stands_beside_an_adversarial_one_only(seqgan, text):
    measures = scored(seqgan, text.path, "--from", "pretrain-g")["measures"]
    for measure in measures.values():
        assert measure.keys() == {"samples", "data", "p"}
        assert measure["p"] is None


def test_the_same_seed_gives_the_same_scores(seqgan, text):
    first, again, other = (scored(seqgan, text.path, "--seed", seed)["measures"] for seed in (1, 1, 2))
    assert first == again
    assert [first[name]["data"] for name in COMMON] == [other[name]["data"] for name in COMMON]
    assert first["distinct_1"]["samples"] != other["distinct_1"]["samples"]


def test_samples_are_of_the_temperature(seqgan, text):
    found = scored(seqgan, text.path, "--temperature", 0.5, "--from", "pretrain-g")
    drawn, corpus = samples_of(text.path, "pretrain-g", temperature=0.5)
    expected = reference.distinct_n(cut(corpus.vocabulary, drawn)[: found["compared"]], 1)
    assert found["measures"]["distinct_1"]["samples"] == pytest.approx(expected)
    assert found["temperature"] == 0.5


def test_table(seqgan, text):
    outcome = seqgan("eval-quality", "-n", NUM, "--run", text.path)
    assert outcome.code == 0
    lines = [line.strip() for line in outcome.out.splitlines() if line.strip()]
    assert lines[0] == f"Quality of adversarial, round 2: {NUM} samples, temperature 1"
    assert lines[1].split() == ["measure", "samples", "MLE", "data", "p"]
    assert [name for name in TITLES if any(line.startswith(TITLES[name] + "  ") for line in lines)] == COMMON
    assert "p, samples against MLE" in outcome.out
    alone = seqgan("eval-quality", "-n", NUM, "--run", text.path, "--from", "pretrain-g").out
    assert "MLE" not in alone


# Embeddings.


@pytest.fixture
def embeddings(text, tmp_path) -> Path:
    """Vectors for most of the run's tokens, and for some that it has not."""
    draw = random.Random(0)
    words = (text.path / "vocabulary.txt").read_text().splitlines()[3:-5]
    lines = [f"{word} " + " ".join(f"{draw.gauss(0, 1):.3f}" for _ in range(4)) for word in [*words, "zebra", "yacht"]]
    path = tmp_path / "vectors.txt"
    path.write_text(f"{len(lines)} 4\n" + "\n".join(lines) + "\n")
    return path


def test_frechet_distance_is_that_of_mean_vectors(seqgan, text, embeddings):
    found = scored(seqgan, text.path, "--embeddings", embeddings)
    vectors = {line.split()[0]: np.array(line.split()[1:], float) for line in embeddings.read_text().splitlines()[1:]}
    drawn, corpus = samples_of(text.path, "latest")

    def means(tokens):
        kept = [[vectors[token] for token in corpus.vocabulary.decode(row) if token in vectors] for row in tokens]
        return np.array([np.mean(one, axis=0) for one in kept if one]), sum(map(len, kept)), sum(bool(one) for one in kept)

    heldout = means(corpus.test)[0]
    own, covered, sentences = means(drawn)
    measures = found["measures"]
    assert measures["frechet_distance"]["samples"] == pytest.approx(reference.frechet_distance(own, heldout))
    assert measures["embedded_tokens"]["samples"] == pytest.approx(covered / corpus.vocabulary.length(drawn).sum())
    assert measures["embedded_sequences"]["samples"] == pytest.approx(sentences / NUM)
    spread = means(corpus.train_sample(NUM))[0]
    assert measures["frechet_distance"]["data"] == pytest.approx(reference.frechet_distance(spread, heldout))
    assert found["training"] == NUM
    table = seqgan("eval-quality", "-n", NUM, "--run", text.path, "--embeddings", embeddings).out
    assert "Fréchet distance ↓" in table
    assert "from 60 training sequences" in table


def test_bad_embeddings_are_refused(seqgan, refused, text, tmp_path):
    path = tmp_path / "vectors.txt"
    arguments = ["eval-quality", "-q", "-n", 2, "--run", text.path, "--embeddings", path]
    refused(seqgan(*arguments), 1, f"Cannot read {path}: No such file or directory.")
    path.write_text("zebra 1 2\nyacht 3 4\n")
    first = (text.path / "vocabulary.txt").read_text().splitlines()
    refused(
        seqgan(*arguments),
        1,
        f"{path} has a vector for none of the run's {len(first) - 3} tokens, such as {first[3]!r}: is it of the same language, "
        "and cut into the same kind of tokens?",
    )
    path.write_text(f"{first[3]} 1 2\nzebra 1\n")
    outcome = seqgan(*arguments)
    refused(outcome, 1, outcome.err.removeprefix("Error: ").rstrip("\n"))
    assert f"{path}, line 2: a token and 2 numbers are needed" in outcome.err


def test_too_few_sequences_with_a_vector(seqgan, refused, text, tmp_path):
    """A word of one training line and of no other: nothing held out has a vector."""
    path = tmp_path / "vectors.txt"
    corpus = Run(text.path).corpus()
    absent = set(range(3, corpus.vocabulary.size)) - set(np.unique(corpus.test).tolist())
    path.write_text(f"{corpus.vocabulary.tokens[min(absent)]} 1 2\n")
    outcome = seqgan("eval-quality", "-q", "--run", text.path, "--embeddings", path)
    refused(outcome, 1, outcome.err.removeprefix("Error: ").rstrip("\n"))
    assert f"{path} has vectors for tokens of" in outcome.err
    assert "and 0 held-out sequences: two or more of each are needed." in outcome.err


# Music.


@pytest.fixture(scope="module")
def music(tiny_config, tmp_path_factory) -> Path:
    """A run on pitches, hardly trained."""
    from seqgan_cli.cli import main

    folder = tmp_path_factory.mktemp("music")
    draw = random.Random(0)
    tunes = [[str(40 + draw.choice((0, 2, 4, 5, 7, 9, 11, 12))) for _ in range(10)] for _ in range(40)]
    (folder / "tunes.txt").write_text("".join(" ".join(tune) + "\n" for tune in tunes))
    arguments = ["pretrain-g", "-q", "--data", folder / "tunes.txt", "--kind", "music", "--window", 5, "--epochs", 1]
    with pytest.raises(SystemExit) as ended:
        main([*map(str, arguments), "--config", str(tiny_config), "--run", str(folder / "run")])
    assert not ended.value.code
    return folder / "run"


def test_music_has_two_named_errors(seqgan, music):
    found = scored(seqgan, music)
    assert list(found["measures"]) == [*COMMON, "nearest_window_mse", "pitch_histogram_mse"]
    drawn, corpus = samples_of(music, "latest")
    heldout = corpus.test.tolist()
    for column, tokens in (("samples", drawn), ("data", corpus.train_sample(NUM))):
        nearest = [reference.nearest_window_mse(window, heldout) for window in tokens.tolist()]
        check_mean(found["measures"]["nearest_window_mse"][column], nearest)
        tokens = tokens[: found["training"]]  # as many in both columns
        mse = found["measures"]["pitch_histogram_mse"][column]
        assert mse["mean"] == pytest.approx(reference.pitch_histogram_mse(tokens.tolist(), heldout))
        assert mse["low"] < mse["mean"] < mse["high"]
    table = seqgan("eval-quality", "-n", NUM, "--run", music).out
    assert "nearest-window MSE ↓, semitones²" in table
    assert "pitch-histogram MSE ↓, (percentage points)²" in table
    assert "Neither is known to be the paper's MSE" in table


# Refusals.


def test_a_run_without_a_generator(seqgan, refused, tmp_path):
    outcome = seqgan("eval-quality", "--run", tmp_path / "none")
    none = tmp_path / "none"
    refused(outcome, 1, f"There is no run in {none}: `seqgan pretrain-g --run {none}` begins one.")


@pytest.mark.parametrize("arguments", [["-n", 1], ["--temperature", "nan"], ["--temperature", 0.0001]])
def test_impossible_options(seqgan, refused, arguments):
    refused(seqgan("eval-quality", *arguments), 2, arguments[0], usage=True)
