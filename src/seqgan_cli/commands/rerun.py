"""`seqgan rerun`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seqgan_cli.config.settings import STAGES, TARGETS
from seqgan_cli.errors import SeqganError, UsageError
from seqgan_cli.jobs.options import GroupedCommand, grouped_option

if TYPE_CHECKING:
    from seqgan_cli.jobs.job import Job
    from seqgan_cli.runs.run import Run

_option = grouped_option("Common")


@click.command("rerun", cls=GroupedCommand)
@click.argument("original", metavar="RUN", type=click.Path(path_type=Path))
@_option(
    "--run",
    "run_path",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="the directory of the repetition [RUN-again]",
)
@_option("--threads", type=click.IntRange(0, 1024), default=0, metavar="N", help="CPU threads [all]")
@_option("-q", "--quiet", is_flag=True, help="only warnings, errors and results")
@_option("-v", "--verbose", is_flag=True, help="more notes, and what TensorFlow has to say")
@click.pass_context
def command(context: click.Context, original: Path, run_path: Path | None, **_: Any) -> None:
    """Train again from what RUN recorded, in a new directory, and tell whether every weight came out the same.

    Exit code 1 if one did not. Stopped anywhere, the same command goes on from there.
    """
    from seqgan_cli.data.split import FORMERLY
    from seqgan_cli.jobs.job import job
    from seqgan_cli.runs.run import Run

    first = Run(original)
    config, record = first.config(), first.record()
    done = {stage: first.position(stage) for stage in STAGES if first.has(stage)}
    if not done:
        raise SeqganError(f"{original} holds no trained generator: there is nothing to repeat.")
    target = run_path or original.with_name(original.name + "-again")
    if target.resolve() == original.resolve():
        raise UsageError(f"--run {target} is RUN itself: name another directory.")
    if (original / "corpus" / f"{FORMERLY}.npz").exists():
        raise SeqganError(
            f"{original} was begun by an earlier version, which trained and scored otherwise: only that version repeats it."
        )
    if first.earlier_data:
        number = len(first.earlier_data) + 1
        raise SeqganError(f"{original} was trained on {number} data sets in turn, and what is repeated is a run on one.")
    settings = {**config.values, **{TARGETS[stage]: position for stage, position in done.items()}}
    common = {"sets": (), "config_file": None, "overwrite": False, "tensorboard": False, "seed": None}
    context.params.update(common, run_path=target, preset=record.get("preset"))
    with job(context, list(done), settings) as work:
        if work.run.fingerprint != first.fingerprint:
            raise SeqganError(f"{config.values['data.source']} is not what {original} was trained on: it has changed since.")
        _repeat_exactly(work, first)
        for stage in done:
            work.train(stage)
        rows = [[stage, str(position), *_sameness(first, work.run, stage)] for stage, position in done.items()]
        work.console.table("", ["stage", "units", "weights", "scores"], rows, numbers=False)
        if any("same" not in cell for row in rows for cell in row[2:]):
            raise SeqganError(f"{target} did not come out as {original} did{_reasons(record, work.run.record())}.")


def _repeat_exactly(work: "Job", first: "Run") -> None:
    """Score where `first` was scored, and stop where it stopped.

    Its epochs may have been scored by another `--eval-every`, or as the last of a command with fewer `--epochs`, and the best
    is chosen among those; and a patience that it has now may not be the one that it was trained with.
    """
    scored = {row.position for row in first.history.rows() if row.stage == "pretrain-g" and row.metric == "distinct_share"}
    work.scored = scored or None
    work.settings = work.settings.changed({"pretrain-g.patience": 0, "adversarial.patience": 0})


def _sameness(first: "Run", second: "Run", stage: str) -> tuple[str, str]:
    """Of the weights and the optimizer's state, byte for byte, and of every score in the first's history; in words."""
    states = []
    for run in (first, second):
        found = run.checkpoints(stage).latest(lambda message: None)
        states.append({name: (a.dtype, a.shape, a.tobytes()) for name, a in found.arrays.items()} if found else {})
    differing = sum(states[0].get(name) != states[1].get(name) for name in {**states[0], **states[1]})
    weights = "the same, byte for byte" if not differing else f"{differing} of {len(states[0])} differ"
    curves = [
        {(r.position, r.metric, repr(r.value)) for r in run.history.rows() if r.stage == stage} for run in (first, second)
    ]
    differing = len(curves[0] - curves[1])
    return weights, "the same" if not differing else f"differ in {differing} points"


def _reasons(first: dict[str, Any], second: dict[str, Any]) -> str:
    """What differs between two records of where they were made, in words."""
    found = [
        f"{name} {before.get(name, 'unknown')} → {after.get(name, 'unknown')}"
        for before, after in ((first.get(part, {}), second.get(part, {})) for part in ("versions", "machine"))
        for name in {**before, **after}
        if before.get(name) != after.get(name) and name != "features"
    ]
    if first.get("machine", {}).get("features") != second.get("machine", {}).get("features"):
        found.append("another processor")
    if len(first.get("commands", [])) > 1:
        found.append(f"settings may have changed between its {len(first['commands'])} commands")
    return f" ({'; '.join(found)})" if found else " (perhaps another number of threads)"
