"""What a text seems to be that is read as documents and is not meant so: prose in wrapped lines, text without spaces, pairs
with a tab between them, what a library puts before and behind a book."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from seqgan_cli.config.paths import names_in
from seqgan_cli.data.inputs.named import is_one
from seqgan_cli.data.inputs.options import LINE
from seqgan_cli.data.text.encodings import names_for_shell
from seqgan_cli.data.text.lines import with_command
from seqgan_cli.data.text.records import FORMATS, suffix_of
from seqgan_cli.data.tokenizers.base import Tokenizer
from seqgan_cli.errors import quoted

FEWEST = 20  # lines that tell anything
MOST = 0.95  # share of them that tells it
_ENDS_WITHIN = re.compile(r"[.!?…][\"'”’)]* +\S")
MARKS = ("START", "END")
_GUTENBERG = re.compile(r"\*\*\* ?(START|END) OF (?:THE|THIS) PROJECT GUTENBERG", re.IGNORECASE)
_PAIR = re.compile(r"[^\t]*[^\W\d_][^\t]*\t[^\t]*[^\W\d_][^\t]*$")
_VERSE = re.compile(r"[\u3400-\u9fff]{5}$|[\u3400-\u9fff]{7}$")


class Hints:
    """Sees every line of a file, and knows at the end what to tell.

    `unit`: what one document is; of others than lines less is to be told.
    """

    def __init__(self, unit: str = LINE) -> None:
        self._of_lines, self._last = unit == LINE, ""
        self._marks = dict[str, int]()  # where a book of Project Gutenberg's begins and ends
        self._lines = self._single = self._verses = self._pairs = self._ends_within = self._widest = 0
        self._needed: Counter[int] = Counter()  # columns that a line would have had with the first word of the next

    def see(self, line: str, number: int = 0) -> None:
        """A line without the space around it."""
        if line.startswith("***") and (found := _GUTENBERG.match(line)):
            self._marks.setdefault(found[1].upper(), number)
        if line and self._of_lines:
            first = line.split(maxsplit=1)[0]
            self._lines += 1
            self._single += len(first) == len(line) > 2
            self._verses += bool(_VERSE.match(line))
            self._pairs += bool("\t" in line and _PAIR.match(line))
            self._ends_within += bool(_ENDS_WITHIN.search(line))
            self._widest = max(self._widest, len(line))
            if self._last:
                self._needed[len(self._last) + 1 + len(first)] += 1
        self._last = line

    def notes(self, source: str, tokenizer: Tokenizer) -> Iterator[str]:
        """A sentence for each thing that should be known, of what was read by that tokenizer. `source`: the setting that names
        it."""
        path = Path(source) if is_one(source) else None
        if len(self._marks) == len(MARKS):
            yield self._of_a_library(path)
        if self._lines < FEWEST:
            return
        pairs = self._needed.total()
        full = sum(count for needed, count in self._needed.items() if needed > self._widest)
        if pairs >= FEWEST and full > MOST * pairs and self._ends_within > self._lines / 10:
            yield (
                f"Lines are full to column {self._widest}, as wrapped prose is: --unit paragraph makes each paragraph one "
                f"sequence, and --unit sentence each sentence{_shown(source, '--unit', 'sentence')}."
            )
        if self._pairs == self._lines:
            yield (
                "Every line has one tab: if it parts a source, which is given, from a target, --kind pairs reads them so"
                f"{_shown(source, '--kind', 'pairs')}."
            )
        if self._verses > MOST * self._lines:
            yield f"Each line is a verse: make a poem of every four{_with(path, _to_poems)}."
        elif tokenizer.spaced and tokenizer.marks == "on" and self._single > MOST * self._lines:
            yield "Most lines have no space, and are one token each: --tokenizer chars makes each character one."

    def _of_a_library(self, path: Path | None) -> str:
        if path is None:
            return "Project Gutenberg's own words, before `*** START OF` and behind `*** END OF`, are read like the books'."
        first, last = (self._marks[mark] for mark in MARKS)

        def command(path: Path) -> str:
            source, target = names_for_shell(path, "book")
            return f"`sed -n '{first + 1},{last - 1}p' < {source} > {target}`"

        words = f"Lines 1 to {first} and from {last} on are Project Gutenberg's own words, and are read like the book's"
        return f"{words}: leave them out{_with(path, command)}."


def _shown(source: str, *options: str) -> str:
    """The command that shows what is read with these options, of what can be read again."""
    names = names_in(source)
    paths = [*map(Path, names)]
    if any(suffix_of(path) in FORMATS or (path.exists() and not (path.is_file() or path.is_dir())) for path in paths):
        return ""
    words = ["seqgan", "corpus", *names, *options]
    return f", as `{' '.join(map(quoted, words))}` shows"


def _with(path: Path | None, command: Callable[[Path], str]) -> str:
    """The command, of a file whose lines are text."""
    return "" if path is None or suffix_of(path) in FORMATS else with_command(path, command)


def _to_poems(path: Path) -> str:
    source, target = names_for_shell(path, "poems")
    return f"`tr -d '\\r' < {source} | grep -v '^[[:space:]]*$' | paste -d ' ' - - - - > {target}`"
