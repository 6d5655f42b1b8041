"""An experiment's tasks as trials of a study, so that several machines share them: each is done once, a dead one's again."""

from collections.abc import Sequence
from typing import Any

from seqgan_cli.errors import SeqganError
from seqgan_cli.studies.experiments.plan import Task
from seqgan_cli.studies.search.study import Shared, open_storage, wanted


class SharedTasks:
    """Which tasks are ours, as the storage has it. The machines see one directory: what one trained the others fork.

    Raises UsageError if the study was begun for something else; SeqganError if it has tasks done whose runs are not there.
    """

    def __init__(self, place: str, name: str, tasks: Sequence[Task], asked: dict[str, Any]) -> None:
        self.tasks = {task.label: task for task in tasks}
        asked = {**asked, "tasks": list(self.tasks)}
        self.shared = Shared(open_storage(place), name, {"seconds": False}, asked, len(tasks), "grid", 0, (), [])
        self._trials: dict[str, Any] = {}
        for label in self._ended():
            if not self.tasks[label].done:
                path = self.tasks[label].path
                raise SeqganError(f"{place} has {label} done, and {path} is not: restore it, or use another --storage.")

    def _ended(self) -> list[str]:
        done = (trial for trial in self.shared.trials() if trial.state == self.shared.states.COMPLETE)
        return [wanted(trial)["task"] for trial in done]

    def next(self, ready: Sequence[Task]) -> Task | None:
        labels = [task.label for task in ready]
        self.shared.points = [{"task": label} for label in labels]
        trial = self.shared.next()
        if trial is None:
            return None
        label = wanted(self.shared.frozen(trial))["task"]
        if label not in labels:  # its run is held by what a dead machine left, or our view of the directory is late
            self.shared.drop(trial)  # it comes again when it is ready
            return None
        self._trials[label] = trial
        return self.tasks[label]

    def beat(self, task: Task) -> None:
        """Raises SeqganError if another machine took the task over: nobody may train one run twice."""
        if not self.shared.beat(self._trials[task.label]):
            raise SeqganError(f"{task.label} was taken over by another machine, which heard nothing of this one for long.")

    def end(self, task: Task) -> None:
        self.shared.end(self._trials.pop(task.label), [0.0])

    def give_back(self, task: Task) -> None:
        self.shared.give_back(self._trials.pop(task.label))

    def ended_elsewhere(self, tasks: Sequence[Task]) -> list[Task]:
        ended = self._ended()
        return [task for task in tasks if task.label in ended and task.done]
