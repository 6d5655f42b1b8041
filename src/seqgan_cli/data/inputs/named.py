"""Which files a setting names: a file, a folder, a pattern, or several of them, which are read as one corpus."""

from __future__ import annotations

import glob
import os
import re
import stat
from collections.abc import Callable, Sequence
from pathlib import Path

from seqgan_cli.config import registry
from seqgan_cli.config.paths import names_in
from seqgan_cli.data.tfrecord.shards import is_prepared
from seqgan_cli.errors import SeqganError, UsageError

REPORTED = 1 << 20  # bytes between two reports
PATTERN = re.compile(r"[*?\[]")


def files_of(source: str) -> list[Path]:
    """The files in the order of their paths; of a path to one file, that, whether it is there or not.

    A folder has all files in it and below it that are not hidden. A name that exists is no pattern. The files are one text
    after the other: a document is what it is in a single file, a line say, and a file is none. So a corpus is the same as that
    of the joined file, and lines of one file come to all parts; `--test` holds out whole files.

    Raises SeqganError where a folder or pattern has no file, and UsageError for a file that is named twice, or for what goes
    alone: prepared data, built-in names, standard input.
    """
    names = names_in(source)
    found = [path for name in names for path in _expanded(name)]
    if not is_one(source):
        _refuse_what_goes_alone(names, found)
    known: dict[str, Path] = {}
    if len(found) > 1:
        for path in found:
            first = known.setdefault(os.path.realpath(path), path)
            if first is not path:
                other = "" if first == path else f", as {first} too"
                raise UsageError(f"{path} is read twice{other}: name every file once.")
    return sorted(found, key=lambda path: path.parts)


def _expanded(name: str) -> list[Path]:
    path = Path(name)
    if _exists(path):
        return files_below(path) if path.is_dir() else [path]
    if not PATTERN.search(name):
        return [path]
    matched = {
        file
        for each in map(Path, glob.glob(name, recursive=True))  # noqa: PTH207  of an absolute pattern
        for file in (files_below(each, required=False) if each.is_dir() else [each])
    }
    if not matched:
        raise SeqganError(f"No file matches {name}: see what does with `ls`, and keep the pattern in quotes.")
    return [*matched]


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # a name that is too long, or holds a zero byte
        return False


def files_below(folder: Path, required: bool = True) -> list[Path]:
    """The files of a folder and of those in it, but for hidden ones. Raises SeqganError where there is none."""
    refused: list[OSError] = []
    found = []
    for place, folders, names in os.walk(folder, onerror=refused.append):
        folders[:] = [each for each in folders if not each.startswith(".")]
        found += [Path(place, name) for name in names if not name.startswith(".")]
    if refused:
        raise SeqganError(f"Cannot read {refused[0].filename}: {refused[0].strerror}.")
    if not found and required:
        raise SeqganError(f"{folder} is a folder without files: name a file with one sequence a line, or a folder of such.")
    return found


def _refuse_what_goes_alone(names: Sequence[str], found: Sequence[Path]) -> None:
    for name in names if len(names) > 1 else ():
        if registry.kinds.of_source(name) is not None:
            raise UsageError(f"--data {name} is a name of data that come with the program, and goes alone.")
        if is_prepared(name):
            raise UsageError(f"--data {name} is prepared data, and goes alone: prepare all files together.")
    for path in found:
        if _exists(path) and not stat.S_ISREG(path.stat().st_mode):
            raise UsageError(f"--data {path} can be read only once, and goes alone: write it to a file first.")


def is_one(source: str) -> bool:
    """Whether it is a single file's path, and not a folder, a pattern or several."""
    names = names_in(source)
    path = Path(names[0])
    return len(names) == 1 and (not path.is_dir() if _exists(path) else not PATTERN.search(names[0]))


def label(source: str, files: Sequence[Path]) -> str:
    """What messages call the source, which these files are of."""
    names = names_in(source)
    if is_one(source):
        return source
    if len(names) == 1:
        return f"{source} ({len(files)} file{'s' * (len(files) != 1)})"
    return f"{len(files)} files ({', '.join(names[:2])}{', …' * (len(names) > 2)})"


def counting(files: Sequence[Path], report: Callable[[int, int], object]) -> Callable[[int], object]:
    """What a reader calls with the bytes that it has read, to have `report` called now and then with those of all, and their
    number. Nothing is reported of files of less than REPORTED bytes together, or of unknown size."""
    total = sum(path.stat().st_size for path in files if _exists(path) and path.is_file())
    done = 0

    def passed(more: int) -> None:
        nonlocal done
        if done // REPORTED != (done + more) // REPORTED and total >= REPORTED:
            report(min(done + more, total), total)
        done += more

    return passed
