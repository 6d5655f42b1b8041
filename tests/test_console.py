"""What is printed, where, and how numbers look."""

import contextlib
import os
import pty
import re
import subprocess
import sys
import unicodedata
from pathlib import Path
from types import SimpleNamespace

import pytest

from seqgan_cli import console as module
from seqgan_cli.console import Console, counted, duration, number, sparkline, visible


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=clock.monotonic))
    return clock


def plain(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ([0, 1, 2, 3, 4, 5, 6, 7], "▁▂▃▄▅▆▇█"),
        ([5.0, 1.0, 3.0], "█▁▅"),
        ([-1.0, 1.0], "▁█"),
        ([2.0, 2.0, 2.0], "▁▁▁"),
        ([], ""),
    ],
)
def test_sparkline(values: list[float], line: str) -> None:
    assert sparkline(values) == line


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (45.4, "45 s"),
        (89.4, "89 s"),
        (90, "2 min"),
        (12 * 60 + 10, "12 min"),
        (89 * 60, "89 min"),
        (90 * 60, "1 h 30 min"),
        (3 * 3600 + 20 * 60, "3 h 20 min"),
        (3 * 3600 - 1, "3 h 0 min"),
    ],
)
def test_duration(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (4.53219, "4.532"),
        (-4.53219, "-4.532"),
        (0.01, "0.010"),
        (0.00123456, "0.001235"),
        (12345.678, "1.235e+04"),
        (1000.0, "1000"),
        (float("nan"), "nan"),
    ],
)
def test_number(value: float, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(
    ("quiet", "verbose", "expected"),
    [
        (False, False, "said\nWarning: careful\nError: broken\n"),
        (False, True, "said\nnoted\nWarning: careful\nError: broken\n"),
        (True, False, "Warning: careful\nError: broken\n"),
    ],
)
def test_only_results_go_to_stdout_and_the_rest_as_loud_as_asked(
    capsys: pytest.CaptureFixture[str], quiet: bool, verbose: bool, expected: str
) -> None:
    console = Console(quiet, verbose)
    console.say("said")
    console.note("noted")
    console.warn("careful")
    console.error("broken")
    console.result("result")
    printed = capsys.readouterr()
    assert printed.out == "result\n"
    assert plain(printed.err) == expected


def test_messages_and_results_are_literal_text_of_any_width(capsys: pytest.CaptureFixture[str]) -> None:
    """Square brackets are no mark-up, and no line is broken."""
    text = "[bold]x[/bold] [/] " + "word " * 60 + "end"
    console = Console()
    console.result(text)
    console.warn(text)
    printed = capsys.readouterr()
    assert printed.out == text + "\n"
    assert plain(printed.err) == f"Warning: {text}\n"


def test_a_table_aligns_numbers_right_and_keeps_every_cell(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [["pretrain-g", "9.5"], ["best", "10.25"]]
    Console().table("Scores", ["generator", "nll"], rows, caption="lower is better")
    printed = capsys.readouterr()
    lines = [line.rstrip() for line in printed.out.splitlines() if line.strip()]
    assert lines[0] == "Scores"
    assert [line.split() for line in (lines[1], lines[3], lines[4])] == [
        ["generator", "nll"],
        ["pretrain-g", "9.5"],
        ["best", "10.25"],
    ]
    assert len(lines[3]) == len(lines[4])  # both end at the column's right edge
    assert lines[3].index("pretrain-g") == lines[4].index("best")
    assert lines[5].strip() == "lower is better"
    assert printed.err == ""


def test_numbers_are_never_cut_however_narrow_the_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    columns, row = (
        ["method", *(f"score {i} ↓" for i in range(9))],
        ["random: untrained generator", *["+0.123 [-1.456, +1.789]"] * 9],
    )
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("FORCE_COLOR", "1")  # Rich then takes the stream for a terminal
    monkeypatch.setenv("TERM", "xterm")
    Console().table("Tests", columns, [row])
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == row[0]
    assert lines[2:] == [f"  score {i} ↓  +0.123 [-1.456, +1.789]" for i in range(9)]
    monkeypatch.delenv("FORCE_COLOR")
    Console().table("Tests", columns, [row])
    assert capsys.readouterr().out.count("+0.123 [-1.456, +1.789]") == 9


def test_progress_without_a_terminal_is_a_line_a_unit(capsys: pytest.CaptureFixture[str], clock: Clock) -> None:
    """Two ticks of half an epoch, and the first is warm-up: the rate is 2 s a tick from the second on."""
    with Console().progress("pretrain-g", "epoch", done=1, target=4, work=2.0, main="nll_test") as progress:
        clock.now += 10  # the first step compiles
        progress.tick()
        assert progress.seconds_left is None
        clock.now += 2
        progress.tick()
        assert progress.seconds_left == pytest.approx(8.0)  # four ticks of two seconds
        progress.finish_unit(2, {"nll_test": 4.53219, "distinct_share": 1.0})
        clock.now += 4
        progress.finish_unit(3, {"nll_test": 4.25})
        clock.now += 4
        progress.finish_unit(4, {"nll_test": 4.0})
    assert progress.recent == [4.53219, 4.25, 4.0]
    assert capsys.readouterr().err.splitlines() == [
        "pretrain-g epoch 2/4 · nll_test 4.532 · distinct_share 1.000 · 12.0 s · 8 s left",
        "pretrain-g epoch 3/4 · nll_test 4.250 · 4.0 s · 4 s left",
        "pretrain-g epoch 4/4 · nll_test 4.000 · 4.0 s",
    ]


def test_a_long_job_says_so_once_after_five_seconds_of_measuring(capsys: pytest.CaptureFixture[str], clock: Clock) -> None:
    with Console().progress("adversarial", "round", done=0, target=100, work=1.0, main="x") as progress:
        progress.tick()
        for _ in range(4):  # a minute a round
            clock.now += 60
            progress.tick()
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("adversarial: about 1 h 38 min for 100 rounds. ")


def test_a_short_job_does_not_say_how_long_it_takes(capsys: pytest.CaptureFixture[str], clock: Clock) -> None:
    with Console().progress("adversarial", "round", done=0, target=100, work=1.0, main="x") as progress:
        for _ in range(5):
            clock.now += 6
            progress.tick()
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(("unit", "shown"), [("file", "files"), ("samples", "samples")])
def test_what_has_too_many_units_is_a_line_every_ten_seconds(
    capsys: pytest.CaptureFixture[str], clock: Clock, unit: str, shown: str
) -> None:
    with Console().progress("reading", unit, done=0, target=30, work=1.0, main="") as progress:
        for position in range(1, 31):  # one a second
            clock.now += 1
            progress.move(position)
    assert capsys.readouterr().err.splitlines() == [
        f"reading: 10 of 30 {shown} · 20 s left",
        f"reading: 20 of 30 {shown} · 10 s left",
    ]


def test_bytes_are_told_in_megabytes() -> None:
    assert counted(1_600_000, 1_200_400_000, "byte") == "2 of 1200 MB"


def test_quiet_progress_prints_nothing(capsys: pytest.CaptureFixture[str], clock: Clock) -> None:
    with Console(quiet=True).progress("adversarial", "round", done=0, target=1000, work=1.0, main="x") as progress:
        for position in range(1, 4):
            clock.now += 60
            progress.tick()
            progress.finish_unit(position, {"x": 1.0})
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", "")


def test_progress_on_a_terminal_is_a_bar_with_the_scores(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NO_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("TERM", "xterm-256color")
    with Console().progress("pretrain-g", "epoch", done=0, target=2, work=1.0, main="nll_test") as progress:
        progress.tick()
        progress.finish_unit(1, {"nll_test": 5.0})
        progress.tick()
        progress.finish_unit(2, {"nll_test": 4.5})
    printed = capsys.readouterr()
    last = plain(printed.err).split("\r")[-1]
    assert "pretrain-g epoch" in last
    assert "2/2" in last
    assert "nll_test 4.500 █▁" in last
    assert printed.out == ""


def test_only_the_last_twenty_scores_are_kept_for_the_sparkline(clock: Clock) -> None:
    progress = module.Progress(Console(quiet=True), "s", "epoch", 0, 30, 1.0, "x")
    for position in range(1, 31):
        progress.finish_unit(position, {"x": float(position)})
    assert progress.recent == [float(value) for value in range(11, 31)]


def test_visible_leaves_text_alone_and_writes_out_what_a_terminal_obeys() -> None:
    assert visible("naïve 静夜思\tשלום\n") == "naïve 静夜思\tשלום\n"
    assert visible("\x1b[31mred\x07\r\x9b2J\x7f") == "\\x1b[31mred\\x07\\x0d\\x9b2J\\x7f"
    for point in range(0x110000):
        assert (visible(chr(point)) == chr(point)) == (unicodedata.category(chr(point)) != "Cc" or chr(point) in "\t\n")


@pytest.mark.parametrize("terminal", [True, False])
def test_a_corpus_gives_a_terminal_no_orders_and_a_file_all_it_holds(tmp_path: Path, terminal: bool) -> None:
    (tmp_path / "data.txt").write_text("a \x1b]0;owned\x07 b\nb a \x1b[2J\na b c\nc b a\n" * 5, encoding="utf-8")
    command = [sys.executable, "-m", "seqgan_cli", "corpus", str(tmp_path / "data.txt"), "-n", "20"]
    if not terminal:
        assert b"\x1b]0;owned\x07" in subprocess.run(command, capture_output=True, check=True).stdout
        return
    ours, theirs = pty.openpty()
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env={**os.environ, "TERM": "dumb"})
    os.close(theirs)
    shown = b""
    with contextlib.suppress(OSError):  # the other end is closed
        while part := os.read(ours, 65536):
            shown += part
    assert process.wait() == 0
    os.close(ours)
    assert b"\\x1b]0;owned\\x07" in shown
    assert b"\\x1b[2J" in shown
    assert b"\x1b" not in shown
    assert b"\x07" not in shown
