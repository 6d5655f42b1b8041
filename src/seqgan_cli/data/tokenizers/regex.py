"""`regex:PATTERN`: what a regular expression matches is a token."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from seqgan_cli.data.tokenizers.base import Tokenizer
from seqgan_cli.data.vocabulary import SPECIAL
from seqgan_cli.errors import UsageError


class Regex(Tokenizer):
    """Matches are tokens, and so is each character that no match covers: a text is kept.

    Tokens are not kept where two of them match together what neither does alone.
    """

    name = "regex"
    meaning = "what a pattern matches, as regex:'[A-Z][a-z]*|.'"
    rank = 7
    keeps_text = True
    spaces_cut = False
    marks = "within"

    def __init__(self, pattern: str) -> None:
        self.pattern = re.compile(pattern)

    @classmethod
    def takes(cls, value: str) -> bool:
        return value.partition(":")[0] == cls.name

    @classmethod
    def check(cls, value: str) -> None:
        pattern = value.partition(":")[2]
        if not pattern:
            raise UsageError(f"--tokenizer {value}: a pattern is missing, as in 'regex:[A-Z][a-z]*'.")
        try:
            re.compile(pattern)
        except (re.error, RecursionError, OverflowError) as error:
            raise UsageError(f"--tokenizer {value}: is no regular expression ({error}).") from None

    @classmethod
    def make(cls, value: str, kept: Path | None = None) -> Self:
        return cls(value.partition(":")[2])

    def split(self, text: str) -> list[str]:
        tokens, end = list[str](), 0
        for found in self.pattern.finditer(text):
            tokens += text[end : found.start()]
            if found.group() in SPECIAL:  # which would be read as what it names
                tokens += found.group()
            elif found.group():
                tokens.append(found.group())
            end = max(end, found.end())
        return [*tokens, *text[end:]]

    def join(self, tokens: Sequence[str]) -> str:
        return "".join(tokens)
