"""The Fréchet distance between two sets of sentences, each sentence the mean of its tokens' vectors.

Figures of one set of vectors compare, those of different ones do not.
"""

import codecs
import math
import re
from collections.abc import Set
from pathlib import Path
from typing import BinaryIO

import numpy as np

from seqgan_cli.arrays import read_arrays
from seqgan_cli.errors import SeqganError

LONGEST_LINE = 1 << 20  # bytes; a line of word2vec's text format has a few thousand


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


def read_embeddings(path: Path, wanted: Set[str]) -> tuple[list[str], np.ndarray]:
    """Vectors of the wanted tokens: those that the file has, in its order, and float64 `[n, D]`; the first of two alike counts.

    Args:
        path: word2vec's text format in UTF-8, a token and D numbers a line with single spaces between, with or without a first
            line that says how many lines and D; or `.npz` with `tokens` (text `[N]`) and `vectors` (numbers `[N, D]`). A text
            file is read a line at a time, and only as far as it holds wanted tokens.
        wanted: what to look for.

    Raises:
        SeqganError: it cannot be read or is not of its format, naming the line.
    """
    try:
        if path.suffix.lower() == ".npz":
            return _from_npz(path, wanted)
        with path.open("rb") as file:
            return _from_text(path, file, wanted)
    except OSError as error:
        raise SeqganError(f"Cannot read {path}: {error.strerror or error}.") from None


def _from_npz(path: Path, wanted: Set[str]) -> tuple[list[str], np.ndarray]:
    try:
        arrays = read_arrays(path)
        tokens, vectors = arrays["tokens"], arrays["vectors"]
    except (ValueError, KeyError) as error:
        raise SeqganError(f"Cannot read {path} ({error}): an .npz with the arrays `tokens` and `vectors` is needed.") from None
    if tokens.dtype.kind != "U" or vectors.dtype.kind not in "fiu" or vectors.ndim != 2 or tokens.shape != vectors.shape[:1]:
        raise SeqganError(
            f"{path}: `tokens` is to be text [N] and `vectors` numbers [N, D], "
            f"but they are {tokens.dtype} {list(tokens.shape)} and {vectors.dtype} {list(vectors.shape)}."
        )
    rows: dict[str, int] = {}
    for i, token in enumerate(tokens.tolist()):
        if token in wanted:
            rows.setdefault(token, i)
    kept = np.asarray(vectors[list(rows.values())], np.float64)
    for token, vector in zip(rows, kept, strict=True):
        if not np.isfinite(vector).all():
            raise SeqganError(f"{path}: the vector of {token!r} holds a number that is not finite.")
    return list(rows), kept


def _from_text(path: Path, file: BinaryIO, wanted: Set[str]) -> tuple[list[str], np.ndarray]:
    found: dict[str, list[float]] = {}
    told, dimension, number = None, 0, 0  # how many vectors there are, if the first line tells; D; lines read
    while len(found) < len(wanted) and (raw := file.readline(LONGEST_LINE)):
        number += 1
        where = f"{path}, line {number}"
        line = _decode(raw, where)
        if number == 1:
            if header := re.fullmatch(r"([0-9]{1,18}) ([0-9]{1,18})", line):
                told, dimension = int(header[1]), int(header[2])
                continue
            dimension = line.count(" ", 1)  # the first character is the token's, even if it is a space
        token, *numbers = line.rsplit(" ", dimension) if dimension else [line]
        # Published files have tokens with spaces in them, so only a number too many tells a line that is too long.
        if not numbers or len(numbers) < dimension or (" " in token.strip() and _is_number(token.rsplit(" ", 1)[1])):
            raise SeqganError(
                f"{where}: a token and {dimension or 'its'} numbers are needed, with single spaces between, "
                "as in word2vec's text format."
            )
        if token in wanted and token not in found:
            found[token] = _floats(numbers, where)
    if told is not None and len(found) < len(wanted) and number <= told:
        raise SeqganError(f"{path} ends after {number - 1} of the {told} vectors that its first line tells of: it is cut off.")
    if not number and wanted:
        raise SeqganError(f"{path} is empty: a token and its numbers a line are needed.")
    return list(found), np.array(list(found.values()), np.float64).reshape(len(found), dimension)


def _decode(raw: bytes, where: str) -> str:
    if len(raw) == LONGEST_LINE and not raw.endswith(b"\n"):
        raise SeqganError(f"{where}: longer than {LONGEST_LINE} bytes, so it is no line of word2vec's text format.")
    try:
        return raw.removeprefix(codecs.BOM_UTF8).decode("utf-8").rstrip(" \r\n")
    except UnicodeDecodeError as error:
        raise SeqganError(
            f"{where}: 0x{raw[error.start]:02x} is not UTF-8; word2vec's text format is needed, unpacked, not its binary one."
        ) from None


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _floats(numbers: list[str], where: str) -> list[float]:
    for text in numbers:
        if not _is_number(text) or not math.isfinite(float(text)):
            raise SeqganError(f"{where}: {text[:40]!r} is no finite number.")
    return [float(text) for text in numbers]
