"""What a text seems to be that is read a line a document and is not meant so: prose in wrapped lines, text without spaces."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from seqgan_cli.data.text.encodings import names_for_shell
from seqgan_cli.data.text.lines import with_command
from seqgan_cli.data.text.records import FORMATS, suffix_of
from seqgan_cli.data.tokenizers.base import Tokenizer

FEWEST = 20  # lines that tell anything
MOST = 0.95  # share of them that tells it
_ENDS_WITHIN = re.compile(r"[.!?…][\"'”’)]* +\S")
_VERSE = re.compile(r"[\u3400-\u9fff]{5}$|[\u3400-\u9fff]{7}$")


class Hints:
    """Sees every line of a file, and knows at the end what to tell."""

    def __init__(self) -> None:
        self._last = ""
        self._lines = self._single = self._verses = self._ends_within = self._widest = 0
        self._needed: Counter[int] = Counter()  # columns that a line would have had with the first word of the next

    def see(self, line: str) -> None:
        """A line without the space around it."""
        if line:
            first = line.split(maxsplit=1)[0]
            self._lines += 1
            self._single += len(first) == len(line) > 2
            self._verses += bool(_VERSE.match(line))
            self._ends_within += bool(_ENDS_WITHIN.search(line))
            self._widest = max(self._widest, len(line))
            if self._last:
                self._needed[len(self._last) + 1 + len(first)] += 1
        self._last = line

    def notes(self, path: Path, tokenizer: Tokenizer) -> Iterator[str]:
        """A sentence for each thing that should be known, of a file that was read by that tokenizer."""
        if self._lines < FEWEST:
            return
        pairs = self._needed.total()
        full = sum(count for needed, count in self._needed.items() if needed > self._widest)
        if pairs >= FEWEST and full > MOST * pairs and self._ends_within > self._lines / 10:
            yield (
                f"Lines are full to column {self._widest}, as wrapped prose is: make each paragraph one line"
                f"{_with(path, _to_paragraphs)}, and --overlong split cuts it at the ends of sentences."
            )
        if self._verses > MOST * self._lines:
            yield f"Each line is a verse: make a poem of every four{_with(path, _to_poems)}."
        elif tokenizer.spaced and tokenizer.marks == "on" and self._single > MOST * self._lines:
            yield "Most lines have no space, and are one token each: --tokenizer chars makes each character one."


def _with(path: Path, command: Callable[[Path], str]) -> str:
    """The command, of a file whose lines are text."""
    return "" if suffix_of(path) in FORMATS else with_command(path, command)


def _to_paragraphs(path: Path) -> str:
    source, target = names_for_shell(path, "paragraphs")
    return f"`tr -d '\\r' < {source} | awk -v RS= '{{gsub(/\\n/, \" \")}} 1' > {target}`"


def _to_poems(path: Path) -> str:
    source, target = names_for_shell(path, "poems")
    return f"`tr -d '\\r' < {source} | grep -v '^[[:space:]]*$' | paste -d ' ' - - - - > {target}`"
