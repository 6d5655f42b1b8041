"""`seqgan experiment headline`: first crossings and temperatures worked by hand, what it says of them, and what it leaves."""

import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import forked
from eager import eager
from sampled import WHOLE
from seqgan_cli.config.resolution import resolve
from seqgan_cli.runs.history import Row
from seqgan_cli.runs.run import Run
from seqgan_cli.studies.experiments import plan as plans
from seqgan_cli.studies.experiments.scores import Scorer
from seqgan_cli.studies.headline import study
from seqgan_cli.studies.headline.outputs import caption, findings, markdown, seeds_table, table
from seqgan_cli.studies.headline.study import (
    CORRECTED,
    METHODS,
    MLE,
    Colder,
    Found,
    Plan,
    Rounds,
    first_reached,
    largest_fall,
    minutes_of,
    rounds_of,
    temperature_for,
)
from tiny import TINY

Call = Callable[..., Any]
NAN = math.nan


@pytest.mark.parametrize(
    ("curve", "reached"),
    [
        ({0: 9.0, 1: 8.9, 2: 8.6, 3: 8.8, 4: 8.5}, 2),  # the first, though the next one is above again
        ({0: 9.0, 1: 8.9, 2: 8.71}, None),
        ({0: 9.1, 1: 9.0, 2: 8.8}, 2),  # exactly, where 9.1 - 0.3 is a little less than 8.8
        ({4: 8.0, 0: 9.0, 2: 8.5}, 2),  # in whatever order, and with gaps
        ({0: 9.0, 1: NAN, 2: 8.0}, 2),
        ({0: NAN, 1: 8.0}, None),
        ({1: 8.0, 2: 7.0}, None),  # without a round 0 nothing is known
        ({0: 9.0}, None),
        ({}, None),
    ],
)
def test_the_first_round_that_is_as_low(curve: dict[int, float], reached: int | None) -> None:
    assert first_reached(curve, 0.3) == reached


@pytest.mark.parametrize(
    ("curve", "fall", "at"),
    [
        ({0: 9.0, 1: 8.75, 2: 8.5, 3: 8.5, 4: 8.9}, 0.5, 2),
        ({0: 9.0, 1: 9.5, 2: 9.25}, -0.25, 2),  # never below
        ({0: 9.0, 1: NAN, 2: 8.75}, 0.25, 2),
        ({0: NAN, 1: 8.0}, None, None),
        ({0: 9.0}, None, None),
        ({}, None, None),
    ],
)
def test_the_largest_fall(curve: dict[int, float], fall: float | None, at: int | None) -> None:
    assert largest_fall(curve) == (fall, at)


LINE = [(1.0, 9.0, 8.0), (0.9, 8.8, 8.1), (0.8, 8.4, 8.3)]


@pytest.mark.parametrize(
    ("points", "target", "expected"),
    [
        (LINE, 8.7, (0.875, 8.15)),  # a quarter of the way from 8.8 to 8.4
        (LINE, 8.9, (0.95, 8.05)),
        (LINE, 8.4, (0.8, 8.3)),  # exactly a point
        (LINE, 9.0, (1.0, 8.0)),
        (LINE, 9.5, (1.0, 8.0)),  # the first is as low already: its own nll_test
        (LINE, 8.3, None),
        ([LINE[0], (0.9, NAN, 8.1), LINE[2]], 8.7, (0.9, 8.15)),
        ([], 8.7, None),
    ],
)
def test_the_temperature_that_is_as_low(
    points: list[study.Point], target: float, expected: tuple[float, float] | None
) -> None:
    found = temperature_for(points, target)
    assert found == (expected and pytest.approx(expected))


def rows(stage: str, metric: str, values: dict[int, float], seconds: float = 30.0) -> list[Row]:
    """A row a unit, of which the first takes twice as long."""
    return [Row(stage, i, i, metric, value, seconds * (1 + (i == 1)) * bool(i)) for i, value in values.items()]


def test_minutes_are_the_sum_of_units() -> None:
    own = rows("adversarial", "nll_oracle", dict.fromkeys(range(5), 9.0)) + rows("adversarial", "kl", {1: 0.1, 2: 0.1})
    assert minutes_of(own, "adversarial") == 2.5  # a unit's seconds count once, however many metrics it has
    assert minutes_of(own, "adversarial", 2) == 1.5
    assert minutes_of(own, "pretrain-d") is None
    assert minutes_of([row for row in own if row.position != 2], "adversarial", 3) is None  # a gap is no time of 0
    assert minutes_of([row for row in own if row.position != 4], "adversarial", 3) == 2.0


def test_what_a_history_says() -> None:
    before = rows("pretrain-g", "nll_oracle", {0: 11.0, 1: 9.0, 2: 8.0}, seconds=60)
    before += rows("pretrain-d", "d_loss", {1: 0.5}, seconds=15)
    own = rows("adversarial", "nll_oracle", {0: 9.0, 1: 8.9, 2: 8.7, 3: 8.25, 4: 8.6})
    validation = rows("adversarial", "nll_validation", {0: 7.0, 1: 7.25, 2: 7.5, 3: 8.0, 4: 8.0})
    found = rounds_of([*before, *own, *validation], 0.3)
    assert found == Rounds(4, 2, 1.5, "nll_validation", 0.5, 0.75, 3, {"pretrain-g": 3.0, "pretrain-d": 0.5})
    older = [Row(**{**vars(row), "metric": "nll_test"}) for row in validation]  # or without a validation part
    assert (rounds_of([*own, *older], 0.3).coverage, rounds_of([*own, *older], 0.3).paid) == ("nll_test", 0.5)
    assert rounds_of(own, 0.3).paid is None
    assert rounds_of([*own, *validation], 0.8) == Rounds(4, None, None, "nll_validation", None, 0.75, 3, {})
    assert rounds_of(before, 0.3).rounds == 0


def plan_of(tmp_path: Path, seeds: tuple[int, ...] = (0, 1, 2), **changes: Any) -> Plan:
    values = {**TINY, **changes}
    config = resolve(values, dict.fromkeys(values, "option"), None, "quick")
    return Plan(tmp_path, config, "quick", seeds, 64, 0.3)


def test_what_is_trained_is_what_the_papers_table_trains(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, seeds=(7,))
    assert [task.name for task in plan.tasks()] == ["mle", "discriminator", "seqgan", "constant", "pg-bleu"]
    shared = plans.tasks(tmp_path, plans.chosen_methods("synthetic", None), [7], plan.config, "quick")
    assert {task.path: task.config.values for task in plan.tasks()}.items() <= {
        task.path: task.config.values for task in shared
    }.items()


def ran(reached: int | None, minutes: float | None, paid: float | None, most: float, last: float) -> Rounds:
    changed = {"nll_oracle": last, "nll_test": 0.25}
    return Rounds(60, reached, minutes, "nll_validation", paid, most, 47, {"pretrain-g": 2.0, "pretrain-d": 0.5}, changed)


def colder(temperature: float | None, paid: float | None, most: float, *changed: float) -> Colder:
    scores = dict(zip(("nll_oracle", "nll_test"), changed or (0.0, 0.0), strict=True))
    return Colder([(1.0, 9.0, 8.0), (0.1, 9.0 - most, 8.5)], temperature, paid, most, {"pretrain-g": 2.0}, scores)


def found_of() -> Found:
    return Found(
        {
            ("seqgan", 0): ran(None, None, None, 0.21, -0.1),
            ("seqgan", 1): ran(None, None, None, 0.2972, -0.2),
            ("seqgan", 2): ran(23, 4.6, 0.1, 0.5, -0.3),
            ("constant", 0): ran(12, 1.2, 0.03, 0.43, -0.4),
            ("constant", 1): ran(33, 3.3, 0.12, 0.38, -0.3),
            ("constant", 2): ran(22, None, 0.06, 0.39, -0.2),
            ("pg-bleu", 0): ran(None, None, None, -0.01, 0.2),
        },
        {
            (MLE, 0): colder(0.92, 0.04, 0.4),
            (MLE, 1): colder(0.94, 0.06, 0.3),
            (MLE, 2): colder(None, None, 0.2),
            (CORRECTED, 0): colder(None, None, 0.1, -0.01, 0.002),
            (CORRECTED, 1): colder(None, None, 0.2, -0.03, 0.004),
        },
    )


def test_what_the_table_says(tmp_path: Path) -> None:
    columns, lines = table(found_of())
    by_method = {row[0]: dict(zip(columns, row, strict=True)) for row in lines}
    assert [*by_method] == ["SeqGAN", "constant reward", "PG-BLEU", "MLE", "MLE, corrected"]
    seqgan, constant, mle = (by_method[name] for name in ("SeqGAN", "constant reward", "MLE"))
    assert (seqgan["reached in"], seqgan["rounds"], seqgan["minutes"], seqgan["most"]) == ("1 of 3", "23", "4.6", "0.210–0.500")
    assert (seqgan["pre-training"], seqgan["paid there ↓"]) == ("G 2.0, D 0.5", "+0.100")
    assert seqgan["Δ nll_oracle ↓"].startswith("-0.200 [")
    assert (constant["reached in"], constant["rounds"], constant["minutes"]) == ("3 of 3", "22 (12–33)", "2.2 (1.2–3.3)")
    assert constant["paid there ↓"].startswith("+0.070 [")
    pg_bleu = [by_method["PG-BLEU"][name] for name in ("reached in", "rounds", "minutes", "paid there ↓")]
    assert pg_bleu == ["0 of 1", "", "", ""]
    assert (mle["reached in"], mle["temperature"], mle["rounds"], mle["minutes"]) == ("2 of 3", "0.93 (0.92–0.94)", "0", "0")
    assert mle["paid there ↓"].startswith("+0.050 [")
    assert by_method["MLE, corrected"]["Δ nll_test ↓"].startswith("+0.003 [")
    columns, lines = seeds_table(found_of())
    assert len(lines) == 12
    assert lines[0] == ["SeqGAN", "0", "1", "not in 60", "", "", "0.210, round 47", "-0.100", "+0.250"]
    assert lines[2][:6] == ["SeqGAN", "2", "1", "23 of 60", "4.6", "+0.100"]
    assert lines[8][:5] == ["MLE", "1", "0.94", "0", "0"]
    assert lines[9][:5] == ["MLE", "2", "not down to 0.1", "", ""]
    assert "a first crossing of so noisy a curve is optimistic" in caption(plan_of(tmp_path), found_of())


def test_findings_are_a_sentence_a_method(tmp_path: Path) -> None:
    assert findings(plan_of(tmp_path), found_of()) == [
        "SeqGAN came 0.3 nats below MLE in 1 of 3 seeds, after 23 rounds (4.6 minutes), at +0.100 in nll_validation; in the "
        "others 0.210 and 0.297 nats at most within 60 rounds.",
        "The constant reward, which knows nothing, came 0.3 nats below MLE in 3 of 3 seeds, after 12 to 33 rounds, at "
        "+0.070 [-0.044, +0.184] in nll_validation.",
        "PG-BLEU came 0.3 nats below MLE in 0 of 1 seed: -0.010 nats at most within 60 rounds.",
        "MLE is 0.3 nats lower in 2 of 3 seeds at temperature 0.92 and 0.94, without a round, at +0.050 [-0.077, +0.177] in "
        "nll_test; in the others 0.200 nats at most.",
        "Corrected by the discriminator, MLE changes by -0.020 [-0.147, +0.107] in nll_oracle and +0.003 [-0.010, +0.016] in "
        "nll_test at temperature 1, and is 0.3 nats lower at no temperature down to 0.1: 0.100 and 0.200 nats at most.",
    ]


def test_of_unfinished_runs_nothing_is_concluded(tmp_path: Path) -> None:
    found = found_of()
    found.unfinished["seed-0/seqgan"] = 0.5
    assert findings(plan_of(tmp_path), found) == [
        "Not final: 1 of the runs behind this are unfinished, so nothing is concluded."
    ]
    assert "NOT FINAL: seed-0/seqgan is at 50%." in markdown(plan_of(tmp_path), found)


NATS = 0.002  # what some method reaches in six tiny rounds


FEW: dict[str, Any] = {
    **{"pretrain-g.epochs": 3, "pretrain-g.learning-rate": 0.02, "pretrain-d.d-steps": 1},
    **{"adversarial.rounds": 6, "adversarial.g-steps": 1, "adversarial.g-learning-rate": 0.05, "evaluation.samples": 64},
}
SETS = [part for name, value in {**TINY, **FEW}.items() for part in ("--set", f"{name}={value}")]


@pytest.fixture(scope="module")
def finished(once: Callable[..., Path]) -> Path:
    """A headline of one seed at two temperatures, what it printed, and what `--partial` does. Read only."""

    def build(folder: Path) -> None:
        common = ["experiment", "headline", "--preset", "quick", "--seeds", "1", "--samples", "64", *SETS, "--threads", "1"]
        with eager(), pytest.MonkeyPatch.context() as patched:
            if not WHOLE:
                patched.setattr(study, "TEMPERATURES", (1.0, 0.5))
                patched.setattr(study, "COLDER", ())
            for nats, more in ((str(NATS), ["--jobs", "2"]), ("5", ["--partial"])):
                done = forked.run(folder, *common, *more, "--nats", nats, "--out", folder / "out")
                assert done.returncode == 0, done.stderr
                (folder / "out" / "headline").rename(folder / f"headline-{nats}")
                (folder / f"printed-{nats}").write_text(done.stdout)

    return once("headline", build)


def plain_first(path: Path, nats: float) -> int | None:
    """The first round that is as low, read from history.csv line by line."""
    start = None
    for line in path.read_text().splitlines()[1:]:
        stage, position, _, metric, value, _ = line.split(",")
        if (stage, metric) == ("adversarial", "nll_oracle"):
            if position == "0":
                start = float(value)
            elif start is not None and float(value) <= start - nats:
                return int(position)
    return None


def test_it_leaves_a_table(finished: Path) -> None:
    record = json.loads((finished / f"headline-{NATS}" / "results.json").read_text())
    assert (record["nats"], record["samples"], record["unfinished"]) == (NATS, 64, {})
    assert [(each["method"], each["seed"]) for each in record["rounds"]] == [(method, 0) for method in METHODS]
    reached = {}
    for each in record["rounds"]:
        path = finished / "out" / "seed-0" / each["method"] / "history.csv"
        reached[each["method"]] = each["reached"]
        assert each["reached"] == plain_first(path, NATS)
        assert each["rounds"] == 6
        assert set(each["pretraining"]) == {"pretrain-g"} | ({"pretrain-d"} if each["method"] == "seqgan" else set())
        assert (each["minutes"] is None) == (each["reached"] is None)
        history = Run(path.parent).history
        last, first = (Scorer(Run(path.parent), 64, print).score(which).scores for which in ("adversarial", "pretrain-g"))
        assert last.nll_oracle
        assert first.nll_oracle
        assert each["changed"] == {
            "nll_oracle": pytest.approx(last.nll_oracle.mean - first.nll_oracle.mean),
            "nll_test": pytest.approx(last.nll_test.mean - first.nll_test.mean),
        }
        if each["reached"]:
            before, there = (history.at("adversarial", i)["nll_validation"] for i in (0, each["reached"]))
            assert each["paid"] == pytest.approx(there - before)
    assert any(reached.values())
    mle, corrected = record["temperatures"]
    assert (mle["method"], corrected["method"]) == (MLE, CORRECTED)
    assert mle["changed"] == {"nll_oracle": 0.0, "nll_test": 0.0}
    assert set(corrected["pretraining"]) == {"pretrain-g", "pretrain-d"}
    scored = Scorer(Run(finished / "out" / "seed-0" / "discriminator"), 64, print).score("start", corrected=True).scores
    assert scored.nll_oracle
    assert corrected["points"][0] == pytest.approx([1.0, scored.nll_oracle.mean, scored.nll_test.mean])
    assert corrected["points"][0] != mle["points"][0]
    assert corrected["changed"] == {
        "nll_oracle": pytest.approx(corrected["points"][0][1] - mle["points"][0][1]),
        "nll_test": pytest.approx(corrected["points"][0][2] - mle["points"][0][2]),
    }
    for each in (mle, corrected):
        target = mle["points"][0][1] - NATS
        assert each["points"][-1][1] <= target < mle["points"][0][1]
        wanted = temperature_for(each["points"], target)
        assert wanted
        assert each["temperature"] == pytest.approx(wanted[0])
        assert each["paid"] == pytest.approx(wanted[1] - mle["points"][0][2])
    printed = (finished / f"printed-{NATS}").read_text()
    assert "SeqGAN came 0.002 nats below MLE in" in printed
    assert "The constant reward, which knows nothing, came 0.002 nats below MLE in" in printed
    assert (finished / f"headline-{NATS}" / "table.md").read_text().startswith("# headline")


def test_what_is_not_reached_is_said(finished: Path) -> None:
    """Five nats, of the runs that are there."""
    record = json.loads((finished / "headline-5" / "results.json").read_text())
    for each in record["rounds"]:
        assert (each["reached"], each["minutes"], each["paid"]) == (None, None, None)
        curve = [
            row.value for row in Run(finished / "out" / "seed-0" / each["method"]).history.rows()
            if (row.stage, row.metric) == ("adversarial", "nll_oracle")
        ]
        assert each["most"] == pytest.approx(curve[0] - min(curve[1:]))
    last = min((*study.TEMPERATURES, *study.COLDER)) if WHOLE else 0.5
    assert [(each["temperature"], each["points"][-1][0]) for each in record["temperatures"]] == [(None, last)] * 2
    start = record["temperatures"][0]["points"][0][1]
    for each in record["temperatures"]:
        assert each["most"] == pytest.approx(start - min(oracle for _, oracle, _ in each["points"]))
    printed = (finished / "printed-5").read_text()
    assert "in 0 of 1 seed: " in printed
    assert f"is 5 nats lower at no temperature down to {last:g}" in printed


def test_one_warning_where_nothing_can_be_corrected(
    finished: Path, seqgan: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """For two seeds, the second a copy of the first; and of a row without rounds nothing but that it is not there yet."""
    monkeypatch.setattr(study.Scorer, "uncorrectable", lambda _: "A critic knows no likelihoods.")
    monkeypatch.setattr(study, "TEMPERATURES", (1.0,))
    monkeypatch.setattr(study, "COLDER", ())
    shutil.copytree(finished / "out", tmp_path / "out")
    shutil.copytree(finished / "out" / "seed-0", tmp_path / "out" / "seed-1")
    shutil.rmtree(tmp_path / "out" / "seed-1" / "constant")
    common = ["--preset", "quick", "--seeds", "2", "--samples", "64", "--partial", "--threads", "1", *SETS]
    done = seqgan("experiment", "headline", *common, "--out", tmp_path / "out")
    assert done.code == 0, done.err
    assert done.err.count("A critic knows no likelihoods.") == 1
    record = json.loads((tmp_path / "out" / "headline" / "results.json").read_text())
    assert [(each["method"], each["seed"]) for each in record["temperatures"]] == [(MLE, 0), (MLE, 1)]
    assert [(each["method"], each["seed"]) for each in record["rounds"]] == [
        *((method, 0) for method in METHODS), ("seqgan", 1), ("pg-bleu", 1)
    ]
    assert record["unfinished"] == {"seed-1/constant": 0.0}
    assert "Not final: 1 of the runs" in done.out
    assert "seed-1/constant is at 0%" in done.err


def test_nothing_trained_is_no_table(seqgan: Call, tmp_path: Path) -> None:
    done = seqgan("experiment", "headline", "--preset", "quick", "--partial", "--out", tmp_path / "out")
    assert done.code == 1
    assert "holds no trained generator of this experiment yet" in done.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["synthetic", "--nats", "0.2"], "--nats is of the experiment headline: leave it out of synthetic"),
        (["regimes", "--nats", "0.2"], "--nats is of the experiment headline: leave it out of regimes"),
        (["headline", "--nats", "0"], "--nats"),
        (["headline", "--nats", "nan"], "--nats"),
        (["headline", "--methods", "mle"], "leave --methods"),
        (["headline", "--margin", "0.1"], "leave --methods, --storage, --margin, --top-k, --top-p and --min-p out"),
        (["headline", "--storage", "x"], "methods and temperatures of its own"),
        (["headline", "--top-k", "5"], "methods and temperatures of its own"),
        (["headline", "--temperature", "0.5"], "draws at several values of temperature"),
        (["headline", "--sequences", "5"], "--sequences is of the experiment regimes"),
        (["headline", "--data", "x.txt"], "needs the oracle's truth"),
        (["headline", "--set", "adversarial.reward=bleu"], "differ in adversarial.reward"),
    ],
)
def test_what_it_refuses(seqgan: Call, tmp_path: Path, arguments: list[str], words: str) -> None:
    done = seqgan("experiment", *arguments, "--preset", "quick", "--partial", "--out", tmp_path / "new")
    assert done.code == 2
    assert words in done.err
    assert not (tmp_path / "new").exists()
