"""Variety of samples: shares and counts worked out by hand, and against literal loops."""

import itertools
import math
import statistics
from collections import Counter

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import reference
from sampled import examples
from seqgan_cli.evaluation.metrics.diversity import (
    collapse_threshold,
    distinct_n,
    distinct_share,
    expected_distinct,
    longest_copied_run,
    token_types,
    train_overlap,
)
from seqgan_cli.evaluation.statistics import fisher, share


def rows(*sequences: list[int]) -> np.ndarray:
    return np.array(sequences, np.int32)


EMPTY = np.zeros((0, 3), np.int32)


@pytest.mark.parametrize(
    ("tokens", "share"),
    [
        (rows([1, 2, 3], [1, 2, 3], [1, 2, 3], [1, 2, 3]), 0.25),  # all equal
        (rows([1, 2, 3], [1, 3, 2], [3, 2, 1], [0, 0, 0]), 1.0),  # all distinct, though two hold the same tokens
        (rows([1, 2, 3], [4, 5, 6], [1, 2, 3], [1, 2, 4]), 0.75),
        (rows([5, 5, 5]), 1.0),
        (EMPTY, 1.0),
    ],
)
def test_distinct_share(tokens: np.ndarray, share: float) -> None:
    assert distinct_share(tokens) == share


def test_distinct_share_tells_rows_apart_by_every_byte() -> None:
    """Ids that differ in a high or a low byte only, at the first or the last position."""
    assert distinct_share(rows([0, 1], [0, 257], [0, 65537], [1, 0], [256, 0], [0, 0])) == 1.0


def test_distinct_share_takes_other_integer_types_and_strided_tables() -> None:
    wide = np.array([[1, 9, 2], [1, 8, 2], [3, 9, 2]], np.int64)
    assert distinct_share(wide[:, ::2]) == pytest.approx(2 / 3)


def test_token_types_counts_ids_where_the_mask_is_set() -> None:
    """Ids 3, 4 and 5 stand where the mask is set; 6 and 0 only where it is not."""
    tokens = rows([3, 4, 0], [4, 5, 6])
    mask = np.array([[True, True, False], [True, True, False]])
    assert token_types(tokens, mask) == 3
    assert token_types(tokens, np.ones((2, 3), bool)) == 5


def test_token_types_of_nothing_is_zero() -> None:
    assert token_types(EMPTY, np.zeros((0, 3), bool)) == 0
    assert token_types(rows([3, 4, 5]), np.zeros((1, 3), bool)) == 0


def test_copied_share_counts_samples_that_stand_in_the_training_set() -> None:
    """The first and the third do; a copy that is drawn twice counts twice; one that is only alike does not."""
    training = rows([1, 2, 3], [7, 8, 9], [1, 2, 3])
    assert train_overlap(rows([1, 2, 3], [1, 2, 4], [1, 2, 3], [3, 2, 1]), training) == 0.5


@pytest.mark.parametrize(
    ("tokens", "training", "share"),
    [
        (rows([1, 2, 3], [4, 5, 6]), rows([4, 5, 6], [1, 2, 3]), 1.0),
        (rows([1, 2, 3], [4, 5, 6]), rows([1, 2, 0]), 0.0),
        (EMPTY, rows([1, 2, 3]), 0.0),
        (rows([1, 2, 3]), EMPTY, 0.0),
    ],
)
def test_copied_share_of_all_none_and_empty_tables(tokens: np.ndarray, training: np.ndarray, share: float) -> None:
    assert train_overlap(tokens, training) == share


# n-grams and copied runs.

SEQUENCES = st.lists(st.lists(st.integers(-1, 3), max_size=6), min_size=1, max_size=6)


def table(sequences: list[list[int]], width: int = 6, junk: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Sequences as a table with `junk` past their ends, and their lengths."""
    found = np.full((len(sequences), width), junk, np.int32)
    for row, sequence in zip(found, sequences, strict=True):
        row[: len(sequence)] = sequence
    return found, np.array(list(map(len, sequences)), np.int32)


@settings(deadline=None)
@given(SEQUENCES, st.integers(1, 7), st.integers(0, 3))
def test_distinct_n_equals_the_literal_count(sequences: list[list[int]], n: int, junk: int) -> None:
    assert distinct_n(*table(sequences, junk=junk), n) == pytest.approx(reference.distinct_n(sequences, n), nan_ok=True)


def test_distinct_n_by_hand() -> None:
    """`1 2 1 2` and `1 2`: tokens 1 and 2 among six; 12 and 21 among four pairs."""
    tokens, lengths = table([[1, 2, 1, 2], [1, 2]])
    assert distinct_n(tokens, lengths, 1) == pytest.approx(2 / 6)
    assert distinct_n(tokens, lengths, 2) == pytest.approx(2 / 4)
    assert math.isnan(distinct_n(tokens, lengths, 5))


@settings(deadline=None)
@given(SEQUENCES, SEQUENCES, st.integers(0, 3), st.integers(0, 3))
def test_longest_copied_run_equals_the_literal_search(
    sequences: list[list[int]], training: list[list[int]], junk: int, other_junk: int
) -> None:
    found = longest_copied_run(*table(sequences, junk=junk), *table(training, 8, other_junk))
    assert found.tolist() == [reference.longest_copied_run(sequence, training) for sequence in sequences]


def test_longest_copied_run_of_long_sequences_and_large_ids() -> None:
    """Copied pieces in random sequences over as many ids as a large vocabulary has."""
    draw = np.random.default_rng(0)
    training, tokens = draw.integers(0, 60_000, (40, 30)), draw.integers(0, 60_000, (25, 32))
    pieces = draw.integers(0, 31, 25)
    for row, piece in zip(tokens, pieces, strict=True):
        start, source = draw.integers(0, 33 - piece), draw.integers(0, 31 - piece)
        row[start : start + piece] = training[draw.integers(40), source : source + piece]
    found = longest_copied_run(tokens, np.full(25, 32), training, np.full(40, 30))
    assert found.tolist() == [reference.longest_copied_run(row, training.tolist()) for row in tokens.tolist()]
    assert (found >= pieces).all()


def test_a_run_does_not_go_on_from_one_training_sequence_into_the_next() -> None:
    tokens, lengths = table([[1, 2, 3, 4]])
    assert longest_copied_run(tokens, lengths, *table([[1, 2], [3, 4]])).tolist() == [2]
    assert longest_copied_run(tokens, lengths, *table([[1, 2, 3], [2, 3, 4]])).tolist() == [3]


def test_an_id_that_only_training_has_is_mistaken_for_no_other() -> None:
    """`0 3` of training is no `1 1`, though 3 = 2 + 1 and the samples have two ids."""
    tokens, lengths = table([[0, 1, 1]], width=3)
    assert longest_copied_run(tokens, lengths, *table([[0, 3], [1]])).tolist() == [1]


def test_longest_copied_run_of_empty_tables() -> None:
    none = np.zeros(0, np.int64)
    assert longest_copied_run(EMPTY, none, *table([[1]])).tolist() == []
    assert longest_copied_run(*table([[1, 2], []]), EMPTY, none).tolist() == [0, 0]


# What as many draws have.


def literal_draws(sequences: list[tuple[int, ...]], num: int) -> list[tuple[float, float]]:
    """Mean numbers of different sequences and tokens, and of those in one draw alone, over all ways of drawing `num`."""
    ways = list(itertools.product(sequences, repeat=num))
    found = []
    for things in ([[{sequence} for sequence in way] for way in ways], [[{*sequence} for sequence in way] for way in ways]):
        counts = [Counter(thing for one in way for thing in one) for way in things]
        found.append((statistics.fmean(map(len, counts)), statistics.fmean([*c.values()].count(1) for c in counts)))
    return found


@settings(deadline=None, max_examples=examples(60))
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=5), st.integers(1, 4))
def test_what_draws_have_equals_the_mean_over_all_ways_of_drawing(sequences: list[tuple[int, ...]], num: int) -> None:
    table = np.array(sequences, np.int32)
    draws = expected_distinct(table, np.ones_like(table, bool), num)
    for found, expected in zip(draws, literal_draws(sequences, num), strict=True):
        assert (found.number, found.once) == pytest.approx(expected)


def test_what_is_masked_is_no_type() -> None:
    table = rows([1, 2, 0], [1, 3, 0])
    assert [found.number for found in expected_distinct(table, table > 1, 1)] == pytest.approx([1.0, 1.0])
    assert [found.number for found in expected_distinct(table, table > 1, 10_000)] == pytest.approx([2.0, 2.0])


@settings(deadline=None, max_examples=examples(150))
@given(
    seed=st.integers(0, 10**6),
    kinds=st.integers(1, 300),
    skew=st.floats(0.0, 4.0),
    size=st.integers(1, 1000),
    num=st.integers(1, 3000),
)
@example(seed=0, kinds=180, skew=0.0, size=162, num=2000)
@example(seed=0, kinds=3, skew=0.0, size=3, num=3)
@example(seed=0, kinds=300, skew=4.0, size=1000, num=100)
def test_draws_from_the_data_never_repeat_themselves_more_than_draws(
    seed: int, kinds: int, skew: float, size: int, num: int
) -> None:
    """Whatever the data: all alike, all different, a few common ones and many rare; fewer or more than there are samples."""
    draw = np.random.default_rng(seed)
    shares = draw.random(kinds) ** skew
    known = draw.integers(0, 50, (kinds, 4)).astype(np.int32)
    data = known[draw.choice(kinds, size, p=shares / shares.sum())]
    distinct, types = expected_distinct(data, np.ones_like(data, bool), num)
    for _ in range(20):
        samples = data[draw.integers(0, size, num)]
        assert distinct_share(samples) * num >= collapse_threshold(distinct.number, num, 1, distinct.once)
        assert distinct_share(samples) * num >= collapse_threshold(distinct.number, num)
        assert token_types(samples, np.ones_like(samples, bool)) >= collapse_threshold(types.number, num, 4, types.once)


@pytest.mark.parametrize(("lines", "num"), [(3, 3), (10, 5), (30, 6)])
def test_what_comes_by_chance_is_no_collapse(lines: int, num: int) -> None:
    """Few draws have less than half of what is expected now and then: of three lines the same one three times, once in nine."""
    data = np.arange(lines, dtype=np.int32)[:, None]
    distinct, types = expected_distinct(data, np.ones_like(data, bool), num)
    draws = np.random.default_rng(0).integers(0, lines, (20_000, num))
    fewest = min(len(np.unique(row)) for row in draws)
    assert fewest < 0.5 * distinct.number, "half is too much to ask"
    for each in (distinct, types):
        assert collapse_threshold(each.number, num, 1, each.once) <= fewest


@settings(deadline=None, max_examples=examples(50))
@given(seed=st.integers(0, 10**6), size=st.integers(50, 1000), num=st.integers(300, 3000))
def test_a_generator_that_says_a_tenth_of_the_data_does(seed: int, size: int, num: int) -> None:
    """Different lines, of which it knows one in ten."""
    data = np.arange(size, dtype=np.int32)[:, None]
    distinct, _ = expected_distinct(data, np.ones_like(data, bool), num)
    samples = data[np.random.default_rng(seed).integers(0, size // 10, num)]
    assert distinct_share(samples) * num < collapse_threshold(distinct.number, num)


def test_half_of_few_types_are_too_few_where_samples_are_many() -> None:
    """Windows of 32 pitches, 40 kinds in all, each in many windows: a generator of ten pitches has lost most of them."""
    data = np.random.default_rng(0).integers(0, 40, (500, 32))
    _, types = expected_distinct(data, np.ones_like(data, bool), 1000)
    assert collapse_threshold(types.number, 1000, 32, types.once) == pytest.approx(20.0)


# Shares.


@settings(deadline=None)
@given(st.integers(1, 2000), st.data())
def test_share_has_wilsons_interval(count: int, data: st.DataObject) -> None:
    hits = data.draw(st.integers(0, count))
    found, p, z = share(hits, count), hits / count, 1.959963984540054
    middle, half = p + z**2 / (2 * count), z * math.sqrt(p * (1 - p) / count + z**2 / (4 * count**2))
    assert found.mean == p
    assert found.low == pytest.approx(max(0.0, (middle - half) / (1 + z**2 / count)), abs=1e-9)
    assert found.high == pytest.approx(min(1.0, (middle + half) / (1 + z**2 / count)), abs=1e-9)
    assert found.count == count


def test_share_of_nothing() -> None:
    assert math.isnan(share(0, 0).mean)
    assert math.isnan(fisher(share(0, 0), share(1, 2)))


@pytest.mark.parametrize(("a", "b"), [((3, 10), (8, 11)), ((0, 5), (4, 6)), ((7, 7), (7, 9)), ((2, 8), (2, 8))])
def test_fisher_sums_the_tables_that_are_no_likelier(a: tuple[int, int], b: tuple[int, int]) -> None:
    """Given the margins, a table's probability is hypergeometric."""
    hits, total = a[0] + b[0], a[1] + b[1]

    def probability(k: int) -> float:
        return math.comb(a[1], k) * math.comb(b[1], hits - k) / math.comb(total, hits)

    possible = [probability(k) for k in range(min(hits, a[1]) + 1) if hits - k <= b[1]]
    expected = sum(p for p in possible if p <= probability(a[0]) * (1 + 1e-7))
    assert fisher(share(*a), share(*b)) == pytest.approx(expected)
