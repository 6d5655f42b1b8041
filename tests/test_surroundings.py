"""What surrounds a process: no network, a clock that runs backwards, another locale, no home, a terminal that changes."""

import contextlib
import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

POEMS = Path(__file__).parents[1] / "data" / "poems.txt"
# Ends the process at the first touch of the network, and has every look at the clock show an earlier time than the last.
ALONE = """
import itertools, os, sys, time
def refuse(event, arguments):
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo", "socket.gethostbyname"):
        os.write(2, f"network: {event}".encode())
        os._exit(99)
sys.addaudithook(refuse)
ticks = itertools.count()
time.time = lambda: 1e9 - 10.0 * next(ticks)
time.time_ns = lambda: int(1e9 * time.time())
from seqgan_cli.training import backend
start = backend.start_tensorflow
def start_eagerly(*arguments, **options):
    strategy = start(*arguments, **options)
    sys.modules["tensorflow"].config.run_functions_eagerly(not os.environ.get("SEQGAN_WHOLE"))
    return strategy
backend.start_tensorflow = start_eagerly
from seqgan_cli.cli import main
main(sys.argv[1:])
"""


def test_the_hook_sees_the_network() -> None:
    """Or the test below could not fail."""
    program = ALONE.replace("from seqgan_cli.cli import main", "import socket; socket.socket().connect(('127.0.0.1', 9))")
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 99
    assert done.stderr.startswith("network: socket.")


def test_the_main_job_needs_no_network_clock_locale_home_or_path(tmp_path: Path, tiny_config: Path) -> None:
    """All of Algorithm 1 on Chinese text where nothing but ASCII can be shown."""
    bare = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "TERM": "dumb"}
    paths = {name: os.environ[name] for name in ("LD_LIBRARY_PATH", "PYTHONPATH", "SEQGAN_WHOLE") if name in os.environ}
    few = "".join(f"{line[:6]}\n" for line in POEMS.read_text(encoding="utf-8").splitlines()[:60])
    (tmp_path / "poems.txt").write_text(few, encoding="utf-8")
    counts = ["--epochs", "1", "--rounds", "1", "--set", "pretrain-d.d-steps=1", "--tokenizer", "chars"]
    command = [sys.executable, "-c", ALONE, "train", "poems.txt", "--run", "run", "--config", str(tiny_config), *counts]
    done = subprocess.run(command, capture_output=True, cwd=tmp_path, env={**bare, **paths}, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.isascii()
    assert b"Ten samples:" in done.stdout
    samples = (tmp_path / "run" / "samples" / "samples.txt").read_text(encoding="utf-8")
    assert any("\u4e00" <= character <= "\u9fff" for character in samples)
    assert not (tmp_path / "~").exists()
    # What it says is its own: no greeting or advice from TensorFlow or Matplotlib.
    stages = rb"(pretrain-g|pretrain-d|adversarial)( epoch| d-step| round|: )"
    own = rb"Run run, seed 0\.|The discriminator knows |Data: /|"
    own += rb"48 training |Vocabulary: |Duplicates: 0 of |Scoring \?|" + stages
    assert [line for line in done.stderr.splitlines() if not re.match(own, line)] == []


@pytest.mark.whole
@pytest.mark.parametrize("term", ["xterm-256color", pytest.param("dumb", marks=pytest.mark.whole)])
def test_a_terminal_may_change_its_size_while_progress_is_shown(tmp_path: Path, tiny_config: Path, term: str) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "seqgan_cli", "pretrain-g", "--run", str(tmp_path / "run"), "--epochs", "20"]
    process = subprocess.Popen(
        [*command, "--config", str(tiny_config)],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "TERM": term},
        start_new_session=True,
    )
    os.close(theirs)
    os.set_blocking(ours, False)
    shown, sizes = b"", 0
    while process.poll() is None:
        with contextlib.suppress(OSError):
            shown += os.read(ours, 65536)
        rows, columns = ((1, 1), (0, 0), (50, 300), (24, 5))[sizes % 4]
        with contextlib.suppress(OSError):
            fcntl.ioctl(ours, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        sizes += 1
        time.sleep(0.02)
    with contextlib.suppress(OSError):
        while part := os.read(ours, 65536):
            shown += part
    os.close(ours)
    assert process.returncode == 0, shown[-2000:]
    assert b"Traceback" not in shown
    assert sizes > 8
