"""PPO against a literal version of it, and against the policy gradient that one epoch of it is."""

from typing import Any

import numpy as np
import pytest

import reference
from parts import parts_of
from seqgan_cli.algorithms.adversarial import AdversarialTraining
from seqgan_cli.algorithms.ppo import PPO
from seqgan_cli.console import Console
from seqgan_cli.data.vocabulary import EOS, PAD, UNK, Vocabulary
from seqgan_cli.models.generator import Generator
from seqgan_cli.randomness import rng
from tiny import tiny_settings

pytestmark = pytest.mark.usefixtures("quickly")

VOCABULARY, LENGTH = Vocabulary(["a", "b", "c"]), 5
SIZES = {"generator.embedding-dim": 2, "generator.hidden-dim": 3, "data.source": "made-up", "data.kind": "text"}


def texts() -> np.ndarray:
    """Seven sequences of random tokens, of lengths from 1 to the longest."""
    draw = rng(0, "text")
    ends, columns = np.array([4, 1, 2, 3, 4, 2, 0])[:, None], np.arange(LENGTH)
    tokens = draw.integers(UNK + 1, VOCABULARY.size, (7, LENGTH))
    return np.where(columns < ends, tokens, np.where(columns == ends, EOS, PAD)).astype(np.int32)


def stage(algorithm: str = "ppo", **changes: Any) -> AdversarialTraining:
    chosen = tiny_settings(**{**SIZES, "adversarial.reward": "constant", "adversarial.algorithm": algorithm, **changes})
    generator = Generator(VOCABULARY, LENGTH, chosen.generator)
    generator.initialise(rng(0, "generator"), 1.0)
    return AdversarialTraining(chosen, parts_of(texts(), texts(), VOCABULARY), None, generator, Console(quiet=True))


def values_of(tokens: np.ndarray) -> np.ndarray:
    return rng(0, "values").normal(size=tokens.shape).astype(np.float32)


def arrays(training: AdversarialTraining) -> dict[str, np.ndarray]:
    return {name: variable.numpy() for name, variable in training.variables().items()}


def assert_close(found: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> None:
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        np.testing.assert_allclose(found[name], array, rtol=1e-3, atol=1e-5, err_msg=name)


@pytest.mark.compiled
@pytest.mark.sampled(1)
@pytest.mark.parametrize("epochs", [1, 4])
def test_steps_equal_the_literal_ones(epochs: int) -> None:
    """Of sequences of all lengths, by finite differences of the sum in the paper; some ratios are clipped on the way."""
    options = {"ppo.epochs": epochs, "ppo.clip": 0.1, "adversarial.g-learning-rate": 0.05, "adversarial.clip-norm": 1.0}
    training, tokens = stage(**options, **{"adversarial.baseline": "leave-one-out"}), texts()
    weights = [variable.numpy() for variable in training.generator.trainable_variables]
    rows = [row[: np.count_nonzero(row)].tolist() for row in tokens]
    by_row = [value[: len(row)].tolist() for value, row in zip(values_of(tokens), rows, strict=True)]
    advantages = reference.advantages(by_row, [[0.0] * len(row) for row in rows], True)
    after, met = reference.proximal_steps(weights, rows, advantages, 0.1, epochs, 0.05, 1.0, LENGTH)
    loss, *_ = training.algorithm._policy_step(tokens, values_of(tokens))
    expected_loss = -sum(map(sum, advantages))
    assert float(loss) == pytest.approx(expected_loss, rel=1e-4, abs=1e-4)
    for variable, expected in zip(training.generator.trainable_variables, after[-1], strict=True):
        np.testing.assert_allclose(variable.numpy(), expected, atol=2e-4)
    moved = max(np.abs(now - then).max() for now, then in zip(after[-1], weights, strict=True))
    assert moved == pytest.approx(0.05 * epochs, rel=0.3)
    assert training.algorithm.steps == epochs
    if epochs > 1:
        assert any(abs(ratio - 1.0) > 0.1 for ratio in met[-1])
        assert any(0.0 < abs(ratio - 1.0) < 0.1 for ratio in met[-1])


@pytest.mark.sampled(2)
@pytest.mark.usefixtures("eagerly")
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"adversarial.baseline": "value"},
        {"adversarial.kl-coefficient": 0.3, "adversarial.entropy-coefficient": 0.1, "adversarial.baseline": "mean"},
        {"adversarial.reward-transform": "standardize", "adversarial.mle-every": 1},
    ],
)
def test_one_epoch_is_a_step_of_policy_gradient(options: dict[str, Any]) -> None:
    """Whatever the advantages are made of, and in a second step that a moved policy takes."""
    steps = []
    for algorithm in ("ppo", "policy-gradient"):
        training = stage(algorithm, **{"adversarial.reward": "random", "ppo.epochs": 1, **options})
        for position in (1, 2):
            training.algorithm._policy_step(texts(), values_of(texts()) * position)
            training.algorithm.g_step(position, 0)
        steps.append(arrays(training))
    assert isinstance(stage().algorithm, PPO)
    assert_close(*steps)


def test_a_batch_without_spread_leaves_weights_and_optimizer_as_they_are() -> None:
    """Where policy gradient's momentum would move them still."""
    moved = []
    for algorithm in ("ppo", "policy-gradient"):
        training, tokens = stage(algorithm, **{"adversarial.baseline": "leave-one-out"}), texts()
        training.algorithm._policy_step(tokens, values_of(tokens))
        before = arrays(training)
        loss, *_ = np.asarray(training.algorithm._policy_step(tokens, np.full(tokens.shape, 0.7, np.float32))).tolist()
        assert loss == 0.0
        training.algorithm.g_step(1, 0)  # a constant reward has no spread
        moved.append([name for name, array in arrays(training).items() if (array != before[name]).any()])
    assert moved[0] == []
    assert "g_optimizer/count" in moved[1]


@pytest.mark.usefixtures("eagerly")
def test_what_is_saved_after_a_round_goes_on_to_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(AdversarialTraining, "scores", lambda self, position: {})
    options = {"ppo.epochs": 2, "adversarial.reward": "bleu", "adversarial.kl-target": 0.5, "adversarial.g-steps": 2}
    whole = stage(**options)
    whole.advance(1, lambda _: None)
    saved = arrays(whole)
    whole.advance(2, lambda _: None)
    again = stage(**options)
    for name, variable in again.variables().items():
        variable.assign(saved[name])
    again.advance(2, lambda _: None)
    np.testing.assert_equal(arrays(again), arrays(whole))
    assert saved["kl_coefficient"] != arrays(whole)["kl_coefficient"]


def test_a_step_that_spoils_the_numbers_is_told() -> None:
    training = stage(**{"adversarial.g-learning-rate": 1e38})
    loss, *_ = training.algorithm._policy_step(texts(), values_of(texts()))
    assert np.isnan(loss)
