"""`seqgan compare`."""

from pathlib import Path
from typing import Any

import click

from seqgan_cli.jobs.options import MARGIN, GroupedCommand, console_of, grouped_option

_option = grouped_option("Common")


@click.command("compare", cls=GroupedCommand)
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="RUN RUN …")
@_option(
    "--samples", type=click.IntRange(16), default=10_000, metavar="N", help="samples of each generator [10000]", group="Scores"
)
@_option(
    "--margin",
    type=MARGIN,
    metavar="X",
    help="difference that would matter [0.05 nats, 0.01 of BLEU]",
    group="Scores",
)
@_option("--threads", type=click.IntRange(0, 1024), default=0, metavar="N", help="CPU threads [all]")
@_option("-q", "--quiet", is_flag=True, help="only warnings, errors and results")
@_option("-v", "--verbose", is_flag=True, help="more notes, and what TensorFlow has to say")
@click.pass_context
def command(
    context: click.Context, runs: tuple[Path, ...], samples: int, margin: float | None, threads: int, verbose: bool, **_: Any
) -> None:
    """Where the settings of runs differ, their scores, and tests of each against the first.

    Only runs on the same data compare. Runs that differ in nothing but the seed count as one way of training: given several
    seeds of each way, the tests are over seeds.
    """
    runs = tuple(dict.fromkeys(path.resolve() for path in runs))
    if len(runs) < 2:
        raise click.UsageError("compare needs two runs or more.", context)
    console = console_of(context)
    from seqgan_cli.runs.run import Run

    opened = [Run(path) for path in runs]
    for run in opened:
        run.config()

    from seqgan_cli.training.backend import start_tensorflow

    start_tensorflow(threads, verbose)
    from seqgan_cli.evaluation.real import margin_of
    from seqgan_cli.studies.experiments import comparison
    from seqgan_cli.studies.experiments.tables import generators_table

    found = comparison.contenders(opened, samples, console.warn, lambda what: console.say(f"{what} …"))
    console.table("Settings that differ", *comparison.settings_table(found), numbers=False)
    prints: dict[str, list] = {}
    for contender in found:
        prints.setdefault(contender.run.fingerprint, []).append(contender)
    for group in prints.values():
        columns, rows = generators_table([(c.name, c.scored.scores) for c in group], dict(group[0].data))
        console.table("", ["run", *columns], rows)
    if len(prints) > 1:
        console.warn(
            f"These runs are on {len(prints)} different sets of data: scores compare within a table, not between tables."
        )
    score = found[0].score
    margin = margin or margin_of(score)
    columns, rows = comparison.tests_table(found, margin)
    if rows:
        console.table(
            f"Tests against {found[0].name}" + (" and its like of other seeds" if len(prints) > 1 else ""),
            columns,
            rows,
            caption=(
                f"Δ with 95 % intervals: over seeds where both have several; of {score} else over the sequences of these two "
                "generators, which says nothing of other seeds.\n"
                f"p, sequences: Welch's t-test of {score}, the largest over seeds; p, seeds and d_z: "
                f"paired t-test. The last column holds the interval against a margin of {margin:g} nats."
            ),
        )
