"""How much of the data's variety samples have: the coverage figures that stand beside every quality figure.

Sequences are rows of an int32 table `[n, T]`, padded alike, so equal rows are equal sequences.
"""

import numpy as np


def _as_single_values(tokens: np.ndarray) -> np.ndarray:
    """One opaque value a row, which sorts and compares as fast as a number."""
    tokens = np.ascontiguousarray(tokens, np.int32)
    return tokens.view(np.dtype((np.void, tokens.shape[1] * tokens.itemsize)))[:, 0]


def distinct_share(tokens: np.ndarray) -> float:
    """Number of different sequences over the number of sequences; 1 for none."""
    return len(np.unique(_as_single_values(tokens))) / len(tokens) if len(tokens) else 1.0


def token_types(tokens: np.ndarray, mask: np.ndarray) -> int:
    """Number of different token ids where the mask bool `[n, T]` is set."""
    return len(np.unique(tokens[mask]))


def copied_share(tokens: np.ndarray, training: np.ndarray) -> float:
    """Share of the sequences that stand in the training set as they are; 0 for none."""
    if not len(tokens):
        return 0.0
    return float(np.isin(_as_single_values(tokens), _as_single_values(training)).mean())
