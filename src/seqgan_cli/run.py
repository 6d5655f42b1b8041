"""The run directory: settings, corpus, checkpoints, history, and the lock that keeps a second trainer out.

config.json      every setting and where it came from, versions, command lines
vocabulary.txt   one token a line, line number = id (text)
corpus/          train.npz, heldout.npz, and oracle.npz for synthetic data
checkpoints/     one folder a stage: the last three and the best
history.csv      stage, position (epoch, d-step or round), step, metric, value, seconds
samples/  figures/  tensorboard/
"""

import contextlib
import csv
import functools
import hashlib
import io
import json
import os
import platform
import shutil
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from seqgan_cli import __version__, files
from seqgan_cli.config import CATALOGUE, STAGES, Config
from seqgan_cli.errors import SeqganError, UsageError, restarting

if TYPE_CHECKING:
    from seqgan_cli.corpora.corpus import Corpus
    from seqgan_cli.models.generator import Generator

KEPT = 3
# What reading a damaged .npz can raise: zipfile and NumPy notice damage in many places.
UNREADABLE = (
    OSError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    EOFError,
    RuntimeError,
    zipfile.BadZipFile,
    zlib.error,
)


@dataclass(frozen=True)
class Checkpoint:
    """State after `position` units of a stage: arrays by name, and what is known of them."""

    position: int
    arrays: dict[str, np.ndarray]
    facts: dict[str, Any]
    path: Path


class Checkpoints:
    """The checkpoints of one stage. Each is one `.npz`, complete or absent; the zip's own checksums tell damage."""

    def __init__(self, directory: Path, fingerprint: str) -> None:
        self.directory, self.fingerprint = directory, fingerprint

    def positions(self) -> list[int]:
        """Ascending."""
        return sorted(int(path.stem) for path in self.directory.glob("*.npz") if path.stem.isdecimal())

    def _path(self, position: int) -> Path:
        return self.directory / f"{position:07d}.npz"

    @property
    def _best(self) -> Path:
        return self.directory / "best.npz"

    def save(self, position: int, arrays: Mapping[str, np.ndarray], facts: Mapping[str, Any], best: bool) -> None:
        """Write one checkpoint, as the best too if it is, and let go of all but the last three. Raises OSError."""
        description = {
            **facts,
            "position": position,
            "fingerprint": self.fingerprint,
            "version": __version__,
            "arrays": sorted(arrays),
        }
        with files.replacing(self._path(position)) as temporary:
            with temporary.open("wb") as file:
                np.savez(file, **{"facts": np.frombuffer(json.dumps(description).encode(), np.uint8), **arrays})  # type: ignore[arg-type]
            if best:  # before the numbered one appears: a crash between the two then repeats the unit and both
                with files.replacing(self._best) as copy:
                    copy.unlink()
                    try:
                        os.link(temporary, copy)
                    except OSError:
                        shutil.copyfile(temporary, copy)
        for old in self.positions()[:-KEPT]:
            self._path(old).unlink(missing_ok=True)

    def _load(self, path: Path) -> Checkpoint:
        """Raises SeqganError for one of another run, any of UNREADABLE for a damaged one."""
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        facts = json.loads(arrays.pop("facts").tobytes())
        if facts["arrays"] != sorted(arrays):
            raise KeyError("arrays")
        if facts["fingerprint"] != self.fingerprint:
            raise SeqganError(f"{path} belongs to another run (other data or sizes)")
        return Checkpoint(int(facts["position"]), arrays, facts, path)

    def latest(self, warn: Callable[[str], None]) -> Checkpoint | None:
        """The last good one, after a warning if later ones are not; None if there are none.

        Raises SeqganError if all are bad.
        """
        bad: list[str] = []
        for _ in range(2):  # a trainer may replace them between the listing and the reading: then list again
            vanished = False
            for position in reversed(self.positions()):
                try:
                    found = self._load(self._path(position))
                except FileNotFoundError:
                    vanished = True
                    continue
                except SeqganError as error:
                    bad.append(str(error))
                except UNREADABLE:
                    bad.append(f"{self._path(position)} is damaged")
                else:
                    if bad:
                        warn(f"{'; '.join(dict.fromkeys(bad))}. Using the one before: {found.path.name}.")
                    return found
            if not vanished:
                break
        if bad:
            raise SeqganError(
                f"{'; '.join(dict.fromkeys(bad))}, and there is no good checkpoint before. Restart the stage with "
                f"{restarting(self.directory.name, self.directory.parents[1])}."
            )
        return None

    def best(self) -> Checkpoint | None:
        """The one with the best score. Raises SeqganError if it is damaged or another run's."""
        if not self._best.exists():
            return None
        try:
            return self._load(self._best)
        except UNREADABLE:
            raise SeqganError(f"{self._best} is damaged. Use the last checkpoint instead, or restart the stage.") from None

    def drop_after(self, position: int) -> None:
        """Remove later ones: what is left of them is damaged, and would hide what is written next."""
        for later in self.positions():
            if later > position:
                self._path(later).unlink(missing_ok=True)

    def drop(self) -> None:
        """Remove all."""
        shutil.rmtree(self.directory, ignore_errors=True)


@dataclass(frozen=True)
class Row:
    """One line of history.csv."""

    stage: str
    position: int
    step: int
    metric: str
    value: float
    seconds: float


class History:
    """history.csv: what was measured, in the order it was."""

    COLUMNS = ("stage", "position", "step", "metric", "value", "seconds")

    def __init__(self, path: Path) -> None:
        self.path = path

    def rows(self) -> list[Row]:
        """All whole rows; a line cut off by a crash is none."""
        if not self.path.exists():
            return []
        found: list[Row] = []
        with contextlib.suppress(csv.Error), self.path.open(newline="", encoding="utf-8", errors="replace") as file:
            for row in csv.DictReader(file):
                with contextlib.suppress(TypeError, ValueError, KeyError):
                    found.append(
                        Row(
                            row["stage"],
                            int(row["position"]),
                            int(row["step"]),
                            row["metric"],
                            float(row["value"]),
                            float(row["seconds"]),
                        )
                    )
        return found

    def append(self, rows: list[Row]) -> None:
        """Add rows in one write."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        if not self.path.exists() or not self.path.stat().st_size:
            writer.writerow(self.COLUMNS)
        writer.writerows((r.stage, r.position, r.step, r.metric, repr(float(r.value)), f"{r.seconds:.3f}") for r in rows)
        with self.path.open("ab") as file:
            file.write(text.getvalue().encode())

    def keep(self, wanted: Callable[[Row], bool]) -> None:
        """Rewrite the file, if there is one, with the rows that are wanted."""
        if not self.path.exists():
            return
        kept = [row for row in self.rows() if wanted(row)]
        shadow = History(self.path.with_suffix(".tmp"))
        shadow.path.unlink(missing_ok=True)
        shadow.append(kept)
        shadow.path.replace(self.path)

    def at(self, stage: str, position: int) -> dict[str, float]:
        """Metrics of a stage at a position, by name."""
        return {row.metric: row.value for row in self.rows() if row.stage == stage and row.position == position}


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
        found = {entry.name for entry in self.path.iterdir()} - {".lock"}
        unfinished = "corpus" in found and found <= {"corpus", "vocabulary.txt"}  # killed before config.json was written
        if found and not unfinished:
            raise UsageError(f"--run {self.path} holds other files and no run: name a new or an empty directory.")

    def record(self) -> dict[str, Any]:
        """config.json. Raises SeqganError if it cannot be read."""
        path = self.path / "config.json"
        try:
            record = json.loads(path.read_text(encoding="utf-8", errors="surrogateescape"))
            for name, entry in record["settings"].items():
                if name in CATALOGUE:
                    CATALOGUE[name].check(entry["value"])
                    str(entry["source"])
        except OSError as error:
            raise SeqganError(f"Cannot read {path}: {error.strerror}.") from None
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError, SeqganError) as error:
            raise SeqganError(f"{path} is damaged ({error}): restore it, or use another --run.") from None
        return dict(record)

    def config(self) -> Config:
        """The settings that were recorded. Raises SeqganError if there is no run or it is damaged."""
        if not self.exists:
            for folder in (self.path, self.path.absolute().parent):
                if (folder / "experiment.json").exists():
                    raise SeqganError(
                        f"{self.path} is no run but an experiment's: name one of its runs, as {folder}/seed-0/mle, or use "
                        f"`seqgan report --run {folder}` for all of it."
                    )
            raise SeqganError(f"There is no run in {self.path}: `seqgan pretrain-g` begins one.")
        settings = self.record()["settings"]
        entries = {name: settings.get(name, {"value": info.default, "source": "default"}) for name, info in CATALOGUE.items()}
        return Config(
            {name: entry["value"] for name, entry in entries.items()},
            {name: entry["source"] for name, entry in entries.items()},
        )

    def write_config(self, config: Config, preset: str) -> None:
        """Record the settings, and this command's line and versions. Raises OSError."""
        earlier = self.record() if self.exists else {}
        versions = {name: metadata.version(name) for name in ("tensorflow", "keras", "numpy")}
        record = {
            "format": 1,
            "preset": earlier.get("preset", preset),
            "settings": {
                name: {"value": config.values[name], "source": config.sources[name]} for name in sorted(config.values)
            },
            "versions": {"seqgan": __version__, "python": platform.python_version(), **versions},
            "commands": [*earlier.get("commands", []), " ".join(["seqgan", *sys.argv[1:]])],
        }
        text = json.dumps(record, indent=2, ensure_ascii=False) + "\n"
        # A file's name may hold bytes that are no UTF-8, which Python carries as lone surrogates.
        files.write(self.path / "config.json", text.encode(errors="surrogateescape"))

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the run for training. The system lets go of a dead process's lock.

        Raises SeqganError if another process holds it.
        """
        from filelock import FileLock, Timeout

        self.path.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(self.path / ".lock", timeout=0):
                for left_by_a_kill in self.path.rglob(".writing-*"):
                    left_by_a_kill.unlink(missing_ok=True)
                yield
        except Timeout:
            raise SeqganError(f"Another seqgan is training in {self.path}: wait for it or use another --run.") from None

    @functools.cached_property
    def fingerprint(self) -> str:
        """What checkpoints must agree on: the corpus. Copies of a run share it. Raises SeqganError if the corpus is damaged."""
        digest = hashlib.blake2b(digest_size=12)
        for name in ("train.npz", "heldout.npz", "oracle.npz"):
            path = self.path / "corpus" / name
            if path.exists():
                try:
                    with np.load(path, allow_pickle=False) as file:
                        for array in sorted(file.files):
                            digest.update(np.ascontiguousarray(file[array]).tobytes())
                except UNREADABLE as error:
                    raise SeqganError(f"Cannot read {path} ({error}): restore it, or use another --run.") from None
        return digest.hexdigest()

    def checkpoints(self, stage: str) -> Checkpoints:
        return Checkpoints(self.path / "checkpoints" / stage, self.fingerprint)

    def position(self, stage: str) -> int:
        """Units of the stage that are saved; 0 for none."""
        return max((int(p.stem) for p in (self.path / "checkpoints" / stage).glob("*.npz") if p.stem.isdecimal()), default=0)

    def has(self, stage: str) -> bool:
        """Whether the stage has a checkpoint."""
        return self.position(stage) > 0

    @property
    def busy(self) -> bool:
        """Whether a process holds the run for training."""
        from filelock import FileLock, Timeout

        if not self.path.is_dir():
            return False
        try:
            with FileLock(self.path / ".lock", timeout=0):
                return False
        except Timeout:
            return True

    def fork(self, target: Path) -> "Run":
        """Another run that begins where this one stands: a copy that shares the checkpoints' disk space. Raises OSError.

        Checkpoints are replaced and never changed, so sharing is safe. A fork cut short leaves nothing at `target`.
        """
        partial = target.with_name(f".writing-{target.name}")
        shutil.rmtree(partial, ignore_errors=True)
        ours = ("corpus", "checkpoints", "config.json", "vocabulary.txt", "history.csv", "samples")

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

    def keep_examples(self, stage: str, position: int, lines: list[str]) -> None:
        """Keep a few samples as they were after that many units; none are none. Raises OSError."""
        if lines:
            text = "".join(f"{line}\n" for line in lines)
            files.write(self.path / "samples" / f"{stage}-{position:07d}.txt", text.encode(errors="replace"))

    def examples(self, stage: str) -> dict[int, list[str]]:
        """The samples kept of a stage, by position."""
        found = {}
        for path in sorted((self.path / "samples").glob(f"{stage}-*.txt")):
            position = path.stem.rpartition("-")[2]
            if position.isdigit():
                found[int(position)] = path.read_text(encoding="utf-8", errors="replace").split("\n")[:-1]
        return found

    # What the stages and the scores read back.

    def corpus(self) -> "Corpus":
        """Raises SeqganError if damaged."""
        from seqgan_cli.corpora.corpus import load_corpus
        from seqgan_cli.corpora.kinds import vocabulary_size

        return load_corpus(self.path, vocabulary_size(self.config().settings.data))

    def oracle(self) -> "Generator | None":
        """The oracle of a synthetic run, None for text. Raises SeqganError if damaged."""
        from seqgan_cli.models.oracle import read_oracle

        config = self.config()
        if config.values["data.source"] != "oracle":
            return None
        return read_oracle(self.path / "corpus" / "oracle.npz", config.values["data.sequence-length"])

    def generator_checkpoint(self, which: str, warn: Callable[[str], None]) -> Checkpoint:
        """The checkpoint `which` names: latest, adversarial, pretrain-g or best. Raises SeqganError if there is none."""
        if which == "best":
            found = self.checkpoints("pretrain-g").best()
        elif which == "latest":
            found = self.checkpoints("adversarial").latest(warn) or self.checkpoints("pretrain-g").latest(warn)
        else:
            found = self.checkpoints(which).latest(warn)
        if found is None:
            if which == "best" and self.has("pretrain-g"):
                raise SeqganError(f"{self.path} has no best checkpoint yet: no epoch has bettered the untrained generator.")
            first = "adversarial" if which == "adversarial" and self.has("pretrain-g") else "pretrain-g"
            raise SeqganError(
                f"{self.path} holds no trained generator{'' if which == 'latest' else f' {which!r}'}: "
                f"run `seqgan {first}` first."
            )
        return found

    def is_left_behind(self, checkpoint: Checkpoint) -> bool:
        """Whether a checkpoint is of adversarial training that began with an earlier generator than pretrain-g has now."""
        begun = checkpoint.facts.get("begun_with")
        own = {self.position("pretrain-g")}
        if self.config().values["adversarial.start"] == "best" and (best := self.checkpoints("pretrain-g").best()):
            own = {best.position}
        return begun is not None and begun not in own

    def generator(self, checkpoint: Checkpoint, corpus: "Corpus") -> "Generator":
        """The generator with a checkpoint's weights. Raises SeqganError if they do not fit the run's settings."""
        from seqgan_cli.models.generator import Generator

        generator = Generator(corpus.vocabulary, corpus.sequence_length, self.config().settings.generator)
        assign(checkpoint, named("generator", generator))
        return generator


def named(prefix: str, model: Any) -> dict[str, Any]:
    """A model's weights under the names that checkpoints give them."""
    return {f"{prefix}/{i}.{weight.name}": weight for i, weight in enumerate(model.trainable_variables)}


def assign(checkpoint: Checkpoint, variables: Mapping[str, Any]) -> None:
    """Restore variables by name. Raises SeqganError if one is missing or has another shape, before any is changed."""
    for name, variable in variables.items():
        array = checkpoint.arrays.get(name)
        if array is None or array.shape != tuple(variable.shape):
            found = "missing" if array is None else f"of shape {array.shape}"
            raise SeqganError(f"{checkpoint.path}: {name} is {found}, where the run's settings need {tuple(variable.shape)}.")
    for name, variable in variables.items():
        variable.assign(checkpoint.arrays[name])
