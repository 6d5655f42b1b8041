"""`seqgan` and `seqgan FILE`: they say what is here, and what they advise works when it is pasted."""

import shlex
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seqgan_cli.cli import COMMANDS, GROUPS

Call = Callable[..., Any]
SENTENCES = Path(__file__).parents[2] / "data" / "sentences.txt"


def advised(out: str) -> list[list[str]]:
    """The arguments of each command that stands on a line of its own."""
    return [shlex.split(line)[1:] for line in out.splitlines() if line.startswith("  seqgan ")]


def test_every_command_stands_in_one_group() -> None:
    assert sum(map(len, GROUPS.values())) == len(COMMANDS)
    assert list(GROUPS) == ["Train", "Use", "Judge", "Study"]


def test_in_an_empty_folder_it_says_how_to_begin(seqgan: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    outcome = seqgan()
    assert (outcome.code, outcome.err) == (0, "")
    assert advised(outcome.out) == [["train", "--preset", "quick"]]
    assert list(tmp_path.iterdir()) == []


def test_it_sees_data_and_runs_and_not_what_is_neither(
    seqgan: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("my lines.txt", "table.csv.gz", "notes.md", "requirements.txt", "data/more.jsonl"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    out = seqgan().out
    assert advised(out)[:3] == [["my lines.txt"], ["table.csv.gz"], ["data/more.jsonl"]]
    assert "requirements" not in out
    assert "notes" not in out
    shutil.copytree(text.path, tmp_path / "runs" / "tale")
    (tmp_path / "runs" / "broken").mkdir()
    (tmp_path / "runs" / "broken" / "config.json").write_text("{")
    out = seqgan().out
    assert "  runs/tale: seqgan " in out
    assert "  runs/broken: " in out, "one that cannot be read stops nothing"


def test_of_a_file_it_tells_what_is_read_and_what_comes_next(
    seqgan: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my lines.txt").write_text("".join(SENTENCES.read_text().splitlines(keepends=True)[:200]))
    outcome = seqgan("my lines.txt")
    assert outcome.code == 0
    assert "200 lines" in outcome.out
    train, sample = advised(outcome.out)
    assert train[:2] == ["train", "my lines.txt"]
    assert train[-2:] == sample[-2:] == ["--run", "runs/my lines"]


def test_of_a_run_it_tells_what_status_does(seqgan: Call, text: Any) -> None:
    assert seqgan(text.path).out == seqgan("status", "--run", text.path).out


def test_what_is_not_there_is_told_as_a_file_or_as_a_command(seqgan: Call) -> None:
    missing = seqgan("no/such.txt")
    assert (missing.code, missing.out) == (1, "")
    assert "Cannot read" in missing.err
    unknown = seqgan("nosuch")
    assert unknown.code == 2
    assert "No such command 'nosuch'" in unknown.err
    assert seqgan("sample\0").code == 2
