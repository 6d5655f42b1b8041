"""What stops the program from outside: a signal becomes KeyboardInterrupt, and is known again where a library hid it."""

import contextlib
import os
import signal
import socket
from collections.abc import Iterator
from typing import Any, NoReturn

from seqgan_cli.errors import SeqganError

NAMES = ("SIGINT", "SIGTERM", "SIGHUP")  # Ctrl-C, a scheduler, a closed terminal; Windows has no SIGHUP
_received: list[int] = []
_wakeup: list[socket.socket] = []  # the two ends of what Python writes a signal's number into as soon as it comes


class Stopped(KeyboardInterrupt):
    """One of these signals came. `number`: which."""

    def __init__(self, number: int = signal.SIGINT) -> None:
        super().__init__(number)
        self.number = number


def listen() -> None:
    """From here on these signals raise Stopped, but for those that are ignored (nohup, a shell's background)."""
    _received.clear()
    if not _wakeup:
        _wakeup.extend(socket.socketpair())
        for end in _wakeup:
            end.setblocking(False)
    signal.set_wakeup_fd(_wakeup[1].fileno(), warn_on_full_buffer=False)
    for name in NAMES:
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _stop)


@contextlib.contextmanager
def default_sigint() -> Iterator[None]:
    """Here Ctrl-C ends the process at once: for what waits where Python hears no signal, before anything is written.

    After it the program listens again, also to a signal that a library has taken for itself, as TensorFlow does to SIGTERM.
    """
    before = signal.getsignal(signal.SIGINT)
    if before is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        if before is not signal.SIG_IGN:
            signal.signal(signal.SIGINT, before)
            listen()


def _stop(number: int, *_: Any) -> NoReturn:
    _received.append(number)
    with contextlib.suppress(BlockingIOError):
        while _wakeup and _wakeup[0].recv(4096):
            pass
    raise Stopped(number)


def pending() -> bool:
    """Whether one of these signals came and the main thread, at work in a library, has not yet raised Stopped for it.

    For whoever waits in another thread meanwhile. Any thread may ask.
    """
    try:
        came = _wakeup[0].recv(4096, socket.MSG_PEEK) if _wakeup else b""
    except BlockingIOError:
        return False
    return any(signal.getsignal(number) is _stop for number in set(came))


def _forget() -> None:
    """In a forked process: what comes to it is not to look as if it had come to its parent."""
    if _wakeup:
        signal.set_wakeup_fd(-1)
        for end in _wakeup:
            end.close()
        _wakeup.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


@contextlib.contextmanager
def reraise_signals() -> Iterator[None]:
    """Raises Stopped where a signal came and a library made another error of it, as TensorFlow does while it traces."""
    try:
        yield
    except Exception as error:
        if _received and not isinstance(error, SeqganError):
            raise Stopped(_received[0]) from error
        raise
