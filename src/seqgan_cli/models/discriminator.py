"""D_φ: the convolutional classifier of finished sequences (the paper's appendix).

Embedding → convolutions over windows of tokens → max over time → highway layer → dropout → sigmoid.
"""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from seqgan_cli.config import DiscriminatorSettings, parse_filters
from seqgan_cli.vocabulary import Vocabulary


class Discriminator(keras.Model):
    """The probability that a finished sequence is real.

    Args:
        vocabulary: the tokens; `<pad>` is read as a token like any other.
        sequence_length: T; windows wider than it are left out.
        settings: sizes, dropout and L2.

    Weights start at zero: call `initialise` or restore them.
    """

    def __init__(
        self, vocabulary: Vocabulary, sequence_length: int, settings: DiscriminatorSettings, name: str = "discriminator"
    ) -> None:
        super().__init__(name=name)
        self.settings = settings
        self.filters = parse_filters(settings.filters, sequence_length)
        features = sum(number for _, number in self.filters)
        self.num_features = features

        def weight(name: str, *shape: int) -> Any:
            return self.add_weight(name=name, shape=shape, initializer="zeros")

        self.embedding = weight("embedding", vocabulary.size, settings.embedding_dim)
        self.kernels = [weight(f"kernel_{w}", w, settings.embedding_dim, number) for w, number in self.filters]
        self.conv_bias = weight("conv_bias", features)
        # Both highway matrices side by side: W_H | W_T, one product for the two.
        self.highway_kernel = weight("highway_kernel", features, 2 * features)
        self.highway_bias = weight("highway_bias", 2 * features)
        self.output_kernel = weight("output_kernel", features, 1)
        self.output_bias = weight("output_bias", 1)
        self.built = True

    def initialise(self, rng: np.random.Generator) -> None:
        """The released program's start: embedding U(-1, 1), convolutions and output N(0, 0.1²), gates Glorot, b_T = -2."""
        features = self.num_features
        glorot = np.sqrt(6.0 / (2 * features))
        self.embedding.assign(rng.uniform(-1.0, 1.0, self.embedding.shape))
        for kernel in self.kernels:
            kernel.assign(rng.normal(0.0, 0.1, kernel.shape))
        self.conv_bias.assign(np.full(features, 0.1))
        self.highway_kernel.assign(rng.uniform(-glorot, glorot, (features, 2 * features)))
        self.highway_bias.assign(np.repeat([0.0, -2.0], features))
        self.output_kernel.assign(rng.normal(0.0, 0.1, (features, 1)))
        self.output_bias.assign([0.1])

    def call(self, tokens: Any, dropout_key: Any = None) -> Any:
        """Logit float32 `[B]` of being real, for int32 `[B, T]`.

        Dropout only where a key int32 `[2]` is given: never in rewards.
        """
        embedded = tf.gather(self.embedding, tokens)  # [B, T, E]
        # Bias and ReLU are monotone, so the maximum may be taken first: less to add and to keep for the gradient.
        pooled = [tf.reduce_max(tf.nn.conv1d(embedded, kernel, 1, "VALID"), axis=1) for kernel in self.kernels]
        features = tf.nn.relu(tf.concat(pooled, axis=1) + self.conv_bias)
        transformed, gate = tf.split(tf.matmul(features, self.highway_kernel) + self.highway_bias, 2, axis=1)
        gate = tf.sigmoid(gate)
        features = gate * tf.nn.relu(transformed) + (1.0 - gate) * features
        if dropout_key is not None and self.settings.dropout:
            features = tf.nn.experimental.stateless_dropout(features, self.settings.dropout, seed=dropout_key)
        return (tf.matmul(features, self.output_kernel) + self.output_bias)[:, 0]

    def cross_entropy(self, tokens: Any, labels: Any, dropout_key: Any) -> Any:
        """Eq. 5: mean cross entropy of labels float32 `[B]` (1 real, 0 generated), plus L2 on the output layer.

        A quarter of the released program's weight: its ½·λ·‖·‖² on two softmax columns is ¼·λ·‖w‖² on their difference.
        """
        entropy = tf.nn.sigmoid_cross_entropy_with_logits(labels, self(tokens, dropout_key=dropout_key))
        return tf.reduce_mean(entropy) + 0.25 * self.settings.l2 * tf.reduce_sum(tf.square(self.output_kernel))

    @tf.function(input_signature=[tf.TensorSpec([None, None], tf.int32)])
    def _scores(self, tokens: Any) -> Any:
        return tf.sigmoid(self(tokens))

    def scores(self, tokens: np.ndarray, rows: int = 2048) -> np.ndarray:
        """D(Y) in (0, 1), dropout off: float32 `[n]` for int32 `[n, T]`."""
        return np.concatenate([self._scores(tokens[i : i + rows]).numpy() for i in range(0, len(tokens), rows)])
