"""Training sequences in compressed TFRecord files, of a corpus that memory cannot hold.

seqgan-corpus.json   what the corpus is: settings, lengths, and of each file its sequences and bytes
vocabulary.txt       as a run has it
validation.npz       held-out sequences that choose, in random order; test.npz: those that report
train.npz            as many of the training sequences, drawn from all, for scores
00000.tfrecord.gz …  the training sequences, dealt to the files at random: each file is a fair sample of all
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from seqgan_cli.config import registry
from seqgan_cli.config.paths import names_in
from seqgan_cli.config.resolution import import_named, legacy_values
from seqgan_cli.config.settings import SCHEMA
from seqgan_cli.errors import SeqganError, UsageError
from seqgan_cli.lazy import np

INDEX, FORMAT = "seqgan-corpus.json", 2  # 1 had one held-out part
EVAL_SUBSET = 10_000  # training sequences, and of each held-out part at most, that scores look at
INTERLEAVE = 8  # a batch takes as many rows from each of so many files; their number is a multiple of it
SEQUENCES, TOKENS = 1 << 16, 1 << 21  # of a file at most, unless files would become too many
FILES, OTHER_FILES = 512, 64  # all are open while they are written, and so are TensorFlow's own
LARGEST = 1 << 48  # number that an index may name
RECORD = 1 << 15  # tokens of a record, or a sequence more


@dataclass(frozen=True)
class Shard:
    """One file: its name, and what it holds."""

    name: str
    sequences: int
    bytes: int


@dataclass(frozen=True)
class Shards:
    """The files of a corpus, and how they are read.

    folder: where they are; sequence_length: T; vocab_size: V; dtype: of a token in a record, little-endian: `uint16` or
    `int32`; digest: of all tokens in the order in which they were written; unk_taught: whether `<unk>` is among them;
    heldout_copied: share of the test part that stands among them.
    """

    folder: Path
    shards: tuple[Shard, ...]
    sequence_length: int
    vocab_size: int
    dtype: str
    digest: str
    unk_taught: bool = False
    heldout_copied: float = 0.0

    def __len__(self) -> int:
        return sum(shard.sequences for shard in self.shards)

    @property
    def sizes(self) -> np.ndarray:
        """Sequences of each file, int64 `[files]`."""
        return np.array([shard.sequences for shard in self.shards], np.int64)

    def record(self) -> dict[str, Any]:
        """What `of_record` makes the same of."""
        return {**dataclasses.asdict(self), "folder": str(self.folder)}

    @classmethod
    def of_record(cls, record: dict[str, Any], folder: Path | None = None) -> Self:
        """Raises KeyError, TypeError or ValueError if it is none."""
        shards = tuple(Shard(Path(each["name"]).name, each["sequences"], each["bytes"]) for each in record["shards"])
        numbers = [record["sequence_length"], record["vocab_size"]]
        numbers += [number for shard in shards for number in (shard.sequences, shard.bytes)]
        sound = all(type(number) is int and 0 < number < LARGEST for number in numbers)
        if not shards or len(shards) % INTERLEAVE or not sound:
            raise ValueError("its list of files is none")
        if record["dtype"] not in ("uint16", "int32"):
            raise ValueError(f"tokens of type {record['dtype']!r}")
        place, digest, taught = folder or Path(record["folder"]), str(record["digest"]), bool(record["unk_taught"])
        copied = float(record["heldout_copied"])
        return cls(place, shards, numbers[0], numbers[1], record["dtype"], digest, taught, copied)

    def path(self, number: int) -> Path:
        return self.folder / self.shards[number].name

    def check(self) -> None:
        """Raises SeqganError unless every file is there and as long as it was written, and nothing was prepared anew there."""
        if (self.folder / INDEX).exists() and read_index(self.folder)["shards"]["digest"] != self.digest:
            raise SeqganError(
                f"{self.folder} has been prepared anew since the run began: begin another run, or restart this one with "
                "`pretrain-g --overwrite`."
            )
        for number, shard in enumerate(self.shards):
            try:
                size = self.path(number).stat().st_size
            except OSError as error:
                raise SeqganError(
                    f"Cannot read {self.path(number)} ({error.strerror}): the run reads its training sequences there; bring "
                    f"{self.folder} back, or put a link in its place."
                ) from None
            if size != shard.bytes:
                raise SeqganError(f"{self.path(number)} is damaged: it has {size} bytes of {shard.bytes}; prepare it anew.")

    def dataset(self, path: Any) -> Any:
        """`tf.data` of one file's sequences, int32 `[b, T]` an element; `path`: a string, or a tensor in a pipeline."""
        import tensorflow as tf

        @tf.autograph.experimental.do_not_convert
        def decoded(record: Any) -> Any:
            tokens = tf.io.decode_raw(record, getattr(tf, self.dtype))
            return tf.cast(tf.reshape(tokens, [-1, self.sequence_length]), tf.int32)

        return tf.data.TFRecordDataset(path, compression_type="GZIP").map(decoded)

    def table(self, number: int) -> np.ndarray:
        """All sequences of a file, int32 `[n, T]`. Raises SeqganError if it is damaged."""
        import tensorflow as tf

        try:
            return np.concatenate([*self.dataset(str(self.path(number))).as_numpy_iterator()])
        except (tf.errors.DataLossError, tf.errors.NotFoundError, tf.errors.InvalidArgumentError, ValueError):
            raise SeqganError(f"{self.path(number)} is damaged: prepare the data anew in {self.folder}.") from None

    def damage(self) -> SeqganError:
        """What to say when TensorFlow could not read on: which file it is, as far as that shows a second time."""
        for number in range(len(self.shards)):
            try:
                self.table(number)
            except SeqganError as error:
                return error
        return SeqganError(f"A file in {self.folder} could not be read, and now can be: run the command again.")


def number_of_files(sequences: int, sequence_length: int) -> int:
    """Files for so many sequences: a multiple of LANES, and no more than may be open."""
    most = FILES
    with contextlib.suppress(ImportError):  # Windows has no such limit
        import resource

        allowed = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        if allowed != resource.RLIM_INFINITY:
            most = min(FILES, (allowed - OTHER_FILES) // INTERLEAVE * INTERLEAVE)
    each = max(1, min(SEQUENCES, TOKENS // sequence_length))
    return max(INTERLEAVE, min(most, INTERLEAVE * -(-sequences // (INTERLEAVE * each))))


class ShardWriter:
    """Deals sequences to the files of a folder at random, as they come, so that their numbers differ by one at most.

    Raises SeqganError where a file cannot be written.

    Args:
        folder: there already.
        files: their number.
        vocab_size: V, which decides how many bytes a token takes.
        draws: decides which file a sequence comes to.
    """

    def __init__(self, folder: Path, files: int, sequence_length: int, vocab_size: int, draws: np.random.Generator) -> None:
        import tensorflow as tf

        self.folder, self.draws, self.sequence_length, self.vocab_size = folder, draws, sequence_length, vocab_size
        self.dtype = "uint16" if vocab_size <= 1 << 16 else "int32"
        self.names = [f"{number:05d}.tfrecord.gz" for number in range(files)]
        with _named(folder):
            self.writers = [tf.io.TFRecordWriter(str(folder / name), tf.io.TFRecordOptions("GZIP")) for name in self.names]
        self.waiting: list[list[np.ndarray]] = [[] for _ in self.names]
        self.counts = np.zeros(files, np.int64)
        self.file_ids = np.zeros(0, np.int64)  # of the sequences that come next: every file once, then every file once more, …
        self.digest = hashlib.blake2b(digest_size=12)

    def write(self, table: np.ndarray) -> None:
        """Take sequences int32 `[n, T]`."""
        files = len(self.names)
        if (short := len(table) - len(self.file_ids)) > 0:
            rounds = np.tile(np.arange(files), (-(-short // files), 1))
            self.file_ids = np.concatenate([self.file_ids, self.draws.permuted(rounds, axis=1).ravel()])
        file_ids, self.file_ids = self.file_ids[: len(table)], self.file_ids[len(table) :]
        order = np.argsort(file_ids, kind="stable")
        bounds = np.searchsorted(file_ids[order], np.arange(files + 1))
        for number, (first, last) in enumerate(itertools.pairwise(bounds)):
            self.waiting[number].append(table[order[first:last]].astype(f"<{np.dtype(self.dtype).str[1:]}"))
            if sum(map(len, self.waiting[number])) * self.sequence_length >= RECORD:
                self._write(number)

    def _write(self, number: int) -> None:
        """What waits for a file becomes a record of it."""
        rows = np.concatenate([*self.waiting[number]])
        self.waiting[number] = []
        if len(rows):
            record = rows.tobytes()
            with _named(self.folder):
                self.writers[number].write(record)
            self.digest.update(record)
            self.counts[number] += len(rows)

    def close(self) -> None:
        """Close the files as they are."""
        with _named(self.folder):
            for writer in self.writers:
                writer.close()

    def finish(self) -> Shards:
        """Write what waits and close the files."""
        for number in range(len(self.names)):
            if self.waiting[number]:
                self._write(number)
        self.close()
        sizes = [(self.folder / name).stat().st_size for name in self.names]
        shards = tuple(Shard(*each) for each in zip(self.names, self.counts.tolist(), sizes, strict=True))
        return Shards(self.folder, shards, self.sequence_length, self.vocab_size, self.dtype, self.digest.hexdigest())


@contextlib.contextmanager
def _named(folder: Path) -> Iterator[None]:
    """Let a failure of TensorFlow's writers name the folder and the reason."""
    import tensorflow as tf

    try:
        yield
    except tf.errors.OpError as error:
        reason = (error.message or type(error).__name__).strip().split("\n")[0].rpartition("; ")[2]
        raise SeqganError(f"Cannot write in {folder}: {reason}.") from None


def is_prepared(source: str) -> bool:
    """Whether a path is a folder that `seqgan corpus --format tfrecord` wrote."""
    several = len(names_in(source)) > 1
    return not several and registry.kinds.of_source(source) is None and (Path(source) / INDEX).is_file()


def read_index(folder: Path) -> dict[str, Any]:
    """What INDEX holds: `format`, `settings` (by dotted name), `seed`, `summary` and the record of `shards`.

    Raises SeqganError if it is damaged or a later version's.
    """
    path = folder / INDEX
    try:
        index = json.loads(path.read_text(encoding="utf-8"))
        if type(version := index["format"]) is not int:
            raise ValueError("it names no format")
        if version > FORMAT:
            raise SeqganError(f"{path} was written by a later version (format {version}): use that one.")
        Shards.of_record(index["shards"], folder)
        summary = index["summary"]
        if not isinstance(summary, list) or not all(isinstance(line, str) for line in summary):
            raise ValueError("its summary is none")
        if index["settings"]["data.kind"] not in registry.kinds.names():
            raise ValueError("it is of no kind")
        if type(index.get("seed")) is not int:
            raise ValueError("it names no seed")
        import_named(index["settings"].items())
        index["settings"] = {
            **legacy_values(index["settings"]["data.kind"]),
            **{name: SCHEMA[name].check(value) for name, value in index["settings"].items()},
        }
        return dict(index)
    except UsageError as error:
        raise SeqganError(f"Cannot read {path} ({error}): prepare the data anew, or name another folder.") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ArithmeticError, RecursionError) as error:
        raise SeqganError(f"Cannot read {path} ({error}): prepare the data anew, or name another folder.") from None


def take_over(asked: dict[str, Any], sources: dict[str, str]) -> None:
    """Where prepared data are asked for, ask for all that was settled when they were prepared.

    Raises UsageError for what was settled otherwise, SeqganError if they cannot be read.
    """
    folder = Path(asked["data.source"])
    settled = read_index(folder)["settings"]
    for name, value in settled.items():
        if name in asked and asked[name] not in (value, "auto"):
            raise UsageError(
                f"{folder} was prepared with {name} = {'none' if value == '' else value}, and not {asked[name]}: leave it out, "
                "or prepare the data anew."
            )
        asked[name], sources[name] = value, "data"
