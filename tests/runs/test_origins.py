"""What a run's data files were when it began."""

import hashlib
import os
import subprocess
from pathlib import Path

import pytest

from seqgan_cli.config.paths import joined
from seqgan_cli.config.settings import Settings
from seqgan_cli.runs.origins import changed, origins_of


def test_a_run_has_its_own_copy_of_data_and_not_of_what_rewards_read(tmp_path: Path) -> None:
    """So a grammar that has changed is not said to go on as it was."""
    data, grammar = tmp_path / "lines.txt", tmp_path / "g.cfg"
    data.write_text("a b\n")
    grammar.write_text("S -> 'a'\n")
    values = Settings({"data.source": str(data), "reward.grammar.file": str(grammar)}).values
    origins = origins_of(values)
    assert origins.keys() == {"data.source"}
    data.write_text("a c\n")
    grammar.write_text("S -> 'b'\n")
    assert changed({**origins, "reward.grammar.file": {**origins["data.source"], "path": str(grammar)}}, values) == [
        ("data.source", str(data))
    ]


def recorded(source: str) -> tuple[dict, dict]:
    values = Settings({"data.source": source}).values
    return origins_of(values), values


@pytest.mark.parametrize("way", ["names", "pattern", "folder"])
def test_of_several_files_any_one_tells(tmp_path: Path, way: str) -> None:
    a, b = tmp_path / "a.txt", tmp_path / "b.txt"
    a.write_text("a\n")
    b.write_text("b\n")
    source = {"names": joined([str(a), str(b)]), "pattern": f"{tmp_path}/*.txt", "folder": str(tmp_path)}[way]
    origins, values = recorded(source)
    assert (origins["data.source"]["files"], origins["data.source"]["size"]) == (2, 4)
    assert changed(origins, values) == []
    os.utime(b, (1, 1))
    assert changed(origins, values) == []  # touched, and as it was
    b.write_text("c\n")
    assert changed(origins, values) == [("data.source", source)]
    b.write_text("b\n")
    (tmp_path / "c.txt").write_text("c\n")
    assert changed(origins, values) == ([("data.source", source)] if way != "names" else [])


def test_the_digest_is_that_of_sha256sum(tmp_path: Path) -> None:
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text(f"{name}\n")
    one = recorded(str(tmp_path / "a.txt"))[0]["data.source"]
    assert one["sha256"] == hashlib.sha256(b"a.txt\n").hexdigest()
    assert one["size"] == 6
    printed = subprocess.run(["sha256sum", "a.txt", "b.txt"], cwd=tmp_path, check=True, capture_output=True).stdout
    assert recorded(str(tmp_path))[0]["data.source"]["sha256"] == hashlib.sha256(printed).hexdigest()


def test_records_of_earlier_versions_are_compared_as_they_were(tmp_path: Path) -> None:
    """They have no SHA-256; here with a time that no file has, so that the content decides."""
    path = tmp_path / "a.txt"
    path.write_bytes(b"a dog\n")
    digest = hashlib.blake2b(digest_size=12)
    digest.update(b'["2e", 6]a dog\n')
    origins = {"data.source": {"path": str(path), "stat": "0" * 24, "content": digest.hexdigest()}}
    values = Settings({"data.source": str(path)}).values
    assert changed(origins, values) == []
    path.write_bytes(b"a cat\n")
    assert changed(origins, values) == [("data.source", str(path))]
