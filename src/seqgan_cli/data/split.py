"""The parts of a corpus: `train` is trained on, `validation` chooses (curves, best, patience, searches), `test` reports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from seqgan_cli import files
from seqgan_cli.arrays import read_arrays
from seqgan_cli.config.sections import Data
from seqgan_cli.errors import SeqganError, UsageError
from seqgan_cli.lazy import np
from seqgan_cli.randomness import rng

HELD_OUT = ("validation", "test")
ALONE = "alone"  # said of the test part where there is no validation part
FORMERLY = "heldout"  # the one held-out part that runs and prepared data had before there were two
PURPOSES = {"test": "to report by", "validation": "to choose by"}
CHOOSES_AND_REPORTS = (
    "One held-out part both chooses (best, patience, curves) and reports: what it chose scores a little too well on it."
)


@dataclass(frozen=True)
class HeldOut:
    """Sequences that no stage trains on, in an order drawn by the seed, so that the first n are a fair sample of them.

    tokens: int32 `[n, T]`; documents: int64 `[n]`, which document each comes from: those of one are not independent.
    """

    tokens: np.ndarray
    documents: np.ndarray

    @classmethod
    def shuffled(cls, tokens: np.ndarray, documents: np.ndarray | None, seed: int, part: str) -> Self:
        """In an order drawn for that part. Without `documents` each sequence is taken for one of its own."""
        order = rng(seed, "corpus", part, "order").permutation(len(tokens))
        return cls(tokens[order], (np.arange(len(tokens)) if documents is None else documents)[order])

    def first(self, num: int) -> Self:
        """So many of them, or all."""
        return type(self)(self.tokens[:num], self.documents[:num])

    def only(self, kept: np.ndarray) -> Self:
        """Those of which `kept` is true, bool `[n]`."""
        return type(self)(self.tokens[kept], self.documents[kept])

    def __len__(self) -> int:
        return len(self.tokens)


def held_out_counts(count: int, settings: Data, source: str, unit: str) -> dict[str, int]:
    """How many of `count` documents are "test" and "validation"; one at least is left to train on.

    Raises SeqganError if there are too few for that, UsageError for shares that leave nothing.
    """
    shares = {"test": 0.0 if settings.test else settings.holdout, "validation": settings.validation}
    if sum(shares.values()) >= 1:
        raise UsageError(
            f"data.holdout={settings.holdout:g} and data.validation={settings.validation:g} leave nothing to train on: make "
            "their sum less than 1."
        )
    held = [name for name, share in shares.items() if share]
    if count < 1 + len(held):
        number, needed = ("no", "one", "two")[count], ("two", "three")[len(held) - 1]
        what = " and ".join(f"one {PURPOSES[name]}" for name in held)
        less = ", or --validation 0, which lets the test part do both" if "validation" in held and count == len(held) else ""
        raise SeqganError(
            f"{source} holds {number} {unit}{'s' * (count != 1)}: at least {needed} are needed, so that {what} can be "
            f"held out{less}."
        )
    counts = {name: max(1, round(count * share)) if share else 0 for name, share in shares.items()}
    while sum(counts.values()) >= count:
        counts[max(counts, key=lambda name: counts[name])] -= 1
    return counts


def chosen_parts(count: int, settings: Data, source: str, unit: str, seed: int) -> dict[str, np.ndarray]:
    """Which of `count` documents each part has, ascending int64, by its name; see `held_out_counts` for what is raised."""
    order = rng(seed, "corpus", "holdout").permutation(count)
    held = held_out_counts(count, settings, source, unit)
    parts = np.split(order, np.cumsum([held["test"], held["validation"]]))
    chosen = {name: np.sort(part) for name, part in zip(("test", "validation", "train"), parts, strict=True)}
    if not held["validation"]:
        del chosen["validation"]
    return chosen


def save_parts(folder: Path, train: np.ndarray, held_out: Mapping[str, HeldOut]) -> None:
    """Write `train.npz`, `validation.npz` and `test.npz`, and take away those of other data. Raises OSError."""
    parts: dict[str, dict[str, np.ndarray]] = {"train": {"tokens": train}}
    parts |= {name: vars(part) for name, part in held_out.items()}
    if "validation" not in held_out:  # else one that is lost would not be missed
        parts["test"] = {**parts["test"], ALONE: np.array(True)}
    for name in ("train", *HELD_OUT, FORMERLY):
        if name in parts:
            with files.replacing(folder / f"{name}.npz") as temporary:
                np.savez_compressed(temporary, **parts[name])  # type: ignore[arg-type]
        else:
            (folder / f"{name}.npz").unlink(missing_ok=True)


def read_parts(folder: Path, seed: int, again: str) -> tuple[np.ndarray, dict[str, HeldOut]]:
    """What `save_parts` wrote, or earlier versions: the training sequences int32 `[n, T]`, and what is held out.

    Raises SeqganError, which ends in `again`, what to do, if a file is missing or damaged.
    """
    train = _arrays(folder / "train.npz", again)["tokens"]
    if (folder / f"{FORMERLY}.npz").exists():  # in the order of the file it was read from
        tokens = _arrays(folder / f"{FORMERLY}.npz", again)["tokens"]
        return train, {"test": HeldOut.shuffled(tokens, None, seed, "test")}
    found = {"test": _arrays(folder / "test.npz", again)}
    if ALONE not in found["test"]:
        found = {"validation": _arrays(folder / "validation.npz", again), **found}
    for name, arrays in found.items():
        if "documents" not in arrays or arrays["documents"].shape != arrays["tokens"].shape[:1]:
            raise SeqganError(f"Cannot read {folder / name}.npz (not every sequence has a document): {again}.")
    return train, {name: HeldOut(arrays["tokens"], arrays["documents"]) for name, arrays in found.items()}


def _arrays(path: Path, again: str) -> dict[str, np.ndarray]:
    try:
        arrays = read_arrays(path)
        if "tokens" not in arrays:
            raise KeyError("tokens")
    except (OSError, ValueError, KeyError) as error:
        raise SeqganError(f"Cannot read {path} ({error}): {again}.") from None
    return arrays
