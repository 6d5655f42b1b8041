"""Rewards of every token, for which no rollout is needed: a language model's likelihood, and a discriminator of prefixes."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from seqgan_cli.lazy import tf
from seqgan_cli.rewards.base import Given, Reward
from seqgan_cli.runs.checkpoints import named

if TYPE_CHECKING:
    from seqgan_cli.config.settings import Settings
    from seqgan_cli.models.discriminator import Discriminator
    from seqgan_cli.models.generator import Generator


class LanguageModelReward(Reward):
    """What a language model of the training data finds each token and those after it likely: Σ_{s ≥ t} log p(y_s | Y₁:s-1)."""

    name = "lm"
    meaning = "log-likelihood under the best MLE model"
    rank = 2
    needs_language_model = True
    stepwise = True
    sums_to_go = True
    generator_copies = 1

    def __init__(self, model: "Generator") -> None:
        self.model = model

    @classmethod
    def make(cls, given: Given) -> Reward:
        assert given.language_model is not None
        return cls(given.language_model.clone("language_model"))

    def variables(self) -> Mapping[str, Any]:
        return named(self.model.name, self.model)  # it is of a pretrain-g that may go on

    def action_values(self, tokens: Any) -> Any:
        return tf.cumsum(-self.model.token_nll(tokens), axis=1, reverse=True)


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
