"""What a generator's step is written with: operations that every format has, and those that are made of them.

Numbers are float32, a batch first; ids are int32. Weights are arrays or variables, which a format keeps as its own.
"""

import abc
from collections.abc import Callable, Sequence
from typing import Any

# What is done at a place of a sequence: (carried, what is read there, each [B, 1]) → (carried, what comes of it [B, 1]).
Body = Callable[["Graph", list, list], tuple[list, Any]]


class Graph(abc.ABC):
    """A graph that grows by calls; what they take and give are its own values."""

    @abc.abstractmethod
    def embed(self, ids: Any, table: Any) -> Any:
        """Rows `[B, E]` of a table `[V, E]` for ids `[B]`."""

    @abc.abstractmethod
    def dense(self, x: Any, kernel: Any, bias: Any = None) -> Any:
        """x `[B, E]` times kernel `[E, H]`, plus bias `[H]`."""

    @abc.abstractmethod
    def norm(self, x: Any, layer: Any) -> Any:
        """x `[B, H]` through a `models.norm.LayerNorm`."""

    @abc.abstractmethod
    def add(self, a: Any, b: Any) -> Any:
        """a + b, broadcast."""

    @abc.abstractmethod
    def subtract(self, a: Any, b: Any) -> Any:
        """a - b, broadcast."""

    @abc.abstractmethod
    def multiply(self, a: Any, b: Any) -> Any:
        """a · b, broadcast."""

    @abc.abstractmethod
    def scale(self, x: Any, factor: float) -> Any:
        """x · factor."""

    @abc.abstractmethod
    def shift(self, x: Any, number: float) -> Any:
        """x + number."""

    @abc.abstractmethod
    def sigmoid(self, x: Any) -> Any:
        """1 / (1 + e⁻ˣ)."""

    @abc.abstractmethod
    def tanh(self, x: Any) -> Any:
        """Hyperbolic tangent."""

    @abc.abstractmethod
    def softmax(self, x: Any) -> Any:
        """Over the last axis."""

    @abc.abstractmethod
    def log_softmax(self, x: Any) -> Any:
        """Its logarithm."""

    @abc.abstractmethod
    def matmul(self, a: Any, b: Any, transpose_b: bool = False) -> Any:
        """Products of the last two axes."""

    @abc.abstractmethod
    def reshape(self, x: Any, shape: Sequence[int]) -> Any:
        """Every row of x in that shape."""

    @abc.abstractmethod
    def split(self, x: Any, number: int) -> list[Any]:
        """Equal parts of the last axis."""

    @abc.abstractmethod
    def cumulate(self, x: Any) -> Any:
        """The sums of x `[B, V]` up to each column."""

    @abc.abstractmethod
    def most(self, x: Any) -> Any:
        """The largest of each row `[B, V]`: `[B, 1]`."""

    @abc.abstractmethod
    def total(self, x: Any) -> Any:
        """The sum of each row `[B, V]`: `[B, 1]`."""

    @abc.abstractmethod
    def at_most(self, a: Any, b: Any) -> Any:
        """1 where a ≤ b, else 0, broadcast."""

    @abc.abstractmethod
    def pick(self, x: Any, ids: Any) -> Any:
        """Of each row of x `[B, V]` the column of its id `[B]`: `[B, 1]`."""

    @abc.abstractmethod
    def to_integers(self, numbers: Any) -> Any:
        """Whole numbers of any shape as int32."""

    @abc.abstractmethod
    def to_numbers(self, ids: Any) -> Any:
        """The same numbers as ids of any shape."""

    @abc.abstractmethod
    def zeros(self, like: Any, width: int) -> Any:
        """Zeros `[B, width]`, as many rows as `like` `[B, T]` has."""

    @abc.abstractmethod
    def scan(self, body: Body, carried: list, sequences: list) -> Any:
        """Call `body` at place after place of sequences, each `[B, T]`: what comes of it, `[B, T]`."""

    # Made of these.

    def to_ids(self, numbers: Any) -> Any:
        """Ids `[B]` of numbers `[B, 1]`."""
        return self.reshape(self.to_integers(numbers), ())

    def gelu(self, x: Any) -> Any:
        """x·Φ(x), by the tanh that stands for it (Hendrycks and Gimpel 2016)."""
        cubic = self.add(x, self.scale(self.multiply(x, self.multiply(x, x)), 0.044715))
        return self.multiply(x, self.scale(self.shift(self.tanh(self.scale(cubic, 0.7978845608028654)), 1.0), 0.5))

    def unless(self, x: Any) -> Any:
        """1 - x."""
        return self.shift(self.scale(x, -1.0), 1.0)

    def equals(self, x: Any, number: float) -> Any:
        """1 where x, whole numbers, is that one, else 0."""
        distance = self.shift(x, -number)
        return self.at_most(self.multiply(distance, distance), self.scale(distance, 0.0))
