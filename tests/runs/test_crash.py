"""A process that dies or meets a full disk at any of its touches leaves the last checkpoint whole, and the next goes on.

Every touch in turn in the soak, and one in six in `make test`: opening, each write, fsync, link, replace, unlink.
"""

import errno
import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faults import At, fail_with, touching
from seqgan_cli.config.resolution import resolve
from seqgan_cli.runs.run import Run
from store_parts import arrays, names, never, row, with_corpus

UNITS = 4
BEST = (2, 4)


def touches(every: bool) -> Iterator[int]:
    """The numbers of the touches to fail at: all, or in drawn steps of 1 to 11."""
    draw, number = random.Random(0), 1
    while True:
        yield number
        number += 1 if every else draw.randint(1, 11)


def unit(run: Run, position: int) -> None:
    """What a stage writes after a unit, in its order."""
    run.history.append([row("pretrain-g", position)])
    run.keep_examples("pretrain-g", position, [f"sample {position}"])
    run.checkpoints("pretrain-g").save(position, arrays(position), {"best": position}, best=position in BEST)


def go_on(run: Run, units: int = UNITS) -> None:
    """What a stage does, from wherever it was. Watched by nobody it still syncs nothing, which would take minutes."""
    with touching(lambda what: None), run.lock():
        found = run.checkpoints("pretrain-g").latest(never)
        position = found.position if found else 0
        run.go_back("pretrain-g", position)
        for later in range(position + 1, units + 1):
            unit(run, later)


def begun(folder: Path) -> Run:
    run = with_corpus(folder)
    run.write_config(resolve({}, {}, None, "quick"), "quick")
    return run


def state(run: Run) -> dict[str, Any]:
    """All that training left, but for the lock."""
    files = [path for path in run.path.rglob("*") if path.is_file() and path.name != ".lock"]
    content = {path.relative_to(run.path).as_posix(): path for path in files}
    return {
        name: path.read_bytes() if path.suffix != ".npz" else {key: value.tolist() for key, value in np.load(path).items()}
        for name, path in content.items()
    }


def check_usable(run: Run, before: int) -> None:
    """The last good checkpoint is there without a warning; at most the unit at work is lost."""
    found = run.checkpoints("pretrain-g").latest(never)
    position = found.position if found else 0
    assert position in (before, before + 1)
    best = run.checkpoints("pretrain-g").best()
    assert (best.position if best else 0) <= position + 1
    assert {each.position for each in run.history.rows()} >= set(range(1, position + 1))


KILLED_AT_EVERY_TOUCH = """
import json, os, shutil, signal, sys
from pathlib import Path
sys.path[:0] = json.loads(sys.argv[2])
import numpy as np
from faults import At, touching
from test_crash import UNITS, begun, check_usable, go_on, state, touches

folder, last = Path(sys.argv[1]), 0
whole = begun(folder / "whole")
go_on(whole, UNITS + 1)
expected = state(whole)
for number in touches(every=bool(json.loads(sys.argv[3]))):
    run = begun(folder / f"run{number}")
    child = os.fork()
    if child == 0:
        with touching(At(number, lambda what: os.kill(os.getpid(), signal.SIGKILL))):
            go_on(run)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    if status == 0:
        break
    assert os.WTERMSIG(status) == signal.SIGKILL
    last = number
    position = max(run.checkpoints("pretrain-g").positions(), default=0)
    check_usable(run, position)
    go_on(run, UNITS + 1)
    assert state(run) == expected, number
    shutil.rmtree(run.path)
print(last)
"""


@pytest.mark.whole
def test_killed_at_every_touch_the_next_ends_identical(tmp_path: Path, whole_suite: bool) -> None:
    paths = json.dumps([str(Path(__file__).parent), str(Path(__file__).parents[1])])
    command = [sys.executable, "-c", KILLED_AT_EVERY_TOUCH, str(tmp_path), paths, json.dumps(whole_suite)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 100


@pytest.mark.sampled(1)
@pytest.mark.parametrize(("code", "onwards"), [(errno.ENOSPC, True), (errno.EDQUOT, False)])
def test_a_full_or_failing_disk_at_every_touch_costs_the_unit_at_work_only(
    tmp_path: Path, code: int, onwards: bool, whole_suite: bool
) -> None:
    whole = begun(tmp_path / "whole")
    go_on(whole, UNITS + 1)
    expected = state(whole)
    for number in touches(whole_suite):
        run = begun(tmp_path / f"run{number}")
        fault = At(number, fail_with(code), onwards)
        try:
            with touching(fault):
                go_on(run)
        except OSError as error:
            assert error.errno == code
        if fault.count < number:
            break
        run = Run(run.path)
        check_usable(run, max(run.checkpoints("pretrain-g").positions(), default=0))
        go_on(run, UNITS + 1)  # one more: what could not be removed goes with the next
        assert state(run) == expected, number
        shutil.rmtree(run.path)
    assert number > 100


def test_a_small_file_system_that_fills_up(tmp_path: Path) -> None:
    """A real one, where this user may mount it."""
    place = tmp_path / "small"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=160k", "tmpfs", str(place)]
    if not shutil.which("mount") or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no right to mount")
    try:
        run = begun(place / "run")
        with pytest.raises(OSError) as refusal:
            for position in range(1, 200):
                run.history.append([row("pretrain-g", position)] * 20)
                run.checkpoints("pretrain-g").save(position, arrays(position), {}, best=position in BEST)
        assert refusal.value.errno == errno.ENOSPC
        assert str(run.path) in str(refusal.value)
        found = Run(run.path).checkpoints("pretrain-g").latest(never)
        assert found is not None
        assert found.position >= position - 1
        assert not list(run.path.rglob(".writing-*"))
    finally:
        subprocess.run(["umount", str(place)], check=True)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="the root user writes anywhere")
def test_a_folder_without_permission_is_an_error_of_it(tmp_path: Path) -> None:
    run = begun(tmp_path / "run")
    go_on(run)
    (run.path / "checkpoints" / "pretrain-g").chmod(0o500)
    with pytest.raises(PermissionError) as refusal:
        unit(run, UNITS + 1)
    assert str(run.path) in str(refusal.value)


def test_a_folder_that_vanishes_is_an_error_that_names_it(tmp_path: Path) -> None:
    run = begun(tmp_path / "run")
    unit(run, 1)
    run.path.rename(tmp_path / "gone")
    with pytest.raises(OSError) as refusal:
        run.history.append([row("pretrain-g", 2)])
    assert refusal.value.filename
    assert names(tmp_path) == ["gone"]
