"""Rewards of being new: against sets and counts by hand, and a search of the batch against a literal one."""

import time
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

import reference
from parts import parts_of
from seqgan_cli.algorithms.rollout import ActionValues, NetworkPolicy
from seqgan_cli.config import registry
from seqgan_cli.config.expression import Use
from seqgan_cli.config.sections import GeneratorSettings
from seqgan_cli.console import Console
from seqgan_cli.data.vocabulary import Vocabulary
from seqgan_cli.models.generator import Generator
from seqgan_cli.randomness import key, rng
from seqgan_cli.rewards.base import Given, Reward
from seqgan_cli.rewards.repetition import NovelReward, UniqueReward
from seqgan_cli.rewards.total import make_reward
from tiny import tiny_settings

pytestmark = pytest.mark.usefixtures("quickly")
IDS = Vocabulary(size=3)


def given(reward: str, train: np.ndarray, **settings: Any) -> Given:
    chosen = tiny_settings(**{"adversarial.reward": reward, **settings})
    return Given(chosen, parts_of(train, train[:1], IDS), Console(quiet=True), use=Use(reward, reward))


@pytest.mark.compiled
@pytest.mark.parametrize("compiled", [False, True])
def test_what_is_in_the_training_set_is_not_new(compiled: bool) -> None:
    reward = NovelReward.make(given("novel", np.array([[1, 2, 0], [2, 2, 2], [1, 2, 0], [0, 0, 258]], np.int32)))
    tokens = tf.constant([[1, 2, 0], [2, 1, 0], [2, 2, 2], [0, 0, 0], [0, 0, 258], [0, 0, 2], [258, 0, 0], [2, 1, 0]])

    def run(tokens: Any) -> Any:
        found = reward(tokens, key(0, "r"))  # type: ignore[operator]
        assert found.shape.rank == 1
        return found

    found = (tf.function(run, autograph=False) if compiled else run)(tokens)
    assert found.dtype == tf.float32
    assert found.numpy().tolist() == [0, 1, 0, 1, 0, 1, 1, 1]


def test_being_new_is_told_exactly_and_fast() -> None:
    """Sequences that differ from a training sequence in one token, of 100,000."""
    draw = rng(0, "training")
    training = draw.integers(0, 1000, (100_000, 20)).astype(np.int32)
    reward = NovelReward(training, IDS)
    tokens = training[draw.integers(0, len(training), 4000)].copy()
    changed = np.arange(2000)
    tokens[changed, draw.integers(0, 20, 2000)] += 1
    known = {row.tobytes() for row in training}
    begun = time.perf_counter()
    found = reward.scores(tokens)
    assert time.perf_counter() - begun < 0.5
    assert found.tolist() == [float(row.tobytes() not in known) for row in tokens]
    assert found[:2000].all()
    assert not found[2000:].any()


def test_novelty_of_a_prepared_corpus_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = tiny_settings(**{"adversarial.reward": "novel"})
    assert not any(wrong for wrong, _ in registry.rewards.conflicts(settings))
    name = "seqgan_cli.rewards.repetition.is_prepared"
    monkeypatch.setattr(name, lambda source: source == settings.data.source)
    assert [words for wrong, words in registry.rewards.conflicts(settings) if wrong] == [
        "--reward novel needs all training sequences in memory, and those of a prepared corpus are read from disk: train on "
        "the file itself, or leave it out."
    ]


BATCH = np.array([[0, 1, 2], [0, 0, 0], [0, 1, 2], [2, 1, 0], [0, 0, 0], [0, 1, 2]], np.int32)


@pytest.mark.compiled
@pytest.mark.parametrize("compiled", [False, True])
def test_a_sequence_is_worth_one_over_its_copies(compiled: bool) -> None:
    reward = UniqueReward(IDS)

    def of_itself(tokens: Any) -> Any:
        return reward(tokens, key(0, "r"))

    def of_batch(tokens: Any, batch: Any) -> Any:
        return reward.of_batch(batch)(tokens, key(0, "r"))  # type: ignore[operator]

    if compiled:
        of_itself, of_batch = tf.function(of_itself, autograph=False), tf.function(of_batch, autograph=False)
    assert of_itself(BATCH).numpy() == pytest.approx([1 / 3, 1 / 2, 1 / 3, 1, 1 / 2, 1 / 3])
    assert of_batch([[0, 0, 0], [0, 0, 1], [0, 0, 1], [0, 1, 2]], BATCH).numpy() == pytest.approx([1 / 2, 1, 1, 1 / 3])
    assert of_itself(BATCH[:2]).dtype == tf.float32


class Repeating(NetworkPolicy):
    """Says the last token again and again: the same in any chunk."""

    def sample_continuations(self, tokens: Any, key: Any, first: int = 1) -> Any:
        length = self.sequence_length
        kept = [tf.concat([tokens[:, :t], tf.repeat(tokens[:, t - 1 : t], length - t, 1)], 1) for t in range(first, length)]
        return tf.stack(kept)


class Weighted(Reward):
    """A number for each sequence."""

    def __call__(self, tokens: Any, key: Any) -> Any:
        return tf.cast(tf.reduce_sum(tokens * tf.constant([1, 2, 4]), axis=1), tf.float32) / 14.0


def weight(sequence: Any) -> float:
    return (sequence[0] + 2 * sequence[1] + 4 * sequence[2]) / 14


def policy(kind: type[NetworkPolicy] = NetworkPolicy) -> NetworkPolicy:
    generator = Generator(IDS, 3, GeneratorSettings(embedding_dim=3, hidden_dim=4))
    generator.initialise(rng(0, "test"), 1.0)
    return kind(generator)


@pytest.mark.parametrize("single", [False, True])
@pytest.mark.parametrize("chunk", [1, 2, 5, 100])
def test_a_search_counts_copies_in_the_whole_batch_however_it_is_cut(
    chunk: int, single: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By itself, and as a factor of a sum."""
    made = UniqueReward(IDS)
    if not single:
        monkeypatch.setattr("seqgan_cli.rewards.controls.RandomReward.make", lambda _: Weighted())
        made = make_reward(given("random*unique", BATCH))  # type: ignore[assignment]
    search = ActionValues(policy(Repeating), made, 2)
    search.chunk = chunk
    completions = [[[[*row[:t], *[row[t - 1]] * (3 - t)]] * 2 for t in (1, 2)] for row in BATCH.tolist()]
    expected = reference.penalised_action_values(BATCH.tolist(), completions, (lambda _: 1.0) if single else weight)
    found = search(BATCH, key(0, "q")).numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert len({float(value) for value in np.unique(found.round(5))}) > 2


def test_what_a_generator_draws_is_held_against_the_batch_and_not_against_other_draws() -> None:
    drawn: list[np.ndarray] = []

    class Recording(NetworkPolicy):
        def sample_continuations(self, tokens: Any, key: Any, first: int = 1) -> Any:
            found = super().sample_continuations(tokens, key, first)
            drawn.append(found.numpy())
            return found

    search = ActionValues(policy(Recording), UniqueReward(IDS), 4)
    tf.config.run_functions_eagerly(True)
    try:
        found = search(tf.constant(BATCH), key(0, "q")).numpy()
    finally:
        tf.config.run_functions_eagerly(False)
    (continuations,) = drawn  # [T-1, B·N, T]
    completions = [[continuations[t, 4 * i : 4 * i + 4].tolist() for t in (0, 1)] for i in range(len(BATCH))]
    expected = reference.penalised_action_values(BATCH.tolist(), completions, lambda _: 1.0)
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert len(np.unique(found.round(5))) > 4


@pytest.mark.compiled
@pytest.mark.parametrize("rollouts", [0, 2])
def test_a_search_of_a_part_counts_in_the_batch_that_it_is_told(rollouts: int) -> None:
    search = ActionValues(policy(Repeating), UniqueReward(IDS), rollouts)
    alone, told = search(BATCH[:2], key(0, "q")).numpy(), search(BATCH[:2], key(0, "q"), BATCH).numpy()
    assert alone[:, -1].tolist() == [1, 1]
    assert told[:, -1].tolist() == pytest.approx([1 / 3, 1 / 2])
    # After one token 0 the completion is 0 0 0, which the batch has twice.
    assert told[:, 0].tolist() == pytest.approx([1 / 2, 1 / 2] if rollouts else [1 / 3, 1 / 2])
