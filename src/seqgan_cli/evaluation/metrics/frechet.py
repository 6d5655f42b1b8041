"""The Fréchet distance between two sets of sentences, each sentence the mean of its tokens' vectors.

Figures of one set of vectors compare, those of different ones do not.
"""

import numpy as np


def frechet_distance(a: np.ndarray, b: np.ndarray) -> float:
    """Squared Fréchet distance between normal distributions with the means and covariances of two sets of vectors.

        |μ_a − μ_b|² + tr(C_a + C_b − 2 (C_a C_b)^½)

    (Dowson and Landau 1982; as Heusel et al. 2017 use it). With X the centred vectors over √(n − 1), C = XᵀX, and the trace of
    the root is the sum of the singular values of X_a X_bᵀ. That needs no inverse and no root of a matrix, so sets with fewer
    vectors than dimensions, whose covariances are singular, are no special case.

    Few vectors make it too large, the more the more dimensions there are (Chong and Forsyth 2020), and two sets drawn from one
    distribution are not at 0. Compare sets of equal size, and read it beside the data's own.

    Args:
        a, b: float `[n, D]` and `[m, D]`, two vectors or more in each.

    Returns:
        0 or more, in the vectors' unit squared; the same for (b, a).
    """
    from scipy.linalg import qr, svdvals

    def root(vectors: np.ndarray) -> np.ndarray:  # R `[min(n, D), D]` with RᵀR = C
        return np.asarray(qr((vectors - vectors.mean(axis=0)) / np.sqrt(len(vectors) - 1), mode="r")[0][: vectors.shape[1]])

    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if min(len(a), len(b)) < 2:
        raise ValueError("Two vectors or more are needed in each set.")
    root_a, root_b = root(a), root(b)
    apart = float(((a.mean(axis=0) - b.mean(axis=0)) ** 2).sum())
    return max(0.0, apart + float((root_a**2).sum() + (root_b**2).sum() - 2.0 * svdvals(root_a @ root_b.T).sum()))


def mean_vectors(tokens: np.ndarray, lengths: np.ndarray, vectors: np.ndarray) -> tuple[np.ndarray, float]:
    """Each sentence's vector: the mean of its tokens' vectors, without the tokens that have none.

    Args:
        tokens, lengths: int `[n, T]` and `[n]`; what stands past a row's length is ignored.
        vectors: float `[V, D]`, by token id; a row of nan for a token without a vector.

    Returns:
        float64 `[m, D]` for the m sentences with such a token, in their order; and the share of all tokens that have one.
    """
    known = ~np.isnan(vectors).any(axis=1)
    filled = np.where(known[:, None], vectors, 0.0)
    counted = known[tokens] & (np.arange(tokens.shape[1])[None, :] < np.asarray(lengths)[:, None])
    sums = np.zeros((len(tokens), vectors.shape[1]))
    for t in range(tokens.shape[1]):  # a position at a time: all at once would hold [n, T, D]
        sums += np.where(counted[:, t : t + 1], filled[tokens[:, t]], 0.0)
    number = counted.sum(axis=1)
    return sums[number > 0] / number[number > 0, None], float(counted.sum() / max(1, int(np.sum(lengths))))
