"""A discriminator's reward: D(Y), its log-ratio, what MaliGAN and RankGAN make of it, and that of another run."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqgan_cli.config import registry
from seqgan_cli.config.schema import section, setting
from seqgan_cli.data.vocabulary import EOS, PAD, SPECIAL, UNK, Vocabulary
from seqgan_cli.errors import SeqganError
from seqgan_cli.lazy import np, tf
from seqgan_cli.rewards.base import Given, Reward, Scaled
from seqgan_cli.runs.checkpoints import named
from seqgan_cli.runs.discriminators import no_discriminator, read_discriminator, stage_of_discriminator
from seqgan_cli.runs.run import Run

if TYPE_CHECKING:
    from seqgan_cli.config.expression import Use
    from seqgan_cli.config.settings import Settings
    from seqgan_cli.console import Console
    from seqgan_cli.models.discriminator import Discriminator


@section("reward", "adversarial", fixed_by="adversarial")
@dataclass(frozen=True)
class CriticSettings(Scaled):
    """A probability has its bounds; the value of a Wasserstein critic has none."""


class DiscriminatorReward(Reward):
    """D(Y): the probability that Y is real, or a critic's value, dropout off (Eq. 4)."""

    name = "discriminator"
    meaning = "D(Y), the paper's"
    title = "SeqGAN"
    rank = 0
    needs_discriminator = True
    needs_positives = True
    Section = CriticSettings

    def __init__(self, discriminator: Discriminator, scale: Scaled | None = None) -> None:
        self.discriminator, self.scale = discriminator, scale or Scaled()

    @classmethod
    def bounds(cls, settings: Settings, use: Use) -> tuple[float, float] | None:
        scale = settings.of_use(CriticSettings, use.name)
        return scale.bounds if settings.discriminator.loss == "wasserstein" else (0.0, 1.0)

    @classmethod
    def refused(cls, settings: Settings, use: Use) -> Iterable[tuple[bool, str]]:
        transform, scale = settings.adversarial.reward_transform, settings.of_use(CriticSettings, use.name)
        yield (
            transform in TRANSFORMED and scale.bounds is not None,
            f"adversarial.reward-transform={transform} has a scale of its own: leave reward.{use.name}.low and .high out.",
        )

    @classmethod
    def make(cls, given: Given) -> Reward:
        assert given.discriminator is not None
        made = TRANSFORMED.get(given.settings.adversarial.reward_transform, DiscriminatorReward)
        if made is RankReward:
            return RankReward(given.discriminator, given.corpus.without_unk(given.corpus.train))
        return made(given.discriminator, given.options(CriticSettings))

    def reward_from_logits(self, logits: Any) -> Any:
        """The reward of logits float32 of any shape."""
        return self.scale.scaled(self.discriminator.reward_from_logits(logits))

    def __call__(self, tokens: Any, key: Any) -> Any:
        return self.reward_from_logits(self.discriminator(tokens))

    def score_continuations(self, tokens: Any, source_ids: Any, continuations: Any, key: Any) -> Any:
        return self.reward_from_logits(self.discriminator.score_continuations(tokens, source_ids, continuations))


class LogRatioReward(DiscriminatorReward):
    """a·T(Y): the logit as an estimate of log p/G, in nats.

    a is `d_scale`, chosen on held-out sequences and samples before the rounds and after each that has d-steps, since the
    scale of a logit is not to be trusted. Without d-steps and with a KL penalty of 1, which is against the generator that the
    discriminator knows, the best policy is the corrected generator (`evaluation/correction.py`). Chosen against a policy
    that has moved, a would be what is left to correct, and the KL penalty would take back what was earned, unless it is
    against that policy too (`adversarial.kl-reference=round`).
    """

    name = "log-ratio"
    meaning = "D's logit, scaled to be log p/G of held-out data"
    title = "SeqGAN, log-ratio"
    rank = 6

    def __init__(self, discriminator: Discriminator, scale: Scaled | None = None) -> None:
        super().__init__(discriminator, scale)
        self.a = tf.Variable(1.0, trainable=False)

    @classmethod
    def bounds(cls, settings: Settings, use: Use) -> tuple[float, float] | None:
        return settings.of_use(CriticSettings, use.name).bounds

    @classmethod
    def refused(cls, settings: Settings, use: Use) -> Iterable[tuple[bool, str]]:
        transform = settings.adversarial.reward_transform
        yield (
            transform in TRANSFORMED,
            f"adversarial.reward-transform={transform} is made of D, and --reward {use.reward} of its logit: leave one out.",
        )
        yield (
            settings.discriminator.loss == "wasserstein",
            f"--reward {use.reward} needs a logit, and discriminator.loss=wasserstein gives none: leave one out.",
        )

    @classmethod
    def make(cls, given: Given) -> Reward:
        assert given.discriminator is not None
        return cls(given.discriminator, given.options(CriticSettings))

    def reward_from_logits(self, logits: Any) -> Any:
        return self.scale.scaled(self.a * logits)

    def take_note(self, measured: Mapping[str, float]) -> None:
        if (scale := measured.get("d_scale")) is not None:
            self.a.assign(scale)

    def variables(self) -> Mapping[str, Any]:
        return {f"{self.name}/scale": self.a}


class OddsReward(DiscriminatorReward):
    """D / (1 − D), the density ratio of real to generated sequences under the best D (MaliGAN: Che et al. 2017, §3.1)."""

    def reward_from_logits(self, logits: Any) -> Any:
        return tf.exp(tf.minimum(logits, 20.0))  # beyond it one sequence would be the batch, and one more an infinity


class RankReward(DiscriminatorReward):
    """How a sequence ranks among real ones by likeness to real ones (RankGAN: Lin et al. 2017, Eq. 3-5).

    With cosines α of the discriminator's features, for a reference u and real sequences C to compare with:
    R(Y) = mean over u of exp(γ α(Y, u)) / (exp(γ α(Y, u)) + Σ_{c ∈ C} exp(γ α(c, u))). The paper names neither γ nor how many.
    Its ranker is taught to rank; here the features are those of the discriminator as it is.

    Args:
        references: int32 `[n, T]`, real sequences to draw u and C from, anew for every key.
    """

    GAMMA = 10.0
    keyed_by_batch = True
    DRAWN = 16  # references, and as many to compare with

    def __init__(self, discriminator: Discriminator, references: np.ndarray) -> None:
        super().__init__(discriminator)
        self.references = tf.constant(references)

    def _ranked(self, features: Any, key: Any) -> Any:
        rows = tf.random.stateless_uniform([2 * self.DRAWN], key, maxval=len(self.references), dtype=tf.int32)
        real = self.discriminator.features(self.discriminator.embed(tf.gather(self.references, rows)))
        reference, compared = tf.split(tf.math.l2_normalize(real, axis=-1), 2)
        mine = tf.exp(self.GAMMA * tf.matmul(tf.math.l2_normalize(features, axis=-1), reference, transpose_b=True))
        theirs = tf.exp(self.GAMMA * tf.matmul(compared, reference, transpose_b=True))
        return tf.reduce_mean(mine / (mine + tf.reduce_sum(theirs, axis=0)), axis=-1)

    def __call__(self, tokens: Any, key: Any) -> Any:
        return self._ranked(self.discriminator.features(self.discriminator.embed(tokens)), key)

    def score_continuations(self, tokens: Any, source_ids: Any, continuations: Any, key: Any) -> Any:
        ranked = functools.partial(self._ranked, key=key)
        return self.discriminator.score_continuations(tokens, source_ids, continuations, ranked)


# What `adversarial.reward-transform` makes of this reward; other transforms are of its action values.
TRANSFORMED: dict[str, type[DiscriminatorReward]] = {"mali": OddsReward, "rank": RankReward}


@section("reward", "adversarial", fixed_by="adversarial")
@dataclass(frozen=True)
class ClassifierSettings:
    run: str = setting("", "reward classifier: the folder of the run whose discriminator it is", is_file=True)


class ClassifierReward(Reward):
    """D(Y) of another run's discriminator, as it is when the rounds begin: the probability that Y is of that run's data.

    The other run may have another vocabulary and length. A token is the one of the same name there, or `<unk>`; longer
    sequences are cut, and all end and are padded as they do there.

    Args:
        discriminator: of the other run.
        vocabulary, sequence_length: of the sequences that are scored.
        use: the name of this one, for checkpoints.
    """

    name = "classifier"
    meaning = "D(Y) of another run's discriminator"
    Section = ClassifierSettings

    def __init__(self, discriminator: Discriminator, vocabulary: Vocabulary, sequence_length: int, use: str) -> None:
        self.discriminator, self.vocabulary, self.use = discriminator, vocabulary, use
        theirs, length = discriminator.vocabulary, discriminator.sequence_length
        self.ids = np.asarray(theirs.encode(vocabulary.tokens), np.int32)  # there, of each token here
        self.places = np.minimum(np.arange(length), sequence_length - 1)  # here, of each place there
        self.is_same_layout = length == sequence_length and theirs.has_eos == vocabulary.has_eos

    @classmethod
    def make(cls, given: Given) -> Reward:
        run, settings = _other_run(Path(given.options(ClassifierSettings).run), given.settings)
        theirs, own = run.corpus(), given.corpus
        size, length = theirs.vocabulary.size, theirs.sequence_length
        is_text = theirs.vocabulary.has_special_tokens and own.vocabulary.has_special_tokens
        is_same = (theirs.vocabulary.tokens, length) == (own.vocabulary.tokens, own.sequence_length)
        if not (is_text or is_same):
            raise SeqganError(
                f"{run.path} has sequences of {length} out of {size} tokens, and this run of {own.sequence_length} out of "
                f"{own.vocabulary.size}: unless both are text they must be alike for its discriminator to score these."
            )
        discriminator = read_discriminator(run, settings, theirs, given.console.warn)
        made = cls(discriminator, own.vocabulary, own.sequence_length, given.use.name)
        made.tell_of_unknown(given.console, run.path)
        return made

    @classmethod
    def refused(cls, settings: Settings, use: Use) -> Iterable[tuple[bool, str]]:
        """Raises SeqganError where there is no run."""
        path = settings.of_use(ClassifierSettings, use.name).run
        yield not path, f"--reward {use.reward} needs another run: --set reward.{use.name}.run=RUN."
        if not path:
            return
        run, theirs = _other_run(Path(path), settings)
        yield not run.has(stage_of_discriminator(run, theirs)), no_discriminator(run)
        yield (
            theirs.discriminator.loss == "wasserstein",
            f"--reward {use.reward} needs a probability, and the discriminator of {run.path} is a critic, which gives none: "
            "name a run with discriminator.loss=cross-entropy.",
        )

    def tell_of_unknown(self, console: Console, path: Path) -> None:
        """Say how many of the tokens are none there, with a warning where all are."""
        if not self.vocabulary.has_special_tokens:
            return
        ids = self.ids[len(SPECIAL) :]
        unknown = int((ids == UNK).sum())
        if unknown == len(ids):
            console.warn(f"{path} knows none of the {unknown} tokens: its discriminator tells sequences by their length alone.")
        elif unknown:
            console.say(f"{path} does not know {unknown} of {len(ids)} tokens, which are <unk> to its discriminator.")

    def translated(self, tokens: Any) -> Any:
        """The same sequences as the other run has them: int32 `[..., T']` for int32 `[..., T]`."""
        if not self.vocabulary.has_special_tokens:
            return tokens
        theirs, length = self.discriminator.vocabulary, self.discriminator.sequence_length
        ordinary = tf.cast((tokens != PAD) & (tokens != EOS), tf.int32)
        count = tf.minimum(tf.reduce_sum(ordinary, axis=-1, keepdims=True), length - theirs.has_eos)
        found = tf.gather(self.ids, tf.gather(tokens, self.places, axis=-1))
        after = tf.where(tf.range(length) == count, EOS, PAD) if theirs.has_eos else PAD
        return tf.where(tf.range(length) < count, found, after)

    def __call__(self, tokens: Any, key: Any) -> Any:
        return self.discriminator.reward_from_logits(self.discriminator(self.translated(tokens)))

    def score_continuations(self, tokens: Any, source_ids: Any, continuations: Any, key: Any) -> Any:
        """By what prefixes share if they are prefixes there too; else whole, those of one length at a time."""
        if not self.is_same_layout:
            score = functools.partial(self, key=key)
            return tf.map_fn(score, continuations, fn_output_signature=tf.float32, parallel_iterations=1)
        sources, finished = self.translated(tokens), self.translated(continuations)
        discriminator = self.discriminator
        return discriminator.reward_from_logits(discriminator.score_continuations(sources, source_ids, finished))

    def variables(self) -> Mapping[str, Any]:
        return named(f"{self.name}/{self.use}", self.discriminator)  # it is of a run that may go on


def _other_run(path: Path, settings: Settings) -> tuple[Run, Settings]:
    """Another run, and its settings beside those of this one. Raises SeqganError if there is none, or it is damaged."""
    run = Run(path)
    try:
        return run, run.config().settings
    finally:
        registry.rewards.require(settings.adversarial.reward)  # names of uses may be those of other rewards there
