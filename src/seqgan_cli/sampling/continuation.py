"""Sequences that begin with given tokens: a generator reads a prompt and goes on with it.

It reads the prompt as it reads the tokens of a training sequence, and draws from the first place after it, under the masks and
the truncation of any draw. What has no prompt is what `samples` draws, to the bit.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from seqgan_cli.lazy import compiled_for, np, tf
from seqgan_cli.sampling.choices import PLAIN, Sampling
from seqgan_cli.sampling.sequences import (
    after,
    draw_sequences,
    first_of,
    numbers_of_draw,
    rows_at_once,
    samples,
)
from seqgan_cli.training.distribution import replicas

if TYPE_CHECKING:
    from seqgan_cli.models.generator import Generator


def _numbers_of_continuation() -> list:
    return [tf.TensorSpec([None, None], tf.int32), tf.TensorSpec([None], tf.int32), *numbers_of_draw()[1:]]


@compiled_for(_numbers_of_continuation)
def _continue_together(generator: Generator, *args: Any) -> Any:
    """int32 `[B, T]` for prompts int32 `[B, T]`, of which the first `lengths` int32 `[B]` tokens of each row count."""

    def share(prompts: Any, lengths: Any, key: Any, *how: Any) -> Any:
        own, given = replicas.shard(prompts), replicas.shard(lengths)
        drawn = draw_sequences(generator, tf.shape(own)[0], replicas.replica_key(key), how, after(own, given))
        return replicas.all_gather(drawn)

    return replicas.replicated(share, *args)


def continuations(
    generator: Generator, prompts: Iterable[Sequence[int]], key: np.ndarray, sampling: Sampling = PLAIN
) -> Iterator[np.ndarray]:
    """A sequence for each prompt, in their order, in batches int32 `[rows, T]`; each begins with its prompt.

    Args:
        prompts: token ids, fewer than T each; they are taken as they are needed, so there may be any number.
        key: int32 `[2]`; batch i depends on it, on i and on its own prompts alone.
    """
    rows, length = rows_at_once(generator) * replicas.number(), generator.sequence_length
    truncation = sampling.tensors(generator.vocabulary) if sampling.truncated else ()
    left = iter(prompts)
    for i in itertools.count():
        chunk = list(itertools.islice(left, rows))
        if not chunk:
            return
        table, lengths = np.zeros((rows, length), np.int32), np.zeros(rows, np.int32)  # draws depend on how many rows there are
        for row, prompt in enumerate(chunk):
            table[row, : len(prompt)] = prompt
            lengths[row] = len(prompt)
        batch_key = tf.random.experimental.stateless_fold_in(key, i)
        how = (batch_key, sampling.temperature, sampling.allow_unknown, *truncation)
        yield _continue_together(generator, table, lengths, *how).numpy()[: len(chunk)]


def samples_beside(
    generator: Generator, references: np.ndarray, key: np.ndarray, sampling: Sampling = PLAIN
) -> Iterator[np.ndarray]:
    """`samples` to be held against sequences int32 `[n, T]`: where sequences have sources, targets for theirs, in turn."""
    vocabulary = generator.vocabulary
    if vocabulary.separator is None:
        return samples(generator, key, sampling)
    lengths = vocabulary.source_length(references).tolist()
    sources = itertools.cycle(row[:length] for row, length in zip(references.tolist(), lengths, strict=True))
    return continuations(generator, sources, key, sampling)


def sample_beside(
    generator: Generator, references: np.ndarray, num: int, key: np.ndarray, sampling: Sampling = PLAIN
) -> np.ndarray:
    """`num` of `samples_beside`: int32 `[num, T]`."""
    return first_of(samples_beside(generator, references, key, sampling), num)
