"""A corpus as the stages use it: made from documents, and its files in a run (`corpus/train.npz`, `corpus/heldout.npz`,
`vocabulary.txt`)."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from seqgan_cli import files
from seqgan_cli.arrays import read_arrays
from seqgan_cli.corpora.documents import BLOCK, Documents, counts_of
from seqgan_cli.errors import SeqganError, restarting
from seqgan_cli.metrics.diversity import copied_share
from seqgan_cli.randomness import rng
from seqgan_cli.settings import Data
from seqgan_cli.vocabulary import EOS, PAD, SPECIAL, UNK, Vocabulary

COPIED = 0.1  # share of held-out sequences that the training data hold too, from which it is worth a word


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


@dataclass(frozen=True)
class Layout:
    """How documents of one kind become sequences.

    unit: what a document is, in the singular; max_length: most tokens of a sequence; fit: starts and ends in `ids` of the
    sequences that the chosen documents give, in their order; overlong: what becomes of longer documents, in words; tokens: what
    a token is; ended: whether sequences may be shorter and so end in `<eos>`; vocabulary: None for the tokens there are.
    """

    unit: str
    max_length: int
    fit: Callable[[Documents, np.ndarray], tuple[np.ndarray, np.ndarray]]
    overlong: str
    tokens: str
    ended: bool = True
    vocabulary: Vocabulary | None = None


def corpus_of(documents: Documents, test: Documents | None, layout: Layout, settings: Data, seed: int) -> Corpus:
    """Split, number and pad documents. Raises SeqganError for what cannot be trained on.

    The vocabulary is the training part's. Documents are held out as a whole, so none has a piece in both parts.
    """
    count = len(documents)
    if test is not None:
        chosen, test_chosen = np.arange(count), np.arange(len(test))
    else:
        if count < 2:
            raise SeqganError(
                f"{documents.source} holds one {layout.unit}: at least two are needed, so that one can be held out."
            )
        order = rng(seed, "corpus", "holdout").permutation(count)
        held = min(count - 1, max(1, round(count * settings.holdout)))
        test_chosen, chosen, test = np.sort(order[:held]), np.sort(order[held:]), documents
    parts = [(documents, *layout.fit(documents, chosen)), (test, *layout.fit(test, test_chosen))]
    for source, starts, _ in parts:
        if not len(starts):
            raise SeqganError(
                f"{source.source}: every {layout.unit} is longer than {layout.max_length} tokens; raise --max-length, or use "
                "--overlong cut or split."
            )
    vocabulary = layout.vocabulary or _vocabulary(*parts[0], settings)
    train, heldout = (_table(*part, vocabulary, layout) for part in parts)
    vocabulary.unk_taught = vocabulary.has_special_tokens and bool((train == UNK).any())
    if len(np.unique(train[train > UNK] if vocabulary.has_special_tokens else train)) < 2:
        raise SeqganError(
            f"{documents.source} holds fewer than two different tokens (after --min-count and --max-vocab): nothing to learn."
        )
    long = sum(int((d.lengths[which] > layout.max_length).sum()) for d, which in ((documents, chosen), (test, test_chosen)))
    return Corpus(train, heldout, vocabulary, _summary(documents, test, layout, settings, train, heldout, vocabulary, long))


def _vocabulary(documents: Documents, starts: np.ndarray, ends: np.ndarray, settings: Data) -> Vocabulary:
    """Tokens of the sequences by falling frequency, ties by first sight. The names of special tokens are no tokens."""
    edges = np.zeros(len(documents.ids) + 1, np.int8)  # where a sequence begins, +1, and where one ends, −1
    np.add.at(edges, starts, 1)
    np.add.at(edges, ends, -1)
    ids = documents.ids[np.cumsum(edges[:-1], dtype=np.int8) > 0]
    counts = counts_of(ids, len(documents.tokens))
    ranked = np.argsort(-counts, kind="stable")
    kept = [i for i in ranked if counts[i] >= settings.min_count and documents.tokens[i] not in SPECIAL]
    return Vocabulary([documents.tokens[i] for i in kept[: settings.max_vocab or None]])


def _table(documents: Documents, starts: np.ndarray, ends: np.ndarray, vocabulary: Vocabulary, layout: Layout) -> np.ndarray:
    """int32 `[n, max_length + 1]`: each sequence, `<eos>`, `<pad>`; where none ends early, `[n, max_length]` without them."""
    numbers = np.asarray(vocabulary.encode(documents.tokens), np.int32)
    width = layout.max_length + layout.ended
    table = np.full((len(starts), width), PAD, np.int32)
    lengths, columns = ends - starts, np.arange(width)[None, :]
    rows = max(1, BLOCK // width)
    for first in range(0, len(table), rows):
        part = slice(first, first + rows)
        filled = columns < lengths[part, None]
        table[part][filled] = numbers[documents.ids[(starts[part, None] + columns)[filled]]]
    if layout.ended:
        table[np.arange(len(table)), lengths] = EOS
    return table


def _left_out(documents: Documents) -> str:
    return "".join(
        f"; {entry.count} left out: {reason} ({', '.join(entry.places)}{', …' * (entry.count > len(entry.places))})"
        for reason, entry in documents.rejected.items()
        if reason != "blank"
    )


def _summary(
    documents: Documents,
    test: Documents,
    layout: Layout,
    settings: Data,
    train: np.ndarray,
    heldout: np.ndarray,
    vocabulary: Vocabulary,
    long: int,
) -> tuple[str, ...]:
    lengths = vocabulary.length(train)
    count, fate = len(documents), layout.overlong
    if settings.overlong == "drop" and long > 0.1 * count and layout.ended:
        fate += " (--overlong cut or split, or a larger --max-length, keeps them)"
    blanks = documents.rejected["blank"].count if "blank" in documents.rejected else 0
    blank = f", {blanks} blank" if layout.ended or blanks else ""
    told = f"; {long} longer than {layout.max_length} tokens, {fate}" if fate else ""
    known = vocabulary.size - (len(SPECIAL) if vocabulary.has_special_tokens else 0)
    seen = f"Vocabulary: {known} {layout.tokens}"
    if vocabulary.has_special_tokens:
        unknown = [float((table == UNK).sum() / max(1, (table > EOS).sum())) for table in (train, heldout)]
        seen += f"; unknown: {unknown[0]:.2%} of the training tokens, {unknown[1]:.2%} of the held-out ones"
    else:
        seen += f", {len(np.unique(train))} of them in the training sequences"
    copied = copied_share(heldout, train)
    notes = [*documents.notes]
    if test is not documents:
        notes += [*(f"{note} (held out)" for note in test.notes)]
        if lost := _left_out(test):
            notes.append(f"Of the held-out data, {test.source}{lost}.")
    if copied > COPIED:
        notes.append(
            f"{copied:.0%} of the held-out sequences stand in the training data as they are: of these, scores say only what "
            "was learned by heart."
        )
    if vocabulary.has_special_tokens and not (heldout > UNK).any():
        notes.append("No token of the held-out sequences is in the training data: scores on them mean nothing.")
    return (
        f"Data: {documents.source}: {count} {layout.unit}s{blank}{_left_out(documents)}{told}.",
        *notes,
        f"{len(train)} training sequences, {len(heldout)} held out{f' from {settings.test}' if settings.test else ''}; "
        f"{lengths.min()} to {lengths.max()} tokens, {lengths.mean():.1f} on average.",
        f"{seen}.",
    )


def load_corpus(run: Path, plain_vocab_size: int | None) -> Corpus:
    """The corpus a run keeps. `plain_vocab_size`: V where no token is special, else None. Raises SeqganError if damaged."""
    tables = {}
    for name in ("train", "heldout"):
        path = run / "corpus" / f"{name}.npz"
        try:
            tables[name] = read_arrays(path)["tokens"]
        except (OSError, ValueError, KeyError) as error:
            raise SeqganError(
                f"Cannot read {path} ({error}): restore it, or begin anew with {restarting('pretrain-g', run)}."
            ) from None
    if plain_vocab_size is not None:
        return Corpus(tables["train"], tables["heldout"], Vocabulary(size=plain_vocab_size))
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
