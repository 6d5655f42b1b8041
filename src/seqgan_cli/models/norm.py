"""Layer normalisation (Ba et al. 2016)."""

from typing import Any

import keras
import tensorflow as tf

EPSILON = 1e-5  # added to the variance


def normalised(x: Any) -> Any:
    """Features float32 `[..., H]` less their mean, over their standard deviation."""
    centred = x - tf.reduce_mean(x, axis=-1, keepdims=True)
    return centred * tf.math.rsqrt(tf.reduce_mean(tf.square(centred), axis=-1, keepdims=True) + EPSILON)


class LayerNorm(keras.layers.Layer):
    """`normalised` times 1 + gain, plus bias: with both zero, or drawn from N(0, σ²) like every other weight, a sound start."""

    EPSILON = EPSILON

    def build(self, input_shape: Any) -> None:
        self.gain = self.add_weight(name="gain", shape=(input_shape[-1],), initializer="zeros")
        self.bias = self.add_weight(name="bias", shape=(input_shape[-1],), initializer="zeros")
        self.built = True

    def call(self, x: Any) -> Any:
        """float32 `[..., H]` of float32 `[..., H]`."""
        return normalised(x) * (1.0 + self.gain) + self.bias


def dropped(x: Any, rate: float, key: Any, place: int) -> Any:
    """Inverted dropout (Srivastava et al. 2014) of x at the place of that number, drawn from `key` int32 `[2]`."""
    if not rate:
        return x
    return tf.nn.experimental.stateless_dropout(x, rate, seed=tf.random.experimental.stateless_fold_in(key, place))
