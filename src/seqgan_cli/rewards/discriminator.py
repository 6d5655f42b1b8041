"""The discriminator's reward: D(Y), and what MaliGAN and RankGAN make of it."""

import functools
from typing import TYPE_CHECKING, Any

from seqgan_cli.lazy import tf
from seqgan_cli.rewards.base import Given, Reward

if TYPE_CHECKING:
    import numpy as np

    from seqgan_cli.models.discriminator import Discriminator


class DiscriminatorReward(Reward):
    """D(Y): the probability that Y is real, or a critic's value, dropout off (Eq. 4)."""

    name = "discriminator"
    meaning = "D(Y), the paper's"
    title = "SeqGAN"
    rank = 0
    needs_discriminator = True
    needs_positives = True

    def __init__(self, discriminator: "Discriminator") -> None:
        self.discriminator = discriminator

    @classmethod
    def make(cls, given: Given) -> Reward:
        assert given.discriminator is not None
        made = TRANSFORMED.get(given.settings.adversarial.reward_transform, DiscriminatorReward)
        if made is RankReward:
            return RankReward(given.discriminator, given.corpus.without_unk(given.corpus.train))
        return made(given.discriminator)

    def reward_from_logits(self, logits: Any) -> Any:
        """The reward of logits float32 of any shape."""
        return self.discriminator.reward_from_logits(logits)

    def __call__(self, tokens: Any, key: Any) -> Any:
        return self.reward_from_logits(self.discriminator(tokens))

    def score_continuations(self, tokens: Any, source_ids: Any, continuations: Any, key: Any) -> Any:
        return self.reward_from_logits(self.discriminator.score_continuations(tokens, source_ids, continuations))


class OddsReward(DiscriminatorReward):
    """D / (1 − D), the density ratio of real to generated sequences under the best D (MaliGAN: Che et al. 2017, §3.1)."""

    def reward_from_logits(self, logits: Any) -> Any:
        return tf.exp(tf.minimum(logits, 20.0))  # beyond it one sequence would be the batch, and one more an infinity


class RankReward(DiscriminatorReward):
    """How a sequence ranks among real ones by likeness to real ones (RankGAN: Lin et al. 2017, Eq. 3-5).

    With cosines α of the discriminator's features, for a reference u and real sequences C to compare with:
    R(Y) = mean over u of exp(γ α(Y, u)) / (exp(γ α(Y, u)) + Σ_{c ∈ C} exp(γ α(c, u))). The paper names neither γ nor how many.
    Its ranker is taught to rank; here the features are those of the discriminator as it is.

    Args:
        references: int32 `[n, T]`, real sequences to draw u and C from, anew for every key.
    """

    GAMMA = 10.0
    DRAWN = 16  # references, and as many to compare with

    def __init__(self, discriminator: "Discriminator", references: "np.ndarray") -> None:
        super().__init__(discriminator)
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


# What `adversarial.reward-transform` makes of this reward; other transforms are of its action values.
TRANSFORMED: dict[str, type[DiscriminatorReward]] = {"mali": OddsReward, "rank": RankReward}
