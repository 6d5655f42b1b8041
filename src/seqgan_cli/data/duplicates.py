"""Held-out sequences that are in training too: counted, and with `data.deduplicate` removed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from seqgan_cli.config.sections import Data
from seqgan_cli.data.split import PURPOSES, HeldOut
from seqgan_cli.errors import SeqganError
from seqgan_cli.evaluation.metrics.diversity import stand_in
from seqgan_cli.lazy import np


@dataclass(frozen=True)
class Overlap:
    """How many sequences of a held-out part stand in the others.

    count: before any is removed; in_train: how many of these stand in training; in_validation: of the test part, how many
    others stand in validation; duplicates: those of documents with no sequence but such; left: share of the sequences that
    remain that stand in training.
    """

    count: int
    in_train: int
    in_validation: int
    duplicates: int
    left: float


def removed(
    held_out: Mapping[str, HeldOut], known_of: Mapping[str, np.ndarray], settings: Data, source: str
) -> tuple[dict[str, HeldOut], dict[str, Overlap]]:
    """The held-out parts, with `data.deduplicate` without duplicates, and the overlap of each.

    A duplicate is a document, of which every sequence stands in training, token for token as the networks see it (after
    `<unk>`, `--overlong` and windows); all its sequences go. A tune with a window that is new stays whole, and its other
    windows are counted. A test document is a duplicate also where its sequences stand in validation, since what reports must
    not be what chose.

    Args:
        held_out: the parts by name.
        known_of: which sequences of each stand in training, bool `[n]`.
        source: for messages.

    Raises:
        SeqganError: a part would have nothing left.
    """
    parts, overlaps = dict[str, HeldOut](), dict[str, Overlap]()
    for name, part in held_out.items():
        known = known_of[name]
        chose = np.zeros(len(part), bool)
        if name == "test" and "validation" in held_out:
            chose = stand_in(part.tokens, held_out["validation"].tokens) & ~known
        new = np.isin(part.documents, part.documents[~(known | chose)])
        if settings.deduplicate and not new.any():
            where = "training" if known.all() else "training or validation"
            of = settings.test if name == "test" and settings.test else source
            raise SeqganError(
                f"{of}: all {len(part)} {name} sequences are also in {where}, and --deduplicate leaves none {PURPOSES[name]}: "
                "leave it out, or hold out others."
            )
        kept = new if settings.deduplicate else np.ones(len(part), bool)
        parts[name] = part if kept.all() else part.only(kept)
        in_train, in_validation, duplicates = (int(each.sum()) for each in (known, chose, ~new))
        overlaps[name] = Overlap(len(part), in_train, in_validation, duplicates, left=float(known[kept].mean()))
    return parts, overlaps


def told(overlaps: Mapping[str, Overlap], settings: Data) -> str:
    """A sentence of the overlaps of all held-out parts."""
    counts = " and ".join(f"{each.in_train} of {each.count} {name}" for name, each in overlaps.items())
    words = f"Duplicates: {counts} sequences are also in training"
    if chose := overlaps["test"].in_validation:
        words += f", and {chose} more of test in validation"
    duplicates = {name: each.duplicates for name, each in overlaps.items() if each.duplicates}
    if settings.deduplicate:
        gone = " and ".join(f"{number} of {name}" for name, number in duplicates.items())
        return f"{words}; --deduplicate removed {gone or 'none'}."
    spared = all(each.duplicates < each.count for each in overlaps.values())
    return f"{words}{f'; --deduplicate removes {sum(duplicates.values())}' * bool(duplicates and spared)}."
