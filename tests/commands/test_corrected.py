"""`--correct` of `sample`, `score` and what evaluates: what the discriminator corrects, in samples and in scores."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqgan_cli.console import Console
from seqgan_cli.evaluation.correction import Correction
from seqgan_cli.inference.corrected import opened_correction
from seqgan_cli.jobs.trained import trained_of
from seqgan_cli.randomness import key
from seqgan_cli.runs.run import Run
from seqgan_cli.sampling.choices import PLAIN
from seqgan_cli.sampling.continuation import continuations
from seqgan_cli.sampling.sequences import samples

Call = Callable[..., Any]


@pytest.fixture
def informed(seqgan: Call, synthetic: Any, once: Call) -> Path:
    """A run whose discriminator knows something of its untaught generator, which went through no rounds. Read only."""

    def build(folder: Path) -> None:
        shutil.copytree(synthetic.path, folder / "run")
        hardly = ("--epochs", 1, "--set", "pretrain-g.learning-rate=0.0001")
        done = seqgan("pretrain-g", "--run", folder / "run", "--overwrite", *hardly)
        assert done.code == 0, done.err
        steps = ("--d-steps", 6, "--set", "pretrain-d.learning-rate=0.05", "--set", "pretrain-d.k=2")
        done = seqgan("pretrain-d", "--run", folder / "run", *steps)
        assert done.code == 0, done.err

    return once("informed", build) / "run"


def ids_of(outcome: Any) -> list[list[int]]:
    assert outcome.code == 0, outcome.err
    return [[*map(int, line.split())] for line in outcome.out.splitlines()]


def correction_in(path: Path, which: str = "latest") -> tuple[Any, Correction]:
    trained = trained_of(Run(path), which, Console(quiet=True))
    return trained, opened_correction(trained, which, PLAIN, Console(quiet=True))


def first_kept(trained: Any, correction: Correction, batches: Any, draws: np.ndarray, num: int) -> list[list[int]]:
    """By a loop: each draw is kept with its probability."""
    uniform, kept = np.random.default_rng(draws.view(np.uint32)), []
    for batch in batches:
        chances = np.exp(correction.log_weights(batch) - correction.a * correction.max_logit)
        for ids, chance, u in zip(batch.tolist(), chances, uniform.random(len(batch)), strict=True):
            if u < chance:
                kept.append(ids)
            if len(kept) == num:
                return kept
    raise AssertionError


def test_samples_are_those_that_the_correction_keeps(seqgan: Call, informed: Path) -> None:
    outcome = seqgan("sample", "--correct", "-n", 40, "--format", "ids", "--seed", 3, "--run", informed)
    trained, correction = correction_in(informed)
    drawing = key(3, "sample")
    expected = first_kept(trained, correction, samples(trained.generator, drawing), drawing, 40)
    assert ids_of(outcome) == expected
    assert correction.a > 0.05
    assert "Discriminator of pretrain-d, d-step" in outcome.err
    assert "nats a sequence" in outcome.err
    plain = seqgan("sample", "-n", 40, "--format", "ids", "--seed", 3, "--run", informed)
    assert ids_of(plain) != expected


def test_each_prompt_has_draws_of_its_own(seqgan: Call, informed: Path) -> None:
    prompts = ("--prompt", "3 4", "--prompt", "5")
    outcome = seqgan("sample", "--correct", "-n", 6, *prompts, "--format", "ids", "--run", informed)
    trained, correction = correction_in(informed)
    expected = []
    for number, prompt in enumerate(([3, 4], [5])):
        drawing = key(0, "sample", "prompt", number)
        batches = continuations(trained.generator, iter(lambda p=prompt: p, None), drawing)
        expected += first_kept(trained, correction, batches, drawing, 6)
    assert ids_of(outcome) == expected
    different = seqgan("sample", "--correct", "--unique", "-n", 6, *prompts, "--format", "ids", "--run", informed)
    assert len({*map(tuple, ids_of(different))}) == 12


def test_scores_have_a_row_more(seqgan: Call, informed: Path) -> None:
    outcome = seqgan("eval-nll", "--correct", "--samples", 200, "--json", "--run", informed)
    assert outcome.code == 0, outcome.err
    found = json.loads(outcome.out)
    (plain,), (corrected,) = found["scores"], found["corrected"]
    gain = (plain["nll_test"]["mean"] - corrected["nll_test"]["mean"]) * 5
    assert gain == pytest.approx(corrected["knowledge"]["value"], abs=1e-5)  # all of the test part, five tokens each
    assert "knowledge" not in plain
    without = json.loads(seqgan("eval-nll", "--samples", 200, "--json", "--run", informed).out)
    assert without["scores"] == found["scores"]
    assert "corrected" not in without
    table = seqgan("eval-nll", "--correct", "--samples", 200, "--run", informed)
    assert "1, corrected" in table.out


def test_other_scores_are_of_the_samples_that_it_keeps(seqgan: Call, informed: Path, tmp_path: Path) -> None:
    trained, correction = correction_in(informed)
    drawing = key(0, "eval-bleu", "corrected")
    kept = first_kept(trained, correction, samples(trained.generator, drawing), drawing, 40)
    (tmp_path / "kept.txt").write_text("".join(" ".join(map(str, ids)) + "\n" for ids in kept))
    plain = json.loads(seqgan("eval-bleu", "-n", 40, "--json", "--run", informed).out)
    found = json.loads(seqgan("eval-bleu", "--correct", "-n", 40, "--json", "--run", informed).out)
    corrected = found.pop("corrected")
    assert found == plain
    own = json.loads(seqgan("eval-bleu", "--hypotheses", tmp_path / "kept.txt", "--json", "--run", informed).out)
    assert corrected == own["bleu"]
    assert corrected != found["bleu"]
    assert "corrected, the same number" in seqgan("eval-bleu", "--correct", "-n", 40, "--run", informed).out
    quality = json.loads(seqgan("eval-quality", "--correct", "-n", 40, "--json", "--run", informed).out)
    drawing = key(0, "eval-quality", "corrected")
    kept = first_kept(trained, correction, samples(trained.generator, drawing), drawing, 40)
    assert quality["measures"]["distinct_1"]["corrected"] == pytest.approx(len({token for ids in kept for token in ids}) / 200)


def test_lines_have_a_corrected_likelihood(seqgan: Call, informed: Path, tmp_path: Path) -> None:
    (tmp_path / "lines.txt").write_text("3 4 5 6 7\n4 4 4 4 4\n")
    trained, correction = correction_in(informed)
    outcome = seqgan("score", tmp_path / "lines.txt", "--correct", "--format", "jsonl", "--run", informed)
    assert outcome.code == 0, outcome.err
    ids = [trained.corpus.vocabulary.encode([*line]) for line in ("34567", "44444")]
    ratios = correction.log_ratios(np.array(ids, np.int32))
    for line, ratio in zip(outcome.out.splitlines(), ratios, strict=True):
        found = json.loads(line)
        assert found["nll"] - found["nll_corrected"] == pytest.approx(ratio, abs=1e-5)
    assert abs(ratios).min() > 1e-3
    names, *_ = seqgan("score", tmp_path / "lines.txt", "--correct", "--run", informed).out.splitlines()
    assert names.split("\t")[:3] == ["nll", "nll_per_token", "nll_corrected"]


@pytest.mark.parametrize(
    ("command", "arguments", "words", "code"),
    [
        ("sample", ["--beam", "3"], "--correct draws", 2),
        ("sample", ["--rerank", "discriminator"], "--correct draws", 2),
        ("sample", ["--max-length", "3"], "leave --max-length out", 2),
        ("sample", ["--allow-unk"], "leave --allow-unk out", 2),
        ("eval-nll", ["--data", "x.txt"], "leave --data out", 2),
        ("eval-quality", ["--data", "x.txt"], "leave --data out", 2),
        ("eval-bleu", ["--hypotheses", "x.txt"], "leave --hypotheses out", 2),
        ("eval-grammar", ["x.cfg", "--samples-file", "x.txt"], "leave --samples-file out", 2),
    ],
)
def test_what_it_does_not_go_with(
    seqgan: Call, synthetic: Any, command: str, arguments: list[str], words: str, code: int
) -> None:
    outcome = seqgan(command, "--correct", *arguments, "--run", synthetic.path)
    assert (outcome.code, outcome.out) == (code, "")
    assert words in outcome.err


def test_a_run_without_a_discriminator_says_what_to_do(seqgan: Call, synthetic_copy: Path) -> None:
    for stage in ("pretrain-d", "adversarial"):
        shutil.rmtree(synthetic_copy / "checkpoints" / stage)
    outcome = seqgan("sample", "--correct", "--run", synthetic_copy)
    assert outcome.code == 1
    assert "holds no trained discriminator: run `seqgan pretrain-d" in outcome.err.replace("\n", " ")


@pytest.mark.parametrize(("which", "whose"), [("latest", "adversarial, round 2."), ("pretrain-g", "pretrain-d, d-step")])
def test_each_generator_is_corrected_by_the_discriminator_that_met_it(
    seqgan: Call, synthetic: Any, which: str, whose: str
) -> None:
    outcome = seqgan("sample", "--correct", "-n", 2, "--from", which, "--run", synthetic.path)
    assert outcome.code == 0, outcome.err
    assert f"Discriminator of {whose}" in outcome.err
