"""The fused kernels against the algorithms as published."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import example, given, settings
from hypothesis import strategies as st

import reference
from sampled import examples
from seqgan_cli.algorithms.mle import likelihood_loss
from seqgan_cli.config.sections import GeneratorSettings
from seqgan_cli.data.vocabulary import Vocabulary
from seqgan_cli.models.generator import Generator
from seqgan_cli.randomness import rng
from seqgan_cli.training.backend import several_devices
from seqgan_cli.training.distribution import replicas
from seqgan_cli.training.optimizers import Adam, RMSprop, apply_gradients


@pytest.mark.parametrize(("optimizer", "literal"), [(Adam, reference.adam), (RMSprop, reference.rmsprop)])
def test_steps_equal_the_published_algorithm(optimizer: type, literal: object) -> None:
    start = rng(0, "start").normal(size=(3, 2)).astype(np.float32)
    gradients = [rng(0, "gradient", i).normal(size=(3, 2)).astype(np.float32) for i in range(6)]
    weight = keras.Variable(start)
    chosen = optimizer([weight], 0.01)
    step = tf.function(lambda gradient: chosen.apply([gradient]))
    for gradient in gradients:
        step(tf.constant(gradient))
    np.testing.assert_allclose(weight, literal(start.astype(np.float64), gradients, 0.01), rtol=1e-4, atol=1e-6)  # type: ignore[operator]
    assert int(chosen.count.numpy()) == 6


def test_state_is_complete() -> None:
    """Saved half-way and restored into a fresh one, it goes on as if nothing had happened."""
    gradients = [tf.constant(rng(0, "gradient", i).normal(size=4).astype(np.float32)) for i in range(6)]
    for kind in (Adam, RMSprop):
        weight = keras.Variable(np.ones(4, np.float32))
        whole = kind([weight], 0.01)
        saved: dict = {}
        half = None
        for i, gradient in enumerate(gradients):
            if i == 3:
                saved, half = {name: v.numpy() for name, v in whole.variables().items()}, weight.numpy()
            whole.apply([gradient])
        again = keras.Variable(half)
        rest = kind([again], 0.01)
        for name, variable in rest.variables().items():
            variable.assign(saved[name])
        for gradient in gradients[3:]:
            rest.apply([gradient])
        np.testing.assert_array_equal(again.numpy(), weight.numpy())


def test_weight_decay_is_apart_from_the_gradient_and_spares_biases() -> None:
    """With gradients that do not depend on the weights, as the published algorithm takes them."""
    draw = rng(0, "decay")
    start, slope = draw.normal(size=(3, 2)).astype(np.float32), draw.normal(size=(3, 2)).astype(np.float32)
    weight, bias = keras.Variable(start), keras.Variable(start[0])
    optimizer = Adam([weight, bias], 0.1)

    @tf.function
    def step() -> None:
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(weight * slope) + tf.reduce_sum(bias * slope[0])
        apply_gradients(optimizer, tape, loss, weight_decay=0.5)

    for _ in range(4):
        step()
    expected = reference.adam(start.astype(np.float64), [slope] * 4, 0.1, weight_decay=0.5)
    np.testing.assert_allclose(weight, expected, rtol=1e-4)
    np.testing.assert_allclose(bias, reference.adam(start[0].astype(np.float64), [slope[0]] * 4, 0.1), rtol=1e-4)


class Recorder(Adam):
    """Takes no step, and keeps what it would have stepped down."""

    def apply(self, gradients: Any) -> None:
        self.gradients = [tf.convert_to_tensor(gradient) for gradient in gradients]


@settings(deadline=None, max_examples=examples(50))
@given(
    read=st.lists(st.integers(0, 4), min_size=1, max_size=12),
    limit=st.floats(0.01, 20.0),
    compiled=st.booleans(),
    draws=st.integers(0, 2**31 - 1),
)
@example(read=[3, 3, 3, 3], limit=5.0, compiled=True, draws=0)
def test_the_norm_that_is_clipped_is_that_of_all_weights_a_token_read_often_in_one_row(
    read: list[int], limit: float, compiled: bool, draws: int
) -> None:
    """An embedding's gradient comes in slices; added up, with that of another weight, its norm is the limit's at most."""
    draw = rng(draws, "slopes")
    slopes, other = draw.normal(size=(len(read), 3)).astype(np.float32), draw.normal(size=4).astype(np.float32)
    weights = [keras.Variable(np.zeros((5, 3), np.float32)), keras.Variable(np.zeros(4, np.float32))]
    optimizer = Recorder(weights, 0.01)

    def step() -> list:
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.gather(weights[0].value, read) * slopes) + tf.reduce_sum(weights[1].value * other)
        apply_gradients(optimizer, tape, loss, clip_norm=limit)
        return optimizer.gradients

    by_embedding = np.zeros((5, 3))
    np.add.at(by_embedding, read, slopes)
    norm = np.sqrt((by_embedding**2).sum() + (other.astype(np.float64) ** 2).sum())
    scale = min(1.0, limit / norm)
    for found, expected in zip((tf.function(step) if compiled else step)(), (by_embedding, other), strict=True):
        np.testing.assert_allclose(found, expected * scale, rtol=1e-4, atol=1e-6)


@pytest.mark.sampled(2)
@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("limit", [0.05, 1e3])
def test_a_generators_gradient_is_clipped_by_the_norm_of_the_literal_one(number: int, limit: float) -> None:
    """Of sequences that say one token again and again, on one device and on two: by NumPy, back through time."""
    tokens = np.array([[1, 1, 1, 1, 2], [1, 1, 1, 1, 1], [0, 1, 1, 3, 1], [2, 1, 1, 1, 1]], np.int32)
    with several_devices(number).scope():
        generator = Generator(Vocabulary(size=4), 5, GeneratorSettings(embedding_dim=3, hidden_dim=4))
        generator.initialise(rng(0, "test"), 1.0)
        optimizer = Recorder(generator.trainable_variables, 0.01)

        def step() -> list:
            with tf.GradientTape() as tape:
                loss = likelihood_loss(generator, tf.constant(tokens))
            apply_gradients(optimizer, tape, loss, clip_norm=limit)
            return optimizer.gradients

        found = [each.numpy() for each in tf.function(lambda: replicas.replicated(step), autograph=False)()]
        weights = [variable.numpy() for variable in generator.trainable_variables]
    literal = [reference.weighted_nll_gradients(weights, row, [1 / tokens.size] * 5)[1] for row in tokens]
    summed = [sum(parts) for parts in zip(*literal, strict=True)]
    norm = np.sqrt(sum((gradient**2).sum() for gradient in summed))
    assert 0.1 < norm < 1e3
    for gradient, expected in zip(found, summed, strict=True):
        np.testing.assert_allclose(gradient, expected * min(1.0, limit / norm), rtol=1e-3, atol=1e-6)
