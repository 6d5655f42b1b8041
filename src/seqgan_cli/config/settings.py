"""The settings that every part of the program shares, the presets, and the schema of all, those of components included."""

import difflib
import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from seqgan_cli.config import registry
from seqgan_cli.config.schema import SettingSpec, section, setting, specs_of
from seqgan_cli.errors import UsageError

S = TypeVar("S")

SIZES = ("quick", "fast", "paper")
# Maximum likelihood with dropout, stopped on held-out data: the bar for all else. Found by `seqgan tune`:
# docs/experiments.md, "Strong maximum likelihood".
MLE_STRONG: dict[str, Any] = {
    "generator.hidden-dim": 64,
    "pretrain-g.dropout": 0.5,
    "pretrain-g.learning-rate": 0.005,
    "pretrain-g.patience": 5,
    "adversarial.start": "best",
}
PRESETS = (*SIZES, "mle-strong")
# The stages, and the setting that says how many units each is to do.
TARGETS = {"pretrain-g": "pretrain-g.epochs", "pretrain-d": "pretrain-d.d-steps", "adversarial": "adversarial.rounds"}
STAGES = tuple(TARGETS)
# What names one of a run's generators: the last of a stage, or the best by the score that the stage watches.
GENERATORS = ("latest", "adversarial", "pretrain-g", "best", "best-adversarial")


@section("data", "pretrain-g", fixed_by="corpus")
@dataclass(frozen=True)
class Data:
    source: str = setting("oracle", "'oracle', a file or folder of your own, 'speech' or 'folk'")
    kind: str = setting("auto", "what the data are (auto: seen from the file)", choices=registry.kinds)
    test: str = setting("", "file of held-out sequences (default: a share of the data)", is_file=True)
    holdout: float = setting(
        0.1, "share of the lines held out for the test part when no test file is given", above=0, below=1
    )
    validation: float = setting(
        0.1,
        "share of the lines held out to choose by: best, patience, curves (0: the test part chooses too)",
        at_least=0,
        below=1,
        before=0.0,
    )
    tokenizer: str = setting("whitespace", "what a token is", choices=("whitespace", "words", "chars"))
    lowercase: bool = setting(False, "lower-case the text")
    markers: str = setting("", "words that begin and end lines and are no text, such as '<sos>,<eos>'")
    max_length: int = setting(0, "longest line in tokens (0: the longest, at most 64)", at_least=0)
    overlong: str = setting("drop", "what to do with longer lines", choices=("drop", "cut", "split"))
    min_count: int = setting(1, "rarer tokens become <unk>", at_least=1)
    max_vocab: int = setting(0, "keep so many tokens, the rest become <unk> (0: all)", at_least=0)
    strict: bool = setting(False, "stop at the first bad file of a folder instead of leaving it out")

    @property
    def synthetic(self) -> bool:
        """Whether the sequences are drawn from an oracle."""
        kind = registry.kinds.of_source(self.source)
        return kind is not None and bool(kind.synthetic)


@section("generator", "pretrain-g", fixed_by="pretrain-g", times_steps=True)
@dataclass(frozen=True)
class GeneratorSettings:
    embedding_dim: int = setting(32, "size of the generator's token embedding", at_least=1)
    hidden_dim: int = setting(32, "size of its recurrent state", at_least=1)
    cell: str = setting("lstm", "recurrent cell, or causal attention", choices=registry.generators)


@section("discriminator", "pretrain-d")
@dataclass(frozen=True)
class DiscriminatorSettings:
    kind: str = setting(
        "convolutional",
        "how it reads a sequence: windows of tokens (the paper), an LSTM, or causal attention",
        choices=registry.discriminators,
        fixed_by="pretrain-d",
        times_steps=True,
    )
    embedding_dim: int = setting(64, "size of the discriminator's token embedding", at_least=1, fixed_by="pretrain-d")
    hidden_dim: int = setting(64, "features of those that are recurrent or attend", at_least=1, fixed_by="pretrain-d")
    prefixes: bool = setting(
        False, "teach it every prefix and not only whole sequences", fixed_by="pretrain-d", times_steps=True
    )
    loss: str = setting(
        "cross-entropy", "what it lowers", choices=("cross-entropy", "wasserstein"), fixed_by="pretrain-d"
    )
    gradient_penalty: float = setting(
        0.0, "weight of (slope - 1)² between real and generated embeddings", at_least=0, times_steps=True
    )
    label_smoothing: float = setting(0.0, "how far the label of real sequences is below 1", at_least=0, below=1)
    weight_decay: float = setting(0.0, "λ of decoupled weight decay, biases spared", at_least=0)
    stop: float = setting(
        0.0, "rest while it tells held-out from generated sequences better than this (0: never)", at_least=0, at_most=1
    )
    dropout: float = setting(0.25, "share of features dropped while the discriminator trains", at_least=0, below=1)
    l2: float = setting(0.2, "L2 weight on the output layer, in the authors' scale", at_least=0)
    batch_size: int = setting(64, "sequences a discriminator step, real and generated together", at_least=2)


@section("pretrain-g", "pretrain-g")
@dataclass(frozen=True)
class PretrainG:
    epochs: int = setting(120, "passes over the training set (scheduled sampling: 300)", at_least=1, quick=30, fast=60)
    scheduled_sampling: str = setting(
        "none",
        "how the share of true tokens the generator reads falls, the others being its own",
        choices=("none", "linear", "exponential", "sigmoid"),
        fixed_by="pretrain-g",
    )
    sampling_decay: float = setting(
        0.002, "how fast it falls, about so much an epoch", above=0, below=1, quick=0.01, fast=0.006, fixed_by="pretrain-g"
    )
    steps_per_epoch: int = setting(
        0, "steps of an epoch (0: once through; of streamed data 1000)", at_least=0, fixed_by="pretrain-g"
    )
    batch_size: int = setting(64, "sequences a step", at_least=1)
    learning_rate: float = setting(0.01, "step size", above=0)
    optimizer: str = setting("adam", "how gradients become steps", choices=("adam", "rmsprop"), fixed_by="pretrain-g")
    clip_norm: float = setting(5.0, "largest global norm of a gradient", above=0)
    dropout: float = setting(0.0, "share of embedding and output features dropped in training", at_least=0, below=1)
    weight_decay: float = setting(0.0, "λ of decoupled weight decay, biases spared", at_least=0)
    eval_every: int = setting(1, "epochs between scores of the generator", at_least=1)
    patience: int = setting(0, "stop after so many scored epochs without a better nll_validation (0: never)", at_least=0)


@section("pretrain-d", "pretrain-d")
@dataclass(frozen=True)
class PretrainD:
    d_steps: int = setting(50, "draws of fresh negatives", at_least=1, quick=4, fast=10)
    k: int = setting(3, "epochs on each draw", at_least=1, quick=1)
    learning_rate: float = setting(1e-4, "step size", above=0, quick=1e-3)
    d_samples: int = setting(
        0, "positives, and negatives, a draw (0: all there are; of streamed data 10,000)", at_least=0, fast=2500
    )


@section("adversarial", "adversarial")
@dataclass(frozen=True)
class Adversarial:
    rounds: int = setting(200, "rounds of g-steps and d-steps", at_least=1, quick=20, fast=60)
    g_steps: int = setting(1, "generator updates a round", at_least=0, quick=2)
    d_steps: int = setting(5, "draws of fresh negatives a round", at_least=0, quick=1, fast=1)
    k: int = setting(3, "epochs on each draw", at_least=1, quick=1, fast=1)
    d_learning_rate: float = setting(1e-4, "discriminator's step size", above=0, quick=1e-3)
    d_samples: int = setting(
        0, "positives, and negatives, a draw (0: all there are; of streamed data 10,000)", at_least=0, quick=500, fast=2500
    )
    algorithm: str = setting(
        "policy-gradient",
        "how the generator learns in rounds",
        choices=registry.algorithms,
        fixed_by="adversarial",
        times_steps=True,
    )
    reward: str = setting(
        "discriminator",
        "what scores a finished sequence, or with partial (the discriminator) and lm (likelihood) every token",
        choices=registry.rewards,
        fixed_by="adversarial",
    )
    reward_transform: str = setting(
        "none",
        "what becomes of rewards: (Q - mean) / deviation, MaliGAN's D/(1-D) over its mean, or RankGAN's rank among real ones",
        choices=("none", "standardize", "mali", "rank"),
        fixed_by="adversarial",
        times_steps=True,
    )
    start: str = setting(
        "last",
        "which pretrain-g checkpoint to start from",
        choices=("last", "best"),
        stage="pretrain-d",
        fixed_by="adversarial",
    )
    monitor: str = setting(
        "auto",
        "score that decides best and patience (auto: nll_oracle, for text nll_validation)",
        choices=("auto", "nll_oracle", "nll_validation", "nll_test", "distinct_share", "reward_mean"),
    )
    patience: int = setting(0, "stop after so many rounds without a better score (0: never)", at_least=0)


@section("evaluation", "pretrain-g")
@dataclass(frozen=True)
class Evaluation:
    samples: int = setting(
        2000, "samples, and validation sequences, behind each point of a learning curve", at_least=16, quick=1000, fast=1000
    )
    final_samples: int = setting(10000, "samples behind the table that ends `train`", at_least=16, quick=5000)


@section("")
@dataclass(frozen=True)
class Seed:
    seed: int = setting(0, "seed of every random draw", at_least=0, below=2**31, fixed_by="corpus")


SECTIONS = (Seed, Data, GeneratorSettings, DiscriminatorSettings, PretrainG, PretrainD, Adversarial, Evaluation)


class Settings:
    """Values read as attributes: `settings.pretrain_g.learning_rate`, or `settings[ConvolutionalSettings].filters`.

    Args:
        values: by dotted name; those that are not there have their defaults.
    """

    def __init__(self, values: Mapping[str, Any] | None = None) -> None:
        self.values = {name: spec.default for name, spec in SCHEMA.items()} | dict(values or {})
        self._sections: dict[Any, Any] = {}

    def __getitem__(self, declared: type[S]) -> S:
        """The values of a section."""
        if declared not in self._sections:
            names = {spec.name.rpartition(".")[2].replace("-", "_"): spec.name for spec in specs_of(declared)}
            self._sections[declared] = declared(**{leaf: self.values[name] for leaf, name in names.items()})
        found: S = self._sections[declared]
        return found

    def of(self, known: registry.Registry) -> Any:
        """The section of the component that these settings name."""
        return self[known[self.values[known.setting]].Section]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Settings) and self.values == other.values

    def __hash__(self) -> int:
        return hash(tuple(sorted((name, str(value)) for name, value in self.values.items())))

    def changed(self, values: Mapping[str, Any]) -> "Settings":
        """The same with other values."""
        return Settings(self.values | dict(values))

    @property
    def kind(self) -> Any:
        """The kind of the data."""
        return registry.kinds.of(self.data.source, self.data.kind)

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
        return self.adversarial.patience if stage == "adversarial" else 0

    def monitor(self, stage: str) -> str | None:
        """The score that decides which checkpoint of a stage is best; None where none is."""
        held_out = "nll_validation" if self.data.validation else "nll_test"  # the former name of both
        if stage == "adversarial" and (asked := self.adversarial.monitor) not in ("nll_validation", "nll_test"):
            return asked if asked != "auto" else "nll_oracle" if self.data.synthetic else held_out
        return None if stage == "pretrain-d" else held_out

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
        declared = [*SECTIONS, *(each for known in registry.ALL for each in known.sections())]
        specs = [spec for each in declared for spec in specs_of(each)]
        order = {spec.name.partition(".")[0]: i for i, spec in reversed([*enumerate(specs)])}  # a section in one piece
        for spec in sorted(specs, key=lambda spec: order[spec.name.partition(".")[0]]):
            found.setdefault(spec.name, spec)
        return found

    def add(self, declared: Any) -> None:
        """Make room for the settings of one more section. Raises UsageError for one that is there already and is another."""
        for spec in specs_of(declared):
            if self.get(spec.name, spec) != spec:
                raise UsageError(f"{declared.__module__} declares {spec.name}, which is another setting: give it another name.")
        self.__dict__.pop("_specs", None)

    def __getitem__(self, name: str) -> SettingSpec:
        return self._specs[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._specs)

    def __len__(self) -> int:
        return len(self._specs)


SCHEMA = Schema()


def preset_value(spec: SettingSpec, preset: str) -> Any:
    """The setting's value under that preset, or None where it keeps the default."""
    return MLE_STRONG.get(spec.name) if preset == "mle-strong" else spec.presets.get(preset)


def settings_of(*stages: str) -> tuple[str, ...]:
    """The names of the settings that the results of these stages depend on first."""
    return tuple(name for name, spec in SCHEMA.items() if spec.stage in stages)


def find(name: str) -> SettingSpec:
    """The setting of that name, hyphens or underscores, or the only one that ends in it (`update-rate`).

    Raises UsageError that suggests near names.
    """
    wanted = name.replace("_", "-")
    near = [known for known in SCHEMA if known.endswith("." + wanted)]
    spec = SCHEMA.get(wanted) or (SCHEMA[near[0]] if len(near) == 1 else None)
    if spec is None:
        near = near or difflib.get_close_matches(wanted, SCHEMA, n=3, cutoff=0.5)
        hint = f" Did you mean {' or '.join(near)}?" if near else ""
        raise UsageError(f"There is no setting {name!r}.{hint} `seqgan settings` lists them all.")
    return spec
