"""`seqgan sample`."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from seqgan_cli import files
from seqgan_cli.commands.options import GroupedCommand, GroupedOption, common_options, console_of, from_option
from seqgan_cli.errors import ReaderGone

if TYPE_CHECKING:
    from seqgan_cli.commands.job import Trained


def sample_lines(trained: "Trained", num: int, seed: int, form: str, temperature: float, allow_unknown: bool) -> Iterator[str]:
    """`num` samples as lines of that form (text, ids or jsonl), a batch in memory at a time."""
    from seqgan_cli.corpora.text import to_text
    from seqgan_cli.randomness import key

    vocabulary = trained.corpus.vocabulary
    written = to_text(vocabulary, trained.config.values["data.tokenizer"])
    left = num
    for batch in trained.generator.samples(key(seed, "sample"), temperature, allow_unknown):
        for ids in batch[:left]:
            text = written(ids)
            numbers = ids[: vocabulary.length(ids)].tolist()
            if form == "text":
                yield text
            elif form == "ids":
                yield " ".join(map(str, numbers))
            else:
                yield json.dumps({"text": text, "ids": numbers}, ensure_ascii=False)
        left -= len(batch)
        if left <= 0:
            return


@click.command("sample", cls=GroupedCommand)
@click.option(
    "-n", "--num", cls=GroupedOption, group="Samples", type=click.IntRange(1), default=100, metavar="N", help="how many [100]"
)
@click.option(
    "--temperature",
    cls=GroupedOption,
    group="Samples",
    type=float,
    default=1.0,
    metavar="X",
    help="below 1 says likelier things, above 1 rarer ones [1]",
)
@click.option("--allow-unk", cls=GroupedOption, group="Samples", is_flag=True, help="let `<unk>` be sampled too")
@click.option(
    "--format",
    "form",
    cls=GroupedOption,
    group="Output",
    type=click.Choice(["text", "ids", "jsonl"]),
    default="text",
    help="one sequence a line [text]",
)
@click.option(
    "-o",
    "--output",
    cls=GroupedOption,
    group="Output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="write there instead of stdout",
)
@from_option
@common_options(seed="seed of the samples [0]", training=False)
@click.pass_context
def command(
    context: click.Context,
    num: int,
    temperature: float,
    allow_unk: bool,
    form: str,
    output: Path | None,
    seed: int | None,
    **_: Any,
) -> None:
    """Write sequences from the generator to stdout, and nothing else there. Works while the run is training."""
    check_temperature(temperature)
    from seqgan_cli.commands.job import open_trained

    console = console_of(context)
    trained = open_trained(context, console)
    console.note(f"From {trained.origin}; seed {seed or 0}, temperature {temperature}.")
    lines = sample_lines(trained, num, seed or 0, form, temperature, allow_unk)
    if output is not None and output.exists() and not output.is_file():  # a pipe or device: nothing to replace
        with output.open("w", encoding="utf-8") as file:
            _write(lines, file)
    elif output is None:
        sys.stdout.reconfigure(encoding="utf-8", errors="strict") if hasattr(sys.stdout, "reconfigure") else None
        _write(lines, sys.stdout)
    else:
        with files.replacing(output) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as file:
            _write(lines, file)


def _write(lines: Iterator[str], file: TextIO) -> None:
    try:
        for line in lines:
            file.write(line + "\n")
        file.flush()
    except BrokenPipeError:
        raise ReaderGone from None


def check_temperature(temperature: Any) -> None:
    """Raises BadParameter unless logits divided by it stay numbers in float32."""
    if not 0.001 <= temperature <= 1000.0:
        raise click.BadParameter(f"{temperature} is not between 0.001 and 1000.", param_hint="--temperature")
