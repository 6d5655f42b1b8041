"""`seqgan experiment headline`: from what the command is asked to its table."""

from pathlib import Path

from seqgan_cli.config.checks import check_together
from seqgan_cli.config.resolution import Config
from seqgan_cli.console import Console

NATS = 0.3  # below MLE, as the paper's SeqGAN is: 9.038 → 8.736


def experiment(
    config: Config,
    directory: Path,
    preset: str,
    nats: float,
    seeds: tuple[int, ...],
    samples: int,
    work: tuple[int, int, bool],
    dry_run: bool,
    partial: bool,
    console: Console,
) -> None:
    """Train what the table needs, score it, write the table. Raises UsageError, SeqganError."""
    from seqgan_cli.studies.experiments.plan import claim, tell_of_own
    from seqgan_cli.training.backend import start_tensorflow

    check_together(config.settings)
    claim(directory, config, preset, begin=not (dry_run or partial))
    jobs, threads, verbose = work
    start_tensorflow(threads, verbose)
    from seqgan_cli.studies.experiments import study
    from seqgan_cli.studies.headline import outputs
    from seqgan_cli.studies.headline.study import Plan, score

    plan = Plan(directory, config, preset, seeds, samples, nats)
    planned = plan.tasks()
    for task in planned:
        check_together(task.config.settings)
    tell_of_own(planned, config, console)
    try:
        if dry_run:
            study.dry_run(planned, config, directory, jobs, threads, console)
            return
        if not partial:
            study.train("headline", planned, config, directory, jobs, threads, console)
        outputs.write(plan, score(plan, console), console)
    except KeyboardInterrupt:
        console.say("\nStopped; what was trained and scored is saved, and the same command goes on.")
        raise
