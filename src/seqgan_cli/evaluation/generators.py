"""Generator + corpus → scores: quality always beside coverage."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from seqgan_cli.data.corpus import Corpus
from seqgan_cli.data.tfrecord.shards import EVAL_SUBSET
from seqgan_cli.evaluation.metrics import diversity
from seqgan_cli.evaluation.metrics.likelihood import Estimate, per_token
from seqgan_cli.evaluation.real import RealScores
from seqgan_cli.randomness import rng

if TYPE_CHECKING:
    from seqgan_cli.models.generator import Generator

HELDOUT_AT_MOST = EVAL_SUBSET


def nll(
    model: "Generator", tokens: np.ndarray, temperature: float = 1.0, documents: np.ndarray | None = None
) -> Estimate:
    """−log of the policy's probability of the sequences int32 `[n, T]` at that temperature, per token that counts, in nats.

    `<unk>` is no target: the policy is normalised over the tokens that are sampled, and neither the sum nor the number of
    tokens has an `<unk>`. Of a generator's own samples it is the entropy of the distribution they were drawn from.

    `documents`: int `[n]`, what each sequence is from, if several may be from one: the interval is over documents.
    """
    return per_token(model.sequence_nll(tokens, temperature), model.vocabulary.mask(tokens).sum(axis=1), documents)


def curve_scores(
    generator: "Generator", corpus: Corpus, oracle: "Generator | None", real: RealScores | None, num: int, key: np.ndarray
) -> dict[str, float]:
    """One point of a learning curve, from `num` samples and as many sequences of the validation part.

    nll_oracle (synthetic; lower: the oracle finds the samples likelier) or what `real` scores, nll_validation (lower: more of
    the held-out data is covered; nll_test in runs that have no validation part), entropy of the policy, likelihoods per token;
    distinct_share of the samples.
    """
    samples = generator.sample(num, key)
    scores = {} if oracle is None else {"nll_oracle": nll(oracle, samples).mean}
    scores.update(real.curve(samples) if real else {})
    scores[f"nll_{corpus.choosing}"] = nll(generator, corpus.validation[:num]).mean
    scores["entropy"] = nll(generator, samples).mean  # the mean of −log G over G's own samples
    scores["distinct_share"] = diversity.distinct_share(samples)
    return scores


@dataclass(frozen=True)
class Likelihoods:
    """Likelihood scores of one generator at one temperature, nats per token, and the coverage beside them.

    real: what `RealScores` finds, where the data have no oracle and it was asked.
    """

    temperature: float
    num_samples: int
    nll_oracle: Estimate | None
    nll_test: Estimate
    nll_train: Estimate
    distinct_share: float
    token_types: int
    copied_share: float
    real: Mapping[str, Estimate] = field(default_factory=dict)

    def score(self, name: str) -> Estimate | None:
        """One of SCORES, None where it was not measured."""
        return self.real.get(name) or getattr(self, name, None)


def likelihoods(
    generator: "Generator",
    corpus: Corpus,
    oracle: "Generator | None",
    num: int,
    key: np.ndarray,
    temperature: float = 1.0,
    report: Callable[[int], None] = lambda count: None,
    real: RealScores | None = None,
) -> Likelihoods:
    """Score `num` samples under the oracle, and at most 10,000 held-out and training sequences under the generator.

    Samples are independent. Sequences of one document are not, so the interval of nll_test is over documents; that of
    nll_train is over sequences, whose documents are not kept, and too narrow where many are from one.

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
        nll(generator, corpus.test[:HELDOUT_AT_MOST], temperature, corpus.test_documents[:HELDOUT_AT_MOST]),
        nll(generator, corpus.train_sample(HELDOUT_AT_MOST), temperature),
        diversity.distinct_share(samples),
        diversity.token_types(samples, corpus.vocabulary.mask(samples)),
        corpus.sequences.train_overlap(samples),
        real.all(samples) if real else {},
    )


def unknown_note(data: Mapping[str, float]) -> str:
    """What part of the held-out tokens no score counts, a sentence; nothing where all count. `data`: of `data_figures`."""
    share = data.get("unknown_share", 0.0)
    return f"<unk> is {share:.2%} of the held-out tokens: no likelihood counts it, and it matches nothing." if share else ""


def data_figures(
    corpus: Corpus, oracle: "Generator | None", seed: int, num: int, real: RealScores | None = None
) -> dict[str, float]:
    """What the data themselves score: the marks that a generator's figures are read against.

    token_types and distinct_share of as many training sequences as there are samples, drawn by the seed: different ones, or, if
    there are fewer, the mean of draws with replacement; since more sequences repeat more and have more types.
    least_distinct_share, least_token_types: below them so many samples repeat themselves more than as many draws would, and a
    generator has collapsed. copied_share of the held-out set; for synthetic data the oracle's nll_oracle on its own held-out
    sequences and that of uniform tokens; with `real`, what different training sequences score in its stead, as many as there
    are samples or all, but for copied_run, which is the held-out set's; for text unknown_share, the share of `<unk>` among the
    held-out tokens, which no likelihood counts and no n-gram matches.
    """
    train, mask = corpus.train_sample(num), corpus.vocabulary.mask
    among = corpus.sequences.draw(num, seed, "data", "draws") if corpus.shards else corpus.train
    distinct, types = diversity.expected_distinct(among, mask(among), num)
    enough = len(train) == num
    figures = {
        "token_types": float(diversity.token_types(train, mask(train))) if enough else types.number,
        "distinct_share": diversity.distinct_share(train) if enough else distinct.number / num,
        "least_token_types": diversity.collapse_threshold(types.number, num, corpus.sequence_length, types.once),
        "least_distinct_share": diversity.collapse_threshold(distinct.number, num, 1, distinct.once) / num,
        "copied_share": corpus.shards.heldout_copied if corpus.shards else corpus.sequences.train_overlap(corpus.test),
    }
    if corpus.vocabulary.has_special_tokens:
        figures["unknown_share"] = corpus.vocabulary.unknown_share(corpus.test)
    if real is not None:
        figures.update(real.of_data(train))
    if oracle is not None:
        heldout = corpus.test[:HELDOUT_AT_MOST]
        uniform = rng(seed, "uniform").integers(0, corpus.vocabulary.size, heldout.shape, dtype=np.int32)
        figures["nll_oracle"] = nll(oracle, heldout).mean
        figures["nll_oracle_uniform"] = nll(oracle, uniform).mean
    return figures
