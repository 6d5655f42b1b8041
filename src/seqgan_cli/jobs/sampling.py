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


def checked(spec: SettingSpec) -> Callable[[click.Context, click.Parameter, Any], Any]:
    """A callback that refuses what the choice cannot be."""

    def check(_: click.Context, parameter: click.Parameter, value: Any) -> Any:
        try:
            return tuple(map(spec.check, value)) if isinstance(value, tuple) else spec.check(value)
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
                callback=checked(spec),
                help=f"{spec.meaning}{'; repeat it for a sweep' * several} [{spec.default:g}]",
            )(function)
        return function

    return decorate


def samplings_of(context: click.Context) -> list[Sampling]:
    """What `sampling_options` ask for: every combination."""
    values = [value if isinstance(value := context.params[name], tuple) else (value,) for name in CHOICES]
    return [Sampling(*each) for each in itertools.product(*values)]


def sampling_of(context: click.Context) -> Sampling:
    """The one that they ask for."""
    (found,) = samplings_of(context)
    return found
