"""The options of every command that samples: how it does."""

import itertools
from collections.abc import Callable
from typing import Any

import click

from seqgan_cli.config.schema import SettingSpec, specs_of
from seqgan_cli.errors import UsageError
from seqgan_cli.jobs.options import grouped_option
from seqgan_cli.sampling.choices import Sampling

# What `Sampling` has a choice of, by the name of the command's parameter.
CHOICES = {spec.leaf: spec for spec in specs_of(Sampling)}
TEMPERATURE, GREEDY = "temperature", ", 0 the likeliest token every time"


def checked(spec: SettingSpec, zero: bool = False) -> Callable[[click.Context, click.Parameter, Any], Any]:
    """A callback that refuses what the choice cannot be; `zero`: that may be asked for all the same."""

    def check_one(value: Any) -> Any:
        return value if zero and value == 0 else spec.check(value)

    def check(_: click.Context, parameter: click.Parameter, value: Any) -> Any:
        try:
            return tuple(map(check_one, value)) if isinstance(value, tuple) else check_one(value)
        except UsageError as error:
            raise click.BadParameter(str(error).partition(": ")[2], param_hint=parameter.opts[0]) from None

    return check


def sampling_options(group: str, several: bool = False) -> Callable[[Callable], Callable]:
    """An option for every choice of `Sampling`; `several`: each may be repeated, and every combination is a row of the output.

    `sampling_of` and `samplings_of` read them.
    """

    def decorate(function: Callable) -> Callable:
        option = grouped_option(group)
        for spec in reversed(CHOICES.values()):
            function = option(
                f"--{spec.option}",
                type=spec.type,
                metavar={int: "N", float: "X"}[spec.type],
                multiple=several,
                default=(spec.default,) if several else spec.default,
                callback=checked(spec, zero=spec.leaf == TEMPERATURE),
                help=f"{spec.meaning}{GREEDY * (spec.leaf == TEMPERATURE)}{'; repeat it for a sweep' * several} "
                f"[{spec.default:g}]",
            )(function)
        return function

    return decorate


def samplings_of(context: click.Context) -> list[Sampling]:
    """What `sampling_options` ask for: every combination."""
    values = [value if isinstance(value := context.params[name], tuple) else (value,) for name in CHOICES]
    return [_sampling(dict(zip(CHOICES, each, strict=True))) for each in itertools.product(*values)]


def _sampling(chosen: dict[str, Any]) -> Sampling:
    """At temperature 0 nothing but the likeliest token has any probability, which is top-k 1 at any other."""
    return Sampling(**chosen) if chosen[TEMPERATURE] else Sampling(**chosen | {TEMPERATURE: 1.0, "top_k": 1})


def sampling_of(context: click.Context) -> Sampling:
    """The one that they ask for."""
    (found,) = samplings_of(context)
    return found
