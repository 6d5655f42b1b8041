"""Steps of several replicas against the same steps of one."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from parts import parts_of
from seqgan_cli.algorithms.adversarial import AdversarialTraining
from seqgan_cli.algorithms.discriminator import DiscriminatorTrainer
from seqgan_cli.algorithms.mle import LikelihoodTraining, scheduled_sampling_inputs
from seqgan_cli.config import registry
from seqgan_cli.config.checks import check_together
from seqgan_cli.console import Console
from seqgan_cli.data.corpus import Corpus
from seqgan_cli.data.vocabulary import EOS, PAD, UNK, Vocabulary
from seqgan_cli.evaluation.logits import scores
from seqgan_cli.models.generator import Generator
from seqgan_cli.randomness import key, rng
from seqgan_cli.sampling.choices import Sampling
from seqgan_cli.sampling.likelihood import sequence_nll
from seqgan_cli.sampling.sequences import sample
from seqgan_cli.synthetic import synthetic_corpus
from seqgan_cli.training.backend import several_devices
from seqgan_cli.training.distribution import agreement, replicas
from tiny import tiny_settings

pytestmark = pytest.mark.usefixtures("quickly")


def with_replicas(number: int, work: Callable[[], Any]) -> Any:
    """What the work gives where so many devices train together."""
    with several_devices(number).scope():
        return work()


CORPUS, ORACLE = synthetic_corpus(tiny_settings())  # here, since several replicas would draw other sequences


def likelihood(**changes: Any) -> LikelihoodTraining:
    return LikelihoodTraining(tiny_settings(**changes), CORPUS, ORACLE, Console(quiet=True))


def adversarial(corpus: Corpus = CORPUS, oracle: Generator | None = ORACLE, **changes: Any) -> AdversarialTraining:
    settings = tiny_settings(**changes)
    check_together(settings)  # of what the program refuses nothing is promised
    generator = Generator(corpus.vocabulary, corpus.sequence_length, settings.of(registry.generators))
    generator.initialise(rng(0, "generator"), 0.5)
    return AdversarialTraining(settings, corpus, oracle, generator, Console(quiet=True))


def state(variables: dict[str, Any]) -> dict[str, np.ndarray]:
    return {name: variable.numpy() for name, variable in variables.items()}


def assert_same(found: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> None:
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        np.testing.assert_allclose(found[name], array, rtol=1e-3, atol=1e-5, err_msg=name)


@pytest.mark.whole
@pytest.mark.parametrize("number", [2, 4])
def test_likelihood_training_follows_the_curve_of_one_device(number: int) -> None:
    """More than 50 steps, of batches that the replicas cannot share evenly; the gradient is clipped on the way."""

    def losses() -> list[float]:
        training = likelihood(**{"pretrain-g.batch-size": 7, "pretrain-g.clip-norm": 0.02})
        return [loss for epoch in range(1, 5) for part in training.epoch(epoch, lambda _: None) for loss in part]

    expected = losses()
    assert len(expected) > 50
    np.testing.assert_allclose(with_replicas(number, losses), expected, rtol=1e-5)


@pytest.mark.sampled(1)
@pytest.mark.parametrize(
    ("number", "changes"),
    [
        (4, {}),
        (2, {"discriminator.label-smoothing": 0.1, "discriminator.weight-decay": 0.1}),
        (2, {"discriminator.prefixes": True}),
        (2, {"discriminator.loss": "wasserstein", "discriminator.gradient-penalty": 10.0}),
        (2, {"discriminator.kind": "recurrent", "discriminator.prefixes": True, "discriminator.gradient-penalty": 1.0}),
    ],
)
def test_a_discriminators_steps_are_those_of_one_device(number: int, changes: dict[str, Any]) -> None:
    settings = tiny_settings(**{"discriminator.dropout": 0.0, "discriminator.l2": 0.5, **changes})
    draw = rng(0, "batches")
    tokens = draw.integers(0, 12, (3, 9, 5), dtype=np.int32)
    labels = (draw.random((3, 9)) < 0.5).astype(np.float32)
    keys = np.stack([key(0, "penalty", i) for i in range(3)])

    def steps() -> dict[str, np.ndarray]:
        trainer = DiscriminatorTrainer(settings, CORPUS, ORACLE, Console(quiet=True), 0.01, 0, 1, "test")
        losses = trainer._steps(tokens, labels, keys)
        found = {**state(trainer.variables()), "losses": losses.numpy(), "scores": scores(trainer.discriminator, tokens[0])}
        if settings.discriminator.loss == "wasserstein":  # its bias cancels: Adam makes steps of what rounding leaves
            last = len(trainer.discriminator.trainable_variables) - 1
            found = {name: array for name, array in found.items() if f"/{last}" not in name and name != "scores"}
        return found

    assert_same(with_replicas(number, steps), steps())


WAYS: list[tuple[int, dict[str, Any]]] = [
    (4, {}),
    (2, {"adversarial.baseline": "leave-one-out", "adversarial.reward-transform": "standardize"}),
    (2, {"adversarial.baseline": "value"}),
    (3, {"adversarial.reward": "discriminator", "adversarial.reward-transform": "mali", "adversarial.baseline": "mean"}),
    (2, {"adversarial.kl-coefficient": 0.3, "adversarial.entropy-coefficient": 0.1, "adversarial.baseline": "mean"}),
]


@pytest.mark.compiled  # how replicas meet in a graph
@pytest.mark.sampled(1)
@pytest.mark.parametrize(
    ("number", "changes", "ended"),
    [
        pytest.param(*way, ended, marks=[] if (i, ended) in ((0, False), (2, True)) else pytest.mark.whole)
        for i, way in enumerate(WAYS)
        for ended in (False, True)
    ],
)
def test_policy_gradient_steps_are_those_of_one_device(number: int, changes: dict[str, Any], ended: bool) -> None:
    """From the same samples and action values, of a batch that cannot be shared evenly; and a step of likelihood between.

    `ended`: of sequences of text, which end where they do.
    """
    draw = rng(0, "batches")
    tokens = draw.integers(UNK + 1, 12, (3, 7, 5), dtype=np.int32)
    values = draw.random((3, 7, 5), dtype=np.float32)
    corpus, oracle = CORPUS, ORACLE
    if ended:
        ends, columns = draw.integers(1, 5, (3, 7, 1)), np.arange(5)
        tokens = np.where(columns < ends, tokens, np.where(columns == ends, EOS, PAD)).astype(np.int32)
        vocabulary = Vocabulary([f"w{i}" for i in range(12 - UNK - 1)])
        corpus, oracle = parts_of(tokens.reshape(-1, 5), tokens[0], vocabulary), None

    def steps() -> dict[str, np.ndarray]:
        changed = {"adversarial.reward": "constant", "adversarial.mle-every": 1, **changes}
        training = adversarial(corpus, oracle, **changed)
        for i in range(3):
            training.algorithm._policy_step(tokens[i], values[i])
            training.algorithm.likelihood.teach(tokens[i], key(0, "dropout"))
        return state(training.variables())

    assert_same(with_replicas(number, steps), steps())


@pytest.mark.parametrize("rollouts", [0, 3])
def test_what_depends_on_the_batch_sees_that_of_all_replicas(rollouts: int) -> None:
    """Of 16 short sequences with two tokens many are there twice, and most of these in two replicas."""
    corpus, oracle = synthetic_corpus(tiny_settings(**{"data.vocab-size": 2, "data.sequence-length": 3}))
    changes = {"data.vocab-size": 2, "data.sequence-length": 3, "adversarial.batch-size": 16, "discriminator.filters": "1:4"}

    def work() -> tuple[np.ndarray, np.ndarray]:
        training = adversarial(corpus, oracle, **{"adversarial.reward": "unique", "adversarial.rollouts": rollouts, **changes})
        tokens, values = training.algorithm._sample_and_score(key(0, "sample"), key(0, "rollout"))  # type: ignore[attr-defined]
        return tokens.numpy(), values.numpy()

    tokens, values = with_replicas(2, work)
    counts = [sum(row == other for other in tokens.tolist()) for row in tokens.tolist()]
    own = [sum(row == other for other in half.tolist()) for half in np.split(tokens, 2) for row in half.tolist()]
    assert sum(count > few for count, few in zip(counts, own, strict=True)) > 5
    np.testing.assert_allclose(values[:, -1], 1 / np.array(counts), rtol=1e-6)


@pytest.mark.whole
@pytest.mark.parametrize("changes", [{"adversarial.reward": "constant"}, {"adversarial.reward": "random=0.5,discriminator"}])
def test_proximal_steps_and_a_moving_penalty_are_those_of_one_device(changes: dict[str, Any]) -> None:
    """Of a batch that two replicas cannot share evenly, with a divergence that all of it decides."""
    draw = rng(0, "batches")
    tokens = draw.integers(UNK + 1, 12, (3, 7, 5), dtype=np.int32)
    values = draw.random((3, 7, 5), dtype=np.float32)

    def steps() -> dict[str, np.ndarray]:
        options = {"adversarial.kl-target": 0.2, "adversarial.baseline": "leave-one-out", "ppo.epochs": 2}
        training = adversarial(**{"adversarial.algorithm": "ppo", **options, **changes})
        for i in range(3):
            *_, divergence = training.algorithm._policy_step(tokens[i], values[i])
            training.algorithm.kl_penalty.move(float(divergence))
        assert training.algorithm.steps == 6
        return state(training.variables())

    found, expected = with_replicas(2, steps), steps()
    assert_same(found, expected)
    assert expected["kl_coefficient"] != np.float32(0.1)


@pytest.mark.whole
@pytest.mark.parametrize(
    "changes", [{"adversarial.algorithm": "ppo", "adversarial.kl-target": 1.0}, {"adversarial.reward": "random,discriminator"}]
)
def test_a_round_of_a_sum_and_of_ppo_runs_and_measures(changes: dict[str, Any]) -> None:
    scores = with_replicas(2, lambda: adversarial(**changes).advance(1, lambda _: None))
    assert np.isfinite(scores["reward_final"])
    assert ("kl_coefficient" in scores) == ("adversarial.kl-target" in changes)
    assert ("term_random" in scores) == ("adversarial.reward" in changes)


def test_every_replica_explores_with_draws_of_its_own() -> None:
    """7 sequences of 2 replicas: each has its action values, none is another's, and the same keys give them again."""

    def explored() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        training = adversarial(**{"adversarial.batch-size": 7})
        tokens, values = training.algorithm._sample_and_score(key(0, "sample"), key(0, "rollout"))
        assert training.trainer
        return tokens.numpy(), values.numpy(), scores(training.trainer.discriminator, tokens.numpy())

    tokens, values, rewards = with_replicas(2, explored)
    assert (tokens.shape, values.shape) == ((7, 5), (7, 5))
    np.testing.assert_allclose(values[:, -1], rewards, rtol=1e-5)
    assert len({row.tobytes() for row in tokens}) == 7
    for found, again in zip((tokens, values), with_replicas(2, explored), strict=False):
        np.testing.assert_array_equal(found, again)


@pytest.mark.whole
@pytest.mark.parametrize(
    "changes",
    [
        {"adversarial.reward-transform": "rank", "adversarial.rollout-policy": "ngram"},
        {"adversarial.rollout-horizon": 2, "generator.cell": "attention"},
        {"adversarial.rollout-horizon": 2, "generator.cell": "transformer", "generator.heads": 5, "pretrain-g.dropout": 0.1},
    ],
)
def test_a_round_of_other_policies_and_rewards_runs(changes: dict[str, Any]) -> None:
    scores = with_replicas(2, lambda: adversarial(**changes).advance(1, lambda _: None))
    assert np.isfinite([value for name, value in scores.items() if name != "reward_oracle_correlation"]).all()


@pytest.mark.compiled  # of which some replica has none
def test_scores_of_fewer_sequences_than_replicas_and_of_more() -> None:
    tables = [rng(0, "tokens").integers(0, 12, (count, 5), dtype=np.int32) for count in (1, 3, 40)]

    def measured() -> list[np.ndarray]:
        training = adversarial()
        assert training.trainer
        found = []
        for tokens in tables:
            found += [sequence_nll(training.generator, tokens, how) for how in (Sampling(0.7), Sampling(0.7, top_k=9))]
            found.append(scores(training.trainer.discriminator, tokens))
        return found

    for found, expected in zip(with_replicas(4, measured), measured(), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_samples_of_several_replicas_are_drawn_from_the_same_distribution() -> None:
    def samples() -> np.ndarray:
        return sample(adversarial().generator, 20_000, key(0, "samples"))

    found, expected = with_replicas(4, samples), samples()
    assert found.shape == expected.shape
    distinct = [len(np.unique(rows[:4096], axis=0)) for rows in (found, expected)]
    assert abs(distinct[0] - distinct[1]) < 100  # replicas that shared a stream would draw each sequence four times
    for t in range(5):
        shares = [np.bincount(rows[:, t], minlength=12) / 20_000 for rows in (found, expected)]
        np.testing.assert_allclose(*shares, atol=5 * np.sqrt(0.5 / 20_000))


@pytest.mark.whole
@pytest.mark.parametrize(
    ("schedule", "dropout"),
    [("linear", 0.5), *(pytest.param(*of, marks=pytest.mark.whole) for of in [("linear", 0.0), ("none", 0.5), ("none", 0.0)])],
)
def test_scheduled_sampling_and_dropout_of_a_replica_are_those_of_its_rows_and_key(dropout: float, schedule: str) -> None:
    """The first loss of an epoch is the sum of what each replica finds of its own rows, with draws from a key of its own.

    So neither acts where it is not asked for, or is left out where it is; and the epoch repeats to the last bit.
    """
    changes = {"pretrain-g.scheduled-sampling": schedule, "pretrain-g.sampling-decay": 0.008, "pretrain-g.dropout": dropout}

    def made() -> LikelihoodTraining:
        training = likelihood(**{**changes, "pretrain-g.batch-size": 33})
        training.generator.initialise(rng(0, "generator"), 1.0)
        return training

    def losses() -> list[float]:
        return made().epoch(101, lambda _: None)[0]

    found = with_replicas(2, losses)
    assert found == with_replicas(2, losses)
    one = made()
    (batch,) = one.corpus.sequences.batches(100 * one.num_batches, 1, 33, 0, "pretrain-g")
    expected = 0.0
    for replica, rows in enumerate((batch[:16], batch[16:])):
        fold = tf.random.experimental.stateless_fold_in
        dropout_key, sampling_key = (
            fold(tf.constant(key(0, "pretrain-g", what, 101, 0)), replica) for what in ("dropout", "scheduled-sampling")
        )
        # 0.2 = 1 - 0.008·100
        read = scheduled_sampling_inputs(one.generator, rows, 0.2, sampling_key) if schedule == "linear" else None
        share = np.full(rows.shape, 1 / batch.size, np.float32)
        expected += float(one.generator.weighted_nll(rows, share, dropout=dropout, key=dropout_key, inputs=read))
    assert found[0] == pytest.approx(expected, rel=1e-5)
    plain = float(sequence_nll(one.generator, batch).sum() / batch.size)
    assert (abs(plain - expected) > 1e-3) == (dropout > 0 or schedule == "linear")


def test_what_the_first_replica_has_is_everybodys() -> None:
    scores = {"a": 1.5, "b": float("nan"), "c": -np.inf, "d": 0.1}
    for number in (1, 3):
        found = with_replicas(number, lambda: agreement.agreed(scores))
        np.testing.assert_array_equal(list(found.values()), list(scores.values()))
        assert list(found) == list(scores)

    def different() -> Any:
        def step() -> Any:
            context = tf.distribute.get_replica_context()
            return replicas.of_first(tf.cast(context.replica_id_in_sync_group, tf.float32) + 7.0)

        return tf.function(lambda: replicas.replicated(step), autograph=False)().numpy()

    assert with_replicas(3, different) == 7.0
