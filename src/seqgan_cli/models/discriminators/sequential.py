"""Discriminators that read a sequence from its first token to its last, and so know every prefix on the way."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from seqgan_cli.models.attention import AttentionBlock
from seqgan_cli.models.discriminators.base import Discriminator


class RecurrentDiscriminator(Discriminator):
    """The features of a prefix are an LSTM's output on it; `<pad>` is read as a token like any other."""

    def build_features(self) -> int:
        self.cell = keras.layers.LSTMCell(self.settings.hidden_dim, name="cell")
        self.cell.build((None, self.settings.embedding_dim))
        return self.settings.hidden_dim

    def initialise_features(self, rng: np.random.Generator) -> None:
        """Glorot's for both kernels, biases 0 but the forget gate's, which is 1 (Jozefowicz et al. 2015)."""
        hidden = self.settings.hidden_dim
        for kernel in (self.cell.kernel, self.cell.recurrent_kernel):
            bound = np.sqrt(6.0 / sum(kernel.shape))
            kernel.assign(rng.uniform(-bound, bound, kernel.shape))
        self.cell.bias.assign(np.repeat([0.0, 1.0, 0.0, 0.0], hidden))

    def prefix_features(self, embedded: Any) -> Any:
        columns = tf.transpose(embedded, [1, 0, 2])  # [T, B, E]
        length = tf.shape(columns)[0]

        def advance(t: Any, state: list, outputs: Any) -> tuple:
            output, state = self.cell(columns[t], state)
            return t + 1, state, outputs.write(t, output)

        state = self.cell.get_initial_state(batch_size=tf.shape(columns)[1])
        outputs = tf.TensorArray(tf.float32, size=length, element_shape=[None, self.settings.hidden_dim])
        *_, outputs = tf.while_loop(lambda t, *_: t < length, advance, (0, state, outputs))
        return tf.transpose(outputs.stack(), [1, 0, 2])

    def features(self, embedded: Any) -> Any:
        return self.prefix_features(embedded)[:, -1]


class AttentionDiscriminator(Discriminator):
    """The features of a prefix are the mean of a causal attention block's outputs on its tokens."""

    def build_features(self) -> int:
        self.attention = AttentionBlock(self.settings.hidden_dim, self.sequence_length)
        self.attention.build((None, self.settings.embedding_dim))
        return self.settings.hidden_dim

    def initialise_features(self, rng: np.random.Generator) -> None:
        self.attention.initialise(rng)

    def prefix_features(self, embedded: Any) -> Any:
        outputs = self.attention.whole(embedded)
        number = tf.range(1, tf.shape(outputs)[1] + 1)[None, :, None]
        return tf.cumsum(outputs, axis=1) / tf.cast(number, tf.float32)

    def features(self, embedded: Any) -> Any:
        return tf.reduce_mean(self.attention.whole(embedded), axis=1)
