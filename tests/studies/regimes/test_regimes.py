"""`seqgan experiment regimes`: its cells, what validation chooses, gaps worked by hand, and what it leaves."""

import dataclasses
import json
import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import forked
from eager import eager
from sampled import WHOLE
from seqgan_cli.config.presets import LOG_RATIO
from seqgan_cli.config.resolution import resolve
from seqgan_cli.errors import UsageError
from seqgan_cli.evaluation.metrics.knowledge import Knowledge
from seqgan_cli.runs.run import Run
from seqgan_cli.studies.experiments.methods import TEMPERATURES
from seqgan_cli.studies.regimes import study
from seqgan_cli.studies.regimes.cells import CORRECTED, MLE, ROUNDS, Cell, later_works
from seqgan_cli.studies.regimes.experiment import values_of
from seqgan_cli.studies.regimes.outputs import findings, markdown, table
from seqgan_cli.studies.regimes.study import Mapped, Plan, coverage_gap, gap
from tiny import TINY

Call = Callable[..., Any]
SWEPT = TEMPERATURES if WHOLE else TEMPERATURES[:2]
LINE = [(1.0, 5.0), (2.0, 3.0), (3.0, 2.0)]  # nll_test, nll_oracle


@pytest.mark.parametrize(
    ("curve", "expected"),
    [
        ([(1.0, 5.0), (2.0, 3.0)], 0.0),  # a method against itself
        ([(1.0, 4.5), (2.0, 2.0)], -0.5),  # the worst of both
        ([(1.5, 3.5)], -0.5),  # between two points, on a straight line
        ([(1.5, 3.5), (2.0, 3.25)], 0.25),
        ([(0.5, 6.0), (1.5, 3.0)], -0.5),  # covers better than MLE ever does: held against it from where both reach
        ([(0.5, 4.0), (1.5, 7.0)], 0.0),  # what covers better counts where it is better too
        ([(2.0, 2.5), (4.0, 1.0)], 0.0 - 0.25),  # at MLE's last point the line between two
        ([(2.0, 2.5), (4.0, 9.0)], 0.5),  # MLE goes on where the curve stands still
    ],
)
def test_a_gap_is_the_worst_along_a_curve(curve: list[tuple[float, float]], expected: float) -> None:
    assert gap(curve, LINE) == pytest.approx(expected)


def test_past_the_end_nothing_is_known() -> None:
    assert math.isnan(gap([(4.0, 1.0)], LINE))
    assert math.isnan(gap([(0.5, 1.0)], LINE))


@pytest.mark.parametrize("seed", range(5))
def test_a_gap_is_the_largest_on_a_fine_grid(seed: int) -> None:
    draw = np.random.default_rng(seed)
    curves = [
        [*zip(np.cumsum(draw.uniform(0.1, 1.0, 6)).tolist(), sorted(draw.uniform(0, 5, 6).tolist(), reverse=True), strict=True)]
        for _ in range(2)
    ]
    (xs, ys), (their_xs, their_ys) = (np.array(curve).T for curve in curves)
    places = np.linspace(max(xs[0], their_xs[0]), min(xs[-1], their_xs[-1]), 20_001)
    differences = np.interp(places, xs, ys) - np.interp(places, their_xs, their_ys)
    assert gap(*curves) == pytest.approx(differences.max(), abs=2e-3)
    assert gap(*curves) >= differences.max() - 1e-9
    assert gap(*curves[::-1]) == pytest.approx(-differences.min(), abs=2e-3)
    assert gap(curves[0], curves[0]) == 0.0
    assert coverage_gap(*curves) == xs[0] - their_xs[0]


def plan_of(tmp_path: Path, **changes: Any) -> Plan:
    values = {**TINY, **changes}
    config = resolve(values, dict.fromkeys(values, "option"), None, "quick")
    return Plan(tmp_path, config, "quick", (30, 60), (3, 4), (0.0, 0.5), (7, 8), 32)


def test_what_is_trained_in_a_cell(tmp_path: Path) -> None:
    plan = plan_of(tmp_path)
    first = plan.likelihood_tasks(30)
    assert [task.label for task in first] == [
        f"seed-{seed}/n30-h{size}-dropout-{x}" for seed in (7, 8) for size in (3, 4) for x in ("0", "0.5")
    ]
    for task in first:
        assert task.config.values["data.num-sequences"] == 30
        size, dropout = (task.config.values[name] for name in ("generator.hidden-dim", "pretrain-g.dropout"))
        assert f"h{size}-dropout-{dropout:g}" in task.label
    later = {task.label: task for task in plan.later_tasks(60)}
    rounds = later["seed-7/n60-h4-dropout-0-rounds"]
    assert rounds.config.values["adversarial.monitor"] == "nll_validation"  # the oracle chooses nothing
    assert rounds.config.values["adversarial.reward"] == LOG_RATIO["adversarial.reward"]
    assert rounds.config.values["adversarial.kl-coefficient"] == 1.0
    assert rounds.config.values["generator.hidden-dim"] == 4
    assert rounds.config.values["adversarial.rounds"] == TINY["adversarial.rounds"]  # how much is as asked for
    assert rounds.config.values["adversarial.g-steps"] == LOG_RATIO["adversarial.g-steps"]  # and else the usual
    assert rounds.parent == tmp_path / "seed-7" / "n60-h4-dropout-0-discriminator"
    assert plan.config_of(60).values["data.num-sequences"] == 60


def mapped(known: float, earned: float, *gaps: float) -> Mapped:
    beside = zip((CORRECTED, ROUNDS), gaps, strict=True)
    curves = {MLE: LINE} | {name: [(1.0, 5.0 + each), (2.0, 3.0 + each)] for name, each in beside}
    return Mapped(0.3, 4, 2.0, Knowledge(known, 0.0, 1.0, 1.0, 90.0, 100), earned, curves)


def test_a_cell_pays_where_all_seeds_say_so(tmp_path: Path) -> None:
    plan = plan_of(tmp_path)
    good, bad = Cell(30, 3), Cell(60, 4)
    found = {
        (good, 7): mapped(0.5, 0.25, -0.100, 0.01),
        (good, 8): mapped(0.3, 0.15, -0.101, -0.01),
        (bad, 7): mapped(0.1, 0.05, 0.1, 0.1),
        (bad, 8): mapped(0.1, 0.05, 0.3, 0.1),
    }
    columns, rows = table(plan, found)
    by_cell = [dict(zip(columns, row, strict=True)) for row in rows]
    assert [(row["sequences"], row["size"]) for row in by_cell] == [("30", "3"), ("60", "4")]
    assert by_cell[0]["knows"].startswith("0.400")
    assert by_cell[0]["earned"].startswith("0.200")
    assert by_cell[0]["MLE, corrected, minus MLE's curve ↓"].startswith("-0.100 [")
    assert findings(plan, found) == [
        "MLE, corrected is below MLE's curve at every coverage tried (p < 0.01) in 30 sequences and size 3.",
        "SeqGAN, log-ratio is below MLE's curve at every coverage tried (p < 0.01) in no cell.",
        "Of 2 cells the discriminator knows most with 30 sequences and size 3: 0.400 nats a sequence, 20.0% of what MLE lacks.",
    ]


def test_a_method_that_covers_worse_than_mle_at_its_best_is_not_below_everywhere(tmp_path: Path) -> None:
    plan, cell = plan_of(tmp_path), Cell(30, 3)
    worse = [(1.5, 3.0), (2.0, 2.0)]
    found = {}
    for seed in plan.seeds:
        own = mapped(0.5, 0.25, -0.1 - seed / 1e4, -0.1 - seed / 1e4)
        found[cell, seed] = dataclasses.replace(own, curves={**own.curves, ROUNDS: [(x, y - seed / 1e4) for x, y in worse]})
    told = findings(plan, found)
    assert told[0].startswith("MLE, corrected is below MLE's curve at every coverage tried (p < 0.01) in 30")
    assert told[1] == "SeqGAN, log-ratio is below MLE's curve at every coverage tried (p < 0.01) in no cell."
    columns, (row,) = table(plan, found)
    shown = [shown for name, shown in zip(columns, row, strict=True) if name == "minus MLE's best nll_test ↓"]
    assert shown == ["+0.0000", "+0.5000"]


@pytest.mark.parametrize("name", ["seeds", "large-steps", "small"])
def test_the_record_says_what_its_figures_do(tmp_path: Path, name: str) -> None:
    """The table under docs/results is the one that is made of results.json beside it."""
    folder = Path(__file__).parents[3] / "docs" / "results" / "regimes" / name
    record = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    found = {}
    for each in record["cells"]:
        cell = Cell(each.pop("sequences"), each.pop("hidden_dim"))
        seed, gaps, covered = each.pop("seed"), each.pop("gaps"), each.pop("coverage_gaps")
        found[cell, seed] = Mapped(**{**each, "known": Knowledge(**each["known"])})
        others = {name: each["curves"][name] for name in (CORRECTED, ROUNDS)}
        assert gaps == {name: gap(curve, each["curves"][MLE]) for name, curve in others.items()}
        assert covered == {name: coverage_gap(curve, each["curves"][MLE]) for name, curve in others.items()}
    cells, seeds = [*dict.fromkeys(cell for cell, _ in found)], tuple(dict.fromkeys(seed for _, seed in found))
    sequences, sizes = (tuple(dict.fromkeys(getattr(cell, x) for cell in cells)) for x in ("sequences", "hidden_dim"))
    shared = record.get("common_random_numbers", False)
    plan = Plan(tmp_path, None, "fast", sequences, sizes, (), seeds, record["samples"], shared)  # type: ignore[arg-type]
    assert plan.cells == cells
    assert markdown(plan, found) == (folder / "table.md").read_text(encoding="utf-8")


def test_values_of_its_options() -> None:
    assert values_of("--sequences", None, int) == (10_000, 50_000)
    assert values_of("--dropouts", "0, 0.25", float) == (0.0, 0.25)
    for text in ("0,0", "1", "x", ""):
        with pytest.raises(UsageError, match=r"twice|dropout"):
            values_of("--dropouts", text or "-1", float)


@pytest.fixture(scope="module")
def finished(once: Callable[..., Path]) -> Path:
    """A map of a cell at two temperatures, in the soak of two cells at all, and what it printed. Read only."""

    def build(folder: Path) -> None:
        sets = [part for name, value in TINY.items() for part in ("--set", f"{name}={value}") if name != "data.num-sequences"]
        sizes = "3,5" if WHOLE else "3"
        grid = ("--sequences", "96", "--hidden-dims", sizes, "--dropouts", "0,0.5", "--seeds", "1", "--samples", "64")
        few = ("pretrain-g.epochs=2", "pretrain-d.d-steps=1", "adversarial.rounds=1", "adversarial.g-steps=1")
        sets += [part for each in few for part in ("--set", each)] + ["--jobs", "2", "--threads", "1"]
        with eager(), pytest.MonkeyPatch.context() as patched:
            if not WHOLE:
                patched.setattr(study, "TEMPERATURES", SWEPT)
                patched.setattr(study, "COLDER", ())
            done = forked.run(folder, "experiment", "regimes", "--preset", "quick", *grid, *sets, "--out", folder / "map")
        assert done.returncode == 0, done.stderr
        (folder / "out").write_text(done.stdout)

    return once("regimes", build)


def test_it_leaves_a_map(finished: Path) -> None:
    folder = finished / "map" / "regimes"
    record = json.loads((folder / "results.json").read_text())
    sizes = (3, 5) if WHOLE else (3,)
    assert [(cell["sequences"], cell["hidden_dim"], cell["seed"]) for cell in record["cells"]] == [(96, n, 0) for n in sizes]
    for cell in record["cells"]:
        name = Cell(96, cell["hidden_dim"])
        best = {}
        for x in (0.0, 0.5):
            rows = Run(finished / "map" / "seed-0" / name.mle(x)).history.rows()
            best[x] = min(row.value for row in rows if row.metric == "nll_validation")
        assert cell["dropout"] == min(best, key=best.__getitem__)
        chosen = name.mle(cell["dropout"])
        assert {path.name for path in (finished / "map" / "seed-0").iterdir() if path.is_dir()} >= {*later_works(chosen)}
        assert set(cell["gaps"]) == {CORRECTED, ROUNDS}
        assert len(cell["curves"][ROUNDS]) == len(SWEPT)
        assert cell["earned"] == pytest.approx(5 * (cell["curves"][MLE][0][0] - cell["curves"][ROUNDS][0][0]), abs=1e-6)
    printed = (finished / "out").read_text()
    assert "the discriminator knows most with 96 sequences and size" in printed
    assert (folder / "regimes.png").stat().st_size > 1000
    assert (folder / "table.md").read_text().startswith("# regimes")


def test_it_refuses_before_tensorflow_is_there(tmp_path: Path) -> None:
    """Whose greetings would stand around the sentence."""
    command = [sys.executable, "-m", "seqgan_cli", "experiment", "regimes", "--dropouts", "1.5", "--out", "new"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, "Error: pretrain-g.dropout=1.5: must be below 1.\n")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["synthetic", "--sequences", "5"], "--sequences is of the experiment regimes"),
        (["regimes", "--top-k", "5"], "temperatures of its own"),
        (["regimes", "--methods", "mle"], "leave --methods"),
        (["regimes", "--sequences", "many"], "data.num-sequences"),
        (["regimes", "--sequences", "50,50"], "twice"),
        (["regimes", "--set", "data.validation=0"], "leave data.validation=0 out"),
        (["regimes", "--data", "x.txt"], "needs the oracle's truth"),
    ],
)
def test_what_it_refuses(seqgan: Call, tmp_path: Path, arguments: list[str], words: str) -> None:
    done = seqgan("experiment", *arguments, "--preset", "quick", "--out", tmp_path / "new")
    assert done.code == 2
    assert words in done.err
    assert not (tmp_path / "new").exists()
