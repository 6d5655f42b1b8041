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
import threading
from collections.abc import Iterator
from typing import Any

from seqgan_cli import signals
from seqgan_cli.training.distribution.placement import Placement

GREETINGS = re.compile(
    rb"^[IW]0000 |^WARNING: All log messages before absl|^To enable the following instructions|"
    rb"oneDNN custom operations|oneDNN supports |cuda drivers|cuInit|cudart_stub|cpu_feature_guard"
)
_greeted = threading.Event()  # it greets once, and forking a large process takes a third of a second


@contextlib.contextmanager
def _without_greetings() -> Iterator[None]:
    if not hasattr(os, "fork") or _greeted.is_set():
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
    _greeted.set()


# Of several processes: how long the first waits for the last, and how long one may say nothing before it counts as gone.
REGISTER_SECONDS, HEARTBEAT_SECONDS, SHUTDOWN_SECONDS = 300, 10, 30


def start_tensorflow(threads: int = 0, verbose: bool = False, place: Placement | None = None) -> Any:
    """Import TensorFlow and settle its threads (0: as many as it likes). Call before any module that imports it.

    Returns the `tf.distribute` strategy that `place` asks for, whose scope is for the caller to enter; for one device it is
    TensorFlow's default. Several processes wait here for each other.
    """
    place = place or Placement()
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
        if place.devices:
            processor = tf.config.list_physical_devices("CPU")[0]
            logical = [tf.config.LogicalDeviceConfiguration()] * place.devices
            with contextlib.suppress(RuntimeError):
                tf.config.set_logical_device_configuration(processor, logical)
        strategy = _several_processes(tf, place) if place.workers else None  # before anything else runs
        tf.transpose(tf.zeros([2, 2], tf.int32))  # the first operation starts the runtime and oneDNN, which greet too
        if place.kind == "mirrored":
            strategy = several_devices(place.devices)
        return strategy or tf.distribute.get_strategy()


def several_devices(number: int) -> Any:
    """So many devices made of the processor, or where it is 0 the devices there are, as one `tf.distribute` strategy."""
    import tensorflow as tf

    if not number:
        return tf.distribute.MirroredStrategy()
    made = [device.name for device in tf.config.list_logical_devices("CPU")][:number]
    # They share a memory, where a sum is a sum; the collectives that the strategy would choose know one group a process.
    return tf.distribute.MirroredStrategy(made, tf.distribute.ReductionToOneDevice())


def _several_processes(tf: Any, place: Placement) -> Any:
    """Join the others. Raises OpError if they do not come."""
    from tensorflow.python.distribute.collective_all_reduce_strategy import coordination_config_pb2
    from tensorflow.python.eager import context

    # What the strategy would configure by itself, but for its patience: without a bound it waits for ever.
    context.context().configure_coordination_service(
        service_type="standalone",
        service_leader="/job:worker/replica:0/task:0",
        cluster_register_timeout_in_ms=1000 * REGISTER_SECONDS,
        heartbeat_timeout_in_ms=1000 * HEARTBEAT_SECONDS,
        shutdown_barrier_timeout_in_ms=1000 * SHUTDOWN_SECONDS,
        coordinated_jobs=[coordination_config_pb2.CoordinatedJob(name="worker", num_tasks=len(place.workers))],
    )
    cluster = tf.train.ClusterSpec({"worker": list(place.workers)})
    resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(
        cluster, task_type="worker", task_id=place.index, rpc_layer="grpc"
    )
    with signals.default_sigint():  # it waits where Python hears nothing
        return tf.distribute.MultiWorkerMirroredStrategy(resolver)
