"""Ids in NumPy's files: `.npy`, and `.npz` with one array or one that is named."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from seqgan_cli.arrays import read_arrays
from seqgan_cli.data.inputs.options import TextOptions
from seqgan_cli.errors import SeqganError, UsageError
from seqgan_cli.lazy import np

if TYPE_CHECKING:
    import numpy

SUFFIXES = (".npy", ".npz")
BLOCK = 1 << 20  # numbers that are held at once as Python has them
REPEATED = 0.2  # share of rows that end alike, from which it is worth a word

Told = Callable[[str], object]


def ids_of(path: Path, options: TextOptions, told: Told, passed: Callable[[int], object]) -> Iterator[tuple[int, str]]:
    """Number and ids, with spaces between them, of each sequence of an array of whole numbers.

    Of two dimensions a row is a sequence, filled up at its end with `options.pad_id`, or where that is -1 with any negative
    numbers. Of one dimension these end a sequence; where there is none, each `options.window` ids are one.

    `told`: called with a sentence; `passed`: with the bytes of what was read. Objects are never unpickled.

    Raises SeqganError for what is no such array, UsageError where one is to be named or cannot be.
    """
    array = _array(path, options.column, told)
    if array.dtype.kind not in "iu" or array.ndim not in (1, 2) or not array.size:
        shape = "×".join(map(str, array.shape)) or "a single value"
        raise SeqganError(f"{path} holds {array.dtype} of shape {shape}: whole numbers, a sequence a row, are needed.")
    rows = _rows(array, path, options, told) if array.ndim == 2 else _runs(array, path, options, told)
    for number, ids, size in rows:
        passed(size * array.dtype.itemsize)
        yield number, " ".join(map(str, ids))


def _array(path: Path, name: str, told: Told) -> numpy.ndarray:
    try:
        if path.suffix.lower() == ".npy":
            if name:
                raise UsageError(f"--column {name}: {path} holds one array, and there is none to name: leave it out.")
            return np.lib.format.open_memmap(path, mode="r")  # which refuses objects
        found = read_arrays(path)
    except OSError as error:
        raise SeqganError(f"Cannot read {path}: {error.strerror or error}.") from None
    except (ValueError, EOFError, TypeError) as error:
        reason = str(error).partition("\n")[0].rstrip(".")
        raise SeqganError(f"{path} is no array of whole numbers, or damaged ({reason}).") from None
    chosen = name or (next(iter(found)) if len(found) == 1 else "")
    if chosen not in found:
        lead = f"--column {name}: {path}" if name else str(path)
        raise UsageError(f"{lead} has the arrays {', '.join(map(repr, found)) or 'none'}: name one, with --column NAME.")
    if not name:
        told(f"{path.name}: array {chosen!r} is read.")
    return found[chosen]


def _fillers(block: numpy.ndarray, pad_id: int) -> numpy.ndarray:
    """bool, the shape of the block: where no id stands."""
    return block < 0 if pad_id < 0 else block == pad_id


def _rows(
    array: numpy.ndarray, path: Path, options: TextOptions, told: Told
) -> Iterator[tuple[int, list[int], int]]:
    """Number, ids, and numbers passed, of each row."""
    width = array.shape[1]
    ends, within, first = Counter[int](), 0, 0
    for start in range(0, len(array), max(1, BLOCK // width)):
        block = np.asarray(array[start : start + max(1, BLOCK // width)])
        fills = _fillers(block, options.pad_id)
        lengths = width - np.argmin(fills[:, ::-1], axis=1)
        lengths[fills.all(axis=1)] = 0
        inside = np.arange(width)[None, :] < lengths[:, None]
        if ((block < 0) & inside).any():
            row, place = np.argwhere((block < 0) & inside)[0]
            why = "negative numbers only fill rows up, at their end"
            why = why if options.pad_id < 0 else "leave --pad-id out if it fills rows up"
            raise SeqganError(f"{path}, row {start + row + 1}: {block[row, place]} stands where an id is needed; {why}.")
        amid = (fills & inside).any(axis=1)
        within, first = within + int(amid.sum()), first or (start + int(np.argmax(amid)) + 1 if amid.any() else 0)
        if width > 1:
            ends.update(block[(block[:, -1] == block[:, -2]) & (lengths == width), -1].tolist())
        for i, (row, length) in enumerate(zip(block.tolist(), lengths.tolist(), strict=True)):
            yield start + i + 1, row[:length], width
    if within:
        told(f"{path.name}: {within} rows have {options.pad_id} before other ids, where it stays, row {first} the first.")
    likely, count = ends.most_common(1)[0] if ends else (0, 0)
    if options.pad_id < 0 and count > REPEATED * len(array):
        told(
            f"{path.name}: {count} of {len(array)} rows end in several {likely}: if these fill the rows up, --pad-id {likely} "
            "leaves them out."
        )


def _runs(
    array: numpy.ndarray, path: Path, options: TextOptions, told: Told
) -> Iterator[tuple[int, list[int], int]]:
    """Number of the first id, ids, and numbers passed, of each sequence of an array of one dimension."""
    parted = any(
        bool(_fillers(array[start : start + BLOCK], options.pad_id).any()) for start in range(0, len(array), BLOCK)
    )
    what = ("negative numbers" if options.pad_id < 0 else str(options.pad_id)) + " end a sequence"
    rule = what if parted else f"each {options.window} ids are a sequence, as --max-length says, since none ends one"
    told(f"{path.name}: of one dimension, {len(array)} numbers; {rule}.")
    if options.pad_id >= 0 and any(bool((array[s : s + BLOCK] < 0).any()) for s in range(0, len(array), BLOCK)):
        raise SeqganError(f"{path} holds negative numbers, which are no ids: leave --pad-id out to have them end sequences.")
    size = BLOCK if parted else max(1, BLOCK // options.window) * options.window
    run: list[int] = []
    begun = 1
    for start in range(0, len(array), size):
        block = np.asarray(array[start : start + size])
        if not parted:
            cuts = [*range(options.window, len(block), options.window), len(block)]
        else:
            cuts = np.flatnonzero(_fillers(block, options.pad_id)).tolist()
        after = 0
        for cut in cuts:
            run += block[after:cut].tolist()
            if run:
                yield begun, run, len(run)
            after = cut + parted
            run, begun = [], start + after + 1
        run += block[after:].tolist()
    if run:
        yield begun, run, len(run)
