"""What scores a finished sequence: the interface of rewards, each of which is a file of this room.

In compiled code a reward takes sequences int32 `[R, T]` and a key int32 `[2]` and gives float32 `[R]`. A stepwise reward scores
every prefix instead, so that no rollout is needed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, runtime_checkable

from seqgan_cli.config.registry import Component

if TYPE_CHECKING:
    from seqgan_cli.config.settings import Settings
    from seqgan_cli.console import Console
    from seqgan_cli.data.corpus import Corpus
    from seqgan_cli.models.discriminator import Discriminator
    from seqgan_cli.models.generator import Generator


@dataclass(frozen=True)
class Given:
    """What a reward can be made of; what it does not need may be missing."""

    settings: "Settings"
    corpus: "Corpus"
    console: "Console"
    discriminator: "Discriminator | None" = None
    language_model: "Generator | None" = None


class Reward(Component):
    """Scores finished sequences, with `__call__(tokens, key)`; a stepwise one every token, with `action_values(tokens)`."""

    needs_discriminator: ClassVar[bool] = False
    needs_language_model: ClassVar[bool] = False  # the likelihood-trained generator of the best held-out epoch
    needs_positives: ClassVar[bool] = False  # real sequences without `<unk>`
    stepwise: ClassVar[bool] = False
    sums_to_go: ClassVar[bool] = False  # a stepwise reward of which nothing is left after `<eos>`
    title: ClassVar[str] = ""  # of a generator that learned from it; else the name says it
    generator_copies: ClassVar[int] = 0  # held in memory besides the generator

    @classmethod
    def make(cls, given: Given) -> "Reward":
        """The reward of a run."""
        return cls()

    def variables(self) -> Mapping[str, Any]:
        """What must be saved, by name."""
        return {}


@runtime_checkable
class PrefixReward(Protocol):
    """A reward that scores continuations of the same sequences for less than each by itself."""

    def score_continuations(self, tokens: Any, source_ids: Any, continuations: Any, key: Any) -> Any:
        """float32 `[T-1, C]` of continuations int32 `[T-1, C, T]`, the c-th of sequence `source_ids[c]` of int32 `[S, T]`."""


@runtime_checkable
class StepwiseReward(Protocol):
    """A reward that knows what every token is worth."""

    def action_values(self, tokens: Any) -> Any:
        """float32 `[B, T]` for int32 `[B, T]`."""
