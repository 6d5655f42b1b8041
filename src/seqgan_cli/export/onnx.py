"""ONNX files, for onnxruntime and whatever else reads them; a sequence is a `Scan` over one step."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from seqgan_cli.errors import SeqganError
from seqgan_cli.export.base import Format
from seqgan_cli.export.graph import Body, Graph
from seqgan_cli.export.programs import Program
from seqgan_cli.lazy import np

OPSET, IR_VERSION = 17, 8  # LayerNormalization is since 17


def _onnx() -> Any:
    """Raises SeqganError without the package."""
    try:
        import onnx
    except ImportError:
        raise SeqganError("ONNX files need the package onnx: pip install 'seqgan-cli[onnx]'.") from None
    return onnx


class OnnxGraph(Graph):
    """Its values are names.

    Args:
        outer: the graph that this is the body of; it keeps the weights.
    """

    def __init__(self, outer: "OnnxGraph | None" = None) -> None:
        self.onnx = _onnx()
        self.outer = outer or self
        self.nodes: list[Any] = []
        if outer is None:
            self.weights: dict[str, np.ndarray] = {}
            self.number = 0

    def new(self, what: str) -> str:
        """A name that no other value has."""
        self.outer.number += 1
        return f"{what}_{self.outer.number}"

    def keep(self, array: Any, dtype: str = "float32") -> str:
        """A constant, once."""
        array = np.asarray(array, dtype)
        for name, known in self.outer.weights.items():
            if known.dtype == array.dtype and known.shape == array.shape and np.array_equal(known, array):
                return name
        name = self.new("constant")
        self.outer.weights[name] = array
        return name

    def node(self, kind: str, *inputs: str, outputs: int = 1, **attributes: Any) -> Any:
        """The name, or names, of what a node gives."""
        names = [self.new(kind) for _ in range(outputs)]
        self.nodes.append(self.onnx.helper.make_node(kind, list(inputs), names, name=self.new("node"), **attributes))
        return names[0] if outputs == 1 else names

    def embed(self, ids: Any, table: Any) -> Any:
        return self.node("Gather", self.keep(table), ids)

    def dense(self, x: Any, kernel: Any, bias: Any = None) -> Any:
        product = self.node("MatMul", x, self.keep(kernel))
        return product if bias is None else self.node("Add", product, self.keep(bias))

    def norm(self, x: Any, layer: Any) -> Any:
        gain, bias = self.keep(1.0 + np.asarray(layer.gain)), self.keep(layer.bias)
        return self.node("LayerNormalization", x, gain, bias, epsilon=layer.EPSILON)

    def add(self, a: Any, b: Any) -> Any:
        return self.node("Add", a, b)

    def subtract(self, a: Any, b: Any) -> Any:
        return self.node("Sub", a, b)

    def multiply(self, a: Any, b: Any) -> Any:
        return self.node("Mul", a, b)

    def scale(self, x: Any, factor: float) -> Any:
        return self.node("Mul", x, self.keep(factor))

    def shift(self, x: Any, number: float) -> Any:
        return self.node("Add", x, self.keep(number))

    def sigmoid(self, x: Any) -> Any:
        return self.node("Sigmoid", x)

    def tanh(self, x: Any) -> Any:
        return self.node("Tanh", x)

    def softmax(self, x: Any) -> Any:
        return self.node("Softmax", x, axis=-1)

    def log_softmax(self, x: Any) -> Any:
        return self.node("LogSoftmax", x, axis=-1)

    def matmul(self, a: Any, b: Any, transpose_b: bool = False) -> Any:
        return self.node("MatMul", a, self.node("Transpose", b, perm=[0, 1, 3, 2]) if transpose_b else b)

    def reshape(self, x: Any, shape: Sequence[int]) -> Any:
        return self.node("Reshape", x, self.keep([-1, *shape], "int64"))

    def split(self, x: Any, number: int) -> list[Any]:
        return self.node("Split", x, outputs=number, axis=-1) if number > 1 else [x]

    def cumulate(self, x: Any) -> Any:
        return self.node("CumSum", x, self.keep(1, "int64"))

    def most(self, x: Any) -> Any:
        return self.node("ReduceMax", x, axes=[1], keepdims=1)

    def total(self, x: Any) -> Any:
        return self.node("ReduceSum", x, self.keep([1], "int64"), keepdims=1)

    def at_most(self, a: Any, b: Any) -> Any:
        return self.to_numbers(self.node("LessOrEqual", a, b))

    def pick(self, x: Any, ids: Any) -> Any:
        return self.node("GatherElements", x, self.reshape(ids, (1,)), axis=1)

    def to_integers(self, numbers: Any) -> Any:
        return self.node("Cast", numbers, to=self.onnx.TensorProto.INT32)

    def to_numbers(self, ids: Any) -> Any:
        return self.node("Cast", ids, to=self.onnx.TensorProto.FLOAT)

    def zeros(self, like: Any, width: int) -> Any:
        rows = self.node("Slice", self.node("Shape", like), self.keep([0], "int64"), self.keep([1], "int64"))
        return self.node("ConstantOfShape", self.node("Concat", rows, self.keep([width], "int64"), axis=0))

    def scan(self, body: Body, carried: list, sequences: list) -> Any:
        inner, describe = OnnxGraph(self.outer), self.onnx.helper.make_tensor_value_info
        inputs = [self.new("carried") for _ in carried], [self.new("read") for _ in sequences]
        after, found = body(inner, inputs[0], [inner.reshape(name, (1,)) for name in inputs[1]])
        outputs = [inner.node("Identity", name) for name in after] + [inner.node("Reshape", found, self.keep([-1], "int64"))]
        floats = [describe(name, self.onnx.TensorProto.FLOAT, None) for name in (*inputs[0], *inputs[1], *outputs)]
        number = len(inputs[0]) + len(inputs[1])
        graph = self.onnx.helper.make_graph(inner.nodes, "place", floats[:number], floats[number:])
        columns = [self.node("Transpose", each, perm=[1, 0]) for each in sequences]
        *_, found = self.node(
            "Scan", *carried, *columns, outputs=len(outputs), body=graph, num_scan_inputs=len(columns)
        )
        return self.node("Transpose", found, perm=[1, 0])


def model_of(program: Program) -> Any:
    """The program as an ONNX model; every batch axis is `B`."""
    graph = OnnxGraph()
    helper, proto = graph.onnx.helper, graph.onnx.TensorProto
    types = {"int32": proto.INT32, "float32": proto.FLOAT}
    inputs, outputs = (
        [helper.make_tensor_value_info(name, types[dtype], ["B", *shape]) for name, shape, dtype in values]
        for values in (program.inputs, program.outputs)
    )
    found = program.build(graph, [name for name, _, _ in program.inputs])
    last = [helper.make_node("Identity", [value], [name]) for value, (name, _, _) in zip(found, program.outputs, strict=True)]
    weights = [graph.onnx.numpy_helper.from_array(array, name) for name, array in graph.weights.items()]
    made = helper.make_graph([*graph.nodes, *last], program.name, inputs, outputs, weights)
    return helper.make_model(
        made, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name="seqgan"
    )


class Onnx(Format):
    """An `.onnx` file each."""

    name = "onnx"
    meaning = "step.onnx, sampler.onnx and scorer.onnx"
    rank = 2

    @classmethod
    def write(cls, programs: Sequence[Program], folder: Path) -> list[str]:
        onnx = _onnx()
        for program in programs:
            model = model_of(program)
            onnx.checker.check_model(model, full_check=True)
            (folder / f"{program.name}.onnx").write_bytes(model.SerializeToString())
        return [f"{program.name}.onnx" for program in programs]
