"""`seqgan judge make` and `seqgan judge score`."""

import itertools
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seqgan_cli import files
from seqgan_cli.config.settings import GENERATORS
from seqgan_cli.console import Console
from seqgan_cli.errors import SeqganError, UsageError
from seqgan_cli.jobs.options import GroupedCommand, console_of, grouped_option

if TYPE_CHECKING:
    from seqgan_cli.runs.run import Run
    from seqgan_cli.studies.judging.scoring import Judgement

# What a judge could tell runs by that has nothing to do with how well they write.
FORM = ("data.source", "data.kind", "data.tokenizer", "data.lowercase", "data.poem-form", "data.step")

_option = grouped_option("Common")


@click.group("judge")
def command() -> None:
    """Let people judge which of a shuffled sheet's items are real, as the paper does with poems."""


@command.command("make", cls=GroupedCommand)
@_option(
    "--run",
    "runs",
    type=click.Path(path_type=Path),
    multiple=True,
    required=True,
    metavar="DIR",
    group="Sources",
    help="a run whose samples are judged; repeat it for more",
)
@_option(
    "--from",
    "stages",
    type=click.Choice(GENERATORS),
    multiple=True,
    group="Sources",
    default=("latest",),
    help="which of a run's generators; repeat it for several of each run [latest]",
)
@_option("--real", metavar="FILE", group="Sources", help="the real items, whatever --data takes [held out from the first run]")
@_option("-n", "--num", type=click.IntRange(1, 1000), default=20, metavar="N", group="Sheet", help="items of each source [20]")
@_option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("sheet.html"),
    metavar="FILE",
    group="Sheet",
    help="a page (.html) or a table (.csv); the key is put beside it [sheet.html]",
)
@_option("--seed", type=click.IntRange(0, 2**31 - 1), default=0, metavar="N", help="of samples, choice and order [0]")
@_option("--threads", type=click.IntRange(0, 1024), default=0, metavar="N", help="CPU threads [all]")
@_option("-q", "--quiet", is_flag=True, help="only warnings, errors and results")
@_option("-v", "--verbose", is_flag=True, help="more notes, and what TensorFlow has to say")
@click.pass_context
def make(
    context: click.Context,
    runs: tuple[Path, ...],
    stages: tuple[str, ...],
    real: str | None,
    num: int,
    output: Path,
    seed: int,
    threads: int,
    verbose: bool,
    **_: Any,
) -> None:
    """A blind sheet for judges: real items and samples of each run, shuffled, each to be called human or machine.

    A page works without a network: a judge marks items with buttons or keys and saves a small file. A table is filled in with
    a spreadsheet, or on paper. Give judges the sheet alone: the key tells which item is from where.
    """
    if output.suffix.lower() not in (".html", ".csv"):
        raise click.BadParameter("ends in neither .html nor .csv.", context, param_hint="'-o' / '--output'")
    console = console_of(context)
    from seqgan_cli.runs.run import Run

    opened = [Run(path) for path in {path.resolve(): path for path in runs}.values()]
    _check(opened, console)

    from seqgan_cli.training.backend import start_tensorflow

    start_tensorflow(threads, verbose)
    from seqgan_cli.studies.judging.sheet import make_sheet, real_items, sampled_items

    sources = real_items(opened[0], real, num, seed, console)
    for i, (run, which) in enumerate(itertools.product(opened, dict.fromkeys(stages))):
        name = str(run.path) if len(set(stages)) == 1 else f"{run.path}, {which}"
        sources[name] = sampled_items(run, which, num, (seed, i), console)
    for name, items in sources.items():
        if len(items) < num:
            console.warn(f"{name} gave {len(items)} different items, and {num} were asked for.")
    sheet, key = make_sheet(sources, seed)
    content = sheet.csv() if output.suffix.lower() == ".csv" else sheet.html()
    if shared := sum(len(names) > 1 for names in key.items):
        console.warn(f"Items that several sources have: {shared}. Each is shown once and counts for all that have it.")
    _write(output, content, key.sheet, key.json())
    console.result(f"Sheet {key.sheet}: {len(key.items)} items of {len(sources)} sources in {output}")
    console.result(f"Key: {_key_path(output)}, which no judge should see. Then: seqgan judge score ANSWERS…")


def _check(runs: "list[Run]", console: Console) -> None:
    """Raises SeqganError for what is no run, and UsageError for runs that people cannot judge, or not together."""
    values = [run.config().values for run in runs]
    chosen = [run.config().settings for run in runs]
    heard = [settings.kind.pitch_step(settings) is not None for settings in chosen]
    for i, (run, theirs) in enumerate(zip(runs, values, strict=True)):
        if chosen[i].data.synthetic:
            raise UsageError(f"{run.path} is trained on an oracle's sequences, of which none is a person's: name another run.")
        if heard[i] != heard[0]:
            raise UsageError(f"{runs[0].path} and {run.path} are music and text: make a sheet of each.")
        if differ := [name for name in FORM if theirs[name] != values[0][name]]:
            console.warn(f"{run.path} and {runs[0].path} differ in {', '.join(differ)}: judges may tell them by that alone.")


def _key_path(sheet: Path) -> Path:
    return sheet.with_suffix(".key.json")


def _write(sheet: Path, content: bytes, name: str, key: bytes) -> None:
    """The key first, without which a sheet is worth nothing. Raises SeqganError rather than replace another sheet's key."""
    from seqgan_cli.studies.judging.sheet import read_key

    path = _key_path(sheet)
    if path.exists() and read_key(path).sheet != name:
        raise SeqganError(f"{path} is the key of another sheet, whose answers need it: name another file with -o.")
    files.write(path, key)
    files.write(sheet, content)


@command.command("score", cls=GroupedCommand)
@click.argument("answers", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="ANSWERS…")
@_option(
    "--key",
    "key_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    group="Scores",
    help="the sheet's .key.json [found beside the answers, or in this folder]",
)
@_option("--json", "as_json", is_flag=True, group="Scores", help="one JSON object on stdout instead of tables")
@_option("-q", "--quiet", is_flag=True, help="only warnings, errors and results")
@_option("-v", "--verbose", is_flag=True, help="more notes")
@click.pass_context
def score(context: click.Context, answers: tuple[Path, ...], key_file: Path | None, as_json: bool, **_: Any) -> None:
    """Each source's share of human answers, tests between sources, and how far judges agree.

    ANSWERS are the files that the page saved, or CSV sheets with the answer column filled in (human, h, 1; machine, m, 0; blank
    for no answer), one for each judge.
    """
    console = console_of(context)
    from seqgan_cli.studies.judging.scoring import judged, read_answers
    from seqgan_cli.studies.judging.sheet import find_key, read_key

    given = [read_answers(path) for path in answers]
    key = read_key(key_file) if key_file else find_key(given[0].sheet, [answers[0].parent, Path()])
    found = judged(given, key)
    if as_json:
        console.result(json.dumps(files.plain(found), ensure_ascii=False))
    else:
        _show(found, console)


def _show(found: "Judgement", console: Console) -> None:
    from seqgan_cli.evaluation.statistics import shown_p

    def interval(low: float, high: float, form: str) -> str:
        return "" if math.isnan(low) else f" [{low:{form}}, {high:{form}}]"

    rows = []
    for entry in found.scores:
        estimate = entry.score
        shown = "" if math.isnan(estimate.mean) else f"{estimate.mean:.3f}" + interval(estimate.low, estimate.high, ".3f")
        rows.append([entry.source, shown, str(estimate.count), str(entry.answers), str(entry.unanswered)])
    judges = f"{found.judges} judge{'s' * (found.judges != 1)}"
    console.table(
        f"Sheet {found.sheet}, {judges}",
        ["source", "called human", "items", "answers", "unanswered"],
        rows,
        caption="Share of human answers with a 95 % interval over items.",
    )
    tested = [
        [f"{d.first} − {d.second}", f"{d.difference:+.3f}" + interval(d.low, d.high, "+.3f"), shown_p(d.p)]
        for d in found.differences
        if not math.isnan(d.difference)
    ]
    if tested:
        console.table(
            "Differences",
            ["sources", "Δ called human", "p"],
            tested,
            caption="p: permutation test over items, each with its mean over judges; not corrected for the number of pairs.",
        )
    if found.unanswered:
        console.result(f"Unanswered: {found.unanswered} of {found.judges * len(found.items)}.")
    if not math.isnan(found.agreement):
        console.result(f"Agreement of judges: Krippendorff's α {found.agreement:.3f} (1 all agree, 0 as by chance).")
    elif found.judges > 1:
        console.result("Agreement of judges: Krippendorff's α has no value where all answers to shared items are alike.")
    else:
        console.result("Agreement of judges: one judge alone has none.")
