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


def log_mean_exp(values: np.ndarray) -> float:
    """log of the mean of exp, for float `[n]`, n ≥ 2, without most of its bias.

    The logarithm of a mean of w is on average below that of the expectation, by about var(w)/(2n·E[w]²), which would make the
    bound too large. The jackknife (Quenouille 1956), n·L − (n−1)·mean of L without each, takes the term of 1/n out.
    """
    values = np.asarray(values, np.float64)
    count, top = len(values), int(np.argmax(values))
    if np.ptp(values) == 0.0:
        return float(values[0])
    weights = np.exp(values - values[top])
    shares = weights / weights.sum()
    shares[top] = 0.0
    without = math.log(weights.sum()) + np.log1p(-shares)
    # Of the largest nothing may be left but what rounding made.
    without[top] = _log_mean_exp(np.delete(values, top)) + math.log(count - 1) - values[top]
    whole = math.log(weights.sum() / count)
    return float(values[top] + count * whole - (count - 1) * (without.mean() - math.log(count - 1)))


def effective_samples(log_weights: np.ndarray) -> float:
    """(Σw)²/Σw², between 1 and n, for log w float `[n]` (Kong 1992)."""
    weights = np.exp(log_weights - np.max(log_weights))
    return float(weights.sum() ** 2 / (weights**2).sum())


def _log_mean_exp(values: np.ndarray) -> float:
    most = values.max()
    return float(most + np.log(np.exp(values - most).mean()))


def _fit(mean: float, samples: np.ndarray) -> float:
    """The smallest a ≥ 0 that maximises min(f(a), log n), f(a) = a·mean − log mean exp(a·samples).

    f is concave and f(0) = 0. It has no maximum where the mean of real sequences is above all samples, hence log n, which is
    all that n samples can tell. `samples` are in [0, 1].
    """
    from scipy.optimize import brentq

    most = math.log(len(samples))

    def slope(a: float) -> float:
        weights = np.exp(a * (samples - samples.max()))
        return float(mean - weights @ samples / weights.sum())

    def beyond(a: float) -> float:
        return a * mean - _log_mean_exp(a * samples) - most

    if slope(0.0) <= 0.0:
        return 0.0
    upper = 1.0
    while slope(upper) > 0.0 and beyond(upper) < 0.0:
        upper *= 2.0
    best = float(brentq(slope, 0.0, upper)) if slope(upper) < 0.0 else upper
    return float(brentq(beyond, 0.0, best)) if beyond(best) > 0.0 else best


def _bound(a: float, mean: float, samples: np.ndarray) -> float:
    return min(a * mean - log_mean_exp(a * samples), math.log(len(samples))) if a else 0.0


def _knowledge(
    parts: Sequence[Scored], folds: Sequence[tuple[int, int]], rng: np.random.Generator | None, replicates: int
) -> Knowledge:
    """`folds`: of each the places in `parts` of what chooses and of what reports."""
    pooled = np.concatenate([np.asarray(t, np.float64) for part in parts for t in (part.real, part.samples)])
    least, width = pooled.min(), np.ptp(pooled) or 1.0  # a shift of T changes nothing, a scale is a's
    samples = [(np.asarray(part.samples, np.float64) - least) / width for part in parts]
    totals = [_totals((np.asarray(part.real, np.float64) - least) / width, part.documents) for part in parts]

    def fitted(means: Sequence[float], samples: Sequence[np.ndarray]) -> tuple[float, list[float]]:
        fits = [_fit(means[choosing], samples[choosing]) for choosing, _ in folds]
        bounds = [_bound(a, means[to], samples[to]) for a, (_, to) in zip(fits, folds, strict=True)]
        return float(np.mean(bounds)), fits

    value, fits = fitted([sums.sum() / sizes.sum() for sums, sizes in totals], samples)
    low = high = math.nan
    if rng is not None and replicates and all(len(sizes) > 1 for _, sizes in totals):
        drawn = [
            fitted([_redrawn_mean(*each, rng) for each in totals], [rng.choice(each, len(each)) for each in samples])[0]
            for _ in range(replicates)
        ]
        low, high = map(float, np.quantile(drawn, [0.025, 0.975]))
    effective = [effective_samples(a * samples[to]) for a, (_, to) in zip(fits, folds, strict=True)]
    smallest = min(len(samples[to]) for _, to in folds)
    return Knowledge(value, low, high, float(np.mean(fits) / width), min(effective), smallest)


def _totals(real: np.ndarray, documents: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Of each document the sum of T and the number of its sequences: float64 and int64 `[d]`."""
    if documents is None:
        return real, np.ones(len(real), np.int64)
    places = np.unique(documents, return_inverse=True)[1]
    return np.bincount(places, real), np.bincount(places)


def _redrawn_mean(sums: np.ndarray, sizes: np.ndarray, rng: np.random.Generator) -> float:
    chosen = rng.integers(len(sums), size=len(sums))
    return float(sums[chosen].sum() / sizes[chosen].sum())
