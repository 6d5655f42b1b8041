"""The interface of algorithms: how the generator learns in a round, each of which is a file of this room."""

from __future__ import annotations

import abc
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from seqgan_cli.config.registry import Component, rewards
from seqgan_cli.lazy import np

if TYPE_CHECKING:
    from seqgan_cli.config.settings import Settings
    from seqgan_cli.models.generator import Generator
    from seqgan_cli.rewards.base import Given, Reward


@dataclass(frozen=True)
class GStep:
    """What one update of the generator came to.

    Args:
        loss: what it lowered.
        rewards, mask: of every token of its batch, float32 and bool `[B, T]`; None for an algorithm without rewards.
        tokens: the batch int32 `[B, T]`, of which the terms of a reward that is a sum are measured.
        measured: more figures, by the name they have in the history.
    """

    loss: float
    rewards: np.ndarray | None = None
    mask: np.ndarray | None = None
    tokens: np.ndarray | None = None
    measured: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class TimedStep:
    """A step whose duration tells how long a round takes.

    Args:
        what: a name for the kind of step.
        per_g_step: how many of them there are in a g-step.
        run: does one.
    """

    what: str
    per_g_step: float
    run: Callable[[Any], object]


class Algorithm(Component, abc.ABC):
    """Updates of the generator.

    Args:
        given: settings, corpus, and the discriminator if one is trained.
        generator: the policy θ, as pre-trained; it is changed in place.
        reward: of finished sequences, as `adversarial.reward` names it.
    """

    step_sizes: ClassVar[tuple[str, ...]] = ()  # the settings to make smaller when numbers grow out of bounds
    batch_sizes: ClassVar[tuple[str, ...]] = ()  # the settings that say how many sequences replicas share

    def __init__(self, given: Given, generator: Generator, reward: Reward) -> None:
        self.settings, self.corpus, self.generator, self.reward = given.settings, given.corpus, generator, reward

    @property
    @abc.abstractmethod
    def work(self) -> float:
        """Of a g-step, in sequences that are scored."""

    @property
    @abc.abstractmethod
    def steps(self) -> int:
        """Optimizer steps so far."""

    @abc.abstractmethod
    def variables(self) -> dict[str, Any]:
        """Everything that changes besides the generator's weights, by the name it has in checkpoints."""

    @abc.abstractmethod
    def g_step(self, position: int, part: int) -> GStep:
        """Update the generator once: g-step `part` (from 0) of round `position` (from 1), which key every draw.

        Raises SeqganError if numbers stop being finite.
        """

    def end_round(self) -> None:
        """The d-steps of a round are done."""

    @classmethod
    def title(cls, settings: Settings) -> str:
        """What the generator that comes of it is called in tables."""
        text = settings.adversarial.reward
        single = rewards.expression(text).single
        return str((single and rewards[single.reward].title) or f"{text} reward")

    @classmethod
    def needs_discriminator(cls, settings: Settings) -> bool:
        """Whether rounds train one."""
        return rewards.needs(settings.adversarial.reward, "needs_discriminator")

    @classmethod
    def calls(cls, settings: Settings, length: int) -> int:
        """How many sequences of `length` tokens a g-step asks the reward for, at most; 0 for one that asks for none."""
        return 0

    @classmethod
    def generator_copies(cls, settings: Settings) -> int:
        """How many copies of the generator's weights are held besides weights, gradient and the optimizer's moments."""
        return 0

    @classmethod
    def timed_steps(cls, settings: Settings) -> Sequence[TimedStep]:
        """What a g-step's time is estimated from."""
        return (TimedStep(f"g-step of {cls.name}", 1.0, lambda algorithm: algorithm.g_step(1, 0)),)
