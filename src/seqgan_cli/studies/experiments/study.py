"""An experiment from plan to table: how long it would take, its training, and what it leaves."""

import contextlib
import itertools
from collections.abc import Sequence
from pathlib import Path

from seqgan_cli.config.resolution import Config
from seqgan_cli.console import Console, duration
from seqgan_cli.errors import SeqganError
from seqgan_cli.runs import lock
from seqgan_cli.studies.experiments import outputs, tables
from seqgan_cli.studies.experiments.drawing import draw
from seqgan_cli.studies.experiments.estimate import Stopwatch
from seqgan_cli.studies.experiments.findings import conclusions
from seqgan_cli.studies.experiments.plan import EXPERIMENTS, Task
from seqgan_cli.studies.experiments.results import Results, collect, histories
from seqgan_cli.studies.experiments.runner import Claims, Runner


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
    claims: Claims | None = None,
) -> None:
    """Bring every task to its target, alone, or with whoever else has `claims`. Raises SeqganError when one fails."""
    alone = lock.held(directory, f"Another seqgan experiment is at work in {directory}", "--out")
    with contextlib.nullcontext() if claims else alone:
        if all(task.done for task in tasks):
            console.say(f"All {len(tasks)} tasks are done already.")
            return
        seconds = _seconds(tasks, config, directory, threads, console)
        Runner(tasks, seconds, jobs, threads, console, claims).carry_out(f"experiment {kind}")


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
) -> None:
    """Score, test and draw; the table goes to stdout, everything to the directory's folder of that name.

    Raises SeqganError if no run has begun.
    """
    console.say("Scoring …")
    folder = directory / kind
    generators = len({task.seed for task in tasks}) * sum(len(EXPERIMENTS[kind].temperatures_of(name)) for name in methods)
    with console.progress("scoring", "generators", 0, generators, 1.0, "") as progress:
        begun = itertools.count()

        def step(what: str) -> None:
            console.note(what)
            progress.move(min(next(begun), generators))  # curves that go on have more

        scored = collect(kind, methods, tasks, samples, margin, console.warn, step)
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
    console.table(EXPERIMENTS[kind].title, *tables.scores_table(scored), caption=tables.scores_caption(scored) + "\n")
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
