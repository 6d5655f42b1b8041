"""`seqgan eval-nll`."""

import dataclasses
import json
from typing import TYPE_CHECKING, Any

import click

from seqgan_cli.commands.options import GroupedCommand, GroupedOption, common_options, console_of, from_option
from seqgan_cli.commands.sample import check_temperature

if TYPE_CHECKING:
    from seqgan_cli.evaluation import Likelihoods
    from seqgan_cli.metrics.likelihood import Estimate


@click.command("eval-nll", cls=GroupedCommand)
@click.option(
    "--samples",
    cls=GroupedOption,
    group="Scores",
    type=click.IntRange(1),
    default=100_000,
    metavar="N",
    help="sequences to sample for nll_oracle and coverage [100000]",
)
@click.option(
    "--temperature",
    "temperatures",
    cls=GroupedOption,
    group="Scores",
    type=float,
    multiple=True,
    default=(1.0,),
    metavar="X",
    help="sampling temperature; repeat it for a sweep [1]",
)
@click.option(
    "--json", "as_json", cls=GroupedOption, group="Scores", is_flag=True, help="one JSON object on stdout instead of a table"
)
@from_option
@common_options(seed="seed of the samples [0]", training=False)
@click.pass_context
def command(
    context: click.Context,
    samples: int,
    temperatures: tuple[float, ...],
    as_json: bool,
    seed: int | None,
    **_: Any,
) -> None:
    """Likelihood scores in nats per token with 95 % intervals, and the coverage beside them.

    nll_oracle: how likely the oracle finds the samples (quality). nll_test: how likely the generator finds held-out data
    (coverage). A generator that says less improves the first and worsens the second, so neither stands alone.
    """
    for temperature in temperatures:
        check_temperature(temperature)
    console = console_of(context)
    from seqgan_cli.commands.job import open_trained

    trained = open_trained(context, console)

    from seqgan_cli.evaluation import data_figures, likelihoods
    from seqgan_cli.randomness import key

    oracle = trained.run.oracle()
    data = data_figures(trained.corpus, oracle, trained.config.values["seed"])
    scores = []
    for temperature in temperatures:
        console.say(f"Scoring {samples} samples of {trained.origin}, temperature {temperature:g} …")
        sample_key = key(seed or 0, "eval-nll")
        with console.progress("eval-nll", "samples", 0, samples, 1.0, "") as progress:
            scores.append(
                likelihoods(trained.generator, trained.corpus, oracle, samples, sample_key, temperature, progress.move)
            )
    if as_json:
        console.result(json.dumps({"from": trained.origin, "scores": [dataclasses.asdict(s) for s in scores], "data": data}))
        return
    columns, rows = score_table([(f"{s.temperature:g}", s) for s in scores], data)
    console.table(
        f"Scores of {trained.origin}: {samples} samples, nats per token, ± half a 95 % interval",
        ["temperature", *columns],
        rows,
    )


def _shown(estimate: "Estimate") -> str:
    return f"{estimate.mean:.3f} ± {(estimate.high - estimate.low) / 2:.3f}"


def score_table(named_scores: list[tuple[str, "Likelihoods"]], data: dict[str, float]) -> tuple[list[str], list[list[str]]]:
    """Columns and rows: the scores by name, then what the data and, for synthetic runs, uniform tokens score."""
    synthetic = "nll_oracle" in data
    columns = ["nll_test ↓", "nll_train", "distinct", "token types", "copied"]
    rows: list[list[str]] = []

    def add(name: str, nll_oracle: str, *others: Any) -> None:
        rows.append([name, *([nll_oracle] if synthetic else []), *map(str, others)])

    for name, s in named_scores:
        add(
            name,
            _shown(s.nll_oracle) if s.nll_oracle else "",
            _shown(s.nll_test),
            _shown(s.nll_train),
            f"{s.distinct_share:.1%}",
            s.token_types,
            f"{s.copied_share:.1%}",
        )
    types, distinct = f"{data['token_types']:.0f}", f"{data['distinct_share']:.1%}"
    add("the data", f"{data.get('nll_oracle', 0):.3f}", "", "", distinct, types, f"{data['copied_share']:.1%}")
    if synthetic:
        add("uniform tokens", f"{data['nll_oracle_uniform']:.3f}", "", "", "", "", "")
    return (["nll_oracle ↓", *columns] if synthetic else columns), rows
