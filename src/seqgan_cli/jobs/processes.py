"""A command that several processes carry out together: the chief has the run, the others a copy in a folder that goes away."""

import contextlib
import os
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from seqgan_cli import __version__
from seqgan_cli.config import registry
from seqgan_cli.config.settings import Settings
from seqgan_cli.console import Console
from seqgan_cli.errors import SeqganError, UsageError
from seqgan_cli.jobs.sampling import CHOICES
from seqgan_cli.jobs.trained import with_generator
from seqgan_cli.runs.run import Run
from seqgan_cli.training.backend import start_tensorflow
from seqgan_cli.training.distribution.placement import Placement, placement

SHARED = ("config.json", "vocabulary.txt", "corpus", "checkpoints", "history.csv")  # of a run: what a stage reads


def place_of(context: click.Context) -> Placement:
    """Where the command's options ask it to run. Raises UsageError."""
    parameters = context.params
    devices, cluster, worker = (parameters.get(name) for name in ("devices", "cluster", "worker"))
    return placement(parameters.get("distribute", "none"), devices, cluster, worker, os.environ)


def join(context: click.Context, place: Placement, asked: Mapping[str, Any], console: Console) -> Any:
    """Start TensorFlow, with the other processes if there are any. Returns the strategy whose scope is for the caller to enter.

    Raises UsageError in all of them if one was asked for something else.
    """
    parameters = context.params
    if place.workers:
        console.say(f"Worker {place.index} of {len(place.workers)} at {place.workers[place.index]}: waiting for the others …")
    strategy = start_tensorflow(parameters["threads"], parameters["verbose"], place)
    if place.workers:
        import tensorflow as tf

        from seqgan_cli.training.distribution.agreement import refuse_disagreement

        given = {name: parameters.get(name) for name in ("seed", "preset", "overwrite", "samples", *CHOICES, "which")}
        versions = {"the version of seqgan": __version__, "the version of TensorFlow": tf.__version__}
        with strategy.scope():
            refuse_disagreement({**versions, "the command": context.info_name, **given, **asked}, place)
    return strategy


def refuse_too_few_rows(settings: Settings, stages: Sequence[str], sequences: int, strategy: Any) -> None:
    """Raises UsageError if a stage's batches, of so many training sequences at most, leave a replica without a row."""
    number = strategy.num_replicas_in_sync
    g, d = settings.pretrain_g.batch_size, settings.discriminator.batch_size
    rows = {"pretrain-g": {"pretrain-g.batch-size": min(g, sequences)}, "pretrain-d": {"discriminator.batch-size": d}}
    shared = registry.algorithms[settings.adversarial.algorithm].batch_sizes
    rows["adversarial"] = {**{name: settings.values[name] for name in shared}, **rows["pretrain-d"]}
    for setting, count in (each for stage in stages for each in rows[stage].items()):
        if count < number:
            raise UsageError(f"{setting} is {count}, and {number} replicas share a batch: make it larger, or use fewer.")


def share(run: Run, place: Placement, strategy: Any) -> None:
    """The chief's part of `received`."""
    if place.workers:
        from seqgan_cli.training.distribution.agreement import share_folder

        with strategy.scope():
            share_folder(run.path, SHARED, place)


@contextlib.contextmanager
def received(place: Placement, strategy: Any) -> Iterator[Run]:
    """The chief's run as it now is, in a folder of this process."""
    from seqgan_cli.training.distribution.agreement import share_folder

    with tempfile.TemporaryDirectory(prefix="seqgan-") as folder:
        with strategy.scope():
            share_folder(Path(folder), SHARED, place)
        yield Run(Path(folder))


@contextlib.contextmanager
def shared_run(context: click.Context, console: Console) -> Iterator[tuple[Run, Console]]:
    """The trained run that a command reads, and where it may speak: the chief's own, and for the others a copy and nowhere.

    Raises SeqganError if it holds no generator, UsageError if the processes were asked for different things.
    """
    place = place_of(context)
    run = Run(context.params["run_path"])
    if place.is_chief:
        with_generator(run)
    with naming_the_lost(place):
        strategy = join(context, place, {}, console)
        if not place.is_chief:
            with received(place, strategy) as copy, strategy.scope():
                yield copy, Console(silent=True)
            return
        share(run, place, strategy)
        with strategy.scope():
            yield run, console


@contextlib.contextmanager
def naming_the_lost(place: Placement) -> Iterator[None]:
    """Raises SeqganError, with the name of the process that is gone, where TensorFlow's collectives fail."""
    try:
        yield
    except Exception as error:
        operation = getattr(sys.modules.get("tensorflow"), "errors", None)
        if not place.workers or operation is None or not isinstance(error, operation.OpError):
            raise
        if "Could not start gRPC server" in str(error):
            raise SeqganError(f"Cannot listen at {place.workers[place.index]}: perhaps another program does.") from None
        gone = sorted({int(number) for number in re.findall(r"/task:(\d+)", str(error))} - {place.index})
        if not gone:
            raise
        raise SeqganError(
            f"{' and '.join(map(place.name, gone))} no longer answer{'s' * (len(gone) == 1)}: see what was said there: one may "
            "stop because another did. What the chief saved is whole; the same commands go on."
        ) from None
