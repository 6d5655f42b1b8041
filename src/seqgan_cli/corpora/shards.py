"""Training sequences in compressed TFRecord files, of a corpus that memory cannot hold.

index.json           what the corpus is: settings, lengths, and of each file its sequences and bytes
vocabulary.txt       as a run has it
heldout.npz          the held-out sequences
train.npz            as many of the training sequences, for scores
00000.tfrecord.gz …  the training sequences, dealt to the files at random: each file is a fair sample of all
"""

import dataclasses
import hashlib
import itertools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from seqgan_cli.errors import SeqganError, UsageError
from seqgan_cli.settings import CATALOGUE, KINDS

FORMAT = 1
AT_HAND = 10_000  # training sequences, and held-out ones at most, that scores look at
LANES = 8  # a batch takes as many rows from each of so many files; their number is a multiple of it
SEQUENCES = 1 << 16  # of a file, or more where files would become too many
FILES = 512  # all are open while they are written
RECORD = 1 << 10  # sequences in one record


@dataclass(frozen=True)
class Shard:
    """One file: its name, and what it holds."""

    name: str
    sequences: int
    bytes: int


@dataclass(frozen=True)
class Shards:
    """The files of a corpus, and how they are read.

    folder: where they are; sequence_length: T; dtype: of a token in a record, little-endian: `uint16` or `int32`; digest: of
    all tokens in the order in which they were written; unk_taught: whether `<unk>` is among them.
    """

    folder: Path
    shards: tuple[Shard, ...]
    sequence_length: int
    dtype: str
    digest: str
    unk_taught: bool = False

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
        numbers = [record["sequence_length"], *(number for shard in shards for number in (shard.sequences, shard.bytes))]
        if not shards or len(shards) % LANES or any(type(number) is not int or number < 1 for number in numbers):
            raise ValueError("its list of files is none")
        if record["dtype"] not in ("uint16", "int32"):
            raise ValueError(f"tokens of type {record['dtype']!r}")
        place, digest, taught = folder or Path(record["folder"]), str(record["digest"]), bool(record["unk_taught"])
        return cls(place, shards, numbers[0], record["dtype"], digest, taught)

    def path(self, number: int) -> Path:
        return self.folder / self.shards[number].name

    def check(self) -> None:
        """Raises SeqganError unless every file is there and as long as it was written."""
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
        except (tf.errors.OpError, ValueError):
            raise SeqganError(f"{self.path(number)} is damaged: prepare the data anew in {self.folder}.") from None

    def damage(self) -> SeqganError:
        """What to say when TensorFlow could not read on: which file it is, as far as that shows a second time."""
        for number in range(len(self.shards)):
            try:
                self.table(number)
            except SeqganError as error:
                return error
        return SeqganError(f"A file in {self.folder} could not be read, and now can be: run the command again.")


def number_of_files(sequences: int) -> int:
    """Files for about so many sequences: a multiple of LANES."""
    return min(FILES, LANES * max(1, -(-sequences // (LANES * SEQUENCES))))


class Dealer:
    """Deals sequences to the files of a folder at random, as they come, so that no file has one more than another.

    Args:
        folder: there already.
        files: their number.
        vocab_size: V, which decides how many bytes a token takes.
        draws: decides which file a sequence comes to.
    """

    def __init__(self, folder: Path, files: int, sequence_length: int, vocab_size: int, draws: np.random.Generator) -> None:
        import tensorflow as tf

        self.folder, self.draws, self.sequence_length = folder, draws, sequence_length
        self.dtype = "uint16" if vocab_size <= 1 << 16 else "int32"
        self.names = [f"{number:05d}.tfrecord.gz" for number in range(files)]
        self.writers = [tf.io.TFRecordWriter(str(folder / name), tf.io.TFRecordOptions("GZIP")) for name in self.names]
        self.waiting: list[list[np.ndarray]] = [[] for _ in self.names]
        self.counts = np.zeros(files, np.int64)
        self.owners = np.zeros(0, np.int64)  # of the sequences that come next: every file once, then every file once more, …
        self.digest = hashlib.blake2b(digest_size=12)

    def deal(self, table: np.ndarray) -> None:
        """Take sequences int32 `[n, T]`."""
        files = len(self.names)
        if (short := len(table) - len(self.owners)) > 0:
            rounds = np.tile(np.arange(files), (-(-short // files), 1))
            self.owners = np.concatenate([self.owners, self.draws.permuted(rounds, axis=1).ravel()])
        owners, self.owners = self.owners[: len(table)], self.owners[len(table) :]
        order = np.argsort(owners, kind="stable")
        bounds = np.searchsorted(owners[order], np.arange(files + 1))
        for number, (first, last) in enumerate(itertools.pairwise(bounds)):
            self.waiting[number].append(table[order[first:last]].astype(f"<{np.dtype(self.dtype).str[1:]}"))
            if sum(map(len, self.waiting[number])) >= RECORD:
                self._write(number)

    def _write(self, number: int) -> None:
        """What waits for a file becomes a record of it."""
        rows = np.concatenate([*self.waiting[number]])
        self.waiting[number] = []
        if len(rows):
            record = rows.tobytes()
            self.writers[number].write(record)
            self.digest.update(record)
            self.counts[number] += len(rows)

    def close(self) -> None:
        """Close the files as they are."""
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
        return Shards(self.folder, shards, self.sequence_length, self.dtype, self.digest.hexdigest())


def is_prepared(source: str) -> bool:
    """Whether a path is a folder that `seqgan corpus --format tfrecord` wrote."""
    return (Path(source) / "index.json").is_file()


def read_index(folder: Path) -> dict[str, Any]:
    """index.json: `format`, `settings` (by dotted name), `seed`, `summary` and the record of `shards`.

    Raises SeqganError if it is damaged or a later version's.
    """
    path = folder / "index.json"
    try:
        index = json.loads(path.read_text(encoding="utf-8"))
        if (version := int(index["format"])) > FORMAT:
            raise SeqganError(f"{path} was written by a later version (format {version}): use that one.")
        Shards.of_record(index["shards"], folder)
        summary = index["summary"]
        if not isinstance(summary, list) or not all(isinstance(line, str) for line in summary):
            raise ValueError("its summary is none")
        if index["settings"]["data.kind"] not in KINDS:
            raise ValueError("it is of no kind")
        index["settings"] = {name: CATALOGUE[name].check(value) for name, value in index["settings"].items()}
        return dict(index)
    except UsageError as error:
        raise SeqganError(f"Cannot read {path} ({error}): prepare the data anew, or name another folder.") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise SeqganError(f"Cannot read {path} ({error}): prepare the data anew, or name another folder.") from None


def take_over(asked: dict[str, Any], sources: dict[str, str]) -> None:
    """Where prepared data are asked for, ask for all that was settled when they were prepared.

    Raises UsageError for what was settled otherwise, SeqganError if they cannot be read.
    """
    folder = Path(asked["data.source"])
    for name, value in read_index(folder)["settings"].items():
        if name in asked and asked[name] not in (value, "auto"):
            raise UsageError(
                f"{folder} was prepared with {name} = {value or 'none'}, and not {asked[name]}: leave it out, or prepare the "
                "data anew."
            )
        asked[name], sources[name] = value, "data"
