"""A transformer from end to end: trained, rolled out, continued from its checkpoint, and prompted."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seqgan_cli.runs.run import Run

DEEP = {
    "generator.cell": "transformer",
    "generator.layers": 2,
    "generator.heads": 1,
    "pretrain-g.dropout": 0.1,
    "adversarial.algorithm": "ppo",
    "adversarial.reward": "length",
    "reward.length.most": 3,
    "adversarial.baseline": "value",
    "adversarial.rollout-horizon": 2,
    "adversarial.kl-coefficient": 0.1,
    "adversarial.mle-every": 1,
}


@pytest.mark.usefixtures("eagerly")
def test_a_transformer_goes_through_rounds_and_on_and_says_what_it_is_asked(
    seqgan: Callable[..., Any], tmp_path: Path, tiny_config: Path
) -> None:
    data, run = tmp_path / "lines.txt", tmp_path / "run"
    data.write_text("a b c\nb c\nc a b\nc\n" * 10, encoding="utf-8")
    sets = [word for name, value in DEEP.items() for word in ("--set", f"{name}={value}")]
    small = ("--config", tiny_config, "--set", "evaluation.samples=16", *sets)
    done = seqgan("pretrain-g", "--data", data, "--run", run, "--epochs", 1, *small)
    assert done.code == 0, done.err
    done = seqgan("adversarial", "--run", run, "--rounds", 1)
    assert done.code == 0, done.err
    first = Run(run).checkpoints("adversarial").latest(pytest.fail)
    assert first is not None
    names = [name for name in first.arrays if name.startswith("rollout_policy/")]
    assert len(names) == 2 * 10 + 7  # a block's, and embedding, input, positions, norm, output
    again = seqgan("adversarial", "--rounds", 2, "--run", run)
    assert (again.code, "going on after round 1" in again.err) == (0, True), again.err
    moved = Run(run).checkpoints("adversarial").latest(pytest.fail)
    assert moved is not None
    assert all((moved.arrays[name] != first.arrays[name]).any() for name in names)
    assert "nan" not in (run / "history.csv").read_text(encoding="utf-8")
    prompted = seqgan("sample", "--run", run, "--prompt", "c a", "-n", 5)
    assert all(line.startswith("c a") for line in prompted.out.splitlines()), prompted.err
    records = seqgan("sample", "--run", run, "-n", 3, "--format", "jsonl", "--max-length", 3).out.splitlines()
    assert all(len(json.loads(line)["ids"]) <= 3 for line in records)
    refused = seqgan("adversarial", "--rounds", 3, "--run", run, "--set", "generator.layers=3")
    assert (refused.code, "generator.layers" in refused.err) == (2, True)
