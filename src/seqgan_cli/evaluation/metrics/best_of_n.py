"""Best of n: the sequence of the highest reward among n samples, which has a density like any other way of sampling."""

from __future__ import annotations

from seqgan_cli.lazy import np


def choose(rewards: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """The place of the best of each n in turn: int64 `[N // n]` for rewards float `[N]`; ties are drawn."""
    groups = np.asarray(rewards, np.float64)[: len(rewards) // n * n].reshape(-1, n)
    draws = np.where(groups == groups.max(axis=1, keepdims=True), rng.random(groups.shape), -1.0)
    return np.arange(len(groups)) * n + draws.argmax(axis=1)


def log_density_ratio(rewards: np.ndarray, drawn: np.ndarray, n: int) -> np.ndarray:
    """log(p_n / G) of sequences with these rewards: float64 `[m]`, −inf for what is never the best of n.

        p_n(y) = G(y) · ((a + b)^n − a^n) / b,   a = P(R < r(y)),  b = P(R = r(y))

    since a draw of that reward is chosen if none of n is better, and each of those that tie is as likely. Where no draw ties
    (b = 0) this is n·a^(n−1). P is over `drawn`, the rewards float `[N]` of samples of G: with few of them the tail of a^n is
    coarse, so N is to be many times n.
    """
    ordered = np.sort(np.asarray(drawn, np.float64))
    below = np.searchsorted(ordered, rewards, side="left") / len(ordered)
    equal = np.searchsorted(ordered, rewards, side="right") / len(ordered) - below
    with np.errstate(divide="ignore", invalid="ignore"):
        ties = np.log(((below + equal) ** n - below**n) / equal)
        alone = np.log(float(n)) + (n - 1) * np.log(below) if n > 1 else np.zeros(len(below))
    return np.where(equal > 0.0, ties, alone)
