"""What is settled by the source of the data: their kind, and of prepared data every setting."""

import itertools
from pathlib import Path
from typing import Any

from seqgan_cli.config import registry
from seqgan_cli.config.settings import SCHEMA
from seqgan_cli.data.text.records import BY_CHARACTER, suffix_of, texts_of
from seqgan_cli.data.tfrecord.shards import is_prepared, read_index, take_over
from seqgan_cli.errors import SeqganError

LOOKED_AT = 50  # lines that tell one kind from another
FILES_LOOKED_AT = 100_000  # of a folder


def infer_settings(asked: dict[str, Any], sources: dict[str, str]) -> None:
    """Where data are asked for and not their kind, ask for the kind that they are; and for all that prepared data say.

    Raises SeqganError if they are of no kind, UsageError if they were prepared otherwise than is asked for.
    """
    source = asked.get("data.source", SCHEMA["data.source"].default)
    built_in = registry.kinds.of_source(source)
    if built_in is not None and built_in.synthetic:
        return
    if is_prepared(source):
        take_over(asked, sources)
    elif asked.get("data.kind", "auto") == "auto":
        told = [kind.name for kind in registry.kinds.ours.values() if kind.told_by and asked.get(kind.told_by)]
        asked["data.kind"] = told[0] if told else infer_kind(source, asked.get("data.column", ""))
        sources["data.kind"] = "data"
        tokenizes = registry.kinds[asked["data.kind"]].tokenizes
        if tokenizes and "data.tokenizer" not in asked and suffix_of(Path(source)) in BY_CHARACTER:
            asked["data.tokenizer"], sources["data.tokenizer"] = "chars", "data"


def infer_kind(source: str, column: str = "") -> str:
    """The kind that a file, folder or built-in name is of; kinds of other packages are not asked. `column`: see `texts_of`.

    Raises SeqganError for a folder without anything that is read.
    """
    if (built_in := registry.kinds.of_source(source)) is not None:
        return str(built_in.name)
    if is_prepared(source):
        return str(read_index(Path(source))["settings"]["data.kind"])
    fallback, *special = registry.kinds.ours.values()
    special.reverse()
    path = Path(source)
    if path.is_dir():
        found = {file.suffix.lower() for file in itertools.islice(path.rglob("*"), FILES_LOOKED_AT)}
        for kind in special:
            if found & {*kind.suffixes}:
                return str(kind.name)
        known = " or ".join(kind.suffixes[0] for kind in special if kind.suffixes)
        raise SeqganError(f"{path} is a folder without {known} files: name a file with one sequence a line.")
    for kind in special:
        if path.suffix.lower() in kind.suffixes and not column and kind.is_file_of(path):
            return str(kind.name)
    if path.exists() and not path.is_file():
        return str(fallback.name)  # a pipe: what is looked at would be gone
    lines = [line for _, line in itertools.islice(texts_of(path, column), LOOKED_AT) if line]
    return str(next((kind for kind in special if lines and kind.is_of(lines)), fallback).name)
