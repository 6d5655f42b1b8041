"""Who does which unit of work: leases, of this process alone or in Optuna's storage, where machines share them.

Optuna hands out numbers and keeps values; it is asked and told (`Study.ask`, `Study.tell`). Its own heartbeats need a database
and its own loop, so ours are an attribute of the trial, which every storage has. A trial that failed of itself has the
attribute FAILED and stands; one whose process died does not, and its values wait for another.
"""

import contextlib
import os
import platform
import time
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from seqgan_cli.errors import SeqganError, UsageError
from seqgan_cli.studies.tasks import Task

HEARTBEAT = 20.0  # seconds
SILENCE = 180.0  # seconds without a heartbeat after which another takes a trial over
LOCK_SILENCE = 10  # seconds after which the lock of one who was killed while writing to the journal is broken
FAILED, HOLDER, HEARTBEATS = "failed", "holder", "beats"  # attributes of trials, as studies have them that were begun before


class LocalLeases:
    """Nobody shares the work: all tasks are ours, in their order."""

    def take(self, ready: Sequence[str]) -> tuple[str, Any] | None:
        return (ready[0], ready[0]) if ready else None

    def ended(self) -> set[str]:
        return set()

    def heartbeat(self, lease: Any) -> bool:
        return True

    def end(self, lease: Any, values: Sequence[float] | None = None, failed: str = "") -> bool:
        return True

    def requeue(self, lease: Any) -> None: ...


def open_storage(place: str) -> Any:
    """Optuna's journal in a file, or its tables in a database if `place` is a URL. Raises SeqganError."""
    try:
        import optuna
    except ImportError:
        raise SeqganError("Searches need Optuna: pip install 'seqgan-cli[tune]'.") from None
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
    if "://" not in place:
        from optuna.storages.journal import JournalFileBackend, JournalFileSymlinkLock

        path = Path(place)
        if path.is_dir():
            raise UsageError(f"--storage {path} is a directory: name a file.")
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            backend = JournalFileBackend(str(path), JournalFileSymlinkLock(str(path), LOCK_SILENCE))
            return optuna.storages.JournalStorage(backend)
        except (ValueError, KeyError, TypeError) as error:
            raise SeqganError(f"--storage {path} holds no journal of Optuna's ({error}): name another file.") from None
    from sqlalchemy.exc import DBAPIError, SQLAlchemyError

    for patience in (0.2, 0.5, 1.0, 0.0):
        try:
            return optuna.storages.RDBStorage(place)
        except ImportError as error:
            missing = error.name or error
            raise SeqganError(f"--storage {_shown(place)}: {missing} is missing; install that database's driver.") from None
        except (SQLAlchemyError, RuntimeError) as error:
            if not isinstance(error, DBAPIError) or not patience:
                reason = str(error).strip().splitlines()[0]
                raise SeqganError(f"--storage {_shown(place)} cannot be used: {reason}") from None
        time.sleep(patience)  # those who begin at the same moment make the same tables, and all but one are refused


def _shown(url: str) -> str:
    """A database's URL without its password."""
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        return make_url(url).render_as_string(hide_password=True)
    except ArgumentError:
        return url.partition("://")[0] + "://…"


class SharedStudy:
    """One process's view of a study that several share. A trial is a lease.

    Args:
        storage: from `open_storage`.
        name: of the study in it.
        objectives: names of the scores it searches for, and whether more of each is better.
        asked: what makes its trials comparable; those who join must ask for the same.
        number: trials wanted in all, of everybody together.
        points: the values of trials, where they are given: each is done once, and nothing else.

    Raises UsageError if the study was begun with something else.
    """

    def __init__(
        self,
        storage: Any,
        name: str,
        objectives: Mapping[str, bool],
        asked: dict[str, Any],
        number: int,
        points: Sequence[dict[str, Any]] | None = None,
    ) -> None:
        import optuna

        self.objectives, self.number, self.points = objectives, number, points
        kinds = optuna.study.StudyDirection
        directions = [kinds.MAXIMIZE if higher else kinds.MINIMIZE for higher in objectives.values()]
        self.states = optuna.trial.TrialState
        self.study = optuna.create_study(storage=storage, study_name=name, directions=directions, load_if_exists=True)
        asked = {"objectives": list(objectives), **asked}
        before = self.study.user_attrs.get("asked")
        if before is None:
            self.study.set_user_attr("asked", asked)
        else:
            for what in sorted({*asked, *before}):
                if asked.get(what) != before.get(what):
                    raise UsageError(
                        f"The study {name!r} was begun with {what} {before.get(what, 'not given')}, and this command asks for "
                        f"{asked.get(what, 'none')}: its trials would not compare. Give the same, or another --study."
                    )
        self._own: dict[int, float] = {}  # trials at work here, and when their last heartbeat was
        self._heard: dict[int, tuple[Any, float]] = {}  # those elsewhere: the last heartbeat, and when we first saw it

    def trials(self) -> list[Any]:
        """All trials that stand, by number: not those whose process died, nor points that came twice into the queue."""
        found, known = [], []
        for trial in self.study.get_trials(deepcopy=False):
            if trial.state == self.states.FAIL and FAILED not in trial.user_attrs:
                continue
            if self.points is not None:
                if not (values := wanted(trial)) or values in known:
                    continue
                known.append(values)
            found.append(trial)
        return found

    @property
    def finished(self) -> list[Any]:
        return [trial for trial in self.trials() if trial.state.is_finished()]

    @property
    def done(self) -> bool:
        """Whether as many trials have ended as were wanted."""
        return len(self.finished) >= self.number

    def next(self) -> Any:
        """A trial to carry out, or None while all that are wanted are at work elsewhere or done."""
        self._take_over()
        if self.points is not None:
            known = [wanted(trial) for trial in self.trials()]
            for point in self.points:
                if point not in known:
                    self.study.enqueue_trial(point)
        standing = self.trials()
        waiting = any(trial.state == self.states.WAITING for trial in standing)
        if not waiting and (self.points is not None or len(standing) >= self.number):
            return None
        trial = self.study.ask()
        # Others may have asked at the same moment: the lowest numbers have it.
        if trial.number not in [each.number for each in self.trials()[: self.number]]:
            self.drop(trial)
            return None
        trial.set_user_attr(HOLDER, [os.getpid(), platform.node()])
        self._begin(trial)
        self._own[trial.number] = time.monotonic()
        return trial

    def _begin(self, trial: Any) -> None:
        """Give a trial that is ours its values, where its study draws them."""

    # What a trial's holder tells.

    def heartbeat(self, trial: Any) -> bool:
        """Say that a trial is still at work here. False if it was taken over."""
        import optuna

        if time.monotonic() - self._own[trial.number] < HEARTBEAT:
            return True
        self._own[trial.number] = time.monotonic()
        try:
            trial.set_user_attr(HEARTBEATS, trial.user_attrs.get(HEARTBEATS, 0) + 1)
        except optuna.exceptions.UpdateFinishedTrialError:
            return False
        return True

    def end(self, trial: Any, values: Sequence[float] | None = None, failed: str = "") -> bool:
        """A trial came to its end: with values, failed for a reason, or, with neither, pruned.

        False if another took it over, and what we found does not count.
        """
        import optuna

        self._own.pop(trial.number, None)
        if failed:
            with contextlib.suppress(optuna.exceptions.UpdateFinishedTrialError):  # `_tell` says so
                trial.set_user_attr(FAILED, failed)
        state = self.states.COMPLETE if values is not None else self.states.FAIL if failed else self.states.PRUNED
        return self._tell(trial.number, state, values)

    def drop(self, trial: Any) -> None:
        """Have a trial not count."""
        self._own.pop(trial.number, None)
        self._tell(trial.number, self.states.FAIL)

    def requeue(self, trial: Any) -> None:
        """Stop a trial here; its values wait for whoever comes next."""
        self._own.pop(trial.number, None)
        self.hand_over(self.frozen(trial))

    def frozen(self, trial: Any) -> Any:
        """A trial at work as `trials` has it."""
        return self.study.get_trials(deepcopy=False)[trial.number]

    def _tell(self, number: int, state: Any, values: Sequence[float] | None = None) -> bool:
        import optuna

        try:
            self.study.tell(number, values, state)
        except (ValueError, optuna.exceptions.UpdateFinishedTrialError):
            return False
        return True

    # What is done for those who can no longer tell.

    def _take_over(self) -> None:
        now = time.monotonic()
        for trial in self.study.get_trials(deepcopy=False):
            if trial.state != self.states.RUNNING or trial.number in self._own:
                continue
            heard = trial.user_attrs.get(HEARTBEATS, 0)
            if trial.number not in self._heard or self._heard[trial.number][0] != heard:
                self._heard[trial.number] = heard, now
            silent = now - self._heard[trial.number][1]
            if _gone(trial.user_attrs.get(HOLDER)) or silent > SILENCE:
                self.hand_over(trial)

    def hand_over(self, trial: Any) -> None:
        """Fail a trial whose holder is gone, and put its values into the queue. Only one of us succeeds."""
        values = wanted(trial)
        if self._tell(trial.number, self.states.FAIL) and values:
            self.study.enqueue_trial(values)


class SharedTasks(SharedStudy):
    """Leases on an experiment's tasks. The machines see one directory: what one trained the others fork.

    Raises UsageError if the study was begun for something else; SeqganError if it has tasks done whose runs are not there.
    """

    def __init__(self, place: str, name: str, tasks: Sequence[Task], asked: dict[str, Any]) -> None:
        known = {task.label: task for task in tasks}
        super().__init__(open_storage(place), name, {"seconds": False}, {**asked, "tasks": list(known)}, len(tasks), [])
        for label in self.ended():
            if not known[label].done:
                path = known[label].path
                raise SeqganError(f"{place} has {label} done, and {path} is not: restore it, or use another --storage.")

    def take(self, ready: Sequence[str]) -> tuple[str, Any] | None:
        self.points = [{"task": label} for label in ready]
        trial = self.next()
        if trial is None:
            return None
        label = wanted(self.frozen(trial))["task"]
        if label not in ready:  # its run is held by what a dead machine left, or our view of the directory is late
            self.drop(trial)  # it comes again when it is ready
            return None
        return label, trial

    def ended(self) -> set[str]:
        return {wanted(trial)["task"] for trial in self.trials() if trial.state == self.states.COMPLETE}


def wanted(trial: Any) -> dict[str, Any]:
    """The values that a trial has, or is to have."""
    return {**trial.system_attrs.get("fixed_params", {}), **trial.params}


def _gone(holder: Any) -> bool:
    """Whether a process of this machine that held a trial has ended. Of another machine's we hear heartbeats or none."""
    if not holder or holder[1] != platform.node():
        return False
    try:
        os.kill(holder[0], 0)
    except OSError as error:
        return isinstance(error, ProcessLookupError)
    return False
