"""Keras files (`keras.saving.load_model`), of Keras's own layers and operations alone."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from seqgan_cli.export.base import Format
from seqgan_cli.export.graph import Body, Graph
from seqgan_cli.export.programs import Program
from seqgan_cli.lazy import keras, np


class KerasGraph(Graph):
    """Its values are Keras's symbolic tensors."""

    def _layer(self, layer: Any, x: Any, *weights: Any) -> Any:
        y = layer(x)
        layer.set_weights([np.asarray(weight, np.float32) for weight in weights])
        return y

    def embed(self, ids: Any, table: Any) -> Any:
        return self._layer(keras.layers.Embedding(*table.shape), ids, table)

    def dense(self, x: Any, kernel: Any, bias: Any = None) -> Any:
        layer = keras.layers.Dense(kernel.shape[1], use_bias=bias is not None)
        return self._layer(layer, x, kernel, *([] if bias is None else [bias]))

    def norm(self, x: Any, layer: Any) -> Any:
        made = keras.layers.LayerNormalization(epsilon=layer.EPSILON)
        return self._layer(made, x, 1.0 + np.asarray(layer.gain), layer.bias)

    def add(self, a: Any, b: Any) -> Any:
        return keras.ops.add(a, b)

    def subtract(self, a: Any, b: Any) -> Any:
        return keras.ops.subtract(a, b)

    def multiply(self, a: Any, b: Any) -> Any:
        return keras.ops.multiply(a, b)

    def scale(self, x: Any, factor: float) -> Any:
        return keras.ops.multiply(x, float(factor))

    def shift(self, x: Any, number: float) -> Any:
        return keras.ops.add(x, float(number))

    def sigmoid(self, x: Any) -> Any:
        return keras.ops.sigmoid(x)

    def tanh(self, x: Any) -> Any:
        return keras.ops.tanh(x)

    def softmax(self, x: Any) -> Any:
        return keras.ops.softmax(x, axis=-1)

    def log_softmax(self, x: Any) -> Any:
        return keras.ops.log_softmax(x, axis=-1)

    def matmul(self, a: Any, b: Any, transpose_b: bool = False) -> Any:
        return keras.ops.matmul(a, keras.ops.swapaxes(b, -1, -2) if transpose_b else b)

    def reshape(self, x: Any, shape: Sequence[int]) -> Any:
        return keras.ops.reshape(x, (-1, *shape))

    def split(self, x: Any, number: int) -> list[Any]:
        return list(keras.ops.split(x, number, axis=-1)) if number > 1 else [x]

    def cumulate(self, x: Any) -> Any:
        return keras.ops.cumsum(x, axis=1)

    def most(self, x: Any) -> Any:
        return keras.ops.max(x, axis=1, keepdims=True)

    def total(self, x: Any) -> Any:
        return keras.ops.sum(x, axis=1, keepdims=True)

    def at_most(self, a: Any, b: Any) -> Any:
        return keras.ops.cast(keras.ops.less_equal(a, b), "float32")

    def pick(self, x: Any, ids: Any) -> Any:
        return keras.ops.take_along_axis(x, keras.ops.reshape(ids, (-1, 1)), axis=1)

    def to_integers(self, numbers: Any) -> Any:
        return keras.ops.cast(numbers, "int32")

    def to_numbers(self, ids: Any) -> Any:
        return keras.ops.cast(ids, "float32")

    def zeros(self, like: Any, width: int) -> Any:
        first = keras.ops.multiply(self.split(like, like.shape[1])[0], 0.0)
        return keras.ops.repeat(first, width, axis=1)

    def scan(self, body: Body, carried: list, sequences: list) -> Any:
        """The body is one model, called at every place."""
        model, columns = self.place(body, carried, sequences), []
        for read in zip(*(self.split(each, each.shape[1]) for each in sequences), strict=True):
            *carried, found = model([*carried, *read])
            columns.append(found)
        return keras.ops.concatenate(columns, axis=1) if len(columns) > 1 else columns[0]

    def place(self, body: Body, carried: list, sequences: list) -> Any:
        """The body as a model: what is carried and read → what is carried and comes of it."""
        shapes = [*(each.shape[1:] for each in carried), *[(1,)] * len(sequences)]
        inputs = [keras.Input(shape, dtype="float32") for shape in shapes]
        after, found = body(self, inputs[: len(carried)], inputs[len(carried) :])
        return keras.Model(inputs, [*after, found], name="place")


def model_of(program: Program, graph: KerasGraph) -> Any:
    """The program as a Keras model; its inputs are a list, or one."""
    inputs = [keras.Input(shape, dtype=dtype, name=name) for name, shape, dtype in program.inputs]
    outputs = program.build(graph, inputs)
    single = len(inputs) == 1
    return keras.Model(inputs[0] if single else inputs, outputs[0] if len(outputs) == 1 else outputs, name=program.name)


class KerasFiles(Format):
    """A `.keras` file each."""

    name = "keras"
    meaning = "step.keras, sampler.keras and scorer.keras, of stock layers"
    rank = 0

    @classmethod
    def write(cls, programs: Sequence[Program], folder: Path) -> list[str]:
        for program in programs:
            model_of(program, KerasGraph()).save(folder / f"{program.name}.keras")
        return [f"{program.name}.keras" for program in programs]
