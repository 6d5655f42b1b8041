"""Sequences of a run that are chosen and not merely drawn: what a beam search finds, and the best of so many draws."""

import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from seqgan_cli.jobs.drawn import Prompts
from seqgan_cli.jobs.trained import Trained

if TYPE_CHECKING:
    import numpy as np

    from seqgan_cli.sampling.choices import Sampling

    Rows = Iterable[tuple[np.ndarray, int]]

AT_ONCE = 1024  # draws whose scores are asked for together


class Searched:
    """The `num` likeliest that a beam search finds, of each prompt if there are any; as `drawn` has them, likeliest first.

    `short`: what to tell, once they are through, where there were fewer of probability above 0.
    """

    def __init__(self, trained: Trained, num: int, width: int, sampling: "Sampling", prompts: Prompts | None) -> None:
        self.trained, self.num, self.width, self.sampling, self.prompts = trained, num, width, sampling, prompts
        self.short = ""

    def __iter__(self) -> "Iterator[tuple[np.ndarray, int]]":
        from seqgan_cli.sampling.beam import beam_search

        prompts = self.prompts if self.prompts is not None else [[]]
        found = beam_search(self.trained.generator, self.width, self.sampling, prompts)
        for prompt, (table, _) in zip(prompts, found, strict=True):
            if len(table) < self.num:
                after = "" if self.prompts is None else " with one of the prompts"
                self.short = self.short or f"{len(table)} of {self.num} sequences{after}: no others have any probability."
            yield from ((ids, len(prompt)) for ids in table[: self.num])


def best_of(rows: "Rows", number: int, score: "Callable[[np.ndarray], np.ndarray]") -> "Iterator[tuple[np.ndarray, int]]":
    """Of each `number` rows in turn the one of the highest score, of several the first; rows are as `drawn` has them.

    Args:
        score: float `[n]` of ids int32 `[n, T]`; called with a few groups at a time.
    """
    import numpy as np

    left, groups = iter(rows), max(1, AT_ONCE // number)
    while chunk := list(itertools.islice(left, groups * number)):
        values = np.asarray(score(np.stack([ids for ids, _ in chunk])), np.float64).reshape(-1, number)
        yield from (chunk[i * number + int(best)] for i, best in enumerate(values.argmax(axis=1)))
