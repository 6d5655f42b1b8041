"""What a discriminator says of many sequences, a block of them at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seqgan_cli.lazy import compiled_for, np, tf
from seqgan_cli.training.distribution import replicas

if TYPE_CHECKING:
    from seqgan_cli.models.discriminator import Discriminator


@compiled_for(lambda: [tf.TensorSpec([None, None], tf.int32)])
def _logits(discriminator: Discriminator, tokens: Any) -> Any:
    return replicas.replicated(lambda tokens: replicas.all_gather(discriminator(replicas.shard(tokens))), tokens)


def logits(discriminator: Discriminator, tokens: np.ndarray, rows: int = 2048) -> np.ndarray:
    """Logit of being real, or a critic's value, dropout off: float32 `[n]` for int32 `[n, T]`."""
    rows *= replicas.number()
    parts = [_logits(discriminator, tokens[i : i + rows]).numpy() for i in range(0, len(tokens), rows)]
    return np.concatenate([np.zeros(0, np.float32), *parts])  # of no sequences too


def scores(discriminator: Discriminator, tokens: np.ndarray, rows: int = 2048) -> np.ndarray:
    """D(Y), dropout off: float32 `[n]` for int32 `[n, T]`."""
    return np.asarray(discriminator.reward_from_logits(logits(discriminator, tokens, rows)))
