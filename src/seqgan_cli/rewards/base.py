"""What scores a finished sequence: the interface of rewards, which are the classes of this room.

In compiled code a reward takes sequences int32 `[R, T]` and a key int32 `[2]` and gives float32 `[R]`. A stepwise reward scores
every prefix instead, so that no rollout is needed. What scores texts in Python is a `TextReward` (texts.py).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar, runtime_checkable

from seqgan_cli.config.expression import Use
from seqgan_cli.config.registry import Component
from seqgan_cli.config.schema import setting
from seqgan_cli.lazy import tf

if TYPE_CHECKING:
    from seqgan_cli.config.settings import Settings
    from seqgan_cli.console import Console
    from seqgan_cli.data.corpus import Corpus
    from seqgan_cli.models.discriminator import Discriminator
    from seqgan_cli.models.generator import Generator


S = TypeVar("S")
ALONE = Use("", "")


@dataclass(frozen=True)
class Given:
    """What a reward can be made of; what it does not need may be missing.

    use: the one that is made; folder: the run's, for what is kept with it.
    """

    settings: "Settings"
    corpus: "Corpus"
    console: "Console"
    discriminator: "Discriminator | None" = None
    language_model: "Generator | None" = None
    use: Use = ALONE
    folder: Path | None = None

    def options(self, declared: type[S]) -> S:
        """The values of a section of which every use has one."""
        return self.settings.of_use(declared, self.use.name)


@dataclass(frozen=True)
class Scaled:
    """Settings of rewards without bounds: what becomes 0, and what 1; values stay as they are where the two are equal."""

    low: float = setting(0.0, "the value that becomes 0 (equal to high: values stay as they are)")
    high: float = setting(0.0, "the value that becomes 1")

    @property
    def bounds(self) -> tuple[float, float] | None:
        return None if self.low == self.high else (0.0, 1.0)

    def scaled(self, values: Any) -> Any:
        """(values − low) / (high − low) between 0 and 1: float32 of any shape, in compiled code."""
        if self.low == self.high:
            return values
        return tf.clip_by_value((values - self.low) / (self.high - self.low), 0.0, 1.0)


class Reward(Component):
    """Scores finished sequences, with `__call__(tokens, key)`; a stepwise one every token, with `action_values(tokens)`."""

    needs_discriminator: ClassVar[bool] = False
    needs_language_model: ClassVar[bool] = False  # the likelihood-trained generator of the best held-out epoch
    needs_positives: ClassVar[bool] = False  # real sequences without `<unk>`
    stepwise: ClassVar[bool] = False
    sums_to_go: ClassVar[bool] = False  # a stepwise reward of which nothing is left after `<eos>`
    title: ClassVar[str] = ""  # of a generator that learned from it; else the name says it
    generator_copies: ClassVar[int] = 0  # held in memory besides the generator
    of_molecules: ClassVar[bool] = False  # whether sequences are molecules to it, which have likeness of their own
    keyed_by_batch: ClassVar[bool] = False  # whether all continuations of a batch are scored with one key
    implied_by: ClassVar[str] = ""  # the setting of a use that asks for the reward where no reward is named

    @classmethod
    def make(cls, given: Given) -> "Reward":
        """The reward of a run."""
        return cls()

    @classmethod
    def bounds(cls, settings: "Settings", use: Use) -> tuple[float, float] | None:
        """The least and the largest value of that use; None where there are none and a sum needs some."""
        return 0.0, 1.0

    @classmethod
    def refused(cls, settings: "Settings", use: Use) -> Iterable[tuple[bool, str]]:
        """As `conflicts`, of one use: what its own settings lack."""
        return ()

    def of_batch(self, tokens: Any) -> "Reward":
        """The same while a batch int32 `[B, T]` is scored, whose continuations a search asks for; a reward may depend on it."""
        return self

    @classmethod
    def depends_on_batch(cls) -> bool:
        """Whether what else is in a batch changes a sequence's score."""
        return cls.of_batch is not Reward.of_batch

    def check(self) -> None:
        """Raises SeqganError if something went wrong while compiled code asked for scores."""

    def take_note(self, measured: Mapping[str, float]) -> None:
        """See what was measured before the first round and after each; the next ones may depend on it."""

    def close(self) -> None:
        """End what was started for it."""

    def remark(self) -> str:
        """A few words for the progress of a round; empty for none."""
        return ""

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
