"""What a tokenizer says of itself: how text becomes tokens and tokens text, and which of the two ways back is exact."""

from __future__ import annotations

import abc
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import ClassVar, Self

from seqgan_cli.config import registry


class Tokenizer(registry.Component, abc.ABC):
    """Text → tokens → text.

    No token holds a newline, or is one of `vocabulary.SPECIAL`.
    """

    # Whether `join(split(text))` is every text again; None where that depends on a file, and reading tells.
    keeps_text: ClassVar[bool | None] = False
    # Whether `split(join(tokens))` is every sequence of its tokens again, white space at the ends of the text included.
    keeps_tokens: ClassVar[bool] = False
    spaced: ClassVar[bool] = False  # whether spaces part the tokens, so that none holds one
    spaces_cut: ClassVar[bool] = True  # whether tokens are the same where text is cut behind white space
    marks: ClassVar[str] = "apart"  # full stops are tokens "apart", are "on" their words, or stand "within" tokens
    is_character: ClassVar[bool] = False  # whether each token is one character
    trains: ClassVar[bool] = False  # whether it is made from the training part; until then a text is its only token
    is_kept: ClassVar[bool] = False  # whether `make` needs its `content`, which a run therefore keeps
    unknown: ClassVar[str] = "\N{REPLACEMENT CHARACTER}"  # a token that is written for an unknown one where spaces part none
    alphabet: tuple[str, ...] = ()  # tokens that the vocabulary has whether or not they occur

    @classmethod
    def takes(cls, value: str) -> bool:
        """Whether a value of the setting names it."""
        return value == cls.name

    @classmethod
    def check(cls, value: str) -> None:
        """Raises UsageError for a value that names it and is wrong."""

    @classmethod
    def is_path(cls, value: str) -> bool:
        """Whether a value that names it is the name of a file."""
        return False

    @classmethod
    def make(cls, value: str, kept: Path | None = None) -> Self:
        """The tokenizer of that value. `kept`: where its `content` is if it was kept. Raises SeqganError."""
        return cls()

    @property
    def is_trained(self) -> bool:
        """Whether it can be put to work, of one that `trains`."""
        return True

    @abc.abstractmethod
    def split(self, text: str) -> Sequence[str]:
        """The tokens of a text without newlines."""

    @abc.abstractmethod
    def join(self, tokens: Sequence[str]) -> str:
        """A text of the tokens."""

    def text_of(self, token: str) -> str:
        """What a token stands for in a text, with its spaces; of part of a character nothing."""
        return token

    def shown(self, token: str) -> str:
        """What people read of a token: its name, or what it stands for if that is whole characters."""
        return token

    def trained(self, texts: Iterable[str], size: int) -> Self:
        """A tokenizer of `size` tokens, or of as many as the texts give, of one that `trains`."""
        raise NotImplementedError

    def content(self) -> bytes:
        """What `make` reads from `kept`, of one that `is_kept`."""
        raise NotImplementedError
