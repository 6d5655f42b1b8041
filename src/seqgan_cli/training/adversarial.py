"""`adversarial`: rounds of policy gradient steps for G and d-steps for D (Algorithm 1, lines 6-19)."""

from typing import Any

import numpy as np
import tensorflow as tf

from seqgan_cli.config import Settings
from seqgan_cli.console import Console
from seqgan_cli.corpora.corpus import Corpus
from seqgan_cli.evaluation.generators import curve_scores
from seqgan_cli.evaluation.real import RealScores
from seqgan_cli.models.generator import Generator
from seqgan_cli.randomness import key, rng
from seqgan_cli.rewards import BleuReward, ConstantReward, DiscriminatorReward, RandomReward, Reward
from seqgan_cli.rollout import ActionValues, RolloutPolicy
from seqgan_cli.store.checkpoints import named
from seqgan_cli.training.discriminator import DiscriminatorTrainer
from seqgan_cli.training.optimizers import Adam, descend, refuse_spoilt
from seqgan_cli.training.stage import REAL, Stage, Tick, examples_of


def policy_gradient_loss(policy: Generator, tokens: Any, action_values: Any) -> Any:
    """−Σ_t Q_t log G(y_t | Y₁:t-1), summed over batch and time (Eq. 8), for int32 and float32 `[B, T]`.

    Differentiable in the policy's weights; no gradient flows through the action values. Positions past the end count nothing.
    """
    weights = tf.where(policy.vocabulary.mask(tokens), tf.stop_gradient(action_values), 0.0)
    return policy.weighted_nll(tokens, weights, policy=True)


def mean_baseline(action_values: Any, mask: Any) -> Any:
    """The batch's mean action value at each position: float32 `[1, T]` for float32 and bool `[B, T]`; 0 where none counts."""
    counted = tf.cast(mask, tf.float32)
    return tf.math.divide_no_nan(
        tf.reduce_sum(action_values * counted, axis=0, keepdims=True), tf.reduce_sum(counted, axis=0, keepdims=True)
    )


class AdversarialTraining(Stage):
    """Rounds: g-steps on action values from rollouts, d-steps on fresh negatives, then β follows θ."""

    name = "adversarial"
    unit = "round"
    target_option = "--rounds"
    shown = ("reward_mean", "nll_oracle", "nll_test", *REAL, "distinct_share", "d_accuracy_test")
    step_sizes = ("adversarial.g-learning-rate", "adversarial.d-learning-rate")

    def __init__(
        self, settings: Settings, corpus: Corpus, oracle: Generator | None, generator: Generator, console: Console
    ) -> None:
        super().__init__(settings, corpus)
        own = settings.adversarial
        self.oracle, self.real = oracle, None if oracle else RealScores(corpus, settings.data)
        self.generator = generator
        self.optimizer = Adam(generator.trainable_variables, own.g_learning_rate)  # fresh: the likelihood's moments are not its
        self.policy = RolloutPolicy(generator)
        self.trainer: DiscriminatorTrainer | None = None
        if own.reward == "discriminator":
            self.trainer = DiscriminatorTrainer(
                settings, corpus, oracle, console, own.d_learning_rate, own.d_samples, own.k, self.name
            )
        self.action_values = ActionValues(self.policy, self._reward(), own.rollouts)
        self.rewarded = float(own.batch_size * (own.rollouts * (corpus.sequence_length - 1) + 1))  # sequences a g-step scores
        d_work = own.d_steps * self.trainer.work if self.trainer else 0.0
        self.target, self.work = own.rounds, own.g_steps * self.rewarded + d_work
        self.patience = own.patience
        self.monitor = own.monitor if own.monitor != "auto" else "nll_oracle" if oracle else "nll_test"

    def _reward(self) -> Reward:
        own, train = self.settings.adversarial, self.corpus.train
        if self.trainer:
            return DiscriminatorReward(self.trainer.discriminator)
        if own.reward == "bleu":
            num = max(1, round(own.reward_references * len(train)))
            chosen = rng(self.settings.seed, self.name, "references").permutation(len(train))[:num]
            return BleuReward(self.corpus.vocabulary, train[chosen], own.reward_order)
        return ConstantReward() if own.reward == "constant" else RandomReward()

    def examples(self) -> list[str]:
        return examples_of(self.generator, self.settings, self.corpus)

    def variables(self) -> dict[str, Any]:
        slots = {f"g_optimizer/{name}": v for name, v in self.optimizer.variables().items()}
        trainer = self.trainer.variables() if self.trainer else {}
        return {**named("generator", self.generator), **named("rollout_policy", self.policy.network), **slots, **trainer}

    @property
    def steps(self) -> int:
        return int(self.optimizer.count.numpy())

    @tf.function(autograph=False, reduce_retracing=True)
    def _update(self, tokens: Any, action_values: Any) -> Any:
        own = self.settings.adversarial
        if own.baseline == "mean":
            action_values -= mean_baseline(action_values, self.corpus.vocabulary.mask(tokens))
        with tf.GradientTape() as tape:
            loss = policy_gradient_loss(self.generator, tokens, action_values)
        return descend(self.optimizer, tape, loss, own.clip_norm)

    def g_step(self, position: int, part: int) -> tuple[float, np.ndarray, np.ndarray]:
        """Sample a batch, search its action values, climb. Returns the loss, Q and the mask, both `[B, T]`."""
        address = (self.name, "g-step", position, part)
        seed = self.settings.seed
        tokens = self.generator.sample_batch(self.settings.adversarial.batch_size, key(seed, *address, "sample"))
        action_values = self.action_values(tokens, key(seed, *address, "rollout"))
        loss, values = float(self._update(tokens, action_values).numpy()), action_values.numpy()
        own = self.settings.adversarial
        if np.isfinite(values).all():
            blamed, step_size = "adversarial.g-learning-rate", own.g_learning_rate
        else:  # the rewards came spoilt
            blamed, step_size = "adversarial.d-learning-rate", own.d_learning_rate
        refuse_spoilt([loss], f"{self.name}, round {position}", part, blamed, step_size)
        return loss, values, self.corpus.vocabulary.mask(tokens.numpy())

    def scores(self, position: int) -> dict[str, float]:
        sample_key = key(self.settings.seed, self.name, "curve", position)
        num = self.settings.evaluation.samples
        scores = curve_scores(self.generator, self.corpus, self.oracle, self.real, num, sample_key)
        return {**scores, **(self.trainer.scores(self.generator, position) if self.trainer else {})}

    def advance(self, position: int, tick: Tick) -> dict[str, float]:
        own = self.settings.adversarial
        measured: dict[str, float] = {}
        g_losses, rewards, masks = [], [], []
        for part in range(own.g_steps):
            loss, values, mask = self.g_step(position, part)
            g_losses.append(loss)
            rewards.append(values)
            masks.append(mask)
            tick(self.rewarded)
        if g_losses:
            measured["g_loss"] = float(np.mean(g_losses))
            measured.update(_reward_means(np.concatenate(rewards), np.concatenate(masks)))
        if self.trainer and own.d_steps:
            losses = [self.trainer.d_step(self.generator, position, tick, part) for part in range(own.d_steps)]
            measured["d_loss"] = float(np.mean(losses))
        self.policy.follow(self.generator, own.update_rate)
        return {**measured, **self.scores(position)}


def _reward_means(rewards: np.ndarray, mask: np.ndarray) -> dict[str, float]:
    """reward_mean over all positions that count, and reward_01 … reward_T at each that any sequence reaches."""
    means = {"reward_mean": float(rewards[mask].mean())}
    for t in range(rewards.shape[1]):
        if mask[:, t].any():
            means[f"reward_{t + 1:02d}"] = float(rewards[mask[:, t], t].mean())
    return means
