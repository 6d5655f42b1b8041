"""Atoms, bonds and rings of molecules are tokens."""

import re
from collections.abc import Sequence

from seqgan_cli.data.tokenizers.base import Tokenizer

# An atom in brackets, an element of two letters, a ring's number of two digits (%12), or one character: after the regular
# expression of Schwaller et al. 2018, with every other character as a token, so that the tokens of a text are all of it.
_SMILES = re.compile(r"\[[^\]]*\]|Br|Cl|%\d\d|@@|.", re.DOTALL)


class Smiles(Tokenizer):
    """A text is kept; tokens are not where two make another one, as `B` and `r` do."""

    name = "smiles"
    meaning = "atoms, bonds and rings of molecules"
    rank = 3
    keeps_text = True

    def split(self, text: str) -> list[str]:
        return _SMILES.findall(text)

    def join(self, tokens: Sequence[str]) -> str:
        return "".join(tokens)
