"""An algorithm without policy gradient: maximum likelihood on the best samples of a batch (the cross-entropy method)."""

from dataclasses import dataclass
from typing import Any

from seqgan_cli.algorithms.base import Algorithm, GStep
from seqgan_cli.algorithms.mle import likelihood_loss
from seqgan_cli.config.schema import section, setting
from seqgan_cli.lazy import compiled, tf
from seqgan_cli.randomness import key
from seqgan_cli.sampling.sequences import sample_batch
from seqgan_cli.training.optimizers import Adam, apply_gradients, check_finite


@section("elite", "adversarial")
@dataclass(frozen=True)
class EliteSettings:
    share: float = setting(0.25, "share of a batch that is learned from", above=0, at_most=1)
    batch_size: int = setting(32, "sequences a g-step", at_least=2)
    learning_rate: float = setting(0.01, "step size", above=0)


class Elite(Algorithm):
    """Rubinstein (1999)."""

    name = "elite"
    meaning = "likelihood of the best samples"
    Section = EliteSettings
    step_sizes = ("elite.learning-rate",)

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.cfg = self.settings[EliteSettings]
        self.optimizer = Adam(self.generator.trainable_variables, self.cfg.learning_rate)
        self.chosen = max(1, round(self.cfg.share * self.cfg.batch_size))

    @compiled
    def _step(self, sample_key: Any) -> tuple[Any, Any, Any]:
        tokens = sample_batch(self.generator, self.cfg.batch_size, sample_key)
        rewards = self.reward(tokens, sample_key)
        with tf.GradientTape() as tape:
            loss = likelihood_loss(self.generator, tf.gather(tokens, tf.math.top_k(rewards, self.chosen).indices))
        return apply_gradients(self.optimizer, tape, loss, 5.0), tokens, rewards

    def g_step(self, position: int, part: int) -> GStep:
        loss, tokens, rewards = (each.numpy() for each in self._step(key(self.settings.seed, "elite", position, part)))
        check_finite([float(loss)], f"round {position}", part, "elite.learning-rate", self.cfg.learning_rate)
        mask = self.corpus.vocabulary.mask(tokens)
        return GStep(float(loss), rewards[:, None].repeat(tokens.shape[1], axis=1), mask)

    def variables(self) -> dict[str, Any]:
        return {f"g_optimizer/{name}": variable for name, variable in self.optimizer.variables().items()}

    @property
    def steps(self) -> int:
        return int(self.optimizer.count.numpy())

    @property
    def work(self) -> float:
        return float(self.cfg.batch_size)
