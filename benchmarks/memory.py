"""Memory of adversarial training in the paper's setting: its peak, and whether it grows over 100 rounds.

Resident memory is read ten times a second.
"""

import csv
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from measure import ROOT, Machine, Row, main

ROUNDS = 100
PAGE = os.sysconf("SC_PAGE_SIZE")


def watched(run: Path, *arguments: object) -> tuple[float, list[tuple[int, float]]]:
    """Run the command line; (peak resident GB, resident GB after each round seen while it ran)."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, "-m", "seqgan_cli", *map(str, arguments), "--run", str(run), "-q"]
    process = subprocess.Popen(command, env=environment)
    seen: dict[int, float] = {}
    peak = 0.0
    while process.poll() is None:
        time.sleep(0.1)
        try:
            resident = int(Path(f"/proc/{process.pid}/statm").read_text().split()[1]) * PAGE / 1e9
            with (run / "history.csv").open() as file:
                done = max((int(row["position"]) for row in csv.DictReader(file) if row["stage"] == "adversarial"), default=0)
        except (OSError, IndexError, TypeError, ValueError):
            continue  # it has just ended, or a line is half written
        peak = max(peak, resident)
        seen[done] = resident
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} failed with {process.returncode}")
    return peak, sorted(seen.items())


def rows(_: Machine) -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        watched(run, "pretrain-g", "--epochs", 1)
        watched(run, "pretrain-d", "--d-steps", 1, "--k", 1, "--d-samples", 640)
        peak, _ = watched(run, "adversarial", "--rounds", 2, "--d-steps", 1, "--k", 1)
        light = ["--rollouts", 2, "--d-samples", 64, "--set", "evaluation.samples=64"]
        _, resident = watched(run, "adversarial", "--rounds", 2 + ROUNDS, "--d-steps", 1, "--k", 1, *light)
    early, late = (np.median([gb for at, gb in resident if low <= at <= high]) for low, high in ((12, 32), (82, 102)))
    growth = float(late / early - 1)
    return [
        Row("peak memory of adversarial rounds", peak, "GB", target="≤ 2 GB", met=peak <= 2.0),
        Row(
            f"growth of memory over {ROUNDS} rounds",
            100 * growth,
            "%",
            target="≤ 2 %",
            met=growth <= 0.02,
            note="median of rounds 80-100 against 10-30, with 2 rollouts and 64 negatives so that the rounds are short",
        ),
    ]


if __name__ == "__main__":
    main(rows)
