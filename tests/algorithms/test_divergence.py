"""The penalty on the divergence from the policy that the rounds began with, and the controller of its weight."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

import reference
from parts import drawn
from seqgan_cli.algorithms.adversarial import AdversarialTraining
from seqgan_cli.algorithms.divergence import KLPenalty, KLPenaltySettings
from seqgan_cli.algorithms.rollout import ActionValues
from seqgan_cli.config.sections import GeneratorSettings
from seqgan_cli.console import Console
from seqgan_cli.data.vocabulary import Vocabulary
from seqgan_cli.models.generator import Generator
from seqgan_cli.randomness import key, rng
from seqgan_cli.rewards.base import Reward
from seqgan_cli.sampling.likelihood import sequence_nll
from seqgan_cli.sampling.sequences import sample
from tiny import tiny_settings

pytestmark = pytest.mark.usefixtures("quickly")


def stage(**changes: Any) -> AdversarialTraining:
    chosen = tiny_settings(**{"adversarial.reward": "constant", **changes})
    corpus, oracle = drawn(chosen)
    generator = Generator(corpus.vocabulary, corpus.sequence_length, chosen.generator)
    generator.initialise(rng(0, "generator"))
    return AdversarialTraining(chosen, corpus, oracle, generator, Console(quiet=True))


def penalty(coefficient: float, target: float) -> KLPenalty:
    generator = Generator(Vocabulary(size=4), 3, GeneratorSettings(embedding_dim=2, hidden_dim=2))
    return KLPenalty(generator, KLPenaltySettings(kl_coefficient=coefficient, kl_target=target))


# Ziegler et al. 2019, §2.2: e = clip((KL − target) / target, −0.2, 0.2), β ← β (1 + 0.1 e); here with a target of 4 nats.
MOVES = [(4.0, 1.0), (4.4, 1.01), (3.6, 0.99), (4.8, 1.02), (4.81, 1.02), (400.0, 1.02), (3.2, 0.98), (0.0, 0.98), (-5.0, 0.98)]


@pytest.mark.parametrize("first", [0.0, 0.3])
def test_the_coefficient_moves_as_published(first: float) -> None:
    held, expected = penalty(first, 4.0), first or 0.1
    for divergence, factor in MOVES:
        assert held.move(divergence) == {"kl": divergence, "kl_coefficient": pytest.approx(expected, rel=1e-6)}
        expected *= factor
        assert float(held.coefficient) == pytest.approx(expected, rel=1e-6)
    assert "kl_coefficient" in held.variables()


def test_a_coefficient_without_a_target_stays() -> None:
    fixed = penalty(0.3, 0.0)
    for divergence, _ in MOVES:
        assert fixed.move(divergence) == {"kl": divergence}
    assert fixed.coefficient == 0.3
    assert all(name.startswith("start/") for name in fixed.variables())


def test_kl_is_the_mean_log_ratio_of_the_samples() -> None:
    """In nats a sequence, of the policy that drew them, as literal logits have it; the round's is the mean of its g-steps."""
    training = stage(**{"adversarial.kl-target": 1.0, "adversarial.g-steps": 2})
    weights = [[variable.numpy() for variable in training.generator.trainable_variables]]
    training.generator.initialise(rng(1, "elsewhere"), 0.7)
    steps, g_step = [], training.algorithm.g_step

    def kept(position: int, part: int) -> Any:
        now = [variable.numpy() for variable in training.generator.trainable_variables]
        step = g_step(position, part)
        ratios = [
            reference.sequence_nll(weights[0], row) - reference.sequence_nll(now, row) for row in step.tokens.tolist()
        ]
        assert step.measured["kl"] == pytest.approx(np.mean(ratios), rel=1e-4)
        steps.append(step.measured)
        return step

    training.algorithm.g_step = kept  # type: ignore[method-assign]
    scores = training.advance(1, lambda _: None)
    assert len(steps) == 2
    for name in ("kl", "kl_coefficient"):
        assert scores[name] == pytest.approx(np.mean([step[name] for step in steps]))
    assert scores["kl"] > 0.5
    assert steps[0]["kl_coefficient"] == pytest.approx(0.1)
    factor = 1.0 + 0.1 * float(np.clip(steps[0]["kl"] - 1.0, -0.2, 0.2))
    assert steps[1]["kl_coefficient"] == pytest.approx(0.1 * factor, rel=1e-5)


class Ones(Reward):
    """The share of tokens that are 1."""

    def __call__(self, tokens: Any, key: Any) -> Any:
        return tf.reduce_mean(tf.cast(tokens == 1, tf.float32), axis=1)


@pytest.mark.compiled
def test_a_target_is_held() -> None:
    """Within a factor of 2, where a policy without one goes far beyond."""
    target, divergences = 2.0, []
    for options in ({"adversarial.kl-target": target}, {}):
        common = {"adversarial.batch-size": 64, "adversarial.rollouts": 0, "adversarial.baseline": "leave-one-out"}
        training = stage(**common, **options)
        start = training.generator.clone("begun_with")
        training.algorithm.action_values = ActionValues(training.algorithm.policy, Ones(), 0)
        measured = [training.algorithm.g_step(1, part).measured.get("kl") for part in range(200)]
        samples = sample(training.generator, 1000, key(0, "samples"))
        divergences.append(float((sequence_nll(start, samples) - sequence_nll(training.generator, samples)).mean()))
        if options:
            assert target / 2 < np.mean(measured[-30:]) < 2 * target
            assert float(training.algorithm.kl_penalty.coefficient) != pytest.approx(0.1, rel=0.05)
        else:
            assert measured == [None] * 200
    assert target / 2 < divergences[0] < 2 * target
    assert divergences[1] > 4 * target


def weights(generator: Generator) -> list[np.ndarray]:
    return [variable.numpy() for variable in generator.trainable_variables]


@pytest.mark.parametrize("against", ["start", "round"])
def test_a_reference_that_follows_is_what_the_last_round_left(against: str) -> None:
    trained = stage(**{"adversarial.kl-coefficient": 1.0, "adversarial.kl-reference": against})
    began = weights(trained.generator)
    for position in (1, 2):
        trained.advance(position, lambda work: None)
    penalty, left = trained.algorithm.kl_penalty, weights(trained.generator)
    expected = left if against == "round" else began
    for own, wanted in zip(weights(penalty.policy), expected, strict=True):
        np.testing.assert_array_equal(own, wanted)
    assert any((own != wanted).any() for own, wanted in zip(began, left, strict=True))
    step = trained.algorithm.g_step(3, 0)  # in a round's first the policy is still what the last one left
    assert (step.measured["kl"] == 0.0) == (against == "round")
    assert {id(variable) for variable in penalty.policy.trainable_variables} <= {*map(id, trained.variables().values())}


def test_a_reference_needs_a_penalty() -> None:
    (message,) = (why for wrong, why in KLPenaltySettings(kl_reference="round").penalty_conflicts() if wrong)
    assert message.startswith("adversarial.kl-reference=round is of a KL penalty")
    for fine in (KLPenaltySettings(), KLPenaltySettings(kl_reference="round", kl_target=1.0)):
        assert not any(wrong for wrong, _ in fine.penalty_conflicts())
