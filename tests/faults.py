"""Faults at every touch of the disk: what a process does to files, counted, and stopped or failed at a chosen one."""

import builtins
import contextlib
import io
import os
from collections.abc import Callable, Iterator
from typing import Any

# Path's own methods end in these.
TOUCHES = ("fsync", "replace", "rename", "link", "unlink", "mkdir", "truncate")


class _Watched:
    """A file open for writing whose writes are touches. Half of a failing write is on the disk, as on a real one."""

    def __init__(self, file: Any, touch: Callable[[str], None]) -> None:
        self._file, self._touch = file, touch

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def __enter__(self) -> "_Watched":
        return self

    def __exit__(self, *_: Any) -> None:
        self._file.close()

    def __iter__(self) -> Iterator[Any]:
        return iter(self._file)

    def write(self, content: Any) -> int:
        try:
            self._touch("write")
        except OSError:
            self._file.write(content[: len(content) // 2])
            self._file.flush()
            raise
        written: int = self._file.write(content)
        self._file.flush()  # so that a kill at the next touch finds it on the disk
        return written


@contextlib.contextmanager
def touching(touch: Callable[[str], None]) -> Iterator[None]:
    """Call `touch(what)` before every write, opening for writing, fsync, replace, link, unlink or mkdir of this process.

    It may raise OSError, or end the process.
    """
    opened = io.open
    kept = {name: getattr(os, name) for name in TOUCHES}

    def watched_open(file: Any, mode: str = "r", *args: Any, **options: Any) -> Any:
        if not set(mode) & set("wxa+"):
            return opened(file, mode, *args, **options)
        touch("open")
        return _Watched(opened(file, mode, *args, **options), touch)

    def watched(name: str) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            touch(name)
            return None if name == "fsync" else kept[name](*args, **options)  # nobody pulls the plug, and discs are slow

        return call

    io.open = builtins.open = watched_open  # type: ignore[assignment]
    for name in TOUCHES:
        setattr(os, name, watched(name))
    try:
        yield
    finally:
        io.open = builtins.open = opened
        for name, original in kept.items():
            setattr(os, name, original)


class At:
    """A touch that does something at the `number`-th call (from 1), or from then on; `count`: calls so far."""

    def __init__(self, number: int, then: Callable[[str], None], onwards: bool = False) -> None:
        self.number, self.then, self.onwards, self.count = number, then, onwards, 0

    def __call__(self, what: str) -> None:
        self.count += 1
        if self.count == self.number or (self.onwards and self.count > self.number and what != "unlink"):
            self.then(what)


def fail_with(code: int) -> Callable[[str], None]:
    """What to do at a touch: fail as the system does."""

    def fail(what: str) -> None:
        raise OSError(code, os.strerror(code))

    return fail
