"""Policy gradient: sample, find action values by rollouts, take a step up them (Algorithm 1, lines 7-12 and 18; Eq. 8)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from seqgan_cli.algorithms.advantages import (
    normalized,
    policy_gradient_loss,
    repeat_final_value,
    reward_to_go,
    standardized,
    subtract_leave_one_out_mean,
    subtract_mean,
)
from seqgan_cli.algorithms.base import Algorithm, GStep, TimedStep
from seqgan_cli.algorithms.divergence import KLPenalty, KLPenaltySettings
from seqgan_cli.algorithms.interleaved import LikelihoodSteps
from seqgan_cli.algorithms.rollout import ActionValues, NetworkPolicy, NgramPolicy, RolloutPolicy
from seqgan_cli.config import registry
from seqgan_cli.config.schema import section, setting
from seqgan_cli.config.settings import Settings
from seqgan_cli.lazy import compiled, np, tf
from seqgan_cli.randomness import key, rng
from seqgan_cli.rewards.base import Given, Reward
from seqgan_cli.runs.checkpoints import named
from seqgan_cli.sampling.sequences import sample_batch
from seqgan_cli.training.distribution import replicas
from seqgan_cli.training.optimizers import Adam, apply_gradients, check_finite

if TYPE_CHECKING:
    from seqgan_cli.models.generator import Generator
    from seqgan_cli.models.value import ValueHead


@section("adversarial", "adversarial")
@dataclass(frozen=True)
class PolicyGradientSettings(KLPenaltySettings):
    rollouts: int = setting(
        16, "Monte Carlo continuations of every prefix (0: the finished sequence's reward for all)", at_least=0, quick=4
    )
    rollout_policy: str = setting(
        "generator",
        "what continues prefixes: a copy of the generator, or an n-gram model of the training data",
        choices=("generator", "ngram"),
        fixed_by="adversarial",
        times_steps=True,
    )
    rollout_horizon: int = setting(
        0,
        "tokens of a continuation, then what a value head expects (0: to the end)",
        at_least=0,
        fixed_by="adversarial",
        times_steps=True,
    )
    update_rate: float = setting(
        0.0, "share of the rollout policy kept at a round's end: β ← u·β + (1-u)·θ", at_least=0, below=1
    )
    g_learning_rate: float = setting(0.01, "generator's step size", above=0, quick=0.003)
    batch_size: int = setting(64, "sequences a g-step", at_least=1)
    clip_norm: float = setting(5.0, "largest global norm of the generator's gradient", above=0)
    baseline: str = setting(
        "none",
        "subtracted from rewards at each position: the mean of the batch, of its other sequences, or the value head's estimate",
        choices=("none", "mean", "leave-one-out", "value"),
        fixed_by="adversarial",
        times_steps=True,
    )
    value_learning_rate: float = setting(0.001, "step size of the value head", above=0)
    entropy_coefficient: float = setting(0.0, "entropy bonus, per nat", at_least=0, times_steps=True)
    mle_every: int = setting(0, "g-steps between steps of maximum likelihood (0: none)", at_least=0, fixed_by="adversarial")
    mle_learning_rate: float = setting(0.0, "step size of likelihood between g-steps (0: that of pretrain-g)", at_least=0)


class PolicyGradient(Algorithm):
    """REINFORCE on action values (Sutton et al. 2000), with baselines, costs of single tokens and likelihood steps between."""

    name = "policy-gradient"
    meaning = "REINFORCE on the reward, by rollouts"
    rank = 0
    Section: ClassVar[Any] = PolicyGradientSettings
    step_sizes = ("adversarial.g-learning-rate",)
    batch_sizes = ("adversarial.batch-size",)

    def __init__(self, given: Given, generator: Generator, reward: Reward) -> None:
        super().__init__(given, generator, reward)
        settings, corpus = given.settings, given.corpus
        cfg = self.cfg = settings[PolicyGradientSettings]
        self.optimizer = Adam(generator.trainable_variables, cfg.g_learning_rate)  # fresh: the likelihood's moments are not its
        self.policy: RolloutPolicy
        if cfg.rollout_policy == "ngram":
            self.policy = NgramPolicy(corpus.vocabulary, corpus.train)
        else:
            self.policy = NetworkPolicy(generator)
        self.kl_penalty = KLPenalty(generator, cfg) if cfg.penalised else None
        size = "adversarial.mle-learning-rate" if cfg.mle_learning_rate else "pretrain-g.learning-rate"
        self.likelihood = LikelihoodSteps(settings, corpus, generator, size) if cfg.mle_every else None
        self.value: ValueHead | None = None
        if cfg.baseline == "value" or cfg.rollout_horizon:
            from seqgan_cli.models import value

            self.value = value.ValueHead(settings.generator.hidden_dim)
            self.value.initialise(rng(settings.seed, "value"))
            self.value_optimizer = Adam(self.value.trainable_variables, cfg.value_learning_rate)
        self.action_values = ActionValues(self.policy, reward, cfg.rollouts, cfg.rollout_horizon, self.value)

    # A g-step.

    def g_step(self, position: int, part: int) -> GStep:
        step, cfg = self.policy_gradient_step(position, part), self.cfg
        if self.likelihood and ((position - 1) * cfg.g_steps + part + 1) % cfg.mle_every == 0:
            step.measured["mle_loss"] = self.likelihood.step(position, part)
        return step

    def policy_gradient_step(self, position: int, part: int) -> GStep:
        """Sample a batch, find its action values, take a step."""
        seed, address = self.settings.seed, ("adversarial", "g-step", position, part)
        tokens, action_values = self._sample_and_score(key(seed, *address, "sample"), key(seed, *address, "rollout"))
        self.reward.check()
        (loss, error, divergence), values = np.asarray(self._policy_step(tokens, action_values)).tolist(), action_values.numpy()
        cfg, where = self.cfg, f"adversarial, round {position}"
        if self.reward.needs_discriminator and not np.isfinite(values).all():  # the rewards came spoilt
            check_finite([loss], where, part, "adversarial.d-learning-rate", cfg.d_learning_rate)
        check_finite([error], where, part, "adversarial.value-learning-rate", cfg.value_learning_rate)
        check_finite([loss], where, part, "adversarial.g-learning-rate", cfg.g_learning_rate)
        measured = self.kl_penalty.move(divergence) if self.kl_penalty else {}
        return GStep(loss, values, self.corpus.vocabulary.mask(tokens.numpy()), tokens.numpy(), measured)

    @compiled
    def _sample_and_score(self, sample_key: Any, rollout_key: Any) -> tuple[Any, Any]:
        """A batch from the policy and its action values, `[B, T]`."""
        return replicas.replicated(self._shard_of_batch, sample_key, rollout_key)

    def _shard_of_batch(self, sample_key: Any, rollout_key: Any) -> tuple[Any, Any]:
        batch = replicas.shard_count(self.cfg.batch_size)
        tokens = sample_batch(self.generator, batch, replicas.replica_key(sample_key))
        everybodys = replicas.all_gather(tokens)
        action_values = self.action_values(tokens, replicas.replica_key(rollout_key), everybodys)
        return everybodys, replicas.all_gather(action_values)

    @compiled
    def _policy_step(self, tokens: Any, action_values: Any) -> Any:
        """A step up the action values. Returns the losses of the policy and of the value head, and the divergence from the
        pre-trained policy in nats a sequence, where it is penalised: float32 `[3]`."""
        return replicas.replicated(self.policy_step, tokens, action_values)

    def policy_step(self, tokens: Any, action_values: Any) -> Any:
        """What every replica does of it."""
        advantages, error, divergence = self.advantages(tokens, action_values)
        with tf.GradientTape() as tape:
            loss = policy_gradient_loss(self.generator, replicas.shard(tokens), replicas.shard(advantages))
        return tf.stack([apply_gradients(self.optimizer, tape, loss, self.cfg.clip_norm), error, divergence])

    def advantages(self, tokens: Any, action_values: Any) -> tuple[Any, Any, Any]:
        """What the policy climbs, `[B, T]`; the value head learns what came. Returns its loss and the divergence too."""
        mask = self.corpus.vocabulary.mask(tokens)
        if not self.reward.sums_to_go:
            action_values = repeat_final_value(action_values, mask)
        value_estimates, error = self._value_step(tokens, action_values) if self.value else (0.0, 0.0)
        if self.cfg.baseline == "value":
            action_values -= value_estimates
        advantages, divergence = self._with_costs(tokens, action_values)
        return advantages, error, divergence

    def _value_step(self, tokens: Any, action_values: Any) -> tuple[Any, Any]:
        """What the value head expected, `[B, T]`, and its loss; then it learns what came."""
        assert self.value
        outputs, _ = self.generator.unroll(replicas.shard(tokens))
        value_estimates = replicas.all_gather(self.value(outputs))
        targets = replicas.shard(action_values)
        with tf.GradientTape() as tape:
            error = self.value.squared_error(outputs, targets) / tf.cast(tf.size(tokens), tf.float32)
        return value_estimates, apply_gradients(self.value_optimizer, tape, error, self.cfg.clip_norm)

    def _with_costs(self, tokens: Any, action_values: Any) -> tuple[Any, Any]:
        """Action values `[B, T]`, transformed, with the costs of tokens, less a mean; and the divergence.

        A sequence that has ended counts at later positions with the action value that it ended with, and no cost is left of it.
        """
        cfg = self.cfg
        if cfg.reward_transform == "standardize":
            action_values = standardized(action_values)
        elif cfg.reward_transform == "mali":
            action_values = normalized(action_values)
        divergence: Any = 0.0
        if self.kl_penalty or cfg.entropy_coefficient:
            sharded = replicas.shard(tokens)
            surprise = self.generator.token_nll(sharded)
            token_rewards = cfg.entropy_coefficient * surprise
            if self.kl_penalty:
                log_ratio = self.kl_penalty.policy.token_nll(sharded) - surprise
                token_rewards -= self.kl_penalty.coefficient * log_ratio
                divergence = tf.reduce_mean(tf.reduce_sum(replicas.all_gather(log_ratio), axis=1))
            action_values += reward_to_go(replicas.all_gather(token_rewards), self.corpus.vocabulary.mask(tokens))
        if cfg.baseline == "mean":
            action_values = subtract_mean(action_values)
        elif cfg.baseline == "leave-one-out":
            action_values = subtract_leave_one_out_mean(action_values)
        return action_values, divergence

    # The rest of a round, and what it costs.

    def end_round(self) -> None:
        self.policy.update(self.generator, self.cfg.update_rate)
        if self.kl_penalty:
            self.kl_penalty.end_round(self.generator)

    def variables(self) -> dict[str, Any]:
        slots = {f"g_optimizer/{name}": v for name, v in self.optimizer.variables().items()}
        if self.kl_penalty:
            slots |= self.kl_penalty.variables()
        if self.likelihood:
            slots |= self.likelihood.variables()
        if self.value:
            slots |= {f"value_optimizer/{name}": v for name, v in self.value_optimizer.variables().items()}
            slots |= named("value_head", self.value)
        return {**self.policy.variables(), **slots}

    @property
    def steps(self) -> int:
        return int(self.optimizer.count.numpy())

    @property
    def work(self) -> float:
        return float(self.calls(self.settings, self.corpus.sequence_length))

    @classmethod
    def calls(cls, settings: Settings, length: int) -> int:
        cfg = settings[PolicyGradientSettings]
        rollouts = 0 if registry.rewards.needs(cfg.reward, "stepwise") else cfg.rollouts * (length - 1)
        return cfg.batch_size * (rollouts + 1)

    @classmethod
    def generator_copies(cls, settings: Settings) -> int:
        """The rollout policy, the reference policy, and two moments of the likelihood's optimizer."""
        cfg = settings[PolicyGradientSettings]
        return (cfg.rollout_policy == "generator") + cfg.penalised + 2 * (cfg.mle_every > 0)

    @classmethod
    def timed_steps(cls, settings: Settings) -> Sequence[TimedStep]:
        cfg = settings[PolicyGradientSettings]
        what = f"g-step, reward {cfg.reward}, {cfg.rollouts} rollouts"
        steps = [TimedStep(what, 1.0, lambda algorithm: algorithm.policy_gradient_step(1, 0))]
        if cfg.mle_every:
            between = TimedStep("step of MLE between", 1.0 / cfg.mle_every, lambda algorithm: algorithm.likelihood.step(1, 0))
            steps.append(between)
        return steps

    @classmethod
    def conflicts(cls, settings: Settings) -> Iterable[tuple[bool, str]]:
        cfg = settings[PolicyGradientSettings]
        single = registry.rewards.expression(cfg.reward).single
        stepwise, judged = (registry.rewards.needs(cfg.reward, what) for what in ("stepwise", "needs_discriminator"))
        yield from cfg.penalty_conflicts()
        yield (
            cfg.reward_transform in ("mali", "rank") and (single is None or stepwise or not judged),
            f"adversarial.reward-transform={cfg.reward_transform} is made of the discriminator's score of whole sequences "
            f"and does not go with --reward {cfg.reward}: leave one out.",
        )
        yield (
            cfg.reward_transform == "mali" and settings.discriminator.loss == "wasserstein",
            "adversarial.reward-transform=mali needs probabilities, and discriminator.loss=wasserstein gives none: leave one "
            "out.",
        )
        yield (
            cfg.reward_transform == "mali" and (cfg.baseline == "value" or cfg.rollout_horizon > 0),
            "adversarial.reward-transform=mali divides by a mean that a value head would take away: use --baseline mean, and "
            "no adversarial.rollout-horizon.",
        )
        yield (
            cfg.reward_transform == "standardize" and cfg.batch_size == 1,
            "adversarial.reward-transform=standardize leaves nothing of a batch of one: use a larger --batch-size.",
        )
        yield (
            cfg.baseline in ("mean", "leave-one-out") and cfg.batch_size == 1,
            f"adversarial.baseline={cfg.baseline} compares the sequences of a batch, and one by itself teaches nothing: use a "
            "larger adversarial.batch-size, or adversarial.baseline=none.",
        )
        yield (
            cfg.rollout_horizon > 0 and cfg.rollout_policy == "ngram",
            "adversarial.rollout-horizon bootstraps from the generator's state, and an n-gram model has none: leave it "
            "or adversarial.rollout-policy=ngram out.",
        )
        yield (
            (cfg.rollout_horizon > 0 or cfg.rollout_policy == "ngram") and (stepwise or cfg.rollouts == 0),
            "adversarial.rollout-horizon and adversarial.rollout-policy are of rollouts, and there are none with "
            f"{f'--reward {cfg.reward}' if stepwise else '--rollouts 0'}: leave them out.",
        )
