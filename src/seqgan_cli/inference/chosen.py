"""Sequences of a run that are chosen and not merely drawn: what a beam search finds, and the best of so many draws."""

import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

import click

from seqgan_cli.inference.rewarded import asks_for_reward
from seqgan_cli.inference.scores import REWARD
from seqgan_cli.jobs.drawn import Prompts
from seqgan_cli.jobs.sampling import TEMPERATURE
from seqgan_cli.jobs.trained import Trained

if TYPE_CHECKING:
    import numpy as np

    from seqgan_cli.sampling.choices import Sampling

    Rows = Iterable[tuple[np.ndarray, int]]

OF = 10  # draws of which --rerank takes the best, unless told
BY_REWARD = "reward"  # or else by the discriminator
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


class BestOf:
    """Of each `number` rows in turn the one of the highest score, of several the first; rows are as `drawn` has them.

    `told`: once they are through, what to say where all of a group have one score, so that nothing was chosen.

    Args:
        score: float `[n]` of ids int32 `[n, T]`; called with a few groups at a time.
    """

    def __init__(self, rows: "Rows", number: int, score: "Callable[[np.ndarray], np.ndarray]") -> None:
        self.rows, self.number, self.score = rows, number, score
        self._groups = self._alike = 0

    def __iter__(self) -> "Iterator[tuple[np.ndarray, int]]":
        import numpy as np

        left, number = iter(self.rows), self.number
        while chunk := list(itertools.islice(left, max(1, AT_ONCE // number) * number)):
            values = np.asarray(self.score(np.stack([ids for ids, _ in chunk])), np.float64).reshape(-1, number)
            self._groups += len(values)
            self._alike += int((np.ptp(values, axis=1) == 0.0).sum())
            yield from (chunk[i * number + int(best)] for i, best in enumerate(values.argmax(axis=1)))

    @property
    def told(self) -> str:
        if self.number == 1 or not self._alike:
            return ""
        return f"For {self._alike} of {self._groups} samples all {self.number} draws have one score, and the first was taken."


def check_choices(context: click.Context) -> None:
    """Raises UsageError for options of `sample` that do not go together."""
    given = context.params
    fresh, correct = given["unique"] or given["novel"], given["correct"]
    beam, rerank, reward = given["beam"], given["rerank"], asks_for_reward(context)
    seeded = context.get_parameter_source("seed") is not click.core.ParameterSource.DEFAULT
    wrong = [
        (given["fields"] and given["form"] != "jsonl", "--fields are of --format jsonl: add that, or leave them out."),
        (given["draws"] and not rerank, "--of is how many draws --rerank chooses from: add that, or leave it out."),
        (
            reward and rerank != BY_REWARD and REWARD not in given["fields"],
            f"the reward is of --rerank {BY_REWARD} and of --fields {REWARD}: add one, or leave it out.",
        ),
        (
            bool(rerank and fresh),
            "--rerank chooses among draws as they come: leave --unique and --novel out (--reward NAME*novel has the second).",
        ),
        (bool(beam and rerank), "--beam finds likely sequences and --rerank chooses among draws: leave one out."),
        (bool(beam and fresh), "--beam finds different sequences, whether new or not: leave --unique and --novel out."),
        (bool(beam and seeded), "--beam draws nothing: leave --seed out."),
        (
            bool(beam and given[TEMPERATURE] == 0),
            "--beam finds nothing but one sequence at --temperature 0: leave one of them out.",
        ),
        (bool(beam and (given["num"] or 0) > (beam or 0)), f"--beam {beam} finds {beam} sequences at most: make it wider."),
        (bool(correct and (beam or rerank)), "--correct draws, and --beam and --rerank choose: leave one out."),
        (
            bool(correct and given["max_length"]),
            "--correct knows sequences as long as the run's: leave --max-length out.",
        ),
        (
            bool(correct and given["allow_unk"]),
            "--correct is by a discriminator that never saw <unk>: leave --allow-unk out.",
        ),
    ]
    for is_wrong, sentence in wrong:
        if is_wrong:
            raise click.UsageError(sentence, context)
