"""What is settled by the source of the data: their kind, and of prepared data every setting."""

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seqgan_cli.config import registry
from seqgan_cli.config.paths import names_in
from seqgan_cli.config.schema import written
from seqgan_cli.config.settings import SCHEMA
from seqgan_cli.data.inputs.named import files_of, is_one
from seqgan_cli.data.text.records import BY_CHARACTER, WITH_COLUMNS, suffix_of, texts_of
from seqgan_cli.data.text.tokens import refuse_mixed
from seqgan_cli.data.tfrecord.shards import is_prepared, read_index, take_over
from seqgan_cli.errors import UsageError

LOOKED_AT = 50  # lines that tell one kind from another
FILES_LOOKED_AT = 100_000  # of a folder


def infer_settings(asked: dict[str, Any], sources: dict[str, str]) -> None:
    """Where data are asked for and not their kind, ask for the kind that they are; and for all that prepared data, or the
    file of an oracle, say.

    Raises SeqganError if they are of no kind, UsageError if they were prepared otherwise than is asked for.
    """
    source = asked.get("data.source", SCHEMA["data.source"].default)
    built_in = registry.kinds.of_source(source)
    if built_in is not None and built_in.synthetic:
        for name, value in built_in.settled(asked).items():
            if asked.get(name, value) not in (value, "auto"):
                raise UsageError(
                    f"{name} is {written(asked[name])}, and {asked['data.oracle']} says {written(value)}: leave it out."
                )
            asked[name], sources[name] = value, "data"
        return
    if is_prepared(source):
        take_over(asked, sources)
    elif asked.get("data.kind", "auto") == "auto":
        told = [kind.name for kind in registry.kinds.ours.values() if any(asked.get(place) for place in kind.places)]
        asked["data.kind"] = told[0] if told else infer_kind(source, asked.get("data.column", ""))
        sources["data.kind"] = "data"
        tokenizes = registry.kinds[asked["data.kind"]].tokenizes
        if tokenizes and "data.tokenizer" not in asked and suffix_of(files_of(source)[0]) in BY_CHARACTER:
            asked["data.tokenizer"], sources["data.tokenizer"] = "chars", "data"


def keep_settled(asked: dict[str, Any], sources: dict[str, str], values: Mapping[str, Any], seen: Mapping[str, str]) -> None:
    """What a run has from its data comes from them still where the same is asked for. `values`, `seen`: the run's, by name."""
    sources.update({name: "data" for name, value in asked.items() if seen.get(name) == "data" and values[name] == value})


def places_without(kind: Any, source: str) -> list[str]:
    """Of the settings that say where in a run's files its data are, those that do not go for other data of the kind."""
    has_columns = any(Path(name).is_dir() or suffix_of(Path(name)) in WITH_COLUMNS for name in names_in(source))
    return [name for name in ("data.column", *kind.places) if SCHEMA[name].is_file or not has_columns]


def infer_kind(source: str, column: str = "") -> str:
    """The kind that files, a folder or a built-in name are of; kinds of other packages are not asked. `column`: see `texts_of`.

    Raises as `files_of`, and UsageError for files that are not read alike.
    """
    if (built_in := registry.kinds.of_source(source)) is not None:
        return str(built_in.name)
    if is_prepared(source):
        return str(read_index(Path(source))["settings"]["data.kind"])
    fallback, *special = registry.kinds.ours.values()
    special.reverse()
    path = Path(source)
    if path.is_dir():
        among = [*itertools.islice(path.rglob("[!.]*"), FILES_LOOKED_AT)]
    else:
        among = [path] if is_one(source) else files_of(source)
    for kind in special:
        of_suffix = (file for file in among if file.suffix.lower() in kind.suffixes)
        if any(kind.is_file_of(file, column) for file in itertools.islice(of_suffix, LOOKED_AT)):
            return str(kind.name)
    if path.exists() and not path.is_file() and not path.is_dir():
        return str(fallback.name)  # a pipe: what is looked at would be gone
    files = files_of(source)
    refuse_mixed(files)
    texts = itertools.chain.from_iterable(texts_of(file, column) for file in files)
    lines = [line for _, line in itertools.islice(texts, LOOKED_AT) if line]
    return str(next((kind for kind in special if lines and kind.is_of(lines)), fallback).name)
