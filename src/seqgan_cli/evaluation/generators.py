"""Generator + corpus → scores: quality always beside coverage."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from seqgan_cli.config.schema import specs_of
from seqgan_cli.data.corpus import Corpus
from seqgan_cli.data.tfrecord.shards import EVAL_SUBSET
from seqgan_cli.evaluation.metrics import diversity
from seqgan_cli.evaluation.metrics.knowledge import Knowledge
from seqgan_cli.evaluation.metrics.likelihood import Estimate, per_token, widened
from seqgan_cli.evaluation.real import RealScores, Variety
from seqgan_cli.lazy import np
from seqgan_cli.randomness import rng
from seqgan_cli.sampling.choices import PLAIN, Sampling
from seqgan_cli.sampling.continuation import sample_beside, samples_beside
from seqgan_cli.sampling.likelihood import sequence_nll

if TYPE_CHECKING:
    from seqgan_cli.evaluation.correction import Correction
    from seqgan_cli.models.generator import Generator

HELDOUT_AT_MOST = EVAL_SUBSET


@dataclass(frozen=True)
class Outside:
    """How many sequences, of how many, have a token that truncation leaves out: their probability is 0."""

    count: int
    of: int

    @property
    def share(self) -> float:
        return self.count / max(1, self.of)

    def __str__(self) -> str:
        rest = "the mean is of the others" if self.count < self.of else "there is no mean"
        return f"of {self.of} sequences {self.count} are outside ({self.share:.1%}), and {rest}"


def nll_inside(
    model: Generator,
    tokens: np.ndarray,
    sampling: Sampling = PLAIN,
    documents: np.ndarray | None = None,
    correction: Correction | None = None,
) -> tuple[Estimate, Outside]:
    """−log of the probability that sampling gives the sequences int32 `[n, T]`, per token that counts, in nats.

    `<unk>` is no target: the policy is normalised over the tokens that are sampled, and neither the sum nor the number of
    tokens has an `<unk>`. Of a generator's own samples it is the entropy of the distribution they were drawn from. Sequences
    that truncation leaves out, whose −log is infinite, are counted, and the mean is of the others.

    `documents`: int `[n]`, what each sequence is from, if several may be from one: the interval is over documents.
    `correction`: of the distribution, if it is corrected, whose interval has the error of Z too.
    """
    losses = sequence_nll(model, tokens, sampling)
    if correction:
        losses = losses - correction.log_ratios(tokens)
    inside = losses < np.inf if sampling.truncated else np.full(len(losses), True)
    lengths = model.vocabulary.mask(tokens).sum(axis=1)
    of_documents = None if documents is None else documents[inside]
    outside = Outside(len(losses) - int(inside.sum()), len(losses))
    found = per_token(losses[inside], lengths[inside], of_documents)
    if correction and inside.any():
        found = widened(found, correction.error / float(lengths[inside].mean()))
    return found, outside


def nll(model: Generator, tokens: np.ndarray, sampling: Sampling = PLAIN, documents: np.ndarray | None = None) -> Estimate:
    """The mean of `nll_inside`."""
    return nll_inside(model, tokens, sampling, documents)[0]


def curve_scores(
    generator: Generator, corpus: Corpus, oracle: Generator | None, real: RealScores | None, num: int, key: np.ndarray
) -> dict[str, float]:
    """One point of a learning curve, from `num` samples and as many sequences of the validation part.

    nll_oracle (synthetic; lower: the oracle finds the samples likelier) or what `real` scores, nll_validation (lower: more of
    the held-out data is covered; nll_test in runs that have no validation part), entropy of the policy, likelihoods per token;
    distinct_share of the samples.
    """
    drawn = sample_beside(generator, corpus.validation, num, key)
    scores = {} if oracle is None else {"nll_oracle": nll(oracle, drawn).mean}
    scores.update(real.curve(drawn) if real else {})
    scores[f"nll_{corpus.choosing}"] = nll(generator, corpus.validation[:num]).mean
    scores["entropy"] = nll(generator, drawn).mean  # the mean of −log G over G's own samples
    scores["distinct_share"] = diversity.distinct_share(corpus.vocabulary.target(drawn))
    return scores


@dataclass(frozen=True)
class Likelihoods:
    """Likelihood scores of one generator under one way of sampling, nats per token, and the coverage beside them.

    real: what `RealScores` finds, where the data have no oracle and it was asked; outside: if sampling truncates, of nll_test
    and nll_train, the sequences that are not in the mean.
    """

    sampling: Sampling
    num_samples: int
    nll_oracle: Estimate | None
    nll_test: Estimate
    nll_train: Estimate
    distinct_share: float
    token_types: int
    copied_share: float
    real: Mapping[str, Estimate] = field(default_factory=dict)
    outside: Mapping[str, Outside] = field(default_factory=dict)
    knowledge: Knowledge | None = None

    def record(self) -> dict[str, Any]:
        """As JSON has it, and `from_record` reads: nothing of truncation or a correction where there is none."""
        found = {name: value for name, value in asdict(self).items() if name not in ("sampling", "outside", "knowledge")}
        outside = {name: {**asdict(each), "share": each.share} for name, each in self.outside.items()}
        more: dict[str, Any] = {"outside": outside} if outside else {}
        more |= {"knowledge": asdict(self.knowledge)} if self.knowledge else {}
        return {**self.sampling.record(), **found, **more}

    def score(self, name: str) -> Estimate | None:
        """One of SCORES, None where it was not measured."""
        return self.real.get(name) or getattr(self, name, None)


def from_record(record: Mapping[str, Any]) -> Likelihoods:
    """Likelihoods from their `record`. Raises TypeError or KeyError if it is none."""
    estimates = {name: Estimate(**entry) for name, entry in record.items() if name.startswith("nll_") and entry is not None}
    real = {name: Estimate(**entry) for name, entry in record.get("real", {}).items()}
    outside = {name: Outside(entry["count"], entry["of"]) for name, entry in record.get("outside", {}).items()}
    choices = {spec.leaf for spec in specs_of(Sampling)} & record.keys()
    sampling = Sampling(**{"temperature": record["temperature"], **{name: record[name] for name in choices}})
    knowledge = Knowledge(**record["knowledge"]) if record.get("knowledge") else None
    rest = {name: value for name, value in record.items() if name not in choices}
    parsed = {"sampling": sampling, "real": real, "outside": outside, "knowledge": knowledge}
    return Likelihoods(**{**rest, **estimates, **parsed})


def likelihoods(
    generator: Generator,
    corpus: Corpus,
    oracle: Generator | None,
    num: int,
    key: np.ndarray,
    sampling: Sampling = PLAIN,
    report: Callable[[int], None] = lambda count: None,
    real: Variety | None = None,
    correction: Correction | None = None,
) -> Likelihoods:
    """Score `num` samples under the oracle, and at most 10,000 held-out and training sequences under the generator.

    Samples are independent. Sequences of one document are not, so the interval of nll_test is over documents; that of
    nll_train is over sequences, whose documents are not kept, and too narrow where many are from one.

    `report` is called with the number of samples done so far. `correction`: of that way of sampling; then all is of the
    corrected distribution.
    """
    batches: list[np.ndarray] = []
    oracle_sums: list[np.ndarray] = []
    count = 0
    samples = samples_beside(generator, corpus.test, key, sampling)
    for batch in correction.accept(samples, key) if correction else samples:
        batches.append(batch[: num - count])
        count += len(batches[-1])
        if oracle is not None:
            oracle_sums.append(sequence_nll(oracle, batches[-1]))
        report(count)
        if count == num:
            break
    drawn = np.concatenate(batches)
    test = corpus.reported
    on_test, test_outside = nll_inside(generator, test.tokens, sampling, test.documents, correction)
    on_train, train_outside = nll_inside(generator, corpus.train_sample(HELDOUT_AT_MOST), sampling, None, correction)
    return Likelihoods(
        sampling,
        num,
        per_token(np.concatenate(oracle_sums), corpus.vocabulary.mask(drawn).sum(axis=1)) if oracle_sums else None,
        on_test,
        on_train,
        diversity.distinct_share(corpus.vocabulary.target(drawn)),
        diversity.token_types(*corpus.vocabulary.for_counting(drawn)),
        corpus.sequences.train_overlap(drawn),
        real.all(drawn) if real else {},
        {"nll_test": test_outside, "nll_train": train_outside} if sampling.truncated else {},
        correction.knowledge if correction else None,
    )


def nll_by_label(generator: Generator, corpus: Corpus, sampling: Sampling = PLAIN) -> dict[str, Estimate]:
    """nll_test of the held-out sequences of each label, the most frequent first; nothing of data without labels."""
    tokens, documents = corpus.test[:HELDOUT_AT_MOST], corpus.test_documents[:HELDOUT_AT_MOST]
    rows = {label: tokens[:, 0] == corpus.vocabulary.label(label) for label in corpus.vocabulary.labels}
    found = {label: nll_inside(generator, tokens[own], sampling, documents[own]) for label, own in rows.items() if own.any()}
    return {label: estimate for label, (estimate, _) in found.items()}


def outside_notes(named_scores: Sequence[tuple[str, Likelihoods]]) -> list[str]:
    """What sequences the means of truncated distributions leave out, a sentence each; nothing where nothing truncates."""
    return [f"{name}, {score}: {outside}." for name, s in named_scores for score, outside in s.outside.items()]


def unknown_note(data: Mapping[str, float]) -> str:
    """What part of the held-out tokens no score counts, a sentence; nothing where all count. `data`: of `data_figures`."""
    share = data.get("unknown_share", 0.0)
    return f"<unk> is {share:.2%} of the held-out tokens: no likelihood counts it, and it matches nothing." if share else ""


def data_figures(
    corpus: Corpus, oracle: Generator | None, seed: int, num: int, real: Variety | None = None
) -> dict[str, float]:
    """What the data themselves score: the marks that a generator's figures are read against.

    token_types and distinct_share of as many training sequences as there are samples, drawn by the seed: different ones, or, if
    there are fewer, the mean of draws with replacement; since more sequences repeat more and have more types.
    least_distinct_share, least_token_types: below them so many samples repeat themselves more than as many draws would, and a
    generator has collapsed. copied_share of the held-out set; for synthetic data the oracle's nll_oracle on its own held-out
    sequences, and that of uniform tokens in the places of theirs; with `real`, what different training sequences score in its
    stead, as many as there are samples or all, but for copied_run, which is the held-out set's; for text unknown_share, the
    share of `<unk>` among the held-out tokens, which no likelihood counts and no n-gram matches.
    """
    train, counted = corpus.train_sample(num), corpus.vocabulary.for_counting
    among = corpus.sequences.draw(num, seed, "data", "draws") if corpus.shards else corpus.train
    distinct, types = diversity.expected_distinct(*counted(among), num)
    enough, told = len(train) == num, None if corpus.unseen else corpus.shards
    figures = {
        "token_types": float(diversity.token_types(*counted(train))) if enough else types.number,
        "distinct_share": diversity.distinct_share(counted(train)[0]) if enough else distinct.number / num,
        "least_token_types": diversity.collapse_threshold(types.number, num, corpus.sequence_length, types.once),
        "least_distinct_share": diversity.collapse_threshold(distinct.number, num, 1, distinct.once) / num,
        "copied_share": told.heldout_copied if told else corpus.sequences.train_overlap(corpus.test),
    }
    if corpus.vocabulary.has_special_tokens:
        figures["unknown_share"] = corpus.vocabulary.unknown_share(corpus.test)
    if real is not None:
        figures.update(real.of_data(train))
    if oracle is not None:
        heldout = corpus.reported.tokens
        uniform = corpus.vocabulary.uniform(heldout, rng(seed, "uniform"))
        figures["nll_oracle"] = nll(oracle, heldout).mean
        figures["nll_oracle_uniform"] = nll(oracle, uniform).mean
    return figures
