"""`seqgan sample --beam`, `--rerank` and `--fields`: what is chosen is what a literal choice among the same draws is."""

import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import reference
from seqgan_cli.console import Console
from seqgan_cli.evaluation.logits import scores
from seqgan_cli.jobs.trained import Trained, trained_of
from seqgan_cli.runs.discriminators import read_discriminator
from seqgan_cli.runs.run import Run

Call = Callable[..., Any]
LEXICON = ["--reward", "birds=lexicon", "--set", "reward.birds.words=the"]


def opened(path: Path) -> Trained:
    return trained_of(Run(path), "latest", Console(quiet=True))


def ids_of(outcome: Any) -> list[list[int]]:
    assert outcome.code == 0, outcome.err
    return [[*map(int, line.split())] for line in outcome.out.splitlines()]


def records(outcome: Any) -> list[dict[str, Any]]:
    assert outcome.code == 0, outcome.err
    return [json.loads(line) for line in outcome.out.splitlines()]


def d_of(trained: Trained, sequences: list[list[int]]) -> list[float]:
    """D of sequences of the synthetic run."""
    discriminator = read_discriminator(trained.run, trained.config.settings, trained.corpus, pytest.fail)
    return scores(discriminator, np.array(sequences, np.int32)).tolist()


def test_a_beam_writes_the_likeliest_first_and_says_that_it_is_no_sample(seqgan: Call, synthetic: Any) -> None:
    outcome = seqgan("sample", "--beam", 6, "-n", 3, "--format", "ids", "--run", synthetic.path)
    found = ids_of(outcome)
    assert "Beam search of width 6, temperature 1: the 3 likeliest found, and no sample of what is usual." in outcome.err
    weights = [variable.numpy() for variable in opened(synthetic.path).generator.trainable_variables]
    losses = [reference.sequence_nll(weights, each) for each in found]
    assert losses == sorted(losses)
    assert len(set(map(tuple, found))) == 3
    assert ids_of(seqgan("sample", "--beam", 6, "--format", "ids", "--run", synthetic.path))[:3] == found
    greedy = ids_of(seqgan("sample", "--temperature", 0, "-n", 1, "--format", "ids", "--run", synthetic.path))
    assert ids_of(seqgan("sample", "--beam", 1, "--format", "ids", "--run", synthetic.path)) == greedy


def test_a_beam_goes_on_with_each_prompt_and_ends_where_it_must(seqgan: Call, text: Any) -> None:
    arguments = ("--beam", 4, "-n", 2, "--prompt", "the", "--prompt", "the zebra", "--max-length", 4, "--run", text.path)
    outcome = seqgan("sample", *arguments, "--format", "jsonl")
    found = records(outcome)
    assert [each["prompt"] for each in found] == ["the", "the", "the <unk>", "the <unk>"]
    assert all(len(each["ids"]) <= 4 for each in found)
    assert "Unknown to the run, and read as <unk>: zebra." in outcome.err
    few = seqgan("sample", "--beam", 300, "--top-k", 2, "--max-length", 2, "--run", text.path)
    assert few.code == 0
    assert 2 <= len(few.out.splitlines()) <= 4
    assert f"{len(few.out.splitlines())} of 300 sequences: no others have any probability." in few.err


def test_the_best_of_so_many_draws_is_the_first_of_the_highest_score(seqgan: Call, synthetic: Any) -> None:
    trained = opened(synthetic.path)
    draws = ids_of(seqgan("sample", "-n", 60, "--seed", 5, "--format", "ids", "--run", synthetic.path))
    by_d = d_of(trained, draws)
    expected = [max(range(i, i + 20), key=lambda row: (by_d[row], -row)) for i in range(0, 60, 20)]
    arguments = ("--rerank", "discriminator", "--of", 20, "-n", 3, "--seed", 5, "--format", "ids", "--run", synthetic.path)
    outcome = seqgan("sample", *arguments)
    assert ids_of(outcome) == [draws[row] for row in expected]
    assert "60 draws: the best of each 20 by the discriminator." in outcome.err
    assert "d is by the discriminator of adversarial, round 2." in outcome.err
    tied = seqgan(
        *("sample", "--rerank", "reward", "--reward", "constant", "-n", 6, "--seed", 5),
        *("--format", "ids", "--run", synthetic.path),
    )
    assert ids_of(tied) == draws[::10]
    assert "Warning: For 6 of 6 samples all 10 draws have one score, and the first was taken." in tied.err
    assert "all 20 draws" not in outcome.err


def test_draws_are_chosen_among_those_of_each_prompt(seqgan: Call, text: Any) -> None:
    prompts = ("--prompt", "the", "--prompt", "a", "--run", text.path)
    draws = seqgan("sample", "-n", 24, *prompts).out.splitlines()
    worth = [float(" the " in f" {line} ") for line in draws]
    expected = [draws[max(range(i, i + 12), key=lambda row: (worth[row], -row))] for i in range(0, 48, 12)]
    outcome = seqgan("sample", "--rerank", "reward", "--of", 12, "-n", 2, *LEXICON, *prompts)
    assert outcome.out.splitlines() == expected
    assert "24 draws of each of 2 prompts: the best of each 12 by the reward birds=lexicon." in outcome.err


def test_more_draws_than_are_scored_together_are_as_well_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    from seqgan_cli.inference import chosen

    monkeypatch.setattr(chosen, "AT_ONCE", 12)
    values = np.random.default_rng(0).integers(0, 4, 60)
    rows = [(np.array([value, place]), 0) for place, value in enumerate(values)]
    values[20:25] = 3
    best = chosen.BestOf(rows, 5, lambda table: values[table[:, 1]])
    found = [int(ids[1]) for ids, _ in best]
    assert found == [i + int(np.argmax(values[i : i + 5])) for i in range(0, 60, 5)]
    assert best.told == "For 1 of 12 samples all 5 draws have one score, and the first was taken."


def test_fields_are_literal(seqgan: Call, text: Any) -> None:
    arguments = ("-n", 20, "--format", "jsonl", "--run", text.path, "--allow-unk", "--temperature", 2)
    plain = records(seqgan("sample", *arguments))
    reward = ("--reward", "birds=lexicon=0.5,d=discriminator", "--set", "reward.birds.words=the")
    found = records(seqgan("sample", *arguments, "--fields", "nll,by_token,nll_per_token,d,reward", *reward))
    trained = opened(text.path)
    weights = [variable.numpy() for variable in trained.generator.trainable_variables]
    length, unknown = trained.corpus.sequence_length, 0
    table = np.zeros((20, length), np.int32)
    for row, (before, record) in enumerate(zip(plain, found, strict=True)):
        assert {name: record[name] for name in before} == before
        ids = record["ids"] + [1]
        table[row, : len(ids)] = ids
        losses: list[float | None] = []
        for t, token in enumerate(ids):
            logits = reference.next_logits(weights, ids[:t]).astype(np.float64)
            logits[[0, 2]] = -np.inf
            loss = np.log(np.exp(logits - logits.max()).sum()) + logits.max() - logits[token]
            losses.append(None if token == 2 else 0.0 if t == length - 1 else loss)
        unknown += losses.count(None)
        assert [token for token, _ in record["by_token"]] == [*record["text"].split(), "<eos>"]
        assert [loss is None for _, loss in record["by_token"]] == [loss is None for loss in losses]
        shown = [loss for _, loss in record["by_token"] if loss is not None]
        known = [loss for loss in losses if loss is not None]
        assert shown == pytest.approx(known, abs=1e-3)
        assert record["nll"] == pytest.approx(math.fsum(known), abs=2e-3)
        assert record["nll_per_token"] == pytest.approx(math.fsum(known) / (len(known) - (len(ids) == length)), abs=2e-3)
    assert unknown
    expected = d_of(trained, table.tolist())
    assert [each["d"] for each in found] == pytest.approx(expected, abs=1e-4)
    the = [float("the" in each["text"].split()) for each in found]
    assert [each["reward_terms"] for each in found] == [
        {"birds": birds, "d": pytest.approx(d, abs=1e-4)} for birds, d in zip(the, expected, strict=True)
    ]
    sums = [0.5 * birds + d for birds, d in zip(the, expected, strict=True)]
    assert [each["reward"] for each in found] == pytest.approx(sums, abs=1e-4)


def test_shortened_samples_are_scored_as_what_ends_there(seqgan: Call, text: Any, synthetic: Any) -> None:
    arguments = ("-n", 10, "--format", "jsonl", "--fields", "d", "--max-length", 3, "--run")
    found = records(seqgan("sample", *arguments, text.path))
    trained = opened(text.path)
    table = np.zeros((10, trained.corpus.sequence_length), np.int32)
    for row, record in enumerate(found):
        table[row, : len(record["ids"]) + 1] = [*record["ids"], 1]
    assert [each["d"] for each in found] == pytest.approx(d_of(trained, table.tolist()), abs=1e-4)
    outcome = seqgan("sample", *arguments, synthetic.path)
    assert (outcome.code, outcome.out) == (1, "")
    assert "have one length, so shorter ones have no score: leave --max-length out." in outcome.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--beam", 3, "-n", 4], "--beam 3 finds 3 sequences at most: make it wider."),
        (["--beam", 3, "--temperature", 0], "--beam finds nothing but one sequence at --temperature 0"),
        (["--beam", 3, "--seed", 0], "--beam draws nothing: leave --seed out."),
        (["--beam", 3, "--unique"], "--beam finds different sequences"),
        (["--beam", 3, "--rerank", "reward"], "leave one out."),
        (["--beam", 0], "0 is not in the range x>=1."),
        (["--rerank", "reward", "--novel"], "--rerank chooses among draws as they come"),
        (["--rerank", "nothing"], "'nothing' is not one of 'reward', 'discriminator'."),
        (["--rerank", "reward", "--reward", "unique"], "unique depends on which sequences are scored together"),
        (["--rerank", "reward", "--reward", "lm"], "--reward lm scores tokens and not whole sequences."),
        (["--rerank", "reward", "--set", "data.kind=text"], "--set data.kind: sample takes settings of the reward"),
        (["--rerank", "discriminator", "--reward", "constant"], "the reward is of --rerank reward and of --fields reward"),
        (["--of", 3], "--of is how many draws --rerank chooses from: add that, or leave it out."),
        (["--fields", "d"], "--fields are of --format jsonl"),
        (["--format", "jsonl", "--fields", "d,x"], "'x' is no field; choose from text, ids, nll, by_token, nll_per_token, d,"),
    ],
)
def test_what_does_not_go_together_is_refused(seqgan: Call, synthetic: Any, arguments: list[Any], said: str) -> None:
    outcome = seqgan("sample", *arguments, "--run", synthetic.path)
    assert (outcome.code, outcome.out) == (2, "")
    assert said in outcome.err.splitlines()[-1]
    assert "Traceback" not in outcome.err


def test_without_a_discriminator_the_command_that_trains_one_is_named(seqgan: Call, synthetic_copy: Path) -> None:
    for stage in ("pretrain-d", "adversarial"):
        shutil.rmtree(synthetic_copy / "checkpoints" / stage)
    outcome = seqgan("sample", "--rerank", "discriminator", "--run", synthetic_copy)
    assert (outcome.code, outcome.out) == (1, "")
    assert f"holds no trained discriminator: run `seqgan pretrain-d --run {synthetic_copy}` first." in outcome.err
