"""The policy gradient against analysis, and on a reward it must learn."""

import functools
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

import reference
from parts import drawn, parts_of
from sampled import examples
from seqgan_cli.algorithms.advantages import policy_gradient_loss
from seqgan_cli.algorithms.adversarial import AdversarialTraining
from seqgan_cli.algorithms.rollout import ActionValues
from seqgan_cli.config.checks import check_together
from seqgan_cli.console import Console
from seqgan_cli.data.vocabulary import EOS, PAD, UNK, Vocabulary
from seqgan_cli.errors import SeqganError, UsageError
from seqgan_cli.models.generator import Generator
from seqgan_cli.randomness import key, rng
from seqgan_cli.rewards.base import Reward
from seqgan_cli.rewards.bleu import BleuReward
from seqgan_cli.runs.run import Run
from seqgan_cli.sampling.likelihood import sequence_nll
from seqgan_cli.sampling.sequences import sample
from seqgan_cli.training.stage import run_stage
from tiny import tiny_settings


def stage(**changes: Any) -> AdversarialTraining:
    chosen = tiny_settings(**changes)
    corpus, oracle = drawn(chosen)
    generator = Generator(corpus.vocabulary, corpus.sequence_length, chosen.generator)
    generator.initialise(rng(0, "generator"))
    return AdversarialTraining(chosen, corpus, oracle, generator, Console(quiet=True))


VOCABULARY = Vocabulary(["a", "b", "c"])
LENGTH = 6


def text_stage(**changes: Any) -> AdversarialTraining:
    """On made-up text, of a generator whose samples end anywhere."""
    chosen = tiny_settings(**{"data.source": "made-up", "data.kind": "text", **changes})
    train = text_table(VOCABULARY, LENGTH, 40)
    generator = Generator(VOCABULARY, LENGTH, chosen.generator)
    generator.initialise(rng(0, "generator"), 1.0)
    return AdversarialTraining(chosen, parts_of(train, train[:20], VOCABULARY), None, generator, Console(quiet=True))


def text_table(vocabulary: Vocabulary, length: int, num: int) -> np.ndarray:
    """Sequences of random ordinary tokens and lengths, int32 [num, length]."""
    draw = rng(0, "text")
    ends, columns = draw.integers(1, length, num)[:, None], np.arange(length)
    tokens = draw.integers(UNK + 1, vocabulary.size, (num, length))
    return np.where(columns < ends, tokens, np.where(columns == ends, EOS, PAD)).astype(np.int32)


@pytest.mark.sampled(2)
@pytest.mark.parametrize("baseline", ["mean", "leave-one-out"])
@pytest.mark.parametrize("make", [stage, text_stage])
@pytest.mark.parametrize("transform", ["none", "standardize"])
def test_a_constant_reward_moves_nothing_with_a_baseline(
    baseline: str, transform: str, make: Callable[..., AdversarialTraining]
) -> None:
    """To the last bit, whatever the lengths of the samples, and whatever weights they are drawn with."""
    changes = {"adversarial.baseline": baseline, "adversarial.batch-size": 5}
    training = make(**{"adversarial.reward": "constant", "adversarial.reward-transform": transform, **changes})
    lengths = set()

    def check(seed: int, spread: float) -> None:
        training.generator.initialise(rng(seed, "generator"), spread)
        training.algorithm.policy.update(training.generator, 0.0)
        before = [variable.numpy() for variable in training.generator.trainable_variables]
        step = training.algorithm.g_step(seed, 0)
        values, mask = step.rewards, step.mask
        np.testing.assert_array_equal(values[mask], 0.5)
        lengths.add(tuple(mask.sum(axis=1)))
        for weights, variable in zip(before, training.generator.trainable_variables, strict=True):
            np.testing.assert_array_equal(variable.numpy(), weights)

    drawn_with = given(st.integers(0, 2**31 - 1), st.sampled_from([0.1, 1.0, 3.0]))
    settings(max_examples=examples(15), deadline=None)(drawn_with(check))()
    if make is text_stage:
        assert any(row.count(max(row)) == 1 for row in lengths), "in some batch one sequence goes on alone"


@pytest.mark.usefixtures("unscored", "eagerly")
def test_a_constant_reward_without_a_baseline_moves_the_weights() -> None:
    training = stage(**{"adversarial.reward": "constant", "adversarial.baseline": "none"})
    before = [variable.numpy() for variable in training.generator.trainable_variables]
    training.advance(1, lambda _: None)
    assert any((b != v.numpy()).any() for b, v in zip(before, training.generator.trainable_variables, strict=True))


@pytest.mark.parametrize("baseline", ["mean", "leave-one-out"])
def test_advantages_hold_the_costs_of_tokens_of_those_who_go_on_alone_too(baseline: str) -> None:
    """A cost of departure and a reward of surprise, of a policy that has departed, by the literal loop from literal logits."""
    coefficients = {"adversarial.kl-coefficient": 0.3, "adversarial.entropy-coefficient": 0.05}
    training = text_stage(**{"adversarial.reward": "constant", "adversarial.baseline": baseline, **coefficients})
    training.generator.initialise(rng(1, "elsewhere"), 1.0)
    assert training.algorithm.kl_penalty

    def surprises(network: Generator, ids: np.ndarray) -> np.ndarray:
        weights, found = [variable.numpy() for variable in network.trainable_variables], []
        for t, token in enumerate(ids):
            logits = reference.next_logits(weights, ids[:t])
            logits[[PAD, UNK]] = -np.inf
            certain = t == LENGTH - 1  # where only the end can stand, it costs nothing
            found.append(0.0 if certain else -np.log(reference.softmax(logits)[token]))
        return np.array(found)

    tokens = text_table(VOCABULARY, LENGTH, 7)
    tokens[0] = [3, 4, 5, 3, 4, EOS]
    tokens[1:, 3] = np.where(tokens[1:, 3] > EOS, EOS, tokens[1:, 3])
    tokens[1:, 4:] = PAD  # all others end before
    rows = [row[: np.count_nonzero(row)] for row in tokens]
    assert sorted(map(len, rows))[-2:] == [4, 6]
    values = rng(0, "values").normal(size=tokens.shape).astype(np.float32)
    costs = []
    for row in rows:
        mine, started = surprises(training.generator, row), surprises(training.algorithm.kl_penalty.policy, row)
        costs.append(0.3 * (started - mine) - 0.05 * mine)
    by_row = [value[: len(row)] for value, row in zip(values, rows, strict=True)]
    expected = reference.advantages(by_row, costs, baseline == "leave-one-out")
    climbed: list[np.ndarray] = []

    def loss(policy: Any, tokens: Any, advantages: Any) -> Any:
        climbed.append(advantages.numpy())
        return policy_gradient_loss(policy, tokens, advantages)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("seqgan_cli.algorithms.policy_gradient.policy_gradient_loss", loss)
        training.algorithm.policy_step(tf.constant(tokens), tf.constant(values))
    np.testing.assert_allclose(climbed[0][tokens != PAD], np.concatenate(expected), rtol=1e-4, atol=1e-5)
    assert np.abs(np.concatenate(costs)).max() > 0.5


@pytest.mark.sampled(1)
@pytest.mark.parametrize("rollouts", [0, 4])
def test_a_trivial_reward_is_learned(rollouts: int) -> None:
    """Reward: the share of tokens that are 1. Without rollouts the whole sequence's is all a token learns from."""

    class Ones(Reward):
        def __call__(self, tokens: Any, key: Any) -> Any:
            return tf.reduce_mean(tf.cast(tokens == 1, tf.float32), axis=1)

    training = stage(**{"adversarial.reward": "constant", "adversarial.batch-size": 32, "adversarial.rollouts": rollouts})
    training.algorithm.action_values = ActionValues(training.algorithm.policy, Ones(), rollouts)

    def share() -> float:
        return float((sample(training.generator, 1000, key(0, "share")) == 1).mean())

    before = share()
    for i in range(60):
        training.algorithm.g_step(i, 0)
        training.algorithm.policy.update(training.generator, 0.0)
    assert before < 0.2
    assert share() > 0.8


@pytest.mark.usefixtures("unscored", "eagerly")
def test_beta_follows_only_at_the_end_of_a_round() -> None:
    training = stage(**{"adversarial.reward": "constant", "adversarial.g-steps": 2, "adversarial.update-rate": 0.8})
    theta, beta = training.generator.trainable_variables, training.algorithm.policy.network.trainable_variables
    start = [variable.numpy() for variable in beta]
    training.advance(1, lambda _: None)
    for s, b, t in zip(start, beta, theta, strict=True):
        np.testing.assert_allclose(b.numpy(), 0.8 * s + 0.2 * t.numpy(), rtol=1e-5, atol=1e-7)


@pytest.mark.usefixtures("unscored")
def test_a_round_traces_nothing_after_the_first() -> None:
    training = stage()
    training.advance(1, lambda _: None)
    functions = [training.algorithm._sample_and_score, training.algorithm._policy_step, training.trainer._steps]  # type: ignore[union-attr]
    traced = [function.experimental_get_tracing_count() for function in functions]
    training.advance(2, lambda _: None)
    training.advance(3, lambda _: None)
    assert [function.experimental_get_tracing_count() for function in functions] == traced == [1, 1, 1]


@pytest.mark.usefixtures("eagerly")
@pytest.mark.parametrize("reward", ["constant", "random"])
def test_controls_train_no_discriminator(reward: str) -> None:
    training = stage(**{"adversarial.reward": reward})
    assert training.trainer is None
    scores = training.advance(1, lambda _: None)
    assert "d_loss" not in scores
    assert {"reward_mean", "reward_01", "reward_05", "nll_oracle", "nll_validation", "entropy", "distinct_share"} <= set(scores)


@pytest.mark.usefixtures("eagerly")
def test_reward_bleu_trains_no_discriminator_and_has_none() -> None:
    training = stage(**{"adversarial.reward": "bleu"})
    assert training.trainer is None
    assert {name.partition("/")[0] for name in training.variables()} == {"generator", "rollout_policy", "g_optimizer"}
    assert training.work == training.settings.adversarial.g_steps * training.algorithm.work
    scores = training.advance(1, lambda _: None)
    assert not any(name.startswith("d_") for name in scores)
    assert 0 < scores["reward_mean"] < 1


@pytest.mark.parametrize(
    ("share", "count"), [(1.0, 96), (0.25, 24), (0.999, 96), (0.5, 48), (0.0001, 1), (1 / 96, 1), (2.4 / 96, 2)]
)
def test_reward_bleu_compares_with_its_share_of_the_training_set(share: float, count: int) -> None:
    training = stage(**{"adversarial.reward": "bleu", "adversarial.reward-references": share})
    reward = training.algorithm.action_values.reward
    assert isinstance(reward, BleuReward)
    assert reward.references.count == count
    assert reward.weights == (0.5, 0.5)


def test_references_are_drawn_by_the_seed_and_once_each() -> None:
    """With order T, only a reference itself scores 1: so they can be told."""

    def chosen(**changes: Any) -> np.ndarray:
        training = stage(
            **{
                "data.vocab-size": 200,  # enough for all training sequences to differ
                "adversarial.reward": "bleu",
                "adversarial.reward-references": 0.25,
                "adversarial.reward-order": 5,
                **changes,
            }
        )
        assert len(np.unique(training.corpus.train, axis=0)) == 96
        reward = training.algorithm.action_values.reward
        assert isinstance(reward, BleuReward)
        return np.nonzero(reward.scores(training.corpus.train) == 1.0)[0]

    first = chosen()
    assert len(first) == 24
    np.testing.assert_array_equal(chosen(**{"adversarial.rollouts": 0}), first)
    assert set(chosen(seed=1)) != set(first)
    assert set(range(24)) != set(first)
    assert first.max() > 72


@pytest.mark.whole  # its values are held against counts, and that a reward is learned by the one before
def test_reward_bleu_is_learned() -> None:
    """Against the references of training, that of samples rises."""
    training = stage(**{"adversarial.reward": "bleu", "adversarial.reward-references": 0.05, "adversarial.batch-size": 32})
    reward = training.algorithm.action_values.reward
    assert isinstance(reward, BleuReward)

    def mean() -> float:
        return float(reward.scores(sample(training.generator, 1000, key(0, "mean"))).mean())

    before = mean()
    for i in range(60):
        training.algorithm.g_step(i, 0)
        training.algorithm.policy.update(training.generator, 0.0)
    assert mean() > before + 0.2


def test_monitor_defaults_to_what_can_be_known() -> None:
    assert stage().monitor == "nll_oracle"
    assert text_stage().monitor == "nll_validation"
    assert text_stage(**{"adversarial.monitor": "reward_mean"}).monitor == "reward_mean"


# Whether more is better.
MONITORS = {"nll_oracle": False, "nll_validation": False, "distinct_share": True, "reward_mean": True, "reward_final": True}


@settings(deadline=None, max_examples=examples(30))
@given(
    st.sampled_from([(stage, "nll_oracle"), (text_stage, "nll_validation")]),
    st.sampled_from(["auto", *MONITORS]),
    st.lists(st.lists(st.integers(-9, 9), min_size=6, max_size=6), min_size=2, max_size=6),
)
def test_the_best_round_is_that_of_the_score_that_is_asked_for_or_can_be_known(
    kind: tuple[Callable[..., AdversarialTraining], str], monitor: str, curve: list[list[int]]
) -> None:
    """Whatever else is measured beside it, such as d_loss: the first round with the best value of that score, if it betters
    the start."""
    make, usual = kind
    training = MADE.setdefault(make, make(**{"adversarial.reward": "constant"}))
    chosen = monitor if monitor != "auto" else usual
    training.settings = tiny_settings(
        **{
            "data.source": "oracle" if make is stage else "made-up",
            "adversarial.monitor": monitor,
            "adversarial.rounds": len(curve) - 1,
        }
    )
    training.target, training.monitor = len(curve) - 1, training.settings.monitor("adversarial")
    rows = [dict(zip((*MONITORS, "d_loss"), map(float, values), strict=True)) for values in curve]
    for row in rows:
        row["distinct_share"] = (row["distinct_share"] + 9) / 18  # a share
    with pytest.MonkeyPatch.context() as patched, tempfile.TemporaryDirectory() as folder:
        patched.setattr(training, "scores", lambda position: rows[position])
        patched.setattr(training, "advance", lambda position, tick: rows[position])
        run_stage(training, Run(Path(folder)), Console(quiet=True))
        best = Run(Path(folder)).checkpoints("adversarial").best()
    values = [-row[chosen] if MONITORS[chosen] else row[chosen] for row in rows]
    expected = values.index(min(values))
    assert (best.position if best else 0) == expected


MADE: dict[Any, AdversarialTraining] = {}


def state(training: AdversarialTraining) -> dict[str, np.ndarray]:
    return {name: variable.numpy() for name, variable in training.variables().items()}


@functools.cache
def two_rounds(options: frozenset[tuple[str, Any]], compiled: bool = False) -> tuple[dict[str, np.ndarray], ...]:
    """All that a stage with these options, else the paper's, has after the first round and after the second."""
    assert tf.config.functions_run_eagerly() != compiled
    training, states = stage(**dict(options)), []
    for position in (1, 2):
        training.advance(position, lambda _: None)
        states.append(state(training))
    return tuple(states)


def of_generator(variables: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: array for name, array in variables.items() if name.startswith("generator/")}


OPTIONS = [
    {"adversarial.baseline": "leave-one-out", "adversarial.reward-transform": "standardize"},
    {"adversarial.baseline": "value"},
    {"adversarial.reward-transform": "mali", "adversarial.baseline": "mean"},
    {"adversarial.kl-coefficient": 0.1, "adversarial.entropy-coefficient": 0.01},
    {"adversarial.reward": "partial", "discriminator.prefixes": True},
    {"adversarial.reward": "lm", "adversarial.baseline": "mean"},
    {"adversarial.reward-transform": "rank"},
    {"discriminator.kind": "recurrent", "discriminator.hidden-dim": 6, "discriminator.weight-decay": 0.1},
    {"discriminator.kind": "attention", "discriminator.hidden-dim": 6, "discriminator.label-smoothing": 0.1},
    {"discriminator.loss": "wasserstein", "discriminator.gradient-penalty": 1.0, "adversarial.baseline": "mean"},
    {"generator.cell": "attention"},
    {"generator.cell": "transformer", "generator.heads": 1},
    {"generator.layers": 2, "generator.layer-norm": True},
    {"adversarial.rollout-policy": "ngram"},
    {"adversarial.rollout-horizon": 2},
    {"adversarial.rollout-horizon": 1, "adversarial.baseline": "value"},
    {"adversarial.mle-every": 2, "adversarial.g-steps": 3, "pretrain-g.dropout": 0.3, "pretrain-g.weight-decay": 0.1},
    {"adversarial.algorithm": "ppo", "ppo.epochs": 2, "ppo.clip": 0.01, "adversarial.baseline": "leave-one-out"},
    {"adversarial.kl-target": 0.5},
    {"adversarial.reward": "discriminator=0.5,bleu*random=0.5", "adversarial.rollouts": 0},
]


# Without these, what goes with them in OPTIONS is refused.
NEEDED = [
    *(("discriminator.prefixes", True), ("discriminator.gradient-penalty", 1.0)),
    *(("generator.cell", "transformer"), ("generator.heads", 1)),
]


@pytest.fixture
def unscored(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rounds are not scored, which takes half of the time and moves nothing."""
    monkeypatch.setattr(AdversarialTraining, "scores", lambda self, position: {})


@pytest.mark.sampled(1)
@pytest.mark.usefixtures("unscored", "eagerly")
@pytest.mark.parametrize(
    ("options", "name"),
    [(options, name) for options in OPTIONS for name in options],
    ids=lambda part: " ".join([part] if isinstance(part, str) else part),
)
def test_every_option_acts(options: dict[str, Any], name: str) -> None:
    """Each by itself: with the others that go with it, the generator becomes another without it. Or they need it."""
    others = {other: value for other, value in options.items() if other != name}
    check_together(tiny_settings(**options))
    if (name, options[name]) in NEEDED:
        with pytest.raises(UsageError):
            check_together(tiny_settings(**others))
        return
    check_together(tiny_settings(**others))
    with_it, without = (of_generator(two_rounds(frozenset(chosen.items()))[1]) for chosen in (options, others))
    assert with_it.keys() != without.keys() or any(
        array.shape != without[name].shape or (array != without[name]).any() for name, array in with_it.items()
    )


def check_that_it_goes_on(options: dict[str, Any], compiled: bool) -> None:
    """What was saved after the first of two rounds, in a training made anew, comes to what the two came to."""
    (saved, expected), again = two_rounds(frozenset(options.items()), compiled), stage(**options)
    assert (again.trainer is None) == (options.get("adversarial.reward") == "lm")
    assert again.variables().keys() == saved.keys()
    for name, variable in again.variables().items():
        variable.assign(saved[name])
    again.advance(2, lambda _: None)
    np.testing.assert_equal(state(again), expected)
    for fixed in ("start/", "language_model/"):  # what rewards hold on to, whatever pretrain-g does meanwhile
        held = [name for name in saved if name.startswith(fixed)]
        assert all(np.array_equal(saved[name], expected[name]) for name in held)
        kl = not {"adversarial.kl-coefficient", "adversarial.kl-target"}.isdisjoint(options)
        assert bool(held) == {"start/": kl, "language_model/": options.get("adversarial.reward") == "lm"}[fixed]


@pytest.mark.sampled(2)
@pytest.mark.usefixtures("unscored", "eagerly")
@pytest.mark.parametrize("options", OPTIONS, ids=lambda options: " ".join(options))
def test_what_is_saved_goes_on_as_if_never_stopped(options: dict[str, Any]) -> None:
    check_that_it_goes_on(options, compiled=False)


@pytest.mark.whole  # eager ones are above; compiled ones of one setting in tests/training/test_stage.py
@pytest.mark.usefixtures("unscored")
@pytest.mark.parametrize("options", OPTIONS, ids=lambda options: " ".join(options))
def test_what_is_saved_goes_on_as_if_never_stopped_in_compiled_steps_too(options: dict[str, Any]) -> None:
    """Which hold on to what Python knew when they were traced."""
    check_that_it_goes_on(options, compiled=True)


@pytest.mark.whole
def test_the_cost_of_departure_keeps_the_policy_near_where_it_began() -> None:
    """Under a reward for one token: the divergence from the start is a fraction of what it is without."""

    class Ones(Reward):
        def __call__(self, tokens: Any, key: Any) -> Any:
            return tf.reduce_mean(tf.cast(tokens == 1, tf.float32), axis=1)

    divergences = []
    for coefficient in (0.0, 1.0):
        options = {"adversarial.kl-coefficient": coefficient, "adversarial.batch-size": 32}
        training = stage(**{"adversarial.reward": "constant", **options})
        start = training.generator.clone("start")
        training.algorithm.action_values = ActionValues(training.algorithm.policy, Ones(), 2)
        for i in range(60):
            training.algorithm.g_step(i, 0)
            training.algorithm.policy.update(training.generator, 0.0)
        samples = sample(training.generator, 500, key(0, "samples"))
        divergences.append(float((sequence_nll(start, samples) - sequence_nll(training.generator, samples)).mean()))
    assert divergences[0] > 1.0
    assert divergences[1] < 0.3 * divergences[0]


@pytest.mark.usefixtures("unscored", "eagerly")
def test_maximum_likelihood_is_taught_after_every_so_many_steps_over_rounds() -> None:
    training = stage(**{"adversarial.mle-every": 2, "adversarial.g-steps": 3, "adversarial.reward": "constant"})
    taught = []
    training.algorithm.likelihood.step = lambda position, part: taught.append((position, part)) or 0.0  # type: ignore[assignment, func-returns-value]
    for position in (1, 2):
        training.advance(position, lambda _: None)
    assert taught == [(1, 1), (2, 0), (2, 2)]


@pytest.mark.usefixtures("unscored", "eagerly")
@pytest.mark.parametrize(("own", "expected"), [(0.0, 0.03), (0.002, 0.002)])
def test_the_first_step_of_likelihood_between_is_as_large_as_its_step_size(own: float, expected: float) -> None:
    """Adam's first step moves each weight by the step size, whichever way its gradient points (Kingma and Ba 2015, §2.1)."""
    sizes = {"adversarial.mle-learning-rate": own, "pretrain-g.learning-rate": 0.03}
    training = stage(**{"adversarial.mle-every": 1, "adversarial.reward": "constant", **sizes})
    variables = training.generator.trainable_variables
    before = [variable.numpy() for variable in variables]
    training.algorithm.likelihood.step(1, 0)
    moved = max(np.abs(variable.numpy() - was).max() for variable, was in zip(variables, before, strict=True))
    assert moved == pytest.approx(expected, rel=1e-3)


def test_teaching_lowers_the_loss_on_the_training_set() -> None:
    training = stage(**{"adversarial.mle-every": 1, "adversarial.reward": "constant"})
    before = sequence_nll(training.generator, training.corpus.train).mean()
    for part in range(40):
        training.algorithm.likelihood.step(1, part)
    assert sequence_nll(training.generator, training.corpus.train).mean() < before - 0.5


@pytest.mark.sampled(1)
@pytest.mark.parametrize(
    ("options", "blamed"),
    [
        ({"adversarial.baseline": "value", "adversarial.value-learning-rate": 1e38}, "adversarial.value-learning-rate"),
        ({"adversarial.g-learning-rate": 1e38}, "adversarial.g-learning-rate"),
    ],
)
def test_what_spoils_the_numbers_is_named(options: dict[str, Any], blamed: str) -> None:
    training = stage(**{"adversarial.reward": "constant", "adversarial.g-steps": 6, **options})
    with pytest.raises(SeqganError, match=f"smaller {blamed}"):
        training.advance(1, lambda _: None)
