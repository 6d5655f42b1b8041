"""Records of bioinformatics and chemistry: FASTA, FASTQ, SMILES. Each function takes the numbered lines of a file."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

from seqgan_cli.errors import SeqganError, UsageError

Lines = Iterator[tuple[int, str]]
Told = Callable[[str], object]


def fasta(lines: Lines, path: Path, column: str, told: Told) -> Lines:
    """A record is a line that begins with `>` and the lines after it; its text is these without what parts them."""
    _no_columns(path, column)
    place, parts = 0, list[str]()
    for number, line in lines:
        if line.startswith(">"):
            if place:
                yield place, "".join(parts)
            place, parts = number, []
        elif line.strip() and not line.startswith(";"):
            if not place:
                raise SeqganError(f"{path}, line {number}: is no FASTA, whose records begin with a line that begins with >.")
            parts.append("".join(line.split()))
    if place:
        yield place, "".join(parts)


def fastq(lines: Lines, path: Path, column: str, told: Told) -> Lines:
    """A record is four lines: a name after @, the sequence, +, the qualities."""
    _no_columns(path, column)
    while record := list(itertools.islice(lines, 4)):
        number = record[0][0]
        texts = [text for _, text in record]
        if not any(map(str.strip, texts)):
            continue
        if len(texts) < 4 or not texts[0].startswith("@") or not texts[2].startswith("+") or len(texts[1]) != len(texts[3]):
            raise SeqganError(f"{path}, line {number}: is no FASTQ record of four lines: @name, sequence, +, qualities.")
        yield number, texts[1]


def smiles(lines: Lines, path: Path, column: str, told: Told) -> Lines:
    """The first column; what stands after a space is a name, and a first line that says so no molecule."""
    _no_columns(path, column)
    named = False
    for number, line in lines:
        first, *rest = line.split(maxsplit=1) or [""]
        if number == 1 and first.lower() in ("smiles", "canonical_smiles"):
            told(f"{path.name}: the first line has names of columns, and is no molecule.")
            continue
        if rest and not named:
            named = True
            told(f"{path.name}: of each line the first column is read.")
        yield number, first


def _no_columns(path: Path, column: str) -> None:
    if column:
        raise UsageError(f"--column {column}: {path} has no columns to name: leave it out.")
