"""One draw from each row of logits, and what may stand where it was drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seqgan_cli.data.vocabulary import EOS, PAD, UNK, Vocabulary
from seqgan_cli.lazy import np, tf
from seqgan_cli.sampling.choices import keep_likeliest

if TYPE_CHECKING:
    from seqgan_cli.models.generator import Generator


def draw_truncated(logits: Any, truncation: tuple[Any, ...], key: Any) -> Any:
    """One draw from each row's truncated distribution: int32 `[B]` for float32 `[B, V]`, by inverting its masses."""
    ids, _, ends = keep_likeliest(logits, *truncation)
    point = tf.random.stateless_uniform([tf.shape(logits)[0], 1], key) * ends[:, -1:]  # < the last end, since uniform < 1
    return tf.gather(ids, tf.reduce_sum(tf.cast(ends <= point, tf.int32), axis=1), batch_dims=1)


def draw_tokens(logits: Any, key: Any) -> Any:
    """One draw from each row's softmax by inverting its cumulative distribution in two steps, blocks and then tokens.

    A cumulative sum over a whole row of a large vocabulary costs several times the draw itself; over about √V block sums and
    then inside the one block that was hit it costs next to nothing.

    Args:
        logits: float32 `[B, V]`.
        key: int32 `[2]`.

    Returns:
        int32 `[B]`; never a token whose probability is zero.
    """
    batch, vocab_size = tf.shape(logits)[0], logits.shape[1]
    width = _block_width(vocab_size)
    num_blocks = -(-vocab_size // width)
    probabilities = tf.nn.softmax(logits)
    if num_blocks * width > vocab_size:
        probabilities = tf.pad(probabilities, [[0, 0], [0, num_blocks * width - vocab_size]])
    blocks = tf.reshape(probabilities, [batch * num_blocks, width])
    ends = tf.cumsum(tf.reshape(tf.reduce_sum(blocks, axis=1), [batch, num_blocks]), axis=1)
    point = tf.random.stateless_uniform([batch, 1], key) * ends[:, -1:]  # < the last end, since uniform < 1
    block = tf.reduce_sum(tf.cast(ends <= point, tf.int32), axis=1)  # [B]
    before = tf.where(block > 0, tf.gather(ends, tf.maximum(block - 1, 0), batch_dims=1), 0.0)
    inside = tf.gather(blocks, tf.range(batch) * num_blocks + block)  # [B, width]
    offset = tf.reduce_sum(tf.cast(tf.cumsum(inside, axis=1) <= point - before[:, None], tf.int32), axis=1)
    # Rounding may put the point at or past the block's own sum: then its likeliest token, which has probability.
    offset = tf.where(offset < width, offset, tf.argmax(inside, axis=1, output_type=tf.int32))
    return block * width + offset


def _block_width(vocab_size: int) -> int:
    """A width near √V that divides V if there is one: otherwise the whole table is copied to pad it."""
    root = int(np.ceil(np.sqrt(vocab_size)))
    divisors = (width for width in range(max(1, root // 2), 2 * root + 1) if vocab_size % width == 0)
    return min(divisors, key=lambda width: abs(width - root), default=root)


def force_end(vocabulary: Vocabulary, drawn: Any, last: Any, started: Any, final: Any) -> Any:
    """What stands after `last` where `drawn` was drawn, int32 `[B]`: `<pad>` after the end, `<eos>` at the last place.

    No other token can end a sequence that has as many ordinary ones as there may be. `started` (bool) is false while `last` is
    the start input, which shares its id with `<pad>`; `final` (bool): this is the last of the T places.
    """
    if not vocabulary.has_special_tokens:
        return drawn
    if vocabulary.has_eos:
        drawn = tf.where(final, EOS, drawn)
    return tf.where(started & (last < UNK), PAD, drawn)  # after <pad> or <eos>


def draw_next(generator: Generator, logits: Any, last: Any, place: Any, key: Any, truncation: tuple[Any, ...] = ()) -> Any:
    """The token after `last` at a place counted from 0, int32 `[B]`, drawn from logits `[B, V]`; see `force_end`."""
    drawn = draw_truncated(logits, truncation, key) if truncation else draw_tokens(logits, key)
    return force_end(generator.vocabulary, drawn, last, place > 0, place >= generator.sequence_length - 1)
