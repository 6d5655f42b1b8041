"""Two trained runs, which tests read or copy, and what every refusal has in common."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from forked import Forked

DATA = Path(__file__).parents[2] / "data"
SENTENCES, TUNES = DATA / "sentences.txt", DATA / "tunes"


@pytest.fixture(autouse=True)
def _quickly(quickly: None) -> None:
    """What commands say and leave is tried here; how their steps run, elsewhere."""


@dataclass(frozen=True)
class Made:
    """A run that `train` made, and what it printed."""

    path: Path
    out: str
    err: str


def _train(*arguments: Any) -> tuple[str, str]:
    """In a process of its own, so that all it writes is seen, and what it starts is gone afterwards."""
    own = {name: value for name, value in os.environ.items() if name not in ("SEQGAN_RUN", "SEQGAN_PRESET")}
    command = [sys.executable, "-m", "seqgan_cli", "train", *map(str, arguments), "--threads", "1"]
    done = Forked(command, stdout=subprocess.PIPE, env=own)
    out, err = done.communicate()
    assert done.returncode == 0, err
    return out, err


@pytest.fixture(scope="session")
def train_once(tiny_config: Path, once: Callable[..., Path]) -> Callable[..., Made]:
    """`train_once(name, …)`: the run of that name, trained with these arguments of `train`."""

    def make(name: str, *arguments: Any) -> Made:
        def build(folder: Path) -> None:
            printed = _train(*arguments, "--config", tiny_config, "--run", folder / "run")
            for stream, text in zip(("out", "err"), printed, strict=True):
                (folder / stream).write_text(text, encoding="utf-8")

        folder = once(name, build)
        return Made(folder / "run", *((folder / stream).read_text(encoding="utf-8") for stream in ("out", "err")))

    return make


@pytest.fixture(scope="session")
def synthetic(train_once: Callable[..., Made]) -> Made:
    """A synthetic run whose generator has learned something. Read only."""
    options = ["--epochs", 60, "--set", "pretrain-g.learning-rate=0.03", "--set", "pretrain-g.eval-every=20"]
    return train_once("synthetic", "--set", "generator.hidden-dim=16", *options)


@pytest.fixture(scope="session")
def sentences(once: Callable[..., Path]) -> Path:
    """A small text file."""
    text = "".join(SENTENCES.read_text(encoding="utf-8").splitlines(keepends=True)[:150])
    folder = once("sentences", lambda folder: (folder / "sentences.txt").write_text(text, encoding="utf-8"))
    return folder / "sentences.txt"


@pytest.fixture(scope="session")
def text(train_once: Callable[..., Made], sentences: Path) -> Made:
    """A text run with <unk> in its data, hardly trained, so that every token is sampled. Read only."""
    return train_once("text", sentences, "--min-count", 4)


@pytest.fixture(scope="session")
def tunes(train_once: Callable[..., Made]) -> Made:
    """A run of music with the project's own tunes, hardly trained. Read only."""
    return train_once("tunes", TUNES, "--stride", 8, "--set", "discriminator.filters=1:4,2:4")


@pytest.fixture
def synthetic_copy(synthetic: Made, tmp_path: Path) -> Path:
    """A synthetic run to alter."""
    return Path(shutil.copytree(synthetic.path, tmp_path / "run"))


@pytest.fixture
def text_copy(text: Made, tmp_path: Path) -> Path:
    """A text run to alter."""
    return Path(shutil.copytree(text.path, tmp_path / "run"))


@pytest.fixture
def contents() -> Callable[[Path], dict[str, bytes]]:
    """Every file below a folder and what is in it, the lock aside."""

    def read(folder: Path) -> dict[str, bytes]:
        files = (path for path in folder.rglob("*") if path.is_file() and path.name != ".lock")
        return {str(path.relative_to(folder)): path.read_bytes() for path in files}

    return read


@pytest.fixture
def refused() -> Callable[..., None]:
    """Check that a command ended with nothing on stdout and one sentence on stderr.

    `refused(outcome, 1, "whole sentence")`: nothing else on stderr. `refused(outcome, 2, "part", "part", usage=True)`: after
    the usage lines, a sentence with these parts.
    """

    def check(outcome: Any, code: int, *parts: str, usage: bool = False) -> None:
        assert outcome.code == code, outcome.err
        assert outcome.out == ""
        assert "Traceback" not in outcome.err
        lines = outcome.err.splitlines()
        assert lines[-1].startswith("Error: ")
        if usage:
            assert lines[0].startswith("Usage: seqgan")
            assert sum(line.startswith("Error: ") for line in lines) == 1
            for part in parts:
                assert part in lines[-1]
        else:
            assert lines == [f"Error: {''.join(parts)}"]

    return check
