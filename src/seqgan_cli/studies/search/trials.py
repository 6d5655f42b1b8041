"""The trials of a search: their stages as runs, which they share where their settings allow, and the scores they come to."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seqgan_cli.config.checks import check_together
from seqgan_cli.config.paths import short
from seqgan_cli.config.resolution import Config, resolve
from seqgan_cli.config.settings import STAGES, file_settings, settings_of
from seqgan_cli.errors import SeqganError
from seqgan_cli.runs.run import Run
from seqgan_cli.studies.executor import Unit
from seqgan_cli.studies.tasks import Task, Work

DEATHS = 3  # times that a signal may end a trial's processes before the trial counts as failed


@dataclass(frozen=True)
class Base:
    """What all trials have in common: the settings that were asked for, seed and preset, where runs go, and the last stage."""

    asked: Mapping[str, Any]
    seed: int
    preset: str
    directory: Path
    until: str

    def matters(self, name: str) -> bool:
        """Whether a setting changes what a trial comes to."""
        stages = STAGES[: STAGES.index(self.until) + 1]
        return name in settings_of(*stages)

    def told(self) -> dict[str, Any]:
        """The settings that were asked for, as another machine can compare them: of files their names alone."""
        return {name: short(value) if name in file_settings() else value for name, value in sorted(self.asked.items())}

    def config(self, values: Mapping[str, Any]) -> Config:
        """All settings of a trial with these values."""
        chosen = {**self.asked, **values, "seed": self.seed}
        return resolve(chosen, dict.fromkeys(chosen, "option"), None, self.preset)

    def tasks(self, values: Mapping[str, Any]) -> list[Task]:
        """The stages of a trial, in order. Raises UsageError for values that cannot go together."""
        whole = self.config(values)
        check_together(whole.settings)
        stages = list(STAGES[: STAGES.index(self.until) + 1])
        if self.until == "adversarial" and not whole.settings.needs_discriminator:
            stages.remove("pretrain-d")
        found: list[Task] = []
        for i, stage in enumerate(stages):
            read = settings_of(*stages[: i + 1])
            known = {name: value for name, value in whole.values.items() if name in read or name.startswith(f"{stage}.")}
            digest = hashlib.blake2b(json.dumps([known, stages], sort_keys=True).encode(), digest_size=5).hexdigest()
            chosen = {name: value for name, value in {**self.asked, **values}.items() if name in known}
            config = resolve(chosen, dict.fromkeys(chosen, "option"), None, self.preset)
            work = Work(stage, found[-1].name if found else None)
            found.append(Task(f"{stage}-{digest}", self.seed, work, self.directory, config, self.preset))
        return found


class Trial(Unit):
    """A trial at work, with the scores of its last stage, whose generator counts.

    Args:
        lease: Optuna's trial.
        scores: names of the scores to search for.
    """

    def __init__(self, tasks: Sequence[Task], lease: Any, scores: Sequence[str]) -> None:
        super().__init__(tasks, lease, DEATHS)
        self.scores = scores
        self._told = 0  # units whose scores were reported
        self._size = -1

    @property
    def last(self) -> Task:
        """The stage whose generator counts."""
        return self.tasks[-1]

    def news(self) -> list[tuple[int, list[float]]]:
        """The scores of the last stage that were measured since they were last asked for, after how many units each."""
        history = Run(self.last.path).history
        size = history.path.stat().st_size if history.path.exists() else 0
        if size == self._size:
            return []
        self._size = size
        found = [(unit, values) for unit, values in self._scored() if unit > self._told]
        self._told = max([self._told, *(unit for unit, _ in found)])
        return found

    def _scored(self) -> list[tuple[int, list[float]]]:
        by_unit: dict[int, dict[str, float]] = {}
        for row in Run(self.last.path).history.rows():
            if row.stage == self.last.work.stage and row.metric in self.scores and row.position:
                by_unit.setdefault(row.position, {})[row.metric] = row.value
        whole = {unit: found for unit, found in sorted(by_unit.items()) if len(found) == len(self.scores)}
        return [(unit, [found[name] for name in self.scores]) for unit, found in whole.items()]

    def values(self) -> list[float]:
        """The scores of the generator that it ends with: the last round's, or the best held-out epoch's.

        Raises SeqganError if they are not all there.
        """
        scored = self._scored()
        if self.last.work.stage == "pretrain-g":
            best = Run(self.last.path).checkpoints("pretrain-g").best()
            scored = [(unit, values) for unit, values in scored if best and unit == best.position]
        if not scored:
            raise SeqganError(f"{self.last.label} has no {' and '.join(self.scores)} at its end.")
        return scored[-1][1]
