"""Results of experiments that nobody ran, for tests of what is made of them."""

import dataclasses

from seqgan_cli.config import registry
from seqgan_cli.evaluation.generators import Likelihoods
from seqgan_cli.evaluation.metrics.likelihood import Estimate
from seqgan_cli.sampling.choices import Sampling
from seqgan_cli.studies.experiments.results import Design, Results, arrange
from seqgan_cli.studies.experiments.scores import Scored


def scored(nll_oracle: float, nll_test: float, std: float = 1.0, count: int = 1000, temperature: float = 1.0) -> Scored:
    """Scores with these means over sequences."""

    def estimate(mean: float) -> Estimate:
        half = 1.96 * std / count**0.5
        return Estimate(mean, mean - half, mean + half, std, count)

    quality, coverage = estimate(nll_oracle), (estimate(nll_test), estimate(nll_test - 1))
    scores = Likelihoods(Sampling(temperature), count, quality, *coverage, 1.0, 100, 0.0)
    return Scored(scores, "adversarial", 5)


def results(
    methods: dict[str | tuple[str, float], list[tuple[float, float]]],
    kind: str = "synthetic",
    unfinished: dict[str, float] | None = None,
) -> Results:
    """Results of methods, or (method, temperature)s, by their (nll_oracle, nll_test) in each seed."""
    named = {(name, 1.0) if isinstance(name, str) else name: pairs for name, pairs in methods.items()}
    found = {name: {seed: scored(*pair) for seed, pair in enumerate(pairs)} for name, pairs in named.items()}
    seeds = range(max(map(len, methods.values())))
    data = {
        seed: {"nll_oracle": 5.9, "nll_oracle_uniform": 11.2, "distinct_share": 1.0, "token_types": 100.0} for seed in seeds
    }
    return arrange(Design(kind, "quick", 1000, 0.05, False, unfinished or {}), found, data)


def real_results(methods: dict[str | tuple[str, float], list[tuple[float, ...]]], kind: str = "poems") -> Results:
    """Results on data without an oracle, by (score, nll_test) in each seed; every quality score of the kind is that score.

    So is self_bleu_3, unless it comes third.
    """
    quality = registry.kinds[kind].quality
    named = {(name, 1.0) if isinstance(name, str) else name: pairs for name, pairs in methods.items()}

    def real(score: float, nll_test: float, self_bleu: float | None = None) -> Scored:
        made = scored(score, nll_test, std=0.1)
        estimate = made.scores.nll_oracle
        beside = dict.fromkeys((*quality, "self_bleu_3", "copied_run"), estimate)
        if self_bleu is not None:
            beside["self_bleu_3"] = scored(self_bleu, nll_test, std=0.1).scores.nll_oracle
        return Scored(dataclasses.replace(made.scores, nll_oracle=None, real=beside), made.stage, made.position)

    found = {name: {seed: real(*pair) for seed, pair in enumerate(pairs)} for name, pairs in named.items()}
    figures = {**dict.fromkeys((*quality, "self_bleu_3", "copied_run"), 0.7), "distinct_share": 1.0, "token_types": 100.0}
    data = dict.fromkeys(range(max(map(len, methods.values()))), figures)
    return arrange(Design(kind, "quick", 1000, 0.01, False, {}, quality, "poems.txt"), found, data)
