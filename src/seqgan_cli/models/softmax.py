"""The softmax over the vocabulary: its loss and the loss's gradient, with few passes over the table.

The table of logits, `[R, V]` for R tokens, is a hundred times larger than all else the generator touches, so what these cost is
how often it is read and written. The losses make it chunk by chunk, take what they need, and let it go.

A *head* is float32 `[H+1, V]`: the output layer's kernel with its bias as the last row, so that one product does both.
"""

from collections.abc import Callable
from typing import Any

from seqgan_cli.lazy import tf

# Numbers a table of logits may hold at once (64 MB of float32), which bounds memory for any vocabulary, batch and length.
LOGITS_AT_ONCE = 2**24
# A logit no token with this added can win, and small enough to keep softmax and its gradient finite.
NEVER = -1e9
# Below this a probability is near the smallest float32, and may be 0 where its logarithm is not infinite.
TOO_SMALL = 1e-30


def logits(outputs: Any, head: Any) -> Any:
    """float32 `[..., V]` for outputs `[..., H]`."""
    return tf.matmul(tf.concat([outputs, tf.ones_like(outputs[..., :1])], axis=-1), head)


def _chunk(i: Any, width: Any, head: Any, outputs: Any, tokens: Any, counted: Any) -> tuple[Any, Any, Any, Any]:
    """Rows i·width … of everything: (outputs with their 1 `[w, H+1]`, tokens `[w]`, probabilities `[w, V]`, losses `[w]`)."""
    rows = slice(i * width, (i + 1) * width)
    outputs, tokens, counted = outputs[rows], tokens[rows], counted[rows]
    outputs = tf.concat([outputs, tf.ones_like(outputs[:, :1])], axis=1)
    probabilities = tf.nn.softmax(tf.matmul(outputs, head))
    target_probs = tf.gather(probabilities, tokens, batch_dims=1)
    # tf.nn.sparse_softmax_cross_entropy_with_logits takes eight times as long as the softmax: kept for what that cannot say.
    losses = tf.cond(
        tf.reduce_any(counted & (target_probs < TOO_SMALL)),
        lambda: tf.nn.sparse_softmax_cross_entropy_with_logits(tokens, tf.matmul(outputs, head)),
        lambda: -tf.math.log(target_probs),
    )
    return outputs, tokens, probabilities, tf.where(counted, losses, 0.0)


def by_chunks(outputs: Any, head: Any, body: Callable, *sums: Any, tables: int = 1) -> tuple:
    """Call `body(i, width, *sums)` → (what it has for its rows, *sums) for chunks of rows whose `tables` of logits fit.

    Returns what it had for all rows, and the last sums.
    """
    count, most = tf.shape(outputs)[0], max(1, LOGITS_AT_ONCE // (tables * head.shape[1]))
    number = tf.maximum(1, -(-count // most))
    width = -(-count // number)

    def advance(i: Any, rows: Any, *sums: Any) -> tuple:
        found, *sums = body(i, width, *sums)
        return i + 1, rows.write(i, found), *sums

    rows = tf.TensorArray(tf.float32, size=number, infer_shape=False)
    _, rows, *sums = tf.while_loop(lambda i, *_: i < number, advance, (0, rows, *sums), parallel_iterations=1)
    return rows.concat(), *sums


def token_nll(outputs: Any, head: Any, tokens: Any, counted: Any) -> Any:
    """−log softmax at each token, 0 where it does not count. Not differentiable.

    Args:
        outputs, head: float32 `[R, H]`, `[H+1, V]`.
        tokens, counted: int32 and bool `[R]`.

    Returns:
        float32 `[R]`, in nats.
    """
    return by_chunks(outputs, head, lambda i, width: _chunk(i, width, head, outputs, tokens, counted)[3:])[0]


def weighted_nll(outputs: Any, head: Any, tokens: Any, weights: Any) -> Any:
    """Σ weight · −log softmax(token), differentiable in outputs and head; tokens of weight 0 add nothing, whatever they are.

    Args:
        outputs, head: float32 `[R, H]`, `[H+1, V]`.
        tokens, weights: int32 and float32 `[R]`.

    Returns:
        float32 scalar.
    """
    return weighted_nll_and_score(outputs, head, tokens, weights, tf.ones(head.shape[1]))[0]


def weighted_nll_and_score(outputs: Any, head: Any, tokens: Any, weights: Any, scored: Any) -> Any:
    """`weighted_nll`, and the same sum over scored tokens alone, their softmax normalised over scored tokens alone.

    The gradient, weight · (softmax − one-hot), is formed with the loss while a chunk's probabilities are at hand, and its
    one-hot part as a sum over tokens: the table is written by one product, scaled by the softmax and read by two products.

    Args:
        outputs, head, tokens, weights: as there.
        scored: float32 `[V]`, 1 for tokens that scores count, else 0.

    Returns:
        float32 scalars, the first differentiable and the second not. Where all scored tokens together are less probable than
        TOO_SMALL, the second takes that for their probability.
    """
    return tf.custom_gradient(_weighted_nll_and_score)(outputs, head, tokens, weights, scored)


def _weighted_nll_and_score(outputs: Any, head: Any, tokens: Any, weights: Any, scored: Any) -> Any:
    # The bias's column is no output's slope. In its place one sums the probability of all scored tokens in the same product.
    columns = tf.concat([tf.transpose(head)[:, :-1], scored[:, None]], axis=1)  # [V, H+1]

    def body(i: Any, width: Any, total: Any, score: Any, by_head: Any) -> tuple:
        inputs, targets, probabilities, losses = _chunk(i, width, head, outputs, tokens, weights != 0.0)
        weight = weights[i * width : (i + 1) * width, None]
        weighted = weight * inputs
        expected = tf.matmul(probabilities, columns)
        by_output = weight * (expected - tf.gather(columns, targets))
        taught = tf.math.unsorted_segment_sum(weighted, targets, head.shape[1])  # [V, H+1]
        by_head += tf.matmul(weighted, probabilities, transpose_a=True) - tf.transpose(taught)
        counted = weight[:, 0] * tf.gather(scored, targets)
        given_scored = tf.where(counted != 0.0, losses + tf.math.log(tf.maximum(expected[:, -1], TOO_SMALL)), 0.0)
        total, score = total + tf.reduce_sum(weight[:, 0] * losses), score + tf.reduce_sum(counted * given_scored)
        return by_output[:, :-1], total, score, by_head

    zero = tf.constant(0.0)
    by_outputs, total, score, by_head = by_chunks(outputs, head, body, zero, zero, tf.zeros_like(head))
    return (total, score), lambda upstream, _: (upstream * by_outputs, upstream * by_head, None, None, None)
