"""Records of JSON, and what is the text of one."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from seqgan_cli.data.inputs.columns import LOOKED_AT, chosen
from seqgan_cli.data.inputs.molecules import Lines, Told
from seqgan_cli.errors import SeqganError, UsageError

LARGEST_JSON = 256 << 20  # bytes of a file that is parsed whole


def json_line_records(lines: Lines, path: Path) -> Iterator[tuple[int, Any]]:
    for number, line in lines:
        if not line.strip():
            continue
        try:
            yield number, json.loads(line)
        except (ValueError, RecursionError):
            raise SeqganError(f"{path}, line {number}: is no JSON; an object or a string a line is needed.") from None


def json_records(lines: Lines, path: Path) -> Iterator[tuple[int, Any]]:
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


def of_records(records: Iterator[tuple[int, Any]], path: Path, column: str, told: Told) -> Lines:
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
