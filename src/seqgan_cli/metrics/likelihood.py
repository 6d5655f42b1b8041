"""Means per token with intervals, from sums over sequences. Units: nats."""

import math
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Estimate:
    """A mean and its 95 % interval; the standard deviation of what it is the mean of, and their number."""

    mean: float
    low: float
    high: float
    std: float
    count: int

    def __str__(self) -> str:
        """`8.736 ± 0.012`, half the interval; without one if there is none."""
        half = (self.high - self.low) / 2
        return f"{self.mean:.3f}" + ("" if math.isnan(half) else f" ± {half:.3f}")


def per_token(sums: np.ndarray, lengths: np.ndarray) -> Estimate:
    """Mean per token over sequences that are drawn independently, though their tokens are not.

    Args:
        sums: float `[n]`, a total for each sequence.
        lengths: int `[n]`, its number of tokens.

    Returns:
        Σ sums / Σ lengths; the interval is ±1.96 standard errors of that ratio (linearised; Cochran, Sampling Techniques,
        §6.3), which for equal lengths is the usual one of a mean. nan for no sequence, no width for one. The standard
        deviation is that of the sequences' own means per token where lengths are equal, and else the one that gives the same
        standard error.
    """
    sums, lengths = np.asarray(sums, np.float64), np.asarray(lengths, np.float64)
    count, total = len(sums), lengths.sum()
    if total == 0:
        return Estimate(float("nan"), float("nan"), float("nan"), float("nan"), count)
    mean = sums.sum() / total
    residuals = sums - mean * lengths
    error = np.sqrt((residuals**2).sum() / (count * (count - 1))) / lengths.mean() if count > 1 else 0.0
    return Estimate(float(mean), float(mean - 1.96 * error), float(mean + 1.96 * error), float(error * np.sqrt(count)), count)


def mean_of(values: np.ndarray) -> Estimate:
    """Mean and 95 % interval of one value a sample, float `[n]`."""
    return per_token(values, np.ones(len(values)))
