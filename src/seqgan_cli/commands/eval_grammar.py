"""`seqgan eval-grammar`."""

import dataclasses
import itertools
import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seqgan_cli import files
from seqgan_cli.config.settings import Settings
from seqgan_cli.errors import SeqganError
from seqgan_cli.inference.corrected import correct_option, opened_correction, refuse_unless_of_run
from seqgan_cli.inference.unseen import data_options, held_out_of, opened_with_data, record_of, told_in_title
from seqgan_cli.jobs.options import GroupedCommand, common_options, console_of, from_option, grouped_option
from seqgan_cli.jobs.sampling import sampling_of, sampling_options

if TYPE_CHECKING:
    import numpy as np

    from seqgan_cli.data.corpus import Corpus
    from seqgan_cli.evaluation.metrics.grammar import Parser, Sentence
    from seqgan_cli.evaluation.metrics.likelihood import Estimate

SHARES = {"parsed": "parsed ↑", "new": "new among the parsed"}  # fields of Score that are shares, and their rows
_option = grouped_option("Samples")


@click.command("eval-grammar", cls=GroupedCommand)
@click.argument("grammar", type=click.Path(path_type=Path), metavar="GRAMMAR")
@_option("-n", "--num", type=click.IntRange(1), default=1000, metavar="N", help="samples to parse [1000]")
@sampling_options("Samples")
@_option("--samples-file", type=click.Path(path_type=Path), metavar="FILE", help="parse these lines instead of samples")
@correct_option("Samples", "beside them samples of the generator that the run's discriminator corrects")
@data_options("Samples")
@_option("--json", "as_json", is_flag=True, help="one JSON object on stdout instead of a table", group="Scores")
@from_option
@common_options(seed="seed of the samples [0]", training=False)
@click.pass_context
def command(
    context: click.Context,
    grammar: Path,
    num: int,
    samples_file: Path | None,
    correct: bool,
    as_json: bool,
    run_path: Path,
    seed: int | None,
    **_: Any,
) -> None:
    """The share of samples that a grammar parses: an exact truth for data that come from one.

    GRAMMAR is a context-free grammar in NLTK's notation, such as data/sentences.cfg; its terminals are the run's tokens.
    Coverage stands beside the share: how many of the parsed are new, how many sequences are distinct, and how many of the
    grammar's rules are in use. An adversarial generator also stands beside the run's MLE generator, with Fisher's exact test.
    A blank line of --samples-file is a sample without tokens.
    """
    sampling = sampling_of(context)
    refuse_unless_of_run(context, "samples_file")
    console = console_of(context)
    from seqgan_cli.runs.run import Run

    run = Run(run_path)
    from seqgan_cli.evaluation.metrics.grammar import Parser

    parser = Parser(grammar)
    if samples_file:
        corpus = held_out_of(context, run.config().settings, run.corpus(), console)
        origin, drawn = str(samples_file), {"samples": _lines(samples_file, run.config().settings, console.warn)}
    else:
        from seqgan_cli.jobs.trained import sampled

        trained = opened_with_data(context, console)
        corpus = trained.corpus
        origin = f"{num} samples of {trained.origin}, {sampling}"
        correction = opened_correction(trained, context.params["which"], sampling, console) if correct else None
        tables = sampled(trained, num, seed or 0, sampling, console, "eval-grammar", correction)
        drawn = {name: _sentences(corpus, tokens) for name, tokens in tables.items()}
    drawn["data"] = _sentences(corpus, corpus.test if corpus.unseen else corpus.test[: len(drawn["samples"])])
    if not any(parser.words.intersection(sentence) for sentence in drawn["data"]):
        raise SeqganError(
            f"{grammar} has no word in common with the held-out set: is it the grammar of these data, with words as "
            f"{run.config().settings.data.tokenizer!r} cuts them?"
        )
    training = {*_sentences(corpus, corpus.train)}
    equal = min(map(len, drawn.values()))
    with console.progress("eval-grammar", "sequences", 0, sum(map(len, drawn.values())), 1.0, "") as progress:
        done = itertools.count(1)
        scores = {
            name: _score(sentences, training, parser, equal, lambda: progress.move(next(done)))
            for name, sentences in drawn.items()
        }
    if as_json:
        record = {"from": origin, "grammar": str(grammar), "rules": parser.count, "compared": equal, **record_of(corpus)}
        console.result(json.dumps(files.plain({**record, "scores": scores, "p": _p(scores)})))
    else:
        rows = _rows(scores, parser.count)
        columns = ["measure", *scores, *(["p"] if "MLE" in scores else [])]
        console.table(f"{origin}, parsed by {grammar}{told_in_title(corpus)}", columns, rows, caption=_caption(scores, equal))


@dataclasses.dataclass(frozen=True)
class Score:
    """What a grammar says of a set of sequences.

    parsed: share of the sequences; new: share of the parsed that do not stand in the training set; distinct: share of the
    first sequences, as many as are compared; rules: how many different ones the parsed among those use, in one tree each.
    """

    sequences: int
    parsed: "Estimate"
    new: "Estimate"
    distinct: float
    rules: int


def _score(
    sentences: "Sequence[Sentence]", training: "set[Sentence]", parser: "Parser", equal: int, step: Callable[[], None]
) -> Score:
    from seqgan_cli.evaluation.statistics import share

    parses = []
    for sentence in sentences:
        parses.append(parser.rules(sentence))
        step()
    parsed = [sentence for sentence, rules in zip(sentences, parses, strict=True) if rules is not None]
    new = sum(sentence not in training for sentence in parsed)
    used = {rule for rules in parses[:equal] for rule in rules or ()}
    distinct = len({*sentences[:equal]}) / equal
    return Score(len(sentences), share(len(parsed), len(sentences)), share(new, len(parsed)), distinct, len(used))


def _p(scores: Mapping[str, Score]) -> dict[str, float]:
    """p of the tests between the samples and the MLE generator's, by share; nothing where there is none."""
    from seqgan_cli.evaluation.statistics import fisher

    if "MLE" not in scores:
        return {}
    return {name: fisher(getattr(scores["samples"], name), getattr(scores["MLE"], name)) for name in SHARES}


def _rows(scores: Mapping[str, Score], rules: int) -> list[list[str]]:
    from seqgan_cli.evaluation.statistics import shown_p, shown_share

    rows = [[title, *(shown_share(getattr(score, name)) for score in scores.values())] for name, title in SHARES.items()]
    rows.append(["distinct", *(f"{score.distinct:.1%}" for score in scores.values())])
    rows.append(["rules in use", *(f"{score.rules} of {rules}" for score in scores.values())])
    if p := _p(scores):
        return [[*row, shown_p(value)] for row, value in zip(rows, [*p.values(), math.nan, math.nan], strict=True)]
    return rows


def _caption(scores: Mapping[str, Score], equal: int) -> str:
    lines = [
        f"data: {scores['data'].sequences} held-out sequences. new: not in the training set. Brackets: Wilson's 95 % interval.",
        f"distinct and the rules, of one tree a sequence, are of {equal} sequences in each column, since more sequences repeat",
        "more and use more.",
    ]
    if "MLE" in scores:
        lines += [
            "MLE: as many samples of the run's latest pretrain-g. p, samples against MLE: Fisher's exact test over the",
            "sequences of these two generators; it says nothing of other seeds.",
        ]
    return "\n".join(lines)


def _sentences(corpus: "Corpus", tokens: "np.ndarray") -> "list[Sentence]":
    return [tuple(corpus.vocabulary.decode(ids)) for ids in tokens]


def _lines(path: Path, settings: Settings, warn: Callable[[str], None]) -> "list[Sentence]":
    """A file's lines, cut as the run cuts its data. Raises SeqganError if it cannot be read."""
    from seqgan_cli.data.documents import told_of

    if settings.kind.synthetic:
        settings = settings.changed({"data.tokenizer": "whitespace", "data.lowercase": False})
    documents = settings.kind.sentences_of(path, settings, samples=True)
    for line in told_of(documents.reading):
        warn(f"{path}: {line}")
    words = [documents.tokens[i] for i in documents.ids]
    return [tuple(words[start:end]) for start, end in itertools.pairwise(documents.offsets)]
