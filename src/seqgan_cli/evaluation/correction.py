"""The generator that a discriminator corrects: q(Y) = G(Y)·exp(a·T(Y)) / Z.

T is the discriminator's logit, Z = E_G[exp(a·T)]. Where a·T is log p/G and a constant, q is p. It needs no training: samples of
G are kept with a probability that grows with exp(a·T) (rejection: Azadi et al. 2019), and the likelihood of a sequence is
G's, times its weight over Z (Deng et al. 2020). What q gains over G on average, in nats a sequence of real data, is what the
discriminator knows (`metrics/knowledge.py`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from seqgan_cli.data.vocabulary import Vocabulary
from seqgan_cli.errors import SeqganError
from seqgan_cli.evaluation.logits import logits
from seqgan_cli.evaluation.metrics.knowledge import Knowledge, Scored, held_out, log_mean_exp
from seqgan_cli.lazy import np, tf
from seqgan_cli.sampling.choices import PLAIN, Sampling
from seqgan_cli.sampling.continuation import sample_beside

if TYPE_CHECKING:
    from seqgan_cli.config.sections import DiscriminatorSettings
    from seqgan_cli.data.corpus import Corpus
    from seqgan_cli.models.discriminator import Discriminator
    from seqgan_cli.models.generator import Generator

PATIENCE = 100_000  # draws in succession of which none may be kept


@dataclass(frozen=True)
class Correction:
    """What a generator's distribution is multiplied by.

    a: weight of the logit. max_logit: those above it count as it, in samples and likelihoods alike, so that weights have a
    bound: the largest of the samples that chose a. log_z: log of the mean weight over fresh samples, without most of its bias
    (nats). error: its standard error. knowledge: what the discriminator knows, on the test part.
    """

    discriminator: Discriminator
    vocabulary: Vocabulary
    a: float
    max_logit: float
    log_z: float
    error: float
    knowledge: Knowledge

    def log_weights(self, tokens: np.ndarray) -> np.ndarray:
        """a·T of each, nats: float64 `[n]` for int32 `[n, T]`."""
        return self.a * np.minimum(logits(self.discriminator, tokens).astype(np.float64), self.max_logit)

    def log_ratios(self, tokens: np.ndarray) -> np.ndarray:
        """log q/G of each, nats: float64 `[n]` for int32 `[n, T]`.

        0 for a sequence with `<unk>`, which the discriminator has never seen one of: G alone scores it.
        """
        known = self.vocabulary.has_no_unk(tokens)
        return np.where(known, self.log_weights(tokens) - self.log_z, 0.0)

    @property
    def acceptance(self) -> float:
        """The share of G's samples that is kept."""
        return math.exp(self.log_z - self.a * self.max_logit)

    def accept(self, batches: Iterator[np.ndarray], key: np.ndarray) -> Iterator[np.ndarray]:
        """Of batches int32 `[rows, T]` of G's samples those that make independent samples of q, in batches of any size.

        Each is kept with probability exp(a·T) / exp(a·max_logit), by draws that depend on `key` int32 `[2]` and its
        place alone.

        Raises SeqganError where PATIENCE samples in succession are refused.
        """
        draws = np.random.default_rng(np.asarray(key).view(np.uint32))
        refused = 0
        for batch in batches:
            chance = np.exp(self.log_weights(batch) - self.a * self.max_logit)
            own = batch[draws.random(len(batch)) < chance]
            refused = 0 if len(own) else refused + len(batch)
            if refused >= PATIENCE:
                raise SeqganError(
                    f"Of {refused} draws in succession the correction keeps none: the discriminator takes them all for "
                    "generated ones. Leave --correct out."
                )
            if len(own):
                yield own

    def told(self, corpus: Corpus) -> list[str]:
        """What it is, a sentence each."""
        known = self.knowledge
        return [
            knows(known, corpus),
            f"Corrected: weights exp(a·T) with a = {self.a:.3f}, chosen on the validation part; log Z = {self.log_z:.4f} ± "
            f"{1.96 * self.error:.4f} from {known.samples} samples (effective number {known.ess:.0f}). Of the generator's "
            f"samples {self.acceptance:.1%} are kept.",
        ]


def knows(known: Knowledge, corpus: Corpus) -> str:
    """What a discriminator knows, and what follows from it for nll_test, whose sequences with `<unk>` it says nothing of."""
    opening = (
        f"The discriminator knows {known.value:.3f} nats a sequence [{known.low:.3f}, {known.high:.3f}] of the generator's "
        f"faults (test part, {known.samples} fresh samples, effective number {known.ess:.0f})"
    )
    if math.isnan(known.low):
        opening = opening.replace(f" [{known.low:.3f}, {known.high:.3f}]", "")
    if not known.low > 0.0:
        return f"{opening}: not told apart from nothing, so that nothing is to be gained by it."
    tokens = corpus.reported.tokens
    share = float(corpus.vocabulary.has_no_unk(tokens).mean())
    gain = known.value * share / float(corpus.vocabulary.mask(tokens).sum(axis=1).mean())
    more = ", and no more" if corpus.vocabulary.separator is None else ""  # of each source it may normalise by itself
    return f"{opening}: a perfect student of it gains {gain:.4f} nats a token in nll_test{more}."


def unknowable(settings: DiscriminatorSettings, corpus: Corpus) -> str:
    """Why nobody can tell what the run's discriminators know, a sentence; empty if it can be told."""
    if settings.loss == "wasserstein":
        return "A critic's value is no logit, so that it corrects nothing: train with discriminator.loss=cross-entropy."
    if corpus.choosing == "test":
        return "What the discriminator knows needs a validation part to choose by, and data.validation is 0."
    for name, tokens in ((corpus.choosing, corpus.validation), ("test", corpus.reported.tokens)):
        if not corpus.vocabulary.has_no_unk(tokens).any():
            return f"Every sequence of the {name} part holds <unk>, so that no discriminator can be held against it."
    return ""


def uncorrectable(settings: DiscriminatorSettings, corpus: Corpus) -> str:
    """Why the run's generators cannot be corrected, a sentence; empty if they can."""
    if corpus.vocabulary.separator is not None:
        return "Data with sources or labels cannot be corrected: it would change how often each of them comes."
    return unknowable(settings, corpus)


def knowledge_of(
    generator: Generator,
    discriminator: Discriminator,
    corpus: Corpus,
    num: int,
    keys: tuple[np.ndarray, np.ndarray],
    rng: np.random.Generator | None,
    sampling: Sampling = PLAIN,
) -> tuple[Knowledge, float, np.ndarray]:
    """What a discriminator knows of a generator: a chosen on the validation part, the bound taken on the test part.

    Real sequences are those without `<unk>`.

    Args:
        num: samples that choose, and as many fresh ones.
        keys: of both.
        rng: draws the interval's replicates; None for no interval.

    Returns:
        It, the largest logit of the samples that chose, above which no logit counts, and those of the fresh samples, float64
        `[num]`.

    Raises SeqganError where a part has no such sequence, or nothing but the test part is held out.
    """
    if why := unknowable(discriminator.settings, corpus):
        raise SeqganError(why)
    parts: list[Scored] = []
    max_logit = math.inf
    for name, key in zip((corpus.choosing, "test"), keys, strict=True):
        part = corpus.reported if name == "test" else corpus.held_out[name]
        known = np.flatnonzero(corpus.vocabulary.has_no_unk(part.tokens))
        real = part.tokens[known]
        drawn = logits(discriminator, sample_beside(generator, real, num, key, sampling)).astype(np.float64)
        if not parts:
            max_logit = float(drawn.max())
        of_real = np.minimum(logits(discriminator, real).astype(np.float64), max_logit)
        parts.append(Scored(of_real, np.minimum(drawn, max_logit), part.documents[known]))
    choosing, reporting = parts
    return held_out(choosing, reporting, rng), max_logit, reporting.samples


def correction_of(
    generator: Generator,
    discriminator: Discriminator,
    corpus: Corpus,
    num: int,
    key: np.ndarray,
    rng: np.random.Generator | None = None,
    sampling: Sampling = PLAIN,
) -> Correction:
    """The correction of a generator that is sampled so. Arguments as in `knowledge_of`, keys made of one.

    Raises SeqganError as that does, for a critic, and where sequences have sources, whose shares it would move.
    """
    if why := uncorrectable(discriminator.settings, corpus):
        raise SeqganError(why)
    keys = tuple(tf.random.experimental.stateless_fold_in(key, i).numpy() for i in range(2))
    known, max_logit, fresh = knowledge_of(generator, discriminator, corpus, num, keys, rng, sampling)
    log_z = float(log_mean_exp(known.a * fresh))
    error = math.sqrt(max(0.0, 1.0 / known.ess - 1.0 / num))  # by the delta method: the weights' deviation over their mean
    return Correction(discriminator, corpus.vocabulary, known.a, max_logit, log_z, error, known)
