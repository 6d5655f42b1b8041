"""Tokenizers by name, of those that need no training and no argument."""

from seqgan_cli.config import registry

TOKENIZERS = {name: registry.tokenizers.made(name) for name in ("whitespace", "words", "chars", "smiles", "codons")}
