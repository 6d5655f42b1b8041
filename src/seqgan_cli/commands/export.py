"""`seqgan export`."""

import secrets
import shlex
import shutil
from pathlib import Path
from typing import Any

import click

from seqgan_cli import files
from seqgan_cli.config import registry
from seqgan_cli.data.vocabulary import TOKENIZER
from seqgan_cli.errors import SeqganError
from seqgan_cli.jobs.options import GroupedCommand, common_options, console_of, from_option, grouped_option

_option = grouped_option("Export")


@click.command("export", cls=GroupedCommand)
@click.argument("run", required=False, type=click.Path(path_type=Path, file_okay=False))
@_option(
    "--format",
    "form",
    metavar=registry.formats.metavar,
    default="keras",
    help="what is written; onnx is an extra [keras]",
)
@_option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="DIR",
    required=True,
    help="a new directory to write to",
)
@from_option
@common_options(training=False, seeded=False)
@click.pass_context
def command(context: click.Context, run: Path | None, form: str, output: Path, run_path: Path, **_: Any) -> None:
    """Write the generator of RUN, or of --run, as models that load without this package.

    Three models of what `sample` draws from at temperature 1: `step` (token and state to logits and state), `sampler` (uniform
    numbers to tokens) and `scorer` (tokens to nats each); and vocabulary.json, with the tokens by id.
    """
    console = console_of(context)
    if run is not None:
        if context.get_parameter_source("run_path") is click.core.ParameterSource.COMMANDLINE:
            raise click.UsageError(f"RUN {run} and --run {run_path} are both given: leave one out.", context)
        context.params["run_path"] = run
    registry.formats.require(form)
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise click.BadParameter(f"{output} is no empty directory: name a new one.", param_hint="'-o' / '--output'")
    from seqgan_cli.export.base import DESCRIPTION, description, write_description
    from seqgan_cli.export.programs import programs
    from seqgan_cli.jobs.trained import open_trained

    trained = open_trained(context, console)
    if trained.config.settings.kind.has_sources:
        raise SeqganError(f"{trained.run.path} is of sequences with sources, and the models that are written know none.")
    output.parent.mkdir(parents=True, exist_ok=True)
    temporary = output.with_name(f".writing-{secrets.token_hex(8)}")
    try:
        temporary.mkdir()
        written = registry.formats[form].write(programs(trained.generator), temporary)
        write_description(description(trained.generator, trained.config.settings, trained.origin), temporary)
        if tokenizer := trained.corpus.tokenizer:  # whose name alone does not cut texts
            files.write(temporary / TOKENIZER.name, tokenizer.content())
            written = [*written, TOKENIZER.name]
        temporary.replace(output)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    console.result(f"{trained.origin} in {shlex.quote(str(output))}: {', '.join([*written, DESCRIPTION])}.")
