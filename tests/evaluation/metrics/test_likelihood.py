"""Means per token and their intervals, against formulas worked out by hand and by simulation."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import t

import reference
from seqgan_cli.evaluation.metrics.likelihood import per_token


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


# Clusters.


@settings(deadline=None)
@given(
    rows=st.lists(st.tuples(st.floats(-100.0, 100.0), st.integers(0, 9), st.integers(0, 4)), min_size=2, max_size=20),
)
def test_the_error_of_clusters_equals_the_sum_over_pairs_of_one_cluster(rows: list[tuple[float, int, int]]) -> None:
    sums, lengths, clusters = map(list, zip(*rows, strict=True))
    estimate = per_token(np.array(sums), np.array(lengths), np.array(clusters))
    number = len(set(clusters))
    if not sum(lengths):
        assert math.isnan(estimate.mean)
    elif number == 1:
        assert estimate.mean == pytest.approx(sum(sums) / sum(lengths))
        assert all(math.isnan(value) for value in (estimate.low, estimate.high, estimate.std))
    else:
        error = reference.clustered_error(sums, lengths, clusters)
        assert estimate.mean == pytest.approx(sum(sums) / sum(lengths))
        assert estimate.high - estimate.mean == pytest.approx(t.ppf(0.975, number - 1) * error, rel=1e-6, abs=1e-4)
        assert (estimate.std / math.sqrt(number), estimate.count) == (pytest.approx(error, rel=1e-6, abs=1e-5), number)


def test_clusters_by_hand() -> None:
    """Sums 1, 3, 2, 6 of one token each in clusters of two: mean 3, residuals −2 + 0 and −1 + 3, error √(8 / (2·1)) / 2 = 1."""
    estimate = per_token(np.array([1.0, 3.0, 2.0, 6.0]), np.ones(4), np.array([7, 7, 4, 4]))
    assert (estimate.mean, estimate.std, estimate.count) == (3.0, pytest.approx(math.sqrt(2)), 2)
    assert estimate.high - 3.0 == pytest.approx(12.7062, rel=1e-5)  # Student's t of one degree


def test_a_cluster_each_gives_the_error_of_independent_sequences() -> None:
    draws = np.random.default_rng(3)
    sums, lengths = draws.gamma(3.0, 4.0, 12), draws.integers(1, 9, 12)
    alone, clustered = per_token(sums, lengths), per_token(sums, lengths, draws.permutation(12))
    assert (clustered.mean, clustered.std, clustered.count) == pytest.approx((alone.mean, alone.std, alone.count), rel=1e-12)


def test_repeating_every_sequence_narrows_nothing() -> None:
    """A tune's windows, each there five times, know no more than once."""
    draws = np.random.default_rng(4)
    sums, lengths, tunes = draws.gamma(3.0, 4.0, 30), draws.integers(1, 9, 30), np.arange(30) // 3
    once, often = per_token(sums, lengths, tunes), per_token(*(np.tile(a, 5) for a in (sums, lengths, tunes)))
    assert (often.mean, often.low, often.high) == pytest.approx((once.mean, once.low, once.high), rel=1e-9)
    assert per_token(np.tile(sums, 5), np.tile(lengths, 5)).high < often.high


@pytest.mark.parametrize("documents", [12, 80])
def test_intervals_over_clusters_hold_the_truth_in_about_95_of_100_draws_and_naive_ones_do_not(documents: int) -> None:
    """Windows of one document share most of what makes them hard, and documents have from one window to thirty."""
    draws, trials, held, naive = np.random.default_rng(21), 1500, 0, 0
    for _ in range(trials):
        tunes = np.repeat(np.arange(documents), draws.integers(1, 31, documents))
        hard = 2.0 + draws.normal(0.0, 0.5, documents)[tunes] + draws.normal(0.0, 0.3, len(tunes))
        lengths = np.full(len(tunes), 20)
        for clusters in (tunes, None):
            estimate = per_token(20 * hard, lengths, clusters)
            covers = estimate.low <= 2.0 <= estimate.high
            held, naive = held + (covers and clusters is not None), naive + (covers and clusters is None)
    assert 0.92 < held / trials < 0.97
    assert naive / trials < 0.5
