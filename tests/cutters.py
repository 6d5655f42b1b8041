"""Tokenizers by name, of those that need no training and no argument; and one file cut by one of them."""

from pathlib import Path
from typing import Any

from seqgan_cli.config import registry
from seqgan_cli.data.documents import Documents
from seqgan_cli.data.inputs.options import TextOptions
from seqgan_cli.data.text.tokens import read_texts
from seqgan_cli.data.tokenizers.base import Tokenizer

TOKENIZERS = {name: registry.tokenizers.made(name) for name in ("whitespace", "words", "chars", "smiles", "codons")}


def read_lines(path: Path, tokenizer: Tokenizer, lowercase: bool, **others: Any) -> Documents:
    """`read_texts` of one file; `others`: as in `TextOptions`."""
    return read_texts([path], TextOptions(tokenizer=tokenizer, lowercase=lowercase, **others))
