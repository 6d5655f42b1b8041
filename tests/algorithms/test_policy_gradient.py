"""The policy gradient and what goes before it, against analysis and literal loops."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

import reference
from seqgan_cli.algorithms.advantages import (
    normalized,
    policy_gradient_loss,
    repeat_final_value,
    reward_to_go,
    standardized,
    subtract_leave_one_out_mean,
    subtract_mean,
)
from seqgan_cli.config.sections import GeneratorSettings
from seqgan_cli.data.vocabulary import EOS, PAD, Vocabulary
from seqgan_cli.models.generator import Generator
from seqgan_cli.models.value import ValueHead
from seqgan_cli.randomness import key, rng
from seqgan_cli.sampling.sequences import sample
from seqgan_cli.training.optimizers import Adam, apply_gradients


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
    tokens = sample(generator, 40_000, key(0, "pulls"))
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
    # Zero weights: the policy is uniform over <eos>, a, b, but for the last place, where <eos> is certain.
    loss = policy_gradient_loss(generator, tokens, tf.constant(values))
    np.testing.assert_allclose(loss, np.log(3.0) * (1.0 + 2.0 + 3 * 0.5), rtol=1e-5)


def test_action_values_get_no_gradient() -> None:
    generator = Generator(Vocabulary(size=2), 1, GeneratorSettings(embedding_dim=1, hidden_dim=1))
    values = tf.Variable([[1.0]])
    with tf.GradientTape() as tape:
        loss = policy_gradient_loss(generator, np.array([[0]], np.int32), values)
    assert tape.gradient(loss, values) is None


BASELINES = [(subtract_mean, False), (subtract_leave_one_out_mean, True)]


def test_baselines_by_hand() -> None:
    """Three sequences of lengths 3, 1 and 2: the third position has one that goes on, and what the others ended with."""
    values = tf.constant([[1.0, 4.0, 9.0], [3.0, 0.0, 0.0], [2.0, 6.0, 0.0]])
    mask = tf.constant([[True, True, True], [True, False, False], [True, True, False]])
    returns = repeat_final_value(values, mask)
    np.testing.assert_array_equal(returns, [[1.0, 4.0, 9.0], [3.0, 3.0, 3.0], [2.0, 6.0, 6.0]])
    np.testing.assert_allclose(subtract_leave_one_out_mean(returns)[mask], [-1.5, -0.5, 4.5, 1.5, 0.0, 2.5])
    np.testing.assert_allclose(subtract_mean(returns)[mask], [-1.0, -1 / 3, 3.0, 1.0, 0.0, 5 / 3], rtol=1e-6)


def masks(least: int = 2) -> st.SearchStrategy[np.ndarray]:
    """bool [B, T] of sequences of any lengths from 1 on."""
    lengths = st.lists(st.integers(1, 9), min_size=least, max_size=12)
    return lengths.map(lambda found: np.arange(max(found)) < np.array(found)[:, None])


@pytest.mark.parametrize(("advantages", "leave_one_out"), BASELINES)
@settings(deadline=None)
@given(mask=masks(), reward=st.floats(-1e6, 1e6, width=32))
@example(mask=np.arange(20) < np.array([[3], [20], [7]]), reward=0.3)
def test_a_constant_reward_gives_no_advantage_whatever_the_lengths(
    advantages: Callable[..., Any], leave_one_out: bool, mask: np.ndarray, reward: float
) -> None:
    """Not even one of the last bit, nor where one sequence is left; what stands past the end of the others is no matter."""
    values = np.where(mask, np.float32(reward), np.float32(7.0))
    found = advantages(repeat_final_value(tf.constant(values), tf.constant(mask))).numpy()
    np.testing.assert_array_equal(found, np.zeros(mask.shape, np.float32))


@pytest.mark.parametrize(("fast", "leave_one_out"), BASELINES)
@settings(deadline=None)
@given(mask=masks(), data=st.data())
def test_advantages_are_returns_less_the_mean_return(
    fast: Callable[..., Any], leave_one_out: bool, mask: np.ndarray, data: st.DataObject
) -> None:
    """Of action values and costs of any size, by the literal loop."""
    numbers = npst.arrays(np.float32, mask.shape, elements=st.floats(-100, 100, width=32))
    values, costs = data.draw(numbers), data.draw(numbers)
    returns = repeat_final_value(tf.constant(values), tf.constant(mask)) + reward_to_go(tf.constant(-costs), tf.constant(mask))
    lengths = mask.sum(axis=1)
    expected = reference.advantages(
        [row[:n] for row, n in zip(values, lengths, strict=True)],
        [row[:n] for row, n in zip(costs, lengths, strict=True)],
        leave_one_out,
    )
    np.testing.assert_allclose(fast(returns).numpy()[mask], np.concatenate(expected), rtol=1e-5, atol=2e-3)


def case(batch: int = 6, length: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """Action values and the mask of sequences of all lengths, the longest of which is the only one at the last position."""
    draw = rng(0, "values")
    lengths = np.array([*draw.integers(1, length, batch - 1), length])
    return draw.normal(size=(batch, length)).astype(np.float32), np.arange(length) < lengths[:, None]


@pytest.mark.parametrize(
    ("fast", "literal"),
    [(reward_to_go, reference.reward_to_go), (repeat_final_value, reference.repeat_final_value)],
)
def test_equals_the_literal_loop(fast: Callable[..., Any], literal: Callable[..., Any]) -> None:
    values, mask = case()
    found = fast(tf.constant(values), tf.constant(mask)).numpy()
    np.testing.assert_allclose(found[mask], literal(values, mask)[mask], rtol=1e-4, atol=1e-5)
    assert np.isfinite(found).all()


@pytest.mark.parametrize(("fast", "literal"), [(standardized, reference.standardized), (normalized, reference.normalized)])
def test_transforms_equal_the_literal_loop(fast: Callable[..., Any], literal: Callable[..., Any]) -> None:
    values = case()[0] + 3.0
    np.testing.assert_allclose(fast(tf.constant(values)), literal(values), rtol=1e-4, atol=1e-5)


def test_past_the_end_everything_counts() -> None:
    values, mask = case()
    carried = repeat_final_value(tf.constant(values), tf.constant(mask))
    np.testing.assert_array_equal(carried, reference.repeat_final_value(values, mask))


def test_standardized_values_that_are_all_alike_are_zero() -> None:
    values = tf.constant(np.full((7, 3), 0.3, np.float32))
    np.testing.assert_array_equal(standardized(values), np.zeros((7, 3)))


def bandit() -> tuple[Generator, Any, np.ndarray]:
    """Two arms with logits b: the generator, b and the probabilities; every other weight is zero."""
    generator = Generator(Vocabulary(size=2), 1, GeneratorSettings(embedding_dim=1, hidden_dim=1))
    bias = generator.trainable_variables[-1]
    bias.assign([0.3, -0.2])
    return generator, bias, np.exp([0.3, -0.2]) / np.exp([0.3, -0.2]).sum()


@pytest.mark.parametrize(("less_baseline", "biased"), [(subtract_leave_one_out_mean, False), (subtract_mean, True)])
def test_leaving_oneself_out_keeps_the_gradient_unbiased(less_baseline: Callable[..., Any], biased: bool) -> None:
    """In batches of two, where the mean of all takes half of what a pull has earned from itself."""
    generator, bias, pi = bandit()
    pulls = sample(generator, 20_000, key(0, "pulls")).reshape(-1, 2, 1)
    rewards = np.where(pulls == 0, 0.9, 0.2).astype(np.float32)
    advantages = tf.transpose(less_baseline(tf.transpose(rewards[..., 0])))  # each batch as a position of two sequences
    with tf.GradientTape() as tape:
        loss = policy_gradient_loss(generator, pulls.reshape(-1, 1), tf.reshape(advantages, [-1, 1])) / pulls.size
    ascent = -tape.gradient(loss, bias.value).numpy()[0]
    assert ascent == pytest.approx(pi[0] * pi[1] * 0.7 * (0.5 if biased else 1.0), abs=0.005)


def test_surprise_to_go_climbs_the_entropy() -> None:
    """∇ E[−log π] = ∇ H: for two arms −π₀ π₁ (b₀ − b₁) (1, −1)."""
    generator, bias, pi = bandit()
    tokens = sample(generator, 100_000, key(0, "pulls"))
    with tf.GradientTape() as tape:
        surprise = reward_to_go(generator.token_nll(tf.constant(tokens)), tf.ones(tokens.shape, tf.bool))
        loss = policy_gradient_loss(generator, tokens, surprise) / len(tokens)
    ascent = -tape.gradient(loss, bias.value).numpy()
    np.testing.assert_allclose(ascent, -pi[0] * pi[1] * 0.5 * np.array([1, -1]), atol=0.004)


def test_token_nll_is_of_the_policy_and_sums_to_that_of_the_sequence() -> None:
    generator = Generator(Vocabulary(["a", "b", "c"]), 4, GeneratorSettings(embedding_dim=2, hidden_dim=3))
    generator.initialise(rng(0, "test"), 1.0)
    tokens = np.array([[3, EOS, PAD, PAD], [4, 3, 5, EOS]], np.int32)
    found = generator.token_nll(tf.constant(tokens)).numpy()
    logits = generator.policy_logits(generator.unroll(tf.constant(tokens))[0]).numpy()
    expected = np.zeros((2, 4))
    for i, t in [(0, 0), (0, 1), (1, 0), (1, 1), (1, 2)]:  # the <eos> at the last place is certain
        expected[i, t] = -np.log(reference.softmax(logits[i, t])[tokens[i, t]])
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def test_the_value_head_learns_what_a_state_promises() -> None:
    """Targets that are a function of the state and noise: it comes near the function, and positions that do not count teach
    nothing."""
    head = ValueHead(4)
    head.initialise(rng(0, "head"))
    optimizer = Adam(head.trainable_variables, 0.01)
    draw = rng(1, "states")

    def states() -> tuple[np.ndarray, np.ndarray]:
        outputs = draw.normal(size=(64, 5, 4)).astype(np.float32)
        return outputs, (np.tanh(outputs[..., 0]) + 0.5 * outputs[..., 1]).astype(np.float32)

    @tf.function
    def fit(outputs: Any, targets: Any) -> Any:
        with tf.GradientTape() as tape:
            error = head.squared_error(outputs, targets) / 320.0
        return apply_gradients(optimizer, tape, error)

    np.testing.assert_array_equal(head(states()[0]), np.zeros((64, 5)))
    for _ in range(600):
        outputs, promised = states()
        noisy = promised + 0.3 * draw.normal(size=promised.shape).astype(np.float32)
        fit(outputs, noisy)
    outputs, promised = states()
    assert np.square(head(outputs).numpy() - promised).mean() < 0.03 * promised.var()


def test_no_gradient_flows_through_the_value_head_into_the_policy() -> None:
    head = ValueHead(3)
    head.initialise(rng(0, "head"))
    head.output_kernel.assign(np.ones((3, 1)))
    outputs = tf.Variable(rng(0, "outputs").normal(size=(2, 4, 3)).astype(np.float32))
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(head(outputs))
    assert tape.gradient(total, outputs) is None
