"""What a discriminator knows of a generator's faults: a lower bound on KL(p‖G), in nats a sequence.

For any function T of a sequence and any a (Donsker and Varadhan 1983),

    KL(p‖G) ≥ E_p[a·T] − log E_G[exp(a·T)]

with equality for a·T = log p/G + constant. T is a discriminator's logit, whose scale is not to be trusted: a ≥ 0 is chosen, on
other sequences and samples than the bound is taken on, so that neither a nor T has seen those. T that knows nothing gives 0, or
a little less where a was chosen by chance.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from seqgan_cli.lazy import np

REPLICATES_OF = 2**20  # samples that replicates have together which are fitted at once: some MB


@dataclass(frozen=True)
class Scored:
    """T of one set of sequences and samples.

    real: float `[m]`; samples: float `[n]`, drawn independently from G; documents: int `[m]`, the same for real sequences that
    are not independent, such as windows of one tune; None if all are.

    Raises ValueError for no real sequence, fewer than two samples, or what is not finite.
    """

    real: np.ndarray
    samples: np.ndarray
    documents: np.ndarray | None = None

    def __post_init__(self) -> None:
        if len(self.real) < 1 or len(self.samples) < 2:
            raise ValueError("One real sequence and two samples or more are needed.")
        if not (np.isfinite(self.real).all() and np.isfinite(self.samples).all()):
            raise ValueError("Scores of real sequences and samples have to be finite.")


@dataclass(frozen=True)
class Knowledge:
    """The bound and its 95 % interval, nats a sequence; nan for an interval that is not known.

    value: at most log(samples), and below 0 where T misleads. a: what T is multiplied by. ess: effective number of samples,
    (Σw)²/Σw² of their weights w = exp(a·T): the bound rests on so many. samples: how many the mean of w is over; no more than
    their logarithm can be told from so many (McAllester and Stratos 2020). Cross-fitted: a is the mean of both halves, ess and
    samples are those of the half that has less.
    """

    value: float
    low: float
    high: float
    a: float
    ess: float
    samples: int


def held_out(choosing: Scored, reporting: Scored, rng: np.random.Generator | None = None, replicates: int = 1000) -> Knowledge:
    """The bound on one set, with a chosen on another. Arguments as in `cross_fitted`."""
    return _knowledge([choosing, reporting], [(0, 1)], rng, replicates)


def cross_fitted(scored: Scored, rng: np.random.Generator | None = None, replicates: int = 1000) -> Knowledge:
    """The bound where there is one set: a is chosen on each half, the bound taken on the other, and both are averaged.

    Documents and samples go to the halves by turns.

    Args:
        rng: draws the interval's replicates; None for no interval.
        replicates: their number.

    Returns:
        The interval has the quantiles 2.5 % and 97.5 % of a bootstrap that draws documents and samples of each half anew, and
        fits a anew (Efron and Tibshirani 1993, §13.3); nan where a half has one document.

    Raises:
        ValueError: for fewer than two documents or four samples.
    """
    return _knowledge(halves(scored), [(0, 1), (1, 0)], rng, replicates)


def halves(scored: Scored) -> list[Scored]:
    """Both halves of a set, documents whole, by turns. Raises ValueError if one lacks something."""
    documents = np.arange(len(scored.real)) if scored.documents is None else np.asarray(scored.documents)
    _, first, places = np.unique(documents, return_index=True, return_inverse=True)
    half = np.argsort(np.argsort(first))[places] % 2
    return [Scored(scored.real[half == i], scored.samples[i::2], documents[half == i]) for i in range(2)]


def log_mean_exp(values: np.ndarray) -> np.ndarray:
    """log of the mean of exp over the last axis, without most of its bias: float64 `[…]` of float `[…, n]`, n ≥ 2.

    The logarithm of a mean of w is on average below that of the expectation, by about var(w)/(2n·E[w]²), which would make the
    bound too large. The jackknife (Quenouille 1956), n·L − (n−1)·mean of L without each, takes the term of 1/n out.
    """
    ordered = np.sort(np.asarray(values, np.float64), axis=-1)
    count, most, next_to_it = ordered.shape[-1], ordered[..., -1:], ordered[..., -2:-1]
    weights = np.exp(ordered - most)
    total = weights.sum(axis=-1, keepdims=True)
    without = np.log(total) + np.log1p(-weights[..., :-1] / total)
    # Of the largest nothing may be left but what rounding made: what is left without it is added up by itself.
    others = np.exp(ordered[..., :-1] - next_to_it).sum(axis=-1, keepdims=True)
    last = np.log(others) + next_to_it - most
    mean = (without.sum(axis=-1, keepdims=True) + last) / count
    found = most + count * np.log(total / count) - (count - 1) * (mean - math.log(count - 1))
    return np.where(ordered[..., 0] == ordered[..., -1], ordered[..., 0], found[..., 0])


def effective_samples(log_weights: np.ndarray) -> float:
    """(Σw)²/Σw², between 1 and n, for log w float `[n]` (Kong 1992)."""
    weights = np.exp(log_weights - np.max(log_weights))
    return float(weights.sum() ** 2 / (weights**2).sum())


def _fit(means: np.ndarray, samples: np.ndarray) -> np.ndarray:
    """The smallest a ≥ 0 that maximises min(f(a), log n), f(a) = a·mean − log mean exp(a·samples): float64 `[R]`.

    f is concave and f(0) = 0. It has no maximum where the mean of real sequences is above all samples, hence log n, which is
    all that n samples can tell.

    Args:
        means: float64 `[R]`.
        samples: float64 `[R, n]` in [0, 1].
    """
    from scipy.optimize.elementwise import find_root

    below = samples - samples.max(axis=1, keepdims=True)
    most = math.log(samples.shape[1])

    def slope(a: np.ndarray, rows: np.ndarray) -> np.ndarray:
        weights = np.exp(a[:, None] * below[rows])
        return means[rows] - (weights * samples[rows]).sum(axis=1) / weights.sum(axis=1)

    def beyond(a: np.ndarray, rows: np.ndarray) -> np.ndarray:
        mean_exp = np.exp(a[:, None] * below[rows]).mean(axis=1)
        return a * (means - samples.max(axis=1))[rows] - np.log(mean_exp) - most

    found = np.zeros(len(means))
    rows = np.flatnonzero(slope(found, np.arange(len(means))) > 0.0)
    upper = np.ones(len(rows))
    while (grows := (slope(upper, rows) > 0.0) & (beyond(upper, rows) < 0.0)).any():
        upper[grows] *= 2.0
    turns = slope(upper, rows) < 0.0
    upper[turns] = find_root(slope, (np.zeros(turns.sum()), upper[turns]), args=(rows[turns],)).x
    over = beyond(upper, rows) > 0.0
    upper[over] = find_root(beyond, (np.zeros(over.sum()), upper[over]), args=(rows[over],)).x
    found[rows] = upper
    return found


def _bounds(a: np.ndarray, means: np.ndarray, samples: np.ndarray) -> np.ndarray:
    """The bound for each a: float64 `[R]` of a and means `[R]`, samples `[R, n]`."""
    return np.where(a > 0.0, np.minimum(a * means - log_mean_exp(a[:, None] * samples), math.log(samples.shape[1])), 0.0)


def _knowledge(
    parts: Sequence[Scored], folds: Sequence[tuple[int, int]], rng: np.random.Generator | None, replicates: int
) -> Knowledge:
    """`folds`: of each the places in `parts` of what chooses and of what reports."""
    pooled = np.concatenate([np.asarray(t, np.float64) for part in parts for t in (part.real, part.samples)])
    least, width = pooled.min(), np.ptp(pooled) or 1.0  # a shift of T changes nothing, a scale is a's
    samples = [(np.asarray(part.samples, np.float64) - least) / width for part in parts]
    totals = [_totals((np.asarray(part.real, np.float64) - least) / width, part.documents) for part in parts]

    def fitted(means: Sequence[np.ndarray], samples: Sequence[np.ndarray]) -> tuple[np.ndarray, list[np.ndarray]]:
        """Of R sets at once, means `[R]` and samples `[R, n]` of each part: the bounds `[R]`, and a `[R]` of each fold."""
        fits = [_fit(means[choosing], samples[choosing]) for choosing, _ in folds]
        bounds = [_bounds(a, means[to], samples[to]) for a, (_, to) in zip(fits, folds, strict=True)]
        return np.mean(bounds, axis=0), fits

    (value,), fits = fitted([np.array([sums.sum() / sizes.sum()]) for sums, sizes in totals], [each[None] for each in samples])
    low = high = math.nan
    if rng is not None and replicates and all(len(sizes) > 1 for _, sizes in totals):
        at_once, drawn = max(1, REPLICATES_OF // max(map(len, samples))), list[np.ndarray]()
        for first in range(0, replicates, at_once):
            again = [
                ([_redrawn_mean(*each, rng) for each in totals], [rng.choice(each, len(each)) for each in samples])
                for _ in range(min(at_once, replicates - first))
            ]
            means, redrawn = zip(*again, strict=True)
            drawn.append(fitted(list(np.transpose(means)), [np.stack(each) for each in zip(*redrawn, strict=True)])[0])
        low, high = map(float, np.quantile(np.concatenate(drawn), [0.025, 0.975]))
    effective = [effective_samples(a * samples[to]) for a, (_, to) in zip(fits, folds, strict=True)]
    smallest = min(len(samples[to]) for _, to in folds)
    return Knowledge(float(value), low, high, float(np.mean(fits) / width), min(effective), smallest)


def _totals(real: np.ndarray, documents: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Of each document the sum of T and the number of its sequences: float64 and int64 `[d]`."""
    if documents is None:
        return real, np.ones(len(real), np.int64)
    places = np.unique(documents, return_inverse=True)[1]
    return np.bincount(places, real), np.bincount(places)


def _redrawn_mean(sums: np.ndarray, sizes: np.ndarray, rng: np.random.Generator) -> float:
    chosen = rng.integers(len(sums), size=len(sums))
    return float(sums[chosen].sum() / sizes[chosen].sum())
