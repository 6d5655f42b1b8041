"""What spaces part is a token."""

from collections.abc import Sequence

from seqgan_cli.data.tokenizers.base import Tokenizer


class Whitespace(Tokenizer):
    """Joined by single spaces: white space that is another is not kept."""

    name = "whitespace"
    meaning = "what spaces part"
    rank = 0
    keeps_tokens = True
    spaced = True
    marks = "on"

    def split(self, text: str) -> list[str]:
        return text.split()

    def join(self, tokens: Sequence[str]) -> str:
        return " ".join(tokens)
