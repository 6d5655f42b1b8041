"""The command line in this process, and what it launches in processes forked from one that has imported TensorFlow.

What a user starts takes seconds to import it, every time; these are for tests that are not about starting. The server that
forks has done nothing else, so its children are as new.
"""

import contextlib
import multiprocessing
import os
import signal
import subprocess
import tempfile
import types
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from eager import skip_graph_optimization, skip_waiting_for_discs

SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(["__main__", "tensorflow", "seqgan_cli.algorithms.adversarial", "scipy.stats"])


def _main(arguments: list[str], out: str, err: str, environment: dict[str, str], eagerly: bool) -> None:
    os.setsid()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.environ.clear()
    os.environ.update(environment)
    for stream, path in ((1, out), (2, err)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_APPEND), stream)
    import tensorflow as tf

    from seqgan_cli.cli import main

    tf.config.run_functions_eagerly(eagerly)
    skip_graph_optimization()
    skip_waiting_for_discs()
    main(arguments)


class Forked:
    """What is asked of `subprocess.Popen`: `python -m seqgan_cli …`, whose output goes to a file, or to pipes.

    Its steps are compiled where those of this process are.
    """

    def __init__(self, command: Sequence[Any], *, stdout: Any, env: Mapping[str, str], **_: Any) -> None:
        assert list(command[1:3]) == ["-m", "seqgan_cli"]
        if stdout == subprocess.PIPE:
            self._folder = tempfile.TemporaryDirectory()
            self._files = [Path(self._folder.name) / name for name in ("out", "err")]
            for path in self._files:
                path.touch()
        else:
            self._files = [Path(stdout.name)] * 2
        import tensorflow as tf

        asked = ([*map(str, command[3:])], *map(str, self._files), dict(env), tf.config.functions_run_eagerly())
        self._process = SERVER.Process(target=_main, args=asked)
        self._process.start()
        self.pid = self._process.pid

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int | None:
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired("seqgan", timeout or 0.0)
        return self._process.exitcode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        self.wait(timeout)
        out, err = (path.read_text(encoding="utf-8") for path in self._files)
        return out, err

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            assert self.pid
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self._process.terminate()

    def kill(self) -> None:
        self._process.kill()


@contextlib.contextmanager
def launched() -> Any:
    """Tasks that are launched meanwhile are forked."""
    from seqgan_cli.studies import tasks

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(tasks, "subprocess", types.SimpleNamespace(Popen=Forked, DEVNULL=subprocess.DEVNULL))
        yield


def run(folder: Path, *arguments: Any) -> subprocess.CompletedProcess:
    """Call the command line in this process, with the tasks that it launches forked; what it printed, as of a process.

    For what outlives a test, where `seqgan` does not reach; `folder` is for files on the way.
    """
    from seqgan_cli.cli import main

    asked, code = [str(argument) for argument in arguments], 0
    paths = [folder / "stdout", folder / "stderr"]
    with contextlib.ExitStack() as stack, launched():
        patched = stack.enter_context(pytest.MonkeyPatch.context())
        for name in ("SEQGAN_RUN", "SEQGAN_PRESET"):
            patched.delenv(name, raising=False)
        out, err = (stack.enter_context(path.open("w", encoding="utf-8")) for path in paths)
        stack.enter_context(contextlib.redirect_stdout(out))
        stack.enter_context(contextlib.redirect_stderr(err))
        try:
            main(asked)
        except SystemExit as ended:
            code = int(ended.code or 0)
    return subprocess.CompletedProcess(asked, code, *(path.read_text(encoding="utf-8") for path in paths))
