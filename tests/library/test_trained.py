"""The library: what the commands write, from Python; the examples of docs/library.md, run."""

import doctest
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import seqgan_cli as seqgan_library
from eager import eager
from tiny import TINY

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.usefixtures("quickly")


@pytest.fixture(scope="module")
def trained(once: Callable[..., Path]) -> Path:
    """A run of sentences, trained from Python. Read only."""

    def build(folder: Path) -> None:
        lines = (ROOT / "data" / "sentences.txt").read_text(encoding="utf-8").splitlines()
        lines = [line for line in lines if len(line.split()) <= 7][:200]  # steps are as many as the longest has tokens
        (folder / "lines.txt").write_text("\n".join([*lines, *["the gull sings"] * 5]) + "\n", encoding="utf-8")
        small = {name: value for name, value in TINY.items() if not name.startswith("data.")}
        small |= {"pretrain-g.epochs": 1, "evaluation.samples": 16, "evaluation.final-samples": 16, "adversarial.rollouts": 1}
        small |= {f"{stage}.d-samples": 16 for stage in ("pretrain-d", "adversarial")}
        with eager():  # before a test's own fixtures
            run = seqgan_library.train(folder / "lines.txt", folder / "run", "quick", settings=small)
            assert run.sample(2)

    return once("library", build) / "run"


def test_samples_and_scores_are_those_of_the_commands(trained: Path, seqgan: Callable[..., Any], tmp_path: Path) -> None:
    run = seqgan_library.load(trained, threads=1)
    assert repr(run) == f"<run {trained}: adversarial, round 2>"
    for arguments, options in (
        ((), {}),
        (("--temperature", 0.5, "--top-k", 3), {"temperature": 0.5, "top_k": 3}),
        (("--prompt", "the", "--seed", 3), {"prompt": "the", "seed": 3}),
        (("--unique", "--max-length", 4), {"unique": True, "max_length": 4}),
    ):
        written = seqgan("sample", "-n", 20, "--run", trained, *arguments).out.splitlines()
        assert run.sample(20, **options) == written
    (tmp_path / "own.txt").write_text("the gull sings\nthe zebra\n")
    rows = seqgan("score", tmp_path / "own.txt", "--run", trained).out.splitlines()[1:]
    found = run.score(["the gull sings", "the zebra"])
    numbers = [(f"{line.nll:.4f}", f"{line.nll_per_token:.4f}", f"{line.d:.4f}", f"{len(line.unknown)}") for line in found]
    assert ["\t".join([*each, line.text]) for each, line in zip(numbers, found, strict=True)] == rows
    written = seqgan("sample", "-n", 5, "--run", trained, "--format", "jsonl", "--fields", "d,reward", "--reward", "constant")
    records = run.iter_records(5, fields=["d", "reward"], reward="constant")
    assert [json.loads(line) for line in written.out.splitlines()] == list(records)
    assert run.beam(4, prompt="the") == seqgan("sample", "--beam", 4, "--prompt", "the", "--run", trained).out.splitlines()
    scored = seqgan("score", tmp_path / "own.txt", "--run", trained, "--reward", "--format", "jsonl").out.splitlines()
    own = run.score(["the gull sings", "the zebra"], reward="")
    assert [line.reward for line in own] == [json.loads(line)["reward"] for line in scored]
    assert run.settings["seed"] == 0
    history = run.history
    assert {"stage", "metric", "value"} <= set(history.columns if hasattr(history, "columns") else vars(history[0]))


def test_what_is_wrong_is_an_exception_with_the_sentence(trained: Path, tmp_path: Path) -> None:
    with pytest.raises(seqgan_library.SeqganError, match="There is no run in "):
        seqgan_library.load(tmp_path / "none")
    run = seqgan_library.load(trained)
    with pytest.raises(seqgan_library.SeqganError, match="--max-length 900: sequences of "):
        run.sample(1, max_length=900)
    with pytest.raises(seqgan_library.SeqganError, match="Cannot read"):
        seqgan_library.train(tmp_path / "none.txt", tmp_path / "run", "quick")
    with pytest.raises(seqgan_library.SeqganError, match="'x' is no field; choose from text, ids, nll, by_token"):
        list(run.iter_records(1, fields=["x"]))
    with pytest.raises(seqgan_library.SeqganError, match="unique depends on which sequences are scored together"):
        list(run.score(["the"], reward="unique"))
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = seqgan_library.nothing


def test_the_examples_of_the_page_are_true(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(trained, tmp_path / "runs" / "tour")
    results = doctest.testfile(str(ROOT / "docs" / "library.md"), module_relative=False)
    assert results.attempted >= 7
    assert results.failed == 0


def test_importing_it_imports_nothing_heavy() -> None:
    program = "import sys, seqgan_cli; assert not {'tensorflow', 'numpy', 'click'} & set(sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], env=os.environ, check=False).returncode == 0
