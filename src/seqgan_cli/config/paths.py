"""One setting that names files: a path, a folder, a pattern, or several of them as a list in JSON."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path


def names_in(source: str) -> list[str]:
    """The paths, folders and patterns that a setting names: itself, or those of the list that it is."""
    if source.startswith("["):
        try:
            found = json.loads(source)
        except ValueError:  # the name of a file may begin so
            return [source]
        if isinstance(found, list) and found and all(isinstance(name, str) for name in found):
            return found
    return [source]


def joined(names: Iterable[str]) -> str:
    """The setting that names these: one as it is, several as a list. The order in which they are given decides nothing."""
    found = sorted(names)
    return found[0] if len(found) == 1 else json.dumps(found, ensure_ascii=False)


def mapped(source: str, change: Callable[[str], str]) -> str:
    """The setting with each of its names changed."""
    return joined(map(change, names_in(source)))


def short(source: str) -> str:
    """The names without their folders, as results and studies keep them."""
    return mapped(source, lambda name: Path(name).name)
