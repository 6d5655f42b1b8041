"""Generator + corpus → scores: quality always beside coverage."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from seqgan_cli.corpora.corpus import Corpus
from seqgan_cli.metrics import bleu, diversity
from seqgan_cli.metrics.likelihood import Estimate, per_token
from seqgan_cli.models.generator import Generator
from seqgan_cli.randomness import rng

HELDOUT_AT_MOST = 10_000


def nll(model: Generator, tokens: np.ndarray, temperature: float = 1.0) -> Estimate:
    """−log of the model's probability of the sequences int32 `[n, T]`, per token that counts, in nats."""
    return per_token(model.sequence_nll(tokens, temperature), model.vocabulary.mask(tokens).sum(axis=1))


def curve_scores(generator: Generator, corpus: Corpus, oracle: Generator | None, num: int, key: np.ndarray) -> dict[str, float]:
    """One point of a learning curve, from `num` samples and as many held-out sequences.

    nll_oracle (synthetic; lower: the oracle finds the samples likelier), nll_test (lower: more of the held-out data is
    covered), entropy of the policy, all per token; distinct_share of the samples.
    """
    samples = generator.sample(num, key)
    scores = {} if oracle is None else {"nll_oracle": nll(oracle, samples).mean}
    scores["nll_test"] = nll(generator, corpus.heldout[:num]).mean
    scores["entropy"] = nll(generator, samples).mean  # the mean of −log G over G's own samples
    scores["distinct_share"] = diversity.distinct_share(samples)
    return scores


@dataclass(frozen=True)
class Likelihoods:
    """Likelihood scores of one generator at one temperature, nats per token, and the coverage beside them."""

    temperature: float
    num_samples: int
    nll_oracle: Estimate | None
    nll_test: Estimate
    nll_train: Estimate
    distinct_share: float
    token_types: int
    copied_share: float


def likelihoods(
    generator: Generator,
    corpus: Corpus,
    oracle: Generator | None,
    num: int,
    key: np.ndarray,
    temperature: float = 1.0,
    report: Callable[[int], None] = lambda count: None,
) -> Likelihoods:
    """Score `num` samples under the oracle, and at most 10,000 held-out and training sequences under the generator.

    `report` is called with the number of samples done so far.
    """
    batches: list[np.ndarray] = []
    oracle_sums: list[np.ndarray] = []
    count = 0
    for batch in generator.samples(key, temperature):
        batches.append(batch[: num - count])
        count += len(batches[-1])
        if oracle is not None:
            oracle_sums.append(oracle.sequence_nll(batches[-1]))
        report(count)
        if count == num:
            break
    samples = np.concatenate(batches)
    return Likelihoods(
        temperature,
        num,
        per_token(np.concatenate(oracle_sums), np.full(num, samples.shape[1])) if oracle_sums else None,
        nll(generator, corpus.heldout[:HELDOUT_AT_MOST], temperature),
        nll(generator, corpus.train[:HELDOUT_AT_MOST], temperature),
        diversity.distinct_share(samples),
        diversity.token_types(samples, corpus.vocabulary.mask(samples)),
        diversity.copied_share(samples, corpus.train),
    )


def data_figures(corpus: Corpus, oracle: Generator | None, seed: int, num: int) -> dict[str, float]:
    """What the data themselves score: the marks that a generator's figures are read against.

    token_types and distinct_share of `num` sequences of the training set, evenly spread, or all if it has fewer, since more
    sequences have more types; copied_share of the held-out set; for synthetic data the oracle's nll_oracle on its own
    held-out sequences and that of uniform tokens.
    """
    train = corpus.train[np.linspace(0, len(corpus.train) - 1, min(num, len(corpus.train))).astype(int)]
    figures = {
        "token_types": float(diversity.token_types(train, corpus.vocabulary.mask(train))),
        "distinct_share": diversity.distinct_share(train),
        "copied_share": diversity.copied_share(corpus.heldout, corpus.train),
    }
    if oracle is not None:
        heldout = corpus.heldout[:HELDOUT_AT_MOST]
        uniform = rng(seed, "uniform").integers(0, corpus.vocabulary.size, heldout.shape, dtype=np.int32)
        figures["nll_oracle"] = nll(oracle, heldout).mean
        figures["nll_oracle_uniform"] = nll(oracle, uniform).mean
    return figures


def bleu_scores(
    hypotheses: tuple[np.ndarray, np.ndarray],
    references: tuple[np.ndarray, np.ndarray],
    weights: Sequence[Sequence[float]],
    smoothing: str,
) -> list[float]:
    """Mean sentence BLEU of hypotheses (ids `[n, L]`, lengths `[n]`) against all references, one for each tuple of weights."""
    table = bleu.References(*references, max(bleu.orders_needed(w, smoothing) for w in weights))
    matches = table.match(*hypotheses)
    return [float(bleu.scores(matches, w, smoothing).mean()) for w in weights]


def self_bleu_scores(
    sentences: tuple[np.ndarray, np.ndarray], weights: Sequence[Sequence[float]], smoothing: str
) -> list[float]:
    """Mean BLEU of each sentence against all the others, never against itself (Zhu et al. 2018); 1 means one sentence only."""
    table = bleu.References(*sentences, max(bleu.orders_needed(w, smoothing) for w in weights))
    matches = table.match(*sentences, excluding_self=True)
    return [float(bleu.scores(matches, w, smoothing).mean()) for w in weights]
