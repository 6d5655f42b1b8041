"""What scores a finished sequence. A reward is called with int32 `[R, T]` and a key int32 `[2]` and gives float32 `[R]`.

A stepwise reward scores every prefix instead, so that no search is needed.
"""

import functools
from typing import Any, Protocol, runtime_checkable

import numpy as np
import tensorflow as tf

from seqgan_cli.data.vocabulary import Vocabulary
from seqgan_cli.evaluation.metrics import bleu
from seqgan_cli.models.discriminators.base import Discriminator
from seqgan_cli.models.generators.base import Generator


class Reward(Protocol):
    """Scores finished sequences; called inside compiled code."""

    def __call__(self, tokens: Any, key: Any) -> Any: ...


@runtime_checkable
class PrefixReward(Protocol):
    """A reward that scores completions of the same sequences for less than each by itself."""

    def score_continuations(self, tokens: Any, source_ids: Any, continuations: Any, key: Any) -> Any:
        """float32 `[T-1, C]` for sequences int32 `[S, T]` and, of sequence `owners[c]`, completions int32 `[T-1, C, T]`."""


@runtime_checkable
class StepwiseReward(Protocol):
    """A reward that knows what every token is worth."""

    def action_values(self, tokens: Any) -> Any:
        """float32 `[B, T]` for int32 `[B, T]`."""


class DiscriminatorReward:
    """D(Y): the probability that Y is real, or a critic's value, dropout off (Eq. 4)."""

    def __init__(self, discriminator: Discriminator) -> None:
        self.discriminator = discriminator

    def worth(self, logits: Any) -> Any:
        """The reward of logits float32 of any shape."""
        return self.discriminator.judgement(logits)

    def __call__(self, tokens: Any, key: Any) -> Any:
        return self.worth(self.discriminator(tokens))

    def score_continuations(self, tokens: Any, source_ids: Any, continuations: Any, key: Any) -> Any:
        return self.worth(self.discriminator.score_continuations(tokens, source_ids, continuations))


class OddsReward(DiscriminatorReward):
    """D / (1 − D), the density ratio of real to generated sequences under the best D (MaliGAN: Che et al. 2017, §3.1)."""

    def worth(self, logits: Any) -> Any:
        return tf.exp(tf.minimum(logits, 20.0))  # beyond it one sequence would be the batch, and one more an infinity


class RankReward:
    """How a sequence ranks among real ones by likeness to real ones (RankGAN: Lin et al. 2017, Eq. 3-5).

    With cosines α of the discriminator's features, for a reference u and real sequences C to compare with:
    R(Y) = mean over u of exp(γ α(Y, u)) / (exp(γ α(Y, u)) + Σ_{c ∈ C} exp(γ α(c, u))). The paper names neither γ nor how many.
    Its ranker is taught to rank; here the features are those of the discriminator as it is.

    Args:
        references: int32 `[n, T]`, real sequences to draw u and C from, anew for every key.
    """

    GAMMA = 10.0
    DRAWN = 16  # references, and as many to compare with

    def __init__(self, discriminator: Discriminator, references: np.ndarray) -> None:
        self.discriminator = discriminator
        self.references = tf.constant(references)

    def _ranked(self, features: Any, key: Any) -> Any:
        rows = tf.random.stateless_uniform([2 * self.DRAWN], key, maxval=len(self.references), dtype=tf.int32)
        real = self.discriminator.features(self.discriminator.embed(tf.gather(self.references, rows)))
        reference, compared = tf.split(tf.math.l2_normalize(real, axis=-1), 2)
        mine = tf.exp(self.GAMMA * tf.matmul(tf.math.l2_normalize(features, axis=-1), reference, transpose_b=True))
        theirs = tf.exp(self.GAMMA * tf.matmul(compared, reference, transpose_b=True))
        return tf.reduce_mean(mine / (mine + tf.reduce_sum(theirs, axis=0)), axis=-1)

    def __call__(self, tokens: Any, key: Any) -> Any:
        return self._ranked(self.discriminator.features(self.discriminator.embed(tokens)), key)

    def score_continuations(self, tokens: Any, source_ids: Any, continuations: Any, key: Any) -> Any:
        ranked = functools.partial(self._ranked, key=key)
        return self.discriminator.score_continuations(tokens, source_ids, continuations, ranked)


class PartialReward:
    """D of every prefix, from a discriminator that was taught prefixes (Li et al. 2017, §3.2): no rollout is needed."""

    def __init__(self, discriminator: Discriminator) -> None:
        self.discriminator = discriminator

    def action_values(self, tokens: Any) -> Any:
        return self.discriminator.judgement(self.discriminator.prefix_logits(tokens))


class LanguageModelReward:
    """What a language model of the training data finds each token and those after it likely: Σ_{s ≥ t} log p(y_s | Y₁:s-1)."""

    def __init__(self, model: Generator) -> None:
        self.model = model

    def action_values(self, tokens: Any) -> Any:
        return tf.cumsum(-self.model.token_nll(tokens), axis=1, reverse=True)


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
