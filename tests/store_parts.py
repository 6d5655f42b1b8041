"""What the tests of the store share."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from parts import parts_of
from seqgan_cli.data.vocabulary import Vocabulary
from seqgan_cli.runs.history import Row
from seqgan_cli.runs.record import checksum
from seqgan_cli.runs.run import Run

WEIGHTS = np.arange(6, dtype=np.float32).reshape(2, 3)


def arrays(position: int) -> dict[str, np.ndarray]:
    return {"generator/0.kernel": WEIGHTS * position, "step": np.array([position], np.int64)}


def never(message: str) -> None:
    pytest.fail(f"unexpected warning: {message}")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def row(stage: str, position: int, metric: str = "nll_test", value: float = 1.5, seconds: float = 0.25) -> Row:
    return Row(stage, position, position * 10, metric, value, seconds)


def with_corpus(folder: Path, first: int = 3) -> Run:
    tokens = np.array([[first, 4, 1], [4, 1, 0]], np.int32)
    parts_of(tokens, tokens, Vocabulary(["a", "b"])).save(folder)
    return Run(folder)


def record_anew(run: Path, **changed: Any) -> None:
    """Change entries of config.json, and settings by their names with `__` for the dot, as if seqgan had written it so."""
    path = run / "config.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    for name, value in changed.items():
        setting = name.replace("__", ".").replace("_", "-")
        if setting in record["settings"]:
            record["settings"][setting]["value"] = value
        else:
            record[name] = value
    path.write_text(json.dumps({**record, "checksum": checksum(record)}), encoding="utf-8")
