"""A task, the unit that experiments and searches train: one stage of one run, carried out by a command of this program.

It is a process of its own, so it can be killed by itself, gives its memory back, and is what a user would have typed.
"""

import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from seqgan_cli.config.resolution import Config
from seqgan_cli.config.schema import written
from seqgan_cli.config.settings import TARGETS
from seqgan_cli.errors import SeqganError
from seqgan_cli.runs.best import best_of, has_stalled
from seqgan_cli.runs.run import Run


@dataclass(frozen=True)
class Work:
    """A stage, the settings that make it what it is, and the work whose run it begins from.

    usual: settings that it has where nothing else is asked for.
    """

    stage: str
    parent: str | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    usual: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Task:
    """A work of one seed: where its run is, what it starts from, and the settings of both study and work."""

    name: str
    seed: int
    work: Work
    directory: Path
    config: Config
    preset: str

    @property
    def path(self) -> Path:
        return self.directory / f"seed-{self.seed}" / self.name

    @property
    def parent(self) -> Path | None:
        return self.path.with_name(self.work.parent) if self.work.parent else None

    @property
    def label(self) -> str:
        return f"seed-{self.seed}/{self.name}"

    @property
    def log(self) -> Path:
        return self.path.with_name(f"{self.name}.log")

    @property
    def target(self) -> int:
        """Units the stage is to reach."""
        return int(self.config.values[TARGETS[self.work.stage]])

    @property
    def share(self) -> float:
        """How much of it is done and saved, in [0, 1]."""
        return min(1.0, Run(self.path).position(self.work.stage) / self.target)

    @property
    def done(self) -> bool:
        """Whether it has reached its target, or lost its patience, and the checkpoint that says so can be read."""
        try:
            found = Run(self.path).checkpoints(self.work.stage).latest(lambda words: None)
        except SeqganError:
            return False
        if found is None:
            return False
        stage, settings = self.work.stage, self.config.settings
        stalled = has_stalled(found.position, best_of(found.facts, settings, stage), settings.patience(stage))
        return stalled or found.position >= self.target

    @property
    def busy(self) -> bool:
        """Whether a process trains its run, such as one that outlived the study that started it."""
        return Run(self.path).busy

    def command_line(self, threads: int) -> list[str]:
        """The arguments of `seqgan` that carry it out."""
        asked = [name for name, source in self.config.sources.items() if source in ("option", "file") and name != "seed"]
        sets = [part for name in asked for part in ("--set", f"{name}={written(self.config.values[name])}")]
        preset = ["--preset", self.preset]
        return [self.work.stage, "--run", str(self.path), "--seed", str(self.seed), *preset, "--threads", str(threads), *sets]

    def launch(self, threads: int) -> tuple[subprocess.Popen, int]:
        """Begin or go on: the process, and the byte of the log where it begins to write. Raises OSError."""
        if self.parent and not self.path.exists():
            Run(self.parent).fork(self.path)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("SEQGAN_")}
        with self.log.open("ab") as log:
            begins = log.tell()
            process = subprocess.Popen(
                [sys.executable, "-m", "seqgan_cli", *self.command_line(threads)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                start_new_session=True,  # Ctrl-C is for us: we pass it on, and wait
            )
        return process, begins


class TaskError(SeqganError):
    """A task's command failed. `reason`: how, as `failure` says it."""

    def __init__(self, task: Task, reason: str) -> None:
        super().__init__(f"{task.work.stage} {reason}")
        self.task, self.reason = task, reason


def failure(code: int, log: Path, begins: int) -> str:
    """How a command ended, from its exit code and what it said from that byte of its log on."""
    if code < 0:
        hint = " (perhaps for want of memory)" if code == -signal.SIGKILL else ""
        return f"was killed by {signal.Signals(-code).name}{hint}."
    lines = log.read_bytes()[begins:].decode(errors="replace").strip().splitlines()
    for i in range(len(lines) - 1, -1, -1):
        if lines[i].startswith("Error: "):
            return f"failed: {' '.join(lines[i:]).removeprefix('Error: ')}"
    return f"failed: {lines[-1] if lines else 'it said nothing.'}"
