"""Text files with one document a line or another unit → tokens, by one of several tokenizers, and lines for people."""

from __future__ import annotations

import itertools
import os
import re
import sys
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal

from seqgan_cli.data.documents import EXAMPLES, Collector, Documents
from seqgan_cli.data.inputs.named import label
from seqgan_cli.data.inputs.options import LINE, WINDOW, TextOptions
from seqgan_cli.data.text import encodings
from seqgan_cli.data.text.hints import Hints
from seqgan_cli.data.text.lines import with_command
from seqgan_cli.data.text.markers import Markers
from seqgan_cli.data.text.records import flat, form_of, is_of_records, records_of
from seqgan_cli.data.text.units import UNITS, Windows
from seqgan_cli.data.tokenizers.base import Tokenizer
from seqgan_cli.errors import SeqganError, UsageError, quoted

PIECE = 1 << 20  # characters of a line whose tokens are held at once
Passed = Callable[[int], object]


def _parts(line: str) -> Iterator[str]:
    """A line in parts of PIECE characters or little more, each but the last with the space that ends it."""
    first = 0
    while len(line) - first > PIECE and (space := re.compile(r"\s+").search(line, first + PIECE)):
        yield line[first : space.end()]
        first = space.end()
    yield line[first:]


def read_texts(files: Sequence[Path], options: TextOptions, passed: Passed = lambda size: None, source: str = "") -> Documents:
    """Read and tokenize files, one after the other, in one pass. A document is a line or another unit of `options`, and never a
    file. Blank ones are left out, or none of tokens where such are kept.

    `passed`: called with the bytes of what is read, a part after the other; `source`: the setting that names the files.

    Raises SeqganError for a file that `texts_of` refuses, or without any text.
    """
    (documents,) = text_parts(files, options, sys.maxsize, passed=passed, source=source)
    return documents


def text_parts(
    files: Sequence[Path],
    options: TextOptions,
    most: int,
    documents: int = sys.maxsize,
    passed: Passed = lambda size: None,
    source: str = "",
) -> Iterator[Documents]:
    """The documents of files in parts, each with ids of its own; see `read_texts`.

    A part has `most` tokens, or a document more, and at most so many `documents`.
    """
    source = source or str(files[0])
    alphabet, called, reading = options.tokenizer.alphabet, label(source, files), _Reading(options, len(files) > 1)
    found = Collector(alphabet)
    parts, empty = 0, list[str]()
    for path in files:
        found.begin(str(path))
        count = 0
        for number, tokens in reading.documents_of(path, passed):
            if not found.add(tokens, number, options.keep_blank):
                found.reject(reading.place(path, number), "blank")
                continue
            count += 1
            if found.size >= most or len(found) >= documents:
                found.notes += reading.told()
                yield found.documents(called)
                found, parts = Collector(alphabet), parts + 1
                found.begin(str(path))
        if not count:
            empty.append(path.name)
    if not found.size and not parts:
        raise SeqganError(f"{called} {reading.lack()}")
    found.notes += [*reading.told(), *reading.of_all(source)]
    if empty:
        more = f" and {len(empty) - EXAMPLES} more" if len(empty) > EXAMPLES else ""
        found.note(f"{len(empty)} of {len(files)} files hold nothing to read: {', '.join(empty[:EXAMPLES])}{more}.")
    if len(found) or found.rejected or found.notes:
        yield found.documents(called)


class _Reading:
    """Files on their way to tokens, and what is to be told of them."""

    def __init__(self, options: TextOptions, several: bool) -> None:
        self.options, self.several, self.tokenizer = options, several, options.tokenizer
        self.marked, self.hints, self.windows = Markers(options.markers), Hints(options.unit), Windows(options.window)
        self.losses = _Losses(self.tokenizer)
        self._notes = list[str]()
        self._forms = dict[str, str]()  # where letters of one character are first, and such of several
        self._carriage_returns = False

    def told(self) -> list[str]:
        """What is new to tell."""
        notes = [*self._notes, *self.marked.notes]
        self._notes.clear()
        return notes

    def of_all(self, source: str) -> list[str]:
        """What can be told when all is read. `source`: the setting that names the files."""
        return [*self.windows.notes(), *self.hints.notes(source, self.tokenizer), *self.losses.notes]

    def lack(self) -> str:
        """Why nothing was found."""
        if self.windows.left:
            return f"holds no window of {self.windows.size} tokens: a smaller --max-length makes shorter ones."
        return "holds no text: one sequence a line is needed."

    def place(self, path: Path, number: int) -> str:
        """A line, as messages name it."""
        return f"{path.name}, line {number}" if self.several else f"line {number}"

    def documents_of(self, path: Path, passed: Passed) -> Iterator[tuple[int, Iterable[str]]]:
        """Number of the line where it begins and tokens of each unit; of a blank line, none."""
        unit = UNITS[self.options.unit]
        for text in self._texts(path, passed):
            units = unit(text, str(path))
            if self.options.unit == WINDOW:
                yield from self.windows.of(self._running(path, units))
            else:
                yield from ((number, self._tokens(path, number, line)) for number, line in units)

    def _texts(self, path: Path, passed: Passed) -> Iterator[Iterable[tuple[int, str]]]:
        """The lines of a file as one text; where units are no lines, those of each record as one."""
        records = records_of(path, self.options, passed, self._notes.append)
        by_record = is_of_records(path) and self.options.unit != LINE
        lines = records if by_record else flat(records, path, self.options.spaces)
        cleaned = ((number, self._cleaned(path, number, line)) for number, line in lines)
        if not by_record:
            yield cleaned
            return
        for number, text in cleaned:
            yield zip(itertools.repeat(number), text.splitlines())

    def _cleaned(self, path: Path, number: int, text: str) -> str:
        line = self.marked.without(normalized(text, self.options.normalize))
        self.hints.see(line.strip(), number)
        if not line.isascii() and len(self._forms) < 2:
            for form in ("NFC", "NFD"):
                if not unicodedata.is_normalized(form, line):
                    self._forms.setdefault(form, self.place(path, number))
            if len(self._forms) == 2:
                several, one = self._forms["NFC"], self._forms["NFD"]
                several = several if self.several else several.capitalize()
                self._notes.append(
                    f"{several} writes letters as several characters, and {one} as one, so that one word may be two: "
                    "--normalize nfc makes them one."
                )
        if "\r" in line and not self._carriage_returns:
            self._carriage_returns = True
            command = with_command(path, encodings.command_to_newlines)
            self._notes.append(f"Carriage returns within lines end none: if they should, make newlines of them{command}.")
        return line

    def _running(self, path: Path, lines: Iterable[tuple[int, str]]) -> Iterator[tuple[int, Iterable[str]]]:
        """Tokens of lines, with a space where one begins after another, if tokens tell of it."""
        for i, (number, line) in enumerate(lines):
            if i == 0 or self.tokenizer.spaced:
                yield number, self._tokens(path, number, line)
            elif self.tokenizer.spaces_cut:
                yield number, itertools.chain([" "], self._tokens(path, number, line))
            else:  # the space may be of the line's first token
                yield number, self._tokens(path, number, line, " ")

    def _tokens(self, path: Path, number: int, line: str, before: str = "") -> Iterable[str]:
        line = before + (line.lower() if self.options.lowercase else line)
        parts = _parts(line) if self.tokenizer.spaces_cut else (line,)
        tokens: Iterable[str] = itertools.chain.from_iterable(map(self.tokenizer.split, parts))
        return self.losses.seen(line, [*tokens], self.place(path, number), before) if self.losses.possible else tokens


class _Losses:
    """Counts the texts that a tokenizer does not keep, of one that only its file can tell of."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer, self.possible = tokenizer, tokenizer.keeps_text is None
        self._lines = self._lost = 0
        self._first = ""

    def seen(self, text: str, tokens: list[str], place: str, before: str = "") -> list[str]:
        """The tokens as they are. `before`: what begins the text and need not be kept."""
        self._lines += 1
        if self._tokenizer.join(tokens).removeprefix(before) != text.removeprefix(before):
            self._lost, self._first = self._lost + 1, self._first or place
        return tokens

    @property
    def notes(self) -> list[str]:
        told = f"The tokenizer gives {self._lost} of {self._lines} lines back otherwise than they are"
        return [f"{told} (first {self._first}): samples are written in its way, not the data's."] * bool(self._lost)


def normalized(text: str, form: str) -> str:
    """A text in the Unicode normal form NFC or NFKC, or as it is."""
    forms: dict[str, Literal["NFC", "NFKC"]] = {"nfc": "NFC", "nfkc": "NFKC"}
    return unicodedata.normalize(forms[form], text) if form in forms else text


def refuse_mixed(files: Sequence[Path]) -> None:
    """Raises UsageError unless all files of a source have records of one form: lines, rows, objects, …"""
    forms: dict[object, list[Path]] = {}
    for path in files:
        forms.setdefault(form_of(path), []).append(path)
    if len(forms) < 2:
        return
    most, fewer = sorted(forms.values(), key=len, reverse=True)[:2]
    pattern = Path(os.path.commonpath([path.parent for path in files]), "**", f"*{''.join(most[0].suffixes[-2:])}")
    raise UsageError(
        f"{most[0]} and {fewer[0]} are not read alike, and one corpus has files of one form: name some, as "
        f"{quoted(str(pattern))}."
    )
