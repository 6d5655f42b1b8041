"""The fused kernels against the algorithms as published."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import reference
from seqgan_cli.randomness import rng
from seqgan_cli.training.optimizers import Adam, RMSprop, descend


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
        descend(optimizer, tape, loss, weight_decay=0.5)

    for _ in range(4):
        step()
    expected = reference.adam(start.astype(np.float64), [slope] * 4, 0.1, weight_decay=0.5)
    np.testing.assert_allclose(weight, expected, rtol=1e-4)
    np.testing.assert_allclose(bias, reference.adam(start[0].astype(np.float64), [slope[0]] * 4, 0.1), rtol=1e-4)


@pytest.mark.parametrize(("scale", "expected"), [(100.0, 5.0), (0.01, 0.05)])
def test_gradients_are_clipped_by_their_global_norm(scale: float, expected: float) -> None:
    """Gradients (3, 4)·scale over two weights have norm 5·scale."""

    class Recorder(Adam):
        def apply(self, gradients: list) -> None:
            self.norm = float(tf.linalg.global_norm(gradients))

    weights = [keras.Variable(1.0), keras.Variable(1.0)]
    optimizer = Recorder(weights, 0.01)
    with tf.GradientTape() as tape:
        loss = scale * (3.0 * weights[0] + 4.0 * weights[1])
    descend(optimizer, tape, loss, clip_norm=5.0)
    assert optimizer.norm == pytest.approx(expected, rel=1e-5)
