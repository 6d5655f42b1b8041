"""The same seed again: twice in a row, and on one thread and on two; byte for byte or by how much not."""

import subprocess
import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent)]

from seqgan_cli.config.settings import STAGES  # noqa: E402
from seqgan_cli.runs.run import Run  # noqa: E402

FEW = ("--set", "pretrain-g.epochs=3", "--set", "pretrain-d.d-steps=2", "--set", "adversarial.rounds=3")


def trained(run: Path, threads: int) -> Path:
    command = [sys.executable, "-m", "seqgan_cli", "train", "--run", str(run), "--preset", "quick", "-q", *FEW]
    subprocess.run([*command, "--threads", str(threads)], check=True, stdout=subprocess.DEVNULL)
    return run


def difference(one: Path, other: Path, stage: str) -> float:
    """The largest between two numbers of the last checkpoints, weights and optimizer; 0 only if every byte is the same."""
    first, second = (Run(run).checkpoints(stage).latest(lambda message: None) for run in (one, other))
    assert first is not None
    assert second is not None
    if all(array.tobytes() == second.arrays[name].tobytes() for name, array in first.arrays.items()):
        return 0.0
    return max(float(np.abs(array.astype(float) - second.arrays[name]).max()) for name, array in first.arrays.items())


def repeats(folder: Path) -> dict[str, float]:
    """Differences after a few units of every stage of the quick preset, by stage and what was changed."""
    two, again, one = trained(folder / "two", 2), trained(folder / "again", 2), trained(folder / "one", 1)
    found = {}
    for stage in STAGES:
        found[f"{stage}, twice"] = difference(two, again, stage)
        found[f"{stage}, one thread and two"] = difference(two, one, stage)
    return found


def failures(found: dict[str, float]) -> list[str]:
    return [f"{what}: {size} apart" for what, size in found.items() if what.endswith("twice") and size]
