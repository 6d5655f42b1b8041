"""Best of n against enumeration: every tuple of n draws from a small distribution."""

import itertools
import math

import numpy as np
import pytest

from seqgan_cli.evaluation.metrics.best_of_n import choose, log_density_ratio


def enumerated(probabilities: list[float], rewards: list[float], n: int) -> list[float]:
    """P that each is chosen: over all n-tuples, ties shared equally among those that stand at the top."""
    chosen = [0.0] * len(rewards)
    for draws in itertools.product(range(len(rewards)), repeat=n):
        top = max(rewards[i] for i in draws)
        tied = [i for i in draws if rewards[i] == top]
        for i in tied:
            chosen[i] += math.prod(probabilities[j] for j in draws) / len(tied)
    return chosen


@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_the_density_is_that_of_every_tuple_of_draws(n: int) -> None:
    counts, rewards = [1, 3, 2, 4], [0.5, 0.0, 0.5, 1.0]  # two sequences tie
    drawn = np.repeat(rewards, counts)
    probabilities = [count / 10 for count in counts]
    expected = [chosen / p for chosen, p in zip(enumerated(probabilities, rewards, n), probabilities, strict=True)]
    assert np.exp(log_density_ratio(np.array(rewards), drawn, n)) == pytest.approx(expected, rel=1e-12)


def test_it_is_a_density() -> None:
    drawn = np.random.default_rng(0).integers(0, 5, 1000) / 4.0
    for n in (1, 2, 7, 30):
        assert np.exp(log_density_ratio(drawn, drawn, n)).mean() == pytest.approx(1.0, rel=1e-9)


def test_where_no_draw_ties_it_is_the_limit_and_what_is_below_all_draws_is_never_the_best() -> None:
    drawn = np.array([0.1, 0.2, 0.3, 0.4])
    found = log_density_ratio(np.array([0.25, 0.05, 0.9]), drawn, 3)
    assert found[0] == pytest.approx(math.log(3 * 0.5**2))
    assert found[1] == -math.inf
    assert found[2] == pytest.approx(math.log(3))
    assert log_density_ratio(np.array([0.05]), drawn, 1) == pytest.approx([0.0])  # of one draw, each is the best


def test_the_best_of_each_group_is_chosen_and_ties_are_drawn_equally() -> None:
    rng = np.random.default_rng(1)
    assert choose(np.array([0.0, 1.0, 2.0, 5.0, 4.0, 3.0, 9.0]), 3, rng).tolist() == [2, 3]
    places = choose(np.tile([1.0, 0.0, 1.0], 6000), 3, rng) % 3
    shares = np.bincount(places, minlength=3) / 6000
    assert shares[1] == 0.0
    assert abs(shares[0] - 0.5) < 4 * math.sqrt(0.25 / 6000)
