"""A discriminator that reads a sequence from its first token to its last with an LSTM, and so knows every prefix on the way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seqgan_cli.lazy import keras, np, tf
from seqgan_cli.models.discriminators.base import Features

if TYPE_CHECKING:
    from seqgan_cli.config.sections import DiscriminatorSettings


class Recurrent(Features):
    """The features of a prefix are an LSTM's output on it; `<pad>` is read as a token like any other."""

    name = "recurrent"
    meaning = "an LSTM"
    rank = 1

    def build(self) -> int:
        self.cell = self.network.cell = keras.layers.LSTMCell(self.settings.hidden_dim, name="cell")
        self.cell.build((None, self.settings.embedding_dim))
        return int(self.settings.hidden_dim)

    def initialise(self, rng: np.random.Generator) -> None:
        """Glorot's for both kernels, biases 0 but the forget gate's, which is 1 (Jozefowicz et al. 2015)."""
        for kernel in (self.cell.kernel, self.cell.recurrent_kernel):
            bound = np.sqrt(6.0 / sum(kernel.shape))
            kernel.assign(rng.uniform(-bound, bound, kernel.shape))
        self.cell.bias.assign(np.repeat([0.0, 1.0, 0.0, 0.0], self.settings.hidden_dim))

    def prefix_features(self, embedded: Any) -> Any:
        columns = tf.transpose(embedded, [1, 0, 2])  # [T, B, E]
        length = tf.shape(columns)[0]

        def advance(t: Any, state: list, outputs: Any) -> tuple:
            output, state = self.cell(columns[t], state)
            return t + 1, state, outputs.write(t, output)

        state = self.cell.get_initial_state(batch_size=tf.shape(columns)[1])
        outputs = tf.TensorArray(tf.float32, size=length, element_shape=[None, self.settings.hidden_dim])
        *_, outputs = tf.while_loop(lambda t, *_: t < length, advance, (0, state, outputs))
        return tf.transpose(outputs.stack(), [1, 0, 2])

    def features(self, embedded: Any) -> Any:
        return self.prefix_features(embedded)[:, -1]

    @classmethod
    def feature_weights(cls, settings: DiscriminatorSettings, sequence_length: int) -> int:
        return 4 * settings.hidden_dim * (settings.embedding_dim + settings.hidden_dim + 1)
