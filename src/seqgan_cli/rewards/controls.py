"""Rewards that know nothing: the controls. What they improve, a discriminator has not earned."""

from typing import Any

from seqgan_cli.lazy import tf
from seqgan_cli.rewards.base import Reward


class ConstantReward(Reward):
    """½ for everything: the control that knows nothing. What it improves, the discriminator has not earned."""

    name = "constant"
    meaning = "½ for everything"
    rank = 4

    def __call__(self, tokens: Any, key: Any) -> Any:
        return tf.fill([tf.shape(tokens)[0]], 0.5)


class RandomReward(Reward):
    """U(0, 1), drawn anew for every sequence: the control with a reward's spread and no knowledge."""

    name = "random"
    meaning = "U(0, 1), drawn anew"
    rank = 5

    def __call__(self, tokens: Any, key: Any) -> Any:
        return tf.random.stateless_uniform([tf.shape(tokens)[0]], key)
