"""A corpus larger than memory should be: prepared, then 2,000 steps of every stage on it, each stage once undisturbed and once
killed on the way. The most memory of any of it, and whether the killed ones come to the same bits."""

import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from kills import state  # noqa: E402
from sizes import MOST, TOLD  # noqa: E402

from seqgan_cli.config.settings import STAGES  # noqa: E402
from seqgan_cli.runs.run import Run  # noqa: E402

LENGTH, TYPES, STEPS = 20, 5000, 2000
KILLS = 2  # of each stage
# 2,000 steps each: 10 epochs of 200; 20 draws of 100 batches; 200 rounds of 10 g-steps and 10 d-steps.
SETTINGS = {
    "pretrain-g.steps-per-epoch": 200,
    "pretrain-g.epochs": 10,
    "pretrain-d.d-samples": 3200,
    "pretrain-d.d-steps": 20,
    "pretrain-d.k": 1,
    "adversarial.rounds": 200,
    "adversarial.g-steps": 10,
    "adversarial.d-steps": 1,
    "adversarial.d-samples": 320,
    "adversarial.k": 1,
    "adversarial.rollouts": 2,
    "discriminator.filters": "1:50,2:50,3:50,4:50",
    "evaluation.samples": 200,
}


def write_lines(path: Path, sequences: int) -> None:
    """So many lines of 20 words, of 5,000 whose frequencies fall as Zipf's; a word in five follows from the one before."""
    draws = np.random.default_rng(0)
    words = np.array([f"w{i:04d} ".encode() for i in range(TYPES)])
    shares = np.cumsum(1.0 / np.arange(1, TYPES + 1))
    with path.open("wb") as file:
        for first in range(0, sequences, 50_000):
            number = min(50_000, sequences - first)
            table = np.searchsorted(shares / shares[-1], draws.random((number, LENGTH)))
            followed = draws.random((number, LENGTH - 1)) < 0.2
            table[:, 1:] = np.where(followed, (7 * table[:, :-1] + 3) % TYPES, table[:, 1:])
            lines = words[table].view("S1").reshape(number, -1)
            lines[:, -1] = b"\n"
            file.write(lines.tobytes())


def run_command(*arguments: Any) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", TOLD, *map(str, arguments), "-q"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )


def ended(process: subprocess.Popen) -> float:
    """Its peak in MB."""
    _, said = process.communicate()
    assert process.returncode == 0, said
    return int(said.split()[-1]) / (1 << 10)


def streams(sequences: int, folder: Path) -> dict[str, Any]:
    """Peaks in MB and seconds, and what is wrong."""
    draw, lines, prepared = random.Random(0), folder / "lines.txt", folder / "prepared"
    whole, victim = folder / "whole", folder / "victim"
    write_lines(lines, sequences)
    measured: dict[str, float] = {}
    wrong: list[str] = []

    def measure(what: str, *arguments: Any) -> None:
        began = time.monotonic()
        measured[f"{what}, MB"] = ended(run_command(*arguments))
        measured[f"{what}, s"] = round(time.monotonic() - began, 1)

    measure("preparing", "corpus", lines, "--write", prepared, "--format", "tfrecord", "-n", 0)
    measured["lines, MB on the disk"] = lines.stat().st_size / (1 << 20)
    measured["prepared, MB on the disk"] = sum(path.stat().st_size for path in prepared.iterdir()) / (1 << 20)
    lines.unlink()
    sets = [word for name, value in SETTINGS.items() for word in ("--set", f"{name}={value}")]
    for stage in STAGES:
        given = ["--data", prepared, *sets] if stage == STAGES[0] else []
        command = [stage, "--threads", 1, *given, "--run"]
        if whole.exists():
            Run(whole).fork(victim)
        measure(stage, *command, whole)
        target = Run(whole).position(stage)
        for _ in range(KILLS):
            process = run_command(*command, victim)
            last = draw.randrange(target)
            while process.poll() is None and (not victim.exists() or Run(victim).position(stage) <= last):
                time.sleep(0.01)
            time.sleep(draw.uniform(0.0, 0.5))
            process.send_signal(signal.SIGKILL)
            process.communicate()
        ended(run_command(*command, victim))
        found, expected = state(victim, stage), state(whole, stage)
        wrong += [f"{stage}: {name} differs" for name in expected if found.get(name) != expected[name]]
        shutil.rmtree(victim)
    wrong += [f"{what} took {most:.0f}" for what, most in measured.items() if what.endswith(", MB") and most > MOST]
    return {"sequences": sequences, "streamed": measured, "wrong": wrong}
