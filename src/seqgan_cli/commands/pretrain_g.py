"""`seqgan pretrain-g`."""

from typing import Any

import click

from seqgan_cli.jobs.options import DATA, KINDS, GroupedCommand, common_options, grouped_option, placed, setting_options

TRAINING = {
    "--epochs": "pretrain-g.epochs",
    "--batch-size": "pretrain-g.batch-size",
    "--g-learning-rate": "pretrain-g.learning-rate",
    "--optimizer": "pretrain-g.optimizer",
    "--clip-norm": "pretrain-g.clip-norm",
    "--g-dropout": "pretrain-g.dropout",
    "--eval-every": "pretrain-g.eval-every",
    "--patience": "pretrain-g.patience",
    "--plateau": "pretrain-g.plateau",
    "--keep-every": "pretrain-g.keep-every",
    "--scheduled-sampling": "pretrain-g.scheduled-sampling",
    "--sampling-decay": "pretrain-g.sampling-decay",
}
MODEL = {
    "--embedding-dim": "generator.embedding-dim",
    "--embeddings": "generator.embeddings",
    "--hidden-dim": "generator.hidden-dim",
    "--cell": "generator.cell",
}


@click.command("pretrain-g", cls=GroupedCommand)
@setting_options("Data", DATA)
@grouped_option("Data")(
    "--continue",
    "goes_on",
    is_flag=True,
    help="train on with other --data: the run keeps its vocabulary and the length of its sequences",
)
@setting_options("Poems, speeches, music", KINDS)
@setting_options("Generator", MODEL)
@setting_options("Training", TRAINING)
@placed
@common_options()
@click.pass_context
def command(context: click.Context, **_: Any) -> None:
    """Train the generator by maximum likelihood; begins a run.

    Counts are targets: a larger --epochs continues. Both the last checkpoint and the best held-out one are kept.
    """
    from seqgan_cli.jobs.job import job

    with job(context, ["pretrain-g"]) as work:
        work.train("pretrain-g")
