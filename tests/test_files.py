"""Files are replaced whole or not at all."""

import os
import stat
from pathlib import Path
from typing import BinaryIO

import pytest

from seqgan_cli import files
from seqgan_cli.errors import SeqganError


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_write_puts_bytes_and_makes_the_folders(tmp_path: Path) -> None:
    files.write(tmp_path / "a" / "b" / "c.txt", b"one\r\ntwo\n")
    assert (tmp_path / "a" / "b" / "c.txt").read_bytes() == b"one\r\ntwo\n"
    assert names(tmp_path / "a" / "b") == ["c.txt"]


def test_write_replaces_longer_content_whole(tmp_path: Path) -> None:
    path = tmp_path / "c.txt"
    path.write_bytes(b"a much longer content")
    files.write(path, b"short")
    assert path.read_bytes() == b"short"
    assert names(tmp_path) == ["c.txt"]


def test_write_takes_a_function_that_writes(tmp_path: Path) -> None:
    def content(file: BinaryIO) -> None:
        file.write(b"first ")
        file.write(b"second")

    files.write(tmp_path / "c.bin", content)
    assert (tmp_path / "c.bin").read_bytes() == b"first second"


@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), KeyboardInterrupt(), ValueError("x")])
def test_a_failure_half_way_leaves_the_old_content_and_no_temporary_file(tmp_path: Path, failure: BaseException) -> None:
    path = tmp_path / "c.txt"
    path.write_bytes(b"old")

    def content(file: BinaryIO) -> None:
        file.write(b"half of the n")
        file.flush()
        raise failure

    with pytest.raises(type(failure)):
        files.write(path, content)
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["c.txt"]


def test_a_failure_half_way_leaves_no_file_where_none_was(tmp_path: Path) -> None:
    def content(file: BinaryIO) -> None:
        file.write(b"half")
        raise OSError(5, "Input/output error")

    with pytest.raises(OSError, match="Input/output error"):
        files.write(tmp_path / "new.txt", content)
    assert names(tmp_path) == []


def test_a_failing_rename_leaves_the_old_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "taken"
    target.write_bytes(b"old")

    def refuse(*_: object) -> None:
        raise OSError(13, "Permission denied")

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(OSError):
        files.write(target, b"new")
    assert names(tmp_path) == ["taken"]
    assert target.read_bytes() == b"old"


def test_folders_and_pipes_are_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "folder" / "inside").mkdir(parents=True)
    os.mkfifo(tmp_path / "pipe")
    for name in ("folder", "pipe"):
        with pytest.raises(SeqganError, match="no ordinary file"):
            files.write(tmp_path / name, b"new")
    assert names(tmp_path) == ["folder", "pipe"]
    assert names(tmp_path / "folder") == ["inside"]


def test_the_old_content_is_there_until_the_block_ends(tmp_path: Path) -> None:
    path = tmp_path / "c.npz"
    path.write_bytes(b"old")
    with files.replacing(path) as temporary:
        temporary.write_bytes(b"new")
        assert path.read_bytes() == b"old"
        assert temporary.parent == path.parent  # a rename over file systems is none
        assert temporary.suffix == ".npz"
    assert path.read_bytes() == b"new"
    assert not temporary.exists()


def test_a_reader_that_has_the_old_file_open_keeps_it(tmp_path: Path) -> None:
    path = tmp_path / "c.txt"
    path.write_bytes(b"old")
    with path.open("rb") as reader:
        files.write(path, b"new")
        assert reader.read() == b"old"
    assert path.read_bytes() == b"new"


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o027, 0o640), (0o077, 0o600)])
def test_permissions_are_those_of_an_ordinary_new_file(tmp_path: Path, umask: int, mode: int) -> None:
    before = os.umask(umask)
    try:
        files.write(tmp_path / "c.txt", b"x")
        assert os.umask(umask) == umask  # writing changed nothing for the rest of the process
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "c.txt").stat().st_mode) == mode
