"""Texts are asked for once, and scores once given are kept."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from seqgan_cli.errors import SeqganError
from seqgan_cli.scoring.errors import ScoringError
from seqgan_cli.scoring.scorer import Scorer
from seqgan_cli.scoring.store import Store


class Asked:
    """The length of a text over seven, and what was asked."""

    def __init__(self) -> None:
        self.texts: list[list[str]] = []

    def __call__(self, texts: Sequence[str]) -> list[float]:
        self.texts.append(list(texts))
        return [len(text) / 7 for text in texts]


def test_order_is_kept_and_equal_texts_are_asked_for_once() -> None:
    ask = Asked()
    scorer = Scorer(ask)
    scores = scorer(["ccc", "a", "ccc", "bb", "a"])
    assert scores.dtype == np.float64
    assert scores.tolist() == [3 / 7, 1 / 7, 3 / 7, 2 / 7, 1 / 7]
    assert scorer(["bb", "dddd"]).tolist() == [2 / 7, 4 / 7]
    assert scorer(["a"]).tolist() == [1 / 7]
    assert ask.texts == [["ccc", "a", "bb"], ["dddd"]]
    assert (scorer.asked, scorer.met) == (4, 8)
    assert scorer.seconds > 0
    assert scorer([]).shape == (0,)


def test_no_more_than_its_capacity_is_remembered_and_what_was_met_last_stays() -> None:
    ask = Asked()
    scorer = Scorer(ask, capacity=3)
    scorer(["a", "b", "c"])
    scorer(["a"])  # b is now the oldest
    scorer(["d"])
    scorer(["a", "c", "d"])
    assert ask.texts == [["a", "b", "c"], ["d"]]
    scorer(["b"])
    assert ask.texts[2:] == [["b"]]
    assert scorer(list("abcdefgh")).tolist() == [1 / 7] * 8  # more than it can hold, at once
    assert len(scorer._known) == 3


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ([1.0], "A scorer gave 1 numbers for 2 texts."),
        ([1.0, float("nan")], "A scorer: nan is no finite number, at the text 'second'."),
        ([float("-inf"), 1.0], "A scorer: -inf is no finite number, at the text 'first'."),
    ],
)
def test_what_is_no_score_is_refused_and_not_kept(tmp_path: Path, answers: list[float], said: str) -> None:
    store = Store(tmp_path / "rewards.sqlite", "s")
    with pytest.raises(ScoringError) as caught:
        Scorer(lambda texts: answers, store)(["first", "second"])
    assert str(caught.value) == said
    assert store.get(["first", "second"]) == {}


def test_a_nondeterministic_scorer_says_the_same_ever_after(tmp_path: Path) -> None:
    draw = random.SystemRandom()
    texts = [f"text {i}" for i in range(1201)]  # more than a query takes

    def scorer(name: str = "draws 1") -> Scorer:
        return Scorer(lambda texts: [draw.random() for _ in texts], Store(tmp_path / "run" / "rewards.sqlite", name))

    first = scorer()
    scores = first(texts)
    first.close()
    again = scorer()
    np.testing.assert_array_equal(again([*reversed(texts)]), scores[::-1])
    assert again.asked == 0
    assert (scorer("draws 2")(texts) != scores).all()  # another scorer's are its own
    np.testing.assert_array_equal(scorer()(texts), scores)


def test_every_float_is_kept_to_the_bit(tmp_path: Path) -> None:
    values = [0.1, -1e308, 5e-324, 3.0, 2.0**53 + 2, -0.0, np.nextafter(1.0, 2.0), 1e15]
    texts = [*map(str, range(len(values)))]
    first = Scorer(lambda texts: values, Store(tmp_path / "r", "s"))(texts)
    kept = Scorer(lambda texts: [], Store(tmp_path / "r", "s"))(texts)
    assert first.tobytes() == kept.tobytes()
    assert first.tolist() == values


def test_texts_are_told_apart_whatever_they_are(tmp_path: Path) -> None:
    texts = ["", " ", "é", "e\u0301", "\ud800", "?", "\x00", "A", "a"]
    Store(tmp_path / "r", "s").add(texts, [*map(float, range(9))])
    assert Store(tmp_path / "r", "s").get(texts) == {text: i for i, text in enumerate(texts)}


def test_a_kept_score_stays(tmp_path: Path) -> None:
    store = Store(tmp_path / "r", "s")
    store.add(["a"], [1.0])
    with pytest.raises(ValueError):
        store.add(["b", "c"], [9.0])  # a mistake: none of them is kept, and the next are
    store.add(["a", "b"], [2.0, 3.0])
    assert store.get(["a", "b"]) == {"a": 1.0, "b": 3.0}


KILLED = """
import os, signal, sys
from pathlib import Path
from seqgan_cli.scoring.scorer import Scorer
from seqgan_cli.scoring.store import Store
scorer = Scorer(lambda texts: [len(text) / 7 for text in texts], Store(Path(sys.argv[1]), "s"))
for i in range(3):
    scorer([f"{i} {'x' * j}" for j in range(100)])
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_kill_loses_no_score_that_was_used(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "r.sqlite")], check=False)
    assert done.returncode == -signal.SIGKILL
    texts = [f"{i} {'x' * j}" for i in range(3) for j in range(100)]
    assert Store(tmp_path / "r.sqlite", "s").get(texts) == {text: len(text) / 7 for text in texts}


def test_any_thread_may_ask(tmp_path: Path) -> None:
    ask = Asked()

    def slowly(texts: Sequence[str]) -> list[float]:
        time.sleep(0.05)
        return ask(texts)

    scorer = Scorer(slowly, Store(tmp_path / "r", "s"))
    found: list[list[float]] = []
    texts = ["x" * i for i in range(50)]
    threads = [threading.Thread(target=lambda: found.append(scorer(texts).tolist())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [[i / 7 for i in range(50)]] * 8
    assert ask.texts == [texts]


def of_another_program(path: Path) -> None:
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE scores (a)")
    database.close()


def cut(path: Path) -> None:
    store = Store(path, "s")
    store.add([str(i) for i in range(3000)], [1.0] * 3000)
    store.close()
    os.truncate(path, path.stat().st_size // 2)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda path: path.write_bytes(b"rubbish " * 1000), "is damaged, or no file of scores: move it away, and texts"),
        (of_another_program, "holds no scores that this version of seqgan can read: move it away."),
        (cut, "is damaged, or no file of scores: move it away, and texts are scored anew."),
        (lambda path: path.mkdir(), "cannot be read or written (unable to open database file): see to its permissions"),
    ],
)
def test_a_file_that_is_none_is_one_sentence(tmp_path: Path, damage, said) -> None:
    path = tmp_path / "rewards.sqlite"
    damage(path)
    with pytest.raises(SeqganError) as caught:
        Store(path, "s").get([str(i) for i in range(3000)])
    assert str(caught.value).startswith(f"{path} {said}")
    assert "\n" not in str(caught.value)


def test_an_empty_file_is_a_new_one(tmp_path: Path) -> None:
    """As a crash at its creation leaves it."""
    (tmp_path / "r").touch()
    Store(tmp_path / "r", "s").add(["a"], [1.0])
    assert Store(tmp_path / "r", "s").get(["a"]) == {"a": 1.0}


def test_a_full_disk_is_one_sentence_and_keeps_what_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connect = sqlite3.connect

    def small(*args, **kwargs):
        database = connect(*args, **kwargs)
        database.execute("PRAGMA max_page_count = 10")  # SQLite says the same of it as of a full disk
        return database

    monkeypatch.setattr(sqlite3, "connect", small)
    path = tmp_path / "r"
    store = Store(path, "s")
    store.add(["a"], [1.0])
    with pytest.raises(SeqganError) as caught:
        store.add([str(i) for i in range(9000)], [1.0] * 9000)
    assert str(caught.value) == f"{path} cannot be written, the disk is full: make room, and the same command goes on."
    assert store.get(["a", "0", "8999"]) == {"a": 1.0}
    store.add(["b"], [2.0])  # there is room for that
    assert store.get(["b"]) == {"b": 2.0}


def test_a_file_that_another_holds_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seqgan_cli.scoring.store.PATIENCE", 0.0)
    store = Store(tmp_path / "r", "s")
    other = sqlite3.connect(tmp_path / "r", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(SeqganError) as caught:
        store.add(["a"], [1.0])
    assert str(caught.value) == f"{tmp_path / 'r'} is held by another program: wait for it."
    other.execute("ROLLBACK")
    store.add(["a"], [1.0])
    other.close()
