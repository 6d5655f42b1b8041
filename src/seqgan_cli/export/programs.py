"""The three programs that an export holds: a step, a sampler and a scorer of a run's policy.

The policy is what `sample` draws from at temperature 1: without `<pad>`, `<unk>`, and `<eos>` where no sequence ends early.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from seqgan_cli.config import registry
from seqgan_cli.data.vocabulary import EOS, PAD, START, UNK
from seqgan_cli.export.graph import Graph
from seqgan_cli.lazy import np

if TYPE_CHECKING:
    from seqgan_cli.models.generator import Generator


@dataclass(frozen=True)
class Program:
    """What is written as one model.

    Args:
        inputs, outputs: name, shape of a row (`()`: a number) and dtype of each.
        build: writes it into a graph: of inputs makes outputs.
    """

    name: str
    inputs: Sequence[tuple[str, tuple[int, ...], str]]
    outputs: Sequence[tuple[str, tuple[int, ...], str]]
    build: Callable[[Graph, list], list]


def state_sizes(generator: "Generator") -> list[int]:
    """Columns of each array of a state."""
    return [int(state.shape[1]) for state in generator.cell.get_initial_state(batch_size=1)]


def programs(generator: "Generator") -> list[Program]:
    """step: token int32 `[B]` and state → logits `[B, V]` and state, zeros before the first token, which is START;
    sampler: uniforms float32 `[B, T]` in [0, 1) → tokens int32 `[B, T]`;
    scorer: tokens int32 `[B, T]` → nll float32 `[B, T]` in nats, 0 where none counts.
    """
    length, sizes = generator.sequence_length, state_sizes(generator)
    states = [(f"state_{i}", (size,), "float32") for i, size in enumerate(sizes)]
    after = [(f"next_{name}", shape, dtype) for name, shape, dtype in states]
    logits, nll = ("logits", (generator.vocabulary.size,), "float32"), ("nll", (length,), "float32")
    uniforms, tokens = ("uniforms", (length,), "float32"), ("tokens", (length,), "int32")
    writer = _Writer(generator)
    return [
        Program("step", [("token", (), "int32"), *states], [logits, *after], writer.step),
        Program("sampler", [uniforms], [tokens], writer.sampler),
        Program("scorer", [tokens], [nll], writer.scorer),
    ]


class _Writer:
    """Writes the programs of one generator."""

    def __init__(self, generator: "Generator") -> None:
        self.generator, self.vocabulary = generator, generator.vocabulary
        self.emit = registry.generators[generator.settings.cell].emit
        *kernel, bias = np.asarray(generator.output_projection(logit_mask=generator.unk_mask))
        self.kernel, self.bias = np.array(kernel), bias

    def step(self, graph: Graph, inputs: list) -> list:
        token, *states = inputs
        x = graph.embed(token, self.generator.embedding.embeddings)
        output, states = self.emit(graph, self.generator.cell, x, states)
        return [graph.dense(output, self.kernel, self.bias), *states]

    def _begin(self, graph: Graph, like: Any) -> tuple[list, Any]:
        """What is carried to the first place, and of each place whether it is the last, `[B, T]`."""
        last, length = graph.zeros(like, 1), self.generator.sequence_length
        final = graph.dense(last, np.zeros([1, length]), np.eye(length)[-1])
        states = [graph.zeros(like, size) for size in state_sizes(self.generator)]
        return [graph.shift(last, START), *states], final

    def sampler(self, graph: Graph, inputs: list) -> list:
        """By inverting the cumulative distribution of each next token."""
        (uniforms,) = inputs
        carried, final = self._begin(graph, uniforms)
        alive = graph.shift(graph.zeros(uniforms, 1), 1.0)
        return [graph.to_integers(graph.scan(self._draw, [alive, *carried], [uniforms, final]))]

    def _draw(self, graph: Graph, carried: list, read: list) -> tuple[list, Any]:
        (alive, last, *states), (uniform, final) = carried, read
        logits, *states = self.step(graph, [graph.to_ids(last), *states])
        ends = graph.cumulate(graph.softmax(logits))
        mass = graph.most(ends)
        # The first token whose end is past the point; rounding may put the point at the mass, which the last token reaches.
        before = graph.multiply(graph.at_most(ends, graph.multiply(uniform, mass)), graph.unless(graph.at_most(mass, ends)))
        token = graph.total(before)
        if self.vocabulary.has_eos:
            certain = graph.multiply(final, graph.shift(graph.scale(token, -1.0), EOS))  # <eos>, whatever was drawn
            token = graph.multiply(alive, graph.add(token, certain))  # <pad>, which is 0, after the end
            alive = graph.multiply(alive, graph.unless(graph.at_most(token, graph.shift(graph.scale(token, 0.0), EOS))))
        return [alive, token, *states], token

    def scorer(self, graph: Graph, inputs: list) -> list:
        (tokens,) = inputs
        numbers = graph.to_numbers(tokens)
        carried, final = self._begin(graph, numbers)
        return [graph.scan(self._score, carried, [numbers, final])]

    def _score(self, graph: Graph, carried: list, read: list) -> tuple[list, Any]:
        (last, *states), (target, final) = carried, read
        logits, *states = self.step(graph, [graph.to_ids(last), *states])
        nll = graph.scale(graph.pick(graph.log_softmax(logits), graph.to_ids(target)), -1.0)
        if self.vocabulary.has_special_tokens:
            for uncounted in (PAD, UNK):
                nll = graph.multiply(nll, graph.unless(graph.equals(target, uncounted)))
        if self.vocabulary.has_eos:
            nll = graph.multiply(nll, graph.unless(final))
        return [target, *states], nll
