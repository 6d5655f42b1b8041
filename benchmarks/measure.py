"""What every row shares: the paper's setting, the machine's own rates, timing, and the table.

A floor is seconds = operations / rate of a large matrix product + bytes / rate of a large copy, both measured in the same
process just before. It counts each operation of the algorithm's products and each pass over its large tables, and nothing else:
no exponentials, no random numbers, no starting of kernels.
"""

import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests")]  # the literal loops are the tests' own

from seqgan_cli.training.backend import start_tensorflow  # noqa: E402

V, T, B, H, NUM, N = 5000, 20, 64, 32, 10_000, 16  # the paper's synthetic setting


def seconds(work: Callable[[], Any], repeats: int = 5, warm_up: int = 1) -> float:
    """Median of several runs after warm-up."""
    for _ in range(warm_up):
        work()
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return float(np.median(times))


def first_call(work: Callable[[], Any]) -> float:
    """Seconds of the call that compiles."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


@dataclass
class Machine:
    """Rates in operations and bytes a second, by precision where it matters."""

    float32: float
    bfloat16: float
    copy: float

    def floor(self, operations: float, bytes_moved: float, precision: str = "float32") -> float:
        """Seconds for so many operations (a multiply-add is two) in large products, and so many bytes read and written."""
        return operations / getattr(self, precision) + bytes_moved / self.copy


def machine(repeats: int = 7) -> Machine:
    """Rate of a 2048³ product in both precisions, and of copying 256 MB (read and written bytes)."""
    start_tensorflow()
    import tensorflow as tf

    rates = {}
    for precision in ("float32", "bfloat16"):
        a = tf.cast(tf.random.stateless_normal([2048, 2048], [0, 1]), precision)
        product = tf.function(lambda a=a: tf.matmul(a, a))
        rates[precision] = 2 * 2048**3 / seconds(lambda product=product: product()[0, 0].numpy(), repeats, 2)
    source = np.ones(2**26, np.float32)
    target = np.empty_like(source)
    return Machine(**rates, copy=2 * source.nbytes / seconds(lambda: np.copyto(target, source), repeats, 2))


@dataclass
class Row:
    """One line of the table; None where something does not apply."""

    task: str
    ours: float
    unit: str = "s"
    literal: float | None = None
    floor: float | None = None
    target: str = ""
    met: bool | None = None
    compile: float | None = None
    note: str = ""


def _shown(value: float | None, unit: str) -> str:
    if value is None:
        return ""
    if unit == "s":
        return f"{value * 1e3:.1f} ms" if value < 1 else f"{value:,.2f} s" if value < 100 else f"{value:,.0f} s"
    return f"{value:,.2f} {unit}".strip()


def table(rows: list[Row]) -> str:
    """The rows as Markdown."""
    lines = [
        "| task | ours | literal loop | ratio | floor | ours / floor | target | met | first call |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        ratio = f"{row.literal / row.ours:,.0f}×" if row.literal else ""
        above = f"{row.ours / row.floor:.2f}" if row.floor else ""
        met = {None: "", True: "yes", False: "no"}[row.met]
        cells = [row.task, _shown(row.ours, row.unit), _shown(row.literal, row.unit), ratio, _shown(row.floor, row.unit), above]
        lines.append("| " + " | ".join([*cells, row.target, met, _shown(row.compile, "s")]) + " |")
    notes = [f"- {row.task}: {row.note}" for row in rows if row.note]
    return "\n".join([*lines, "", *notes] if notes else lines)


def main(measured: Callable[[Machine], list[Row]]) -> None:
    """Run one script's rows; as JSON with --json, for `run.py`."""
    rates = machine()
    rows = measured(rates)
    if "--json" in sys.argv:
        print(json.dumps({"machine": asdict(rates), "rows": [asdict(row) for row in rows]}))
    else:
        print(f"Products {rates.float32 / 1e9:.0f} GFLOP/s float32, {rates.bfloat16 / 1e9:.0f} bfloat16; ", end="")
        print(f"copy {rates.copy / 1e9:.0f} GB/s.\n\n{table(rows)}")


def drawn(settings: Any) -> tuple[Any, Any]:
    """(corpus, oracle) whose tokens are uniform: as good for timing a step as sequences from the oracle, and there at once."""
    from seqgan_cli.data.corpus import Corpus
    from seqgan_cli.data.kinds.oracle import OracleSettings
    from seqgan_cli.data.split import HeldOut
    from seqgan_cli.models.oracle import draw_oracle
    from seqgan_cli.randomness import rng

    data = settings[OracleSettings]
    oracle = draw_oracle(settings.seed, data.vocab_size, data.sequence_length)
    tokens = rng(0, "benchmark").integers(0, data.vocab_size, (2, data.num_sequences, data.sequence_length), dtype=np.int32)
    held_out = HeldOut(tokens[1], np.arange(len(tokens[1])))
    return Corpus(tokens[0], {"validation": held_out, "test": held_out}, oracle.vocabulary), oracle


def likelihood_step(stage: Any, tokens: Any, key: Any) -> Any:
    """One compiled step of `pretrain-g` on tokens `[B, T]`: its loss."""
    return stage._steps(tokens[None], key[None], np.ones(1, np.float32), key[None])


def discriminator_step(trainer: Any, tokens: Any, labels: Any, key: Any) -> Any:
    """One compiled step of the discriminator: its loss."""
    return trainer._steps(tokens[None], labels[None], key[None])


def generator_weights(generator: Any) -> list[np.ndarray]:
    """For the literal loops: float64."""
    return [variable.numpy().astype(np.float64) for variable in generator.trainable_variables]


# What tasks are made of, in operations (a multiply-add is two) and bytes, for float32.


def next_token_work(tokens: int) -> tuple[float, float]:
    """One step of the generator for so many tokens: recurrence, logits, and one write and one read of the logits."""
    return tokens * (2.0 * (H + H) * 4 * H + 2.0 * H * V), tokens * 2.0 * 4 * V


def discriminator_sizes(discriminator: Any) -> tuple[float, float, float]:
    """(operations of the convolutions for one sequence, of the highway, number of weights)."""
    convolutions = sum(
        2.0 * (T - width + 1) * width * discriminator.settings.embedding_dim * n for width, n in discriminator.extractor.filters
    )
    features = discriminator.num_features
    weights = sum(int(np.prod(variable.shape)) for variable in discriminator.trainable_variables)
    return convolutions, 2.0 * features * 2 * features, float(weights)
