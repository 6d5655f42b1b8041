"""Data that a run never saw, as its own sequences: read by the run's settings, numbered by its vocabulary."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seqgan_cli.config.settings import SCHEMA
from seqgan_cli.data.sources.inference import places_without
from seqgan_cli.data.summary import COPIED
from seqgan_cli.data.text.opened import named
from seqgan_cli.errors import SeqganError, UsageError
from seqgan_cli.jobs.options import grouped_option

if TYPE_CHECKING:
    import numpy as np

    from seqgan_cli.config.settings import Settings
    from seqgan_cli.console import Console
    from seqgan_cli.data.corpus import Corpus, Layout
    from seqgan_cli.data.documents import Documents
    from seqgan_cli.jobs.trained import Trained

NAMED = 3  # unknown tokens that a sentence names


def data_options(group: str) -> Callable[[Callable], Callable]:
    """`--data` and `--column` of a command that scores a run."""
    option = grouped_option(group)

    def decorate(function: Callable) -> Callable:
        column = option("--column", "data_column", metavar="NAME", help="of --data, if it is a table or JSON [as the run's]")
        data = option(
            "--data",
            "data_file",
            type=click.Path(path_type=Path),
            metavar="FILE",
            help="in the place of the run's held-out part: data that it never saw, all of the file",
        )
        return data(column(function))

    return decorate


def held_out_of(context: click.Context, settings: "Settings", corpus: "Corpus", console: "Console") -> "Corpus":
    """The corpus, with what `data_options` name in the place of its test part, if they name any.

    Raises SeqganError for data that cannot be read or have nothing in common with the run's.
    """
    path, column = context.params["data_file"], context.params["data_column"]
    if path is None:
        if column is not None:
            raise UsageError("--column is of --data FILE: name that too, or leave it out.")
        return corpus
    return with_unseen(path, column, settings, corpus, console)


def opened_with_data(context: click.Context, console: "Console") -> "Trained":
    """`open_trained`, with the data that `data_options` name in the place of its test part."""
    from seqgan_cli.jobs.trained import open_trained

    trained = open_trained(context, console)
    corpus = held_out_of(context, trained.config.settings, trained.corpus, console)
    return dataclasses.replace(trained, corpus=corpus)


def record_of(corpus: "Corpus") -> dict[str, Any]:
    """What JSON says of the data that were named, if any were."""
    return {"held_out": {"source": corpus.unseen, "sequences": len(corpus.test)}} if corpus.unseen else {}


def told_in_title(corpus: "Corpus") -> str:
    """What a title says of it."""
    return f"; held out: {corpus.unseen}" if corpus.unseen else ""


def with_unseen(path: Path, column: str | None, settings: "Settings", corpus: "Corpus", console: "Console") -> "Corpus":
    """The corpus with the sequences of a file in the place of its test part; what was read, and how, is told.

    `settings`, `corpus`: the run's. `column`: None for the run's own, where the file has columns.
    """
    import numpy as np

    from seqgan_cli.data.corpus import too_long
    from seqgan_cli.data.documents import told_of
    from seqgan_cli.data.split import HeldOut

    numbers_only = not corpus.vocabulary.has_special_tokens
    source = str(named(path).absolute())  # which may have a built-in name
    changed = settings.changed(
        {
            **{name: SCHEMA[name].default for name in places_without(settings.kind, source)},
            **({} if column is None else {"data.column": column}),
            "data.source": source,
            "data.test": "",
            "data.max-length": corpus.sequence_length - corpus.vocabulary.has_eos,
        }
    )
    documents = settings.kind.read(changed.data.source, changed)
    for sentence in told_of(documents.reading):
        console.say(f"{path}: {sentence}")
    corpus.vocabulary.refuse_unknown_labels(documents.tokens, str(path))
    layout = dataclasses.replace(settings.kind.layout(documents, changed), ended=corpus.vocabulary.has_eos)
    starts, ends = layout.segment(documents, np.arange(len(documents)))
    fitting = ends - starts == layout.max_length if numbers_only else np.full(len(starts), True)
    starts, ends = starts[fitting], ends[fitting]
    if not len(starts):
        raise SeqganError(f"{path}: none of {len(documents)} {layout.unit}s gives a sequence of {layout.max_length} tokens.")
    table = _table(path, documents, starts, ends, layout, corpus)
    _tell_of_unknown(path, documents, table, corpus, console)
    if other := int((~fitting).sum()):
        console.warn(f"{path}: {other} of {len(documents)} {layout.unit}s are not {layout.max_length} tokens: left out.")
    if layout.overlong and not numbers_only and (long := too_long(documents, layout)):
        lost = f"{long} of {len(documents)} {layout.unit}s are longer than {layout.max_length} tokens"
        console.warn(f"{path}: {lost}, and are {layout.overlong}, as the run's own are.")
    _tell_of_copies(path, table, corpus, console)
    console.say(f"Held out: {len(table)} sequences, all of {path}, in the place of the run's {len(corpus.test)}.")
    documents_of = np.searchsorted(documents.offsets, starts, side="right") - 1
    part = HeldOut.shuffled(table, documents_of, settings.seed, "test")
    return dataclasses.replace(corpus, held_out={**corpus.held_out, "test": part}, unseen=str(path))


def _table(
    path: Path, documents: "Documents", starts: "np.ndarray", ends: "np.ndarray", layout: "Layout", corpus: "Corpus"
) -> "np.ndarray":
    """The sequences in the run's numbers. Raises SeqganError for numbers that it does not have."""
    from seqgan_cli.data.corpus import table_of

    try:
        return table_of(documents, starts, ends, corpus.vocabulary, layout)
    except ValueError as error:
        raise SeqganError(f"{path}: {error}") from None


def _tell_of_unknown(path: Path, documents: "Documents", table: "np.ndarray", corpus: "Corpus", console: "Console") -> None:
    """Warn of tokens that the run does not know. Raises SeqganError if they are all that there are."""
    share = corpus.vocabulary.unknown_share(table)
    if not share:
        return
    known = {*corpus.vocabulary.tokens}
    unknown = [token for token in documents.tokens if token not in known]
    if share == 1.0:
        raise SeqganError(
            f"{path} has no token in common with the run, such as {unknown[0]!r}: is it of the same kind, and the column right?"
        )
    more = f" and {len(unknown) - NAMED} more" if len(unknown) > NAMED else ""
    console.warn(
        f"{path}: {share:.2%} of its tokens are unknown to the run ({', '.join(map(repr, unknown[:NAMED]))}{more}), and read "
        "as <unk>, which no likelihood counts and no n-gram matches."
    )


def _tell_of_copies(path: Path, table: "np.ndarray", corpus: "Corpus", console: "Console") -> None:
    """Warn of sequences that the run has trained on; of streamed data, which take a pass, the scores alone tell."""
    copied = 0.0 if corpus.shards else corpus.sequences.train_overlap(table)
    if copied > COPIED:
        console.warn(
            f"{path}: {copied:.0%} of its sequences stand in the run's training data: of these, scores say only what was "
            "learned by heart."
        )
