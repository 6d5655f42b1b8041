"""The synthetic corpus: sequences drawn from an oracle whose distribution is known (the paper, "Training Setting")."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from seqgan_cli.config.settings import Data
from seqgan_cli.data.corpus import Corpus
from seqgan_cli.data.split import CHOOSES_AND_REPORTS, HeldOut
from seqgan_cli.randomness import key

if TYPE_CHECKING:
    from seqgan_cli.models.generator import Generator


def synthetic_corpus(settings: Data, seed: int) -> "tuple[Corpus, Generator]":
    """Draw the training sequences and as many fresh ones for each held-out part, each from a key of its own; and the oracle.

    Raises SeqganError for an unusable weights file.
    """
    from seqgan_cli.models.oracle import draw_oracle, read_oracle
    from seqgan_cli.sampling import sample

    if settings.oracle:
        oracle = read_oracle(Path(settings.oracle), settings.sequence_length)
        source = f"oracle from {settings.oracle}"
    else:
        oracle = draw_oracle(seed, settings.vocab_size, settings.sequence_length)
        source = f"oracle with N(0, 1) weights from seed {seed}"
    train = sample(oracle, settings.num_sequences, key(seed, "corpus", "train"))
    parts = {"validation": "validation", "test": "heldout"} if settings.validation else {"test": "heldout"}
    held_out = {
        name: HeldOut(sample(oracle, settings.num_sequences, key(seed, "corpus", what)), np.arange(settings.num_sequences))
        for name, what in parts.items()
    }
    notes = () if settings.validation else (CHOOSES_AND_REPORTS,)
    summary = (
        f"Data: {source}; {oracle.vocabulary.size} tokens, length {settings.sequence_length}.",
        *notes,
        f"{len(train)} training sequences, as many fresh ones for {' and for '.join(parts)}.",
    )
    return Corpus(train, held_out, oracle.vocabulary, summary, seed=seed), oracle
