"""Whatever a file holds, its reader reads it or says in a sentence why not; and nothing in it is ever run."""

import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from readers import npz, read, readers
from sampled import examples

READERS = readers()
ODD = (b"\0", b"\n", b"\xff\xfe", b'"', b"{", b"[" * 2000, b"-1", b"1e999", b"NaN", b",", b"=", b"\x1b[2J", "\u2028é".encode())


@st.composite
def damaged(draw: st.DrawFn, seeds: tuple[bytes, ...]) -> bytes:
    """A whole file with a few edits, or none of it."""
    content = draw(st.sampled_from(seeds) | st.binary(max_size=200))
    for _ in range(draw(st.integers(0, 4))):
        place = draw(st.integers(0, len(content)))
        length = draw(st.integers(0, 8))
        inserted = draw(st.sampled_from(ODD) | st.binary(max_size=8) | st.just(content[place : place + 40] * 3))
        content = content[:place] + inserted + content[place + length :]
    return content


@pytest.mark.parametrize("name", READERS)
def test_whole_files_are_read(name: str, tmp_path: Path) -> None:
    for number, seed in enumerate(READERS[name].seeds):
        refusal = read(READERS[name], seed, tmp_path / str(number))
        assert refusal is None, str(refusal)


@pytest.mark.parametrize("name", READERS)
def test_any_other_is_read_or_refused_in_words(name: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    reader = READERS[name]

    @settings(max_examples=examples(60), deadline=None, suppress_health_check=list(HealthCheck))
    @given(damaged(reader.seeds))
    def check(content: bytes) -> None:
        read(reader, content, tmp_path_factory.mktemp("read"))

    check()


# What fuzzers found to end in a traceback.
FOUND = [
    ("config", b'{"format": "quick", "settings": {"seed": {"value": 5, "source": "default"}}}'),
    ("settings", b"seed = " + b"[" * 2000),
    ("settings", b"seed" + b".a" * 2000 + b" = 1"),
]


@pytest.mark.parametrize(("name", "content"), FOUND)
def test_what_once_went_wrong_is_refused_in_words(name: str, content: bytes, tmp_path: Path) -> None:
    assert read(READERS[name], content, tmp_path) is not None


class Bomb:
    """Makes a folder when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.mark),)


@pytest.mark.parametrize("name", READERS)
def test_a_pickle_planted_in_its_place_is_never_opened(name: str, tmp_path: Path) -> None:
    """Bare, and as every array of an archive that names the same arrays."""
    reader, mark = READERS[name], tmp_path / "opened"
    contents = [pickle.dumps(Bomb(mark), protocol) for protocol in (0, 2, 5)]
    if reader.name.endswith(".npz"):
        with np.load(_kept(tmp_path, reader.seeds[0])) as whole:
            arrays = {key: whole[key] for key in whole.files}
        contents += [npz(**{**arrays, key: np.array([Bomb(mark)], object)}) for key in arrays]
    for number, content in enumerate(contents):
        read(reader, content, tmp_path / str(number))
        assert not mark.exists()
    pickle.loads(contents[0])
    assert mark.exists(), "the bomb is none"


def _kept(folder: Path, content: bytes) -> Path:
    (folder / "seed.npz").write_bytes(content)
    return folder / "seed.npz"
