"""What a generator's component says of itself: its recurrent cell, and how many weights that has."""

import abc
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from seqgan_cli.config.registry import Component
from seqgan_cli.config.schema import specs_of, written
from seqgan_cli.config.sections import GeneratorSettings
from seqgan_cli.errors import SeqganError

if TYPE_CHECKING:
    from seqgan_cli.config.settings import Settings
    from seqgan_cli.data.vocabulary import Vocabulary
    from seqgan_cli.export.graph import Graph
    from seqgan_cli.models.generator import Generator

SIZES = ("embedding_dim", "embeddings", "hidden_dim", "cell", "tied")  # the settings that every generator reads


class GeneratorKind(Component, abc.ABC):
    """A generator whose state is that of a cell: most need no more than to say which."""

    Section: ClassVar[Any] = GeneratorSettings
    uses: ClassVar[frozenset[str]] = frozenset()  # fields of GeneratorSettings that it reads besides SIZES
    search: ClassVar[tuple[str, ...]] = ()  # what `seqgan tune --until pretrain-g` varies of it unless told

    @classmethod
    @abc.abstractmethod
    def cell(cls, settings: GeneratorSettings, sequence_length: int) -> Any:
        """A Keras cell of H = `hidden_dim` outputs: `call(inputs [B, E], states)` → (outputs `[B, H]`, states).

        States are a list of `[B, ·]` whose rows can be gathered and joined. A cell that has `whole(inputs [B, T, E])` →
        `[B, T, H]` reads a sequence at once where no state is asked for; one of a kind that `uses` layers takes a share and a
        key int32 `[2]` of dropout between them besides.
        """

    @classmethod
    @abc.abstractmethod
    def cell_weights(cls, settings: GeneratorSettings, sequence_length: int) -> int:
        """How many weights the cell has."""

    @classmethod
    def activations(cls, settings: GeneratorSettings, sequence_length: int) -> int:
        """How many numbers are kept of each sequence that is learned from until its gradient is there; 0: none to speak of."""
        return 0

    @classmethod
    def state_size(cls, settings: GeneratorSettings, sequence_length: int) -> int:
        """How many numbers the state of a sequence has, where they are many enough to bound how many advance together."""
        return 0

    @classmethod
    def operations(cls, settings: GeneratorSettings, sequence_length: int) -> int:
        """Multiplications of one step of the cell, at most."""
        return cls.cell_weights(settings, sequence_length)

    @classmethod
    def emit(cls, graph: "Graph", cell: Any, x: Any, states: Sequence[Any]) -> tuple[Any, list]:
        """Write the cell's step on inputs x `[B, E]` into a graph: output and new states. Raises SeqganError if it cannot."""
        raise SeqganError(f"generator.cell={cls.name} does not say how its step is written, so it cannot be exported.")

    @classmethod
    def make(
        cls, vocabulary: "Vocabulary", sequence_length: int, settings: GeneratorSettings, name: str = "generator"
    ) -> "Generator":
        """The generator, its weights zero."""
        from seqgan_cli.models.generator import Generator

        return Generator(vocabulary, sequence_length, settings, name)

    @classmethod
    def weights(cls, settings: GeneratorSettings, vocab_size: int, sequence_length: int) -> int:
        """Number of weights: V·E, the cell's, and (H + 1)·V, or V alone where the table is the output layer's too."""
        table = vocab_size * (settings.embedding_dim + 1 + (0 if settings.tied else settings.hidden_dim))
        return table + cls.cell_weights(settings, sequence_length)

    @classmethod
    def conflicts(cls, settings: "Settings") -> Iterable[tuple[bool, str]]:
        """Settings that this generator does not read, and sizes that do not go together."""
        from seqgan_cli.config.settings import SCHEMA

        shared = {spec.name for spec in specs_of(GeneratorSettings) if spec.leaf not in {*SIZES, *cls.uses}}
        read = {spec.name for spec in specs_of(cls.Section)} - shared
        for name, spec in SCHEMA.items():
            if name.startswith("generator.") and name not in read:
                yield (
                    settings.values[name] != spec.default,
                    f"{name} is of no use to generator.cell={cls.name}: leave it out, or at {written(spec.default)}.",
                )
        own = settings[cls.Section]
        yield (
            own.tied and own.embedding_dim != own.hidden_dim,
            f"generator.tied needs equal sizes, and generator.embedding-dim is {own.embedding_dim} where generator.hidden-dim "
            f"is {own.hidden_dim}: make them equal, or leave generator.tied out.",
        )
