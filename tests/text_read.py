"""Text as tests put it in files, and what is read of it: sequences in numbers, or a refusal."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqgan_cli.data.corpus import Corpus
from seqgan_cli.data.sources.opening import real_corpus
from seqgan_cli.errors import SeqganError
from tiny import data_settings


def put(folder: Path, content: str | bytes, name: str = "train.txt") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def numbered(folder: Path, train: str | bytes, test: str | bytes | None = None, seed: int = 1, **own: Any) -> Corpus:
    """The corpus of a training text and, if there is one, a test text; without a validation part, if none is asked for."""
    own.setdefault("validation", 0.0)
    if test is not None:
        own["test"] = str(put(folder, test, "test.txt"))
    return real_corpus(data_settings(seed=seed, source=str(put(folder, train)), **own))[0]


def decoded(corpus: Corpus, table: np.ndarray) -> list[str]:
    return [" ".join(corpus.vocabulary.decode(row)) for row in table]


def refusal(folder: Path, train: str | bytes, test: str | bytes | None = None, **own: Any) -> str:
    with pytest.raises(SeqganError) as refused:
        numbered(folder, train, test, **own)
    assert refused.value.exit_code == 1
    return str(refused.value)
