"""Where a g-step and a discriminator step spend their time: operations by total time, from TensorFlow's profiler.

Operations run two at a time on two cores, so their seconds add up to more than the step's; shares are of their sum.
"""

import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from adversarial import parts
from measure import B, discriminator_step

NOT_OPERATIONS = ("Run", "Process", "RunGraph", "FunctionRun", "EagerExecute", "Threadpool")


def operations(work: Callable[[], Any], repeats: int) -> tuple[Counter, Counter]:
    """(milliseconds, calls) of every kind of operation in one call of `work`."""
    import tensorflow as tf
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    work()
    spent, calls = Counter(), Counter()
    with tempfile.TemporaryDirectory() as folder:
        with tf.profiler.experimental.Profile(folder):
            for _ in range(repeats):
                work()
        space = xplane_pb2.XSpace()
        space.ParseFromString(next(Path(folder).rglob("*.xplane.pb")).read_bytes())
    for plane in space.planes:
        for line in plane.lines:
            for event in line.events:
                _, colon, kind = plane.event_metadata[event.metadata_id].name.rpartition(":")
                if colon and kind.isidentifier() and kind not in NOT_OPERATIONS:
                    spent[kind] += event.duration_ps / 1e9 / repeats
                    calls[kind] += 1 / repeats
    return spent, calls


def table(title: str, spent: Counter, calls: Counter, most: int = 9) -> str:
    whole, shown = sum(spent.values()), spent.most_common(most)
    lines = [f"| {title}: operation | calls | share |", "|---|---|---|"]
    lines += [f"| {kind.lstrip('_')} | {calls[kind]:.0f} | {ms / whole:.0%} |" for kind, ms in shown]
    rest = [kind for kind in spent if kind not in dict(shown)]
    lines.append(f"| all else | {sum(calls[k] for k in rest):.0f} | {sum(spent[k] for k in rest) / whole:.0%} |")
    return "\n".join(lines)


def main() -> None:
    from seqgan_cli.randomness import key
    from seqgan_cli.training.backend import start_tensorflow

    start_tensorflow()
    for precision in ("float32", "bfloat16"):
        stage = parts(precision).stage
        labels = np.repeat(np.array([1.0, 0.0], np.float32), B // 2)
        tokens, dropout_key = stage.corpus.train[:B], key(0, "benchmark")
        d_step = operations(lambda: discriminator_step(stage.trainer, tokens, labels, dropout_key).numpy(), 20)  # noqa: B023
        print(table(f"discriminator step, {precision}", *d_step), "\n")
        print(table(f"g-step, {precision}", *operations(lambda: stage.algorithm.g_step(1, 0), 2)), "\n")  # noqa: B023


if __name__ == "__main__":
    main()
