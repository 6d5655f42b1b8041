"""A generator of several blocks of causal self-attention (Vaswani et al. 2017; Radford et al. 2019)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from seqgan_cli.config.schema import section, setting
from seqgan_cli.config.sections import GeneratorSettings
from seqgan_cli.lazy import np
from seqgan_cli.models.generators.base import GeneratorKind
from seqgan_cli.models.softmax import NEVER

if TYPE_CHECKING:
    from seqgan_cli.config.settings import Settings
    from seqgan_cli.export.graph import Graph

@section("generator", "pretrain-g", fixed_by="pretrain-g", times_steps=True)
@dataclass(frozen=True)
class TransformerSettings(GeneratorSettings):
    heads: int = setting(4, "heads of a transformer's attention; they share hidden-dim", at_least=1)
    positions: str = setting(
        "learned", "how a transformer knows where it is: weights, or sines", choices=("learned", "sinusoidal")
    )
    feed_forward: int = setting(4, "width of a transformer's layer after attention, in hidden-dim", at_least=1)


class Transformer(GeneratorKind):
    """Its state is the keys and values of all positions, of every block."""

    name = "transformer"
    meaning = "blocks of causal self-attention, as in GPT-2"
    Section: ClassVar[Any] = TransformerSettings
    uses = frozenset({"layers"})
    search = ("generator.layers=1,2,3,4", "generator.heads=1,2,4", "generator.positions=learned,sinusoidal")

    @classmethod
    def cell(cls, settings: Any, sequence_length: int) -> Any:
        from seqgan_cli.models import transformer

        return transformer.Transformer(
            settings.hidden_dim,
            sequence_length,
            settings.layers,
            settings.heads,
            settings.feed_forward,
            settings.positions == "sinusoidal",
        )

    @classmethod
    def cell_weights(cls, settings: Any, sequence_length: int) -> int:
        units, width = settings.hidden_dim, settings.hidden_dim * settings.feed_forward
        block = 4 * units * units + 2 * units * width + width + units + 4 * units
        positions = sequence_length * units * (settings.positions == "learned")
        return settings.embedding_dim * units + positions + settings.layers * block + 2 * units

    @classmethod
    def activations(cls, settings: Any, sequence_length: int) -> int:
        """Of every block norms, queries, keys, values, what is found, the wide layer twice, and who attends to whom twice."""
        features = settings.hidden_dim * (8 + 2 * settings.feed_forward)
        return settings.layers * sequence_length * (features + 2 * settings.heads * sequence_length)

    @classmethod
    def operations(cls, settings: Any, sequence_length: int) -> int:
        """The weights, and in every block the products with all keys and values."""
        return cls.cell_weights(settings, sequence_length) + 2 * settings.layers * sequence_length * settings.hidden_dim

    @classmethod
    def state_size(cls, settings: Any, sequence_length: int) -> int:
        return 2 * settings.layers * sequence_length * settings.hidden_dim + 1

    @classmethod
    def emit(cls, graph: "Graph", cell: Any, x: Any, states: Sequence[Any]) -> tuple[Any, list]:
        *caches, read = states
        place, length = graph.to_ids(read), cell.length
        here = graph.reshape(graph.embed(place, np.eye(length)), (1, length, 1))
        unread = graph.reshape(graph.embed(place, NEVER * np.triu(np.ones([length, length]), 1)), (1, 1, length))
        x = graph.add(graph.dense(x, cell.input_kernel), graph.embed(place, cell.positions))
        kept: list[Any] = []
        for i, block in enumerate(cell.blocks):
            size = block.units // block.heads
            parts = graph.split(graph.dense(graph.norm(x, block.attention_norm), block.queries_keys_values), 3)
            queries, *new = (graph.reshape(part, (block.heads, 1, size)) for part in parts)
            old = (graph.reshape(cache, (block.heads, length, size)) for cache in caches[2 * i : 2 * i + 2])
            keys, values = (
                graph.add(cache, graph.multiply(here, each)) for cache, each in zip(old, new, strict=True)
            )
            scores = graph.scale(graph.matmul(queries, keys, transpose_b=True), size**-0.5)
            found = graph.matmul(graph.softmax(graph.add(scores, unread)), values)
            x = graph.add(x, graph.dense(graph.reshape(found, (block.units,)), block.attended_kernel))
            hidden = graph.gelu(graph.dense(graph.norm(x, block.hidden_norm), block.hidden_kernel, block.hidden_bias))
            x = graph.add(x, graph.dense(hidden, block.output_kernel, block.output_bias))
            kept += [graph.reshape(each, (length * block.units,)) for each in (keys, values)]
        return graph.norm(x, cell.output_norm), [*kept, graph.shift(read, 1.0)]

    @classmethod
    def conflicts(cls, settings: "Settings") -> Iterable[tuple[bool, str]]:
        yield from super().conflicts(settings)
        own = settings[TransformerSettings]
        yield (
            own.hidden_dim % own.heads > 0,
            f"generator.heads={own.heads} share generator.hidden-dim, and {own.hidden_dim} is no multiple: choose other sizes.",
        )
