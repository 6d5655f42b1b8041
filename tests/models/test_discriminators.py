"""What all kinds of discriminators promise, and the kinds besides the paper's against their literal definitions."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

import reference
from seqgan_cli.algorithms.discriminator import discriminator_loss, gradient_penalty
from seqgan_cli.config import registry
from seqgan_cli.data.vocabulary import EOS, PAD, Vocabulary
from seqgan_cli.evaluation.logits import scores
from seqgan_cli.models.attention import AttentionBlock
from seqgan_cli.models.discriminator import Discriminator
from seqgan_cli.models.discriminators.convolutional import ConvolutionalSettings
from seqgan_cli.models.generator import Generator
from seqgan_cli.randomness import key, rng
from seqgan_cli.sampling.likelihood import sequence_nll
from seqgan_cli.sampling.sequences import sample
from seqgan_cli.training.optimizers import Adam, apply_gradients

LENGTH = 6


def make(kind: str, vocabulary: Vocabulary | None = None, **settings: Any) -> Discriminator:
    chosen = {"embedding_dim": 4, "filters": "1:3,2:3,4:4", "hidden_dim": 8, **settings}
    made = Discriminator(vocabulary or Vocabulary(size=9), LENGTH, ConvolutionalSettings(kind=kind, **chosen))
    made.initialise(rng(0, "test"))
    draw = rng(0, "weights")
    for weight in made.trainable_variables:  # no two biases alike
        weight.assign_add(draw.normal(0.0, 0.2, weight.shape))
    return made


def sequences(num: int = 10, name: str = "tokens") -> np.ndarray:
    return rng(1, name).integers(0, 9, (num, LENGTH)).astype(np.int32)


def prefix_logit(made: Discriminator, prefix: np.ndarray) -> float:
    """The literal logit of a prefix."""
    w = {weight.name: weight.numpy() for weight in made.trainable_variables}
    embedded = np.asarray(w["embedding"], np.float64)[prefix]
    if made.settings.kind == "convolutional":
        kernels = [kernel.numpy() for kernel in made.extractor.kernels]  # type: ignore[attr-defined]
        rest = (w[n] for n in ("conv_bias", "highway_kernel", "highway_bias", "output_kernel", "output_bias"))
        return reference.discriminator_logit(prefix.tolist(), w["embedding"], kernels, *rest)
    if made.settings.kind == "recurrent":
        h = c = np.zeros(8)
        for x in embedded:
            h, c = reference.lstm_step(x, h, c, w["kernel"], w["recurrent_kernel"], w["bias"])
        features = h
    else:
        block = {name: weight.numpy() for name, weight in made.attention.block.items()}  # type: ignore[attr-defined]
        features = reference.attention_outputs(block, embedded, heads=4).mean(axis=0)
    return float(features @ made.output_kernel.numpy()[:, 0] + made.output_bias.numpy()[0])


@pytest.mark.sampled(4)
@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("kind", registry.discriminators.ours)
def test_logits_of_sequences_and_prefixes_equal_the_literal_ones(kind: str, compiled: bool) -> None:
    made, tokens = make(kind), sequences()
    expected = np.array([[prefix_logit(made, row[: t + 1]) for t in range(LENGTH)] for row in tokens])
    signature = [tf.TensorSpec([None, None], tf.int32)]
    whole, prefixes = (
        tf.function(call, input_signature=signature) if compiled else call for call in (made.call, made.prefix_logits)
    )
    np.testing.assert_allclose(whole(tf.constant(tokens)), expected[:, -1], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(prefixes(tf.constant(tokens)), expected, rtol=1e-4, atol=1e-5)
    assert np.ptp(expected) > 0.1


@pytest.mark.parametrize("kind", registry.discriminators.ours)
def test_completions_are_the_calls_of_each(kind: str) -> None:
    made, source_ids, draw = make(kind), np.array([0, 0, 1, 2, 2], np.int32), rng(1, "completions")
    tokens, continuations = sequences(3), draw.integers(0, 9, (LENGTH - 1, 5, LENGTH)).astype(np.int32)
    for t in range(1, LENGTH):
        continuations[t - 1, :, :t] = tokens[source_ids, :t]
    whole = made(continuations.reshape(-1, LENGTH)).numpy().reshape(LENGTH - 1, 5)
    np.testing.assert_allclose(made.score_continuations(tokens, source_ids, continuations), whole, rtol=1e-4, atol=1e-5)
    squared = made.score_continuations(tokens, source_ids, continuations, lambda features: tf.square(made.logit(features)))
    np.testing.assert_allclose(squared, whole**2, rtol=1e-4, atol=1e-5)


def test_attention_is_the_same_whole_token_by_token_and_written_out() -> None:
    block = AttentionBlock(8, 5)
    block.build((None, 3))
    draw = rng(0, "block")
    for weight in block.trainable_variables:
        weight.assign(draw.normal(0.0, 0.5, weight.shape))
    inputs = draw.normal(size=(4, 5, 3)).astype(np.float32)
    whole = block.whole(inputs).numpy()
    state, outputs = block.get_initial_state(4), []
    for t in range(5):
        output, state = block(inputs[:, t], state)
        outputs.append(output.numpy())
    np.testing.assert_allclose(np.stack(outputs, axis=1), whole, rtol=1e-4, atol=1e-5)
    literal = {name: weight.numpy() for name, weight in block.block.items()}
    expected = [reference.attention_outputs(literal, row.astype(np.float64), block.heads) for row in inputs]
    np.testing.assert_allclose(whole, expected, rtol=1e-3, atol=1e-4)


# Losses.


@pytest.mark.parametrize("labels", [[1.0, 0.0, 0.0], [0.0, 0.0, 0.0], [1.0, 1.0, 1.0]])
def test_wassersteins_loss_by_hand(labels: list[float]) -> None:
    """The mean logit of generated sequences less that of real ones; of none, 0."""
    made, tokens = make("recurrent", loss="wasserstein", l2=0.0), sequences(3)
    logits = made(tokens).numpy()
    real, generated = logits[np.array(labels) == 1.0], logits[np.array(labels) == 0.0]
    expected = (generated.mean() if len(generated) else 0.0) - (real.mean() if len(real) else 0.0)
    np.testing.assert_allclose(discriminator_loss(made, tokens, np.array(labels, np.float32)), expected, rtol=1e-5)


@pytest.mark.parametrize("kind", registry.discriminators.ours)
def test_label_smoothing_and_prefixes_by_hand(kind: str) -> None:
    """Two sequences of text that end early: what is past the end counts nothing."""
    vocabulary = Vocabulary(["a", "b", "c"])
    tokens = np.array([[3, 4, EOS, PAD, PAD, PAD], [5, 5, 4, 3, 3, EOS]], np.int32)
    labels = np.array([1.0, 0.0], np.float32)
    made = make(kind, vocabulary, label_smoothing=0.1, prefixes=True, l2=0.0, dropout=0.0)
    p = reference.sigmoid(made.prefix_logits(tokens).numpy().astype(np.float64))
    # The last position is taught whether it counts or not, since whole sequences are judged by it.
    losses = [-0.9 * np.log(p[0, t]) - 0.1 * np.log(1 - p[0, t]) for t in (0, 1, 2, 5)]
    losses += [-np.log(1 - p[1, t]) for t in range(6)]
    np.testing.assert_allclose(discriminator_loss(made, tokens, labels, None), np.mean(losses), rtol=1e-4)


@pytest.mark.sampled(2)
@pytest.mark.parametrize("prefixes", [False, True])
@pytest.mark.parametrize("kind", registry.discriminators.ours)
def test_the_gradient_penalty_is_that_of_finite_differences(kind: str, prefixes: bool) -> None:
    made, tokens = make(kind, prefixes=prefixes), sequences(5)
    labels, drawn = np.array([1.0, 0.0, 1.0, 0.0, 0.0], np.float32), key(0, "between")
    share = tf.random.stateless_uniform([2, 1, 1], drawn).numpy()
    embedded = made.embed(tokens).numpy()
    # Two pairs of the three generated and two real ones, each kind in its order; one generated sequence is left over.
    between = (share * embedded[[1, 3]] + (1 - share) * embedded[[0, 2]]).astype(np.float64)
    length_key = tf.random.experimental.stateless_fold_in(drawn, 1)
    lengths = tf.random.stateless_uniform([2], length_key, maxval=LENGTH, dtype=tf.int32).numpy()

    def logits(points: np.ndarray) -> np.ndarray:
        """[places, 2] of both points [places, 2, T, E], all places in one call."""
        rows = tf.constant(points.reshape(-1, *between.shape[1:]), tf.float32)
        if prefixes:
            found = made.logit(made.prefix_features(rows)).numpy()[np.arange(len(rows)), np.tile(lengths, len(points))]
        else:
            found = made.logit(made.features(rows)).numpy()
        return found.reshape(-1, 2).astype(np.float64)

    nudges = 1e-2 * np.eye(between[0].size).reshape(-1, 1, *between.shape[1:])  # a place of both sequences each
    slopes = (logits(between + nudges) - logits(between - nudges)).T.reshape(between.shape) / 2e-2
    expected = np.mean((np.sqrt((slopes**2).sum(axis=(1, 2))) - 1.0) ** 2)
    np.testing.assert_allclose(gradient_penalty(made, tokens, labels, drawn), expected, rtol=0.02)


@pytest.mark.sampled(1)
@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("kind", registry.discriminators.ours)
def test_the_gradient_penaltys_own_gradient_is_that_of_finite_differences(kind: str, compiled: bool) -> None:
    """The second derivative, through windows, recurrence and attention: along a random direction in all weights."""
    made, tokens, labels = make(kind), sequences(8), (np.arange(8) % 2).astype(np.float32)
    drawn, weights = key(0, "between"), [weight.value for weight in made.trainable_variables]
    draw = rng(0, "direction")
    direction = [draw.normal(size=weight.shape).astype(np.float32) for weight in weights]

    def run(tokens: tf.Tensor) -> tuple:
        with tf.GradientTape() as tape:
            penalty = gradient_penalty(made, tokens, labels, drawn)
        gradients = tape.gradient(penalty, weights, unconnected_gradients="zero")
        return penalty, *map(tf.convert_to_tensor, gradients)

    _, *gradients = (tf.function(run) if compiled else run)(tf.constant(tokens))
    slope = sum(float(tf.reduce_sum(g * d)) for g, d in zip(gradients, direction, strict=True))
    ends = []
    for sign in (1.0, -1.0):
        for weight, d in zip(made.trainable_variables, direction, strict=True):
            weight.assign_add(sign * 1e-3 * d)
        ends.append(float(gradient_penalty(made, tokens, labels, drawn)))
        for weight, d in zip(made.trainable_variables, direction, strict=True):
            weight.assign_sub(sign * 1e-3 * d)
    assert slope == pytest.approx((ends[0] - ends[1]) / 2e-3, rel=0.05)
    assert abs(slope) > 0.01


@pytest.mark.sampled(1)
@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("recurrent", {}),
        ("attention", {}),
        ("convolutional", {"loss": "wasserstein", "gradient_penalty": 1.0}),
        ("convolutional", {"prefixes": True}),
        ("recurrent", {"prefixes": True, "label_smoothing": 0.1}),
    ],
)
def test_separates_an_easy_task_on_unseen_sequences(kind: str, settings: dict[str, Any]) -> None:
    """Real sequences hold the bigram 3 4; the others never do."""
    draw = rng(0, "task")
    tokens = draw.integers(0, 9, (800, LENGTH)).astype(np.int32)
    tokens[tokens == 4] = 5
    labels = (np.arange(800) % 2).astype(np.float32)
    starts, real = draw.integers(0, LENGTH - 1, 800), labels == 1
    tokens[real, starts[real]] = 3
    tokens[real, starts[real] + 1] = 4
    made = make(kind, dropout=0.1, **settings)
    optimizer = Adam(made.trainable_variables, 0.01)

    @tf.function(autograph=False)
    def step(batch: tf.Tensor, truth: tf.Tensor, dropout_key: tf.Tensor) -> None:
        with tf.GradientTape() as tape:
            loss = discriminator_loss(made, batch, truth, dropout_key)
        apply_gradients(optimizer, tape, loss)

    for epoch in range(12):
        order = rng(epoch, "order").permutation(600)
        for i in range(0, 600, 50):
            chosen = order[i : i + 50]
            step(tokens[chosen], labels[chosen], key(epoch, "step", i))
    found = scores(made, tokens[600:])
    middle = (found[real[600:]].mean() + found[~real[600:]].mean()) / 2
    assert ((found > middle) == real[600:]).mean() > 0.95


def test_an_attention_generator_samples_scores_and_rolls_out_like_any_other() -> None:
    """Sampling, teacher forcing and step by step agree: its samples have the frequencies that it says they have."""
    from seqgan_cli.algorithms.rollout import NetworkPolicy
    from seqgan_cli.config.sections import GeneratorSettings

    generator = Generator(Vocabulary(size=3), 4, GeneratorSettings(embedding_dim=3, hidden_dim=4, cell="attention"))
    generator.initialise(rng(0, "test"), 0.7)
    every = np.array(list(reference.all_sequences(3, 4)), np.int32)
    probabilities = np.exp(-sequence_nll(generator, every).astype(np.float64))
    assert probabilities.sum() == pytest.approx(1.0, rel=1e-4)
    samples = sample(generator, 10_000, key(0, "samples"))
    shares = np.bincount((samples @ [27, 9, 3, 1]).astype(int), minlength=81)
    shares = np.array([shares[int(row @ [27, 9, 3, 1])] for row in every]) / len(samples)
    assert np.abs(shares - probabilities).max() < 0.01
    given = tf.constant(np.tile([[2, 0, 1, 1]], (10_000, 1)), tf.int32)
    continuations = NetworkPolicy(generator).sample_continuations(given, key(0, "rollout"))
    after_two = continuations.numpy()[1]  # the first two tokens are given
    assert (after_two[:, :2] == [2, 0]).all()
    given = (every[:, :2] == [2, 0]).all(axis=1)
    expected = probabilities[given] / probabilities[given].sum()
    found = [(after_two[:, 2:] == row[2:]).all(axis=1).mean() for row in every[given]]
    np.testing.assert_allclose(found, expected, atol=0.015)
