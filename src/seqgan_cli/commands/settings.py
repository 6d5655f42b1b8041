"""`seqgan settings`."""

from pathlib import Path
from typing import Any

import click

from seqgan_cli.config.presets import PRESETS
from seqgan_cli.config.resolution import Config
from seqgan_cli.config.settings import SCHEMA, SettingSpec, find, preset_value
from seqgan_cli.jobs.options import GroupedCommand, common_options, console_of


@click.command("settings", cls=GroupedCommand)
@click.argument("name", required=False)
@common_options(training=False)
@click.pass_context
def command(context: click.Context, name: str | None, run_path: Path, **_: Any) -> None:
    """List every setting, or tell of one: meaning, default, presets, and the run's value and where it came from.

    Set one with --set NAME=VALUE, or in a TOML file given to --config.
    """
    console = console_of(context)
    from seqgan_cli.runs.run import Run

    run = Run(run_path)
    recorded = run.config() if run.exists else None  # first: the names of its rewards' uses are settings then
    chosen = [find(name)] if name else list(SCHEMA.values())
    if name:
        told = _all_of(chosen[0], recorded)
        width = max(10, *map(len, told))
        for word, words in told.items():
            console.result(f"{word:{width}} {words}")
        return
    # What a run has says more than what it might have begun with.
    middle = ["this run", "from"] if recorded else ["default", "presets"]
    rows = []
    for info in chosen:
        known = (recorded.values.get(info.name, ""), recorded.sources.get(info.name, "")) if recorded else ()
        own = known or (info.default, ", ".join(f"{preset} {value}" for preset, value in _presets(info).items()))
        rows.append([info.name, *map(str, own), info.fixed_by or "", info.meaning + _choices(info)])
    console.table(
        "",
        ["setting", *middle, "fixed by", "meaning"],
        rows,
        caption="A setting that is fixed by a stage, or by the corpus, cannot change once that is begun.",
        numbers=False,
    )


def _presets(info: SettingSpec) -> dict[str, Any]:
    """The presets that have a value of their own for it, and the value."""
    return {preset: value for preset in PRESETS if (value := preset_value(info, preset)) is not None}


def _choices(info: SettingSpec) -> str:
    return f" ({', '.join(info.shown)})" if info.shown else ""


def _all_of(info: SettingSpec, recorded: Config | None) -> dict[str, str]:
    """All there is to say of one setting, by a word for it."""
    told = {"setting": info.name, "default": str(info.default)}
    told |= {preset: str(value) for preset, value in _presets(info).items()}
    if recorded:
        told |= {"this run": str(recorded.values.get(info.name, "")), "from": recorded.sources.get(info.name, "")}
    when = "the corpus is made" if info.fixed_by == "corpus" else f"{info.fixed_by} has begun"
    told["meaning"] = info.meaning + _choices(info) + (f" · fixed once {when}" if info.fixed_by else "")
    if not isinstance(info.choices, tuple):
        told |= {f"  {name}": component.meaning for name, component in info.choices.ours.items() if component.is_named}
    return told
