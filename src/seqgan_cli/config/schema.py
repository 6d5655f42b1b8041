"""What is known of a setting: its name, type, default, bounds and meaning, declared where the setting is used."""

import dataclasses
import json
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from seqgan_cli.config.paths import joined
from seqgan_cli.errors import UsageError

if typing.TYPE_CHECKING:
    from seqgan_cli.config.registry import Registry

S = typing.TypeVar("S")


@dataclass(frozen=True)
class SettingSpec:
    """All of a setting but its value.

    Args:
        name: dotted, with hyphens.
        presets: the value under each preset that has one of its own.
        choices: the values there are, if few; of a component's name, where it is found.
        at_least, above, below, at_most: bounds of a number.
        stage: the first stage whose result depends on it; None where no result does.
        fixed_by: from when on a run cannot change it: `corpus`, or a stage.
        before: what holds for records that are older than the setting; None: the default.
        times_steps: whether a training step takes another time with another value.
        is_file: whether it names a file, whose place may change; is_files: several, folders and patterns too (`config.paths`).
        validate: raises UsageError for a value that is well-typed and wrong.
    """

    name: str
    type: type
    default: Any
    meaning: str
    presets: Mapping[str, Any] = field(default_factory=dict)
    choices: "tuple[str, ...] | Registry" = ()
    at_least: float | None = None
    above: float | None = None
    below: float | None = None
    at_most: float | None = None
    stage: str | None = None
    fixed_by: str | None = None
    before: Any = None
    times_steps: bool = False
    is_file: bool = False
    is_files: bool = False
    validate: Callable[[Any], object] | None = None

    @property
    def leaf(self) -> str:
        """The field of its section."""
        return self.option.replace("-", "_")

    @property
    def option(self) -> str:
        """The name without its section, as an option has it."""
        return self.name.rpartition(".")[2]

    @property
    def shown(self) -> tuple[str, ...]:
        """The choices that help lists: of components, those of this package. Empty where there are none."""
        return self.choices if isinstance(self.choices, tuple) else (*self.choices.beside, *self.choices.named)

    @property
    def names_component(self) -> bool:
        """Whether its values are components' names."""
        return not isinstance(self.choices, tuple)

    def names_file(self, value: Any) -> bool:
        """Whether a value is the name of a file or a folder."""
        return self.is_file or (not isinstance(self.choices, tuple) and self.choices.is_path(value))

    def parse(self, text: str) -> Any:
        """The value a user wrote, checked. Raises UsageError."""
        try:
            if self.type is bool:
                value: Any = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}[text.lower()]
            elif self.type is tuple:
                value = json.loads(text) if text.startswith("[") else [part.strip() for part in text.split(",") if part.strip()]
            else:
                value = self.type(text)
        except (KeyError, ValueError):
            kind = {bool: "true or false", int: "a whole number", float: "a number", tuple: "words, as in a,b"}[self.type]
            raise UsageError(f"{self.name}={text}: needs {kind}.") from None
        return self.check(value)

    def check(self, value: Any) -> Any:
        """The value itself if it has the right type and bounds; a component of another package is imported.

        Raises UsageError.
        """
        if self.type is float and type(value) is int:
            try:
                value = float(value)
            except OverflowError:
                raise UsageError(f"{self.name}: needs a finite number.") from None
        if self.is_files and isinstance(value, list | tuple) and value and all(isinstance(each, str) for each in value):
            value = joined(value)
        if self.type is tuple and isinstance(value, list):  # of TOML and JSON
            value = tuple(value)
        kind = type(value)
        if self.type is tuple and (kind is not tuple or not all(isinstance(each, str) for each in value)):
            raise UsageError(f"{self.name}={value}: needs words, as in [\"a\", \"b\"], or a,b with --set.")
        if kind is not self.type:
            raise UsageError(f"{self.name}={value}: needs {self.type.__name__}, not {kind.__name__}.")
        if not isinstance(self.choices, tuple):
            self.choices.require(value)
        elif self.choices and value not in self.choices:
            raise UsageError(f"{self.name}={value}: choose from {', '.join(self.choices)}.")
        if self.type in (int, float):
            if value != value or value in (float("inf"), float("-inf")):
                raise UsageError(f"{self.name}={value}: needs a finite number.")
            bounds = (
                (self.at_least, "at least", lambda bound: value >= bound),
                (self.above, "above", lambda bound: value > bound),
                (self.below, "below", lambda bound: value < bound),
                (self.at_most, "at most", lambda bound: value <= bound),
            )
            for bound, words, holds in bounds:
                if bound is not None and not holds(bound):
                    raise UsageError(f"{self.name}={value}: must be {words} {bound}.")
        if self.validate:
            self.validate(value)
        return value


def setting(default: Any, meaning: str, *, quick: Any = None, fast: Any = None, **info: Any) -> Any:
    """A field of a section; `info` as in `SettingSpec`."""
    presets = {name: value for name, value in (("quick", quick), ("fast", fast)) if value is not None}
    return field(default=default, metadata={"meaning": meaning, "presets": presets, **info})


def section(prefix: str, stage: str | None = None, **info: Any) -> Callable[[type[S]], type[S]]:
    """Declares that a frozen dataclass's fields are the settings `prefix.field-name`, read by the stage and those after it.

    `info`: what is the same of all of them, as in `SettingSpec`.

    A component's section is one of its own under the same prefix, or extends the one that all components of its registry read.
    Under the prefix `reward` there is one for every use of the reward: `reward.USE.field-name`.
    """

    def decorate(cls: type[S]) -> type[S]:
        cls.PREFIX, cls.INFO = prefix, {"stage": stage, **info}  # type: ignore[attr-defined]
        return cls

    return decorate


def written(value: Any) -> str:
    """A setting's value as `--set` takes it."""
    if isinstance(value, tuple):
        return json.dumps(value, ensure_ascii=False)
    return str(value).lower() if isinstance(value, bool) else str(value)


OF_USE = "reward"  # the prefix of sections of which every use of a component has one


def specs_of(declared: Any, use: str = "") -> list[SettingSpec]:
    """What a section declares, in its order; a field that is no `setting` is none. `use`: of a section with one a use."""
    hints = {name: typing.get_origin(hint) or hint for name, hint in typing.get_type_hints(declared).items()}
    found = []
    for leaf in dataclasses.fields(declared):
        if "meaning" not in leaf.metadata:
            continue
        info = {**declared.INFO, **leaf.metadata}
        name = ".".join(filter(None, (declared.PREFIX, use, leaf.name.replace("_", "-"))))
        found.append(SettingSpec(name, hints[leaf.name], leaf.default, **info))
    return found
