"""A corpus as the stages use it: made from documents, and its files in a run (`corpus/train.npz`, `corpus/heldout.npz`,
`vocabulary.txt`)."""

import functools
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from seqgan_cli import files
from seqgan_cli.arrays import read_arrays
from seqgan_cli.corpora.documents import BLOCK, Documents, Reading, counts_of
from seqgan_cli.corpora.sequences import InMemory, Positives, Sequences, Streamed
from seqgan_cli.corpora.shards import Shards
from seqgan_cli.errors import SeqganError, restarting
from seqgan_cli.metrics.diversity import copied_share
from seqgan_cli.randomness import rng
from seqgan_cli.settings import Data
from seqgan_cli.vocabulary import EOS, PAD, SPECIAL, UNK, Vocabulary

SHARDS = Path("corpus", "shards.json")  # in a run: where the training sequences are, if it has not got them all
FEWER_UNKNOWN = "A smaller --min-count, a larger --max-vocab or a mask over numbers and names leaves more."
COPIED = 0.1  # share of held-out sequences that the training data hold too, from which it is worth a word


@dataclass(frozen=True)
class Corpus:
    """Numbered sequences.

    train, heldout: int32 `[n, T]` and `[m, T]`; summary: what was read, a line each; shards: where the training sequences are
    if memory does not hold them all: then `train` is a fair sample, for scores.
    """

    train: np.ndarray
    heldout: np.ndarray
    vocabulary: Vocabulary
    summary: tuple[str, ...] = ()
    shards: Shards | None = None

    @property
    def sequence_length(self) -> int:
        return int(self.train.shape[1])

    @functools.cached_property
    def sequences(self) -> Sequences:
        """All training sequences, for those who train on them."""
        return Streamed(self.shards) if self.shards else InMemory(self.train)

    @functools.cached_property
    def positives(self) -> Positives:
        """Those of them that a generator can say, for whoever holds samples against real sequences."""
        return Positives(self.sequences, self.vocabulary, self.train)

    def sayable(self, table: np.ndarray) -> np.ndarray:
        """Those of the sequences int32 `[n, T]` that a generator can say: without `<unk>`."""
        known = self.vocabulary.sayable(table)
        return table if known.all() else table[known]

    def save(self, run: Path) -> None:
        """Write into a run directory. Raises OSError."""
        for name in ("train", "heldout"):
            with files.replacing(run / "corpus" / f"{name}.npz") as temporary:
                np.savez_compressed(temporary, tokens=getattr(self, name))
        if self.shards:
            files.write(run / SHARDS, (json.dumps(self.shards.record(), indent=1) + "\n").encode())
        else:
            (run / SHARDS).unlink(missing_ok=True)  # of other data, before --overwrite
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
        refuse_nothing(starts, source.source, layout)
    vocabulary = layout.vocabulary or _vocabulary(*parts[0], settings)
    train, heldout = (table_of(*part, vocabulary, layout) for part in parts)
    vocabulary.unk_taught = vocabulary.has_special_tokens and bool((train == UNK).any())
    tallies = Tally(vocabulary), Tally(vocabulary)
    for tally, table in zip(tallies, (train, heldout), strict=True):
        tally.add(table)
    refuse_monotony(tallies[0], documents.source)
    long = sum(int((d.lengths[which] > layout.max_length).sum()) for d, which in ((documents, chosen), (test, test_chosen)))
    copied = copied_share(heldout, train)
    told = None if test is documents else test.reading
    return Corpus(train, heldout, vocabulary, summary_of(documents.reading, told, layout, settings, tallies, long, copied))


def refuse_nothing(sequences: np.ndarray, source: str, layout: Layout) -> None:
    """Raises SeqganError unless there is one sequence at least."""
    if not len(sequences):
        raise SeqganError(
            f"{source}: every {layout.unit} is longer than {layout.max_length} tokens; raise --max-length, or use "
            "--overlong cut or split."
        )


def refuse_no_positives(corpus: Corpus) -> None:
    """Raises SeqganError if every training sequence holds `<unk>`, so that samples can be held against none."""
    if not len(corpus.positives):
        raise SeqganError(
            f"All {len(corpus.sequences)} training sequences hold <unk>, which the generator never says, so its samples can be "
            f"held against none. {FEWER_UNKNOWN}"
        )


def refuse_monotony(training: "Tally", source: str) -> None:
    """Raises SeqganError unless training sequences hold two different tokens."""
    ordinary = training.used[UNK + 1 :] if training.vocabulary.has_special_tokens else training.used
    if ordinary.sum() < 2:
        raise SeqganError(
            f"{source} holds fewer than two different tokens (after --min-count and --max-vocab): nothing to learn."
        )


def _vocabulary(documents: Documents, starts: np.ndarray, ends: np.ndarray, settings: Data) -> Vocabulary:
    """Tokens of the sequences by falling frequency, ties by first sight."""
    return ranked_vocabulary(documents.tokens, counts_within(documents, starts, ends), settings)


def ranked_vocabulary(tokens: Sequence[str], counts: np.ndarray, settings: Data) -> Vocabulary:
    """Tokens that were counted, by falling frequency, ties by their order. The names of special tokens are no tokens."""
    ranked = np.argsort(-counts, kind="stable")
    kept = [i for i in ranked if counts[i] >= settings.min_count and tokens[i] not in SPECIAL]
    return Vocabulary([tokens[i] for i in kept[: settings.max_vocab or None]])


def counts_within(documents: Documents, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """How often each token stands in the sequences `ids[starts[i] : ends[i]]`, in several of them once: int64 `[tokens]`."""
    edges = np.zeros(len(documents.ids) + 1, np.int8)  # where a sequence begins, +1, and where one ends, −1
    np.add.at(edges, starts, 1)
    np.add.at(edges, ends, -1)
    ids = documents.ids[np.cumsum(edges[:-1], dtype=np.int8) > 0]
    return counts_of(ids, len(documents.tokens))


def table_of(documents: Documents, starts: np.ndarray, ends: np.ndarray, vocabulary: Vocabulary, layout: Layout) -> np.ndarray:
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


class Tally:
    """What is counted of sequences for a summary, as they come.

    lengths: int64, how many have 0, 1, … tokens; used: bool `[V]`, the ids that occur.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self.lengths, self.used = np.zeros(0, np.int64), np.zeros(vocabulary.size, bool)
        self.unknown, self.ordinary = 0, 0

    def add(self, table: np.ndarray) -> None:
        """Count sequences int32 `[n, T]`."""
        more = np.bincount(self.vocabulary.length(table), minlength=max(len(self.lengths), table.shape[1] + 1))
        more[: len(self.lengths)] += self.lengths
        self.lengths = more
        self.used |= counts_of(table.ravel(), len(self.used)) > 0
        if self.vocabulary.has_special_tokens:
            self.unknown += int((table == UNK).sum())
            self.ordinary += int((table > EOS).sum())

    def __len__(self) -> int:
        return int(self.lengths.sum())

    def __str__(self) -> str:
        found = np.flatnonzero(self.lengths)
        mean = (self.lengths * np.arange(len(self.lengths))).sum() / len(self)
        return f"{found[0]} to {found[-1]} tokens, {mean:.1f} on average"

    @property
    def unknown_share(self) -> float:
        return self.unknown / max(1, self.ordinary)


def _left_out(reading: Reading) -> str:
    return "".join(
        f"; {entry.count} left out: {reason} ({', '.join(entry.places)}{', …' * (entry.count > len(entry.places))})"
        for reason, entry in reading.rejected.items()
        if reason != "blank"
    )


def summary_of(
    read: Reading,
    test: Reading | None,
    layout: Layout,
    settings: Data,
    tallies: tuple[Tally, Tally],
    long: int,
    copied: float,
) -> tuple[str, ...]:
    """What was read and what became of it, a line each.

    Args:
        read, test: the data, and the held-out data if they are others.
        tallies: of the training and the held-out sequences.
        long: documents that are too long.
        copied: share of the held-out sequences that stand in the training data.
    """
    train, heldout = tallies
    fate, vocabulary = layout.overlong, train.vocabulary
    if settings.overlong == "drop" and long > 0.1 * read.count and layout.ended:
        fate += " (--overlong cut or split, or a larger --max-length, keeps them)"
    blanks = read.rejected["blank"].count if "blank" in read.rejected else 0
    blank = f", {blanks} blank" if layout.ended or blanks else ""
    told = f"; {long} longer than {layout.max_length} tokens, {fate}" if fate else ""
    known = vocabulary.size - (len(SPECIAL) if vocabulary.has_special_tokens else 0)
    seen = f"Vocabulary: {known} {layout.tokens}"
    if vocabulary.has_special_tokens:
        seen += f"; unknown: {train.unknown_share:.2%} of the training tokens, {heldout.unknown_share:.2%} of the held-out ones"
    else:
        seen += f", {train.used.sum()} of them in the training sequences"
    notes = [*read.notes]
    if test is not None:
        notes += [*(f"{note} (held out)" for note in test.notes)]
        if lost := _left_out(test):
            notes.append(f"Of the held-out data, {test.source}{lost}.")
    if copied > COPIED:
        notes.append(
            f"{copied:.0%} of the held-out sequences stand in the training data as they are: of these, scores say only what "
            "was learned by heart."
        )
    if vocabulary.has_special_tokens and not heldout.used[UNK + 1 :].any():
        notes.append("No token of the held-out sequences is in the training data: scores on them mean nothing.")
    return (
        f"Data: {read.source}: {read.count} {layout.unit}s{blank}{_left_out(read)}{told}.",
        *notes,
        f"{len(train)} training sequences, {len(heldout)} held out{f' from {settings.test}' if settings.test else ''}; "
        f"{train}.",
        f"{seen}.",
    )


def load_corpus(run: Path, plain_vocab_size: int | None) -> Corpus:
    """The corpus a run keeps. `plain_vocab_size`: V where no token is special, else None. Raises SeqganError if damaged."""
    again = f"restore it, or begin anew with {restarting('pretrain-g', run)}"
    train, heldout = (read_table(run / "corpus" / f"{name}.npz", again) for name in ("train", "heldout"))
    shards = None
    if (run / SHARDS).exists():
        try:
            shards = Shards.of_record(json.loads((run / SHARDS).read_text(encoding="utf-8")))
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise SeqganError(f"Cannot read {run / SHARDS} ({error}): {again}.") from None
    taught = shards.unk_taught if shards else bool((train == UNK).any())
    vocabulary = read_vocabulary(run / "vocabulary.txt", plain_vocab_size, (train, heldout), taught)
    return Corpus(train, heldout, vocabulary, shards=shards)


def read_table(path: Path, again: str) -> np.ndarray:
    """The sequences of a file, int32 `[n, T]`. Raises SeqganError, with what to do, if it is damaged."""
    try:
        return read_arrays(path)["tokens"]
    except (OSError, ValueError, KeyError) as error:
        raise SeqganError(f"Cannot read {path} ({error}): {again}.") from None


def read_vocabulary(path: Path, plain_size: int | None, tables: tuple[np.ndarray, ...], unk_taught: bool) -> Vocabulary:
    """The vocabulary of a file, which must hold every id of the tables. Raises SeqganError.

    `plain_size`: V where no token is special and there is no file, else None.
    """
    if plain_size is not None:
        return Vocabulary(size=plain_size)
    try:
        text = path.read_bytes().decode()
    except (OSError, UnicodeDecodeError) as error:
        raise SeqganError(f"Cannot read {path}: {error}.") from None
    *tokens, after = text.split("\n")
    largest = max(int(table.max(initial=0)) for table in tables)
    if tuple(tokens[: len(SPECIAL)]) != SPECIAL or after or largest >= len(tokens):
        raise SeqganError(f"{path} is damaged: it does not hold all {largest + 1} tokens of the corpus.")
    return Vocabulary(tokens[len(SPECIAL) :], unk_taught=unk_taught)
