"""Steps as Python runs them and not as TensorFlow compiles them: where a training makes few, half of the time."""

import contextlib
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
