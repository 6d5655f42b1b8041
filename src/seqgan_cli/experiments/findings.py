"""What scores mean, in words: of one run, and of an experiment's methods against each other."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from seqgan_cli.evaluation import Likelihoods
from seqgan_cli.experiments.results import Results, Row, compare, signed
from seqgan_cli.metrics.significance import over_seeds, verdict


def trade(name_before: str, before: Likelihoods, after: Likelihoods) -> list[str]:
    """What adversarial training did to quality and coverage; nothing for text, where quality has no interval."""
    if before.nll_oracle is None or after.nll_oracle is None:
        return []
    words = []
    for name, old, new in (
        ("quality (nll_oracle)", before.nll_oracle, after.nll_oracle),
        ("coverage (nll_test)", before.nll_test, after.nll_test),
    ):
        change = new.mean - old.mean
        beyond = new.high < old.low or new.low > old.high
        word = ("better" if change < 0 else "worse") if beyond else "within the noise"
        words.append(f"{name} by {change:+.3f} nats, {word}")
    return [f"Against {name_before}, the adversarial rounds changed {' and '.join(words)}."]


def discriminator(scores: Mapping[str, float]) -> list[str]:
    """What the last round's measurements say of the discriminator; nothing if there is none."""
    if "d_accuracy_test" not in scores:
        return []
    on_train = (scores["d_accuracy_train"] + scores["d_accuracy_fake"]) / 2
    on_test = (scores["d_accuracy_test"] + scores["d_accuracy_fake"]) / 2
    told = (
        f"The discriminator is right on {scores['d_accuracy_train']:.0%} of the training sequences, "
        f"{scores['d_accuracy_test']:.0%} of held-out real ones and {scores['d_accuracy_fake']:.0%} of fresh samples"
    )
    if on_test < 0.55:
        told += (
            f": on what it has not seen it does as well as a coin ({on_test:.0%} on average"
            + (", so it knows the training set by heart" if on_train > 0.75 else "")
            + "). Its reward says little; `--reward constant` in another --run shows what is gained without a discriminator."
        )
    else:
        told += f": {on_test:.0%} on average on what it has not seen, where a coin has 50%."
    return [told]


def variety(scores: Likelihoods, data: Mapping[str, float]) -> str:
    """Whether the generator has come to repeat itself, by what the training data have."""
    kept, had = scores.distinct_share, data["distinct_share"]
    types = scores.token_types / max(1.0, data["token_types"])
    numbers = f"{kept:.1%} of its samples are different (the data: {had:.1%}), and they use {types:.0%} of the data's tokens"
    if kept < 0.5 * had or types < 0.5:
        return f"The generator has collapsed: {numbers}. Trust no quality score."
    return f"The generator has not collapsed: {numbers}."


def above_curve(coverage: float, quality: float, curve: Sequence[tuple[float, float]]) -> float:
    """Quality (lower is better) minus that of a curve of (coverage, quality) at the same coverage; nan beyond its ends."""
    x, y = np.array(sorted(curve)).T
    if not x[0] <= coverage <= x[-1]:
        return math.nan
    return float(quality - np.interp(coverage, x, y))


def against_temperature(after: Likelihoods, sweep: Sequence[Likelihoods], name: str) -> list[str]:
    """Whether a generator is better than what lowering the temperature of another gives; synthetic data only."""
    points = [(s.nll_test.mean, s.nll_oracle.mean) for s in sweep if s.nll_oracle]
    if not points or after.nll_oracle is None:
        return []
    gap = above_curve(after.nll_test.mean, after.nll_oracle.mean, points)
    if math.isnan(gap):
        return [f"Its coverage lies outside what temperatures of {name} reach, so the two cannot be compared."]
    word = "better" if gap < 0 else "worse"
    return [
        f"At the same coverage, {name} at a lower temperature has an nll_oracle {abs(gap):.3f} nats "
        f"{'higher' if gap < 0 else 'lower'}: adversarial training did {word} than turning that knob."
    ]


def conclusions(results: Results) -> list[str]:
    """What an experiment's comparisons say, a sentence each."""
    told = []
    seqgan, mle, constant = (results.row(name) for name in ("seqgan", "mle", "constant"))
    if seqgan and mle:
        told.append(_against(results, seqgan, mle, "Against MLE, from which it starts, SeqGAN"))
    if seqgan and constant:
        told.append(_against(results, seqgan, constant, "Against a constant reward, which knows nothing, SeqGAN"))
        if mle and _word(results, seqgan, constant) in ("equal", "higher", "higher, perhaps by less"):
            told.append("So whatever it gains over MLE, the discriminator has not earned it.")
    best = [row for name in ("nll_oracle", "nll_test") if (row := _lowest(results, name))]
    if len(best) == 2:
        told.append(
            f"The lowest nll_oracle is that of {best[0].title} ({best[0].over_seeds('nll_oracle').mean:.3f}), the lowest "
            f"nll_test that of {best[1].title} ({best[1].over_seeds('nll_test').mean:.3f})."
        )
    told += _against_temperatures(results)
    return told


def _lowest(results: Results, score: str) -> Row | None:
    rows = [row for row in results.rows if row.temperature == 1.0]
    return min(rows, key=lambda row: row.over_seeds(score).mean) if len(rows) > 1 else None


def _word(results: Results, mine: Row, theirs: Row) -> str:
    return verdict(compare(mine.seeds, theirs.seeds).paired["nll_oracle"].difference, results.margin)


def _against(results: Results, mine: Row, theirs: Row, opening: str) -> str:
    tests = compare(mine.seeds, theirs.seeds).paired
    oracle, test = tests["nll_oracle"].difference, tests["nll_test"].difference
    margin = f"{results.margin:g} nats"
    words = {
        "equal": f"is equal in quality within {margin}",
        "lower": f"is better in quality by more than {margin}",
        "lower, perhaps by less": f"is better in quality, though perhaps by less than {margin}",
        "higher": f"is worse in quality by more than {margin}",
        "higher, perhaps by less": f"is worse in quality, though perhaps by less than {margin}",
        "undecided": "cannot be told apart in quality" if oracle.count > 1 else "differs in quality in this one seed",
    }[verdict(oracle, results.margin)]
    return f"{opening} {words}: nll_oracle {signed(oracle)}; nll_test {signed(test)}."


def _against_temperatures(results: Results) -> list[str]:
    """Each method at temperature 1 against MLE's own curve over temperatures, paired by seed."""
    curve = [row for row in results.rows if row.method == "mle"]
    told = []
    if len(curve) < 2:
        return []
    for row in results.rows:
        if row.temperature != 1.0 or row.method == "mle":
            continue
        gaps = []
        for seed, scored in row.seeds.items():
            swept = [at.seeds[seed].scores for at in curve if seed in at.seeds]
            points = [(s.nll_test.mean, s.nll_oracle.mean) for s in swept if s.nll_oracle]
            if points and scored.scores.nll_oracle:
                gaps.append(above_curve(scored.scores.nll_test.mean, scored.scores.nll_oracle.mean, points))
        known = over_seeds([gap for gap in gaps if not math.isnan(gap)])
        if known.count:
            told.append(
                f"At the same coverage as {row.title}, the MLE model at some temperature has an nll_oracle that is lower by "
                f"{signed(known)} ({known.count} of {len(gaps)} seeds reach that coverage; negative: higher)."
            )
        else:
            told.append(f"{row.title} covers more, or less, than the MLE model at any of the temperatures.")
    return told
