"""A discriminator's score of every prefix, for which no rollout is needed."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from seqgan_cli.rewards.base import Given, Reward

if TYPE_CHECKING:
    from seqgan_cli.config.settings import Settings
    from seqgan_cli.models.discriminator import Discriminator


class PartialReward(Reward):
    """D of every prefix, from a discriminator that was taught prefixes (Li et al. 2017, §3.2): no rollout is needed."""

    name = "partial"
    meaning = "D of every prefix"
    rank = 1
    needs_discriminator = True
    needs_positives = True
    stepwise = True

    def __init__(self, discriminator: "Discriminator") -> None:
        self.discriminator = discriminator

    @classmethod
    def make(cls, given: Given) -> Reward:
        assert given.discriminator is not None
        return cls(given.discriminator)

    @classmethod
    def conflicts(cls, settings: "Settings") -> Iterable[tuple[bool, str]]:
        yield (
            not settings.discriminator.prefixes,
            f"--reward {cls.name} needs a discriminator that was taught prefixes: --set discriminator.prefixes=true from "
            "pretrain-d on.",
        )

    def action_values(self, tokens: Any) -> Any:
        return self.discriminator.reward_from_logits(self.discriminator.prefix_logits(tokens))
