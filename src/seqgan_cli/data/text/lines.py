"""The lines of a text file."""

from __future__ import annotations

import codecs
import functools
from collections.abc import Callable, Iterator
from pathlib import Path

from seqgan_cli.data.text import encodings
from seqgan_cli.data.text.opened import COMPRESSED, opened
from seqgan_cli.errors import SeqganError

LONGEST_LINE = 256 << 20  # bytes; a line is held whole
BYTE_ORDER_MARK = "\ufeff"


def lines_of(
    path: Path, passed: Callable[[int], object] = lambda size: None, spaces: bool = False
) -> Iterator[tuple[int, str]]:
    """Number and text of each line of a UTF-8 file, without the space around it. The file, which may be compressed, is never
    held whole.

    A byte-order mark is no text, wherever it stands: files that have one are joined too. `passed` is called with the bytes of
    each line. `spaces`: keep the space around it, all but the end of the line.

    Raises SeqganError for a file that is missing, binary, not UTF-8 or without newlines between its lines, or has a line of
    more than 256 MB, naming the line.
    """
    try:
        with opened(path) as file:
            for line_number, raw in enumerate(iter(lambda: file.readline(LONGEST_LINE + 1), b""), start=1):
                if line_number == 1:
                    _refuse_other_line_ends_or_units(path, raw)
                    raw = raw.removeprefix(codecs.BOM_UTF8)
                if b"\0" in raw:
                    raise SeqganError(f"{path}, line {line_number}: holds a zero byte, so it is binary; text is needed.")
                if len(raw) > LONGEST_LINE:
                    raise SeqganError(
                        f"{path}, line {line_number}: is longer than {LONGEST_LINE >> 20} MB; one sequence a line is needed."
                    )
                passed(len(raw))
                try:
                    line = raw.decode("utf-8").replace(BYTE_ORDER_MARK, "")
                    yield line_number, line.removesuffix("\n").removesuffix("\r") if spaces else line.strip()
                except UnicodeDecodeError as error:
                    raise SeqganError(
                        f"{path}, line {line_number}: 0x{raw[error.start]:02x} after {error.start} bytes of text is not UTF-8; "
                        f"convert it to UTF-8{with_command(path, encodings.command_to_utf8)}."
                    ) from None
    except OSError as error:
        raise SeqganError(f"Cannot read {path}: {error.strerror}.") from None
    except ValueError as error:  # a name with a zero byte
        raise SeqganError(f"Cannot read {str(path)!r}: {error}.") from None


def _refuse_other_line_ends_or_units(path: Path, first: bytes) -> None:
    """Raises SeqganError, with the command that helps, where the first line tells that bytes are not what newlines end."""
    encoding = encodings.mark_of(first) or encodings.utf16_without_mark(first)
    if encoding:
        command = functools.partial(encodings.command_from, encoding)
        raise SeqganError(f"{path} is {encoding}: convert it to UTF-8{with_command(path, command)}.")
    if b"\r" in first.strip() and not first.endswith(b"\n"):
        raise SeqganError(
            f"{path} has the line ends of old Macs, carriage returns alone: make newlines of them"
            f"{with_command(path, encodings.command_to_newlines)}."
        )


def with_command(path: Path, command: Callable[[Path], str]) -> str:
    """The command that does it, of what can be read again."""
    return f", with {command(path)}" if path.is_file() and path.suffix.lower() not in COMPRESSED else ""
