"""The simplest language model: the next token of a context is that of one of its occurrences in the data, drawn at random."""

from __future__ import annotations

from typing import Any

from seqgan_cli.data.vocabulary import Vocabulary
from seqgan_cli.lazy import np, tf


class NgramModel:
    """An n-gram model without smoothing that backs off: a context that was never seen is shortened until it was.

    Nothing is counted. Contexts are sorted, and a draw picks one of the places where the context stands: its memory is the
    data's, whatever the vocabulary.

    Args:
        vocabulary: of the data; `<unk>` is drawn no more than by a generator.
        sequences: int32 `[n, T]`.
        order: n, the tokens of a context and the one after it.
    """

    def __init__(self, vocabulary: Vocabulary, sequences: np.ndarray, order: int) -> None:
        self.order, self.base = order, vocabulary.size + 1
        rows, places = np.nonzero(vocabulary.mask(sequences))
        before = np.concatenate([np.full((len(sequences), order - 1), vocabulary.size), sequences], axis=1)
        next_tokens = sequences[rows, places].astype(np.int32)
        self.tables = []
        for known in range(order - 1, -1, -1):  # tokens of the context, the longest first
            context = np.zeros(len(rows), np.int64)
            for i in range(known):
                context = context * self.base + before[rows, places + order - 1 - known + i]
            order_of = np.argsort(context, kind="stable")
            contexts, starts, counts = np.unique(context[order_of], return_index=True, return_counts=True)
            table = (contexts, starts.astype(np.int32), counts.astype(np.int32), next_tokens[order_of])
            self.tables.append(tuple(tf.constant(column) for column in table))

    def start(self, batch: Any) -> Any:
        """What stands before the first token: int32 `[batch, order-1]`."""
        return tf.fill([batch, self.order - 1], self.base - 1)

    def draw(self, before: Any, key: Any) -> Any:
        """The token after contexts int32 `[B, order-1]`: int32 `[B]`, drawn from `key` int32 `[2]`."""
        uniform = tf.random.stateless_uniform([tf.shape(before)[0]], key)
        drawn = tf.zeros_like(before[:, 0]) if self.order > 1 else tf.zeros([tf.shape(before)[0]], tf.int32)
        found = tf.zeros_like(drawn, tf.bool)
        for known, (contexts, starts, counts, next_tokens) in zip(range(self.order - 1, -1, -1), self.tables, strict=True):
            context = tf.zeros_like(drawn, tf.int64)
            for i in range(known):
                context = context * self.base + tf.cast(before[:, self.order - 1 - known + i], tf.int64)
            place = tf.minimum(tf.searchsorted(contexts, context), len(contexts) - 1)
            number = tf.gather(counts, place)
            # uniform < 1, but its product may be rounded up to the number itself
            chosen = tf.minimum(tf.cast(uniform * tf.cast(number, tf.float32), tf.int32), number - 1)
            seen = ~found & (tf.gather(contexts, place) == context)
            drawn = tf.where(seen, tf.gather(next_tokens, tf.gather(starts, place) + chosen), drawn)
            found |= seen
        return drawn
