"""What a run's discriminator and a reward say of its own sequences: what chooses among draws, and fields of their records."""

import contextlib
import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from seqgan_cli.errors import SeqganError, UsageError
from seqgan_cli.inference.rewarded import opened_reward
from seqgan_cli.jobs.trained import Trained

if TYPE_CHECKING:
    import numpy as np

    from seqgan_cli.config.settings import Settings
    from seqgan_cli.console import Console
    from seqgan_cli.models.discriminator import Discriminator
    from seqgan_cli.rewards.base import Reward

BY_TOKEN, PER_TOKEN, D, REWARD = FIELDS = ("by_token", "nll_per_token", "d", "reward")
ALWAYS = ("text", "ids", "nll")  # what a record has whether it is asked for or not


def fields_of(names: Iterable[str]) -> tuple[str, ...]:
    """Those that are added to a record. Raises UsageError for a name that is none."""
    asked = tuple(name for name in names if name not in ALWAYS)
    if unknown := [name for name in asked if name not in FIELDS]:
        raise UsageError(f"{unknown[0]!r} is no field; choose from {', '.join((*ALWAYS, *FIELDS))}.")
    return asked


class FieldNames(click.ParamType):
    """Names of FIELDS with commas between them."""

    name = "fields"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        try:
            return fields_of(filter(None, map(str.strip, value.split(","))))
        except UsageError as error:
            self.fail(str(error), param, ctx)


class Scores:
    """Scores of sequences int32 `[n, T]`, T at most the run's.

    Args:
        discriminator, reward: None where none is asked for.
        seed: of a reward that draws.
    """

    def __init__(self, trained: Trained, discriminator: "Discriminator | None", reward: "Reward | None", seed: int = 0) -> None:
        self.trained, self.discriminator, self.reward, self.seed = trained, discriminator, reward, seed
        self._chunks = itertools.count()

    def d(self, table: "np.ndarray") -> "np.ndarray":
        """D of each, float32 `[n]`: the probability of being real, or a critic's value."""
        from seqgan_cli.evaluation.logits import scores

        assert self.discriminator is not None
        return scores(self.discriminator, self._whole(table))

    def rewards(self, table: "np.ndarray") -> "tuple[np.ndarray, dict[str, np.ndarray]]":
        """The reward of each, float64 `[n]`, and of a sum the rewards it is of, by name."""
        from seqgan_cli.randomness import key
        from seqgan_cli.rewards.total import values_of

        assert self.reward is not None
        return values_of(self.reward, self._whole(table), key(self.seed, "sample", "reward", next(self._chunks)))

    def reward_rows(self, table: "np.ndarray") -> tuple[list[float], list[dict[str, float]]]:
        """The same, row by row; of a reward that is no sum, empty terms."""
        if not len(table):
            return [], []
        totals, terms = self.rewards(table)
        columns = [values.tolist() for values in terms.values()]
        rows = zip(*columns, strict=True) if columns else [()] * len(table)
        return totals.tolist(), [dict(zip(terms, values, strict=True)) for values in rows]

    def _whole(self, table: "np.ndarray") -> "np.ndarray":
        """As long as the run's sequences are: what ends earlier is padded."""
        import numpy as np

        from seqgan_cli.data.vocabulary import PAD

        return np.pad(table, ((0, 0), (0, self.trained.corpus.sequence_length - table.shape[1])), constant_values=PAD)

    def fields(self, table: "np.ndarray", names: Sequence[str]) -> list[dict[str, Any]]:
        """Those of FIELDS that are named, of each."""
        columns: dict[str, list[Any]] = {}
        if BY_TOKEN in names or PER_TOKEN in names:
            columns |= self._likelihoods(table)
        if D in names:
            columns[D] = [round(value, 6) for value in self.d(table).tolist()]
        if REWARD in names:
            columns[REWARD], terms = self.reward_rows(table)
            columns |= {"reward_terms": terms} if any(terms) else {}
        chosen = {name: values for name, values in columns.items() if name not in FIELDS or name in names}
        return [dict(zip(chosen, values, strict=True)) for values in zip(*chosen.values(), strict=True)]

    def _likelihoods(self, table: "np.ndarray") -> dict[str, list[Any]]:
        """Of the distribution as it is: each token and its −log G in nats, None for `<unk>`; and the mean over what counts."""
        import numpy as np

        from seqgan_cli.sampling.likelihood import token_nll

        vocabulary, generator = self.trained.corpus.vocabulary, self.trained.generator
        read, starts = self.trained.config.settings.tokenizer.shown, vocabulary.source_length(table).tolist()
        parts, mask = token_nll(generator, table), vocabulary.mask(table)
        counted = (mask & np.asarray(generator.uncertain(table))).sum(axis=1)
        by_token = []
        for ids, start, losses, counts in zip(table, starts, parts.tolist(), mask.tolist(), strict=True):
            names = [*map(read, vocabulary.decode(ids)), *["<eos>"] * vocabulary.has_eos]
            own = zip(names, losses[start:], counts[start:], strict=False)
            by_token.append([(name, round(loss, 4) if counted else None) for name, loss, counted in own])
        means = [round(x, 4) for x in (parts.sum(axis=1) / np.maximum(1, counted)).tolist()]
        return {BY_TOKEN: by_token, PER_TOKEN: means}


@contextlib.contextmanager
def opened_scores(
    trained: Trained, judged: bool, settings: "Settings | None", seed: int, console: "Console"
) -> Iterator[Scores]:
    """What is asked for: the discriminator's, which it is told, and the reward's of these settings.

    Raises SeqganError for what the run lacks, and where sequences were shortened that all are of one length to both.
    """
    from seqgan_cli.runs.discriminators import read_discriminator, whose_d

    corpus, discriminator = trained.corpus, None
    if (judged or settings) and trained.generator.sequence_length < corpus.sequence_length and not corpus.vocabulary.has_eos:
        raise SeqganError(
            f"All sequences of {trained.run.path} have one length, so shorter ones have no score: leave --max-length out."
        )
    if judged:
        discriminator = read_discriminator(trained.run, trained.config.settings, corpus, console.warn)
        console.say(whose_d(trained.run, trained.config.settings))
    with opened_reward(settings, trained, console) as reward:
        yield Scores(trained, discriminator, reward, seed)
