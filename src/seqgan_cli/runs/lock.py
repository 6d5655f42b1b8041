"""The lock on a directory: one writer at a time, and whose it is."""

import contextlib
import errno
import os
import platform
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from seqgan_cli.errors import SeqganError

HOLDER = ".holder"
NAMES = {".lock", ".softlock", HOLDER}  # what a lock leaves in a directory
WITHOUT_LOCKS = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS)


def _locked(directory: Path, name: str = "") -> Any:
    """A lock of that name in a directory, held. Raises filelock.Timeout if another process holds it.

    The system lets go of a dead process's. Where it knows no locks a file that names its process stands in, which the next
    takes over once that process is gone.
    """
    from filelock import FileLock, SoftFileLock

    try:
        return FileLock(directory / f"{name}.lock", timeout=0).acquire()
    except OSError as error:
        if error.errno not in WITHOUT_LOCKS:
            raise
        return SoftFileLock(directory / f"{name}.softlock", timeout=0.5).acquire()  # to take over may need a second try


def acquire(directory: Path, name: str) -> contextlib.AbstractContextManager[Any] | None:
    """A lock of that name in a directory that exists, held until its block ends, or None if another process holds it."""
    from filelock import Timeout

    try:
        acquired: contextlib.AbstractContextManager[Any] = _locked(directory, name)
    except Timeout:
        return None
    return acquired


@contextlib.contextmanager
def held(directory: Path, refusal: str, option: str) -> Iterator[None]:
    """Hold a directory, made if missing. Raises SeqganError, `refusal` and whose it is, if another process holds it."""
    from filelock import Timeout

    directory.mkdir(parents=True, exist_ok=True)
    holder = directory / HOLDER
    try:
        acquired = _locked(directory)
    except Timeout:
        raise SeqganError(f"{refusal}{_told(holder)}: wait for it or use another {option}.") from None
    with acquired:
        with contextlib.suppress(OSError):  # it only serves the message
            holder.write_text(f"{os.getpid()}\n{platform.node()}\n", encoding="utf-8")
        try:
            yield
        finally:
            holder.unlink(missing_ok=True)


def _told(holder: Path) -> str:
    """` (process 123 on host)`, or nothing where the file does not say."""
    try:
        process, host = holder.read_text(encoding="utf-8", errors="replace")[:400].split("\n")[:2]
    except (OSError, ValueError):
        return ""
    return f" (process {process} on {host})" if process.isdecimal() else ""


def is_held(directory: Path) -> bool:
    """Whether a process holds the directory."""
    from filelock import Timeout

    if not directory.is_dir():
        return False
    try:
        with _locked(directory):
            return False
    except Timeout:
        return True
