"""`seqgan eval-nll`."""

import itertools
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from seqgan_cli import files
from seqgan_cli.console import Console
from seqgan_cli.inference.corrected import correct_option, opened_correction, refuse_unless_of_run
from seqgan_cli.inference.unseen import data_options, held_out_of, record_of, told_in_title
from seqgan_cli.jobs.options import GroupedCommand, GroupedOption, common_options, console_of, from_option, placed
from seqgan_cli.jobs.sampling import sampling_options, samplings_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from seqgan_cli.evaluation.correction import Correction
    from seqgan_cli.evaluation.generators import Likelihoods
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
@correct_option("Scores", "a row more of each: the generator corrected by what the run's discriminator knows of it")
@data_options("Scores")
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
    from seqgan_cli.jobs.processes import place_of, shared_run

    if context.params["data_file"] and place_of(context).workers:
        raise click.UsageError("--data is read by one process alone: leave the cluster out.", context)
    refuse_unless_of_run(context)
    with shared_run(context, console_of(context)) as (run, console):
        _score(context, run, console, samples, samplings_of(context), seed or 0, as_json)


def _score(
    context: click.Context,
    run: "Run",
    console: Console,
    samples: int,
    samplings: "Sequence[Sampling]",
    seed: int,
    as_json: bool,
) -> None:
    from seqgan_cli.evaluation.bits import bits_per_byte
    from seqgan_cli.evaluation.generators import (
        HELDOUT_AT_MOST,
        data_figures,
        likelihoods,
        nll_by_label,
        outside_notes,
        unknown_note,
    )
    from seqgan_cli.jobs.trained import trained_of
    from seqgan_cli.randomness import key
    from seqgan_cli.studies.experiments.tables import generators_table

    trained = trained_of(run, context.params["which"], console)
    corpus = held_out_of(context, trained.config.settings, trained.corpus, console)
    oracle = trained.run.oracle()
    data = data_figures(corpus, oracle, trained.config.values["seed"], samples)
    scores: list[Likelihoods] = []
    corrected: list[Likelihoods] = []
    for sampling in samplings:
        corrections: list[Correction | None] = [None]
        if context.params["correct"]:
            corrections.append(opened_correction(trained, context.params["which"], sampling, console))
        for correction in corrections:
            how = f"{sampling}{', corrected' * (correction is not None)}"
            console.say(f"Scoring {samples} samples of {trained.origin}, {how} …")
            sample_key = key(seed, "eval-nll", *["corrected"] * (correction is not None))
            with console.progress("eval-nll", "samples", 0, samples, 1.0, "") as progress:
                found = likelihoods(
                    trained.generator,
                    corpus,
                    oracle,
                    samples,
                    sample_key,
                    sampling,
                    progress.move,
                    correction=correction,
                )
            (scores if correction is None else corrected).append(found)
    settings = trained.config.settings
    bits = [bits_per_byte(trained.generator, corpus, settings, sampling) for sampling in samplings]
    by_label = [nll_by_label(trained.generator, corpus, sampling) for sampling in samplings]
    if as_json:
        records, of_corrected = ([s.record() for s in each] for each in (scores, corrected))
        for record, of_bytes, labelled in zip(records, bits, by_label, strict=True):
            if labelled:
                record["by_label"] = {label: asdict(estimate) for label, estimate in labelled.items()}
            record |= {} if of_bytes is None else {"bits_per_byte": asdict(of_bytes)}
        for record in (*records, *of_corrected):
            del record["real"]  # what eval-bleu and eval-quality are for
        more = {"corrected": of_corrected} if corrected else {}
        found_all = {"from": trained.origin, **record_of(corpus), "scores": records, **more, "data": data}
        console.result(json.dumps(files.plain(found_all)))
        return
    truncated = any(s.sampling.truncated for s in scores)
    heading = "sampling" if truncated else "temperature"
    names = [str(s.sampling) if truncated else f"{s.sampling.temperature:g}" for s in scores]
    part = ""
    if data.get("unknown_share"):
        total = len(set(corpus.test_documents[:HELDOUT_AT_MOST].tolist()))
        part = f", of the {{count}} of {total} documents with sequences without <unk> alone, which are the easier ones"
    told = [
        f"nll_test of {name}: {e} bits per byte of text{part.format(count=e.count)}."
        for name, e in zip(names, bits, strict=True)
        if e is not None
    ]
    named_scores = list(zip(names, scores, strict=True))
    named_corrected = [(f"{name}, corrected", found) for name, found in zip(names, corrected, strict=False)]
    shown = [row for pair in itertools.zip_longest(named_scores, named_corrected) for row in pair if row]
    columns, rows = generators_table(shown, data)
    console.table(
        f"Scores of {trained.origin}: {samples} samples, nats per token, ± half a 95 % interval{told_in_title(corpus)}",
        [heading, *columns],
        rows,
        caption="\n".join(filter(None, [unknown_note(data), *outside_notes(shown), *told])),
    )
    for name, labelled in zip(names, by_label, strict=True):
        if labelled:
            rows_of_labels = [[label, str(estimate), str(estimate.count)] for label, estimate in labelled.items()]
            console.table(f"By label, {heading} {name}", ["label", "nll_test ↓", "documents"], rows_of_labels)
