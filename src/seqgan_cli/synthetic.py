"""The synthetic corpus: sequences drawn from an oracle whose distribution is known (the paper, "Training Setting")."""

from pathlib import Path

import numpy as np

from seqgan_cli.config.settings import Settings
from seqgan_cli.data.corpus import Corpus
from seqgan_cli.data.kinds.oracle import OracleSettings
from seqgan_cli.data.oracle_file import read_oracle_file
from seqgan_cli.data.split import CHOOSES_AND_REPORTS, HeldOut
from seqgan_cli.models.generator import Generator
from seqgan_cli.models.oracle import draw_oracle, read_oracle
from seqgan_cli.randomness import key
from seqgan_cli.sampling.sequences import sample


def synthetic_corpus(settings: Settings) -> tuple[Corpus, Generator]:
    """Draw the training sequences and as many fresh ones for each held-out part, each from a key of its own; and the oracle.

    Raises SeqganError for an unusable weights file.
    """
    cfg, seed, tokenizer = settings[OracleSettings], settings.seed, None
    if cfg.oracle:
        oracle = read_oracle(Path(cfg.oracle), cfg.sequence_length)
        description = read_oracle_file(Path(cfg.oracle))[1]
        tokenizer = description and description.tokenizer_of(settings)
        source = f"oracle from {cfg.oracle}"
    else:
        oracle = draw_oracle(seed, cfg.vocab_size, cfg.sequence_length)
        source = f"oracle with N(0, 1) weights from seed {seed}"
    train = sample(oracle, cfg.num_sequences, key(seed, "corpus", "train"))
    parts = {"validation": "validation", "test": "heldout"} if settings.data.validation else {"test": "heldout"}
    held_out = {
        name: HeldOut(sample(oracle, cfg.num_sequences, key(seed, "corpus", what)), np.arange(cfg.num_sequences))
        for name, what in parts.items()
    }
    notes = () if settings.data.validation else (CHOOSES_AND_REPORTS,)
    length = f"up to {cfg.sequence_length - 1}" if oracle.vocabulary.has_eos else cfg.sequence_length
    summary = (
        f"Data: {source}; {oracle.vocabulary.size} tokens, length {length}.",
        *notes,
        f"{len(train)} training sequences, as many fresh ones for {' and for '.join(parts)}.",
    )
    return Corpus(train, held_out, oracle.vocabulary, summary, seed=seed, tokenizer=tokenizer), oracle
