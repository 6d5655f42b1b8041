"""Two processes that share one step, each on a core of its own, against one process on one core.

Each stage does a few units of `--preset fast` in runs under --directory; the first, which compiles, counts for nothing. So does
`eval-nll` with two numbers of samples, whose difference counts. Bytes
that cross at a step are those of the gradients, counted from the weights: a ring sends 2(n-1)/n of each dense one, and every
process sends the others its rows of an embedding's.
"""

import argparse
import csv
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

SAMPLES = (20_000, 80_000)
UNITS = {"pretrain-g": ("--epochs", 6), "pretrain-d": ("--d-steps", 4), "adversarial": ("--rounds", 4)}


def command(stage: str, run: Path, core: int, *more: str) -> subprocess.Popen:
    option, units = UNITS[stage]
    preset = ["--preset", "fast"] if stage == "pretrain-g" else ["--set", "pretrain-d.k=1"]
    arguments = [stage, "--run", str(run), option, str(units), "--threads", "1", "-q", *preset, *more]
    pin = ["taskset", "-c", str(core)] if shutil.which("taskset") else []
    return subprocess.Popen([*pin, sys.executable, "-m", "seqgan_cli", *arguments])


def scoring(run: Path, cores: list[int], together: Callable[[int], list[str]]) -> float:
    """Seconds in which `eval-nll` draws and scores 10,000 samples: the difference between two numbers of them.

    Args:
        cores: one for each process.
        together: the options that tell a process of the others.
    """
    taken = []
    for number in SAMPLES:
        began = time.monotonic()
        processes = []
        for i, core in enumerate(cores):
            pin = ["taskset", "-c", str(core)] if shutil.which("taskset") else []
            asked = ["eval-nll", "--run", str(run), "--from", "pretrain-g", "--samples", str(number), "--threads", "1", "-q"]
            whole = [*pin, sys.executable, "-m", "seqgan_cli", *asked, *together(i)]
            processes.append(subprocess.Popen(whole, stdout=subprocess.DEVNULL))
        finish(processes)
        taken.append(time.monotonic() - began)
    return (taken[1] - taken[0]) * 10_000 / (SAMPLES[1] - SAMPLES[0])


def seconds(run: Path, stage: str) -> float:
    """A unit of the stage, the median of all but the first."""
    with (run / "history.csv").open() as file:
        units = {row["position"]: float(row["seconds"]) for row in csv.DictReader(file) if row["stage"] == stage}
    return statistics.median(value for position, value in units.items() if int(position) > 1)


def address() -> str:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return f"127.0.0.1:{free.getsockname()[1]}"


def finish(processes: list[subprocess.Popen]) -> None:
    codes = [process.wait() for process in processes]
    if any(codes):
        raise SystemExit("a process failed: see above")


def traffic(run: Path) -> dict[str, int]:
    """Bytes that a process sends at a step of each of two, by what is trained."""
    import numpy as np

    found = {}
    settings = {name: each["value"] for name, each in json.loads((run / "config.json").read_text())["settings"].items()}
    length = settings["data.sequence-length"]
    for model, stage, batch in (("generator", "pretrain-g", 64), ("discriminator", "pretrain-d", 64)):
        last = sorted((run / "checkpoints" / stage).glob("0*.npz"))[-1]
        with np.load(last) as arrays:
            sizes = {name: arrays[name].nbytes for name in arrays.files if name.startswith(f"{model}/")}
            widths = {name: arrays[name].shape[-1] for name in arrays.files if name.startswith(f"{model}/0.")}
        ((embedding, width),) = widths.items()
        rows = batch // 2 * length  # of one process
        found[model] = sum(size for name, size in sizes.items() if name != embedding) + rows * (4 * width + 8)
    return found


# What the model assumes of machines nobody measured: how many devices, how much faster than this core one computes, bytes a
# second between two of them, and seconds until the first arrives.
MACHINES = {
    "8 GPUs of a machine": (8, 50.0, 100e9, 20e-6),
    "64 workers, a core each, 10 Gb/s": (64, 1.0, 1.25e9, 50e-6),
}
BATCHES = (1, 8, 64)  # times the usual batch


def model(step: float, sent: float, number: int, speed: float, bandwidth: float, latency: float, batch: int) -> float:
    """How many times as many sequences a second `number` devices train on as one of them.

    A device computes its rows in step · batch / (number · speed); a ring then passes 2(n-1)/n of the gradient in 2(n-1) hops.
    """
    compute = step * batch / speed
    exchange = 2 * (number - 1) / number * sent / bandwidth + 2 * (number - 1) * latency
    return compute / (compute / number + exchange)


def print_model(figures: dict) -> None:
    stages = figures["stages"]  # of so many steps a unit
    steps = {"generator": stages["pretrain-g"]["one"] / 156, "discriminator": stages["pretrain-d"]["one"] / 78}
    print("| | batch | generator | discriminator |\n|---|---|---|---|")
    for name, machine in MACHINES.items():
        for batch in BATCHES:
            times = [f"{model(step, figures['bytes a step'][what], *machine, batch):.1f} ×" for what, step in steps.items()]
            print(f"| {name} | {64 * batch} | {' | '.join(times)} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--directory", type=Path, default=Path("runs/workers"))
    parser.add_argument("--json", type=Path, default=Path("docs/results/workers.json"))
    parser.add_argument("--only-model", action="store_true", help="from the figures that --json holds")
    options = parser.parse_args()
    if options.only_model:
        print_model(json.loads(options.json.read_text()))
        return
    cores = sorted(os.sched_getaffinity(0))[:2]
    if len(cores) < 2:
        raise SystemExit("this needs two cores")
    shutil.rmtree(options.directory, ignore_errors=True)
    one, two = options.directory / "one", options.directory / "two"
    figures: dict[str, dict[str, float]] = {}
    for stage in UNITS:
        finish([command(stage, one, cores[0])])
        cluster = f"{address()},{address()}"
        together = ["--distribute", "multi-worker", "--cluster", cluster, "--worker"]
        finish([command(stage, two, core, *together, str(i)) for i, core in enumerate(cores)])
        alone, shared = seconds(one, stage), seconds(two, stage)
        figures[stage] = {"one": alone, "two": shared, "speed": alone / shared, "efficiency": alone / shared / 2}
        print(f"{stage}: {alone:.2f} s a unit by one, {shared:.2f} s by two: {alone / shared:.2f} times", flush=True)
    alone = scoring(one, cores[:1], lambda i: [])
    cluster = f"{address()},{address()}"
    shared = scoring(one, cores, lambda i: ["--distribute", "multi-worker", "--cluster", cluster, "--worker", str(i)])
    figures["eval-nll"] = {"one": alone, "two": shared, "speed": alone / shared, "efficiency": alone / shared / 2}
    print(f"eval-nll: {alone:.2f} s for 10,000 samples by one, {shared:.2f} s by two: {alone / shared:.2f} times", flush=True)
    sent = traffic(two)
    for model, count in sent.items():
        print(f"{model}: {count / 1e6:.2f} MB a step from each of two")
    measured = {"stages": figures, "bytes a step": sent}
    options.json.write_text(json.dumps(measured, indent=1) + "\n")
    print_model(measured)


if __name__ == "__main__":
    main()
