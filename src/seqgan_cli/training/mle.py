"""`pretrain-g`: maximum likelihood by teacher forcing (Algorithm 1, line 2)."""

from typing import Any

import numpy as np
import tensorflow as tf

from seqgan_cli.config import Settings
from seqgan_cli.console import Console
from seqgan_cli.corpora.corpus import Corpus
from seqgan_cli.evaluation import curve_scores
from seqgan_cli.metrics.diversity import distinct_share
from seqgan_cli.models.generator import Generator
from seqgan_cli.randomness import key, rng
from seqgan_cli.run import named
from seqgan_cli.training.optimizers import OPTIMIZERS, Adam, RMSprop, consecutive, descend, groups
from seqgan_cli.training.stage import Stage, Tick, batches_of


def likelihood_loss(generator: Generator, tokens: Any, dropout: float = 0.0, dropout_key: Any = None) -> Any:
    """Mean −log G(y_t | Y₁:t-1) over the positions that count, for int32 `[B, T]`; differentiable in the weights."""
    mask = tf.cast(generator.vocabulary.mask(tokens), tf.float32)
    return generator.weighted_nll(tokens, mask / tf.reduce_sum(mask), dropout=dropout, key=dropout_key)


class LikelihoodTraining(Stage):
    """Epochs over the training set, in an order keyed by the epoch."""

    name = "pretrain-g"
    unit = "epoch"
    target_option = "--epochs"
    shown = ("nll_train", "nll_oracle", "nll_test")
    monitor = "nll_test"

    def __init__(self, settings: Settings, corpus: Corpus, oracle: Generator | None, console: Console) -> None:
        super().__init__(settings, corpus)
        own = settings.pretrain_g
        self.oracle = oracle
        self.generator = Generator(corpus.vocabulary, corpus.sequence_length, settings.generator)
        self.generator.initialise(rng(settings.seed, "generator"))
        self.optimizer: Adam | RMSprop = OPTIMIZERS[own.optimizer](self.generator.trainable_variables, own.learning_rate)
        self.batch_size = batches_of(len(corpus.train), own.batch_size, console, self.name)
        self.num_batches = len(corpus.train) // self.batch_size
        self.target, self.work = own.epochs, float(self.num_batches)
        self.patience = own.patience * own.eval_every

    def variables(self) -> dict[str, Any]:
        slots = {f"g_optimizer/{name}": v for name, v in self.optimizer.variables().items()}
        return {**named("generator", self.generator), **slots}

    def variety(self, start: dict[str, float]) -> dict[str, float]:
        # The untrained generator's entropy is no mark to hold: learning is losing most of it.
        return {"distinct_share": distinct_share(self.corpus.train[: self.settings.evaluation.samples])}

    @property
    def steps(self) -> int:
        return int(self.optimizer.count.numpy())

    @tf.function(reduce_retracing=True)
    def _step(self, tokens: Any, dropout_key: Any) -> Any:
        own = self.settings.pretrain_g
        with tf.GradientTape() as tape:
            loss = likelihood_loss(self.generator, tokens, own.dropout, dropout_key)
        descend(self.optimizer, tape, loss, own.clip_norm)
        return loss

    @tf.function(reduce_retracing=True)
    def _steps(self, tokens: Any, dropout_keys: Any) -> Any:
        return consecutive(self._step, tokens, dropout_keys)

    def scores(self, position: int) -> dict[str, float]:
        sample_key = key(self.settings.seed, self.name, "scores", position)
        return curve_scores(self.generator, self.corpus, self.oracle, self.settings.evaluation.samples, sample_key)

    def epoch(self, position: int, tick: Tick) -> list[float]:
        """One pass over the training set, in the order of that epoch: the loss of every step."""
        seed, train = self.settings.seed, self.corpus.train
        order = rng(seed, self.name, "order", position).permutation(len(train))
        losses: list[float] = []
        # What does not fill a batch waits for another epoch's order.
        for steps in groups(self.num_batches):
            rows = order[steps.start * self.batch_size : steps.stop * self.batch_size].reshape(len(steps), self.batch_size)
            dropout_keys = np.stack([key(seed, self.name, "dropout", position, i) for i in steps])
            losses.extend(self._steps(train[rows], dropout_keys).numpy().tolist())
            tick(float(len(steps)))
        return losses

    def advance(self, position: int, tick: Tick) -> dict[str, float]:
        own = self.settings.pretrain_g
        losses = self.epoch(position, tick)
        scored = position % own.eval_every == 0 or position >= own.epochs
        return {"nll_train": float(np.mean(losses)), "loss": losses[-1], **(self.scores(position) if scored else {})}
