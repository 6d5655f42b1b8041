"""What generators of recurrent layers have in common: how many, norms, and residual connections."""

import abc
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from seqgan_cli.config.sections import GeneratorSettings
from seqgan_cli.models.generators.base import GeneratorKind

if TYPE_CHECKING:
    from seqgan_cli.config.settings import Settings
    from seqgan_cli.export.graph import Graph


class Recurrent(GeneratorKind):
    """One cell as it is, or several in a `RecurrentStack`."""

    uses = frozenset({"layers", "layer_norm", "residual"})
    search = ("generator.layers=1,2,3", "generator.layer-norm=false,true")
    gates: ClassVar[int]  # tables of H numbers that a step computes

    @classmethod
    @abc.abstractmethod
    def unit(cls, units: int, name: str) -> Any:
        """One Keras cell."""

    @classmethod
    @abc.abstractmethod
    def unit_weights(cls, inputs: int, units: int) -> int:
        """How many weights that has for inputs of a size."""

    @classmethod
    @abc.abstractmethod
    def emit_unit(cls, graph: "Graph", unit: Any, x: Any, states: Sequence[Any]) -> tuple[Any, list]:
        """Write one cell's step into a graph."""

    @classmethod
    def cell(cls, settings: GeneratorSettings, sequence_length: int) -> Any:
        if settings.layers == 1 and not settings.layer_norm:
            return cls.unit(settings.hidden_dim, "cell")
        from seqgan_cli.models.stack import RecurrentStack

        units = [cls.unit(settings.hidden_dim, f"cell_{i}") for i in range(settings.layers)]
        return RecurrentStack(units, settings.layer_norm, settings.residual)

    @classmethod
    def cell_weights(cls, settings: GeneratorSettings, sequence_length: int) -> int:
        sizes = [settings.embedding_dim, *[settings.hidden_dim] * settings.layers]
        norms = 2 * sum(sizes) if settings.layer_norm else 0
        return norms + sum(cls.unit_weights(inputs, settings.hidden_dim) for inputs in sizes[:-1])

    @classmethod
    def activations(cls, settings: GeneratorSettings, sequence_length: int) -> int:
        """Gates and outputs of every layer; of one layer, as in the paper, none to speak of."""
        several = settings.layers if settings.layers > 1 else 0
        return several * sequence_length * settings.hidden_dim * (cls.gates + 1 + settings.layer_norm)

    @classmethod
    def emit(cls, graph: "Graph", cell: Any, x: Any, states: Sequence[Any]) -> tuple[Any, list]:
        units = getattr(cell, "cells", None)
        if units is None:
            return cls.emit_unit(graph, cell, x, states)
        kept: list[Any] = []
        for i, (unit, own) in enumerate(zip(units, cell.split(states), strict=True)):
            y, new = cls.emit_unit(graph, unit, graph.norm(x, cell.norms[i]) if cell.norms else x, own)
            x = graph.add(x, y) if cell.residual and i else y
            kept += new
        return graph.norm(x, cell.norms[-1]) if cell.norms else x, kept

    @classmethod
    def conflicts(cls, settings: "Settings") -> Iterable[tuple[bool, str]]:
        yield from super().conflicts(settings)
        own = settings[cls.Section]
        yield (
            own.residual and own.layers == 1,
            "generator.residual is between recurrent layers, and there is one: set generator.layers=2 or leave it out.",
        )
