"""What a discriminator knows, against closed forms, enumerations and simulation."""

import itertools
import math

import numpy as np
import pytest

from seqgan_cli.evaluation.metrics import knowledge
from seqgan_cli.evaluation.metrics.knowledge import Scored, cross_fitted, effective_samples, held_out, log_mean_exp

REAL, GENERATED = np.array([0.5, 0.3, 0.2]), np.array([0.2, 0.3, 0.5])
LOG_RATIO = np.log(REAL / GENERATED)
KL = float(REAL @ LOG_RATIO)  # 0.3·log 2.5 = 0.2749


def of_shares(n: int, t: np.ndarray = LOG_RATIO) -> Scored:
    """T of n real sequences and n samples in which every kind has its probability's share."""
    return Scored(*(np.repeat(t, np.round(n * shares).astype(int)) for shares in (REAL, GENERATED)))


def drawn(n: int, seed: int, t: np.ndarray = LOG_RATIO) -> Scored:
    rng = np.random.default_rng(seed)
    return Scored(*(t[rng.choice(3, n, p=shares)] for shares in (REAL, GENERATED)))


def jackknifed(values: list[float]) -> float:
    """By its definition, with each left out in turn."""
    n = len(values)
    without = [math.log(sum(math.exp(v) for j, v in enumerate(values) if j != i) / (n - 1)) for i in range(n)]
    return n * math.log(sum(map(math.exp, values)) / n) - (n - 1) * sum(without) / n


def test_the_exact_log_ratio_gives_the_divergence_and_is_left_as_it_is() -> None:
    """E_G[p/G] = 1, so the bound is KL; the correction of a mean w over n, var(w)/(2n), goes to 0: here it is 0.63/(2n)."""
    assert pytest.approx(0.3 * math.log(2.5), rel=1e-12) == KL
    found = held_out(of_shares(10_000), of_shares(10_000))
    variance = float(GENERATED @ (REAL / GENERATED) ** 2) - 1.0
    assert found.a == pytest.approx(1.0, rel=1e-8)
    assert found.value == pytest.approx(KL - variance / 20_000, abs=1e-7)
    assert found.samples == 10_000
    assert found.ess == pytest.approx(10_000 / (1.0 + variance), rel=1e-8)  # E[w]²/E[w²]


def test_big_samples_of_it_give_the_divergence() -> None:
    found = cross_fitted(drawn(40_000, 1), np.random.default_rng(0), 50)
    assert found.value == pytest.approx(KL, abs=0.02)
    assert found.a == pytest.approx(1.0, abs=0.05)
    assert found.low < KL < found.high < found.low + 0.06
    assert found.samples == 20_000


@pytest.mark.parametrize("scale", [1e-6, 0.25, 7.0, 1e5])
@pytest.mark.parametrize("shift", [0.0, -3.0])
def test_scale_and_shift_of_t_do_not_matter(scale: float, shift: float) -> None:
    plain, other = cross_fitted(drawn(500, 2)), cross_fitted(drawn(500, 2, scale * (LOG_RATIO + shift)))
    assert other.value == pytest.approx(plain.value, rel=1e-7)
    assert other.a * scale == pytest.approx(plain.a, rel=1e-7)
    assert held_out(of_shares(1000), of_shares(1000, scale * LOG_RATIO)).a > 0.0
    assert held_out(*[of_shares(1000, scale * (LOG_RATIO + shift))] * 2).a == pytest.approx(1.0 / scale, rel=1e-7)


def test_of_any_other_t_the_bound_is_less() -> None:
    """T that tells one kind from the others alone: KL of the two kinds that are left, 0.5·log 2.5 + 0.5·log(0.5/0.8)."""
    found = held_out(*[of_shares(10_000, np.array([1.0, 0.0, 0.0]))] * 2)
    assert found.value == pytest.approx(0.5 * math.log(2.5) + 0.5 * math.log(0.625), abs=1e-3)
    assert found.a == pytest.approx(math.log(2.5 / 0.625), rel=1e-6)
    assert found.value < KL


def test_a_is_chosen_on_the_first_and_the_bound_taken_on_the_second() -> None:
    """With the first's a = 1 and real sequences of the second that are all of the first kind: log 2.5."""
    choosing = of_shares(1000)
    second = Scored(np.repeat(LOG_RATIO[0], 7), of_shares(10_000).samples)
    found = held_out(choosing, second)
    assert found.a == pytest.approx(1.0, rel=1e-8)
    assert found.value == pytest.approx(math.log(2.5), abs=1e-4)


def test_halves_are_chosen_on_and_reported_by_turns() -> None:
    every = drawn(300, 3)
    parts = [Scored(every.real[i::2], every.samples[i::2]) for i in range(2)]
    both = [held_out(parts[0], parts[1]), held_out(parts[1], parts[0])]
    found = cross_fitted(every)
    assert found.value == pytest.approx(np.mean([each.value for each in both]), rel=1e-9)
    assert found.a == pytest.approx(np.mean([each.a for each in both]), rel=1e-9)
    assert found.ess == pytest.approx(min(each.ess for each in both), rel=1e-9)
    assert math.isnan(found.low)
    assert math.isnan(found.high)


def test_the_interval_is_the_same_however_many_replicates_are_fitted_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """All 50 together, or seven at a time."""
    whole = cross_fitted(drawn(60, 5), np.random.default_rng(0), 50)
    monkeypatch.setattr(knowledge, "REPLICATES_OF", 7 * 30)
    parts = cross_fitted(drawn(60, 5), np.random.default_rng(0), 50)
    assert whole.low < whole.high
    assert (parts.low, parts.high) == pytest.approx((whole.low, whole.high), rel=1e-9)


def test_what_knows_nothing_has_an_interval_about_0() -> None:
    covered = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        found = cross_fitted(Scored(rng.normal(size=60), rng.normal(size=60)), rng, 40)
        covered += found.low <= 0.0 <= found.high
    assert covered >= 90


def test_what_knows_something_has_an_interval_about_the_divergence() -> None:
    """And not about 0, in most draws of 400."""
    found = [cross_fitted(drawn(400, seed), np.random.default_rng(seed), 40) for seed in range(25)]
    assert sum(each.low <= KL <= each.high for each in found) >= 21
    assert sum(each.low > 0.0 for each in found) >= 23


@pytest.mark.parametrize("t", [0.1, -7.3, 0.0, 1e30])
def test_a_constant_knows_exactly_nothing(t: float) -> None:
    found = cross_fitted(Scored(np.full(7, t), np.full(11, t)), np.random.default_rng(0), 20)
    assert (found.value, found.low, found.high, found.a) == (0.0, 0.0, 0.0, 0.0)
    assert found.ess == found.samples == 5


def test_what_says_the_opposite_is_not_believed() -> None:
    found = cross_fitted(drawn(2000, 4, -LOG_RATIO), np.random.default_rng(0), 20)
    assert (found.value, found.low, found.high, found.a) == (0.0, 0.0, 0.0, 0.0)
    assert found.ess == 1000


def test_no_more_is_told_than_the_samples_can() -> None:
    """Real sequences above all samples: the bound has no maximum, and log n is what is said."""
    rng = np.random.default_rng(0)
    found = cross_fitted(Scored(rng.normal(40.0, 1.0, 50), rng.normal(0.0, 1.0, 50)), rng, 20)
    assert math.isfinite(found.a)
    assert 2.0 < found.value <= found.high <= math.log(25)
    parted = held_out(*[Scored(np.array([5.0, 5.0]), np.array([0.0, 1.0, 0.0, 1.0]))] * 2)
    # 5a − log((2 + 2·exp(a))/4) = log 4, so 5a = log 2 + log(1 + exp(a))
    assert 5 * parted.a == pytest.approx(math.log(2.0) + math.log1p(math.exp(parted.a)), rel=1e-6)
    above = held_out(*[Scored(np.array([1.0, 1.0]), np.array([0.0, 1.0, 0.0, 0.0]))] * 2)  # log n without end
    assert math.isfinite(above.value)
    assert above.value <= math.log(4)


@pytest.mark.parametrize("n", [2, 3, 5])
def test_the_jackknife_lowers_the_bias_of_log_mean_exp(n: int) -> None:
    """Over all samples of n from 1 and 3 with even chances, whose mean is 2."""
    plain, corrected = 0.0, 0.0
    for values in itertools.product([0.0, math.log(3.0)], repeat=n):
        plain += math.log(sum(map(math.exp, values)) / n) / 2**n
        corrected += log_mean_exp(np.array(values)) / 2**n
    assert plain < math.log(2.0) - 0.02
    assert abs(corrected - math.log(2.0)) < 0.4 * (math.log(2.0) - plain)


@pytest.mark.parametrize("n", [2, 3, 20])
def test_the_jackknife_is_that_of_its_definition(n: int) -> None:
    values = np.random.default_rng(n).normal(0.0, 3.0, n)
    assert log_mean_exp(values) == pytest.approx(jackknifed(values.tolist()), rel=1e-9)
    assert log_mean_exp(values + 1000.0) == pytest.approx(log_mean_exp(values) + 1000.0, rel=1e-12)


def test_of_one_that_outweighs_all_others_the_jackknife_is_finite() -> None:
    """n = 2, values 0 and 1000: 2·(1000 − log 2) − ½·(0 + 1000)."""
    assert log_mean_exp(np.array([0.0, 1000.0])) == pytest.approx(1500.0 - 2.0 * math.log(2.0), rel=1e-12)


def test_effective_samples_by_hand() -> None:
    assert effective_samples(np.log([1.0, 2.0, 3.0])) == pytest.approx(36 / 14, rel=1e-12)
    assert effective_samples(np.full(7, 900.0)) == 7.0
    assert effective_samples(np.array([0.0, 800.0])) == 1.0


@pytest.mark.parametrize("constant", ["real", "samples"])
def test_the_interval_is_of_real_sequences_and_of_samples(constant: str) -> None:
    """It has a width where only one of them varies, the other being all alike."""
    rng = np.random.default_rng(7)
    real, samples = rng.normal(1.0, 1.0, 40), rng.normal(0.0, 1.0, 40)
    if constant == "real":
        real = np.ones(40)
    else:
        samples = np.zeros(40)
    found = cross_fitted(Scored(real, samples), rng, 40)
    assert found.high - found.low > 0.05


def test_the_interval_knows_that_a_was_chosen_by_chance() -> None:
    """Of a large set that hardly varies, a small one chose a: the bound at other a is less, and never more."""
    reporting = of_shares(20_000)
    few = held_out(drawn(20, 8), reporting, np.random.default_rng(0), 40)
    many = held_out(reporting, reporting, np.random.default_rng(0), 40)
    assert few.high < many.high + 0.01
    assert few.low < many.low - 0.05


def test_a_document_that_is_repeated_is_no_news() -> None:
    once = drawn(60, 5)
    documents = np.arange(60)
    expected = cross_fitted(once, np.random.default_rng(0), 50)
    repeated = Scored(np.repeat(once.real, 4), once.samples, np.repeat(documents, 4) * 17 + 3)
    found = cross_fitted(repeated, np.random.default_rng(0), 50)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), rel=1e-7)
    assert found.value == pytest.approx(expected.value, rel=1e-7)
    shuffled = np.random.default_rng(6).permutation(240)
    mixed = Scored(repeated.real[shuffled], once.samples, repeated.documents[shuffled])
    wide = cross_fitted(mixed, np.random.default_rng(0), 50)
    blind = cross_fitted(Scored(mixed.real, once.samples), np.random.default_rng(0), 50)
    assert wide.high - wide.low > 0.7 * (expected.high - expected.low)
    assert blind.high - blind.low < 0.9 * (expected.high - expected.low)


def test_documents_stay_whole_in_the_halves() -> None:
    """Two documents, a sequence and two: each half has one, and no interval can be told."""
    real, samples, documents = np.array([1.0, 5.0, 7.0]), np.array([0.0, 2.0, 1.0, 3.0]), np.array([8, 2, 2])
    found = cross_fitted(Scored(real, samples, documents), np.random.default_rng(0), 10)
    first, second = Scored(np.array([1.0]), np.array([0.0, 1.0])), Scored(np.array([5.0, 7.0]), np.array([2.0, 3.0]))
    both = held_out(first, second), held_out(second, first)
    assert found.value == pytest.approx(np.mean([each.value for each in both]), rel=1e-9)
    assert math.isnan(found.low)


@pytest.mark.parametrize(
    ("real", "samples", "documents"),
    [
        ([1.0], [0.0] * 4, None),
        ([1.0, 2.0], [0.0] * 3, None),
        ([1.0, 2.0], [0.0] * 4, [1, 1]),
        ([1.0, math.inf], [0.0] * 4, None),
    ],
)
def test_too_little_or_not_finite_is_refused(real: list[float], samples: list[float], documents: list[int] | None) -> None:
    with pytest.raises(ValueError, match=r"needed|finite"):
        cross_fitted(Scored(np.array(real), np.array(samples), None if documents is None else np.array(documents)))
