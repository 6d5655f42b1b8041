"""A generator with a gated recurrent unit (Cho et al. 2014)."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from seqgan_cli.lazy import keras
from seqgan_cli.models.generators.recurrent import Recurrent

if TYPE_CHECKING:
    from seqgan_cli.export.graph import Graph


class GRU(Recurrent):
    """Three gates instead of four, and no second state."""

    name = "gru"
    meaning = "gated recurrent unit"
    rank = 1
    gates = 3

    @classmethod
    def unit(cls, units: int, name: str) -> Any:
        return keras.layers.GRUCell(units, name=name)

    @classmethod
    def unit_weights(cls, inputs: int, units: int) -> int:
        # Keras keeps one bias for the inputs and one for the state.
        return 3 * units * (inputs + units + 2)

    @classmethod
    def emit_unit(cls, graph: "Graph", unit: Any, x: Any, states: Sequence[Any]) -> tuple[Any, list]:
        """The reset gate acts on the product with the state."""
        (h,) = states
        z_x, r_x, g_x = graph.split(graph.dense(x, unit.kernel, unit.bias[0]), 3)
        z_h, r_h, g_h = graph.split(graph.dense(h, unit.recurrent_kernel, unit.bias[1]), 3)
        z, r = graph.sigmoid(graph.add(z_x, z_h)), graph.sigmoid(graph.add(r_x, r_h))
        new = graph.tanh(graph.add(g_x, graph.multiply(r, g_h)))
        h = graph.add(new, graph.multiply(z, graph.subtract(h, new)))  # z·h + (1 − z)·new
        return h, [h]
