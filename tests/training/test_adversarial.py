"""The policy gradient against analysis, and on a reward it must learn."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

import reference
from seqgan_cli.config import GeneratorSettings
from seqgan_cli.console import Console
from seqgan_cli.corpora.synthetic import synthetic_corpus
from seqgan_cli.models.generator import Generator
from seqgan_cli.randomness import key, rng
from seqgan_cli.rewards import BleuReward
from seqgan_cli.rollout import ActionValues
from seqgan_cli.training.adversarial import AdversarialTraining, mean_baseline, policy_gradient_loss
from seqgan_cli.vocabulary import EOS, PAD, Vocabulary
from tiny import tiny_settings


def stage(**changes: Any) -> AdversarialTraining:
    chosen = tiny_settings(**changes)
    corpus, oracle = synthetic_corpus(chosen.data, 0)
    generator = Generator(corpus.vocabulary, corpus.sequence_length, chosen.generator)
    generator.initialise(rng(0, "generator"))
    return AdversarialTraining(chosen, corpus, oracle, generator, Console(quiet=True))


def test_gradient_of_a_two_armed_bandit() -> None:
    """T = 1, V = 2, logits b: −∂/∂b Σ Q log π(y) = Σ Q (π − 1[y]), here by hand for two pulls."""
    generator = Generator(Vocabulary(size=2), 1, GeneratorSettings(embedding_dim=1, hidden_dim=1))
    bias = generator.trainable_variables[-1]
    bias.assign([0.3, -0.2])  # every other weight is zero
    tokens, values = np.array([[0], [1]], np.int32), np.array([[2.0], [0.5]], np.float32)
    with tf.GradientTape() as tape:
        loss = policy_gradient_loss(generator, tokens, tf.constant(values))
    pi = np.exp([0.3, -0.2]) / np.exp([0.3, -0.2]).sum()
    np.testing.assert_allclose(loss, -(2.0 * np.log(pi[0]) + 0.5 * np.log(pi[1])), rtol=1e-6)
    np.testing.assert_allclose(tape.gradient(loss, bias.value), 2.0 * (pi - [1, 0]) + 0.5 * (pi - [0, 1]), rtol=1e-5)


def test_estimated_gradient_is_that_of_the_expected_reward() -> None:
    """Over many pulls the mean estimate is ∇ E[R] = π₀ π₁ (R₀ − R₁) (1, −1) (Eq. 6)."""
    generator = Generator(Vocabulary(size=2), 1, GeneratorSettings(embedding_dim=1, hidden_dim=1))
    bias = generator.trainable_variables[-1]
    bias.assign([0.3, -0.2])
    tokens = generator.sample(40_000, key(0, "pulls"))
    rewards = np.where(tokens == 0, 0.9, 0.2).astype(np.float32)
    with tf.GradientTape() as tape:
        loss = policy_gradient_loss(generator, tokens, tf.constant(rewards)) / len(tokens)
    pi = np.exp([0.3, -0.2]) / np.exp([0.3, -0.2]).sum()
    ascent = -tape.gradient(loss, bias.value).numpy()
    np.testing.assert_allclose(ascent, pi[0] * pi[1] * 0.7 * np.array([1, -1]), atol=0.01)


@pytest.mark.parametrize("compiled", [False, True])
def test_loss_and_its_gradients_equal_the_literal_sums(compiled: bool) -> None:
    """Action values as a baseline leaves them: some below zero, some zero."""
    generator = Generator(Vocabulary(size=7), 6, GeneratorSettings(embedding_dim=3, hidden_dim=4))
    generator.initialise(rng(0, "test"), 1.0)
    draw = rng(1, "case")
    tokens = draw.integers(0, 7, (5, 6)).astype(np.int32)
    values = (draw.normal(size=(5, 6)) * (draw.random((5, 6)) < 0.8)).astype(np.float32)

    def run(tokens: tf.Tensor, values: tf.Tensor) -> tuple:
        with tf.GradientTape() as tape:
            loss = policy_gradient_loss(generator, tokens, values)
        gradients = tape.gradient(loss, [variable.value for variable in generator.trainable_variables])
        return loss, *map(tf.convert_to_tensor, gradients)

    loss, *gradients = (tf.function(run) if compiled else run)(tf.constant(tokens), tf.constant(values))
    weights = [variable.numpy() for variable in generator.trainable_variables]
    literal = [reference.weighted_nll_gradients(weights, row, q) for row, q in zip(tokens, values, strict=True)]
    np.testing.assert_allclose(loss, sum(total for total, _ in literal), rtol=1e-5, atol=1e-5)
    for gradient, *expected in zip(gradients, *(by_weights for _, by_weights in literal), strict=True):
        np.testing.assert_allclose(gradient, sum(expected), rtol=1e-4, atol=1e-5)
        assert np.abs(gradient).max() > 0.01


def test_loss_sums_over_batch_and_time_and_stops_at_the_end() -> None:
    generator = Generator(Vocabulary(["a", "b"]), 4, GeneratorSettings(embedding_dim=2, hidden_dim=2))
    tokens = np.array([[3, EOS, PAD, PAD], [4, 3, 4, EOS]], np.int32)
    values = np.array([[1.0, 2.0, 50.0, 50.0], [0.5, 0.5, 0.5, 1.5]], np.float32)
    # Zero weights: the policy is uniform over <eos>, a, b.
    loss = policy_gradient_loss(generator, tokens, tf.constant(values))
    np.testing.assert_allclose(loss, np.log(3.0) * (1.0 + 2.0 + 3 * 0.5 + 1.5), rtol=1e-5)


def test_action_values_get_no_gradient() -> None:
    generator = Generator(Vocabulary(size=2), 1, GeneratorSettings(embedding_dim=1, hidden_dim=1))
    values = tf.Variable([[1.0]])
    with tf.GradientTape() as tape:
        loss = policy_gradient_loss(generator, np.array([[0]], np.int32), values)
    assert tape.gradient(loss, values) is None


def test_baseline_is_the_masked_batch_mean() -> None:
    values = tf.constant([[1.0, 4.0, 9.0], [3.0, 7.0, 9.0]])
    mask = tf.constant([[True, True, False], [True, False, False]])
    np.testing.assert_allclose(mean_baseline(values, mask), [[2.0, 4.0, 0.0]])


@pytest.mark.parametrize(("baseline", "moves"), [("mean", False), ("none", True)])
def test_constant_reward_moves_nothing_with_the_mean_baseline(baseline: str, moves: bool) -> None:
    training = stage(**{"adversarial.reward": "constant", "adversarial.baseline": baseline})
    before = [variable.numpy() for variable in training.generator.trainable_variables]
    training.advance(1, lambda _: None)
    changed = any((b != v.numpy()).any() for b, v in zip(before, training.generator.trainable_variables, strict=True))
    assert changed == moves


@pytest.mark.parametrize("rollouts", [0, 4])
def test_a_trivial_reward_is_learned(rollouts: int) -> None:
    """Reward: the share of tokens that are 1. Without rollouts the whole sequence's is all a token learns from."""

    class Ones:
        def __call__(self, tokens: Any, key: Any) -> Any:
            return tf.reduce_mean(tf.cast(tokens == 1, tf.float32), axis=1)

    training = stage(**{"adversarial.reward": "constant", "adversarial.batch-size": 32, "adversarial.rollouts": rollouts})
    training.action_values = ActionValues(training.policy, Ones(), rollouts)

    def share() -> float:
        return float((training.generator.sample(1000, key(0, "share")) == 1).mean())

    before = share()
    for i in range(60):
        training.g_step(i, 0)
        training.policy.follow(training.generator, 0.0)
    assert before < 0.2
    assert share() > 0.8


def test_beta_follows_only_at_the_end_of_a_round() -> None:
    training = stage(**{"adversarial.reward": "constant", "adversarial.g-steps": 2, "adversarial.update-rate": 0.8})
    theta, beta = training.generator.trainable_variables, training.policy.network.trainable_variables
    start = [variable.numpy() for variable in beta]
    training.advance(1, lambda _: None)
    for s, b, t in zip(start, beta, theta, strict=True):
        np.testing.assert_allclose(b.numpy(), 0.8 * s + 0.2 * t.numpy(), rtol=1e-5, atol=1e-7)


def test_a_round_traces_nothing_after_the_first() -> None:
    training = stage()
    training.advance(1, lambda _: None)
    functions = [training.action_values.__call__, training._update, training.trainer._step]  # type: ignore[union-attr]
    traced = [function.experimental_get_tracing_count() for function in functions]
    training.advance(2, lambda _: None)
    training.advance(3, lambda _: None)
    assert [function.experimental_get_tracing_count() for function in functions] == traced == [1, 1, 1]


@pytest.mark.parametrize("reward", ["constant", "random"])
def test_controls_train_no_discriminator(reward: str) -> None:
    training = stage(**{"adversarial.reward": reward})
    assert training.trainer is None
    scores = training.advance(1, lambda _: None)
    assert "d_loss" not in scores
    assert {"reward_mean", "reward_01", "reward_05", "nll_oracle", "nll_test", "entropy", "distinct_share"} <= set(scores)


def test_reward_bleu_trains_no_discriminator_and_has_none() -> None:
    training = stage(**{"adversarial.reward": "bleu"})
    assert training.trainer is None
    assert {name.partition("/")[0] for name in training.variables()} == {"generator", "rollout_policy", "g_optimizer"}
    assert training.work == training.settings.adversarial.g_steps * training.rewarded
    scores = training.advance(1, lambda _: None)
    assert not any(name.startswith("d_") for name in scores)
    assert 0 < scores["reward_mean"] < 1


@pytest.mark.parametrize(
    ("share", "count"), [(1.0, 96), (0.25, 24), (0.999, 96), (0.5, 48), (0.0001, 1), (1 / 96, 1), (2.4 / 96, 2)]
)
def test_reward_bleu_compares_with_its_share_of_the_training_set(share: float, count: int) -> None:
    training = stage(**{"adversarial.reward": "bleu", "adversarial.reward-references": share})
    reward = training.action_values.reward
    assert isinstance(reward, BleuReward)
    assert reward.references.count == count
    assert reward.weights == (0.5, 0.5)


def test_references_are_drawn_by_the_seed_and_once_each() -> None:
    """With order T, only a reference itself scores 1: so they can be told."""

    def chosen(**changes: Any) -> np.ndarray:
        training = stage(
            **{
                "data.vocab-size": 200,  # enough for all training sequences to differ
                "adversarial.reward": "bleu",
                "adversarial.reward-references": 0.25,
                "adversarial.reward-order": 5,
                **changes,
            }
        )
        assert len(np.unique(training.corpus.train, axis=0)) == 96
        reward = training.action_values.reward
        assert isinstance(reward, BleuReward)
        return np.nonzero(reward.scores(training.corpus.train) == 1.0)[0]

    first = chosen()
    assert len(first) == 24
    np.testing.assert_array_equal(chosen(**{"adversarial.rollouts": 0}), first)
    assert set(chosen(seed=1)) != set(first)
    assert set(range(24)) != set(first)
    assert first.max() > 72


def test_reward_bleu_is_learned() -> None:
    """Against the references of training, that of samples rises."""
    training = stage(**{"adversarial.reward": "bleu", "adversarial.reward-references": 0.05, "adversarial.batch-size": 32})
    reward = training.action_values.reward
    assert isinstance(reward, BleuReward)

    def mean() -> float:
        return float(reward.scores(training.generator.sample(1000, key(0, "mean"))).mean())

    before = mean()
    for i in range(60):
        training.g_step(i, 0)
        training.policy.follow(training.generator, 0.0)
    assert mean() > before + 0.2


def test_monitor_defaults_to_what_can_be_known(tmp_path: Path) -> None:
    assert stage().monitor == "nll_oracle"
    assert stage(**{"adversarial.monitor": "reward_mean"}).monitor == "reward_mean"
