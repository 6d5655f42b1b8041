"""`seqgan tune`."""

import os
from pathlib import Path
from typing import Any

import click

from seqgan_cli.config.presets import SIZES
from seqgan_cli.errors import UsageError
from seqgan_cli.jobs.options import GroupedCommand, console_of, grouped_option

_option = grouped_option("Search")


@click.command("tune", cls=GroupedCommand)
@_option(
    "--search",
    "searches",
    multiple=True,
    metavar="NAME=RANGE",
    help="a setting and its values: LOW:HIGH, LOW:HIGH:log or A,B,C; give it for each [rewards and regularisation]",
)
@_option(
    "--for",
    "objective",
    type=click.Choice(["both", "quality", "coverage"]),
    default="both",
    help="scores to search for: nll_oracle or BLEU, nll_validation, or the front of both [both]",
)
@_option(
    "--until",
    type=click.Choice(["pretrain-g", "adversarial"]),
    default="adversarial",
    help="the last stage of a trial [adversarial]",
)
@_option("--trials", type=click.IntRange(1), metavar="N", help="trials in all, of everybody together [50, of a grid all]")
@_option("--timeout", type=click.FloatRange(0, min_open=True), metavar="MIN", help="stop after so many minutes")
@_option("--sampler", type=click.Choice(["tpe", "random", "grid"]), default="tpe", help="how values are chosen [tpe]")
@_option("--prune/--no-prune", default=None, help="leave off trials that score poorly on the way [--prune, grid: --no-prune]")
@_option(
    "--data",
    multiple=True,
    metavar="FILE",
    help="real data: files, a folder, a 'pattern*', speech or folk [the oracle's]",
    group="Data",
)
@_option("--test", multiple=True, metavar="FILE", help="real data: held-out sequences [a share of the data]", group="Data")
@_option(
    "--storage",
    metavar="FILE|URL",
    help="where machines meet: a journal file, or a database [DIR/study.journal]",
    group="Work",
)
@_option("--study", default="seqgan", metavar="NAME", help="name of the study in it [seqgan]", group="Work")
@_option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("runs/tune"),
    metavar="DIR",
    help="runs, table and figures [runs/tune]",
    group="Work",
)
@_option("--jobs", type=click.IntRange(1, 256), metavar="N", help="trials at once [one a core, at most 4]", group="Work")
@_option(
    "--threads", type=click.IntRange(0, 1024), default=0, metavar="N", help="CPU threads of each [cores / jobs]", group="Work"
)
@_option(
    "--preset",
    type=click.Choice(SIZES),
    envvar="SEQGAN_PRESET",
    default="paper",
    help="size of everything [paper; SEQGAN_PRESET]",
    group="Common",
)
@_option(
    "--seed",
    type=click.IntRange(0, 2**31 - 1),
    default=0,
    metavar="N",
    help="seed of search and training [0]",
    group="Common",
)
@_option(
    "--config", "config_file", type=click.Path(path_type=Path), metavar="FILE", help="settings from a TOML file", group="Common"
)
@_option("--set", "sets", multiple=True, metavar="NAME=VALUE", help="any setting, for all trials", group="Common")
@_option("-q", "--quiet", is_flag=True, help="only warnings, errors and results", group="Common")
@_option("-v", "--verbose", is_flag=True, help="more notes", group="Common")
@click.pass_context
def command(
    context: click.Context,
    searches: tuple[str, ...],
    objective: str,
    until: str,
    trials: int | None,
    timeout: float | None,
    sampler: str,
    prune: bool | None,
    data: tuple[str, ...],
    test: tuple[str, ...],
    storage: str | None,
    study: str,
    out: Path,
    jobs: int | None,
    threads: int,
    preset: str,
    seed: int,
    config_file: Path | None,
    sets: tuple[str, ...],
    **_: Any,
) -> None:
    """Search settings for quality, coverage, or the front of both, on one machine or many.

    The same command, started wherever the storage can be seen, joins the search; stopped anywhere, it goes on. Trials share
    the pre-trained generator where their settings allow. What it finds was chosen by the scores it shows: train it with other
    seeds before you believe it.
    """
    from seqgan_cli.config import resolution as configuration
    from seqgan_cli.config.checks import check_data
    from seqgan_cli.data.sources.inference import infer_settings
    from seqgan_cli.studies.search import space

    console = console_of(context)
    named = {"data.source": data, "data.test": test}
    asked, sources = configuration.explicit({name: value for name, value in named.items() if value}, sets, config_file)
    infer_settings(asked, sources)
    if "seed" in asked:
        raise UsageError("--set seed: use --seed.")
    begun = configuration.resolve(asked, sources, None, preset)
    free = [text for text in space.default(begun.settings, until) if text.partition("=")[0] not in asked]
    dimensions = space.parse_all(searches or free)
    for dimension in dimensions:
        if dimension.name in asked:
            raise UsageError(f"{dimension.name} is both searched and set: leave one of the two out.")
    check_data(begun)
    points = space.grid(dimensions) if sampler == "grid" else None
    number = min(trials or len(points), len(points)) if points else trials or 50

    from seqgan_cli.evaluation.real import SCORES
    from seqgan_cli.studies.leases import open_storage
    from seqgan_cli.studies.search.study import SearchStudy, carry_out
    from seqgan_cli.studies.search.trials import Base

    base = Base(asked, seed, preset, out, until)
    for dimension in dimensions:
        if not base.matters(dimension.name):
            raise UsageError(f"--search {dimension.name} changes nothing up to --until {until}: leave it out.")
    settings = base.config({}).settings
    quality, coverage = settings.origin.quality[0], "nll_validation" if settings.data.validation else "nll_test"
    scores = {"both": (quality, coverage), "quality": (quality,), "coverage": (coverage,)}[objective]
    alike = {"preset": preset, "seed": seed, "until": until, "search": [str(d) for d in dimensions], "settings": base.told()}
    shared = SearchStudy(
        open_storage(storage or str(out / "study.journal")),
        study,
        {name: SCORES[name].higher for name in scores},
        alike,
        number,
        sampler,
        seed,
        dimensions,
        points,
    )
    cores = os.process_cpu_count() if hasattr(os, "process_cpu_count") else len(os.sched_getaffinity(0))
    jobs = jobs or min(4, cores)
    wanted = points is None if prune is None else prune
    try:
        carry_out(shared, base, jobs, threads or max(1, cores // jobs), wanted, 60 * timeout if timeout else None, console)
    finally:
        from seqgan_cli.studies.search.outcome import report

        report(shared, base, out, console)
