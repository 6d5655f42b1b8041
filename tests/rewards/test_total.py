"""Sums of rewards: their values, their keys, what is measured of their terms, and a term that fails."""

import functools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from seqgan_cli.algorithms import rollout
from seqgan_cli.algorithms.adversarial import AdversarialTraining
from seqgan_cli.algorithms.rollout import ActionValues, NetworkPolicy
from seqgan_cli.config import registry
from seqgan_cli.config.expression import parse
from seqgan_cli.config.sections import GeneratorSettings
from seqgan_cli.config.settings import SCHEMA
from seqgan_cli.console import Console
from seqgan_cli.data.vocabulary import Vocabulary
from seqgan_cli.errors import SeqganError
from seqgan_cli.models.discriminator import Discriminator
from seqgan_cli.models.discriminators.convolutional import ConvolutionalSettings
from seqgan_cli.models.generator import Generator
from seqgan_cli.randomness import key, rng
from seqgan_cli.rewards.base import Given, Reward, Scaled
from seqgan_cli.rewards.controls import ConstantReward, RandomReward
from seqgan_cli.rewards.discriminator import DiscriminatorReward
from seqgan_cli.rewards.texts import TextReward
from seqgan_cli.rewards.total import RewardSum, make_reward
from seqgan_cli.runs.run import Run
from seqgan_cli.synthetic import synthetic_corpus
from tiny import tiny_settings

pytestmark = pytest.mark.usefixtures("quickly")

SIZE, LENGTH = 7, 5


class Share(Reward):
    """The share of a sequence's tokens that are one token."""

    def __init__(self, token: int) -> None:
        self.token = token

    def __call__(self, tokens: Any, key: Any) -> Any:
        return tf.reduce_mean(tf.cast(tokens == self.token, tf.float32), axis=1)


def share(tokens: np.ndarray, token: int) -> np.ndarray:
    return (tokens == token).mean(axis=-1)


def a_discriminator() -> Discriminator:
    made = Discriminator(Vocabulary(size=SIZE), LENGTH, ConvolutionalSettings(embedding_dim=3, filters="1:4,3:2"))
    made.initialise(rng(0, "discriminator"))
    for variable in made.trainable_variables:
        variable.assign(variable * 10.0)  # for scores that differ
    return made


def sum_of(text: str, **rewards: Reward) -> RewardSum:
    return RewardSum(parse(text, "reward"), rewards)


def a_sum(discriminator: Discriminator) -> RewardSum:
    """Of one that scores prefixes, two that do not, and products of both kinds."""
    rewards = {"d": DiscriminatorReward(discriminator), "ones": Share(1), "twos": Share(2)}
    return sum_of("d=0.5,d*ones=2,ones*twos=-3,twos", **rewards)


def literal(tokens: np.ndarray, d: np.ndarray) -> np.ndarray:
    ones, twos = share(tokens, 1), share(tokens, 2)
    return 0.5 * d + 2.0 * d * ones - 3.0 * ones * twos + twos


def test_the_value_is_the_weighted_sum_of_products_whole_and_by_continuations() -> None:
    discriminator = a_discriminator()
    reward, draw = a_sum(discriminator), rng(0, "tokens")
    tokens = draw.integers(0, 4, (6, LENGTH)).astype(np.int32)
    d = 1.0 / (1.0 + np.exp(-np.asarray(discriminator(tokens), np.float64)))
    assert np.ptp(d) > 0.1
    np.testing.assert_allclose(reward(tokens, key(0, "any")), literal(tokens, d), rtol=1e-5)

    ids = np.array([0, 0, 3, 5], np.int32)
    continuations = np.repeat(tokens[ids][None], LENGTH - 1, axis=0)
    for t in range(1, LENGTH):
        continuations[t - 1, :, t:] = draw.integers(0, 4, (4, LENGTH - t))
    found = reward.score_continuations(tf.constant(tokens), tf.constant(ids), tf.constant(continuations), key(0, "any"))
    whole = np.stack([reward(row, key(0, "any")) for row in continuations])
    assert found.shape == (LENGTH - 1, 4)
    np.testing.assert_allclose(found, whole, rtol=1e-4, atol=1e-6)
    d = np.stack([1.0 / (1.0 + np.exp(-np.asarray(discriminator(row), np.float64))) for row in continuations])
    np.testing.assert_allclose(found, literal(continuations, d), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("rollouts", [0, 3])
def test_action_values_are_sums_of_each_terms(rollouts: int) -> None:
    """Of the same continuations, which no reward has a part in."""
    generator = Generator(Vocabulary(size=SIZE), LENGTH, GeneratorSettings(embedding_dim=3, hidden_dim=4))
    generator.initialise(rng(0, "test"), 1.0)
    tokens = rng(0, "tokens").integers(0, SIZE, (4, LENGTH)).astype(np.int32)
    policy, discriminator = NetworkPolicy(generator), a_discriminator()

    def values(reward: Any) -> np.ndarray:
        return np.asarray(ActionValues(policy, reward, rollouts)(tokens, key(0, "rollouts")))

    ones, d = values(Share(1)), values(DiscriminatorReward(discriminator))
    found = values(sum_of("d=0.5,ones=2", d=DiscriminatorReward(discriminator), ones=Share(1)))
    np.testing.assert_allclose(found, 0.5 * d + 2.0 * ones, rtol=1e-4, atol=1e-6)
    if rollouts:
        assert len(np.unique(found)) > 4
    else:
        np.testing.assert_array_equal(found, np.repeat(found[:, :1], LENGTH, axis=1))


def test_each_use_has_draws_of_its_own() -> None:
    """½, and two numbers that have nothing to do with one another; anew for another key."""
    uses = {"constant": ConstantReward(), "a": RandomReward(), "b": RandomReward()}
    reward = sum_of("constant=2,a=random=4,b=random=-8", **uses)
    tokens, nothing = np.zeros((4000, LENGTH), np.int32), 1e-12
    found = np.asarray(reward(tokens, key(0, "draw")))
    a = np.asarray(sum_of(f"constant={nothing},a=random,b=random={nothing}", **uses)(tokens, key(0, "draw")))
    b = np.asarray(sum_of(f"constant={nothing},a=random={nothing},b=random", **uses)(tokens, key(0, "draw")))
    assert 0.0 <= min(a.min(), b.min()) < 0.01 < 0.99 < max(a.max(), b.max()) <= 1.0
    np.testing.assert_allclose(found, 1.0 + 4.0 * a - 8.0 * b, rtol=1e-5, atol=1e-5)
    assert abs(np.corrcoef(a, b)[0, 1]) < 4 / np.sqrt(len(a))
    assert abs(np.corrcoef(found, reward(tokens, key(1, "draw")))[0, 1]) < 4 / np.sqrt(len(a))


def test_no_draw_comes_twice_in_a_search(monkeypatch: pytest.MonkeyPatch) -> None:
    """Continuations are scored in several groups, each with a key of its own."""
    monkeypatch.setattr(rollout, "PREFIXES_AT_ONCE", 16)
    monkeypatch.setattr(rollout, "COMPLETIONS_AT_ONCE", 8)
    generator = Generator(Vocabulary(size=SIZE), LENGTH, GeneratorSettings(embedding_dim=3, hidden_dim=4))
    reward = sum_of("constant=0.5,random=0.5", constant=ConstantReward(), random=RandomReward())
    tokens = np.zeros((40, LENGTH), np.int32)
    values = np.asarray(ActionValues(NetworkPolicy(generator), reward, 1)(tokens, key(0, "search")))
    assert len(np.unique(values)) > 0.98 * values.size


def test_a_scale_takes_low_to_0_and_high_to_1_and_stops_there() -> None:
    values = np.array([-3.0, -1.0, 0.0, 1.0, 2.0], np.float32)
    np.testing.assert_allclose(Scaled(-1.0, 1.0).scaled(values), [0.0, 0.0, 0.5, 1.0, 1.0])
    np.testing.assert_allclose(Scaled(1.0, -1.0).scaled(values), [1.0, 1.0, 0.5, 0.0, 0.0])
    np.testing.assert_array_equal(Scaled().scaled(values), values)
    assert (Scaled().bounds, Scaled(2.0, 1.0).bounds) == (None, (0.0, 1.0))
    discriminator, tokens = a_discriminator(), rng(0, "tokens").integers(0, SIZE, (9, LENGTH)).astype(np.int32)
    plain = np.asarray(DiscriminatorReward(discriminator)(tokens, None))
    scaled = DiscriminatorReward(discriminator, Scaled(0.25, 0.75))(tokens, None)
    np.testing.assert_allclose(scaled, np.clip((plain - 0.25) / 0.5, 0.0, 1.0), rtol=1e-5, atol=1e-6)


# In training.


def stage(reward: str, **changes: Any) -> AdversarialTraining:
    """Two batches a round, for what is measured over them, of sequences as short as the widest filter."""
    small = {"data.sequence-length": 3, "data.num-sequences": 32, "adversarial.g-steps": 2, "evaluation.samples": 16}
    chosen = tiny_settings(**{"adversarial.reward": reward, **small, **changes})
    corpus, oracle = synthetic_corpus(chosen.changed({"seed": 0}))
    generator = Generator(corpus.vocabulary, corpus.sequence_length, chosen.generator)
    generator.initialise(rng(0, "generator"))
    return AdversarialTraining(chosen, corpus, oracle, generator, Console(quiet=True))


def rounds(training: AdversarialTraining, count: int) -> list[dict[str, float]]:
    return [training.advance(position, lambda _: None) for position in range(1, count + 1)]


def arrays(training: AdversarialTraining) -> dict[str, np.ndarray]:
    return {name: variable.numpy() for name, variable in training.variables().items()}


@functools.cache
def plain_round() -> tuple[AdversarialTraining, dict[str, float]]:
    """A round of the discriminator's reward by itself, which sums are held against. Called where steps are run eagerly."""
    training = stage("discriminator")
    return training, rounds(training, 1)[0]


@pytest.mark.usefixtures("eagerly")
def test_a_weight_of_1_is_the_reward_as_it_was_to_the_last_bit() -> None:
    (plain, said), weighted = plain_round(), stage("discriminator=1")
    assert [said] == rounds(weighted, 1)
    np.testing.assert_equal(arrays(weighted), arrays(plain))
    assert not isinstance(weighted.reward, RewardSum)


@pytest.mark.usefixtures("eagerly")
def test_a_sum_of_one_reward_with_one_weight_is_that_reward_times_the_weight() -> None:
    half, (_, whole) = rounds(stage("discriminator=0.5"), 1)[0], plain_round()
    assert half["term_discriminator"] == pytest.approx(whole["reward_final"], rel=1e-5)
    for name in ("reward_mean", "reward_01", "reward_03", "reward_final"):
        assert half[name] == pytest.approx(0.5 * whole[name], rel=1e-4)


@pytest.mark.usefixtures("eagerly")
@pytest.mark.parametrize(
    ("text", "weights"),
    [
        ("discriminator=0.5,constant=2,bleu=-1", {"discriminator": 0.5, "constant": 2.0, "bleu": -1.0}),
        ("random=0.5,a=random=1.5", {"random": 0.5, "a": 1.5}),
    ],
)
def test_the_means_of_terms_add_up_to_that_of_the_sum(text: str, weights: dict[str, float]) -> None:
    (scores,) = rounds(stage(text), 1)
    terms = {name.removeprefix("term_"): value for name, value in scores.items() if name.startswith("term_")}
    assert terms.keys() == weights.keys()
    assert scores["reward_final"] == pytest.approx(sum(weights[name] * terms[name] for name in weights), rel=1e-4)
    if "constant" in terms:
        assert terms["constant"] == 0.5
    assert all(np.isfinite(list(terms.values())))


def test_what_is_measured_are_means_of_uses_and_products_over_the_batch() -> None:
    reward = sum_of("ones*twos=4,ones=-1", ones=Share(1), twos=Share(2))
    tokens = rng(0, "tokens").integers(0, 4, (50, LENGTH)).astype(np.int32)
    ones, twos = share(tokens, 1), share(tokens, 2)
    expected = {
        "reward_final": (4.0 * ones * twos - ones).mean(),
        "term_ones": ones.mean(),
        "term_twos": twos.mean(),
        "term_ones*twos": (ones * twos).mean(),
    }
    assert reward.measured(tokens, key(0, "any")) == pytest.approx(expected, rel=1e-5)
    assert list(expected) == reward.names


@pytest.mark.usefixtures("eagerly")
def test_terms_are_of_the_batches_of_the_round_in_the_history_too(tmp_path: Path) -> None:
    from seqgan_cli.training.stage import run_stage

    training = stage("constant=0.5,discriminator*random=0.5", **{"adversarial.rounds": 1})
    said: list[dict[str, float]] = []
    advance = training.advance
    training.advance = lambda *args: said.append(advance(*args)) or said[-1]  # type: ignore[func-returns-value, method-assign]
    run_stage(training, Run(tmp_path), Console(quiet=True))
    kept = Run(tmp_path).history.at("adversarial", 1)
    for name in ("reward_final", "term_constant", "term_discriminator", "term_random", "term_discriminator*random"):
        assert kept[name] == pytest.approx(said[0][name])
    product = kept["term_discriminator*random"]
    assert 0 < product < min(kept["term_discriminator"], kept["term_random"])
    assert kept["reward_final"] == pytest.approx(0.25 + 0.5 * product, rel=1e-5)


def test_what_one_reward_started_ends_if_another_cannot_be_made(monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[str] = []
    monkeypatch.setattr(ConstantReward, "close", lambda self: closed.append("constant"))
    settings = tiny_settings(**{"adversarial.reward": "constant,random"})
    corpus, _ = synthetic_corpus(settings)
    given = Given(settings, corpus, Console(quiet=True))
    made = make_reward(given)
    assert closed == []
    made.close()
    assert closed == ["constant"]

    def fails(given: Given) -> Reward:
        raise SeqganError("no random numbers today")

    monkeypatch.setattr(RandomReward, "make", fails)
    with pytest.raises(SeqganError, match="today"):
        make_reward(given)
    assert closed == ["constant"] * 2


# A reward of texts that fails at one of them.


class Numbers(TextReward):
    """The share of 1s among the numbers of a text; it cannot read one of the texts."""

    name = "numbers"
    unreadable: str | None = None
    seen: frozenset[str] = frozenset()

    @classmethod
    def function(cls, **options: Any) -> Callable[[Any], list[float]]:
        def score(texts: Any) -> list[float]:
            cls.seen |= set(texts)
            if cls.unreadable in texts:
                raise SeqganError(f"--reward numbers: it cannot read {cls.unreadable!r}.")
            return [float(np.mean([word == "1" for word in text.split()])) for text in texts]

        return score


@pytest.fixture
def numbers(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Numbers]]:
    monkeypatch.setitem(registry.rewards.ours, "numbers", Numbers)
    monkeypatch.setattr(registry.rewards, "named", (*registry.rewards.named, "numbers"))
    monkeypatch.setattr(Numbers, "unreadable", None)
    monkeypatch.setattr(Numbers, "seen", frozenset())
    SCHEMA.__dict__.pop("_specs", None)
    yield Numbers
    SCHEMA.__dict__.pop("_specs", None)


@pytest.mark.whole
@pytest.mark.parametrize("text", ["numbers", "numbers=0.5,constant=0.5", "discriminator*numbers"])
def test_a_reward_that_fails_stops_training_and_the_same_command_goes_on(
    numbers: type[Numbers],
    text: str,
    tmp_path: Path,
    tiny_config: Path,
    seqgan: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With its sentence; what was saved before is kept, and in the end all is as if it had never failed."""
    run, whole = tmp_path / "run", tmp_path / "whole"
    command = ("--config", tiny_config, "--set", f"adversarial.reward={text}", "--set", "data.vocab-size=5")
    for each in (run, whole):
        assert seqgan("pretrain-g", "--run", each, *command).code == 0
        assert seqgan("pretrain-d", "--run", each).code == 0
        assert seqgan("adversarial", "--run", each, "--rounds", 1).code == 0
    first = numbers.seen
    assert seqgan("adversarial", "--run", whole, "--rounds", 2).code == 0
    monkeypatch.setattr(numbers, "unreadable", min(numbers.seen - first))  # first met in the second round
    failed = seqgan("adversarial", "--run", run, "--rounds", 2)
    assert failed.code == 1
    assert failed.err.endswith(f"Error: --reward numbers: it cannot read {numbers.unreadable!r}.\n")
    assert Run(run).position("adversarial") == 1
    assert max(row.position for row in Run(run).history.rows() if row.stage == "adversarial") == 1
    monkeypatch.setattr(numbers, "unreadable", None)
    assert "going on after round 1" in seqgan("adversarial", "--run", run, "--rounds", 2).err
    found, expected = (Run(each).checkpoints("adversarial").latest(pytest.fail) for each in (run, whole))
    assert found
    assert expected
    np.testing.assert_equal(found.arrays, expected.arrays)
    rows = [[(row.position, row.metric, row.value) for row in Run(each).history.rows()] for each in (run, whole)]
    assert rows[0] == rows[1]
    if text == "numbers=0.5,constant=0.5":
        assert {"term_numbers", "term_constant"} <= {name for _, name, _ in rows[0]}
