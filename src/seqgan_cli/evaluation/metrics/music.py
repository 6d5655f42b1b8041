"""How far sampled music is from held-out music, in pitches.

The paper reports an MSE for music and does not say of what. These are two that can be said exactly, by names of their own:
neither is the paper's number. Music is rows of pitch ids int `[n, T]`, windows of equal steps in time: 1 … 88 are the keys of
a piano, a semitone apart, and 0 is a rest, where the data keep rests (`data.rests` is `token`; with `hold` there are none).
Ids are compared as they are, so a rest is as far from a key as the key's number: next to the lowest, far from the highest.

Two sets drawn from one source differ too, the more the smaller they are. Read both beside training against held-out windows.
"""

from __future__ import annotations

import math

from seqgan_cli.evaluation.metrics.likelihood import Estimate
from seqgan_cli.lazy import np

PITCHES = 89  # ids
BLOCK = 1 << 22  # distances held at a time: 32 MB


def nearest_window_mse(samples: np.ndarray, heldout: np.ndarray) -> np.ndarray:
    """For each sampled window the mean squared pitch difference to the held-out window nearest to it, in semitones².

        d_i = min_j 1/T Σ_t (x_it − y_jt)²

    It asks whether each sample is like something that was held out; one good window repeated has a fine mean.

    Args:
        samples, heldout: int `[N, T]` and `[M, T]`, M ≥ 1.

    Returns:
        float64 `[N]`.
    """
    x, y = np.asarray(samples, np.float64), np.asarray(heldout, np.float64)  # which holds these sums of squares exactly
    y_squares = (y**2).sum(axis=1)
    nearest = np.full(len(x), np.inf)
    width = min(len(y), BLOCK)
    height = max(1, BLOCK // width)
    for i in range(0, len(x), height):
        for j in range(0, len(y), width):
            apart = y_squares[None, j : j + width] - 2.0 * (x[i : i + height] @ y[j : j + width].T)
            nearest[i : i + height] = np.minimum(nearest[i : i + height], apart.min(axis=1))
    return (nearest + (x**2).sum(axis=1)) / x.shape[1]


def _shares(windows: np.ndarray) -> np.ndarray:
    """Share of each id among all, in percentage points, float64 `[PITCHES]`."""
    return 100.0 * np.bincount(np.ravel(windows), minlength=PITCHES) / np.size(windows)


def pitch_histogram_mse(samples: np.ndarray, heldout: np.ndarray) -> Estimate:
    """Mean squared difference between the two pitch histograms, in (percentage points)².

        1/89 Σ_k (s_k − h_k)²,  s_k, h_k: how many of 100 pitches are k, k = 0 … 88

    It asks whether the samples use the pitches as often as the held-out windows do, in whatever order.

    Args:
        samples, heldout: int `[N, T]` and `[M, T]`, both not empty.

    Returns:
        The figure, with ±1.96 standard errors over sampled windows, which are drawn independently; the held-out ones are
        taken as given. The error is that of the figure linearised in each window's own histogram (the delta method), so it
        is too narrow where the histograms are equal but for chance. nan without an interval for one window.
    """
    difference = _shares(samples) - _shares(heldout)
    mse, count = float((difference**2).mean()), len(samples)
    if count < 2:
        return Estimate(mse, math.nan, math.nan, math.nan, count)
    slopes = 2.0 / PITCHES * 100.0 * difference[samples].mean(axis=1)
    std = float(slopes.std(ddof=1))
    half = 1.96 * std / math.sqrt(count)
    return Estimate(mse, mse - half, mse + half, std, count)
