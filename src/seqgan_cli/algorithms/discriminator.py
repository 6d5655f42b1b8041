"""`pretrain-d`, and the discriminator's part of a round: real against generated sequences (Algorithm 1, lines 4, 5, 14-17)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seqgan_cli.config import registry
from seqgan_cli.config.settings import Settings
from seqgan_cli.console import Console
from seqgan_cli.data.corpus import Corpus, tell_of_positives
from seqgan_cli.data.starts import DISCRIMINATOR
from seqgan_cli.errors import SeqganError
from seqgan_cli.evaluation.logits import logits
from seqgan_cli.evaluation.metrics.knowledge import Knowledge, Scored, cross_fitted
from seqgan_cli.lazy import compiled, np, tf
from seqgan_cli.randomness import key, rng
from seqgan_cli.runs.checkpoints import named
from seqgan_cli.sampling.continuation import sample_beside
from seqgan_cli.sampling.likelihood import sequence_nll
from seqgan_cli.sampling.sequences import sample
from seqgan_cli.training.distribution import replicas
from seqgan_cli.training.optimizers import Adam, apply_gradients, check_finite, groups, run_steps
from seqgan_cli.training.stage import Stage, Tick, batches_of

if TYPE_CHECKING:
    from seqgan_cli.models.discriminator import Discriminator
    from seqgan_cli.models.generator import Generator

# Work of training on a sequence against that of scoring one: forward, and twice that backward.
TRAINING_WORK = 3.0
D_HELD_OUT = ("d_accuracy_validation", "d_accuracy_test")  # the second in runs without a validation part


def discriminator_loss(discriminator: Discriminator, tokens: Any, labels: Any, key: Any = None) -> Any:
    """What a step lowers, for int32 `[B, T]` and labels float32 `[B]` (1 real, 0 generated): a scalar.

    Cross entropy (Eq. 5) or Wasserstein's difference, of sequences or with `prefixes` of all their prefixes; plus the L2 of the
    output layer and the gradient penalty. L2 has a quarter of the released program's weight: its ½·λ·‖·‖² on two softmax
    columns is ¼·λ·‖w‖² on their difference. `key`: int32 `[2]` for dropout and the penalty's draws, or None.

    In one of several replicas, the part of all that its own rows are.
    """
    cfg = discriminator.settings
    dropout_key = None if key is None else replicas.replica_key(key)
    if cfg.prefixes:
        # The last position counts always: what whole sequences are judged by has to be taught too.
        last = tf.range(tf.shape(tokens)[1]) == discriminator.sequence_length - 1
        counted = tf.cast(discriminator.vocabulary.mask(tokens) | last, tf.float32)
        truth = tf.broadcast_to(labels[:, None], tf.shape(tokens))
        logits = discriminator.prefix_logits(replicas.shard(tokens), dropout_key)
    else:
        counted, truth = tf.ones_like(labels), labels
        logits = discriminator(replicas.shard(tokens), dropout_key=dropout_key)
    if cfg.loss == "wasserstein":  # Arjovsky et al. 2017: the mean logit of generated sequences less that of real ones
        weights = _shares(counted * (1.0 - truth)) - _shares(counted * truth)
        data_loss = tf.reduce_sum(replicas.shard(weights) * logits)
    else:
        target = replicas.shard(truth) * (1.0 - cfg.label_smoothing)
        losses = tf.nn.sigmoid_cross_entropy_with_logits(target, logits)
        data_loss = tf.reduce_sum(replicas.shard(counted) * losses) / tf.reduce_sum(counted)
    total = data_loss + 0.25 * cfg.l2 * tf.reduce_sum(tf.square(discriminator.output_kernel)) / replicas.number()
    if cfg.gradient_penalty and key is not None:
        penalty_key = tf.random.experimental.stateless_fold_in(key, 1)
        total += cfg.gradient_penalty * gradient_penalty(discriminator, tokens, labels, penalty_key)
    return total


def _shares(counted: Any) -> Any:
    """Weights that add up to 1, or to 0 where nothing counts."""
    return tf.math.divide_no_nan(counted, tf.reduce_sum(counted))


def gradient_penalty(discriminator: Discriminator, tokens: Any, labels: Any, key: Any) -> Any:
    """Mean (‖∇D‖ − 1)² at points between real and generated sequences, as embedded (Gulrajani et al. 2017, Eq. 3).

    Real ones are paired with generated ones in the order of the batch; what is left over, with its own kind. With `prefixes` it
    is the slope of a prefix, drawn for each pair.

    In one of several replicas, the part of that mean that its own pairs are.
    """
    by_label = tf.argsort(labels, stable=True)
    half = tf.shape(tokens)[0] // 2
    ends = [discriminator.embed(tf.gather(tokens, replicas.shard(rows))) for rows in (by_label[:half], by_label[-half:])]
    share = replicas.shard(tf.random.stateless_uniform([half, 1, 1], key))
    between = share * ends[0] + (1.0 - share) * ends[1]
    with tf.GradientTape() as tape:
        tape.watch(between)
        if discriminator.settings.prefixes:
            length_key = tf.random.experimental.stateless_fold_in(key, 1)
            lengths = tf.random.stateless_uniform([half], length_key, maxval=discriminator.sequence_length, dtype=tf.int32)
            logits = discriminator.logit(discriminator.prefix_features(between))
            logits = tf.gather(logits, replicas.shard(lengths), batch_dims=1)
        else:
            logits = discriminator.logit(discriminator.features(between))
    slopes = tf.sqrt(tf.reduce_sum(tf.square(tape.gradient(logits, between)), axis=[1, 2]) + 1e-12)
    return tf.reduce_sum(tf.square(slopes - 1.0)) / tf.cast(half, tf.float32)


class DiscriminatorTrainer:
    """The discriminator, its optimizer, and a d-step: fresh negatives, then k epochs on both kinds."""

    def __init__(
        self,
        settings: Settings,
        corpus: Corpus,
        oracle: Generator | None,
        console: Console,
        learning_rate: float,
        num: int,
        k: int,
        what: str,
    ) -> None:
        self.settings, self.corpus, self.oracle, self.k, self.what = settings, corpus, oracle, k, what
        from seqgan_cli.models.discriminator import Discriminator

        section = settings.of(registry.discriminators)
        self.discriminator = Discriminator(corpus.vocabulary, corpus.sequence_length, section)
        self.discriminator.initialise(rng(settings.seed, "discriminator"))
        if start := corpus.starts.get(DISCRIMINATOR):
            self.discriminator.embedding.assign(start.put_into(self.discriminator.embedding.numpy()))
        self.optimizer = Adam(self.discriminator.trainable_variables, learning_rate)
        tell_of_positives(corpus, console)
        stops = [name for name in ("stop", "stop_nats") if getattr(settings.discriminator, name)]
        if stops and not corpus.vocabulary.has_no_unk(corpus.validation).any():
            raise SeqganError(
                f"discriminator.{stops[0].replace('_', '-')} needs held-out sequences that a generator can say, and all hold "
                "<unk>: leave it out."
            )
        # Positives, and negatives, of a d-step.
        self.num = min(num or corpus.positives.usual_draw, len(corpus.positives))
        self.batch_size = batches_of(2 * self.num, settings.discriminator.batch_size, console, "discriminator")
        self.num_batches = 2 * self.num // self.batch_size
        self.work = TRAINING_WORK * k * self.num_batches * self.batch_size

    def variables(self) -> dict[str, Any]:
        slots = {f"d_optimizer/{name}": v for name, v in self.optimizer.variables().items()}
        return {**named("discriminator", self.discriminator), **slots}

    def _step(self, tokens: Any, labels: Any, dropout_key: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = discriminator_loss(self.discriminator, tokens, labels, dropout_key)
        return apply_gradients(self.optimizer, tape, loss, weight_decay=self.settings.discriminator.weight_decay)

    @compiled
    def _steps(self, tokens: Any, labels: Any, dropout_keys: Any) -> Any:
        return run_steps(self._step, tokens, labels, dropout_keys)

    def d_step(self, generator: Generator, position: int, tick: Tick, part: int = 0) -> float | None:
        """Draw negatives from the generator, as many as positives, and train k epochs on both. Returns the mean loss.

        None, and nothing done, if it is good enough to rest (`discriminator.stop` and `stop-nats`). Every draw is keyed by the
        unit `position` of the stage and the `part` of it.
        """
        seed = self.settings.seed
        address = (self.what, "d-step", position, part)
        if self.what == "adversarial":
            where, setting = f"{self.what}, round {position}, d-step {part + 1}", "adversarial.d-learning-rate"
        else:
            where, setting = f"{self.what}, d-step {position}", "pretrain-d.learning-rate"
        if self._rests(generator, key(seed, *address, "rest")):
            tick(self.work)
            return None
        positives = self.corpus.positives.draw(self.num, seed, *address, "positives")
        negatives = sample(generator, self.num, key(seed, *address, "negatives"))
        tokens = np.concatenate([positives, negatives])
        labels = np.repeat(np.array([1.0, 0.0], np.float32), self.num)
        losses: list[float] = []
        for epoch in range(self.k):
            order = rng(seed, *address, "order", epoch).permutation(len(tokens))
            for steps in groups(self.num_batches):
                chosen = order[steps.start * self.batch_size : steps.stop * self.batch_size].reshape(
                    len(steps), self.batch_size
                )
                dropout_keys = np.stack([key(seed, *address, "dropout", epoch, i) for i in steps])
                latest = self._steps(tokens[chosen], labels[chosen], dropout_keys).numpy().tolist()
                check_finite(latest, where, len(losses), setting, self.optimizer.learning_rate)
                losses.extend(latest)
                tick(TRAINING_WORK * self.batch_size * len(steps))
        return float(np.mean(losses))

    def scores(self, generator: Generator, position: int) -> dict[str, float]:
        """Accuracy on training and held-out real sequences and on fresh samples, and what the reward is worth.

        Real sequences are those without `<unk>`, since samples hold none; where no held-out one is left, its accuracy is not
        measured.

        d_accuracy_*: share on the right side of ½, or for a critic, which knows no ½, of the middle between the mean of the
        training sequences and that of the samples. d_knows: of KL(p‖G) what the logit shows on held-out sequences and samples,
        nats a sequence, cross-fitted, with the logit weighed by d_scale; not measured of a critic, whose value is no logit, nor
        with fewer than two documents or four samples. reward_oracle_correlation (synthetic): Spearman's rank correlation over
        the samples between D(Y) and log G_oracle(Y): 1 if the reward ranks as the truth does, 0 if it knows nothing.
        """
        samples, real, documents = self._held_out(generator, key(self.settings.seed, self.what, "scores", position))
        train = self.corpus.train_sample(self.settings.evaluation.samples, without_unk=True)
        found = [logits(self.discriminator, each) for each in (samples, train, real)]
        fake, on_train, held_out = (self._scores(each) for each in found)
        middle = self._middle(on_train, fake)
        measured = {"d_accuracy_train": float((on_train > middle).mean())}
        if len(held_out):
            measured[f"d_accuracy_{self.corpus.choosing}"] = float((held_out > middle).mean())
        measured["d_accuracy_fake"] = float((fake <= middle).mean())
        if known := self._knowledge(found[2], found[0], documents):
            measured |= {"d_knows": known.value, "d_scale": known.a}
        if self.oracle is not None:
            measured["reward_oracle_correlation"] = spearman(fake, -sequence_nll(self.oracle, samples))
        return measured

    def _held_out(self, generator: Generator, sample_key: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Fresh samples int32 `[n, T]`, held-out real sequences without `<unk>` int32 `[m, T]`, and their documents."""
        num, part = self.settings.evaluation.samples, self.corpus.held_out[self.corpus.choosing]
        known = np.flatnonzero(self.corpus.vocabulary.has_no_unk(part.tokens))[:num]
        real = part.tokens[known]
        samples = sample_beside(generator, real if len(real) else self.corpus.validation, num, sample_key)
        return samples, real, part.documents[known]

    def _knowledge(self, real: np.ndarray, fake: np.ndarray, documents: np.ndarray) -> Knowledge | None:
        """What logits float32 `[m]` of real sequences and `[n]` of samples show; None where that is not measured."""
        if self.settings.discriminator.loss == "wasserstein" or len(set(documents.tolist())) < 2 or len(fake) < 4:
            return None
        return cross_fitted(Scored(real.astype(np.float64), fake.astype(np.float64), documents))

    def _scores(self, logits: np.ndarray) -> np.ndarray:
        """D of logits float32 `[n]`."""
        return np.asarray(self.discriminator.reward_from_logits(logits))

    def _middle(self, real: np.ndarray, fake: np.ndarray) -> float:
        return float((real.mean() + fake.mean()) / 2) if self.settings.discriminator.loss == "wasserstein" else 0.5

    def _rests(self, generator: Generator, sample_key: np.ndarray) -> bool:
        """Whether it tells held-out real sequences and as many fresh samples apart so well, or knows so much, that it rests."""
        cfg = self.settings.discriminator
        if not (cfg.stop or cfg.stop_nats):
            return False
        samples, held_out, documents = self._held_out(generator, sample_key)
        of_real, of_fake = (logits(self.discriminator, each) for each in (held_out, samples))
        if cfg.stop_nats and (known := self._knowledge(of_real, of_fake, documents)) and known.value > cfg.stop_nats:
            return True
        real, fake = self._scores(of_real), self._scores(of_fake)
        middle = self._middle(real, fake)
        return bool(cfg.stop) and float((real > middle).mean() + (fake <= middle).mean()) / 2 > cfg.stop


def spearman(x: np.ndarray, y: np.ndarray) -> float:
    """Rank correlation of two float `[n]`; 0 where one of them is constant, since it then ranks nothing."""
    from scipy.stats import spearmanr

    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return 0.0
    return float(spearmanr(x, y).statistic)


class DiscriminatorPretraining(Stage):
    """d-steps against the pre-trained generator, which stands still."""

    name = "pretrain-d"
    unit = "d-step"
    target_option = "--d-steps"
    shown = ("d_loss", *D_HELD_OUT, "d_accuracy_fake", "d_knows", "reward_oracle_correlation")
    step_sizes = ("pretrain-d.learning-rate",)
    meets_anew = True

    def __init__(
        self, settings: Settings, corpus: Corpus, oracle: Generator | None, generator: Generator, console: Console
    ) -> None:
        super().__init__(settings, corpus)
        cfg = settings.pretrain_d
        self.generator = generator
        self.trainer = DiscriminatorTrainer(
            settings, corpus, oracle, console, cfg.learning_rate, cfg.d_samples, cfg.k, self.name
        )
        self.target, self.work = cfg.d_steps, self.trainer.work

    def variables(self) -> dict[str, Any]:
        return self.trainer.variables()

    @property
    def steps(self) -> int:
        return int(self.trainer.optimizer.count.numpy())

    def scores(self, position: int) -> dict[str, float]:
        return self.trainer.scores(self.generator, position)

    def advance(self, position: int, tick: Tick) -> dict[str, float]:
        loss = self.trainer.d_step(self.generator, position, tick)
        return {**({} if loss is None else {"d_loss": loss}), **self.scores(position)}
