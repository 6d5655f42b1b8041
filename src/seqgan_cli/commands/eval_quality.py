"""`seqgan eval-quality`.

MAUVE (Pillutla et al. 2021) is not among the measures: it is defined on the features of a large pre-trained language model,
which this program does not bring, and on other features it is another number.
"""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seqgan_cli import files
from seqgan_cli.inference.corrected import correct_option, opened_correction, refuse_unless_of_run
from seqgan_cli.inference.unseen import data_options, opened_with_data, record_of, told_in_title
from seqgan_cli.jobs.options import GroupedCommand, common_options, console_of, from_option, grouped_option
from seqgan_cli.jobs.sampling import sampling_of, sampling_options

if TYPE_CHECKING:
    import numpy as np

    from seqgan_cli.evaluation.quality import Value
    from seqgan_cli.jobs.trained import Trained

# Measures by their name in JSON, and their row in the table.
TITLES = {
    **{f"distinct_{n}": f"distinct-{n}" for n in (1, 2, 3, 4)},
    "copied_run": "longest copied run, tokens",
    "copied_run_share": "longest copied run, share of the sequence",
    "copied_run_largest": "longest copied run, the largest",
    "copied_share": "copied whole",
    "nearest_window_mse": "nearest-window MSE ↓, semitones²",
    "pitch_histogram_mse": "pitch-histogram MSE ↓, (percentage points)²",
    "frechet_distance": "Fréchet distance ↓",
    "embedded_tokens": "tokens with a vector",
    "embedded_sequences": "sequences with one or more",
    "nll_fluency": "fluency, nats a token ↓",
    "fluency_unknown": "tokens unknown to it, share ↓",
}
TESTED = """\
MLE: as many samples of the run's latest pretrain-g. p, samples against MLE: Welch's t-test of means, Fisher's exact
test of shares, over the sequences of these two generators; it says nothing of other seeds."""
_option = grouped_option("Samples")


@click.command("eval-quality", cls=GroupedCommand)
@_option("-n", "--num", type=click.IntRange(2), default=1000, metavar="N", help="samples to score [1000]")
@sampling_options("Samples")
@_option(
    "--embeddings",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="vectors of tokens, word2vec's text format or .npz: also a Fréchet distance",
    group="Scores",
)
@_option(
    "--fluency",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="an oracle's file, of other text: also how likely it finds samples",
    group="Scores",
)
@correct_option("Samples", "beside them samples of the generator that the run's discriminator corrects")
@data_options("Scores")
@_option("--json", "as_json", is_flag=True, help="one JSON object on stdout instead of a table", group="Scores")
@from_option
@common_options(seed="seed of the samples [0]", training=False)
@click.pass_context
def command(
    context: click.Context,
    num: int,
    embeddings: Path | None,
    fluency: Path | None,
    correct: bool,
    as_json: bool,
    seed: int | None,
    **_: Any,
) -> None:
    """Variety, copying and, for music, pitches of samples, beside those of the data.

    None of these is good or bad by itself: held-out data repeat and share runs with the training set too, and that is the mark.
    An adversarial generator also stands beside the run's MLE generator (pretrain-g), with a test of each measure that is a mean
    or a share of samples. Music has two mean squared errors, each by its own name, since the paper does not say which is its.
    """
    sampling = sampling_of(context)
    refuse_unless_of_run(context)
    console = console_of(context)
    from seqgan_cli.jobs.trained import sampled

    trained = opened_with_data(context, console)
    from seqgan_cli.evaluation.fluency import Fluency
    from seqgan_cli.evaluation.quality import Measures
    from seqgan_cli.evaluation.statistics import shown_p

    vectors = _vectors(embeddings, trained) if embeddings else None
    fluency_model = Fluency(fluency) if fluency else None
    if fluency_model:
        longest = trained.corpus.sequence_length - trained.corpus.vocabulary.has_eos
        fluency_model.refuse_longer(longest, f"those of {trained.run.path} have up to")
    correction = opened_correction(trained, context.params["which"], sampling, console) if correct else None
    drawn = sampled(trained, num, seed or 0, sampling, console, "eval-quality", correction)
    measures = Measures(trained.corpus, trained.config.settings, vectors, num, str(embeddings), fluency_model)
    scores = {name: measures.of_samples(tokens) for name, tokens in drawn.items()}
    scores["data"] = measures.of_data()
    if as_json:
        record = {
            "from": trained.origin,
            **sampling.record(),
            **record_of(trained.corpus),
            "samples": num,
            "heldout": len(measures.heldout),
            "training": len(measures.training),
            "compared": measures.equal,
            "measures": {
                name: {**{column: own[name] for column, own in scores.items()}, "p": _p(name, scores)}
                for name in scores["samples"]
            },
        }
        console.result(json.dumps(files.plain(record)))
        return
    tested = "MLE" in scores
    columns = ["measure", *scores, *(["p"] if tested else [])]
    rows = []
    for name in scores["samples"]:
        cells = [_shown(name, column[name]) for column in scores.values()]
        rows.append([TITLES[name], *cells, *([shown_p(_p(name, scores))] if tested else [])])
    title = f"Quality of {trained.origin}: {num} samples, {sampling}{told_in_title(trained.corpus)}"
    console.table(title, columns, rows, caption="\n".join([measures.caption(), *([TESTED] if tested else [])]))


def _vectors(path: Path, trained: "Trained") -> "np.ndarray":
    """Vectors float `[V, D]` by token id, nan for a token that the file lacks. Raises SeqganError if it lacks all."""
    import numpy as np

    from seqgan_cli.data.text.vectors import vectors_of

    ids, vectors = vectors_of(path, trained.corpus.vocabulary)
    table = np.full((trained.corpus.vocabulary.size, vectors.shape[1]), np.nan)
    table[ids] = vectors
    return table


def _p(name: str, scores: Mapping[str, Mapping[str, "Value"]]) -> float:
    """p of the test between the samples and those of the MLE generator; nan where there is none."""
    from seqgan_cli.evaluation.metrics.likelihood import Estimate
    from seqgan_cli.evaluation.statistics import fisher, welch

    own, mle = scores["samples"][name], scores.get("MLE", {}).get(name)
    if not (isinstance(own, Estimate) and isinstance(mle, Estimate)):
        return math.nan
    return fisher(own, mle) if name == "copied_share" else welch(own, mle)


def _shown(name: str, value: "Value") -> str:
    from seqgan_cli.evaluation.metrics.likelihood import Estimate
    from seqgan_cli.evaluation.statistics import shown_share

    if math.isnan(value.mean if isinstance(value, Estimate) else value):
        return ""
    if isinstance(value, Estimate):
        return shown_share(value) if name == "copied_share" else str(value)
    if name == "frechet_distance":
        return f"{value:.4g}"
    return f"{value:.0f}" if name == "copied_run_largest" else f"{value:.1%}" if name.startswith("embedded") else f"{value:.3f}"
