"""What scores a finished sequence. A reward is called with int32 `[R, T]` and a key int32 `[2]` and gives float32 `[R]`."""

from typing import Any, Protocol, runtime_checkable

import numpy as np
import tensorflow as tf

from seqgan_cli.metrics import bleu
from seqgan_cli.models.discriminator import Discriminator
from seqgan_cli.vocabulary import Vocabulary


class Reward(Protocol):
    """Scores finished sequences; called inside compiled code."""

    def __call__(self, tokens: Any, key: Any) -> Any: ...


@runtime_checkable
class PrefixReward(Protocol):
    """A reward that scores completions of the same sequences for less than each by itself."""

    def completions(self, tokens: Any, owners: Any, completed: Any) -> Any:
        """float32 `[T-1, C]` for sequences int32 `[S, T]` and, of sequence `owners[c]`, completions int32 `[T-1, C, T]`."""


class DiscriminatorReward:
    """D(Y): the probability that Y is real, dropout off (Eq. 4)."""

    def __init__(self, discriminator: Discriminator) -> None:
        self.discriminator = discriminator

    def __call__(self, tokens: Any, key: Any) -> Any:
        return tf.sigmoid(self.discriminator(tokens))

    def completions(self, tokens: Any, owners: Any, completed: Any) -> Any:
        return tf.sigmoid(self.discriminator.completions(tokens, owners, completed))


class BleuReward:
    """Sentence BLEU against real sequences: the PG-BLEU baseline (the paper, "Synthetic Data Experiments").

    The paper gives neither order nor smoothing. Here orders 1 … `order` count alike and an order without a match counts as
    0.1 of one (Chen and Cherry's method 1), so that a reward differs from another before every order matches; without any
    token in common it is 0. A sequence of
    fewer tokens than `order` has no n-gram of that length and scores less, even a real one.

    Args:
        vocabulary: knows where sequences end.
        references: int32 `[n, T]`.
        order: longest n-gram.
    """

    def __init__(self, vocabulary: Vocabulary, references: np.ndarray, order: int) -> None:
        self.vocabulary = vocabulary
        self.weights = (1.0 / order,) * order
        self.references = bleu.References(references, vocabulary.length(references), order)

    def scores(self, tokens: np.ndarray) -> np.ndarray:
        """float32 `[R]` in [0, 1] for int32 `[R, T]`."""
        matches = self.references.match(tokens, self.vocabulary.length(tokens))
        return bleu.scores(matches, self.weights, "method1").astype(np.float32)

    def __call__(self, tokens: Any, key: Any) -> Any:
        rewards = tf.numpy_function(self.scores, [tokens], tf.float32, stateful=False)
        return tf.ensure_shape(rewards, [None])


class ConstantReward:
    """½ for everything: the control that knows nothing. What it improves, the discriminator has not earned."""

    def __call__(self, tokens: Any, key: Any) -> Any:
        return tf.fill([tf.shape(tokens)[0]], 0.5)


class RandomReward:
    """U(0, 1), drawn anew for every sequence: the control with a reward's spread and no knowledge."""

    def __call__(self, tokens: Any, key: Any) -> Any:
        return tf.random.stateless_uniform([tf.shape(tokens)[0]], key)
