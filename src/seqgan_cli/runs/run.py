"""The run directory: settings, corpus, checkpoints, history, and the lock that keeps a second trainer out.

config.json      every setting and where it came from, versions, machine, command lines
vocabulary.txt   one token a line, line number = id (text)
corpus/          train.npz, validation.npz, test.npz; oracle.npz of synthetic, shards.json of streamed data; tokenizer.json;
                 corpus/2 and on: the same of the data that it went on with
checkpoints/     one folder a stage: the last three and the best
history.csv      stage, position (epoch, d-step or round), step, metric, value, seconds
samples/  figures/  tensorboard/
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqgan_cli import files
from seqgan_cli.arrays import read_arrays
from seqgan_cli.config.resolution import Config, legacy_values
from seqgan_cli.config.settings import SCHEMA, STAGES, specs_with
from seqgan_cli.data.corpus import FOLDER, SHARDS
from seqgan_cli.data.vocabulary import TOKENIZER
from seqgan_cli.errors import SeqganError, UsageError, advised
from seqgan_cli.lazy import np
from seqgan_cli.runs import lock, record
from seqgan_cli.runs.checkpoints import Checkpoints
from seqgan_cli.runs.history import History

if TYPE_CHECKING:
    from seqgan_cli.data.corpus import Corpus
    from seqgan_cli.models.generator import Generator

KEPT_SCORES = ("rewards.sqlite", "rewards.sqlite-wal")  # what scorers of a user's own once said


class Run:
    """A run directory, which may not exist yet."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.history = History(path / "history.csv")

    @property
    def exists(self) -> bool:
        return (self.path / "config.json").exists()

    def check_place(self) -> None:
        """Raises UsageError if a run cannot begin here: the path is a file, or a folder with somebody's files in it."""
        if not self.path.exists():
            return
        if not self.path.is_dir():
            raise UsageError(f"--run {self.path} is a file: name a directory.")
        found = {entry.name for entry in self.path.iterdir()} - lock.NAMES
        unfinished = "corpus" in found and found <= {"corpus", "vocabulary.txt"}  # killed before config.json was written
        if found and not unfinished:
            raise UsageError(f"--run {self.path} holds other files and no run: name a new or an empty directory.")

    def record(self) -> dict[str, Any]:
        """config.json. Raises SeqganError if it cannot be read, or a later version wrote it."""
        return record.read(self.path / "config.json")

    def config(self) -> Config:
        """The settings that were recorded. Raises SeqganError if there is no run or it is damaged."""
        if not self.exists:
            for folder in (self.path, self.path.absolute().parent):
                if (folder / "experiment.json").exists():
                    raise SeqganError(
                        f"{self.path} is no run but an experiment's: name one of its runs, as {folder}/seed-0/mle, or use "
                        f"{advised('report', folder)} for all of it."
                    )
            raise SeqganError(f"There is no run in {self.path}: {advised('pretrain-g', self.path)} begins one.")
        settings = self.record()["settings"]
        earlier = legacy_values(settings.get("data.kind", {}).get("value", "auto"))
        entries = {
            name: settings.get(name, {"value": earlier.get(name, info.default), "source": "default"})
            for name, info in specs_with({name: entry["value"] for name, entry in settings.items()}).items()
        }
        return Config(
            {name: tuple(v) if isinstance(v := entry["value"], list) else v for name, entry in entries.items()},
            {name: entry["source"] for name, entry in entries.items()},
            self.path / TOKENIZER,
        )

    def write_config(self, config: Config, preset: str, origins: Any = None, data: list[Any] | None = None) -> None:
        """Record the settings, and this command's line and versions; `origins` of data that were read anew, and `data`, those
        before them. Raises OSError."""
        record.write(self.path / "config.json", config, preset, self.record() if self.exists else {}, origins, data)

    @property
    def earlier_data(self) -> list[dict[str, Any]]:
        """What is known of the data that it was trained on before those of its settings: `settings` that differed, `origins`,
        `until`, the last epoch on them, and `fingerprint`, which their checkpoints have. Raises SeqganError if damaged."""
        return list(self.record().get(record.EARLIER_DATA, [])) if self.exists else []

    @property
    def corpus_folder(self) -> str:
        """Where the data are that it is trained on now. Raises SeqganError if its record is damaged."""
        before = len(self.earlier_data)
        return f"{FOLDER}/{before + 1}" if before else FOLDER

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the run for training. The system lets go of a dead process's lock.

        Raises SeqganError if another process holds it.
        """
        with lock.held(self.path, f"Another seqgan is training in {self.path}", "--run"):
            for left_by_a_kill in self.path.rglob(".writing-*"):
                if left_by_a_kill.is_file():
                    left_by_a_kill.unlink(missing_ok=True)
            yield

    @functools.cached_property
    def fingerprint(self) -> str:
        """Of the corpus, which copies of a run share. Raises SeqganError if it is damaged."""
        digest, folder = hashlib.blake2b(digest_size=12), self.corpus_folder
        for name in ("train.npz", "heldout.npz", "validation.npz", "test.npz", "oracle.npz"):
            path = self.path / folder / name
            if path.exists():
                try:
                    arrays = read_arrays(path)
                except (OSError, ValueError) as error:
                    raise SeqganError(f"Cannot read {path} ({error}): restore it, or use another --run.") from None
                for array in sorted(arrays):
                    digest.update(np.ascontiguousarray(arrays[array]).tobytes())
        digest.update((self._streamed or "").encode())
        return digest.hexdigest()

    def checkpoints(self, stage: str) -> Checkpoints:
        """Those of a stage. They must agree on corpus, vocabulary, seed, and every setting that is fixed once it has begun.

        Raises SeqganError if corpus or settings are damaged.
        """
        digest = hashlib.blake2b(self.fingerprint.encode(), digest_size=12)
        vocabulary = self.path / "vocabulary.txt"
        for path in (vocabulary, self.path / TOKENIZER):
            digest.update(path.read_bytes() if path.exists() else b"")
        values = self.config().values if self.exists else {}
        fixing = STAGES[: STAGES.index(stage) + 1]
        fixed = {name: value for name, value in values.items() if name == "seed" or SCHEMA[name].fixed_by in fixing}
        keep_every = values.get(f"{stage}.keep-every", 0)
        earlier = frozenset(str(each["fingerprint"]) for each in self.earlier_data)
        return Checkpoints(self.path / "checkpoints" / stage, digest.hexdigest(), fixed, self.fingerprint, keep_every, earlier)

    def position(self, stage: str) -> int:
        """Units of the stage that are saved; 0 for none."""
        return max((int(p.stem) for p in (self.path / "checkpoints" / stage).glob("*.npz") if p.stem.isdecimal()), default=0)

    def has(self, stage: str) -> bool:
        """Whether the stage has a checkpoint."""
        return self.position(stage) > 0

    @property
    def busy(self) -> bool:
        """Whether a process holds the run for training."""
        return lock.is_held(self.path)

    def fork(self, target: Path) -> Run:
        """Another run that begins where this one stands: a copy that shares the checkpoints' disk space. Raises OSError.

        Checkpoints are replaced and never changed, so sharing is safe. A fork cut short leaves nothing at `target`.
        """
        partial = target.with_name(f".writing-{target.name}")
        shutil.rmtree(partial, ignore_errors=True)
        ours = ("corpus", "checkpoints", "config.json", "vocabulary.txt", "history.csv", "samples", *KEPT_SCORES)

        def copy(source: str, destination: str) -> None:
            if source.endswith(".npz"):
                with contextlib.suppress(OSError):  # another disk, or a file system without links
                    os.link(source, destination)
                    return
            shutil.copyfile(source, destination)

        def left_out(folder: str, names: list[str]) -> list[str]:
            here = Path(folder) == self.path
            return [name for name in names if name.startswith(".") or (here and name not in ours)]

        shutil.copytree(self.path, partial, copy_function=copy, ignore=left_out)
        partial.rename(target)
        return Run(target)

    def drop_from(self, stage: str) -> None:
        """Forget a stage and those after it."""
        dropped = STAGES[STAGES.index(stage) :]
        for name in dropped:
            shutil.rmtree(self.path / "checkpoints" / name, ignore_errors=True)
            for stale in (self.path / "samples").glob(f"{name}-*.txt"):
                stale.unlink(missing_ok=True)
        shutil.rmtree(self.path / "figures", ignore_errors=True)
        (self.path / "samples" / "samples.txt").unlink(missing_ok=True)
        self.history.keep(lambda row: row.stage not in dropped)

    def go_back(self, stage: str, position: int) -> None:
        """Forget what a stage left after that many units (-1: all of it), which is done again: a kill left it, or damage."""
        self.checkpoints(stage).drop_after(position)
        for later, path in self._example_files(stage):
            if later > position:
                path.unlink(missing_ok=True)
        self.history.keep(lambda row: row.stage != stage or row.position <= position)

    def _example_files(self, stage: str) -> list[tuple[int, Path]]:
        found = [(path.stem.rpartition("-")[2], path) for path in sorted((self.path / "samples").glob(f"{stage}-*.txt"))]
        return [(int(position), path) for position, path in found if position.isdecimal()]

    def keep_examples(self, stage: str, position: int, lines: list[str]) -> None:
        """Keep a few samples as they were after that many units; none are none. Raises OSError."""
        if lines:
            text = "".join(f"{line}\n" for line in lines)
            files.write(self.path / "samples" / f"{stage}-{position:07d}.txt", text.encode(errors="replace"))

    def examples(self, stage: str) -> dict[int, list[str]]:
        """The samples kept of a stage, by position."""
        return {
            position: path.read_text(encoding="utf-8", errors="replace").split("\n")[:-1]
            for position, path in self._example_files(stage)
        }

    # What the stages and the scores read back.

    def corpus(self) -> Corpus:
        """Raises SeqganError if damaged."""
        from seqgan_cli.data.corpus import load_corpus

        settings = self.config().settings
        kept = settings.tokenizer if settings.tokenizer.is_kept else None
        size = settings.kind.vocabulary_size(settings)
        return load_corpus(self.path, size, settings.seed, kept, self.corpus_folder)

    def streams_from(self, folder: Path) -> bool:
        """Whether a prepared folder holds what this run trains on, wherever it was before. Raises SeqganError if damaged."""
        from seqgan_cli.data.tfrecord.shards import read_index

        own = self._streamed
        return own is not None and read_index(folder)["shards"]["digest"] == own

    @property
    def _streamed(self) -> str | None:
        """The digest of the training sequences that the run reads elsewhere. Raises SeqganError if its record is damaged."""
        path = self.path / self.corpus_folder / SHARDS
        try:
            return str(json.loads(path.read_text(encoding="utf-8"))["digest"]) if path.exists() else None
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise SeqganError(f"Cannot read {path} ({error}): restore it, or use another --run.") from None

    def oracle(self) -> Generator | None:
        """The oracle of a synthetic run, None for text. Raises SeqganError if damaged."""
        from seqgan_cli.models.oracle import read_oracle

        config = self.config()
        if not config.settings.data.synthetic:
            return None
        return read_oracle(self.path / "corpus" / "oracle.npz", config.values["data.sequence-length"])
