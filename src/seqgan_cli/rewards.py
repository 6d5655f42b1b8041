"""What scores a finished sequence. A reward is called with int32 `[R, T]` and a key int32 `[2]` and gives float32 `[R]`."""

from typing import Any, Protocol, runtime_checkable

import tensorflow as tf

from seqgan_cli.models.discriminator import Discriminator


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


class ConstantReward:
    """½ for everything: the control that knows nothing. What it improves, the discriminator has not earned."""

    def __call__(self, tokens: Any, key: Any) -> Any:
        return tf.fill([tf.shape(tokens)[0]], 0.5)


class RandomReward:
    """U(0, 1), drawn anew for every sequence: the control with a reward's spread and no knowledge."""

    def __call__(self, tokens: Any, key: Any) -> Any:
        return tf.random.stateless_uniform([tf.shape(tokens)[0]], key)
