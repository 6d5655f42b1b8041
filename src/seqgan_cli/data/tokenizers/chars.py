"""A character is a token."""

from collections.abc import Sequence

from seqgan_cli.data.tokenizers.base import Tokenizer


class Chars(Tokenizer):
    """A string is a sequence of its characters: both ways are exact."""

    name = "chars"
    meaning = "characters"
    rank = 2
    keeps_text = True
    keeps_tokens = True
    is_character = True

    def split(self, text: str) -> str:
        return text

    def join(self, tokens: Sequence[str]) -> str:
        return "".join(tokens)
