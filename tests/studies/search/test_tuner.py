"""The loop: what becomes of trials that end, fail, score poorly, are taken over, or are at work when time is up."""

from pathlib import Path
from typing import ClassVar

import pytest

from seqgan_cli.console import Console
from seqgan_cli.errors import SeqganError
from seqgan_cli.studies.search import tuner as module
from seqgan_cli.studies.search.attempt import Base
from seqgan_cli.studies.search.tuner import Tuner


class Scripted:
    """An attempt of three units whose scores are its number; number 2 fails, and what is stopped is written down."""

    stopped: ClassVar[list[int]] = []
    endless = False

    def __init__(self, trial, tasks, threads, scores):
        self.trial, self.began, self.process, self.unit = trial, 0.0, None, 0

    def advance(self):
        if self.trial.number == 2:
            raise SeqganError("pretrain-g failed: loss is nan")
        self.unit += 1
        return self.unit > 3 and not self.endless

    def news(self):
        return [(self.unit, self.values())] if self.unit <= 3 else []

    def values(self):
        return [float(self.trial.number)] * 2

    def stop(self):
        self.stopped.append(self.trial.number)


@pytest.fixture
def scripted(monkeypatch):
    monkeypatch.setattr(module, "Attempt", Scripted)
    monkeypatch.setattr(module, "POLL", 0.0)
    monkeypatch.setattr(Scripted, "stopped", [])
    monkeypatch.setattr(Scripted, "endless", False)


def tuner(shared, *, jobs=1, prune=True, seconds=None):
    base = Base({}, 0, "quick", Path("runs"), "adversarial")
    return Tuner(shared, base, jobs, 1, prune, seconds, Console(quiet=True))


@pytest.mark.parametrize("jobs", [1, 3])
def test_every_trial_ends_one_way(scripted, shared, jobs):
    view = shared(12)
    tuner(view, jobs=jobs).carry_out()
    states = {trial.number: trial.state.name for trial in view.trials()}
    assert states.pop(2) == "FAIL"
    assert view.trials()[2].user_attrs["failed"] == "pretrain-g failed: loss is nan"
    # Scores rise with the number, and less is better: from the sixth that came so far, all are worse than the median.
    assert [states[number] for number in (0, 1, 3, 4, 5)] == ["COMPLETE"] * 5
    assert {states[number] for number in range(6 + 2 * (jobs > 1), 12)} == {"PRUNED"}
    assert len(states) == 11
    tuner(view).carry_out()  # nothing is left to do
    assert len(view.trials()) == 12


def test_without_pruning_all_go_to_their_end(scripted, shared):
    view = shared(9)
    tuner(view, prune=False).carry_out()
    assert [trial.state.name for trial in view.trials()].count("COMPLETE") == 8


def test_when_time_is_up_what_is_at_work_is_given_back(scripted, shared, monkeypatch):
    monkeypatch.setattr(Scripted, "endless", True)
    view = shared(9)
    tuner(view, jobs=2, seconds=0.2).carry_out()
    assert sorted(Scripted.stopped) == [0, 1]
    assert [trial.state.name for trial in view.trials()] == ["WAITING", "WAITING"]


def test_ctrl_c_gives_back_what_is_at_work(scripted, shared, monkeypatch):
    def stop(self):
        raise KeyboardInterrupt

    view = shared(9)
    monkeypatch.setattr(Scripted, "news", stop)
    with pytest.raises(KeyboardInterrupt):
        tuner(view, jobs=2).carry_out()
    assert sorted(Scripted.stopped) == [0, 1]
    assert [trial.state.name for trial in view.trials()] == ["WAITING", "WAITING"]


def test_what_another_took_over_does_not_count(scripted, shared, monkeypatch):
    view, other = shared(2), shared(2)
    taken = []

    def values(self):
        if not taken:
            taken.append(self.trial.number)
            other._requeue(other.study.trials[self.trial.number])
        return [1.0, 1.0]

    monkeypatch.setattr(Scripted, "values", values)
    monkeypatch.setattr(Scripted, "news", lambda self: [])
    tuner(view).carry_out()
    assert taken == [0]
    assert [(trial.number, trial.state.name) for trial in view.trials()] == [(1, "COMPLETE"), (2, "FAIL")] or view.done
    assert 0 not in [trial.number for trial in view.trials()]


def test_values_that_contradict_one_another_are_a_failed_trial(scripted, shared):
    searches = ("adversarial.reward=constant,partial", "update-rate=0,0.5")
    view = shared(4, "grid", searches)
    tuner(view).carry_out()
    ended = {trial.params["adversarial.reward"]: trial for trial in view.trials() if trial.number != 2}
    assert ended["constant"].state.name == "COMPLETE"
    assert ended["partial"].state.name == "FAIL"
    assert "prefixes" in ended["partial"].user_attrs["failed"]
