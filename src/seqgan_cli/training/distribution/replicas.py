"""Several devices that do one step together: each has rows of the global batch and draws of its own, and sums are everybody's.

With one device, and wherever `tf.distribute` is not at work, there is one replica, and every function gives back what it was
given: training is written once for any number.
"""

from collections.abc import Callable
from typing import Any

from seqgan_cli.lazy import tf

# On the host.


def replicated(step: Callable[..., Any], *args: Any) -> Any:
    """Call the step in every replica with the same arguments, and give what one of them returned: they must agree.

    Inside compiled code; the step itself may only call compiled code in which no replica waits for another.
    """
    strategy = tf.distribute.get_strategy()
    return tf.nest.map_structure(lambda each: strategy.experimental_local_results(each)[0], strategy.run(step, args))


def number() -> int:
    """How many replicas there are."""
    return int(tf.distribute.get_strategy().num_replicas_in_sync)


# In a replica.


def _context() -> Any:
    context = tf.distribute.get_replica_context()
    assert context is not None, "only a step that `together` calls has rows of its own"
    return context


def shard_count(count: Any) -> Any:
    """How many of so many rows are this replica's."""
    if number() == 1:
        return count
    first, last = _bounds(count)
    return last - first


def shard(batch: Any) -> Any:
    """This replica's of the rows of a global batch `[B, …]`, as equal shares as can be."""
    if number() == 1:
        return batch
    first, last = _bounds(tf.shape(batch)[0])
    return batch[first:last]


def _bounds(count: Any) -> tuple[Any, Any]:
    replica = tf.cast(_context().replica_id_in_sync_group, tf.int32)
    return count * replica // number(), count * (replica + 1) // number()


def replica_key(key: Any) -> Any:
    """A key int32 `[2]` for draws that no other replica makes."""
    if number() == 1:
        return key
    return tf.random.experimental.stateless_fold_in(key, tf.cast(_context().replica_id_in_sync_group, tf.int32))


def all_reduce_sum(values: Any) -> Any:
    """The sum over replicas of tensors of the same shapes, which every replica gets."""
    if number() == 1:
        return values
    return _context().all_reduce(tf.distribute.ReduceOp.SUM, values)


def all_gather(rows: Any) -> Any:
    """Everybody's rows `[b, …]`, those of the first replica first, which every replica gets: `[B, …]`."""
    if number() == 1:
        return rows
    return _context().all_gather(tf.identity(rows), axis=0)  # an argument of the step is on no device of this replica's yet


def of_first(values: Any) -> Any:
    """The first replica's values, whatever the others have in theirs of the same shape and type."""
    if number() == 1:
        return values
    return all_reduce_sum(tf.where(_context().replica_id_in_sync_group == 0, values, tf.zeros_like(values)))
