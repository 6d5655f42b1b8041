"""What the three stages share: a loop over units (epochs, d-steps, rounds) that can stop anywhere and go on as if it had not.

A stage is its variables, a unit of work keyed by (seed, stage, unit), and scores. State is saved after every unit, so a stage
that was killed repeats at most one, with the same draws and to the same last bit.
"""

from __future__ import annotations

import abc
import math
import time
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from seqgan_cli import signals
from seqgan_cli.config import registry
from seqgan_cli.config.settings import Settings
from seqgan_cli.console import Console
from seqgan_cli.data.corpus import Corpus
from seqgan_cli.errors import SeqganError
from seqgan_cli.evaluation.real import SCORES
from seqgan_cli.lazy import np
from seqgan_cli.randomness import key
from seqgan_cli.runs.best import best_of, changed_measure, has_stalled
from seqgan_cli.runs.checkpoints import assign
from seqgan_cli.runs.history import Row
from seqgan_cli.runs.run import Run
from seqgan_cli.sampling.sequences import sample_batch
from seqgan_cli.training.distribution.agreement import agreed
from seqgan_cli.training.troubles import FALLS, falling, troubles

if TYPE_CHECKING:
    from seqgan_cli.models.generator import Generator

Tick = Callable[[float], None]
HIGHER_IS_BETTER = ("distinct_share", "reward_mean", "reward_final", "d_knows")
EXAMPLES = 12
# Scores of quality where no oracle is.
REAL = tuple(name for name in SCORES if any(name in kind.quality for kind in registry.kinds.known() if not kind.synthetic))


class Stage(abc.ABC):
    """One stage of Algorithm 1."""

    name: ClassVar[str]
    unit: ClassVar[str]
    target_option: ClassVar[str]
    shown: ClassVar[tuple[str, ...]]
    step_sizes: tuple[str, ...]  # the settings to make smaller when numbers grow out of bounds

    target: int  # units asked for
    work: float  # ticks of one unit
    monitor: str | None  # the score that decides which checkpoint is best
    first: Mapping[str, float] = MappingProxyType({})  # the scores before its first unit, once they are known
    best_position: int = 0  # units before the best checkpoint so far, while it is at work
    begun_with: int | None = None  # the position of the generator that the stage began with, if it began with another's
    meets_anew: ClassVar[bool] = False  # whether a stage that goes on meets that generator as it is by then

    def __init__(self, settings: Settings, corpus: Corpus) -> None:
        self.settings, self.corpus = settings, corpus
        self.patience, self.monitor = settings.patience(self.name), settings.monitor(self.name)

    @abc.abstractmethod
    def variables(self) -> dict[str, Any]:
        """Everything that changes, by the name it has in checkpoints."""

    @abc.abstractmethod
    def scores(self, position: int) -> dict[str, float]:
        """What is measured after that many units."""

    @abc.abstractmethod
    def advance(self, position: int, tick: Tick) -> dict[str, float]:
        """Do unit number `position` (from 1) and return what was measured on the way and after it."""

    def variety(self, start: dict[str, float]) -> dict[str, float]:
        """What distinct_share and entropy are held against, to notice a collapse; `start`: the scores before the stage.

        least_distinct_share: below it samples repeat themselves, where more is known of that than
        `collapse_threshold` takes for granted.
        """
        return start

    def examples(self) -> list[str]:
        """A few samples of the generator as it is now, always from the same draws; none where no generator is trained."""
        return []

    @property
    def steps(self) -> int:
        """Optimizer steps so far, for the history."""
        return 0

    def refuses(self, scores: dict[str, float], start: dict[str, float]) -> str:
        """Why a unit with these scores is not kept and the stage ends before it; empty if it is. `start`: as in `variety`."""
        return ""

    def remark(self) -> str:
        """A few words for a unit's line of progress besides its scores; empty for none."""
        return ""


def examples_of(generator: Generator, settings: Settings, corpus: Corpus) -> list[str]:
    """A few samples as text, from the same draws whatever the generator."""
    written = settings.kind.detokenizer(settings, corpus.vocabulary)
    drawn = sample_batch(generator, EXAMPLES, key(settings.seed, "examples")).numpy()
    return [written.with_source(ids, written.line(ids)) for ids in drawn]


def batches_of(num: int, batch_size: int, console: Console, what: str) -> int:
    """The batch size to use on `num` sequences: never more than there are, and it says so when that is less than asked."""
    if batch_size > num:
        console.say(f"{what}: only {num} sequences, so batches hold {num} instead of {batch_size}.")
    return min(batch_size, num)


def better(metric: str, value: float, than: float | None) -> bool:
    """Whether the score improved; NaN never does."""
    if than is None or math.isnan(than):
        return not math.isnan(value)
    return value > than if metric in HIGHER_IS_BETTER else value < than


def _check_finite_weights(arrays: dict[str, np.ndarray], stage: Stage, position: int) -> None:
    """Raises SeqganError if a checkpoint would hold what is not finite."""
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise SeqganError(
                f"{stage.name}, {stage.unit} {position}: {name} is not finite. Nothing since the last checkpoint is kept: "
                f"run the command again with a smaller {' or '.join(stage.step_sizes)} (--set {stage.step_sizes[0]}=…)."
            )


def run_stage(stage: Stage, run: Run, console: Console, tensorboard: bool = False) -> None:
    """Bring a stage to its target from wherever the run left it. Raises SeqganError if numbers stop being finite."""
    checkpoints = run.checkpoints(stage.name)
    found = checkpoints.latest(console.warn)
    position = found.position if found else 0
    moved = found is not None and checkpoints.is_of_earlier_data(found)
    best = best_of(found.facts, stage.settings, stage.name, moved) if found else None
    met = found.facts.get("begun_with") if found else None
    if best and stage.meets_anew and met not in (None, stage.begun_with):
        console.warn(f"{stage.name}: the generator is another one from here on: the best, and patience, begin anew.")
        best = {"position": position, "value": None}
    if best and _finished(stage, position, best, console):
        return
    run.go_back(stage.name, position if found else -1)
    if found:
        assign(found, stage.variables())
        if lost := set(range(position + 1)) - {row.position for row in run.history.rows() if row.stage == stage.name}:
            console.warn(f"{run.history.path} lacks {len(lost)} of {stage.name}'s {position + 1} points: curves have gaps.")
        console.say(f"{stage.name}: going on after {stage.unit} {position}.")
        if changed := changed_measure(found.facts, stage.settings, stage.name, moved):
            console.warn(
                f"{stage.name}: up to {stage.unit} {position} the best checkpoint was chosen by {changed[0]}, from here on by "
                f"{changed[1]}. The two do not compare: the best, and patience, begin anew."
            )
    else:
        run.history.append(_rows(stage, 0, stage.scores(0), 0.0))
        run.keep_examples(stage.name, 0, stage.examples())
    stage.first = first = run.history.at(stage.name, 0)
    variety = stage.variety(first)
    begun_with = found.facts.get("begun_with") if found and not stage.meets_anew else stage.begun_with
    best = best or {"position": 0, "value": first.get(stage.monitor or "")}
    measure = {"measure": measured} if (measured := stage.settings.measure(stage.name)) else {}
    board = _Board(run, stage) if tensorboard else None
    told: set[str] = set()
    why, cfg = "", stage.settings.evaluation
    shares = [run.history.at(stage.name, i).get("distinct_share") for i in range(max(0, position - FALLS), position + 1)]
    main = stage.monitor or stage.shown[0]
    try:
        with (
            signals.reraise_signals(),
            console.progress(stage.name, stage.unit, position, stage.target, stage.work, main) as progress,
        ):
            while position < stage.target and not has_stalled(position, best, stage.patience):
                started, stage.best_position = time.monotonic(), best["position"]
                scores = agreed(stage.advance(position + 1, progress.tick))
                if why := stage.refuses(scores, first):
                    break
                arrays = {name: variable.numpy() for name, variable in stage.variables().items()}
                _check_finite_weights(arrays, stage, position + 1)
                position += 1
                improved = stage.monitor in scores and better(stage.monitor, scores[stage.monitor], best["value"])
                if improved:
                    best = {"position": position, "value": scores[stage.monitor or ""]}
                # The checkpoint comes last: a kill before it repeats the unit, and writes the same row and samples again.
                run.history.append(_rows(stage, position, scores, time.monotonic() - started))
                if position == stage.target or position & (position - 1) == 0:  # the last, and 1, 2, 4, 8, …
                    run.keep_examples(stage.name, position, stage.examples())
                checkpoints.save(position, arrays, {"best": best, "begun_with": begun_with, **measure}, best=improved)
                shown = {name: scores[name] for name in stage.shown if name in scores}
                progress.finish_unit(position, shown, stage.remark())
                if board:
                    board.add(position, scores)
                shares = [*shares, scores.get("distinct_share")][-FALLS - 1 :]
                found_now = troubles(scores, variety, cfg.samples) | falling(shares, variety, cfg.samples)
                for trouble, words in found_now.items():
                    if trouble not in told:
                        told.add(trouble)
                        console.warn(f"{stage.name}, {stage.unit} {position}: {words}")
    except KeyboardInterrupt:
        saved = checkpoints.positions()  # as the disk has it: the signal may come right after a checkpoint took its name
        console.say(
            f"\nStopped. {stage.name} is saved up to {stage.unit} {max(saved, default=0)} of {stage.target}; "
            "the same command goes on from there."
        )
        raise
    if why:
        kept = f"{stage.unit.capitalize()} {position} is the last" if position else "No unit is kept"
        console.say(f"{stage.name}: stopped before {stage.unit} {position + 1}: {why} {kept}.{_named_best(best, position)}")
    else:
        _finished(stage, position, best, console)


def _named_best(best: dict[str, Any], position: int) -> str:
    """Where the best unit is, if it is another than the last."""
    if best["position"] in (0, position):
        return ""
    return f" The best is {best['position']}: `--from best-adversarial` names it."


def _finished(stage: Stage, position: int, best: dict[str, Any], console: Console) -> bool:
    """Whether nothing is left to do; says why."""
    if position >= stage.target:
        more = f" (asked for {stage.target})" if position > stage.target else ""
        console.say(
            f"{stage.name}: done, {position} {stage.unit}{'s' * (position != 1)}{more}. "
            f"{stage.target_option} with a larger number continues, --overwrite restarts."
        )
    elif position and has_stalled(position, best, stage.patience):
        console.say(
            f"{stage.name}: stopped after {stage.unit} {position}: {stage.monitor} has not improved since {best['position']}. "
            "A larger patience continues."
        )
    else:
        return False
    return True


def _rows(stage: Stage, position: int, scores: dict[str, float], seconds: float) -> list[Row]:
    return [Row(stage.name, position, stage.steps, name, float(value), seconds) for name, value in scores.items()]


class _Board:
    """TensorBoard event files. Scalars are written as raw summaries, which needs no TensorBoard to be installed."""

    def __init__(self, run: Run, stage: Stage) -> None:
        import tensorflow as tf

        self._tf = tf
        folder = run.path / "tensorboard" / stage.name
        folder.mkdir(parents=True, exist_ok=True)
        self._writer = tf.summary.create_file_writer(str(folder))

    def add(self, position: int, scores: dict[str, float]) -> None:
        metadata = self._tf.compat.v1.SummaryMetadata(
            plugin_data=self._tf.compat.v1.SummaryMetadata.PluginData(plugin_name="scalars"), data_class=1
        )
        with self._writer.as_default():
            for name, value in scores.items():
                self._tf.summary.write(name, self._tf.constant(value, self._tf.float32), step=position, metadata=metadata)
        self._writer.flush()
