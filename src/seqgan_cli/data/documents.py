"""What a source holds once it is read: documents as tokens, and what was left out and why."""

from __future__ import annotations

import bisect
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from seqgan_cli.errors import SeqganError
from seqgan_cli.lazy import np

EXAMPLES = 3  # places named for each reason
LARGEST_TABLE = 1 << 28  # numbers of eight bytes
BLOCK = 1 << 20  # tokens at once where NumPy's steps in between take many bytes for each


def counts_of(ids: np.ndarray, size: int) -> np.ndarray:
    """How often each of 0 … size-1 occurs, int64 `[size]`."""
    counts = np.zeros(size, np.int64)
    for first in range(0, len(ids), BLOCK):
        counts += np.bincount(ids[first : first + BLOCK], minlength=size)
    return counts


@dataclass
class Rejected:
    """How many parts of a source were left out for one reason, and where the first of them stand."""

    count: int = 0
    places: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Reading:
    """What a summary says of a source: how many documents it has, what was left out, and what else a reader should know."""

    source: str
    count: int
    rejected: dict[str, Rejected]
    notes: tuple[str, ...]


def told_of(reading: Reading) -> list[str]:
    """What was left out and what else a reader should know, a sentence each."""
    return [*(f"{each}." for each in left_out(reading)), *reading.notes]


def left_out(reading: Reading, untold: str = "") -> list[str]:
    """What was left out, how often, why and where: a phrase for each reason but the one that is told elsewhere."""
    return [
        f"{entry.count} left out: {reason} ({', '.join(entry.places)}{', …' * (entry.count > len(entry.places))})"
        for reason, entry in reading.rejected.items()
        if reason != untold
    ]


@dataclass(frozen=True)
class Documents:
    """Tokenized documents with ids in the order of first sight: `ids[offsets[i] : offsets[i + 1]]` is document i.

    A document is what is held out as a whole: a line, a poem, a paragraph, a tune.

    source: where they come from, for messages; ids int32 `[total]`, offsets int64 `[n + 1]`; tokens: what the ids stand for;
    rejected: by reason, in the order of first sight; notes: what else a reader should know, a sentence each; lines: int64
    `[n]`, the line of its file on which each document begins, where files have lines, else `[0]`; files: the number of
    the first document of each file and its name, ascending.
    """

    source: str
    ids: np.ndarray
    offsets: np.ndarray
    tokens: list[str]
    rejected: dict[str, Rejected] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    lines: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    files: tuple[tuple[int, str], ...] = ()

    def place(self, document: int) -> str:
        """The file and the line on which a document begins, of what has lines."""
        file = bisect.bisect_right(self.files, document, key=lambda entry: entry[0]) - 1
        return f"{self.files[file][1] if file >= 0 else self.source}, line {self.lines[document]}"

    @property
    def lengths(self) -> np.ndarray:
        """Tokens of each document, int64 `[n]`."""
        return np.diff(self.offsets)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def reading(self) -> Reading:
        return Reading(self.source, len(self), self.rejected, self.notes)

    def table(self) -> np.ndarray:
        """int64 `[n, longest]`: the documents' ids, and 0 after their ends. Raises SeqganError if that is too large."""
        longest = int(self.lengths.max())
        if len(self) * longest > LARGEST_TABLE:
            raise SeqganError(
                f"{self.source}: {len(self)} documents, one of {longest} tokens, are too much to hold at once: leave the "
                "longest or some others out."
            )
        table = np.zeros((len(self), longest), np.int64)
        table[np.arange(table.shape[1])[None, :] < self.lengths[:, None]] = self.ids
        return table


class Collector:
    """Documents in the making; holds their numbers, never their text.

    Args:
        tokens: what has the first numbers, whether or not it comes.
    """

    def __init__(self, tokens: Sequence[str] = ()) -> None:
        self._ids, self._offsets, self._lines = array("i"), array("q", [0]), array("q")
        self._numbers: dict[str, int] = {token: i for i, token in enumerate(tokens)}
        self._files: list[tuple[int, str]] = []
        self.rejected: dict[str, Rejected] = {}
        self.notes: list[str] = []

    def __len__(self) -> int:
        return len(self._offsets) - 1

    @property
    def size(self) -> int:
        """Tokens of all documents."""
        return len(self._ids)

    def add(self, tokens: Iterable[str], line: int | None = None, keep_empty: bool = False) -> bool:
        """One document, which is none without tokens unless such are kept: returns whether it is one.

        `line`: of the source, for all documents or for none.
        """
        numbers = self._numbers
        self._ids.extend(numbers.setdefault(token, len(numbers)) for token in tokens)
        if len(self._ids) == self._offsets[-1] and not keep_empty:
            return False
        self._offsets.append(len(self._ids))
        if line is not None:
            self._lines.append(line)
        return True

    def begin(self, file: str) -> None:
        """The documents from here on are of that file."""
        self._files.append((len(self), file))

    def note(self, sentence: str) -> None:
        """What else a reader should know, once."""
        if sentence not in self.notes:
            self.notes.append(sentence)

    def reject(self, where: str, reason: str) -> None:
        """Leave a part of the source out. `where`: as `line 12` or `folder/tune.mid`; `reason`: the same words for the same."""
        entry = self.rejected.setdefault(reason, Rejected())
        entry.count += 1
        if len(entry.places) < EXAMPLES:
            entry.places.append(where)

    def documents(self, source: str) -> Documents:
        ids, offsets = np.frombuffer(self._ids, np.int32), np.frombuffer(self._offsets, np.int64)
        lines = np.frombuffer(self._lines, np.int64)
        return Documents(source, ids, offsets, list(self._numbers), self.rejected, tuple(self.notes), lines, (*self._files,))
