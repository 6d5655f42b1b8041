"""`--keep-coverage`: rounds stop before the likelihood loss of held-out data has risen by too much."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqgan_cli.algorithms.adversarial import AdversarialTraining
from seqgan_cli.runs.run import Run
from seqgan_cli.training.stage import Stage

pytestmark = pytest.mark.usefixtures("quickly")

# A reward that knows nothing, and large steps: what generators do without data, and reward_final goes up and down.
FAST = ("--reward", "random", "--g-learning-rate", 0.15, "--rollouts", 0, "--set", "adversarial.g-steps=1", "--rounds", 5)


@pytest.fixture(scope="module")
def pretrained(tmp_path_factory: pytest.TempPathFactory, tiny_config: Path) -> Path:
    """A run that has pre-trained a generator."""
    from seqgan_cli.cli import main

    run = tmp_path_factory.mktemp("pretrained") / "run"
    with pytest.raises(SystemExit):
        main(["pretrain-g", "--run", str(run), "--config", str(tiny_config), "-q"])
    return run


def curve(run: Path, metric: str) -> list[float]:
    """By round; what was not measured before the first is left out."""
    return [row.value for row in Run(run).history.rows() if row.stage == "adversarial" and row.metric == metric]


def position(run: Path) -> int:
    return max(Run(run).checkpoints("adversarial").positions(), default=0)


def rows(run: Path) -> list[tuple[Any, ...]]:
    return [(row.stage, row.position, row.metric, row.value) for row in Run(run).history.rows()]


def test_a_run_stops_before_the_round_that_would_exceed_it_and_again(
    seqgan: Callable[..., Any], pretrained: Path, tmp_path: Path
) -> None:
    """With the round before it kept, to the bits of a run without the bound; the best is that of the highest reward."""
    whole, run = tmp_path / "whole", tmp_path / "run"
    for each in (whole, run):
        Run(pretrained).fork(each)
    assert seqgan("adversarial", "--run", whole, *FAST, "--monitor", "reward_final").code == 0
    losses = curve(whole, "nll_validation")
    risen = [loss - losses[0] for loss in losses]
    stops = next(i for i in range(3, 6) if risen[i] > max(risen[:i]) and risen[i] > 0.01)
    bound = round((max(risen[:stops]) + risen[stops]) / 2, 6)
    assert max(risen[:stops]) < bound < risen[stops]

    stopped = seqgan("adversarial", "--run", run, *FAST, "--keep-coverage", bound)
    sentence = (
        f"adversarial: stopped before round {stops}: nll_validation would be {risen[stops]:.3f} nats a token above the start "
        f"(adversarial.keep-coverage={bound:g}). Round {stops - 1} is the last."
    )
    assert stopped.code == 0
    assert sentence in stopped.err
    assert position(run) == stops - 1
    assert rows(run) == [row for row in rows(whole) if row[0] != "adversarial" or row[1] < stops]
    kept = {path.name: path.read_bytes() for path in run.glob("checkpoints/adversarial/*")}

    rewards = curve(run, "reward_final")
    assert len(rewards) == stops - 1
    best = Run(run).checkpoints("adversarial").best()
    assert best
    assert best.position == 1 + rewards.index(max(rewards))
    named = f"The best is {best.position}: `--from best-adversarial` names it."
    assert (named in stopped.err) == (best.position != stops - 1)

    again = seqgan("adversarial", "--run", run, *FAST, "--keep-coverage", bound)
    assert again.code == 0
    assert sentence in again.err
    assert {path.name: path.read_bytes() for path in run.glob("checkpoints/adversarial/*")} == kept
    more = seqgan("adversarial", "--run", run, "--keep-coverage", 100)
    assert more.code == 0
    assert position(run) == 5
    assert rows(run) == rows(whole)
    found, expected = (Run(each).checkpoints("adversarial").latest(pytest.fail) for each in (run, whole))
    assert found
    assert expected
    np.testing.assert_equal(found.arrays, expected.arrays)


def test_where_no_round_is_kept_the_pretrained_generator_is_what_there_is(
    seqgan: Callable[..., Any], pretrained: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    Run(pretrained).fork(run)
    faster = ("--set", "adversarial.g-steps=3", "--g-learning-rate", 0.3)
    stopped = seqgan("adversarial", "--run", run, *FAST, *faster, "--keep-coverage", 1e-6)
    assert stopped.code == 0
    assert "adversarial: stopped before round 1: nll_validation would be " in stopped.err
    assert "(adversarial.keep-coverage=1e-06). No unit is kept." in stopped.err
    assert position(run) == 0
    for command in (["sample", "-n", 3], ["status"], ["report", "--samples", 32]):
        assert seqgan(*command, "--run", run).code == 0


def idle(curve: list[tuple[float, float]], monkeypatch: pytest.MonkeyPatch) -> None:
    """Rounds in which nothing is done, with these losses and rewards from round 0 on."""

    def scores(self: Stage, position: int) -> dict[str, float]:
        return {"nll_validation": curve[position][0], "distinct_share": 1.0}

    def advance(self: Stage, position: int, tick: Any) -> dict[str, float]:
        return {**scores(self, position), "reward_final": curve[position][1]}

    monkeypatch.setattr(AdversarialTraining, "scores", scores)
    monkeypatch.setattr(AdversarialTraining, "advance", advance)


@pytest.mark.parametrize(
    ("losses", "last"),
    [
        ([2.0, 2.25, 2.5, 2.5, 2.5], 4),  # as much as is allowed
        ([2.0, 1.0, 2.4, 2.5001, 2.0], 2),  # counted from the start, not from the least
        ([2.0, 2.6, 2.0, 2.0, 2.0], 0),
        ([2.0, float("nan"), 2.0, 2.0, 2.0], 0),
    ],
)
def test_what_counts_is_the_rise_from_the_start(
    losses: list[float],
    last: int,
    seqgan: Callable[..., Any],
    pretrained: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run, rewards = tmp_path / "run", [0.0, 0.2, 0.7, 0.5, 0.7]
    Run(pretrained).fork(run)
    idle(list(zip(losses, rewards, strict=True)), monkeypatch)
    done = seqgan("adversarial", "--run", run, "--reward", "constant", "--rounds", 4, "--keep-coverage", 0.5)
    assert done.code == 0
    assert position(run) == last
    assert (f"stopped before round {last + 1}: " in done.err) == (last < 4)
    best = Run(run).checkpoints("adversarial").best()
    assert (best.position if best else 0) == min(last, 2)
