"""How much discriminator training a round needs: schedules compared after the same number of g-steps, over seeds.

Every arm starts from the same pre-trained generator and discriminator of its seed; a seed has an oracle of its own. It is all
done by the command line, in runs under --directory, so a killed comparison goes on where it was.
"""

import argparse
import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np

ARMS = {
    "paper": ["--d-steps", "5", "--k", "3"],
    "fast": ["--d-steps", "1", "--k", "1", "--d-samples", "2500"],
    "fast, bfloat16": ["--d-steps", "1", "--k", "1", "--d-samples", "2500", "--precision", "bfloat16"],
    "640 negatives": ["--d-steps", "1", "--k", "1", "--d-samples", "640"],
    "constant reward": ["--reward", "constant"],
}
FIELDS = ["seed", "arm", "g_steps", "nll_oracle", "nll_test", "distinct_share", "seconds_a_round"]


def seqgan(*arguments: object) -> str:
    command = [sys.executable, "-m", "seqgan_cli", *map(str, arguments)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def score(run: Path, seed: int, arm: str, g_steps: int, samples: int) -> dict[str, object]:
    """Scores of the run's latest generator, and the median seconds of its rounds."""
    found = json.loads(seqgan("eval-nll", "--run", run, "--samples", samples, "--json", "-q"))["scores"][0]
    with (run / "history.csv").open() as file:
        rounds = {row["position"]: float(row["seconds"]) for row in csv.DictReader(file) if row["stage"] == "adversarial"}
    rounds.pop("0", None)
    return {
        "seed": seed,
        "arm": arm,
        "g_steps": g_steps,
        "nll_oracle": found["nll_oracle"]["mean"],
        "nll_test": found["nll_test"]["mean"],
        "distinct_share": found["distinct_share"],
        "seconds_a_round": float(np.median(list(rounds.values()))) if rounds else 0.0,
    }


def compare(seed: int, options: argparse.Namespace) -> list[dict[str, object]]:
    """All arms of one seed."""
    start = options.directory / f"seed-{seed}" / "start"
    size = ["--num-sequences", options.num_sequences, "--epochs", options.epochs, "--eval-every", 10]
    seqgan("pretrain-g", "--run", start, "--seed", seed, *size)
    seqgan("pretrain-d", "--run", start, "--d-steps", 10, "--k", 3, "--d-samples", 2500)
    rows = [score(start, seed, "MLE", 0, options.samples)]
    for arm, settings in ARMS.items():
        run = start.with_name(arm.replace(",", "").replace(" ", "-"))
        if not run.exists():
            shutil.copytree(start, run)
        seqgan("adversarial", "--run", run, "--rounds", options.rounds, *settings)
        rows.append(score(run, seed, arm, options.rounds, options.samples))
    return rows


def summary(rows: list[dict[str, object]]) -> str:
    """A line an arm: mean over seeds, and the mean and largest difference from the paper's schedule."""
    by_arm: dict[str, dict[object, dict]] = {}
    for row in rows:
        by_arm.setdefault(str(row["arm"]), {})[row["seed"]] = row
    lines = ["| schedule | nll_oracle | nll_test | against paper: nll_oracle, nll_test (largest of a seed) | seconds a round |"]
    lines.append("|---|---|---|---|---|")
    for arm, seeds in by_arm.items():
        cells = []
        for metric in ("nll_oracle", "nll_test"):
            measured = np.array([seeds[seed][metric] for seed in seeds])
            apart = measured - np.array([by_arm["paper"][seed][metric] for seed in seeds])
            cells.append((measured.mean(), apart.mean(), np.abs(apart).max()))
        differences = ", ".join(f"{mean:+.3f} ({largest:.3f})" for _, mean, largest in cells)
        seconds = np.mean([row["seconds_a_round"] for row in seeds.values()])
        lines.append(f"| {arm} | {cells[0][0]:.3f} | {cells[1][0]:.3f} | {differences} | {seconds:.1f} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--directory", type=Path, default=Path("runs/schedules"))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=12, help="g-steps of each arm")
    parser.add_argument("--num-sequences", type=int, default=2500)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--samples", type=int, default=10000)
    options = parser.parse_args()
    rows = [row for seed in range(options.seeds) for row in compare(seed, options)]
    with (options.directory / "schedules.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, FIELDS)
        writer.writeheader()
        writer.writerows(rows)
    print(summary(rows))


if __name__ == "__main__":
    main()
