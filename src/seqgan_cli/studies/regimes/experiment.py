"""`seqgan experiment regimes`: from what the command is asked to its map."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from seqgan_cli.config.checks import check_together
from seqgan_cli.config.resolution import Config
from seqgan_cli.config.settings import SCHEMA
from seqgan_cli.console import Console
from seqgan_cli.errors import UsageError

N = TypeVar("N", int, float)
# Of each option the setting that its values are of, and those it has unless told.
GRID: dict[str, tuple[str, str]] = {
    "--sequences": ("data.num-sequences", "10000,50000"),
    "--hidden-dims": ("generator.hidden-dim", "8,16,64"),
    "--dropouts": ("pretrain-g.dropout", "0,0.3"),
}


def values_of(option: str, text: str | None, kind: Callable[[str], N]) -> tuple[N, ...]:
    """Those of an option of GRID, in their order. Raises UsageError for what is none, or is there twice."""
    name, usual = GRID[option]
    found = tuple(kind(SCHEMA[name].parse(part.strip())) for part in (text or usual).split(","))
    if len(set(found)) < len(found):
        raise UsageError(f"{option} {text}: a value is there twice.")
    return found


def experiment(
    config: Config,
    directory: Path,
    preset: str,
    grid: Mapping[str, str | None],
    seeds: tuple[int, ...],
    samples: int,
    work: tuple[int, int, bool],
    dry_run: bool,
    partial: bool,
    console: Console,
) -> None:
    """Train the cells, score them, write the map. Raises UsageError, SeqganError."""
    from seqgan_cli.studies.experiments.plan import claim, tell_of_own
    from seqgan_cli.training.backend import start_tensorflow

    if not config.settings.data.validation:
        raise UsageError("experiment regimes chooses on a validation part: leave data.validation=0 out.")
    sizes = values_of("--sequences", grid["--sequences"], int), values_of("--hidden-dims", grid["--hidden-dims"], int)
    dropouts = values_of("--dropouts", grid["--dropouts"], float)
    check_together(config.settings)
    claim(directory, config, preset, begin=not (dry_run or partial))
    jobs, threads, verbose = work
    start_tensorflow(threads, verbose)
    from seqgan_cli.studies.experiments import study
    from seqgan_cli.studies.regimes import outputs
    from seqgan_cli.studies.regimes.study import Plan, score, train

    plan = Plan(directory, config, preset, *sizes, dropouts, seeds, samples)
    planned = [task for number in plan.sequences for task in (*plan.likelihood_tasks(number), *plan.later_tasks(number))]
    for task in planned:
        check_together(task.config.settings)
    tell_of_own(planned, config, console)
    try:
        if dry_run:
            console.say("Of likelihood the first dropout stands for the one that validation will choose.")
            for number in plan.sequences:
                every = {task.label: task for task in [*plan.likelihood_tasks(number), *plan.later_tasks(number)]}
                study.dry_run([*every.values()], plan.config_of(number), directory, jobs, threads, console)
            return
        if not partial:
            train(plan, jobs, threads, console)
        outputs.write(plan, score(plan, console), console)
    except KeyboardInterrupt:
        console.say("\nStopped; what was trained and scored is saved, and the same command goes on.")
        raise
