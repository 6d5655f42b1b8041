"""`pretrain-g.plateau`: when the step size is lowered, by hand, and that steps are of that size and go on with it."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from parts import drawn
from seqgan_cli.algorithms.mle import LikelihoodTraining
from seqgan_cli.console import Console
from seqgan_cli.runs.run import Run
from tiny import tiny_settings

pytestmark = pytest.mark.usefixtures("quickly")

RATE = 0.09
# nll_validation before the first epoch and after each. With a plateau of 2: the best is epoch 1 until two have passed, then
# epoch 4 until two have passed, and then two more pass.
SCORES = (3.0, 2.5, 2.6, 2.7, 2.4, 2.5, 2.5, 2.6, 2.6, 2.6)
STEP_SIZES = [RATE] * 3 + [RATE / 3] * 3 + [RATE / 9] * 2 + [RATE / 27]


@pytest.fixture
def used(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The step size of every epoch that is trained from now on; scores are SCORES."""
    sizes: list[float] = []
    epoch = LikelihoodTraining.epoch

    def spied(self: LikelihoodTraining, *args: Any) -> Any:
        sizes.append(float(self.optimizer.learning_rate))
        return epoch(self, *args)

    scores = dict.fromkeys(("nll_oracle", "entropy", "distinct_share"), 1.0)
    monkeypatch.setattr(LikelihoodTraining, "epoch", spied)
    monkeypatch.setattr(LikelihoodTraining, "scores", lambda self, position: {**scores, "nll_validation": SCORES[position]})
    return sizes


def trained(seqgan: Callable[..., Any], run: Path, config: Path, epochs: int, *more: Any) -> Any:
    asked = ("--run", run, "--config", config, "--epochs", epochs, "--plateau", 2, "--g-learning-rate", RATE)
    outcome = seqgan("pretrain-g", *asked, *more)
    assert outcome.code == 0, outcome.err
    return outcome


def test_two_epochs_without_a_better_score_lower_it_to_a_third(
    seqgan: Callable[..., Any], tmp_path: Path, tiny_config: Path, used: list[float]
) -> None:
    outcome = trained(seqgan, tmp_path / "run", tiny_config, 9)
    assert used == pytest.approx(STEP_SIZES, rel=1e-6)
    told = [line for line in outcome.err.splitlines() if "step size" in line]
    assert [line.split(" · ")[0] for line in told] == [f"pretrain-g epoch {i}/9" for i in range(4, 10)]
    assert [float(re.search(r"step size (\S+)", line)[1]) for line in told] == pytest.approx(STEP_SIZES[3:], rel=0.01)


def test_it_goes_on_with_the_step_size_it_had_to_the_same_bits(
    seqgan: Callable[..., Any], tmp_path: Path, tiny_config: Path, used: list[float]
) -> None:
    trained(seqgan, tmp_path / "whole", tiny_config, 9)
    used.clear()
    for epochs in (3, 5, 9):
        trained(seqgan, tmp_path / "parts", tiny_config, epochs)
    assert used == pytest.approx(STEP_SIZES, rel=1e-6)
    whole, parts = (Run(tmp_path / name).checkpoints("pretrain-g").latest(pytest.fail) for name in ("whole", "parts"))
    assert whole is not None
    assert parts is not None
    assert whole.arrays.keys() == parts.arrays.keys() > {"plateau/lowered", "plateau/lowered_at"}
    for name, array in whole.arrays.items():
        np.testing.assert_array_equal(parts.arrays[name], array, err_msg=name)


def test_only_scored_epochs_count(seqgan: Callable[..., Any], tmp_path: Path, tiny_config: Path, used: list[float]) -> None:
    """Every second is scored: 2.5 never, 2.6 (the best), 2.4, then 2.5 and 2.6, so that the best is four epochs old."""
    trained(seqgan, tmp_path / "run", tiny_config, 9, "--eval-every", 2)
    assert used == pytest.approx([RATE] * 8 + [RATE / 3], rel=1e-6)


def test_a_step_of_a_lowered_size_is_that_of_the_smaller_setting() -> None:
    def made(**changes: Any) -> LikelihoodTraining:
        chosen = tiny_settings(**changes)
        return LikelihoodTraining(chosen, *drawn(chosen), Console(quiet=True))

    lowered = made(**{"pretrain-g.plateau": 1, "pretrain-g.learning-rate": RATE})
    before, plain = made(**{"pretrain-g.learning-rate": RATE}), made(**{"pretrain-g.learning-rate": RATE / 3})
    lowered.advance(1, lambda _: None)
    lowered.advance(2, lambda _: None)
    before.advance(1, lambda _: None)
    for name, variable in plain.variables().items():
        variable.assign(before.variables()[name].numpy())
    plain.advance(2, lambda _: None)
    for name, variable in plain.variables().items():
        np.testing.assert_allclose(lowered.variables()[name].numpy(), variable.numpy(), rtol=1e-4, atol=1e-6, err_msg=name)


def test_a_run_without_it_keeps_to_what_it_began_with(
    seqgan: Callable[..., Any], tmp_path: Path, tiny_config: Path, used: list[float]
) -> None:
    """Its checkpoints have no place for it."""
    asked = ("pretrain-g", "--run", tmp_path / "run", "--config", tiny_config, "--epochs")
    assert seqgan(*asked, 1).code == 0
    outcome = seqgan(*asked, 3, "--plateau", 2)
    assert outcome.code == 2
    assert "pretrain-g.plateau" in outcome.err
