"""Scores as they are kept, and what is said of them: gains over MLE's curves, and where none is known."""

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from seqgan_cli import files
from seqgan_cli.config.resolution import resolve
from seqgan_cli.errors import SeqganError
from seqgan_cli.evaluation.generators import Outside
from seqgan_cli.evaluation.metrics.likelihood import Estimate
from seqgan_cli.studies.objectives.methods import COLDER, METHODS
from seqgan_cli.studies.objectives.outputs import findings, gains, table
from seqgan_cli.studies.objectives.scores import BEST_OF, Scored, fair
from seqgan_cli.studies.objectives.study import Plan, parse
from tiny import tiny_settings

KNOWN = Estimate(0.5, 0.4, 0.6, 0.2, 10)


def scored(name: str, coverage: float, reward: float, outside: int = 0, **others: Any) -> Scored:
    at = replace(KNOWN, mean=coverage)
    given = {"terms": {}, "distinct": 1.0, "novel": KNOWN, "diversity": 0.5, **others}
    return Scored(name, 10, 0, replace(KNOWN, mean=reward), nll_test=at, outside=Outside(outside, 20), **given)


CURVE = [scored("MLE, temperature 1", 1.0, 0.2), scored("MLE, temperature 0.5", 1.4, 0.6), scored("best of 4", 1.2, 0.5)]
CURVE += [scored("best of 16", 1.6, 0.9)]


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    config = resolve({"adversarial.reward": "constant"}, {"adversarial.reward": "option"}, None, "quick")
    made = Plan(tmp_path, config, "quick", ("reward", "seqgan"), (0, 1, 2), 10, (0.0,))
    for seed in made.seeds:
        keep(made, seed, "mle", CURVE)
    return made


def keep(plan: Plan, seed: int, name: str, rows: list[Scored]) -> None:
    record = {"rows": [row.record() for row in rows]}
    files.write(plan.path(seed, name), json.dumps(files.plain(record)).encode())


def reward_at(plan: Plan, *points: tuple[float, float]) -> None:
    for seed, (coverage, reward) in enumerate(points):
        keep(plan, seed, "reward", [scored(METHODS["reward"].title, coverage, reward)])


numbers = st.floats(-1e9, 1e9) | st.just(math.nan)
estimates = st.builds(Estimate, numbers, numbers, numbers, numbers, st.integers(0, 10**6))
records = st.builds(
    Scored,
    st.text(),
    st.integers(0, 10**6),
    st.integers(0, 10**6),
    estimates,
    st.dictionaries(st.text(), estimates, max_size=2),
    numbers,
    estimates,
    numbers,
    estimates,
    st.builds(Outside, st.integers(0, 9), st.integers(0, 9)),
    st.none() | estimates,
    numbers,
    numbers,
    st.lists(st.text(), max_size=3).map(tuple),
)


@given(records)
@example(scored("molecules of which none is any", 1.0, 0.0, diversity=math.nan, nearest=math.nan))
def test_what_is_kept_is_read_back(found: Scored) -> None:
    again = parse(json.loads(json.dumps(files.plain(found.record()))))
    assert repr(again) == repr(found)  # nan is no equal of itself


def test_a_method_that_is_mle_gains_exactly_nothing(plan: Plan) -> None:
    reward_at(plan, (1.0, 0.2), (1.0, 0.2), (1.0, 0.2))
    for start in (COLDER, BEST_OF):
        found = gains(plan, "reward", start)
        assert (found.known.mean, found.known.low, found.known.high, found.known.count) == (0.0, 0.0, 0.0, 3)
        assert math.copysign(1.0, found.known.mean) == 1.0
        assert (found.past, found.before) == (0, 0)
    _, said = findings(plan)
    assert said.endswith(": not told apart from a lower temperature at the same coverage, +0.000 [+0.000, +0.000].")


def test_gains_are_over_the_straight_line_between_neighbours(plan: Plan) -> None:
    """Temperature: 0.2 at 1.0 to 0.6 at 1.4. Best of n: 0.2 at 1.0, 0.5 at 1.2, 0.9 at 1.6."""
    reward_at(plan, (1.1, 0.5), (1.2, 0.6), (1.4, 1.0))
    colder, best = (gains(plan, "reward", start).known for start in (COLDER, BEST_OF))
    assert colder.mean == pytest.approx((0.5 - 0.3 + 0.6 - 0.4 + 1.0 - 0.6) / 3)
    assert best.mean == pytest.approx((0.5 - 0.35 + 0.6 - 0.5 + 1.0 - 0.7) / 3)
    assert colder.count == best.count == 3


def test_what_lies_beyond_a_curve_is_not_known_and_said_so(plan: Plan) -> None:
    reward_at(plan, (1.5, 0.9), (1.2, 0.9), (0.9, 0.9))
    found = gains(plan, "reward", COLDER)
    assert found.known.mean == pytest.approx(0.5)
    assert (found.known.count, found.past, found.before) == (1, 1, 1)
    _, said = findings(plan)
    assert "covers worse than MLE at any temperature tried in 1 of 3 seeds" in said
    assert "covers better than MLE at any temperature tried in 1 of 3 seeds" in said
    assert "in one seed +0.500" in said
    columns, rows = table(plan)
    row = next(row for row in rows if row[0] == METHODS["reward"].title)
    cell = row[columns.index("at its coverage, against temperature")]
    assert cell == "+0.500 (covers worse than its curve in 1 of 3 seeds, covers better than its curve in 1 of 3 seeds)"
    best = gains(plan, "reward", BEST_OF)
    assert (best.known.count, best.past, best.before) == (2, 0, 1)


def test_nothing_is_claimed_of_a_method_that_no_temperature_meets(plan: Plan) -> None:
    reward_at(plan, (2.0, 0.9), (2.0, 0.9), (2.0, 0.9))
    _, said = findings(plan)
    assert said.endswith("covers worse than MLE at any temperature tried in 3 of 3 seeds, so the two are not compared.")


@pytest.mark.parametrize(("more", "word"), [(0.3, "more reward than"), (-0.3, "less reward than")])
def test_a_difference_that_all_seeds_have_is_told(plan: Plan, more: float, word: str) -> None:
    reward_at(plan, (1.0, 0.2 + more), (1.1, 0.31 + more), (1.2, 0.39 + more))
    _, said = findings(plan)
    assert f"{word} a lower temperature at the same coverage, {more:+.3f} [" in said


def test_coverage_that_leaves_sequences_out_is_on_no_curve(plan: Plan) -> None:
    """The best of 16 would seem to cover well by what it leaves out."""
    for seed in plan.seeds:
        keep(plan, seed, "mle", [*CURVE[:3], scored("best of 16", 1.05, 0.95, outside=7)])
    reward_at(plan, (1.2, 0.6), (1.2, 0.6), (1.2, 0.6))
    assert gains(plan, "reward", BEST_OF).known.mean == pytest.approx(0.1)
    columns, rows = table(plan)
    row = next(row for row in rows if row[0] == "best of 16")
    assert row[columns.index("nll_test ↓")].endswith("(7 outside)")


@pytest.mark.filterwarnings("error")
def test_the_figure_has_what_has_a_coverage(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    from seqgan_cli.console import Console
    from seqgan_cli.studies.objectives import outputs

    drawn: list[Any] = []
    monkeypatch.setattr(outputs, "trade_off", lambda *arguments: drawn.extend(arguments))
    for seed in plan.seeds:
        keep(plan, seed, "mle", [*CURVE[:3], scored("best of 16", 1.05, 0.95, outside=7)])
    reward_at(plan, (1.2, 0.6), (1.3, 0.7), (1.4, 0.8))
    outputs.write(plan, Console(quiet=True))
    (colder, best), (method,) = drawn[:2]
    assert (colder.x, colder.y) == (pytest.approx([1.0, 1.4]), pytest.approx([0.2, 0.6]))
    assert (best.x, best.y) == (pytest.approx([1.0, 1.2]), pytest.approx([0.2, 0.5]))
    assert (method.x, method.y) == ([pytest.approx(1.3)], [pytest.approx(0.7)])
    assert method.label == METHODS["reward"].title


def test_seeds_without_scores_are_no_seeds_of_a_comparison(plan: Plan) -> None:
    reward_at(plan, (1.2, 0.6))
    found = gains(plan, "reward", COLDER)
    assert (found.known.count, found.past, found.before) == (1, 0, 0)
    assert gains(plan, "seqgan", COLDER).unknown("it") == ""
    assert [task.seed for task in plan.tasks() if task.name == "reward"] == [1, 2]
    assert [task.seed for task in plan.tasks() if task.name == "seqgan"] == [0, 1, 2]


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"rows": [{}]}', b'{"rows": [3]}', b'{"rows": 3}', b"\xff"])
def test_a_damaged_file_is_one_sentence(plan: Plan, content: bytes) -> None:
    path = plan.path(0, "mle")
    path.write_bytes(content)
    with pytest.raises(SeqganError, match=r"is damaged .*: remove it, and the same command scores anew") as told:
        plan.scored(0, "mle")
    assert str(path) in str(told.value)
    assert "\n" not in str(told.value)


def test_scores_of_other_settings_are_others(plan: Plan) -> None:
    same, other = (
        replace(plan, config=resolve(asked, dict.fromkeys(asked, "option"), None, "quick"))
        for asked in ({"adversarial.reward": "constant", "seed": 3}, {"adversarial.reward": "random"})
    )
    assert same.path(0, "mle") == plan.path(0, "mle")
    assert other.path(0, "mle") != plan.path(0, "mle") != replace(plan, num=11).path(0, "mle")


@pytest.mark.parametrize(
    ("changes", "n"),
    [
        ({"adversarial.rollouts": 0, "adversarial.batch-size": 100}, 10 * 2 * 100 / 50),
        ({"adversarial.rollouts": 3, "adversarial.batch-size": 10}, 10 * 2 * 10 * (3 * 4 + 1) / 50),
        ({"adversarial.algorithm": "best-of-n", "best-of-n.n": 4, "best-of-n.batch-size": 16}, 10 * 2 * 64 / 50),
        ({"adversarial.rollouts": 0, "adversarial.batch-size": 1}, 2),
        ({"adversarial.rollouts": 16, "adversarial.batch-size": 1000}, 256),
    ],
)
def test_as_many_calls_as_ten_rounds_make(changes: dict[str, Any], n: float) -> None:
    settings = tiny_settings(**{"adversarial.g-steps": 2, "adversarial.reward": "constant", **changes})
    assert fair(settings, 5, 10, 50) == round(n)


RECORD = Path(__file__).parents[3] / "docs" / "results" / "objectives"


@pytest.mark.parametrize("folder", sorted(path.parent for path in RECORD.rglob("results.json")), ids=lambda path: path.name)
def test_the_record_says_what_its_figures_do(folder: Path) -> None:
    """Rewards and coverages of table.md are the means over seeds of those in results.json beside it."""
    rows = json.loads((folder / "results.json").read_text(encoding="utf-8"))["rows"]
    lines = [line.strip("| ").split(" | ") for line in (folder / "table.md").read_text(encoding="utf-8").splitlines()]
    columns = next(cells for cells in lines if "reward ↑" in cells)
    shown = {cells[0]: cells for cells in lines if cells[0] in rows}
    assert shown.keys() == rows.keys()
    for title, scores in rows.items():
        by_seed = scores.values() if isinstance(scores, dict) else scores
        for column, name in (("reward ↑", "reward"), ("nll_test ↓", "nll_test")):
            mean = sum(score[name]["mean"] for score in by_seed) / len(by_seed)
            cell = shown[title][columns.index(column) + 1]  # the row's name has no heading
            assert cell.split()[0] == f"{mean:.3f}", (title, column)
