"""Poems in JSON as the chinese-poetry collection has them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from seqgan_cli.data.documents import Collector
from seqgan_cli.errors import SeqganError

LARGEST_JSON = 64 << 20  # bytes of a file that is parsed whole, into 25 times as many; those of chinese-poetry hold under 2 MB


def json_poems(path: Path, name: str, found: Collector, strict: bool) -> Iterator[tuple[str, str]]:
    """Place and text of each poem of one JSON file: an object with `paragraphs`, or a list of such objects.

    `name`: what the file is called where something is left out.
    """

    def refuse(reason: str) -> None:
        if strict:
            raise SeqganError(f"{path}: {reason}. Leave --strict out to go on without it.")
        found.reject(name, reason)

    try:
        if not path.is_file():
            return refuse("no ordinary file")
        if path.stat().st_size > LARGEST_JSON:
            return refuse(f"a JSON file of more than {LARGEST_JSON >> 20} MB")
        record: Any = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        return refuse(f"cannot be read ({error.strerror})")
    except (ValueError, RecursionError):
        return refuse("no JSON in UTF-8")
    poems = record if isinstance(record, list) else [record]
    kept = [(i, poem["paragraphs"]) for i, poem in enumerate(poems, 1) if isinstance(poem, dict) and "paragraphs" in poem]
    if not kept:
        return refuse("holds no object with `paragraphs`")
    for i, paragraphs in kept:
        place = f"{name}, poem {i}"
        if isinstance(paragraphs, list) and all(isinstance(part, str) for part in paragraphs):
            yield place, "\n".join(f"{part}。" for part in paragraphs)  # a line ends where its string does, marked or not
        else:
            found.reject(place, "`paragraphs` is no list of strings")
    return None
