"""A reward of texts: the share of capitals among a text's letters."""

from collections.abc import Sequence
from typing import Any

from seqgan_cli.rewards.texts import TextReward


class Capitals(TextReward):
    """0 for a text without letters."""

    name = "capitals"
    meaning = "share of a text's letters that are capitals"

    @classmethod
    def function(cls, **options: Any) -> Any:
        def score(texts: Sequence[str]) -> list[float]:
            return [sum(map(str.isupper, text)) / max(1, sum(map(str.isalpha, text))) for text in texts]

        return score
