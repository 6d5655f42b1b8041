"""`seqgan adversarial`."""

from typing import Any

import click

from seqgan_cli.jobs.options import GroupedCommand, common_options, placed, setting_options

SCHEDULE = {
    "--rounds": "adversarial.rounds",
    "--g-steps": "adversarial.g-steps",
    "--d-steps": "adversarial.d-steps",
    "--k": "adversarial.k",
    "--start": "adversarial.start",
    "--monitor": "adversarial.monitor",
    "--patience": "adversarial.patience",
    "--keep-every": "adversarial.keep-every",
}
REWARD = {
    "--reward": "adversarial.reward",
    "--reward-file": "reward.file.path",
    "--reward-command": "reward.command.line",
    "--reward-jobs": "adversarial.reward-jobs",
    "--reward-timeout": "adversarial.reward-timeout",
    "--reward-references": "adversarial.reward-references",
    "--reward-order": "adversarial.reward-order",
}
NEAR = {
    "--kl-coefficient": "adversarial.kl-coefficient",
    "--kl-target": "adversarial.kl-target",
    "--keep-coverage": "adversarial.keep-coverage",
    "--mle-every": "adversarial.mle-every",
    "--mle-learning-rate": "adversarial.mle-learning-rate",
}
GENERATOR = {
    "--algorithm": "adversarial.algorithm",
    "--rollouts": "adversarial.rollouts",
    "--update-rate": "adversarial.update-rate",
    "--baseline": "adversarial.baseline",
    "--batch-size": "adversarial.batch-size",
    "--g-learning-rate": "adversarial.g-learning-rate",
}
DISCRIMINATOR = {
    "--d-learning-rate": "adversarial.d-learning-rate",
    "--d-samples": "adversarial.d-samples",
    "--precision": "discriminator.precision",
}


@click.command("adversarial", cls=GroupedCommand)
@setting_options("Schedule", SCHEDULE)
@setting_options("Reward", REWARD)
@setting_options("Policy gradient", GENERATOR)
@setting_options("Staying real", NEAR)
@setting_options("Discriminator", DISCRIMINATOR)
@placed
@common_options()
@click.pass_context
def command(context: click.Context, **_: Any) -> None:
    """Train generator and discriminator against each other (Algorithm 1).

    Needs `pretrain-g`; pre-trains the discriminator first if `pretrain-d` has not. A larger --rounds continues.
    """
    from seqgan_cli.jobs.job import job

    with job(context, ["adversarial"]) as work:
        work.train("adversarial")
