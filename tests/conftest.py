"""What the tests share: a started TensorFlow, tiny settings, and the command line called in this process."""

import dataclasses
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from seqgan_cli.training.backend import start_tensorflow
from seqgan_cli.training.distribution.placement import Placement

# In a shell's background and under nohup these are ignored from the start, which what a test starts would inherit.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)
sys.path.insert(0, str(Path(__file__).parent))  # for `import reference` and `import tiny`
start_tensorflow(place=Placement("mirrored", devices=4))  # as many as a test of several devices needs


# Files that take a minute and more come first, so that no process of the suite is left alone with one at the end.
DEAR = ("test_readme.py", "test_stage.py", "test_runner.py", "test_train.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.name not in DEAR)


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What a command left: exit code, stdout and stderr."""

    code: int
    out: str
    err: str


@pytest.fixture
def seqgan(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Outcome]:
    """Call the command line in this process: `seqgan("sample", "-n", 3)`."""
    from seqgan_cli.cli import main

    monkeypatch.delenv("SEQGAN_RUN", raising=False)
    monkeypatch.delenv("SEQGAN_PRESET", raising=False)

    def call(*arguments: Any) -> Outcome:
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        printed = capfd.readouterr()
        return Outcome(int(ended.value.code or 0), printed.out, printed.err)

    return call


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Callable[[str, Callable[[Path], object]], Path]:
    """What is dear to make is made by one process of the suite for all: `once(name, build)` calls `build(folder)` or has."""
    own = tmp_path_factory.getbasetemp()
    shared = own if worker_id == "master" else own.parent

    def make(name: str, build: Callable[[Path], object]) -> Path:
        folder = shared / f"shared-{name}"
        with FileLock(f"{folder}.lock"):
            if not (folder / "built").exists():
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
                build(folder)
                (folder / "built").touch()
        return folder

    return make


@pytest.fixture(scope="session")
def tiny_config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny settings as a file for --config."""
    from tiny import TINY

    path = tmp_path_factory.mktemp("config") / "tiny.toml"
    sections: dict[str, list[str]] = {}
    for name, value in TINY.items():
        section, leaf = name.split(".")
        sections.setdefault(section, []).append(f"{leaf} = {value!r}")
    path.write_text("\n".join(f"[{section}]\n" + "\n".join(lines) for section, lines in sections.items()).replace("'", '"'))
    return path
