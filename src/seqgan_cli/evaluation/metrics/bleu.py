"""Sentence BLEU against many references at once, equal to NLTK's `sentence_bleu` (Papineni et al. 2002; Chen and Cherry 2014).

NLTK counts every reference again for every hypothesis. Here the largest count of each n-gram over the references is taken
once, and a hypothesis then costs the look-up of its own n-grams. Sentences are rows of an int table `[n, L]` and their lengths
`[n]`; what stands past a row's length is ignored. A token below 0 counts in lengths and totals and matches nothing, not even
itself elsewhere: NLTK's score with a word of its own in each such place.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass

from seqgan_cli.lazy import np

SMOOTHING = tuple(f"method{i}" for i in range(8))
EPSILON, K, ALPHA = 0.1, 5, 5  # NLTK's defaults for methods 1, 4 and 6
PLUS_ONE_ORDER = 5  # method5 averages the last order with 5-grams in NLTK, whatever the last order is


@dataclass(frozen=True)
class Matches:
    """What a score needs: clipped matches and totals int64 `[n, orders]`, hypothesis and closest reference lengths `[n]`."""

    matched: np.ndarray
    total: np.ndarray
    hypothesis_length: np.ndarray
    reference_length: np.ndarray


@dataclass(frozen=True)
class _Order:
    """The references' n-grams of one order: their keys sorted, and for each its largest and second largest count in one
    reference, and the reference that holds the largest."""

    keys: np.ndarray
    largest: np.ndarray
    second: np.ndarray
    owner: np.ndarray


class References:
    """The n-gram tables of a set of references.

    Args:
        tokens, lengths: int `[R, L]` and `[R]`, R ≥ 1.
        max_order: longest n-gram looked up.
    """

    def __init__(self, tokens: np.ndarray, lengths: np.ndarray, max_order: int) -> None:
        tokens = np.asarray(tokens, np.int64)
        self.count = len(tokens)
        self.lengths = np.asarray(lengths, np.int64)
        self.base = int(tokens.max(initial=0)) + 2
        self.orders: list[_Order] = []
        ids = np.zeros(tokens.shape, np.int64)  # of the n-gram that starts at each position
        for order in range(1, max_order + 1):
            ids, tokens_ahead, rows = _extend(ids, tokens, self.lengths, order)
            ngrams = _keys(ids, tokens_ahead, self.base)
            whole = ngrams >= 0
            keys, ngram_ids = np.unique(ngrams[whole], return_inverse=True)
            pairs, counts = np.unique(ngram_ids * self.count + rows[whole], return_counts=True)
            self.orders.append(_order(keys, pairs // self.count, pairs % self.count, counts))
            found = np.full(len(ngrams), -1, np.int64)
            found[whole] = ngram_ids
            ids = _scatter(found, rows, tokens.shape, self.lengths, order)

    def match(self, tokens: np.ndarray, lengths: np.ndarray, excluding_self: bool = False) -> Matches:
        """Matches of hypotheses int `[n, L]` with lengths `[n]`.

        `excluding_self`: hypothesis i is reference i and is compared with all the others (Self-BLEU).
        """
        tokens, lengths = np.asarray(tokens, np.int64), np.asarray(lengths, np.int64)
        # A token beyond the references' largest must not be mistaken for the start of another n-gram's key.
        tokens = np.minimum(tokens, self.base - 1)
        matched = np.zeros((len(tokens), len(self.orders)), np.int64)
        total = np.zeros_like(matched)
        ids = np.zeros(tokens.shape, np.int64)
        for order, table in enumerate(self.orders, start=1):
            total[:, order - 1] = np.maximum(lengths - order + 1, 0)
            ids, tokens_ahead, rows = _extend(ids, tokens, lengths, order)
            ngrams = _keys(ids, tokens_ahead, self.base)
            places = np.minimum(np.searchsorted(table.keys, ngrams), len(table.keys) - 1)
            known = table.keys[places] == ngrams if len(table.keys) else np.zeros(len(ngrams), bool)
            found = np.where(known, places, -1)
            width = max(1, len(table.keys))
            pairs, counts = np.unique(rows[known] * width + found[known], return_counts=True)
            row, ngram = pairs // width, pairs % width
            limit = table.largest[ngram]
            if excluding_self:
                limit = np.where(table.owner[ngram] == row, table.second[ngram], limit)
            matched[:, order - 1] = np.bincount(row, np.minimum(counts, limit), minlength=len(tokens))
            ids = _scatter(found, rows, tokens.shape, lengths, order)
        return Matches(matched, total, lengths, self._closest_lengths(lengths, excluding_self))

    def _closest_lengths(self, lengths: np.ndarray, excluding_self: bool) -> np.ndarray:
        """Length of the reference nearest in length, the shorter of two (NLTK's `closest_ref_length`)."""
        present, counts = np.unique(self.lengths, return_counts=True)
        wanted, back = np.unique(lengths, return_inverse=True)
        distance = np.abs(present[None, :] - wanted[:, None]).astype(np.float64)
        if excluding_self:
            alone = (present[None, :] == wanted[:, None]) & (counts[None, :] == 1)
            distance[alone] = np.inf
        return present[distance.argmin(axis=1)][back]


def _extend(ids: np.ndarray, tokens: np.ndarray, lengths: np.ndarray, order: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Every n-gram of the order as (id of its first n-1 tokens, last token, row), flat."""
    starts = max(0, tokens.shape[1] - order + 1)
    whole = np.arange(starts)[None, :] + order <= lengths[:, None]  # [n, starts]
    rows = np.nonzero(whole)[0]
    return ids[:, :starts][whole], tokens[:, order - 1 : order - 1 + starts][whole], rows


def _keys(ids: np.ndarray, tokens_ahead: np.ndarray, base: int) -> np.ndarray:
    """A number for each n-gram, the same for equal ones; −1 where its first tokens, or its last, match nothing."""
    return np.where((ids >= 0) & (tokens_ahead >= 0), ids * base + tokens_ahead, -1)


def _scatter(values: np.ndarray, rows: np.ndarray, shape: tuple[int, ...], lengths: np.ndarray, order: int) -> np.ndarray:
    """The inverse of `_extend`: flat values back to the position where their n-gram starts."""
    table = np.full(shape, -1, np.int64)
    starts = max(0, shape[1] - order + 1)
    whole = np.arange(starts)[None, :] + order <= lengths[:, None]
    table[:, :starts][whole] = values
    return table


def _order(keys: np.ndarray, ngram: np.ndarray, reference: np.ndarray, counts: np.ndarray) -> _Order:
    by_count = np.lexsort((counts, ngram))
    ngram, reference, counts = ngram[by_count], reference[by_count], counts[by_count]
    last = np.nonzero(np.append(ngram[1:] != ngram[:-1], True))[0] if len(ngram) else np.zeros(0, np.int64)
    before = np.maximum(last - 1, 0)
    second = np.where((last > 0) & (ngram[before] == ngram[last]), counts[before], 0)
    return _Order(keys, counts[last], second, reference[last])


def orders_needed(weights: Sequence[float], smoothing: str) -> int:
    """Longest n-gram a score with these weights and this smoothing looks at."""
    return max(len(weights), PLUS_ONE_ORDER) if smoothing in ("method5", "method7") else len(weights)


def scores(matches: Matches, weights: Sequence[float], smoothing: str = "method0") -> np.ndarray:
    """Sentence BLEU float64 `[n]`, as `nltk.translate.bleu_score.sentence_bleu` with one tuple of weights gives it.

    Args:
        matches: with at least `orders_needed(weights, smoothing)` orders.
        weights: of orders 1 … len(weights).
        smoothing: NLTK's `SmoothingFunction` method of that name. `method6` needs three orders or more, and where NLTK stops
            for want of a matching trigram, this goes on with its formula.

    Raises:
        ValueError: an unknown smoothing, or method6 with fewer than three orders.
    """
    orders = len(weights)
    matched = matches.matched[:, :orders]
    precision = _smooth(matches, orders, smoothing)
    with np.errstate(divide="ignore"):
        logs = np.where(precision > 0, np.log(np.where(precision > 0, precision, 1.0)), 0.0)  # NLTK skips zeros
    length, closest = matches.hypothesis_length, matches.reference_length
    penalty = np.where(length > closest, 1.0, np.exp(1.0 - closest / np.maximum(length, 1)))
    return np.where(matched[:, 0] > 0, penalty * np.exp(logs @ np.asarray(weights, np.float64)), 0.0)


def _smooth(matches: Matches, orders: int, smoothing: str) -> np.ndarray:
    matched = matches.matched[:, :orders].astype(np.float64)
    total = np.maximum(matches.total[:, :orders], 1).astype(np.float64)
    precision = matched / total
    nothing = matched == 0
    if smoothing == "method0":
        return np.where(nothing, sys.float_info.min, precision)
    if smoothing == "method1":
        return np.where(nothing, EPSILON / total, precision)
    if smoothing == "method2":
        return np.concatenate([precision[:, :1], (matched[:, 1:] + 1) / (total[:, 1:] + 1)], axis=1)
    if smoothing == "method3":
        return np.where(nothing, 1.0 / (2.0 ** np.cumsum(nothing, axis=1) * total), precision)
    if smoothing in ("method4", "method7"):
        length = matches.hypothesis_length[:, None]
        smoothed = np.log(np.maximum(length, 2)) / (2.0 ** np.cumsum(nothing, axis=1) * K) / total
        precision = np.where(nothing & (length > 1), smoothed, precision)
        if smoothing == "method4":
            return precision
    if smoothing in ("method5", "method7"):
        beyond = matches.matched[:, PLUS_ONE_ORDER - 1] / np.maximum(matches.total[:, PLUS_ONE_ORDER - 1], 1)
        ahead = np.concatenate([precision[:, 1:], beyond[:, None]], axis=1)
        before = precision[:, 0] + 1.0
        averaged = np.empty_like(precision)
        for i in range(orders):
            before = averaged[:, i] = (before + precision[:, i] + ahead[:, i]) / 3.0
        return averaged
    if smoothing == "method6":
        if orders < 3:
            raise ValueError("method6 needs three orders or more: it extrapolates from the two before.")
        for i in range(2, orders):
            earlier = precision[:, i - 2]
            prior = np.where(earlier > 0, precision[:, i - 1] ** 2 / np.where(earlier > 0, earlier, 1.0), 0.0)
            precision[:, i] = (matched[:, i] + ALPHA * prior) / (matches.total[:, i] + ALPHA)
        return precision
    raise ValueError(f"Unknown smoothing {smoothing!r}: choose from {', '.join(SMOOTHING)}.")
