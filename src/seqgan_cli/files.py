"""Writing files so that a reader, or the next start after a crash, sees the old content or the new, never half of it."""

import contextlib
import csv
import dataclasses
import errno
import io
import math
import os
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from seqgan_cli.errors import SeqganError


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path beside `path` that takes its place when the block ends well, and is gone when it does not.

    Raises SeqganError for a directory, device or pipe.
    """
    path = Path(os.path.realpath(path))  # a link stays a link; what it points at is replaced
    if path.exists() and not path.is_file():
        raise SeqganError(f"{path} is no ordinary file, so it is not replaced: name another.")
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".writing-{secrets.token_hex(8)}{path.suffix}")
    try:  # begins before the file is there: a signal at any moment leaves none behind
        with naming(path):
            temporary.open("xb").close()
            yield temporary
            with temporary.open("rb") as written:
                os.fsync(written.fileno())
            temporary.replace(path)
            _keep_name(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def _keep_name(folder: Path) -> None:
    """Have a folder's new names outlive a power cut, where the system can."""
    with contextlib.suppress(OSError):  # Windows opens no folders
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextlib.contextmanager
def naming(path: Path) -> Iterator[None]:
    """Let an OSError of the block name `path` if it names no file, as that of a full disk does not."""
    try:
        yield
    except OSError as error:
        error.filename = error.filename or str(path)
        raise


def append(path: Path, content: bytes) -> None:
    """Add content to the end of `path`, and have it on the disk before what is written next. Raises OSError."""
    with naming(path), path.open("ab", buffering=0) as file:
        if file.write(content) != len(content):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fsync(file.fileno())


def write(path: Path, content: Callable[[BinaryIO], object] | bytes) -> None:
    """Put content, bytes or what a function writes, at `path`. Raises OSError and leaves `path` as it was."""
    with replacing(path) as temporary, temporary.open("wb") as file:
        if callable(content):
            content(file)
        else:
            file.write(content)


def csv_text(rows: Iterable[Iterable[object]], line_end: str = "\n") -> str:
    """Rows of cells as CSV."""
    text = io.StringIO()
    csv.writer(text, lineterminator=line_end).writerows(rows)
    return text.getvalue()


def plain(record: Any) -> Any:
    """A record as JSON has it: dataclasses become objects, and null stands for nan and the infinities."""
    if dataclasses.is_dataclass(record) and not isinstance(record, type):
        return plain(dataclasses.asdict(record))
    if isinstance(record, Mapping):
        return {str(name): plain(value) for name, value in record.items()}
    if isinstance(record, list | tuple):
        return [plain(value) for value in record]
    return None if isinstance(record, float) and not math.isfinite(record) else record
