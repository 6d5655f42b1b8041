"""Runs side by side: where their settings differ, and whether their scores do."""

import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from seqgan_cli.config import CATALOGUE
from seqgan_cli.errors import SeqganError
from seqgan_cli.experiments.results import compare, shown_p, signed, value
from seqgan_cli.experiments.scores import Scored, Scorer
from seqgan_cli.metrics.likelihood import Estimate
from seqgan_cli.metrics.significance import verdict, welch
from seqgan_cli.run import Run

UNUSED_BEFORE_ADVERSARIAL = ("discriminator.", "pretrain-d.", "adversarial.")


@dataclass(frozen=True)
class Contender:
    """A run's latest generator, named by its path below the folder all runs are in: its scores, and its data's."""

    name: str
    run: Run
    scored: Scored
    data: Mapping[str, float]

    @property
    def way(self) -> tuple:
        """How it was trained: the stage it has come to and every setting of it and those before, but the seed."""
        values, stage = self.run.config().values, self.scored.stage
        unused = UNUSED_BEFORE_ADVERSARIAL if stage == "pretrain-g" else ()
        return stage, *(values[name] for name in CATALOGUE if name != "seed" and not name.startswith(unused))

    @property
    def score(self) -> str:
        """The score that tests compare: quality where it has an interval, else coverage."""
        return "nll_test" if self.scored.scores.nll_oracle is None else "nll_oracle"


def contenders(runs: Sequence[Run], samples: int, warn: Callable[[str], None], step: Callable[[str], None]) -> list[Contender]:
    """Score each run's latest generator. Raises SeqganError for a run without one."""
    found = []
    together = os.path.commonpath([run.path.absolute().parent for run in runs])
    for run in runs:
        if not run.exists or not run.has("pretrain-g"):
            raise SeqganError(f"{run.path} holds no trained generator: run `seqgan pretrain-g --run {run.path}` first.")
        step(f"scoring {run.path}")
        scorer = Scorer(run, samples, warn)
        found.append(Contender(str(run.path.absolute().relative_to(together)), run, scorer.score("latest"), scorer.data()))
    return found


def settings_table(runs: Sequence[Contender]) -> tuple[list[str], list[list[str]]]:
    """The settings in which the runs differ, and how far each has come."""
    values = [contender.run.config().values for contender in runs]
    rows = [[name, *(str(own[name]) for own in values)] for name in CATALOGUE if len({str(own[name]) for own in values}) > 1]
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
    columns = ["run", f"Δ {score}", "Δ nll_test", "p, sequences", "p, seeds", "d_z", f"{score} is"]
    rows = []
    for other in others:
        both = [fingerprint for fingerprint in other if fingerprint in first]
        if not both:
            continue
        mine, theirs = ({i: way[fingerprint].scored for i, fingerprint in enumerate(both)} for way in (other, first))
        comparison = compare(mine, theirs)
        test = comparison.paired[score]
        sequences = [_welch(mine[i], theirs[i], score) for i in mine]
        difference = test.difference
        if difference.count == 1:  # one seed each: the interval over sequences, which is about these two generators
            difference = _between(mine[0], theirs[0], score)
        rows.append(
            [
                ", ".join(other[fingerprint].name for fingerprint in both),
                signed(difference),
                signed(comparison.paired["nll_test"].difference),
                shown_p(max(sequences)),
                shown_p(test.p),
                "" if math.isnan(test.effect_size) else f"{test.effect_size:+.1f}",
                verdict(difference, margin),
            ]
        )
    return columns, rows


def _estimate(scored: Scored, score: str) -> Estimate:
    found = getattr(scored.scores, score)
    return found if isinstance(found, Estimate) else Estimate(math.nan, math.nan, math.nan, math.nan, 0)


def _welch(mine: Scored, theirs: Scored, score: str) -> float:
    return welch(_estimate(mine, score), _estimate(theirs, score))


def _between(mine: Scored, theirs: Scored, score: str) -> Estimate:
    """The difference of two means over sequences, with its 95 % interval."""
    a, b = _estimate(mine, score), _estimate(theirs, score)
    error = math.sqrt(a.std**2 / max(1, a.count) + b.std**2 / max(1, b.count))
    mean = value(mine, score) - value(theirs, score)
    return Estimate(mean, mean - 1.96 * error, mean + 1.96 * error, math.nan, min(a.count, b.count))
