"""A discriminator that knows no order: the mean of a sequence's embedded tokens."""

from typing import Any

from seqgan_cli.lazy import tf
from seqgan_cli.models.discriminators.base import Features


class Bag(Features):
    """A bag of tokens."""

    name = "bag"
    meaning = "mean of the embeddings"

    def build(self) -> int:
        return int(self.settings.embedding_dim)

    def initialise(self, rng: Any) -> None:
        """It has no weights of its own."""

    def prefix_features(self, embedded: Any) -> Any:
        number = tf.range(1, tf.shape(embedded)[1] + 1)[None, :, None]
        return tf.cumsum(embedded, axis=1) / tf.cast(number, tf.float32)

    def features(self, embedded: Any) -> Any:
        return tf.reduce_mean(embedded, axis=1)

    @classmethod
    def feature_weights(cls, settings: Any, sequence_length: int) -> int:
        return 0
