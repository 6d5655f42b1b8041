"""Arrays from files: as they were written, or refused with a reason; never unpickled, never larger than the file."""

import io
import json
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqgan_cli import arrays as module
from seqgan_cli.arrays import read_arrays


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_arrays_come_back_as_they_were(tmp_path: Path, save: Any) -> None:
    kept = {
        "a": np.arange(6, dtype=np.float32).reshape(2, 3),
        "empty": np.zeros((0, 4)),
        "text": np.array(["é", "two"]),
        "one": np.array(3),
        "columns": np.asfortranarray(np.arange(6).reshape(2, 3)),
    }
    save(tmp_path / "x.npz", **kept)
    found = read_arrays(tmp_path / "x.npz")
    assert found.keys() == kept.keys()
    for name, array in kept.items():
        assert found[name].dtype == array.dtype
        np.testing.assert_array_equal(found[name], array)


class Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return pytest.fail, ("unpickled",)


def member(header: dict[str, Any], content: bytes) -> bytes:
    """An .npy file with that header."""
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, header)
    return file.getvalue() + content


def zipped(path: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return path


FLOATS = {"descr": "<f4", "fortran_order": False}


def test_pickles_are_refused_wherever_they_hide(tmp_path: Path) -> None:
    np.savez(tmp_path / "object.npz", a=np.array([Bomb()], object))
    (tmp_path / "bare.npz").write_bytes(pickle.dumps(Bomb()))
    zipped(tmp_path / "member.npz", a=pickle.dumps(Bomb()))
    nested = {"descr": [("x", "|O")], "fortran_order": False, "shape": (1,)}
    zipped(tmp_path / "nested.npz", a=member(nested, pickle.dumps([Bomb()])))
    for name in ("object", "bare", "member", "nested"):
        with pytest.raises(ValueError, match="refused" if name in ("object", "nested") else "damaged"):
            read_arrays(tmp_path / f"{name}.npz")


@pytest.mark.parametrize("shape", [(10**12,), (2**31, 2**31), (4,), (0,), (2, 2)])
def test_an_array_is_as_long_as_the_file_says(tmp_path: Path, shape: tuple[int, ...]) -> None:
    """Three numbers, whatever the header claims."""
    path = zipped(tmp_path / "x.npz", a=member({**FLOATS, "shape": shape}, np.ones(3, np.float32).tobytes()))
    with pytest.raises(ValueError, match=r"it is damaged: a\.npy is of another size than it says"):
        read_arrays(path)


def test_a_small_file_that_holds_a_flood_is_refused_before_it_is_let_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LARGEST", 1 << 20)
    flood = member({**FLOATS, "shape": (1 << 20,)}, bytes(4 << 20))
    path = zipped(tmp_path / "x.npz", a=flood)
    assert path.stat().st_size < 10_000
    with pytest.raises(ValueError, match="it claims 0 GB of arrays"):
        read_arrays(path)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"text", json.dumps({}).encode(), bytes(100)])
def test_what_is_no_npz_is_refused_in_words(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.npz").write_bytes(content)
    with pytest.raises(ValueError, match=r"it is damaged or no \.npz"):
        read_arrays(tmp_path / "x.npz")


def test_a_file_that_is_not_there_is_an_error_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_arrays(tmp_path / "none.npz")
