"""Files that hold texts otherwise than a line each: tables, JSON and what `data.inputs` reads; and columns that are chosen.

What a file is tells the end of its name, that of a compressed one what stands before `.gz`, `.bz2`, `.xz` or `.zst`.
"""

from __future__ import annotations

import csv
import itertools
import json
import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from seqgan_cli.data.inputs import arrays
from seqgan_cli.data.inputs.columns import chosen, is_text, named, no_name, others_than, refuse_names
from seqgan_cli.data.inputs.molecules import Lines, Told, fasta, fastq, smiles
from seqgan_cli.data.inputs.options import TextOptions
from seqgan_cli.data.inputs.parquet import SUFFIX as PARQUET
from seqgan_cli.data.inputs.parquet import Parquet
from seqgan_cli.data.text.lines import LONGEST_LINE, lines_of
from seqgan_cli.data.text.opened import COMPRESSED
from seqgan_cli.errors import SeqganError, UsageError

LOOKED_AT = 50  # records that tell which column is text
LARGEST_JSON = 256 << 20  # bytes of a file that is parsed whole


def suffix_of(path: Path) -> str:
    """The lower-case end of a name that says what a file holds, without that of its compression."""
    inner = path.with_suffix("") if path.suffix.lower() in COMPRESSED else path
    return inner.suffix.lower()


def texts_of(
    path: Path,
    column: str = "",
    passed: Callable[[int], object] = lambda size: None,
    spaces: bool = False,
    told: Told = lambda sentence: None,
) -> Lines:
    """Line number and text of each record of a file; a blank text where a record has none. The file is never held whole.

    Args:
        column: of a table or of JSON objects: its name, or of a table without a first line of names its number from 1.
        passed, spaces: see `lines_of`.
        told: called with what a reader should know, a sentence.

    Raises SeqganError for a file that cannot be read as what it is, UsageError where a column is to be named.
    """
    return flat(records_of(path, TextOptions(column=column, spaces=spaces), passed, told), path, spaces)


def flat(records: Lines, path: Path, spaces: bool) -> Lines:
    """Each record of a file on one line, without the space around it unless it is kept."""
    of_records = is_of_records(path)
    for number, text in records:
        text = " ".join(text.splitlines()) if of_records else text  # a quoted field may hold several lines
        yield number, text if spaces else text.strip()


def is_of_records(path: Path) -> bool:
    """Whether a file has other records than its lines."""
    return suffix_of(path) in FORMATS or suffix_of(path) in BINARY


def form_of(path: Path) -> object:
    """The same of files that are read alike."""
    return FORMATS.get(suffix_of(path)) or BINARY.get(suffix_of(path))


def records_of(path: Path, options: TextOptions, passed: Callable[[int], object], told: Told) -> Lines:
    """As `texts_of`, with line breaks within records."""
    suffix, column = suffix_of(path), options.column
    if suffix in FORMATS:
        return FORMATS[suffix](lines_of(path, passed, spaces=True), path, column, told)
    if suffix not in BINARY:
        if column:
            raise UsageError(f"--column {column}: {path} is no table and no JSON, and has no columns: leave it out.")
        return lines_of(path, passed, options.spaces)
    if path.suffix.lower() in COMPRESSED:
        raise SeqganError(f"{path}: {suffix} is not read from its beginning on: decompress it first.")
    return BINARY[suffix](path, options, told, passed)


# Tables.


def _table(lines: Lines, path: Path, column: str, told: Told) -> Lines:
    """CSV, with commas or semicolons as its first line has them, and TSV; fields may be quoted."""
    at = 0
    first = list(itertools.islice(((number, line) for number, line in lines if line.strip()), 1))
    first += itertools.islice(lines, LOOKED_AT)

    def given() -> Iterator[str]:
        nonlocal at
        for number, line in itertools.chain(first, lines):
            at = number
            yield f"{line}\n"

    is_tsv = suffix_of(path) == ".tsv"
    marks = _marks(path, [line for _, line in first])
    before = csv.field_size_limit(LONGEST_LINE)
    rows = csv.reader(given(), delimiter=marks, strict=True)
    try:
        names = next(rows, [])
        if not names:
            return
        kept = list(itertools.islice(((at, row) for row in rows if row), LOOKED_AT))
        columns = {name: [row[i] for _, row in kept if i < len(row)] for i, name in enumerate(names)}
        if column and column not in columns and column.isdecimal() and 0 < int(column) <= len(names):
            place, kept = int(column) - 1, [(first[0][0], names), *kept]  # numbered: the first line is a record too
        else:
            refuse_names(names, columns, path, column)
            place = names.index(chosen(columns, path, column, told, "column"))
        for number, row in itertools.chain(kept, ((at, row) for row in rows if row)):
            if is_tsv and any("\n" in field or "\t" in field for field in row):
                raise SeqganError(f"{path}, line {number}: quotes hold several lines or columns together: take them out.")
            if any(row[len(names) :]):
                raise SeqganError(
                    f"{path}, line {number}: has {len(row)} fields, and the first line {len(names)}: quote texts that hold "
                    f"{marks!r}, or give the file an end as .txt to have its lines read."
                )
            yield number, row[place] if place < len(row) else ""
    except csv.Error as error:
        told_as = f"{path}, line {at}: is no table ({error})"
        raise SeqganError(f"{told_as}: quote fields with marks in them, or write lines.") from None
    finally:
        csv.field_size_limit(before)


def _marks(path: Path, first: list[str]) -> str:
    """What parts the fields of a table, by its first lines."""
    return "\t" if suffix_of(path) == ".tsv" else max(",;\t", key=lambda marks: _fit(first, marks))


def _fit(lines: list[str], marks: str) -> tuple[int, int]:
    """How many of the first lines have as many fields, more than one, as the first; and how many fields those are."""
    widths = [len(row) for row in csv.reader((f"{line}\n" for line in lines), delimiter=marks) if row]
    return sum(width == widths[0] > 1 for width in widths), widths[0] if widths else 0


# JSON.


def _json_lines(lines: Lines, path: Path, column: str, told: Told) -> Lines:
    return _of_records(_json_line_records(lines, path), path, column, told)


def _json_line_records(lines: Lines, path: Path) -> Iterator[tuple[int, Any]]:
    for number, line in lines:
        if not line.strip():
            continue
        try:
            yield number, json.loads(line)
        except (ValueError, RecursionError):
            raise SeqganError(f"{path}, line {number}: is no JSON; an object or a string a line is needed.") from None


def _json(lines: Lines, path: Path, column: str, told: Told) -> Lines:
    return _of_records(_json_records(lines, path), path, column, told)


def _json_records(lines: Lines, path: Path) -> Iterator[tuple[int, Any]]:
    texts, size = list[str](), 0
    for _, line in lines:
        texts.append(line)
        size += len(line)
        if size > LARGEST_JSON:
            raise SeqganError(f"{path} is more than {LARGEST_JSON >> 20} MB of JSON: write an object a line, as .jsonl.")
    try:
        found = json.loads("\n".join(texts))
    except (ValueError, RecursionError) as error:
        where = f", line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise SeqganError(f"{path}{where}: is no JSON.") from None
    if not isinstance(found, list):
        raise SeqganError(f"{path}: a list of strings or of objects is needed.")
    return iter(enumerate(found, start=1))


def _of_records(records: Iterator[tuple[int, Any]], path: Path, column: str, told: Told) -> Lines:
    """The texts of strings, of lists of tokens, or of one field of objects."""
    kept = list(itertools.islice(records, LOOKED_AT))
    objects = [record for _, record in kept if isinstance(record, dict)]
    name = ""
    if objects:
        names = dict.fromkeys(itertools.chain.from_iterable(objects))
        columns = {each: [record[each] for record in objects if record.get(each) is not None] for each in names}
        name = chosen(columns, path, column, told, "field")
    elif column:
        raise UsageError(f"--column {column}: {path} holds no objects, so there is no field to name: leave it out.")
    lacking = first_lacking = 0
    for number, record in itertools.chain(kept, records):
        if isinstance(record, dict) != bool(objects):
            raise SeqganError(f"{path}, record {number}: objects and others are mixed; all of one kind are needed.")
        if objects and name not in record:
            lacking, first_lacking = lacking + 1, first_lacking or number
        value = record.get(name) if objects else record
        text = "" if value is None else _text(value)
        if text is None:
            raise SeqganError(f"{path}, record {number}: holds a list or an object where a text is needed.")
        if re.search("[\ud800-\udfff]", text):
            raise SeqganError(f"{path}, record {number}: holds half a character (a lone surrogate), which is no text.")
        yield number, text
    if lacking:
        told(f"{path.name}: {lacking} records have no field {name!r}, the first of them record {first_lacking}.")


def _text(value: Any) -> str | None:
    """Text, or tokens that somebody has parted already, with spaces between them; None for what is neither."""
    if isinstance(value, list):
        return None if any(isinstance(each, list | dict) for each in value) else " ".join(map(str, map(_text, value)))
    if isinstance(value, dict):
        return None
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def two_columns(path: Path, asked: str) -> tuple[str, str]:
    """The columns of a table, or the fields of JSON objects, that has two. `asked`: the options that would name them, with
    places for both. Raises UsageError.
    """
    columns = _first_columns(path)
    if suffix_of(path) in (".csv", ".tsv") and (name := no_name(columns)):
        raise UsageError(
            f"{path}, line 1: {name[:40]!r} seems to be no name of a column. If the line is a record, say {asked.format(1, 2)}."
        )
    if len(columns) != 2:
        example = asked.format(*map(shlex.quote, [*columns, "NAME", "NAME"][:2]))
        raise UsageError(f"{path} has the columns {named(columns)}: name two of them, as {example}.")
    first, second = columns
    return first, second


def column_besides(path: Path, column: str, other: str) -> str:
    """The column or field that is named, or of those besides the other one the only one that is text. Raises UsageError."""
    columns = {name: values for name, values in _first_columns(path).items() if name != other}
    return column or chosen(columns, path, column, lambda sentence: None, "column")


def _first_columns(path: Path) -> dict[str, list[Any]]:
    """The first values of each column, or of each field."""
    if suffix_of(path) == PARQUET:
        with Parquet(path) as table:
            return table.first(LOOKED_AT)
    if suffix_of(path) not in (".csv", ".tsv"):
        read = _json_records if suffix_of(path) == ".json" else _json_line_records
        objects = [each for _, each in itertools.islice(read(lines_of(path), path), LOOKED_AT) if isinstance(each, dict)]
        names = dict.fromkeys(itertools.chain.from_iterable(objects))
        return {name: [each[name] for each in objects if name in each] for name in names}
    first = [line for _, line in itertools.islice(lines_of(path, spaces=True), LOOKED_AT) if line.strip()]
    fields, *rows = csv.reader((f"{line}\n" for line in first), delimiter=_marks(path, first))
    return {name: [row[i] for row in rows if i < len(row)] for i, name in enumerate(fields)}


def _parquet(path: Path, options: TextOptions, told: Told, passed: Callable[[int], object]) -> Lines:
    """Strings, or lists of tokens or ids."""
    with Parquet(path) as table:
        if options.column in table.names and not table.is_read(options.column):
            raise UsageError(f"--column {options.column}: {path} has no texts, numbers or lists of such there: name another.")
        name = _only_ids(table, options.column)
        if not name:
            name = chosen(table.first(LOOKED_AT), path, options.column, told, "column")
        elif not options.column:
            told(f"{path.name}: column {name!r} is read{others_than(name, table.names)}.")
        yield from _of_records(table.rows(name, passed), path, "", told)


def _only_ids(table: Parquet, column: str) -> str:
    """The column that is read if it holds lists of whole numbers: where none is text, the only one that does. Else empty."""
    columns = table.first(LOOKED_AT)
    ids = [name for name in columns if table.holds_ids(name)]
    if column:
        return column if column in ids else ""
    return ids[0] if len(ids) == 1 and not any(map(is_text, columns.values())) else ""


def holds_ids(path: Path, column: str) -> bool:
    """Whether what is read of a Parquet file is lists of whole numbers."""
    with Parquet(path) as table:
        return bool(_only_ids(table, column))


FORMATS: dict[str, Callable[[Lines, Path, str, Told], Lines]] = {
    **dict.fromkeys((".csv", ".tsv"), _table),
    **dict.fromkeys((".jsonl", ".ndjson"), _json_lines),
    ".json": _json,
    **dict.fromkeys((".fasta", ".fa", ".fna", ".faa"), fasta),
    **dict.fromkeys((".fastq", ".fq"), fastq),
    ".smi": smiles,
}
BINARY: dict[str, Callable[[Path, TextOptions, Told, Callable[[int], object]], Lines]] = {
    **dict.fromkeys(arrays.SUFFIXES, arrays.ids_of),
    PARQUET: _parquet,
}
WITH_COLUMNS = frozenset((".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".npz", PARQUET))
BY_CHARACTER = frozenset((".fasta", ".fa", ".fna", ".faa", ".fastq", ".fq", ".smi"))  # texts without spaces
