"""The logs with faults of `data/draw_logs.py`, and the AUC that `data/score_faults.py` prints of scores of them."""

import csv
import json
import math
import runpy
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.stats import mannwhitneyu

DATA = Path(__file__).parents[2] / "data"


def load(name: str) -> SimpleNamespace:
    return SimpleNamespace(**runpy.run_path(str(DATA / f"{name}.py")))


def test_the_area_is_scipys_and_ties_are_half() -> None:
    auc, draws = load("score_faults").auc, np.random.default_rng(0)
    for high in (3, 1000):
        faulty, sound = draws.integers(1, high + 1, 40).tolist(), draws.integers(0, high, 70).tolist()
        assert auc(faulty, sound) == pytest.approx(mannwhitneyu(faulty, sound).statistic / (40 * 70))
    assert auc([1.0], [0.0, 1.0, 2.0]) == 0.5
    assert auc([math.inf], [0.0]) == 1.0
    assert math.isnan(auc([], [1.0]))


def test_faults_are_what_they_are_called_and_all_other_lines_are_sound() -> None:
    logs = load("draw_logs")
    sound, found = logs.draw_lines(2000, 3), logs.faulty_lines(2000, 3, 0.1)
    assert found == logs.faulty_lines(2000, 3, 0.1)
    names = [fault for _, fault in found]
    assert set(names) == {"", *logs.FAULTS}
    assert 150 < sum(map(bool, names)) < 250
    for line, (spoilt, fault) in zip(sound, found, strict=True):
        before, after = line.split(), spoilt.split()
        if fault == "swapped":
            assert sorted(before) == sorted(after)
        elif fault == "wrong-level":
            assert [i for i, pair in enumerate(zip(before, after, strict=True)) if len(set(pair)) > 1] == [1]
        assert len(after) - len(before) == {"lost": -1, "repeated": 1}.get(fault, 0)
        assert (before != after) == bool(fault) or fault == ""


def test_the_command_prints_the_area_of_each_score(tmp_path: Path) -> None:
    with (tmp_path / "table.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("line", "fault"), ("a", ""), ("b", "lost"), ("c", ""), ("d", "swapped")])
    rows = ["nll\td\tunknown\ttext", "1.0\t0.9\t0\ta", "3.0\t0.1\t0\tb", '2.0\t0.5\t0\t"c', "\t\t0\td"]
    (tmp_path / "scores.tsv").write_text("\n".join(rows) + "\n")
    command = [sys.executable, DATA / "score_faults.py", tmp_path / "scores.tsv", tmp_path / "table.csv"]
    found = json.loads(subprocess.run([*command, "--json"], check=True, stdout=subprocess.PIPE).stdout)
    assert found["faults"] == {"lost": 1, "swapped": 1}
    assert found["auc"]["nll"] == {"all": 1.0, "lost": 1.0, "swapped": 1.0}
    assert found["auc"]["d"] == {"all": 1.0, "lost": 1.0, "swapped": 1.0}
    assert found["auc"]["unknown"]["all"] == 0.5
    (tmp_path / "scores.tsv").write_text("\n".join(rows[:-1]) + "\n")
    wrong = subprocess.run(command, check=False, stderr=subprocess.PIPE, text=True)
    assert (wrong.returncode, "score the same lines" in wrong.stderr) == (1, True)
