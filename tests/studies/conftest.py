"""A study in a journal, as several processes see it; one tiny experiment that several tests read."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import forked
from eager import eager
from sampled import WHOLE
from seqgan_cli.studies import executor
from seqgan_cli.studies.experiments import estimate


@pytest.fixture(autouse=True, scope="session")
def _looked_after_often() -> Iterator[None]:
    """Tasks of tests last a second or two: half of one between two looks at them is long, and so is timing many steps."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(executor, "POLL", 0.05)
        if not WHOLE:
            patched.setattr(estimate, "STEPS", 1)
        yield


@pytest.fixture(autouse=True)
def _quickly(quickly: None) -> None:
    """Who trains what, and what is made of it, is tried here; how the steps run, elsewhere."""


@pytest.fixture(scope="session")
def tiny_config(tiny_config: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With one d-step and one round, since a study trains many runs."""
    path = tmp_path_factory.mktemp("config") / "tinier.toml"
    path.write_text(tiny_config.read_text().replace("d-steps = 2", "d-steps = 1").replace("rounds = 2", "rounds = 1"))
    return path


@pytest.fixture
def shared(tmp_path: Path) -> Callable[..., Any]:
    """`shared(number, points=…)` opens the study once more, as another process would."""
    pytest.importorskip("optuna")
    from seqgan_cli.studies.leases import open_storage
    from seqgan_cli.studies.search.space import parse
    from seqgan_cli.studies.search.study import SearchStudy

    def open_once_more(number: int = 4, sampler: str = "random", searches: tuple[str, ...] = (), **changes: Any) -> SearchStudy:
        from seqgan_cli.studies.search.space import grid

        dimensions = [parse(text) for text in searches or ("update-rate=0:0.95", "generator.cell=lstm,gru")]
        objectives = changes.pop("objectives", {"nll_oracle": False, "nll_test": False})
        asked = {"preset": "quick", **changes}
        points = grid(dimensions) if sampler == "grid" else None
        storage = open_storage(str(tmp_path / "study.journal"))
        return SearchStudy(storage, "seqgan", objectives, asked, number, sampler, 0, dimensions, points)

    return open_once_more


@pytest.fixture
def table(seqgan: Callable[..., Any], tiny_config: Path) -> Callable[..., Any]:
    """Call `seqgan experiment` on the tiny settings in this process, for what trains nothing."""
    return lambda *arguments: seqgan("experiment", *arguments, "--config", tiny_config, "--samples", 64)


@pytest.fixture(scope="session")
def experiment(tiny_config: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., subprocess.CompletedProcess]:
    """Run `seqgan experiment` on the tiny settings; its tasks begin with TensorFlow imported."""

    def run(*arguments: Any) -> subprocess.CompletedProcess:
        options = ["--config", str(tiny_config), "--samples", "64", "--jobs", "2", "--threads", "1"]
        return forked.run(tmp_path_factory.mktemp("printed"), "experiment", *arguments, *options)

    return run


@pytest.fixture(scope="session")
def studied(
    experiment: Callable[..., subprocess.CompletedProcess], once: Callable[[str, Callable[[Path], object]], Path]
) -> Path:
    """The directory of a finished `experiment synthetic` with two seeds. Read only."""
    return once("experiment", lambda folder: _study(experiment, folder / "tiny")) / "tiny"


def _study(experiment: Callable[..., subprocess.CompletedProcess], path: Path) -> None:
    methods = ["--methods", "random,mle,mle-best,constant,seqgan"]
    with eager():
        done = experiment("synthetic", "--seeds", 2, *methods, "--out", path)
    assert done.returncode == 0, done.stderr
    (path / "stdout.txt").write_text(done.stdout, encoding="utf-8")
    (path / "stderr.txt").write_text(done.stderr, encoding="utf-8")
