"""Two trained runs, which tests read or copy, and what every refusal has in common."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import forked
from eager import eager

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


@pytest.fixture(scope="session")
def train_once(tiny_config: Path, once: Callable[..., Path]) -> Callable[..., Made]:
    """`train_once(name, …)`: the run of that name, trained with these arguments of `train`."""

    def make(name: str, *arguments: Any) -> Made:
        def build(folder: Path) -> None:
            with eager():  # whoever asks for it first, so that what continues such a run comes to the same bits
                done = forked.run(folder, "train", *arguments, "--threads", 1, "--config", tiny_config, "--run", folder / "run")
            assert done.returncode == 0, done.stderr

        folder = once(name, build)
        return Made(folder / "run", *((folder / stream).read_text(encoding="utf-8") for stream in ("stdout", "stderr")))

    return make


@pytest.fixture(scope="session")
def synthetic(train_once: Callable[..., Made]) -> Made:
    """A synthetic run whose generator has learned something. Read only."""
    options = ["--epochs", 12, "--set", "pretrain-g.learning-rate=0.1", "--set", "pretrain-g.eval-every=6"]
    return train_once("synthetic", "--set", "generator.hidden-dim=16", *options)


@pytest.fixture(scope="session")
def sentences(once: Callable[..., Path]) -> Path:
    """A small text file, of short lines: what samples a sequence takes as many steps as the longest has words."""
    lines = SENTENCES.read_text(encoding="utf-8").splitlines(keepends=True)
    text = "".join([line for line in lines if len(line.split()) <= 7][:150])
    folder = once("sentences", lambda folder: (folder / "sentences.txt").write_text(text, encoding="utf-8"))
    return folder / "sentences.txt"


@pytest.fixture(scope="session")
def text(train_once: Callable[..., Made], sentences: Path) -> Made:
    """A text run with <unk> in its data, hardly trained, so that every token is sampled. Read only."""
    return train_once("text", sentences, "--min-count", 4)


@pytest.fixture(scope="session")
def tunes(train_once: Callable[..., Made]) -> Made:
    """A run of music with the project's own tunes, in windows of sixteen, hardly trained. Read only."""
    sizes = ["--stride", 8, "--set", "data.window=16", "--set", "discriminator.filters=1:4,2:4"]
    return train_once("tunes", TUNES, *sizes, "--epochs", 1, "--d-steps", 1, "--rounds", 1)


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
