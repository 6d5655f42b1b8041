"""What a search varies: settings and their ranges, as `--search NAME=…` names them."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from seqgan_cli.config import registry
from seqgan_cli.config.settings import STAGES, Settings, find
from seqgan_cli.errors import UsageError

# What decides which sequences, samples or draws scores are of: trials that differ in it would not compare.
FIXED = ("data.", "evaluation.", "seed")
DEFAULT = (  # of rounds, whose trials share the pre-trained generator
    "adversarial.g-learning-rate=1e-4:1e-1:log",
    "adversarial.update-rate=0:0.95",
    "adversarial.baseline=none,mean,leave-one-out",
    "discriminator.dropout=0:0.75",
)
# Of likelihood alone; what the generator's component has to search comes besides.
LIKELIHOOD = ("pretrain-g.learning-rate=1e-3:1e-1:log", "pretrain-g.dropout=0:0.7")


def default(settings: Settings, until: str) -> tuple[str, ...]:
    """What is searched unless told, in a search that ends with that stage."""
    if until != STAGES[0]:
        return DEFAULT
    return (*LIKELIHOOD, *registry.generators[settings.generator.cell].search)


@dataclass(frozen=True)
class Dimension:
    """A setting, and its values: a range from low to high, uniform or in its logarithm, or a choice of some."""

    name: str
    low: Any = None
    high: Any = None
    log: bool = False
    choices: tuple[Any, ...] = ()

    def suggest(self, trial: Any) -> Any:
        """The value that an `optuna.Trial` has for it, or draws."""
        if self.choices:
            return trial.suggest_categorical(self.name, self.choices)
        draw = trial.suggest_int if isinstance(self.low, int) else trial.suggest_float
        return draw(self.name, self.low, self.high, log=self.log)

    def __str__(self) -> str:
        if self.choices:
            return f"{self.name}={'|'.join(map(str, self.choices))}"
        return f"{self.name}={self.low}:{self.high}{':log' if self.log else ''}"


def parse(text: str) -> Dimension:
    """`NAME=LOW:HIGH`, `NAME=LOW:HIGH:log`, or `NAME=A,B,C` (or `A|B|C`). Raises UsageError."""
    name, equals, values = (part.strip() for part in text.partition("="))
    if not equals or not values:
        raise UsageError(f"--search {text}: write NAME=LOW:HIGH, NAME=LOW:HIGH:log or NAME=A,B,C.")
    info = find(name)
    if info.name.startswith(FIXED):
        raise UsageError(f"--search {info.name}: trials that differ in it would not compare; search another setting.")
    if ":" in values and info.type in (int, float):
        low, high, *log = values.split(":")
        if log not in ([], ["log"]):
            raise UsageError(f"--search {text}: write NAME=LOW:HIGH or NAME=LOW:HIGH:log.")
        dimension = Dimension(info.name, info.parse(low), info.parse(high), bool(log))
        if dimension.low >= dimension.high:
            raise UsageError(f"--search {text}: {low} must be below {high}.")
        if log and dimension.low <= 0:
            raise UsageError(f"--search {text}: with log, both ends must be above 0.")
        return dimension
    choices = tuple(dict.fromkeys(info.parse(value.strip()) for value in values.split("|" if "|" in values else ",")))
    if len(choices) < 2:
        raise UsageError(f"--search {text}: name two values or more, or a range LOW:HIGH.")
    return Dimension(info.name, choices=choices)


def parse_all(texts: Sequence[str]) -> tuple[Dimension, ...]:
    """Each once. Raises UsageError."""
    dimensions = tuple(map(parse, texts))
    names = [dimension.name for dimension in dimensions]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise UsageError(f"--search names {twice} twice: give one range for it.")
    return dimensions


def grid(dimensions: Sequence[Dimension]) -> list[dict[str, Any]]:
    """Every combination of choices. Raises UsageError where a dimension is a range."""
    for dimension in dimensions:
        if not dimension.choices:
            raise UsageError(f"--sampler grid needs values to choose from: write {dimension.name}=A,B,C.")
    names = [dimension.name for dimension in dimensions]
    return [dict(zip(names, values, strict=True)) for values in itertools.product(*(d.choices for d in dimensions))]
