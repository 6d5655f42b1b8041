"""`pretrain-g`: maximum likelihood by teacher forcing (Algorithm 1, line 2)."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from seqgan_cli.config import registry
from seqgan_cli.config.settings import Settings
from seqgan_cli.console import Console
from seqgan_cli.data.corpus import Corpus
from seqgan_cli.data.starts import GENERATOR
from seqgan_cli.data.vocabulary import START
from seqgan_cli.evaluation.generators import curve_scores
from seqgan_cli.evaluation.metrics.diversity import collapse_threshold, expected_distinct
from seqgan_cli.evaluation.real import RealScores
from seqgan_cli.lazy import compiled, np, tf
from seqgan_cli.randomness import key, rng
from seqgan_cli.runs.checkpoints import named
from seqgan_cli.sampling.draws import draw_tokens
from seqgan_cli.training.distribution import replicas
from seqgan_cli.training.optimizers import OPTIMIZERS, Adam, RMSprop, apply_gradients, check_finite, groups, run_steps
from seqgan_cli.training.stage import REAL, Stage, Tick, batches_of, examples_of

if TYPE_CHECKING:
    from seqgan_cli.models.generator import Generator

LOWERED_BY = 3  # what the step size is divided by on a plateau


def likelihood_loss(
    generator: Generator, tokens: Any, dropout: float = 0.0, dropout_key: Any = None, inputs: Any = None
) -> Any:
    """Mean −log of the model at every token up to `<eos>`, for int32 `[B, T]`; differentiable in the weights.

    `<unk>` is taught like any token, so that `sample --allow-unk` knows where it stands; no score counts it.

    In one of several replicas, the part of that mean that its own rows are, and `inputs` has those rows alone.

    `inputs`: int32 `[B, T]`, what the generator reads instead of `tokens` (scheduled sampling).
    """
    return likelihood_loss_and_score(generator, tokens, dropout, dropout_key, inputs)[0]


def likelihood_loss_and_score(
    generator: Generator, tokens: Any, dropout: float = 0.0, dropout_key: Any = None, inputs: Any = None
) -> tuple[Any, Any]:
    """`likelihood_loss`, and of the same pass the mean −log of the policy over the tokens that scores count."""
    tokens, vocabulary = replicas.shard(tokens), generator.vocabulary
    inside, counted = (tf.cast(mask(tokens), tf.float32) for mask in (vocabulary.inside, vocabulary.mask))
    number, scored = replicas.all_reduce_sum((tf.reduce_sum(inside), tf.reduce_sum(counted)))
    weights = inside / number
    loss, score = generator.weighted_nll_and_score(tokens, weights, dropout, dropout_key, inputs)
    return loss, score * tf.math.divide_no_nan(number, scored)


def teacher_forcing_prob(schedule: str, decay: float, epoch: int) -> float:
    """ε in that epoch (from 1): the probability that the generator reads the true token (Bengio et al. 2015, §2.4).

    There ε falls with every minibatch, here with every epoch, and linear has no floor but 0. With e = epoch − 1 and d = decay:
    none 1; linear max(0, 1 − d·e); exponential (1 − d)^e; sigmoid k / (k + exp(e / k)) where k = 1 / (10·d), but at least 1.
    The sigmoid's ½ is at e = k·ln k: before the linear one's for d ≥ 0.0007, and for d ≥ 0.1 it starts there.
    """
    e = epoch - 1
    if schedule == "linear":
        return max(0.0, 1.0 - decay * e)
    if schedule == "exponential":
        return (1.0 - decay) ** e
    if schedule == "sigmoid":
        k = max(1.0, 1.0 / (10.0 * decay))
        return 1.0 / (1.0 + math.exp(min(700.0, e / k)) / k)
    return 1.0


def scheduled_sampling_inputs(generator: Generator, tokens: Any, teacher_forcing_prob: Any, sampling_key: Any) -> Any:
    """What the generator reads under scheduled sampling (Bengio et al. 2015, §2.4); no gradient flows through it.

    Position by position a coin decides, for each sequence by itself, between the true token and one that the generator draws
    after what it has read so far. After an `<eos>` of the generator's own it reads on, as the true sequence does.

    Args:
        tokens: int32 `[B, T]`, the true sequences.
        teacher_forcing_prob: float32 scalar ε, the probability of the true token.
        sampling_key: int32 `[2]`.

    Returns:
        int32 `[B, T]`. The last column is never read and stays true.
    """
    length, columns = tf.shape(tokens)[1], tf.transpose(tokens)
    coins, draws = tf.unstack(tf.random.experimental.stateless_split(sampling_key, 2))
    keep = tf.random.stateless_uniform(tf.shape(columns), coins) < teacher_forcing_prob
    if generator.vocabulary.separator is not None:  # a source is given
        keep |= tf.transpose(generator.vocabulary.given(tokens))

    def advance(t: Any, last: Any, state: list, inputs: Any) -> tuple:
        output, state = generator.step(last, state)
        drawn = draw_tokens(generator.policy_logits(output), tf.random.experimental.stateless_fold_in(draws, t))
        chosen = tf.where(keep[t], columns[t], drawn)
        return t + 1, chosen, state, inputs.write(t, chosen)

    start = tf.fill([tf.shape(tokens)[0]], START)
    state = generator.cell.get_initial_state(batch_size=tf.shape(tokens)[0])
    inputs = tf.TensorArray(tf.int32, size=length, element_shape=[None])
    *_, inputs = tf.while_loop(lambda t, *_: t < length - 1, advance, (0, start, state, inputs))
    return tf.stop_gradient(tf.transpose(inputs.write(length - 1, columns[-1]).stack()))


def untrained_generator(settings: Settings, corpus: Corpus) -> Generator:
    """The generator before any training: weights ~ N(0, 0.1²) from the seed, and of words with a vector these."""
    from seqgan_cli.models.generator import make_generator

    generator = make_generator(corpus.vocabulary, corpus.sequence_length, settings.of(registry.generators))
    generator.initialise(rng(settings.seed, "generator"))
    if start := corpus.starts.get(GENERATOR):
        table = generator.embedding.embeddings
        table.assign(start.put_into(table.numpy()))
    generator.give_sources(corpus.without_unk(corpus.train))
    return generator


class LikelihoodTraining(Stage):
    """Epochs, each in an order of its own."""

    name = "pretrain-g"
    unit = "epoch"
    target_option = "--epochs"
    shown = ("nll_train", "nll_oracle", "nll_validation", "nll_test", *REAL)
    step_sizes = ("pretrain-g.learning-rate",)

    def __init__(
        self,
        settings: Settings,
        corpus: Corpus,
        oracle: Generator | None,
        console: Console,
        scored: Collection[int] | None = None,
    ) -> None:
        super().__init__(settings, corpus)
        cfg, self.scored = settings.pretrain_g, scored
        self.oracle, self.real = oracle, None if oracle else RealScores(corpus, settings, corpus.validation)
        self.generator = untrained_generator(settings, corpus)
        # How often the step size was lowered, and after which epoch last; the step size itself follows from these.
        self.lowered, self.lowered_at = (tf.Variable(0, dtype=tf.int64, trainable=False) for _ in range(2))
        self.step_size: Any = tf.Variable(cfg.learning_rate, trainable=False) if cfg.plateau else cfg.learning_rate
        self.optimizer: Adam | RMSprop = OPTIMIZERS[cfg.optimizer](self.generator.trainable_variables, self.step_size)
        self.batch_size = batches_of(corpus.sequences.largest_batch, cfg.batch_size, console, self.name)
        self.num_batches = cfg.steps_per_epoch or corpus.sequences.steps_of_epoch(self.batch_size)
        self.target, self.work = cfg.epochs, float(self.num_batches)

    def examples(self) -> list[str]:
        return examples_of(self.generator, self.settings, self.corpus)

    def variables(self) -> dict[str, Any]:
        slots = {f"g_optimizer/{name}": v for name, v in self.optimizer.variables().items()}
        plateau = {"plateau/lowered": self.lowered, "plateau/lowered_at": self.lowered_at}
        return {**named("generator", self.generator), **slots, **(plateau if self.settings.pretrain_g.plateau else {})}

    def _settle_step_size(self, done: int) -> None:
        """A third of it once the best is that many scored epochs old, and again after as many more.

        As `ReduceLROnPlateau` of Keras and PyTorch. The best is that of the stage: of the validation part, and of these data.
        """
        cfg = self.settings.pretrain_g
        if done - max(self.best_position, int(self.lowered_at.numpy())) >= cfg.plateau * cfg.eval_every:
            self.lowered.assign_add(1)
            self.lowered_at.assign(done)
        self.step_size.assign(cfg.learning_rate / LOWERED_BY ** int(self.lowered.numpy()))

    def remark(self) -> str:
        return f"step size {float(self.step_size.numpy()):.3g}" if int(self.lowered.numpy()) else ""

    def variety(self, start: dict[str, float]) -> dict[str, float]:
        # The untrained generator's entropy is no mark to hold: learning is losing most of it. Few lines come again among many
        # samples, however well they are learned: as many draws from the data are the mark.
        num, train = self.settings.evaluation.samples, self.corpus.train
        draws, _ = expected_distinct(*self.corpus.vocabulary.for_counting(train), num)
        lowest = collapse_threshold(draws.number, num, once=draws.once)
        return {"distinct_share": draws.number / num, "least_distinct_share": lowest / num}

    @property
    def steps(self) -> int:
        return int(self.optimizer.count.numpy())

    def _step(self, tokens: Any, dropout_key: Any, share: Any, sampling_key: Any) -> Any:
        cfg, inputs = self.settings.pretrain_g, None
        if cfg.scheduled_sampling != "none":
            drawn = replicas.shard(tokens), share, replicas.replica_key(sampling_key)
            inputs = scheduled_sampling_inputs(self.generator, *drawn)
        with tf.GradientTape() as tape:
            loss, score = likelihood_loss_and_score(
                self.generator, tokens, cfg.dropout, replicas.replica_key(dropout_key), inputs
            )
        loss = apply_gradients(self.optimizer, tape, loss, cfg.clip_norm, cfg.weight_decay)
        return tf.stack([loss, replicas.all_reduce_sum(score)])

    @compiled
    def _steps(self, tokens: Any, dropout_keys: Any, shares: Any, sampling_keys: Any) -> Any:
        return run_steps(self._step, tokens, dropout_keys, shares, sampling_keys)

    def scores(self, position: int) -> dict[str, float]:
        sample_key = key(self.settings.seed, self.name, "scores", position)
        num = self.settings.evaluation.samples
        return curve_scores(self.generator, self.corpus, self.oracle, self.real, num, sample_key)

    def epoch(self, position: int, tick: Tick) -> tuple[list[float], list[float]]:
        """An epoch's steps, a pass over the training set unless it is told otherwise: the loss and the score of every step."""
        seed, first = self.settings.seed, (position - 1) * self.num_batches
        losses: list[float] = []
        scores: list[float] = []
        cfg = self.settings.pretrain_g
        share = teacher_forcing_prob(cfg.scheduled_sampling, cfg.sampling_decay, position)
        for steps in groups(self.num_batches):
            tokens = self.corpus.sequences.batches(first + steps.start, len(steps), self.batch_size, seed, self.name)
            dropout_keys = np.stack([key(seed, self.name, "dropout", position, i) for i in steps])
            sampling_keys = np.stack([key(seed, self.name, "scheduled-sampling", position, i) for i in steps])
            shares = np.full(len(steps), share, np.float32)
            latest, scored = self._steps(tokens, dropout_keys, shares, sampling_keys).numpy().T.tolist()
            check_finite(latest, f"{self.name}, epoch {position}", len(losses), "pretrain-g.learning-rate", cfg.learning_rate)
            losses.extend(latest)
            scores.extend(scored)
            tick(float(len(steps)))
        return losses, scores

    def advance(self, position: int, tick: Tick) -> dict[str, float]:
        cfg = self.settings.pretrain_g
        if cfg.plateau:
            self._settle_step_size(position - 1)
        losses, scores = self.epoch(position, tick)
        if self.scored is None:
            scored = position % cfg.eval_every == 0 or position >= cfg.epochs
        else:
            scored = position in self.scored
        measured = {"nll_train": float(np.mean(scores)), "loss": losses[-1]}
        if cfg.scheduled_sampling != "none":
            measured["nll_given_own"] = measured.pop("nll_train")  # of the true tokens, after what was read in their stead
            measured["true_share"] = teacher_forcing_prob(cfg.scheduled_sampling, cfg.sampling_decay, position)
        return {**measured, **(self.scores(position) if scored else {})}
