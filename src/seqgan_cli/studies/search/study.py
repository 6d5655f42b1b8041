"""A search: which values its trials have, which are pruned, and what is said when one ends."""

import statistics
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

from seqgan_cli.console import Console, Progress, duration, number
from seqgan_cli.errors import SeqganError
from seqgan_cli.studies.executor import Executor
from seqgan_cli.studies.leases import SharedStudy
from seqgan_cli.studies.search.space import Dimension
from seqgan_cli.studies.search.trials import Base, Trial

REPORT = "after "  # and a number of units: the attribute of a trial with its scores then
PEERS = 5  # trials that came as far, before one of them can be pruned


class SearchStudy(SharedStudy):
    """A study whose trials draw their values.

    Args:
        sampler: tpe, random or grid.
        dimensions: what is drawn.
        points: the grid's combinations: each is done once, and nothing else.
    """

    def __init__(
        self,
        storage: Any,
        name: str,
        objectives: Mapping[str, bool],
        asked: dict[str, Any],
        number: int,
        sampler: str,
        seed: int,
        dimensions: Sequence[Dimension],
        points: Sequence[dict[str, Any]] | None = None,
    ) -> None:
        super().__init__(storage, name, objectives, asked, number, points)
        self.sampler, self.seed, self.dimensions = sampler, seed, dimensions

    def _begin(self, trial: Any) -> None:
        self.study.sampler = self._sampler(trial.number)
        for dimension in self.dimensions:
            dimension.suggest(trial)

    def _sampler(self, number: int) -> Any:
        """Draws of its own for each trial, so that a study that was stopped goes on as it would have."""
        from optuna import samplers

        seed = (self.seed * 1_000_003 + number) % 2**32
        return samplers.RandomSampler(seed) if self.sampler != "tpe" else samplers.TPESampler(seed=seed, constant_liar=True)

    def report(self, trial: Any, unit: int, values: Sequence[float]) -> None:
        """What a trial scores after that many units."""
        trial.set_user_attr(f"{REPORT}{unit}", list(values))

    def should_prune(self, trial: Any, unit: int, values: Sequence[float]) -> bool:
        """Whether a trial scores worse in every objective than the median of the others after as many units.

        Optuna's median rule (Golovin et al. 2017, §3.2.2), which it has for one objective alone.
        """
        others = [t.user_attrs[f"{REPORT}{unit}"] for t in self.trials() if f"{REPORT}{unit}" in t.user_attrs]
        if len(others) <= PEERS:  # ourselves among them
            return False
        medians = [statistics.median(column) for column in zip(*others, strict=True)]
        higher = self.objectives.values()
        return all(value < mid if more else value > mid for value, mid, more in zip(values, medians, higher, strict=True))


class Search:
    """The schedule of a search: trial after trial, until as many have ended, here and elsewhere, as were wanted.

    Args:
        study: in the storage.
        base: what trials have in common.
        prune: end trials early that score poorly on the way.
    """

    waiting = "The trials that are left are at work elsewhere; waiting for them."

    def __init__(self, study: SearchStudy, base: Base, prune: bool, console: Console) -> None:
        self.leases, self.base, self.prune, self.console = study, base, prune, console
        self.finished = len(study.finished)

    @property
    def done(self) -> bool:
        return self.finished >= self.leases.number

    def progress(self) -> AbstractContextManager[Progress]:
        return self.console.progress("search", "trial", self.finished, self.leases.number, 1.0, "")

    def position(self) -> int:
        self.finished = len(self.leases.finished)
        return min(self.finished, self.leases.number)

    def next(self) -> Trial | None:
        while trial := self.leases.next():
            values = {dimension.name: trial.params[dimension.name] for dimension in self.leases.dimensions}
            try:
                tasks = self.base.tasks(values)
            except SeqganError as error:  # a combination that makes no sense
                self.leases.end(trial, failed=str(error))
                self.console.warn(f"trial {trial.number}: {told(values)}: {error}")
                continue
            self.console.note(f"trial {trial.number} begins: {told(values)}")
            return Trial(tasks, trial, tuple(self.leases.objectives))
        return None

    def report(self, unit: Trial) -> bool:
        pruned = False
        for after, scores in unit.news():
            self.leases.report(unit.lease, after, scores)
            pruned = self.prune and self.leases.should_prune(unit.lease, after, scores)
        return pruned

    def values(self, unit: Trial) -> list[float]:
        return unit.values()

    def failure(self, unit: Trial, error: SeqganError) -> str:
        return str(error)

    def ended(self, unit: Trial, values: Sequence[float] | None, failed: str, left: float | None) -> None:
        how = f"failed: {failed}" if failed else "left off as poor"
        if values is not None:
            how = told(dict(zip(self.leases.objectives, values, strict=True)))
        spent = duration(time.monotonic() - unit.began)
        self.console.say(f"trial {unit.lease.number}: {how} · {told(unit.lease.params)} · {spent}{self._leading()}")

    def _leading(self) -> str:
        best = [trial.number for trial in self.leases.study.best_trials]
        return f" · best so far: {', '.join(map(str, best))}" if best else ""

    def lost(self, unit: Trial) -> None:
        self.console.warn(f"trial {unit.lease.number} was taken over by another process; what this one found does not count.")


def carry_out(
    study: SearchStudy, base: Base, jobs: int, threads: int, prune: bool, seconds: float | None, console: Console
) -> None:
    """Go on until as many trials have ended as were asked for, by us and by others, or the time is up.

    Ctrl-C requeues what is at work, for this command or another to go on with.

    Args:
        jobs, threads: trials at once, and threads of each.
        seconds: after which no new trial is begun and those at work are stopped; None: never.
    """
    search = Search(study, base, prune, console)
    if search.done:
        console.say(f"All {study.number} trials are done already.")
        return
    console.say(
        f"{search.finished} of {study.number} trials are done. Stopping (Ctrl-C) at any time is safe; the same command goes "
        "on. Started elsewhere it joins in."
    )
    executor = Executor(search, jobs, threads, console, seconds)
    try:
        in_time = executor.carry_out()
    finally:
        if executor.requeued:
            console.say(f"\n{executor.requeued} trials at work were saved and given back; the same command goes on.")
    if not in_time:
        console.say(f"The time is up: {len(study.finished)} of {study.number} trials are done.")


def told(values: Mapping[str, Any]) -> str:
    """Values or scores in a line."""
    shown = {name.rpartition(".")[2]: number(value) if isinstance(value, float) else value for name, value in values.items()}
    return ", ".join(f"{name} {value}" for name, value in shown.items())
