"""`seqgan settings`."""

from pathlib import Path
from typing import Any

import click

from seqgan_cli.commands.options import GroupedCommand, common_options, console_of
from seqgan_cli.config import CATALOGUE, PRESETS, find


@click.command("settings", cls=GroupedCommand)
@click.argument("name", required=False)
@common_options(training=False)
@click.pass_context
def command(context: click.Context, name: str | None, run_path: Path, **_: Any) -> None:
    """List every setting, or tell of one: meaning, default, presets, and the run's value and where it came from.

    Set one with --set NAME=VALUE, or in a TOML file given to --config.
    """
    console = console_of(context)
    chosen = [find(name)] if name else list(CATALOGUE.values())
    from seqgan_cli.store.run import Run

    run = Run(run_path)
    recorded = run.config() if run.exists else None
    presets = [preset for preset in PRESETS if any(info.preset(preset) is not None for info in chosen) or preset == "quick"]
    if recorded and not name:
        presets = []  # what a run has says more than what it might have begun with, and the meaning needs the room
    columns = ["setting", "default", *presets, *(["this run", "from"] if recorded else []), "meaning"]
    rows = []
    for info in chosen:
        others = ["" if (value := info.preset(preset)) is None else str(value) for preset in presets]
        own = [str(recorded.values.get(info.name, "")), recorded.sources.get(info.name, "")] if recorded else []
        choices = f" ({', '.join(info.choices)})" if info.choices else ""
        fixed = (
            f" · fixed once {'the corpus is made' if info.fixed_by == 'corpus' else info.fixed_by + ' has begun'}"
            if info.fixed_by
            else ""
        )
        rows.append([info.name, str(info.default), *others, *own, info.meaning + choices + fixed])
    if name:
        for column, value in zip(columns, rows[0], strict=True):
            console.result(f"{column:10} {value}")
    else:
        console.table("", columns, rows, numbers=False)
