"""`seqgan eval-bleu`."""

import json
import platform
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seqgan_cli import __version__
from seqgan_cli.config import registry
from seqgan_cli.config import resolution as configuration
from seqgan_cli.config.checks import check_data
from seqgan_cli.config.resolution import Config
from seqgan_cli.config.settings import Settings, find
from seqgan_cli.errors import SeqganError, UsageError
from seqgan_cli.inference.corrected import correct_option, opened_correction, refuse_unless_of_run
from seqgan_cli.inference.unseen import data_options, held_out_of, opened_with_data, record_of, told_in_title
from seqgan_cli.jobs.options import (
    GroupedCommand,
    chosen_settings,
    common_options,
    console_of,
    from_option,
    grouped_option,
)
from seqgan_cli.jobs.sampling import sampling_of, sampling_options

if TYPE_CHECKING:
    import numpy as np

    from seqgan_cli.evaluation.metrics.likelihood import Estimate
    from seqgan_cli.runs.run import Run

    Sentences = tuple[np.ndarray, np.ndarray]

SMOOTHING = [f"method{i}" for i in range(8)]
_of_sentences = grouped_option("Sentences")
_of_two_files = grouped_option("Both --hypotheses and --references")
_of_scores = grouped_option("Scores")


@click.command("eval-bleu", cls=GroupedCommand)
@_of_sentences("-n", "--num", type=click.IntRange(2), default=1000, metavar="N", help="samples to score [1000]")
@sampling_options("Sentences")
@_of_sentences("--hypotheses", type=click.Path(path_type=Path), metavar="FILE", help="score these lines instead of samples")
@_of_sentences(
    "--references",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="compare with these lines instead of the run's held-out ones",
)
@_of_sentences("--hypotheses-column", metavar="NAME", help="of --hypotheses, if they are a table or JSON [as the run's]")
@_of_sentences("--references-column", metavar="NAME", help="of --references, if they are a table or JSON [as the run's]")
@correct_option("Sentences", "beside them samples of the generator that the run's discriminator corrects")
@data_options("Sentences")
@_of_two_files(
    "--kind",
    "data__kind",
    setting="data.kind",
    type=click.Choice(registry.kinds.named),
    help="what they hold [text; with --run, as there]",
)
@_of_sentences(
    "--tokenizer",
    "data__tokenizer",
    setting="data.tokenizer",
    metavar="[whitespace|words|chars|…|FILE.json]",
    help="what a token is, of a run's samples too [whitespace; with --run, as there]",
)
@_of_two_files(
    "--lowercase/--no-lowercase", "data__lowercase", setting="data.lowercase", default=None, help="lower-case the text"
)
@_of_two_files(
    "--poem-form",
    "data__poem_form",
    setting="data.poem-form",
    type=click.Choice(find("data.poem-form").shown),
    help="poems: characters a line, and lines [5x4]",
)
@_of_scores("--max-order", type=click.IntRange(1, 9), default=5, metavar="N", help="longest n-gram: BLEU-2 … BLEU-N [5]")
@_of_scores(
    "--smoothing",
    type=click.Choice(SMOOTHING),
    default="method1",
    metavar="METHOD",
    help="NLTK's SmoothingFunction, method0 (none) … method7 [method1]",
)
@_of_scores("--ngram-weights", metavar="W1,W2,…", help="one BLEU with these weights instead")
@_of_scores("--self-bleu", is_flag=True, help="also each sentence against all the others")
@_of_scores("--json", "as_json", is_flag=True, help="one JSON object on stdout instead of a table")
@from_option
@common_options(seed="seed of the samples [0]", training=False)
@click.pass_context
def command(
    context: click.Context,
    num: int,
    correct: bool,
    hypotheses: Path | None,
    references: Path | None,
    hypotheses_column: str | None,
    references_column: str | None,
    data_file: Path | None,
    max_order: int,
    smoothing: str,
    ngram_weights: str | None,
    self_bleu: bool,
    as_json: bool,
    run_path: Path,
    seed: int | None,
    **_: Any,
) -> None:
    """Mean sentence BLEU of samples, each against the whole held-out set as references (quality).

    Equals NLTK's sentence_bleu; ± is half a 95 % interval over sentences. Samples of an adversarial generator are held against
    as many of the run's MLE. Of pairs there is also the BLEU against the references that have the sample's source.
    --self-bleu is the coverage beside it: the nearer to 1, the more alike the samples. With both --hypotheses and --references
    no run is needed. A blank line of --hypotheses is a sample without tokens and scores 0.
    """
    sampling = sampling_of(context)
    refuse_unless_of_run(context, "hypotheses")
    _check_columns(context)
    weights = _weights(ngram_weights, max_order, smoothing)
    console = console_of(context)
    from seqgan_cli.jobs.sentences import SentencePool
    from seqgan_cli.jobs.trained import sampled
    from seqgan_cli.runs.run import Run

    run = Run(run_path)
    two_files = hypotheses is not None and references is not None
    settings = _settings(context, run, two_files)
    data = settings.data
    pool = SentencePool(settings, console.warn, run if _speaks(context, run, two_files) else None)
    beside: dict[str, Sentences] = {}
    by_source: dict[str, Estimate] = {}
    if hypotheses:
        origin, scored = str(hypotheses), pool.file(hypotheses, True, hypotheses_column, "--hypotheses-column")
        corpus = None if references else held_out_of(context, run.config().settings, run.corpus(), console)
    else:
        trained = opened_with_data(context, console)
        corpus = trained.corpus
        correction = opened_correction(trained, context.params["which"], sampling, console) if correct else None
        tables = sampled(trained, num, seed or 0, sampling, console, "eval-bleu", correction)
        origin, scored = f"{num} samples of {trained.origin}, {sampling}", pool.ids(run, tables["samples"])
        beside = {name: pool.ids(run, table) for name, table in tables.items() if name != "samples"}
        if settings.kind.has_sources and not references:
            from seqgan_cli.evaluation.real import bleu_by_source

            found = bleu_by_source(tables["samples"], corpus.test, corpus.vocabulary, list(weights.values()), smoothing)
            by_source = dict(zip(weights, found, strict=True))
    if references:
        against = pool.file(references, False, references_column, "--references-column")
    else:
        assert corpus is not None
        against = pool.ids(run, corpus.test)
    if not pool.overlap(scored, against):
        raise SeqganError(
            f"{references or data_file or 'The held-out set'} has no token in common with {hypotheses or 'the samples'}: "
            f"are both of the same kind, and is {data.tokenizer!r} the right tokenizer? "
            "`sample --format raw` writes what is read here."
        )

    if self_bleu and len(scored[0]) < 2:
        raise SeqganError(f"{hypotheses}: Self-BLEU compares each sentence with the others, and there is only one.")

    from seqgan_cli.evaluation.real import bleu_scores, self_bleu_scores
    from seqgan_cli.evaluation.statistics import shown_p, welch

    def bleu(sentences: "Sentences") -> "dict[str, Estimate]":
        return dict(zip(weights, bleu_scores(sentences, against, list(weights.values()), smoothing), strict=True))

    scores, others = bleu(scored), {name: bleu(sentences) for name, sentences in beside.items()}
    corrected, mle = others.get("corrected", {}), others.get("MLE", {})
    own = {}
    if self_bleu:
        own = dict(zip(weights, self_bleu_scores(scored, list(weights.values()), smoothing), strict=True))
    unknown = {"hypotheses": pool.unknown_share(scored), "references": pool.unknown_share(against)}
    signature = (
        f"weights:{ngram_weights or 'uniform'}|smoothing:{smoothing}|hypotheses:{len(scored[0])}|references:{len(against[0])}|"
        f"average:sentences|tokenizer:{data.tokenizer}|lowercase:{'yes' if data.lowercase else 'no'}|"
        f"nltk:{metadata.version('nltk')}|"
        f"seqgan:{__version__}|python:{platform.python_version()}"
    )
    if as_json:
        record = {
            "hypotheses": origin,
            **(record_of(corpus) if corpus else {}),
            "bleu": {name: estimate.mean for name, estimate in scores.items()},
            "intervals": {name: [estimate.low, estimate.high] for name, estimate in scores.items()},
            **({"bleu_by_source": {name: estimate.mean for name, estimate in by_source.items()}} if by_source else {}),
            **({"corrected": {name: estimate.mean for name, estimate in corrected.items()}} if corrected else {}),
            "mle": {name: {"bleu": e.mean, "p": welch(scores[name], e)} for name, e in mle.items()} or None,
            "self_bleu": own or None,
            "unknown_share": unknown,
            "signature": signature,
        }
        console.result(json.dumps(record))
        return
    columns = ["score", *weights]
    named = {"BLEU ↑": scores, "of references of the same source": by_source}
    named |= {"corrected, the same number": corrected, "of MLE, the same number": mle}
    rows = []
    for title, of_title in named.items():
        if of_title:
            rows.append([title, *(f"{e.mean:.4f} ± {(e.high - e.low) / 2:.4f}" for e in of_title.values())])
    if mle:
        rows.append(["p, Welch's t-test", *(shown_p(welch(scores[name], e)) for name, e in mle.items())])
    if own:
        rows.append(["Self-BLEU ↓", *(f"{value:.4f}" for value in own.values())])
    told = [f"<unk> is {share:.2%} of the {what}' tokens and matches nothing." for what, share in unknown.items() if share]
    held_out = told_in_title(corpus) if corpus else ""
    console.table(f"BLEU of {origin}{held_out}", columns, rows, caption="\n".join([*told, signature]))


def _check_columns(context: click.Context) -> None:
    """Raises UsageError for what is named of a file that is not."""
    given = context.params
    if given["data_file"] and given["references"]:
        raise click.UsageError("--data and --references both say what samples are compared with: leave one out.", context)
    for name in ("hypotheses", "references"):
        if given[f"{name}_column"] is not None and not given[name]:
            raise click.UsageError(f"--{name}-column is of --{name} FILE: name that too, or leave it out.", context)


def _settings(context: click.Context, run: "Run", two_files: bool) -> Settings:
    """How sentences are read: as the run's data are, but for what is asked for of two files, which need none.

    Raises SeqganError without a run that is needed, UsageError for what does not go together.
    """
    asked, sources = configuration.explicit(chosen_settings(context), (), None)
    others = asked.keys() - {"data.tokenizer"}
    if others and not two_files:
        options = " and ".join(f"--{name.partition('.')[2]}" for name in asked if name in others)
        raise UsageError(f"{options}: of both --hypotheses and --references alone; without them the run says it. Leave it out.")
    recorded = run.config() if _speaks(context, run, two_files) else None
    config = configuration.resolve(asked, sources, recorded, "paper")
    if asked:  # what a run recorded beside goes with its own tokens; without a run the sentences are no oracle's
        values = config.values if recorded else {**config.values, "data.source": str(context.params["hypotheses"])}
        check_data(Config(values, {**dict.fromkeys(config.sources, "default"), **sources}))
    if recorded is not None and config.settings.kind.synthetic and not asked:
        return config.settings.changed({"data.tokenizer": "whitespace", "data.lowercase": False})
    settings = config.settings if recorded is None else recorded.settings.changed(config.values)
    if not settings.tokenizer.is_trained:
        raise UsageError(f"--tokenizer {settings.data.tokenizer} is of a run that was trained with it: name a FILE.json.")
    return settings


def _speaks(context: click.Context, run: "Run", two_files: bool) -> bool:
    """Whether sentences are the run's: always, but for two files, of which it says something only if it is named."""
    named = context.get_parameter_source("run_path") is not click.core.ParameterSource.DEFAULT
    return not two_files or (named and run.exists)


def _weights(text: str | None, max_order: int, smoothing: str) -> dict[str, tuple[float, ...]]:
    """Name and weights of each score asked for."""
    if text is None:
        first = 3 if smoothing == "method6" else min(2, max_order)
        if first > max_order:
            raise click.BadParameter("method6 needs orders from 3 on: use --max-order 3 or more.", param_hint="--smoothing")
        return {f"BLEU-{n}": (1.0 / n,) * n for n in range(first, max_order + 1)}
    try:
        weights = tuple(float(part) for part in text.split(","))
    except ValueError:
        weights = ()
    if not weights or len(weights) > 9 or any(not 0.0 <= w < float("inf") for w in weights) or sum(weights) <= 0:
        raise click.BadParameter("write one to nine numbers of 0 or more, such as 0.5,0.5.", param_hint="--ngram-weights")
    if smoothing == "method6" and len(weights) < 3:
        raise click.BadParameter("method6 needs three weights or more.", param_hint="--smoothing")
    return {f"BLEU({text})": weights}
