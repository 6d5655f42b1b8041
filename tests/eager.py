"""Steps as Python runs them and not as TensorFlow compiles them: where a training makes few, half of the time.

And what TensorFlow does for steps that run often and for readers of long tracebacks, left out.
"""

import contextlib
import os
from collections.abc import Iterator

from sampled import WHOLE


@contextlib.contextmanager
def eager() -> Iterator[None]:
    """What is called meanwhile runs its steps one operation after the other; in the soak compiled, as everywhere else."""
    import tensorflow as tf

    before = tf.config.functions_run_eagerly()
    tf.config.run_functions_eagerly(before or not WHOLE)
    try:
        yield
    finally:  # a command ends with SystemExit
        tf.config.run_functions_eagerly(before)


def skip_graph_optimization() -> None:
    """Graphs, most of which run once here, are run as traced, and tracebacks left long; in the soak all is as everywhere."""
    if WHOLE:
        return
    import keras
    import tensorflow as tf

    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    tf.debugging.disable_traceback_filtering()
    keras.config.disable_traceback_filtering()


def skip_waiting_for_discs() -> None:
    """What is written is not waited for until it is on the disc: nobody pulls the plug. In the soak it is."""
    if not WHOLE:
        os.fsync = lambda descriptor: None
