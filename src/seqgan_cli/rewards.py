"""What scores a finished sequence. A reward is called with int32 `[R, T]` and a key int32 `[2]` and gives float32 `[R]`."""

from typing import Any, Protocol

import tensorflow as tf

from seqgan_cli.models.discriminator import Discriminator


class Reward(Protocol):
    """Scores finished sequences; called inside compiled code."""

    def __call__(self, tokens: Any, key: Any) -> Any: ...


class DiscriminatorReward:
    """D(Y): the probability that Y is real, dropout off (Eq. 4)."""

    def __init__(self, discriminator: Discriminator) -> None:
        self.discriminator = discriminator

    def __call__(self, tokens: Any, key: Any) -> Any:
        return tf.sigmoid(self.discriminator(tokens))


class ConstantReward:
    """½ for everything: the control that knows nothing. What it improves, the discriminator has not earned."""

    def __call__(self, tokens: Any, key: Any) -> Any:
        return tf.fill([tf.shape(tokens)[0]], 0.5)


class RandomReward:
    """U(0, 1), drawn anew for every sequence: the control with a reward's spread and no knowledge."""

    def __call__(self, tokens: Any, key: Any) -> Any:
        return tf.random.stateless_uniform([tf.shape(tokens)[0]], key)
