"""D_φ, the classifier of finished sequences: embedding → features of the component in `discriminators/` → dropout → logit.

Features are of whole sequences and of all their prefixes, so that losses, rewards and penalties are written once.
"""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from seqgan_cli.config import registry
from seqgan_cli.config.sections import DiscriminatorSettings
from seqgan_cli.data.vocabulary import Vocabulary
from seqgan_cli.training.distribution import replicas


class Discriminator(keras.Model):
    """The probability that a sequence is real.

    Args:
        vocabulary: the tokens, and which positions of a sequence count.
        sequence_length: T.
        settings: kind, sizes, regularisation and loss.

    Weights start at zero: call `initialise` or restore them.
    """

    def __init__(
        self, vocabulary: Vocabulary, sequence_length: int, settings: DiscriminatorSettings, name: str = "discriminator"
    ) -> None:
        super().__init__(name=name)
        self.vocabulary, self.sequence_length, self.settings = vocabulary, sequence_length, settings
        self.embedding = self.weight("embedding", vocabulary.size, settings.embedding_dim)
        self.extractor = registry.discriminators[settings.kind](self, settings)
        self.num_features = self.extractor.num_features
        self.output_kernel = self.weight("output_kernel", self.num_features, 1)
        self.output_bias = self.weight("output_bias", 1)
        self.built = True

    def weight(self, name: str, *shape: int) -> Any:
        """A new weight of that shape, zero."""
        return self.add_weight(name=name, shape=shape, initializer="zeros")

    def initialise(self, rng: np.random.Generator) -> None:
        """The released program's start: embedding U(-1, 1), output N(0, 0.1²), its bias 0.1; the component's own between."""
        self.embedding.assign(rng.uniform(-1.0, 1.0, self.embedding.shape))
        self.extractor.initialise(rng)
        self.output_kernel.assign(rng.normal(0.0, 0.1, self.output_kernel.shape))
        self.output_bias.assign([0.1])

    def features(self, embedded: Any) -> Any:
        """float32 `[B, F]` of whole sequences, embedded as `[B, T, E]`."""
        return self.extractor.features(embedded)

    def prefix_features(self, embedded: Any) -> Any:
        """float32 `[B, T, F]` of every prefix of embedded sequences `[B, T, E]`."""
        return self.extractor.prefix_features(embedded)

    def embed(self, tokens: Any) -> Any:
        """float32 `[..., E]` of tokens `[...]`."""
        return tf.gather(tf.convert_to_tensor(self.embedding), tokens)

    def logit(self, features: Any, dropout_key: Any = None) -> Any:
        """float32 `[...]` of features `[..., F]`. Dropout only where a key int32 `[2]` is given: never in rewards."""
        if dropout_key is not None and self.settings.dropout:
            features = tf.nn.experimental.stateless_dropout(features, self.settings.dropout, seed=dropout_key)
        return (tf.matmul(features, self.output_kernel) + self.output_bias)[..., 0]

    def call(self, tokens: Any, dropout_key: Any = None) -> Any:
        """Logit float32 `[B]` of being real, for int32 `[B, T]`."""
        return self.logit(self.features(self.embed(tokens)), dropout_key)

    def prefix_logits(self, tokens: Any, dropout_key: Any = None) -> Any:
        """Logit float32 `[B, T]` of every prefix Y₁:t, for int32 `[B, T]`."""
        return self.logit(self.prefix_features(self.embed(tokens)), dropout_key)

    def score_continuations(
        self, tokens: Any, source_ids: Any, continuations: Any, head: Callable[[Any], Any] | None = None
    ) -> Any:
        """Logits of many completions of the proper prefixes of few sequences, each by itself.

        Args:
            tokens: int32 `[S, T]`, the sequences.
            owners: int32 `[C]`, of which sequence each completion is.
            completed: int32 `[T-1, C, T]`: at [t-1, c] the first t tokens of its sequence, and others.
            head: of features `[C, F]`, gives `[C]` instead of their logits.

        Returns:
            float32 `[T-1, C]`.
        """
        return self.extractor.score_continuations(tokens, source_ids, continuations, head or self.logit)

    # The loss.

    def objective(self, tokens: Any, labels: Any, key: Any = None) -> Any:
        """What a step lowers, for int32 `[B, T]` and labels float32 `[B]` (1 real, 0 generated): a scalar.

        Cross entropy (Eq. 5) or Wasserstein's difference, of sequences or with `prefixes` of all their prefixes; plus the L2
        of the output layer and the gradient penalty. L2 has a quarter of the released program's weight: its ½·λ·‖·‖² on two
        softmax columns is ¼·λ·‖w‖² on their difference. `key`: int32 `[2]` for dropout and the penalty's draws, or None.

        In one of several replicas, the part of all that its own rows are.
        """
        cfg = self.settings
        dropout_key = None if key is None else replicas.replica_key(key)
        if cfg.prefixes:
            # The last position counts always: what whole sequences are judged by has to be taught too.
            last = tf.range(tf.shape(tokens)[1]) == self.sequence_length - 1
            counted = tf.cast(self.vocabulary.mask(tokens) | last, tf.float32)
            truth = tf.broadcast_to(labels[:, None], tf.shape(tokens))
            logits = self.prefix_logits(replicas.shard(tokens), dropout_key)
        else:
            counted, truth = tf.ones_like(labels), labels
            logits = self(replicas.shard(tokens), dropout_key=dropout_key)
        if cfg.loss == "wasserstein":  # Arjovsky et al. 2017: the mean logit of generated sequences less that of real ones
            weights = _shares(counted * (1.0 - truth)) - _shares(counted * truth)
            judged = tf.reduce_sum(replicas.shard(weights) * logits)
        else:
            target = replicas.shard(truth) * (1.0 - cfg.label_smoothing)
            losses = tf.nn.sigmoid_cross_entropy_with_logits(target, logits)
            judged = tf.reduce_sum(replicas.shard(counted) * losses) / tf.reduce_sum(counted)
        total = judged + 0.25 * cfg.l2 * tf.reduce_sum(tf.square(self.output_kernel)) / replicas.number()
        if cfg.gradient_penalty and key is not None:
            penalty_key = tf.random.experimental.stateless_fold_in(key, 1)
            total += cfg.gradient_penalty * self.gradient_penalty(tokens, labels, penalty_key)
        return total

    def gradient_penalty(self, tokens: Any, labels: Any, key: Any) -> Any:
        """Mean (‖∇D‖ − 1)² at points between real and generated sequences, as embedded (Gulrajani et al. 2017, Eq. 3).

        Real ones are paired with generated ones in the order of the batch; what is left over, with its own kind. With
        `prefixes` it is the slope of a prefix, drawn for each pair.

        In one of several replicas, the part of that mean that its own pairs are.
        """
        by_label = tf.argsort(labels, stable=True)
        half = tf.shape(tokens)[0] // 2
        ends = [self.embed(tf.gather(tokens, replicas.shard(rows))) for rows in (by_label[:half], by_label[-half:])]
        share = replicas.shard(tf.random.stateless_uniform([half, 1, 1], key))
        between = share * ends[0] + (1.0 - share) * ends[1]
        with tf.GradientTape() as tape:
            tape.watch(between)
            if self.settings.prefixes:
                length_key = tf.random.experimental.stateless_fold_in(key, 1)
                lengths = tf.random.stateless_uniform([half], length_key, maxval=self.sequence_length, dtype=tf.int32)
                logits = tf.gather(self.logit(self.prefix_features(between)), replicas.shard(lengths), batch_dims=1)
            else:
                logits = self.logit(self.features(between))
        slopes = tf.sqrt(tf.reduce_sum(tf.square(tape.gradient(logits, between)), axis=[1, 2]) + 1e-12)
        return tf.reduce_sum(tf.square(slopes - 1.0)) / tf.cast(half, tf.float32)

    # What it says.

    def reward_from_logits(self, logits: Any) -> Any:
        """D of logits float32 of any shape: a probability in (0, 1), or of Wasserstein's critic the logit itself."""
        return logits if self.settings.loss == "wasserstein" else tf.sigmoid(logits)

    @tf.function(autograph=False, input_signature=[tf.TensorSpec([None, None], tf.int32)])
    def _scores(self, tokens: Any) -> Any:
        return replicas.replicated(self._shared_scores, tokens)

    def _shared_scores(self, tokens: Any) -> Any:
        return replicas.all_gather(self.reward_from_logits(self(replicas.shard(tokens))))

    def scores(self, tokens: np.ndarray, rows: int = 2048) -> np.ndarray:
        """D(Y), dropout off: float32 `[n]` for int32 `[n, T]`."""
        rows *= replicas.number()
        parts = [self._scores(tokens[i : i + rows]).numpy() for i in range(0, len(tokens), rows)]
        return np.concatenate([np.zeros(0, np.float32), *parts])  # of no sequences too


def _shares(counted: Any) -> Any:
    """Weights that add up to 1, or to 0 where nothing counts."""
    return tf.math.divide_no_nan(counted, tf.reduce_sum(counted))
