"""The paper's generator: an LSTM (Hochreiter and Schmidhuber 1997)."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from seqgan_cli.lazy import keras
from seqgan_cli.models.generators.recurrent import Recurrent

if TYPE_CHECKING:
    from seqgan_cli.export.graph import Graph


class LSTM(Recurrent):
    """Gates in the order i, f, c, o."""

    name = "lstm"
    meaning = "long short-term memory, as in the paper"
    rank = 0
    gates = 5

    @classmethod
    def unit(cls, units: int, name: str) -> Any:
        # The paper draws every weight, biases too, from one distribution: no cell-specific initialisation.
        return keras.layers.LSTMCell(units, name=name, unit_forget_bias=False)

    @classmethod
    def unit_weights(cls, inputs: int, units: int) -> int:
        return 4 * units * (inputs + units + 1)

    @classmethod
    def emit_unit(cls, graph: "Graph", unit: Any, x: Any, states: Sequence[Any]) -> tuple[Any, list]:
        h, c = states
        gates = graph.add(graph.dense(x, unit.kernel, unit.bias), graph.dense(h, unit.recurrent_kernel))
        i, f, g, o = graph.split(gates, 4)
        kept = graph.multiply(graph.sigmoid(f), c)
        c = graph.add(kept, graph.multiply(graph.sigmoid(i), graph.tanh(g)))
        h = graph.multiply(graph.sigmoid(o), graph.tanh(c))
        return h, [h, c]
