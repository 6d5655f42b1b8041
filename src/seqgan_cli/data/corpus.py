"""A corpus as the stages use it: made from documents, and its files in a run (`corpus/train.npz`, `corpus/validation.npz`,
`corpus/test.npz`, `vocabulary.txt`)."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqgan_cli import files
from seqgan_cli.config.sections import Data
from seqgan_cli.data.batches import InMemory, Positives, Sequences, Streamed
from seqgan_cli.data.documents import BLOCK, Documents, counts_of
from seqgan_cli.data.duplicates import removed
from seqgan_cli.data.split import HeldOut, chosen_parts, read_parts, save_parts
from seqgan_cli.data.starts import Start, read_starts, save_starts
from seqgan_cli.data.summary import Tally, summary_of
from seqgan_cli.data.tfrecord.shards import EVAL_SUBSET, Shards
from seqgan_cli.data.vocabulary import EOS, PAD, SPECIAL, TOKENIZER, UNK, Vocabulary, is_mark, read_vocabulary
from seqgan_cli.errors import SeqganError, restarting
from seqgan_cli.evaluation.metrics.diversity import stand_in
from seqgan_cli.lazy import np
from seqgan_cli.randomness import rng

if TYPE_CHECKING:
    from seqgan_cli.console import Console

FOLDER = "corpus"  # of a run
SHARDS = "shards.json"  # in that folder: where the training sequences are, if it has not got them all
# Real sequences that hold no `<unk>`: of fewer than this number, or this share, it is worth a warning.
FEW_POSITIVES, FEW_SHARE = 100, 0.2
FEWER_UNKNOWN = "A smaller --min-count, a larger --max-vocab or a mask over numbers and names leaves more."


@dataclass(frozen=True)
class Corpus:
    """Numbered sequences in three parts: what is trained on, what chooses ("validation"), and what reports ("test").

    train: int32 `[n, T]`; held_out: the other parts by name, of which only older runs lack "validation": there the test part
    chooses too; summary: what was read, a line each; shards: where the training sequences are if memory does not hold them all:
    then `train` is a fair sample, for scores; seed: of draws from the training sequences; tokenizer: what cut them, if it is
    more than its name in the settings; starts: what embeddings start from, by the network they are of; unseen: the file that
    the test part is from, if it is not the run's own.
    """

    train: np.ndarray
    held_out: Mapping[str, HeldOut]
    vocabulary: Vocabulary
    summary: tuple[str, ...] = ()
    shards: Shards | None = None
    seed: int = 0
    tokenizer: Any = None
    starts: Mapping[str, Start] = field(default_factory=dict)
    unseen: str = ""

    @property
    def sequence_length(self) -> int:
        return int(self.train.shape[1])

    @property
    def choosing(self) -> str:
        """The name of the part that chooses, which its scores bear: `nll_validation`."""
        return "validation" if "validation" in self.held_out else "test"

    @property
    def validation(self) -> np.ndarray:
        """What chooses: int32 `[v, T]`."""
        return self.held_out[self.choosing].tokens

    @property
    def test(self) -> np.ndarray:
        """What reports: int32 `[m, T]`."""
        return self.held_out["test"].tokens

    @property
    def test_documents(self) -> np.ndarray:
        """int64 `[m]`."""
        return self.held_out["test"].documents

    @property
    def reported(self) -> HeldOut:
        """What scores are reported of: the test part's first EVAL_SUBSET sequences, or all of a file that was named for it."""
        part = self.held_out["test"]
        return part if self.unseen else part.first(EVAL_SUBSET)

    def train_sample(self, num: int, without_unk: bool = False) -> np.ndarray:
        """A fair sample of the training sequences, or of those without `<unk>`, always the same: int32 `[≤ num, T]`."""
        order = rng(self.seed, "corpus", "train", "sample").permutation(len(self.train))
        if without_unk:
            order = order[self.vocabulary.has_no_unk(self.train)[order]]
        return self.train[order[:num]]

    @functools.cached_property
    def sequences(self) -> Sequences:
        """All training sequences, for those who train on them."""
        return Streamed(self.shards) if self.shards else InMemory(self.train)

    @functools.cached_property
    def positives(self) -> Positives:
        """Those of them that a generator can say, for whoever holds samples against real sequences."""
        return Positives(self.sequences, self.vocabulary, self.train)

    def without_unk(self, table: np.ndarray) -> np.ndarray:
        """Those of the sequences int32 `[n, T]` that a generator can say: without `<unk>`."""
        known = self.vocabulary.has_no_unk(table)
        return table if known.all() else table[known]

    def save(self, run: Path, folder: str = FOLDER) -> None:
        """Write into that folder of a run directory, and beside it what all its data share. Raises OSError."""
        save_parts(run / folder, self.train, self.held_out)
        save_starts(run, self.starts)
        if self.shards:
            files.write(run / folder / SHARDS, (json.dumps(self.shards.record(), indent=1) + "\n").encode())
        else:
            (run / folder / SHARDS).unlink(missing_ok=True)  # of other data, before --overwrite
        if self.vocabulary.has_special_tokens:
            files.write(run / "vocabulary.txt", "".join(f"{token}\n" for token in self.vocabulary.tokens).encode())
        if self.tokenizer:
            files.write(run / TOKENIZER, self.tokenizer.content())
        else:
            (run / TOKENIZER).unlink(missing_ok=True)


@dataclass(frozen=True)
class Layout:
    """How documents of one kind become sequences.

    unit: what a document is, in the singular; max_length: most tokens of a sequence; segment: starts and ends in `ids` of the
    sequences that the chosen documents give, in their order; overlong: what becomes of longer documents, in words; tokens: what
    a token is; ended: whether sequences may be shorter and so end in `<eos>`; vocabulary: None for the tokens there are;
    keeps_unseen: whether tokens that no training sequence holds are in it too.
    """

    unit: str
    max_length: int
    segment: Callable[[Documents, np.ndarray], tuple[np.ndarray, np.ndarray]]
    overlong: str
    tokens: str
    ended: bool = True
    vocabulary: Vocabulary | None = None
    keeps_unseen: bool = False


def corpus_of(documents: Documents, test: Documents | None, layout: Layout, settings: Data, seed: int) -> Corpus:
    """Split, number and pad documents. Raises SeqganError for what cannot be trained on.

    The vocabulary is the training part's. Documents are held out as a whole, so none has a piece in two parts; for those that
    equal others see `duplicates`.
    """
    chosen = chosen_parts(len(documents), settings, documents.source, layout.unit, seed)
    sources = dict.fromkeys(chosen, documents)
    if test is not None:
        sources["test"], chosen["test"] = test, np.arange(len(test))
    spans = {name: layout.segment(sources[name], chosen[name]) for name in chosen}
    for name in sorted(spans, key=lambda name: name != "train"):  # where none is short enough, no part is to blame
        part = name if sources[name] is documents and name != "train" else ""
        refuse_nothing(spans[name][0], sources[name].source, layout, part)
    vocabulary = layout.vocabulary or ranked_vocabulary(
        documents.tokens, counts_within(documents, *spans["train"]), settings, layout.keeps_unseen
    )
    tables = {name: table_of(sources[name], *span, vocabulary, layout) for name, span in spans.items()}
    train = tables.pop("train")
    vocabulary.has_eos = layout.ended
    held_out = {
        name: HeldOut.shuffled(table, np.searchsorted(sources[name].offsets, spans[name][0], side="right") - 1, seed, name)
        for name, table in sorted(tables.items(), reverse=True)
    }
    tallies = {"train": Tally(vocabulary)}
    tallies["train"].add(train)
    check_vocabulary(tallies["train"], documents.source, layout, settings)
    in_train = {name: stand_in(part.tokens, train) for name, part in held_out.items()}
    held_out, overlaps = removed(held_out, in_train, settings, documents.source)
    for name in held_out:
        tallies[name] = Tally(vocabulary)
        tallies[name].add(held_out[name].tokens)
    long = too_long(documents, layout), 0 if test is None else too_long(test, layout)
    told = None if test is None else test.reading
    summary = summary_of(documents.reading, told, layout, settings, tallies, long, overlaps)
    return Corpus(train, held_out, vocabulary, summary, seed=seed)


def too_long(documents: Documents, layout: Layout) -> int:
    """How many documents are longer than a sequence can be."""
    return int((documents.lengths > layout.max_length).sum())


def refuse_nothing(sequences: np.ndarray, source: str, layout: Layout, part: str = "") -> None:
    """Raises SeqganError unless there is one sequence at least. `part`: the part of the source that they are, if not all."""
    if not len(sequences):
        of_part = f" of the {part} part" if part else ""
        raise SeqganError(
            f"{source}: every {layout.unit}{of_part} is longer than {layout.max_length} tokens; raise --max-length, or use "
            "--overlong cut or split."
        )


def refuse_no_positives(corpus: Corpus) -> None:
    """Raises SeqganError if every training sequence holds `<unk>`, so that samples can be held against none."""
    if not len(corpus.positives):
        raise SeqganError(
            f"All {len(corpus.sequences)} training sequences hold <unk>, which the generator never says, so its samples can be "
            f"held against none. {FEWER_UNKNOWN}"
        )


def tell_of_positives(corpus: Corpus, console: Console) -> None:
    """Say how many real sequences hold `<unk>` and are no positives, with a warning where few are left.

    Raises SeqganError where none is.
    """
    refuse_no_positives(corpus)
    total, left = len(corpus.sequences), len(corpus.positives)
    if left == total:
        return
    about = "about " if corpus.shards else ""
    words = (
        f"{about}{total - left} of {total} training sequences hold <unk>, which the generator never says: only the "
        f"{about}{left} without it stand for the real ones."
    )
    if left < FEW_POSITIVES or left < FEW_SHARE * total:
        console.warn(f"{words} They are few, and unlike the rest. {FEWER_UNKNOWN}")
    else:
        console.say(words)


def check_vocabulary(training: Tally, source: str, layout: Layout, settings: Data) -> None:
    """Raises SeqganError unless training sequences hold two different tokens."""
    ordinary = training.used[UNK + 1 :] if training.vocabulary.has_special_tokens else training.used
    if ordinary.sum() < 2:
        kind = "tokens" if training.vocabulary.has_special_tokens else layout.tokens
        cuts = [f"--min-count {settings.min_count}"] * (settings.min_count > 1)
        cuts += [f"--max-vocab {settings.max_vocab}"] * (settings.max_vocab > 0)
        after = f" (after {' and '.join(cuts)})" if cuts and kind == "tokens" else ""
        raise SeqganError(f"{source} holds fewer than two different {kind}{after}: nothing to learn.")


def ranked_vocabulary(
    tokens: Sequence[str], counts: np.ndarray, settings: Data, keeps_unseen: bool = False
) -> Vocabulary:
    """Tokens that were counted, by falling frequency, ties by their order; the separator and labels are never too rare.

    `keeps_unseen`: those that were not counted come last.
    """
    ranked = [i for i in np.argsort(-counts, kind="stable") if tokens[i] != SPECIAL[UNK]]
    marks = {i for i in ranked if is_mark(tokens[i]) and counts[i]}
    least = 0 if keeps_unseen else max(1, settings.min_count)
    words = [i for i in ranked if counts[i] >= least and not is_mark(tokens[i])]
    kept = marks.union(words[: settings.max_vocab or None])
    return Vocabulary([tokens[i] for i in ranked if i in kept])


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


def load_corpus(run: Path, plain_size: int | None, seed: int = 0, tokenizer: Any = None, folder: str = FOLDER) -> Corpus:
    """The corpus a run keeps in a folder. `plain_size`: V where no token is special. Raises SeqganError if damaged."""
    again = f"restore it, or begin anew with {restarting('pretrain-g', run)}"
    train, held_out = read_parts(run / folder, seed, again)
    shards, path = None, run / folder / SHARDS
    if path.exists():
        try:
            shards = Shards.of_record(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise SeqganError(f"Cannot read {path} ({error}): {again}.") from None
    tables = (train, *(part.tokens for part in held_out.values()))
    vocabulary = read_vocabulary(run / "vocabulary.txt", plain_size, tables)
    return Corpus(train, held_out, vocabulary, shards=shards, seed=seed, tokenizer=tokenizer, starts=read_starts(run))
