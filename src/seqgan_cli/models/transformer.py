"""A causal transformer (Vaswani et al. 2017) with the norm before each sublayer, as in GPT-2 (Radford et al. 2019).

x = W·input + position; in each block x ← x + W_o·attention(norm(x)), then x ← x + W₂·gelu(W₁·norm(x) + b₁) + b₂; output
norm(x). It reads a sequence whole, or token by token with the keys and values of all tokens before kept.
"""

import math
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from seqgan_cli.models.norm import LayerNorm, dropped
from seqgan_cli.models.softmax import NEVER


def sinusoids(length: int, units: int) -> np.ndarray:
    """float32 `[length, units]`: sin(t / 10000^(2i/H)) and cos(the same) at features 2i and 2i + 1 (§3.5)."""
    angles = np.arange(length)[:, None] / 10000.0 ** (2 * (np.arange(units) // 2) / units)
    return np.where(np.arange(units) % 2, np.cos(angles), np.sin(angles)).astype(np.float32)


class TransformerBlock(keras.layers.Layer):
    """Attention of several heads and the layer after it, on x float32 `[..., H]`.

    Args:
        units: H, a multiple of `heads`.
        widening: width of the second sublayer, in H.
    """

    def __init__(self, units: int, heads: int, widening: int, name: str) -> None:
        super().__init__(name=name)
        self.units, self.heads, self.width = units, heads, units * widening
        self.attention_norm, self.hidden_norm = LayerNorm(name="attention_norm"), LayerNorm(name="hidden_norm")

    def build(self, input_shape: Any) -> None:
        units = self.units
        self.attention_norm.build((None, units))
        self.hidden_norm.build((None, units))
        self.queries_keys_values = self._weight("queries_keys_values", (units, 3 * units))
        self.attended_kernel = self._weight("attended_kernel", (units, units))
        self.hidden_kernel = self._weight("hidden_kernel", (units, self.width))
        self.hidden_bias = self._weight("hidden_bias", (self.width,))
        self.output_kernel = self._weight("output_kernel", (self.width, units))
        self.output_bias = self._weight("output_bias", (units,))
        self.built = True

    def _weight(self, name: str, shape: tuple[int, ...]) -> Any:
        return self.add_weight(name=name, shape=shape, initializer="zeros")

    def projected(self, x: Any) -> list[Any]:
        """Queries, keys and values `[B, heads, T, H / heads]` of x `[B, T, H]`."""
        parts = tf.split(tf.matmul(self.attention_norm(x), self.queries_keys_values), 3, axis=-1)
        split = [tf.shape(x)[0], tf.shape(x)[1], self.heads, self.units // self.heads]
        return [tf.transpose(tf.reshape(part, split), [0, 2, 1, 3]) for part in parts]

    def attend(self, queries: Any, keys: Any, values: Any, hidden: Any) -> Any:
        """What queries `[B, heads, Q, ·]` find among keys and values `[B, heads, K, ·]`, `[B, Q, H]` and projected.

        `hidden`: float32, broadcast to `[B, heads, Q, K]`, 1 where a key is out of sight.
        """
        scores = tf.matmul(queries, keys, transpose_b=True) / math.sqrt(self.units // self.heads)
        found = tf.transpose(tf.matmul(tf.nn.softmax(scores + NEVER * hidden), values), [0, 2, 1, 3])
        return tf.matmul(tf.reshape(found, [tf.shape(found)[0], tf.shape(found)[1], self.units]), self.attended_kernel)

    def widened(self, x: Any) -> Any:
        """What the second sublayer adds to x."""
        hidden = tf.nn.gelu(tf.matmul(self.hidden_norm(x), self.hidden_kernel) + self.hidden_bias, approximate=True)
        return tf.matmul(hidden, self.output_kernel) + self.output_bias

    def whole(self, x: Any, hidden: Any, dropout: float, key: Any, place: int) -> Any:
        """x `[B, T, H]` of all tokens through the block; `dropout`: of what each sublayer adds."""
        queries, keys, values = self.projected(x)
        x += dropped(self.attend(queries, keys, values, hidden), dropout, key, place)
        return x + dropped(self.widened(x), dropout, key, place + 1)


class Transformer(keras.layers.Layer):
    """Blocks on one another for up to `length` tokens, with the interface of a Keras recurrent cell besides.

    As a cell its state is, of each block, the keys and then the values of all positions, float32 `[B, length·H]` each, and last
    the number of tokens read, float32 `[B, 1]`: rows that can be gathered and joined like an LSTM's.

    Args:
        sinusoidal: whether positions are `sinusoids` and no weights.
    """

    def __init__(
        self, units: int, length: int, blocks: int, heads: int, widening: int, sinusoidal: bool, name: str = "cell"
    ) -> None:
        super().__init__(name=name)
        self.units, self.length, self.heads, self.sinusoidal = units, length, heads, sinusoidal
        self.blocks = [TransformerBlock(units, heads, widening, name=f"block_{i}") for i in range(blocks)]
        self.output_norm = LayerNorm(name="output_norm")

    def build(self, input_shape: Any) -> None:
        self.input_kernel = self.add_weight(name="input_kernel", shape=(input_shape[-1], self.units), initializer="zeros")
        if self.sinusoidal:
            self.positions = tf.constant(sinusoids(self.length, self.units))
        else:
            self.positions = self.add_weight(name="positions", shape=(self.length, self.units), initializer="zeros")
        for block in self.blocks:
            block.build((None, self.units))
        self.output_norm.build((None, self.units))
        self.built = True

    def initial_scale(self, weight: Any) -> float:
        """What a standard deviation of 0.1 is multiplied by: kernels keep variance, so that depth and width may grow.

        Those that write into x are smaller by √(2n) for n blocks, as in GPT-2.
        """
        if "kernel" not in weight.name and weight.name != "queries_keys_values":
            return 1.0
        writes = weight.name in ("attended_kernel", "output_kernel")
        return 10.0 / math.sqrt(weight.shape[0] * (2 * len(self.blocks) if writes else 1))

    def whole(self, inputs: Any, dropout: float = 0.0, key: Any = None) -> Any:
        """Outputs float32 `[B, T, H]` of inputs `[B, T, E]`, each of the inputs up to its own."""
        length = tf.shape(inputs)[1]
        x = tf.matmul(inputs, self.input_kernel) + self.positions[:length]
        future = 1.0 - tf.linalg.band_part(tf.ones([length, length]), -1, 0)
        for i, block in enumerate(self.blocks):
            x = block.whole(x, future, dropout, key, 2 * i)
        return self.output_norm(x)

    # As a cell.

    def get_initial_state(self, batch_size: Any) -> list:
        """Nothing read."""
        return [tf.zeros([batch_size, self.length * self.units])] * (2 * len(self.blocks)) + [tf.zeros([batch_size, 1])]

    def call(self, inputs: Any, states: list) -> tuple[Any, list]:
        """Read one input `[B, E]`: output `[B, H]` and the new state."""
        *caches, read = states
        here = tf.one_hot(tf.cast(read[:, 0], tf.int32), self.length)  # [B, length]
        unread = tf.cast(tf.range(self.length, dtype=tf.float32) > read, tf.float32)[:, None, None]
        x = (tf.matmul(inputs, self.input_kernel) + tf.matmul(here, self.positions))[:, None]  # a sequence of one
        split, kept = [-1, self.heads, self.length, self.units // self.heads], []
        for i, block in enumerate(self.blocks):
            queries, *new = block.projected(x)
            old = (tf.reshape(cache, split) for cache in caches[2 * i : 2 * i + 2])
            keys, values = (cache + here[:, None, :, None] * each for cache, each in zip(old, new, strict=True))
            x += block.attend(queries, keys, values, unread)
            x += block.widened(x)
            kept += [tf.reshape(each, [-1, self.length * self.units]) for each in (keys, values)]
        return self.output_norm(x)[:, 0], [*kept, read + 1.0]
