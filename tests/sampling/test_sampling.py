"""What is done to logits before a draw, against the definitions: sets of tokens, likelihoods, and frequencies of draws."""

import dataclasses
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

import reference
from parts import parts_of
from sampled import examples
from seqgan_cli.algorithms.rollout import NetworkPolicy, NgramPolicy
from seqgan_cli.config.sections import GeneratorSettings
from seqgan_cli.data.vocabulary import EOS, UNK, Vocabulary
from seqgan_cli.evaluation.generators import Outside, from_record, likelihoods, nll, nll_inside
from seqgan_cli.models.generator import Generator
from seqgan_cli.models.softmax import LOGITS_AT_ONCE
from seqgan_cli.randomness import key, rng
from seqgan_cli.sampling.choices import PLAIN, Sampling, keep_likeliest
from seqgan_cli.sampling.draws import draw_truncated
from seqgan_cli.sampling.likelihood import sequence_nll
from seqgan_cli.sampling.sequences import sample, sample_batch, samples
from seqgan_cli.studies.experiments import scores

pytestmark = pytest.mark.usefixtures("quickly")
BEFORE = json.loads((Path(__file__).parent / "sampled_before.json").read_text(encoding="utf-8"))
VOCABULARIES = {
    "synthetic": Vocabulary(size=11),
    "text": Vocabulary([*"abcdefgh"]),
    "poems": Vocabulary([*"abcdefgh"], has_eos=False),
}
TINY = {"synthetic": Vocabulary(size=4), "text": Vocabulary(["a", "b", "c"]), "poems": Vocabulary([*"abcd"], has_eos=False)}
HOWS = [
    Sampling(0.7, top_k=2),
    Sampling(top_p=0.8),
    Sampling(1.5, min_p=0.4),
    Sampling(1.2, 3, 0.9, 0.3),
    Sampling(top_k=3, top_p=0.6),
]


def make(vocabulary: Vocabulary, length: int, cell: str = "lstm", stddev: float = 1.0) -> Generator:
    generator = Generator(vocabulary, length, GeneratorSettings(embedding_dim=3, hidden_dim=4, cell=cell))
    generator.initialise(rng(0, "test"), stddev)
    return generator


def kept(logits: list[float], **how: Any) -> dict[int, float]:
    """Tokens and their probabilities, as the program has them."""
    numbers = Sampling(**how).tensors(Vocabulary(size=len(logits)))
    ids, left, masses = keep_likeliest(tf.constant([logits], tf.float32), *numbers)
    probabilities = np.diff(masses[0], prepend=0.0) / masses[0, -1]
    found = {int(i): float(p) for i, p, x in zip(ids[0], probabilities, left[0], strict=True) if x > -np.inf}
    np.testing.assert_allclose(tf.nn.softmax(left)[0, : len(found)], [*found.values()], atol=1e-6)
    return found


def logs(*probabilities: float) -> list[float]:
    return np.log(probabilities).tolist()


@settings(deadline=None, max_examples=examples(300))
@given(
    st.lists(st.integers(0, 5), min_size=2, max_size=12),
    st.sampled_from([0.5, 1.0, 2.0]),
    st.integers(0, 14),
    st.sampled_from([1.0, 0.97, 0.9, 0.75, 0.5, 0.4, 0.1, 1e-6]),
    st.sampled_from([0.0, 0.01, 0.125, 0.25, 0.5, 0.9]),
)
@example([0, 0, 0, 0], 1.0, 2, 1.0, 0.0)
@example([3, 2, 1, 1], 1.0, 0, 0.75, 0.0)
@example([3, 2, 1, 1], 1.0, 3, 1.0, 0.5)
def test_tokens_and_probabilities_are_those_of_the_definitions(
    doublings: list[int], temperature: float, top_k: int, top_p: float, min_p: float
) -> None:
    """Probabilities are powers of two times one another, so that many are alike, and masses and shares meet bounds exactly."""
    logits = [np.log(2.0) * temperature * doubling for doubling in doublings]
    how = {"top_k": top_k, "top_p": top_p, "min_p": min_p}
    expected = reference.truncated(logits, temperature, **how)
    found = kept([logit / temperature for logit in logits], **how)
    assert [*found] == [*expected]
    np.testing.assert_allclose([*found.values()], [*expected.values()], atol=2e-6)


def test_of_equal_tokens_the_smaller_ids_are_kept() -> None:
    assert set(kept([0.0] * 6, top_k=2)) == {0, 1}
    assert set(kept([0.0] * 4, top_p=0.5)) == {0, 1}
    assert set(kept([0.0, 1.0, 1.0, 1.0], top_k=2)) == {1, 2}


def test_a_mass_or_a_share_that_is_reached_exactly_is_enough() -> None:
    assert set(kept(logs(0.125, 0.5, 0.125, 0.25), top_p=0.75)) == {1, 3}
    assert set(kept(logs(0.125, 0.5, 0.125, 0.25), top_p=0.76)) == {1, 3, 0}
    assert set(kept(logs(0.125, 0.5, 0.125, 0.25), min_p=0.25)) == {0, 1, 2, 3}
    assert set(kept(logs(0.125, 0.5, 0.125, 0.25), min_p=0.26)) == {1, 3}


def test_each_step_is_on_what_the_one_before_left() -> None:
    """Of 0.4 and 0.3, which top-k leaves, the first has 0.571: a nucleus of 0.57 by itself. Of all, it would take both."""
    assert set(kept(logs(0.4, 0.3, 0.2, 0.1), top_k=2, top_p=0.57)) == {0}
    assert set(kept(logs(0.4, 0.3, 0.2, 0.1), top_p=0.57)) == {0, 1}
    # Of the nucleus {0, 1}, min-p leaves both; a nucleus of what min-p leaves of all, with three tokens, would be smaller.
    assert set(kept(logs(0.45, 0.25, 0.2, 0.1), top_p=0.69, min_p=0.4)) == {0, 1}
    assert kept(logs(0.4, 0.3, 0.2, 0.1), top_k=2) == pytest.approx({0: 4 / 7, 1: 3 / 7})


def test_masked_tokens_are_never_kept() -> None:
    """Even where more are asked for than there are others."""
    for name, named in (("synthetic", 4), ("text", 4), ("poems", 4)):
        generator = make(TINY[name], 4)
        assert Sampling(top_k=100).tensors(TINY[name])[0] == named
        drawn = sample(generator, 500, key(0, "x"), Sampling(1000.0, top_k=100))
        assert name == "synthetic" or not (drawn == UNK).any()
    assert Sampling(top_k=100, allow_unknown=True).tensors(TINY["text"])[0] == 5


@pytest.mark.compiled
@pytest.mark.sampled(3)
@pytest.mark.parametrize("how", HOWS, ids=str)
@pytest.mark.parametrize("name", [*TINY])
def test_likelihoods_and_frequencies_are_those_of_the_enumerated_distribution(name: str, how: Sampling) -> None:
    vocabulary, length = TINY[name], 4
    generator = make(vocabulary, length)
    weights = [variable.numpy() for variable in generator.trainable_variables]
    numbers = {"temperature": how.temperature, "top_k": how.top_k, "top_p": how.top_p, "min_p": how.min_p}
    expected = reference.sequence_distribution(weights, length, vocabulary.has_special_tokens, vocabulary.has_eos, **numbers)
    assert sum(expected.values()) == pytest.approx(1.0)
    plain = {"temperature": how.temperature}
    every = reference.sequence_distribution(weights, length, vocabulary.has_special_tokens, vocabulary.has_eos, **plain)
    table = np.array([*every], np.int32)
    losses = sequence_nll(generator, table, how)
    np.testing.assert_allclose(np.exp(-losses.astype(np.float64)), [expected.get(s, 0.0) for s in every], rtol=1e-4)
    assert (losses == np.inf).tolist() == [s not in expected for s in every]
    count = 20_000
    seen = Counter(map(tuple, sample(generator, count, key(0, "x"), how).tolist()))
    assert set(seen) <= set(expected)
    likely = [s for s, p in expected.items() if p * count >= 5]
    observed = [*(seen[s] for s in likely), count - sum(seen[s] for s in likely)]
    due = [*(expected[s] * count for s in likely), count * (1 - sum(expected[s] for s in likely))]
    if due[-1] < 1e-3:
        observed, due = observed[:-1], due[:-1]
    assert len(due) == 1 or chisquare(observed, np.array(due) * count / sum(due)).pvalue > 1e-4


def test_a_draw_of_the_likeliest_has_no_chance_in_it() -> None:
    generator = make(VOCABULARIES["synthetic"], 6)
    drawn = sample(generator, 300, key(0, "x"), Sampling(top_k=1))
    assert (drawn == drawn[0]).all()
    np.testing.assert_allclose(sequence_nll(generator, drawn[:1], Sampling(top_k=1)), [0.0], atol=1e-6)


def test_a_sequence_ends_at_the_last_place_whatever_truncation_leaves() -> None:
    generator = make(TINY["text"], 5)
    generator.trainable_variables[-1].assign_add([0.0, -30.0, 0.0, 0.0, 0.0, 0.0])  # <eos> is never among the likeliest
    drawn = sample(generator, 200, key(0, "x"), Sampling(top_k=2))
    assert (drawn[:, -1] == EOS).all()
    assert (drawn[:, :-1] != EOS).all()
    assert np.isfinite(sequence_nll(generator, drawn, Sampling(top_k=2))).all()


def test_a_draw_never_leaves_what_is_kept() -> None:
    logits = tf.constant(rng(0, "logits").normal(0.0, 3.0, (500, 40)).astype(np.float32))
    for how in HOWS:
        numbers = how.tensors(Vocabulary(size=40))
        drawn = draw_truncated(logits, numbers, key(0, "x")).numpy()
        ids, left, _ = keep_likeliest(logits, *numbers)
        assert ((ids.numpy() == drawn[:, None]) & np.isfinite(left)).any(axis=1).all()


@pytest.mark.sampled(2)
@pytest.mark.parametrize("name", [*BEFORE])
def test_temperature_alone_draws_what_the_version_before_drew(name: str) -> None:
    """Recorded from the version that knew no truncation; the same for rollouts."""
    recorded, (kind, cell) = BEFORE[name], name.split()
    vocabulary = VOCABULARIES[kind]
    generator = make(vocabulary, 6, cell)
    tokens = sample(generator, 4, key(2, "x"))
    for temperature in (1.0, 0.6, 1.7):
        drawn = sample(generator, 5, key(0, "x"), Sampling(temperature))
        assert drawn.tolist() == recorded[f"sample {temperature}"]
    assert next(samples(generator, key(0, "x"), Sampling(allow_unknown=True)))[:5].tolist() == recorded["unk"]
    assert sample_batch(generator, 4, key(1, "x")).numpy().tolist() == recorded["batch"]
    assert NetworkPolicy(generator).sample_continuations(tokens, key(3, "x")).numpy().tolist() == recorded["continued"]
    assert NgramPolicy(vocabulary, tokens).sample_continuations(tokens, key(4, "x")).numpy().tolist() == recorded["ngram"]
    for temperature in (1.0, 0.6):
        losses = sequence_nll(generator, tokens, Sampling(temperature))
        np.testing.assert_allclose(losses, recorded[f"nll {temperature}"], rtol=1e-5, atol=1e-5)


def test_chunks_do_not_change_truncated_likelihoods(monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = sample(make(VOCABULARIES["text"], 6), 90, key(0, "x"))
    whole = sequence_nll(make(VOCABULARIES["text"], 6), tokens, HOWS[3])
    monkeypatch.setattr("seqgan_cli.models.softmax.LOGITS_AT_ONCE", 8 * 11 * 7)
    assert LOGITS_AT_ONCE > 8 * 11 * 7
    np.testing.assert_allclose(sequence_nll(make(VOCABULARIES["text"], 6), tokens, HOWS[3]), whole, rtol=1e-5)


def test_what_is_outside_is_counted_and_never_averaged() -> None:
    generator = make(TINY["synthetic"], 4)
    tokens = rng(0, "tokens").integers(0, 4, (300, 4)).astype(np.int32)
    how = Sampling(0.8, top_p=0.9)
    losses = sequence_nll(generator, tokens, how)
    inside = np.isfinite(losses)
    assert 10 < inside.sum() < 290
    estimate, outside = nll_inside(generator, tokens, how)
    assert estimate.mean == pytest.approx(losses[inside].mean() / 4, rel=1e-6)
    assert outside == Outside(int((~inside).sum()), 300)
    share = (~inside).mean()
    assert str(outside) == f"of 300 sequences {(~inside).sum()} are outside ({share:.1%}), and the mean is of the others"
    assert np.isnan(nll(generator, tokens[~inside], how).mean)
    assert nll_inside(generator, tokens)[1] == Outside(0, 300)


def test_records_read_back_and_say_nothing_of_truncation_where_there_is_none() -> None:
    generator = make(TINY["synthetic"], 4)
    tokens = rng(0, "tokens").integers(0, 4, (64, 4)).astype(np.int32)
    corpus = parts_of(tokens, tokens, generator.vocabulary)
    for how in (PLAIN, Sampling(0.8), Sampling(0.8, 3, 0.9, 0.1)):
        found = likelihoods(generator, corpus, generator, 40, key(0, "x"), how)
        record = json.loads(json.dumps(found.record()))
        assert from_record(record) == found
        assert found.sampling == how
        assert ("outside" in record) == ("top_p" in record) == how.truncated


def test_scores_are_kept_by_the_temperature_as_ever_and_by_what_truncates() -> None:
    assert [scores._address(how) for how in (PLAIN, Sampling(0.7))] == ["1", "0.7"]
    others = [Sampling(top_k=5), Sampling(top_p=0.5), Sampling(min_p=0.5), Sampling(0.5, 5, 0.5, 0.5), Sampling(1.0, 5, 0.5)]
    assert len({scores._address(how) for how in (PLAIN, Sampling(0.7), *others)}) == 2 + len(others)


def test_a_way_of_sampling_in_words() -> None:
    assert str(PLAIN) == "temperature 1"
    assert str(Sampling(0.7, 40, 0.9, 0.05)) == "temperature 0.7, top-k 40, top-p 0.9, min-p 0.05"


CHOICES = {"temperature": 0.7, "top_k": 5, "top_p": 0.9, "min_p": 0.1}


@pytest.mark.parametrize("name", CHOICES)
def test_no_choice_is_lost_in_names_keys_and_records(name: str) -> None:
    """Whatever is declared as a choice: two ways of sampling that differ in it have other words, kept scores and JSON."""
    from made_up import scored
    from seqgan_cli.config.schema import specs_of
    from seqgan_cli.evaluation.generators import from_record
    from seqgan_cli.studies.experiments.scores import _address

    assert {spec.leaf for spec in specs_of(Sampling)} == set(CHOICES), "a new choice needs a value here"
    changed = Sampling(**{name: CHOICES[name]})
    assert str(changed) != str(Sampling())
    assert _address(changed) != _address(Sampling())
    assert changed.truncated == (name != "temperature")
    assert Sampling(**json.loads(json.dumps(changed.record()))) == changed
    scores = dataclasses.replace(scored(1.0, 2.0).scores, sampling=changed)
    assert from_record(json.loads(json.dumps(scores.record()))) == scores
