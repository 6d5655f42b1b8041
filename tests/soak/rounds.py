"""Adversarial rounds for minutes or hours: memory, threads, file handles, disk and time per round from first to last."""

import dataclasses
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent)]

from seqgan_cli.runs.run import Run  # noqa: E402

WARM_UP = 0.2  # share of the time after which everything that is kept should be there


@dataclasses.dataclass(frozen=True)
class Seen:
    """At one moment: megabytes of memory, threads, open files, and megabytes of checkpoints on the disk."""

    memory: float
    threads: int
    files: int
    disk: float


def look(process: int, run: Path) -> Seen:
    status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    numbers = {line.split(":")[0]: line.split()[1] for line in status.splitlines() if len(line.split()) > 1}
    disk = sum(path.stat().st_size for path in (run / "checkpoints").rglob("*") if path.is_file())
    files = len([*Path(f"/proc/{process}/fd").iterdir()])
    return Seen(int(numbers["VmRSS"]) / 1024, int(numbers["Threads"]), files, disk / 1e6)


def soak(minutes: float, run: Path) -> dict[str, float]:
    """Figures of that many minutes of rounds of the quick preset: the medians of the last fifth, against those before."""
    train = [sys.executable, "-m", "seqgan_cli"]
    common = ["--run", str(run), "--threads", "1", "-q"]
    if not Run(run).has("pretrain-d"):
        subprocess.run([*train, "pretrain-g", *common, "--preset", "quick", "--epochs", "5"], check=True)
        subprocess.run([*train, "pretrain-d", *common], check=True)
    sizes = ["--set", "evaluation.samples=200", "--set", "adversarial.d-samples=100", "--rounds", "10000000"]
    process = subprocess.Popen([*train, "adversarial", *common, *sizes], stderr=subprocess.DEVNULL, start_new_session=True)
    seen: list[Seen] = []
    began = time.monotonic()
    while time.monotonic() - began < 60 * minutes and process.poll() is None:
        time.sleep(2.0)
        if Run(run).position("adversarial") > 3:
            seen.append(look(process.pid, run))
    process.send_signal(signal.SIGTERM)
    assert process.wait() == 143, process.returncode
    rows = [row for row in Run(run).history.rows() if row.stage == "adversarial" and row.metric == "g_loss"]
    seconds = [row.seconds for row in sorted(rows, key=lambda row: row.position)]
    warm, fifth = int(WARM_UP * len(seen)), max(1, len(seen) // 5)
    first, last = seen[warm : warm + fifth], seen[-fifth:]
    rounds_warm, rounds_fifth = int(WARM_UP * len(seconds)), max(1, len(seconds) // 5)
    figures = {"minutes": minutes, "rounds": float(len(seconds))}
    for field in dataclasses.fields(Seen):
        before, after = (statistics.median(getattr(each, field.name) for each in part) for part in (first, last))
        figures |= {f"{field.name} first": before, f"{field.name} last": after}
    figures["round first"] = statistics.median(seconds[rounds_warm : rounds_warm + rounds_fifth])
    figures["round last"] = statistics.median(seconds[-rounds_fifth:])
    return figures


def failures(figures: dict[str, float]) -> list[str]:
    """What is not flat: 5 % for memory and time per round, nothing for the others."""
    found = []
    for name, allowed in (("memory", 0.05), ("threads", 0.0), ("files", 0.0), ("disk", 0.01), ("round", 0.05)):
        before, after = figures[f"{name} first"], figures[f"{name} last"]
        if after > before * (1.0 + allowed):
            found.append(f"{name} grew from {before:.4g} to {after:.4g}")
    return found
