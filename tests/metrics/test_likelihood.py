"""Means per token and their intervals, against formulas worked out by hand and by simulation."""

import math

import numpy as np
import pytest

from seqgan_cli.metrics.likelihood import per_token


def test_equal_lengths_give_the_usual_interval_of_a_mean() -> None:
    """Five sequences of four tokens: the mean of their means ± 1.96·sd/√n, sd with n - 1."""
    sums = np.array([8.0, 12.0, 10.0, 16.0, 4.0])
    means = sums / 4
    half = 1.96 * means.std(ddof=1) / math.sqrt(5)
    estimate = per_token(sums, np.full(5, 4))
    assert estimate.mean == pytest.approx(2.5, rel=1e-12)
    assert estimate.low == pytest.approx(2.5 - half, rel=1e-12)
    assert estimate.high == pytest.approx(2.5 + half, rel=1e-12)


@pytest.mark.parametrize("count", [2, 3, 50])
def test_equal_lengths_give_the_deviation_of_the_sequences_own_means(count: int) -> None:
    sums = np.random.default_rng(count).gamma(3.0, 4.0, count)
    estimate = per_token(sums, np.full(count, 4))
    assert estimate.std == pytest.approx(np.std(sums / 4, ddof=1), rel=1e-12)
    assert estimate.count == count
    assert estimate.high - estimate.mean == pytest.approx(1.96 * estimate.std / math.sqrt(count), rel=1e-12)


def test_unequal_lengths_give_the_deviation_that_has_the_same_standard_error() -> None:
    """Sums 3, 5, 10 over 1, 2, 6 tokens: the error is 1/3, as below, and √3 of it the deviation."""
    estimate = per_token(np.array([3.0, 5.0, 10.0]), np.array([1, 2, 6]))
    assert estimate.std == pytest.approx(math.sqrt(3) / 3, rel=1e-12)
    assert estimate.count == 3


def test_unequal_lengths_give_the_ratio_of_totals_and_its_linearised_error() -> None:
    """Sums 3, 5, 10 over 1, 2, 6 tokens: ratio 2, residuals 1, 1, -2, mean length 3, error √(6/(3·2))/3 = 1/3."""
    estimate = per_token(np.array([3.0, 5.0, 10.0]), np.array([1, 2, 6]))
    assert estimate.mean == 2.0
    assert estimate.low == pytest.approx(2.0 - 1.96 / 3, rel=1e-12)
    assert estimate.high == pytest.approx(2.0 + 1.96 / 3, rel=1e-12)


def test_it_is_not_the_mean_of_the_sequences_means() -> None:
    assert per_token(np.array([1.0, 30.0]), np.array([1, 10])).mean == pytest.approx(31 / 11)


def test_no_spread_gives_no_width() -> None:
    estimate = per_token(np.array([2.0, 6.0, 4.0]), np.array([1, 3, 2]))
    assert (estimate.mean, estimate.low, estimate.high) == (2.0, 2.0, 2.0)
    assert (estimate.std, estimate.count) == (0.0, 3)


def test_one_sequence_gives_a_mean_without_width() -> None:
    estimate = per_token(np.array([7.0]), np.array([2]))
    assert (estimate.mean, estimate.low, estimate.high) == (3.5, 3.5, 3.5)
    assert (estimate.std, estimate.count) == (0.0, 1)


@pytest.mark.parametrize("lengths", [[], [0, 0]])
def test_no_token_at_all_gives_nan(lengths: list[int]) -> None:
    estimate = per_token(np.zeros(len(lengths)), np.array(lengths, np.int32))
    assert all(math.isnan(value) for value in (estimate.mean, estimate.low, estimate.high, estimate.std))
    assert estimate.count == len(lengths)


def test_a_sequence_without_tokens_counts_as_one_but_adds_nothing() -> None:
    """Sums 2, 0, 4 over 1, 0, 1 tokens: ratio 3, residuals -1, 0, 1, mean length 2/3, error √(2/6)/(2/3)."""
    estimate = per_token(np.array([2.0, 0.0, 4.0]), np.array([1, 0, 1]))
    assert estimate.mean == 3.0
    assert estimate.high - 3.0 == pytest.approx(1.96 * math.sqrt(1 / 3) * 1.5, rel=1e-12)


def test_scaling_the_sums_scales_the_interval() -> None:
    lengths = np.array([1, 4, 2, 7])
    sums = np.array([0.3, 2.0, 1.9, 5.5])
    one, ten = per_token(sums, lengths), per_token(10 * sums, lengths)
    assert (ten.mean, ten.low, ten.high) == pytest.approx((10 * one.mean, 10 * one.low, 10 * one.high), rel=1e-12)


def test_single_precision_sums_are_added_in_double_precision() -> None:
    """16 777 216 + 1 is lost in float32."""
    estimate = per_token(np.array([2.0**24, 1.0], np.float32), np.array([1, 1], np.int32))
    assert estimate.mean == (2**24 + 1) / 2


@pytest.mark.parametrize("unequal", [False, True])
def test_the_interval_holds_the_truth_in_about_95_of_100_draws(unequal: bool) -> None:
    """Tokens of a sequence share an offset, and longer ones have larger means: neither must narrow the interval."""
    draws = np.random.default_rng(20)
    possible = np.arange(1, 21) if unequal else np.array([10])
    truth = (possible * (1 + 0.1 * possible)).sum() / possible.sum()
    trials, held = 1500, 0
    for _ in range(trials):
        lengths = draws.choice(possible, 150)
        offsets = draws.normal(0.0, 0.5, 150)
        sums = lengths * (1 + 0.1 * lengths + offsets) + np.sqrt(lengths) * draws.normal(0.0, 1.0, 150)
        estimate = per_token(sums, lengths)
        held += estimate.low <= truth <= estimate.high
    assert 0.93 < held / trials < 0.965
