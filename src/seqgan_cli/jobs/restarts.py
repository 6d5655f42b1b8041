"""What a run has come too far to change, what has changed under it, and the commands that restart it."""

from collections.abc import Sequence
from typing import Any

from seqgan_cli.config import resolution as configuration
from seqgan_cli.config.checks import check
from seqgan_cli.config.resolution import Config
from seqgan_cli.config.schema import written
from seqgan_cli.config.settings import SCHEMA, STAGES
from seqgan_cli.console import Console
from seqgan_cli.errors import UsageError, restarting
from seqgan_cli.runs.continued import going_on
from seqgan_cli.runs.origins import changed, scorers_of
from seqgan_cli.runs.run import Run


def _locked(name: str, run: Run, restarted: str | None) -> bool:
    """Whether the run has come too far to change a setting, given the stage that is restarted, if any."""
    since = SCHEMA[name].fixed_by
    if since is None:
        return False
    kept = STAGES[: STAGES.index(restarted)] if restarted else STAGES
    if since == "corpus":
        return restarted != "pretrain-g"
    return any(stage in kept and run.has(stage) for stage in STAGES[STAGES.index(since) :])


def check_locked(asked: dict[str, Any], sources: dict[str, str], recorded: Config, run: Run, restarted: str | None) -> None:
    """Raises UsageError for a setting that the run has come too far to change, with the command that restarts with it."""
    different = {name: value for name, value in asked.items() if recorded.values.get(name, value) != value}
    locked = [name for name in different if _locked(name, run, restarted)]
    if not locked:
        return
    name = locked[0]
    before = recorded.values[name]
    since = {restarted, *(SCHEMA[each].fixed_by for each in locked)}
    first = STAGES[0] if "corpus" in since else next(stage for stage in STAGES if stage in since)
    raise UsageError(
        f"{name} is {'not given' if before == '' else written(before)} in {run.path} and cannot become "
        f"{written(different[name])}: "
        f"leave it out, {_or_going_on(different, recorded, run)}{_restart(first, different, sources, recorded, run)}."
    )


def _or_going_on(different: dict[str, Any], recorded: Config, run: Run) -> str:
    """That a run can go on with other data, where it is asked for nothing else."""
    if set(different) != {"data.source"} or recorded.settings.data.synthetic or not run.has(STAGES[0]):
        return ""
    return f"go on with it by {going_on(run, different['data.source'])}, "


def _restart(stage: str, different: dict[str, Any], sources: dict[str, str], recorded: Config, run: Run) -> str:
    """What to do to have other settings: another run, or a restart unless these do not go with the run's others."""
    config = configuration.resolve(different, sources, recorded, str(run.record().get("preset") or "paper"))
    try:
        check(config)
    except UsageError:
        return "or use another --run"
    sets = [f"{name}={written(value)}" for name, value in different.items() if sources[name] != "data"]
    return f"use another --run, or restart with {_restarting(stage, run, sets)}"


def _restarting(stage: str, run: Run, sets: Sequence[str] = ()) -> str:
    """The command, and what is lost by it."""
    later = [name for name in STAGES[STAGES.index(stage) + 1 :] if run.has(name)]
    return restarting(stage, run.path, sets) + f", which drops {' and '.join(later)} too" * bool(later)


def tell_of_changed_files(run: Run, config: Config, console: Console) -> None:
    """Which of the data's files are no longer what the run has read, and what to do."""
    for name, path in changed(run.record().get("origins", {}), config.values):
        since = SCHEMA[name].fixed_by
        stage = since if since in STAGES else STAGES[0]
        console.warn(
            f"{path} has changed since {run.path} read it, and the run goes on with what it was: to train on what it is now, "
            f"{_going_on_with(name, path, run)}use another --run, or restart with {_restarting(stage, run)}."
        )


def _going_on_with(name: str, path: str, run: Run) -> str:
    """That a run can train on with what its data are now."""
    return f"go on with {going_on(run, path)}, " if name == "data.source" and run.has(STAGES[0]) else ""


def tell_of_changed_scorers(run: Run, config: Config, console: Console) -> None:
    """Which of the files that score the rounds are no longer what they were when these began."""
    recorded = run.record().get("scorers", {})
    if not run.has("adversarial"):
        return
    for name, digest in scorers_of(config.settings).items():
        if recorded.get(name, digest) != digest:
            console.warn(
                f"{config.values[name]} has changed since {run.path}'s rounds began: what it says from here on is not what it "
                f"said before. To have all rounds scored alike, restart them with {_restarting('adversarial', run)}."
            )
