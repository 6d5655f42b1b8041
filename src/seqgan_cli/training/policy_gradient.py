"""The policy's loss (Eq. 8), and what may be made of action values before it: scales, costs of single tokens, baselines.

All take action values float32 `[B, T]` and the mask bool `[B, T]` of positions that count; columns where none counts give 0.
"""

from typing import Any

import tensorflow as tf

from seqgan_cli.models.generator import Generator


def policy_gradient_loss(policy: Generator, tokens: Any, action_values: Any) -> Any:
    """−Σ_t Q_t log G(y_t | Y₁:t-1), summed over batch and time (Eq. 8), for int32 and float32 `[B, T]`.

    Differentiable in the policy's weights; no gradient flows through the action values. Positions past the end count nothing.
    """
    weights = tf.where(policy.vocabulary.mask(tokens), tf.stop_gradient(action_values), 0.0)
    return policy.weighted_nll(tokens, weights, policy=True)


# Baselines: what is subtracted.


def mean_baseline(action_values: Any, mask: Any) -> Any:
    """The batch's mean action value at each position: float32 `[1, T]`."""
    counted = tf.cast(mask, tf.float32)
    return tf.math.divide_no_nan(
        tf.reduce_sum(action_values * counted, axis=0, keepdims=True), tf.reduce_sum(counted, axis=0, keepdims=True)
    )


def leave_one_out_baseline(action_values: Any, mask: Any) -> Any:
    """The mean action value of the batch's other sequences at each position: float32 `[B, T]` (Kool et al. 2019).

    Unlike the mean of all it does not depend on the token it is subtracted for, so the gradient stays unbiased.
    """
    counted = tf.cast(mask, tf.float32)
    total = tf.reduce_sum(action_values * counted, axis=0, keepdims=True)
    number = tf.reduce_sum(counted, axis=0, keepdims=True)
    return tf.math.divide_no_nan(total - action_values * counted, number - counted)


# Transforms: what action values are turned into.


def standardized(action_values: Any, mask: Any) -> Any:
    """(Q − mean) / standard deviation over the batch at each position; 0 where all are alike."""
    centred = action_values - mean_baseline(action_values, mask)
    spread = tf.sqrt(mean_baseline(tf.square(centred), mask))
    return tf.where(spread > 1e-6 * tf.abs(action_values), tf.math.divide_no_nan(centred, spread), 0.0)


def normalized(action_values: Any, mask: Any) -> Any:
    """Q / mean Q over the batch at each position: MaliGAN's r_D / Σ r_D, times the batch size (Che et al. 2017, §3.2)."""
    return tf.math.divide_no_nan(action_values, mean_baseline(action_values, mask))


# Costs and rewards of single tokens.


def to_go(token_rewards: Any, mask: Any) -> Any:
    """Σ_{s ≥ t} r_s over the positions that count: what each token and those after it earn, float32 `[B, T]`."""
    return tf.cumsum(tf.where(mask, token_rewards, 0.0), axis=1, reverse=True)


def past_the_end(action_values: Any, mask: Any) -> Any:
    """Action values with that of the last token that counts at all positions after it.

    A state past the end promises what the finished sequence is worth.
    """
    last = tf.reduce_sum(tf.cast(mask, tf.int32), axis=1, keepdims=True) - 1
    final = tf.gather(action_values, tf.maximum(last, 0), batch_dims=1)
    return tf.where(mask, action_values, final)
