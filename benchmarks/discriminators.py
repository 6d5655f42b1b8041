"""Which discriminators learn what real sequences are like, and which learn the training set by heart.

The cheapest test of a proposal: what its discriminator knows before the rounds, against the same generator. Held-out real
sequences tell memory from knowledge; the rank correlation with the oracle's likelihood is what a reward could teach. Runs are
those of an experiment under --out, which `seqgan experiment` with the same settings goes on with.
"""

import argparse
import csv
from pathlib import Path

from seqgan_cli.config import resolution as configuration
from seqgan_cli.console import Console
from seqgan_cli.runs.run import Run
from seqgan_cli.studies.experiments import plan
from seqgan_cli.studies.experiments.study import carry_out

METHODS = ("seqgan", "d-dropout", "d-smooth", "d-recurrent", "d-attention", "wasserstein", "partial")
MEASURED = ("d_accuracy_train", "d_accuracy_test", "d_accuracy_fake", "reward_oracle_correlation")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("runs/strong"))
    parser.add_argument("--preset", default="fast")
    parser.add_argument("--set", action="append", default=[], dest="sets", help="any setting, for all")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--methods", default=",".join(METHODS))
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--csv", type=Path, default=Path("docs/results/discriminators.csv"))
    options = parser.parse_args()
    config = configuration.resolve(*configuration.explicit({}, tuple(options.sets), None), None, options.preset)
    plan.claim(options.out, config, options.preset, begin=True)
    methods = plan.chosen_methods("frontier", options.methods)
    needed = plan.tasks(options.out, methods, range(options.seeds), config, options.preset)
    needed = [task for task in needed if task.work.stage != "adversarial"]
    weights = {task.label: float(task.target) for task in needed}
    carry_out("discriminators", needed, weights, options.jobs, options.threads, Console())
    rows = []
    for task in needed:
        if task.work.stage == "pretrain-d":
            history = [row for row in Run(task.path).history.rows() if row.stage == "pretrain-d"]
            last = {row.metric: row.value for row in history if row.position == task.target}
            rows.append({"discriminator": task.name, "seed": task.seed, **{name: last[name] for name in MEASURED}})
    options.csv.parent.mkdir(parents=True, exist_ok=True)
    with options.csv.open("w", newline="") as file:
        writer = csv.DictWriter(file, ["discriminator", "seed", *MEASURED], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    for row in sorted(rows, key=lambda row: (row["discriminator"], row["seed"])):
        print(" | ".join(str(value) if isinstance(value, str | int) else f"{value:.3f}" for value in row.values()))


if __name__ == "__main__":
    main()
