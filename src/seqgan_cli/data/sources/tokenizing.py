"""A tokenizer that is made from data: trained on the training part alone, before anything is cut into tokens."""

import dataclasses
import itertools
from collections.abc import Iterable, Iterator

import numpy as np

from seqgan_cli.config.settings import Settings
from seqgan_cli.data.documents import Collector, Documents
from seqgan_cli.data.split import chosen_parts, held_out_counts
from seqgan_cli.data.tfrecord.shards import EVAL_SUBSET
from seqgan_cli.data.tokenizers.base import Tokenizer
from seqgan_cli.data.tokenizers.byte_level import TrainedSettings
from seqgan_cli.data.vocabulary import is_mark
from seqgan_cli.randomness import rng

UNIT = "line"  # what a document is, of all that can be cut in several ways


def trained_on(settings: Settings, texts: Iterable[str]) -> tuple[Tokenizer, tuple[str, ...]]:
    """The tokenizer that the settings name, made from texts; and what a reader should know, a sentence each."""
    size = settings[TrainedSettings].tokenizer_size
    trained: Tokenizer = settings.tokenizer.trained(texts, size)
    if (found := len(trained.alphabet)) >= size:
        return trained, ()
    return trained, (f"The training part gives {found} tokens of {trained.name}, and not --tokenizer-size {size}.",)


def with_trained(
    settings: Settings, documents: Documents, test: Documents | None
) -> tuple[Settings, Documents, Documents | None]:
    """The settings with the tokenizer that the documents' training part makes, and all documents cut by it.

    `documents`, `test`: each a text, that is its only token, or several with marks between them.
    """
    training = np.zeros(len(documents), bool)
    training[chosen_parts(len(documents), settings.data, documents.source, UNIT, settings.seed)["train"]] = True
    of_training = (tokens for i, tokens in enumerate(_tokens(documents)) if training[i])
    texts = (token for tokens in of_training for token in tokens if not is_mark(token))
    trained, notes = trained_on(settings, texts)
    cut = _cut(documents, trained, notes)
    return settings.with_tokenizer(trained), cut, None if test is None else _cut(test, trained)


def _tokens(documents: Documents) -> Iterator[list[str]]:
    """The tokens of each document."""
    for start, end in itertools.pairwise(documents.offsets.tolist()):
        yield [documents.tokens[i] for i in documents.ids[start:end]]


def _cut(documents: Documents, tokenizer: Tokenizer, notes: tuple[str, ...] = ()) -> Documents:
    found = Collector(tokenizer.alphabet)
    for tokens in _tokens(documents):
        found.add(itertools.chain.from_iterable([each] if is_mark(each) else tokenizer.split(each) for each in tokens))
    found.rejected, found.notes = documents.rejected, [*documents.notes, *notes]
    made = found.documents(documents.source)
    return dataclasses.replace(made, lines=documents.lines, files=documents.files)


def held_out_documents(settings: Settings, parts: Iterable[Documents]) -> np.ndarray:
    """The documents that a `Survey` of these parts will hold out, ascending int64: each part's draws are as there."""
    draws = rng(settings.seed, "corpus", "holdout")
    drawn = np.concatenate([np.zeros(0), *(draws.random(len(part)) for part in parts)])
    counts = held_out_counts(len(drawn), settings.data, settings.data.source, UNIT)
    held = sum(min(EVAL_SUBSET, count) for count in counts.values())
    return np.sort(np.argsort(drawn, kind="stable")[:held])


def texts_of_others(parts: Iterable[Documents], held: np.ndarray) -> Iterator[str]:
    """The texts of all documents but those that are held out; each is the only token of its document."""
    first = 0
    for part in parts:
        own = np.ones(len(part), bool)
        inside = held[(held >= first) & (held < first + len(part))] - first
        own[inside] = False
        yield from (part.tokens[i] for i in part.ids[own])
        first += len(part)
