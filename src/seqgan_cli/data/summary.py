"""What was read and what became of it, counted and told: a line each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from seqgan_cli.config.sections import Data
from seqgan_cli.data.documents import Reading, counts_of, left_out
from seqgan_cli.data.duplicates import Overlap
from seqgan_cli.data.duplicates import told as told_of_overlaps
from seqgan_cli.data.split import CHOOSES_AND_REPORTS
from seqgan_cli.data.vocabulary import EOS, SPECIAL, UNK, Vocabulary
from seqgan_cli.lazy import np

if TYPE_CHECKING:
    from seqgan_cli.data.corpus import Layout

COPIED = 0.1  # share of held-out sequences that the training data hold too, from which it is worth a word


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
    return "".join(f"; {each}" for each in left_out(reading, untold="blank"))


def summary_of(
    read: Reading,
    test: Reading | None,
    layout: Layout,
    settings: Data,
    tallies: Mapping[str, Tally],
    long: tuple[int, int],
    overlaps: Mapping[str, Overlap],
) -> tuple[str, ...]:
    """What was read and what became of it, a line each.

    Args:
        read, test: the data, and the held-out data if they are others.
        tallies: of the sequences of each part, by its name.
        long: documents that are too long, of the data and of held-out data that are others.
        overlaps: of the held-out parts with the training data, by name.
    """
    train, heldout = tallies["train"], [tally for name, tally in tallies.items() if name != "train"]
    fate, vocabulary = layout.overlong, train.vocabulary
    if settings.overlong == "drop" and long[0] > 0.1 * read.count and layout.ended:
        fate += " (--overlong cut or split, or a larger --max-length, keeps them)"
    blanks = read.rejected["blank"].count if "blank" in read.rejected else 0
    blank = f", {blanks} blank" if layout.ended or blanks else ""
    told = f"; {long[0]} longer than {layout.max_length} tokens, {fate}" if fate else ""
    known = vocabulary.size - (len(SPECIAL) if vocabulary.has_special_tokens else 0)
    seen = f"Vocabulary: {known} {layout.tokens}"
    if vocabulary.has_special_tokens:
        unknown = sum(tally.unknown for tally in heldout) / max(1, sum(tally.ordinary for tally in heldout))
        seen += f"; unknown: {train.unknown_share:.2%} of the training tokens, {unknown:.2%} of the held-out ones"
    else:
        seen += f", {train.used.sum()} of them in the training sequences"
    notes = [*read.notes]
    if test is not None:
        notes += [*(f"{note} (held out)" for note in test.notes)]
        lost = f"; {long[1]} longer than {layout.max_length} tokens, {layout.overlong}" if layout.overlong and long[1] else ""
        if lost := _left_out(test) + lost:
            notes.append(f"Of the held-out data, {test.source}{lost}.")
    numbers = [len(tallies[name]) for name in overlaps]
    copied = sum(each.left * number for each, number in zip(overlaps.values(), numbers, strict=True)) / sum(numbers)
    if copied > COPIED:
        notes.append(
            f"{copied:.0%} of the held-out sequences stand in the training data as they are: of these, scores say only what "
            "was learned by heart."
        )
    if vocabulary.has_special_tokens and not any(tally.used[UNK + 1 :].any() for tally in heldout):
        notes.append("No token of the held-out sequences is in the training data: scores on them mean nothing.")
    parts = f"{len(tallies['test'])} for test{f' from {settings.test}' if settings.test else ''}"
    if "validation" in tallies:
        parts = f"{len(tallies['validation'])} for validation, {parts}"
    else:
        notes.append(CHOOSES_AND_REPORTS)
    return (
        f"Data: {read.source}: {read.count} {layout.unit}s{blank}{_left_out(read)}{told}.",
        *notes,
        f"{len(train)} training sequences, {parts}; {train}.",
        f"{seen}.",
        told_of_overlaps(overlaps, settings),
    )
