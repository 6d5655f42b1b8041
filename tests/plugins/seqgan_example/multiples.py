"""A reward: the share of tokens whose id is a multiple of a number."""

from dataclasses import dataclass
from typing import Any

from seqgan_cli.config.schema import section, setting
from seqgan_cli.lazy import tf
from seqgan_cli.rewards.base import Given, Reward


@section("multiples", "adversarial", fixed_by="adversarial")
@dataclass(frozen=True)
class MultiplesSettings:
    of: int = setting(2, "the number", at_least=1)


class Multiples(Reward):
    """1 where every token is one, 0 where none is."""

    name = "multiples"
    meaning = "share of ids that are multiples of a number"
    Section = MultiplesSettings

    def __init__(self, of: int) -> None:
        self.of = of

    @classmethod
    def make(cls, given: Given) -> Reward:
        return cls(given.settings[MultiplesSettings].of)

    def __call__(self, tokens: Any, key: Any) -> Any:
        return tf.reduce_mean(tf.cast(tokens % self.of == 0, tf.float32), axis=1)
