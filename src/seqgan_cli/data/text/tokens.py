"""A text file with one document a line → tokens, by one of several tokenizers, and lines that a person reads."""

from __future__ import annotations

import itertools
import re
import sys
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Literal

from seqgan_cli.data.documents import Collector, Documents
from seqgan_cli.data.text import encodings
from seqgan_cli.data.text.hints import Hints
from seqgan_cli.data.text.lines import with_command
from seqgan_cli.data.text.markers import Markers
from seqgan_cli.data.text.records import texts_of
from seqgan_cli.data.tokenizers.base import Tokenizer
from seqgan_cli.errors import SeqganError

PIECE = 1 << 20  # characters of a line whose tokens are held at once


def _parts(line: str) -> Iterator[str]:
    """A line in parts of PIECE characters or little more, each but the last with the space that ends it."""
    first = 0
    while len(line) - first > PIECE and (space := re.compile(r"\s+").search(line, first + PIECE)):
        yield line[first : space.end()]
        first = space.end()
    yield line[first:]


def read_lines(
    path: Path,
    tokenizer: Tokenizer,
    lowercase: bool,
    markers: str = "",
    spaces: bool = False,
    keep_blank: bool = False,
    column: str = "",
    normalize: str = "none",
) -> Documents:
    """Read and tokenize a file in one pass; a line is a document, and blank ones are left out, or none of tokens.

    `markers`: see `Markers`; `spaces`: see `lines_of`; `column`: see `texts_of`; `normalize`: see `normalized`.

    Raises SeqganError for a file that `texts_of` refuses, or without any text.
    """
    (documents,) = line_parts(
        path,
        tokenizer,
        lowercase,
        sys.maxsize,
        markers=markers,
        spaces=spaces,
        keep_blank=keep_blank,
        column=column,
        normalize=normalize,
    )
    return documents


def line_parts(
    path: Path,
    tokenizer: Tokenizer,
    lowercase: bool,
    most: int,
    documents: int = sys.maxsize,
    passed: Callable[[int], object] = lambda size: None,
    markers: str = "",
    spaces: bool = False,
    keep_blank: bool = False,
    column: str = "",
    normalize: str = "none",
) -> Iterator[Documents]:
    """The documents of a file in parts, each with ids of its own; see `read_lines`.

    A part has `most` tokens, or a document more, and at most so many `documents`. `passed`: see `lines_of`.
    """
    found, given, marked = Collector(tokenizer.alphabet), False, Markers(markers)
    hints, losses = Hints(), _Losses(tokenizer)
    notes, forms = list[str](), dict[str, int]()  # the first line with letters of one character, and with such of several
    for number, read in texts_of(path, column, passed, spaces, notes.append):
        line = marked.without(normalized(read, normalize))
        hints.see(line.strip())
        if not line.isascii() and len(forms) < 2:
            for form in ("NFC", "NFD"):
                if not unicodedata.is_normalized(form, line):
                    forms.setdefault(form, number)
            if len(forms) == 2:
                notes.append(
                    f"Line {forms['NFC']} writes letters as several characters, and line {forms['NFD']} as one, so that one "
                    "word may be two: --normalize nfc makes them one."
                )
        text = line.lower() if lowercase else line
        parts = _parts(text) if tokenizer.spaces_cut else (text,)
        tokens: Iterable[str] = itertools.chain.from_iterable(map(tokenizer.split, parts))
        if losses.possible:
            tokens = losses.seen(text, [*tokens], number)
        if "\r" in line and not found.notes:
            command = with_command(path, encodings.command_to_newlines)
            found.note(f"Carriage returns within lines end none: if they should, make newlines of them{command}.")
        if not found.add(tokens, number, keep_blank):
            found.reject(f"line {number}", "blank")
        if found.size >= most or len(found) >= documents:
            found.notes += notes + marked.notes
            yield found.documents(str(path))
            found, given, notes[:] = Collector(tokenizer.alphabet), True, ()
    if not found.size and not given:
        raise SeqganError(f"{path} holds no text: one sequence a line is needed.")
    found.notes += [*notes, *marked.notes, *hints.notes(path, tokenizer), *losses.notes]
    if len(found) or found.rejected or found.notes:  # the part before may have had the last document, but not what is told last
        yield found.documents(str(path))


class _Losses:
    """Counts the texts that a tokenizer does not keep, of one that only its file can tell of."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer, self.possible = tokenizer, tokenizer.keeps_text is None
        self._lines = self._lost = self._first = 0

    def seen(self, text: str, tokens: list[str], number: int) -> list[str]:
        """The tokens as they are."""
        self._lines += 1
        if self._tokenizer.join(tokens) != text:
            self._lost, self._first = self._lost + 1, self._first or number
        return tokens

    @property
    def notes(self) -> list[str]:
        told = f"The tokenizer gives {self._lost} of {self._lines} lines back otherwise than they are"
        return [f"{told} (first line {self._first}): samples are written in its way, not the data's."] * bool(self._lost)


def normalized(text: str, form: str) -> str:
    """A text in the Unicode normal form NFC or NFKC, or as it is."""
    forms: dict[str, Literal["NFC", "NFKC"]] = {"nfc": "NFC", "nfkc": "NFKC"}
    return unicodedata.normalize(forms[form], text) if form in forms else text
