"""Whose turn which trial is: nobody's twice, nobody's lost, whatever becomes of those who hold them."""

import dataclasses
import itertools
import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path

import pytest

import crowd
from seqgan_cli.errors import SeqganError, UsageError
from seqgan_cli.studies import leases
from seqgan_cli.studies.leases import HOLDER, SharedTasks, wanted

pytest.importorskip("optuna")

GRID = crowd.GRID


def values_of(trials):
    return sorted(json.dumps(wanted(trial), sort_keys=True) for trial in trials)


def test_trials_are_handed_out_until_there_are_enough(shared):
    one, other = shared(4), shared(4)
    first, second, third = one.next(), other.next(), one.next()
    assert [trial.number for trial in (first, second, third)] == [0, 1, 2]
    assert one.end(first, [1.0, 2.0])
    assert one.end(second, failed="loss is nan")
    fourth = other.next()
    assert fourth.number == 3
    assert one.next() is None, "all are done or at work"
    assert not one.done
    assert other.end(third)
    assert other.end(fourth, [2.0, 1.0])
    assert one.done
    assert other.done
    assert one.next() is None
    assert [trial.state.name for trial in one.trials()] == ["COMPLETE", "FAIL", "PRUNED", "COMPLETE"]


def test_what_is_requeued_is_the_next_ones(shared):
    one, other = shared(2), shared(2)
    trial = one.next()
    one.requeue(trial)
    again = other.next()
    assert again.params == trial.params
    assert again.number != trial.number
    assert not one.end(trial, [0.0, 0.0]), "it is another's now"
    assert other.end(again, [1.0, 1.0])
    assert [t.number for t in one.trials()] == [again.number]


def test_a_dead_process_is_noticed_at_once_on_its_own_machine(shared):
    one = shared(1)
    trial = one.next()
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    trial.set_user_attr(HOLDER, [gone.pid, trial.user_attrs[HOLDER][1]])
    again = shared(1).next()
    assert again.params == trial.params


def test_a_silent_one_elsewhere_after_a_while_by_our_own_clock(shared, monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    one, other = shared(1), shared(1)
    trial = one.next()
    trial.set_user_attr(HOLDER, [os.getpid(), "another machine"])
    assert other.next() is None
    now[0] += leases.SILENCE - 1
    assert other.next() is None
    assert one.heartbeat(trial)  # it lives
    assert other.next() is None
    now[0] += leases.SILENCE - 1
    assert other.next() is None
    now[0] += 2
    again = other.next()
    assert again.params == trial.params
    now[0] += leases.HEARTBEAT + 1
    assert not one.heartbeat(trial), "it learns that it was taken over"


def test_those_who_join_ask_for_the_same(shared):
    shared()
    with pytest.raises(UsageError, match="begun with preset quick, and this command asks for paper"):
        shared(preset="paper")
    with pytest.raises(UsageError, match=r"begun with objectives \['nll_oracle', 'nll_test'\]"):
        shared(objectives={"nll_test": False})


def test_a_file_that_is_no_journal_is_refused(shared, tmp_path):
    (tmp_path / "study.journal").write_text("hello\nworld\n")
    with pytest.raises(SeqganError, match=r"study.journal holds no journal"):
        shared()
    with pytest.raises(UsageError, match="is a directory"):
        leases.open_storage(str(tmp_path))


@pytest.mark.sampled(1)
@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("sqlite:////nowhere/at/all.db", "cannot be used"),
        ("nobase://user:secret@host/db", "cannot be used"),
        ("oracle+none://user:secret@host/db", "cannot be used"),
    ],
)
def test_a_database_that_cannot_be_used_is_named_without_its_password(url, words):
    with pytest.raises(SeqganError, match=words) as refusal:
        leases.open_storage(url)
    assert "secret" not in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_grid_is_done_once_each_even_if_all_fill_its_queue(shared):
    views = [shared(24, "grid", GRID) for _ in range(3)]
    for view in views:  # a second and third queue, as when all begin at the same moment
        for point in view.points:
            view.study.enqueue_trial(point)
    for view in itertools.cycle(views):
        if view.done:
            break
        if trial := view.next():
            assert view.end(trial, [1.0, 2.0])
    complete = [trial for trial in views[0].study.trials if trial.values]
    assert values_of(complete) == sorted(json.dumps(point, sort_keys=True) for point in views[0].points)
    assert all(view.next() is None for view in views)


@pytest.mark.whole
def test_four_processes_and_random_kills_do_every_point_once(tmp_path: Path) -> None:
    told = crowd.search(str(tmp_path / "study.journal"), processes=4, kills=6, seed=0)
    assert told["wrong"] == []
    assert told["kills"] == 6
    assert told["complete"] == 24


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


def labels(tasks):
    return [task.label for task in tasks]


def test_a_task_is_one_processes(view):
    tasks, another = view
    first, second, third = labels(tasks)
    one, other = another(), another()
    label, lease = one.take([first, second])
    assert label == first
    label, theirs = other.take([first, second])
    assert label == second
    assert one.take([first, second]) is None
    assert one.ended() == set()
    tasks[1].done = True
    assert other.end(theirs, [0.0])
    assert one.ended() == {second}
    one.requeue(lease)
    assert other.take([first, third])[0] == first
    label, lease = one.take([third])
    assert label == third
    assert one.heartbeat(lease)


def test_what_is_not_ready_here_waits(view):
    first, _, third = labels(view[0])
    one, other = view[1](), view[1]()
    one.points = [{"task": third}]  # ready for it, and not yet for the other
    one.study.enqueue_trial({"task": third})
    assert other.take([first]) is None
    assert other.take([first])[0] == first
    assert one.take([third])[0] == third


def test_a_dead_ones_task_is_anothers(view):
    tasks, another = view
    one = another()
    label, trial = one.take(labels(tasks))
    assert label == "seed-0/mle"
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    trial.set_user_attr(HOLDER, [gone.pid, trial.user_attrs[HOLDER][1]])
    other = another()
    assert {other.take(labels(tasks))[0] for _ in tasks} == set(labels(tasks))
    one._own[trial.number] = -1e9
    assert not one.heartbeat(trial), "it learns that it was taken over"


def test_another_experiment_or_directory_is_refused(view):
    tasks, another = view
    one = another()
    with pytest.raises(UsageError, match="begun with preset quick"):
        another(preset="fast")
    label, lease = one.take(labels(tasks))
    one.end(lease, [0.0])
    with pytest.raises(SeqganError, match=rf"has {label} done, and .* is not"):
        another()


def test_studies_are_kept_as_before(view, shared):
    """What is in a storage is a file format: a study that the version before began goes on."""
    study = shared(2)
    trial = study.next()
    study._own[trial.number] = -1e9
    study.heartbeat(trial)
    study.report(trial, 3, [1.0, 2.0])
    study.end(trial, failed="loss is nan")
    assert study.study.user_attrs == {"asked": {"objectives": ["nll_oracle", "nll_test"], "preset": "quick"}}
    kept = study.study.trials[0].user_attrs
    assert kept == {"holder": [os.getpid(), platform.node()], "beats": 1, "after 3": [1.0, 2.0], "failed": "loss is nan"}
    tasks = view[1]()
    _, lease = tasks.take(["seed-0/mle"])
    asked = {"objectives": ["seconds"], "preset": "quick", "tasks": labels(view[0])}
    assert tasks.study.user_attrs == {"asked": asked}
    assert wanted(tasks.frozen(lease)) == {"task": "seed-0/mle"}
