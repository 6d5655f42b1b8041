"""All rows in one table: every script in a process of its own, one after the other, and JSON for those who compare runs."""

import argparse
import json
import subprocess
import sys
from pathlib import Path

from measure import Row, table

SCRIPTS = ("startup", "sample", "mle_epoch", "adversarial", "scores", "score", "memory")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=Path("runs/bench.json"), help="where the JSON goes")
    options = parser.parse_args()
    here, found = Path(__file__).parent, {}
    for name in SCRIPTS:
        print(f"{name} …", file=sys.stderr, flush=True)
        ran = subprocess.run([sys.executable, here / f"{name}.py", "--json"], check=True, stdout=subprocess.PIPE, text=True)
        found[name] = json.loads(ran.stdout.splitlines()[-1])
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(found, indent=1) + "\n")
    rates = [result["machine"] for result in found.values()]
    spread = {name: [min(r[name] for r in rates) / 1e9, max(r[name] for r in rates) / 1e9] for name in rates[0]}
    low_high = {name: f"{low:.0f}-{high:.0f}" for name, (low, high) in spread.items()}
    print(
        f"Products of 2048³ ran at {low_high['float32']} GFLOP/s in float32 and {low_high['bfloat16']} in bfloat16, "
        f"copies at {low_high['copy']} GB/s (slowest and fastest of {len(rates)} scripts).\n"
    )
    print(table([Row(**row) for result in found.values() for row in result["rows"]]))
    print(f"\nAs JSON: {options.output}")


if __name__ == "__main__":
    main()
