"""Checkpoints survive damage, and come back as they were."""

import json
import shutil
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqgan_cli.errors import SeqganError
from seqgan_cli.runs.checkpoints import Checkpoint, Checkpoints, assign, named
from store_parts import WEIGHTS, arrays, names, never


def saved(folder: Path, *positions: int, best: int = 0) -> Checkpoints:
    checkpoints = Checkpoints(folder / "pretrain-g", "print")
    for position in positions:
        checkpoints.save(position, arrays(position), {"best": {"position": best}}, best=position == best)
    return checkpoints


def file(checkpoints: Checkpoints, position: int) -> Path:
    return checkpoints.directory / f"{position:07d}.npz"


def test_a_checkpoint_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path / "pretrain-g", "print")
    checkpoints.save(3, arrays(3), {"best": {"position": 2, "value": 4.5}}, best=False)
    found = checkpoints.latest(never)
    assert found is not None
    assert found.position == 3
    assert found.facts["best"] == {"position": 2, "value": 4.5}
    assert found.path == tmp_path / "pretrain-g" / "0000003.npz"
    assert set(found.arrays) == {"generator/0.kernel", "step"}
    assert found.arrays["generator/0.kernel"].dtype == np.float32
    assert found.arrays["generator/0.kernel"].tolist() == (WEIGHTS * 3).tolist()
    assert found.arrays["step"].tolist() == [3]


def test_there_is_no_latest_and_no_best_before_the_first(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path / "none", "print")
    assert checkpoints.latest(never) is None
    assert checkpoints.best() is None
    assert checkpoints.positions() == []


def test_only_the_last_three_and_the_best_are_kept(tmp_path: Path) -> None:
    checkpoints = saved(tmp_path, 1, 2, 3, 4, 5, best=1)
    assert names(checkpoints.directory) == ["0000003.npz", "0000004.npz", "0000005.npz", "best.npz"]
    assert checkpoints.positions() == [3, 4, 5]
    latest, best = checkpoints.latest(never), checkpoints.best()
    assert latest is not None
    assert best is not None
    assert (latest.position, best.position) == (5, 1)
    assert best.arrays["generator/0.kernel"].tolist() == WEIGHTS.tolist()


def test_a_better_one_replaces_the_best(tmp_path: Path) -> None:
    checkpoints = saved(tmp_path, 1, best=1)
    checkpoints.save(2, arrays(2), {}, best=True)
    best = checkpoints.best()
    assert best is not None
    assert best.position == 2
    assert names(checkpoints.directory) == ["0000001.npz", "0000002.npz", "best.npz"]


def test_the_best_is_written_where_links_are_not_possible(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(*_: Any) -> None:
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr("os.link", no_links)
    best = saved(tmp_path, 4, best=4).best()
    assert best is not None
    assert best.position == 4
    assert best.arrays["step"].tolist() == [4]


def test_positions_are_numbers_not_names(tmp_path: Path) -> None:
    checkpoints = saved(tmp_path, 9, 10, 11)
    (checkpoints.directory / ".writing-abc.npz").write_bytes(b"half")
    (checkpoints.directory / "notes.npz").write_bytes(b"x")
    assert checkpoints.positions() == [9, 10, 11]
    latest = checkpoints.latest(never)
    assert latest is not None
    assert latest.position == 11


def test_a_latest_one_cut_off_anywhere_falls_back_with_a_warning_that_names_it(tmp_path: Path) -> None:
    checkpoints = saved(tmp_path, 1, 2)
    whole = file(checkpoints, 2).read_bytes()
    for length in range(0, len(whole), 5):
        file(checkpoints, 2).write_bytes(whole[:length])
        said: list[str] = []
        found = checkpoints.latest(said.append)
        assert found is not None
        assert found.position == 1, length
        assert said == [f"{file(checkpoints, 2)} is damaged. Using the one before: 0000001.npz."]


def test_a_flipped_byte_in_an_array_falls_back_with_a_warning_that_names_it(tmp_path: Path) -> None:
    checkpoints = saved(tmp_path, 1, 2, 3)
    content = bytearray(file(checkpoints, 3).read_bytes())
    content[content.index((WEIGHTS * 3).tobytes()) + 9] ^= 0x04
    file(checkpoints, 3).write_bytes(content)
    said: list[str] = []
    found = checkpoints.latest(said.append)
    assert found is not None
    assert found.position == 2
    assert said == [f"{file(checkpoints, 3)} is damaged. Using the one before: 0000002.npz."]


@pytest.mark.parametrize("mask", [0x01, 0xFF])
def test_a_flipped_byte_anywhere_changes_no_array_unnoticed(tmp_path: Path, mask: int) -> None:
    """Some bytes of a zip mean nothing; one that hides an array is found when the array is assigned."""
    checkpoints = saved(tmp_path, 1, 2)
    whole, expected, fallbacks = file(checkpoints, 2).read_bytes(), arrays(2), 0
    for place in range(len(whole)):
        damaged = bytearray(whole)
        damaged[place] ^= mask
        file(checkpoints, 2).write_bytes(damaged)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = checkpoints.latest(lambda message: None)
        assert found is not None
        fallbacks += found.position == 1
        if found.position == 2:
            for name in set(expected) & set(found.arrays):
                assert found.arrays[name].tolist() == expected[name].tolist(), place
    assert fallbacks > len(whole) // 2


def test_every_damaged_one_before_is_named_once(tmp_path: Path) -> None:
    checkpoints = saved(tmp_path, 1, 2, 3)
    for position in (2, 3):
        file(checkpoints, position).write_bytes(b"")
    said: list[str] = []
    found = checkpoints.latest(said.append)
    assert found is not None
    assert found.position == 1
    first, second = file(checkpoints, 3), file(checkpoints, 2)
    assert said == [f"{first} is damaged; {second} is damaged. Using the one before: 0000001.npz."]


def test_nothing_but_damaged_ones_is_an_error_that_names_the_way_out(tmp_path: Path) -> None:
    checkpoints = saved(tmp_path, 1, 2, best=1)
    for position in (1, 2):
        file(checkpoints, position).write_bytes(b"PK\x03\x04 no zip")
    with pytest.raises(SeqganError) as refusal:
        checkpoints.latest(never)
    message = str(refusal.value)
    assert message.startswith(f"{file(checkpoints, 2)} is damaged; {file(checkpoints, 1)} is damaged, and there is no good")
    assert message.endswith(" --overwrite`.")
    assert "`seqgan pretrain-g --run " in message


def test_a_damaged_best_is_an_error_of_its_own(tmp_path: Path) -> None:
    checkpoints = saved(tmp_path, 1, 2, best=1)
    best = checkpoints.directory / "best.npz"
    best.write_bytes(best.read_bytes()[:-30])
    with pytest.raises(SeqganError, match=r"best\.npz is damaged\. Use the last checkpoint instead"):
        checkpoints.best()
    latest = checkpoints.latest(never)
    assert latest is not None
    assert latest.position == 2


def test_one_of_another_run_is_refused(tmp_path: Path) -> None:
    checkpoints = saved(tmp_path, 1, 2, best=2)
    other = Checkpoints(checkpoints.directory, "another print")
    with pytest.raises(SeqganError, match=r"0000002\.npz belongs to another run"):
        other.latest(never)
    with pytest.raises(SeqganError, match=r"best\.npz belongs to another run"):
        other.best()


def test_one_of_another_run_among_ones_own_is_passed_over_with_a_warning(tmp_path: Path) -> None:
    checkpoints = saved(tmp_path, 1)
    Checkpoints(checkpoints.directory, "another print").save(2, arrays(2), {}, best=False)
    said: list[str] = []
    found = checkpoints.latest(said.append)
    assert found is not None
    assert found.position == 1
    assert len(said) == 1
    assert said[0].startswith(f"{file(checkpoints, 2)} belongs to another run")


def test_pickled_objects_are_never_loaded(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return pytest.fail, ("unpickled",)

    checkpoints = saved(tmp_path, 1)
    facts = json.dumps({"position": 2, "fingerprint": "print"}).encode()
    np.savez(file(checkpoints, 2), facts=np.frombuffer(facts, np.uint8), w=np.array([Trap()], object))
    said: list[str] = []
    found = checkpoints.latest(said.append)
    assert found is not None
    assert found.position == 1
    assert said == [f"{file(checkpoints, 2)} is damaged. Using the one before: 0000001.npz."]


def test_a_write_that_fails_half_way_leaves_the_old_ones_whole_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoints = saved(tmp_path, 1, 2, 3, best=2)
    before = {path.name: path.read_bytes() for path in checkpoints.directory.iterdir()}

    def full_disk(target: Any, **_: Any) -> None:
        target.write(b"PK\x03\x04 half of it")
        target.flush()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full_disk)
    with pytest.raises(OSError, match="No space left on device"):
        checkpoints.save(4, arrays(4), {}, best=True)
    assert {path.name: path.read_bytes() for path in checkpoints.directory.iterdir()} == before


def test_a_best_that_cannot_be_written_leaves_the_old_ones_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoints = saved(tmp_path, 1, 2, best=1)
    before = {path.name: path.read_bytes() for path in checkpoints.directory.iterdir()}

    def full_disk(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.link", full_disk)
    monkeypatch.setattr(shutil, "copyfile", full_disk)
    with pytest.raises(OSError, match="No space left on device"):
        checkpoints.save(3, arrays(3), {}, best=True)
    assert {path.name: path.read_bytes() for path in checkpoints.directory.iterdir()} == before


def test_drop_after_removes_later_ones_only(tmp_path: Path) -> None:
    checkpoints = saved(tmp_path, 1, 2, 3, best=3)
    checkpoints.drop_after(1)
    assert names(checkpoints.directory) == ["0000001.npz", "best.npz"]


def test_drop_removes_all(tmp_path: Path) -> None:
    checkpoints = saved(tmp_path, 1, best=1)
    checkpoints.drop()
    assert not checkpoints.directory.exists()
    checkpoints.drop()  # and again, of nothing
    assert checkpoints.latest(never) is None


# Weights


class Variable:
    """As much of a variable as checkpoints need."""

    def __init__(self, name: str, value: np.ndarray) -> None:
        self.name, self.value, self.shape = name, value, value.shape

    def assign(self, value: np.ndarray) -> None:
        self.value = value


class Model:
    def __init__(self, *variables: Variable) -> None:
        self.trainable_variables = variables


def test_named_tells_weights_of_one_name_apart() -> None:
    first, second = Variable("kernel", WEIGHTS), Variable("kernel", WEIGHTS)
    assert named("generator", Model(first, second)) == {"generator/0.kernel": first, "generator/1.kernel": second}


def test_assign_restores_by_name() -> None:
    kernel, bias = Variable("kernel", np.zeros((2, 3))), Variable("bias", np.zeros(3))
    checkpoint = Checkpoint(1, {"b": np.ones(3), "k": WEIGHTS, "more": np.ones(1)}, {}, Path("x.npz"))
    assign(checkpoint, {"k": kernel, "b": bias})
    assert kernel.value.tolist() == WEIGHTS.tolist()
    assert bias.value.tolist() == [1.0, 1.0, 1.0]


@pytest.mark.parametrize(
    ("bias", "message"), [(None, "b is missing"), (np.ones(4), r"b is of shape \(4,\), where .* need \(3,\)")]
)
def test_assign_refuses_what_does_not_fit_before_it_changes_anything(bias: np.ndarray | None, message: str) -> None:
    kernel, variable = Variable("kernel", np.zeros((2, 3))), Variable("bias", np.zeros(3))
    held = {"k": WEIGHTS} if bias is None else {"k": WEIGHTS, "b": bias}
    with pytest.raises(SeqganError, match=rf"x\.npz: {message}"):
        assign(Checkpoint(1, held, {}, Path("x.npz")), {"k": kernel, "b": variable})
    assert not kernel.value.any()
