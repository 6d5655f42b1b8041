"""Causal self-attention (Vaswani et al. 2017), small: one block, read whole or token by token with keys and values kept.

x ← W·input + position; x ← x + attention(norm(x)); x ← x + W₂ relu(W₁ norm(x)); output norm(x). Norms have no bias and a gain
of 1 + g, so that a block may be drawn from N(0, σ²) like everything else.
"""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from seqgan_cli.models.norm import normalised

WIDENING = 2  # of the layer after attention


class AttentionBlock(keras.layers.Layer):
    """One block of H features for up to `length` tokens, with the interface of a Keras recurrent cell besides.

    As a cell its state is keys and values of all positions, float32 `[B, length·H]` each, and the number of tokens read,
    float32 `[B, 1]`: rows that can be gathered and joined like an LSTM's.
    """

    def __init__(self, units: int, length: int, name: str = "attention") -> None:
        super().__init__(name=name)
        self.units, self.length = units, length
        self.heads = next(heads for heads in (4, 2, 1) if units % heads == 0)

    def build(self, input_shape: Any) -> None:
        units = self.units
        shapes = {
            "input_kernel": (input_shape[-1], units),
            "positions": (self.length, units),
            "attention_gain": (units,),
            "queries_keys_values": (units, 3 * units),
            "attended_kernel": (units, units),
            "hidden_gain": (units,),
            "hidden_kernel": (units, WIDENING * units),
            "hidden_bias": (WIDENING * units,),
            "output_kernel": (WIDENING * units, units),
            "output_gain": (units,),
        }
        self.block = {name: self.add_weight(name=name, shape=shape, initializer="zeros") for name, shape in shapes.items()}
        self.built = True

    def initialise(self, rng: np.random.Generator) -> None:
        """Glorot's for every kernel, N(0, 0.1²) for positions, gains of 1."""
        for name, weight in self.block.items():
            if "kernel" in name or name == "queries_keys_values":
                bound = np.sqrt(6.0 / sum(weight.shape))
                weight.assign(rng.uniform(-bound, bound, weight.shape))
        self.block["positions"].assign(rng.normal(0.0, 0.1, self.block["positions"].shape))

    def _normed(self, x: Any, gain: str) -> Any:
        return normalised(x) * (1.0 + self.block[gain])

    def _projected(self, x: Any) -> tuple[Any, Any, Any]:
        """Queries, keys and values `[..., H]` of x `[..., H]`."""
        return tf.split(tf.matmul(self._normed(x, "attention_gain"), self.block["queries_keys_values"]), 3, axis=-1)

    def _rest(self, x: Any, attended: Any) -> Any:
        """What follows attention."""
        x += tf.matmul(attended, self.block["attended_kernel"])
        hidden = tf.nn.relu(tf.matmul(self._normed(x, "hidden_gain"), self.block["hidden_kernel"]) + self.block["hidden_bias"])
        return self._normed(x + tf.matmul(hidden, self.block["output_kernel"]), "output_gain")

    def whole(self, inputs: Any) -> Any:
        """Outputs float32 `[B, T, H]` of inputs `[B, T, E]`, each of the inputs up to its own."""
        batch, length = tf.shape(inputs)[0], tf.shape(inputs)[1]
        x = tf.matmul(inputs, self.block["input_kernel"]) + self.block["positions"][:length]
        split = [batch, length, self.heads, self.units // self.heads]
        queries, keys, values = (tf.reshape(part, split) for part in self._projected(x))
        scores = tf.einsum("bqhd,bkhd->bhqk", queries, keys) / np.sqrt(self.units / self.heads)
        future = 1.0 - tf.linalg.band_part(tf.ones([length, length]), -1, 0)
        attended = tf.einsum("bhqk,bkhd->bqhd", tf.nn.softmax(scores - 1e9 * future), values)
        return self._rest(x, tf.reshape(attended, tf.shape(x)))

    # As a cell.

    def get_initial_state(self, batch_size: Any) -> list:
        """Nothing read."""
        return [tf.zeros([batch_size, self.length * self.units])] * 2 + [tf.zeros([batch_size, 1])]

    def call(self, inputs: Any, states: list) -> tuple[Any, list]:
        """Read one input `[B, E]`: output `[B, H]` and the new state."""
        keys, values, read = states
        here = tf.one_hot(tf.cast(read[:, 0], tf.int32), self.length)  # [B, length]
        x = tf.matmul(inputs, self.block["input_kernel"]) + tf.matmul(here, self.block["positions"])
        query, key, value = self._projected(x)
        keys, values = (
            old + tf.reshape(here[:, :, None] * new[:, None], tf.shape(old)) for old, new in ((keys, key), (values, value))
        )
        split = [-1, self.length, self.heads, self.units // self.heads]
        query = tf.reshape(query, [-1, self.heads, self.units // self.heads])
        scores = tf.einsum("bhd,bkhd->bhk", query, tf.reshape(keys, split)) / np.sqrt(self.units / self.heads)
        future = tf.cast(tf.range(self.length, dtype=tf.float32) > read, tf.float32)  # [B, length]
        attended = tf.einsum("bhk,bkhd->bhd", tf.nn.softmax(scores - 1e9 * future[:, None]), tf.reshape(values, split))
        return self._rest(x, tf.reshape(attended, tf.shape(x))), [keys, values, read + 1.0]
