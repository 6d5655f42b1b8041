"""`seqgan experiment`."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from seqgan_cli.config import registry
from seqgan_cli.config.presets import OBJECTIVE as OBJECTIVE_SETTINGS
from seqgan_cli.config.presets import SIZES
from seqgan_cli.config.settings import SCHEMA, Settings
from seqgan_cli.errors import UsageError
from seqgan_cli.jobs.options import MARGIN, GroupedCommand, console_of, grouped_option
from seqgan_cli.jobs.sampling import sampling_of, sampling_options

SYNTHETIC = ("synthetic", "strategies", "pretraining")
REAL = tuple(kind.name for kind in registry.kinds.ours.values() if kind.experiment)
OBJECTIVE = "objective"
REGIMES = "regimes"
HEADLINE = "headline"
EVERY = (*SYNTHETIC, "frontier", HEADLINE, OBJECTIVE, REGIMES, *REAL)
# The kind that alone has an option, by the name of the command's parameter.
OWNERS = {
    "kl_coefficients": OBJECTIVE,
    "sequences": REGIMES,
    "hidden_dims": REGIMES,
    "dropouts": REGIMES,
    "nats": HEADLINE,
}
# Why a kind refuses what others take, and the parameters that it does, besides those of truncation.
SETTLED = {
    OBJECTIVE: ("draws at temperatures alone and has no margin", ("margin",)),
    REGIMES: ("has methods and temperatures of its own", ("methods", "storage", "margin")),
    HEADLINE: ("has methods and temperatures of its own", ("methods", "storage", "margin")),
}
SEEDS = {"quick": 3, "fast": 5, "paper": 5}
SAMPLES = {"quick": 5000, "fast": 10_000, "paper": 100_000}


_option = grouped_option("Experiment")


@click.command("experiment", cls=GroupedCommand)
@click.argument("kind", type=click.Choice(EVERY))
@_option("--data", multiple=True, metavar="FILE", help="real data: files, a folder, a 'pattern*', speech or folk")
@_option("--test", multiple=True, metavar="FILE", help="real data: held-out sequences [a share of the data]")
@_option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="the experiment's directory [runs/experiment-PRESET, or of objective, regimes and kinds of data runs/KIND-PRESET]",
)
@_option(
    "--preset",
    type=click.Choice(SIZES),
    envvar="SEQGAN_PRESET",
    default="paper",
    help="size of everything [paper; SEQGAN_PRESET]",
)
@_option("--seeds", type=click.IntRange(1, 1000), metavar="N", help="how many seeds [quick 3, others 5]")
@_option("--methods", metavar="A,B,…", help="rows of the table, from those that docs/experiments.md lists")
@_option("--reward", metavar="NAME=WEIGHT,…", help="objective: what samples are to have, as for `adversarial`")
@_option(
    "--kl-coefficients",
    metavar="A,B,…",
    help="objective: of which each method and seed takes the best on validation data [that of the settings]",
)
@_option("--sequences", metavar="A,B,…", help="regimes: how many each training set has [10000,50000]")
@_option("--hidden-dims", metavar="A,B,…", help="regimes: sizes of the generator [8,16,64]")
@_option("--dropouts", metavar="A,B,…", help="regimes: of which validation chooses [0,0.3]")
@_option("--nats", type=MARGIN, metavar="X", help="headline: how far below MLE in nll_oracle [0.3]")
@_option("--oracle", metavar="FILE", help="one oracle for all seeds, .npz [each seed draws its own]")
@_option(
    "--samples", type=click.IntRange(16), metavar="N", help="samples of each generator [quick 5000, fast 10000, paper 100000]"
)
@_option(
    "--margin",
    type=MARGIN,
    metavar="X",
    help="difference that would matter [0.05 nats, 0.01 of BLEU]",
)
@_option(
    "--fluency",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="text: also how likely this oracle's file, of other text, finds samples",
)
@_option(
    "--sweep",
    type=click.Choice(["temperature", "top-p"]),
    default="temperature",
    help="frontier: what its curves are over [temperature]",
)
@sampling_options("Sampling")
@_option("--jobs", type=click.IntRange(1, 256), metavar="N", help="runs trained at once [one a core, at most 4]", group="Work")
@_option(
    "--threads", type=click.IntRange(0, 1024), default=0, metavar="N", help="CPU threads of each [cores / jobs]", group="Work"
)
@_option(
    "--storage",
    metavar="FILE|URL",
    help="share the runs with other machines that see DIR: a journal file, or a database",
    group="Work",
)
@_option("--dry-run", is_flag=True, help="list what would be trained, and about how long it takes", group="Work")
@_option("--partial", is_flag=True, help="train nothing: table and figures of what is there", group="Work")
@_option(
    "--seed",
    "first_seed",
    type=click.IntRange(0, 2**31 - 1001),
    default=0,
    metavar="N",
    help="the first seed [0]",
    group="Common",
)
@_option(
    "--config", "config_file", type=click.Path(path_type=Path), metavar="FILE", help="settings from a TOML file", group="Common"
)
@_option("--set", "sets", multiple=True, metavar="NAME=VALUE", help="any setting, for all methods", group="Common")
@_option("-q", "--quiet", is_flag=True, help="only warnings, errors and results", group="Common")
@_option("-v", "--verbose", is_flag=True, help="more notes, and what TensorFlow has to say", group="Common")
@click.pass_context
def command(
    context: click.Context,
    kind: str,
    data: tuple[str, ...],
    test: tuple[str, ...],
    out: Path | None,
    preset: str,
    seeds: int | None,
    methods: str | None,
    reward: str | None,
    kl_coefficients: str | None,
    sequences: str | None,
    hidden_dims: str | None,
    dropouts: str | None,
    nats: float | None,
    oracle: str | None,
    samples: int | None,
    margin: float | None,
    fluency: Path | None,
    sweep: str,
    jobs: int | None,
    threads: int,
    storage: str | None,
    dry_run: bool,
    partial: bool,
    first_seed: int,
    config_file: Path | None,
    sets: tuple[str, ...],
    verbose: bool,
    **_: Any,
) -> None:
    """The paper's experiments, over seeds, with tests and controls.

    On the oracle, synthetic: the table; strategies: four schedules of g-steps and d-steps; pretraining: a short against a
    converged MLE; frontier: quality against coverage over temperatures or top-p; headline: rounds and minutes until SeqGAN is
    --nats below MLE, and what its controls need for that. One directory holds them all, and what one has trained the others
    use. regimes: a map of what discriminators know and what that earns, over training sequences and sizes of the generator. On
    --data of your own, poems, speeches, music or text: MLE against SeqGAN, and what the paper left out; and frontier. On a
    reward of your own, objective: what training by it gives beside lower temperatures and the best of n. Stopped anywhere, the
    same command goes on.
    """
    from seqgan_cli.config import resolution as configuration
    from seqgan_cli.config.checks import check_data, check_together
    from seqgan_cli.data.sources.inference import infer_settings
    from seqgan_cli.studies.experiments.plan import USUAL, chosen_methods, claim, tasks, tell_of_own

    console, sampling = console_of(context), sampling_of(context)
    if sweep != "temperature" and kind != "frontier":
        raise UsageError(f"--sweep is of the experiment frontier, and {kind} has no curves over {sweep}: leave it out.")
    swept = getattr(sampling, sweep.replace("-", "_"))
    _refuse_options_of_others(kind, context.params, sampling.truncated)
    if kind not in SYNTHETIC and swept != 1.0:
        raise UsageError(f"experiment {kind} draws at several values of {sweep}: leave --{sweep} out.")
    named = {"data.oracle": oracle, "data.source": data, "data.test": test, "adversarial.reward": reward}
    asked, sources = configuration.explicit({name: value for name, value in named.items() if value}, sets, config_file)
    if kind == OBJECTIVE and "adversarial.reward" not in asked:
        raise UsageError("experiment objective is of a reward: give --reward, as `adversarial` takes it.")
    real = not Settings(asked).data.synthetic
    if kind in (*SYNTHETIC, HEADLINE, REGIMES) and real:
        others = ", ".join(("frontier", *REAL))
        raise UsageError(f"experiment {kind} needs the oracle's truth: leave --data out, or choose {others}.")
    if real and "data.oracle" in asked:
        raise UsageError("--oracle gives weights for synthetic data and does not go with --data: leave one out.")
    if fluency and (not real or kind == OBJECTIVE):
        raise UsageError(f"--fluency scores what experiments on --data sample: leave it out of {kind}.")
    if kind in REAL and not real:
        raise UsageError(f"experiment {kind} needs data: give --data.")
    if kind in REAL and "data.kind" not in asked:
        asked["data.kind"], sources["data.kind"] = kind, "option"
    infer_settings(asked, sources)
    if "seed" in asked:
        raise UsageError("An experiment has several seeds: use --seed for the first of them.")
    for name in ("adversarial.reward", "pretrain-g.scheduled-sampling"):
        if name in asked and not (kind == OBJECTIVE and name == "adversarial.reward"):
            raise UsageError(f"The methods differ in {name}, so it cannot be set for all: leave it out, and see --methods.")
    if kind == OBJECTIVE:
        usual = dict(OBJECTIVE_SETTINGS)
        if preset == "quick":
            usual["adversarial.rounds"] = SCHEMA["adversarial.rounds"].presets[preset]
        asked, sources = {**usual, **asked}, {**dict.fromkeys(usual, USUAL), **sources}
    config = configuration.resolve(asked, sources, None, preset)
    check_data(config)
    of_data = asked["data.kind"] if real and kind != OBJECTIVE else "experiment"
    directory = out or Path("runs") / f"{kind if kind in (OBJECTIVE, REGIMES) else of_data}-{preset}"
    cores = os.process_cpu_count() if hasattr(os, "process_cpu_count") else len(os.sched_getaffinity(0))
    jobs = jobs or min(4, cores)
    threads = threads or max(1, cores // jobs)
    every = tuple(range(first_seed, first_seed + (seeds or SEEDS[preset])))
    if kind == OBJECTIVE:
        from seqgan_cli.studies.objectives import experiment

        coefficients = experiment.coefficients_of(kl_coefficients) or (config.values["adversarial.kl-coefficient"],)
        work = jobs, threads, verbose
        experiment.experiment(
            config, directory, preset, methods, every, samples, coefficients, work, storage, dry_run, partial, console
        )
        return
    if kind == HEADLINE:
        from seqgan_cli.studies.headline.experiment import NATS
        from seqgan_cli.studies.headline.experiment import experiment as headline

        work = jobs, threads, verbose
        headline(config, directory, preset, nats or NATS, every, samples or SAMPLES[preset], work, dry_run, partial, console)
        return
    if kind == REGIMES:
        from seqgan_cli.studies.regimes.experiment import experiment as regimes

        grid = {"--sequences": sequences, "--hidden-dims": hidden_dims, "--dropouts": dropouts}
        work = jobs, threads, verbose
        regimes(config, directory, preset, grid, every, samples or SAMPLES[preset], work, dry_run, partial, console)
        return
    names = chosen_methods(kind, methods)
    planned = tasks(directory, names, every, config, preset)
    for task in planned:
        check_together(task.config.settings)
    tell_of_own(planned, config, console)

    claim(directory, config, preset, begin=not (dry_run or partial))

    from seqgan_cli.training.backend import start_tensorflow

    start_tensorflow(threads, verbose)
    from seqgan_cli.evaluation.fluency import Fluency
    from seqgan_cli.evaluation.real import margin_of
    from seqgan_cli.studies.experiments import study

    fluency_model = Fluency(fluency) if fluency else None
    if fluency_model:  # before anything is trained
        fluency_model.refuse_longer(config.settings.data.max_length, "--max-length is")
    try:
        if dry_run:
            study.dry_run(planned, config, directory, jobs, threads, console)
            return
        if not partial:
            leases = None
            if storage:
                from seqgan_cli.studies.leases import SharedTasks

                leases = SharedTasks(storage, f"{kind} in {directory.name}", planned, {"preset": preset})
            study.train(kind, planned, config, directory, jobs, threads, console, leases)
        margin = margin or margin_of(config.settings.origin.quality[0])
        num = samples or SAMPLES[preset]
        study.report(kind, names, planned, config, directory, num, margin, console, sweep, sampling, fluency_model)
    except KeyboardInterrupt:
        console.say("\nStopped; what was trained and scored is saved, and the same command goes on.")
        raise


def _refuse_options_of_others(kind: str, given: Mapping[str, Any], truncated: bool) -> None:
    """Raises UsageError for an option that is another kind's alone, or that this kind settles itself.

    Args:
        given: by parameter, None if it was left out.
        truncated: whether some option of sampling truncates.
    """
    for name, owner in OWNERS.items():
        if given[name] is not None and kind != owner:
            raise UsageError(f"--{name.replace('_', '-')} is of the experiment {owner}: leave it out of {kind}.")
    if kind in SETTLED:
        why, names = SETTLED[kind]
        if truncated or any(given[name] is not None for name in names):
            options = ", ".join(f"--{name}" for name in (*names, "top-k", "top-p"))
            raise UsageError(f"experiment {kind} {why}: leave {options} and --min-p out.")
