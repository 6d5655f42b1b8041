"""The policy's loss (Eq. 8), and what may be made of action values before it: scales, costs of single tokens, baselines.

Action values are float32 `[B, T]`, masks of the positions that count bool `[B, T]`. Scales and baselines compare the sequences
of a batch at every position, those too that have ended before it: `repeat_final_value` says what these are worth there.
"""

from typing import TYPE_CHECKING, Any

from seqgan_cli.lazy import tf

if TYPE_CHECKING:
    from seqgan_cli.models.generator import Generator


def policy_gradient_loss(policy: "Generator", tokens: Any, action_values: Any) -> Any:
    """−Σ_t Q_t log G(y_t | Y₁:t-1), summed over batch and time (Eq. 8), for int32 and float32 `[B, T]`.

    Differentiable in the policy's weights; no gradient flows through the action values. Positions past the end count nothing.
    """
    weights = tf.where(policy.vocabulary.mask(tokens), tf.stop_gradient(action_values), 0.0)
    return policy.weighted_nll(tokens, weights, policy=True)


# Baselines: what they leave of returns. Differences to the first sequence come first, so that equal returns leave exactly 0.


def subtract_mean(returns: Any) -> Any:
    """Returns less the batch's mean at each position: float32 `[B, T]`."""
    differences = returns - returns[:1]
    return differences - tf.reduce_mean(differences, axis=0, keepdims=True)


def subtract_leave_one_out_mean(returns: Any) -> Any:
    """Returns less the mean of the batch's other sequences at each position: float32 `[B, T]` (Kool et al. 2019).

    Unlike the mean of all it does not depend on the token it is subtracted for, so the gradient stays unbiased. A batch of one
    has no others; `conflicts` refuses it.
    """
    differences = returns - returns[:1]
    others = tf.reduce_sum(differences, axis=0, keepdims=True) - differences
    return differences - tf.math.divide_no_nan(others, tf.cast(tf.shape(returns)[0], tf.float32) - 1.0)


# Transforms: what action values are turned into.


def standardized(action_values: Any) -> Any:
    """(Q − mean) / standard deviation over the batch at each position; 0 where all are alike."""
    centred = subtract_mean(action_values)
    spread = tf.sqrt(tf.reduce_mean(tf.square(centred), axis=0, keepdims=True))
    return tf.where(spread > 1e-6 * tf.abs(action_values), tf.math.divide_no_nan(centred, spread), 0.0)


def normalized(action_values: Any) -> Any:
    """Q / mean Q over the batch at each position: MaliGAN's r_D / Σ r_D, times the batch size (Che et al. 2017, §3.2)."""
    return tf.math.divide_no_nan(action_values, tf.reduce_mean(action_values, axis=0, keepdims=True))


# Costs and rewards of single tokens.


def reward_to_go(token_rewards: Any, mask: Any) -> Any:
    """Σ_{s ≥ t} r_s over the positions that count: what each token and those after it earn, float32 `[B, T]`."""
    return tf.cumsum(tf.where(mask, token_rewards, 0.0), axis=1, reverse=True)


def repeat_final_value(action_values: Any, mask: Any) -> Any:
    """Action values with that of the last token that counts at all positions after it.

    After `<eos>` the value target is the final reward.
    """
    places = tf.range(tf.shape(mask)[1])[None, :]
    last = tf.reduce_max(tf.where(mask, places, 0), axis=1, keepdims=True)
    final = tf.gather(action_values, last, batch_dims=1)
    return tf.where(places <= last, action_values, final)
