"""Maximum likelihood: its loss by hand, and data it must learn."""

import numpy as np
import pytest
import tensorflow as tf

import reference
from seqgan_cli.config import GeneratorSettings
from seqgan_cli.console import Console
from seqgan_cli.corpora.corpus import Corpus
from seqgan_cli.corpora.synthetic import synthetic_corpus
from seqgan_cli.models.generator import Generator
from seqgan_cli.randomness import key, rng
from seqgan_cli.training.mle import LikelihoodTraining, likelihood_loss
from seqgan_cli.vocabulary import EOS, PAD, Vocabulary
from tiny import tiny_settings


def test_loss_is_the_mean_over_positions_that_count() -> None:
    generator = Generator(Vocabulary(["a", "b"]), 4, GeneratorSettings(embedding_dim=2, hidden_dim=2))
    generator.initialise(rng(0, "test"), 1.0)
    tokens = np.array([[3, EOS, PAD, PAD], [4, 3, 4, EOS]], np.int32)
    np.testing.assert_allclose(likelihood_loss(generator, tokens), generator.sequence_nll(tokens).sum() / 6, rtol=1e-5)


@pytest.mark.parametrize("compiled", [False, True])
def test_loss_and_its_gradients_equal_the_literal_means(compiled: bool) -> None:
    generator = Generator(Vocabulary(size=7), 6, GeneratorSettings(embedding_dim=3, hidden_dim=4))
    generator.initialise(rng(0, "test"), 1.0)
    tokens = rng(1, "tokens").integers(0, 7, (5, 6)).astype(np.int32)

    def run(tokens: tf.Tensor) -> tuple:
        with tf.GradientTape() as tape:
            loss = likelihood_loss(generator, tokens)
        gradients = tape.gradient(loss, [variable.value for variable in generator.trainable_variables])
        return loss, *map(tf.convert_to_tensor, gradients)

    loss, *gradients = (tf.function(run) if compiled else run)(tf.constant(tokens))
    weights = [variable.numpy() for variable in generator.trainable_variables]
    literal = [reference.weighted_nll_gradients(weights, row, [1 / 6] * 6) for row in tokens]
    np.testing.assert_allclose(loss, np.mean([mean for mean, _ in literal]), rtol=1e-5)
    for gradient, *expected in zip(gradients, *(by_weights for _, by_weights in literal), strict=True):
        np.testing.assert_allclose(gradient, np.mean(expected, axis=0), rtol=1e-4, atol=1e-6)
        assert np.abs(gradient).max() > 0.001


def test_learns_sequences_that_count_upwards() -> None:
    """x, x+1, x+2, … modulo V: after training, samples do the same and a held-out token costs log(V)/T."""
    starts = np.arange(240) % 12
    table = ((starts[:, None] + np.arange(5)) % 12).astype(np.int32)
    corpus = Corpus(table, table, Vocabulary(size=12))
    chosen = tiny_settings(**{"generator.hidden-dim": 16, "generator.embedding-dim": 16, "pretrain-g.epochs": 60})
    training = LikelihoodTraining(chosen, corpus, None, Console(quiet=True))
    for epoch in range(1, 61):
        scores = training.advance(epoch, lambda _: None)
    samples = training.generator.sample(500, key(0, "x"))
    assert ((samples[:, 1:] - samples[:, :-1]) % 12 == 1).mean() > 0.98
    assert abs(scores["nll_test"] - np.log(12) / 5) < 0.05
    assert training.steps == 60 * (240 // 32)


def test_every_epoch_has_its_own_order_and_visits_each_sequence_at_most_once() -> None:
    chosen = tiny_settings()
    corpus, oracle = synthetic_corpus(chosen.data, 0)
    training = LikelihoodTraining(chosen, corpus, oracle, Console(quiet=True))
    seen: list[np.ndarray] = []
    training._steps = lambda batches, dropout_keys: seen.extend(batches) or tf.zeros([len(batches)])
    training.advance(1, lambda _: None)
    training.advance(2, lambda _: None)
    first, second = np.concatenate(seen[:3]), np.concatenate(seen[3:])
    np.testing.assert_array_equal(np.sort(first, axis=0), np.sort(corpus.train, axis=0))
    assert not np.array_equal(first, second)


def test_dropout_acts_in_training_alone() -> None:
    losses = {}
    for share in (0.0, 0.5):
        chosen = tiny_settings(**{"pretrain-g.dropout": share})
        corpus, oracle = synthetic_corpus(chosen.data, 0)
        training = LikelihoodTraining(chosen, corpus, oracle, Console(quiet=True))
        losses[share] = (training.scores(0), training.advance(1, lambda _: None)["nll_train"])
    assert losses[0.0][0] == losses[0.5][0]
    assert losses[0.0][1] != losses[0.5][1]
