"""How texts are read of files."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any, Self

from seqgan_cli.config import registry
from seqgan_cli.config.sections import Data
from seqgan_cli.data.tokenizers.base import Tokenizer

LONGEST_BY_DEFAULT = 64  # tokens of a sequence
LINE, WINDOW = "line", "window"


@dataclass(frozen=True)
class TextOptions:
    """What decides which documents of which tokens a file is read as.

    lowercase, normalize, markers, column, unit, pad_id: the settings of `data`; window: tokens of a sequence where
    these are windows; spaces: keep the space around lines; keep_blank: a blank line is a document without tokens.
    """

    tokenizer: Tokenizer = field(default_factory=lambda: registry.tokenizers.made("whitespace"))
    lowercase: bool = False
    normalize: str = "none"
    markers: str = ""
    column: str = ""
    unit: str = LINE
    pad_id: int = -1
    window: int = LONGEST_BY_DEFAULT
    spaces: bool = False
    keep_blank: bool = False

    @classmethod
    def of(cls, data: Data, tokenizer: Tokenizer, **others: Any) -> Self:
        """Those of the settings, with some changed."""
        names = {each.name for each in dataclasses.fields(cls)} & vars(data).keys()
        own = {name: getattr(data, name) for name in names}
        return cls(**{**own, "tokenizer": tokenizer, "window": data.max_length or LONGEST_BY_DEFAULT, **others})
