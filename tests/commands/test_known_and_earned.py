"""What a discriminator knows, in stages: the checkpoint it chooses, what is told before rounds, and what they earn of it."""

import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from seqgan_cli.config.checks import check_together
from seqgan_cli.config.expression import Use
from seqgan_cli.console import Console
from seqgan_cli.errors import UsageError
from seqgan_cli.evaluation.generators import nll
from seqgan_cli.rewards.base import Scaled
from seqgan_cli.rewards.discriminator import LogRatioReward
from seqgan_cli.runs.discriminators import correcting_discriminator, starting_discriminator
from seqgan_cli.runs.generators import generator_checkpoint, read_generator
from seqgan_cli.runs.run import Run
from tiny import tiny_settings

Call = Callable[..., Any]


class Given:
    """Logits that are the first token."""

    def __call__(self, tokens: Any) -> Any:
        return tf.cast(tokens[:, 0], tf.float32)


def test_the_log_ratio_is_the_logit_with_the_scale_of_held_out_data() -> None:
    made = LogRatioReward(Given())  # type: ignore[arg-type]
    tokens = tf.constant([[3, 0], [-2, 0]])
    np.testing.assert_allclose(made(tokens, None), [3.0, -2.0])
    made.take_note({"d_scale": 0.25, "d_knows": 7.0})
    np.testing.assert_allclose(made(tokens, None), [0.75, -0.5])
    made.take_note({})  # nothing was measured: it stays
    np.testing.assert_allclose(made(tokens, None), [0.75, -0.5])
    assert float(made.variables()["log-ratio/scale"]) == 0.25
    scaled = LogRatioReward(Given(), Scaled(-1.0, 1.0))  # type: ignore[arg-type]
    np.testing.assert_allclose(scaled(tf.constant([[1, 0], [0, 0], [9, 0]]), None), [1.0, 0.5, 1.0])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"discriminator.loss": "wasserstein"}, "needs a logit"),
        ({"adversarial.reward-transform": "mali", "adversarial.baseline": "mean"}, "leave one out"),
        ({"adversarial.reward": "log-ratio,constant"}, "reward.log-ratio.low"),
    ],
)
def test_what_it_does_not_go_with(changes: dict[str, Any], words: str) -> None:
    from seqgan_cli.config.checks import check_rewards

    settings = tiny_settings(**{"adversarial.reward": "log-ratio", **changes})
    with pytest.raises(UsageError, match=words):
        check_rewards(settings)
        check_together(settings)
    assert LogRatioReward.bounds(tiny_settings(), Use("log-ratio", "log-ratio")) is None


@pytest.fixture
def trained(seqgan: Call, synthetic: Any, once: Call, tmp_path: Path) -> Path:
    """A run whose discriminator has learned something of a generator that has too, and no rounds."""

    def build(folder: Path) -> None:
        shutil.copytree(synthetic.path, folder / "run")
        common = ("--d-steps", 6, "--set", "pretrain-d.learning-rate=0.05", "--set", "pretrain-d.k=2")
        done = seqgan("pretrain-d", "--run", folder / "run", "--overwrite", *common)
        assert done.code == 0, done.err

    return Path(shutil.copytree(once("what-it-knows", build) / "run", tmp_path / "run"))


def rows(path: Path, stage: str, metric: str) -> dict[int, float]:
    found = Run(path).history.rows()
    return {row.position: row.value for row in found if (row.stage, row.metric) == (stage, metric)}


def test_the_best_d_step_is_the_one_that_knows_most_on_validation(trained: Path) -> None:
    known = rows(trained, "pretrain-d", "d_knows")
    best = max(known, key=lambda position: (known[position], -position))
    run = Run(trained)
    settings = run.config().settings
    assert 0 < best < 6  # so that the last is another
    found = run.checkpoints("pretrain-d").best()
    assert found is not None
    assert found.position == best
    assert correcting_discriminator(run, "best", settings, pytest.fail).position == best
    assert starting_discriminator(run, settings, pytest.fail).position == 6  # type: ignore[union-attr]
    chosen = settings.changed({"adversarial.d-start": "best"})
    assert starting_discriminator(run, chosen, pytest.fail).position == best  # type: ignore[union-attr]


def test_it_stops_when_it_has_not_known_more_for_so_long(seqgan: Call, trained: Path, tmp_path: Path) -> None:
    path = tmp_path / "copy"
    shutil.copytree(trained, path)
    done = seqgan("pretrain-d", "--run", path, "--overwrite", "--set", "pretrain-d.patience=1", "--d-steps", 60)
    assert done.code == 0, done.err
    known = rows(path, "pretrain-d", "d_knows")
    last = max(known)
    assert last < 60
    assert known[last] <= max(known[position] for position in known if position < last)
    assert all(known[i] > max(known[j] for j in range(i)) for i in range(1, last))
    assert "d_knows has not improved since" in done.err


def test_rounds_say_what_there_is_to_earn_and_what_was_earned(seqgan: Call, trained: Path, tmp_path: Path) -> None:
    """Before the first round alone; and after each, of what was known, in nats a sequence."""
    path = tmp_path / "copy"
    shutil.copytree(trained, path)
    of_ratio = ("--reward", "log-ratio", "--kl-coefficient", 1, "--baseline", "leave-one-out", "--rollouts", 0)
    rounds = ("adversarial", "--run", path, *of_ratio)
    first = seqgan(*rounds, "--rounds", 1)
    assert first.code == 0, first.err
    assert first.err.count("The discriminator knows") == 1
    assert "nats a sequence earned of" in first.err
    second = seqgan("adversarial", "--run", path, "--rounds", 2)
    assert second.code == 0, second.err
    assert "The discriminator knows" not in second.err
    earned, likelihood = rows(path, "adversarial", "nats_earned"), rows(path, "adversarial", "nll_validation")
    assert set(earned) == {1, 2}
    for position, value in earned.items():
        assert value == pytest.approx((likelihood[0] - likelihood[position]) * 5, rel=1e-9, abs=1e-12)
    run = Run(path)
    corpus = run.corpus()
    after = read_generator(run, generator_checkpoint(run, "adversarial", pytest.fail), corpus)
    before = read_generator(run, generator_checkpoint(run, "pretrain-g", pytest.fail), corpus)
    part = corpus.validation[: run.config().settings.evaluation.samples]
    assert earned[2] == pytest.approx((nll(before, part).mean - nll(after, part).mean) * 5, rel=1e-4, abs=1e-6)
    known = rows(path, "adversarial", "d_knows")
    assert f"{earned[2]:+.3f} nats a sequence earned of {known[0]:.3f} known" in second.err
    latest = run.checkpoints("adversarial").latest(pytest.fail)
    assert latest is not None
    assert float(latest.arrays["log-ratio/scale"]) == pytest.approx(rows(path, "adversarial", "d_scale")[2], rel=1e-6)
    found = seqgan("sample", "-n", 5, "--format", "jsonl", "--fields", "reward,d", "--run", path)
    for record in map(json.loads, found.out.splitlines()):  # with the scale of the last round
        scale = rows(path, "adversarial", "d_scale")[2]
        assert record["reward"] == pytest.approx(scale * math.log(record["d"] / (1.0 - record["d"])), abs=2e-4)
    whole = tmp_path / "whole"
    shutil.copytree(trained, whole)
    assert seqgan(*("adversarial", "--run", whole, *of_ratio), "--rounds", 2).code == 0
    assert rows(whole, "adversarial", "nats_earned") == earned  # as if it had never stopped


def test_the_scale_of_the_first_round_is_that_of_the_discriminator_it_begins_with(trained: Path) -> None:
    from seqgan_cli.algorithms.adversarial import AdversarialTraining
    from seqgan_cli.runs.checkpoints import assign

    run = Run(trained)
    settings = run.config().settings.changed({"adversarial.reward": "log-ratio"})
    corpus = run.corpus()
    generator = read_generator(run, generator_checkpoint(run, "pretrain-g", pytest.fail), corpus)
    stage = AdversarialTraining(settings, corpus, run.oracle(), generator, Console(quiet=True))
    assert stage.trainer is not None
    assign(correcting_discriminator(run, "best", settings, pytest.fail), stage.trainer.variables())
    measured = stage.scores(0)
    assert "nats_earned" not in measured
    assert isinstance(stage.reward, LogRatioReward)
    assert float(stage.reward.a) == pytest.approx(measured["d_scale"], rel=1e-6)


def test_without_d_steps_the_scale_stays_that_of_the_start(seqgan: Call, trained: Path) -> None:
    """Chosen anew it would be what is left to correct, which the KL penalty against the start takes back."""
    rounds = ("--reward", "log-ratio", "--kl-coefficient", 1, "--baseline", "leave-one-out", "--d-steps", 0, "--rounds", 2)
    done = seqgan("adversarial", "--run", trained, *rounds, "--rollouts", 0, "--g-learning-rate", 0.05)
    assert done.code == 0, done.err
    latest = Run(trained).checkpoints("adversarial").latest(pytest.fail)
    assert latest is not None
    scales = rows(trained, "adversarial", "d_scale")
    assert float(latest.arrays["log-ratio/scale"]) == pytest.approx(scales[0], rel=1e-6)
    assert scales[2] != pytest.approx(scales[0], rel=1e-3)


def test_what_knew_most_of_an_earlier_generator_is_not_the_best_of_this_one(seqgan: Call, trained: Path) -> None:
    known = max(rows(trained, "pretrain-d", "d_knows").values())
    done = seqgan("pretrain-g", "--run", trained, "--epochs", 15)
    assert done.code == 0, done.err
    done = seqgan("pretrain-d", "--run", trained, "--d-steps", 7, "--set", "pretrain-d.learning-rate=0.00001")
    assert done.code == 0, done.err
    assert "the generator is another one from here on" in done.err
    best = Run(trained).checkpoints("pretrain-d").best()
    assert best is not None
    assert best.position == 7
    assert rows(trained, "pretrain-d", "d_knows")[7] < known


def test_a_critic_has_no_patience_for_what_is_not_measured(seqgan: Call, synthetic_copy: Path) -> None:
    critic = ("--set", "discriminator.loss=wasserstein", "--set", "discriminator.gradient-penalty=10")
    patience = ("--set", "pretrain-d.patience=1", "--d-steps", 3)
    done = seqgan("pretrain-d", "--run", synthetic_copy, "--overwrite", *critic, *patience)
    assert done.code == 0, done.err
    assert Run(synthetic_copy).position("pretrain-d") == 3
