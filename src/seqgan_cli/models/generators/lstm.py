"""The paper's generator: an LSTM (Hochreiter and Schmidhuber 1997)."""

from typing import Any

from seqgan_cli.config.sections import GeneratorSettings
from seqgan_cli.lazy import keras
from seqgan_cli.models.generators.base import GeneratorKind


class LSTM(GeneratorKind):
    """Gates in the order i, f, c, o."""

    name = "lstm"
    meaning = "long short-term memory, as in the paper"
    rank = 0

    @classmethod
    def cell(cls, settings: GeneratorSettings, sequence_length: int) -> Any:
        # The paper draws every weight, biases too, from one distribution: no cell-specific initialisation.
        return keras.layers.LSTMCell(settings.hidden_dim, name="cell", unit_forget_bias=False)

    @classmethod
    def cell_weights(cls, settings: GeneratorSettings, sequence_length: int) -> int:
        return 4 * settings.hidden_dim * (settings.embedding_dim + settings.hidden_dim + 1)
