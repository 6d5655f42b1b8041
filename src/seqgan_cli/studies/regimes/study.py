"""The experiment `regimes`: in which cells a discriminator knows something, and what correction and rounds earn of it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from seqgan_cli.config.resolution import Config, resolve
from seqgan_cli.console import Console
from seqgan_cli.evaluation.metrics.knowledge import Knowledge
from seqgan_cli.runs.run import Run
from seqgan_cli.sampling.choices import Sampling
from seqgan_cli.studies.experiments import study as executing
from seqgan_cli.studies.experiments.findings import above_curve
from seqgan_cli.studies.experiments.methods import COLDER, TEMPERATURES
from seqgan_cli.studies.experiments.plan import asked_of, tasks_of
from seqgan_cli.studies.experiments.scores import Scored, Scorer
from seqgan_cli.studies.regimes.cells import CORRECTED, MLE, ROUNDS, Cell, later_works, likelihood_works
from seqgan_cli.studies.tasks import Task, Work

Point = tuple[float, float]  # nll_test, nll_oracle: of both less is better


@dataclass(frozen=True)
class Plan:
    """A map.

    Args:
        config: of all runs.
        sequences, hidden_dims: whose product the cells are.
        dropouts: of which each cell and seed takes the one with the best nll_validation.
        samples: behind each score.
        common_random_numbers: whether those of all methods of a seed are drawn from one key.
    """

    directory: Path
    config: Config
    preset: str
    sequences: tuple[int, ...]
    hidden_dims: tuple[int, ...]
    dropouts: tuple[float, ...]
    seeds: tuple[int, ...]
    samples: int
    common_random_numbers: bool = True

    @property
    def cells(self) -> list[Cell]:
        return [Cell(number, size) for number in self.sequences for size in self.hidden_dims]

    def config_of(self, number: int) -> Config:
        """The settings with so many sequences."""
        chosen = {**asked_of(self.config), "data.num-sequences": number}
        return resolve(chosen, dict.fromkeys(chosen, "option"), None, self.preset)

    def likelihood_tasks(self, number: int) -> list[Task]:
        """Maximum likelihood of all cells with so many sequences."""
        works = {k: v for size in self.hidden_dims for k, v in likelihood_works(Cell(number, size), self.dropouts).items()}
        return tasks_of(works, [*works], self.directory, self.seeds, self.config, self.preset)

    def later_tasks(self, number: int) -> list[Task]:
        """What begins with the chosen ones of those, and they."""
        planned: list[Task] = []
        for seed in self.seeds:
            works: dict[str, Work] = {}
            wanted: list[str] = []
            for size in self.hidden_dims:
                cell = Cell(number, size)
                later = later_works(self.chosen(cell, seed))
                works |= {**likelihood_works(cell, self.dropouts), **later}
                wanted += [*later]
            planned += tasks_of(works, wanted, self.directory, [seed], self.config, self.preset)
        return planned

    def chosen(self, cell: Cell, seed: int) -> str:
        """Of a cell's candidates the one with the lowest nll_validation at its best epoch, of several the first."""
        return min((cell.mle(x) for x in self.dropouts), key=lambda name: self._validation(self.run(seed, name)))

    def run(self, seed: int, work: str) -> Run:
        return Run(self.directory / f"seed-{seed}" / work)

    def _validation(self, run: Run) -> float:
        rows = run.history.rows() if run.exists else []
        return min((row.value for row in rows if row.metric == "nll_validation"), default=math.inf)


@dataclass(frozen=True)
class Mapped:
    """A cell in one seed.

    curves: by MLE, CORRECTED and ROUNDS the points over temperatures, from 1 down. divergence: KL(p‖G) of MLE at temperature 1,
    nats a sequence. known: what the discriminator knows of it, on the test part, by which a test sequence is likelier when
    corrected. earned: by how much it is likelier after the round with the best nll_validation, nats; 0 if none betters the
    start.
    """

    dropout: float
    epoch: int
    divergence: float
    known: Knowledge
    earned: float
    curves: Mapping[str, Sequence[Point]] = field(default_factory=dict)

    def record(self) -> dict[str, Any]:
        """As JSON has it."""
        others = {name: self.curves[name] for name in (CORRECTED, ROUNDS)}
        return asdict(self) | {
            "gaps": {name: gap(curve, self.curves[MLE]) for name, curve in others.items()},
            "coverage_gaps": {name: coverage_gap(curve, self.curves[MLE]) for name, curve in others.items()},
        }


def gap(curve: Sequence[Point], mle: Sequence[Point]) -> float:
    """What a curve has in nll_oracle less what MLE's has, at the same nll_test, where that is largest.

    Below 0 MLE is worse at every coverage that both reach; a curve against itself gives 0. Each has at a coverage the least of
    its points that cover no worse, and of the straight line between two neighbours. Taken at the points of both: where one has
    a point, the line of the other lies on or above what it would have in between if it is convex, so that neither gains by it
    in all of them. nan where the curves have no coverage in common.
    """
    found = [above_curve(x, -above_curve(x, 0.0, curve), mle) for x, _ in (*curve, *mle)]
    return max((each for each in found if not math.isnan(each)), default=math.nan)


def coverage_gap(curve: Sequence[Point], mle: Sequence[Point]) -> float:
    """The best nll_test of a curve less MLE's best: above 0 there are coverages that MLE alone reaches."""
    return min(x for x, _ in curve) - min(x for x, _ in mle)


def train(plan: Plan, jobs: int, threads: int, console: Console) -> None:
    """Train all cells, those with fewer sequences first. Raises SeqganError when a task fails."""
    for number in plan.sequences:
        config = plan.config_of(number)
        for what, tasks in (("likelihood", plan.likelihood_tasks), ("discriminators and rounds", plan.later_tasks)):
            console.say(f"{number} sequences: {what}.")
            executing.train("regimes", tasks(number), config, plan.directory, jobs, threads, console)


def score(plan: Plan, console: Console) -> dict[tuple[Cell, int], Mapped]:
    """Of every cell and seed whose tasks are done; scores are kept beside the runs. Raises SeqganError for a damaged run."""
    found = {}
    todo = list(_done(plan))
    with console.progress("scoring", "cells", 0, len(todo), 1.0, "") as progress:
        for i, (cell, seed) in enumerate(todo, 1):
            console.note(f"{cell.name}, seed {seed} …")
            found[cell, seed] = _mapped(plan, cell, seed, console)
            progress.move(i)
    return found


def _done(plan: Plan) -> Iterator[tuple[Cell, int]]:
    for number in plan.sequences:
        if not all(task.done for task in plan.likelihood_tasks(number)):
            continue
        done = {task.path for task in plan.later_tasks(number) if task.done}
        for size in plan.hidden_dims:
            cell = Cell(number, size)
            for seed in plan.seeds:
                if {plan.run(seed, work).path for work in later_works(plan.chosen(cell, seed))} <= done:
                    yield cell, seed


def _mapped(plan: Plan, cell: Cell, seed: int, console: Console) -> Mapped:
    chosen = plan.chosen(cell, seed)
    discriminator, rounds = (
        Scorer(plan.run(seed, work), plan.samples, console.warn, common_random_numbers=plan.common_random_numbers)
        for work in later_works(chosen)
    )
    last = "best-adversarial" if rounds.run.checkpoints("adversarial").best() else "start"
    curves, first = {}, {}
    for name, scorer, which, corrected in (
        (MLE, discriminator, "start", False),
        (CORRECTED, discriminator, "start", True),
        (ROUNDS, rounds, last, False),
    ):
        scored = [scorer.score(which, Sampling(t), corrected) for t in TEMPERATURES]
        curves[name], first[name] = [_point(each) for each in scored], scored[0]
    wanted = max(x for name in (CORRECTED, ROUNDS) for x, _ in curves[name])
    for temperature in COLDER:
        if max(x for x, _ in curves[MLE]) >= wanted:
            break
        curves[MLE].append(_point(discriminator.score("start", Sampling(temperature))))
    data, corpus = discriminator.data(), discriminator.corpus
    length = float(corpus.vocabulary.mask(corpus.reported.tokens).sum(axis=1).mean())
    known = first[CORRECTED].scores.knowledge
    assert known is not None
    at_first = {name: each.scores.nll_test.mean for name, each in first.items()}
    return Mapped(
        float(discriminator.settings.pretrain_g.dropout),
        first[MLE].position,
        length * (at_first[MLE] - data["nll_oracle"]),
        known,
        length * (at_first[MLE] - at_first[ROUNDS]),
        curves,
    )


def _point(scored: Scored) -> Point:
    assert scored.scores.nll_oracle is not None
    return scored.scores.nll_test.mean, scored.scores.nll_oracle.mean
