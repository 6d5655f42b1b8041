"""history.csv: rows that survive a crash."""

from pathlib import Path

import pytest

from seqgan_cli.runs.history import History
from store_parts import names, row


def test_history_appends_rows_after_one_header(tmp_path: Path) -> None:
    history = History(tmp_path / "history.csv")
    assert history.rows() == []
    first, second = row("pretrain-g", 1, value=0.1 + 0.2), row("pretrain-g", 2, "distinct_share", 1.0)
    history.append([first])
    history.append([second, first])
    assert history.rows() == [first, second, first]
    assert history.path.read_bytes().splitlines() == [
        b"stage,position,step,metric,value,seconds",
        b"pretrain-g,1,10,nll_test,0.30000000000000004,0.250",
        b"pretrain-g,2,20,distinct_share,1.0,0.250",
        b"pretrain-g,1,10,nll_test,0.30000000000000004,0.250",
    ]


@pytest.mark.parametrize("value", [float("inf"), float("-inf"), 1e-300, -0.1])
def test_history_keeps_every_digit_of_any_value(tmp_path: Path, value: float) -> None:
    history = History(tmp_path / "history.csv")
    history.append([row("adversarial", 1, value=value)])
    assert history.rows() == [row("adversarial", 1, value=value)]


def test_history_keep_rewrites_the_file_with_the_wanted_rows(tmp_path: Path) -> None:
    history = History(tmp_path / "history.csv")
    rows = [row("pretrain-g", 1), row("pretrain-g", 2), row("adversarial", 1)]
    history.append(rows)
    history.keep(lambda each: each.position == 1)
    assert history.rows() == [rows[0], rows[2]]
    assert names(tmp_path) == ["history.csv"]
    history.append([rows[1]])
    assert history.rows() == [rows[0], rows[2], rows[1]]


def test_history_keep_of_none_leaves_a_file_that_can_be_appended_to(tmp_path: Path) -> None:
    history = History(tmp_path / "history.csv")
    history.append([row("pretrain-g", 1)])
    history.keep(lambda each: False)
    assert history.rows() == []
    history.append([row("pretrain-g", 3)])
    assert history.rows() == [row("pretrain-g", 3)]


def test_history_keep_makes_no_file_where_none_is(tmp_path: Path) -> None:
    History(tmp_path / "history.csv").keep(lambda each: True)
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    "partial",
    ["pretrain-g", "pretrain-g,3", "pretrain-g,3,30,nll", "pretrain-g,3,30,nll_test,1.5", "pretrain-g,3,30,nll_test,,"],
)
def test_a_last_line_cut_off_by_a_crash_is_no_row_and_gone_after_keep(tmp_path: Path, partial: str) -> None:
    """As a stage begins: it keeps what it goes on from, then appends."""
    history = History(tmp_path / "history.csv")
    whole = [row("pretrain-g", 1), row("pretrain-g", 2)]
    history.append(whole)
    with history.path.open("a") as file:
        file.write(partial)
    assert history.rows() == whole
    history.keep(lambda each: True)
    history.append([row("pretrain-g", 3)])
    assert history.rows() == [*whole, row("pretrain-g", 3)]


def test_history_at_gives_the_metrics_of_one_point(tmp_path: Path) -> None:
    history = History(tmp_path / "history.csv")
    history.append([row("pretrain-g", 1, "nll_test", 5.0), row("pretrain-g", 1, "distinct_share", 0.5)])
    history.append([row("pretrain-g", 2, "nll_test", 4.0), row("adversarial", 1, "nll_test", 3.0)])
    assert history.at("pretrain-g", 1) == {"nll_test": 5.0, "distinct_share": 0.5}
    assert history.at("adversarial", 2) == {}
