"""Scores of samples against real sequences: what stands for quality where no oracle knows the truth."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from seqgan_cli.config.settings import Settings
from seqgan_cli.data.corpus import Corpus
from seqgan_cli.data.vocabulary import Vocabulary
from seqgan_cli.evaluation.metrics import bleu, diversity
from seqgan_cli.evaluation.metrics.likelihood import Estimate, mean_of
from seqgan_cli.lazy import np

if TYPE_CHECKING:
    from seqgan_cli.evaluation.fluency import Fluency


@dataclass(frozen=True)
class Score:
    """A score's heading in tables, and whether more of it is better."""

    heading: str
    higher: bool


SCORES = {
    "nll_oracle": Score("nll_oracle ↓", higher=False),
    "nll_test": Score("nll_test ↓", higher=False),
    "nll_validation": Score("nll_validation ↓", higher=False),
    "bleu_2": Score("BLEU-2 ↑", higher=True),
    "bleu_3": Score("BLEU-3 ↑", higher=True),
    "bleu_4": Score("BLEU-4 ↑", higher=True),
    "bleu_5": Score("BLEU-5 ↑", higher=True),
    "nll_fluency": Score("nll_fluency ↓", higher=False),
    "fluency_unknown": Score("unknown to it ↓", higher=False),
    "nearest_window_mse": Score("nearest-window MSE ↓", higher=False),
    "self_bleu_3": Score("Self-BLEU-3 ↓", higher=False),
    "copied_run": Score("longest copied run", higher=False),
}
ORDERS = (2, 3, 4, 5)  # of BLEU
SMOOTHING = "method1"
SELF_BLEU_SAMPLES = 1000  # it grows with their number, so every generator gets the same

# Differences that would matter, unless one is asked for: in nats, in semitones², and in BLEU.
MARGINS = {"nll_oracle": 0.05, "nll_test": 0.05, "nll_fluency": 0.05, "nearest_window_mse": 1.0}
MARGIN_BLEU = 0.01


def margin_of(score: str) -> float:
    """The difference in a score that would matter."""
    return MARGINS.get(score, MARGIN_BLEU)


class Variety:
    """What samples have in common: self_bleu_3, of any data; ids are int32 `[n, T]`."""

    def __init__(self, corpus: Corpus) -> None:
        self.corpus, self._for_matching = corpus, corpus.vocabulary.for_matching

    def self_bleu(self, samples: np.ndarray) -> Estimate:
        """self_bleu_3 of the first samples; without an interval, since its sentences score one another.

        Of no more than there are training sequences, whose own Self-BLEU is of as many.
        """
        some, nan = samples[: min(SELF_BLEU_SAMPLES, len(self.corpus.train))], float("nan")
        mean = self_bleu_scores(self._for_matching(some), [(1 / 3,) * 3], SMOOTHING)[0] if len(some) > 1 else nan
        return Estimate(mean, nan, nan, nan, len(some))

    def all(self, samples: np.ndarray) -> dict[str, Estimate]:
        """Every score by name."""
        return {"self_bleu_3": self.self_bleu(samples)}

    def of_data(self, train: np.ndarray) -> dict[str, float]:
        """What training sequences score as if they were samples."""
        return {name: estimate.mean for name, estimate in self.all(train).items()}


class RealScores(Variety):
    """What samples score against real sequences, where no oracle knows the truth; all ids are int32 `[n, T]`.

    bleu_n: sentence BLEU with orders 1 … n alike and the whole held-out set as references, smoothed by method 1; distances
    that such data have besides; self_bleu_3; copied_run: the longest run of tokens that stands in the training set. `<unk>`
    matches nothing in any of them, be it in samples, held-out or training sequences, since nobody knows that two of them are
    the same token.
    """

    def __init__(
        self, corpus: Corpus, settings: Settings, references: np.ndarray | None = None, fluency: Fluency | None = None
    ) -> None:
        super().__init__(corpus)
        self.references = corpus.test if references is None else references
        self.settings, self.fluency = settings, fluency
        self.kind = settings.kind
        self.names: tuple[str, ...] = self.kind.quality

    @functools.cached_property
    def _references(self) -> bleu.References:
        return bleu.References(*self._for_matching(self.references), max(ORDERS))

    def quality(self, samples: np.ndarray) -> dict[str, np.ndarray]:
        """bleu_2 … bleu_5, the distances of such data, and if it was given what `fluency` says: float `[n]` each."""
        matches = self._references.match(*self._for_matching(samples))
        scores = {f"bleu_{n}": bleu.scores(matches, (1.0 / n,) * n, SMOOTHING) for n in ORDERS}
        scores |= self.kind.distances(samples, self.references)
        return scores | (self.fluency.of_samples(samples, self.settings, self.corpus.vocabulary) if self.fluency else {})

    def curve(self, samples: np.ndarray) -> dict[str, float]:
        """Means of the scores that the paper reports of such data."""
        scores = self.quality(samples)
        return {name: float(scores[name].mean()) for name in self.names}

    def copied_run(self, samples: np.ndarray) -> Estimate:
        return mean_of(diversity.longest_copied_run(*self._for_matching(samples), *self._for_matching(self.corpus.train)))

    def all(self, samples: np.ndarray) -> dict[str, Estimate]:
        """Every score by name."""
        quality = {name: mean_of(values) for name, values in self.quality(samples).items()}
        return {**quality, "self_bleu_3": self.self_bleu(samples), "copied_run": self.copied_run(samples)}

    def of_data(self, train: np.ndarray) -> dict[str, float]:
        """The marks: what those training sequences score as if they were samples, and the copied_run of the held-out set.

        They come in an order drawn at random, since self_bleu_3 is of the first.
        """
        quality = {name: float(values.mean()) for name, values in self.quality(train).items()}
        copied = self.copied_run(self.references)
        return {**quality, "self_bleu_3": self.self_bleu(train).mean, "copied_run": copied.mean}


def bleu_scores(
    hypotheses: tuple[np.ndarray, np.ndarray],
    references: tuple[np.ndarray, np.ndarray],
    weights: Sequence[Sequence[float]],
    smoothing: str,
) -> list[Estimate]:
    """Mean sentence BLEU of hypotheses (ids `[n, L]`, lengths `[n]`) against all references, one for each tuple of weights.

    An id below 0 matches nothing.
    """
    table = bleu.References(*references, max(bleu.orders_needed(w, smoothing) for w in weights))
    matches = table.match(*hypotheses)
    return [mean_of(bleu.scores(matches, w, smoothing)) for w in weights]


def bleu_by_source(
    samples: np.ndarray,
    references: np.ndarray,
    vocabulary: Vocabulary,
    weights: Sequence[Sequence[float]],
    smoothing: str,
) -> list[Estimate]:
    """Mean sentence BLEU of targets against those references that have the same source, one for each tuple of weights.

    The interval is over sources. Samples whose source no reference has are left out.

    Args:
        samples, references: int32 `[n, T]` and `[m, T]`, of sequences with sources.
    """
    groups: dict[bytes, tuple[list[int], list[int]]] = {}
    for place, table in enumerate((samples, references)):
        for row, length in enumerate(vocabulary.source_length(table).tolist()):
            groups.setdefault(table[row, :length].tobytes(), ([], []))[place].append(row)
    order = max(bleu.orders_needed(each, smoothing) for each in weights)
    found: list[list[np.ndarray]] = [[] for _ in weights]
    sizes = []
    for own, theirs in groups.values():
        if not own or not theirs:
            continue
        matches = bleu.References(*vocabulary.for_matching(references[theirs]), order).match(
            *vocabulary.for_matching(samples[own])
        )
        for scores, each in zip(found, weights, strict=True):
            scores.append(bleu.scores(matches, each, smoothing))
        sizes.append(len(own))
    sources = np.repeat(np.arange(len(sizes)), sizes)
    return [mean_of(np.concatenate([np.zeros(0), *scores]), sources) for scores in found]


def self_bleu_scores(
    sentences: tuple[np.ndarray, np.ndarray], weights: Sequence[Sequence[float]], smoothing: str
) -> list[float]:
    """Mean BLEU of each sentence against all the others, never against itself (Zhu et al. 2018); 1 means one sentence only."""
    table = bleu.References(*sentences, max(bleu.orders_needed(w, smoothing) for w in weights))
    matches = table.match(*sentences, excluding_self=True)
    return [float(bleu.scores(matches, w, smoothing).mean()) for w in weights]
