"""One tiny experiment that several tests read."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


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
    experiment: Callable[..., subprocess.CompletedProcess], once: Callable[[str, Callable[[Path], object]], Path]
) -> Path:
    """The directory of a finished `experiment synthetic` with two seeds. Read only."""
    return once("experiment", lambda folder: _study(experiment, folder / "tiny")) / "tiny"


def _study(experiment: Callable[..., subprocess.CompletedProcess], path: Path) -> None:
    methods = ["--methods", "random,mle,mle-best,constant,seqgan"]
    done = experiment("synthetic", "--seeds", 2, *methods, "--out", path)
    assert done.returncode == 0, done.stderr
    (path / "stdout.txt").write_text(done.stdout, encoding="utf-8")
    (path / "stderr.txt").write_text(done.stderr, encoding="utf-8")
