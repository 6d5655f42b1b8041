"""Tokens that are to be whole numbers."""

from __future__ import annotations

import dataclasses

from seqgan_cli.data.documents import Documents
from seqgan_cli.data.vocabulary import UNKNOWN
from seqgan_cli.errors import SeqganError
from seqgan_cli.lazy import np


def plain(token: str) -> str:
    """A whole number without leading zeros, and any other token as it is."""
    return (token.lstrip("0") or "0") if token.isascii() and token.isdecimal() else token


def numbers_of(documents: Documents, below: int | None, hint: str) -> Documents:
    """The documents of a file's lines, whose tokens are to be whole numbers. Raises SeqganError for the first that is none.

    They come back without leading zeros, as the names of the vocabulary's tokens are: 01 is 1. Among those without a bound
    `<unk>` may stand, as it does where `corpus --write` had no number.
    """
    numbers: dict[str, int] = {}
    renumbered = np.empty(len(documents.tokens), np.int32)
    known = None if below is None else {*map(str, range(below))}
    for i, token in enumerate(documents.tokens):
        number = token.lstrip("0") or "0"
        if known is None and token == UNKNOWN:
            number = token
        elif not (token.isascii() and token.isdecimal() and (known is None or number in known)):
            document = int(np.searchsorted(documents.offsets, int(np.argmax(documents.ids == i)), side="right")) - 1
            kind = "whole number" if below is None else f"number from 0 to {below - 1}"
            raise SeqganError(f"{documents.place(document)}: {token[:30]!r} is no {kind}; {hint}.")
        renumbered[i] = numbers.setdefault(number, len(numbers))
    if [*numbers] == documents.tokens:
        return documents
    notes = (*documents.notes, "Numbers are read without leading zeros: 01 is 1.")
    return dataclasses.replace(documents, ids=renumbered[documents.ids], tokens=[*numbers], notes=notes)
