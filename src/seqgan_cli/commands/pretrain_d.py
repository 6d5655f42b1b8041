"""`seqgan pretrain-d`."""

from typing import Any

import click

from seqgan_cli.jobs.options import GroupedCommand, common_options, placed, setting_options

TRAINING = {
    "--d-steps": "pretrain-d.d-steps",
    "--k": "pretrain-d.k",
    "--d-learning-rate": "pretrain-d.learning-rate",
    "--d-samples": "pretrain-d.d-samples",
    "--batch-size": "discriminator.batch-size",
}
MODEL = {
    "--discriminator-embeddings": "discriminator.embeddings",
    "--d-dropout": "discriminator.dropout",
    "--l2": "discriminator.l2",
    "--filters": "discriminator.filters",
    "--precision": "discriminator.precision",
}


@click.command("pretrain-d", cls=GroupedCommand)
@setting_options("Discriminator", MODEL)
@setting_options("Training", TRAINING)
@placed
@common_options()
@click.pass_context
def command(context: click.Context, **_: Any) -> None:
    """Train the discriminator to tell real sequences from the pre-trained generator's."""
    from seqgan_cli.jobs.job import job

    with job(context, ["pretrain-d"]) as work:
        work.train("pretrain-d")
