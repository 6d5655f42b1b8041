"""Scores against what can be computed exactly."""

import dataclasses

import numpy as np
import pytest

import reference
from parts import parts_of
from seqgan_cli.config.sections import GeneratorSettings
from seqgan_cli.data.split import HeldOut
from seqgan_cli.data.vocabulary import EOS, PAD, UNK, Vocabulary
from seqgan_cli.evaluation.generators import curve_scores, data_figures, likelihoods, nll
from seqgan_cli.evaluation.metrics.likelihood import Estimate
from seqgan_cli.evaluation.quality import Measures
from seqgan_cli.evaluation.real import bleu_scores, self_bleu_scores
from seqgan_cli.models.generator import Generator
from seqgan_cli.models.oracle import oracle_arrays
from seqgan_cli.randomness import key, rng
from seqgan_cli.sampling.choices import Sampling
from seqgan_cli.sampling.sequences import sample
from seqgan_cli.synthetic import synthetic_corpus
from tiny import data_settings


def exact_entropy(weights: list[np.ndarray], vocab_size: int, length: int, temperature: float = 1.0) -> float:
    losses = np.array([reference.sequence_nll(weights, s, temperature) for s in reference.all_sequences(vocab_size, length)])
    return float((np.exp(-losses) * losses).sum() / length)


def test_the_oracle_scores_its_own_entropy_and_uniform_tokens_more() -> None:
    corpus, oracle = synthetic_corpus(data_settings(vocab_size=3, sequence_length=3, num_sequences=8000, seed=0))
    weights = list(oracle_arrays(oracle).values())
    entropy = exact_entropy(weights, 3, 3)
    own = nll(oracle, corpus.test)
    assert own.low - 0.02 < entropy < own.high + 0.02
    figures = data_figures(corpus, oracle, 0, 8000)
    assert figures["nll_oracle"] == own.mean
    uniform = np.mean([reference.sequence_nll(weights, s) / 3 for s in reference.all_sequences(3, 3)])
    assert figures["nll_oracle_uniform"] == pytest.approx(uniform, abs=0.05)
    assert figures["token_types"] == 3
    assert figures["copied_share"] == 1.0  # 27 sequences, 8,000 draws


def test_the_oracle_as_generator_scores_alike_everywhere() -> None:
    corpus, oracle = synthetic_corpus(data_settings(vocab_size=9, sequence_length=4, num_sequences=6000, seed=0))
    scores = likelihoods(oracle, corpus, oracle, 6000, key(0, "x"))
    assert scores.nll_oracle is not None
    for estimate in (scores.nll_oracle, scores.nll_test, scores.nll_train):
        assert estimate.mean == pytest.approx(scores.nll_test.mean, abs=0.05)
        assert estimate.low < estimate.mean < estimate.high
    curve = curve_scores(oracle, corpus, oracle, None, 6000, key(0, "x"))
    assert curve["nll_oracle"] == pytest.approx(curve["entropy"])
    assert curve["nll_oracle"] == pytest.approx(scores.nll_oracle.mean)


def test_low_temperature_trades_coverage_for_quality() -> None:
    corpus, oracle = synthetic_corpus(data_settings(vocab_size=9, sequence_length=4, num_sequences=2000, seed=0))
    warm, cold = (likelihoods(oracle, corpus, oracle, 2000, key(0, "x"), Sampling(temperature)) for temperature in (1.0, 0.3))
    assert warm.nll_oracle is not None
    assert cold.nll_oracle is not None
    assert cold.nll_oracle.high < warm.nll_oracle.low
    assert cold.nll_test.low > warm.nll_test.high
    assert cold.distinct_share < warm.distinct_share


def test_lengths_count_per_token() -> None:
    """Two sentences of 2 and 4 counted tokens (with their ends) under a uniform policy over three tokens: log 3 each."""
    vocabulary = Vocabulary(["a", "b"])
    generator = Generator(vocabulary, 5, GeneratorSettings(embedding_dim=2, hidden_dim=2))
    generator.trainable_variables[-1].assign([0.0, 0.0, -1e9, 0.0, 0.0])
    table = np.array([[3, EOS, PAD, PAD, PAD], [3, 4, 3, EOS, PAD]], np.int32)
    estimate = nll(generator, table)
    assert estimate.mean == pytest.approx(np.log(3.0), rel=1e-6)
    assert estimate.high - estimate.low == pytest.approx(0.0, abs=1e-6)
    corpus = parts_of(table, table, vocabulary)
    assert "nll_oracle" not in curve_scores(generator, corpus, None, None, 16, key(0, "x"))


def test_intervals_of_held_out_scores_are_over_documents_where_they_are_known() -> None:
    """Ten documents of windows that are one: as wide as if each were there once, in eval-nll and in the data's column."""
    corpus, oracle = synthetic_corpus(data_settings(vocab_size=9, sequence_length=4, num_sequences=300, seed=0))
    windows = np.repeat(corpus.test[:10], 30, axis=0)
    clustered = dataclasses.replace(corpus, held_out={"test": HeldOut(windows, np.repeat(np.arange(10), 30))})
    once = nll(oracle, windows[::30])
    found = likelihoods(oracle, clustered, oracle, 100, key(0, "x")).nll_test
    ratio = 2.262157 / 1.96  # Student's t of nine degrees
    assert found.mean == pytest.approx(once.mean, rel=1e-6)
    assert found.high - found.mean == pytest.approx(ratio * (once.high - once.mean), rel=1e-5)
    assert found.count == 10
    run = Measures(clustered, data_settings(), None, 300, "").of_data()["copied_run"]
    assert isinstance(run, Estimate)
    assert run.count == 10


def policy_of(weights: list[np.ndarray], prefix: tuple[int, ...], length: int, temperature: float) -> dict[int, float]:
    """What may come after a prefix of text, and how probable the policy makes it: in the last place the end, for certain."""
    if len(prefix) == length - 1:
        return {EOS: 1.0}
    logits = reference.next_logits(weights, prefix) / temperature
    logits[[PAD, UNK]] = -np.inf
    shares = reference.softmax(logits)
    return {token: float(shares[token]) for token in np.flatnonzero(shares)}


@pytest.mark.sampled(2)
@pytest.mark.parametrize("unknown", [-3.0, 0.0, 5.0])
@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_entropy_is_that_of_the_distribution_that_is_sampled_from(unknown: float, temperature: float) -> None:
    """E[−log G(Y)] / E[tokens] over all sentences, enumerated; however likely the model finds `<unk>`, which is not said."""
    length = 4
    generator = Generator(Vocabulary(["a", "b"]), length, GeneratorSettings(embedding_dim=2, hidden_dim=3))
    generator.initialise(rng(0, "w"), 1.0)
    generator.trainable_variables[-1].assign_add([0.0, 0.0, unknown, 0.0, 0.0])
    weights = [variable.numpy() for variable in generator.trainable_variables]
    open_prefixes, bits, tokens = {(): 1.0}, 0.0, 0.0
    for _ in range(length):
        following = {}
        for prefix, probability in open_prefixes.items():
            tokens += probability
            for token, share in policy_of(weights, prefix, length, temperature).items():
                bits -= probability * share * np.log(share)
                if token != EOS:
                    following[*prefix, token] = probability * share
        open_prefixes = following
    samples = sample(generator, 20_000, key(0, "x"), Sampling(temperature))
    found = nll(generator, samples, Sampling(temperature))
    assert abs(found.mean - bits / tokens) < 2.5 * (found.high - found.mean)
    if temperature == 1.0:
        corpus = parts_of(samples[:16], samples[:16], generator.vocabulary)
        assert curve_scores(generator, corpus, None, None, 20_000, key(0, "x"))["entropy"] == pytest.approx(found.mean)


def test_bleu_means() -> None:
    tokens = rng(0, "sentences").integers(0, 4, (30, 6))
    lengths = np.full(30, 6)
    weights = [(0.5, 0.5), (0.25,) * 4]
    perfect = bleu_scores((tokens, lengths), (tokens, lengths), weights, "method0")
    assert [(score.mean, score.low, score.high) for score in perfect] == [pytest.approx((1.0, 1.0, 1.0))] * 2
    alone = self_bleu_scores((tokens, lengths), weights, "method1")
    assert all(0.0 < score < 1.0 for score in alone)
    same = np.repeat(tokens[:1], 30, axis=0)
    assert self_bleu_scores((same, lengths), weights, "method0") == pytest.approx([1.0, 1.0])
