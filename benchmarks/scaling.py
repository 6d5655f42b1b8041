"""How cost grows: seconds and peak memory over sequence length, vocabulary, rollouts, batch and corpus, one at a time.

Every point is a process of its own, so that its peak is its own. Writes a table, a CSV and a log-log figure.
"""

import argparse
import csv
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from measure import discriminator_step, drawn, likelihood_step, seconds

from seqgan_cli.sampling.sequences import sample_batch

ROLLOUTS = 4  # where they are not what grows
SWEEPS: dict[str, tuple[int, ...]] = {
    "sequence length": (20, 40, 80, 160),
    "vocabulary": (5_000, 20_000, 50_000),
    "rollouts": (1, 4, 16, 64),
    "batch": (64, 256, 1024),
    "corpus": (10_000, 100_000, 1_000_000),
}


def adversarial(**changes: Any) -> dict[str, float]:
    """A g-step's rollouts and its rewards, in seconds."""
    from seqgan_cli.algorithms.adversarial import AdversarialTraining
    from seqgan_cli.algorithms.rollout import ActionValues
    from seqgan_cli.config.resolution import explicit, resolve
    from seqgan_cli.console import Console
    from seqgan_cli.models.generator import Generator
    from seqgan_cli.randomness import key, rng
    from seqgan_cli.rewards.controls import ConstantReward

    sizes = {"data.num-sequences": 64, "adversarial.rollouts": ROLLOUTS, **changes}
    settings = resolve(*explicit(sizes, (), None), None, "paper").settings
    corpus, oracle = drawn(settings)
    generator = Generator(corpus.vocabulary, corpus.sequence_length, settings.generator)
    generator.initialise(rng(0, "generator"))
    stage = AdversarialTraining(settings, corpus, oracle, generator, Console(quiet=True))
    tokens = sample_batch(generator, 64, key(0, "benchmark"))
    search = ActionValues(stage.algorithm.policy, ConstantReward(), settings.values["adversarial.rollouts"])
    rollouts = seconds(lambda: search(tokens, key(0, "benchmark")).numpy(), 1, 1)
    both = seconds(lambda: stage.algorithm.action_values(tokens, key(0, "benchmark")).numpy(), 1, 1)
    return {"rollouts": rollouts, "rewards": both - rollouts}


def steps(**changes: Any) -> dict[str, float]:
    """A likelihood step and a discriminator step, in seconds for 64 sequences."""
    from seqgan_cli.algorithms.discriminator import DiscriminatorTrainer
    from seqgan_cli.algorithms.mle import LikelihoodTraining
    from seqgan_cli.config.resolution import explicit, resolve
    from seqgan_cli.console import Console
    from seqgan_cli.randomness import key

    settings = resolve(*explicit({"data.num-sequences": 1024, **changes}, (), None), None, "paper").settings
    corpus, oracle = drawn(settings)
    batch = settings.pretrain_g.batch_size
    stage = LikelihoodTraining(settings, corpus, oracle, Console(quiet=True))
    mle = seconds(lambda: likelihood_step(stage, corpus.train[:batch], key(0, "benchmark")).numpy(), 5, 2)
    trainer = DiscriminatorTrainer(settings, corpus, oracle, Console(quiet=True), 1e-4, 0, 1, "benchmark")
    labels = (np.arange(batch) % 2).astype(np.float32)
    d_step = seconds(lambda: discriminator_step(trainer, corpus.train[:batch], labels, key(0, "benchmark")).numpy(), 5, 2)
    return {"MLE, 64 sequences": mle * 64 / batch, "discriminator, 64 sequences": d_step * 64 / batch}


def text(num: int) -> dict[str, float]:
    """From a text file of so many lines of 20 words to the end of the first step, and 2,000 steps."""
    from seqgan_cli.algorithms.mle import LikelihoodTraining
    from seqgan_cli.config.resolution import resolve
    from seqgan_cli.config.sections import Data
    from seqgan_cli.config.settings import Settings
    from seqgan_cli.console import Console
    from seqgan_cli.data.kinds.base import real_corpus
    from seqgan_cli.randomness import key

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "lines.txt"
        draw = np.random.default_rng(0)
        words = np.array([f"word{i}" for i in range(5000)])
        with path.open("w") as file:
            for _ in range(num // 1000):
                ranks = np.minimum(draw.zipf(1.2, (1000, 20)) - 1, 4999)
                file.writelines(" ".join(words[row]) + "\n" for row in ranks)
        started = time.perf_counter()
        corpus, _ = real_corpus(Settings(data=Data(source=str(path))))
        corpus.save(Path(folder))
    stage = LikelihoodTraining(resolve({}, {}, None, "paper").settings, corpus, None, Console(quiet=True))
    likelihood_step(stage, corpus.train[:64], key(0, "benchmark")).numpy()
    first = time.perf_counter() - started
    order = draw.permutation(len(corpus.train))
    started = time.perf_counter()
    for i in range(2000):
        chosen = order[(i * 64) % (len(order) - 64) :][:64]
        likelihood_step(stage, corpus.train[chosen], key(0, "benchmark", i)).numpy()
    return {"to the first step": first, "MLE, 64 sequences": (time.perf_counter() - started) / 2000}


POINTS: dict[str, Callable[[int], dict[str, float]]] = {
    "sequence length": lambda T: {**adversarial(**{"data.sequence-length": T}), **steps(**{"data.sequence-length": T})},
    "vocabulary": lambda V: {**adversarial(**{"data.vocab-size": V}), **steps(**{"data.vocab-size": V})},
    "rollouts": lambda N: adversarial(**{"adversarial.rollouts": N}),
    "batch": lambda B: steps(**{"pretrain-g.batch-size": B, "discriminator.batch-size": B}),
    "corpus": text,
}


def measured(sweep: str, value: int) -> dict[str, float]:
    """One point, in a process of its own: seconds by what they are for, and its peak memory in GB."""
    command = [sys.executable, __file__, "--point", sweep, str(value)]
    found = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return json.loads(found.splitlines()[-1])


def exponents(values: tuple[int, ...], costs: list[float]) -> list[float]:
    """Slopes in the log-log plane between neighbouring points: 1 is linear, 2 quadratic."""
    return [float(np.log(b / a) / np.log(w / v)) for v, w, a, b in zip(values, values[1:], costs, costs[1:], strict=False)]


def table(found: dict[str, dict[int, dict[str, float]]]) -> str:
    lines = ["| what grows | to | cost | seconds | exponent between points | peak GB |", "|---|---|---|---|---|---|"]
    for sweep, points in found.items():
        values = tuple(points)
        for cost in [name for name in points[values[0]] if name != "peak GB"]:
            costs = [points[value][cost] for value in values]
            shown = [", ".join(f"{x:.3g}" for x in costs), ", ".join(f"{x:.2f}" for x in exponents(values, costs))]
            peaks = ", ".join(f"{points[value]['peak GB']:.2f}" for value in values)
            lines.append(f"| {sweep} | {', '.join(f'{v:,}' for v in values)} | {cost} | {' | '.join(shown)} | {peaks} |")
    return "\n".join(lines)


def figure(found: dict[str, dict[int, dict[str, float]]], path: Path) -> None:
    from matplotlib.figure import Figure

    drawing = Figure(figsize=(4 * len(found), 4), layout="constrained")
    for axes, (sweep, points) in zip(np.atleast_1d(drawing.subplots(1, len(found))), found.items(), strict=True):
        values = list(points)
        for cost in points[values[0]]:
            style = {"linestyle": ":", "color": "gray"} if cost == "peak GB" else {}
            axes.loglog(values, [points[value][cost] for value in values], marker="o", label=cost, **style)
        axes.set_xticks(values, [f"{value:,}" for value in values])
        axes.minorticks_off()
        axes.set_xlabel(sweep)
        axes.legend(fontsize="small")
        axes.grid(alpha=0.3)
    drawing.axes[0].set_ylabel("seconds (dotted: GB)")
    drawing.savefig(path, dpi=80)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--point", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--sweeps", nargs="*", choices=SWEEPS, default=list(SWEEPS))
    parser.add_argument("--output", type=Path, default=Path("runs/scaling"))
    options = parser.parse_args()
    if options.point:
        from seqgan_cli.training.backend import start_tensorflow

        start_tensorflow()
        sweep, value = options.point
        costs = POINTS[sweep](int(value))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
        print(json.dumps({**costs, "peak GB": peak}))
        return
    found: dict[str, dict[int, dict[str, float]]] = {}
    for sweep in options.sweeps:
        for value in SWEEPS[sweep]:
            print(f"{sweep} {value:,} …", file=sys.stderr, flush=True)
            found.setdefault(sweep, {})[value] = measured(sweep, value)
    options.output.mkdir(parents=True, exist_ok=True)
    with (options.output / "scaling.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["what grows", "to", "cost", "value"])
        writer.writerows((s, v, c, x) for s, points in found.items() for v, costs in points.items() for c, x in costs.items())
    figure(found, options.output / "scaling.png")
    print(table(found))


if __name__ == "__main__":
    main()
