"""How texts are read of files."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Self

from seqgan_cli.config.sections import Data

LONGEST_BY_DEFAULT = 64  # tokens of a sequence
LINE, WINDOW = "line", "window"


@dataclass(frozen=True)
class TextOptions:
    """What decides which documents of which tokens a file is read as.

    tokenizer, lowercase, normalize, markers, column, unit, pad_id: the settings of `data`; window: tokens of a sequence where
    these are windows; spaces: keep the space around lines; keep_blank: a blank line is a document without tokens.
    """

    tokenizer: str = "whitespace"
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
    def of(cls, data: Data, **others: Any) -> Self:
        """Those of the settings, with some changed."""
        names = {field.name for field in dataclasses.fields(cls)} & vars(data).keys()
        own = {name: getattr(data, name) for name in names}
        return cls(**{**own, "window": data.max_length or LONGEST_BY_DEFAULT, **others})
