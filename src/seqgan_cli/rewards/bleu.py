"""Sentence BLEU against real sequences: the PG-BLEU baseline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from seqgan_cli.config.schema import section, setting
from seqgan_cli.data.corpus import tell_of_positives
from seqgan_cli.evaluation.metrics import bleu
from seqgan_cli.lazy import np, tf
from seqgan_cli.randomness import rng
from seqgan_cli.rewards.base import Given, Reward

if TYPE_CHECKING:
    from seqgan_cli.data.vocabulary import Vocabulary


@section("adversarial", "adversarial", fixed_by="adversarial")
@dataclass(frozen=True)
class BleuSettings:
    reward_references: float = setting(
        1.0, "reward bleu: share of the training set it compares with", above=0, at_most=1
    )
    reward_order: int = setting(2, "reward bleu: longest n-gram", at_least=1, at_most=10)


class BleuReward(Reward):
    """Sentence BLEU against real sequences: the PG-BLEU baseline (the paper, "Synthetic Data Experiments").

    The paper gives neither order nor smoothing. Here orders 1 … `order` count alike and an order without a match counts as
    0.1 of one (Chen and Cherry's method 1), so that a reward differs from another before every order matches; without any
    token in common it is 0. A sequence of fewer tokens than `order` has no n-gram of that length and scores less, even a
    real one.

    Args:
        vocabulary: knows where sequences end.
        references: int32 `[n, T]`.
        order: longest n-gram.
    """

    name = "bleu"
    meaning = "BLEU against training sequences"
    rank = 3
    Section = BleuSettings
    needs_positives = True

    def __init__(self, vocabulary: Vocabulary, references: np.ndarray, order: int) -> None:
        self.vocabulary = vocabulary
        self.weights = (1.0 / order,) * order
        self.references = bleu.References(vocabulary.target(references), vocabulary.length(references), order)

    @classmethod
    def make(cls, given: Given) -> Reward:
        cfg, real = given.settings[BleuSettings], given.corpus.without_unk(given.corpus.train)
        tell_of_positives(given.corpus, given.console)
        num = max(1, round(cfg.reward_references * len(real)))
        chosen = rng(given.settings.seed, "adversarial", "references").permutation(len(real))[:num]
        return cls(given.corpus.vocabulary, real[chosen], cfg.reward_order)

    def scores(self, tokens: np.ndarray) -> np.ndarray:
        """float32 `[R]` in [0, 1] for int32 `[R, T]`."""
        matches = self.references.match(self.vocabulary.target(tokens), self.vocabulary.length(tokens))
        return bleu.scores(matches, self.weights, "method1").astype(np.float32)

    def __call__(self, tokens: Any, key: Any) -> Any:
        rewards = tf.numpy_function(self.scores, [tokens], tf.float32, stateful=False)
        return tf.ensure_shape(rewards, [None])
