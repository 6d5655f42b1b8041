"""`seqgan status`."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seqgan_cli.config.resolution import Config
from seqgan_cli.config.settings import STAGES, TARGETS
from seqgan_cli.console import number
from seqgan_cli.errors import SeqganError
from seqgan_cli.jobs.options import GroupedCommand, common_options, console_of

if TYPE_CHECKING:
    from seqgan_cli.runs.run import Run

ACCURACIES = ("d_accuracy_validation", "d_accuracy_test", "d_accuracy_fake")
SHOWN = ("nll_oracle", "nll_validation", "nll_test", "distinct_share", "reward_mean", *ACCURACIES, "d_knows", "nats_earned")


@click.command("status", cls=GroupedCommand)
@common_options(training=False)
@click.pass_context
def command(context: click.Context, run_path: Path, **_: Any) -> None:
    """Tell what a run has: where each stage stands, its last scores, and what to run next."""
    console = console_of(context)
    from seqgan_cli.runs.run import Run

    run = Run(run_path)
    config = run.config()
    record = run.record()
    rows = []
    for stage in STAGES:
        target = TARGETS[stage]
        position = run.position(stage)
        scores = run.history.at(stage, position) if position else {}
        shown = ", ".join(f"{name} {number(scores[name])}" for name in SHOWN if name in scores)
        rows.append([stage, f"{position} of {config.values[target]} {target.partition('.')[2]}", shown])
    console.result(
        f"Run {run_path}: {config.values['data.source']}, seed {config.values['seed']}, preset {record.get('preset')}, "
        f"seqgan {record.get('versions', {}).get('seqgan', '?')}"
    )
    for each in run.earlier_data:
        console.result(f"Before: {each['settings']['data.source']}, up to epoch {each['until']} of pretrain-g")
    console.table("", ["stage", "done", "last scores"], rows, numbers=False)
    console.result(f"Next: {next_command(run, config)}")


def next_command(run: "Run", config: Config) -> str:
    """What to type next for a run: the stage that is not done, else what it is for."""
    option = "" if str(run.path) == "runs/default" else f" --run {shlex.quote(str(run.path))}"
    for stage in STAGES:
        if stage == "pretrain-d" and (not config.settings.needs_discriminator or run.has("adversarial")):
            continue
        if run.position(stage) < config.values[TARGETS[stage]] and not _lost_patience(run, config, stage):
            return f"seqgan {stage}{option}"
    return f"seqgan sample{option} > out.txt, or seqgan eval-nll{option}"


def _lost_patience(run: "Run", config: Config, stage: str) -> bool:
    """Whether the stage would stop before another unit, since its score has not improved for so long."""
    from seqgan_cli.runs.best import best_of, has_stalled

    patience, checkpoints = config.settings.patience(stage), run.checkpoints(stage)
    try:
        found = checkpoints.latest(lambda words: None) if patience else None
    except SeqganError:  # the stage itself says what is wrong with them
        return False
    if found is None:
        return False
    best = best_of(found.facts, config.settings, stage, checkpoints.is_of_earlier_data(found))
    return has_stalled(found.position, best, patience)
