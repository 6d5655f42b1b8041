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

CHUNK = 1 << 17  # compressed bytes at once
STANDARD_INPUT = Path("/dev/stdin")


def named(path: Path) -> Path:
    """The file that a name means: `-` is standard input."""
    return STANDARD_INPUT if str(path) == "-" else path


class _Zstandard(io.RawIOBase):
    """Frames of Zstandard one after the other; the package's own reader takes a file that is cut off for a whole one."""

    def __init__(self, file: IO[bytes]) -> None:
        try:
            self._module = importlib.import_module("zstandard")
        except ImportError:
            told = f"{file.name} is compressed with Zstandard: pip install 'seqgan-cli[zst]', or decompress it first."
            raise SeqganError(told) from None
        self._file, self._left = file, b""
        self._frame: Any = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """Raises EOFError for a frame without its end, OSError for what is no frame."""
        while not self._left:
            compressed = (self._frame and self._frame.unused_data) or self._file.read(CHUNK)
            if not compressed:
                if self._frame is not None and not self._frame.eof:
                    raise EOFError("it is cut off")
                return 0
            if self._frame is None or self._frame.eof:
                self._frame = self._module.ZstdDecompressor().decompressobj()
            try:
                self._left = self._frame.decompress(compressed)
            except self._module.ZstdError as error:
                raise OSError(str(error)) from None
        size = min(len(buffer), len(self._left))
        buffer[:size], self._left = self._left[:size], self._left[size:]
        return size


# How a compressed file ends and begins, and what reads it.
OPENERS: dict[str, tuple[bytes, Callable[[IO[bytes]], Any]]] = {
    ".gz": (b"\x1f\x8b", gzip.open),
    ".bz2": (b"BZh", bz2.open),
    ".xz": (b"\xfd7zXZ\x00", lzma.open),
    ".zst": (b"\x28\xb5\x2f\xfd", lambda file: io.BufferedReader(_Zstandard(file))),
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
