"""Words that programs put where a line begins and ends, such as `<sos>` and `<eos>`: taken off when asked, else told of."""

import re
from collections import Counter

from seqgan_cli.data.vocabulary import UNKNOWN

# What looks like one, and the share of lines that must begin or end with it to be worth a word.
LIKELY = r"</?\w+>|<\|\w+\|>|\[[A-Z]+\]"
MARKED = 0.5
LONGEST = 32  # characters of one
_FIRST, _LAST = re.compile(LIKELY), re.compile(rf"(?:{LIKELY})$")


class Markers:
    """Takes the markers that are given off both ends of lines, however many stand there, and notices others.

    Within a line they are words like others. One that ends in a letter is none where a word only begins with it.

    Args:
        given: the markers, with commas between them.
    """

    def __init__(self, given: str) -> None:
        words = [word for word in map(str.strip, given.split(",")) if word]
        first = "|".join(re.escape(word) + r"(?!\w)" * word[-1].isalnum() for word in words)
        last = "|".join(r"(?<!\w)" * word[0].isalnum() + re.escape(word) for word in words)
        self._ends = (re.compile(rf"\A(?:\s*(?:{first}))+\s*"), re.compile(rf"(?:\s*(?:{last}))+\s*\Z")) if words else ()
        self._lines, self._seen = 0, Counter[str]()

    def without(self, line: str) -> str:
        """The line without the markers that are given."""
        for end in self._ends:
            line = end.sub("", line)
        self._lines += 1
        if line and (line[0] in "<[" or line[-1] in ">]"):
            ends = (_FIRST.match(line), _LAST.search(line[-LONGEST:]))
            likely = dict.fromkeys(found.group() for found in ends if found)  # each once, in order
            self._seen.update(word for word in likely if word != UNKNOWN)
        return line

    @property
    def notes(self) -> list[str]:
        """What to tell if most lines so far had one that is not given."""
        found = [word for word, count in self._seen.items() if count > MARKED * self._lines]
        if not found:
            return []
        return [
            f"Most lines begin or end with {' or '.join(found)}, taken as words of the text: --markers '{','.join(found)}' "
            "takes them off."
        ]
