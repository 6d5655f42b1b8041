"""How well scores of lines tell the faulty ones: the AUC of each column of `seqgan score`, over all faults and each kind.

AUC: the probability that a faulty line has a higher score than a sound one, drawn at random, half of it where they are equal
(Mann and Whitney 1947): 0.5 is a guess, and 1 no mistake. Of d, the probability of being real, it is that of a lower one.
"""

import argparse
import csv
import json
import math
import sys
from collections.abc import Iterable
from pathlib import Path

SCORES = {"nll": 1.0, "nll_per_token": 1.0, "unknown": 1.0, "d": -1.0}  # and whether more of it speaks for a fault


def auc(faulty: Iterable[float], sound: Iterable[float]) -> float:
    """Of numbers without nan; nan where either has none."""
    labelled = sorted([*((value, 1) for value in faulty), *((value, 0) for value in sound)])
    number, wins, i = sum(label for _, label in labelled), 0.0, 0
    below = 0
    while i < len(labelled):
        j = i
        while j < len(labelled) and labelled[j][0] == labelled[i][0]:
            j += 1
        ones = sum(label for _, label in labelled[i:j])
        wins += ones * (below + (j - i - ones) / 2)
        below += j - i - ones
        i = j
    others = len(labelled) - number
    return wins / (number * others) if number and others else math.nan


def value_of(cell: str) -> float:
    """A score; a line without one is no sequence of the run, which is as odd as can be."""
    return float(cell) if cell else math.inf


def areas(scores: list[dict[str, str]], faults: list[str]) -> dict[str, dict[str, float]]:
    """AUC of each column that there is, by the name of the fault; `all` are all of them."""
    found: dict[str, dict[str, float]] = {}
    for name, sign in SCORES.items():
        if not scores or not any(row.get(name) for row in scores):
            continue
        values = [sign * value_of(row[name]) if row[name] or sign > 0 else math.inf for row in scores]
        sound = [value for value, fault in zip(values, faults, strict=True) if not fault]
        kinds = {"all": set(filter(None, faults)), **{kind: {kind} for kind in sorted(set(filter(None, faults)))}}
        found[name] = {
            kind: auc((v for v, fault in zip(values, faults, strict=True) if fault in among), sound)
            for kind, among in kinds.items()
        }
    return found


def read(path: Path, marks: str) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        quoting = csv.QUOTE_NONE if marks == "\t" else csv.QUOTE_MINIMAL
        return list(csv.DictReader(file, delimiter=marks, quoting=quoting))


def main() -> None:
    parser = argparse.ArgumentParser(description="AUC of scores that should find faulty lines.")
    parser.add_argument("scores", type=Path, help="what `seqgan score` wrote")
    parser.add_argument("table", type=Path, help="of lines and faults, as draw_logs.py --with-faults writes")
    parser.add_argument("--json", action="store_true", help="an object instead of a table")
    options = parser.parse_args()
    try:
        scores, table = read(options.scores, "\t"), read(options.table, ",")
        faults = [row["fault"] for row in table]
    except (OSError, UnicodeDecodeError, KeyError) as error:
        sys.exit(f"Cannot read {options.scores} and {options.table}: {error}")
    if len(scores) != len(faults):
        sys.exit(f"{options.scores} has {len(scores)} lines and {options.table} {len(faults)}: score the same lines.")
    found = areas(scores, faults)
    if options.json:
        counts = {kind: sum(fault == kind for fault in faults) for kind in sorted(set(filter(None, faults)))}
        rounded = {name: {kind: round(value, 4) for kind, value in row.items()} for name, row in found.items()}
        print(json.dumps({"lines": len(faults), "faults": counts, "auc": rounded}, indent=1))
        return
    kinds = [*next(iter(found.values()), {})]
    print(f"AUC over {len(faults)} lines, {sum(map(bool, faults))} of them faulty; 0.5 is a guess.")
    print("".join(f"{cell:>15}" for cell in ("", *kinds)))
    for name, row in found.items():
        print("".join(f"{cell:>15}" for cell in (name, *(f"{row[kind]:.3f}" for kind in kinds))))


if __name__ == "__main__":
    main()
