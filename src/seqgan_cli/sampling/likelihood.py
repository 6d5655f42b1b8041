"""How likely a generator finds sequences."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from seqgan_cli.lazy import compiled_for, np, tf
from seqgan_cli.models import softmax
from seqgan_cli.models.softmax import LOGITS_AT_ONCE
from seqgan_cli.sampling.choices import PLAIN, Sampling, keep_likeliest, numbers_of_truncation
from seqgan_cli.training.distribution import replicas

if TYPE_CHECKING:
    from seqgan_cli.models.generator import Generator


def _numbers_of_nll() -> list:
    return [tf.TensorSpec([None, None], tf.int32), tf.TensorSpec([], tf.float32), *numbers_of_truncation()]


def _token_nll_shard(generator: Generator, tokens: Any, temperature: Any, *truncation: Any) -> Any:
    """−log G of every token of this replica's rows, float32 `[b, T]`; 0 where none counts."""
    outputs, _ = generator.unroll(tokens)
    outputs, targets = tf.reshape(outputs, [-1, outputs.shape[-1]]), tf.reshape(tokens, [-1])
    counted = tf.reshape(generator.vocabulary.mask(tokens) & generator.uncertain(tokens), [-1])
    projection = generator.output_projection(temperature, generator.unk_mask)
    if truncation:
        losses = _truncated_nll(outputs, projection, targets, counted, truncation)
    else:
        losses = softmax.token_nll(outputs, projection, targets, counted)
    return tf.reshape(losses, tf.shape(tokens))


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
    def share(tokens: Any, *how: Any) -> Any:
        losses = _token_nll_shard(generator, replicas.shard(tokens), *how)
        return replicas.all_gather(tf.reduce_sum(losses, axis=1))

    return replicas.replicated(share, *args)


@compiled_for(_numbers_of_nll)
def _token_nll(generator: Generator, *args: Any) -> Any:
    def share(tokens: Any, *how: Any) -> Any:
        return replicas.all_gather(_token_nll_shard(generator, replicas.shard(tokens), *how))

    return replicas.replicated(share, *args)


def _by_chunks(nll: Callable[..., Any], generator: Generator, tokens: np.ndarray, sampling: Sampling) -> list[np.ndarray]:
    # Several tables of outputs and gates are alive at once; the logits have chunks of their own.
    rows = max(16, min(1024, LOGITS_AT_ONCE // (8 * tokens.shape[1] * generator.settings.hidden_dim))) * replicas.number()
    named = replace(sampling, allow_unknown=False)
    truncation = named.tensors(generator.vocabulary) if sampling.truncated else ()
    chunks = [tokens[i : i + rows] for i in range(0, len(tokens), rows)]
    return [nll(generator, chunk, sampling.temperature, *truncation).numpy() for chunk in chunks]


def sequence_nll(generator: Generator, tokens: np.ndarray, sampling: Sampling = PLAIN) -> np.ndarray:
    """−log G(Y) of whole sequences in nats: float32 `[n]` for int32 `[n, T]`; a certain `<eos>` and `<pad>` add nothing.

    G is the distribution that `sample` draws from without `<unk>`: ∞ for a sequence with a token that truncation leaves out.
    The sum is over the positions that `vocabulary.mask` counts: an `<unk>` is read, and adds nothing.
    """
    parts = _by_chunks(_nll, generator, tokens, sampling)
    return np.concatenate(parts) if parts else np.zeros(0, np.float32)


def token_nll(generator: Generator, tokens: np.ndarray, sampling: Sampling = PLAIN) -> np.ndarray:
    """The terms of `sequence_nll`: float32 `[n, T]` for int32 `[n, T]`, 0 at the positions that do not count."""
    parts = _by_chunks(_token_nll, generator, tokens, sampling)
    return np.concatenate(parts) if parts else np.zeros(tokens.shape, np.float32)
