"""Training sequences as the stages take them: batch after batch, in an order that can be entered at any step, and by draws.

A pass is once through all of them, in an order of its own; what does not fill a batch waits for another pass's. Step n of a
stage has the same batch however often it was stopped before.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from seqgan_cli.data.tfrecord.shards import INTERLEAVE, Shards
from seqgan_cli.data.vocabulary import Vocabulary
from seqgan_cli.evaluation.metrics.diversity import stand_in, train_overlap
from seqgan_cli.lazy import np
from seqgan_cli.randomness import key, rng

STEPS, DRAWN = 1000, 10_000  # of streamed sequences in an epoch and in a d-step, unless a setting says otherwise
INT, LARGEST_WINDOW = 4, 256 << 20  # bytes of a token, and of all that is shuffled at once
FILES_OF_WINDOW = (1, 2, 4, INTERLEAVE)  # their number is a multiple of each
PREFETCHED = 8  # batches


class Sequences(Protocol):
    """`seed` and `purpose` say what a draw is for, as in `randomness`."""

    def __len__(self) -> int: ...

    def steps_of_pass(self, batch_size: int) -> int:
        """Batches of a pass."""

    def steps_of_epoch(self, batch_size: int) -> int:
        """Batches after which state is saved and scores are taken, where no setting says."""

    @property
    def largest_batch(self) -> int:
        """Sequences that one step can have."""

    @property
    def usual_draw(self) -> int:
        """Positives of a d-step, where no setting says."""

    def batches(self, first: int, count: int, batch_size: int, seed: int, *purpose: str | int) -> np.ndarray:
        """int32 `[count, batch_size, T]`: those of the steps from `first` on, counted from 0 through all passes.

        Of several processes each may leave rows that are not its own 0.
        """

    def draw(self, num: int, seed: int, *purpose: str | int) -> np.ndarray:
        """int32 `[num, T]`, different ones; all, as they stand, if there are no more than that."""

    def train_overlap(self, tokens: np.ndarray) -> float:
        """Share of the sequences int32 `[n, T]` that are among them."""


class InMemory:
    """A table int32 `[n, T]`."""

    def __init__(self, table: np.ndarray) -> None:
        self.table = table
        self._order: tuple[tuple, np.ndarray] | None = None  # of the latest pass

    def __len__(self) -> int:
        return len(self.table)

    def steps_of_pass(self, batch_size: int) -> int:
        return len(self.table) // batch_size

    steps_of_epoch = steps_of_pass

    @property
    def largest_batch(self) -> int:
        return len(self.table)

    @property
    def usual_draw(self) -> int:
        return len(self.table)

    def batches(self, first: int, count: int, batch_size: int, seed: int, *purpose: str | int) -> np.ndarray:
        rows = []
        for step in range(first, first + count):
            number, place = divmod(step, self.steps_of_pass(batch_size))
            rows.append(self._order_of(number, seed, purpose)[place * batch_size : (place + 1) * batch_size])
        return self.table[np.stack(rows)]

    def _order_of(self, number: int, seed: int, purpose: tuple) -> np.ndarray:
        wanted = (seed, *purpose, number)
        if self._order is None or self._order[0] != wanted:
            self._order = wanted, rng(seed, *purpose, "order", number + 1).permutation(len(self.table))
        return self._order[1]

    def draw(self, num: int, seed: int, *purpose: str | int) -> np.ndarray:
        return self.table if num >= len(self.table) else self.table[rng(seed, *purpose).permutation(len(self.table))[:num]]

    def train_overlap(self, tokens: np.ndarray) -> float:
        return train_overlap(tokens, self.table)


def local_rows(count: int) -> range:
    """Which of the rows of a global batch the replicas of this process own (`tf.distribute`)."""
    import tensorflow as tf

    resolver = tf.distribute.get_strategy().cluster_resolver
    if resolver is None:
        return range(count)
    processes, index = len(resolver.cluster_spec().as_dict()["worker"]), resolver.task_id
    return range(count * index // processes, count * (index + 1) // processes)


class Streamed:
    """The files of a prepared corpus, read by `tf.data` as they are needed.

    A pass takes the files in an order of its own, a window of LANES or fewer at a time, each shuffled by itself; a batch has an
    equal share of its rows from each file of the window. Files are fair samples of all, so the window is one too. To enter at a
    step only its window is read, and a process reads only the files that its own rows come from.
    """

    def __init__(self, shards: Shards) -> None:
        shards.check()
        self.shards = shards
        self._next: tuple | None = None  # the step that the open stream gives next, and what it is a stream of
        self._stream: Iterator[np.ndarray] = iter(())

    def __len__(self) -> int:
        return len(self.shards)

    def _window(self, batch_size: int) -> tuple[int, int]:
        """Files of a window, as many as leave least of a pass unused, and the steps that it gives."""
        bytes_each = INT * int(self.shards.sizes.max()) * self.shards.sequence_length
        most = [
            (files, int(self.shards.sizes.min()) // -(-batch_size // files))
            for files in FILES_OF_WINDOW
            if files == 1 or files * bytes_each <= LARGEST_WINDOW
        ]
        return max(most, key=lambda window: (window[1] / window[0], window[0]))

    def steps_of_pass(self, batch_size: int) -> int:
        files, steps = self._window(batch_size)
        return len(self.shards.shards) // files * steps

    def steps_of_epoch(self, batch_size: int) -> int:
        return min(STEPS, self.steps_of_pass(batch_size))

    @property
    def largest_batch(self) -> int:
        return int(self.shards.sizes.min()) * INTERLEAVE

    @property
    def usual_draw(self) -> int:
        return min(DRAWN, len(self))

    def batches(self, first: int, count: int, batch_size: int, seed: int, *purpose: str | int) -> np.ndarray:
        import tensorflow as tf

        what = (batch_size, seed, *purpose)
        if self._next != (first, *what):
            self._stream = self._steps(first, batch_size, seed, purpose).as_numpy_iterator()
        self._next = None  # until they are there
        try:
            found = np.stack([next(self._stream) for _ in range(count)])
        except (tf.errors.DataLossError, tf.errors.NotFoundError, tf.errors.InvalidArgumentError):
            raise self.shards.damage() from None
        self._next = (first + count, *what)
        return found

    def _steps(self, first: int, batch_size: int, seed: int, purpose: tuple) -> Any:
        """`tf.data` of batches int32 `[B, T]` without end, from the step `first` on."""
        import tensorflow as tf

        files, steps = self._window(batch_size)
        rows, own = batch_size * np.arange(files + 1) // files, local_rows(batch_size)
        paths = tf.constant([str(self.shards.path(number)) for number in range(len(self.shards.shards))])
        keys = [tf.constant(key(seed, *purpose, what)) for what in ("files", "rows")]
        fold = tf.random.experimental.stateless_fold_in

        def share(file: Any, number: Any, rows: int) -> Any:
            """A file's rows of the batches of its window, in the order that it has in that pass."""
            order_key = fold(fold(keys[1], number), file)
            whole = self.shards.dataset(paths[file]).rebatch(int(self.shards.sizes.max()))
            return whole.map(_plain(lambda table: _shuffled(table, order_key))).rebatch(rows, drop_remainder=True).take(steps)

        def window(index: Any) -> Any:
            number, place = index // (len(paths) // files), index % (len(paths) // files)
            opened = _shuffled(tf.range(len(paths), dtype=tf.int64), fold(keys[0], number))[place * files :][:files]
            nothing = tf.zeros([batch_size, self.shards.sequence_length], tf.int32)
            shares = [
                share(opened[i], number, int(last - start))
                if start < own.stop and last > own.start
                else tf.data.Dataset.from_tensors(nothing[start:last]).repeat()
                for i, (start, last) in enumerate(itertools.pairwise(rows))
            ]
            return tf.data.Dataset.zip(tuple(shares)).map(_plain(lambda *parts: tf.concat(parts, axis=0)))

        windows = tf.data.Dataset.counter(first // steps)
        return windows.flat_map(_plain(window)).skip(first % steps).prefetch(PREFETCHED)

    def draw(self, num: int, seed: int, *purpose: str | int) -> np.ndarray:
        """From so many files, drawn too, as hold that many: each is a fair sample of all."""
        if num >= len(self):
            return np.concatenate([self.shards.table(number) for number in range(len(self.shards.shards))])
        tables: list[np.ndarray] = []
        for number in rng(seed, *purpose, "files").permutation(len(self.shards.shards)):
            tables.append(self.shards.table(int(number)))
            if sum(map(len, tables)) >= num:
                break
        table = np.concatenate(tables)
        return table[rng(seed, *purpose).permutation(len(table))[:num]]

    def train_overlap(self, tokens: np.ndarray) -> float:
        found = np.zeros(len(tokens), bool)
        for number in range(len(self.shards.shards)):
            found |= stand_in(tokens, self.shards.table(number))
        return float(found.mean()) if len(found) else 0.0


class Positives:
    """The real sequences that samples can be held against: those of the training sequences that a generator can say.

    With `<unk>`, which it never says, a discriminator would tell real from generated by that token alone.

    Args:
        sequences: all training sequences.
        vocabulary: knows `<unk>`.
        at_hand: int32 `[n, T]`, all of them in memory, or a fair sample of those that are streamed.
    """

    def __init__(self, sequences: Sequences, vocabulary: Vocabulary, at_hand: np.ndarray) -> None:
        self.vocabulary = vocabulary
        known, share = vocabulary.has_no_unk(at_hand), float(vocabulary.has_no_unk(at_hand).mean())
        self._of: Sequences = sequences
        self._files: Streamed | None = None
        self._number = len(sequences)
        if not isinstance(sequences, Streamed):
            if not known.all():
                self._of = InMemory(at_hand[known])
                self._number = len(self._of)
        elif sequences.shards.unk_taught:
            self._files = sequences
            if len(at_hand) < len(sequences):  # nobody has counted them: as many as there are all but surely
                share -= 4.0 * (share * (1.0 - share) / len(at_hand)) ** 0.5 + 10.0 / len(at_hand)
            self._number = max(0, round(share * len(sequences)))

    def __len__(self) -> int:
        return self._number

    @property
    def usual_draw(self) -> int:
        """Positives of a d-step, where no setting says."""
        return min(self._of.usual_draw, len(self))

    def draw(self, num: int, seed: int, *purpose: str | int) -> np.ndarray:
        """int32 `[num, T]`, different ones; all, as they stand, if there are no more than that. As `Sequences.draw`."""
        num = min(num, len(self))
        if self._files is None or not num:
            return self._of.draw(num, seed, *purpose)
        tables: list[np.ndarray] = []
        for number in rng(seed, *purpose, "files").permutation(len(self._files.shards.shards)):
            table = self._files.shards.table(int(number))
            tables.append(table[self.vocabulary.has_no_unk(table)])
            if sum(map(len, tables)) >= num:
                break
        table = np.concatenate(tables)
        return table[rng(seed, *purpose).permutation(len(table))[:num]]


def _shuffled(values: Any, order_key: Any) -> Any:
    """The rows of `[n, …]` in an order that the key int32 `[2]` decides."""
    import tensorflow as tf

    order = tf.random.experimental.stateless_shuffle(tf.range(tf.shape(values)[0]), order_key)
    return tf.gather(values, order)


def _plain(function: Callable) -> Callable:
    """AutoGraph would write files, and there is nothing for it to do."""
    import tensorflow as tf

    return tf.autograph.experimental.do_not_convert(function)
