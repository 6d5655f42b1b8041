"""D_φ: the convolutional classifier of finished sequences (the paper's appendix).

Embedding → convolutions over windows of tokens → max over time → highway layer → dropout → sigmoid.
"""

from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from seqgan_cli.config import DiscriminatorSettings, parse_filters
from seqgan_cli.vocabulary import Vocabulary

# Less than any response, and a number in every precision.
NONE = -3e38


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
        self.arithmetic = tf.as_dtype(settings.precision)

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
        weights = self._weights()
        return self._judge(weights, self._read(weights, tokens), dropout_key)

    def completions(self, tokens: Any, owners: Any, completed: Any) -> Any:
        """Logits of many completions of the proper prefixes of few sequences: `call` of each, for less.

        What lies wholly inside a prefix Y₁:t is the same in all its completions, and a window of Y: it is convolved once for a
        sequence. The largest response to those up to t is known from the one up to t-1, so each completion pays only for the
        windows that reach past its prefix.

        Args:
            tokens: int32 `[S, T]`, the sequences.
            owners: int32 `[C]`, of which sequence each completion is.
            completed: int32 `[T-1, C, T]`: at [t-1, c] the first t tokens of its sequence, and others.

        Returns:
            float32 `[T-1, C]`.
        """
        weights = self._weights()
        length = tf.shape(tokens)[1]
        embedded = self._embed(weights, tokens)
        ending = [  # responses to the window that ends at each position, and to none where it would begin before the first
            tf.pad(tf.nn.conv1d(embedded, kernel, 1, "VALID"), [[0, 0], [width - 1, 0], [0, 0]], constant_values=NONE)
            for (width, _), kernel in zip(self.filters, weights.kernels, strict=True)
        ]
        inside_by_end = tf.transpose(tf.concat(ending, axis=2), [1, 0, 2])  # [T, S, F]

        def advance(t: Any, inside: Any, logits: Any) -> tuple:
            inside = tf.maximum(inside, inside_by_end[t - 1])
            reaching = self._read(weights, completed[t - 1], first_end=t)
            pooled = tf.maximum(tf.gather(inside, owners), reaching)
            return t + 1, inside, logits.write(t - 1, self._judge(weights, pooled))

        logits = tf.TensorArray(tf.float32, size=length - 1, element_shape=[None])
        start = (1, tf.fill(tf.shape(inside_by_end)[1:], tf.constant(NONE, self.arithmetic)), logits)
        *_, logits = tf.while_loop(lambda t, *_: t < length, advance, start, parallel_iterations=1)
        return logits.stack()

    def _weights(self) -> "_Weights":
        """The weights of the large products in the precision they are done in."""
        kernels = [tf.cast(kernel, self.arithmetic) for kernel in self.kernels]
        return _Weights(tf.convert_to_tensor(self.embedding), kernels, tf.cast(self.highway_kernel, self.arithmetic))

    def _embed(self, weights: "_Weights", tokens: Any) -> Any:
        return tf.cast(tf.gather(weights.embedding, tokens), self.arithmetic)  # [B, T, E]

    def _read(self, weights: "_Weights", tokens: Any, first_end: Any = None) -> Any:
        """Largest response of every filter `[B, F]` to windows of tokens `[B, T]` (that end at `first_end` or later)."""
        embedded = self._embed(weights, tokens)
        pooled = []
        for (width, _), kernel in zip(self.filters, weights.kernels, strict=True):
            reached = embedded if first_end is None else embedded[:, tf.maximum(0, first_end - width + 1) :]
            pooled.append(max_over_time(reached, kernel))
        return tf.concat(pooled, axis=1)

    def _judge(self, weights: "_Weights", pooled: Any, dropout_key: Any = None) -> Any:
        """Logit float32 `[B]` for the largest responses `[B, F]`."""
        # Bias and ReLU are monotone, so the maximum may be taken first: less to add and to keep for the gradient.
        features = tf.nn.relu(tf.cast(pooled, tf.float32) + self.conv_bias)
        product = tf.matmul(tf.cast(features, self.arithmetic), weights.highway_kernel)
        transformed, gate = tf.split(tf.cast(product, tf.float32) + self.highway_bias, 2, axis=1)
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

    @tf.function(autograph=False, input_signature=[tf.TensorSpec([None, None], tf.int32)])
    def _scores(self, tokens: Any) -> Any:
        return tf.sigmoid(self(tokens))

    def scores(self, tokens: np.ndarray, rows: int = 2048) -> np.ndarray:
        """D(Y) in (0, 1), dropout off: float32 `[n]` for int32 `[n, T]`."""
        return np.concatenate([self._scores(tokens[i : i + rows]).numpy() for i in range(0, len(tokens), rows)])


class _Weights(NamedTuple):
    embedding: Any
    kernels: list
    highway_kernel: Any


@tf.custom_gradient
def max_over_time(embedded: Any, kernel: Any) -> Any:
    """Largest response `[B, n]` of each filter to any window, for `[B, T, E]` and `[w, E, n]`.

    The gradient is that of conv1d and reduce_max, in fewer passes and by another way for some kernels: where there are fewer
    positions than tokens in a window, and in bfloat16, gathering the windows and one product beat the convolution's own.
    """
    width, embedding_dim, number = kernel.shape
    responses = tf.nn.conv1d(embedded, kernel, 1, "VALID")  # [B, P, n]
    largest = tf.reduce_max(responses, axis=1, keepdims=True)

    def gradient(upstream: Any) -> tuple[Any, Any]:
        attained = responses == largest
        share = upstream / tf.reduce_sum(tf.cast(attained, upstream.dtype), axis=1)  # ties share
        by_response = tf.where(attained, share[:, None], tf.zeros([], upstream.dtype))
        by_embedded = tf.nn.conv1d_transpose(by_response, kernel, tf.shape(embedded), 1, "VALID")
        length = embedded.shape[1]
        positions = 0 if length is None else length - width + 1
        if 0 < positions < width or (positions and embedded.dtype == tf.bfloat16):
            windows = tf.gather(embedded, np.arange(positions)[:, None] + np.arange(width), axis=1)  # [B, P, w, E]
            windows = tf.reshape(windows, [-1, width * embedding_dim])
            by_kernel = tf.matmul(windows, tf.reshape(by_response, [-1, number]), transpose_a=True)
            by_kernel = tf.reshape(by_kernel, kernel.shape)
        else:
            by_kernel = tf.raw_ops.Conv2DBackpropFilter(
                input=embedded[:, None],
                filter_sizes=[1, *kernel.shape],
                out_backprop=by_response[:, None],
                strides=[1, 1, 1, 1],
                padding="VALID",
            )[0]
        return by_embedded, by_kernel

    return largest[:, 0], gradient
