"""Corpora that tests make by hand."""

from typing import Any

import numpy as np

from seqgan_cli.data.corpus import Corpus
from seqgan_cli.data.split import HeldOut
from seqgan_cli.data.vocabulary import Vocabulary


def parts_of(train: Any, test: Any, vocabulary: Vocabulary, validation: Any = None) -> Corpus:
    """A corpus of these sequences in this order, each a document of its own; the test part chooses if nothing else is given."""
    held_out = {"validation": test if validation is None else validation, "test": test}
    return Corpus(train, {name: HeldOut(table, np.arange(len(table))) for name, table in held_out.items()}, vocabulary)
