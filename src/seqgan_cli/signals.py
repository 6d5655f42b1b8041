"""What stops the program from outside: a signal becomes KeyboardInterrupt, and is known again where a library hid it."""

import contextlib
import signal
from collections.abc import Iterator
from typing import Any, NoReturn

from seqgan_cli.errors import SeqganError

NAMES = ("SIGINT", "SIGTERM", "SIGHUP")  # Ctrl-C, a scheduler, a closed terminal; Windows has no SIGHUP
_received: list[int] = []


class Stopped(KeyboardInterrupt):
    """One of these signals came. `number`: which."""

    def __init__(self, number: int = signal.SIGINT) -> None:
        super().__init__(number)
        self.number = number


def listen() -> None:
    """From here on these signals raise Stopped, but for those that are ignored (nohup, a shell's background)."""
    _received.clear()
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
    raise Stopped(number)


@contextlib.contextmanager
def reraise_signals() -> Iterator[None]:
    """Raises Stopped where a signal came and a library made another error of it, as TensorFlow does while it traces."""
    try:
        yield
    except Exception as error:
        if _received and not isinstance(error, SeqganError):
            raise Stopped(_received[0]) from error
        raise
