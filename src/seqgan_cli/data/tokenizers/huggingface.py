"""`FILE.json`: a tokenizer that somebody has trained, in the format of Hugging Face's tokenizers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from seqgan_cli.data.tokenizers.base import Tokenizer
from seqgan_cli.data.tokenizers.byte_level import read_kept
from seqgan_cli.data.vocabulary import SPECIAL, UNK
from seqgan_cli.errors import SeqganError

SUFFIX = ".json"


class HuggingFace(Tokenizer):
    """Its own unknown token is `<unk>`. What it keeps depends on the file: reading tells of the lines that it does not."""

    name = "json"
    meaning = "a tokenizer of Hugging Face's, FILE.json"
    rank = 8
    is_named = False
    keeps_text = None
    is_kept = True
    spaces_cut = False
    marks = "within"

    def __init__(self, made: Any, content: bytes, source: str) -> None:
        self._made, self._content = made, content
        made.no_truncation()
        made.no_padding()
        unknown = getattr(made.model, "unk_token", None)
        vocabulary = made.get_vocab()
        self._unknown = unknown if isinstance(unknown, str) and unknown in vocabulary else None
        if wrong := next((token for token in vocabulary if token in SPECIAL or "\n" in token), None):
            raise SeqganError(f"{source} has a token {wrong!r}, which no vocabulary here can have.")

    @classmethod
    def takes(cls, value: str) -> bool:
        return value.lower().endswith(SUFFIX)

    @classmethod
    def is_path(cls, value: str) -> bool:
        return True

    @classmethod
    def make(cls, value: str, kept: Path | None = None) -> Self:
        path = Path(value) if kept is None else kept
        return cls(read_kept(path, value), path.read_bytes(), str(path))

    def split(self, text: str) -> list[str]:
        tokens: list[str] = self._made.encode(text, add_special_tokens=False).tokens
        return tokens if self._unknown is None else [SPECIAL[UNK] if t == self._unknown else t for t in tokens]

    def join(self, tokens: Sequence[str]) -> str:
        decoder = self._made.decoder
        return " ".join(tokens) if decoder is None else str(decoder.decode([*tokens]))

    def text_of(self, token: str) -> str:
        """Behind another one, since the first of a text may lose its space."""
        first = self.join([token])
        return self.join([token, token])[len(first) :] or first

    def content(self) -> bytes:
        return self._content
