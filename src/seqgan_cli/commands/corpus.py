"""`seqgan corpus`."""

import contextlib
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seqgan_cli import files
from seqgan_cli.config import registry
from seqgan_cli.config import resolution as configuration
from seqgan_cli.console import Console
from seqgan_cli.data.vocabulary import TOKENIZER, UNK
from seqgan_cli.errors import UsageError
from seqgan_cli.jobs.options import DATA, KINDS, SYNTHETIC, GroupedCommand, console_of, grouped_option, setting_options

if TYPE_CHECKING:
    from seqgan_cli.config.settings import Settings
    from seqgan_cli.data.corpus import Corpus
    from seqgan_cli.data.documents import Documents

FREQUENT = 12

_option = grouped_option("Common")


@click.command("corpus", cls=GroupedCommand)
@click.argument("names", metavar="FILE…|NAME", nargs=-1, required=True)
@setting_options("Data", {flag: name for flag, name in DATA.items() if flag not in {"--data", *SYNTHETIC}})
@setting_options("Poems, speeches, music", KINDS)
@_option("-n", "--num", type=click.IntRange(0), default=5, metavar="N", help="sequences to show [5]", group="Output")
@_option(
    "--write",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="write both parts there: train.txt, validation.txt and test.txt, or what --format says",
    group="Output",
)
@_option(
    "--format",
    "as_format",
    type=click.Choice(["text", "tfrecord"]),
    default="text",
    help="of --write; tfrecord: for data larger than memory, to train on as --data DIR [text]",
    group="Output",
)
@_option("--config", "config_file", type=click.Path(path_type=Path), metavar="FILE", help="settings from a TOML file")
@_option("--set", "sets", multiple=True, metavar="NAME=VALUE", help="any setting; `seqgan settings` lists them")
@_option("--seed", type=click.IntRange(0, 2**31 - 1), metavar="N", help="seed of the split [0]")
@_option("-q", "--quiet", is_flag=True, help="only warnings, errors and results")
@_option("-v", "--verbose", is_flag=True, help="more notes")
@click.pass_context
def command(
    context: click.Context,
    names: tuple[str, ...],
    num: int,
    folder: Path | None,
    as_format: str,
    config_file: Path | None,
    sets: tuple[str, ...],
    seed: int | None,
    **_: Any,
) -> None:
    """What would be read from FILEs, a folder, or a built-in NAME (speech, folk), without training.

    Counts, lengths, tokens, a few sequences, and what was left out and why. With --write DIR --format tfrecord it prepares data
    of any size, which `--data DIR` then streams.
    """
    from seqgan_cli.config.checks import check_data
    from seqgan_cli.data.sources.inference import infer_settings
    from seqgan_cli.data.tfrecord.shards import is_prepared
    from seqgan_cli.jobs.corpora import read_corpus
    from seqgan_cli.jobs.options import chosen_settings

    console = console_of(context)
    options = {**chosen_settings(context), "data.source": names}
    if seed is not None:
        options["seed"] = seed
    asked, sources = configuration.explicit(options, sets, config_file)
    if not all(names):
        raise UsageError("FILE is empty: name a file, a folder, speech or folk.")
    if as_format == "tfrecord" and folder is None:
        raise UsageError("--format tfrecord is of --write: name the directory to write, as --write DIR.")
    built_in = registry.kinds.of_source(asked["data.source"])
    if built_in is not None and built_in.synthetic:
        raise UsageError("The oracle's sequences are drawn when training begins: name a file, a folder, speech or folk.")
    infer_settings(asked, sources)
    config = configuration.resolve(asked, sources, None, "paper")
    check_data(config)
    settings = config.settings
    if folder is not None and is_prepared(settings.data.source):
        raise UsageError(f"{settings.data.source} is prepared already: train on it with --data.")
    if as_format == "tfrecord" and folder is not None:
        corpus = _prepare(settings, folder, console)
    else:
        corpus, documents = read_corpus(settings, console)
    if as_format == "tfrecord" or documents is None:
        for line in corpus.summary:
            console.result(line)
    else:
        _describe(corpus, documents, console)

    settings = settings.with_tokenizer(corpus.tokenizer)
    written = settings.kind.detokenizer(settings, corpus.vocabulary)
    if num:
        shown = min(num, len(corpus.train))
        console.result(f"The first {shown} training sequences:" if shown > 1 else "The first training sequence:")
    for ids in corpus.train[:num]:
        console.result("  " + written.with_source(ids, written.line(ids)))
    if folder is not None and as_format == "tfrecord":
        console.say(f"Written: {folder}, {len(corpus.sequences)} training sequences to stream with --data {folder}.")
    elif folder is not None:
        parts = {"train": corpus.train, **{name: part.tokens for name, part in corpus.held_out.items()}}
        for name, table in parts.items():
            lines = "".join(f"{written.with_source(ids, written.raw(ids))}\n" for ids in table)
            files.write(folder / f"{name}.txt", lines.encode())
        if corpus.tokenizer:
            files.write(folder / TOKENIZER.name, corpus.tokenizer.content())
        spaces = ", tokens with spaces" if written.spaced else ""
        told = " and ".join(str(folder / f"{name}.txt") for name in parts)
        cut = f" Their tokens: --tokenizer {shlex.quote(str(folder / TOKENIZER.name))}." if corpus.tokenizer else ""
        console.say(f"Written: {told}, one sequence a line{spaces}.{cut}")


def _prepare(settings: "Settings", folder: Path, console: Console) -> "Corpus":
    from seqgan_cli.data.sources.preparation import prepare, refuse_filled
    from seqgan_cli.data.tfrecord.shards import is_prepared
    from seqgan_cli.jobs.corpora import showing_reading
    from seqgan_cli.runs import lock
    from seqgan_cli.training.backend import start_tensorflow

    refuse_filled(folder)
    missing = [place for place in (folder.absolute(), *folder.absolute().parents) if not place.exists()]
    start_tensorflow(threads=1)
    try:
        with lock.held(folder, f"Another seqgan is preparing {folder}", "--write"), showing_reading(console, "byte") as report:
            return prepare(settings, folder, report)
    finally:
        if missing and not is_prepared(str(folder)):
            for name in lock.NAMES:
                (folder / name).unlink(missing_ok=True)
            for place in missing:  # made for it, and empty again
                with contextlib.suppress(OSError):
                    place.rmdir()


def _describe(corpus: "Corpus", documents: "Documents", console: Console) -> None:
    import numpy as np

    from seqgan_cli.data.documents import counts_of

    for line in corpus.summary:
        console.result(line)
    quarters = (0, 25, 50, 75, 90, 100)
    rows = []
    for name, lengths in (
        ("as read", documents.lengths),
        ("training sequences", corpus.vocabulary.length(corpus.train)),
        *((f"{name} sequences", corpus.vocabulary.length(part.tokens)) for name, part in corpus.held_out.items()),
    ):
        rows.append([name, str(len(lengths)), *(f"{np.percentile(lengths, q):.0f}" for q in quarters)])
    columns = ["tokens of", "number", "shortest", "25%", "median", "75%", "90%", "longest"]
    console.result()
    console.table("Lengths", columns, rows)
    counts = counts_of(corpus.train.ravel(), corpus.vocabulary.size)
    if corpus.vocabulary.has_special_tokens:
        counts[: UNK + 1] = 0
        counts[list(corpus.vocabulary.never_drawn)] = 0
    ranked = [i for i in np.argsort(-counts, kind="stable")[:FREQUENT] if counts[i]]
    named = [corpus.vocabulary.tokens[i] for i in ranked]
    shown = [*map(corpus.tokenizer.shown, named)] if corpus.tokenizer else named
    tokens = [repr(token) if token[:1].isspace() else token for token in shown]
    shares = [f"{token} {counts[i] / counts.sum():.1%}" for token, i in zip(tokens, ranked, strict=True)]
    console.result(f"Most frequent: {' '.join(shares)}")
    console.result(f"Tokens that occur once: {(counts == 1).sum()}\n")
    if documents.rejected:
        told = [[reason, str(entry.count), ", ".join(entry.places)] for reason, entry in documents.rejected.items()]
        console.table("Left out", ["reason", "number", "first"], told, numbers=False)
