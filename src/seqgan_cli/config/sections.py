"""The sections of settings that several parts of the program read; a component declares its own in its own file."""

from dataclasses import dataclass

from seqgan_cli.config import registry
from seqgan_cli.config.schema import section, setting


@section("data", "pretrain-g", fixed_by="corpus")
@dataclass(frozen=True)
class Data:
    source: str = setting(
        "oracle",
        "'oracle', a file, folder or 'pattern*' of your own, 'speech' or 'folk'; repeat it for several files",
        is_file=True,
        is_files=True,
    )
    kind: str = setting("auto", "what the data are (auto: seen from the file)", choices=registry.kinds)
    test: str = setting(
        "", "file, folder or 'pattern*' of held-out sequences (default: a share of the data)", is_file=True, is_files=True
    )
    holdout: float = setting(0.1, "share of the lines held out for the test part when no test file is given", above=0, below=1)
    validation: float = setting(
        0.1,
        "share of the lines held out to choose by: best, patience, curves (0: the test part chooses too)",
        at_least=0,
        below=1,
        before=0.0,
    )
    deduplicate: bool = setting(
        False, "remove from validation and test what is in training too, and from test what is in validation", before=False
    )
    column: str = setting("", "column of a table or field of JSON objects that is text (default: the only one that is)")
    unit: str = setting(
        "line",
        "what is one sequence of a text: a line, or what it has of sentences, paragraphs, windows of --max-length tokens",
        choices=("line", "sentence", "paragraph", "window"),
    )
    pad_id: int = setting(-1, "number that fills up the rows of an array of ids (-1: all that are negative)", at_least=-1)
    tokenizer: str = setting(
        "whitespace",
        "what a token is (`seqgan settings data.tokenizer` lists them)",
        choices=registry.tokenizers,
    )
    lowercase: bool = setting(False, "lower-case the text")
    normalize: str = setting(
        "none", "Unicode form of the text, in which one letter is written in one way", choices=("none", "nfc", "nfkc")
    )
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
    layers: int = setting(1, "recurrent layers on one another, or blocks of a transformer", at_least=1)
    tied: bool = setting(False, "let the table of embeddings be the output layer's kernel too; their sizes must be equal")
    layer_norm: bool = setting(False, "normalise what each recurrent layer reads, and what the last one gives")
    residual: bool = setting(False, "let each recurrent layer but the first add what it reads to what it gives")
    embeddings: str = setting("", "file of word vectors that it starts from", is_file=True, times_steps=False)


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
    embeddings: str = setting("", "file of word vectors that it starts from", is_file=True, fixed_by="pretrain-d")
    hidden_dim: int = setting(64, "features of those that are recurrent or attend", at_least=1, fixed_by="pretrain-d")
    prefixes: bool = setting(
        False, "teach it every prefix and not only whole sequences", fixed_by="pretrain-d", times_steps=True
    )
    loss: str = setting("cross-entropy", "what it lowers", choices=("cross-entropy", "wasserstein"), fixed_by="pretrain-d")
    gradient_penalty: float = setting(
        0.0, "weight of (slope - 1)² between real and generated embeddings", at_least=0, times_steps=True
    )
    label_smoothing: float = setting(0.0, "how far the label of real sequences is below 1", at_least=0, below=1)
    weight_decay: float = setting(0.0, "λ of decoupled weight decay, biases spared", at_least=0)
    stop: float = setting(
        0.0, "rest while it tells held-out from generated sequences better than this (0: never)", at_least=0, at_most=1
    )
    stop_nats: float = setting(
        0.0, "rest while it knows more of held-out sequences than so many nats, as d_knows measures (0: never)", at_least=0
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
    keep_every: int = setting(
        0, "keep every so many epochs' checkpoint too, not the last three alone (0: those alone)", at_least=0
    )
    patience: int = setting(0, "stop after so many scored epochs without a better nll_validation (0: never)", at_least=0)
    plateau: int = setting(
        0,
        "go on with a third of the step size after so many scored epochs without a better nll_validation (0: never)",
        at_least=0,
        fixed_by="pretrain-g",
    )


@section("pretrain-d", "pretrain-d")
@dataclass(frozen=True)
class PretrainD:
    d_steps: int = setting(50, "draws of fresh negatives", at_least=1, quick=4, fast=10)
    k: int = setting(3, "epochs on each draw", at_least=1, quick=1)
    learning_rate: float = setting(1e-4, "step size", above=0, quick=1e-3)
    d_samples: int = setting(
        0, "positives, and negatives, a draw (0: all there are; of streamed data 10,000)", at_least=0, fast=2500
    )
    patience: int = setting(0, "stop after so many d-steps without a better d_knows (0: never)", at_least=0)


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
        "what scores finished sequences: one reward, or a sum, as discriminator=0.5,grammar*length=0.5 "
        "(`seqgan settings adversarial.reward` lists them)",
        choices=registry.rewards,
        fixed_by="adversarial",
    )
    reward_jobs: int = setting(1, "processes that score texts, for rewards that are slow", at_least=1, at_most=256)
    reward_timeout: float = setting(60.0, "seconds to wait for a score before training stops", above=0)
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
    d_start: str = setting(
        "last",
        "which pretrain-d checkpoint to start from: the last, or the one of the best d_knows",
        choices=("last", "best"),
        fixed_by="adversarial",
    )
    keep_every: int = setting(
        0, "keep every so many rounds' checkpoint too, not the last three alone (0: those alone)", at_least=0
    )
    monitor: str = setting(
        "auto",
        "score that decides best and patience (auto: nll_oracle, for text nll_validation; with keep-coverage reward_final)",
        choices=("auto", "nll_oracle", "nll_validation", "nll_test", "distinct_share", "reward_mean", "reward_final"),
    )
    patience: int = setting(0, "stop after so many rounds without a better score (0: never)", at_least=0)
    keep_coverage: float = setting(
        0.0,
        "stop before nll_validation is so many nats a token above where the rounds began (0: never)",
        at_least=0,
    )


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
