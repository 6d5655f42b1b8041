"""Tests and intervals against SciPy's, what a verdict says at every boundary, and coverage by simulation."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
from scipy import stats

from seqgan_cli.evaluation.metrics.likelihood import Estimate, per_token
from seqgan_cli.evaluation.statistics import over_seeds, paired, verdict, welch

LENGTH = 20


def of(means: Sequence[float] | np.ndarray) -> Estimate:
    """The estimate of sequences of one length with these means per token."""
    return per_token(LENGTH * np.asarray(means), np.full(len(means), LENGTH))


def between(low: float, high: float) -> Estimate:
    return Estimate((low + high) / 2, low, high, 1.0, 5)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("first", "second"), [(2, 2), (2, 30), (7, 5), (400, 90)])
def test_welch_equals_scipy_on_the_sequences_themselves(first: int, second: int, seed: int) -> None:
    """Numbers and spreads that differ, which a test with pooled variance would not give the same p for."""
    draws = np.random.default_rng(seed)
    a, b = draws.normal(9.0, 1.0, first), draws.normal(9.3, 0.2 + 3.0 * draws.random(), second)
    expected = stats.ttest_ind(a, b, equal_var=False).pvalue
    assert welch(of(a), of(b)) == pytest.approx(expected, rel=1e-6)
    assert welch(of(b), of(a)) == pytest.approx(expected, rel=1e-6)


def test_welch_holds_its_level_when_nothing_differs() -> None:
    """p is uniform: 5 in 100 below 0.05, though the spreads are not alike."""
    draws = np.random.default_rng(3)
    trials = 1000
    below = sum(welch(of(draws.normal(0.0, 1.0, 40)), of(draws.normal(0.0, 3.0, 15))) < 0.05 for _ in range(trials))
    assert 0.03 < below / trials < 0.07


def test_welch_of_the_same_sequences_is_one() -> None:
    estimate = of([1.0, 2.0, 4.0])
    assert welch(estimate, estimate) == pytest.approx(1.0)


@pytest.mark.parametrize("few", [[], [1.0]])
def test_welch_says_nothing_where_one_has_under_two_sequences(few: list[float]) -> None:
    many = of([1.0, 2.0, 4.0])
    assert math.isnan(welch(of(few), many))
    assert math.isnan(welch(many, of(few)))
    assert math.isnan(welch(of(few), of(few)))


def test_welch_of_sequences_that_do_not_vary() -> None:
    """Two constants differ or do not; beside one, the other's spread decides."""
    same, other, spread = of([2.0, 2.0]), of([3.0, 3.0]), of([2.0, 2.5, 3.5])
    assert welch(same, same) == 1.0
    assert welch(same, other) == 0.0
    assert welch(same, spread) == pytest.approx(stats.ttest_1samp([2.0, 2.5, 3.5], 2.0).pvalue)


def test_welch_of_sequences_without_a_token_is_nan() -> None:
    empty = per_token(np.zeros(3), np.zeros(3, np.int32))
    assert math.isnan(welch(empty, of([1.0, 2.0])))


@pytest.mark.parametrize("count", [2, 3, 5, 12])
def test_the_interval_over_seeds_is_students(count: int) -> None:
    values = np.random.default_rng(count).normal(9.0, 0.3, count)
    estimate = over_seeds(values.tolist())
    expected = stats.t.interval(0.95, count - 1, loc=values.mean(), scale=stats.sem(values))
    assert (estimate.low, estimate.high) == pytest.approx(expected, rel=1e-12)
    assert estimate.mean == pytest.approx(values.mean(), rel=1e-12)
    assert estimate.std == pytest.approx(values.std(ddof=1), rel=1e-12)
    assert estimate.count == count


def test_two_seeds_by_hand() -> None:
    """1 and 3: mean 2, deviation √2, error 1, and t of one degree of freedom is 12.706."""
    estimate = over_seeds([1.0, 3.0])
    assert (estimate.mean, estimate.std) == pytest.approx((2.0, math.sqrt(2)))
    assert (estimate.low, estimate.high) == pytest.approx((2 - 12.7062, 2 + 12.7062), abs=1e-4)


@pytest.mark.parametrize(("values", "mean"), [([7.5], 7.5), ([], math.nan)])
def test_a_single_seed_has_a_mean_and_no_interval(values: list[float], mean: float) -> None:
    estimate = over_seeds(values)
    assert estimate.mean == pytest.approx(mean, nan_ok=True)
    assert all(math.isnan(value) for value in (estimate.low, estimate.high, estimate.std))
    assert estimate.count == len(values)


def test_the_interval_holds_the_truth_in_about_95_of_100_draws_of_five_seeds() -> None:
    """1.96 in the place of Student's t would hold it in 88."""
    draws = np.random.default_rng(11)
    trials = 2000
    estimates = [over_seeds(draws.normal(9.0, 0.3, 5).tolist()) for _ in range(trials)]
    held = sum(estimate.low <= 9.0 <= estimate.high for estimate in estimates)
    assert 0.935 < held / trials < 0.965


@pytest.mark.parametrize("count", [2, 3, 5, 12])
def test_paired_equals_scipys_test_within_seeds(count: int) -> None:
    """The seeds' own spread is ten times that of the difference: unpaired, the test would see nothing."""
    draws = np.random.default_rng(count)
    b = draws.normal(9.0, 1.0, count)
    a = b + draws.normal(-0.15, 0.1, count)
    found, expected = paired(a.tolist(), b.tolist()), stats.ttest_rel(a, b)
    interval = expected.confidence_interval(0.95)
    assert found.p == pytest.approx(expected.pvalue, rel=1e-9)
    assert (found.difference.low, found.difference.high) == pytest.approx((interval.low, interval.high), rel=1e-9)
    assert found.difference.mean == pytest.approx((a - b).mean(), rel=1e-9)
    assert found.effect_size == pytest.approx((a - b).mean() / (a - b).std(ddof=1), rel=1e-9)
    assert found.effect_size * math.sqrt(count) == pytest.approx(expected.statistic, rel=1e-9)


def test_the_other_way_round_only_the_sign_changes() -> None:
    a, b = [1.0, 2.0, 4.0], [0.5, 2.5, 1.0]
    one, other = paired(a, b), paired(b, a)
    assert one.p == other.p
    assert one.effect_size == -other.effect_size
    assert one.difference.mean == -other.difference.mean == 1.0
    assert (one.difference.low, one.difference.high) == (-other.difference.high, -other.difference.low)


def test_one_seed_or_differences_that_do_not_vary_have_no_test() -> None:
    single = paired([2.0], [3.0])
    assert single.difference.mean == -1.0
    assert all(math.isnan(value) for value in (single.p, single.effect_size, single.difference.low))
    constant = paired([2.0, 3.0, 5.0], [1.0, 2.0, 4.0])
    assert constant.difference.mean == constant.difference.low == constant.difference.high == 1.0
    assert math.isnan(constant.p)
    assert math.isnan(constant.effect_size)


def test_seeds_without_a_partner_are_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        paired([1.0, 2.0], [1.0])


@pytest.mark.parametrize(
    ("low", "high", "answer"),
    [
        (-0.9, -0.5, "lower"),
        (-0.9, -0.2, "lower"),  # ends on the margin
        (-0.9, -0.19, "lower, perhaps by less"),
        (-0.21, -0.01, "lower, perhaps by less"),
        (-0.2, -0.01, "equal"),  # begins on the margin: a difference, but none that matters
        (-0.21, 0.0, "undecided"),  # touches 0
        (-0.2, 0.2, "equal"),
        (-0.1, 0.1, "equal"),
        (0.0, 0.0, "equal"),
        (-0.2, 0.21, "undecided"),
        (-0.21, 0.2, "undecided"),
        (-0.9, 0.9, "undecided"),
        (0.0, 0.21, "undecided"),
        (0.01, 0.2, "equal"),
        (0.01, 0.21, "higher, perhaps by less"),
        (0.19, 0.9, "higher, perhaps by less"),
        (0.2, 0.9, "higher"),
        (0.5, 0.9, "higher"),
    ],
)
def test_every_verdict_and_its_boundaries(low: float, high: float, answer: str) -> None:
    assert verdict(between(low, high), 0.2) == answer


def test_without_a_margin_only_the_sign_counts() -> None:
    assert verdict(between(-0.2, -0.1), 0.0) == "lower"
    assert verdict(between(0.1, 0.2), 0.0) == "higher"
    assert verdict(between(-0.1, 0.2), 0.0) == "undecided"


def test_one_seed_decides_nothing() -> None:
    assert verdict(paired([1.0], [9.0]).difference, 0.1) == "undecided"
    assert verdict(over_seeds([0.0]), 0.1) == "undecided"
