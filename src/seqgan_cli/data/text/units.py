"""What one sequence of prose is: a line, or what the lines together have of paragraphs, sentences, or windows of tokens."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from seqgan_cli.data.inputs.options import LINE, WINDOW
from seqgan_cli.data.text.layout import CLOSERS, ends_sentence
from seqgan_cli.data.text.lines import LONGEST_LINE
from seqgan_cli.errors import SeqganError

Lines = Iterable[tuple[int, str]]  # number and text
# A line that ends, and one that begins, within a word, at a hyphen or dash that is the word's own.
_ENDS_WITHIN, _BEGINS_WITHIN = re.compile(r"(?:\w-|[\w!\"'&.,?]--+)$"), re.compile(r"--+\w")
_BEFORE_DASH = re.compile(r"[\w!\"'&.,?]$")
_NUMBERED = re.compile(r"[(\[\"'“‘]*no\.$", re.IGNORECASE)  # the word, or that of a number
_WIDE = re.compile(r"[\u3000-\u30ff\u3400-\u9fff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff]")  # written without spaces
_WIDE_END = re.compile(rf"[^。！？]*[。！？]+[{re.escape(''.join(c for c in CLOSERS if len(c) == 1))}]*|[^。！？]+")


def between(last: str, following: str) -> str:
    """What stands between two lines that are one: a space, but none within a word that has its own hyphen or dash there, and
    none between characters that are written without.

    So text that was broken at spaces, hyphens and dashes, as by `textwrap`, is what it was.
    """
    if _ENDS_WITHIN.search(last) and (following[0].isalnum() or following[0] == "_"):
        return ""
    if _BEGINS_WITHIN.match(following) and _BEFORE_DASH.search(last):
        return ""
    return "" if _WIDE.match(last[-1]) and _WIDE.match(following[0]) else " "


def _stripped(lines: Lines) -> Iterator[tuple[int, str]]:
    return ((number, line.strip()) for number, line in lines)


class _Growing:
    """A unit in the making."""

    def __init__(self, what: str, source: str) -> None:
        self.what, self.source = what, source
        self.clear()

    def clear(self) -> None:
        self.number, self.parts, self.size = 0, list[str](), 0

    def add(self, number: int, part: str, joint: str) -> None:
        """Raises SeqganError where it becomes longer than a line can be."""
        if not self.parts:
            self.number, joint = number, ""
        self.parts += [joint, part]
        self.size += len(part)
        if self.size > LONGEST_LINE:
            raise SeqganError(
                f"{self.source}, line {self.number}: the {self.what} that begins there is longer than {LONGEST_LINE >> 20} MB: "
                "--unit line reads its lines."
            )

    def take(self) -> Iterator[tuple[int, str]]:
        """Its number and text, if there is any, and the next begins."""
        if self.parts:
            yield self.number, "".join(self.parts)
        self.clear()


def paragraphs(lines: Lines, source: str = "") -> Iterator[tuple[int, str]]:
    """Number of the first line and text of what blank lines part, its lines joined. `source`: for messages."""
    own = _Growing("paragraph", source)
    for number, line in _stripped(lines):
        if line:
            own.add(number, line, between(own.parts[-1], line) if own.parts else "")
        else:
            yield from own.take()
    yield from own.take()


def sentences(lines: Lines, source: str = "") -> Iterator[tuple[int, str]]:
    """Number of the line where it begins and text of each sentence; space within is one space.

    A sentence ends with its paragraph; after a word that ends in `.`, `!`, `?` or `…`, quotes and brackets behind it included,
    unless it is an initial or one of ABBREVIATIONS, or unless a word in small letters follows, where the sentence has capitals
    at all; and after `。`, `！` and `？`. These are the usual rules of segmenters (Grefenstette and Tapanainen 1994), and know
    nothing of the text: Punkt learns abbreviations from all of it, and would part the same line otherwise in another file.
    """
    own, capital = _Growing("sentence", source), False
    for number, line in _stripped(lines):
        if not line:
            yield from own.take()
            continue
        for i, (word, joint) in enumerate(_words(line)):
            last = own.parts[-1] if own.parts else ""
            if last and _parts(last, word) and not (capital and _is_small(word)):
                yield from own.take()
            if not own.parts:
                capital = False
            capital = capital or any(map(str.isupper, word))
            own.add(number, word, between(last, word) if i == 0 and last else joint)
    yield from own.take()


def _words(line: str) -> Iterator[tuple[str, str]]:
    """The words of a line, cut after the ends of sentences that no space follows, and what stands before each."""
    for word in line.split():
        parts = _WIDE_END.findall(word) if _WIDE.search(word) else [word]
        for i, part in enumerate(parts):
            yield part, "" if i else " "


def _parts(last: str, word: str) -> bool:
    """Whether a sentence ends between two words, as far as the first tells; `No. 5` is one."""
    return ends_sentence(last) or (bool(_NUMBERED.match(last)) and not word[0].isdigit())


def _is_small(word: str) -> bool:
    """Whether a word goes on with a sentence: its first letter is a small one."""
    bare = word.lstrip("([\"'“‘«-–—")
    return bare[:1].islower()


def whole_words(lines: Lines, source: str = "") -> Iterator[tuple[int, str]]:
    """The lines that are not blank, of which those are one between which a word or a text without spaces goes on."""
    own = _Growing("line", source)
    for number, line in _stripped(lines):
        if line and own.parts and between(own.parts[-1], line):
            yield from own.take()
        if line:
            own.add(number, line, "")
        else:
            yield from own.take()
    yield from own.take()


UNITS: dict[str, Callable[[Lines, str], Iterator[tuple[int, str]]]] = {
    LINE: lambda lines, source: iter(lines),
    "sentence": sentences,
    "paragraph": paragraphs,
    WINDOW: whole_words,
}


class Windows:
    """Cuts tokens into windows that do not overlap, so that none is read twice.

    left, texts: how many tokens at the ends of how many texts filled no window.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.left = self.texts = self.count = 0

    def of(self, text: Iterable[tuple[int, Iterable[str]]]) -> Iterator[tuple[int, Sequence[str]]]:
        """Number of the line where it begins and tokens of each window of one text. `text`: numbers and tokens of its lines."""
        begun, window = 0, list[str]()
        for number, tokens in text:
            left = iter(tokens)
            while more := [*itertools.islice(left, self.size - len(window))]:
                begun = begun if window else number
                window += more
                if len(window) == self.size:
                    self.count += 1
                    yield begun, window
                    window = []
        self.left += len(window)
        self.texts += bool(window)

    def notes(self) -> list[str]:
        """What to tell of the rest."""
        if not self.left:
            return []
        of = "the end" if self.texts == 1 else f"the ends of {self.texts} texts"
        return [f"{self.left} tokens at {of} fill no window of {self.size}, and are left out."]
