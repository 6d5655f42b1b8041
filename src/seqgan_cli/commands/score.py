"""`seqgan score`."""

import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seqgan_cli import files
from seqgan_cli.console import visible
from seqgan_cli.jobs.options import GroupedCommand, common_options, console_of, from_option, grouped_option
from seqgan_cli.jobs.sampling import sampling_of, sampling_options

if TYPE_CHECKING:
    from seqgan_cli.jobs.scored import ScoredLine

COLUMNS = ("nll", "nll_per_token", "d", "unknown", "text")
# −log of the probability from which a token is marked: of one in a hundred, and of one in ten.
RARE, UNUSUAL = 4.605, 2.303
_scores = grouped_option("Scores")


@click.command("score", cls=GroupedCommand)
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@_scores(
    "--format", "form", type=click.Choice(["tsv", "jsonl", "table"]), default="tsv", help="what is written of each line [tsv]"
)
@_scores("--by-token", is_flag=True, help="each token's own nll too; on a terminal the surprising ones are marked")
@_scores("--column", default="", metavar="NAME", help="column of a table or field of JSON objects that is text")
@sampling_options("Scores")
@from_option
@common_options(training=False, seeded=False)
@click.pass_context
def command(context: click.Context, file: Path, form: str, by_token: bool, column: str, **_: Any) -> None:
    """How likely the run finds the lines of FILE (-: stdin), a line of scores for each, in their order.

    nll: −log probability under the generator, in nats; nll_per_token: over tokens that it knows and the end; d: probability of
    being real, by the discriminator if there is one; unknown: how many tokens the run does not know. A line that is no sequence
    of the run, as one too long, has no nll.
    """
    sampling, console = sampling_of(context), console_of(context)
    from seqgan_cli.data.text.opened import named
    from seqgan_cli.data.text.records import texts_of
    from seqgan_cli.jobs.scored import score_lines
    from seqgan_cli.jobs.trained import open_trained
    from seqgan_cli.jobs.written import write_lines
    from seqgan_cli.runs.discriminators import discriminator_if_any

    trained = open_trained(context, console, of_data=False)
    discriminator = discriminator_if_any(trained.run, trained.config.settings, trained.corpus, console.warn)
    console.note(f"By {trained.origin}; {sampling}.")
    texts = (text for _, text in texts_of(named(file), column, told=console.say))
    told = _Told(score_lines(trained, texts, sampling, discriminator, by_token))
    sys.stdout.reconfigure(encoding="utf-8", errors="strict") if hasattr(sys.stdout, "reconfigure") else None
    if form == "table":
        rows = [_cells(line, marked=False) for line in told]
        console.table("", COLUMNS[-1:] + COLUMNS[:-1], [[row[-1], *row[:-1]] for row in rows])
    else:
        write_lines(_lines(told, form, by_token), sys.stdout)
    if told.left:
        console.warn(f"{told.left} of {told.count} lines are no sequences of the run, and have no nll: {told.example}.")


class _Told:
    """The lines as they come, and of how many there is no score."""

    def __init__(self, lines: Iterable["ScoredLine"]) -> None:
        self._lines = lines
        self.count, self.left, self.example = 0, 0, ""

    def __iter__(self) -> Iterator["ScoredLine"]:
        for line in self._lines:
            self.count += 1
            if line.why:
                self.left += 1
                self.example = self.example or f"line {self.count}, {line.why}"
            yield line


def _lines(lines: Iterable["ScoredLine"], form: str, by_token: bool) -> Iterator[str]:
    if form == "jsonl":
        for line in lines:
            record: dict[str, Any] = {"text": line.text, "nll": line.nll, "nll_per_token": line.nll_per_token, "d": line.d}
            record |= {"bits_per_byte": line.bits_per_byte, "tokens": len(line.tokens), "unknown": line.unknown}
            record |= {"by_token": line.by_token} if by_token else {}
            record |= {"why": line.why} if line.why else {}
            yield json.dumps(files.plain(record), ensure_ascii=False)
        return
    marked = by_token and sys.stdout.isatty()
    for number, line in enumerate(lines):
        if not number:  # what cannot be read has no columns
            yield "\t".join(COLUMNS)
        cells = _cells(line, marked)
        if by_token and not marked:
            tokens = ((_flat(token), "?" if loss is None else f"{loss:.2f}") for token, loss in line.by_token or ())
            cells[-1] = " ".join(f"{token}({loss})" for token, loss in tokens) or cells[-1]
        yield "\t".join(cells)


def _cells(line: "ScoredLine", marked: bool) -> list[str]:
    text = visible(_flat(line.text)) if sys.stdout.isatty() else _flat(line.text)
    if marked and line.by_token:
        text = " ".join(_marked(token, loss) for token, loss in line.by_token)
    numbers = ["" if value is None else f"{value:.4f}" for value in (line.nll, line.nll_per_token, line.d)]
    return [*numbers, str(len(line.unknown)), text]


def _flat(text: str) -> str:
    """Text that parts no columns."""
    return text.replace("\t", " ")


def _marked(token: str, loss: float | None) -> str:
    """A token in the colour of how surprising it is; one that is unknown as what is most."""
    colour = "31" if loss is None or loss >= RARE else "33" if loss >= UNUSUAL else ""
    return f"\x1b[{colour}m{visible(token)}\x1b[0m" if colour else visible(token)

