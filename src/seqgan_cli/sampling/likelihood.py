"""How likely a generator finds sequences."""

from __future__ import annotations

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

    G is the distribution that `sample` draws from without `<unk>`: ∞ for a sequence with a token that truncation leaves out.
    The sum is over the positions that `vocabulary.mask` counts: an `<unk>` is read, and adds nothing.
    """
    rows = max(16, min(1024, LOGITS_AT_ONCE // (8 * tokens.shape[1] * generator.settings.hidden_dim))) * replicas.number()
    named = replace(sampling, allow_unknown=False)
    truncation = named.tensors(generator.vocabulary) if sampling.truncated else ()
    chunks = [tokens[i : i + rows] for i in range(0, len(tokens), rows)]
    parts = [_nll(generator, chunk, sampling.temperature, *truncation).numpy() for chunk in chunks]
    return np.concatenate(parts) if parts else np.zeros(0, np.float32)
