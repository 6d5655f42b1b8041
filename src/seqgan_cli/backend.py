"""Starts TensorFlow: once, quietly, with the number of threads asked for.

TensorFlow writes greetings to file descriptor 2 from C++ while it is imported, whatever its log level. A forked child reads
them through a pipe and passes on every line that is not one of those, so a crash inside TensorFlow still tells its reason:
the child outlives its parent by the few lines left in the pipe.
"""

import contextlib
import os
import re
import signal
import sys
from collections.abc import Iterator

GREETINGS = re.compile(
    rb"^[IW]0000 |^WARNING: All log messages before absl|^To enable the following instructions|"
    rb"oneDNN custom operations|oneDNN supports |cuda drivers|cuInit|cudart_stub|cpu_feature_guard"
)


@contextlib.contextmanager
def _without_greetings() -> Iterator[None]:
    if not hasattr(os, "fork"):
        yield
        return
    sys.stderr.flush()
    sys.stdout.flush()
    stderr = os.dup(2)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.close(writing)
        with contextlib.suppress(OSError), os.fdopen(reading, "rb", buffering=0) as lines:
            for line in lines:
                if not GREETINGS.search(line):
                    os.write(stderr, line)
        os._exit(0)
    os.close(reading)
    os.dup2(writing, 2)
    os.close(writing)
    try:
        yield
    finally:
        sys.stderr.flush()
        os.dup2(stderr, 2)
        os.close(stderr)
        os.waitpid(child, 0)


def start_tensorflow(threads: int = 0, verbose: bool = False) -> None:
    """Import TensorFlow and settle its threads (0: as many as it likes). Call before any module that imports it."""
    with contextlib.nullcontext() if verbose else _without_greetings():
        os.environ["KERAS_BACKEND"] = "tensorflow"
        if not verbose:
            os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # errors alone
        import tensorflow as tf

        if not verbose:
            tf.get_logger().setLevel("ERROR")
        if threads:
            with contextlib.suppress(RuntimeError):  # already running: only a test's process starts it twice
                tf.config.threading.set_intra_op_parallelism_threads(threads)
                tf.config.threading.set_inter_op_parallelism_threads(threads)
        tf.transpose(tf.zeros([2, 2], tf.int32))  # the first operation starts the runtime and oneDNN, which greet too
