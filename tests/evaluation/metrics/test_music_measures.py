"""Distances between sets of pitch windows, against literal loops and numbers worked out by hand."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import reference
from seqgan_cli.evaluation.metrics import music
from seqgan_cli.evaluation.metrics.music import nearest_window_mse, pitch_histogram_mse


def windows(least: int = 1) -> st.SearchStrategy[np.ndarray]:
    """Up to five windows of three pitches."""
    return arrays(np.int32, st.tuples(st.integers(least, 5), st.just(3)), elements=st.integers(0, 88))


@settings(deadline=None)
@given(windows(0), windows(), st.sampled_from([1, 2, 3, 7, 1 << 22]))
def test_nearest_window_mse_equals_the_literal_search(samples: np.ndarray, heldout: np.ndarray, block: int) -> None:
    """However many distances are held at a time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(music, "BLOCK", block)
        found = nearest_window_mse(samples, heldout)
    expected = [reference.nearest_window_mse(window, heldout.tolist()) for window in samples.tolist()]
    assert found.tolist() == pytest.approx(expected, abs=1e-9)


def test_nearest_window_mse_by_hand() -> None:
    """A semitone at one of four places is ¼; a window that is there is at 0; the nearest counts."""
    heldout = np.array([[40, 42, 44, 45], [60, 60, 60, 60]])
    samples = np.array([[40, 42, 44, 46], [60, 60, 60, 60], [62, 58, 60, 60]])
    assert nearest_window_mse(samples, heldout).tolist() == [0.25, 0.0, 2.0]


def test_a_rest_is_compared_as_its_id() -> None:
    assert nearest_window_mse(np.array([[0, 40]]), np.array([[2, 40]])).tolist() == [2.0]


@settings(deadline=None)
@given(windows(), windows())
def test_pitch_histogram_mse_equals_the_literal_count(samples: np.ndarray, heldout: np.ndarray) -> None:
    assert pitch_histogram_mse(samples, heldout).mean == pytest.approx(
        reference.pitch_histogram_mse(samples.tolist(), heldout.tolist()), abs=1e-9
    )


def test_pitch_histogram_mse_by_hand() -> None:
    """Half of the pitches are 40 in one set and all in the other: two ids differ by 50 points, and 87 do not."""
    found = pitch_histogram_mse(np.array([[40, 41], [41, 40]]), np.array([[40, 40]]))
    assert found.mean == pytest.approx(2 * 50.0**2 / 89)
    assert found.high == found.low == found.mean  # every window has the same histogram
    assert pitch_histogram_mse(np.array([[40, 88]]), np.array([[88, 40]])).mean == 0.0  # the order does not count


def test_pitch_histogram_interval_is_the_jackknifes() -> None:
    """The linearised error of a smooth figure, against leaving each window out in turn (Efron and Stein 1981)."""
    draw = np.random.default_rng(1)
    samples, heldout = draw.integers(30, 50, (200, 6)), draw.integers(34, 60, (50, 6))
    samples[:, 1:3] = samples[:, :1]  # pitches of a window depend on each other
    found = pitch_histogram_mse(samples, heldout)
    left_out = [pitch_histogram_mse(np.delete(samples, i, axis=0), heldout).mean for i in range(200)]
    error = math.sqrt(199 / 200 * np.square(np.array(left_out) - np.mean(left_out)).sum())
    assert (found.high - found.low) / 2 == pytest.approx(1.96 * error, rel=0.02)
    assert found.std == pytest.approx(error * math.sqrt(200), rel=0.02)
    assert found.count == 200


def test_one_window_has_no_interval() -> None:
    assert math.isnan(pitch_histogram_mse(np.array([[40, 41]]), np.array([[40, 40]])).low)
