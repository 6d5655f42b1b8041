"""Whether sentences are a context-free grammar's: an exact truth for text that was drawn from one."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqgan_cli.errors import SeqganError

if TYPE_CHECKING:
    from nltk import CFG

Sentence = tuple[str, ...]
Rules = frozenset  # of (left-hand side, right-hand side)
LARGEST_GRAMMAR = 4 << 20  # bytes


def read_grammar(path: Path) -> "CFG":
    """A context-free grammar in NLTK's notation. Raises SeqganError that names the line, or the symbol that no rule is for."""
    from nltk import CFG, Nonterminal

    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST_GRAMMAR + 1)
        if len(raw) > LARGEST_GRAMMAR:
            raise SeqganError(f"{path} is larger than {LARGEST_GRAMMAR >> 20} MB, so it is no grammar.")
        grammar = CFG.fromstring(raw.decode("utf-8-sig"))
    except OSError as error:
        raise SeqganError(f"Cannot read {path}: {error.strerror}.") from None
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise SeqganError(f"{path}, line {line}: 0x{raw[error.start]:02x} is not UTF-8; a grammar is text.") from None
    except ValueError as error:
        found = re.match(r"Unable to parse line (\d+): (.*?)\n(.*)", str(error), re.DOTALL)
        if not found:
            raise SeqganError(f"{path} holds no rule: write one a line, as in S -> NP 'sings'.") from None
        number, text, reason = found.groups()
        reason = "%start SYMBOL is the only directive" if text.startswith("%") else reason
        raise SeqganError(f"{path}, line {number}: {_short(text)!r} is no rule of a grammar ({_short(reason)}).") from None
    made = {rule.lhs() for rule in grammar.productions()}
    wanted = [
        grammar.start(),
        *(part for rule in grammar.productions() for part in rule.rhs() if isinstance(part, Nonterminal)),
    ]
    if missing := [symbol for symbol in wanted if symbol not in made]:
        raise SeqganError(
            f"{path}: there is no rule for {missing[0]}; a word of the language stands in quotes: '{missing[0]}'."
        )
    return grammar


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 60 else f"{text[:60]}…"


class Parser:
    """Whether sentences are a grammar's, and the rules of one tree of each.

    NLTK's bottom-up left-corner chart parser, which is cubic in the length of a sentence. Its trees are not asked for: an
    ambiguous sentence has exponentially many, so the rules are read off the chart.

    Raises SeqganError for a file that holds no grammar.
    """

    def __init__(self, path: Path) -> None:
        from nltk.parse.chart import BottomUpLeftCornerChartParser

        self.path, grammar = path, read_grammar(path)
        self.start, rules = grammar.start(), {*grammar.productions()}
        self.words = {part for rule in rules for part in rule.rhs() if isinstance(part, str)}
        self.count = len(rules)
        self._parser = BottomUpLeftCornerChartParser(grammar)
        self._known: dict[Sentence, Rules | None] = {}

    def rules(self, sentence: Sentence) -> Rules | None:
        """The rules in one of the sentence's trees, None for a sentence without, remembered for when it comes again.

        Raises SeqganError if it takes too long.
        """
        if sentence not in self._known:
            self._known[sentence] = self._parse(sentence)
        return self._known[sentence]

    def parses(self, sentence: Sentence) -> bool:
        """Whether the sentence has a tree. Nothing is remembered. Raises SeqganError if it takes too long."""
        return bool(self._whole(sentence)[1])

    def _whole(self, sentence: Sentence) -> tuple[Any, list]:
        """The chart, and those of its edges that are the whole sentence's; without a chart where a word is no rule's."""
        if not self.words.issuperset(sentence):
            return None, []
        try:
            chart = self._parser.chart_parse(sentence)
        except TimeoutError:
            raise SeqganError(
                f"{self.path} is too ambiguous: NLTK's parser gives up on the {len(sentence)} words "
                f"{_short(' '.join(sentence))!r}."
            ) from None
        return chart, list(chart.select(start=0, end=len(sentence), lhs=self.start, is_complete=True))

    def _parse(self, sentence: Sentence) -> Rules | None:
        from nltk.parse.chart import LeafEdge

        chart, whole = self._whole(sentence)
        if not whole:
            return None
        edges = whole[:1]
        used, seen = set(), set()
        while edges:
            edge = edges.pop()
            if edge in seen or isinstance(edge, LeafEdge):
                continue
            seen.add(edge)
            used.add((edge.lhs(), edge.rhs()))
            edges += next(iter(chart.child_pointer_lists(edge)))  # the first: its edges were there before, so no circle
        return frozenset(used)
