"""How much of the data's variety samples have: the coverage figures that stand beside every quality figure.

Sequences are rows of an int32 table `[n, T]`, padded alike, so equal rows are equal sequences.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from seqgan_cli.lazy import np

BLOCK = 1 << 17  # training sequences looked through at once


def _as_single_values(tokens: np.ndarray) -> np.ndarray:
    """One opaque value a row, which sorts and compares as fast as a number."""
    tokens = np.ascontiguousarray(tokens, np.int32)
    return tokens.view(np.dtype((np.void, tokens.shape[1] * tokens.itemsize)))[:, 0]


class RowCounts:
    """How often sequences stand in a table int32 `[n, T]`, n ≥ 1: exact, and by a search among those that differ."""

    def __init__(self, table: np.ndarray) -> None:
        self._values, self._counts = np.unique(_as_single_values(table), return_counts=True)

    def of(self, tokens: np.ndarray) -> np.ndarray:
        """int64 `[R]` for int32 `[R, T]`; 0 for those that are not there."""
        wanted = _as_single_values(tokens)
        places = np.minimum(np.searchsorted(self._values, wanted), len(self._values) - 1)
        return np.where(self._values[places] == wanted, self._counts[places], 0)


def distinct_share(tokens: np.ndarray) -> float:
    """Number of different sequences over the number of sequences; 1 for none."""
    return len(np.unique(_as_single_values(tokens))) / len(tokens) if len(tokens) else 1.0


def token_types(tokens: np.ndarray, mask: np.ndarray) -> int:
    """Number of different token ids where the mask bool `[n, T]` is set."""
    return len(np.unique(tokens[mask]))


@dataclass(frozen=True)
class Expected:
    """A number of different things among draws, on average, and of those that only one draw has."""

    number: float
    once: float


def expected_distinct(tokens: np.ndarray, mask: np.ndarray, num: int) -> tuple[Expected, Expected]:
    """What `num` sequences drawn with replacement from the given ones have.

    A kind that a share s of the sequences is, or holds, is among them with probability 1 − (1 − s)^num, and just once with
    num · s · (1 − s)^(num − 1).

    Args:
        tokens, mask: int and bool `[N, T]`, N ≥ 1.

    Returns:
        different sequences, and different token ids where the mask is set.
    """
    sequences = np.unique(_as_single_values(tokens), return_counts=True)[1]
    rows, width = np.broadcast_to(np.arange(len(tokens))[:, None], tokens.shape)[mask], int(tokens.max(initial=0)) + 1
    pairs = np.unique(rows * width + tokens[mask])  # each id of a sequence once
    holders = np.unique(pairs % width, return_counts=True)[1]
    found = []
    for shares in (sequences / len(tokens), holders / len(tokens)):
        number, once = 1.0 - (1.0 - shares) ** num, num * shares * (1.0 - shares) ** (num - 1)
        found.append(Expected(float(number.sum()), float(once.sum())))
    return found[0], found[1]


def collapse_threshold(expected: float, num: int, at_most: int = 1, once: float = math.inf) -> float:
    """The number of different things below which samples repeat themselves: half of what as many draws have, and no chance.

    The variance of a number of different things among independent draws, each of which has `at_most`, is at most that times the
    mean number of those that one draw alone has; of the draws themselves also at most twice the number that repeat
    another (Efron and Stein 1981). Chance are five standard deviations by the smallest bound.

    Args:
        expected: of as many draws that do not repeat themselves.
        num: of draws.
        once: `Expected.once`, if it is known.
    """
    variance = at_most * min(expected, once)
    if at_most == 1:
        variance = min(variance, 2.0 * max(0.0, num - expected))
    return max(0.0, min(0.5 * expected, expected - 5.0 * math.sqrt(variance)))


def train_overlap(tokens: np.ndarray, training: np.ndarray) -> float:
    """Share of the sequences that stand in the training set as they are; 0 for none."""
    return float(stand_in(tokens, training).mean()) if len(tokens) else 0.0


def stand_in(tokens: np.ndarray, training: np.ndarray) -> np.ndarray:
    """Which of the sequences stand in the training set as they are, bool `[n]`."""
    wanted = _as_single_values(tokens).tolist()
    missing, found = {*wanted}, set()
    for first in range(0, len(training), BLOCK):
        found |= missing.intersection(_as_single_values(training[first : first + BLOCK]).tolist())
    return np.fromiter((value in found for value in wanted), bool, len(wanted))


def distinct_n(tokens: np.ndarray, lengths: np.ndarray, n: int) -> float:
    """Number of different n-grams over the number of n-grams in all sequences (Li et al. 2016); nan if there is none.

    More sequences repeat more, so only equal numbers of them compare. An n-gram with an id below 0, of which nobody knows what
    it equals, is left out of both numbers.

    Args:
        tokens, lengths: int `[N, T]` and `[N]`; what stands past a row's length is ignored.
        n: tokens of an n-gram, 1 or more.
    """
    if n > tokens.shape[1]:
        return math.nan
    windows = np.lib.stride_tricks.sliding_window_view(tokens, n, axis=1)  # [N, T − n + 1, n]
    whole = np.arange(windows.shape[1])[None, :] + n <= np.asarray(lengths)[:, None]
    ngrams = windows[whole & (windows >= 0).all(axis=2)]
    return len(np.unique(_as_single_values(ngrams))) / len(ngrams) if len(ngrams) else math.nan


@dataclass(frozen=True)
class _Starts:
    """Where runs of n tokens begin that samples and training have in common so far, one entry each, flat.

    place: of the first token in `tokens`; left: tokens from there to the end of its sequence; run: a number that is the same
    for equal runs.
    """

    tokens: np.ndarray
    place: np.ndarray
    left: np.ndarray
    run: np.ndarray

    def only(self, kept: np.ndarray) -> _Starts:
        return _Starts(self.tokens, self.place[kept], self.left[kept], self.run[kept])

    def longer(self, n: int, base: int) -> tuple[_Starts, np.ndarray]:
        """The starts of runs of n tokens, and a key for each: (run of n − 1 tokens, token after it)."""
        whole = self.only(self.left >= n)
        whole = whole.only(whole.tokens[whole.place + n - 1] >= 0)
        return whole, whole.run * base + whole.tokens[whole.place + n - 1]


def _starts(tokens: np.ndarray, lengths: np.ndarray) -> _Starts:
    left = np.asarray(lengths, np.int64)[:, None] - np.arange(tokens.shape[1])[None, :]
    inside = left > 0
    count = int(inside.sum())
    return _Starts(np.asarray(tokens[inside], np.int64), np.arange(count), left[inside], np.zeros(count, np.int64))


def longest_copied_run(
    tokens: np.ndarray, lengths: np.ndarray, training: np.ndarray, training_lengths: np.ndarray
) -> np.ndarray:
    """For each sequence the longest run of consecutive tokens that stands in some training sequence, int64 `[N]`.

    Runs grow by a token at a time, and a place whose run has stood in the other set last is dropped, so what is left is
    soon little. An id below 0 equals no other, so that no run goes past it.

    Args:
        tokens, lengths: int `[N, T]` and `[N]`; what stands past a row's length is ignored.
        training, training_lengths: int `[M, S]` and `[M]`; S may be another length than T.
    """
    base = max(int(tokens.max(initial=0)), int(training.max(initial=0))) + 1
    row = np.repeat(np.arange(len(tokens)), lengths)
    longest = np.zeros(len(tokens), np.int64)
    ours, theirs = _starts(tokens, lengths), _starts(training, training_lengths)
    for n in range(1, tokens.shape[1] + 1):
        ours, our_keys = ours.longer(n, base)
        theirs, their_keys = theirs.longer(n, base)
        if not len(our_keys) or not len(their_keys):
            break
        keys, our_run = np.unique(our_keys, return_inverse=True)
        their_run = np.minimum(np.searchsorted(keys, their_keys), len(keys) - 1)
        common = keys[their_run] == their_keys
        theirs = replace(theirs, run=their_run).only(common)
        shared = np.zeros(len(keys), bool)
        shared[their_run[common]] = True
        ours = replace(ours, run=our_run).only(shared[our_run])
        longest[row[ours.place]] = n
    return longest
