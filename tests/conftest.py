"""What the tests share: a started TensorFlow, tiny settings, and the command line called in this process."""

import dataclasses
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seqgan_cli.backend import start_tensorflow

sys.path.insert(0, str(Path(__file__).parent))  # for `import reference`
start_tensorflow()

# A run that takes a second or two a stage.
TINY = {
    "data.vocab-size": 12,
    "data.sequence-length": 5,
    "data.num-sequences": 96,
    "generator.embedding-dim": 4,
    "generator.hidden-dim": 5,
    "discriminator.embedding-dim": 4,
    "discriminator.filters": "1:4,2:4,3:4",
    "pretrain-g.epochs": 3,
    "pretrain-g.batch-size": 32,
    "pretrain-d.d-steps": 2,
    "pretrain-d.k": 1,
    "pretrain-d.learning-rate": 0.01,
    "adversarial.rounds": 2,
    "adversarial.d-steps": 1,
    "adversarial.k": 1,
    "adversarial.rollouts": 2,
    "adversarial.batch-size": 8,
    "evaluation.samples": 32,
    "evaluation.final-samples": 64,
    "evaluation.bleu-samples": 32,
}


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
def tiny_config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """TINY as a file for --config."""
    path = tmp_path_factory.mktemp("config") / "tiny.toml"
    sections: dict[str, list[str]] = {}
    for name, value in TINY.items():
        section, leaf = name.split(".")
        sections.setdefault(section, []).append(f"{leaf} = {value!r}")
    path.write_text("\n".join(f"[{section}]\n" + "\n".join(lines) for section, lines in sections.items()).replace("'", '"'))
    return path
