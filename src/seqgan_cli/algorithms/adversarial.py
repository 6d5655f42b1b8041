"""`adversarial`: rounds of policy gradient steps for G and d-steps for D (Algorithm 1, lines 6-19)."""

from typing import Any

import numpy as np
import tensorflow as tf

from seqgan_cli.algorithms.advantages import (
    normalized,
    policy_gradient_loss,
    repeat_final_value,
    reward_to_go,
    standardized,
    subtract_leave_one_out_mean,
    subtract_mean,
)
from seqgan_cli.algorithms.discriminator import D_HELD_OUT, DiscriminatorTrainer, tell_of_positives
from seqgan_cli.algorithms.mle import likelihood_loss
from seqgan_cli.algorithms.rollout import ActionValues, NetworkPolicy, NgramPolicy, RolloutPolicy
from seqgan_cli.config.settings import JUDGED, Settings
from seqgan_cli.console import Console
from seqgan_cli.data.corpus import Corpus
from seqgan_cli.evaluation.generators import curve_scores
from seqgan_cli.evaluation.real import RealScores
from seqgan_cli.models.generators.base import Generator
from seqgan_cli.models.value import ValueHead
from seqgan_cli.randomness import key, rng
from seqgan_cli.rewards.base import (
    BleuReward,
    ConstantReward,
    DiscriminatorReward,
    LanguageModelReward,
    OddsReward,
    PartialReward,
    RandomReward,
    RankReward,
    Reward,
    StepwiseReward,
)
from seqgan_cli.runs.checkpoints import named
from seqgan_cli.training.distribution import replicas
from seqgan_cli.training.optimizers import Adam, apply_gradients, check_finite
from seqgan_cli.training.stage import REAL, Stage, Tick, examples_of


class AdversarialTraining(Stage):
    """Rounds: g-steps on action values from rollouts, d-steps on fresh negatives, then β follows θ."""

    name = "adversarial"
    unit = "round"
    target_option = "--rounds"
    shown = ("reward_mean", "nll_oracle", "nll_validation", "nll_test", *REAL, "distinct_share", *D_HELD_OUT)
    step_sizes = ("adversarial.g-learning-rate", "adversarial.d-learning-rate")

    def __init__(
        self,
        settings: Settings,
        corpus: Corpus,
        oracle: Generator | None,
        generator: Generator,
        console: Console,
        language_model: Generator | None = None,
    ) -> None:
        super().__init__(settings, corpus)
        cfg = settings.adversarial
        self.language_model = (language_model or generator).clone("language_model") if cfg.reward == "lm" else None
        self.oracle, self.real = oracle, None if oracle else RealScores(corpus, settings.data, corpus.validation)
        self.generator = generator
        self.optimizer = Adam(generator.trainable_variables, cfg.g_learning_rate)  # fresh: the likelihood's moments are not its
        self.policy: RolloutPolicy
        if cfg.rollout_policy == "ngram":
            self.policy = NgramPolicy(corpus.vocabulary, corpus.train)
        else:
            self.policy = NetworkPolicy(generator)
        self.start = generator.clone("start") if cfg.kl_coefficient else None
        self.teacher: Adam | None = None  # of its own: the two losses are of different scales
        if cfg.mle_every:
            self.teacher = Adam(generator.trainable_variables, settings.pretrain_g.learning_rate)
        self.value: ValueHead | None = None
        if cfg.baseline == "value" or cfg.rollout_horizon:
            self.value = ValueHead(settings.generator.hidden_dim)
            self.value.initialise(rng(settings.seed, "value"))
            self.value_optimizer = Adam(self.value.trainable_variables, cfg.value_learning_rate)
        self.trainer: DiscriminatorTrainer | None = None
        if cfg.reward in JUDGED:
            self.trainer = DiscriminatorTrainer(
                settings, corpus, oracle, console, cfg.d_learning_rate, cfg.d_samples, cfg.k, self.name
            )
        self.action_values = ActionValues(self.policy, self._reward(console), cfg.rollouts, cfg.rollout_horizon, self.value)
        searched = 0 if isinstance(self.action_values.reward, StepwiseReward) else cfg.rollouts * (corpus.sequence_length - 1)
        self.rewarded = float(cfg.batch_size * (searched + 1))  # sequences a g-step scores
        d_work = cfg.d_steps * self.trainer.work if self.trainer else 0.0
        self.target, self.work = cfg.rounds, cfg.g_steps * self.rewarded + d_work
        if cfg.monitor == "nll_test" and self.monitor != cfg.monitor:
            console.warn("adversarial.monitor=nll_test is called nll_validation now: what chooses does not see the test part.")

    def _reward(self, console: Console) -> Reward | StepwiseReward:
        cfg, real = self.settings.adversarial, self.corpus.without_unk(self.corpus.train)
        if self.trainer:
            discriminator = self.trainer.discriminator
            if cfg.reward == "partial":
                return PartialReward(discriminator)
            if cfg.reward_transform == "rank":
                return RankReward(discriminator, real)
            return OddsReward(discriminator) if cfg.reward_transform == "mali" else DiscriminatorReward(discriminator)
        if self.language_model:
            return LanguageModelReward(self.language_model)
        if cfg.reward == "bleu":
            tell_of_positives(self.corpus, console)
            num = max(1, round(cfg.reward_references * len(real)))
            chosen = rng(self.settings.seed, self.name, "references").permutation(len(real))[:num]
            return BleuReward(self.corpus.vocabulary, real[chosen], cfg.reward_order)
        return ConstantReward() if cfg.reward == "constant" else RandomReward()

    def examples(self) -> list[str]:
        return examples_of(self.generator, self.settings, self.corpus)

    def variables(self) -> dict[str, Any]:
        slots = {f"g_optimizer/{name}": v for name, v in self.optimizer.variables().items()}
        trainer = self.trainer.variables() if self.trainer else {}
        for fixed in (self.start, self.language_model):  # they are of the generator that pretrain-g had, and may not have now
            if fixed:
                slots |= named(fixed.name, fixed)
        if self.teacher:
            slots |= {f"mle_optimizer/{name}": v for name, v in self.teacher.variables().items()}
        if self.value:
            slots |= {f"value_optimizer/{name}": v for name, v in self.value_optimizer.variables().items()}
            slots |= named("value_head", self.value)
        return {**named("generator", self.generator), **self.policy.variables(), **slots, **trainer}

    @property
    def steps(self) -> int:
        return int(self.optimizer.count.numpy())

    @tf.function(autograph=False, reduce_retracing=True)
    def _explore(self, sample_key: Any, rollout_key: Any) -> tuple[Any, Any]:
        """A batch from the policy and its action values, `[B, T]`."""
        return replicas.replicated(self._shared_explore, sample_key, rollout_key)

    def _shared_explore(self, sample_key: Any, rollout_key: Any) -> tuple[Any, Any]:
        batch = replicas.shard_count(self.settings.adversarial.batch_size)
        tokens = self.generator.sample_batch(batch, replicas.replica_key(sample_key))
        action_values = self.action_values(tokens, replicas.replica_key(rollout_key))
        return replicas.all_gather(tokens), replicas.all_gather(action_values)

    @tf.function(autograph=False, reduce_retracing=True)
    def _update(self, tokens: Any, action_values: Any) -> Any:
        """A step up the action values. Returns the losses of the policy and of the value head, float32 `[2]`."""
        return replicas.replicated(self._climb, tokens, action_values)

    def _climb(self, tokens: Any, action_values: Any) -> Any:
        cfg, mask = self.settings.adversarial, self.corpus.vocabulary.mask(tokens)
        if cfg.reward != "lm":  # log-likelihoods are to go: past the end nothing is left of them
            action_values = repeat_final_value(action_values, mask)
        promised, error = self._learn_promises(tokens, action_values) if self.value else (0.0, 0.0)
        if cfg.baseline == "value":
            action_values -= promised
        advantages = self._advantages(tokens, action_values)
        with tf.GradientTape() as tape:
            loss = policy_gradient_loss(self.generator, replicas.shard(tokens), replicas.shard(advantages))
        return tf.stack([apply_gradients(self.optimizer, tape, loss, cfg.clip_norm), error])

    def _learn_promises(self, tokens: Any, action_values: Any) -> tuple[Any, Any]:
        """What the value head expected, `[B, T]`, and its loss; then it learns what came."""
        assert self.value
        outputs, _ = self.generator.unroll(replicas.shard(tokens))
        promised = replicas.all_gather(self.value(outputs))
        came = replicas.shard(action_values)
        with tf.GradientTape() as tape:
            error = self.value.squared_error(outputs, came) / tf.cast(tf.size(tokens), tf.float32)
        return promised, apply_gradients(self.value_optimizer, tape, error, self.settings.adversarial.clip_norm)

    def _advantages(self, tokens: Any, action_values: Any) -> Any:
        """What the policy climbs: action values `[B, T]`, transformed, with the costs of tokens, less a mean.

        A sequence that has ended counts at later positions with the action value that it ended with, and no cost is left of it.
        """
        cfg = self.settings.adversarial
        if cfg.reward_transform == "standardize":
            action_values = standardized(action_values)
        elif cfg.reward_transform == "mali":
            action_values = normalized(action_values)
        if cfg.kl_coefficient or cfg.entropy_coefficient:
            mine = replicas.shard(tokens)
            surprise = self.generator.token_nll(mine)
            token_rewards = cfg.entropy_coefficient * surprise
            if self.start:
                token_rewards -= cfg.kl_coefficient * (self.start.token_nll(mine) - surprise)
            action_values += reward_to_go(replicas.all_gather(token_rewards), self.corpus.vocabulary.mask(tokens))
        if cfg.baseline == "mean":
            return subtract_mean(action_values)
        if cfg.baseline == "leave-one-out":
            return subtract_leave_one_out_mean(action_values)
        return action_values

    @tf.function(autograph=False, reduce_retracing=True)
    def _teach(self, tokens: Any, dropout_key: Any) -> Any:
        """A step of maximum likelihood on true sequences, with the dropout of `pretrain-g`. Returns the loss."""
        return replicas.replicated(self._learn, tokens, dropout_key)

    def _learn(self, tokens: Any, dropout_key: Any) -> Any:
        cfg = self.settings.pretrain_g
        assert self.teacher
        with tf.GradientTape() as tape:
            loss = likelihood_loss(self.generator, tokens, cfg.dropout, replicas.replica_key(dropout_key))
        return apply_gradients(self.teacher, tape, loss, cfg.clip_norm, cfg.weight_decay)

    def teach(self, position: int, part: int) -> float:
        """Teacher forcing between policy steps (Li et al. 2017, §3.2; Che et al. 2017, §4): one batch. Returns its loss."""
        address, cfg = (self.name, "mle", position, part), self.settings.pretrain_g
        tokens = self.corpus.sequences.draw(cfg.batch_size, self.settings.seed, *address)
        loss = float(self._teach(tokens, key(self.settings.seed, *address, "dropout")).numpy())
        where = f"{self.name}, round {position}, maximum likelihood"
        check_finite([loss], where, part, "pretrain-g.learning-rate", cfg.learning_rate)
        return loss

    def g_step(self, position: int, part: int) -> tuple[float, np.ndarray, np.ndarray]:
        """Sample a batch, search its action values, climb. Returns the loss, Q and the mask, both `[B, T]`."""
        address = (self.name, "g-step", position, part)
        seed = self.settings.seed
        tokens, action_values = self._explore(key(seed, *address, "sample"), key(seed, *address, "rollout"))
        (loss, error), values = self._update(tokens, action_values).numpy().tolist(), action_values.numpy()
        cfg, where = self.settings.adversarial, f"{self.name}, round {position}"
        if self.trainer and not np.isfinite(values).all():  # the rewards came spoilt
            check_finite([loss], where, part, "adversarial.d-learning-rate", cfg.d_learning_rate)
        check_finite([error], where, part, "adversarial.value-learning-rate", cfg.value_learning_rate)
        check_finite([loss], where, part, "adversarial.g-learning-rate", cfg.g_learning_rate)
        return loss, values, self.corpus.vocabulary.mask(tokens.numpy())

    def scores(self, position: int) -> dict[str, float]:
        sample_key = key(self.settings.seed, self.name, "curve", position)
        num = self.settings.evaluation.samples
        scores = curve_scores(self.generator, self.corpus, self.oracle, self.real, num, sample_key)
        return {**scores, **(self.trainer.scores(self.generator, position) if self.trainer else {})}

    def advance(self, position: int, tick: Tick) -> dict[str, float]:
        cfg = self.settings.adversarial
        measured: dict[str, float] = {}
        g_losses, rewards, masks = [], [], []
        for part in range(cfg.g_steps):
            loss, values, mask = self.g_step(position, part)
            g_losses.append(loss)
            rewards.append(values)
            masks.append(mask)
            if self.teacher and ((position - 1) * cfg.g_steps + part + 1) % cfg.mle_every == 0:
                measured["mle_loss"] = self.teach(position, part)
            tick(self.rewarded)
        if g_losses:
            measured["g_loss"] = float(np.mean(g_losses))
            measured.update(_reward_means(np.concatenate(rewards), np.concatenate(masks)))
        if self.trainer and cfg.d_steps:
            losses = [self.trainer.d_step(self.generator, position, tick, part) for part in range(cfg.d_steps)]
            if worked := [loss for loss in losses if loss is not None]:
                measured["d_loss"] = float(np.mean(worked))
        self.policy.update(self.generator, cfg.update_rate)
        return {**measured, **self.scores(position)}


def _reward_means(rewards: np.ndarray, mask: np.ndarray) -> dict[str, float]:
    """reward_mean over all positions that count, and reward_01 … reward_T at each that any sequence reaches."""
    means = {"reward_mean": float(rewards[mask].mean())}
    for t in range(rewards.shape[1]):
        if mask[:, t].any():
            means[f"reward_{t + 1:02d}"] = float(rewards[mask[:, t], t].mean())
    return means
