"""Means per token with intervals, from sums over sequences. Units: nats."""

from __future__ import annotations

import math
from dataclasses import dataclass

from seqgan_cli.lazy import np


@dataclass(frozen=True)
class Estimate:
    """A mean and its 95 % interval; the standard deviation of what it is the mean of, and their number.

    nan for an interval that is not known.
    """

    mean: float
    low: float
    high: float
    std: float
    count: int

    def __str__(self) -> str:
        """`8.736 ± 0.012`, half the interval; without one if there is none."""
        half = (self.high - self.low) / 2
        return f"{self.mean:.3f}" + ("" if math.isnan(half) else f" ± {half:.3f}")


def per_token(sums: np.ndarray, lengths: np.ndarray, clusters: np.ndarray | None = None) -> Estimate:
    """Mean per token over sequences that are drawn independently, or in independent clusters, though their tokens are not.

    Args:
        sums: float `[n]`, a total for each sequence.
        lengths: int `[n]`, its number of tokens.
        clusters: int `[n]`, the same for sequences that are not independent, such as windows of one tune; None if all are.

    Returns:
        Σ sums / Σ lengths. The interval is ±1.96 standard errors of that ratio (linearised; Cochran, Sampling Techniques,
        §6.3), which for equal lengths is the usual one of a mean. With clusters the residuals are added up within each before
        they are squared (the ratio of cluster totals: Cochran, §9A.2; the sandwich of Liang and Zeger 1986), and 1.96 is
        Student's t of one degree fewer than there are clusters, of which there may be few. nan for no sequence; no width for
        one, a width of nan for several in one cluster. The standard deviation is that of the sequences' own means per token
        where lengths are equal, and else the one that gives the same standard error; with clusters it is such a one of them,
        and the count is theirs, so that a test of the estimate has their degrees of freedom.
    """
    sums, lengths = np.asarray(sums, np.float64), np.asarray(lengths, np.float64)
    count, total, quantile = len(sums), lengths.sum(), 1.96
    if total == 0:
        return Estimate(float("nan"), float("nan"), float("nan"), float("nan"), count)
    mean = sums.sum() / total
    residuals = sums - mean * lengths
    if clusters is not None and count > 1:
        places = np.unique(clusters, return_inverse=True)[1]
        residuals = np.bincount(places, residuals)
        count = len(residuals)
        if count == 1:
            return Estimate(float(mean), float("nan"), float("nan"), float("nan"), count)
        quantile = _students_t(count - 1)
    error = np.sqrt((residuals**2).sum() / (count * (count - 1))) / (total / count) if count > 1 else 0.0
    half = quantile * error
    return Estimate(float(mean), float(mean - half), float(mean + half), float(error * np.sqrt(count)), count)


def _students_t(degrees: int) -> float:
    """The 97.5 % quantile."""
    from scipy.stats import t

    return float(t.ppf(0.975, degrees))


def widened(estimate: Estimate, error: float) -> Estimate:
    """The estimate with an interval that has one more, independent standard error in it; deviation and count stay."""
    half = math.hypot((estimate.high - estimate.low) / 2, 1.96 * error)
    return Estimate(estimate.mean, estimate.mean - half, estimate.mean + half, estimate.std, estimate.count)


def mean_of(values: np.ndarray, clusters: np.ndarray | None = None) -> Estimate:
    """Mean and 95 % interval of one value a sample, float `[n]`; `clusters`: as in `per_token`."""
    return per_token(values, np.ones(len(values)), clusters)
