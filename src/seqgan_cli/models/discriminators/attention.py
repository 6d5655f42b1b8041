"""A discriminator with one block of causal self-attention."""

from typing import TYPE_CHECKING, Any

from seqgan_cli.lazy import tf
from seqgan_cli.models.discriminators.base import Features

if TYPE_CHECKING:
    import numpy as np

    from seqgan_cli.config.sections import DiscriminatorSettings


class Attention(Features):
    """The features of a prefix are the mean of the block's outputs on its tokens."""

    name = "attention"
    meaning = "causal self-attention"

    def build(self) -> int:
        from seqgan_cli.models.attention import AttentionBlock

        self.attention = self.network.attention = AttentionBlock(self.settings.hidden_dim, self.sequence_length)
        self.attention.build((None, self.settings.embedding_dim))
        return int(self.settings.hidden_dim)

    def initialise(self, rng: "np.random.Generator") -> None:
        self.attention.initialise(rng)

    def prefix_features(self, embedded: Any) -> Any:
        outputs = self.attention.whole(embedded)
        number = tf.range(1, tf.shape(outputs)[1] + 1)[None, :, None]
        return tf.cumsum(outputs, axis=1) / tf.cast(number, tf.float32)

    def features(self, embedded: Any) -> Any:
        return tf.reduce_mean(self.attention.whole(embedded), axis=1)

    @classmethod
    def feature_weights(cls, settings: "DiscriminatorSettings", sequence_length: int) -> int:
        return settings.hidden_dim * (settings.embedding_dim + sequence_length + 8 * settings.hidden_dim + 5)
