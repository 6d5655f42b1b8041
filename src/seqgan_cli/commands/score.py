"""`seqgan score`."""

import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seqgan_cli import files
from seqgan_cli.config import registry
from seqgan_cli.console import visible
from seqgan_cli.errors import SeqganError
from seqgan_cli.inference.corrected import correct_option, opened_correction
from seqgan_cli.inference.rewarded import (
    asks_for_reward,
    opened_reward,
    refuse_batch_dependent,
    reward_options,
    reward_settings,
)
from seqgan_cli.jobs.options import GroupedCommand, common_options, console_of, from_option, grouped_option
from seqgan_cli.jobs.sampling import sampling_of, sampling_options

if TYPE_CHECKING:
    from seqgan_cli.console import Console
    from seqgan_cli.inference.lines import ScoredLine
    from seqgan_cli.jobs.trained import Trained
    from seqgan_cli.models.discriminator import Discriminator

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
@_scores(
    "--discriminator/--no-discriminator",
    default=None,
    help="the discriminator's d, or no column of it [if it is there]"
)
@correct_option("Scores", "nll_corrected too: under the generator that the run's discriminator corrects")
@sampling_options("Scores")
@reward_options("Reward", bare=True)
@from_option
@common_options(training=False, seeded=False)
@click.pass_context
def command(
    context: click.Context,
    file: Path,
    form: str,
    by_token: bool,
    column: str,
    discriminator: bool | None,
    correct: bool,
    **_: Any,
) -> None:
    """How likely the run finds the lines of FILE (-: stdin), a line of scores for each, in their order.

    nll: −log probability under the generator, in nats; nll_per_token: over tokens that it knows and the end; d: probability of
    being real, by the discriminator if there is one; unknown: how many tokens the run does not know. A line that is no sequence
    of the run, as one too long, has no nll. With --reward, which by itself is the run's own, also the reward and its terms.
    """
    sampling, console = sampling_of(context), console_of(context)
    from seqgan_cli.data.text.opened import named
    from seqgan_cli.data.text.records import texts_of
    from seqgan_cli.inference.lines import score_lines
    from seqgan_cli.jobs.trained import open_trained
    from seqgan_cli.jobs.written import write_lines

    trained = open_trained(context, console, of_data=False)
    settings = None
    if asks_for_reward(context):
        settings = reward_settings(context, trained)
        refuse_batch_dependent(settings)
    judge = _discriminator(trained, discriminator, console)
    console.note(f"By {trained.origin}; {sampling}.")
    texts = (text for _, text in texts_of(named(file), column, told=console.say))
    correction = opened_correction(trained, context.params["which"], sampling, console) if correct else None
    terms = None if settings is None else _terms(settings.adversarial.reward)
    columns = Columns(discriminator is not False, terms, by_token, correct)
    with opened_reward(settings, trained, console) as reward:
        told = _Told(score_lines(trained, texts, sampling, judge, by_token, reward, correction))
        sys.stdout.reconfigure(encoding="utf-8", errors="strict") if hasattr(sys.stdout, "reconfigure") else None
        if form == "table":
            rows = [columns.cells(line, sys.stdout.isatty(), marked=False) for line in told]
            console.table("", [columns.names[-1], *columns.names[:-1]], [[row[-1], *row[:-1]] for row in rows])
        else:
            write_lines(json_lines(told, columns) if form == "jsonl" else tsv_lines(told, columns), sys.stdout)
    if not told.count:
        raise SeqganError(f"{file} holds no line to score.")
    for sentence in told.sentences(str(sampling), columns):
        console.warn(sentence)


def _discriminator(trained: "Trained", wanted: bool | None, console: "Console") -> "Discriminator | None":
    """The run's discriminator, and which it is told; None without one, unless it is asked for."""
    from seqgan_cli.runs.discriminators import discriminator_if_any, read_discriminator, whose_d

    if wanted is False:
        return None
    arguments = (trained.run, trained.config.settings, trained.corpus, console.warn)
    found = read_discriminator(*arguments) if wanted else discriminator_if_any(*arguments)
    if found is not None:
        (console.say if wanted else console.note)(whose_d(trained.run, trained.config.settings))
    return found


def _terms(reward: str) -> tuple[str, ...]:
    """The rewards that a sum is of, by name; none of a single one."""
    expression = registry.rewards.expression(reward)
    return () if expression.single else tuple(use.name for use in expression.uses)


@dataclass(frozen=True)
class Columns:
    """What is written of a line. terms: of the reward, None without one; corrected: whether nll_corrected is too."""

    discriminator: bool = True
    terms: tuple[str, ...] | None = None
    by_token: bool = False
    corrected: bool = False

    @property
    def names(self) -> list[str]:
        rewards = [] if self.terms is None else ["reward", *(f"reward.{name}" for name in self.terms)]
        corrected = ["nll_corrected"] * self.corrected
        return ["nll", "nll_per_token", *corrected, *["d"] * self.discriminator, "unknown", *rewards, "text"]

    def cells(self, line: "ScoredLine", shown: bool, marked: bool) -> list[str]:
        """In the order of `names`; `shown`: on a terminal; `marked`: with the surprising tokens in colour."""
        text = visible(_flat(line.text)) if shown else _flat(line.text)
        if marked and line.by_token:
            text = " ".join(_marked(token, loss) for token, loss in line.by_token)
        cells = [_number(line.nll), _number(line.nll_per_token), *[_number(line.nll_corrected)] * self.corrected]
        cells += [_number(line.d)] * self.discriminator
        cells.append(str(len(line.unknown)))
        if self.terms is not None:
            cells += [_number(line.reward), *(_number(line.terms.get(name)) for name in self.terms)]
        return [*cells, text]

    def record(self, line: "ScoredLine") -> dict[str, Any]:
        """As JSON has it."""
        record: dict[str, Any] = {"text": line.text, "nll": line.nll, "nll_per_token": line.nll_per_token}
        record |= {"nll_corrected": line.nll_corrected} if self.corrected else {}
        record |= {"d": line.d} if self.discriminator else {}
        record |= {"bits_per_byte": line.bits_per_byte, "tokens": len(line.tokens), "unknown": line.unknown}
        record |= {} if self.terms is None else {"reward": line.reward}
        record |= {"reward_terms": line.terms} if self.terms else {}
        record |= {"by_token": line.by_token} if self.by_token else {}
        return record | ({"why": line.why} if line.why else {})


class _Told:
    """The lines as they come, and what is to be told of them."""

    def __init__(self, lines: Iterable["ScoredLine"]) -> None:
        self._lines = lines
        self.count, self.left, self.outside, self.unknown, self.example = 0, 0, 0, 0, ""

    def __iter__(self) -> Iterator["ScoredLine"]:
        for line in self._lines:
            self.count += 1
            if line.outside:
                self.outside += 1
            elif line.why:
                self.left += 1
                self.example = self.example or f"line {self.count}, {line.why}"
            self.unknown += bool(line.unknown)
            yield line

    def sentences(self, sampling: str, columns: Columns) -> Iterator[str]:
        if self.left:
            yield f"{self.left} of {self.count} lines are no sequences of the run, and have no nll: {self.example}."
        if self.outside:
            yield (
                f"{self.outside} of {self.count} lines have a token that {sampling} leaves out: their probability is 0, and "
                "their nll infinite (inf, in JSON null)."
            )
        if self.unknown and columns.terms is not None:
            yield f"{self.unknown} of {self.count} lines have unknown tokens, which the reward sees as <unk>."


def json_lines(lines: Iterable["ScoredLine"], columns: Columns) -> Iterator[str]:
    """An object a line."""
    for line in lines:
        yield json.dumps(files.plain(columns.record(line)), ensure_ascii=False)


def tsv_lines(lines: Iterable["ScoredLine"], columns: Columns = Columns()) -> Iterator[str]:
    """Columns with tabs between them, under a line of names."""
    shown = sys.stdout.isatty()
    marked = columns.by_token and shown
    for number, line in enumerate(lines):
        if not number:  # what cannot be read has no columns
            yield "\t".join(columns.names)
        cells = columns.cells(line, shown, marked)
        if columns.by_token and not marked:
            tokens = ((_flat(token), "?" if loss is None else f"{loss:.2f}") for token, loss in line.by_token or ())
            cells[-1] = " ".join(f"{token}({loss})" for token, loss in tokens) or cells[-1]
        yield "\t".join(cells)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def _flat(text: str) -> str:
    """Text that parts no columns."""
    return text.replace("\t", " ")


def _marked(token: str, loss: float | None) -> str:
    """A token in the colour of how surprising it is; one that is unknown as what is most."""
    colour = "31" if loss is None or loss >= RARE else "33" if loss >= UNUSUAL else ""
    return f"\x1b[{colour}m{visible(token)}\x1b[0m" if colour else visible(token)
