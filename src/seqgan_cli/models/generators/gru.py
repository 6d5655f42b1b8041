"""A generator with a gated recurrent unit (Cho et al. 2014)."""

from typing import Any

from seqgan_cli.config.sections import GeneratorSettings
from seqgan_cli.lazy import keras
from seqgan_cli.models.generators.base import GeneratorKind


class GRU(GeneratorKind):
    """Three gates instead of four, and no second state."""

    name = "gru"
    meaning = "gated recurrent unit"
    rank = 1

    @classmethod
    def cell(cls, settings: GeneratorSettings, sequence_length: int) -> Any:
        return keras.layers.GRUCell(settings.hidden_dim, name="cell")

    @classmethod
    def cell_weights(cls, settings: GeneratorSettings, sequence_length: int) -> int:
        # Keras keeps one bias for the inputs and one for the state.
        return 3 * settings.hidden_dim * (settings.embedding_dim + settings.hidden_dim + 2)
