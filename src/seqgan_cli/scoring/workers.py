"""Texts scored by processes that are started once and fed in chunks."""

import contextlib
import math
import os
import selectors
import subprocess
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from seqgan_cli import signals
from seqgan_cli.scoring.errors import ScoringError, Wrong, sentence
from seqgan_cli.scoring.process import Process, kill
from seqgan_cli.scoring.protocols import Protocol

TICK = 0.2  # seconds between looks at signals and at processes that are gone
CHUNK = 0.5  # seconds of work
GRACE = 2.0  # seconds from the end of their stdin until processes are killed


class Workers:
    """What `jobs` processes of one command say of texts. They start at the first texts, and anew after `close` or an error.

    Any thread may ask, one at a time does. Processes are to end when their stdin does, so that none outlives this one.

    Args:
        command: the program and its arguments.
        jobs: number of processes.
        timeout: seconds that a process may take to its next answer.
        protocol: what they speak.
        name: of the scorer, for errors.
        clock: seconds that only increase.
    """

    def __init__(
        self,
        command: Sequence[str],
        jobs: int,
        timeout: float,
        protocol: Protocol,
        name: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.command, self.jobs, self.timeout, self.protocol, self.name = command, jobs, timeout, protocol, name
        self._clock = clock
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._started: list[subprocess.Popen] = []
        self._processes: list[Process] = []
        self._selector: selectors.BaseSelector | None = None
        self._starter: ThreadPoolExecutor | None = None
        weakref.finalize(self, _kill_all, self._started, os.getpid())  # at the end of the program at the latest

    def ask(self, texts: Sequence[str]) -> list[float]:
        """A number for each text, in their order.

        Raises ScoringError for what is wrong with a process, Stopped if a signal came; then all processes are ended.
        """
        with self._lock:
            try:
                if texts and not self._processes:
                    self._start()
                return self._scores(texts)
            except BaseException:
                self._end()
                raise

    def close(self) -> None:
        """End the processes. Whoever asks meanwhile gets a ScoringError."""
        self._closing.set()
        with self._lock:
            self._closing.clear()
            try:
                for popen in self._started:
                    assert popen.stdin
                    popen.stdin.close()
                deadline = time.monotonic() + GRACE
                for popen in self._started:
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        popen.wait(max(0.0, deadline - time.monotonic()))
            finally:
                self._end()

    def _start(self) -> None:
        if os.name == "nt":
            raise ScoringError(f"{self.name}: scorers in processes of their own need Linux or macOS.")
        self._selector = selectors.DefaultSelector()
        # Linux ends our own scorers with the thread that started them, so that is one that lasts as long as they do.
        self._starter = ThreadPoolExecutor(1)
        for _ in range(self.jobs):
            self._processes.append(Process(self._starter.submit(self._launch).result(), self.protocol, self._selector))

    def _launch(self) -> subprocess.Popen:
        try:
            popen = subprocess.Popen(
                self.command, bufsize=0, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
            )
        except OSError as error:
            raise ScoringError(f"{self.name} cannot be started: {error.strerror or error}.") from error
        self._started.append(popen)
        return popen

    def _end(self) -> None:
        self._processes.clear()
        if self._starter:
            self._starter.shutdown()
        _kill_all(self._started, os.getpid())
        if self._selector:
            self._selector.close()
        self._selector = self._starter = None

    def _scores(self, texts: Sequence[str]) -> list[float]:
        scores, sent, done = [0.0] * len(texts), 0, 0
        while done < len(texts) or any(self._clock() < process.quiet_until for process in self._processes):
            for process in self._processes:
                if sent < len(texts) and process.is_free(self._clock()):
                    size = process.chunk_size(math.ceil((len(texts) - sent) / (2 * self.jobs)), min(CHUNK, self.timeout / 4))
                    with self._blaming(process):
                        process.send(sent, texts[sent : sent + size], self._clock())
                    sent += size
            self._wait()
            for process in self._processes:
                if answered := process.complete(self._clock()):
                    position, answers = answered
                    scores[position : position + len(answers)] = answers
                    done += len(answers)
        for process in self._processes:
            with self._blaming(process):
                process.check(self._clock())
        return scores

    def _wait(self) -> None:
        """Until a process answers or reads, and no longer than a tick. Raises what ends the asking."""
        assert self._selector
        quiet = [process.quiet_until - self._clock() for process in self._processes]
        ready = self._selector.select(min([TICK, *(seconds for seconds in quiet if seconds > 0)]))
        if signals.pending():
            raise signals.Stopped
        if self._closing.is_set():
            raise ScoringError(f"{self.name} was ended while it was asked.")
        for key, _ in ready:
            process: Process = key.data
            with self._blaming(process):
                if key.fd == process.stdin:
                    process.write()
                else:
                    process.read(self._clock())
        for process in self._processes:
            with self._blaming(process):
                process.look(self._clock(), self.timeout)

    @contextlib.contextmanager
    def _blaming(self, process: Process) -> Iterator[None]:
        try:
            yield
        except Wrong as wrong:
            raise sentence(self.name, wrong.what, process.concerned(wrong)) from None


def _kill_all(started: list[subprocess.Popen], owner: int) -> None:
    """End processes, if they are this one's and not those of the one that it was forked from."""
    if os.getpid() == owner:
        while started:
            kill(started.pop())
