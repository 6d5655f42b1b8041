"""The loss over the vocabulary and its gradient against the literal one, in one chunk and in several."""

from collections.abc import Callable

import numpy as np
import pytest
import tensorflow as tf

import reference
from seqgan_cli.models import softmax
from seqgan_cli.models.softmax import token_nll, weighted_nll, weighted_nll_and_score
from seqgan_cli.randomness import key, rng
from seqgan_cli.sampling.draws import _block_width, draw_tokens

ROWS, HIDDEN, VOCABULARY = 13, 4, 11
Case = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def case(scale: float = 1.0) -> Case:
    """Outputs, kernel, bias, tokens and weights; some weights are zero and some negative."""
    draw = rng(0, "case")
    outputs, kernel, bias = (
        (scale * draw.normal(size=shape)).astype(np.float32) for shape in ((ROWS, HIDDEN), (HIDDEN, VOCABULARY), (VOCABULARY,))
    )
    weights = draw.normal(size=ROWS).astype(np.float32) * (draw.random(ROWS) < 0.7)
    return outputs, kernel, bias, draw.integers(0, VOCABULARY, ROWS).astype(np.int32), weights


def head_of(kernel: np.ndarray, bias: np.ndarray) -> np.ndarray:
    return np.concatenate([kernel, bias[None]])


def evaluate(outputs: np.ndarray, head: np.ndarray, tokens: np.ndarray, weights: np.ndarray) -> list[np.ndarray]:
    outputs, head = tf.constant(outputs), tf.constant(head)
    with tf.GradientTape() as tape:
        tape.watch([outputs, head])
        loss = 2.0 * weighted_nll(outputs, head, tf.constant(tokens), tf.constant(weights))
    return [loss.numpy() / 2, *(gradient.numpy() / 2 for gradient in tape.gradient(loss, [outputs, head]))]


def compiled(*arguments: np.ndarray) -> list[np.ndarray]:
    @tf.function
    def run(outputs: tf.Tensor, head: tf.Tensor, tokens: tf.Tensor, weights: tf.Tensor) -> tuple:
        with tf.GradientTape() as tape:
            tape.watch([outputs, head])
            loss = weighted_nll(outputs, head, tokens, weights)
        return loss, *tape.gradient(loss, [outputs, head])

    return [value.numpy() for value in run(*map(tf.constant, arguments))]


@pytest.mark.sampled(8)
@pytest.mark.parametrize("how", [evaluate, compiled])
@pytest.mark.parametrize("rows_at_once", [1, 3, 13, 100])
@pytest.mark.parametrize("scale", [1.0, 6.0])
def test_loss_and_gradients_equal_the_literal_sum(
    how: Callable, rows_at_once: int, scale: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(softmax, "LOGITS_AT_ONCE", rows_at_once * VOCABULARY)
    outputs, kernel, bias, tokens, weights = case(scale)
    loss, by_outputs, by_head = how(outputs, head_of(kernel, bias), tokens, weights)
    wide = (array.astype(np.float64) for array in (outputs, kernel, bias))
    expected, expected_outputs, expected_kernel, expected_bias = reference.weighted_nll(*wide, tokens, weights)
    np.testing.assert_allclose(loss, expected, rtol=1e-5)
    np.testing.assert_allclose(by_outputs, expected_outputs, atol=2e-5 * scale)
    np.testing.assert_allclose(by_head[:-1], expected_kernel, atol=2e-5 * scale)
    np.testing.assert_allclose(by_head[-1], expected_bias, atol=2e-5 * scale)


@pytest.mark.parametrize("rows_at_once", [1, 3, 100])
@pytest.mark.parametrize("unscored", [(), (2,), (0, 2, 7)])
def test_the_score_is_the_literal_sum_without_the_unscored_tokens(
    unscored: tuple[int, ...], rows_at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In their sum and in the softmax; loss and gradients know nothing of it, whatever is made of the score."""
    monkeypatch.setattr(softmax, "LOGITS_AT_ONCE", rows_at_once * VOCABULARY)
    outputs, kernel, bias, tokens, weights = case(2.0)
    arguments = [tf.constant(array) for array in (outputs, head_of(kernel, bias))]
    scored = np.isin(np.arange(VOCABULARY), unscored, invert=True)
    with tf.GradientTape() as tape:
        tape.watch(arguments)
        loss, score = weighted_nll_and_score(*arguments, tokens, weights, scored.astype(np.float32))
        made = loss + 3.0 * score
    plain = evaluate(outputs, head_of(kernel, bias), tokens, weights)
    for found, expected in zip([loss, *tape.gradient(made, arguments)], plain, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)
    literal = 0.0
    for output, token, weight in zip(outputs.astype(np.float64), tokens, weights, strict=True):
        if scored[token]:
            literal -= weight * np.log(reference.softmax(np.where(scored, output @ kernel + bias, -np.inf))[token])
    np.testing.assert_allclose(score, literal, rtol=1e-4)


@pytest.mark.parametrize("rows_at_once", [1, 3, 100])
def test_token_losses_equal_the_literal_ones(rows_at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(softmax, "LOGITS_AT_ONCE", rows_at_once * VOCABULARY)
    outputs, kernel, bias, tokens, weights = case()
    losses = token_nll(outputs, head_of(kernel, bias), tokens, weights != 0).numpy()
    for r in range(ROWS):
        probability = reference.softmax(outputs[r] @ kernel + bias)[tokens[r]]
        np.testing.assert_allclose(losses[r], -np.log(probability) if weights[r] else 0.0, rtol=1e-5, atol=1e-6)


def test_a_probability_too_small_for_float32_still_has_a_loss() -> None:
    """One token is 200 nats less likely than the other: its probability is 0 in float32, its loss is not infinite."""
    outputs, head = np.zeros((3, 1), np.float32), np.array([[0.0, 0.0], [200.0, 0.0]], np.float32)
    tokens = np.array([0, 1, 1], np.int32)
    np.testing.assert_allclose(token_nll(outputs, head, tokens, np.array([True, True, False])), [0.0, 200.0, 0.0], atol=1e-6)
    weights = np.array([1.0, 0.5, 0.0], np.float32)
    loss, _, by_head = evaluate(outputs, head, tokens, weights)
    assert loss == pytest.approx(100.0)
    np.testing.assert_allclose(by_head[-1], [0.5, -0.5])  # 1·(1-1) + ½·1, and 1·0 + ½·(0-1)


def test_an_impossible_token_without_weight_adds_nothing() -> None:
    """`<pad>` has a logit of -1e9 and no weight: neither loss nor gradient may become inf·0."""
    outputs, kernel, bias, tokens, weights = case()
    bias[0] = -1e9
    tokens[:5], weights[:5] = 0, 0.0
    tokens[5:] = np.maximum(tokens[5:], 1)
    results = evaluate(outputs, head_of(kernel, bias), tokens, weights)
    assert all(np.isfinite(result).all() for result in results)
    assert (results[2][:, 0] == 0).all()
    assert (results[1][:5] == 0).all()


def test_no_rows_cost_nothing() -> None:
    outputs, kernel, bias, tokens, weights = case()
    loss, by_outputs, by_head = evaluate(outputs[:0], head_of(kernel, bias), tokens[:0], weights[:0])
    assert loss == 0 and by_outputs.shape == (0, HIDDEN) and not by_head.any()


@pytest.mark.parametrize("vocab_size", [2, 3, 60, 64, 97])
def test_draws_equal_the_literal_inverse_of_the_cumulative_distribution(vocab_size: int) -> None:
    """For the same uniform number, but for the few that fall within rounding of a boundary (none in these)."""
    logits = rng(0, "logits").normal(0.0, 2.0, (500, vocab_size)).astype(np.float32)
    uniform = tf.random.stateless_uniform([500, 1], key(0, "draw")).numpy()[:, 0]
    expected = [reference.draw_token(row.astype(np.float64), u) for row, u in zip(logits, uniform, strict=True)]
    np.testing.assert_array_equal(draw_tokens(tf.constant(logits), key(0, "draw")), expected)


@pytest.mark.parametrize(("vocab_size", "width"), [(2, 2), (3, 1), (5000, 50), (97, 10), (60, 6)])
def test_blocks_divide_the_vocabulary_where_they_can(vocab_size: int, width: int) -> None:
    assert _block_width(vocab_size) == width


@pytest.mark.parametrize("size", [1e4, -1e4])
def test_logits_of_ten_thousand_give_the_right_loss_and_gradients(size: float) -> None:
    """One token all but certain, or all but impossible: in float64 the literal softmax has no more to say than this."""
    outputs = np.ones((2, 1), np.float32)
    head = head_of(np.zeros((1, 3), np.float32), np.array([size, 0.0, 0.0], np.float32))
    tokens, weights = np.array([0, 1], np.int32), np.ones(2, np.float32)
    expected = [0.0, 1e4] if size > 0 else [1e4 + np.log(2.0), np.log(2.0)]
    losses = token_nll(tf.constant(outputs), tf.constant(head), tf.constant(tokens), tf.constant([True, True])).numpy()
    np.testing.assert_allclose(losses, expected, rtol=1e-6)
    loss, _, by_head = evaluate(outputs, head, tokens, weights)
    assert loss == pytest.approx(sum(expected), rel=1e-6)
    certain = [2.0, 0.0, 0.0] if size > 0 else [0.0, 1.0, 1.0]  # what the two softmaxes add up to
    np.testing.assert_allclose(by_head[-1], np.array(certain) - [1.0, 1.0, 0.0], atol=1e-6)


def test_a_token_of_probability_zero_is_never_drawn_and_its_loss_is_a_number() -> None:
    logits = np.array([[0.0, -1e4, 1e-3, -3e38]] * 1000, np.float32)
    drawn = draw_tokens(tf.constant(logits), key(0, "extreme")).numpy()
    assert set(drawn.tolist()) == {0, 2}
    head = head_of(np.zeros((1, 4), np.float32), logits[0])
    losses = token_nll(
        tf.ones((4, 1)), tf.constant(head), tf.constant([0, 1, 2, 3], tf.int32), tf.constant([True] * 4)
    ).numpy()
    assert losses[1] == pytest.approx(1e4, rel=1e-3)
    assert losses[3] == pytest.approx(3e38, rel=1e-6)
    assert np.isfinite(losses).all()
