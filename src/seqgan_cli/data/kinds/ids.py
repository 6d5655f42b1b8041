"""Ids: files with one sequence of whole numbers a line, arrays of such, and columns of lists."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

from seqgan_cli.config.settings import Settings
from seqgan_cli.data.documents import Documents
from seqgan_cli.data.inputs.arrays import SUFFIXES as ARRAYS
from seqgan_cli.data.inputs.parquet import SUFFIX as PARQUET
from seqgan_cli.data.kinds.base import Detokenizer
from seqgan_cli.data.kinds.text import Text
from seqgan_cli.data.text.numbers import numbers_of, plain
from seqgan_cli.data.text.records import holds_ids
from seqgan_cli.data.vocabulary import Vocabulary
from seqgan_cli.lazy import np


class Ids(Text):
    """Lines of numbers, which programs get back as numbers."""

    name = "ids"
    meaning = "lines of whole numbers"
    rank = 4
    tokenizes = False
    experiment = ""
    suffixes = (*ARRAYS, PARQUET)

    @classmethod
    def is_file_of(cls, path: Path, column: str = "") -> bool:
        """Arrays are; a table in Parquet is, if what is read of it is lists of whole numbers."""
        return path.suffix.lower() != PARQUET or holds_ids(path, column)

    @classmethod
    def checked(cls, documents: Documents) -> Documents:
        return numbers_of(documents, None, "--kind text takes any tokens")

    @classmethod
    def prompt(cls, text: str, settings: Settings) -> list[str]:
        return [plain(token) for token in text.split()]

    @classmethod
    def detokenizer(cls, settings: Settings, vocabulary: Vocabulary) -> Detokenizer:
        def numbers(ids: np.ndarray) -> list[int | str]:  # the number of a token that is a number is its own
            tokens = vocabulary.decode(ids)
            return [int(token) if token == "0" or re.fullmatch(r"[1-9]\d{0,17}", token) else token for token in tokens]

        return dataclasses.replace(super().detokenizer(settings, vocabulary), numbers=numbers)
