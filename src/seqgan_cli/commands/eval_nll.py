"""`seqgan eval-nll`."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from seqgan_cli import files
from seqgan_cli.console import Console
from seqgan_cli.jobs.options import GroupedCommand, GroupedOption, common_options, console_of, from_option, placed
from seqgan_cli.jobs.sampling import sampling_options, samplings_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from seqgan_cli.runs.run import Run
    from seqgan_cli.sampling.choices import Sampling


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
@sampling_options("Scores", several=True)
@click.option(
    "--json", "as_json", cls=GroupedOption, group="Scores", is_flag=True, help="one JSON object on stdout instead of a table"
)
@from_option
@placed
@common_options(seed="seed of the samples [0]", training=False)
@click.pass_context
def command(
    context: click.Context,
    samples: int,
    as_json: bool,
    seed: int | None,
    **_: Any,
) -> None:
    """Likelihood scores in nats per token with 95 % intervals, and the coverage beside them.

    nll_oracle: how likely the oracle finds the samples (quality). nll_test: how likely the generator finds held-out data
    (coverage). A generator that says less improves the first and worsens the second, so neither stands alone. Of text nll_test
    is told in bits per byte too, which compares runs whose tokens differ.
    """
    from seqgan_cli.jobs.processes import shared_run

    with shared_run(context, console_of(context)) as (run, console):
        _score(run, console, context.params["which"], samples, samplings_of(context), seed or 0, as_json)


def _score(
    run: "Run", console: Console, which: str, samples: int, samplings: "Sequence[Sampling]", seed: int, as_json: bool
) -> None:
    from seqgan_cli.evaluation.bits import bits_per_byte
    from seqgan_cli.evaluation.generators import HELDOUT_AT_MOST, data_figures, likelihoods, outside_notes, unknown_note
    from seqgan_cli.jobs.trained import trained_of
    from seqgan_cli.randomness import key
    from seqgan_cli.studies.experiments.tables import generators_table

    trained = trained_of(run, which, console)
    oracle = trained.run.oracle()
    data = data_figures(trained.corpus, oracle, trained.config.values["seed"], samples)
    scores = []
    for sampling in samplings:
        console.say(f"Scoring {samples} samples of {trained.origin}, {sampling} …")
        sample_key = key(seed, "eval-nll")
        with console.progress("eval-nll", "samples", 0, samples, 1.0, "") as progress:
            scores.append(
                likelihoods(trained.generator, trained.corpus, oracle, samples, sample_key, sampling, progress.move)
            )
    settings = trained.config.settings
    bits = [bits_per_byte(trained.generator, trained.corpus, settings, sampling) for sampling in samplings]
    if as_json:
        records = [s.record() for s in scores]
        for record, of_bytes in zip(records, bits, strict=True):
            del record["real"]  # what eval-bleu and eval-quality are for
            record |= {} if of_bytes is None else {"bits_per_byte": asdict(of_bytes)}
        console.result(json.dumps(files.plain({"from": trained.origin, "scores": records, "data": data})))
        return
    truncated = any(s.sampling.truncated for s in scores)
    names = [str(s.sampling) if truncated else f"{s.sampling.temperature:g}" for s in scores]
    part = ""
    if data.get("unknown_share"):
        total = len(set(trained.corpus.test_documents[:HELDOUT_AT_MOST].tolist()))
        part = f", of the {{count}} of {total} documents with sequences without <unk> alone, which are the easier ones"
    told = [
        f"nll_test of {name}: {e} bits per byte of text{part.format(count=e.count)}."
        for name, e in zip(names, bits, strict=True)
        if e is not None
    ]
    columns, rows = generators_table(list(zip(names, scores, strict=True)), data)
    console.table(
        f"Scores of {trained.origin}: {samples} samples, nats per token, ± half a 95 % interval",
        ["sampling" if truncated else "temperature", *columns],
        rows,
        caption="\n".join(filter(None, [unknown_note(data), *outside_notes(list(zip(names, scores, strict=True))), *told])),
    )
