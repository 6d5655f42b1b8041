"""The corrected generator, against enumeration of a tiny policy: what is sampled, how likely it is, and what was known."""

import itertools
import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import reference
from seqgan_cli.config.sections import DiscriminatorSettings, GeneratorSettings
from seqgan_cli.data.corpus import Corpus
from seqgan_cli.data.split import HeldOut
from seqgan_cli.data.vocabulary import EOS, PAD, SEPARATOR, UNK, Vocabulary
from seqgan_cli.errors import SeqganError
from seqgan_cli.evaluation import correction as module
from seqgan_cli.evaluation.correction import Correction, correction_of, knowledge_of, knows, uncorrectable, unknowable
from seqgan_cli.evaluation.generators import from_record, likelihoods, nll_inside
from seqgan_cli.evaluation.metrics.knowledge import Knowledge
from seqgan_cli.models.generator import Generator
from seqgan_cli.randomness import key, rng
from seqgan_cli.sampling.choices import PLAIN, Sampling
from seqgan_cli.sampling.sequences import sample, samples

VOCAB, LENGTH = 3, 3
SEQUENCES = [*itertools.product(range(VOCAB), repeat=LENGTH)]
KNOWN = Knowledge(0.1, 0.05, 0.15, 0.7, 900.0, 1000)


def value(ids: Any) -> float:
    """T of a sequence of three tokens, worked by no network."""
    return 1.5 * (ids[0] == 2) - 0.5 * (ids[1] == ids[2]) + 0.25 * ids[2]


class Judge:
    """Stands for a discriminator whose logits are `value`."""

    settings = SimpleNamespace(loss="cross-entropy")


@pytest.fixture(autouse=True)
def logits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "logits", lambda _, tokens: np.array([value(row) for row in tokens], np.float32))


@pytest.fixture(scope="module")
def generator() -> Generator:
    made = Generator(Vocabulary(size=VOCAB), LENGTH, GeneratorSettings(embedding_dim=2, hidden_dim=3))
    made.initialise(rng(0, "w"), 1.0)
    return made


def policy(generator: Generator, temperature: float = 1.0) -> dict[tuple[int, ...], float]:
    weights = [variable.numpy() for variable in generator.trainable_variables]
    return {ids: math.exp(-reference.sequence_nll(weights, ids, temperature)) for ids in SEQUENCES}


def corrected(
    generator: Generator, a: float, most: float, temperature: float = 1.0
) -> tuple[dict[tuple[int, ...], float], float]:
    """q of every sequence, and log Z."""
    weights = {ids: p * math.exp(a * min(value(ids), most)) for ids, p in policy(generator, temperature).items()}
    total = sum(weights.values())
    return {ids: weight / total for ids, weight in weights.items()}, math.log(total)


def exact(generator: Generator, a: float = 0.7, most: float = 1.5, temperature: float = 1.0) -> Correction:
    log_z = corrected(generator, a, most, temperature)[1]
    return Correction(Judge(), generator.vocabulary, a, most, log_z, 0.01, KNOWN)  # type: ignore[arg-type]


@pytest.mark.parametrize("temperature", [1.0, 0.5])
def test_what_is_kept_has_the_corrected_frequencies(generator: Generator, temperature: float) -> None:
    found = exact(generator, temperature=temperature)
    batches = found.accept(samples(generator, key(0, "s"), Sampling(temperature)), key(0, "k"))
    kept = list(itertools.chain.from_iterable(itertools.islice(batches, 60)))
    expected, _ = corrected(generator, found.a, found.max_logit, temperature)
    for ids, share in expected.items():
        error = math.sqrt(share * (1.0 - share) / len(kept))
        assert np.mean([tuple(row) == ids for row in kept]) == pytest.approx(share, abs=4.5 * error), ids
    assert sum(value(ids) > 1.5 for ids in SEQUENCES) > 2  # so that some weights are bounded


def test_the_share_that_is_kept_is_what_it_says(generator: Generator) -> None:
    found = exact(generator)
    drawn = sample(generator, 40_000, key(1, "s"))
    kept = sum(map(len, found.accept(iter(np.split(drawn, 40)), key(1, "k"))))
    assert kept / 40_000 == pytest.approx(found.acceptance, abs=0.01)
    assert 0.05 < found.acceptance < 0.9


def test_draws_depend_on_the_key_alone_and_not_on_batches(generator: Generator) -> None:
    found, drawn = exact(generator), sample(generator, 600, key(2, "s"))
    whole, parts = (
        np.concatenate([*found.accept(iter(batches), key(2, "k"))]) for batches in ([drawn], np.split(drawn, 6))
    )
    assert np.array_equal(whole, parts)
    assert not np.array_equal(whole, np.concatenate([*found.accept(iter([drawn]), key(3, "k"))]))


def test_likelihoods_are_those_of_the_corrected_distribution(generator: Generator) -> None:
    found = exact(generator)
    table = np.array(SEQUENCES, np.int32)
    expected, _ = corrected(generator, found.a, found.max_logit)
    for row in table:
        estimate, _ = nll_inside(generator, row[None], correction=found)
        assert estimate.mean == pytest.approx(-math.log(expected[tuple(row)]) / LENGTH, rel=1e-5)
    plain, _ = nll_inside(generator, table)
    own, _ = nll_inside(generator, table, correction=found)
    spread = np.std([-math.log(p) / LENGTH for p in expected.values()], ddof=1) / math.sqrt(len(table))
    assert (own.high - own.low) / 2 == pytest.approx(1.96 * math.hypot(spread, 0.01 / LENGTH), rel=1e-4)
    assert own.mean != pytest.approx(plain.mean, rel=1e-3)


def test_a_sequence_with_unk_is_scored_by_the_generator_alone() -> None:
    made = Generator(Vocabulary(["a", "b"]), 3, GeneratorSettings(embedding_dim=2, hidden_dim=3))
    made.initialise(rng(0, "w"), 1.0)
    found = Correction(Judge(), made.vocabulary, 0.7, 9.0, 0.3, 0.0, KNOWN)  # type: ignore[arg-type]
    table = np.array([[3, UNK, EOS], [3, 4, EOS], [4, EOS, PAD]], np.int32)
    expected = [0.0, *(0.7 * value(row) - 0.3 for row in table[1:])]
    np.testing.assert_allclose(found.log_ratios(table), expected, rtol=1e-6)


def truth(generator: Generator, num: int, seed: int) -> np.ndarray:
    """Real sequences: the generator corrected by 1·T."""
    shares, _ = corrected(generator, 1.0, math.inf)
    chosen = np.random.default_rng(seed).choice(len(SEQUENCES), num, p=[shares[ids] for ids in SEQUENCES])
    return np.array(SEQUENCES, np.int32)[chosen]


def corpus_of(generator: Generator, num: int = 4000) -> Corpus:
    parts = {name: HeldOut(truth(generator, num, i), np.arange(num)) for i, name in enumerate(("validation", "test"))}
    return Corpus(truth(generator, num, 2), parts, generator.vocabulary)


def test_of_the_exact_log_ratio_the_correction_is_the_truth_and_the_knowledge_all_there_is(generator: Generator) -> None:
    shares, log_z = corrected(generator, 1.0, math.inf)
    divergence = sum(p * math.log(p / policy(generator)[ids]) for ids, p in shares.items())
    corpus = corpus_of(generator)
    found = correction_of(generator, Judge(), corpus, 4000, key(0, "c"), rng(0, "c"))  # type: ignore[arg-type]
    assert found.max_logit == max(map(value, SEQUENCES))
    assert found.a == pytest.approx(1.0, abs=0.12)
    assert found.knowledge.low < divergence < found.knowledge.high
    assert found.log_z == pytest.approx(corrected(generator, found.a, math.inf)[1], abs=4 * found.error)
    assert abs(log_z) > 0.1
    gain = nll_inside(generator, corpus.test)[0].mean - nll_inside(generator, corpus.test, correction=found)[0].mean
    assert gain * LENGTH == pytest.approx(found.knowledge.value, rel=1e-6)  # what it knows is what its correction gains


def test_validation_and_its_samples_choose_and_test_and_fresh_ones_report(generator: Generator) -> None:
    """Parts of which one says the opposite: a is from the first, the bound from the second."""
    corpus = corpus_of(generator, 500)
    backwards = np.array([(0, 1, 0)] * 500, np.int32)  # T = 0, less than the samples' mean
    parts = {"validation": corpus.held_out["validation"], "test": HeldOut(backwards, np.arange(500))}
    found = correction_of(generator, Judge(), Corpus(corpus.train, parts, corpus.vocabulary), 500, key(0, "c"))  # type: ignore[arg-type]
    assert found.a > 0.5
    assert found.knowledge.value < 0.0
    keys = key(0, "1"), key(0, "2")
    _, most, fresh = knowledge_of(generator, Judge(), corpus, 300, keys, None)  # type: ignore[arg-type]
    assert np.array_equal(fresh, np.minimum([value(row) for row in sample(generator, 300, keys[1])], most))
    assert most == max(value(row) for row in sample(generator, 300, keys[0]))


def test_all_scores_are_of_the_corrected_generator_and_read_back(generator: Generator) -> None:
    """Under an oracle that finds the token that the correction prefers likely, so that other samples score otherwise."""
    corpus, found = corpus_of(generator), exact(generator, 1.0, max(map(value, SEQUENCES)))
    oracle = Generator(Vocabulary(size=VOCAB), LENGTH, GeneratorSettings(embedding_dim=2, hidden_dim=3))
    oracle.trainable_variables[-1].assign([0.0, 0.0, 2.0])
    plain, own = (likelihoods(generator, corpus, oracle, 4000, key(0, "x"), PLAIN, correction=c) for c in (None, found))
    shares, truth_of = policy(generator), policy(oracle)
    expected, _ = corrected(generator, 1.0, math.inf)
    for scores, distribution in ((plain, shares), (own, expected)):
        cross = -sum(p * math.log(truth_of[ids]) for ids, p in distribution.items()) / LENGTH
        assert scores.nll_oracle is not None
        assert scores.nll_oracle.low - 0.01 < cross < scores.nll_oracle.high + 0.01
    assert plain.nll_oracle.mean - own.nll_oracle.mean > 0.1  # type: ignore[union-attr]
    assert own.nll_test.mean < plain.nll_test.mean
    assert own.knowledge == KNOWN
    assert from_record(own.record()) == own
    assert "knowledge" not in plain.record()


def test_what_keeps_nothing_says_so(generator: Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE", 300)
    found = Correction(Judge(), generator.vocabulary, 500.0, 9.0, 0.0, 0.0, KNOWN)  # type: ignore[arg-type]
    with pytest.raises(SeqganError, match="keeps none"):
        next(found.accept(samples(generator, key(0, "s")), key(0, "k")))


def test_what_cannot_be_corrected_is_refused(generator: Generator) -> None:
    corpus, judge = corpus_of(generator, 20), Judge()
    critic = Judge()
    critic.settings = DiscriminatorSettings(loss="wasserstein")  # type: ignore[assignment]
    with pytest.raises(SeqganError, match="critic"):
        correction_of(generator, critic, corpus, 20, key(0, "c"))  # type: ignore[arg-type]
    assert unknowable(critic.settings, corpus)  # type: ignore[arg-type]
    assert not unknowable(judge.settings, corpus)  # type: ignore[arg-type]
    assert not uncorrectable(judge.settings, corpus)  # type: ignore[arg-type]
    one = Corpus(corpus.train, {"test": corpus.held_out["test"]}, corpus.vocabulary)
    assert unknowable(judge.settings, one)  # type: ignore[arg-type]
    with pytest.raises(SeqganError, match="validation part"):
        correction_of(generator, judge, one, 20, key(0, "c"))  # type: ignore[arg-type]
    words = Vocabulary(["a"])
    made = Generator(words, 3, GeneratorSettings(embedding_dim=2, hidden_dim=3))
    table = np.array([[UNK, EOS, PAD]], np.int32)
    unknown = Corpus(table, {name: HeldOut(table, np.arange(1)) for name in ("validation", "test")}, words)
    with pytest.raises(SeqganError, match="Every sequence of the validation part holds <unk>"):
        correction_of(made, judge, unknown, 20, key(0, "c"))  # type: ignore[arg-type]
    pairs = Corpus(table, unknown.held_out, Vocabulary(["a", SEPARATOR]))
    assert "sources" in uncorrectable(judge.settings, pairs)  # type: ignore[arg-type]


def test_what_it_knows_in_words() -> None:
    """Per token of all test sequences, though it is of those without `<unk>` alone, here half of them; of seven that count."""
    words = Vocabulary(["a", "b"])
    table = np.array([[3, 4, 3, EOS], [3, UNK, 4, EOS]], np.int32)
    corpus = Corpus(table, {name: HeldOut(table, np.arange(2)) for name in ("validation", "test")}, words)
    assert "0.100 nats a sequence [0.050, 0.150]" in knows(KNOWN, corpus)
    assert knows(KNOWN, corpus).endswith("a perfect student of it gains 0.0143 nats a token in nll_test, and no more.")
    nothing = Knowledge(0.01, -0.02, 0.04, 0.1, 990.0, 1000)
    assert knows(nothing, corpus).endswith("not told apart from nothing, so that nothing is to be gained by it.")
    assert "[" not in knows(Knowledge(0.01, math.nan, math.nan, 0.1, 990.0, 1000), corpus)
    given = Vocabulary(["a", SEPARATOR])
    pairs = Corpus(table, {name: HeldOut(table, np.arange(2)) for name in ("validation", "test")}, given)
    assert knows(KNOWN, pairs).endswith("in nll_test.")
