"""What a run's data files were when it began, by which a later command sees that they have changed since."""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from seqgan_cli.config import registry
from seqgan_cli.config.schema import OF_USE
from seqgan_cli.config.settings import SCHEMA, STAGES, Settings
from seqgan_cli.data.tfrecord.shards import is_prepared
from seqgan_cli.scoring.worker import fingerprint, parse

LARGEST = 1 << 30  # bytes in all whose content is read; beyond, sizes and times tell
CHUNK = 1 << 20


def origins_of(values: Mapping[str, Any], settings: Iterable[str] | None = None) -> dict[str, dict[str, str]]:
    """By setting, what tells the file or folder it names from a later one. `settings`: which; None: those of the data.

    Nothing of what is no file or cannot be read, and of prepared data, which know their own contents.
    """
    if settings is None:
        settings = [] if is_prepared(values["data.source"]) else _data_settings(values)
    named = [name for name in settings if values[name] and registry.kinds.of_source(values[name]) is None]
    found = {name: _origin(Path(values[name])) for name in named}
    return {name: origin for name, origin in found.items() if origin}


def _data_settings(values: Mapping[str, Any]) -> list[str]:
    """The names of the settings that name data: not what a reward reads, of which the run has no copy."""
    return [name for name, spec in SCHEMA.items() if spec.fixed_by == "corpus" and spec.names_file(values.get(name, ""))]


def _is_copied(name: str) -> bool:
    """Whether a run keeps what it needs of the file that a setting names: not of what scores the rounds."""
    return SCHEMA[name].fixed_by not in (None, STAGES[-1])


def changed(recorded: Mapping[str, Mapping[str, str]], values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The settings that name files and folders which are not what they were, and these.

    Those that are gone are none: the run has its own copy.
    """
    found = []
    for name in (name for name in recorded if name in SCHEMA and _is_copied(name)):
        origin, before = recorded[name], str(values.get(name, ""))
        if not origin or origin.get("path") != before:
            continue
        stat = _digest(_stats(Path(before)))
        if stat is None or stat == origin.get("stat"):
            continue
        now = _origin(Path(before))
        if now and (not now["content"] or now["content"] != origin.get("content")):
            found.append((name, before))
    return found


def scorers_of(settings: Settings) -> dict[str, str]:
    """SHA-256 of the files that rewards are made of, by the setting that names each: a user's scorer, a grammar."""
    found = {}
    for use in registry.rewards.expression(settings.adversarial.reward).uses:
        for name, spec in SCHEMA.items():
            if spec.is_file and name.startswith(f"{OF_USE}.{use.name}.") and (value := settings.values[name]):
                path = Path(value) if Path(value).exists() else parse(value)[0]
                if path.is_file():
                    found[name] = fingerprint(path)
    return found


def _origin(path: Path) -> dict[str, str] | None:
    stat = _digest(_stats(path))
    if stat is None:
        return None
    content = _digest(_contents(path)) if _size(path) <= LARGEST else ""
    return None if content is None else {"path": str(path), "stat": stat, "content": content}


def _files(path: Path) -> list[Path]:
    """Those of a folder, sorted, or a file alone; hidden ones are none. Raises OSError for what is neither."""
    if path.is_dir():
        return sorted(file for file in path.rglob("[!.]*") if file.is_file())
    if not path.is_file():
        raise FileNotFoundError(path)
    return [path]


def _size(path: Path) -> int:
    return sum(file.stat().st_size for file in _files(path))


def _stats(path: Path) -> Iterator[bytes]:
    for file in _files(path):
        found = file.stat()
        yield json.dumps([os.fsencode(file.relative_to(path)).hex(), found.st_size, found.st_mtime_ns]).encode()


def _contents(path: Path) -> Iterator[bytes]:
    for file in _files(path):
        yield json.dumps([os.fsencode(file.relative_to(path)).hex(), file.stat().st_size]).encode()
        with file.open("rb") as opened:
            yield from iter(lambda: opened.read(CHUNK), b"")


def _digest(parts: Iterator[bytes]) -> str | None:
    """None for what cannot be read."""
    digest = hashlib.blake2b(digest_size=12)
    try:
        for part in parts:
            digest.update(part)
    except OSError:
        return None
    return digest.hexdigest()
