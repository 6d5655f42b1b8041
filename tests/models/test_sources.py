"""Sequences with sources: the target alone is drawn, taught, rewarded and scored, by literal counts and enumeration."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from scipy.stats import chisquare

import reference
from seqgan_cli.algorithms.advantages import policy_gradient_loss, repeat_final_value
from seqgan_cli.algorithms.adversarial import _reward_means
from seqgan_cli.algorithms.mle import likelihood_loss, scheduled_sampling_inputs
from seqgan_cli.algorithms.rollout import ActionValues, NetworkPolicy, NgramPolicy
from seqgan_cli.config.sections import GeneratorSettings
from seqgan_cli.data.corpus import Corpus
from seqgan_cli.data.split import HeldOut
from seqgan_cli.data.vocabulary import EOS, LABEL, PAD, SEPARATOR, UNK, Vocabulary
from seqgan_cli.evaluation.quality import Measures
from seqgan_cli.evaluation.real import bleu_by_source
from seqgan_cli.models.generator import Generator
from seqgan_cli.randomness import key, rng
from seqgan_cli.rewards.repetition import NovelReward, UniqueReward
from seqgan_cli.sampling.choices import Sampling
from seqgan_cli.sampling.continuation import sample_beside
from seqgan_cli.sampling.likelihood import sequence_nll, token_nll
from seqgan_cli.sampling.sequences import sample, sample_batch
from tiny import data_settings

pytestmark = pytest.mark.usefixtures("quickly")

WORDS = Vocabulary([SEPARATOR, "a", "b", f"{LABEL}x"])
SEP, A, B, X = range(3, 7)
LENGTH = 6
# Sources of one token, of two, of a label, of none, and one with an unknown token.
TABLE = np.array(
    [
        [A, SEP, B, A, EOS, PAD],
        [A, B, SEP, B, EOS, PAD],
        [X, SEP, A, A, A, EOS],
        [SEP, B, EOS, PAD, PAD, PAD],
        [B, UNK, SEP, A, EOS, PAD],
    ],
    np.int32,
)
TARGETS = [(B, A), (B,), (A, A, A), (B,), (A,)]
SOURCES = [2, 3, 2, 1, 3]  # places, with the separator


def make(stddev: float = 0.9) -> Generator:
    made = Generator(WORDS, LENGTH, GeneratorSettings(embedding_dim=3, hidden_dim=4))
    made.initialise(rng(0, "test generator"), stddev)
    return made


def weights_of(generator: Generator) -> list[np.ndarray]:
    return [variable.numpy() for variable in generator.trainable_variables]


def literal_distribution(weights: Sequence[np.ndarray], prefix: Sequence[int], unknown: bool = False) -> np.ndarray:
    """Of the next token of a target: no `<pad>`, separator or label, and `<unk>` in the model alone."""
    logits = reference.next_logits(weights, prefix)
    logits[[PAD, SEP, X, *([] if unknown else [UNK])]] = -np.inf
    return reference.softmax(logits)


def literal_nll(weights: Sequence[np.ndarray], row: Sequence[int], unknown: bool = False) -> list[float]:
    """−log of each token after the separator up to `<eos>`; at the last place `<eos>` is certain."""
    row = [int(token) for token in row]
    losses = [0.0] * len(row)
    for t in range(row.index(SEP) + 1, row.index(EOS) + 1):
        if t < LENGTH - 1 and (unknown or row[t] != UNK):
            losses[t] = -float(np.log(literal_distribution(weights, row[:t], unknown)[row[t]]))
    return losses


def test_what_counts_is_the_target() -> None:
    for row, target, given in zip(TABLE, TARGETS, SOURCES, strict=True):
        assert WORDS.source_length(row) == given
        assert WORDS.length(row) == len(target)
        assert tuple(WORDS.target(row)[: len(target) + 1]) == (*target, EOS)
        assert WORDS.decode(row) == [WORDS.tokens[token] for token in target]
        counted = [given <= t <= row.tolist().index(EOS) for t in range(LENGTH)]
        assert WORDS.mask(row).tolist() == WORDS.inside(row).tolist() == counted
        assert WORDS.given(row).tolist() == [t < given for t in range(LENGTH)]
    np.testing.assert_array_equal(WORDS.target(TABLE), [WORDS.target(row) for row in TABLE])
    assert WORDS.has_no_unk(TABLE).all(), "a source may hold <unk>, since it is given"
    assert WORDS.unknown_share(TABLE) == 0.0
    assert WORDS.source(TABLE[2]) == ["x"]
    assert WORDS.source(TABLE[4]) == ["b", "<unk>"]
    ids, lengths = WORDS.for_matching(TABLE)
    assert [tuple(row[:n]) for row, n in zip(ids.tolist(), lengths, strict=True)] == TARGETS


def test_masks_of_tensors_are_those_of_arrays() -> None:
    import tensorflow as tf

    for mask in (WORDS.inside, WORDS.mask, WORDS.given):
        np.testing.assert_array_equal(mask(tf.constant(TABLE)).numpy(), mask(TABLE))


def test_a_vocabulary_without_a_separator_has_no_sources() -> None:
    plain = Vocabulary(["a", "b"])
    row = np.array([3, 4, EOS, PAD], np.int32)
    assert plain.separator is None
    assert plain.source_length(row) == 0
    assert plain.target(row) is row
    assert plain.never_drawn == (PAD,)
    assert WORDS.never_drawn == (PAD, SEP, X)
    assert Vocabulary(["a"], has_eos=False).never_drawn == (PAD, EOS)


def test_likelihoods_are_those_of_targets_given_sources() -> None:
    generator = make()
    weights = weights_of(generator)
    literal = np.array([literal_nll(weights, row) for row in TABLE])
    np.testing.assert_allclose(token_nll(generator, TABLE), literal, atol=2e-5)
    np.testing.assert_allclose(sequence_nll(generator, TABLE), literal.sum(axis=1), atol=5e-5)
    # Training normalises over <unk> too, and divides by all places inside, the certain <eos>'s included.
    taught = np.array([literal_nll(weights, row, unknown=True) for row in TABLE]).sum()
    inside = sum(row.tolist().index(EOS) + 1 - given for row, given in zip(TABLE, SOURCES, strict=True))
    np.testing.assert_allclose(float(likelihood_loss(generator, TABLE)), taught / inside, rtol=1e-5)


def test_the_loss_of_a_policy_has_no_gradient_from_sources() -> None:
    generator = make()
    worth = np.arange(30, dtype=np.float32).reshape(5, 6)
    expected = sum(
        loss * worth[i, t] for i, row in enumerate(TABLE) for t, loss in enumerate(literal_nll(weights_of(generator), row))
    )
    np.testing.assert_allclose(float(policy_gradient_loss(generator, TABLE, worth)), expected, rtol=1e-5)


def literal_targets(weights: Sequence[np.ndarray], source: tuple[int, ...]) -> dict[tuple[int, ...], float]:
    """Probability of every target after a source, `<eos>` left out."""
    found = {}

    def go(said: tuple[int, ...], probability: float) -> None:
        place = len(source) + len(said)
        if place == LENGTH - 1:
            found[said] = probability
            return
        distribution = literal_distribution(weights, [*source, *said])
        found[said] = probability * distribution[EOS]
        for token in (A, B):
            go((*said, token), probability * distribution[token])

    go((), 1.0)
    return found


@pytest.mark.parametrize("row", [0, 1])
def test_samples_have_the_frequencies_of_targets_after_their_source(row: int) -> None:
    generator, count = make(), 5000
    source = tuple(TABLE[row, : SOURCES[row]].tolist())
    drawn = sample_beside(generator, TABLE[row : row + 1], count, key(0, "x"))
    assert {tuple(each) for each in drawn[:, : len(source)].tolist()} == {source}
    seen = Counter(tuple(WORDS.target(each)[: WORDS.length(each)].tolist()) for each in drawn)
    literal = literal_targets(weights_of(generator), source)
    np.testing.assert_allclose(sum(literal.values()), 1.0, rtol=1e-9)
    assert set(seen) <= set(literal)
    likely = [target for target, p in literal.items() if count * p > 5]
    expected = np.array([count * literal[target] for target in likely])
    observed = np.array([seen[target] for target in likely], float)
    assert chisquare(observed, expected * observed.sum() / expected.sum()).pvalue > 1e-3


def test_samples_beside_sequences_take_their_sources_in_turn() -> None:
    drawn = sample_beside(make(), TABLE, 12, key(0, "x"))
    for i, row in enumerate(drawn):
        given = SOURCES[i % len(TABLE)]
        np.testing.assert_array_equal(row[:given], TABLE[i % len(TABLE), :given])


def test_what_rounds_draw_has_the_sources_that_were_given_alike_often() -> None:
    generator = make()
    generator.give_sources(TABLE)
    for drawn in (sample(generator, 2000, key(0, "x")), sample_batch(generator, 2000, key(1, "x")).numpy()):
        seen = Counter(tuple(row[: int(WORDS.source_length(row))].tolist()) for row in drawn)
        known = [tuple(row[:given].tolist()) for row, given in zip(TABLE, SOURCES, strict=True)]
        assert set(seen) == set(known)
        assert chisquare([seen[each] for each in known]).pvalue > 1e-3
    assert generator.clone("twin").draw_sources(3, key(0, "x")) is not None
    assert make().draw_sources(3, key(0, "x")) is None


@pytest.mark.parametrize("sampling", [Sampling(top_k=9), Sampling(top_p=0.999999), Sampling(0.5, top_k=2)], ids=str)
def test_truncation_keeps_marks_out(sampling: Sampling) -> None:
    drawn = sample_beside(make(), TABLE, 500, key(0, "x"), sampling)
    targets = WORDS.target(drawn)
    assert not np.isin(targets, (SEP, X, UNK)).any()
    assert sampling.tensors(WORDS)[0] == min(sampling.top_k or 3, 3)  # a, b and <eos>


@pytest.mark.parametrize("kind", ["network", "ngram"])
def test_rollouts_leave_sources_as_they_are(kind: str) -> None:
    generator = make()
    policy: Any = NetworkPolicy(generator) if kind == "network" else NgramPolicy(WORDS, TABLE)
    finished = np.asarray(policy.sample_continuations(TABLE, key(0, "x")))
    assert finished.shape == (LENGTH - 1, len(TABLE), LENGTH)
    for t in range(1, LENGTH):
        for row, given, done in zip(TABLE, SOURCES, finished[t - 1], strict=True):
            kept = max(t, given)
            np.testing.assert_array_equal(done[:kept], row[:kept])
            assert not np.isin(done[kept:], (SEP, X, UNK)).any()


def test_action_values_are_means_over_targets() -> None:
    """Of a prefix within the source: the expectation after the whole source. By enumeration, to the error of the mean."""
    generator = make()
    weights, number = weights_of(generator), 2000

    class Ends:
        sums_to_go = needs_discriminator = False

        def of_batch(self, tokens: Any) -> Any:
            return self

        def __call__(self, tokens: Any, key: Any) -> Any:
            import tensorflow as tf

            return tf.reduce_sum(tf.cast(tokens == A, tf.float32), axis=1)

    values = np.asarray(ActionValues(NetworkPolicy(generator), Ends(), number)(TABLE[:2], key(0, "x"), TABLE[:2]))
    for row, given, found in zip(TABLE, SOURCES, values, strict=False):
        row = row.tolist()
        for t in range(1, LENGTH - 1):
            if row[t - 1] == EOS:
                break
            literal = literal_targets(weights, tuple(row[: max(t, given)]))
            expected = sum(p * ([*row[: max(t, given)], *said].count(A)) for said, p in literal.items())
            np.testing.assert_allclose(found[t - 1], expected, atol=0.06)
        assert found[-1] == row.count(A)


def test_scheduled_sampling_reads_sources_as_they_are() -> None:
    inputs = np.asarray(scheduled_sampling_inputs(make(), TABLE, 0.0, key(0, "x")))
    for row, given, read in zip(TABLE, SOURCES, inputs, strict=True):
        np.testing.assert_array_equal(read[:given], row[:given])
    assert (inputs[:, :-1] != TABLE[:, :-1]).any()


def test_what_a_target_is_worth_stands_after_its_end_and_not_before_it() -> None:
    values = np.arange(30, dtype=np.float32).reshape(5, 6)
    found = np.asarray(repeat_final_value(values, WORDS.mask(TABLE)))
    for row, own, filled in zip(TABLE, values, found, strict=True):
        end = row.tolist().index(EOS)
        assert filled.tolist() == [*own[: end + 1].tolist(), *[own[end]] * (LENGTH - 1 - end)]


def test_means_of_rewards_are_of_targets() -> None:
    values = np.arange(30, dtype=np.float32).reshape(5, 6)
    mask, ends = WORDS.mask(TABLE), [row.tolist().index(EOS) for row in TABLE]
    means = _reward_means(values, mask, False)
    assert means["reward_final"] == np.mean([values[i, end] for i, end in enumerate(ends)])
    assert means["reward_mean"] == pytest.approx(values[mask].mean())
    assert _reward_means(values, mask, True)["reward_final"] == np.mean([values[i, given] for i, given in enumerate(SOURCES)])


def test_bleu_is_against_the_references_of_the_same_source() -> None:
    """As NLTK has it, one sentence at a time with the references of its own source, of which there may be several."""
    from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu

    references = np.array(
        [[A, SEP, B, A, EOS, PAD], [A, SEP, B, B, EOS, PAD], [B, SEP, A, A, A, EOS], [X, SEP, A, EOS, PAD, PAD]], np.int32
    )
    samples = np.array(
        [[A, SEP, B, B, A, EOS], [B, SEP, B, B, EOS, PAD], [A, SEP, B, EOS, PAD, PAD], [SEP, A, EOS, PAD, PAD, PAD]], np.int32
    )
    weights = [(0.5, 0.5), (1.0,)]
    literal = [
        [
            sentence_bleu(same, said, each, SmoothingFunction().method1)
            for same, said in (([[B, A], [B, B]], [B, B, A]), ([[A, A, A]], [B, B]), ([[B, A], [B, B]], [B]))
        ]
        for each in weights
    ]
    found = bleu_by_source(samples, references, WORDS, weights, "method1")
    for estimate, values in zip(found, literal, strict=True):
        assert estimate.mean == pytest.approx(np.mean(values))
        assert estimate.count == 2, "two sources; the fourth sample's has no reference"


def test_distances_and_variety_are_of_targets() -> None:
    """A vector for `a` alone: the mean over a source would have its own."""
    held = np.array([[A, SEP, B, B, EOS, PAD], [A, SEP, A, B, EOS, PAD]] * 8, np.int32)
    part = HeldOut(held, np.arange(len(held)))
    corpus = Corpus(held, {"validation": part, "test": part}, WORDS)
    vectors = np.full((WORDS.size, 2), np.nan)
    vectors[A], vectors[B] = (1.0, 0.0), (0.0, 1.0)
    other = np.array([[B, SEP, B, B, EOS, PAD], [B, SEP, A, B, EOS, PAD]] * 8, np.int32)
    measured = Measures(corpus, data_settings(source="x", kind="pairs"), vectors, len(held), "x").of_samples(other)
    assert measured["frechet_distance"] == pytest.approx(0.0, abs=1e-9), "the same targets after other sources"


def test_repetition_is_of_targets() -> None:
    """The answer that fits every question is the old fault of dialogue: it is one answer, whatever was asked."""
    assert UniqueReward(WORDS).scores(TABLE, TABLE).tolist() == [1.0, 0.5, 1.0, 0.5, 1.0]
    other = np.array([[B, B, SEP, B, EOS, PAD], [A, SEP, A, B, EOS, PAD]], np.int32)
    assert NovelReward(TABLE, WORDS).scores(other).tolist() == [0.0, 1.0]
