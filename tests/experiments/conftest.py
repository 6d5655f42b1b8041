"""One tiny experiment that several tests read."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock


@pytest.fixture
def table(seqgan: Callable[..., Any], tiny_config: Path) -> Callable[..., Any]:
    """Call `seqgan experiment` on the tiny settings in this process, for what trains nothing."""
    return lambda *arguments: seqgan("experiment", *arguments, "--config", tiny_config, "--samples", 64)


@pytest.fixture(scope="session")
def experiment(tiny_config: Path) -> Callable[..., subprocess.CompletedProcess]:
    """Run `seqgan experiment` on the tiny settings, in a process of its own."""

    def run(*arguments: Any) -> subprocess.CompletedProcess:
        options = ["--config", str(tiny_config), "--samples", "64", "--jobs", "2", "--threads", "1"]
        command = [sys.executable, "-m", "seqgan_cli", "experiment", *map(str, arguments), *options]
        return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=280)

    return run


@pytest.fixture(scope="session")
def studied(
    experiment: Callable[..., subprocess.CompletedProcess], tmp_path_factory: pytest.TempPathFactory, worker_id: str
) -> Path:
    """The directory of a finished `experiment synthetic` with two seeds, one for all processes of the suite. Read only."""
    root = tmp_path_factory.getbasetemp()
    folder = (root if worker_id == "master" else root.parent) / "experiment"
    with FileLock(f"{folder}.lock"):
        if not (folder / "tiny" / "stderr.txt").exists():
            _study(experiment, folder / "tiny")
    return folder / "tiny"


def _study(experiment: Callable[..., subprocess.CompletedProcess], path: Path) -> None:
    methods = ["--methods", "random,mle,mle-best,constant,seqgan"]
    done = experiment("synthetic", "--seeds", 2, *methods, "--out", path)
    assert done.returncode == 0, done.stderr
    (path / "stdout.txt").write_text(done.stdout, encoding="utf-8")
    (path / "stderr.txt").write_text(done.stderr, encoding="utf-8")
