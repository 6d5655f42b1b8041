"""PPO: several steps on each batch, clipped where the policy has gone far enough (Schulman et al. 2017, Eq. 7)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from seqgan_cli.algorithms.advantages import policy_gradient_loss
from seqgan_cli.algorithms.policy_gradient import PolicyGradient
from seqgan_cli.config.schema import section, setting
from seqgan_cli.lazy import compiled, np, tf
from seqgan_cli.training.distribution import replicas
from seqgan_cli.training.optimizers import apply_gradients


@section("ppo", "adversarial", fixed_by="adversarial")
@dataclass(frozen=True)
class PPOSettings:
    epochs: int = setting(4, "algorithm ppo: steps on each batch", at_least=1)
    clip: float = setting(0.2, "algorithm ppo: ε, how far from 1 the ratio of probabilities counts", above=0, below=1)


class PPO(PolicyGradient):
    """Policy gradient whose batches are used several times: for rewards that cost more than steps do.

    Rewards, baselines, costs of tokens and the value head are policy gradient's. The advantages of a batch are those of the
    policy that drew it. The ratio has the same mask of tokens on both sides, and neither has dropout. A batch whose
    advantages are all 0 teaches nothing and is passed over, where Adam's momentum would move the weights still.
    """

    name = "ppo"
    meaning = "clipped policy gradient, several steps on each batch"
    rank = 1
    Section: ClassVar[Any] = PPOSettings

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.ppo = self.settings[PPOSettings]

    def _policy_step(self, tokens: Any, action_values: Any) -> Any:
        advantages, surprise, error, divergence = self._before(tokens, action_values)
        losses = [0.0]
        if np.any(np.asarray(advantages) != 0.0):
            losses = [float(self._clipped_step(tokens, advantages, surprise)) for _ in range(self.ppo.epochs)]
        return [losses[0] if np.isfinite(losses).all() else float("nan"), error, divergence]

    @compiled
    def _before(self, tokens: Any, action_values: Any) -> tuple[Any, Any, Any, Any]:
        """Advantages and −log of the policy, `[B, T]`, before the first step; the value head's loss, and the divergence."""
        return replicas.replicated(self._shard_before, tokens, action_values)

    def _shard_before(self, tokens: Any, action_values: Any) -> tuple[Any, Any, Any, Any]:
        surprise = replicas.all_gather(self.generator.token_nll(replicas.shard(tokens)))
        advantages, error, divergence = self.advantages(tokens, action_values)
        counted = tf.where(self.corpus.vocabulary.mask(tokens), advantages, 0.0)
        return counted, surprise, tf.convert_to_tensor(error), tf.convert_to_tensor(divergence)

    @compiled
    def _clipped_step(self, tokens: Any, advantages: Any, surprise: Any) -> Any:
        return replicas.replicated(self.clipped_step, tokens, advantages, surprise)

    def clipped_step(self, tokens: Any, advantages: Any, surprise: Any) -> Any:
        """One step up Σ min(ρA, clip(ρ, 1 ± ε)A), ρ the ratio of the policy to that which drew the batch. Returns its loss.

        The gradient of min(ρA, clip(ρ)A) is ρA ∇log G where the ratio is not clipped, and 0 where it is.
        """
        tokens, advantages, surprise = (replicas.shard(each) for each in (tokens, advantages, surprise))
        ratio = tf.exp(surprise - self.generator.token_nll(tokens))
        clipped = tf.clip_by_value(ratio, 1.0 - self.ppo.clip, 1.0 + self.ppo.clip)
        weights = tf.where(ratio * advantages <= clipped * advantages, ratio * advantages, 0.0)
        with tf.GradientTape() as tape:
            loss = policy_gradient_loss(self.generator, tokens, weights)
        stepped = apply_gradients(self.optimizer, tape, loss, self.cfg.clip_norm)
        objective = -tf.reduce_sum(tf.minimum(ratio * advantages, clipped * advantages))
        return tf.where(tf.math.is_finite(stepped), replicas.all_reduce_sum(objective), float("nan"))
