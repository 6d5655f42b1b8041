"""The first of two passes over a corpus: which tokens there are and how often, what is held out, how long documents are."""

from dataclasses import dataclass, field

import numpy as np

from seqgan_cli.config.sections import Data
from seqgan_cli.data.corpus import Layout, counts_within, table_of
from seqgan_cli.data.documents import EXAMPLES, Documents, Reading, Rejected
from seqgan_cli.data.split import HELD_OUT, HeldOut
from seqgan_cli.data.tfrecord.shards import EVAL_SUBSET
from seqgan_cli.data.vocabulary import Vocabulary
from seqgan_cli.randomness import rng


@dataclass
class HeldOutDocuments:
    """Documents that are held out: those with the smallest of the numbers that are drawn for all, which any pass can keep.

    drawn float64 and documents int64, one of each a document; sequences: the token numbers of each one's sequences.
    """

    drawn: np.ndarray = field(default_factory=lambda: np.zeros(0))
    documents: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    sequences: list[list[np.ndarray]] = field(default_factory=list)

    def only(self, kept: np.ndarray) -> "HeldOutDocuments":
        return HeldOutDocuments(self.drawn[kept], self.documents[kept], [self.sequences[i] for i in kept])

    def parts(
        self, counts: dict[str, int], tokens: list[str], vocabulary: Vocabulary, layout: Layout, seed: int
    ) -> dict[str, HeldOut]:
        """The parts by name; the documents with the smallest numbers are the test part's, as many as `counts` says."""
        rank = np.empty(len(self.drawn), np.int64)
        rank[np.argsort(self.drawn, kind="stable")] = np.arange(len(self.drawn))
        found = {}
        for name in (name for name in HELD_OUT if counts[name]):
            chosen = np.flatnonzero((rank < counts["test"]) == (name == "test"))
            sequences = [sequence for i in chosen for sequence in self.sequences[i]]
            document_ids = np.repeat(self.documents[chosen], [len(self.sequences[i]) for i in chosen])
            table = table_of_numbers(sequences, tokens, vocabulary, layout)
            found[name] = HeldOut.shuffled(table, document_ids, seed, name).first(EVAL_SUBSET)
        return found

    def and_(self, other: "HeldOutDocuments") -> "HeldOutDocuments":
        drawn, documents = (np.concatenate(pair) for pair in ((self.drawn, other.drawn), (self.documents, other.documents)))
        return HeldOutDocuments(drawn, documents, self.sequences + other.sequences)


class Survey:
    """The first pass: which tokens there are and how often, what is held out, how long documents are."""

    def __init__(self, data: Data, seed: int) -> None:
        self.data, self.draws = data, rng(seed, "corpus", "holdout")
        self.most = EVAL_SUBSET * ((not data.test) + (data.validation > 0))
        self.numbers: dict[str, int] = {}
        self.counts = np.zeros(0, np.int64)  # in training sequences, by the number of the token
        self.held = HeldOutDocuments()
        self.count, self.longest, self.long, self.sequences = 0, 0, 0, 0
        self.rejected: dict[str, Rejected] = {}
        self.notes: tuple[str, ...] = ()

    def add(self, part: Documents, layout: Layout) -> None:
        """Take the next documents."""
        numbers = np.array([self.numbers.setdefault(token, len(self.numbers)) for token in part.tokens], np.int64)
        self.counts = np.pad(self.counts, (0, len(self.numbers) - len(self.counts)))
        drawn = self.draws.random(len(part))
        bound = self.held.drawn.max() if len(self.held.drawn) == self.most and self.most else np.inf
        candidates = np.flatnonzero(drawn < bound) if self.most else np.zeros(0, np.int64)
        if len(candidates) > self.most:
            candidates = np.sort(candidates[np.argpartition(drawn[candidates], self.most)[: self.most]])
        others = np.ones(len(part), bool)
        others[candidates] = False
        starts, ends = layout.segment(part, np.flatnonzero(others))
        self.sequences += len(starts)
        self.counts[numbers] += counts_within(part, starts, ends)
        self._hold_out(part, layout, numbers, candidates, drawn)
        self.count += len(part)
        self.longest = max(self.longest, int(part.lengths.max(initial=0)))
        self.long += int((part.lengths > layout.max_length).sum())
        for reason, entry in part.rejected.items():
            known = self.rejected.setdefault(reason, Rejected())
            known.count += entry.count
            known.places += entry.places[: EXAMPLES - len(known.places)]
        self.notes = tuple(dict.fromkeys((*self.notes, *part.notes)))

    def _hold_out(
        self, part: Documents, layout: Layout, numbers: np.ndarray, candidates: np.ndarray, drawn: np.ndarray
    ) -> None:
        starts, ends = layout.segment(part, candidates)
        document_ids = np.searchsorted(part.offsets, starts, side="right") - 1
        places = np.searchsorted(candidates, document_ids)
        sequences: list[list[np.ndarray]] = [[] for _ in candidates]
        for place, start, end in zip(places.tolist(), starts.tolist(), ends.tolist(), strict=True):
            sequences[place].append(numbers[part.ids[start:end]])
        self.held = self.held.and_(HeldOutDocuments(drawn[candidates], self.count + candidates, sequences))
        self.keep(self.most)

    def keep(self, most: int) -> None:
        """Hold out so many; what was held out beyond that is trained on."""
        order = np.argsort(self.held.drawn, kind="stable")
        back = self.held.only(order[most:])
        self.held = self.held.only(np.sort(order[:most]))
        for sequence in (sequence for sequences in back.sequences for sequence in sequences):
            np.add.at(self.counts, sequence, 1)
            self.sequences += 1

    def reading(self, source: str) -> Reading:
        return Reading(source, self.count, self.rejected, self.notes)


def table_of_numbers(sequences: list[np.ndarray], tokens: list[str], vocabulary: Vocabulary, layout: Layout) -> np.ndarray:
    """The table of sequences of token numbers."""
    lengths = np.array([len(sequence) for sequence in sequences], np.int64)
    ids = np.concatenate([*sequences, np.zeros(0, np.int64)]).astype(np.int32)
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
    return table_of(Documents("", ids, offsets, tokens), offsets[:-1], offsets[1:], vocabulary, layout)
