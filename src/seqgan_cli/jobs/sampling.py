"""The options of every command that samples: how it does."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from seqgan_cli.jobs.options import grouped_option

if TYPE_CHECKING:
    from seqgan_cli.sampling import Sampling


def sampling_options(group: str, several: bool = False) -> Callable[[Callable], Callable]:
    """`--temperature`, `--top-k`, `--top-p` and `--min-p`; `several`: of temperature and top-p, each a row of the output.

    `sampling_of` and `samplings_of` read them.
    """

    def within(inside: Callable[[float], bool], bounds: str) -> Callable[[click.Context, click.Parameter, Any], Any]:
        def check(_: click.Context, parameter: click.Parameter, value: Any) -> Any:
            for each in value if isinstance(value, tuple) else (value,):
                if not inside(each):
                    raise click.BadParameter(f"{each} is not {bounds}.", param_hint=parameter.opts[0])
            return value

        return check

    more: dict[str, Any] = {"multiple": True, "default": (1.0,)} if several else {"default": 1.0}
    repeat = "; repeat it for a sweep" * several
    # Logits divided by a temperature within these bounds stay numbers in float32.
    temperature = within(lambda x: 0.001 <= x <= 1000.0, "between 0.001 and 1000")
    top_p = within(lambda x: 0.0 < x <= 1.0, "above 0 and at most 1")
    min_p = within(lambda x: 0.0 <= x < 1.0, "0 or more and below 1")
    option = grouped_option(group)
    options = [
        option(
            "--temperature",
            type=float,
            metavar="X",
            callback=temperature,
            help=f"below 1 says likelier things, above 1 rarer ones{repeat} [1]",
            **more,
        ),
        option("--top-k", type=click.IntRange(0), default=0, metavar="K", help="draw from the K likeliest tokens [0: all]"),
        option(
            "--top-p",
            type=float,
            metavar="P",
            callback=top_p,
            help=f"draw from the fewest tokens that have this probability{repeat} [1: all]",
            **more,
        ),
        option(
            "--min-p",
            type=float,
            default=0.0,
            metavar="P",
            callback=min_p,
            help="draw from tokens that have this share of the likeliest one's probability [0: all]",
        ),
    ]

    def decorate(function: Callable) -> Callable:
        for decorator in reversed(options):
            function = decorator(function)
        return function

    return decorate


def samplings_of(context: click.Context) -> "list[Sampling]":
    """What `sampling_options` ask for: one for each temperature and top-p."""
    from seqgan_cli.sampling import Sampling

    given = context.params
    temperatures, top_ps = (
        value if isinstance(value, tuple) else (value,) for value in (given["temperature"], given["top_p"])
    )
    return [Sampling(t, given["top_k"], p, given["min_p"]) for t in temperatures for p in top_ps]


def sampling_of(context: click.Context) -> "Sampling":
    """The one that they ask for."""
    (found,) = samplings_of(context)
    return found
