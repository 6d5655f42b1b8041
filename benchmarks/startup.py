"""What a user waits for before anything happens: `--help`, and ten samples, against importing TensorFlow alone."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from measure import ROOT, Machine, Row, main, seconds

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "TF_CPP_MIN_LOG_LEVEL": "3"}


def run(*arguments: str) -> None:
    subprocess.run([sys.executable, *arguments], check=True, env=ENVIRONMENT, capture_output=True)


def rows(_: Machine) -> list[Row]:
    program = ("-m", "seqgan_cli")
    with tempfile.TemporaryDirectory() as folder:
        where = ("--run", str(Path(folder) / "run"))
        run(*program, "pretrain-g", *where, "--preset", "quick", "--epochs", "1")
        samples = seconds(lambda: run(*program, "sample", "-n", "10", *where))
    tensorflow = seconds(lambda: run("-c", "import tensorflow"))
    shown = seconds(lambda: run(*program, "--help"))
    ratio = samples / tensorflow
    return [
        Row("seqgan --help", shown, "s", target="≤ 0.3 s", met=shown <= 0.3),
        Row(
            "seqgan sample -n 10",
            samples,
            "s",
            target=f"≤ 1.6 × import tensorflow (here {ratio:.2f}×)",
            met=ratio <= 1.6,
            note=f"importing TensorFlow alone takes {tensorflow:.2f} s",
        ),
    ]


if __name__ == "__main__":
    main(rows)
