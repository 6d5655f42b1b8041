"""What is noticed to go wrong: a share of different samples that falls, by hand and where nothing but chance moves it."""

import numpy as np
import pytest

from seqgan_cli.randomness import rng
from seqgan_cli.training.troubles import falling

START = {"distinct_share": 0.95}


@pytest.mark.parametrize(
    "shares",
    [
        [0.95, 0.90, 0.80, 0.60],
        [0.95, 0.949, 0.948, 0.80],
        [None, 0.95, 0.90, 0.80, 0.60],
        [0.10, 0.95, 0.90, 0.80, 0.60],  # only the last steps count
        [0.95, 0.5, 0.3, 0.0],
        # √(0.9 · 0.1 / 1000) = 0.009487, six of which are 0.0569
        [0.9570, 0.9569, 0.95, 0.9],
        # near 1 a fiftieth is asked for: √(0.999 · 0.001 / 10000) is nothing
        [0.1201, 0.11, 0.105, 0.0],
    ],
)
def test_a_share_that_falls_is_told_with_what_to_do(shares: list[float | None]) -> None:
    told = falling(shares, START, 1000)
    first, last = [share for share in shares if share is not None][-4], shares[-1]
    assert told == {
        "falling": (
            f"samples repeat more and more: distinct_share fell from {first:.3f} to {last:.3f} in 3 steps. If that goes on the "
            "generator collapses: consider adversarial.kl-target, adversarial.keep-coverage or a smaller step size."
        )
    }


@pytest.mark.parametrize(
    "shares",
    [
        [],
        [0.95, 0.5, 0.1],  # not for long enough
        [None, 0.95, 0.5, 0.1],
        [0.95, 0.8, None, 0.1],
        [0.95, 0.5, 0.5, 0.1],  # a step that is none
        [0.95, 0.5, 0.51, 0.1],
        [0.5, 0.6, 0.7, 0.8],
        [0.9568, 0.9567, 0.95, 0.9],  # within six standard deviations
        [0.0199, 0.01, 0.005, 0.0],  # less than a fiftieth
        [1.0, 0.99, 0.98, 0.95],  # to what is expected
    ],
)
def test_a_share_that_varies_or_has_not_fallen_for_long_is_not(shares: list[float | None]) -> None:
    assert falling(shares, START, 1000) == {}


def test_what_falls_to_what_the_data_have_is_learning() -> None:
    """The first epochs of a generator of 32 lines that are to be learnt by heart."""
    assert falling([0.9, 0.7, 0.4, 0.1], {"distinct_share": 0.03}, 1000) == {}
    assert falling([0.9, 0.7, 0.4, 0.02], {"distinct_share": 0.03}, 1000)
    assert falling([0.9, 0.7, 0.4, 0.1], {}, 1000)  # where nothing is known of what to expect


@pytest.mark.parametrize("num", [100, 1000, 10_000])
@pytest.mark.parametrize("share", [0.5, 0.9, 0.95])
def test_chance_alone_gives_no_alarm(share: float, num: int) -> None:
    """In 10,000 series of 4 rounds of binomial shares without a trend, and in 500 trainings of 200 rounds at most in 1 %.

    Four equal shares fall in one of 24 orders; that the first and the last are 6 standard deviations apart too is rare.
    """
    draw = rng(num, "shares", str(share))
    short = draw.binomial(num, share, (10_000, 4)) / num
    assert sum(bool(falling(series.tolist(), {}, num)) for series in short) <= 1
    long = draw.binomial(num, share, (500, 201)) / num
    falls = (np.diff(long, axis=1) < 0).astype(int)
    candidates = falls[:, :-2] & falls[:, 1:-1] & falls[:, 2:]
    alarms = sum(
        any(falling(series[i : i + 4].tolist(), {}, num) for i in np.nonzero(places)[0])
        for series, places in zip(long, candidates, strict=True)
    )
    assert alarms <= 5


def test_a_collapse_like_one_that_was_seen_is_told_rounds_before_half_is_lost() -> None:
    """95 % of samples distinct after 40 steps, 26 % after 90: of rounds of 10 steps, evenly."""
    shares = [0.95, 0.812, 0.674, 0.536, 0.398, 0.26]
    first = next(i for i in range(len(shares)) if falling(shares[: i + 1], {"distinct_share": 0.99}, 1000))
    assert first == 3
    assert shares[first] > 0.5
