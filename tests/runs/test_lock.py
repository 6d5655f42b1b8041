"""The lock on a directory: one writer at a time, and whose it is."""

import contextlib
import errno
import os
import platform
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from seqgan_cli.config.resolution import resolve
from seqgan_cli.errors import SeqganError
from seqgan_cli.runs.generators import generator_checkpoint
from seqgan_cli.runs.run import Run
from store_parts import arrays, names, never, row, with_corpus

HOLDER = """
import sys
from pathlib import Path
from seqgan_cli.runs.run import Run
with Run(Path(sys.argv[1])).lock():
    print("held", flush=True)
    sys.stdin.read()
"""


@contextlib.contextmanager
def another_process_holding(run: Run, program: str = HOLDER) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", program, str(run.path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "held\n"
            yield process
        finally:
            process.kill()


def test_the_lock_refuses_a_second_trainer_but_no_reader_and_dies_with_its_holder(tmp_path: Path) -> None:
    run = with_corpus(tmp_path)
    config = resolve({}, {}, None, "quick")
    run.write_config(config, "quick")
    run.checkpoints("pretrain-g").save(1, arrays(1), {}, best=True)
    run.history.append([row("pretrain-g", 1)])
    with another_process_holding(run) as holder:
        with (
            pytest.raises(SeqganError, match=rf"training in .* \(process {holder.pid} on {platform.node()}\): wait for it"),
            run.lock(),
        ):
            pytest.fail("two processes hold the lock")
        reader = Run(tmp_path)
        assert reader.config() == config
        assert generator_checkpoint(reader, "latest", never).position == 1
        assert reader.history.rows() == [row("pretrain-g", 1)]
        holder.send_signal(signal.SIGKILL)
        assert holder.wait(timeout=280) == -signal.SIGKILL
        with run.lock():
            entered = True
    assert entered


def test_the_lock_is_free_after_its_block_even_if_that_failed(tmp_path: Path) -> None:
    run = Run(tmp_path / "new" / "run")
    with pytest.raises(KeyboardInterrupt), run.lock():
        raise KeyboardInterrupt
    with another_process_holding(run) as holder:
        assert holder.poll() is None


def test_the_lock_in_one_process_is_held_once(tmp_path: Path) -> None:
    with Run(tmp_path).lock(), pytest.raises(SeqganError, match="Another seqgan is training"), Run(tmp_path).lock():
        pytest.fail("held twice")


def no_flock(*_: Any) -> None:
    raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))


def test_where_the_system_knows_no_locks_a_file_stands_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fcntl.flock", no_flock)
    with Run(tmp_path).lock():
        assert (tmp_path / ".softlock").exists()
        with pytest.raises(SeqganError, match=rf"\(process {os.getpid()} on "), Run(tmp_path).lock():
            pytest.fail("held twice")
        assert Run(tmp_path).busy
    assert not Run(tmp_path).busy
    assert names(tmp_path) == [".lock"]


def test_there_the_file_of_a_dead_process_is_taken_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without = f"import fcntl\ndef no(*_): raise OSError({errno.ENOLCK}, 'x')\nfcntl.flock = no\n"
    program = without + HOLDER
    with another_process_holding(Run(tmp_path), program) as holder:
        holder.kill()
        holder.wait()
        assert (tmp_path / ".softlock").exists()
        monkeypatch.setattr("fcntl.flock", no_flock)
        with Run(tmp_path).lock():
            assert (tmp_path / ".holder").read_text(encoding="utf-8").startswith(f"{os.getpid()}\n")


def test_a_lock_that_cannot_be_made_is_an_error_of_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: Any) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr("fcntl.flock", denied)
    with pytest.raises(OSError, match="Input/output error"), Run(tmp_path).lock():
        pytest.fail("held")


@pytest.mark.parametrize("content", ["", "12", "x\ny\n", "\0" * 500, "12\nhost\n"])
def test_a_holder_nobody_can_read_costs_the_message_its_name_only(tmp_path: Path, content: str) -> None:
    with Run(tmp_path).lock():
        (tmp_path / ".holder").write_text(content, encoding="utf-8")
        told = r" \(process 12 on host\)" if content == "12\nhost\n" else ""
        with pytest.raises(SeqganError, match=rf"training in [^(]*{told}: wait"), Run(tmp_path).lock():
            pytest.fail("held twice")
