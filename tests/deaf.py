"""A main thread that waits where Python hears no signal, as in TensorFlow: its handlers run when it is back."""

import signal
import sys
import threading
import time
from collections.abc import Callable

HELD = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1}


def _wait(lock: threading.Lock) -> None:
    lock.acquire()


def _waits(thread: int) -> bool:
    frame = sys._current_frames()[thread]
    return frame.f_code is _wait.__code__ and frame.f_lineno == _wait.__code__.co_firstlineno + 1  # past its eval breaker


def while_deaf(work: Callable[[], object]) -> None:
    """Have another thread work while this one, the main thread, hears nothing. A signal that came is raised after that."""
    lock, main = threading.Lock(), threading.get_ident()
    lock.acquire()

    def run() -> None:
        while not _waits(main):
            time.sleep(0.001)
        try:
            work()
        finally:
            lock.release()

    threading.Thread(target=run).start()
    signal.pthread_sigmask(signal.SIG_BLOCK, HELD)  # another thread gets what comes
    _wait(lock)
