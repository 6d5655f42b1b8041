"""The loop of a search: as many trials at once as there are jobs, each reported, pruned, told and given back."""

import time
from collections.abc import Mapping
from typing import Any

from seqgan_cli.console import Console, duration, number
from seqgan_cli.errors import SeqganError
from seqgan_cli.studies.search.attempt import Attempt, Base
from seqgan_cli.studies.search.study import Shared

POLL = 0.5  # seconds


class Tuner:
    """Trials at work.

    Args:
        shared: the study.
        base: what trials have in common.
        jobs, threads: trials at once, and threads of each.
        prune: leave off trials that score poorly on the way.
        seconds: after which no new trial is begun and those at work are stopped; None: never.
    """

    def __init__(
        self, shared: Shared, base: Base, jobs: int, threads: int, prune: bool, seconds: float | None, console: Console
    ) -> None:
        self.shared, self.base, self.jobs, self.threads = shared, base, jobs, threads
        self.prune, self.seconds, self.console = prune, seconds, console
        self.active: list[Attempt] = []

    def carry_out(self) -> None:
        """Go on until as many trials have ended as were asked for, by us and by others, or the time is up.

        Ctrl-C gives back what is at work, for this command or another to go on with.
        """
        shared, began = self.shared, time.monotonic()
        before = len(shared.finished)
        if before >= shared.number:
            self.console.say(f"All {shared.number} trials are done already.")
            return
        self.console.say(
            f"{before} of {shared.number} trials are done. Stopping (Ctrl-C) at any time is safe; the same command goes on. "
            "Started elsewhere it joins in."
        )
        waiting = False
        try:
            with self.console.progress("search", "trial", before, shared.number, 1.0, "") as progress:
                shown = before
                while not (late := self.seconds is not None and time.monotonic() - began > self.seconds):
                    for attempt in list(self.active):
                        self._look_after(attempt)
                    if (ended := len(shared.finished)) > shown:
                        shown = ended
                        progress.move(min(ended, shared.number))
                    if ended >= shared.number:
                        break
                    while len(self.active) < self.jobs and (trial := shared.next()):
                        self._begin(trial)
                    if not self.active and not waiting:
                        waiting = True
                        self.console.say("The trials that are left are at work elsewhere; waiting for them.")
                    time.sleep(POLL)
        finally:
            self._give_back()
        if late:
            self.console.say(f"The time is up: {len(shared.finished)} of {shared.number} trials are done.")

    def _begin(self, trial: Any) -> None:
        values = {dimension.name: trial.params[dimension.name] for dimension in self.shared.dimensions}
        try:
            tasks = self.base.tasks(values)
        except SeqganError as error:  # a combination that makes no sense
            self.shared.end(trial, failed=str(error))
            self.console.warn(f"trial {trial.number}: {told(values)}: {error}")
            return
        self.console.note(f"trial {trial.number} begins: {told(values)}")
        self.active.append(Attempt(trial, tasks, self.threads, tuple(self.shared.objectives)))

    def _look_after(self, attempt: Attempt) -> None:
        trial = attempt.trial
        values: list[float] | None = None
        try:
            ended = attempt.advance()
            if not self.shared.beat(trial):
                raise _TakenOver
            poor = False
            for unit, scores in attempt.news():
                self.shared.report(trial, unit, scores)
                poor = self.prune and not ended and self.shared.poor(trial, unit, scores)
            if not ended and not poor:
                return
            attempt.stop()
            if ended:
                values = attempt.values()
            kept = self.shared.end(trial, values)
            how = told(dict(zip(self.shared.objectives, values, strict=True))) if values else "left off as poor"
        except _TakenOver:
            attempt.stop()
            kept, how = False, ""
        except SeqganError as error:
            attempt.stop()
            kept, how = self.shared.end(trial, failed=str(error)), f"failed: {error}"
        self.active.remove(attempt)
        if not kept:
            self.console.warn(f"trial {trial.number} was taken over by another process; what this one found does not count.")
            return
        spent = duration(time.monotonic() - attempt.began)
        self.console.say(f"trial {trial.number}: {how} · {told(trial.params)} · {spent}{self._leading()}")

    def _leading(self) -> str:
        best = [trial.number for trial in self.shared.study.best_trials]
        return f" · best so far: {', '.join(map(str, best))}" if best else ""

    def _give_back(self) -> None:
        for attempt in self.active:
            if attempt.process is not None:
                attempt.process.terminate()
        for attempt in self.active:
            attempt.stop()
            self.shared.give_back(attempt.trial)
        if self.active:
            self.console.say(f"\n{len(self.active)} trials at work were saved and given back; the same command goes on.")
        self.active = []


class _TakenOver(Exception):  # noqa: N818  no error: somebody else goes on
    """Another process holds the trial now."""


def told(values: Mapping[str, Any]) -> str:
    """Values or scores in a line."""
    shown = {name.rpartition(".")[2]: number(value) if isinstance(value, float) else value for name, value in values.items()}
    return ", ".join(f"{name} {value}" for name, value in shown.items())
