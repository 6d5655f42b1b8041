"""Text: a UTF-8 file with one document a line → tokens, sequences of them that are not too long, and lines a person reads."""

from __future__ import annotations

import codecs
import functools
import itertools
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from seqgan_cli.config.sections import Data
from seqgan_cli.data.corpus import Layout
from seqgan_cli.data.documents import Collector, Documents
from seqgan_cli.data.text import encodings
from seqgan_cli.data.text.markers import Markers
from seqgan_cli.data.text.words import join_words, split_words
from seqgan_cli.errors import SeqganError
from seqgan_cli.lazy import np

LONGEST_BY_DEFAULT = 64
LONGEST_LINE = 256 << 20  # bytes; a line is held whole
BYTE_ORDER_MARK = "\ufeff"
PIECE = 1 << 20  # characters of a line whose tokens are held at once
# What a full stop after them does not end, lower case and without the last one.
_SHORT = "mr mrs ms dr prof gen sen rep gov st jr sr no vs etc e.g i.e u.s u.n d.c a.m p.m inc ltd co "
_SHORT += "jan feb mar apr aug sept oct nov dec"
ABBREVIATIONS = frozenset(_SHORT.split())


@dataclass(frozen=True)
class Tokenizer:
    """How a line becomes tokens and tokens a line."""

    split: Callable[[str], Sequence[str]]
    join: Callable[[list[str]], str]


TOKENIZERS = {
    "whitespace": Tokenizer(str.split, " ".join),
    "words": Tokenizer(split_words, join_words),
    "chars": Tokenizer(str, "".join),  # a string is a sequence of its characters
}


def lines_of(
    path: Path, passed: Callable[[int], object] = lambda size: None, spaces: bool = False
) -> Iterator[tuple[int, str]]:
    """Number and text of each line of a UTF-8 file, without the space around it. The file is never held whole.

    A byte-order mark is no text, wherever it stands: files that have one are joined too. `passed` is called with the bytes of
    each line. `spaces`: keep the space around it, all but the end of the line.

    Raises SeqganError for a file that is missing, binary, not UTF-8 or without newlines between its lines, or has a line of
    more than 256 MB, naming the line.
    """
    try:
        with path.open("rb") as file:
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
                        f"convert it to UTF-8{_with(path, encodings.command_to_utf8)}."
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
        raise SeqganError(f"{path} is {encoding}: convert it to UTF-8{_with(path, command)}.")
    if b"\r" in first.strip() and not first.endswith(b"\n"):
        raise SeqganError(
            f"{path} has the line ends of old Macs, carriage returns alone: make newlines of them"
            f"{_with(path, encodings.command_to_newlines)}."
        )


def _with(path: Path, command: Callable[[Path], str]) -> str:
    """The command that does it, of what can be read again."""
    return f", with {command(path)}" if path.is_file() else ""


def _parts(line: str) -> Iterator[str]:
    """A line in parts of PIECE characters or little more, each but the last with the space that ends it."""
    first = 0
    while len(line) - first > PIECE and (space := re.compile(r"\s+").search(line, first + PIECE)):
        yield line[first : space.end()]
        first = space.end()
    yield line[first:]


def read_lines(
    path: Path, tokenizer: str, lowercase: bool, markers: str = "", spaces: bool = False, keep_blank: bool = False
) -> Documents:
    """Read and tokenize a file in one pass; a line is a document, and blank ones are left out, or none of tokens.

    `markers`: see `Markers`; `spaces`: see `lines_of`.

    Raises SeqganError for a file that `lines_of` refuses, or without any text.
    """
    (documents,) = line_parts(
        path, tokenizer, lowercase, sys.maxsize, markers=markers, spaces=spaces, keep_blank=keep_blank
    )
    return documents


def line_parts(
    path: Path,
    tokenizer: str,
    lowercase: bool,
    most: int,
    documents: int = sys.maxsize,
    passed: Callable[[int], object] = lambda size: None,
    markers: str = "",
    spaces: bool = False,
    keep_blank: bool = False,
) -> Iterator[Documents]:
    """The documents of a file in parts, each with ids of its own; see `read_lines`.

    A part has `most` tokens, or a document more, and at most so many `documents`. `passed`: see `lines_of`.
    """
    split, found, given, marked = TOKENIZERS[tokenizer].split, Collector(), False, Markers(markers)
    for number, read in lines_of(path, passed, spaces):
        line = marked.without(read)
        tokens: Iterable[str] = itertools.chain.from_iterable(map(split, _parts(line.lower() if lowercase else line)))
        if "\r" in line and not found.notes:
            command = _with(path, encodings.command_to_newlines)
            found.note(f"Carriage returns within lines end none: if they should, make newlines of them{command}.")
        if not found.add(tokens, number, keep_blank):
            found.reject(f"line {number}", "blank")
        if found.size >= most or len(found) >= documents:
            found.notes += marked.notes
            yield found.documents(str(path))
            found, given = Collector(), True
    if not found.size and not given:
        raise SeqganError(f"{path} holds no text: one sequence a line is needed.")
    if len(found) or found.rejected:
        found.notes += marked.notes
        yield found.documents(str(path))


# Tokens that end a sentence, what may follow within it, and what else leans on the word before it. Among single characters a
# full stop also stands in numbers, so there it ends a sentence only if a space follows, or marks and a space.
ENDS = (".", "!", "?", "...", "…", "。", "！", "？")
CLOSERS = ("''", '"', "”", "’", "'", ")", "]", "»", "」", "』")
LEANING = (*ENDS, *CLOSERS, ",", ";", ":", "--", "'s", "'re", "'ve", "'ll", "'d", "'m", "n't", "，", "、", "；", "：")


def _ends_sentence(word: str) -> bool:
    """Whether a word, with the marks it carries, ends a sentence."""
    bare = word.rstrip("".join(CLOSERS)).lstrip("([\"'“‘«")
    short = bare[:-1].lower()
    initial = len(short) == 1 and short.isalpha()
    return bare.endswith(ENDS) and not (bare.endswith(".") and (initial or short in ABBREVIATIONS))


def _is_end(token: str) -> bool:
    """Whether a token is a mark that ends a sentence; ellipses of any length are."""
    return token in ENDS or (len(token) > 1 and not token.strip("."))


def _sentence_stops(documents: Documents, tokenizer: str) -> np.ndarray:
    """int64, ascending: the places after the last token of a sentence."""
    ended = _ends_sentence if tokenizer == "whitespace" else _is_end
    tests = (ended, CLOSERS.__contains__, " ".__eq__, ENDS[5:].__contains__)
    among = [np.array([*map(test, documents.tokens)], bool) for test in tests]
    ends, closes, spaces, wide = (table[documents.ids] for table in among)
    if tokenizer == "chars":
        closes |= spaces
    closes[documents.offsets[:-1]] = False  # what begins a document belongs to none before
    places = np.flatnonzero(ends)
    stops = places + 1
    after_runs = np.flatnonzero(closes & ~np.append(closes[1:], False)) + 1  # of closers, which are few where tokens are many
    within = np.append(closes, False)[stops]
    stops[within] = after_runs[np.searchsorted(after_runs, stops[within], side="right")]
    if tokenizer == "chars":
        stops = stops[wide[places] | spaces[stops - 1]]
    return np.unique(stops)


def _pieces(start: int, end: int, max_length: int, stops: np.ndarray, leans: np.ndarray) -> list[int]:
    """Where the pieces of one document begin: each as many whole sentences as fit, or as much of a longer one.

    `stops`: int64, ascending, the places after a sentence's last token; `leans`: whether the token at a place leans on the one
    before, bool for all places.
    """
    begins = [start]
    while end - begins[-1] > max_length:
        furthest = begins[-1] + max_length
        last = np.searchsorted(stops, furthest, side="right") - 1
        if last >= 0 and stops[last] > begins[-1]:
            begins.append(int(stops[last]))
            continue
        place = furthest
        while place > begins[-1] and leans[place]:
            place -= 1
        begins.append(place if place > begins[-1] else furthest)
    return begins


def _without_space(documents: Documents, starts: np.ndarray, ends: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pieces without the space around them, which only single characters can be, as a line is read without its own.

    What is nothing but space is left out.
    """
    space = np.array([token.isspace() for token in documents.tokens], bool)
    if not space.any():
        return starts, ends
    others = np.flatnonzero(~space[documents.ids])
    first, after = np.searchsorted(others, starts), np.searchsorted(others, ends)
    kept = first < after
    return others[first[kept]], others[after[kept] - 1] + 1


def text_layout(documents: Documents, settings: Data, unit: str = "line") -> Layout:
    """How lines become sequences: whole, and the overlong ones dropped, cut, or split at the ends of sentences."""
    max_length = settings.max_length or min(int(documents.lengths.max()), LONGEST_BY_DEFAULT)

    def segment(documents: Documents, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        starts, ends = documents.offsets[chosen], documents.offsets[chosen + 1]
        long = ends - starts > max_length
        if settings.overlong == "drop":
            return starts[~long], ends[~long]
        if settings.overlong == "cut":
            return _without_space(documents, starts, np.minimum(ends, starts + max_length))
        stops = _sentence_stops(documents, settings.tokenizer)
        leans = np.array([token in LEANING for token in documents.tokens], bool)[documents.ids]
        begins: list[int] = []
        for start, end, is_long in zip(starts.tolist(), ends.tolist(), long.tolist(), strict=True):
            begins += _pieces(start, end, max_length, stops, leans) if is_long else [start]
        first = np.array(begins, np.int64)
        last_of = np.searchsorted(documents.offsets, first, side="right")  # the document after the piece's own
        following = np.append(first[1:], np.iinfo(np.int64).max)
        return _without_space(documents, first, np.minimum(documents.offsets[last_of], following))

    fate = {"drop": "dropped", "cut": "cut", "split": "split at the ends of sentences"}[settings.overlong]
    return Layout(unit, max_length, segment, overlong=fate, tokens=f"tokens ({settings.tokenizer})")
