"""A TensorFlow SavedModel (`tf.saved_model.load`), for TensorFlow Serving and the like: a signature for each program."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from seqgan_cli.export.base import Format
from seqgan_cli.export.graph import Body
from seqgan_cli.export.keras import KerasGraph, model_of
from seqgan_cli.export.programs import Program
from seqgan_cli.lazy import keras, tf


class LoopGraph(KerasGraph):
    """A sequence is a loop: a SavedModel keeps it as a graph, and so needs no class of ours to be loaded."""

    def scan(self, body: Body, carried: list, sequences: list) -> Any:
        return _loop(self.place(body, carried, sequences), len(carried))([*carried, *sequences])


def _loop(place: Any, number: int) -> Any:
    """A layer that calls the model of a place at every place of sequences; the first `number` of its inputs are carried."""

    class Loop(keras.layers.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.place = place

        def call(self, inputs: Any) -> Any:
            columns = [tf.transpose(each)[:, :, None] for each in inputs[number:]]  # [T, B, 1]
            length = tf.shape(columns[0])[0]

            def advance(t: Any, carried: list, found: Any) -> tuple:
                *carried, new = self.place([*carried, *(column[t] for column in columns)])
                return t + 1, carried, found.write(t, new[:, 0])

            start = 0, list(inputs[:number]), tf.TensorArray(tf.float32, size=length, element_shape=[None])
            return tf.transpose(tf.while_loop(lambda t, *_: t < length, advance, start)[2].stack())

        def compute_output_spec(self, inputs: Any) -> Any:
            return keras.KerasTensor(inputs[-1].shape, "float32")

    return Loop()


def _called(program: Program, model: Any) -> Callable[..., dict[str, Any]]:
    """The model, with named inputs and outputs."""

    def call(**inputs: Any) -> dict[str, Any]:
        given = [inputs[name] for name, _, _ in program.inputs]
        outputs = model(given if len(given) > 1 else given[0])
        found = outputs if isinstance(outputs, list) else [outputs]
        return {name: value for (name, _, _), value in zip(program.outputs, found, strict=True)}

    return call


class SavedModel(Format):
    """One folder."""

    name = "savedmodel"
    meaning = "signatures step, sampler and scorer of one folder"
    rank = 1

    @classmethod
    def write(cls, programs: Sequence[Program], folder: Path) -> list[str]:
        module, signatures = tf.Module(), {}
        module.models = []
        for program in programs:
            model = model_of(program, LoopGraph())
            module.models.append(model)
            specs = {name: tf.TensorSpec([None, *shape], dtype, name) for name, shape, dtype in program.inputs}
            called = tf.function(_called(program, model), autograph=False)
            signatures[program.name] = called.get_concrete_function(**specs)
        tf.saved_model.save(module, str(folder), signatures=signatures)
        return ["saved_model.pb"]
