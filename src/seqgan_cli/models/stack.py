"""Recurrent layers on one another, with layer normalisation and residual connections."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from seqgan_cli.models.norm import LayerNorm, dropped


class RecurrentStack(keras.layers.Layer):
    """x₁ = input; y_l = cell_l(norm(x_l)); x_{l+1} = y_l, with residual connections x_l + y_l for l > 1; output norm(x_{n+1}).

    As a cell its state is the cells' own states in their order: a list of float32 `[B, ·]`.

    Args:
        cells: Keras recurrent cells of H features each.
        normalised: whether there are norms; without them the identity stands for each.
        residual: whether layers after the first, whose input has a size of its own, add what they read to what they give.
    """

    def __init__(self, cells: Sequence[Any], normalised: bool, residual: bool, name: str = "cell") -> None:
        super().__init__(name=name)
        self.cells, self.residual = list(cells), residual
        self.norms = [LayerNorm(name=f"norm_{i}") for i in range(len(self.cells) + 1)] if normalised else []

    def build(self, input_shape: Any) -> None:
        sizes = [input_shape[-1], *(cell.units for cell in self.cells)]
        for layer, size in zip(self.cells, sizes[:-1], strict=True):
            layer.build((None, size))
        for norm, size in zip(self.norms, sizes if self.norms else (), strict=True):
            norm.build((None, size))
        self.built = True

    def _normed(self, i: int, x: Any) -> Any:
        return self.norms[i](x) if self.norms else x

    def _joined(self, i: int, x: Any, y: Any) -> Any:
        return x + y if self.residual and i else y

    # As a cell.

    def get_initial_state(self, batch_size: Any) -> list:
        """Nothing read."""
        return [state for cell in self.cells for state in cell.get_initial_state(batch_size=batch_size)]

    def split(self, states: Sequence[Any]) -> list[list]:
        """The states of each cell."""
        own = len(states) // len(self.cells)
        return [list(states[i : i + own]) for i in range(0, len(states), own)]

    def call(self, inputs: Any, states: Any) -> tuple[Any, list]:
        """Read one input `[B, E]`: output `[B, H]` and the new state."""
        x, kept = inputs, []
        for i, (cell, own) in enumerate(zip(self.cells, self.split(states), strict=True)):
            y, new = cell(self._normed(i, x), own)
            x = self._joined(i, x, y)
            kept += list(new)
        return self._normed(len(self.cells), x), kept

    # A whole sequence, layer by layer.

    def whole(self, inputs: Any, dropout: float = 0.0, key: Any = None) -> Any:
        """Outputs float32 `[B, T, H]` of inputs `[B, T, E]`; `dropout`: of what passes from a layer to the next."""
        x = tf.transpose(inputs, [1, 0, 2])
        for i, cell in enumerate(self.cells):
            x = dropped(x, dropout * (i > 0), key, i)
            x = self._joined(i, x, _outputs(cell, self._normed(i, x)))
        return tf.transpose(self._normed(len(self.cells), x), [1, 0, 2])


def _outputs(cell: Any, inputs: Any) -> Any:
    """What a cell gives for inputs float32 `[T, B, E]`, one after the other: `[T, B, H]`."""
    length = tf.shape(inputs)[0]

    def advance(t: Any, state: list, outputs: Any) -> tuple:
        output, state = cell(inputs[t], state)
        return t + 1, list(state), outputs.write(t, output)

    state = list(cell.get_initial_state(batch_size=tf.shape(inputs)[1]))
    outputs = tf.TensorArray(tf.float32, size=length, element_shape=[None, cell.units])
    return tf.while_loop(lambda t, *_: t < length, advance, (0, state, outputs))[2].stack()
