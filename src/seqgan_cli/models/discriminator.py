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
        """Logits of many continuations of the proper prefixes of few sequences, each by itself.

        Args:
            tokens: int32 `[S, T]`, the sequences.
            source_ids: int32 `[C]`, of which sequence each continuation is.
            continuations: int32 `[T-1, C, T]`: at [t-1, c] the first t tokens of its sequence, and others.
            head: of features `[C, F]`, gives `[C]` instead of their logits.

        Returns:
            float32 `[T-1, C]`.
        """
        return self.extractor.score_continuations(tokens, source_ids, continuations, head or self.logit)

    def reward_from_logits(self, logits: Any) -> Any:
        """D of logits float32 of any shape: a probability in (0, 1), or of Wasserstein's critic the logit itself."""
        return logits if self.settings.loss == "wasserstein" else tf.sigmoid(logits)
