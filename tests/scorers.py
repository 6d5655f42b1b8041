"""Scorers to be started, clocks that wait for events, and whether a process is still there."""

import os
import shlex
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from seqgan_cli.scoring import worker
from seqgan_cli.scoring.protocols import Json, Lines
from seqgan_cli.scoring.workers import Workers

NEVER = 1e9  # seconds
LONG = 240.0  # seconds until a test that waits for an event gives up


def lines_command(folder: Path, body: str, before: str = "") -> list[str]:
    """A program that carries out `body` for each text, the `i`-th in `text`; `say` answers. `before` runs first."""
    path = folder / "scorer.py"
    indented = "\n".join(f"    {line}" for line in body.splitlines())
    path.write_text(
        "import os, sys, time, signal, pathlib\n"
        "sys.stdin.reconfigure(encoding='utf-8')\n"
        f"here = pathlib.Path({str(folder)!r})\n"
        "def say(*words):\n    print(*words, flush=True)\n"
        f"{before}\n"
        "for i, line in enumerate(sys.stdin):\n    text = line[:-1]\n"
        f"{indented}\n",
        encoding="utf-8",
    )
    return ["/bin/sh", "-c", f"exec {shlex.quote(sys.executable)} {shlex.quote(str(path))}"]


def lines(folder: Path, body: str, before: str = "", jobs: int = 1) -> Workers:
    """Processes of such a program that are never late."""
    return Workers(lines_command(folder, body, before), jobs, NEVER, Lines(), "--reward-command")


def json(folder: Path, code: str, jobs: int = 1, place: str = "my.py") -> Workers:
    """Processes of our own that score by a user's file. By their clock nothing takes time."""
    (folder / "my.py").write_text(code, encoding="utf-8")
    return Workers(worker.command("file", str(folder / place)), jobs, NEVER, Json(), "--reward-file", clock=lambda: 0.0)


def once_there(path: Path) -> Callable[[], float]:
    """A clock that stands until a file is there."""
    return lambda: time.monotonic() if path.exists() else 0.0


def is_alive(pid: int) -> bool:
    """Whether that process runs. One that nobody has waited for is no longer running."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    try:
        return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:  # gone in between
        return False


def gone(pids: Iterable[int]) -> bool:
    return not any(map(is_alive, pids))


def wait_for(condition: Callable[[], object]) -> None:
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < LONG
        time.sleep(0.01)


def pids(folder: Path) -> list[int]:
    """Of the processes that left a file `PID.pid` there."""
    return [int(path.stem) for path in folder.glob("*.pid")]
