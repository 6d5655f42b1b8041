"""`seqgan oracle`."""

import functools
import shlex
from pathlib import Path
from typing import Any

import click

from seqgan_cli import files
from seqgan_cli.errors import SeqganError
from seqgan_cli.jobs.options import GroupedCommand, common_options, console_of, from_option, grouped_option

_option = grouped_option("Oracle")


@click.command("oracle", cls=GroupedCommand)
@click.argument("run", required=False, type=click.Path(path_type=Path, file_okay=False))
@_option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    required=True,
    help="the .npz to write, which takes the place of one that is there",
)
@functools.partial(from_option, usual="best")
@common_options(training=False, seeded=False)
@click.pass_context
def command(context: click.Context, run: Path | None, output: Path, run_path: Path, **_: Any) -> None:
    """Write the generator of RUN, or of --run, as an oracle: a truth from which data are drawn and that scores samples.

    The file holds its weights, settings, vocabulary, longest sequence and tokenizer. `--oracle FILE` of `pretrain-g`, `train`
    and `experiment` draws data from it: text whose likelihood is known exactly, if RUN is of text.
    """
    console = console_of(context)
    if run is not None:
        if context.get_parameter_source("run_path") is click.core.ParameterSource.COMMANDLINE:
            raise click.UsageError(f"RUN {run} and --run {run_path} are both given: leave one out.", context)
        context.params["run_path"] = run
    from seqgan_cli.jobs.trained import open_trained

    trained = open_trained(context, console)
    settings = trained.config.settings
    if settings.kind.has_sources:
        raise SeqganError(f"{trained.run.path} is of sequences with sources, and an oracle draws whole sequences.")

    import numpy as np

    from seqgan_cli.models.oracle import described_arrays

    arrays = described_arrays(trained.generator, settings, trained.corpus.tokenizer)
    files.write(output, lambda file: np.savez(file, **arrays))  # type: ignore[arg-type]
    vocabulary = trained.generator.vocabulary
    console.result(
        f"{trained.origin} in {shlex.quote(str(output))}: {vocabulary.size} tokens, sequences of "
        f"{'up to ' if vocabulary.has_eos else ''}{trained.generator.sequence_length - vocabulary.has_eos}."
    )
