"""Signals: what the main thread has not yet seen to is known to other threads."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

BEGIN = """
import os, signal, socket, time
from deaf import while_deaf
from seqgan_cli import signals
def wait(condition):
    while not condition():
        time.sleep(0.001)
def came(number):
    os.kill(os.getpid(), number)
    wait(lambda: number in signals._wakeup[0].recv(4096, socket.MSG_PEEK) if number == signal.SIGUSR1 else signals.pending())
seen = []
def work(*numbers):
    for number in numbers:
        came(number)
        seen.append(signals.pending())
    seen.append(signals.pending())
signals.listen()
"""


def run(code: str) -> str:
    path = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": path}
    command = [sys.executable, "-c", BEGIN + code]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_is_pending_until_the_main_thread_raises_it(number: int) -> None:
    code = f"""
print(signals.pending())
try:
    while_deaf(lambda: work({int(number)}))
except signals.Stopped as stopped:
    print(stopped.number, seen, signals.pending())
"""
    assert run(code) == f"False\n{int(number)} [True, True] False\n"


def test_signals_that_stop_nothing_are_not_pending() -> None:
    """One that is ignored, as under nohup, and one with another handler; nor do they hide one that stops."""
    code = """
signal.signal(signal.SIGHUP, signal.SIG_IGN)
signal.signal(signal.SIGUSR1, lambda *_: None)
signals.listen()
def others():
    os.kill(os.getpid(), signal.SIGHUP)
    work(signal.SIGUSR1)
    work(signal.SIGINT)
try:
    while_deaf(others)
except signals.Stopped as stopped:
    print(seen, signals.pending())
"""
    assert run(code) == "[False, False, True, True] False\n"


def test_what_comes_to_a_forked_process_does_not_come_to_its_parent() -> None:
    code = """
def child(listen):
    pid = os.fork()
    if not pid:
        if listen:
            signals.listen()
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(1e6)
        except signals.Stopped as stopped:
            os._exit(stopped.number)
    print(os.waitpid(pid, 0)[1] >> 8, signals.pending())
child(False)
child(True)
got, goes_on, pid = os.pipe(), os.pipe(), 0
def deaf():  # it has not seen to the signal while its parent looks
    os.kill(os.getpid(), signal.SIGTERM)
    os.write(got[1], b".")
    os.read(goes_on[0], 1)
    os._exit(0)
pid = os.fork()
if not pid:
    while_deaf(deaf)
os.read(got[0], 1)
print(signals.pending())
os.write(goes_on[1], b".")
os.waitpid(pid, 0)
try:
    while_deaf(lambda: work(signal.SIGINT))
except signals.Stopped as stopped:
    print(stopped.number, seen)
"""
    assert run(code) == f"{int(signal.SIGTERM)} False\n" * 2 + f"False\n{int(signal.SIGINT)} [True, True]\n"


def test_without_listening_nothing_is_pending() -> None:
    code = "import os, signal\nfrom seqgan_cli import signals\nassert not signals.pending()"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_after_ctrl_c_ended_at_once_for_a_while_the_program_listens_again() -> None:
    code = """
with signals.default_sigint():
    assert signal.getsignal(signal.SIGINT) is signal.SIG_DFL
try:
    while_deaf(lambda: work(signal.SIGINT))
except signals.Stopped as stopped:
    print(stopped.number, seen, signals.pending())
"""
    assert run(code) == f"{int(signal.SIGINT)} [True, True] False\n"
