"""Rewards: PG-BLEU's against NLTK, those of discriminators and language models against literal definitions."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu

import reference
from seqgan_cli.algorithms.rollout import ActionValues, NetworkPolicy
from seqgan_cli.config import registry
from seqgan_cli.config.sections import GeneratorSettings
from seqgan_cli.data.vocabulary import EOS, PAD, Vocabulary
from seqgan_cli.models.discriminator import Discriminator
from seqgan_cli.models.discriminators.convolutional import ConvolutionalSettings
from seqgan_cli.models.generator import Generator
from seqgan_cli.randomness import key, rng
from seqgan_cli.rewards.base import Reward
from seqgan_cli.rewards.bleu import BleuReward
from seqgan_cli.rewards.discriminator import DiscriminatorReward, OddsReward, RankReward
from seqgan_cli.rewards.stepwise import LanguageModelReward, PartialReward
from seqgan_cli.sampling.sequences import sample

pytestmark = pytest.mark.usefixtures("quickly")
IDS, TEXT = Vocabulary(size=12), Vocabulary(["a", "b", "c"])
BOTH = pytest.mark.parametrize("vocabulary", [IDS, TEXT], ids=["ids", "text"])


def table(vocabulary: Vocabulary, count: int, *path: str, length: int = 7) -> np.ndarray:
    """Random sequences int32 [count, length]; of text, from none to `length` tokens, <eos> if there is room, padding."""
    draw = rng(0, *path)
    if not vocabulary.has_special_tokens:
        return draw.integers(0, vocabulary.size, (count, length)).astype(np.int32)
    tokens = draw.integers(2, vocabulary.size, (count, length)).astype(np.int32)
    lengths = draw.integers(0, length + 1, (count, 1))
    tokens[np.arange(length) == lengths] = EOS
    tokens[np.arange(length) > lengths] = PAD
    return tokens


def sentence(vocabulary: Vocabulary, row: np.ndarray) -> list[int]:
    """The ordinary tokens: all of a synthetic sequence, and of text those before <eos>."""
    ids = row.tolist()
    return ids[: ids.index(EOS)] if vocabulary.has_special_tokens and EOS in ids else ids


def nltk_scores(vocabulary: Vocabulary, references: np.ndarray, tokens: np.ndarray, order: int) -> list[float]:
    real = [sentence(vocabulary, row) for row in references]
    weights, smoothing = (1 / order,) * order, SmoothingFunction().method1
    return [float(sentence_bleu(real, sentence(vocabulary, row), weights, smoothing)) for row in tokens]


@pytest.mark.parametrize("order", [1, 2, 3, 5])
@pytest.mark.parametrize("num_references", [1, 3, 20])
@BOTH
def test_the_bleu_reward_equals_nltk(vocabulary: Vocabulary, num_references: int, order: int) -> None:
    references, tokens = table(vocabulary, num_references, "references"), table(vocabulary, 80, "tokens")
    expected = nltk_scores(vocabulary, references, tokens, order)
    rewards = BleuReward(vocabulary, references, order)(tf.constant(tokens), key(0, "r"))
    assert rewards.dtype == tf.float32
    np.testing.assert_allclose(rewards, expected, rtol=1e-6, atol=1e-12)
    assert len(np.unique(np.round(expected, 6))) > 3
    assert 0 <= min(expected) < max(expected) <= 1


def test_text_shorter_than_all_references_is_penalised_and_what_is_past_its_end_counts_nothing() -> None:
    """a a against a a a: both orders match whole, and e^(1 - 3/2) is left. The same tokens after <eos> would be no end."""
    references = np.array([[3, 3, 3, EOS, PAD, PAD]], np.int32)
    tokens = np.array([[3, 3, EOS, PAD, PAD, PAD], [3, 3, 3, EOS, PAD, PAD], [EOS, PAD, PAD, PAD, PAD, PAD]], np.int32)
    np.testing.assert_allclose(BleuReward(TEXT, references, 2).scores(tokens), [np.exp(-0.5), 1.0, 0.0], rtol=1e-6)


@pytest.mark.compiled
@pytest.mark.parametrize("compiled", [False, True])
@BOTH
def test_a_real_sequence_as_long_as_the_order_or_longer_is_worth_one(vocabulary: Vocabulary, compiled: bool) -> None:
    """And a shorter one less, for the orders it has no n-gram of; so it is in NLTK."""
    references = table(vocabulary, 60, "references")
    reward = BleuReward(vocabulary, references, 3)

    def run(tokens: tf.Tensor) -> tf.Tensor:
        rewards = reward(tokens, key(0, "r"))
        assert rewards.shape.rank == 1
        return rewards

    rewards = (tf.function(run) if compiled else run)(tf.constant(references)).numpy()
    long = np.array([len(sentence(vocabulary, row)) >= 3 for row in references])
    assert long.sum() > 20
    np.testing.assert_array_equal(rewards[long], 1.0)
    assert (rewards[~long] < 1.0).all()
    assert (BleuReward(vocabulary, references[:1], 3).scores(references[1:]) < 1.0).any()


@pytest.mark.compiled
@pytest.mark.sampled(1)
@BOTH
def test_compiled_action_values_are_means_of_bleu(vocabulary: Vocabulary) -> None:
    """Over the completions that a reward written down beside it sees."""
    generator = Generator(vocabulary, 7, GeneratorSettings(embedding_dim=3, hidden_dim=4))
    generator.initialise(rng(0, "test"), 1.0)
    references = table(vocabulary, 5, "references")
    tokens = sample(generator, 4, key(0, "x"))

    class Literal(Reward):
        def __call__(self, tokens: Any, key: Any) -> Any:
            scores = nltk_scores(vocabulary, references, np.asarray(tokens), 2)
            return tf.constant(scores, tf.float32)

    values = ActionValues(NetworkPolicy(generator), BleuReward(vocabulary, references, 2), 3)(tokens, key(0, "q")).numpy()
    tf.config.run_functions_eagerly(True)
    try:
        expected = ActionValues(NetworkPolicy(generator), Literal(), 3)(tokens, key(0, "q")).numpy()
    finally:
        tf.config.run_functions_eagerly(False)
    np.testing.assert_allclose(values, expected, rtol=1e-5)
    assert np.ptp(values) > 0.05


def discriminator(kind: str = "convolutional", **settings: Any) -> Discriminator:
    chosen = ConvolutionalSettings(kind=kind, embedding_dim=4, hidden_dim=8, filters="1:3,2:2,4:2", **settings)
    made = Discriminator(IDS, 7, chosen)
    made.initialise(rng(0, "d"))
    return made


def test_odds_and_a_critics_value_are_of_the_logit() -> None:
    tokens = table(IDS, 5, "x")
    made, critic = discriminator(), discriminator(loss="wasserstein")
    probability = DiscriminatorReward(made)(tokens, None).numpy()
    np.testing.assert_allclose(OddsReward(made)(tokens, None), probability / (1 - probability), rtol=1e-4)
    np.testing.assert_array_equal(DiscriminatorReward(critic)(tokens, None), critic(tokens))
    assert np.isfinite(OddsReward(made).reward_from_logits(tf.constant([1e4, -1e4]))).all()


@pytest.mark.parametrize("kind", registry.discriminators.ours)
def test_a_rank_is_that_among_real_sequences(kind: str) -> None:
    made, references, tokens = discriminator(kind), table(IDS, 40, "references"), table(IDS, 5, "x")
    drawn = tf.random.stateless_uniform([2 * RankReward.DRAWN], key(0, "r"), maxval=40, dtype=tf.int32).numpy()
    real, mine = (made.features(made.embed(rows)).numpy().astype(np.float64) for rows in (references[drawn], tokens))
    first, second = np.split(real, 2)
    expected = [reference.rank(row, first, second, RankReward.GAMMA) for row in mine]
    np.testing.assert_allclose(RankReward(made, references)(tokens, key(0, "r")), expected, rtol=1e-3)
    assert np.ptp(expected) > 1e-4


@pytest.mark.parametrize("kind", registry.discriminators.ours)
def test_ranks_of_completions_are_those_of_each(kind: str) -> None:
    made, tokens, source_ids = discriminator(kind), table(IDS, 2, "x"), np.array([0, 1, 1], np.int32)
    continuations = table(IDS, 6 * 3, "completions").reshape(6, 3, 7)
    for t in range(1, 7):
        continuations[t - 1, :, :t] = tokens[source_ids, :t]
    reward = RankReward(made, table(IDS, 40, "references"))
    each = reward(continuations.reshape(-1, 7), key(0, "r")).numpy().reshape(6, 3)
    np.testing.assert_allclose(reward.score_continuations(tokens, source_ids, continuations, key(0, "r")), each, rtol=1e-4)


@pytest.mark.parametrize("kind", registry.discriminators.ours)
def test_a_partial_reward_is_d_of_every_prefix_and_needs_no_rollout(kind: str) -> None:
    """The literal prefixes are in the discriminators' own test."""
    made, generator = discriminator(kind), Generator(IDS, 7, GeneratorSettings(embedding_dim=3, hidden_dim=4))
    tokens = table(IDS, 5, "x")

    class NoPolicy(NetworkPolicy):
        def sample_continuations(self, tokens: Any, key: Any) -> Any:
            raise AssertionError("rolled out")

    values = ActionValues(NoPolicy(generator), PartialReward(made), 4)(tokens, key(0, "q"))
    np.testing.assert_allclose(values, tf.sigmoid(made.prefix_logits(tokens)), rtol=1e-5)
    np.testing.assert_allclose(values[:, -1], tf.sigmoid(made(tokens)), rtol=1e-4)


@BOTH
def test_a_language_models_reward_is_the_likelihood_still_to_come(vocabulary: Vocabulary) -> None:
    model = Generator(vocabulary, 7, GeneratorSettings(embedding_dim=3, hidden_dim=4))
    model.initialise(rng(0, "lm"), 1.0)
    tokens = sample(model, 6, key(0, "x"))
    nll, mask = model.token_nll(tf.constant(tokens)).numpy(), vocabulary.mask(tokens)
    values = LanguageModelReward(model).action_values(tf.constant(tokens)).numpy()
    np.testing.assert_allclose(values[mask], reference.reward_to_go(-nll, mask)[mask], rtol=1e-4, atol=1e-5)
