"""`seqgan sample`."""

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from seqgan_cli import files
from seqgan_cli.console import Console, visible
from seqgan_cli.errors import ReaderGone, SeqganError
from seqgan_cli.jobs.options import GroupedCommand, GroupedOption, common_options, console_of, from_option
from seqgan_cli.jobs.sampling import sampling_of, sampling_options

if TYPE_CHECKING:
    from seqgan_cli.jobs.trained import Trained
    from seqgan_cli.sampling import Sampling

ROWS = 8  # sequences in a picture, unless told


def sample_lines(trained: "Trained", num: int, seed: int, form: str, sampling: "Sampling") -> Iterator[str]:
    """`num` samples in that form (text, line, raw, ids or jsonl), a batch in memory at a time."""
    from seqgan_cli.randomness import key
    from seqgan_cli.sampling import samples

    settings = trained.config.settings
    written = settings.kind.detokenizer(settings, trained.corpus.vocabulary)
    left = num
    for batch in samples(trained.generator, key(seed, "sample"), sampling):
        for ids in batch[:left]:
            if form == "ids":
                yield " ".join(map(str, written.numbers(ids)))
            elif form == "jsonl":
                yield json.dumps({"text": written.line(ids), "ids": written.numbers(ids)}, ensure_ascii=False)
            else:
                yield {"text": written.page, "line": written.line, "raw": written.raw}[form](ids)
        left -= len(batch)
        if left <= 0:
            return


@click.command("sample", cls=GroupedCommand)
@click.option(
    "-n",
    "--num",
    cls=GroupedOption,
    group="Samples",
    type=click.IntRange(1),
    metavar="N",
    help="how many [100; pianoroll 8]",
)
@sampling_options("Samples")
@click.option("--allow-unk", cls=GroupedOption, group="Samples", is_flag=True, help="let `<unk>` be sampled too")
@click.option(
    "--format",
    "form",
    cls=GroupedOption,
    group="Output",
    type=click.Choice(["text", "raw", "ids", "jsonl", "midi", "pianoroll"]),
    default="text",
    help="raw: a line each, as files of data are; ids: numbers, of text those of the lines of vocabulary.txt from 0; "
    "midi, pianoroll (PNG): of music, with --output [text]",
)
@click.option(
    "-o",
    "--output",
    cls=GroupedOption,
    group="Output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="write there instead of stdout; for midi a directory",
)
@from_option
@common_options(seed="seed of the samples [0]", training=False)
@click.pass_context
def command(
    context: click.Context,
    num: int | None,
    allow_unk: bool,
    form: str,
    output: Path | None,
    seed: int | None,
    **_: Any,
) -> None:
    """Write sequences from the generator to stdout, and nothing else there. Works while the run is training.

    Text is written as people read it: words joined, poems in lines with their marks. On a terminal control characters of the
    data are written out, but for --format raw.
    """
    sampling = sampling_of(context)
    num = num or (ROWS if form == "pianoroll" else 100)
    if form in ("midi", "pianoroll"):
        _check_music(form, output, num)
    elif output is not None and output.is_dir():
        raise click.BadParameter(f"{output} is a directory: name a file.", param_hint="'-o' / '--output'")
    from seqgan_cli.jobs.trained import open_trained

    console = console_of(context)
    trained = open_trained(context, console)
    console.note(f"From {trained.origin}; seed {seed or 0}, {sampling}.")
    if form in ("midi", "pianoroll") and output is not None:
        _write_music(trained, num, seed or 0, form, sampling, output, console)
        return
    lines = sample_lines(trained, num, seed or 0, form, replace(sampling, allow_unknown=allow_unk))
    if output is not None and output.exists() and not output.is_file():  # a pipe or device: nothing to replace
        with output.open("w", encoding="utf-8") as file:
            _write(lines, file)
    elif output is None:
        sys.stdout.reconfigure(encoding="utf-8", errors="strict") if hasattr(sys.stdout, "reconfigure") else None
        if form != "raw" and sys.stdout.isatty():
            lines = map(visible, lines)
        _write(lines, sys.stdout)
    else:
        with files.replacing(output) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as file:
            _write(lines, file)


def _check_music(form: str, output: Path | None, num: int) -> None:
    if output is None:
        what = "a directory" if form == "midi" else "a .png file"
        raise click.BadParameter(f"{form} is not written to stdout: name {what} with --output.", param_hint="--format")
    if form == "midi" and output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise click.BadParameter(f"{output} is no empty directory: name a new one.", param_hint="'-o' / '--output'")
    if form == "pianoroll" and (output.is_dir() or output.suffix.lower() != ".png"):
        raise click.BadParameter(f"{output}: name a .png file.", param_hint="'-o' / '--output'")
    if form == "pianoroll" and num > 4 * ROWS:
        raise click.BadParameter(f"a picture holds {4 * ROWS} sequences at most.", param_hint="'-n' / '--num'")


def _write_music(
    trained: "Trained", num: int, seed: int, form: str, sampling: "Sampling", output: Path, console: Console
) -> None:
    """A MIDI file a sample, or one picture of all. Raises SeqganError for data that are no music."""
    from seqgan_cli.randomness import key
    from seqgan_cli.sampling import sample

    settings = trained.config.settings
    step = settings.kind.pitch_step(settings)
    if step is None:
        raise SeqganError(f"{trained.run.path} is not of music, so it has no --format {form}: use text, raw, ids or jsonl.")
    rows = sample(trained.generator, num, key(seed, "sample"), sampling)
    if form == "pianoroll":
        from seqgan_cli.figures import piano_roll

        piano_roll(list(rows), step, output)
        console.say(f"{num} sequences in {output}.")
        return
    digits = len(str(num))
    for i, pitches in enumerate(rows, start=1):
        settings.kind.write_midi(pitches, settings, output / f"{i:0{digits}d}.mid")
    console.say(f"{num} MIDI files in {output}.")


def _write(lines: Iterator[str], file: TextIO) -> None:
    try:
        for line in lines:
            file.write(line + "\n")
        file.flush()
    except BrokenPipeError:
        raise ReaderGone from None
