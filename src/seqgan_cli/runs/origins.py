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
from seqgan_cli.data.inputs.named import files_below, files_of
from seqgan_cli.data.tfrecord.shards import is_prepared
from seqgan_cli.errors import SeqganError
from seqgan_cli.scoring.worker import fingerprint, parse

LARGEST = 1 << 30  # bytes in all whose content is read; beyond, sizes and times tell
CHUNK = 1 << 20


def origins_of(values: Mapping[str, Any], settings: Iterable[str] | None = None) -> dict[str, dict[str, Any]]:
    """By setting, what tells the files it names from later ones: `path`, the setting itself; `stat`, of sizes and times; how
    many `files` and bytes (`size`); and their `sha256`, as `sha256sum` has it of one file, and of several that of the lines
    which it prints for them in their order. `settings`: which; None: those of the data.

    Nothing of what is no file or cannot be read, and of prepared data, which know their own contents.
    """
    if settings is None:
        settings = [] if is_prepared(values["data.source"]) else _data_settings(values)
    named = [name for name in settings if values[name] and registry.kinds.of_source(values[name]) is None]
    found = {name: _origin(values[name]) for name in named}
    return {name: origin for name, origin in found.items() if origin}


def _data_settings(values: Mapping[str, Any]) -> list[str]:
    """The names of the settings that name data: not what a reward reads, of which the run has no copy."""
    return [name for name, spec in SCHEMA.items() if spec.fixed_by == "corpus" and spec.names_file(values.get(name, ""))]


def _is_copied(name: str) -> bool:
    """Whether a run keeps what it needs of the file that a setting names: not of what scores the rounds."""
    return SCHEMA[name].fixed_by not in (None, STAGES[-1])


def changed(recorded: Mapping[str, Mapping[str, Any]], values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The settings that name files and folders which are not what they were, and these.

    Those that are gone are none: the run has its own copy. Sizes and times are looked at first, and the content where these
    differ.
    """
    found = []
    for name in (name for name in recorded if name in SCHEMA and _is_copied(name)):
        origin, before = recorded[name], str(values.get(name, ""))
        if not origin or origin.get("path") != before:
            continue
        files = _files(before)
        if files is None or _digest(_stats(files)) in (None, origin.get("stat")):
            continue
        if "content" in origin:  # of an earlier version
            now = _digest(_contents(files)) if _size(files) <= LARGEST else ""
            same = now is None or (bool(now) and now == origin["content"])
        else:
            again = _origin(before)
            same = again is None or (bool(again["sha256"]) and again["sha256"] == origin.get("sha256"))
        if not same:
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


def _origin(source: str) -> dict[str, Any] | None:
    """None for what is not there or cannot be read."""
    files = _files(source)
    if files is None:
        return None
    try:
        size = _size(files)
        sha256 = _sha256(files) if size <= LARGEST else ""
    except OSError:
        return None
    stat = _digest(_stats(files))
    return None if stat is None else {"path": source, "stat": stat, "files": len(files), "size": size, "sha256": sha256}


def _files(source: str) -> list[tuple[Path, str]] | None:
    """Ordinary files, with the names that tell one from another: below a folder, or whole. Hidden ones are none."""
    path = Path(source)
    try:
        if path.is_dir():
            found = [(file, str(file.relative_to(path))) for file in sorted(files_below(path, required=False))]
        else:
            files = files_of(source)
            found = [(file, "." if source == str(file) else str(file)) for file in files]
            if not all(file.is_file() for file in files):
                return None
    except (SeqganError, OSError, ValueError):
        return None
    return [each for each in found if each[0].is_file()]


def _size(files: list[tuple[Path, str]]) -> int:
    return sum(file.stat().st_size for file, _ in files)


def _stats(files: list[tuple[Path, str]]) -> Iterator[bytes]:
    for file, name in files:
        found = file.stat()
        yield json.dumps([os.fsencode(name).hex(), found.st_size, found.st_mtime_ns]).encode()


def _contents(files: list[tuple[Path, str]]) -> Iterator[bytes]:
    """As earlier versions recorded them."""
    for file, name in files:
        yield json.dumps([os.fsencode(name).hex(), file.stat().st_size]).encode()
        with file.open("rb") as opened:
            yield from iter(lambda: opened.read(CHUNK), b"")


def _sha256(files: list[tuple[Path, str]]) -> str:
    """Raises OSError."""
    each = []
    for file, _ in files:
        with file.open("rb") as opened:
            each.append(hashlib.file_digest(opened, "sha256").hexdigest())
    if len(files) == 1:
        return each[0]
    lines = [f"{one}  ".encode() + os.fsencode(name) + b"\n" for one, (_, name) in zip(each, files, strict=True)]
    return hashlib.sha256(b"".join(lines)).hexdigest()


def _digest(parts: Iterator[bytes]) -> str | None:
    """None for what cannot be read."""
    digest = hashlib.blake2b(digest_size=12)
    try:
        for part in parts:
            digest.update(part)
    except OSError:
        return None
    return digest.hexdigest()
