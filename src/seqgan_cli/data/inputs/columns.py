"""Which column of a table, or field of JSON objects, is text: the one that is named, or what their names and values tell."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from seqgan_cli.errors import UsageError


def refuse_names(names: list[str], columns: dict[str, list[str]], path: Path, column: str) -> None:
    """Raises UsageError where the first line seems to be a record, which would be lost as names, or names a column twice."""
    if len(columns) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise UsageError(f"{path} has several columns {twice!r}: give each a name of its own.")
    if not column and (name := no_name(columns)):
        raise UsageError(
            f"{path}, line 1: {name[:40]!r} seems to be no name of a column. If it is one, say --column NAME; if the first "
            "line is a record, --column 1 reads the first field of each; an end as .txt has lines read."
        )


def no_name(columns: Mapping[str, list[str]]) -> str:
    """The first name that seems to be a text like those below it; empty if none does."""
    for name, values in columns.items():
        words = sum(len(value.split()) for value in values) / max(1, len(values))
        number = len(name.split())
        if name.strip().isdecimal() or number > 3 or (number > 1 and 2 <= words <= 2 * number):
            return name
    return ""


def chosen(columns: Mapping[str, list[Any]], path: Path, column: str, told: Callable[[str], object], word: str) -> str:
    """The column that is named, or the only one that is text, or of several the one of that name. Raises UsageError."""
    if column:
        if column not in columns:
            raise UsageError(f"--column {column}: {path} has the {word}s {named(columns)}.")
        return column
    found = list(columns) if len(columns) == 1 else [name for name, values in columns.items() if is_text(values)]
    found = ["text"] if "text" in found else found
    if len(found) != 1:
        raise UsageError(f"{path} has the {word}s {named(columns)}: name the one that is trained on, with --column NAME.")
    told(f"{path.name}: {word} {found[0]!r} is read{others_than(found[0], columns)}.")
    return found[0]


def others_than(name: str, columns: Iterable[str]) -> str:
    """That the others are not read, if there are any."""
    others = [each for each in columns if each != name]
    return f", and not {named(others)}" if others else ""


def named(names: Iterable[str]) -> str:
    return ", ".join(map(repr, names)) or "none"


def is_text(values: list[Any]) -> bool:
    """Whether most values have words, and are not the same few: numbers and labels are none."""
    values = [value for value in values if isinstance(value, str)]
    words = [value for value in values if len(value.split()) > 1]
    return len(words) > len(values) / 2 and len(set(values)) > len(values) / 10
