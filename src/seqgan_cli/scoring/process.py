"""A process that scores texts: its pipes, and the texts that it owes an answer to."""

import contextlib
import os
import selectors
import signal
import subprocess
from collections.abc import Sequence

from seqgan_cli.scoring.errors import Wrong
from seqgan_cli.scoring.protocols import Protocol

PIPE = 1 << 16  # bytes read or written at a time
MOST, GROWTH = 256, 4  # texts of a chunk, and how many times as many as the last had
LAST_BREATH = 1.0  # seconds from the end of its output to its exit code


class Process:
    """One of the processes of a scorer. Nothing here waits, but `ending` for an exit code.

    Args:
        popen: the process, which leads a group of its own, with unbuffered pipes at stdin and stdout.
        protocol: what it speaks.
        selector: told what to wait for; its data is this object.
    """

    def __init__(self, popen: subprocess.Popen, protocol: Protocol, selector: selectors.BaseSelector) -> None:
        assert popen.stdin and popen.stdout
        self.popen, self.protocol, self.selector = popen, protocol, selector
        self.stdin, self.stdout = popen.stdin.fileno(), popen.stdout.fileno()
        for pipe in (self.stdin, self.stdout):
            os.set_blocking(pipe, False)
        selector.register(self.stdout, selectors.EVENT_READ, self)
        self._outgoing = memoryview(b"")
        self._incoming = bytearray()
        self._ended = False  # its output has
        self._position = 0  # of the chunk's first text
        self._texts: Sequence[str] = ()  # the chunk
        self._scores: list[float] = []  # of the chunk's first texts
        self._last: Sequence[str] = ()  # the chunk before
        self._pace = 0.0  # seconds that a text of it took
        self._sent = 0.0  # when the chunk was
        self.since = 0.0  # when the chunk was sent, or its last answer came
        self.quiet_until = 0.0  # nothing may come before this, nor be sent

    @property
    def due(self) -> Sequence[str]:
        """Texts without an answer."""
        return self._texts[len(self._scores) :]

    def concerned(self, wrong: Wrong) -> Sequence[str]:
        """The texts that a fault may be at: of those that are due, or else the last that was answered."""
        return self.due[wrong.start : wrong.stop] if self.due else (self._texts or self._last)[-1:]

    def is_free(self, now: float) -> bool:
        """Whether it can be sent a chunk."""
        return not self._texts and now >= self.quiet_until

    def chunk_size(self, share: int, seconds: float) -> int:
        """Texts that it should be sent: at most `share`, for so many seconds at its pace; the first time one."""
        if not self._last:
            return 1
        return max(1, min(MOST, share, GROWTH * len(self._last), int(seconds / max(self._pace, 1e-9))))

    def send(self, position: int, texts: Sequence[str], now: float) -> None:
        """Give it a chunk. Raises Wrong if it has said something unasked, or is gone."""
        self.check(now)
        self._position, self._texts, self._scores = position, texts, []
        if self._ended:
            raise self.ending()
        self.since = self._sent = now
        self._outgoing = memoryview(self.protocol.encode(texts))
        self.selector.register(self.stdin, selectors.EVENT_WRITE, self)
        self.write()

    def check(self, now: float) -> None:
        """Raises Wrong if it owes nothing and has said something."""
        if not self._texts and not self._ended:
            self.read(now)

    def write(self) -> None:
        """Write as much of the chunk as the pipe takes."""
        try:
            self._outgoing = self._outgoing[os.write(self.stdin, self._outgoing[:PIPE]) :]
        except BlockingIOError:
            return
        except BrokenPipeError:  # whether it answers all the same, or how it ended, is read next
            self._outgoing = memoryview(b"")
        if not self._outgoing:
            self.selector.unregister(self.stdin)

    def read(self, now: float) -> None:
        """Take what answers there are. Raises Wrong for what is none, for one too many, and if it ended and owes some."""
        try:
            part = os.read(self.stdout, PIPE)
        except BlockingIOError:
            return
        if not part:
            self._ended = True
            self.selector.unregister(self.stdout)
        self._incoming += part
        if self.due and (scores := self.protocol.take(self._incoming, len(self.due))):
            self._scores += scores
            self.since = now
        if self._incoming and not self.due:
            self.protocol.take(self._incoming, 0)  # may be an error
            raise Wrong("it answered a line more than it was asked for")
        if self._ended and self.due:
            raise self.ending()

    def look(self, now: float, timeout: float) -> None:
        """Raises Wrong if it owes answers and is gone, or has been silent for `timeout` seconds."""
        if self.due and self.popen.poll() is not None:  # what it started may hold its stdout open
            self.read(now)
            if self.due:
                raise self.ending()
        if self.due and now - self.since > timeout:
            hint = self.protocol.hint
            raise self._wrong(f"no answer for {timeout:g} seconds ({hint})")

    def complete(self, now: float) -> tuple[int, list[float]] | None:
        """The position of its chunk and the scores, once all are there; it is free then."""
        if not self._texts or self.due:
            return None
        if not self._last:
            self.quiet_until = now + self.protocol.settle
        self._pace = (now - self._sent) / len(self._texts)
        self._last, self._texts = self._texts, ()
        return self._position, self._scores

    def ending(self) -> Wrong:
        """How it ended."""
        try:
            code = self.popen.wait(LAST_BREATH)
        except subprocess.TimeoutExpired:
            return self._wrong("it closed its stdout")
        if code == 127:
            return self._wrong("command not found (exit code 127)")
        with contextlib.suppress(ValueError):
            if code < 0:
                return self._wrong(f"it was ended by {signal.Signals(-code).name}")
            if code > 128:  # what a shell makes of it
                return self._wrong(f"it ended with exit code {code} ({signal.Signals(code - 128).name})")
        return self._wrong(f"it ended with exit code {code}")

    def _wrong(self, what: str) -> Wrong:
        return Wrong(what, 0, 1 if self.protocol.one_by_one else len(self.due))


def kill(popen: subprocess.Popen) -> None:
    """End a process that leads a group, and that group."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(popen.pid, signal.SIGKILL)
    popen.wait()
    for pipe in (popen.stdin, popen.stdout):
        assert pipe
        pipe.close()
