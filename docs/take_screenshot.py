"""Draws the terminal of `make oracle` as docs/demo.svg, and takes the figure of `make demo`; `make docs` runs this."""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

HERE = Path(__file__).parent
WIDTH = 122


def shortened(output: str) -> list[str]:
    """The lines of a run, with the middle of each stage's left out."""
    lines: list[str] = []
    for line in output.splitlines():
        progress = re.match(r"(\S+ \S+) (\d+)/(\d+) ", line)
        if progress and 2 < int(progress[2]) < int(progress[3]) - 1:
            if lines[-1] != "⋮":
                lines.append("⋮")
            continue
        lines.append(line)
    return lines


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "seqgan_cli", "train", "--preset", "quick"]
        done = subprocess.run(command, cwd=folder, check=True, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    subprocess.run(["make", "demo"], cwd=HERE.parent, check=True)  # which goes on from what runs/demo has
    shutil.copy(HERE.parent / "runs/demo/objective/reward.png", HERE / "demo-reward.png")
    console = Console(record=True, width=WIDTH, file=(Path(tempfile.gettempdir()) / "screenshot.log").open("w"))
    console.print(Text("$ seqgan train --preset quick", style="bold"))
    for line in shortened(done.stdout):
        console.print(Text(line.rstrip()))
    console.save_svg(str(HERE / "demo.svg"), title="seqgan")


if __name__ == "__main__":
    main()
