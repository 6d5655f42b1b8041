"""Whether two generators differ: over the sequences of one run each, as the paper tests, and over seeds, as one should.

One run scored on 100,000 sequences makes any difference significant: it asks whether two trained generators differ, not
whether two ways of training do. So the test over sequences stands beside a paired test over seeds, with the size of the effect,
and the interval of the difference is held against a margin that would matter.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from seqgan_cli.evaluation.metrics.likelihood import Estimate


def welch(a: Estimate, b: Estimate) -> float:
    """p of Welch's two-sided t-test between the sequences behind two means (Welch 1947); nan where one has under two."""
    from scipy.stats import ttest_ind_from_stats

    if min(a.count, b.count) < 2:
        return math.nan
    if a.std == b.std == 0:
        return 1.0 if a.mean == b.mean else 0.0
    return float(ttest_ind_from_stats(a.mean, a.std, a.count, b.mean, b.std, b.count, equal_var=False).pvalue)


def over_seeds(values: Sequence[float]) -> Estimate:
    """Mean of one value a seed, with the 95 % interval of Student's t; the interval is nan for a single seed."""
    from scipy.stats import t

    array = np.asarray(values, np.float64)
    if len(array) < 2:
        return Estimate(float(array.mean()) if len(array) else math.nan, math.nan, math.nan, math.nan, len(array))
    mean, std = float(array.mean()), float(array.std(ddof=1))
    half = float(t.ppf(0.975, len(array) - 1)) * std / math.sqrt(len(array))
    return Estimate(mean, mean - half, mean + half, std, len(array))


@dataclass(frozen=True)
class Paired:
    """A difference within seeds: its mean and 95 % interval, p of the paired t-test, and Cohen's d_z (mean / deviation)."""

    difference: Estimate
    p: float
    effect_size: float


def paired(a: Sequence[float], b: Sequence[float]) -> Paired:
    """a − b, one value a seed in each, in the same order; p and d_z are nan for one seed or where no difference varies."""
    from scipy.stats import t

    difference = over_seeds([x - y for x, y in zip(a, b, strict=True)])
    if difference.count < 2 or difference.std <= 1e-9 * max(map(abs, (*a, *b))):  # rounding is no variation
        return Paired(difference, math.nan, math.nan)
    effect = difference.mean / difference.std
    statistic = effect * math.sqrt(difference.count)
    return Paired(difference, float(2 * t.sf(abs(statistic), difference.count - 1)), effect)


def verdict(difference: Estimate, margin: float) -> str:
    """What an interval says of a difference that matters only beyond ± margin.

    `lower` or `higher`: all of the interval is beyond the margin. `equal`: all of it within. `lower, perhaps by less` or
    `higher, …`: on one side of 0 but across the margin. `undecided`: anything else, and always for one seed.
    """
    low, high = difference.low, difference.high
    if math.isnan(low):
        return "undecided"
    if -margin <= low and high <= margin:
        return "equal"
    if high < 0:
        return "lower" if high <= -margin else "lower, perhaps by less"
    if low > 0:
        return "higher" if low >= margin else "higher, perhaps by less"
    return "undecided"


def share(hits: int, count: int) -> Estimate:
    """hits / count with Wilson's 95 % interval (1927), which holds for few hits and for few misses too; nan for no count."""
    from scipy.stats import binomtest

    if not count:
        return Estimate(math.nan, math.nan, math.nan, math.nan, 0)
    interval = binomtest(hits, count).proportion_ci(0.95, method="wilson")
    mean = hits / count
    return Estimate(mean, float(interval.low), float(interval.high), math.sqrt(mean * (1.0 - mean)), count)


def fisher(a: Estimate, b: Estimate) -> float:
    """p of Fisher's exact two-sided test between two shares (Fisher 1922); nan where one is a share of nothing."""
    from scipy.stats import fisher_exact

    if not (a.count and b.count):
        return math.nan
    hits = [round(estimate.mean * estimate.count) for estimate in (a, b)]
    return float(fisher_exact([[hits[0], a.count - hits[0]], [hits[1], b.count - hits[1]]]).pvalue)


# As tables show them.


def shown_p(p: float) -> str:
    """`< 1e-6` as in the paper, two digits above."""
    return "" if math.isnan(p) else "< 1e-6" if p < 1e-6 else f"{p:.2g}"


def signed(estimate: Estimate) -> str:
    """`+0.012 [-0.003, +0.027]`."""
    interval = "" if math.isnan(estimate.low) else f" [{estimate.low:+.3f}, {estimate.high:+.3f}]"
    return f"{estimate.mean:+.3f}{interval}"


def shown_share(share: Estimate) -> str:
    """`12.5% [10.6%, 14.7%]`; nothing for a share of nothing."""
    return "" if math.isnan(share.mean) else f"{share.mean:.1%} [{share.low:.1%}, {share.high:.1%}]"
