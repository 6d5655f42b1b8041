"""Runs side by side: where their settings differ, and whether their scores do."""

import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from seqgan_cli.config.settings import SCHEMA, STAGES, settings_of
from seqgan_cli.errors import SeqganError, advised
from seqgan_cli.evaluation.metrics.likelihood import Estimate
from seqgan_cli.evaluation.statistics import shown_p, signed, verdict
from seqgan_cli.runs.run import Run
from seqgan_cli.studies.experiments.results import compare
from seqgan_cli.studies.experiments.scores import Scored, Scorer


@dataclass(frozen=True)
class Contender:
    """A run's latest generator, named by its path below the folder all runs are in: its scores, and its data's."""

    name: str
    run: Run
    scored: Scored
    data: Mapping[str, float]

    @property
    def way(self) -> tuple:
        """How it was trained: how far it has come, and every setting of its stage and those before, but the seed."""
        values, stage = self.run.config().values, self.scored.stage
        read = settings_of(*STAGES[: STAGES.index(stage) + 1])
        own = [name for name in read if name in values and not name.startswith("evaluation.")]
        return stage, self.scored.position, *(values[name] for name in own)

    @property
    def score(self) -> str:
        """The score that tests compare: the first that says how good samples of such data are."""
        return str(self.run.config().settings.origin.quality[0])


def contenders(runs: Sequence[Run], samples: int, warn: Callable[[str], None], step: Callable[[str], None]) -> list[Contender]:
    """Score each run's latest generator. Raises SeqganError for a run without one."""
    found = []
    together = os.path.commonpath([run.path.resolve().parent for run in runs])
    for run in runs:
        if not run.exists or not run.has("pretrain-g"):
            raise SeqganError(f"{run.path} holds no trained generator: run {advised('pretrain-g', run.path)} first.")
        step(f"scoring {run.path}")
        scorer = Scorer(run, samples, warn)
        found.append(Contender(str(run.path.resolve().relative_to(together)), run, scorer.score("latest"), scorer.data()))
    return found


def settings_table(runs: Sequence[Contender]) -> tuple[list[str], list[list[str]]]:
    """The settings in which the runs differ, and how far each has come."""
    values = [contender.run.config().values for contender in runs]
    told = {name: [str(own.get(name, "")) for own in values] for name in SCHEMA}  # uses of a reward have names of one's own
    rows = [[name, *found] for name, found in told.items() if len(set(found)) > 1]
    rows.append(["trained up to", *(f"{c.scored.stage} {c.scored.position}" for c in runs)])
    return ["setting", *(contender.name for contender in runs)], rows


def tests_table(runs: Sequence[Contender], margin: float) -> tuple[list[str], list[list[str]]]:
    """Each other way of training against that of the first run, on the data both have; no rows for what shares no data.

    Runs of one way differ by seed: then a paired test over seeds stands beside Welch's test between sequences.
    """
    ways: dict[tuple, dict[str, Contender]] = {}
    for i, contender in enumerate(runs):
        fingerprint = contender.run.fingerprint
        way = contender.way if fingerprint not in ways.get(contender.way, {}) else (i,)  # a copy stands for itself
        ways.setdefault(way, {})[fingerprint] = contender
    first, *others = ways.values()
    score = runs[0].score
    scores = tuple(dict.fromkeys((score, "nll_test")))
    columns = ["run", *(f"Δ {name}" for name in scores), "p, sequences", "p, seeds", "d_z", f"{score} is"]
    rows = []
    for other in others:
        both = [fingerprint for fingerprint in other if fingerprint in first]
        mine, theirs = ({i: way[fingerprint].scored for i, fingerprint in enumerate(both)} for way in (other, first))
        comparison = compare(mine, theirs, (score,))
        if comparison is None:
            continue
        test, differences = comparison.paired[score], [comparison.paired[name].difference for name in scores]
        word = verdict(test.difference, margin)
        if len(both) == 1:
            differences[0] = _between(mine[0], theirs[0], score)
            word = f"{verdict(differences[0], margin)}, of these two"
        rows.append(
            [
                ", ".join(other[fingerprint].name for fingerprint in both),
                *map(signed, differences),
                shown_p(comparison.largest_p(score)),
                shown_p(test.p),
                "" if math.isnan(test.effect_size) else f"{test.effect_size:+.1f}",
                word,
            ]
        )
    return columns, rows


def _between(mine: Scored, theirs: Scored, score: str) -> Estimate:
    """The difference of a score and its 95 % interval over sequences, which is about these two generators alone."""
    a, b = mine.scores.score(score), theirs.scores.score(score)
    assert a is not None
    assert b is not None
    mean, half = a.mean - b.mean, 1.96 * math.sqrt(a.std**2 / a.count + b.std**2 / b.count)
    return Estimate(mean, mean - half, mean + half, math.nan, min(a.count, b.count))
