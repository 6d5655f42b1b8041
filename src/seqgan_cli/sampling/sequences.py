"""Sequences that a generator draws, token by token."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from seqgan_cli.data.vocabulary import START
from seqgan_cli.lazy import compiled_for, np, tf
from seqgan_cli.models.softmax import LOGITS_AT_ONCE
from seqgan_cli.sampling.choices import PLAIN, Sampling, numbers_of_truncation
from seqgan_cli.sampling.draws import draw_next
from seqgan_cli.training.distribution import replicas

if TYPE_CHECKING:
    from seqgan_cli.models.generator import Generator


def numbers_of_draw() -> list:
    """How many sequences, the key, the temperature, whether `<unk>` may come; and if truncated, how."""
    of_draw = [([], tf.int32), ([2], tf.int32), ([], tf.float32), ([], tf.bool)]
    return [*(tf.TensorSpec(*each) for each in of_draw), *numbers_of_truncation()]


def draw_sequences(generator: Generator, batch: Any, key: Any, how: tuple[Any, ...], chosen: Any = None) -> Any:
    """int32 `[batch, T]`, token by token; `chosen(t, drawn)`: what stands at place t where `drawn` was drawn, int32 `[batch]`.

    `how`: temperature, whether `<unk>` may come, and if truncated, the numbers of that.
    """
    temperature, allow_unknown, *truncation = how
    length = generator.sequence_length
    if chosen is None:
        chosen = _after_sources(generator, batch, tf.random.experimental.stateless_fold_in(key, length))
    logit_mask = tf.where(allow_unknown, 0.0, generator.unk_mask)

    def advance(t: Any, last: Any, state: list, sampled: Any) -> tuple:
        output, state = generator.step(last, state)
        logits = generator.logits(output, temperature, logit_mask)
        token_key = tf.random.experimental.stateless_fold_in(key, t)
        drawn = draw_next(generator, logits, last, t, token_key, tuple(truncation))
        token = chosen(t, drawn) if chosen else drawn
        return t + 1, token, state, sampled.write(t, token)

    state = generator.cell.get_initial_state(batch_size=batch)
    sampled = tf.TensorArray(tf.int32, size=length, element_shape=[None])
    *_, sampled = tf.while_loop(lambda t, *_: t < length, advance, (0, tf.fill([batch], START), state, sampled))
    return tf.transpose(sampled.stack())


def _after_sources(generator: Generator, batch: Any, key: Any) -> Any:
    """`chosen` of `draw_sequences` where sequences have sources that are drawn too; else None."""
    given = generator.draw_sources(batch, key)
    return None if given is None else after(*given)


def after(prompts: Any, lengths: Any) -> Any:
    """`chosen` of `draw_sequences`: int32 `[batch, T]` prompts, of which the first `lengths` int32 `[batch]` tokens count."""
    return lambda t, drawn: tf.where(t < lengths, prompts[:, t], drawn)


@compiled_for(numbers_of_draw)
def _draw(generator: Generator, batch: Any, key: Any, *how: Any) -> Any:
    return draw_sequences(generator, batch, key, how)


@compiled_for(numbers_of_draw)
def _draw_together(generator: Generator, *args: Any) -> Any:
    def share(batch: Any, key: Any, *how: Any) -> Any:
        return replicas.all_gather(_draw(generator, replicas.shard_count(batch), replicas.replica_key(key), *how))

    return replicas.replicated(share, *args)


def rows_at_once(generator: Generator) -> int:
    """Sequences whose next-token logits, and states, are held in memory together."""
    return max(16, min(1024, LOGITS_AT_ONCE // max(generator.vocabulary.size, generator.state_size)))


def sample_batch(generator: Generator, batch: Any, key: Any) -> Any:
    """One batch from the policy: int32 tensor `[batch, T]`, drawn from `key` int32 `[2]` by one replica alone."""
    return _draw(generator, batch, key, 1.0, False)


def samples(generator: Generator, key: np.ndarray, sampling: Sampling = PLAIN) -> Iterator[np.ndarray]:
    """Batches int32 `[rows, T]` without end; batch i depends on `key`, i and the number of replicas alone."""
    rows = rows_at_once(generator) * replicas.number()
    truncation = sampling.tensors(generator.vocabulary) if sampling.truncated else ()
    for i in itertools.count():
        batch_key = tf.random.experimental.stateless_fold_in(key, i)
        yield _draw_together(generator, rows, batch_key, sampling.temperature, sampling.allow_unknown, *truncation).numpy()


def sample(generator: Generator, num: int, key: np.ndarray, sampling: Sampling = PLAIN) -> np.ndarray:
    """`num` sequences: int32 `[num, T]`."""
    return first_of(samples(generator, key, sampling), num)


def first_of(drawn: Iterator[np.ndarray], num: int) -> np.ndarray:
    """The first `num` of batches without end: int32 `[num, T]`."""
    batches = []
    for batch in drawn:
        batches.append(batch)
        if sum(map(len, batches)) >= num:
            return np.concatenate(batches)[:num]
    raise AssertionError("batches without end have ended")
