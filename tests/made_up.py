"""Results of experiments that nobody ran, for tests of what is made of them."""

from seqgan_cli.evaluation import Likelihoods
from seqgan_cli.experiments.results import Design, Results, arrange
from seqgan_cli.experiments.scores import Scored
from seqgan_cli.metrics.likelihood import Estimate


def scored(nll_oracle: float, nll_test: float, std: float = 1.0, count: int = 1000, temperature: float = 1.0) -> Scored:
    """Scores with these means over sequences."""

    def estimate(mean: float) -> Estimate:
        half = 1.96 * std / count**0.5
        return Estimate(mean, mean - half, mean + half, std, count)

    scores = Likelihoods(temperature, count, estimate(nll_oracle), estimate(nll_test), estimate(nll_test - 1), 1.0, 100, 0.0)
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
