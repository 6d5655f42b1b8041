"""A tokenizer: two characters are a token."""

from collections.abc import Sequence

from seqgan_cli.data.tokenizers.base import Tokenizer


class Pairs(Tokenizer):
    """A text is kept; tokens are not where one of a single character stands before the end."""

    name = "pairs"
    meaning = "two characters"
    keeps_text = True

    def split(self, text: str) -> list[str]:
        return [text[i : i + 2] for i in range(0, len(text), 2)]

    def join(self, tokens: Sequence[str]) -> str:
        return "".join(tokens)
