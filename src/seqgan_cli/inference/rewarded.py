"""A reward of a trained run's sequences, for commands that look and do not train: its options, and what is made of them."""

import contextlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import click

from seqgan_cli.config import registry
from seqgan_cli.config.checks import check_rewards
from seqgan_cli.config.resolution import explicit
from seqgan_cli.config.schema import OF_USE
from seqgan_cli.config.settings import find
from seqgan_cli.errors import UsageError
from seqgan_cli.jobs.options import MARGIN, grouped_option

if TYPE_CHECKING:
    from seqgan_cli.config.settings import Settings
    from seqgan_cli.console import Console
    from seqgan_cli.jobs.trained import Trained
    from seqgan_cli.rewards.base import Reward

OWN = ""  # of --reward without a value: the run's
NAMES = {"reward": "adversarial.reward", "reward_file": "reward.file.path", "reward_command": "reward.command.line"}
TIMEOUT = "adversarial.reward-timeout"


def reward_options(group: str, bare: bool = False) -> Callable[[Callable], Callable]:
    """The options that say which reward; `bare`: --reward alone asks for the run's own, which is so without it otherwise."""
    option = grouped_option(group)
    without = {"is_flag": False, "flag_value": OWN} if bare else {}

    def decorate(function: Callable) -> Callable:
        for decorator in (
            option("--reward-timeout", type=MARGIN, metavar="X", help="seconds to wait for a score [the run's]"),
            option("--set", "sets", multiple=True, metavar="NAME=VALUE", help="a setting of the reward: reward.NAME.FIELD=…"),
            option("--reward-command", metavar="CMD", help="a command that reads lines and writes a number for each"),
            option("--reward-file", metavar="FILE", help="FILE.py:FUNCTION"),
            option(
                "--reward",
                metavar="NAME=WEIGHT,…",
                help="what scores them, as for `adversarial` [the run's]",
                **without,
            ),
        ):
            function = decorator(function)
        return function

    return decorate


def asks_for_reward(context: click.Context) -> bool:
    """Whether any of `reward_options` is given."""
    return bool(context.params["sets"]) or any(context.params[name] is not None for name in NAMES)


def reward_settings(context: click.Context, trained: "Trained") -> "Settings":
    """The run's settings, with what the command says of the reward. Raises UsageError."""
    parameters = context.params
    names = {**NAMES, "reward_timeout": TIMEOUT}
    named = {setting: parameters[name] for name, setting in names.items() if parameters[name] not in (None, OWN)}
    asked, _ = explicit(named, parameters["sets"], None)
    for name in asked:
        if name not in names.values() and not name.startswith(f"{OF_USE}."):
            raise UsageError(
                f"--set {name}: {context.info_name} takes settings of the reward, and the others from the run."
            )
    return checked_reward(trained.config.settings.changed({find(name).name: value for name, value in asked.items()}))


def checked_reward(settings: "Settings") -> "Settings":
    """The settings, if their reward scores finished sequences. Raises UsageError."""
    check_rewards(settings)
    if registry.rewards.needs(settings.adversarial.reward, "stepwise"):
        raise UsageError(f"--reward {settings.adversarial.reward} scores tokens and not whole sequences.")
    return settings


def refuse_batch_dependent(settings: "Settings") -> None:
    """Raises UsageError for a reward that depends on what else is scored, which ranks nothing by itself."""
    uses = registry.rewards.expression(settings.adversarial.reward).uses
    if found := [use.name for use in uses if registry.rewards[use.reward].depends_on_batch()]:
        raise UsageError(
            f"--reward {settings.adversarial.reward}: {found[0]} depends on which sequences are scored together, so a "
            "sequence has no value of its own by it: name a --reward without it."
        )


def reward_of(settings: "Settings", trained: "Trained", console: "Console") -> "Reward":
    """The reward that the settings name, which is to be closed. Raises SeqganError for what it needs and the run lacks."""
    from seqgan_cli.rewards.base import Given
    from seqgan_cli.rewards.total import make_reward
    from seqgan_cli.runs.discriminators import read_discriminator

    discriminator = None
    if registry.rewards.needs(settings.adversarial.reward, "needs_discriminator"):
        discriminator = read_discriminator(trained.run, trained.config.settings, trained.corpus, console.warn)
    reward = make_reward(Given(settings, trained.corpus, console, discriminator, folder=trained.run.path))
    chosen = {name: variable for name, variable in reward.variables().items() if not tuple(variable.shape)}  # and no weights
    rounds = trained.run.checkpoints("adversarial").latest(console.warn) if chosen else None
    for name, variable in chosen.items():
        if rounds and name in rounds.arrays:
            variable.assign(rounds.arrays[name])
        else:
            console.warn(f"{name} was never chosen in rounds of {trained.run.path}: it is {float(variable.numpy()):g}.")
    return reward


@contextlib.contextmanager
def opened_reward(settings: "Settings | None", trained: "Trained", console: "Console") -> "Iterator[Reward | None]":
    """The reward of the settings while it is needed; None of none."""
    if settings is None:
        yield None
        return
    with contextlib.closing(reward_of(settings, trained, console)) as reward:
        yield reward
