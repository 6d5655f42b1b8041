"""d-steps: balance, freshness, and what the measurements mean."""

import contextlib
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import example, given, settings
from hypothesis import strategies as st

from eager import eager
from parts import drawn, parts_of
from sampled import examples
from seqgan_cli.algorithms import discriminator
from seqgan_cli.algorithms.adversarial import AdversarialTraining
from seqgan_cli.algorithms.discriminator import DiscriminatorTrainer, discriminator_loss, spearman, tell_of_positives
from seqgan_cli.console import Console
from seqgan_cli.data.corpus import Corpus
from seqgan_cli.data.split import HeldOut
from seqgan_cli.data.vocabulary import EOS, UNK, Vocabulary
from seqgan_cli.errors import SeqganError
from seqgan_cli.evaluation.metrics.knowledge import Knowledge, Scored, cross_fitted
from seqgan_cli.models.generator import Generator
from seqgan_cli.randomness import key, rng
from seqgan_cli.rewards.bleu import BleuReward
from seqgan_cli.rewards.discriminator import RankReward
from seqgan_cli.sampling.likelihood import sequence_nll
from seqgan_cli.sampling.sequences import sample
from seqgan_cli.training.optimizers import STEPS_AT_ONCE
from tiny import tiny_settings

pytestmark = pytest.mark.usefixtures("quickly")


def trainer(num: int = 0, k: int = 2, **changes: Any) -> tuple[DiscriminatorTrainer, Generator]:
    chosen = tiny_settings(**changes)
    corpus, oracle = drawn(chosen)
    generator = Generator(corpus.vocabulary, corpus.sequence_length, chosen.generator)
    generator.initialise(rng(0, "generator"))
    return DiscriminatorTrainer(chosen, corpus, oracle, Console(quiet=True), 0.01, num, k, "test"), generator


@pytest.mark.parametrize("num", [0, 40, 5000])
def test_as_many_negatives_as_positives_and_fresh_ones_each_draw(num: int) -> None:
    training, generator = trainer(num, **{"discriminator.batch-size": 8})
    batches: list[tuple[np.ndarray, np.ndarray]] = []

    def steps(tokens: np.ndarray, labels: np.ndarray, dropout_keys: np.ndarray) -> Any:
        batches.extend(zip(tokens, labels, strict=True))
        return tf.zeros([len(dropout_keys)])

    training._steps = steps
    training.d_step(generator, 1, lambda _: None)
    training.d_step(generator, 2, lambda _: None)
    used = {0: 96, 40: 40, 5000: 96}[num]
    per_epoch = 2 * used // 8
    assert len(batches) == 4 * per_epoch  # two draws of k = 2 epochs
    train = {tuple(row) for row in training.corpus.train.tolist()}
    negatives = []
    for draw in range(2):
        epochs = [batches[(2 * draw + e) * per_epoch : (2 * draw + e + 1) * per_epoch] for e in range(2)]
        contents = []
        for epoch in epochs:
            tokens = np.concatenate([t for t, _ in epoch])
            labels = np.concatenate([label for _, label in epoch])
            assert (labels == 1).sum() == (labels == 0).sum() == used
            assert {tuple(row) for row in tokens[labels == 1].tolist()} <= train
            contents.append(sorted(map(tuple, tokens[labels == 0].tolist())))
        assert contents[0] == contents[1]  # k epochs on the same negatives, in another order
        negatives.append(contents[0])
    assert negatives[0] != negatives[1]


def test_steps_together_equal_steps_one_by_one() -> None:
    """With dropout, so that each step's key counts, and a last group that is not full."""
    together, generator = trainer(k=1, **{"discriminator.batch-size": 8})
    alone, _ = trainer(k=1, **{"discriminator.batch-size": 8})

    def one_by_one(tokens: np.ndarray, labels: np.ndarray, dropout_keys: np.ndarray) -> Any:
        return tf.stack([alone._step(*batch) for batch in zip(tokens, labels, dropout_keys, strict=True)])

    alone._steps = one_by_one
    together.num_batches = alone.num_batches = STEPS_AT_ONCE + 3
    losses = [training.d_step(generator, 1, lambda _: None) for training in (together, alone)]
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-6)
    for name, variable in together.variables().items():
        np.testing.assert_allclose(variable, alone.variables()[name], rtol=1e-5, atol=1e-7, err_msg=name)


@pytest.fixture(scope="module")
def taught() -> tuple[dict[str, float], list[float], dict[str, float]]:
    """Scores before eight d-steps against an untrained generator, the losses of these, and scores after them."""
    training, generator = trainer(k=3)
    with eager():
        before = training.scores(generator, 0)
        losses = [training.d_step(generator, i, lambda _: None) for i in range(1, 9)]
        return before, losses, training.scores(generator, 8)


def test_an_untrained_generator_is_told_from_the_data(
    taught: tuple[dict[str, float], list[float], dict[str, float]],
) -> None:
    before, losses, after = taught
    assert losses[-1] < losses[0]
    assert after["d_accuracy_train"] + after["d_accuracy_fake"] > before["d_accuracy_train"] + before["d_accuracy_fake"]
    assert after["d_accuracy_train"] + after["d_accuracy_fake"] > 1.4


def test_accuracies_are_shares_on_the_right_side(monkeypatch: pytest.MonkeyPatch) -> None:
    training, generator = trainer()
    monkeypatch.setattr(discriminator, "logits", lambda _, tokens: np.linspace(-2.0, 2.0, len(tokens), dtype=np.float32))
    scores = training.scores(generator, 0)
    assert scores["d_accuracy_train"] == scores["d_accuracy_validation"] == 0.5
    assert scores["d_accuracy_fake"] == 0.5


def test_correlation_is_one_for_the_oracles_own_ranking(monkeypatch: pytest.MonkeyPatch) -> None:
    training, generator = trainer()
    assert training.oracle is not None
    oracle = training.oracle
    monkeypatch.setattr(discriminator, "logits", lambda _, tokens: -sequence_nll(oracle, tokens) / 50)
    assert training.scores(generator, 0)["reward_oracle_correlation"] == pytest.approx(1.0)
    monkeypatch.setattr(discriminator, "logits", lambda _, tokens: sequence_nll(oracle, tokens) / 50)
    assert training.scores(generator, 0)["reward_oracle_correlation"] == pytest.approx(-1.0)


def test_spearman_ranks() -> None:
    assert spearman(np.array([1.0, 2.0, 3.0, 4.0]), np.array([10.0, 20.0, 40.0, 30.0])) == pytest.approx(0.8)
    assert spearman(np.ones(4), np.arange(4.0)) == 0.0


def test_splits_of_the_synthetic_corpus_differ() -> None:
    training, generator = trainer()
    train, heldout = training.corpus.train, training.corpus.test
    assert train.shape == heldout.shape == (96, 5)
    assert not np.array_equal(train, heldout)
    assert not np.array_equal(sample(generator, 96, key(0, "x")), train)


@pytest.mark.parametrize(
    ("stop", "nats", "rests"),
    [(0.0, 0.0, False), (0.01, 0.0, True), (1.0, 0.0, False), (0.0, 0.04, True), (0.0, 0.06, False), (1.0, 0.04, True)],
)
def test_a_discriminator_that_is_good_enough_rests(
    stop: float, nats: float, rests: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its accuracy, or by what it knows: 0.05 nats."""
    made, generator = trainer(**{"discriminator.stop": stop, "discriminator.stop-nats": nats})
    monkeypatch.setattr(made, "_knowledge", lambda *_: Knowledge(0.05, 0.0, 0.1, 1.0, 90.0, 96))
    before = made.discriminator.output_kernel.numpy()
    done: list[float] = []
    loss = made.d_step(generator, 1, done.append)
    assert (loss is None) == rests
    assert np.array_equal(made.discriminator.output_kernel.numpy(), before) == rests
    assert sum(done) == made.work


def test_a_critics_accuracy_is_about_the_middle_between_both_kinds() -> None:
    """Moved as a whole, as Wasserstein's loss leaves it free to, it tells the same ones apart."""
    made, generator = trainer(**{"discriminator.loss": "wasserstein"})
    made.d_step(generator, 1, lambda _: None)
    before = made.scores(generator, 1)
    made.discriminator.output_bias.assign_add([50.0])
    after = made.scores(generator, 1)
    assert after == pytest.approx(before, abs=0.05)
    assert 0.0 < after["d_accuracy_fake"] < 1.0


def test_what_it_knows_is_told_in_nats_of_held_out_sequences_and_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    """T is log odds; documents that are repeated count once."""
    made, generator = trainer()
    draw = rng(0, "logits")
    logits = [draw.normal(mean, 2.0, 32) for mean in (0.0, 9.0, 1.0)]  # of samples, training and held-out sequences
    turns = iter(logits * 2)
    monkeypatch.setattr(discriminator, "logits", lambda *_: next(turns).astype(np.float32))
    documents = np.arange(96) // 2
    held_out = HeldOut(made.corpus.validation, documents)
    made.corpus = replace(made.corpus, held_out={**made.corpus.held_out, "validation": held_out})
    expected = cross_fitted(Scored(logits[2], logits[0], documents[:32]))
    found = made.scores(generator, 0)
    assert found["d_knows"] == pytest.approx(expected.value, rel=1e-4)
    assert found["d_scale"] == pytest.approx(expected.a, rel=1e-4)
    assert cross_fitted(Scored(logits[2], logits[0])).value != pytest.approx(expected.value, rel=1e-2)
    held_out = HeldOut(made.corpus.validation, np.zeros(96, np.int64))
    made.corpus = replace(made.corpus, held_out={**made.corpus.held_out, "validation": held_out})
    assert "d_knows" not in made.scores(generator, 0)  # one document has no halves


def test_what_it_knows_grows_as_it_learns_and_a_critic_has_no_logit(
    taught: tuple[dict[str, float], list[float], dict[str, float]],
) -> None:
    before, _, after = taught
    assert before["d_knows"] < 0.15 < after["d_knows"]
    critic, generator = trainer(**{"discriminator.loss": "wasserstein"})
    assert "d_knows" not in critic.scores(generator, 0)


WORDS = Vocabulary(["a", "b", "c", "d"])


def text_corpus(unknown: list[bool], heldout_unknown: list[bool]) -> Corpus:
    """Sequences of ordinary tokens; those that are said to hold `<unk>` do, somewhere."""

    def table(which: list[bool], name: str) -> np.ndarray:
        draw = rng(0, name)
        tokens = draw.integers(UNK + 1, WORDS.size, (len(which), 5)).astype(np.int32)
        tokens[:, 4] = EOS
        for row in np.flatnonzero(which):
            tokens[row, draw.integers(0, 4)] = UNK
        return tokens

    return parts_of(table(unknown, "train"), table(heldout_unknown, "heldout"), WORDS)


def test_the_penalty_is_in_the_loss_of_a_step_and_of_no_other() -> None:
    """Which has a key to draw the points between by; without one, as in scores, there is none."""
    tokens, labels = np.arange(40, dtype=np.int32).reshape(8, 5) % 12, np.repeat(np.array([1.0, 0.0], np.float32), 4)
    losses = {}
    for weight in (0.0, 10.0):
        made, _ = trainer(**{"discriminator.gradient-penalty": weight, "discriminator.dropout": 0.0})
        keys = (None, key(0, "x"))
        losses[weight] = [float(discriminator_loss(made.discriminator, tokens, labels, each)) for each in keys]
    assert losses[0.0][0] == losses[10.0][0]
    assert losses[10.0][1] > losses[0.0][1] + 1.0


def test_to_rest_it_needs_held_out_sequences_that_a_generator_can_say() -> None:
    text = {"data.source": "made-up", "data.kind": "text", "discriminator.batch-size": 2, "discriminator.stop": 0.9}
    for unknown, refused in (([True] * 4, True), ([True, True, False], False)):
        corpus = text_corpus([False] * 8, unknown)
        with pytest.raises(SeqganError, match="all hold <unk>") if refused else contextlib.nullcontext():
            DiscriminatorTrainer(tiny_settings(**text), corpus, None, Console(quiet=True), 0.01, 0, 1, "x")


SOME = st.lists(st.booleans(), min_size=4, max_size=30)


@settings(deadline=None, max_examples=examples(12))
@given(SOME.filter(lambda which: not all(which)), SOME)
@example([True, False] * 8, [True] * 4)
def test_real_sequences_are_like_what_a_generator_can_say(unknown: list[bool], heldout_unknown: list[bool]) -> None:
    """None that is taught, scored, or compared with holds `<unk>`, and all that could be are."""
    corpus = text_corpus(unknown, heldout_unknown)
    chosen = tiny_settings(**{"discriminator.batch-size": 2, "data.source": "made-up", "data.kind": "text"})
    generator = Generator(corpus.vocabulary, 5, chosen.generator)
    made = DiscriminatorTrainer(chosen, corpus, None, Console(quiet=True), 0.01, 0, 1, "test")
    taught: list[tuple[np.ndarray, np.ndarray]] = []
    made._steps = lambda tokens, labels, keys: taught.extend(zip(tokens, labels, strict=True)) or tf.zeros([len(keys)])
    made.d_step(generator, 1, lambda _: None)
    seen: list[np.ndarray] = []

    def ranks(_: Any, tokens: np.ndarray) -> np.ndarray:
        seen.append(tokens)
        return np.linspace(0.0, 1.0, len(tokens), dtype=np.float32)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(discriminator, "logits", ranks)
        scores = made.scores(generator, 0)
    known = [row for row, without in zip(corpus.train, ~np.array(unknown), strict=True) if without]
    positives = np.concatenate([tokens[labels == 1] for tokens, labels in taught])
    assert sorted(map(tuple, positives.tolist())) == sorted(map(tuple, np.array(known).tolist()))
    assert not any((tokens == UNK).any() for tokens, _ in taught)
    assert [len(tokens) for tokens in seen] == [32, len(known), len(heldout_unknown) - sum(heldout_unknown)]
    assert not any((tokens == UNK).any() for tokens in seen)
    assert ("d_accuracy_validation" in scores) == (not all(heldout_unknown))
    assert np.isfinite([*scores.values()]).all()


def test_rewards_compare_with_sequences_without_unk_alone() -> None:
    corpus = text_corpus([True, False, True, False, False] * 6, [False] * 4)
    for reward, transform in (("discriminator", "rank"), ("bleu", "none")):
        changes = {"adversarial.reward": reward, "adversarial.reward-transform": transform, "adversarial.reward-order": 4}
        chosen = tiny_settings(**{"data.source": "made-up", "data.kind": "text", **changes})
        generator = Generator(corpus.vocabulary, 5, chosen.generator)
        made = AdversarialTraining(chosen, corpus, None, generator, Console(quiet=True)).algorithm.reward
        if isinstance(made, RankReward):
            assert made.references.shape == (18, 5)
            assert not (made.references.numpy() == UNK).any()
        else:
            assert isinstance(made, BleuReward)
            assert made.references.count == 18
            np.testing.assert_allclose(made.scores(corpus.without_unk(corpus.train)), 1.0)


@pytest.mark.parametrize(
    ("unknown", "level", "words"),
    [
        ([False] * 300, "", ""),
        ([True] + [False] * 299, "said", "1 of 300 training sequences hold <unk>"),
        ([True] * 50 + [False] * 40, "warned", "50 of 90 training sequences hold <unk>, which the generator never says: only "),
        ([True] * 900 + [False] * 110, "warned", "They are few, and unlike the rest."),
    ],
)
def test_what_is_left_without_unk_is_told(
    capfd: pytest.CaptureFixture[str], unknown: list[bool], level: str, words: str
) -> None:
    tell_of_positives(text_corpus(unknown, [False] * 4), Console())
    told = capfd.readouterr().err.replace("\n", " ")
    assert words in told
    assert told.startswith("Warning: ") == (level == "warned")
    assert bool(told) == bool(level)


def test_a_corpus_that_is_unknown_throughout_is_refused() -> None:
    with pytest.raises(SeqganError, match="All 30 training sequences hold <unk>"):
        tell_of_positives(text_corpus([True] * 30, [False] * 4), Console(quiet=True))
