"""What ways of sampling are worth by a reward, each beside its coverage and its variety."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from seqgan_cli.config import registry
from seqgan_cli.config.settings import Settings
from seqgan_cli.data.corpus import Corpus
from seqgan_cli.evaluation.generators import HELDOUT_AT_MOST, Outside, nll
from seqgan_cli.evaluation.metrics import best_of_n, diversity
from seqgan_cli.evaluation.metrics.likelihood import Estimate, mean_of, per_token
from seqgan_cli.evaluation.real import Variety
from seqgan_cli.evaluation.statistics import share
from seqgan_cli.lazy import np
from seqgan_cli.randomness import key, rng
from seqgan_cli.rewards.total import values_of
from seqgan_cli.sampling.choices import PLAIN, Sampling
from seqgan_cli.sampling.continuation import sample_beside
from seqgan_cli.sampling.likelihood import sequence_nll
from seqgan_cli.sampling.sequences import sample

if TYPE_CHECKING:
    from seqgan_cli.models.generator import Generator
    from seqgan_cli.rewards.base import Reward

EXAMPLES = 3
BEST_OF = "best of"


def fair(settings: Settings, length: int, rounds: int, num: int) -> int:
    """n for which the best of n, `num` times, asks for as many scores as those rounds do: at least 2, at most 256.

    `length`: of the sequences.
    """
    algorithm = registry.algorithms[settings.adversarial.algorithm]
    calls = rounds * settings.adversarial.g_steps * algorithm.calls(settings, length)
    return max(2, min(256, round(calls / num)))


@dataclass(frozen=True)
class Scored:
    """One way of sampling, of `samples` sequences that `calls` of the reward chose.

    reward, terms: means over the samples; distinct: share of different sequences; novel: share that no training sequence is;
    nll_fulfilling: as nll_test, of the held-out sequences that fulfil a reward of yes and no, whose reward is 1;
    diversity: 1 − mean Tanimoto of molecules, else 1 − Self-BLEU-3; if these are molecules, valid_share: of the samples that
    are any, and nearest: mean over those of the likeness to the most like training molecule;
    outside: held-out sequences of probability 0, which nll_test leaves out.
    """

    name: str
    samples: int
    calls: int
    reward: Estimate
    terms: Mapping[str, Estimate]
    distinct: float
    novel: Estimate
    diversity: float
    nll_test: Estimate
    outside: Outside
    nll_fulfilling: Estimate | None = None
    nearest: float = math.nan
    valid_share: float = math.nan
    examples: Sequence[str] = field(default_factory=tuple)

    @property
    def coverage(self) -> float:
        """nll_test, and ∞ where any held-out sequence is outside: what the others' mean would hide."""
        return math.inf if self.outside.count else self.nll_test.mean

    def record(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)


class Objective:
    """A reward of a run's sequences, and what is measured beside it.

    Args:
        settings: of the run, `adversarial.reward` among them.
        reward: made of them.
        seed: of all draws.
    """

    def __init__(self, settings: Settings, corpus: Corpus, reward: Reward, seed: int, num: int) -> None:
        self.settings, self.corpus, self.reward, self.seed, self.num = settings, corpus, reward, seed, num
        self.line = settings.kind.detokenizer(settings, corpus.vocabulary).line
        self.held_out = corpus.reported.tokens
        self.of_molecules = registry.rewards.needs(settings.adversarial.reward, "of_molecules")

    def of_sampling(self, name: str, generator: Generator, sampling: Sampling = PLAIN, purpose: str = "samples") -> Scored:
        """Samples of a generator."""
        tokens = sample_beside(generator, self.held_out, self.num, key(self.seed, "eval-reward", purpose), sampling)
        losses = sequence_nll(generator, self.held_out, sampling)
        return self._scored(name, tokens, purpose, 0, losses)

    def on_validation(self, generator: Generator, sampling: Sampling, purpose: str) -> tuple[float, float]:
        """What chooses among generators: likelihood loss of the validation part, in nats a token, and mean reward.

        The samples are others than those of `of_sampling`, so that what reports has not chosen.
        """
        held_out, purpose = self.corpus.held_out[self.corpus.choosing], f"validation {purpose}"
        found = nll(generator, held_out.tokens[:HELDOUT_AT_MOST], sampling, held_out.documents[:HELDOUT_AT_MOST])
        own = key(self.seed, "eval-reward", purpose)
        samples = sample_beside(generator, held_out.tokens, self.num, own, sampling)
        return found.mean, float(self._values(samples, purpose)[0].mean())

    def best_of(self, generator: Generator, counts: Sequence[int]) -> list[Scored]:
        """The best of each n of a generator's samples, for every n of `counts`; of sequences with sources none.

        The largest n is drawn in full, and a smaller one from the first of these draws. Their rewards also are the ranks by
        which held-out sequences have a density: that of n = 1 and of the generator are one.
        """
        if self.corpus.vocabulary.separator is not None:  # the best of several sources would be the easiest of them
            return []
        most = max(counts)
        tokens = sample(generator, self.num * most, key(self.seed, "eval-reward", BEST_OF))
        values, _ = self._values(tokens, BEST_OF)
        losses, found = sequence_nll(generator, self.held_out), []
        for n in counts:
            chosen = best_of_n.choose(values[: self.num * n], n, rng(self.seed, "eval-reward", BEST_OF, n))
            ratios = best_of_n.log_density_ratio(self.of_held_out, values, n)
            name = f"{BEST_OF} {n}"
            found.append(self._scored(name, tokens[chosen], name, self.num * n, losses - ratios))
        return found

    @functools.cached_property
    def of_held_out(self) -> np.ndarray:
        """The reward of each held-out sequence, float64 `[m]`."""
        return self._values(self.held_out, "held-out")[0]

    def _nll(self, losses: np.ndarray, chosen: np.ndarray) -> Estimate:
        """Per token of the chosen held-out sequences whose probability is not 0; losses float `[m]`, in nats."""
        among = chosen & np.isfinite(losses)
        lengths = self.corpus.vocabulary.mask(self.held_out).sum(axis=1)
        return per_token(losses[among], lengths[among], self.corpus.test_documents[: len(losses)][among])

    def _values(self, tokens: np.ndarray, purpose: str) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        return values_of(self.reward, tokens, key(self.seed, "eval-reward", purpose, "reward"))

    def _scored(self, name: str, tokens: np.ndarray, purpose: str, calls: int, losses: np.ndarray) -> Scored:
        """`losses`: −log of the probability of every held-out sequence, float64 `[m]`, ∞ for those outside.

        Sequences that were chosen are scored once more, as the batch that they are by themselves: a reward that depends on the
        batch, or on chance, is not what it was when they were chosen by it.
        """
        values, terms = self._values(tokens, purpose)
        is_yes_or_no = bool(np.isin(self.of_held_out, (0.0, 1.0)).all())
        copied = diversity.stand_in(tokens, self.corpus.train)
        texts = [self.line(ids) for ids in tokens]
        return Scored(
            name,
            len(tokens),
            calls,
            mean_of(values),
            {term: mean_of(each) for term, each in terms.items()},
            diversity.distinct_share(self.corpus.vocabulary.target(tokens)),
            share(int((~copied).sum()), len(tokens)),
            self._diversity(tokens, texts),
            self._nll(losses, np.full(len(losses), True)),
            Outside(int(np.isinf(losses).sum()), len(losses)),
            self._nll(losses, self.of_held_out == 1.0) if is_yes_or_no else None,
            self._nearest(texts),
            self._valid(texts),
            texts[:EXAMPLES],
        )

    def _diversity(self, tokens: np.ndarray, texts: list[str]) -> float:
        if self.of_molecules:
            from seqgan_cli.evaluation.metrics.molecules import internal_diversity

            return internal_diversity(texts)
        return 1.0 - Variety(self.corpus).self_bleu(tokens).mean

    def _valid(self, texts: list[str]) -> float:
        if not self.of_molecules:
            return math.nan
        from seqgan_cli.evaluation.metrics.molecules import valid_share

        return valid_share(texts)

    def _nearest(self, texts: list[str]) -> float:
        if not self.of_molecules:
            return math.nan
        from seqgan_cli.evaluation.metrics.molecules import nearest

        found = nearest(texts, self._training)
        return float(np.nanmean(found)) if np.isfinite(found).any() else math.nan

    @functools.cached_property
    def _training(self) -> list[str]:
        return [self.line(ids) for ids in self.corpus.train_sample(HELDOUT_AT_MOST)]
