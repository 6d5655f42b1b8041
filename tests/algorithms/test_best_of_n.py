"""Learning from the best of n samples: literal steps, and the density that they lead to, by enumeration."""

import itertools
from typing import Any

import numpy as np
import pytest

import reference
from parts import parts_of
from seqgan_cli.algorithms.adversarial import AdversarialTraining
from seqgan_cli.algorithms.best_of_n import BestOfN
from seqgan_cli.config.checks import check_together
from seqgan_cli.console import Console
from seqgan_cli.data.vocabulary import Vocabulary
from seqgan_cli.errors import UsageError
from seqgan_cli.lazy import tf
from seqgan_cli.models.generator import Generator
from seqgan_cli.randomness import key, rng
from seqgan_cli.rewards.base import Reward
from seqgan_cli.sampling.likelihood import sequence_nll
from seqgan_cli.sampling.sequences import sample_batch
from seqgan_cli.training.backend import several_devices
from tiny import tiny_settings

EVERY = np.array([*itertools.product(range(4), repeat=2)], np.int32)  # all sequences of 2 tokens among 4
WORTH = np.array([0.2, 0.9, 0.5, 0.5, 0.1, 0.0, 0.7, 0.9, 0.3, 0.4, 0.6, 0.8, 1.0, 0.5, 0.2, 0.1], np.float32)  # some tie
SMALL = {
    "data.vocab-size": 4,
    "data.sequence-length": 2,
    "adversarial.algorithm": "best-of-n",
    "adversarial.reward": "constant",
    "best-of-n.n": 3,
    "best-of-n.batch-size": 5,
    "best-of-n.learning-rate": 0.05,
    "generator.embedding-dim": 3,
    "generator.hidden-dim": 4,
}


class Table(Reward):
    """What each of the sequences is worth, looked up."""

    def __call__(self, tokens: Any, key: Any) -> Any:
        return tf.gather(WORTH, tokens[:, 0] * 4 + tokens[:, 1])


def training(reward: Reward | None = None, **changes: Any) -> AdversarialTraining:
    settings = tiny_settings(**{**SMALL, **changes})
    check_together(settings)
    vocabulary = Vocabulary(size=4)
    generator = Generator(vocabulary, 2, settings.generator)
    generator.initialise(rng(0, "generator"), 1.0)
    stage = AdversarialTraining(settings, parts_of(EVERY, EVERY, vocabulary), None, generator, Console(quiet=True))
    stage.algorithm.reward = reward or Table()
    return stage


def arrays(stage: AdversarialTraining) -> dict[str, np.ndarray]:
    return {name: variable.numpy() for name, variable in stage.variables().items()}


def density(generator: Generator) -> np.ndarray:
    """Of each of the sequences, float64 `[16]`."""
    found = np.exp(-sequence_nll(generator, EVERY).astype(np.float64))
    assert found.sum() == pytest.approx(1.0, abs=1e-5)
    return found / found.sum()


def best_of(probabilities: np.ndarray, n: int) -> np.ndarray:
    """The density of the best of n draws, over all n-tuples; those that tie share it."""
    chosen = np.zeros(len(probabilities))
    for draws in itertools.product(range(len(probabilities)), repeat=n):
        top = [i for i in draws if WORTH[i] == max(WORTH[[*draws]])]
        for i in top:
            chosen[i] += probabilities[[*draws]].prod() / len(top)
    return chosen


def divergence(p: np.ndarray, q: np.ndarray) -> float:
    """KL(p ‖ q) in nats."""
    return float((p * np.log(p / q)).sum())


def adam(weights: list[np.ndarray], gradients: list[np.ndarray], step_size: float) -> list[np.ndarray]:
    """The first step of Adam (Kingma and Ba 2015, Algorithm 1), whose corrected moments are the gradient and its square."""
    return [w - step_size * g / (np.abs(g) + 1e-7) for w, g in zip(weights, gradients, strict=True)]


@pytest.mark.usefixtures("eagerly")
def test_a_step_teaches_the_best_of_each_group_and_nothing_else() -> None:
    stage = training(**{"best-of-n.learning-rate": 0.01})
    algorithm = stage.algorithm
    assert isinstance(algorithm, BestOfN)
    weights = [variable.numpy().astype(np.float64) for variable in stage.generator.trainable_variables]
    address = (stage.settings.seed, "adversarial", "g-step", 1, 0)
    drawn = sample_batch(stage.generator, 15, key(*address, "sample")).numpy()
    worth = WORTH[drawn[:, 0] * 4 + drawn[:, 1]]
    step = algorithm.g_step(1, 0)
    np.testing.assert_array_equal(step.tokens, drawn)
    np.testing.assert_array_equal(step.rewards, np.repeat(worth[:, None], 2, axis=1))
    best = []
    for first in range(0, 15, 3):
        group, values = drawn[first : first + 3], worth[first : first + 3]
        # No two different sequences tie, or the literal step would have to draw as the fast one does.
        assert len({tuple(row) for row in group[values == values.max()]}) == 1, "choose another seed"
        best.append(group[np.argmax(values)])
    loss, gradients = 0.0, [np.zeros_like(w) for w in weights]
    for row in best:  # the mean of −log over the 10 tokens
        part, slopes = reference.weighted_nll_gradients(weights, row.tolist(), [0.1, 0.1])
        loss += part
        gradients = [a + b for a, b in zip(gradients, slopes, strict=True)]
    assert step.loss == pytest.approx(loss, rel=1e-5)
    norm = np.sqrt(sum((g**2).sum() for g in gradients))
    assert norm < stage.settings.pretrain_g.clip_norm
    after = adam(weights, gradients, 0.01)
    for variable, expected, gradient in zip(stage.generator.trainable_variables, after, gradients, strict=True):
        clear = np.abs(gradient) > 1e-5  # of the others float32 has no more than the first digits
        np.testing.assert_allclose(variable.numpy()[clear], expected[clear], atol=2e-4)
        assert clear.any()
    assert algorithm.steps == 1


@pytest.mark.usefixtures("eagerly")
def test_its_samples_are_the_starts_or_the_policys_as_it_is() -> None:
    for policy in ("start", "current"):
        stage = training(**{"best-of-n.policy": policy})
        start = [variable.numpy() for variable in stage.generator.trainable_variables]
        stage.algorithm.g_step(1, 0)
        step = stage.algorithm.g_step(2, 0)
        now = [variable.numpy() for variable in stage.generator.trainable_variables]
        where = key(stage.settings.seed, "adversarial", "g-step", 2, 0, "sample")
        other = training(**{"best-of-n.policy": policy})
        for variable, array in zip(other.generator.trainable_variables, start, strict=True):
            variable.assign(array)
        same = (sample_batch(other.generator, 15, where).numpy() == step.tokens).all()
        assert same == (policy == "start")
        assert any((a != b).any() for a, b in zip(start, now, strict=True))


@pytest.fixture(scope="module")
def learned() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Densities before and after learning by each policy's samples."""
    found = {}
    for policy in ("start", "current"):
        options = {"best-of-n.batch-size": 200, "best-of-n.policy": policy, "best-of-n.learning-rate": 0.02}
        stage = training(**options)
        before = density(stage.generator)
        for part in range(150):
            stage.algorithm.g_step(1, part)
        found[policy] = before, density(stage.generator)
    return found


def test_it_comes_to_the_density_of_the_best_of_n(learned: dict[str, tuple[np.ndarray, np.ndarray]]) -> None:
    start, after = learned["start"]
    wanted = best_of(start, 3)
    assert divergence(wanted, start) > 0.2
    assert divergence(wanted, after) < 0.01
    assert divergence(after, start) <= np.log(3) - 2 / 3 + 0.02  # the bound that the module's docstring tells


def test_samples_of_the_policy_as_it_is_lead_further(learned: dict[str, tuple[np.ndarray, np.ndarray]]) -> None:
    _, once = learned["start"]
    start, again = learned["current"]
    assert start @ WORTH < once @ WORTH - 0.1 < again @ WORTH - 0.2
    assert divergence(again, start) > np.log(3) - 2 / 3 + 0.2


@pytest.mark.usefixtures("eagerly")
def test_what_is_saved_after_a_round_goes_on_to_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(AdversarialTraining, "scores", lambda self, position: {})
    whole = training(**{"adversarial.g-steps": 2})
    whole.advance(1, lambda _: None)
    saved = arrays(whole)
    whole.advance(2, lambda _: None)
    again = training(**{"adversarial.g-steps": 2})
    start = again.generator.clone("other")
    start.initialise(rng(1, "other"), 1.0)  # what it would begin with, if the one that is saved did not count
    for variable, array in zip(again.generator.trainable_variables, start.trainable_variables, strict=True):
        variable.assign(array)
    for name, variable in again.variables().items():
        variable.assign(saved[name])
    again.advance(2, lambda _: None)
    np.testing.assert_equal(arrays(again), arrays(whole))
    assert any(name.startswith("start/") for name in saved)


@pytest.mark.usefixtures("eagerly")
def test_a_round_tells_of_all_that_was_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(AdversarialTraining, "scores", lambda self, position: {})
    stage = training()
    ticks: list[float] = []
    measured = stage.advance(1, ticks.append)
    where = key(stage.settings.seed, "adversarial", "g-step", 1, 0, "sample")
    drawn = sample_batch(training().generator, 15, where).numpy()
    assert measured["reward_final"] == pytest.approx(WORTH[drawn[:, 0] * 4 + drawn[:, 1]].mean())
    assert sum(ticks) == stage.work == 15.0


@pytest.mark.whole
@pytest.mark.parametrize("number", [2, 3])
def test_a_step_of_several_devices_is_that_of_one(number: int) -> None:
    """From the same sequences, which they cannot share evenly; and those that a step draws are shared by all."""
    chosen = EVERY[[1, 7, 3, 12, 5]]

    def step() -> dict[str, np.ndarray]:
        stage = training()
        stage.algorithm.likelihood.teach(tf.constant(chosen), key(0, "dropout"))  # type: ignore[attr-defined]
        return arrays(stage)

    with several_devices(number).scope():
        found = step()
        drawn = training().algorithm.g_step(1, 0)
    expected = step()
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        np.testing.assert_allclose(found[name], array, rtol=1e-3, atol=1e-5, err_msg=name)
    assert drawn.tokens is not None and drawn.rewards is not None
    assert drawn.tokens.shape == (15, 2)
    np.testing.assert_array_equal(drawn.rewards[:, 0], WORTH[drawn.tokens[:, 0] * 4 + drawn.tokens[:, 1]])


@pytest.mark.usefixtures("eagerly")
def test_a_step_that_spoils_the_numbers_is_told() -> None:
    from seqgan_cli.errors import SeqganError

    stage = training(**{"best-of-n.learning-rate": 1e38})
    with pytest.raises(SeqganError, match=r"best-of-n\.learning-rate"):
        for part in range(3):
            stage.algorithm.g_step(1, part)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"adversarial.reward": "lm"}, "scores tokens"),
        ({"adversarial.reward-transform": "standardize"}, "the order of rewards alone"),
        ({"adversarial.kl-coefficient": 0.1}, "no costs of tokens"),
        ({"adversarial.kl-target": 0.1}, "no costs of tokens"),
        ({"adversarial.entropy-coefficient": 0.1}, "no costs of tokens"),
        ({"adversarial.kl-reference": "round"}, "leave adversarial.kl-reference out"),
    ],
)
def test_what_it_has_no_use_for_is_refused(changes: dict[str, Any], said: str) -> None:
    settings = tiny_settings(**{**SMALL, **changes})
    with pytest.raises(UsageError, match=said):
        check_together(settings)
