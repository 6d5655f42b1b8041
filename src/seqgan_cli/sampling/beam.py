"""Beam search: likely sequences, found and not drawn (Lowerre 1976; Graves 2012, §3).

At every place each of the `width` hypotheses is continued by every token, under the masks, the temperature and the truncation
of a draw, and the likeliest continuations are kept. A hypothesis that has ended keeps its log-probability and competes with
those that go on; there is no normalisation by length, so that the scores are those of sequences. Width 1 is the likeliest
token every time, and a width of all sequences there are is exact.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from seqgan_cli.data.vocabulary import EOS, PAD, START, UNK
from seqgan_cli.errors import SeqganError
from seqgan_cli.lazy import compiled_for, np, tf
from seqgan_cli.models.softmax import LOGITS_AT_ONCE
from seqgan_cli.sampling.choices import PLAIN, Sampling, keep_likeliest, numbers_of_truncation

if TYPE_CHECKING:
    from seqgan_cli.models.generator import Generator

WIDEST = 1 << 27  # continuations that are compared at once, a float32 each


def _numbers_of_search() -> list:
    given = [([None, None], tf.int32), ([None], tf.int32), ([], tf.int32), ([], tf.float32), ([], tf.bool)]
    return [*(tf.TensorSpec(*each) for each in given), *numbers_of_truncation()]


@compiled_for(_numbers_of_search)
def _search(
    generator: Generator, prompts: Any, lengths: Any, width: Any, temperature: Any, allow_unknown: Any, *truncation: Any
) -> tuple[Any, Any, Any]:
    """Tokens and parents int32 `[T, P, K]`, and log-probabilities float32 `[P, K]` of the last.

    `prompts`: int32 `[P, T]`, of which the first `lengths` `[P]` tokens count. The K hypotheses of a prompt stand in the order
    of their ids, so that of equals, which `top_k` takes in the order they stand, the smaller ids are kept.
    """
    number, size = tf.shape(prompts)[0], generator.vocabulary.size
    rows = number * width
    logit_mask = tf.where(allow_unknown, 0.0, generator.unk_mask)

    def advance(t: Any, last: Any, state: list, scores: Any, tokens: Any, parents: Any) -> tuple:
        output, state = generator.step(last, state)
        steps = _log_probabilities(generator.logits(output, temperature, logit_mask), truncation)
        steps = _only_what_may_come(generator, steps, last, t, allow_unknown)
        given = tf.one_hot(prompts[:, t], size, on_value=0.0, off_value=-np.inf)  # it is there already, and costs nothing
        steps = tf.reshape(steps, [number, width, size])
        steps = tf.where((t < lengths)[:, None, None], given[:, None, :], steps)
        continued = tf.reshape(scores[:, :, None] + steps, [number, width * size])
        best = tf.sort(tf.math.top_k(continued, width).indices, axis=1)
        scores = tf.gather(continued, best, batch_dims=1)
        parent, token = best // size, best % size
        chosen = tf.reshape(tf.range(number)[:, None] * width + parent, [rows])
        state = [tf.gather(part, chosen) for part in state]
        return t + 1, tf.reshape(token, [rows]), state, scores, tokens.write(t, token), parents.write(t, parent)

    length = generator.sequence_length
    # One hypothesis without tokens; the other places are empty.
    scores = tf.tile(tf.where(tf.range(width) == 0, 0.0, -np.inf)[None, :], [number, 1])
    state = generator.cell.get_initial_state(batch_size=rows)
    arrays = [tf.TensorArray(tf.int32, size=length, element_shape=[None, None]) for _ in range(2)]
    start = (0, tf.fill([rows], START), state, scores, *arrays)
    *_, scores, tokens, parents = tf.while_loop(lambda t, *_: t < length, advance, start)
    return tokens.stack(), parents.stack(), scores


def _log_probabilities(logits: Any, truncation: tuple[Any, ...]) -> Any:
    """Of the distribution that is drawn from: float32 `[R, V]`, −∞ for what truncation leaves out."""
    if not truncation:
        return tf.nn.log_softmax(logits)
    ids, kept, _ = keep_likeliest(logits, *truncation)
    rows = tf.broadcast_to(tf.range(tf.shape(ids)[0])[:, None], tf.shape(ids))
    places = tf.stack([rows, ids], axis=-1)
    return tf.tensor_scatter_nd_update(tf.fill(tf.shape(logits), -np.inf), places, tf.nn.log_softmax(kept))


def _only_what_may_come(generator: Generator, steps: Any, last: Any, t: Any, allow_unknown: Any) -> Any:
    """After an end `<pad>`, and `<eos>` at the last place: both are certain, and cost nothing. See `draws.force_end`."""
    vocabulary, size = generator.vocabulary, generator.vocabulary.size
    if not vocabulary.has_special_tokens:
        return steps
    names = tf.range(size)
    never = tf.reduce_any(names[:, None] == tf.constant(vocabulary.never_drawn)[None, :], axis=1)  # and not merely small
    steps = tf.where(never | ((names == UNK) & tf.logical_not(allow_unknown)), -np.inf, steps)
    if vocabulary.has_eos:
        steps = tf.where(t == generator.sequence_length - 1, tf.where(names == EOS, 0.0, -np.inf), steps)
    ended = (t > 0) & (last < UNK)
    return tf.where(ended[:, None], tf.where(names == PAD, 0.0, -np.inf), steps)


def _traced(tokens: np.ndarray, parents: np.ndarray) -> np.ndarray:
    """The hypotheses int32 `[P, K, T]` that end in each of the last places."""
    length, number, width = tokens.shape
    found, place = np.zeros((number, width, length), np.int32), np.tile(np.arange(width), (number, 1))
    for t in reversed(range(length)):
        found[:, :, t] = np.take_along_axis(tokens[t], place, axis=1)
        place = np.take_along_axis(parents[t], place, axis=1)
    return found


def beam_search(
    generator: Generator, width: int, sampling: Sampling = PLAIN, prompts: Iterable[Sequence[int]] = ((),)
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """What the search finds for each prompt: ids int32 `[≤ width, T]`, likeliest first, and log-probabilities float32.

    Of equally likely ones the smaller ids come first. The prompt adds nothing to the log-probability, in nats, of what follows.
    Sequences of probability 0 are left out.

    Args:
        prompts: token ids, fewer than T each, taken as they are needed.

    Raises SeqganError for a width that memory cannot hold.
    """
    size, length = generator.vocabulary.size, generator.sequence_length
    if width * size > WIDEST:
        raise SeqganError(f"A beam of {width} compares {width * size} continuations: {WIDEST // size} is the widest here.")
    truncation = sampling.tensors(generator.vocabulary) if sampling.truncated else ()
    at_once, left = max(1, min(1024, LOGITS_AT_ONCE // size) // width), iter(prompts)
    while chunk := list(itertools.islice(left, at_once)):
        table = np.zeros((len(chunk), length), np.int32)
        for row, prompt in enumerate(chunk):
            table[row, : len(prompt)] = prompt
        lengths = np.array([len(prompt) for prompt in chunk], np.int32)
        how = (np.int32(width), np.float32(sampling.temperature), sampling.allow_unknown, *truncation)
        tokens, parents, scores = (each.numpy() for each in _search(generator, table, lengths, *how))
        for ids, own in zip(_traced(tokens, parents), scores, strict=True):
            order = np.argsort(-own, kind="stable")
            order = order[np.isfinite(own[order])]
            yield ids[order], own[order]
