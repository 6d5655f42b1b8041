"""How strong maximum likelihood can be: sizes and regularisation, chosen by held-out likelihood alone.

A run for every choice, stopped when held-out data stop getting likelier, in runs under --directory, so a killed search goes on
where it was. The oracle makes the data and is asked nothing: quality decides nothing here.
"""

import argparse
import csv
import itertools
import json
import subprocess
import sys
from pathlib import Path

FIELDS = ["seed", "hidden", "dropout", "learning_rate", "weight_decay", "nll_test", "epoch", "seconds"]
SETTINGS = ("generator.hidden-dim", "pretrain-g.dropout", "pretrain-g.learning-rate", "pretrain-g.weight-decay")


def best(run: Path, seed: int, choice: tuple[float, ...], threads: int) -> dict[str, object]:
    """The lowest held-out loss that the choice reaches, after which epoch, and the seconds up to the last."""
    sets = [part for name, value in zip(SETTINGS, choice, strict=True) for part in ("--set", f"{name}={value:g}")]
    train = ["pretrain-g", "--run", run, "--seed", seed, "--threads", threads, "--patience", 4, "-q", *sets]
    subprocess.run([sys.executable, "-m", "seqgan_cli", *map(str, train)], check=True)
    with (run / "history.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["metric"] == "nll_test" and int(row["position"])]
    lowest = min(rows, key=lambda row: float(row["value"]))
    seconds = sum(float(row["seconds"]) for row in rows)
    named = dict(zip(FIELDS[1:5], choice, strict=True))
    return {"seed": seed, **named, "nll_test": float(lowest["value"]), "epoch": int(lowest["position"]), "seconds": seconds}


def summary(rows: list[dict[str, object]]) -> str:
    """A line a choice, the likeliest first: the mean over seeds of its best held-out loss."""
    by_choice: dict[tuple, list[dict]] = {}
    for row in rows:
        by_choice.setdefault(tuple(row[name] for name in FIELDS[1:5]), []).append(row)
    lines = ["| hidden | dropout | step size | weight decay | nll_test | epochs |", "|---|---|---|---|---|---|"]
    means = {choice: sum(row["nll_test"] for row in found) / len(found) for choice, found in by_choice.items()}
    for choice in sorted(means, key=means.__getitem__):
        epochs = ", ".join(str(row["epoch"]) for row in by_choice[choice])
        lines.append(f"| {' | '.join(f'{value:g}' for value in choice)} | {means[choice]:.3f} | {epochs} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--directory", type=Path, default=Path("runs/strong-mle"))
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--hidden", type=int, nargs="+", default=[32, 64, 128, 256])
    parser.add_argument("--dropout", type=float, nargs="+", default=[0.3, 0.5, 0.7])
    parser.add_argument("--learning-rate", type=float, nargs="+", default=[0.002, 0.005])
    parser.add_argument("--weight-decay", type=float, nargs="+", default=[0.0])
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--csv", type=Path, default=Path("docs/results/strong-mle.csv"))
    options = parser.parse_args()
    kept = options.directory / "done.json"
    done: dict[str, dict[str, object]] = json.loads(kept.read_text()) if kept.exists() else {}
    choices = itertools.product(options.hidden, options.dropout, options.learning_rate, options.weight_decay)
    for choice, seed in itertools.product(list(choices), range(options.seeds)):
        name = "-".join(f"{value:g}" for value in (*choice, seed))
        if name not in done:
            done[name] = best(options.directory / name, seed, choice, options.threads)
            kept.write_text(json.dumps(done, indent=1) + "\n")
            print(done[name], file=sys.stderr, flush=True)
    rows = sorted(done.values(), key=lambda row: [row[name] for name in FIELDS])
    options.csv.parent.mkdir(parents=True, exist_ok=True)
    with options.csv.open("w", newline="") as file:
        writer = csv.DictWriter(file, FIELDS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    print(summary(rows))


if __name__ == "__main__":
    main()
