"""Whose turn which trial is: nobody's twice, nobody's lost, whatever becomes of those who hold them."""

import itertools
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import crowd
from seqgan_cli.errors import SeqganError, UsageError
from seqgan_cli.studies.search import study
from seqgan_cli.studies.search.study import HOLDER, wanted

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


def test_what_is_given_back_is_the_next_ones(shared):
    one, other = shared(2), shared(2)
    trial = one.next()
    one.give_back(trial)
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
    now[0] += study.SILENCE - 1
    assert other.next() is None
    assert one.beat(trial)  # it lives
    assert other.next() is None
    now[0] += study.SILENCE - 1
    assert other.next() is None
    now[0] += 2
    again = other.next()
    assert again.params == trial.params
    now[0] += study.BEAT + 1
    assert not one.beat(trial), "it learns that it was taken over"


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
        study.open_storage(str(tmp_path))


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
        study.open_storage(url)
    assert "secret" not in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("objectives", [{"nll_test": False}, {"bleu_2": True}, {"bleu_2": True, "nll_test": False}])
def test_poor_is_worse_than_the_median_in_every_score(shared, objectives):
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
        assert one.poor(trial, 3, scores) == (len(told) > study.PEERS and all(worse))
        assert not one.poor(trial, 4, scores), "nobody else came so far"
        one.end(trial, scores)
    assert 3 < sum(verdicts) < 27


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


def test_four_processes_and_random_kills_do_every_point_once(tmp_path: Path) -> None:
    told = crowd.search(str(tmp_path / "study.journal"), processes=4, kills=6, seed=0)
    assert told["wrong"] == []
    assert told["kills"] == 6
    assert told["complete"] == 24
