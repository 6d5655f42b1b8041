"""Files opened for reading, whether compressed or not."""

import bz2
import contextlib
import gzip
import importlib
import io
import lzma
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

from seqgan_cli.errors import SeqganError


def _zstandard(file: IO[bytes]) -> Any:
    try:
        module = importlib.import_module("zstandard")
    except ImportError:
        raise SeqganError(f"{file.name} is compressed with Zstandard: pip install zstandard, or decompress it first.") from None
    return io.BufferedReader(module.ZstdDecompressor().stream_reader(file))


# How a compressed file ends and begins, and what reads it.
OPENERS: dict[str, tuple[bytes, Callable[[IO[bytes]], Any]]] = {
    ".gz": (b"\x1f\x8b", gzip.open),
    ".bz2": (b"BZh", bz2.open),
    ".xz": (b"\xfd7zXZ\x00", lzma.open),
    ".zst": (b"\x28\xb5\x2f\xfd", _zstandard),
}
COMPRESSED = frozenset(OPENERS)
DAMAGED = (EOFError, lzma.LZMAError, zlib.error, gzip.BadGzipFile)


@contextlib.contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """The bytes of a file, decompressed where its name says so. Raises OSError, or SeqganError for a damaged one."""
    ends = OPENERS.get(path.suffix.lower())
    with path.open("rb") as file:
        if ends is None:
            yield file
            return
        begins, opener = ends
        start = file.peek(len(begins))[: len(begins)]
        if start and start != begins:
            raise SeqganError(f"{path} does not begin as a {path.suffix.lower()} file does: decompress it, or rename it.")
        try:
            with opener(file) as inner:
                yield inner
        except DAMAGED as error:
            raise SeqganError(f"{path} is damaged: it cannot be decompressed to its end ({error}).") from None
        except OSError as error:
            if error.errno is not None:
                raise
            raise SeqganError(f"{path} is damaged: it cannot be decompressed to its end ({error}).") from None
