"""V(s): predicts the expected final reward from the policy's output; a baseline, and the bootstrap of truncated rollouts."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf


class ValueHead(keras.Model):
    """One hidden layer on the policy's output: H → H (tanh) → 1. No gradient flows into the policy.

    Weights start at zero: call `initialise` or restore them.
    """

    def __init__(self, hidden_dim: int, name: str = "value_head") -> None:
        super().__init__(name=name)
        self.hidden_kernel = self.add_weight(name="hidden_kernel", shape=(hidden_dim, hidden_dim), initializer="zeros")
        self.hidden_bias = self.add_weight(name="hidden_bias", shape=(hidden_dim,), initializer="zeros")
        self.output_kernel = self.add_weight(name="output_kernel", shape=(hidden_dim, 1), initializer="zeros")
        self.output_bias = self.add_weight(name="output_bias", shape=(1,), initializer="zeros")
        self.built = True

    def initialise(self, rng: np.random.Generator) -> None:
        """Glorot's uniform hidden layer; the output starts at zero, so that the first values are all 0."""
        hidden_dim = self.hidden_kernel.shape[0]
        glorot = np.sqrt(6.0 / (2 * hidden_dim))
        self.hidden_kernel.assign(rng.uniform(-glorot, glorot, (hidden_dim, hidden_dim)))

    def call(self, outputs: Any) -> Any:
        """Values float32 `[...]` of what is known at outputs float32 `[..., H]`."""
        hidden = tf.tanh(tf.matmul(tf.stop_gradient(outputs), self.hidden_kernel) + self.hidden_bias)
        return (tf.matmul(hidden, self.output_kernel) + self.output_bias)[..., 0]

    def squared_error(self, outputs: Any, action_values: Any) -> Any:
        """Σ (V − Q)², a scalar, for float32 `[B, T, H]` and `[B, T]`."""
        return tf.reduce_sum(tf.square(self(outputs) - tf.stop_gradient(action_values)))
