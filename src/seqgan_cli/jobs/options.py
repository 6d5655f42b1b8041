"""Options shared by the commands, made from the settings they set, and help that shows them in groups."""

import math
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from seqgan_cli.config import registry
from seqgan_cli.config.presets import PRESETS
from seqgan_cli.config.schema import specs_of
from seqgan_cli.config.settings import GENERATORS, find
from seqgan_cli.console import Console
from seqgan_cli.training.distribution.placement import KINDS as KINDS_OF_PLACE

DATA = {
    "--data": "data.source",
    "--kind": "data.kind",
    "--test": "data.test",
    "--holdout": "data.holdout",
    "--validation": "data.validation",
    "--deduplicate/--no-deduplicate": "data.deduplicate",
    "--column": "data.column",
    "--unit": "data.unit",
    "--pad-id": "data.pad-id",
    "--tokenizer": "data.tokenizer",
    "--tokenizer-size": "data.tokenizer-size",
    "--lowercase/--no-lowercase": "data.lowercase",
    "--normalize": "data.normalize",
    "--markers": "data.markers",
    "--max-length": "data.max-length",
    "--overlong": "data.overlong",
    "--min-count": "data.min-count",
    "--max-vocab": "data.max-vocab",
}


def _own_options(synthetic: bool) -> dict[str, str]:
    """Options for the settings of our kinds of data: those that are read, or those that are drawn."""
    kinds = [kind for kind in registry.kinds.ours.values() if kind.Section is not None and kind.synthetic == synthetic]
    specs = [spec for kind in kinds for spec in specs_of(kind.Section)]
    names = {spec.name: spec.name.partition(".")[2] for spec in specs}
    return {f"--{names[s.name]}/--no-{names[s.name]}" if s.type is bool else f"--{names[s.name]}": s.name for s in specs}


SYNTHETIC = _own_options(synthetic=True)
DATA |= SYNTHETIC
KINDS = {**_own_options(synthetic=False), "--strict/--no-strict": "data.strict"}


class _Finite(click.FloatRange):
    """A FloatRange without nan and the infinities."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        converted = float(super().convert(value, param, ctx))
        if not math.isfinite(converted):
            self.fail(f"{value} is no finite number.", param, ctx)
        return converted


MARGIN = _Finite(0, min_open=True)


class GroupedOption(click.Option):
    """An option that knows its heading in the help, and the setting it sets, if any."""

    def __init__(self, *args: Any, group: str = "Options", setting: str | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.group, self.setting = group, setting


def grouped_option(usual: str) -> Callable[..., Any]:
    """`click.option` with a `group` in the command's help, `usual` unless it is told another."""

    def option(*names: str, group: str = usual, **kwargs: Any) -> Any:
        return click.option(*names, cls=GroupedOption, group=group, **kwargs)

    return option


class GroupedCommand(click.Command):
    """A command whose help lists options by heading, one line each where the terminal allows."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault(
            "context_settings", {"max_content_width": max(80, min(140, shutil.get_terminal_size((120, 40)).columns))}
        )
        super().__init__(*args, **kwargs)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        groups: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            if not isinstance(parameter, click.Option):
                continue  # an argument: the usage line and the text speak of it
            if record := parameter.get_help_record(ctx):
                groups.setdefault(getattr(parameter, "group", "Common"), []).append(record)
        for heading, records in groups.items():
            with formatter.section(heading):
                formatter.write_dl(records, col_max=34)


def setting_options(group: str, options: dict[str, str]) -> Callable[[Callable], Callable]:
    """Options that set settings, by flag and setting name. Their type, bounds, meaning and default are the setting's."""

    def decorate(function: Callable) -> Callable:
        for flags, name in reversed(options.items()):
            info = find(name)
            shown = f" [{info.default}]" if info.default not in ("", False) else ""
            names = [flags, name.replace(".", "__").replace("-", "_")]
            kind: Any = {int: int, float: float, str: str, tuple: str, bool: None}[info.type]
            metavar = {int: "N", float: "X", str: "FILE" if "file" in info.meaning or info.is_file else "TEXT"}.get(
                info.type
            )
            if info.shown:
                kind, metavar = click.Choice(info.shown), None
            if not isinstance(info.choices, tuple):  # a component of another package is known to `check` alone
                kind, metavar = str, info.choices.metavar
            option = click.option(
                *names,
                cls=GroupedOption,
                group=group,
                setting=name,
                type=kind,
                metavar=metavar,
                multiple=info.is_files,
                default=None,
                callback=_check,
                help=info.meaning + shown,
            )
            function = option(function)
        return function

    return decorate


def _named(context: click.Context, parameter: click.Parameter, value: Path) -> Path:
    """`--run ""`, as from an unset variable, would otherwise be the current folder."""
    if "run_path" in context.params:
        return value
    given = context.get_parameter_source("run_path")
    if str(value) == "." and given is not click.core.ParameterSource.DEFAULT:
        raise click.BadParameter("names no directory of its own.", context, parameter)
    return value


def _check(context: click.Context, parameter: click.Parameter, value: Any) -> Any:
    """Bounds are the setting's own; a value outside them is a usage error of the option."""
    if parameter.multiple:
        value = value or None
    if value is not None and isinstance(parameter, GroupedOption) and parameter.setting:
        from seqgan_cli.errors import UsageError

        info = find(parameter.setting)
        try:
            return info.check(value)
        except UsageError as error:
            raise click.BadParameter(str(error).partition(": ")[2], context, parameter) from None
    return value


def common_options(
    seed: str = "seed of every random draw [0]", training: bool = True, seeded: bool = True
) -> Callable[[Callable], Callable]:
    """The options every command has."""

    def option(*names: str, **kwargs: Any) -> Callable:
        return click.option(*names, cls=GroupedOption, group="Common", **kwargs)

    def decorate(function: Callable) -> Callable:
        options = [
            option(
                "--run",
                "run_path",
                type=click.Path(path_type=Path),
                callback=_named,
                default=Path("runs/default"),
                envvar="SEQGAN_RUN",
                metavar="DIR",
                help="the run's directory [runs/default; SEQGAN_RUN]",
            ),
            option("--seed", type=click.IntRange(0, 2**31 - 1), metavar="N", help=seed),
            option("--threads", type=click.IntRange(0, 1024), default=0, metavar="N", help="CPU threads [all]"),
            option("-q", "--quiet", is_flag=True, help="only warnings, errors and results"),
            option("-v", "--verbose", is_flag=True, help="more notes, and what TensorFlow has to say"),
        ]
        if not seeded:
            del options[1]
        if training:
            options[1:1] = [
                option(
                    "--preset",
                    type=click.Choice(PRESETS),
                    envvar="SEQGAN_PRESET",
                    help="defaults to start from [paper; SEQGAN_PRESET]",
                ),
                option(
                    "--config", "config_file", type=click.Path(path_type=Path), metavar="FILE", help="settings from a TOML file"
                ),
                option("--set", "sets", multiple=True, metavar="NAME=VALUE", help="any setting; `seqgan settings` lists them"),
                option("--overwrite", is_flag=True, help="restart this stage and drop the later ones"),
                option("--tensorboard", is_flag=True, help="write TensorBoard event files too"),
            ]
        for decorator in reversed(options):
            function = decorator(function)
        return function

    return decorate


def placed(function: Callable) -> Callable:
    """The options of a command that several devices or machines can share."""
    option = grouped_option("Devices")
    for decorator in (
        option("--worker", type=int, metavar="I", help="multi-worker: which of them this process is; 0 is the chief"),
        option("--cluster", metavar="HOST:PORT,…", help="multi-worker: all processes [TF_CONFIG]"),
        option("--devices", type=click.IntRange(1, 256), metavar="N", help="mirrored: make N devices of the processor"),
        option(
            "--distribute",
            type=click.Choice(KINDS_OF_PLACE),
            default="none",
            help="train on one device, all of this machine, or several machines [none]",
        ),
    ):
        function = decorator(function)
    return function


def chosen_settings(context: click.Context) -> dict[str, Any]:
    """The settings that this command's own options were given for, by name."""
    chosen = {}
    for parameter in context.command.params:
        setting = getattr(parameter, "setting", None)
        if setting and parameter.name and context.params.get(parameter.name) is not None:
            chosen[setting] = context.params[parameter.name]
    return chosen


def console_of(context: click.Context) -> Console:
    """The console that --quiet and --verbose ask for."""
    return Console(quiet=context.params["quiet"], verbose=context.params["verbose"])


class Which(click.Choice):
    """One of a run's generators: by its name, or as STAGE:UNIT."""

    def __init__(self) -> None:
        super().__init__(GENERATORS)

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        return f"[{'|'.join(GENERATORS)}|STAGE:UNIT]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return value if re.fullmatch(r"(pretrain-g|adversarial):\d{1,9}", value) else super().convert(value, param, ctx)


def from_option(function: Callable, usual: str = "latest") -> Callable:
    """`--from`: which of the run's generators, `usual` unless it is told another."""
    return click.option(
        "--from",
        "which",
        cls=GroupedOption,
        group="Generator",
        type=Which(),
        default=usual,
        help="latest: adversarial if there is one; best: pretrain-g's best held-out one; best-adversarial: the best round by "
        f"adversarial.monitor; STAGE:UNIT, as pretrain-g:40: any that is kept [{usual}]",
    )(function)
