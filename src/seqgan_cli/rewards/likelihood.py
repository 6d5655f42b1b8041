"""A language model's likelihood of every token and those after it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from seqgan_cli.lazy import tf
from seqgan_cli.rewards.base import Given, Reward
from seqgan_cli.runs.checkpoints import named

if TYPE_CHECKING:
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
