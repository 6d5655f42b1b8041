"""The experiment `headline`: rounds and minutes until nll_oracle is so many nats below MLE's, and what controls need for it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from seqgan_cli.config.resolution import Config
from seqgan_cli.console import Console
from seqgan_cli.errors import SeqganError
from seqgan_cli.runs.history import Row
from seqgan_cli.runs.run import Run
from seqgan_cli.sampling.choices import PLAIN, Sampling
from seqgan_cli.studies.experiments.methods import COLDER, TEMPERATURES
from seqgan_cli.studies.experiments.methods import METHODS as EVERY
from seqgan_cli.studies.experiments.plan import tasks
from seqgan_cli.studies.experiments.scores import Scored, Scorer
from seqgan_cli.studies.tasks import Task

METHODS = ("seqgan", "constant", "pg-bleu")  # those with rounds
MLE, CORRECTED = "mle", "mle-corrected"  # those without
ROUNDING = 1e-9  # a fall that misses the wanted one by no more than float64 rounds reaches it
Point = tuple[float, float, float]  # temperature, nll_oracle, nll_test


@dataclass(frozen=True)
class Plan:
    """nats: how far below MLE; samples: behind each score of a generator."""

    directory: Path
    config: Config
    preset: str
    seeds: tuple[int, ...]
    samples: int
    nats: float

    def tasks(self) -> list[Task]:
        """Those that the paper's table shares."""
        return tasks(self.directory, (MLE, CORRECTED, *METHODS), self.seeds, self.config, self.preset)

    def run(self, method: str, seed: int) -> Run:
        return Run(self.directory / f"seed-{seed}" / EVERY[method].work)


@dataclass(frozen=True)
class Rounds:
    """The rounds of a method in one seed; None for what is not known, or not there.

    Args:
        rounds: how many are in the history.
        reached: the first at which nll_oracle was as low as wanted.
        minutes: of the rounds up to that.
        coverage: the held-out score in the history.
        paid: by how much that was higher at `reached` than at round 0, nats per token.
        most, at: the largest fall of nll_oracle below round 0, nats per token, and its round.
        pretraining: minutes of each stage before the rounds.
        changed: nll_oracle and nll_test of the last round less those of MLE, on fresh samples.
    """

    rounds: int
    reached: int | None
    minutes: float | None
    coverage: str
    paid: float | None
    most: float | None
    at: int | None
    pretraining: Mapping[str, float | None]
    changed: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Colder:
    """A generator without rounds at lower temperatures, in one seed.

    Args:
        points: from 1 down to the first temperature that is as low as wanted, or the last tried.
        temperature: at which nll_oracle is as low as wanted; None if it is at none tried.
        paid: by how much nll_test is higher there than MLE's at 1, nats per token.
        most: the largest fall of nll_oracle below MLE's at 1 among the points, nats per token.
        pretraining: minutes of each stage.
        changed: nll_oracle and nll_test at 1 less those of MLE.
    """

    points: Sequence[Point]
    temperature: float | None
    paid: float | None
    most: float
    pretraining: Mapping[str, float | None]
    changed: Mapping[str, float]


@dataclass(frozen=True)
class Found:
    """By method and seed; unfinished: the share that each such task has done."""

    rounds: dict[tuple[str, int], Rounds] = field(default_factory=dict)
    colder: dict[tuple[str, int], Colder] = field(default_factory=dict)
    unfinished: dict[str, float] = field(default_factory=dict)

    def record(self) -> dict[str, Any]:
        """As JSON has it."""
        every: dict[str, Mapping[tuple[str, int], Any]] = {"rounds": self.rounds, "temperatures": self.colder}
        found = {
            name: [{"method": method, "seed": seed, **asdict(each)} for (method, seed), each in own.items()]
            for name, own in every.items()
        }
        return {**found, "unfinished": self.unfinished}


def first_reached(curve: Mapping[int, float], nats: float) -> int | None:
    """The first round from 1 at which a curve is `nats` or more below its round 0; None if there is none."""
    start = curve.get(0, math.nan)
    return next((i for i in sorted(curve) if i > 0 and start - curve[i] >= nats - ROUNDING), None)


def largest_fall(curve: Mapping[int, float]) -> tuple[float | None, int | None]:
    """The largest fall of a curve below its round 0, and the first round that has it; None if no round is known."""
    falls = {i: curve.get(0, math.nan) - curve[i] for i in sorted(curve) if i > 0}
    falls = {i: fall for i, fall in falls.items() if math.isfinite(fall)}
    at = max(falls, key=falls.__getitem__, default=None)
    return (None, None) if at is None else (falls[at], at)


def minutes_of(rows: Sequence[Row], stage: str, until: int | None = None) -> float | None:
    """Of a stage's units up to that one, or all of them; None where the history lacks one, or all.

    `Row.seconds` is the time of a single unit, with its scores and without its checkpoint.
    """
    seconds = {row.position: row.seconds for row in rows if row.stage == stage}
    units = range(1, (until or max(seconds, default=0)) + 1)
    return sum(seconds[i] for i in units) / 60 if units and set(units) <= seconds.keys() else None


def pretraining_of(rows: Sequence[Row]) -> dict[str, float | None]:
    """Minutes of the stages before the rounds, of those there are."""
    stages = dict.fromkeys(row.stage for row in rows)
    return {stage: minutes_of(rows, stage) for stage in stages if stage != "adversarial"}


def rounds_of(rows: Sequence[Row], nats: float) -> Rounds:
    """What a run's history says of its rounds."""
    by_metric: dict[str, dict[int, float]] = {}
    for row in rows:
        if row.stage == "adversarial":
            by_metric.setdefault(row.metric, {})[row.position] = row.value
    curve = by_metric.get("nll_oracle", {})
    coverage = "nll_validation" if "nll_validation" in by_metric else "nll_test"
    held_out = by_metric.get(coverage, {})
    reached = first_reached(curve, nats)
    minutes = paid = None
    if reached is not None:
        minutes = minutes_of(rows, "adversarial", reached)
        paid = held_out.get(reached, math.nan) - held_out.get(0, math.nan)
        paid = paid if math.isfinite(paid) else None
    return Rounds(max(curve, default=0), reached, minutes, coverage, paid, *largest_fall(curve), pretraining_of(rows))


def temperature_for(points: Sequence[Point], target: float) -> tuple[float, float] | None:
    """The temperature at which nll_oracle comes down to a target, and nll_test there; None if no point is as low.

    Between two neighbouring points on a straight line; the first point's own where that is as low already.

    Args:
        points: from the highest temperature down; those with what is not finite are left out.
    """
    known = [point for point in points if all(map(math.isfinite, point))]
    right = next((i for i, point in enumerate(known) if point[1] <= target + ROUNDING), None)
    if right is None:
        return None
    if right == 0:
        return known[0][0], known[0][2]
    (t0, oracle0, test0), (t1, oracle1, test1) = known[right - 1 : right + 1]
    share = min(1.0, (oracle0 - target) / (oracle0 - oracle1))
    return t0 + share * (t1 - t0), test0 + share * (test1 - test0)


def score(plan: Plan, console: Console) -> Found:
    """What has begun of every seed; scores are kept beside the runs.

    Raises SeqganError if nothing has, or a run is damaged.
    """
    found = Found(unfinished={task.label: task.share for task in plan.tasks() if task.share < 1.0 and not task.done})
    uncorrectable = ""
    with console.progress("scoring", "seeds", 0, len(plan.seeds), 1.0, "") as progress:
        for i, seed in enumerate(plan.seeds, 1):
            if plan.run(MLE, seed).has("pretrain-g"):
                console.note(f"seed {seed} …")
                uncorrectable = _score_seed(plan, seed, found, console) or uncorrectable
            progress.move(i)
    if uncorrectable:
        console.warn(f"{EVERY[CORRECTED].title}: there is no such row: {uncorrectable}")
    if not found.colder:
        raise SeqganError(f"{plan.directory} holds no trained generator of this experiment yet: leave --partial out.")
    return found


def _score_seed(plan: Plan, seed: int, found: Found, console: Console) -> str:
    """Adds a seed's to `found`. Returns why its generator cannot be corrected; empty if it can."""
    mle = Scorer(plan.run(MLE, seed), plan.samples, console.warn)
    start = _point(1.0, mle.score("start", PLAIN))
    found.colder[MLE, seed] = _colder(plan, mle, start, corrected=False)
    for method in METHODS:
        run = plan.run(method, seed)
        if run.has("adversarial"):
            last = Scorer(run, plan.samples, console.warn).score("adversarial", PLAIN)
            found.rounds[method, seed] = replace(
                rounds_of(run.history.rows(), plan.nats), changed=_changed(_point(1.0, last), start)
            )
    run = plan.run(CORRECTED, seed)
    if not run.has("pretrain-d"):
        return ""
    discriminator = Scorer(run, plan.samples, console.warn)
    why = discriminator.uncorrectable()
    if not why:
        found.colder[CORRECTED, seed] = _colder(plan, discriminator, start, corrected=True)
    return why


def _colder(plan: Plan, scorer: Scorer, start: Point, corrected: bool) -> Colder:
    points: list[Point] = []
    for at in (*TEMPERATURES, *COLDER):
        points.append(_point(at, scorer.score("start", Sampling(at), corrected)))
        if reached := temperature_for(points, start[1] - plan.nats):
            break
    temperature = reached[0] if reached else None
    paid = reached[1] - start[2] if reached else None
    most = max(start[1] - point[1] for point in points)
    pretraining = pretraining_of(scorer.run.history.rows())
    return Colder(points, temperature, paid, most, pretraining, _changed(points[0], start))


def _changed(point: Point, start: Point) -> dict[str, float]:
    return {"nll_oracle": point[1] - start[1], "nll_test": point[2] - start[2]}


def _point(temperature: float, scored: Scored) -> Point:
    assert scored.scores.nll_oracle is not None
    return temperature, scored.scores.nll_oracle.mean, scored.scores.nll_test.mean
