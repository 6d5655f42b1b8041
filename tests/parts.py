"""Corpora that tests make by hand, or draw once for all of a file."""

import functools
from typing import Any

import numpy as np

from seqgan_cli.config.settings import Settings
from seqgan_cli.data.corpus import Corpus
from seqgan_cli.data.split import HeldOut
from seqgan_cli.data.vocabulary import Vocabulary
from seqgan_cli.models.generator import Generator
from seqgan_cli.synthetic import synthetic_corpus


def parts_of(train: Any, test: Any, vocabulary: Vocabulary, validation: Any = None) -> Corpus:
    """A corpus of these sequences in this order, each a document of its own; the test part chooses if nothing else is given."""
    held_out = {"validation": test if validation is None else validation, "test": test}
    return Corpus(train, {name: HeldOut(table, np.arange(len(table))) for name, table in held_out.items()}, vocabulary)


def drawn(settings: Settings) -> tuple[Corpus, Generator]:
    """The synthetic corpus of seed 0 and its oracle, drawn once for all settings that have the same data."""
    return _drawn(tuple((name, value) for name, value in settings.values.items() if name.startswith("data.")))


@functools.cache
def _drawn(data: tuple[tuple[str, Any], ...]) -> tuple[Corpus, Generator]:
    return synthetic_corpus(Settings({**dict(data), "seed": 0}))
