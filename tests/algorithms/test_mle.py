"""Maximum likelihood: its loss by hand, data it must learn, and what it reads under scheduled sampling."""

import itertools
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import example, given, settings
from hypothesis import strategies as st

import reference
from parts import drawn, parts_of
from sampled import examples
from seqgan_cli.algorithms.interleaved import LikelihoodSteps
from seqgan_cli.algorithms.mle import (
    LikelihoodTraining,
    likelihood_loss,
    likelihood_loss_and_score,
    scheduled_sampling_inputs,
    teacher_forcing_prob,
)
from seqgan_cli.config.sections import GeneratorSettings
from seqgan_cli.console import Console, Progress
from seqgan_cli.data.vocabulary import EOS, PAD, UNK, Vocabulary
from seqgan_cli.models.generator import Generator
from seqgan_cli.randomness import key, rng
from seqgan_cli.runs.run import Run
from seqgan_cli.sampling.choices import Sampling
from seqgan_cli.sampling.sequences import sample, samples
from seqgan_cli.synthetic import synthetic_corpus
from seqgan_cli.training.troubles import troubles
from tiny import tiny_settings

pytestmark = pytest.mark.usefixtures("quickly")

TEXT = {"data.source": "made-up", "data.kind": "text"}


def test_loss_is_the_mean_over_positions_that_count() -> None:
    """Of the loss all up to the end, `<unk>` among them; of the score, which is under the policy, all but `<unk>`."""
    generator = Generator(Vocabulary(["a", "b"]), 4, GeneratorSettings(embedding_dim=2, hidden_dim=2))
    generator.initialise(rng(0, "test"), 1.0)
    weights = [variable.numpy() for variable in generator.trainable_variables]
    tokens = np.array([[3, EOS, PAD, PAD], [4, UNK, 4, EOS]], np.int32)

    def literal(*logit_mask: int) -> float:
        losses = []
        for row in tokens:
            for t in np.flatnonzero(~np.isin(row, logit_mask)):
                logits = reference.next_logits(weights, row[:t])
                logits[list(logit_mask)] = -np.inf
                losses.append(-np.log(reference.softmax(logits)[row[t]]) if t < 3 else 0.0)  # a certain <eos>
        return float(np.mean(losses))

    loss, score = likelihood_loss_and_score(generator, tokens)
    np.testing.assert_allclose(loss, literal(PAD), rtol=1e-5)
    np.testing.assert_allclose(score, literal(PAD, UNK), rtol=1e-5)
    np.testing.assert_allclose(likelihood_loss(generator, tokens), loss)


@pytest.mark.compiled
def test_the_history_scores_what_the_policy_says_and_the_loss_teaches_unk() -> None:
    """Text that is `<unk>` but for its ends: after training the model says so, and the policy cannot."""
    table = np.full((64, 6), UNK, np.int32)
    table[:, 3:] = EOS, PAD, PAD
    chosen = tiny_settings(**{**TEXT, "pretrain-g.learning-rate": 0.05, "pretrain-g.batch-size": 64})
    training = LikelihoodTraining(chosen, parts_of(table, table, Vocabulary(["a", "b"])), None, Console(quiet=True))
    for epoch in range(1, 41):
        measured = training.advance(epoch, lambda _: None)
        if epoch == 1:  # three counted positions of four, weights near 0: four tokens, or three without <unk>
            assert measured["loss"] == pytest.approx(math.log(4), abs=0.1)
            assert measured["nll_train"] == pytest.approx(math.log(3), abs=0.1)
    assert measured["loss"] < 0.2
    drawn = next(samples(training.generator, key(0, "x"), Sampling(allow_unknown=True)))
    assert (drawn == table[0]).all(axis=1).mean() > 0.3  # by chance 1 in 4⁴


@settings(deadline=None, max_examples=examples(10))
@given(lines=st.integers(2, 200), samples=st.integers(100, 3000))
@example(lines=90, samples=2000)
@example(lines=20, samples=1000)
def test_who_says_every_line_of_few_is_not_collapsing(lines: int, samples: int) -> None:
    """As many draws from the lines are as different; one who says a tenth of them is. 90 lines among 2,000 samples: 0.045."""
    table = np.stack(np.divmod(np.arange(lines), 15), axis=1).astype(np.int32)
    chosen = tiny_settings(**{**TEXT, "evaluation.samples": samples, "pretrain-g.batch-size": 2})
    training = LikelihoodTraining(chosen, parts_of(table, table, Vocabulary(size=15)), None, Console(quiet=True))
    expected = training.variety({})
    drawn = rng(lines, "draws").integers(0, lines, samples)
    assert not troubles({"distinct_share": len(np.unique(drawn)) / samples}, expected, samples)
    if lines >= 20 and samples >= 1000:
        assert "collapse" in troubles({"distinct_share": (lines // 10) / samples}, expected, samples)
    if (lines, samples) == (90, 2000):
        assert expected["distinct_share"] == pytest.approx(0.045, rel=1e-3)


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


@pytest.mark.compiled
def test_learns_sequences_that_count_upwards() -> None:
    """x, x+1, x+2, … modulo V: after training, samples do the same and a held-out token costs log(V)/T."""
    starts = np.arange(240) % 12
    table = ((starts[:, None] + np.arange(5)) % 12).astype(np.int32)
    corpus = parts_of(table, table, Vocabulary(size=12))
    once = {"pretrain-g.epochs": 60, "pretrain-g.eval-every": 60}
    chosen = tiny_settings(**{**TEXT, "generator.hidden-dim": 16, "generator.embedding-dim": 16, **once})
    training = LikelihoodTraining(chosen, corpus, None, Console(quiet=True))
    for epoch in range(1, 61):
        scores = training.advance(epoch, lambda _: None)
    samples = sample(training.generator, 500, key(0, "x"))
    assert ((samples[:, 1:] - samples[:, :-1]) % 12 == 1).mean() > 0.98
    assert abs(scores["nll_validation"] - np.log(12) / 5) < 0.05
    assert training.steps == 60 * (240 // 32)


def test_every_epoch_has_its_own_order_and_visits_each_sequence_at_most_once() -> None:
    chosen = tiny_settings()
    corpus, oracle = drawn(chosen)
    training = LikelihoodTraining(chosen, corpus, oracle, Console(quiet=True))
    seen: list[np.ndarray] = []
    training._steps = lambda batches, *_: seen.extend(batches) or tf.zeros([len(batches), 2])
    training.advance(1, lambda _: None)
    training.advance(2, lambda _: None)
    first, second = np.concatenate(seen[:3]), np.concatenate(seen[3:])
    np.testing.assert_array_equal(np.sort(first, axis=0), np.sort(corpus.train, axis=0))
    assert not np.array_equal(first, second)


def test_an_epochs_score_is_the_mean_of_its_steps_and_its_loss_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    training = synthetic_training()
    monkeypatch.setattr(training, "epoch", lambda position, tick: ([5.0, 2.0, 1.0], [4.0, 1.0, 1.0]))
    measured = training.advance(1, lambda _: None)
    assert (measured["nll_train"], measured["loss"]) == (2.0, 1.0)


def test_a_step_between_those_of_a_policy_tells_its_loss_from_before_it() -> None:
    chosen = tiny_settings()
    corpus, _ = synthetic_corpus(chosen)
    generator = synthetic_training().generator
    tokens = corpus.sequences.draw(chosen.pretrain_g.batch_size, chosen.seed, "adversarial", "mle", 1, 0)
    expected = float(likelihood_loss(generator, tokens))
    steps = LikelihoodSteps(chosen, corpus, generator, "pretrain-g.learning-rate")
    assert steps.step(1, 0) == pytest.approx(expected, rel=1e-6)
    assert float(likelihood_loss(generator, tokens)) < expected


@pytest.mark.usefixtures("quickly")
def test_dropout_acts_in_training_alone() -> None:
    losses = {}
    for share in (0.0, 0.5):
        chosen = tiny_settings(**{"pretrain-g.dropout": share})
        corpus, oracle = drawn(chosen)
        training = LikelihoodTraining(chosen, corpus, oracle, Console(quiet=True))
        losses[share] = (training.scores(0), training.advance(1, lambda _: None)["nll_train"])
    assert losses[0.0][0] == losses[0.5][0]
    assert losses[0.0][1] != losses[0.5][1]


def synthetic_training(**changes: Any) -> LikelihoodTraining:
    chosen = tiny_settings(**changes)
    corpus, oracle = drawn(chosen)
    return LikelihoodTraining(chosen, corpus, oracle, Console(quiet=True))


def state(training: LikelihoodTraining) -> dict[str, np.ndarray]:
    """Weights and the optimizer's slots."""
    return {name: variable.numpy() for name, variable in training.variables().items()}


@pytest.mark.parametrize("compiled", [False, True])
def test_with_own_tokens_read_the_true_ones_are_still_what_is_taught(compiled: bool) -> None:
    """The loss and its gradients are the literal ones of saying the true token after what was read."""
    generator = Generator(Vocabulary(size=7), 6, GeneratorSettings(embedding_dim=3, hidden_dim=4))
    generator.initialise(rng(0, "test"), 1.0)
    tokens = rng(1, "tokens").integers(0, 7, (5, 6)).astype(np.int32)
    replica_key = key(0, "own")
    read = scheduled_sampling_inputs(generator, tokens, 0.5, replica_key).numpy()
    assert 5 < (read != tokens).sum() < 20

    def run(tokens: tf.Tensor) -> tuple:
        with tf.GradientTape() as tape:
            loss = likelihood_loss(generator, tokens, inputs=scheduled_sampling_inputs(generator, tokens, 0.5, replica_key))
        gradients = tape.gradient(loss, [variable.value for variable in generator.trainable_variables])
        return loss, *map(tf.convert_to_tensor, gradients)

    loss, *gradients = (tf.function(run) if compiled else run)(tf.constant(tokens))
    weights = [variable.numpy() for variable in generator.trainable_variables]
    literal = [reference.weighted_nll_gradients(weights, row, [1 / 6] * 6, own) for row, own in zip(tokens, read, strict=True)]
    np.testing.assert_allclose(loss, np.mean([mean for mean, _ in literal]), rtol=1e-5)
    for gradient, *expected in zip(gradients, *(by_weights for _, by_weights in literal), strict=True):
        np.testing.assert_allclose(gradient, np.mean(expected, axis=0), rtol=1e-4, atol=1e-6)
        assert np.abs(gradient).max() > 0.001
    assert abs(loss - likelihood_loss(generator, tokens)) > 0.01


def test_with_a_share_of_zero_the_loss_knows_the_true_tokens_only_as_what_is_taught() -> None:
    """Whatever true tokens the reading began from, and whatever stands in the last column, which is never read."""
    generator = Generator(Vocabulary(size=8), 6, GeneratorSettings(embedding_dim=3, hidden_dim=4))
    generator.initialise(rng(0, "test"), 1.0)
    draw = rng(1, "tokens")
    low, high = draw.integers(0, 4, (20, 6)).astype(np.int32), draw.integers(4, 8, (20, 6)).astype(np.int32)
    read_low, read_high = (scheduled_sampling_inputs(generator, tokens, 0.0, key(0, "own")) for tokens in (low, high))
    assert likelihood_loss(generator, low, inputs=read_low) == likelihood_loss(generator, low, inputs=read_high)
    np.testing.assert_array_equal(generator.unroll(read_low)[0], generator.unroll(read_high)[0])
    assert abs(likelihood_loss(generator, low, inputs=read_low) - likelihood_loss(generator, high, inputs=read_low)) > 0.01


@pytest.mark.parametrize("schedule", ["linear", pytest.param("exponential", marks=pytest.mark.whole)])
def test_the_first_epoch_of_a_schedule_is_plain_maximum_likelihood_to_the_bit(schedule: str) -> None:
    """ε = 1 there. In the second, where it is 0.7, they part."""
    plain = synthetic_training(**{"pretrain-g.dropout": 0.2})
    scheduled = synthetic_training(
        **{"pretrain-g.dropout": 0.2, "pretrain-g.scheduled-sampling": schedule, "pretrain-g.sampling-decay": 0.3}
    )
    start = state(plain)
    assert plain.epoch(1, lambda _: None) == scheduled.epoch(1, lambda _: None)
    expected, found = state(plain), state(scheduled)
    assert expected.keys() == found.keys()
    for name in expected:
        np.testing.assert_array_equal(found[name], expected[name], err_msg=name)
        assert not np.array_equal(found[name], start[name]), name
    assert plain.epoch(2, lambda _: None) != scheduled.epoch(2, lambda _: None)


@pytest.mark.usefixtures("quickly")
@pytest.mark.parametrize(("epoch", "share"), [(1, 1.0), (2, 0.6), (3, 0.2), (4, 0.0)])
def test_the_first_step_of_an_epoch_reads_with_that_epochs_share_and_keys(epoch: int, share: float) -> None:
    training = synthetic_training(
        **{"pretrain-g.scheduled-sampling": "linear", "pretrain-g.sampling-decay": 0.4, "pretrain-g.learning-rate": 1e-9}
    )
    training.generator.initialise(rng(0, "test"), 1.0)
    batch = training.corpus.train[rng(0, "pretrain-g", "order", epoch).permutation(96)[:32]]
    read = scheduled_sampling_inputs(training.generator, batch, share, key(0, "pretrain-g", "scheduled-sampling", epoch, 0))
    expected, plain = likelihood_loss(training.generator, batch, inputs=read), likelihood_loss(training.generator, batch)
    found = training.epoch(epoch, lambda _: None)[0][0]
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert (abs(found - plain) > 1e-3) == (share < 1.0)


def test_every_step_of_every_epoch_has_a_key_of_its_own() -> None:
    """And none is a key of dropout's."""
    training = synthetic_training(**{"pretrain-g.scheduled-sampling": "sigmoid", "pretrain-g.sampling-decay": 0.03})
    keys: list[tuple] = []
    shares: list[np.ndarray] = []

    def steps(batches: np.ndarray, dropout_keys: np.ndarray, true_shares: np.ndarray, sampling_keys: np.ndarray) -> tf.Tensor:
        assert len(batches) == len(true_shares) == 3
        keys.extend(map(tuple, [*dropout_keys.tolist(), *sampling_keys.tolist()]))
        shares.append(true_shares)
        return tf.zeros([len(batches), 2])

    training._steps = steps
    for epoch in (1, 2):
        training.epoch(epoch, lambda _: None)
    assert len(set(keys)) == len(keys) == 2 * 2 * 3
    np.testing.assert_allclose(shares, [[teacher_forcing_prob("sigmoid", 0.03, epoch)] * 3 for epoch in (1, 2)], rtol=1e-6)


@pytest.mark.parametrize(
    ("schedule", "decay", "values"),
    [
        ("none", 0.5, {1: 1.0, 2: 1.0, 10**6: 1.0}),
        ("linear", 0.002, {1: 1.0, 2: 0.998, 251: 0.5, 300: 0.402, 501: 0.0, 502: 0.0, 10**9: 0.0}),
        ("linear", 0.3, {1: 1.0, 2: 0.7, 4: 0.1, 5: 0.0}),
        ("exponential", 0.002, {1: 1.0, 2: 0.998, 3: 0.996004, 300: 0.998**299, 10**9: 0.0}),
        ("exponential", 0.5, {1: 1.0, 2: 0.5, 5: 0.0625}),
        # k = 50 and 10: k / (k + 1), then k / (k + e) after k epochs and 1/2 after k ln k of them.
        ("sigmoid", 0.002, {1: 50 / 51, 51: 50 / (50 + math.e), 101: 50 / (50 + math.e**2), 10**9: 0.0}),
        ("sigmoid", 0.01, {1: 10 / 11, 11: 10 / (10 + math.e), 24: 10 / (10 + math.exp(2.3))}),
    ],
)
def test_schedules_have_the_values_worked_out_by_hand(schedule: str, decay: float, values: dict[int, float]) -> None:
    found = {epoch: teacher_forcing_prob(schedule, decay, epoch) for epoch in values}
    assert found == pytest.approx(values, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("decay", [1e-12, 0.002, 0.01, 0.3, 0.9999])
@pytest.mark.parametrize("schedule", ["none", "linear", "exponential", "sigmoid"])
def test_a_schedule_never_rises_nor_leaves_0_to_1(schedule: str, decay: float) -> None:
    """Nor overflows, however many epochs there are."""
    shares = [teacher_forcing_prob(schedule, decay, epoch) for epoch in (*range(1, 1500), 10**4, 10**6, 10**9)]
    assert all(0.0 <= later <= earlier <= 1.0 for earlier, later in itertools.pairwise(shares))
    if schedule != "none" and decay > 1e-3:
        assert shares[-1] < 1e-6


@pytest.mark.parametrize("decay", [0.002, 0.006, 0.01])
def test_half_the_tokens_are_own_sooner_with_the_sigmoid_schedule_than_with_the_linear_one(decay: float) -> None:
    halved = {
        schedule: next(epoch for epoch in range(1, 1000) if teacher_forcing_prob(schedule, decay, epoch) < 0.5)
        for schedule in ("sigmoid", "linear")
    }
    assert 1 < halved["sigmoid"] < halved["linear"]


def text_table(count: int, length: int, vocab_size: int, *path: str) -> np.ndarray:
    """Random text of no to `length` tokens, int32 [count, length]: tokens, <eos> if there is room for it, padding."""
    draw = rng(0, *path)
    table = draw.integers(3, vocab_size, (count, length)).astype(np.int32)
    lengths = draw.integers(0, length + 1, (count, 1))
    positions = np.arange(length)
    table[positions == lengths] = EOS
    table[positions > lengths] = PAD
    return table


def test_text_that_reads_its_own_tokens_is_scored_up_to_its_true_end() -> None:
    """By the literal sum; and what is read from the end on changes nothing."""
    vocabulary = Vocabulary(["a", "b", "c"])
    generator = Generator(vocabulary, 6, GeneratorSettings(embedding_dim=3, hidden_dim=4))
    generator.initialise(rng(0, "test"), 1.0)
    weights = [variable.numpy() for variable in generator.trainable_variables]
    tokens = text_table(12, 6, vocabulary.size, "text")
    read = scheduled_sampling_inputs(generator, tokens, 0.4, key(0, "own")).numpy()
    losses = []
    for row, own in zip(tokens, read, strict=True):
        for t in range(np.count_nonzero(row != PAD)):
            logits = reference.next_logits(weights, own[:t])
            logits[PAD] = -np.inf
            losses.append(-np.log(reference.softmax(logits)[row[t]]) if t < 5 else 0.0)  # nothing but <eos> in the last place
    assert len(losses) < tokens.size
    np.testing.assert_allclose(likelihood_loss(generator, tokens, inputs=read), np.mean(losses), rtol=1e-5)
    last = np.count_nonzero(tokens != PAD, axis=1)[:, None] - 1  # the last position that counts
    other = np.where(np.arange(6) >= last, UNK, read)
    assert (other != read).any()
    np.testing.assert_allclose(likelihood_loss(generator, tokens, inputs=other), np.mean(losses), rtol=1e-5)
    elsewhere = np.where(np.arange(6) < last, UNK, read)
    assert abs(likelihood_loss(generator, tokens, inputs=elsewhere) - np.mean(losses)) > 1e-3


def test_text_trains_with_its_own_tokens_and_the_history_has_their_share() -> None:
    vocabulary = Vocabulary(["a", "b", "c"])
    corpus = parts_of(text_table(96, 5, vocabulary.size, "train"), text_table(40, 5, vocabulary.size, "test"), vocabulary)
    measured = {}
    for schedule in ("none", "exponential"):
        chosen = tiny_settings(**{**TEXT, "pretrain-g.scheduled-sampling": schedule, "pretrain-g.sampling-decay": 0.5})
        training = LikelihoodTraining(chosen, corpus, None, Console(quiet=True))
        measured[schedule] = [training.advance(epoch, lambda _: None) for epoch in (1, 2, 3)]
    assert [scores["true_share"] for scores in measured["exponential"]] == [1.0, 0.5, 0.25]
    assert not any("true_share" in scores for scores in measured["none"])
    losses = {
        schedule: [scores["nll_train" if schedule == "none" else "nll_given_own"] for scores in each]
        for schedule, each in measured.items()
    }
    assert losses["exponential"][0] == losses["none"][0]
    assert losses["exponential"][1] != losses["none"][1]
    assert losses["exponential"][2] < losses["exponential"][0]


@pytest.mark.whole
@pytest.mark.usefixtures("quickly")
def test_scheduled_sampling_interrupted_at_every_point_ends_bit_identical(
    seqgan: Callable[..., Any], tmp_path: Path, tiny_config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C within and between epochs, again and again, then on to the end: as without a stop."""
    command = ("pretrain-g", "--config", tiny_config, "--scheduled-sampling", "linear", "--sampling-decay", 0.4, "-q", "--run")
    whole, run = tmp_path / "whole", tmp_path / "run"
    assert seqgan(*command, whole).code == 0
    stops = 0
    original = Progress.tick
    for allowed in range(10):
        ticks = iter(range(allowed))

        def tick(self: Progress, work: float = 1.0, ticks: Iterator[int] = ticks) -> None:
            if next(ticks, None) is None:
                raise KeyboardInterrupt
            original(self, work)

        with monkeypatch.context() as patched:
            patched.setattr(Progress, "tick", tick)
            outcome = seqgan(*command, run)
        if outcome.code == 0:
            break
        assert outcome.code == 130
        stops += 1
    assert stops >= 2
    expected, found = (Run(path).checkpoints("pretrain-g").latest(pytest.fail) for path in (whole, run))
    assert expected is not None
    assert found is not None
    assert expected.position == found.position == 3
    assert expected.arrays.keys() == found.arrays.keys()
    for name in expected.arrays:
        np.testing.assert_array_equal(found.arrays[name], expected.arrays[name], err_msg=name)
    rows = [[(r.position, r.step, r.metric, r.value) for r in Run(path).history.rows()] for path in (whole, run)]
    assert rows[0] == rows[1]
    shares = {position: value for position, _, metric, value in rows[0] if metric == "true_share"}
    assert shares == pytest.approx({1: 1.0, 2: 0.6, 3: 0.2})
