"""A source → the corpus that is trained on, read now or prepared before."""

import dataclasses
from pathlib import Path

import numpy as np

from seqgan_cli.config import registry
from seqgan_cli.config.settings import Settings
from seqgan_cli.data.corpus import Corpus, corpus_of
from seqgan_cli.data.documents import Documents
from seqgan_cli.data.kinds.base import Report, no_report
from seqgan_cli.data.sources.tokenizing import with_trained
from seqgan_cli.data.split import read_parts
from seqgan_cli.data.tfrecord.shards import INDEX, Shards, is_prepared, read_index
from seqgan_cli.data.vocabulary import TOKENIZER, read_vocabulary
from seqgan_cli.errors import SeqganError


def prepared_corpus(folder: Path) -> Corpus:
    """The corpus that a folder was prepared with. Raises SeqganError if it is damaged."""
    index = read_index(folder)
    shards = Shards.of_record(index["shards"], folder.absolute())
    shards.check()
    again, seed = "prepare it anew", index["seed"]
    train, held_out = read_parts(folder, seed, again)
    tables = {"train": train, **{name: part.tokens for name, part in held_out.items()}}
    size = registry.kinds[index["settings"]["data.kind"]].vocabulary_size(Settings(index["settings"]))
    vocabulary = read_vocabulary(folder / "vocabulary.txt", size, (*tables.values(),))
    for name, table in tables.items():
        if table.dtype != np.int32 or table.ndim != 2 or table.shape[1] != shards.sequence_length or not len(table):
            raise SeqganError(f"{folder / name}.npz is no table of the sequences that {INDEX} tells of: {again}.")
    if vocabulary.size != shards.vocab_size:
        raise SeqganError(f"{folder / 'vocabulary.txt'} has {vocabulary.size} tokens of {shards.vocab_size}: {again}.")
    tokenizer = Settings(index["settings"], folder / TOKENIZER.name).tokenizer
    kept = tokenizer if tokenizer.is_kept else None
    return Corpus(train, held_out, vocabulary, tuple(index["summary"]), shards, seed, kept)


def real_corpus(settings: Settings, report: Report = no_report) -> tuple[Corpus, Documents | None]:
    """Read, split, number and pad a corpus that is not the oracle's; and what was read, if it was not prepared before.

    Raises SeqganError for what cannot be trained on.
    """
    data, kind = settings.data, settings.kind
    if is_prepared(data.source):
        return prepared_corpus(Path(data.source)), None
    documents = kind.read(data.source, settings, report)
    test = kind.read(data.test, settings, report) if data.test else None
    if not settings.tokenizer.is_trained:
        settings, documents, test = with_trained(settings, documents, test)
    corpus = corpus_of(documents, test, kind.layout(documents, settings), data, settings.seed)
    return dataclasses.replace(corpus, tokenizer=settings.tokenizer if settings.tokenizer.is_kept else None), documents
