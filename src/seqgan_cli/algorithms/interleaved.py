"""Steps of maximum likelihood between those of a policy (Li et al. 2017, §3.2; Che et al. 2017, §4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seqgan_cli.algorithms.mle import likelihood_loss
from seqgan_cli.config.settings import Settings
from seqgan_cli.data.corpus import Corpus
from seqgan_cli.lazy import compiled, tf
from seqgan_cli.randomness import key
from seqgan_cli.training.distribution import replicas
from seqgan_cli.training.optimizers import Adam, apply_gradients, check_finite

if TYPE_CHECKING:
    from seqgan_cli.models.generator import Generator


class LikelihoodSteps:
    """Teacher forcing with the settings of `pretrain-g`, by an optimizer of its own: the two losses are of different scales.

    Args:
        step_size: the name of the setting that has it.
    """

    def __init__(self, settings: Settings, corpus: Corpus, generator: Generator, step_size: str) -> None:
        self.settings, self.corpus, self.generator, self.step_size = settings, corpus, generator, step_size
        self.optimizer = Adam(generator.trainable_variables, settings.values[step_size])

    def step(self, position: int, part: int) -> float:
        """One batch of true sequences, after g-step `part` of round `position`. Returns its loss.

        Raises SeqganError if it is not finite.
        """
        address, cfg = ("adversarial", "mle", position, part), self.settings.pretrain_g
        tokens = self.corpus.sequences.draw(cfg.batch_size, self.settings.seed, *address)
        loss = float(self.teach(tokens, key(self.settings.seed, *address, "dropout")).numpy())
        where = f"adversarial, round {position}, maximum likelihood"
        check_finite([loss], where, part, self.step_size, self.settings.values[self.step_size])
        return loss

    @compiled
    def teach(self, tokens: Any, dropout_key: Any) -> Any:
        """One step on the sequences int32 `[B, T]`, key int32 `[2]`. Returns its loss."""
        return replicas.replicated(self._shard_of_step, tokens, dropout_key)

    def _shard_of_step(self, tokens: Any, dropout_key: Any) -> Any:
        cfg = self.settings.pretrain_g
        with tf.GradientTape() as tape:
            loss = likelihood_loss(self.generator, tokens, cfg.dropout, replicas.replica_key(dropout_key))
        return apply_gradients(self.optimizer, tape, loss, cfg.clip_norm, cfg.weight_decay)

    def variables(self) -> dict[str, Any]:
        """Everything that changes, by the name it has in checkpoints."""
        return {f"mle_optimizer/{name}": variable for name, variable in self.optimizer.variables().items()}
