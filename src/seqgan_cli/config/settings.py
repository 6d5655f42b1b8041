"""The settings that every part of the program shares, and the schema of all, those of components included."""

import functools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from seqgan_cli.config import registry
from seqgan_cli.config.paths import short
from seqgan_cli.config.presets import SPECIAL
from seqgan_cli.config.schema import SettingSpec, specs_of
from seqgan_cli.config.sections import (
    Adversarial,
    Data,
    DiscriminatorSettings,
    Evaluation,
    GeneratorSettings,
    PretrainD,
    PretrainG,
    Seed,
)
from seqgan_cli.errors import UsageError

S = TypeVar("S")

# The stages, and the setting that says how many units each is to do.
TARGETS = {"pretrain-g": "pretrain-g.epochs", "pretrain-d": "pretrain-d.d-steps", "adversarial": "adversarial.rounds"}
STAGES = tuple(TARGETS)
# What names one of a run's generators: the last of a stage, or the best by the score that the stage watches.
GENERATORS = ("latest", "adversarial", "pretrain-g", "best", "best-adversarial")

SECTIONS = (Seed, Data, GeneratorSettings, DiscriminatorSettings, PretrainG, PretrainD, Adversarial, Evaluation)


class Settings:
    """Values read as attributes: `settings.pretrain_g.learning_rate`, or `settings[ConvolutionalSettings].filters`.

    Args:
        values: by dotted name; those that are not there have their defaults.
        kept: the file in which a run keeps its tokenizer, if these are a run's.
    """

    def __init__(self, values: Mapping[str, Any] | None = None, kept: Path | None = None) -> None:
        given = dict(values or {})
        self._kept = kept
        self.values = {name: spec.default for name, spec in specs_with(given).items()} | given
        self._sections: dict[Any, Any] = {}
        self._tokenizer: Any = None

    def __getitem__(self, declared: type[S]) -> S:
        """The values of a section."""
        if declared not in self._sections:
            names = {spec.name.rpartition(".")[2].replace("-", "_"): spec.name for spec in specs_of(declared)}
            self._sections[declared] = declared(**{leaf: self.values[name] for leaf, name in names.items()})
        found: S = self._sections[declared]
        return found

    def of_use(self, declared: type[S], use: str) -> S:
        """The values of the section of one use of a reward."""
        return declared(**{spec.leaf: self.values.get(spec.name, spec.default) for spec in specs_of(declared, use)})

    def of(self, known: registry.Registry) -> Any:
        """The section of the component that these settings name."""
        return self[known[self.values[known.setting]].Section]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Settings) and self.values == other.values

    def __hash__(self) -> int:
        return hash(tuple(sorted((name, str(value)) for name, value in self.values.items())))

    def changed(self, values: Mapping[str, Any]) -> "Settings":
        """The same with other values."""
        found = Settings(self.values | dict(values))
        if found.data.tokenizer == self.data.tokenizer:
            found._kept, found._tokenizer = self._kept, self._tokenizer
        return found

    def with_tokenizer(self, tokenizer: Any) -> "Settings":
        """The same with a tokenizer that is there already; None: with the one that they have."""
        found = Settings(self.values, self._kept)
        found._tokenizer = tokenizer or self._tokenizer
        return found

    @property
    def tokenizer(self) -> Any:
        """What cuts texts into tokens. Raises SeqganError if it is in a file that cannot be read."""
        if self._tokenizer is None:
            named = registry.tokenizers.component(self.data.tokenizer)
            self._tokenizer = named.make(self.data.tokenizer, self._kept if named.is_kept else None)
        return self._tokenizer

    @property
    def kind(self) -> Any:
        """The kind of the data."""
        return registry.kinds.of(self.data.source, self.data.kind)

    @property
    def origin(self) -> Any:
        """The kind that the data come from: the oracle's, of whatever kind its sequences are, or theirs."""
        built_in = registry.kinds.of_source(self.data.source)
        return built_in if self.data.synthetic else self.kind

    @property
    def needs_discriminator(self) -> bool:
        """Whether the rounds train one."""
        return bool(registry.algorithms[self.adversarial.algorithm].needs_discriminator(self))

    @property
    def title(self) -> str:
        """What the generator that the rounds leave is called."""
        return str(registry.algorithms[self.adversarial.algorithm].title(self))

    def patience(self, stage: str) -> int:
        """Units without a better score after which a stage stops; 0: never."""
        if stage == "pretrain-g":
            return self.pretrain_g.patience * self.pretrain_g.eval_every
        if stage == "adversarial":
            return self.adversarial.patience
        return self.pretrain_d.patience if self.monitor(stage) else 0

    def monitor(self, stage: str) -> str | None:
        """The score that decides which checkpoint of a stage is best; None where none is."""
        held_out = "nll_validation" if self.data.validation else "nll_test"  # the former name of both
        if stage == "adversarial" and (asked := self.adversarial.monitor) not in ("nll_validation", "nll_test"):
            of_data = "nll_oracle" if self.data.synthetic else held_out
            return asked if asked != "auto" else "reward_final" if self.adversarial.keep_coverage else of_data
        if stage == "pretrain-d":
            return None if self.discriminator.loss == "wasserstein" else "d_knows"
        return held_out

    def measure(self, stage: str) -> dict[str, Any] | None:
        """All that decides what that score is a score of: values of two measures do not compare. None where there is none."""
        score = self.monitor(stage)
        return None if score is None else {"score": score, "samples": self.evaluation.samples}

    @property
    def seed(self) -> int:
        return self[Seed].seed

    @property
    def data(self) -> Data:
        return self[Data]

    @property
    def generator(self) -> GeneratorSettings:
        return self[GeneratorSettings]

    @property
    def discriminator(self) -> DiscriminatorSettings:
        return self[DiscriminatorSettings]

    @property
    def pretrain_g(self) -> PretrainG:
        return self[PretrainG]

    @property
    def pretrain_d(self) -> PretrainD:
        return self[PretrainD]

    @property
    def adversarial(self) -> Adversarial:
        return self[Adversarial]

    @property
    def evaluation(self) -> Evaluation:
        return self[Evaluation]


class Schema(Mapping[str, SettingSpec]):
    """Every setting by name: the shared ones, those of our components, and those of others' components that were named."""

    @functools.cached_property
    def _specs(self) -> dict[str, SettingSpec]:
        found: dict[str, SettingSpec] = {}
        declared = [*((each, "") for each in SECTIONS), *(each for known in registry.ALL for each in known.sections())]
        specs = [spec for each, use in declared for spec in specs_of(each, use)]
        order = {spec.name.partition(".")[0]: i for i, spec in reversed([*enumerate(specs)])}  # a section in one piece
        for spec in sorted(specs, key=lambda spec: order[spec.name.partition(".")[0]]):
            found.setdefault(spec.name, spec)
        return found

    def forget(self) -> None:
        """Find them anew at the next look: more is declared, or a use has become another reward's."""
        self.__dict__.pop("_specs", None)

    def add(self, declared: Any, use: str = "") -> None:
        """Make room for the settings of one more section. Raises UsageError for one that is there already and is another."""
        for spec in specs_of(declared, use):
            if self.get(spec.name, spec) != spec:
                raise UsageError(f"{declared.__module__} declares {spec.name}, which is another setting: give it another name.")
        self.forget()

    def __getitem__(self, name: str) -> SettingSpec:
        return self._specs[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._specs)

    def __len__(self) -> int:
        return len(self._specs)


SCHEMA = Schema()


def specs_with(values: Mapping[str, Any]) -> dict[str, SettingSpec]:
    """Every setting but those of uses that the reward among these values, or by default, does not name."""
    reward = registry.rewards.setting
    others = registry.rewards.others(str(values.get(reward) or SCHEMA[reward].default))
    return {name: spec for name, spec in SCHEMA.items() if name.rpartition(".")[0] not in others}


def preset_value(spec: SettingSpec, preset: str) -> Any:
    """The setting's value under that preset, or None where it keeps the default."""
    return SPECIAL[preset].get(spec.name) if preset in SPECIAL else spec.presets.get(preset)


def file_settings() -> tuple[str, ...]:
    """The names of the settings that name files or folders.

    They have other folders on other machines, so results and studies keep the files' names alone.
    """
    return tuple(name for name, spec in SCHEMA.items() if spec.is_file)


def without_folders(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values by setting, with the names of files alone: what results keep."""
    return {**values, **{name: short(str(values[name])) for name in file_settings() if name in values}}


def settings_of(*stages: str) -> tuple[str, ...]:
    """The names of the settings that the results of these stages depend on first."""
    return tuple(name for name, spec in SCHEMA.items() if spec.stage in stages)


def find(name: str) -> SettingSpec:
    """The setting of that name, hyphens or underscores, or the only one that ends in it (`update-rate`).

    Raises UsageError that suggests near names.
    """
    wanted = name.replace("_", "-")
    near = [known for known in SCHEMA if known.endswith("." + wanted)]
    use, dot, leaf = name.rpartition(".")  # the name of a reward's use is what the user called it
    spec = SCHEMA.get(use + dot + leaf.replace("_", "-")) or SCHEMA.get(wanted) or (SCHEMA[near[0]] if len(near) == 1 else None)
    if spec is None:
        import difflib

        near = near or difflib.get_close_matches(wanted, SCHEMA, n=3, cutoff=0.5)
        hint = f" Did you mean {' or '.join(near)}?" if near else ""
        raise UsageError(f"There is no setting {name!r}.{hint} `seqgan settings` lists them all.")
    return spec
