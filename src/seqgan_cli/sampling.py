"""What is done to logits before a draw; sequences that a generator draws, and how likely it finds sequences, under it.

In this order, each step on the distribution that the one before left, renormalised, and ties broken by the smaller token id:

1. masks: `<pad>`, `<eos>` where no sequence ends early, and `<unk>` unless it is allowed, have no probability;
2. temperature τ: p_i ∝ exp(logit_i / τ);
3. top-k: the k likeliest tokens (Fan et al. 2018);
4. top-p: the smallest set of likeliest tokens whose mass reaches p (the nucleus: Holtzman et al. 2020);
5. min-p: the tokens with p_i ≥ min_p · max p (Nguyen et al. 2024).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from seqgan_cli.config.schema import section, setting, specs_of
from seqgan_cli.data.vocabulary import EOS, PAD, START, UNK, Vocabulary
from seqgan_cli.lazy import compiled_for, np, tf
from seqgan_cli.models import softmax
from seqgan_cli.models.softmax import LOGITS_AT_ONCE
from seqgan_cli.training.distribution import replicas

if TYPE_CHECKING:
    from seqgan_cli.models.generator import Generator

# A mass that misses p, or a probability that misses min_p · max p, by no more than float32 rounds, reaches it.
ROUNDING = 1e-6


@section("sampling")
@dataclass(frozen=True)
class Sampling:
    """Choices of how to sample. A field declared as a `setting` is an option of every command that samples.

    Args:
        temperature: > 0, divides the logits.
        top_k: how many of the likeliest tokens may be drawn; 0: not used.
        top_p: in (0, 1], the mass of the likeliest tokens that may be drawn; 1: not used.
        min_p: in [0, 1), the least probability of a token that may be drawn, of the likeliest one's; 0: not used.
        allow_unknown: whether `<unk>` may be drawn. No likelihood counts an `<unk>`, so likelihoods take no notice.
    """

    # Logits divided by a temperature within these bounds stay numbers in float32.
    temperature: float = setting(1.0, "below 1 says likelier things, above 1 rarer ones", at_least=0.001, at_most=1000.0)
    top_k: int = setting(0, "draw from so many of the likeliest tokens (0: all)", at_least=0)
    top_p: float = setting(1.0, "draw from the fewest tokens that have this probability (1: all)", above=0, at_most=1)
    min_p: float = setting(
        0.0, "draw from tokens that have this share of the likeliest one's probability (0: all)", at_least=0, below=1
    )
    allow_unknown: bool = False

    @property
    def truncated(self) -> bool:
        """Whether tokens besides the masked ones have no probability."""
        return replace(self, temperature=1.0, allow_unknown=False) != Sampling()

    def used(self) -> dict[str, float]:
        """The temperature, and the other choices that are not at their default, by the name of their option."""
        choices = {spec.option: (getattr(self, spec.leaf), spec.default) for spec in specs_of(Sampling)}
        return {name: value for name, (value, default) in choices.items() if name == "temperature" or value != default}

    def __str__(self) -> str:
        """`temperature 1`, `temperature 0.7, top-k 40`."""
        return ", ".join(f"{name} {value:g}" for name, value in self.used().items())

    def record(self) -> dict[str, float]:
        """As JSON has it, and `Sampling(**record)` reads: the temperature, and if tokens are left out all choices."""
        choices = {spec.leaf: getattr(self, spec.leaf) for spec in specs_of(Sampling)}
        return choices if self.truncated else {"temperature": self.temperature}

    def tensors(self, vocabulary: Vocabulary) -> tuple[Any, ...]:
        """The numbers of `keep_likeliest`: (top_k int32, top_p, min_p float32), such that what is not used keeps all."""
        named = vocabulary.size
        if vocabulary.has_special_tokens:
            named -= 1 + (not vocabulary.has_eos) + (not self.allow_unknown)
        top_k = min(self.top_k or named, named)  # the masked tokens come last, and are never among them
        top_p = self.top_p if self.top_p < 1.0 else np.inf
        return np.int32(top_k), np.float32(top_p), np.float32(self.min_p)


PLAIN = Sampling()


# One draw.


def keep_likeliest(logits: Any, top_k: Any, top_p: Any, min_p: Any) -> tuple[Any, Any, Any]:
    """The tokens that truncation leaves, likeliest first, ties by id.

    Args:
        logits: float32 `[R, V]`, masked and divided by the temperature.
        top_k, top_p, min_p: scalars, as `Sampling.tensors` has them.

    Returns:
        ids int32 `[R, k]`; logits float32 `[R, k]`, −∞ past the kept; masses float32 `[R, k]`, of the kept up to each one, by
        the distribution that top-k leaves, and the mass of all kept past them.
    """
    values, ids = tf.math.top_k(logits, top_k)  # of equal values the lower index comes first
    probabilities = tf.nn.softmax(values)
    before = tf.cumsum(probabilities, axis=1, exclusive=True)
    # The first tokens of each row, one or more: their probabilities fall, and what stands before them grows.
    kept = (before < top_p * (1.0 - ROUNDING)) & (probabilities >= min_p * (1.0 - ROUNDING) * probabilities[:, :1])
    probabilities = tf.where(kept, probabilities, 0.0)
    return ids, tf.where(kept, values, -np.inf), tf.cumsum(probabilities, axis=1)


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


# Sequences.


def _numbers_of_truncation() -> list:
    return [tf.TensorSpec([], tf.int32), *[tf.TensorSpec([], tf.float32)] * 2]


def _numbers_of_draw() -> list:
    """How many sequences, the key, the temperature, whether `<unk>` may come; and if truncated, how."""
    of_draw = [([], tf.int32), ([2], tf.int32), ([], tf.float32), ([], tf.bool)]
    return [*(tf.TensorSpec(*each) for each in of_draw), *_numbers_of_truncation()]


def _numbers_of_nll() -> list:
    return [tf.TensorSpec([None, None], tf.int32), tf.TensorSpec([], tf.float32), *_numbers_of_truncation()]


@compiled_for(_numbers_of_draw)
def _draw(generator: Generator, batch: Any, key: Any, temperature: Any, allow_unknown: Any, *truncation: Any) -> Any:
    """int32 `[batch, T]`, token by token."""
    logit_mask = tf.where(allow_unknown, 0.0, generator.unk_mask)

    def advance(t: Any, last: Any, state: list, sampled: Any) -> tuple:
        output, state = generator.step(last, state)
        logits = generator.logits(output, temperature, logit_mask)
        token_key = tf.random.experimental.stateless_fold_in(key, t)
        drawn = draw_next(generator, logits, last, t, token_key, truncation)
        return t + 1, drawn, state, sampled.write(t, drawn)

    length = generator.sequence_length
    state = generator.cell.get_initial_state(batch_size=batch)
    sampled = tf.TensorArray(tf.int32, size=length, element_shape=[None])
    *_, sampled = tf.while_loop(lambda t, *_: t < length, advance, (0, tf.fill([batch], START), state, sampled))
    return tf.transpose(sampled.stack())


@compiled_for(_numbers_of_draw)
def _draw_together(generator: Generator, *args: Any) -> Any:
    def share(batch: Any, key: Any, *how: Any) -> Any:
        return replicas.all_gather(_draw(generator, replicas.shard_count(batch), replicas.replica_key(key), *how))

    return replicas.replicated(share, *args)


def rows_at_once(generator: Generator) -> int:
    """Sequences whose next-token logits are held in memory together."""
    return max(16, min(1024, LOGITS_AT_ONCE // generator.vocabulary.size))


def sample_batch(generator: Generator, batch: Any, key: Any) -> Any:
    """One batch from the policy: int32 tensor `[batch, T]`, drawn from `key` int32 `[2]` by one replica alone."""
    return _draw(generator, batch, key, 1.0, False)


def samples(generator: Generator, key: np.ndarray, sampling: Sampling = PLAIN) -> Iterator[np.ndarray]:
    """Batches int32 `[rows, T]` without end; batch i depends on `key` and i alone, so any number starts alike.

    Several replicas draw rows each, so that other sequences come than from one.
    """
    rows, i = rows_at_once(generator) * replicas.number(), 0
    truncation = sampling.tensors(generator.vocabulary) if sampling.truncated else ()
    while True:
        batch_key = tf.random.experimental.stateless_fold_in(key, i)
        yield _draw_together(generator, rows, batch_key, sampling.temperature, sampling.allow_unknown, *truncation).numpy()
        i += 1


def sample(generator: Generator, num: int, key: np.ndarray, sampling: Sampling = PLAIN) -> np.ndarray:
    """`num` sequences: int32 `[num, T]`."""
    batches = []
    for batch in samples(generator, key, sampling):
        batches.append(batch)
        if sum(map(len, batches)) >= num:
            return np.concatenate(batches)[:num]
    raise AssertionError("samples() never ends")


# How likely sequences are.


def _nll_shard(generator: Generator, tokens: Any, temperature: Any, *truncation: Any) -> Any:
    tokens = replicas.shard(tokens)
    outputs, _ = generator.unroll(tokens)
    outputs, targets = tf.reshape(outputs, [-1, outputs.shape[-1]]), tf.reshape(tokens, [-1])
    counted = tf.reshape(generator.vocabulary.mask(tokens) & generator.uncertain(tokens), [-1])
    projection = generator.output_projection(temperature, generator.unk_mask)
    if truncation:
        losses = _truncated_nll(outputs, projection, targets, counted, truncation)
    else:
        losses = softmax.token_nll(outputs, projection, targets, counted)
    return replicas.all_gather(tf.reduce_sum(tf.reshape(losses, tf.shape(tokens)), axis=1))


def _truncated_nll(outputs: Any, projection: Any, targets: Any, counted: Any, truncation: tuple[Any, ...]) -> Any:
    """−log of the truncated distribution at each token float32 `[R]`: ∞ where it has none, 0 where it does not count."""

    def losses(i: Any, width: Any) -> tuple[Any]:
        rows = slice(i * width, (i + 1) * width)
        ids, logits, _ = keep_likeliest(softmax.logits(outputs[rows], projection), *truncation)
        own = tf.reduce_max(tf.where(ids == targets[rows, None], logits, -np.inf), axis=1)
        return (tf.where(counted[rows], tf.reduce_logsumexp(logits, axis=1) - own, 0.0),)

    return softmax.by_chunks(outputs, projection, losses, tables=8)[0]


@compiled_for(_numbers_of_nll)
def _nll(generator: Generator, *args: Any) -> Any:
    return replicas.replicated(lambda *args: _nll_shard(generator, *args), *args)


def sequence_nll(generator: Generator, tokens: np.ndarray, sampling: Sampling = PLAIN) -> np.ndarray:
    """−log G(Y) of whole sequences in nats: float32 `[n]` for int32 `[n, T]`; a certain `<eos>` and `<pad>` add nothing.

    G is the distribution that `sample` draws from without `<unk>`: ∞ for a sequence with a token that truncation leaves out. An
    `<unk>` is read, and adds nothing: the sum is over the positions that `vocabulary.mask` counts.
    """
    # Several tables of outputs and gates are alive at once; the logits have chunks of their own.
    rows = max(16, min(1024, LOGITS_AT_ONCE // (8 * tokens.shape[1] * generator.settings.hidden_dim))) * replicas.number()
    named = replace(sampling, allow_unknown=False)
    truncation = named.tensors(generator.vocabulary) if sampling.truncated else ()
    chunks = [tokens[i : i + rows] for i in range(0, len(tokens), rows)]
    parts = [_nll(generator, chunk, sampling.temperature, *truncation).numpy() for chunk in chunks]
    return np.concatenate(parts) if parts else np.zeros(0, np.float32)
