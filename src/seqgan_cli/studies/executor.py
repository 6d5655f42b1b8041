"""Carries out the tasks of an experiment or the trials of a search, several at once, here and wherever else they are shared.

Work comes in units, chains of tasks that one holder trains one after another: an experiment's has one task, a trial's its
stages. The holder of a unit has a lease on it and sends heartbeats; the unit of one who died is another's to go on with.
"""

import contextlib
import subprocess
import time
from collections.abc import Sequence
from typing import Any, Generic, Protocol, TypeVar

from seqgan_cli.console import Console, Progress
from seqgan_cli.errors import SeqganError
from seqgan_cli.runs import lock
from seqgan_cli.studies.tasks import Task, TaskError, failure

POLL = 0.5  # seconds


class Leases(Protocol):
    """Who holds which unit of work. What `lease` is, only they know."""

    def heartbeat(self, lease: Any) -> bool:
        """Say that it is still at work here. False if it was taken over."""

    def end(self, lease: Any, values: Sequence[float] | None = None, failed: str = "") -> bool:
        """It ended: with values, failed for a reason, or, with neither, pruned.

        False if it was taken over: what was found here does not count.
        """

    def requeue(self, lease: Any) -> None:
        """Stop it here; it waits for whoever comes next."""


class Unit:
    """Tasks that one holder trains: one process at a time, or waiting for another that trains the same run.

    Args:
        lease: what its `Leases` know it by.
        deaths: times that a signal may end its processes before it counts as failed.
    """

    def __init__(self, tasks: Sequence[Task], lease: Any, deaths: int = 0) -> None:
        self.tasks, self.lease, self.deaths = list(tasks), lease, deaths
        self.began = time.monotonic()
        self._process: subprocess.Popen | None = None
        self._task = self.tasks[0]  # which the process carries out
        self._begins = 0  # the byte of its log where the process begins
        self._ended: set[str] = set()  # tasks whose process said that they are done
        self._lock = contextlib.ExitStack()

    def advance(self, threads: int) -> bool:
        """Look after the process, and begin the next task when one has ended. True when all are done.

        Raises TaskError if one failed, or was killed too often.
        """
        if self._process is not None:
            if self._process.poll() is None:
                return False
            code, self._process = self._process.returncode, None
            self._lock.close()
            self._note(code)
        task = self._left()
        if task is None:
            return True
        if self._hold(task):
            self._process, self._begins = task.launch(threads)
            self._task = task
        return False

    def _left(self) -> Task | None:
        return next((task for task in self.tasks if task.label not in self._ended and not task.done), None)

    def _note(self, code: int) -> None:
        """What becomes of the task whose process ended with that code."""
        task = self._task
        if not code:
            self._ended.add(task.label)
            return
        killed = code < 0 or code > 128
        self.deaths -= killed  # those that are left to it
        if (self.deaths < 0 or not killed) and not task.done and not task.busy:
            raise TaskError(task, failure(code, task.log, self._begins))

    def _hold(self, task: Task) -> bool:
        """Whether its run is ours to train: nobody else does, here or on another machine that sees the directory."""
        task.path.parent.mkdir(parents=True, exist_ok=True)
        held = lock.acquire(task.path.parent, f".{task.name}")
        if held is None:
            return False
        self._lock.enter_context(held)
        if task.busy:  # by a process that outlived its study
            self._lock.close()
            return False
        return True

    def terminate(self) -> None:
        """Ask the process to save and end."""
        if self._process is not None:
            self._process.terminate()

    def stop(self) -> None:
        """End the process, which saves what it has."""
        self.terminate()
        if self._process is not None:
            self._process.wait()
            self._process = None
        self._lock.close()


U = TypeVar("U", bound=Unit)


class Schedule(Protocol[U]):
    """What differs between an experiment and a search: what is next, and what an end means.

    Attributes:
        leases: who holds which unit.
        done: nothing is left to do, here or elsewhere, as of the last `position`.
    """

    @property
    def leases(self) -> Leases: ...

    @property
    def done(self) -> bool: ...

    @property
    def waiting(self) -> str:
        """What to say once when others hold all that is left."""

    def progress(self) -> contextlib.AbstractContextManager[Progress]:
        """The progress to show, from where it stands."""

    def position(self) -> int:
        """Where progress stands now, with what ended elsewhere."""

    def next(self) -> U | None:
        """A unit that may be begun, leased to us."""

    def report(self, unit: U) -> bool:
        """Pass on what a unit at work scores. True if it is to be pruned."""

    def values(self, unit: U) -> Sequence[float]:
        """What a unit came to whose tasks are all done. Raises SeqganError if that cannot be said."""

    def failure(self, unit: U, error: SeqganError) -> str:
        """The reason that stands for a unit that failed. Raises SeqganError if one failure ends everything."""

    def ended(self, unit: U, values: Sequence[float] | None, failed: str, left: float | None) -> None:
        """A unit ended: with values, failed for a reason, or, with neither, pruned. `left`: estimated seconds for the rest."""

    def lost(self, unit: U) -> None:
        """Another process took a unit over. Raises SeqganError if that ends everything."""


class Executor(Generic[U]):
    """Units at work.

    Args:
        jobs, threads: units at once, and threads of each process.
        seconds: after which no unit is begun and those at work are stopped; None: never.

    Attributes:
        requeued: how many units were at work when it stopped, for the same command or another to go on with.
    """

    def __init__(self, schedule: Schedule[U], jobs: int, threads: int, console: Console, seconds: float | None = None) -> None:
        self.schedule, self.leases, self.jobs, self.threads = schedule, schedule.leases, jobs, threads
        self.console, self.seconds = console, seconds
        self.active: list[U] = []
        self.requeued = 0

    def carry_out(self) -> bool:
        """Go on until all is done. False if the time was up before.

        Ctrl-C, or a failure that ends everything, stops what is at work after it has saved what it did.
        """
        schedule, began, told = self.schedule, time.monotonic(), False
        try:
            with schedule.progress() as progress:
                while self.seconds is None or time.monotonic() - began <= self.seconds:
                    for unit in list(self.active):
                        self._look_after(unit, progress)
                    progress.move(schedule.position())
                    if schedule.done:
                        return True
                    before = len(self.active)
                    while len(self.active) < self.jobs and (begun := schedule.next()):
                        self.active.append(begun)
                    if not self.active and not schedule.done and not told:
                        told = True
                        self.console.say(schedule.waiting)
                    for unit in self.active[before:]:
                        self._look_after(unit, progress)
                    time.sleep(POLL)
        finally:
            self._stop()
        return False

    def _look_after(self, unit: U, progress: Progress) -> None:
        values: Sequence[float] | None = None
        failed, kept = "", self.leases.heartbeat(unit.lease)
        if kept:
            try:
                done = unit.advance(self.threads)
                pruned = self.schedule.report(unit)
                if not done and not pruned:
                    return
                unit.stop()
                if done:
                    values = self.schedule.values(unit)
            except SeqganError as error:
                unit.stop()
                failed = self.schedule.failure(unit, error)
            kept = self.leases.end(unit.lease, values, failed)
        unit.stop()
        self.active.remove(unit)
        if kept:
            self.schedule.ended(unit, values, failed, progress.seconds_left)
        else:
            self.schedule.lost(unit)

    def _stop(self) -> None:
        """Ask every process to save and end, wait until it has, and leave its unit to whoever comes next."""
        stopped, self.active = self.active, []
        for unit in stopped:
            unit.terminate()
        for unit in stopped:
            unit.stop()
        for unit in stopped:
            self.leases.requeue(unit.lease)
        self.requeued = len(stopped)
