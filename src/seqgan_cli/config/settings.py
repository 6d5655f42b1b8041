"""Every setting: its name, type, default, bounds and meaning, and what presets and kinds of data make of it."""

import dataclasses
import difflib
import sys
import typing
from dataclasses import dataclass, field
from typing import Any

from seqgan_cli.errors import SeqganError, UsageError

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
# The rewards that come from a discriminator.
JUDGED = ("discriminator", "partial")
# What the data can be, and the defaults that go with it.
KINDS: dict[str, dict[str, Any]] = {
    "text": {},
    "poems": {"data.tokenizer": "chars"},
    "speeches": {"data.tokenizer": "words", "data.lowercase": True, "data.overlong": "split", "data.max-length": 32},
    "music": {},
    "ids": {},
}
# Data that come with the program or with a package, by name, and what they are.
BUILT_IN = {"oracle": "oracle", "speech": "speeches", "folk": "music"}


@dataclass(frozen=True)
class SettingSpec:
    """What is known of one setting besides its value. `fixed_by`: from when on a run cannot change it."""

    name: str
    type: type
    default: Any
    meaning: str
    quick: Any = None
    fast: Any = None
    choices: tuple[str, ...] = ()
    at_least: float | None = None
    above: float | None = None
    below: float | None = None
    at_most: float | None = None
    fixed_by: str | None = None
    before: Any = None  # what holds for records that are older than the setting; None: the default

    def preset(self, name: str) -> Any:
        """The value under that preset, or None where it keeps the default."""
        return {"quick": self.quick, "fast": self.fast, "mle-strong": MLE_STRONG.get(self.name)}.get(name)

    def parse(self, text: str) -> Any:
        """The value a user wrote, checked. Raises UsageError."""
        try:
            if self.type is bool:
                value: Any = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}[text.lower()]
            else:
                value = self.type(text)
        except (KeyError, ValueError):
            kind = {bool: "true or false", int: "a whole number", float: "a number"}[self.type]
            raise UsageError(f"{self.name}={text}: needs {kind}.") from None
        return self.check(value)

    def check(self, value: Any) -> Any:
        """The value itself if it has the right type and bounds. Raises UsageError."""
        if self.type is float and type(value) is int:
            try:
                value = float(value)
            except OverflowError:
                raise UsageError(f"{self.name}: needs a finite number.") from None
        kind = type(value)
        if kind is not self.type:
            raise UsageError(f"{self.name}={value}: needs {self.type.__name__}, not {kind.__name__}.")
        if self.choices and value not in self.choices:
            raise UsageError(f"{self.name}={value}: choose from {', '.join(self.choices)}.")
        if self.type in (int, float):
            if value != value or value in (float("inf"), float("-inf")):
                raise UsageError(f"{self.name}={value}: needs a finite number.")
            if self.at_least is not None and value < self.at_least:
                raise UsageError(f"{self.name}={value}: must be at least {self.at_least}.")
            if self.above is not None and value <= self.above:
                raise UsageError(f"{self.name}={value}: must be above {self.above}.")
            if self.below is not None and value >= self.below:
                raise UsageError(f"{self.name}={value}: must be below {self.below}.")
            if self.at_most is not None and value > self.at_most:
                raise UsageError(f"{self.name}={value}: must be at most {self.at_most}.")
        if self.name == "discriminator.filters":
            parse_filters(value, sys.maxsize)
        return value


def _setting(default: Any, meaning: str, **info: Any) -> Any:
    return field(default=default, metadata={"meaning": meaning, **info})


@dataclass(frozen=True)
class Data:
    source: str = _setting("oracle", "'oracle', a file or folder of your own, 'speech' or 'folk'", fixed_by="corpus")
    kind: str = _setting("auto", "what the data are (auto: seen from the file)", choices=("auto", *KINDS), fixed_by="corpus")
    test: str = _setting("", "file of held-out sequences (default: a share of the data)", fixed_by="corpus")
    holdout: float = _setting(
        0.1, "share of the lines held out for the test part when no test file is given", above=0, below=1, fixed_by="corpus"
    )
    validation: float = _setting(
        0.1,
        "share of the lines held out to choose by: best, patience, curves (0: the test part chooses too)",
        at_least=0,
        below=1,
        fixed_by="corpus",
        before=0.0,
    )
    tokenizer: str = _setting("whitespace", "what a token is", choices=("whitespace", "words", "chars"), fixed_by="corpus")
    lowercase: bool = _setting(False, "lower-case the text", fixed_by="corpus")
    markers: str = _setting("", "words that begin and end lines and are no text, such as '<sos>,<eos>'", fixed_by="corpus")
    max_length: int = _setting(0, "longest line in tokens (0: the longest, at most 64)", at_least=0, fixed_by="corpus")
    overlong: str = _setting("drop", "what to do with longer lines", choices=("drop", "cut", "split"), fixed_by="corpus")
    min_count: int = _setting(1, "rarer tokens become <unk>", at_least=1, fixed_by="corpus")
    max_vocab: int = _setting(0, "keep so many tokens, the rest become <unk> (0: all)", at_least=0, fixed_by="corpus")
    poem_form: str = _setting("5x4", "poems: characters a line, and lines", choices=("5x4", "7x4"), fixed_by="corpus")
    whole: bool = _setting(False, "poems: only those of four lines, not the first four of longer ones", fixed_by="corpus")
    speaker: str = _setting("", "speech: only whose name holds this", fixed_by="corpus")
    since: int = _setting(0, "speech: only from this year on", at_least=0, fixed_by="corpus")
    track: str = _setting(
        "", "music: number or name of the track (default: solo, melody or lead, else the first)", fixed_by="corpus"
    )
    channel: int = _setting(
        0, "music: channel of the track, 1 to 16 (0: all but the drums')", at_least=0, at_most=16, fixed_by="corpus"
    )
    step: float = _setting(0.4, "music: seconds between the pitches of a sequence", above=0, fixed_by="corpus")
    sampling: str = _setting(
        "longest",
        "music: a step's pitch is what sounds longest in it, or when it begins",
        choices=("longest", "instant"),
        fixed_by="corpus",
        before="instant",
    )
    rests: str = _setting("hold", "music: a rest holds the pitch, or is 0", choices=("hold", "token"), fixed_by="corpus")
    window: int = _setting(32, "music: pitches in a sequence", at_least=2, fixed_by="corpus")
    stride: int = _setting(
        0, "music: pitches from one sequence's start to the next (0: the window)", at_least=0, fixed_by="corpus"
    )
    strict: bool = _setting(False, "stop at the first bad file of a folder instead of leaving it out", fixed_by="corpus")
    vocab_size: int = _setting(5000, "oracle: number of token ids", at_least=2, quick=200, fixed_by="corpus")
    sequence_length: int = _setting(20, "oracle: tokens in a sequence", at_least=1, quick=10, fixed_by="corpus")
    num_sequences: int = _setting(
        10000, "oracle: sequences of each part: training, validation, test", at_least=4, quick=5000, fixed_by="corpus"
    )
    oracle: str = _setting("", "oracle: .npz with its weights (default: N(0, 1) from the seed)", fixed_by="corpus")


@dataclass(frozen=True)
class GeneratorSettings:
    embedding_dim: int = _setting(32, "size of the generator's token embedding", at_least=1, fixed_by="pretrain-g")
    hidden_dim: int = _setting(32, "size of its recurrent state", at_least=1, fixed_by="pretrain-g")
    cell: str = _setting(
        "lstm", "recurrent cell, or causal attention", choices=("lstm", "gru", "attention"), fixed_by="pretrain-g"
    )


@dataclass(frozen=True)
class DiscriminatorSettings:
    kind: str = _setting(
        "convolutional",
        "how it reads a sequence: windows of tokens (the paper), an LSTM, or causal attention",
        choices=("convolutional", "recurrent", "attention"),
        fixed_by="pretrain-d",
    )
    embedding_dim: int = _setting(64, "size of the discriminator's token embedding", at_least=1, fixed_by="pretrain-d")
    filters: str = _setting(
        "paper",
        "'paper' (its table), or window:number,… such as 1:100,2:200",
        quick="1:50,2:50,3:50,4:50,6:50",
        fixed_by="pretrain-d",
    )
    hidden_dim: int = _setting(64, "features of those that are recurrent or attend", at_least=1, fixed_by="pretrain-d")
    prefixes: bool = _setting(False, "teach it every prefix and not only whole sequences", fixed_by="pretrain-d")
    loss: str = _setting(
        "cross-entropy", "what it lowers", choices=("cross-entropy", "wasserstein"), fixed_by="pretrain-d"
    )
    gradient_penalty: float = _setting(0.0, "weight of (slope - 1)² between real and generated embeddings", at_least=0)
    label_smoothing: float = _setting(0.0, "how far the label of real sequences is below 1", at_least=0, below=1)
    weight_decay: float = _setting(0.0, "λ of decoupled weight decay, biases spared", at_least=0)
    stop: float = _setting(
        0.0, "rest while it tells held-out from generated sequences better than this (0: never)", at_least=0, at_most=1
    )
    dropout: float = _setting(0.25, "share of features dropped while the discriminator trains", at_least=0, below=1)
    l2: float = _setting(0.2, "L2 weight on the output layer, in the authors' scale", at_least=0)
    batch_size: int = _setting(64, "sequences a discriminator step, real and generated together", at_least=2)
    precision: str = _setting(
        "float32", "arithmetic of the discriminator's products", choices=("float32", "bfloat16", "float16")
    )


@dataclass(frozen=True)
class PretrainG:
    epochs: int = _setting(120, "passes over the training set (scheduled sampling: 300)", at_least=1, quick=30, fast=60)
    scheduled_sampling: str = _setting(
        "none",
        "how the share of true tokens the generator reads falls, the others being its own",
        choices=("none", "linear", "exponential", "sigmoid"),
        fixed_by="pretrain-g",
    )
    sampling_decay: float = _setting(
        0.002, "how fast it falls, about so much an epoch", above=0, below=1, quick=0.01, fast=0.006, fixed_by="pretrain-g"
    )
    steps_per_epoch: int = _setting(
        0, "steps of an epoch (0: once through; of streamed data 1000)", at_least=0, fixed_by="pretrain-g"
    )
    batch_size: int = _setting(64, "sequences a step", at_least=1)
    learning_rate: float = _setting(0.01, "step size", above=0)
    optimizer: str = _setting("adam", "how gradients become steps", choices=("adam", "rmsprop"), fixed_by="pretrain-g")
    clip_norm: float = _setting(5.0, "largest global norm of a gradient", above=0)
    dropout: float = _setting(0.0, "share of embedding and output features dropped in training", at_least=0, below=1)
    weight_decay: float = _setting(0.0, "λ of decoupled weight decay, biases spared", at_least=0)
    eval_every: int = _setting(1, "epochs between scores of the generator", at_least=1)
    patience: int = _setting(0, "stop after so many scored epochs without a better nll_validation (0: never)", at_least=0)


@dataclass(frozen=True)
class PretrainD:
    d_steps: int = _setting(50, "draws of fresh negatives", at_least=1, quick=4, fast=10)
    k: int = _setting(3, "epochs on each draw", at_least=1, quick=1)
    learning_rate: float = _setting(1e-4, "step size", above=0, quick=1e-3)
    d_samples: int = _setting(
        0, "positives, and negatives, a draw (0: all there are; of streamed data 10,000)", at_least=0, fast=2500
    )


@dataclass(frozen=True)
class Adversarial:
    rounds: int = _setting(200, "rounds of g-steps and d-steps", at_least=1, quick=20, fast=60)
    g_steps: int = _setting(1, "generator updates a round", at_least=0, quick=2)
    d_steps: int = _setting(5, "draws of fresh negatives a round", at_least=0, quick=1, fast=1)
    k: int = _setting(3, "epochs on each draw", at_least=1, quick=1, fast=1)
    rollouts: int = _setting(
        16, "Monte Carlo continuations of every prefix (0: the finished sequence's reward for all)", at_least=0, quick=4
    )
    rollout_policy: str = _setting(
        "generator",
        "what continues prefixes: a copy of the generator, or an n-gram model of the training data",
        choices=("generator", "ngram"),
        fixed_by="adversarial",
    )
    rollout_horizon: int = _setting(
        0, "tokens of a continuation, then what a value head expects (0: to the end)", at_least=0, fixed_by="adversarial"
    )
    update_rate: float = _setting(
        0.0, "share of the rollout policy kept at a round's end: β ← u·β + (1-u)·θ", at_least=0, below=1
    )
    g_learning_rate: float = _setting(0.01, "generator's step size", above=0, quick=0.003)
    d_learning_rate: float = _setting(1e-4, "discriminator's step size", above=0, quick=1e-3)
    batch_size: int = _setting(64, "sequences a g-step", at_least=1)
    clip_norm: float = _setting(5.0, "largest global norm of the generator's gradient", above=0)
    d_samples: int = _setting(
        0, "positives, and negatives, a draw (0: all there are; of streamed data 10,000)", at_least=0, quick=500, fast=2500
    )
    reward: str = _setting(
        "discriminator",
        "what scores a finished sequence, or with partial (the discriminator) and lm (likelihood) every token",
        choices=("discriminator", "partial", "lm", "bleu", "constant", "random"),
        fixed_by="adversarial",
    )
    reward_transform: str = _setting(
        "none",
        "what becomes of rewards: (Q - mean) / deviation, MaliGAN's D/(1-D) over its mean, or RankGAN's rank among real ones",
        choices=("none", "standardize", "mali", "rank"),
        fixed_by="adversarial",
    )
    reward_references: float = _setting(
        1.0, "reward bleu: share of the training set it compares with", above=0, at_most=1, fixed_by="adversarial"
    )
    reward_order: int = _setting(2, "reward bleu: longest n-gram", at_least=1, at_most=10, fixed_by="adversarial")
    baseline: str = _setting(
        "none",
        "subtracted from rewards at each position: the mean of the batch, of its other sequences, or what the prefix promises",
        choices=("none", "mean", "leave-one-out", "value"),
        fixed_by="adversarial",
    )
    value_learning_rate: float = _setting(0.001, "step size of the head that tells what a prefix promises", above=0)
    kl_coefficient: float = _setting(
        0.0, "cost of a nat's departure from the pre-trained policy", at_least=0, fixed_by="adversarial"
    )
    entropy_coefficient: float = _setting(0.0, "reward of a nat of the policy's own surprise", at_least=0)
    mle_every: int = _setting(
        0, "g-steps between steps of maximum likelihood (0: none)", at_least=0, fixed_by="adversarial"
    )
    start: str = _setting("last", "which pretrain-g checkpoint to start from", choices=("last", "best"), fixed_by="adversarial")
    monitor: str = _setting(
        "auto",
        "score that decides best and patience (auto: nll_oracle, for text nll_validation)",
        choices=("auto", "nll_oracle", "nll_validation", "nll_test", "distinct_share", "reward_mean"),
    )
    patience: int = _setting(0, "stop after so many rounds without a better score (0: never)", at_least=0)


@dataclass(frozen=True)
class Evaluation:
    samples: int = _setting(
        2000, "samples, and validation sequences, behind each point of a learning curve", at_least=16, quick=1000, fast=1000
    )
    final_samples: int = _setting(10000, "samples behind the table that ends `train`", at_least=16, quick=5000)


@dataclass(frozen=True)
class Settings:
    """The tree. Dotted names with hyphens (`pretrain-g.learning-rate`) address its leaves."""

    seed: int = _setting(0, "seed of every random draw", at_least=0, below=2**31, fixed_by="corpus")
    data: Data = field(default_factory=Data)
    generator: GeneratorSettings = field(default_factory=GeneratorSettings)
    discriminator: DiscriminatorSettings = field(default_factory=DiscriminatorSettings)
    pretrain_g: PretrainG = field(default_factory=PretrainG)
    pretrain_d: PretrainD = field(default_factory=PretrainD)
    adversarial: Adversarial = field(default_factory=Adversarial)
    evaluation: Evaluation = field(default_factory=Evaluation)

    def patience(self, stage: str) -> int:
        """Units without a better score after which a stage stops; 0: never."""
        if stage == "pretrain-g":
            return self.pretrain_g.patience * self.pretrain_g.eval_every
        return self.adversarial.patience if stage == "adversarial" else 0

    def monitor(self, stage: str) -> str | None:
        """The score that decides which checkpoint of a stage is best; None where none is."""
        held_out = "nll_validation" if self.data.validation else "nll_test"  # the former name of both
        if stage == "adversarial" and (own := self.adversarial.monitor) not in ("nll_validation", "nll_test"):
            return own if own != "auto" else "nll_oracle" if self.data.source == "oracle" else held_out
        return None if stage == "pretrain-d" else held_out

    def measure(self, stage: str) -> dict[str, Any] | None:
        """All that decides what that score is a score of: values of two measures do not compare. None where there is none."""
        score = self.monitor(stage)
        return None if score is None else {"score": score, "samples": self.evaluation.samples}


def _catalogue() -> dict[str, SettingSpec]:
    found = {}

    def visit(section: Any, prefix: str) -> None:
        hints = typing.get_type_hints(section)
        for leaf in dataclasses.fields(section):
            name = prefix + leaf.name.replace("_", "-")
            if dataclasses.is_dataclass(hints[leaf.name]):
                visit(hints[leaf.name], name + ".")
            else:
                found[name] = SettingSpec(name, hints[leaf.name], leaf.default, **leaf.metadata)

    visit(Settings, "")
    return found


SCHEMA = _catalogue()


def find(name: str) -> SettingSpec:
    """The setting of that name, hyphens or underscores, or the only one that ends in it (`update-rate`).

    Raises UsageError that suggests near names.
    """
    wanted = name.replace("_", "-")
    near = [known for known in SCHEMA if known.endswith("." + wanted)]
    info = SCHEMA.get(wanted) or (SCHEMA[near[0]] if len(near) == 1 else None)
    if info is None:
        near = near or difflib.get_close_matches(wanted, SCHEMA, n=3, cutoff=0.5)
        hint = f" Did you mean {' or '.join(near)}?" if near else ""
        raise UsageError(f"There is no setting {name!r}.{hint} `seqgan settings` lists them all.")
    return info


PAPER_FILTERS = {1: 100, 2: 200, 3: 200, 4: 200, 5: 200, 6: 100, 7: 100, 8: 100, 9: 100, 10: 100}


def parse_filters(text: str, sequence_length: int) -> tuple[tuple[int, int], ...]:
    """(window, number of filters) pairs, none wider than the sequence. Raises UsageError.

    `paper` is the appendix's table: windows 1 … 10, then ⌊T/2⌋, ⌊3T/4⌋ and T with 160 filters each where they exceed 10.
    """
    if text == "paper":
        wide = {w: 160 for w in (sequence_length // 2, 3 * sequence_length // 4, sequence_length) if w > 10}
        pairs = {**PAPER_FILTERS, **wide}
    else:
        try:
            pairs = {int(window): int(number) for window, number in (part.split(":") for part in text.split(","))}
        except ValueError:
            raise UsageError(f"discriminator.filters={text}: write 'paper' or window:number,… such as 1:100,2:200.") from None
        if any(window < 1 or number < 1 for window, number in pairs.items()):
            raise UsageError(f"discriminator.filters={text}: windows and numbers of filters start at 1.")
    fitting = tuple((window, number) for window, number in sorted(pairs.items()) if window <= sequence_length)
    if not fitting:
        raise SeqganError(f"discriminator.filters={text}: every window is wider than the sequences ({sequence_length} tokens).")
    return fitting
