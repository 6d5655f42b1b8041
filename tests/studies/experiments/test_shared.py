"""The schedule of an experiment, alone and with other processes: each run trained once, whoever dies."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from forked import Forked
from seqgan_cli.console import Console
from seqgan_cli.errors import SeqganError
from seqgan_cli.studies.executor import Unit
from seqgan_cli.studies.experiments.study import Training
from seqgan_cli.studies.leases import LocalLeases


@dataclasses.dataclass
class Made:
    """What a task needs to have here."""

    label: str
    parent: Path | None = None
    done: bool = False
    busy: bool = False
    share: float = 0.0
    log: str = "log"

    @property
    def path(self) -> Path:
        return Path(self.label)


class Elsewhere(LocalLeases):
    """Leases of which another has some, and has done some."""

    def __init__(self):
        self.theirs, self.over = set(), set()

    def take(self, ready):
        return super().take([label for label in ready if label not in self.theirs])

    def ended(self):
        return self.over


def training(tasks, leases=None):
    seconds = {task.label: 10.0 for task in tasks}
    return Training("experiment", tasks, seconds, leases or LocalLeases(), Console(quiet=True))


def test_a_task_is_begun_once_its_parent_is_done_and_nobody_trains_it():
    mle, child, other = Made("mle"), Made("seqgan", Path("mle")), Made("ss", busy=True)
    schedule = training([mle, child, other])
    unit = schedule.next()
    assert unit.tasks == [mle]
    assert schedule.next() is None
    other.busy = False
    assert schedule.next().tasks == [other]
    mle.share = 0.5
    assert schedule.position() == int(100 * 5 / 30)
    schedule.ended(unit, [0.0], "", None)
    assert schedule.next().tasks == [child]
    assert schedule.next() is None
    assert not schedule.done


def test_what_is_done_already_is_not_begun():
    schedule = training([Made("mle", done=True), Made("seqgan", Path("mle"))])
    assert schedule.next().tasks[0].label == "seqgan"
    assert schedule.finished == {Path("mle")}


def test_what_another_has_done_is_done_once_it_is_seen_here():
    leases = Elsewhere()
    mle, child = Made("mle"), Made("seqgan", Path("mle"))
    schedule = training([mle, child], leases)
    leases.theirs = {"mle"}
    assert schedule.next() is None
    leases.over = {"mle"}
    assert schedule.next() is None, "its checkpoint has not come to us yet"
    mle.done = True
    assert schedule.next().tasks == [child]


def test_a_run_that_was_taken_over_ends_the_experiment():
    made = Made("seed-0/mle")
    with pytest.raises(SeqganError, match="seed-0/mle was taken over by another machine"):
        training([made]).lost(Unit([made], "seed-0/mle"))


@pytest.mark.whole
def test_two_processes_train_each_run_once_and_make_one_table(tiny_config, tmp_path):
    pytest.importorskip("optuna")
    out = tmp_path / "shared"
    command = [sys.executable, "-m", "seqgan_cli", "experiment", "synthetic", "--config", str(tiny_config), "--samples", "64"]
    command += ["--methods", "mle", "--seeds", "2", "--jobs", "1", "--threads", "1", "--out", str(out)]
    command += ["--storage", str(tmp_path / "journal"), "--set", "pretrain-g.epochs=30"]

    def begin() -> Forked:
        return Forked(command, stdout=subprocess.PIPE, env=os.environ)

    first = begin()
    deadline = time.monotonic() + 280
    while not list(out.glob("seed-0/mle/checkpoints/*/0000001.npz")):
        assert time.monotonic() < deadline
        assert first.poll() is None, first.communicate()
        time.sleep(0.05)
    second = begin()
    while not list(out.glob("seed-1/mle/checkpoints/*/0000001.npz")):
        assert time.monotonic() < deadline
        assert second.poll() is None, second.communicate()
        time.sleep(0.05)
    os.kill(first.pid, signal.SIGKILL)  # its training goes on by itself, or is done again
    first.wait()
    printed, err = second.communicate()
    assert second.returncode == 0, err
    assert "NOT FINAL" not in printed
    rows = json.loads((out / "synthetic" / "results.json").read_text())["rows"]
    assert sorted(rows[0]["seeds"]) == ["0", "1"]
    for seed in range(2):
        log = (out / f"seed-{seed}" / "mle.log").read_text()
        assert log.count("pretrain-g epoch 30/30") == 1, "trained once"
