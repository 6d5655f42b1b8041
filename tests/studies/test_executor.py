"""The executor at real processes: what it holds while they train, and what becomes of units however they end."""

import dataclasses
import errno
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from seqgan_cli.console import Console
from seqgan_cli.errors import SeqganError
from seqgan_cli.runs import lock
from seqgan_cli.studies import executor
from seqgan_cli.studies.executor import Executor, Unit
from seqgan_cli.studies.tasks import TaskError

SAVES = """
import pathlib, signal, sys, time
def save(*_):
    time.sleep(0.2)
    pathlib.Path({saved!r}).write_text("")
    sys.exit(143)
signal.signal(signal.SIGTERM, save)
print("begun", flush=True)
time.sleep(60)
"""


@dataclasses.dataclass
class Made:
    """A task whose command is a program of ours; it is done once its file is there."""

    name: str
    directory: Path
    program: str
    launches: int = 0
    busy: bool = False
    work: SimpleNamespace = dataclasses.field(default_factory=lambda: SimpleNamespace(stage="pretrain-g"))

    @property
    def label(self):
        return f"seed-0/{self.name}"

    @property
    def path(self):
        return self.directory / self.name

    @property
    def log(self):
        return self.directory / f"{self.name}.log"

    @property
    def done(self):
        return self.path.exists()

    def launch(self, threads):
        self.launches += 1
        with self.log.open("ab") as log:
            return subprocess.Popen([sys.executable, "-c", self.program], stdout=log, stderr=log), log.tell()


class Watched:
    """Leases that write down what they are told."""

    def __init__(self):
        self.told = []
        self.lost = set()

    def heartbeat(self, lease):
        self.told.append(("heartbeat", lease))
        return lease not in self.lost

    def end(self, lease, values=None, failed=""):
        self.told.append(("end", lease, values, failed))
        return lease not in self.lost

    def requeue(self, lease):
        self.told.append(("requeue", lease))

    def besides_heartbeats(self):
        return [told for told in self.told if told[0] != "heartbeat"]


class Plan:
    """A schedule of these units, in their order; each is worth 1, and one failure does not end the others."""

    waiting = "waiting"

    def __init__(self, units):
        self.leases, self.units, self.left = Watched(), list(units), len(units)
        self.ends, self.taken_over, self.fatal = [], [], False

    @property
    def done(self):
        return not self.left

    def progress(self):
        return Console(quiet=True).progress("plan", "unit", 0, len(self.units), 1.0, "")

    def position(self):
        return 0

    def next(self):
        return self.units.pop(0) if self.units else None

    def report(self, unit):
        return False

    def values(self, unit):
        return [1.0]

    def failure(self, unit, error):
        if self.fatal:
            raise error
        return str(error)

    def ended(self, unit, values, failed, left):
        self.left -= 1
        self.ends.append((unit.lease, values, failed))

    def lost(self, unit):
        self.left -= 1
        self.taken_over.append(unit.lease)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(executor, "POLL", 0.02)


@pytest.fixture
def task(tmp_path):
    def make(name, program=None):
        return Made(name, tmp_path, program or f"import pathlib; pathlib.Path({str(tmp_path / name)!r}).write_text('')")

    return make


def carry_out(plan, *, jobs=2, seconds=None):
    return Executor(plan, jobs, 1, Console(quiet=True), seconds).carry_out()


def begun(made):
    return made.log.exists() and "begun" in made.log.read_text()


def test_a_units_tasks_are_carried_out_one_after_another(task):
    first, second = task("first"), task("second")
    second.program = f"import pathlib; assert pathlib.Path({str(first.path)!r}).exists(); " + second.program
    plan = Plan([Unit([first, second], "a")])
    assert carry_out(plan)
    assert plan.ends == [("a", [1.0], "")]
    assert (first.launches, second.launches) == (1, 1)
    assert plan.leases.besides_heartbeats() == [("end", "a", [1.0], "")]


def test_heartbeats_are_sent_for_what_is_at_work(task):
    plan = Plan([Unit([task("slow", "import time; time.sleep(0.5)")], "a"), Unit([task("fast", "")], "b")])
    carry_out(plan)
    assert plan.leases.told.count(("heartbeat", "a")) > plan.leases.told.count(("heartbeat", "b")) > 1


def test_it_says_once_that_it_waits_for_others(task):
    said = []
    made = task("at once")
    made.path.write_text("")
    plan = Plan([Unit([made], "a")])
    work = Executor(plan, 1, 1, SimpleNamespace(say=said.append))
    work.carry_out()
    assert said == [], "it had something to do"
    plan.left = 1
    Executor(plan, 1, 1, SimpleNamespace(say=said.append), 0.2).carry_out()
    assert said == ["waiting"]


def test_only_so_many_processes_run_at_once(task, tmp_path):
    program = (
        "import os, pathlib, time\n"
        f"mine = pathlib.Path({str(tmp_path)!r}, f'running-{{os.getpid()}}')\n"
        "mine.write_text('')\n"
        "time.sleep(0.2)\n"
        "print(len(list(mine.parent.glob('running-*'))))\n"
        "mine.unlink()\n"
    )
    made = [task(f"task-{i}", program) for i in range(5)]
    carry_out(Plan([Unit([each], each.name) for each in made]))
    assert {int(line) for each in made for line in each.log.read_text().split()} <= {1, 2}


@pytest.mark.parametrize("locks", [True, False])
def test_a_task_of_two_units_is_trained_once(task, tmp_path, monkeypatch, locks):
    if not locks:
        monkeypatch.setattr("fcntl.flock", lambda *_: (_ for _ in ()).throw(OSError(errno.ENOLCK, "no locks here")))
    shared, mine = task("shared"), task("mine")
    shared.program = "import time; time.sleep(0.4); " + shared.program
    plan = Plan([Unit([shared, mine], "a"), Unit([shared], "b")])
    carry_out(plan)
    assert shared.launches == 1
    assert {lease for lease, _, failed in plan.ends if not failed} == {"a", "b"}
    left = lock.acquire(tmp_path, ".shared")
    assert left is not None, "nobody holds it any more"
    left.__exit__(None, None, None)


def test_what_another_process_trains_is_waited_for(task, tmp_path):
    made = task("elsewhere")
    held = lock.acquire(tmp_path, ".elsewhere")
    plan = Plan([Unit([made], "a")])
    assert not carry_out(plan, seconds=0.3)
    assert made.launches == 0
    assert plan.leases.besides_heartbeats() == [("requeue", "a")]
    held.__exit__(None, None, None)
    made.busy = True
    assert not carry_out(Plan([Unit([made], "a")]), seconds=0.3)
    assert made.launches == 0
    made.busy = False
    assert carry_out(Plan([Unit([made], "a")]))


def test_a_task_that_fails_is_told_with_its_reason(task):
    bad = task("bad", "import sys; sys.exit('Error: loss is nan.')")
    plan = Plan([Unit([bad, task("never")], "a"), Unit([task("good")], "b")])
    assert carry_out(plan)
    assert sorted(plan.ends) == [("a", None, "pretrain-g failed: loss is nan."), ("b", [1.0], "")]
    assert bad.launches == 1


def test_a_failure_that_ends_everything_lets_the_others_save(task, tmp_path):
    other = task("other", SAVES.format(saved=str(tmp_path / "saved")))
    plan = Plan([Unit([other], "a"), Unit([task("bad", "import sys, time; time.sleep(1); sys.exit('Error: no.')")], "b")])
    plan.fatal = True
    with pytest.raises(TaskError, match=r"pretrain-g failed: no\."):
        carry_out(plan)
    assert (tmp_path / "saved").exists()
    assert sorted(plan.leases.besides_heartbeats()) == [("requeue", "a"), ("requeue", "b")]


@pytest.mark.sampled(1)
@pytest.mark.parametrize("stop", [KeyboardInterrupt, OSError, None])
def test_stopped_everything_is_saved_and_requeued(task, tmp_path, stop):
    made = [task(f"task-{i}", SAVES.format(saved=str(tmp_path / f"saved-{i}"))) for i in range(2)]
    plan = Plan([Unit([each], each.name) for each in made])

    def report(unit):
        if stop and all(map(begun, made)):
            raise stop
        return False

    plan.report = report
    work = Executor(plan, 2, 1, Console(quiet=True), None if stop else 3.0)
    if stop:
        with pytest.raises(stop):
            work.carry_out()
    else:
        assert not work.carry_out()
    assert work.requeued == 2
    assert [(tmp_path / f"saved-{i}").exists() for i in range(2)] == [True, True]
    assert sorted(plan.leases.besides_heartbeats()) == [("requeue", "task-0"), ("requeue", "task-1")]
    for each in made:
        held = lock.acquire(tmp_path, f".{each.name}")
        assert held is not None, "its run is another's to train"
        held.__exit__(None, None, None)


@pytest.mark.parametrize("deaths", [0, 2])
def test_a_process_that_is_killed_is_begun_again_so_often(task, deaths):
    made = task("victim", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    plan = Plan([Unit([made], "a", deaths)])
    assert carry_out(plan, seconds=60.0), "not for ever"
    assert made.launches == 1 + deaths
    assert plan.ends == [("a", None, "pretrain-g was killed by SIGKILL (perhaps for want of memory).")]


def test_what_another_took_over_is_stopped_and_does_not_count(task, tmp_path):
    made = task("slow", SAVES.format(saved=str(tmp_path / "saved")))
    plan = Plan([Unit([made], "a")])

    def report(unit):
        if begun(made):
            plan.leases.lost.add("a")
        return False

    plan.report = report
    carry_out(plan)
    assert (tmp_path / "saved").exists()
    assert plan.taken_over == ["a"]
    assert plan.ends == []
    assert plan.leases.besides_heartbeats() == [], "neither ended nor requeued: it is another's"


def test_what_was_taken_over_as_it_ended_does_not_count(task):
    plan = Plan([Unit([task("fast")], "a")])
    plan.values = lambda unit: plan.leases.lost.add("a") or [1.0]
    carry_out(plan)
    assert plan.taken_over == ["a"]
    assert plan.ends == []


def test_a_pruned_unit_is_stopped_and_ends_without_values(task, tmp_path):
    made = task("poor", SAVES.format(saved=str(tmp_path / "saved")))
    plan = Plan([Unit([made], "a")])
    plan.report = lambda unit: begun(made)
    carry_out(plan)
    assert plan.ends == [("a", None, "")]
    assert (tmp_path / "saved").exists()


def test_an_error_that_is_none_of_a_tasks_stops_all_the_same(task, tmp_path):
    made = task("task", SAVES.format(saved=str(tmp_path / "saved")))
    plan = Plan([Unit([made], "a")])

    def broken(lease):
        if begun(made):
            raise SeqganError("the storage is gone")
        return True

    plan.leases.heartbeat = broken
    with pytest.raises(SeqganError, match="storage is gone"):
        carry_out(plan)
    assert (tmp_path / "saved").exists()


@pytest.mark.parametrize(("room", "other"), [("search", "experiments"), ("experiments", "search")])
def test_experiments_and_searches_stand_on_the_executor_and_not_on_each_other(room, other):
    for path in (Path(executor.__file__).parent / room).glob("*.py"):
        assert f"studies.{other}" not in path.read_text(encoding="utf-8"), path


def test_a_signal_stops_it_as_ctrl_c_does(tmp_path):
    """As a process of its own: what it started ends with it."""
    program = f"""
import sys
sys.path[:0] = [{str(Path(__file__).parent)!r}]
from pathlib import Path
from seqgan_cli import signals
from test_executor import SAVES, Made, Plan, carry_out
from seqgan_cli.studies.executor import Unit
signals.listen()
made = Made("task", Path({str(tmp_path)!r}), SAVES.format(saved={str(tmp_path / "saved")!r}))
plan = Plan([Unit([made], "a")])
try:
    carry_out(plan)
except KeyboardInterrupt:
    print(plan.leases.besides_heartbeats(), flush=True)
"""
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    log, deadline = tmp_path / "task.log", time.monotonic() + 100
    while not (log.exists() and "begun" in log.read_text()):
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    assert process.communicate()[0].strip() == "[('requeue', 'a')]"
    assert (tmp_path / "saved").exists()
