"""An experiment whose runs several processes share: each trained once, whoever dies."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("optuna")

from forked import Forked
from seqgan_cli.errors import SeqganError, UsageError
from seqgan_cli.studies.search.claims import SharedTasks
from seqgan_cli.studies.search.study import HOLDER


@dataclasses.dataclass
class Made:
    """What a task needs to have here."""

    label: str
    path: Path
    done: bool = False


@pytest.fixture
def view(tmp_path):
    tasks = [Made(f"seed-{i}/mle", tmp_path / str(i)) for i in range(3)]

    def another(**asked) -> SharedTasks:
        return SharedTasks(str(tmp_path / "journal"), "synthetic", tasks, {"preset": "quick", **asked})

    return tasks, another


def test_a_task_is_one_processes(view):
    tasks, another = view
    one, other = another(), another()
    assert one.next(tasks[:2]) is tasks[0]
    assert other.next(tasks[:2]) is tasks[1]
    assert one.next(tasks[:2]) is None
    assert one.ended_elsewhere(tasks) == []
    tasks[1].done = True
    other.end(tasks[1])
    assert one.ended_elsewhere(tasks) == [tasks[1]]
    one.give_back(tasks[0])
    assert other.next([tasks[0], tasks[2]]) is tasks[0]
    assert one.next([tasks[2]]) is tasks[2]
    one.beat(tasks[2])


def test_what_is_not_ready_here_waits(view):
    tasks, another = view
    one, other = another(), another()
    one.shared.points = [{"task": tasks[2].label}]  # ready for it, and not yet for the other
    one.shared.study.enqueue_trial({"task": tasks[2].label})
    assert other.next([tasks[0]]) is None
    assert other.next([tasks[0]]) is tasks[0]
    assert one.next([tasks[2]]) is tasks[2]


def test_a_dead_ones_task_is_anothers(view):
    tasks, another = view
    one = another()
    one.next(tasks)
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    trial = one._trials[tasks[0].label]
    trial.set_user_attr(HOLDER, [gone.pid, trial.user_attrs[HOLDER][1]])
    other = another()
    assert {other.next(tasks).label for _ in tasks} == {task.label for task in tasks}
    one.shared._own[trial.number] = -1e9
    with pytest.raises(SeqganError, match="seed-0/mle was taken over"):
        one.beat(tasks[0])


def test_another_experiment_or_directory_is_refused(view):
    tasks, another = view
    one = another()
    with pytest.raises(UsageError, match="begun with preset quick"):
        another(preset="fast")
    one.next(tasks)
    one.end(tasks[0])
    with pytest.raises(SeqganError, match=r"has seed-0/mle done, and .* is not"):
        another()


def test_two_processes_train_each_run_once_and_make_one_table(tiny_config, tmp_path):
    out = tmp_path / "shared"
    command = [sys.executable, "-m", "seqgan_cli", "experiment", "synthetic", "--config", str(tiny_config), "--samples", "64"]
    command += ["--methods", "mle", "--seeds", "3", "--jobs", "1", "--threads", "1", "--out", str(out)]
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
    assert sorted(rows[0]["seeds"]) == ["0", "1", "2"]
    for seed in range(3):
        log = (out / f"seed-{seed}" / "mle.log").read_text()
        assert log.count("pretrain-g epoch 30/30") == 1, "trained once"
