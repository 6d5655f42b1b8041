"""A corpus as the stages use it, and its files in a run: `corpus/train.npz`, `corpus/heldout.npz`, `vocabulary.txt`."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from seqgan_cli import files
from seqgan_cli.errors import SeqganError, restarting
from seqgan_cli.vocabulary import SPECIAL, UNK, Vocabulary


@dataclass(frozen=True)
class Corpus:
    """Numbered sequences.

    train, heldout: int32 `[n, T]` and `[m, T]`; summary: what was read, a line each.
    """

    train: np.ndarray
    heldout: np.ndarray
    vocabulary: Vocabulary
    summary: tuple[str, ...] = ()

    @property
    def sequence_length(self) -> int:
        return int(self.train.shape[1])

    def save(self, run: Path) -> None:
        """Write into a run directory. Raises OSError."""
        for name in ("train", "heldout"):
            with files.replacing(run / "corpus" / f"{name}.npz") as temporary:
                np.savez_compressed(temporary, tokens=getattr(self, name))
        if self.vocabulary.has_special_tokens:
            files.write(run / "vocabulary.txt", "".join(f"{token}\n" for token in self.vocabulary.tokens).encode())


def load_corpus(run: Path, synthetic_vocab_size: int | None) -> Corpus:
    """The corpus a run keeps. `synthetic_vocab_size`: V if it is synthetic, else None. Raises SeqganError if damaged."""
    tables = {}
    for name in ("train", "heldout"):
        path = run / "corpus" / f"{name}.npz"
        try:
            with np.load(path, allow_pickle=False) as file:
                tables[name] = file["tokens"]
        except Exception as error:
            raise SeqganError(
                f"Cannot read {path} ({error}): restore it, or begin anew with {restarting('pretrain-g', run)}."
            ) from None
    if synthetic_vocab_size is not None:
        return Corpus(tables["train"], tables["heldout"], Vocabulary(size=synthetic_vocab_size))
    try:
        text = (run / "vocabulary.txt").read_bytes().decode()
    except (OSError, UnicodeDecodeError) as error:
        raise SeqganError(f"Cannot read {run / 'vocabulary.txt'}: {error}.") from None
    *tokens, after = text.split("\n")
    largest = max(int(table.max(initial=0)) for table in tables.values())
    if tuple(tokens[: len(SPECIAL)]) != SPECIAL or after or largest >= len(tokens):
        raise SeqganError(f"{run / 'vocabulary.txt'} is damaged: it does not hold all {largest + 1} tokens of the corpus.")
    words = tokens[len(SPECIAL) :]
    return Corpus(tables["train"], tables["heldout"], Vocabulary(words, unk_taught=bool((tables["train"] == UNK).any())))
