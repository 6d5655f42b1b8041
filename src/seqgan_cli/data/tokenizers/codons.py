"""Three letters are a token."""

from collections.abc import Sequence

from seqgan_cli.data.tokenizers.base import Tokenizer


class Codons(Tokenizer):
    """A text is kept; tokens are not where one of fewer letters stands before the end."""

    name = "codons"
    meaning = "three letters"
    rank = 4
    keeps_text = True

    def split(self, text: str) -> list[str]:
        """Threes of letters; what is left over at the end is one token."""
        return [text[i : i + 3] for i in range(0, len(text), 3)]

    def join(self, tokens: Sequence[str]) -> str:
        return "".join(tokens)
