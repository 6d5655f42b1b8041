"""An experiment from plan to table: how long it would take, its training, and what it leaves."""

import contextlib
import itertools
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from seqgan_cli.config.resolution import Config
from seqgan_cli.console import Console, Progress, duration
from seqgan_cli.errors import SeqganError
from seqgan_cli.evaluation.fluency import Fluency
from seqgan_cli.runs import lock
from seqgan_cli.sampling.choices import PLAIN, Sampling
from seqgan_cli.studies.executor import Executor, Leases, Unit
from seqgan_cli.studies.experiments import outputs, tables
from seqgan_cli.studies.experiments.drawing import draw
from seqgan_cli.studies.experiments.estimate import Stopwatch
from seqgan_cli.studies.experiments.findings import conclusions
from seqgan_cli.studies.experiments.methods import EXPERIMENTS, folder_of
from seqgan_cli.studies.experiments.results import Results, collect, histories
from seqgan_cli.studies.leases import LocalLeases
from seqgan_cli.studies.tasks import Task, TaskError


class TaskLeases(Leases, Protocol):
    """Leases on tasks, each known by its label."""

    def take(self, ready: Sequence[str]) -> tuple[str, Any] | None:
        """One of these that nobody else has, now ours: its label and its lease."""

    def ended(self) -> set[str]:
        """Tasks that were done elsewhere, and here."""


class Training:
    """The schedule of an experiment: tasks whose parents are done and whose runs no other process trains.

    Args:
        tasks: parents before children.
        seconds: what each task is estimated to take as a whole, by label; for the time that is left.
        leases: who else is at them.
    """

    waiting = "Another seqgan trains what comes next; waiting for it."

    def __init__(
        self, label: str, tasks: Sequence[Task], seconds: Mapping[str, float], leases: TaskLeases, console: Console
    ) -> None:
        self.label, self.tasks, self.seconds, self.leases, self.console = label, tasks, seconds, leases, console
        self.whole = sum(seconds.values())
        self.left = {task.label: task for task in tasks if not task.done}  # those that nobody here trains yet
        self.finished = {task.path for task in tasks if task.label not in self.left}

    @property
    def done(self) -> bool:
        return len(self.finished) == len(self.tasks)

    def worked(self) -> float:
        """Seconds of estimated work that are done."""
        return sum(self.seconds[task.label] * (1.0 if task.path in self.finished else task.share) for task in self.tasks)

    @contextlib.contextmanager
    def progress(self) -> Iterator[Progress]:
        before = int(100 * self.worked() / self.whole)
        with self.console.progress(self.label, "percent", before, 100, self.whole / 100, "") as progress:
            progress.told = True  # of the time it takes
            yield progress

    def position(self) -> int:
        return min(99, int(100 * self.worked() / self.whole))

    def next(self) -> Unit | None:
        ended = self.leases.ended()
        for name in [name for name, task in self.left.items() if name in ended and task.done]:
            self.finished.add(self.left.pop(name).path)
        begun = [task for task in self.left.values() if task.parent is None or task.parent in self.finished]
        taken = self.leases.take([task.label for task in begun if not task.busy])
        if taken is None:
            return None
        task = self.left.pop(taken[0])
        self.console.note(f"{task.label} begins; its log is {task.log}")
        return Unit([task], taken[1])

    def report(self, unit: Unit) -> bool:
        return False

    def values(self, unit: Unit) -> list[float]:
        return [0.0]  # a study needs one

    def failure(self, unit: Unit, error: SeqganError) -> str:
        """Raises SeqganError: what others need has failed."""
        task = unit.tasks[0]
        if not isinstance(error, TaskError):
            raise error
        raise SeqganError(
            f"{task.label}: `seqgan {task.work.stage}` {error.reason} Its log is {task.log}; the same command goes on from "
            "what is saved."
        ) from None

    def ended(self, unit: Unit, values: Sequence[float] | None, failed: str, left: float | None) -> None:
        task = unit.tasks[0]
        self.finished.add(task.path)
        remaining = f" · about {duration(left)} left" if left and not self.done else ""
        self.console.say(
            f"{task.label}: done in {duration(time.monotonic() - unit.began)} · {len(self.finished)} of {len(self.tasks)} tasks"
            f"{remaining}"
        )

    def lost(self, unit: Unit) -> None:
        """Raises SeqganError: nobody may train one run twice."""
        label = unit.tasks[0].label
        raise SeqganError(f"{label} was taken over by another machine, which heard nothing of this one for long.")


def carry_out(
    label: str,
    tasks: Sequence[Task],
    seconds: Mapping[str, float],
    jobs: int,
    threads: int,
    console: Console,
    leases: TaskLeases | None = None,
) -> None:
    """Bring every task to its target, as `Training` has them.

    Args:
        jobs, threads: processes at once, and threads of each.

    Raises SeqganError when one fails, after the others have saved what they did; so does Ctrl-C.
    """
    schedule = Training(label, tasks, seconds, leases or LocalLeases(), console)
    if schedule.finished:
        console.say(f"{len(schedule.finished)} of {len(tasks)} tasks are done already.")
    left = (schedule.whole - schedule.worked()) / min(jobs, len(tasks))
    console.say(
        f"{label}: {len(schedule.left)} tasks to do, about {duration(left)}. Stopping (Ctrl-C) at any time is safe; "
        "the same command goes on."
    )
    Executor(schedule, jobs, threads, console).carry_out()


def _seconds(tasks: Sequence[Task], config: Config, directory: Path, threads: int, console: Console) -> dict[str, float]:
    """Seconds of each whole task, by label."""
    console.say("Timing a step of each kind, for the estimate …")
    watch = Stopwatch(config, threads, directory / "estimate.json", console)
    return {task.label: watch.seconds(task) for task in tasks}


def dry_run(tasks: Sequence[Task], config: Config, directory: Path, jobs: int, threads: int, console: Console) -> None:
    """List the tasks, what is left of each and about how long it takes."""
    seconds = _seconds(tasks, config, directory, threads, console)
    shares = {task.label: 1.0 if task.done else task.share for task in tasks}
    left = {label: seconds[label] * (1.0 - share) for label, share in shares.items()}
    rows = [
        [task.label, task.work.stage, task.work.parent or "", f"{shares[task.label]:.0%}", duration(left[task.label])]
        for task in tasks
    ]
    console.table("", ["task", "stage", "begins from", "done", "left, about"], rows, numbers=False)
    total = sum(left.values())
    console.result(
        f"{len(tasks)} tasks, {duration(total)} of work: about {duration(total / min(jobs, len(tasks)))} with {jobs} at once "
        f"on {threads} thread{'s' * (threads != 1)} each, if the machine has nothing else to do."
    )


def train(
    kind: str,
    tasks: Sequence[Task],
    config: Config,
    directory: Path,
    jobs: int,
    threads: int,
    console: Console,
    leases: TaskLeases | None = None,
) -> None:
    """Bring every task to its target, alone, or with whoever else has `leases`. Raises SeqganError when one fails."""
    alone = lock.held(directory, f"Another seqgan experiment is at work in {directory}", "--out")
    with contextlib.nullcontext() if leases else alone:
        if all(task.done for task in tasks):
            console.say(f"All {len(tasks)} tasks are done already.")
            return
        seconds = _seconds(tasks, config, directory, threads, console)
        carry_out(f"experiment {kind}", tasks, seconds, jobs, threads, console, leases)


def _tell_of_loss(new: Results, folder: Path, console: Console) -> None:
    """Warn if the tables that are there know more than the ones about to replace them."""
    try:
        old, _ = outputs.read(folder)
    except SeqganError:
        return
    known, kept = ({(row.method, seed) for row in results.rows for seed in row.seeds} for results in (old, new))
    if missing := known - kept:
        names = ", ".join(sorted({f"seed {seed} of {method}" for method, seed in missing}))
        console.warn(f"The tables in {folder} lose {names}: a command with those --methods and --seeds writes them again.")


def report(
    kind: str,
    methods: Sequence[str],
    tasks: Sequence[Task],
    config: Config,
    directory: Path,
    samples: int,
    margin: float,
    console: Console,
    sweep: str = "temperature",
    sampling: Sampling = PLAIN,
    fluency: Fluency | None = None,
) -> None:
    """Score, test and draw; the table goes to stdout, everything to the directory's folder of that name.

    Raises SeqganError if no run has begun.
    """
    console.say("Scoring …")
    folder = directory / folder_of(kind, sweep, sampling)
    generators = len({task.seed for task in tasks}) * sum(len(EXPERIMENTS[kind].values_of(name, sweep)) for name in methods)
    with console.progress("scoring", "generators", 0, generators, 1.0, "") as progress:
        begun = itertools.count()

        def step(what: str) -> None:
            console.note(what)
            progress.move(min(next(begun), generators))  # curves that go on have more

        scored = collect(kind, methods, tasks, samples, margin, console.warn, step, sweep, sampling, fluency)
    if not scored.rows:
        raise SeqganError(f"{directory} holds no trained generator of this experiment yet: leave --partial out.")
    for label, share in scored.design.unfinished.items():
        console.warn(f"{label} is at {share:.0%}: its scores are not final.")
    _tell_of_loss(scored, folder, console)
    found = histories(methods, tasks)
    outputs.write(scored, config.values, folder)
    if not EXPERIMENTS[kind].swept:
        outputs.write_curves(found, folder)
    drawn = draw(scored, tasks, found, config.values, folder)
    console.table(EXPERIMENTS[kind].title_of(sweep), *tables.scores_table(scored), caption=tables.scores_caption(scored) + "\n")
    columns, rows = tables.tests_table(scored)
    if rows:
        console.table("Tests", columns, rows, caption=tables.tests_caption(scored) + "\n")
    columns, rows = tables.matched_table(scored)
    if rows:
        console.table("At matched coverage", columns, rows, caption=tables.matched_caption(scored) + "\n")
    for finding in conclusions(scored):
        console.result(finding)
    console.result(
        f"\nTables: {folder / 'table.md'}, table.csv, scores.csv, results.json"
        + ("" if EXPERIMENTS[kind].swept else ", curves.csv")
    )
    console.result("Figures: " + ", ".join(str(path) for path in drawn) + ", and the same as .svg")
