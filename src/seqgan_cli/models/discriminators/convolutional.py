"""The paper's discriminator (its appendix): convolutions over windows of tokens → max over time → highway layer."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from seqgan_cli.config.schema import section, setting
from seqgan_cli.config.sections import DiscriminatorSettings
from seqgan_cli.errors import SeqganError, UsageError
from seqgan_cli.lazy import np, tf
from seqgan_cli.models.discriminators.base import Features

# What gradients are larger by inside float16, whose smallest number many of them are below (loss scaling: Micikevicius et al.
# 2018). Usual ones stay far from its largest: what comes from a logit is at most 1 over the batch. Should one reach it all
# the same, the step is not finite and training says so.
SCALE = 1024.0


PAPER_FILTERS = {1: 100, 2: 200, 3: 200, 4: 200, 5: 200, 6: 100, 7: 100, 8: 100, 9: 100, 10: 100}


def parse_filters(text: str, sequence_length: int) -> tuple[tuple[int, int], ...]:
    """(window, number of filters) pairs, none wider than the sequence. Raises UsageError.

    `paper` is the appendix's table: windows 1 … 10, then ⌊T/2⌋, ⌊3T/4⌋ and T with 160 filters each where they exceed 10.
    """
    if text == "paper":
        wide = {w: 160 for w in (sequence_length // 2, 3 * sequence_length // 4, sequence_length) if w > 10}
        pairs = {**PAPER_FILTERS, **wide}
    else:
        try:
            pairs = {int(window): int(number) for window, number in (part.split(":") for part in text.split(","))}
        except ValueError:
            raise UsageError(f"discriminator.filters={text}: write 'paper' or window:number,… such as 1:100,2:200.") from None
        if any(window < 1 or number < 1 for window, number in pairs.items()):
            raise UsageError(f"discriminator.filters={text}: windows and numbers of filters start at 1.")
    fitting = tuple((window, number) for window, number in sorted(pairs.items()) if window <= sequence_length)
    if not fitting:
        raise SeqganError(f"discriminator.filters={text}: every window is wider than the sequences ({sequence_length} tokens).")
    return fitting


@section("discriminator", "pretrain-d")
@dataclass(frozen=True)
class ConvolutionalSettings(DiscriminatorSettings):
    filters: str = setting(
        "paper",
        "'paper' (its table), or window:number,… such as 1:100,2:200",
        quick="1:50,2:50,3:50,4:50,6:50",
        fixed_by="pretrain-d",
        validate=lambda text: parse_filters(text, sys.maxsize),
    )
    precision: str = setting(
        "float32", "arithmetic of the discriminator's products", choices=("float32", "bfloat16", "float16")
    )


class Convolutional(Features):
    """Windows wider than the sequences are left out; `<pad>` is read as a token like any other."""

    name = "convolutional"
    meaning = "windows of tokens, as in the paper"
    rank = 0
    Section = ConvolutionalSettings
    needs_float32 = False

    def build(self) -> int:
        self.filters = parse_filters(self.settings.filters, self.sequence_length)
        features = sum(number for _, number in self.filters)
        self.arithmetic = tf.as_dtype(self.settings.precision)
        self.none = self.arithmetic.min  # the smallest value of the dtype, the identity of max
        weight = self.network.weight
        self.kernels = [weight(f"kernel_{w}", w, self.settings.embedding_dim, number) for w, number in self.filters]
        self.conv_bias = weight("conv_bias", features)
        # Both highway matrices side by side: W_H | W_T, one product for the two.
        self.highway_kernel = weight("highway_kernel", features, 2 * features)
        self.highway_bias = weight("highway_bias", 2 * features)
        return features

    def initialise(self, rng: np.random.Generator) -> None:
        """Convolutions N(0, 0.1²) and biases 0.1, gates Glorot's, b_T = -2."""
        features = self.num_features
        glorot = np.sqrt(6.0 / (2 * features))
        for kernel in self.kernels:
            kernel.assign(rng.normal(0.0, 0.1, kernel.shape))
        self.conv_bias.assign(np.full(features, 0.1))
        self.highway_kernel.assign(rng.uniform(-glorot, glorot, (features, 2 * features)))
        self.highway_bias.assign(np.repeat([0.0, -2.0], features))

    @classmethod
    def feature_weights(cls, settings: ConvolutionalSettings, sequence_length: int) -> int:
        """Σ filters·(width·E + 1), and the highway's two squares of all filters."""
        filters = parse_filters(settings.filters, sequence_length)
        total = sum(number for _, number in filters)
        return sum(n * (w * settings.embedding_dim + 1) for w, n in filters) + 2 * total * (total + 1)

    def features(self, embedded: Any) -> Any:
        weights = self._weights()
        return self._highway(weights, self._read(weights, embedded))

    def prefix_features(self, embedded: Any) -> Any:
        """Of a prefix, what its own windows respond; a filter that is wider than the prefix responds nothing, as to `none`."""
        weights = self._weights()
        largest, reach = self._ending(weights, embedded), 1
        while reach < self.sequence_length:  # the largest of the last 1, 2, 4, … positions
            earlier = tf.pad(largest[:, :-reach], [[0, 0], [reach, 0], [0, 0]], constant_values=self.none)
            largest, reach = tf.maximum(largest, earlier), 2 * reach
        return tf.reshape(self._highway(weights, tf.reshape(largest, [-1, self.num_features])), tf.shape(largest))

    def score_continuations(
        self, tokens: Any, source_ids: Any, continuations: Any, head: Callable[[Any], Any]
    ) -> Any:
        """As for all discriminators, for less.

        What lies wholly inside a prefix Y₁:t is the same in all its completions, and a window of Y: it is convolved once for a
        sequence. The largest response to those up to t is known from the one up to t-1, so each completion pays only for the
        windows that reach past its prefix.
        """
        weights = self._weights()
        length = tf.shape(tokens)[1]
        inside_by_end = tf.transpose(self._ending(weights, self.network.embed(tokens)), [1, 0, 2])  # [T, S, F]

        def advance(t: Any, inside: Any, scored: Any) -> tuple:
            inside = tf.maximum(inside, inside_by_end[t - 1])
            reaching = self._read(weights, self.network.embed(continuations[t - 1]), first_end=t)
            pooled = tf.maximum(tf.gather(inside, source_ids), reaching)
            return t + 1, inside, scored.write(t - 1, head(self._highway(weights, pooled)))

        scored = tf.TensorArray(tf.float32, size=length - 1, element_shape=[None])
        start = (1, tf.fill(tf.shape(inside_by_end)[1:], tf.constant(self.none, self.arithmetic)), scored)
        *_, scored = tf.while_loop(lambda t, *_: t < length, advance, start, parallel_iterations=1)
        return scored.stack()

    def _weights(self) -> _Weights:
        """The weights of the large products in the precision they are done in."""
        kernels = [into(self.arithmetic, kernel) for kernel in self.kernels]
        return _Weights(kernels, into(self.arithmetic, self.highway_kernel))

    def _ending(self, weights: _Weights, embedded: Any) -> Any:
        """Responses `[B, T, F]` to the window that ends at each position, and to none where it would begin before the first."""
        embedded = into(self.arithmetic, embedded)
        ending = [
            tf.pad(tf.nn.conv1d(embedded, kernel, 1, "VALID"), [[0, 0], [width - 1, 0], [0, 0]], constant_values=self.none)
            for (width, _), kernel in zip(self.filters, weights.kernels, strict=True)
        ]
        return tf.concat(ending, axis=2)

    def _read(self, weights: _Weights, embedded: Any, first_end: Any = None) -> Any:
        """Largest response of every filter `[B, F]` to windows of `[B, T, E]` (that end at `first_end` or later)."""
        embedded = into(self.arithmetic, embedded)
        pooled = []
        for (width, _), kernel in zip(self.filters, weights.kernels, strict=True):
            reached = embedded if first_end is None else embedded[:, tf.maximum(0, first_end - width + 1) :]
            pooled.append(max_over_time(reached, kernel))
        return tf.concat(pooled, axis=1)

    def _highway(self, weights: _Weights, pooled: Any) -> Any:
        """Features float32 `[B, F]` for the largest responses `[B, F]`."""
        # Bias and ReLU are monotone, so the maximum may be taken first: less to add and to keep for the gradient.
        features = tf.nn.relu(out_of(pooled) + self.conv_bias)
        product = tf.matmul(into(self.arithmetic, features), weights.highway_kernel)
        transformed, gate = tf.split(out_of(product) + self.highway_bias, 2, axis=1)
        gate = tf.sigmoid(gate)
        return gate * tf.nn.relu(transformed) + (1.0 - gate) * features


class _Weights(NamedTuple):
    kernels: list
    highway_kernel: Any


def into(arithmetic: Any, values: Any) -> Any:
    """float32 values in the precision of the products; what flows back is as large as it was before `out_of`."""
    if arithmetic != tf.float16:
        return tf.cast(values, arithmetic)
    down = tf.custom_gradient(lambda x: (tf.cast(x, tf.float16), lambda upstream: tf.cast(upstream, tf.float32) / SCALE))
    return down(tf.convert_to_tensor(values))


def out_of(values: Any) -> Any:
    """Values of the products' precision in float32; of float16, what flows back is SCALE times as large."""
    if values.dtype != tf.float16:
        return tf.cast(values, tf.float32)
    up = tf.custom_gradient(lambda x: (tf.cast(x, tf.float32), lambda upstream: tf.cast(upstream * SCALE, tf.float16)))
    return up(values)


def max_over_time(embedded: Any, kernel: Any) -> Any:
    """Largest response `[B, n]` of each filter to any window, for `[B, T, E]` and `[w, E, n]`.

    The gradient is that of conv1d and reduce_max, in fewer passes and by another way for some kernels: where there are fewer
    positions than tokens in a window, and in bfloat16, gathering the windows and one product beat the convolution's own.
    """
    return tf.custom_gradient(_max_over_time)(embedded, kernel)


def _max_over_time(embedded: Any, kernel: Any) -> Any:
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
