"""What a generator's component says of itself: its recurrent cell, and how many weights that has."""

import abc
from typing import TYPE_CHECKING, Any, ClassVar

from seqgan_cli.config.registry import Component
from seqgan_cli.config.sections import GeneratorSettings

if TYPE_CHECKING:
    from seqgan_cli.data.vocabulary import Vocabulary
    from seqgan_cli.models.generator import Generator


class GeneratorKind(Component, abc.ABC):
    """A generator whose state is that of a cell: most need no more than to say which."""

    Section: ClassVar[Any] = GeneratorSettings

    @classmethod
    @abc.abstractmethod
    def cell(cls, settings: GeneratorSettings, sequence_length: int) -> Any:
        """A Keras cell of H = `hidden_dim` outputs: `call(inputs [B, E], states)` → (outputs `[B, H]`, states).

        States are a list of `[B, ·]` whose rows can be gathered and joined. A cell that has `whole(inputs [B, T, E])` →
        `[B, T, H]` reads a sequence at once where no state is asked for.
        """

    @classmethod
    @abc.abstractmethod
    def cell_weights(cls, settings: GeneratorSettings, sequence_length: int) -> int:
        """How many weights the cell has."""

    @classmethod
    def make(
        cls, vocabulary: "Vocabulary", sequence_length: int, settings: GeneratorSettings, name: str = "generator"
    ) -> "Generator":
        """The generator, its weights zero."""
        from seqgan_cli.models.generator import Generator

        return Generator(vocabulary, sequence_length, settings, name)

    @classmethod
    def weights(cls, settings: GeneratorSettings, vocab_size: int, sequence_length: int) -> int:
        """Number of weights: V·E, the cell's, and (H + 1)·V."""
        table = vocab_size * (settings.embedding_dim + settings.hidden_dim + 1)
        return table + cls.cell_weights(settings, sequence_length)
