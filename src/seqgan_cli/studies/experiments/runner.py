"""Carries out an experiment's tasks by the commands of this program, several at once, and goes on from what is there.

A task is a process of its own, so it can be killed by itself, gives its memory back, and is what a user would have typed.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from seqgan_cli.console import Console, duration
from seqgan_cli.errors import SeqganError
from seqgan_cli.runs.run import Run
from seqgan_cli.studies.experiments.plan import Task

POLL = 0.25  # seconds


def command_line(task: Task, threads: int) -> list[str]:
    """The task as the arguments of `seqgan`."""
    asked = [name for name, source in task.config.sources.items() if source in ("option", "file") and name != "seed"]
    sets = [part for name in asked for part in ("--set", f"{name}={task.config.values[name]}")]
    preset = ["--preset", task.preset]
    return [task.work.stage, "--run", str(task.path), "--seed", str(task.seed), *preset, "--threads", str(threads), *sets]


def launch(task: Task, threads: int) -> tuple[subprocess.Popen, int]:
    """Begin or go on with a task: its process, and the byte of its log where that process begins to write. Raises OSError."""
    if task.parent and not task.path.exists():
        Run(task.parent).fork(task.path)
    task.path.parent.mkdir(parents=True, exist_ok=True)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SEQGAN_")}
    with task.log.open("ab") as log:
        begins = log.tell()
        process = subprocess.Popen(
            [sys.executable, "-m", "seqgan_cli", *command_line(task, threads)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=environment,
            start_new_session=True,  # Ctrl-C is for us: we pass it on, and wait
        )
    return process, begins


class Claims(Protocol):
    """Who does which task, where several machines share an experiment."""

    def next(self, ready: Sequence[Task]) -> Task | None:
        """One of these that nobody else has, now ours."""

    def beat(self, task: Task) -> None:
        """It is still at work here."""

    def end(self, task: Task) -> None:
        """It is done."""

    def give_back(self, task: Task) -> None:
        """It waits for whoever comes next."""

    def ended_elsewhere(self, tasks: Sequence[Task]) -> list[Task]:
        """Those of them that another did."""


class Alone:
    """All tasks are ours, in their order."""

    def next(self, ready: Sequence[Task]) -> Task | None:
        return ready[0] if ready else None

    def beat(self, task: Task) -> None: ...

    def end(self, task: Task) -> None: ...

    def give_back(self, task: Task) -> None: ...

    def ended_elsewhere(self, tasks: Sequence[Task]) -> list[Task]:
        return []


class Runner:
    """Tasks at work.

    Args:
        tasks: parents before children.
        seconds: what each task is estimated to take as a whole, by label; for the time that is left.
        jobs, threads: processes at once, and threads of each.
        claims: who else is at them.
    """

    def __init__(
        self,
        tasks: Sequence[Task],
        seconds: Mapping[str, float],
        jobs: int,
        threads: int,
        console: Console,
        claims: Claims | None = None,
    ) -> None:
        self.tasks, self.seconds, self.jobs, self.threads, self.console = tasks, seconds, jobs, threads, console
        self.claims = claims or Alone()
        self.done = {task.path for task in tasks if task.done}
        self.waiting = [task for task in tasks if task.path not in self.done]
        self.active: dict[subprocess.Popen, tuple[Task, float, int]] = {}

    def carry_out(self, label: str) -> None:
        """Bring every task to its target.

        Raises SeqganError when one fails, after the others have saved what they did; so does Ctrl-C.
        """
        if self.done:
            self.console.say(f"{len(self.done)} of {len(self.tasks)} tasks are done already.")
        whole = sum(self.seconds.values())
        before = self._worked()
        left = (whole - before) / min(self.jobs, len(self.tasks))
        self.console.say(
            f"{label}: {len(self.waiting)} tasks to do, about {duration(left)}. Stopping (Ctrl-C) at any time is safe; "
            "the same command goes on."
        )
        told_of_waiting = False
        try:
            with self.console.progress(label, "percent", int(100 * before / whole), 100, whole / 100, "") as progress:
                progress.told = True  # of the time it takes
                while self.waiting or self.active:
                    self._collect(progress.seconds_left)
                    while len(self.active) < self.jobs and (task := self.claims.next(self._ready())):
                        self._start(task)
                    if self.waiting and not self.active and not told_of_waiting:
                        told_of_waiting = True
                        self.console.say("Another seqgan trains what comes next; waiting for it.")
                    progress.move(min(99, int(100 * self._worked() / whole)))
                    time.sleep(POLL)
        except BaseException:
            self._stop()
            raise

    def _worked(self) -> float:
        """Seconds of estimated work that are done."""
        return sum(self.seconds[task.label] * (1.0 if task.path in self.done else task.share) for task in self.tasks)

    def _ready(self) -> list[Task]:
        """The tasks whose parents are done and whose runs no other process holds."""
        for task in self.claims.ended_elsewhere(self.waiting):
            self.waiting.remove(task)
            self.done.add(task.path)
        begun = [task for task in self.waiting if task.parent is None or task.parent in self.done]
        return [task for task in begun if not Run(task.path).busy]

    def _start(self, task: Task) -> None:
        self.waiting.remove(task)
        process, begins = launch(task, self.threads)
        self.active[process] = task, time.monotonic(), begins
        self.console.note(f"{task.label} begins; its log is {task.log}")

    def _collect(self, left: float | None) -> None:
        """Take note of the processes that have ended. Raises SeqganError if one failed."""
        for task, _, _ in self.active.values():
            self.claims.beat(task)
        for process in [process for process in self.active if process.poll() is not None]:
            task, started, begins = self.active.pop(process)
            if process.returncode:
                self.claims.give_back(task)
                ended = failure(process.returncode, task.log, begins)
                raise SeqganError(
                    f"{task.label}: `seqgan {task.work.stage}` {ended} Its log is {task.log}; the same command goes on from "
                    "what is saved."
                )
            self.claims.end(task)
            self.done.add(task.path)
            remaining = f" · about {duration(left)} left" if left and (self.waiting or self.active) else ""
            self.console.say(
                f"{task.label}: done in {duration(time.monotonic() - started)} · {len(self.done)} of {len(self.tasks)} tasks"
                f"{remaining}"
            )

    def _stop(self) -> None:
        """Ask every process to save and end, and wait until it has."""
        for process in self.active:
            process.terminate()
        for process, (task, _, _) in self.active.items():
            process.wait()
            self.claims.give_back(task)


def failure(code: int, log: Path, begins: int) -> str:
    """How a command ended, from its exit code and what it said from that byte of its log on."""
    if code < 0:
        hint = " (perhaps for want of memory)" if code == -signal.SIGKILL else ""
        return f"was killed by {signal.Signals(-code).name}{hint}."
    lines = log.read_bytes()[begins:].decode(errors="replace").strip().splitlines()
    for i in range(len(lines) - 1, -1, -1):
        if lines[i].startswith("Error: "):
            return f"failed: {' '.join(lines[i:]).removeprefix('Error: ')}"
    return f"failed: {lines[-1] if lines else 'it said nothing.'}"
