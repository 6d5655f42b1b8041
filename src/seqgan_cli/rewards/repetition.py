"""Rewards of being new: not in the training set, or not again and again in one batch."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from seqgan_cli.data.tfrecord.shards import is_prepared
from seqgan_cli.evaluation.metrics.diversity import RowCounts
from seqgan_cli.lazy import np, tf
from seqgan_cli.rewards.base import Given, Reward

if TYPE_CHECKING:
    from seqgan_cli.config.expression import Use
    from seqgan_cli.config.settings import Settings
    from seqgan_cli.data.vocabulary import Vocabulary


class NovelReward(Reward):
    """1 for a sequence that is not in the training set, to the last token, else 0.

    Of sequences with sources the targets are compared.

    Args:
        training: int32 `[n, T]`, all of it.
        vocabulary: knows what a target is.
    """

    name = "novel"
    meaning = "1 for what is not in the training set"

    def __init__(self, training: np.ndarray, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self.training = RowCounts(vocabulary.target(training))

    @classmethod
    def make(cls, given: Given) -> Reward:
        return cls(given.corpus.train, given.corpus.vocabulary)

    @classmethod
    def refused(cls, settings: Settings, use: Use) -> Iterable[tuple[bool, str]]:
        yield (
            is_prepared(settings.data.source),
            f"--reward {use.reward} needs all training sequences in memory, and those of a prepared corpus are read from disk: "
            "train on the file itself, or leave it out.",
        )

    def scores(self, tokens: np.ndarray) -> np.ndarray:
        """float32 `[R]` for int32 `[R, T]`."""
        return (self.training.of(self.vocabulary.target(tokens)) == 0).astype(np.float32)

    def __call__(self, tokens: Any, key: Any) -> Any:
        return tf.ensure_shape(tf.numpy_function(self.scores, [tokens], tf.float32, stateful=False), [None])


class UniqueReward(Reward):
    """1 over how often the batch has a sequence: as a factor, ORGAN's penalty of repetition (Guimaraes et al. 2017).

    A continuation that a search asks for, and no sequence of the batch is, counts as once there. Sequences that are asked for
    without a batch are one. Of sequences with sources the targets are compared.

    Args:
        vocabulary: knows what a target is.
        batch: int32 `[B, T]`, or None.
    """

    name = "unique"
    meaning = "1 over how often the batch has the sequence"

    def __init__(self, vocabulary: Vocabulary, batch: Any = None) -> None:
        self.vocabulary, self.batch = vocabulary, batch

    @classmethod
    def make(cls, given: Given) -> Reward:
        return cls(given.corpus.vocabulary)

    def of_batch(self, tokens: Any) -> Reward:
        return UniqueReward(self.vocabulary, tokens)

    def scores(self, tokens: np.ndarray, batch: np.ndarray) -> np.ndarray:
        """float32 `[R]` for int32 `[R, T]` and `[B, T]`."""
        target = self.vocabulary.target
        return (1.0 / np.maximum(1, RowCounts(target(batch)).of(target(tokens)))).astype(np.float32)

    def __call__(self, tokens: Any, key: Any) -> Any:
        batch = tokens if self.batch is None else self.batch
        return tf.ensure_shape(tf.numpy_function(self.scores, [tokens, batch], tf.float32, stateful=False), [None])
