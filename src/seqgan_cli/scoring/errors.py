"""What is wrong with a scorer: one sentence, with the text it happened at."""

import math
from collections.abc import Sequence

from seqgan_cli.errors import SeqganError

SHOWN = 80  # characters of a text or an answer


class ScoringError(SeqganError):
    """A scorer answers wrongly, not at all, or is gone."""


class Wrong(Exception):  # noqa: N818  what makes a ScoringError
    """A fault of a scorer: what it is, and which texts of those that are due it may concern, from `start` to before `stop`."""

    def __init__(self, what: str, start: int = 0, stop: int | None = None) -> None:
        super().__init__(what)
        self.what, self.start, self.stop = what, start, start + 1 if stop is None else stop


def shown(text: str, most: int = SHOWN) -> str:
    """A text in quotes, on one line, shortened."""
    return repr(text if len(text) <= most else text[: most - 1] + "…")


def sentence(who: str, what: str, texts: Sequence[str]) -> ScoringError:
    """The error of a scorer, `who`, at one of these texts; there may be none."""
    where = f", at the text {shown(texts[0])}" if texts else ""
    if len(texts) > 1:
        where = f", at one of {len(texts)} texts, the first of which is {shown(texts[0])}"
    return ScoringError(f"{who}: {what}{where}.")


def check_number(value: float, text: int) -> float:
    """The score of that text. Raises Wrong if it is not finite."""
    if not math.isfinite(value):
        raise Wrong(f"{value} is no finite number", text)
    return value
