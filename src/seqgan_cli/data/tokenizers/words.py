"""Words and marks: the Treebank's rules, so that reading what was written gives the same tokens.

A token is told by itself and never by what stands around it: text is cut at white space, and each chunk into tokens that would
not be cut any further. So tokens with spaces between them are read as they are, whatever their order, and text that is joined
for people too, since a chunk is joined only if it is cut into the same tokens again.
"""

import functools
import re
from collections.abc import Sequence
from typing import Any

from seqgan_cli.data.tokenizers.base import Tokenizer

# Quotes and apostrophes as the Treebank knows them; it would take those that turn to be letters of the word beside.
STRAIGHT = str.maketrans("‘’“”", "''\"\"")
OPENING, CLOSING = "``", "''"  # the tokens that stand for double quotes, which are read by their place in the chunk
# Words with a full stop of their own; what also is a word, as in "He said no.", is none.
_SHORT = "mr mrs ms dr prof gen sen rep gov st jr sr vs etc inc ltd co jan feb mar apr aug sept oct nov dec"
# Of a link: brackets that close what they open, and no mark at its end, which belongs to the sentence.
_LINK = r"(?:[^\s\"`<>()]|\([^\s\"`<>()]*\))*(?:[\w/=&\#%+~$*-]|\([^\s\"`<>()]*\))"
# What the Treebank would cut, or whose full stop it would take off, and is one token wherever it stands. None is looked for in
# the midst of what could be its own beginning, or a long chunk would take the square of its length.
WHOLE = re.compile(
    rf"""
    (?: (?<![\w+.-]) [a-z][a-z0-9+.-]*:// | (?<![\w.-]) (?:www\. | (?:[\w-]+\.)+[\w-]+/) ) {_LINK}  # https://a.b/c?d=1, a.b/c
    | (?<![\w.+-]) [\w.+-]+ @ (?:[\w-]+\.)+[\w-]+                                 # a.b@c.d
    | </?\w+>                                                                      # <unk>
    | \.{{2,}} | …+                                                                # ellipses
    | (?<![\w&]) \w+ (?:&\w+)+ (?![\w&]) | &\#?\w+;                               # AT&T, &amp;
    | (?<!\w) [a-z]\# (?!\w)                                                       # C#
    | (?<![\w.]) (?:[^\W\d_]\.){{2,}} (?![\w.-])                                   # U.S.
    | (?<![\w.]) (?<!\w-) (?:\w+-)* (?:{"|".join(_SHORT.split())})\. (?![\w.-])     # Mr.
    | (?<![\w.'/-]) (?!i)[^\W\d_]\. (?![\w.-])                                     # J., but not I.
    """,
    re.VERBOSE | re.IGNORECASE,
)
WORD = 40  # characters from which on a chunk is no word that comes again and is worth remembering
TOGETHER = 64  # tokens at most that are written without a space
_QUOTE = re.compile(r"(\"|`+|'')")
_BRACKETS = ("(", "[", "{", "<")
# What stands without a space after or before it.
_JOINS_NEXT = frozenset([*_BRACKETS, OPENING, "#", "@", "$"])
_CLITICS = ("'s", "'m", "'d", "'re", "'ve", "'ll", "n't")
_JOINS_LAST = frozenset([*".,;:!?)]}>%…'", "...", CLOSING, *_CLITICS, *map(str.upper, _CLITICS)])
# Words that the Treebank cuts in two.
_PAIRS = frozenset(["can not", "d 'ye", "gim me", "gon na", "got ta", "lem me", "more 'n", "'t is", "'t was", "wan na"])


@functools.cache
def _treebank() -> Any:
    from nltk.tokenize.treebank import TreebankWordTokenizer

    return TreebankWordTokenizer()


def _cut(chunk: str) -> list[str]:
    """A chunk in parts: at its quotes, else at what is whole, else by the Treebank. One that is a token is its only part."""
    if chunk in (OPENING, CLOSING):
        return [chunk]
    parts = [part for part in _QUOTE.split(chunk) if part]
    if any(map(_QUOTE.fullmatch, parts)):
        for i, part in enumerate(parts):
            if part in ('"', CLOSING):
                opens = i == 0 or parts[i - 1] == OPENING or parts[i - 1].endswith(_BRACKETS)
                parts[i] = OPENING if opens else CLOSING
        return parts
    parts, end = [], 0
    for whole in WHOLE.finditer(chunk):
        parts += [chunk[end : whole.start()], whole.group()]
        end = whole.end()
    return [part for part in (*parts, chunk[end:]) if part] if parts else list(_treebank().tokenize(chunk))


def _tokens(chunk: str) -> list[str]:
    """The tokens of text without white space: its parts, their parts, and so on while there are any."""
    found: list[str] = []
    left = [chunk]
    while left:
        part = left.pop()
        if len(part) < WORD:
            found += _tokens_of_word(part)
        elif (parts := _cut(part)) == [part]:
            found.append(part)
        else:
            left += reversed(parts)
    return found


@functools.lru_cache(1 << 17)
def _tokens_of_word(chunk: str) -> tuple[str, ...]:
    parts = _cut(chunk)
    return (chunk,) if parts == [chunk] else tuple(token for part in parts for token in _tokens(part))


def split_words(line: str) -> list[str]:
    """The tokens of a line."""
    return [token for chunk in line.translate(STRAIGHT).split() for token in _tokens(chunk)]


def _together(tokens: list[str], i: int) -> bool:
    """Whether token i stands without a space after the one before."""
    last, token = tokens[i - 1], tokens[i]
    if "--" in (last, token):
        return 0 < (i if token == "--" else i - 1) < len(tokens) - 1  # at the ends of a line it stands apart
    if last == "$" and _follows_number(tokens, i - 1):
        return token in _JOINS_LAST
    if token == "$" and _follows_number(tokens, i):
        return True
    return token in _JOINS_LAST or last in _JOINS_NEXT or f"{last} {token}".lower() in _PAIRS


def _follows_number(tokens: list[str], i: int) -> bool:
    """Whether the sign of a currency at place i is of the number before it and not of one behind it."""
    return i > 0 and tokens[i - 1][-1].isdigit() and not (i + 1 < len(tokens) and tokens[i + 1][0].isdigit())


def _written(tokens: list[str]) -> str:
    """Tokens that want no space between them: without one wherever they are read as the same again."""
    chunks, rest = [], tokens
    while rest:
        for count in range(min(len(rest), TOGETHER), 0, -1):
            chunk = "".join('"' if token in (OPENING, CLOSING) else token for token in rest[:count])
            if _tokens(chunk) == rest[:count]:
                break
        else:
            count, chunk = 1, rest[0]  # a quote by itself, or no token of this tokenizer
        chunks.append(chunk)
        rest = rest[count:]
    return " ".join(chunks)


def join_words(tokens: list[str]) -> str:
    """A line of the tokens as people write it, which `split_words` cuts into the same ones."""
    groups: list[list[str]] = []
    for i, token in enumerate(tokens):
        if i and _together(tokens, i):
            groups[-1].append(token)
        else:
            groups.append([token])
    return " ".join(map(_written, groups))


class Words(Tokenizer):
    """Quotes turn straight, and what spaces stood where words only touch a mark is not kept: tokens are."""

    name = "words"
    meaning = "words and marks, joined as people write"
    rank = 1
    keeps_tokens = True
    spaced = True

    def split(self, text: str) -> list[str]:
        return split_words(text)

    def join(self, tokens: Sequence[str]) -> str:
        return join_words([*tokens])
