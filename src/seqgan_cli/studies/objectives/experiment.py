"""`seqgan experiment objective`: from what the command is asked to its table."""

from pathlib import Path

from seqgan_cli.config import registry
from seqgan_cli.config.checks import check_rewards, check_together
from seqgan_cli.config.resolution import Config
from seqgan_cli.config.settings import SCHEMA
from seqgan_cli.console import Console
from seqgan_cli.errors import UsageError

OBJECTIVE = "objective"
COMPARED = ("adversarial.reward", "adversarial.kl-coefficient", "adversarial.kl-target")


def coefficients_of(text: str | None) -> tuple[float, ...]:
    """Those of --kl-coefficients, none if it is not there. Raises UsageError."""
    name = "adversarial.kl-coefficient"
    values = () if text is None else tuple(SCHEMA[name].parse(part.strip()) for part in text.split(","))
    if text is not None and not 1 < len({f"{value:g}" for value in values}) == len(values):  # the names of their runs
        one = f"--set {name}={values[0]:g}"
        raise UsageError(f"--kl-coefficients {text}: needs several that differ in six digits; for one, use {one}.")
    return values


def experiment(
    config: Config,
    directory: Path,
    preset: str,
    methods: str | None,
    seeds: tuple[int, ...],
    samples: int | None,
    kl_coefficients: tuple[float, ...],
    work: tuple[int, int, bool],
    storage: str | None,
    dry_run: bool,
    partial: bool,
    console: Console,
) -> None:
    """What is compared on a reward; scores that are there need no run."""
    from seqgan_cli.studies.experiments.plan import claim, tell_of_own
    from seqgan_cli.studies.objectives.methods import METHODS
    from seqgan_cli.training.backend import start_tensorflow

    check_rewards(config.settings)
    if registry.rewards.needs(config.settings.adversarial.reward, "stepwise"):
        raise UsageError(f"--reward {config.settings.adversarial.reward} scores tokens and not whole sequences.")
    if registry.rewards.needs(config.settings.adversarial.reward, "needs_discriminator"):
        raise UsageError("experiment objective adds the discriminator itself: leave it out of --reward.")
    names = tuple(dict.fromkeys(name.strip() for name in methods.split(","))) if methods else tuple(METHODS)
    for name in names:
        if name not in METHODS:
            raise UsageError(f"--methods: there is no method {name!r}; choose from {', '.join(METHODS)}.")
    claim(directory, config, preset, begin=not (dry_run or partial))
    jobs, threads, verbose = work
    start_tensorflow(threads, verbose)
    from seqgan_cli.studies.experiments import study
    from seqgan_cli.studies.objectives import outputs
    from seqgan_cli.studies.objectives.study import Plan, score

    plan = Plan(directory, config, preset, names, seeds, samples or 1000, kl_coefficients)
    planned = plan.tasks()
    for task in planned:
        check_together(task.config.settings)
    tell_of_own(planned, config, console, COMPARED)
    try:
        if dry_run:
            if planned:
                study.dry_run(planned, config, directory, jobs, threads, console)
            else:
                console.result("Nothing is left to train: all scores are there.")
            return
        if planned and not partial:
            leases = None
            if storage:
                from seqgan_cli.studies.leases import SharedTasks

                leases = SharedTasks(storage, f"{OBJECTIVE} in {directory.name}", planned, {"preset": preset})
            study.train(OBJECTIVE, planned, config, directory, jobs, threads, console, leases)
        score(plan, console)
        outputs.write(plan, console)
    except KeyboardInterrupt:
        console.say("\nStopped; what was trained and scored is saved, and the same command goes on.")
        raise
