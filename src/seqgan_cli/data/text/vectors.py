"""Vectors of tokens that somebody has trained: the text format of word2vec and GloVe, or `.npz`."""

from __future__ import annotations

import codecs
import math
import re
from collections.abc import Set
from pathlib import Path
from typing import IO

from seqgan_cli.arrays import read_arrays
from seqgan_cli.data.text.opened import opened
from seqgan_cli.data.vocabulary import SPECIAL, Vocabulary
from seqgan_cli.errors import SeqganError
from seqgan_cli.lazy import np

NAMES = ("words", "tokens")  # of the array of an `.npz` that says what the vectors are of
LONGEST_LINE = 1 << 20  # bytes; a line of word2vec's text format has a few thousand


def vectors_of(path: Path, vocabulary: Vocabulary) -> tuple[np.ndarray, np.ndarray]:
    """The ordinary tokens that the file has a vector for, ids int64 `[n]` in its order, and float64 `[n, D]`.

    Raises SeqganError if it has none of them, and as `read_embeddings`.
    """
    first = len(SPECIAL) if vocabulary.has_special_tokens else 0
    ids = {token: i for i, token in enumerate(vocabulary.tokens) if i >= first}
    found, vectors = read_embeddings(path, set(ids))
    if not found:
        raise SeqganError(
            f"{path} has a vector for none of the run's {len(ids)} tokens, such as {next(iter(ids))!r}: "
            "is it of the same language, and cut into the same kind of tokens?"
        )
    return np.array([ids[token] for token in found], np.int64), vectors


def read_embeddings(path: Path, wanted: Set[str]) -> tuple[list[str], np.ndarray]:
    """Vectors of the wanted tokens: those that the file has, in its order, and float64 `[n, D]`; the first of two alike counts.

    Args:
        path: word2vec's text format in UTF-8, a token and D numbers a line with single spaces between, with or without a first
            line that says how many lines and D, compressed or not; or `.npz` with `words` or `tokens` (text `[N]`) and
            `vectors` (numbers `[N, D]`). A text file is read a line at a time, and only as far as it holds wanted tokens.
        wanted: what to look for.

    Raises:
        SeqganError: it cannot be read or is not of its format, naming the line.
    """
    try:
        if path.suffix.lower() == ".npz":
            return _from_npz(path, wanted)
        with opened(path) as file:
            return _from_text(path, file, wanted)
    except OSError as error:
        raise SeqganError(f"Cannot read {path}: {error.strerror or error}.") from None


def _from_npz(path: Path, wanted: Set[str]) -> tuple[list[str], np.ndarray]:
    try:
        arrays = read_arrays(path)
        name = next((each for each in NAMES if each in arrays), NAMES[0])
        tokens, vectors = arrays[name], arrays["vectors"]
    except (ValueError, KeyError) as error:
        raise SeqganError(f"Cannot read {path} ({error}): an .npz with the arrays `words` and `vectors` is needed.") from None
    if tokens.dtype.kind != "U" or vectors.dtype.kind not in "fiu" or vectors.ndim != 2 or tokens.shape != vectors.shape[:1]:
        raise SeqganError(
            f"{path}: `{name}` is to be text [N] and `vectors` numbers [N, D], "
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


def _from_text(path: Path, file: IO[bytes], wanted: Set[str]) -> tuple[list[str], np.ndarray]:
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
