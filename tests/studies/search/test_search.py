"""A search: what its trials draw, and what becomes of those that end, fail, are pruned, taken over, or at work at its end."""

import statistics
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from seqgan_cli.console import Console
from seqgan_cli.errors import SeqganError
from seqgan_cli.studies import executor
from seqgan_cli.studies.search import study as module
from seqgan_cli.studies.search.trials import Base


class Scripted:
    """A trial of three units whose scores are its number; number 2 fails, and what is stopped is written down."""

    stopped: ClassVar[list[int]] = []
    endless = False

    def __init__(self, tasks, lease, scores):
        self.lease, self.began, self.unit = lease, 0.0, 0

    def advance(self, threads):
        if self.lease.number == 2:
            raise SeqganError("pretrain-g failed: loss is nan")
        self.unit += 1
        return self.unit > 3 and not self.endless

    def news(self):
        return [(self.unit, self.values())] if self.unit <= 3 else []

    def values(self):
        return [float(self.lease.number)] * 2

    def terminate(self): ...

    def stop(self):
        if self.lease.number not in self.stopped:
            self.stopped.append(self.lease.number)


@pytest.fixture
def scripted(monkeypatch):
    monkeypatch.setattr(module, "Trial", Scripted)
    monkeypatch.setattr(executor, "POLL", 0.0)
    monkeypatch.setattr(Scripted, "stopped", [])
    monkeypatch.setattr(Scripted, "endless", False)


def search(shared, *, jobs=1, prune=True, seconds=None):
    base = Base({}, 0, "quick", Path("runs"), "adversarial")
    module.carry_out(shared, base, jobs, 1, prune, seconds, Console(quiet=True))


@pytest.mark.parametrize("jobs", [1, 3])
def test_every_trial_ends_one_way(scripted, shared, jobs):
    view = shared(12)
    search(view, jobs=jobs)
    states = {trial.number: trial.state.name for trial in view.trials()}
    assert states.pop(2) == "FAIL"
    assert view.trials()[2].user_attrs["failed"] == "pretrain-g failed: loss is nan"
    # Scores rise with the number, and less is better: from the sixth that came so far, all are worse than the median.
    assert [states[number] for number in (0, 1, 3, 4, 5)] == ["COMPLETE"] * 5
    assert {states[number] for number in range(6 + 2 * (jobs > 1), 12)} == {"PRUNED"}
    assert len(states) == 11
    search(view)  # nothing is left to do
    assert len(view.trials()) == 12


def test_without_pruning_all_go_to_their_end(scripted, shared):
    view = shared(9)
    search(view, prune=False)
    assert [trial.state.name for trial in view.trials()].count("COMPLETE") == 8


def test_when_time_is_up_what_is_at_work_is_requeued(scripted, shared, monkeypatch):
    monkeypatch.setattr(Scripted, "endless", True)
    view = shared(9)
    search(view, jobs=2, seconds=0.2)
    assert sorted(Scripted.stopped) == [0, 1]
    assert [trial.state.name for trial in view.trials()] == ["WAITING", "WAITING"]


def test_ctrl_c_requeues_what_is_at_work(scripted, shared, monkeypatch):
    def stop(self):
        raise KeyboardInterrupt

    view = shared(9)
    monkeypatch.setattr(Scripted, "news", stop)
    with pytest.raises(KeyboardInterrupt):
        search(view, jobs=2)
    assert sorted(Scripted.stopped) == [0, 1]
    assert [trial.state.name for trial in view.trials()] == ["WAITING", "WAITING"]


def test_what_another_took_over_does_not_count(scripted, shared, monkeypatch):
    view, other = shared(2), shared(2)
    taken = []

    def values(self):
        if not taken:
            taken.append(self.lease.number)
            other.hand_over(other.study.trials[self.lease.number])
        return [1.0, 1.0]

    monkeypatch.setattr(Scripted, "values", values)
    monkeypatch.setattr(Scripted, "news", lambda self: [])
    search(view)
    assert taken == [0]
    assert [(trial.number, trial.state.name) for trial in view.trials()] == [(1, "COMPLETE"), (2, "FAIL")] or view.done
    assert 0 not in [trial.number for trial in view.trials()]


def test_values_that_contradict_one_another_are_a_failed_trial(scripted, shared):
    searches = ("adversarial.reward=constant,partial", "update-rate=0,0.5")
    view = shared(4, "grid", searches)
    search(view)
    ended = {trial.params["adversarial.reward"]: trial for trial in view.trials() if trial.number != 2}
    assert ended["constant"].state.name == "COMPLETE"
    assert ended["partial"].state.name == "FAIL"
    assert "prefixes" in ended["partial"].user_attrs["failed"]


def test_draws_are_those_of_a_search_that_was_never_stopped(shared, tmp_path):
    whole = []
    one = shared(6)
    while trial := one.next():
        whole.append(trial.params)
        one.end(trial, [trial.number, -trial.number])
    (tmp_path / "study.journal").unlink()
    parts = []
    while trial := shared(6).next():  # a process each
        parts.append(trial.params)
        shared(6)._tell(trial.number, one.states.COMPLETE, [trial.number, -trial.number])
    assert parts == whole
    assert len({params["adversarial.update-rate"] for params in whole}) == 6


@pytest.mark.parametrize("objectives", [{"nll_test": False}, {"bleu_2": True}, {"bleu_2": True, "nll_test": False}])
def test_pruned_is_what_is_worse_than_the_median_in_every_score(shared, objectives):
    draw = np.random.default_rng(0)
    one = shared(30, objectives=objectives)
    told: list[list[float]] = []
    verdicts = []
    for _ in range(30):
        trial, scores = one.next(), draw.normal(size=len(objectives)).round(1).tolist()
        one.report(trial, 3, scores)
        told.append(scores)
        medians = [statistics.median(each[i] for each in told) for i in range(len(objectives))]
        worse = [s < m if higher else s > m for s, m, higher in zip(scores, medians, objectives.values(), strict=True)]
        verdicts.append(all(worse))
        assert one.should_prune(trial, 3, scores) == (len(told) > module.PEERS and all(worse))
        assert not one.should_prune(trial, 4, scores), "nobody else came so far"
        one.end(trial, scores)
    assert 3 < sum(verdicts) < 27
