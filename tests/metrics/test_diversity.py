"""Variety of samples: shares and counts worked out by hand."""

import numpy as np
import pytest

from seqgan_cli.metrics.diversity import copied_share, distinct_share, token_types


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
    assert copied_share(rows([1, 2, 3], [1, 2, 4], [1, 2, 3], [3, 2, 1]), training) == 0.5


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
    assert copied_share(tokens, training) == share
