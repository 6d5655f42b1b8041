"""A generator: Elman's (1990) recurrent network."""

from typing import Any

from seqgan_cli.config.sections import GeneratorSettings
from seqgan_cli.lazy import keras
from seqgan_cli.models.generators.base import GeneratorKind


class RNN(GeneratorKind):
    """One matrix and a tanh."""

    name = "rnn"
    meaning = "a plain recurrent network"

    @classmethod
    def cell(cls, settings: GeneratorSettings, sequence_length: int) -> Any:
        return keras.layers.SimpleRNNCell(settings.hidden_dim, name="cell")

    @classmethod
    def cell_weights(cls, settings: GeneratorSettings, sequence_length: int) -> int:
        return settings.hidden_dim * (settings.embedding_dim + settings.hidden_dim + 1)
