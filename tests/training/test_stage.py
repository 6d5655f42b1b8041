"""Stopping anywhere and going on: bit for bit, for every stage."""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eager import eager
from forked import Forked
from seqgan_cli.algorithms.adversarial import AdversarialTraining
from seqgan_cli.config.settings import STAGES
from seqgan_cli.console import Progress
from seqgan_cli.runs.checkpoints import Checkpoints
from seqgan_cli.runs.run import Run
from seqgan_cli.training.stage import better

pytestmark = pytest.mark.usefixtures("quickly")

COUNTS = {"pretrain-g": ("--epochs", 3), "pretrain-d": ("--d-steps", 2), "adversarial": ("--rounds", 2)}


def checkpoint(run: Path, stage: str) -> dict[str, np.ndarray]:
    found = Run(run).checkpoints(stage).latest(pytest.fail)
    assert found is not None
    assert found.position == COUNTS[stage][1]
    return found.arrays


def checkpoint_at(run: Path, stage: str, position: int) -> dict[str, np.ndarray]:
    with np.load(run / "checkpoints" / stage / f"{position:07d}.npz") as file:
        return {name: file[name] for name in file.files if name != "facts"}


def history(run: Path) -> list[tuple]:
    return [(r.stage, r.position, r.step, r.metric, r.value) for r in Run(run).history.rows()]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, tiny_config: Path) -> Path:
    """A run through all stages without a stop."""
    run = tmp_path_factory.mktemp("whole") / "run"
    with eager():
        for stage in ("pretrain-g", "adversarial"):  # which trains the discriminator first
            assert started(stage, "--run", run, "--config", tiny_config, "-q").wait() == 0
    return run


def started(*arguments: Any) -> Forked:
    """A command in a process of its own, which has as many threads as this one: sums in another order are other bits."""
    return Forked([sys.executable, "-m", "seqgan_cli", *arguments, "--threads", "1"], stdout=subprocess.PIPE, env=os.environ)


@pytest.fixture
def idle(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rounds in which nothing is done, and all scores are 1: for what is said around them."""
    scores = dict.fromkeys(("nll_oracle", "nll_validation", "reward_mean", "distinct_share", "entropy"), 1.0)
    monkeypatch.setattr(AdversarialTraining, "scores", lambda self, position: scores)
    monkeypatch.setattr(AdversarialTraining, "advance", lambda self, position, tick: scores)


@pytest.mark.sampled(1)
def test_interrupted_at_every_point_ends_bit_identical(
    seqgan: Callable[..., Any],
    tmp_path: Path,
    tiny_config: Path,
    whole: Path,
    monkeypatch: pytest.MonkeyPatch,
    whole_suite: bool,
) -> None:
    """Ctrl-C within and between units, again and again, then on to the end: as the run of another process without a stop.

    At every point in the soak, and in `make test` after three times as much each time.
    """
    run = tmp_path / "run"
    stops = 0
    original = Progress.tick
    for stage in STAGES:
        for allowed in range(1, 100) if whole_suite else (1, 3, 9, 27, 81):
            ticks = iter(range(allowed))

            def tick(self: Progress, work: float = 1.0, ticks: Iterator[int] = ticks) -> None:
                if next(ticks, None) is None:
                    raise KeyboardInterrupt
                original(self, work)

            with monkeypatch.context() as patched:
                patched.setattr(Progress, "tick", tick)
                outcome = seqgan(stage, "--run", run, "--config", tiny_config)
            if outcome.code == 0:
                break
            assert outcome.code == 130
            assert "the same command goes on" in outcome.err
            stops += 1
        expected, found = checkpoint(whole, stage), checkpoint(run, stage)
        assert expected.keys() == found.keys()
        for name in expected:
            np.testing.assert_array_equal(found[name], expected[name], err_msg=f"{stage}: {name}")
    assert stops >= 4
    assert history(run) == history(whole)


def test_killed_and_started_again_ends_bit_identical(
    seqgan: Callable[..., Any], tmp_path: Path, tiny_config: Path, whole: Path
) -> None:
    """kill -9 once the first round is saved; the soak kills the other stages too, and at any moment."""
    run, stage = tmp_path / "run", "adversarial"
    shutil.copytree(whole, run)
    Run(run).drop_from(stage)
    command = [stage, "--run", run, "--config", tiny_config, "-q"]
    process = started(*command)
    while process.poll() is None and not Run(run).has(stage):
        time.sleep(0.001)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    assert seqgan(*command).code == 0
    for name, array in checkpoint(whole, stage).items():
        np.testing.assert_array_equal(checkpoint(run, stage)[name], array, err_msg=name)
    assert history(run) == [row for row in history(whole) if STAGES.index(row[0]) <= STAGES.index(stage)]


def test_a_stop_right_after_a_checkpoint_counts_it(
    seqgan: Callable[..., Any], tmp_path: Path, tiny_config: Path, whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The signal comes between the checkpoint's last byte and the next line of the loop."""
    run, original = tmp_path / "run", Checkpoints.save

    def save(self: Checkpoints, *args: Any, **options: Any) -> None:
        original(self, *args, **options)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Checkpoints, "save", save)
        for epoch in (1, 2):
            stopped = seqgan("pretrain-g", "--run", run, "--config", tiny_config)
            assert f"Stopped. pretrain-g is saved up to epoch {epoch} of 3;" in stopped.err
    assert seqgan("pretrain-g", "--run", run, "--config", tiny_config).code == 0
    for name, array in checkpoint(whole, "pretrain-g").items():
        np.testing.assert_array_equal(checkpoint(run, "pretrain-g")[name], array)


def test_a_signal_that_a_library_made_an_error_of_stops_all_the_same(
    seqgan: Callable[..., Any], tmp_path: Path, tiny_config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TensorFlow, interrupted while it traces, raises a RuntimeError that names KeyboardInterrupt and is none."""

    def trace(*_: Any) -> None:
        try:
            os.kill(os.getpid(), signal.SIGINT)
        except KeyboardInterrupt:
            raise RuntimeError("original replaced by KeyboardInterrupt") from None

    monkeypatch.setattr("seqgan_cli.algorithms.mle.run_steps", trace)
    stopped = seqgan("pretrain-g", "--run", tmp_path / "run", "--config", tiny_config)
    assert stopped.code == 130
    assert "Stopped. pretrain-g is saved up to epoch 0 of 3;" in stopped.err


def test_an_error_that_no_signal_caused_stays_one(
    seqgan: Callable[..., Any], tmp_path: Path, tiny_config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def trace(*_: Any) -> None:
        raise RuntimeError("a mistake of ours")

    monkeypatch.setattr("seqgan_cli.algorithms.mle.run_steps", trace)
    with pytest.raises(RuntimeError, match="a mistake of ours"):
        seqgan("pretrain-g", "--run", tmp_path / "run", "--config", tiny_config)


def test_counts_are_targets(seqgan: Callable[..., Any], tmp_path: Path, tiny_config: Path, whole: Path) -> None:
    run = tmp_path / "run"
    assert seqgan("pretrain-g", "--run", run, "--config", tiny_config, "--epochs", 1).code == 0
    again = seqgan("pretrain-g", "--run", run, "--epochs", 1)
    assert again.code == 0
    assert "pretrain-g: done, 1 epoch." in again.err
    more = seqgan("pretrain-g", "--run", run, "--epochs", 3)
    assert "going on after epoch 1" in more.err
    for name, array in checkpoint(whole, "pretrain-g").items():
        np.testing.assert_array_equal(checkpoint(run, "pretrain-g")[name], array)
    assert "done, 3 epochs (asked for 2)" in seqgan("pretrain-g", "--run", run, "--epochs", 2).err


def test_later_stages_of_an_earlier_generator_are_told(seqgan: Callable[..., Any], tmp_path: Path, whole: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(whole, run)
    warning = f"pretrain-d and adversarial began with an earlier generator: `seqgan pretrain-d --run {run} --overwrite`"
    assert warning not in seqgan("pretrain-g", "--run", run).err
    assert warning in seqgan("pretrain-g", "--run", run, "--epochs", 4).err


@pytest.mark.whole
def test_rounds_that_began_with_an_earlier_generator_are_not_held_against_this_one(
    seqgan: Callable[..., Any], tmp_path: Path, whole: Path
) -> None:
    run = tmp_path / "run"
    shutil.copytree(whole, run)
    first = seqgan("train", "--run", run)
    assert "the adversarial rounds changed quality" in first.out
    again = seqgan("train", "--run", run, "--epochs", 4)
    assert "the adversarial rounds changed" not in again.out
    assert "The adversarial rounds began with an earlier generator than this MLE" in again.out
    page = seqgan("report", "--run", run, "--samples", 64)
    assert "began with an earlier generator" in page.out
    assert "at some temperature" not in page.out
    scored = seqgan("eval-bleu", "--run", run, "-n", 20)
    assert "Warning: The adversarial rounds began with an earlier generator than the MLE beside them." in scored.err
    assert seqgan("adversarial", "--run", run, "--overwrite").code == 0
    assert not (run / "samples" / "samples.txt").exists(), "samples of what was dropped"
    assert "the adversarial rounds changed quality" in seqgan("train", "--run", run).out


def test_overwrite_restarts_a_stage_and_drops_the_later_ones(
    seqgan: Callable[..., Any], tmp_path: Path, whole: Path
) -> None:
    run = tmp_path / "run"
    shutil.copytree(whole, run)
    assert seqgan("pretrain-d", "--run", run, "--overwrite", "--d-steps", 1, "--filters", "1:3").code == 0
    assert Run(run).checkpoints("pretrain-d").positions() == [1]
    assert not Run(run).has("adversarial")
    assert Run(run).has("pretrain-g")
    assert {row.stage for row in Run(run).history.rows()} == {"pretrain-g", "pretrain-d"}
    assert seqgan("pretrain-g", "--run", run, "--overwrite", "--epochs", 1, "--vocab-size", 9).code == 0
    assert not Run(run).has("pretrain-d")
    assert Run(run).corpus().vocabulary.size == 9


@pytest.mark.compiled
def test_patience_stops_early_and_a_larger_one_goes_on(seqgan: Callable[..., Any], tmp_path: Path, tiny_config: Path) -> None:
    """With a huge step size the held-out loss only gets worse after a while."""
    run = tmp_path / "run"
    command = ("pretrain-g", "--run", run, "--config", tiny_config, "--epochs", 60, "--g-learning-rate", 0.3)
    stopped = seqgan(*command, "--patience", 2)
    assert stopped.code == 0
    assert "nll_validation has not improved since" in stopped.err
    position = Run(run).checkpoints("pretrain-g").positions()[-1]
    assert position < 60
    best = Run(run).checkpoints("pretrain-g").best()
    assert best is not None
    assert best.position == position - 2
    curve = {row.position: row.value for row in Run(run).history.rows() if row.metric == "nll_validation" and row.position}
    assert min(curve, key=curve.__getitem__) == best.position
    seqgan(*command, "--patience", 4)
    assert Run(run).checkpoints("pretrain-g").positions()[-1] > position


def resaved(run: Path, stage: str, **facts: Any) -> None:
    """The stage's last checkpoint again, with other facts; None takes one away."""
    checkpoints = Run(run).checkpoints(stage)
    found = checkpoints.latest(pytest.fail)
    assert found is not None
    kept = {name: fact for name, fact in {**found.facts, **facts}.items() if fact is not None}
    checkpoints.save(found.position, found.arrays, kept, best=False)


@pytest.mark.sampled(1)
@pytest.mark.usefixtures("idle")
@pytest.mark.parametrize(("taught", "begun"), [("last", "best"), ("best", "last"), ("last", "last"), ("best", "best")])
def test_rounds_tell_of_a_discriminator_that_met_another_generator(
    seqgan: Callable[..., Any], tmp_path: Path, whole: Path, taught: str, begun: str
) -> None:
    """And the command that they advise leaves nothing to tell of. The best is epoch 2 here, the last is 3."""
    run = tmp_path / "run"
    shutil.copytree(whole, run)
    Run(run).drop_from("pretrain-d")
    folder = run / "checkpoints" / "pretrain-g"
    shutil.copyfile(folder / "0000002.npz", folder / "best.npz")
    assert seqgan("pretrain-d", "--run", run, "--set", f"adversarial.start={taught}", "-q").code == 0
    epochs = {"last": 3, "best": 2}
    words = (
        f"taught against the generator after epoch {epochs[taught]} of pretrain-g, and the rounds begin with the {begun} one, "
        f"after epoch {epochs[begun]}:"
    )
    outcome = seqgan("adversarial", "--start", begun, "--rounds", 1, "--run", run, "-q")
    assert outcome.code == 0
    assert (words in outcome.err) == (taught != begun)
    if taught != begun:
        (advised,) = re.findall(r"`seqgan (pretrain-d [^`]+)`", outcome.err)
        assert seqgan(*shlex.split(advised)).code == 0
        assert "taught against" not in seqgan("adversarial", "--rounds", 1, "--run", run).err
        assert "taught against" not in seqgan("adversarial", "--rounds", 2, "--run", run).err


@pytest.mark.usefixtures("idle")
def test_a_discriminator_of_an_early_version_does_not_say_what_it_met(
    seqgan: Callable[..., Any], tmp_path: Path, whole: Path
) -> None:
    run = tmp_path / "run"
    shutil.copytree(whole, run)
    Run(run).drop_from("adversarial")
    resaved(run, "pretrain-d", begun_with=None)
    outcome = seqgan("adversarial", "--rounds", 1, "--run", run)
    assert outcome.code == 0
    assert "Warning" not in outcome.err


@pytest.mark.sampled(1)
@pytest.mark.usefixtures("idle")
@pytest.mark.parametrize(
    ("stage", "change"),
    [
        ("pretrain-g", "evaluation.samples=16"),
        ("adversarial", "evaluation.samples=16"),
        ("adversarial", "adversarial.monitor=distinct_share"),
    ],
)
def test_another_measure_begins_best_and_patience_anew(
    seqgan: Callable[..., Any], tmp_path: Path, whole: Path, stage: str, change: str
) -> None:
    """A best that no score of that measure betters ends the stage at once, unless the measure has changed."""
    run, (option, position) = tmp_path / "run", COUNTS[stage]
    shutil.copytree(whole, run)
    resaved(run, stage, best={"position": position - 1, "value": -1e9})
    command = (stage, "--run", run, "--patience", 1, option, position + 3)
    assert f"has not improved since {position - 1}" in seqgan(*command).err
    assert Run(run).position(stage) == position
    outcome = seqgan(*command, "--set", change)
    assert outcome.code == 0
    assert f"Warning: {stage}: up to {COUNTS[stage][0][2:-1]} {position} the best checkpoint was chosen by nll_" in outcome.err
    assert "The two do not compare: the best, and patience, begin anew." in outcome.err
    assert Run(run).position(stage) > position
    best = Run(run).checkpoints(stage).best()
    assert best is not None
    assert best.position > position
    assert "do not compare" not in seqgan(*command, "--set", change).err


def test_an_early_versions_best_goes_on(seqgan: Callable[..., Any], tmp_path: Path, whole: Path) -> None:
    """It does not say what chose it."""
    run = tmp_path / "run"
    shutil.copytree(whole, run)
    resaved(run, "pretrain-g", best={"position": 2, "value": -1e9}, measure=None)
    outcome = seqgan("pretrain-g", "--run", run, "--patience", 1, "--epochs", 6)
    assert "has not improved since 2" in outcome.err
    assert "do not compare" not in outcome.err


@pytest.mark.sampled(1)
@pytest.mark.parametrize(
    ("stage", "setting", "where"),
    [
        ("pretrain-g", "pretrain-g.learning-rate", "pretrain-g, epoch 2, step "),
        ("pretrain-d", "pretrain-d.learning-rate", "pretrain-d, d-step 2, step "),
        ("adversarial", "adversarial.g-learning-rate", "adversarial, round 2, step 1:"),
        ("adversarial", "adversarial.d-learning-rate", "adversarial, round 2, step 1:"),  # by its rewards
    ],
)
def test_a_loss_or_gradient_that_is_not_finite_stops_at_once_and_keeps_what_was(
    seqgan: Callable[..., Any], tmp_path: Path, whole: Path, stage: str, setting: str, where: str
) -> None:
    """The weights are spoilt behind its back after the first unit; the checkpoint stays, and the command goes on from it."""
    run = tmp_path / "run"
    shutil.copytree(whole, run)
    for later in STAGES[STAGES.index(stage) + 1 :]:
        Run(run).drop_from(later)
    Run(run).go_back(stage, 1)
    count = COUNTS[stage][0]
    path = run / "checkpoints" / stage / "0000001.npz"
    good = path.read_bytes()
    found = Run(run).checkpoints(stage).latest(pytest.fail)
    assert found is not None
    spoilt = "discriminator/" if ".d-" in setting or stage == "pretrain-d" else "generator/"
    arrays = {
        name: np.full_like(array, 1e38) if name.startswith(spoilt) and array.ndim > 1 else array
        for name, array in found.arrays.items()
    }
    Run(run).checkpoints(stage).save(1, arrays, found.facts, best=False)
    outcome = seqgan(stage, "--run", run, count, 2)
    assert outcome.code == 1
    assert where in outcome.err
    assert f"Nothing since the last checkpoint is kept: run the command again with a smaller {setting}" in outcome.err
    assert Run(run).checkpoints(stage).positions() == [1]
    path.write_bytes(good)
    assert seqgan(stage, "--run", run, count, 2).code == 0
    for name, array in checkpoint_at(whole, stage, 2).items():
        np.testing.assert_array_equal(checkpoint_at(run, stage, 2)[name], array, err_msg=name)


def test_weights_that_are_not_finite_make_no_checkpoint(
    seqgan: Callable[..., Any], tmp_path: Path, tiny_config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from seqgan_cli.algorithms.mle import LikelihoodTraining

    original = LikelihoodTraining.epoch

    def epoch(self: Any, position: int, tick: Any) -> list[float]:
        losses = original(self, position, tick)
        if position == 2:
            self.generator.trainable_variables[0].assign(np.full(self.generator.trainable_variables[0].shape, np.inf))
        return losses

    monkeypatch.setattr(LikelihoodTraining, "epoch", epoch)
    outcome = seqgan("pretrain-g", "--run", tmp_path, "--config", tiny_config)
    assert outcome.code == 1
    assert "pretrain-g, epoch 2: generator/0." in outcome.err
    assert "is not finite" in outcome.err
    assert Run(tmp_path).checkpoints("pretrain-g").positions() == [1]
    assert max(row.position for row in Run(tmp_path).history.rows()) == 1


def test_a_discriminator_that_has_won_is_told_in_words(
    seqgan: Callable[..., Any], tmp_path: Path, whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"
    shutil.copytree(whole, run)
    measured = Run(run).history.at("adversarial", 2)
    won = {"reward_mean": 2e-4, "d_accuracy_fake": 1.0}
    assert won.keys() <= measured.keys()
    monkeypatch.setattr(AdversarialTraining, "advance", lambda self, position, tick: {**measured, **won})
    outcome = seqgan("adversarial", "--run", run, "--rounds", 4, "-q")
    assert outcome.code == 0
    assert outcome.err.count("adversarial, round 3: the discriminator has won: it knows every sample for one") == 1
    assert outcome.err.count("the discriminator has won") == 1


def test_points_missing_from_the_history_are_told(seqgan: Callable[..., Any], tmp_path: Path, whole: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(whole, run)
    Run(run).history.keep(lambda row: row.position != 2)
    outcome = seqgan("pretrain-g", "--run", run, "--epochs", 4)
    assert f"Warning: {run}/history.csv lacks 1 of pretrain-g's 4 points: curves have gaps." in outcome.err


def test_collapse_is_told_in_words(
    seqgan: Callable[..., Any], tmp_path: Path, whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"
    shutil.copytree(whole, run)
    measured = Run(run).history.at("adversarial", 2)
    assert "distinct_share" in measured
    Run(run).drop_from("pretrain-d")
    monkeypatch.setattr(AdversarialTraining, "advance", lambda self, position, tick: {**measured, "distinct_share": 0.1})
    outcome = seqgan("adversarial", "--run", run, "--reward", "constant", "-q")
    assert outcome.code == 0
    assert outcome.err.count("the generator is collapsing: the share of different sequences among samples is 0.100") == 1


@pytest.mark.compiled
def test_learning_is_no_collapse(seqgan: Callable[..., Any], tmp_path: Path) -> None:
    """Two sequences, learnt by heart: entropy and variety fall to what the data have, and nothing is said."""
    (tmp_path / "data.txt").write_text("a b c d e\nf g h i j\n" * 40)
    common = ("--run", tmp_path / "run", "--set", "evaluation.samples=64")
    outcome = seqgan("pretrain-g", "--data", tmp_path / "data.txt", "--epochs", 40, "--g-learning-rate", 0.05, *common)
    assert outcome.code == 0
    scores = Run(tmp_path / "run").history.at("pretrain-g", 40)
    assert scores["entropy"] < 0.5 * Run(tmp_path / "run").history.at("pretrain-g", 0)["entropy"]
    assert scores["distinct_share"] < 0.5
    assert "is collapsing" not in outcome.err


def test_tensorboard_files_are_written_when_asked(seqgan: Callable[..., Any], tmp_path: Path, tiny_config: Path) -> None:
    import tensorflow as tf

    run = tmp_path / "run"
    assert seqgan("pretrain-g", "--run", run, "--config", tiny_config, "--tensorboard", "-q").code == 0
    (path,) = (run / "tensorboard" / "pretrain-g").glob("events*")
    written = {}
    for event in tf.compat.v1.train.summary_iterator(str(path)):
        for value in event.summary.value:
            written[value.tag, event.step] = float(tf.make_ndarray(value.tensor))
    for row in Run(run).history.rows():
        if row.position:
            assert written[row.metric, row.position] == pytest.approx(row.value, rel=1e-6)


def test_better_knows_which_way_is_up() -> None:
    assert better("nll_test", 1.0, 2.0)
    assert not better("nll_test", 2.0, 2.0)
    assert better("reward_mean", 2.0, 1.0)
    assert better("nll_test", 1.0, None)
    assert not better("nll_test", float("nan"), None)
    assert better("nll_test", 1.0, float("nan"))
