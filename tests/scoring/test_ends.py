"""No process of a scorer outlives what it was started for, whatever ends that."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from scorers import LONG, gone, json, lines, pids, wait_for
from seqgan_cli.scoring import workers as module
from seqgan_cli.scoring.errors import ScoringError

TELL = "(here / f'{os.getpid()}.pid').touch()"
HANGING = f"""
import os, pathlib, time
here = pathlib.Path(__file__).parent
def score(texts):
    if texts[0] != "ready":
        {TELL}
        time.sleep(1e6)
    return [1] * len(texts)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Where scorers leave their numbers; none is left behind if a test fails."""
    yield tmp_path
    for pid in pids(tmp_path):
        if not gone([pid]):
            os.kill(pid, signal.SIGKILL)


def test_they_end_with_close_and_are_asked_nicely(folder: Path) -> None:
    """By the end of their stdin: what follows the loop is carried out."""
    program = lines(folder, "say(1)", f"import atexit\n{TELL}\natexit.register((here / 'ended').touch)", jobs=2)
    program.ask(["a"])
    wait_for(lambda: len(pids(folder)) == 2)
    assert not gone(pids(folder))
    program.close()
    assert gone(pids(folder))
    assert (folder / "ended").exists()
    assert program.ask(["a"]) == [1]
    program.close()
    program.close()
    assert gone(pids(folder))


def test_one_that_does_not_end_is_killed_with_what_it_started(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "GRACE", 0.1)
    stubborn = "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    program = lines(folder, f"say(1)\nif i == 1: os.fork()\nif i: {TELL}; time.sleep(1e6)", stubborn)
    assert program.ask(["a"]) == [1]
    assert program.ask(["b"]) == [1]
    wait_for(lambda: len(pids(folder)) == 2)
    program.close()
    wait_for(lambda: gone(pids(folder)))


def test_they_end_after_an_error_of_one(folder: Path) -> None:
    wrong = f"here = __import__('pathlib').Path(__file__).parent\nimport os\n{TELL}\n"
    program = json(folder, wrong + "def score(texts):\n    return [None]", jobs=3)
    with pytest.raises(ScoringError):
        program.ask(["a"] * 20)
    wait_for(lambda: gone(pids(folder)))
    assert not program._started


def test_they_end_when_they_are_forgotten(folder: Path) -> None:
    program = lines(folder, "say(1)", f"{TELL}", jobs=2)
    program.ask(["a"])
    started = [popen.pid for popen in program._started]
    assert not gone(started)
    del program
    assert gone(started)


# Asks in a thread while the main thread hears no signal, as TensorFlow has it.
ASKING = """
import sys
from pathlib import Path
from deaf import while_deaf
from scorers import json, lines
from seqgan_cli import signals
folder, kind = Path(sys.argv[1]), sys.argv[2]
workers = (json if kind == "json" else lines)(folder, sys.argv[3], jobs=2)
signals.listen()
def ask():
    try:
        workers.ask(["a", "b", "c"])
    except signals.Stopped:
        (folder / "stopped").touch()
try:
    while_deaf(ask)
except signals.Stopped:
    sys.exit(130)
"""
PROGRAMS = {"json": HANGING, "lines": f"{TELL}\ntime.sleep(1e6)", "reading": f"{TELL}"}


def asking(folder: Path, kind: str) -> subprocess.Popen:
    path = os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": path}
    process = subprocess.Popen([sys.executable, "-c", ASKING, str(folder), kind, PROGRAMS[kind]], env=environment)
    wait_for(lambda: len(pids(folder)) == 2 or process.poll() is not None)
    return process


@pytest.mark.parametrize("kind", ["json", "lines"])
def test_ctrl_c_is_heard_where_the_main_thread_does_not(folder: Path, kind: str) -> None:
    process = asking(folder, kind)
    process.send_signal(signal.SIGINT)
    assert process.wait(LONG) == 130
    assert (folder / "stopped").exists()
    wait_for(lambda: gone(pids(folder)))


@pytest.mark.parametrize("kind", ["json", "reading"])
def test_they_end_when_this_process_is_killed(folder: Path, kind: str) -> None:
    """A program of the user's by the end of its stdin; ours on Linux even where the user's code does not return."""
    if kind == "json" and sys.platform != "linux":
        pytest.skip("the system does not end them")
    process = asking(folder, kind)
    process.kill()
    process.wait()
    assert len(pids(folder)) == 2
    wait_for(lambda: gone(pids(folder)))
