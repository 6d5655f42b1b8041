"""`seqgan report`."""

from pathlib import Path
from typing import Any

import click

from seqgan_cli.errors import UsageError
from seqgan_cli.jobs.options import GroupedCommand, GroupedOption, common_options, console_of
from seqgan_cli.jobs.sampling import sampling_of, sampling_options


@click.command("report", cls=GroupedCommand)
@click.option(
    "--samples",
    cls=GroupedOption,
    group="Report",
    type=click.IntRange(16),
    metavar="N",
    help="samples behind each score of a run [evaluation.final-samples]",
)
@click.option(
    "-o",
    "--output",
    cls=GroupedOption,
    group="Report",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="the page [report.html in the directory]",
)
@sampling_options("Report")
@common_options(training=False, seeded=False)
@click.pass_context
def command(
    context: click.Context, run_path: Path, samples: int | None, output: Path | None, threads: int, verbose: bool, **_: Any
) -> None:
    """One HTML page that needs nothing else, of a run or of an experiment's directory (--run DIR).

    Findings in plain words, scores with intervals, curves, quality against coverage over temperatures, rewards, the
    discriminator, samples over time, settings. A run may be training meanwhile.
    """
    console, sampling = console_of(context), sampling_of(context)
    from seqgan_cli.runs.run import Run
    from seqgan_cli.training.backend import start_tensorflow

    experiment = (run_path / "experiment.json").exists()
    run = Run(run_path)
    if not experiment:
        config = run.config()
    elif sampling != type(sampling)():
        raise UsageError("How samples are drawn is of the experiment's own command: leave --temperature and the like out.")
    start_tensorflow(threads, verbose)
    from seqgan_cli.studies.report.experiment_page import experiment_page
    from seqgan_cli.studies.report.page import write
    from seqgan_cli.studies.report.run_page import run_page

    if experiment:
        page = experiment_page(run_path)
    else:
        num = samples or config.settings.evaluation.final_samples
        page = run_page(run, num, console.warn, lambda what: console.say(f"{what} …"), sampling)
    target = output or run_path / "report.html"
    write(page, target)
    for finding in page.findings:
        console.result(f"- {finding}")
    console.result(f"Report: {target}")
