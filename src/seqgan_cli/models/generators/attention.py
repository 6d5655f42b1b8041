"""A generator with one block of causal self-attention (Vaswani et al. 2017)."""

from typing import Any

from seqgan_cli.config.sections import GeneratorSettings
from seqgan_cli.models.generators.base import GeneratorKind


class Attention(GeneratorKind):
    """Its state is the keys and values of all positions."""

    name = "attention"
    meaning = "one block of causal self-attention"

    @classmethod
    def cell(cls, settings: GeneratorSettings, sequence_length: int) -> Any:
        from seqgan_cli.models.attention import AttentionBlock

        return AttentionBlock(settings.hidden_dim, sequence_length, name="cell")

    @classmethod
    def cell_weights(cls, settings: GeneratorSettings, sequence_length: int) -> int:
        return settings.hidden_dim * (settings.embedding_dim + sequence_length + 8 * settings.hidden_dim + 5)
