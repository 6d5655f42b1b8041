"""What the tests share: a started TensorFlow, tiny settings, and the command line called in this process."""

import collections
import dataclasses
import os
import random
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from filelock import FileLock

from seqgan_cli.config import registry
from seqgan_cli.config.settings import SCHEMA
from seqgan_cli.training.backend import start_tensorflow
from seqgan_cli.training.distribution.placement import Placement

# As many processes as cores are at work, and threads of theirs that wait for one another only hold these up.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# In a shell's background and under nohup these are ignored from the start, which what a test starts would inherit.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)
sys.path.insert(0, str(Path(__file__).parent))  # for `import reference` and `import tiny`

from eager import eager, skip_graph_optimization, skip_waiting_for_discs  # noqa: E402
from sampled import WHOLE, examples  # noqa: E402

hypothesis.settings.register_profile("sampled", max_examples=examples(100))
hypothesis.settings.load_profile("sampled")

# The longest files come first, so that no process of the suite is left alone with one at the end.
DEAR = (
    *("test_adversarial.py", "test_runner.py", "test_stage.py", "test_train.py", "test_experiment.py"),
    *("test_corpus_command.py", "test_processes.py", "test_replicas.py", "test_rollout.py", "test_sample.py"),
    *("test_mle.py", "test_readme.py", "test_tune.py"),
)


def pytest_configure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput") or not config.getoption("numprocesses", None):  # what hands out the tests has none
        # As many devices as a test of several needs; a process of the suite has a core, and more threads would be in each
        # other's way.
        start_tensorflow(threads=1, place=Placement("mirrored", devices=4))
        skip_graph_optimization()
        skip_waiting_for_discs()
    config.addinivalue_line("markers", "sampled(number): `make test` tries so many of the cases, `make soak` all")
    config.addinivalue_line("markers", "compiled: where tests run their steps eagerly, this one does not")
    config.addinivalue_line("markers", "whole: `make soak` alone tries it, what `make test` tries is a part of it")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    cases: dict[str, list[pytest.Item]] = collections.defaultdict(list)
    for item in items:
        if not WHOLE and item.get_closest_marker("sampled"):
            cases[item.nodeid.partition("[")[0]].append(item)
    left_out = {item for item in items if not WHOLE and item.get_closest_marker("whole")}
    for name, found in cases.items():
        number = max(marker.args[0] for marker in found[0].iter_markers("sampled"))
        kept = random.Random(name).sample(found, min(number, len(found)))
        left_out.update(set(found) - set(kept))
    if left_out:
        config.hook.pytest_deselected(items=list(left_out))
    kept_items = (item for item in items if item not in left_out)
    items[:] = sorted(kept_items, key=lambda item: DEAR.index(item.path.name) if item.path.name in DEAR else len(DEAR))


@pytest.fixture(autouse=True)
def without_names_of_uses() -> Iterator[None]:
    """Names that the runs of a test give to uses of rewards are settings for the rest of a process: not for the next test."""
    yield
    if registry.rewards._labels:
        registry.rewards._labels.clear()
        SCHEMA.__dict__.pop("_specs", None)


@pytest.fixture(scope="session")
def whole_suite() -> bool:
    """Whether to try all there is, in the soak, or a sample."""
    return WHOLE


@pytest.fixture
def eagerly() -> Iterator[None]:
    """Steps as Python runs them and not as TensorFlow compiles them: where a training makes one or two, a third of the time."""
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture
def quickly(request: pytest.FixtureRequest) -> Iterator[None]:
    """For tests that are not about steps: in `make test` they are run eagerly, in the soak and if marked so compiled."""
    if request.node.get_closest_marker("compiled"):
        yield
        return
    with eager():
        yield


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
