"""What scores mean, in words: of one run, and of an experiment's methods against each other."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from seqgan_cli.evaluation.generators import Likelihoods
from seqgan_cli.evaluation.metrics.likelihood import Estimate
from seqgan_cli.evaluation.real import SCORES
from seqgan_cli.evaluation.statistics import over_seeds, signed, verdict
from seqgan_cli.studies.experiments.methods import KNOBS
from seqgan_cli.studies.experiments.results import Results, Row, compare, value


def trade(name_before: str, before: Likelihoods, after: Likelihoods, score: str) -> list[str]:
    """What adversarial training did to quality, which is that score, and to coverage."""
    words = []
    for name, what in ((score, "quality"), ("nll_test", "coverage")):
        old, new = before.score(name), after.score(name)
        if old is None or new is None:
            return []
        change = new.mean - old.mean
        beyond = new.high < old.low or new.low > old.high
        word = (
            ("better" if (change > 0) == SCORES[name].higher else "worse") if beyond else "less than the width of the intervals"
        )
        words.append(f"{what} ({name}) by {change:+.3f}{' nats' * name.startswith('nll_')}, {word}")
    return [f"Against {name_before}, the adversarial rounds changed {' and '.join(words)}."]


LEFT_BEHIND = (
    "The adversarial rounds began with an earlier generator than this MLE: what they changed is not told. Restart them with "
    "--overwrite to compare."
)


def discriminator(scores: Mapping[str, float]) -> list[str]:
    """What the last round's measurements say of the discriminator; nothing if there is none."""
    held_out = scores.get("d_accuracy_validation", scores.get("d_accuracy_test"))
    if held_out is None or not {"d_accuracy_train", "d_accuracy_fake"} <= set(scores):
        return []
    on_train = (scores["d_accuracy_train"] + scores["d_accuracy_fake"]) / 2
    on_test = (held_out + scores["d_accuracy_fake"]) / 2
    told = (
        f"The discriminator is right on {scores['d_accuracy_train']:.0%} of the training sequences, "
        f"{held_out:.0%} of held-out real ones and {scores['d_accuracy_fake']:.0%} of fresh samples"
    )
    if on_test < 0.55:
        told += f": on the last two together it does as well as a coin ({on_test:.0%} on average" + (
            ", so it knows the training set by heart)." if on_train > 0.75 else ")."
        )
    else:
        told += f": {on_test:.0%} on average on the last two, where a coin has 50%."
    if "d_knows" in scores:
        known = max(0.0, scores["d_knows"])
        told += f" It knows {known:.3f} nats a sequence of the generator's faults, on the part that chooses."
    if "reward_oracle_correlation" in scores:
        correlation = scores["reward_oracle_correlation"]
        told += f" Over fresh samples, the rank correlation of its reward with the truth is {correlation:+.2f}."
    if on_test < 0.55:
        told += " `--reward constant` in another --run shows what is gained without it."
    return [told]


def variety(scores: Likelihoods, data: Mapping[str, float]) -> str:
    """Whether the generator has come to repeat itself, by what as many sequences of the training data have."""
    kept, had = scores.distinct_share, data["distinct_share"]
    types = scores.token_types / max(1.0, data["token_types"])
    numbers = (
        f"{kept:.1%} of its samples are different (as many of the data: {had:.1%}), and they use {types:.0%} of those data's "
        "tokens"
    )
    least = data.get("least_distinct_share", 0.5 * had), data.get("least_token_types", 0.5 * data["token_types"])
    if kept < least[0] or scores.token_types < least[1]:
        return f"The generator has collapsed: {numbers}. Trust no quality score."
    return f"The generator has not collapsed: {numbers}."


def above_curve(coverage: float, quality: float, curve: Sequence[tuple[float, float]]) -> float:
    """Quality minus the best that a curve has at that coverage or a better one (in both, lower is better).

    Args:
        curve: points (coverage, quality). What lies on the straight line between two neighbours in coverage counts as reached.

    Returns:
        negative where the point is better than the curve, 0 where it lies on it and nothing there betters it; nan where its
        coverage is better than any of the curve's, or worse: what the curve would have had further on is not known.
    """
    points = np.array(sorted(point for point in curve if np.isfinite(point).all())).reshape(-1, 2)
    x, y = points.T
    if not len(points) or not x[0] <= coverage <= x[-1]:
        return math.nan
    reached = y[x <= coverage]
    right = int(np.searchsorted(x, coverage))  # the first that covers no better
    if x[right] > coverage:
        share = (coverage - x[right - 1]) / (x[right] - x[right - 1])
        reached = np.append(reached, (1.0 - share) * y[right - 1] + share * y[right])
    return float(quality - reached.min())


def against_temperature(after: Likelihoods, sweep: Sequence[Likelihoods], name: str, score: str) -> list[str]:
    """Whether a generator is better in that score than what lowering the temperature of another gives."""
    estimates = [(s.nll_test.mean, found) for s in sweep if (found := s.score(score))]
    mine, sign = after.score(score), -1.0 if SCORES[score].higher else 1.0  # above_curve takes less for better
    if not estimates or mine is None:
        return []
    gap = above_curve(after.nll_test.mean, sign * mine.mean, [(x, sign * found.mean) for x, found in estimates])
    if math.isnan(gap):
        if after.nll_test.mean > max(x for x, _ in estimates):
            coldest = min(s.sampling.temperature for s in sweep)
            return [
                f"Its nll_test is higher than that of {name} at any temperature down to {coldest:g}: what {name} would have at "
                "the same nll_test is not known, so the two cannot be compared."
            ]
        return [f"Its nll_test is lower than that of {name} at any temperature, so the two cannot be compared."]
    noise = 1.96 * math.hypot(
        *(max(e.std for e in some) / math.sqrt(some[0].count) for some in ([mine], [found for _, found in estimates]))
    )
    unit = " nats" * score.startswith("nll_")
    opening = f"At an nll_test no worse, {name} at some temperature has {'an' if score[0] in 'aeion' else 'a'} {score}"
    opening += f" {abs(gap):.3f}{unit}"
    if abs(gap) <= noise:
        return [f"{opening} away: that is within the noise of so many samples (± {noise:.3f})."]
    return [
        f"{opening} {'higher' if sign * gap < 0 else 'lower'}: adversarial training did {'better' if gap < 0 else 'worse'} "
        "than turning that knob."
    ]


def conclusions(results: Results) -> list[str]:
    """What an experiment's comparisons say, a sentence each; of unfinished training only that it is."""
    if results.design.unfinished:
        share = min(results.design.unfinished.values())
        return [
            f"Not final: {len(results.design.unfinished)} of the runs behind this are unfinished (the least at {share:.0%}), "
            "so nothing is concluded."
        ]
    told: list[str] = []
    quality = results.design.quality[0]
    seqgan, mle, constant = (results.row(name) for name in ("seqgan", "mle", "constant"))
    told += _against(results, seqgan, mle, "Against MLE, from which it starts, SeqGAN")
    told += _against(results, constant, mle, "Against MLE, the constant reward, which knows nothing,")
    told += _against(results, seqgan, constant, "Against the constant reward, SeqGAN")
    if (
        _is(results, seqgan, mle, quality, "better")
        and _is(results, seqgan, constant, quality, "equal", "worse")
        and (results.design.sampling.truncated or _is(results, seqgan, constant, "nll_test", "equal", "worse"))
    ):
        told.append("So the discriminator has not earned what SeqGAN gains over MLE.")
    best = [_best(results, name) for name in (quality, "nll_test")]
    if best[0] and best[1] and not results.design.sampling.truncated:
        most = "highest" if SCORES[quality].higher else "lowest"
        where = f"At {results.design.sweep} 1 the" if any(row.at != 1.0 for row in results.rows) else "The"
        told.append(f"{where} {most} {quality} is that of {best[0]}, the lowest nll_test that of {best[1]}.")
    return told + _against_temperatures(results)


def _best(results: Results, score: str) -> str:
    """The method at 1 of what is swept with the best mean over the seeds that all have, and that mean."""
    rows = [row for row in results.rows if row.at == 1.0]
    common = set.intersection(*(set(row.seeds) for row in rows)) if len(rows) > 1 else set()
    if not common:
        return ""
    means = {row.title: float(np.mean([value(row.seeds[seed], score) for seed in common])) for row in rows}
    best = (max if SCORES[score].higher else min)(means, key=means.__getitem__)
    return f"{best} ({means[best]:.3f})"


def _judged(difference: Estimate, score: str, margin: float) -> str:
    """The verdict with `better` and `worse` for lower and higher, or the other way round, as the score goes."""
    low, high = ("worse", "better") if SCORES[score].higher else ("better", "worse")
    return verdict(difference, margin).replace("lower", low).replace("higher", high)


def _is(results: Results, mine: Row | None, theirs: Row | None, score: str, *words: str) -> bool:
    """Whether a score's difference between two methods is one of these, for certain or perhaps by less than the margin."""
    comparison = compare(mine.seeds, theirs.seeds, results.design.quality) if mine and theirs else None
    if comparison is None:
        return False
    return _judged(comparison.paired[score].difference, score, results.design.margin_for(score)).split(",")[0] in words


def _against(results: Results, mine: Row | None, theirs: Row | None, opening: str) -> list[str]:
    comparison = compare(mine.seeds, theirs.seeds, results.design.quality) if mine and theirs else None
    if comparison is None:
        return []
    quality = results.design.quality[0]
    own, test = (comparison.paired[score].difference for score in (quality, "nll_test"))
    margin = f"{results.design.margin:g}{' nats' * results.design.synthetic}"
    words = {
        "equal": f"is equal in quality within {margin}",
        "better": f"is better in quality by more than {margin}",
        "better, perhaps by less": f"is better in quality, though perhaps by less than {margin}",
        "worse": f"is worse in quality by more than {margin}",
        "worse, perhaps by less": f"is worse in quality, though perhaps by less than {margin}",
        "undecided": "cannot be told apart in quality" + (" by one seed" if own.count == 1 else ""),
    }[_judged(own, quality, results.design.margin)]
    coverage = "" if results.design.sampling.truncated else f"; nll_test {signed(test)}"  # it is of what each leaves inside
    return [f"{opening} {words}: {quality} {signed(own)}{coverage}."]


@dataclass(frozen=True)
class Matched:
    """A row's quality minus the best that a method reaches at some temperature, or what is swept, with a coverage no worse.

    by_seed: nan where the two do not meet in coverage; past: the seeds in which the row's is worse than the method's at the
    end of its curve.
    """

    by_seed: Mapping[int, float]
    past: tuple[int, ...]

    @property
    def known(self) -> list[float]:
        """The differences that there are."""
        return [gap for gap in self.by_seed.values() if not math.isnan(gap)]

    @property
    def whole(self) -> bool:
        """Whether every seed has one."""
        return len(self.known) == len(self.by_seed) > 0


def curve_of(results: Results, base: str, seed: int) -> list[tuple[float, float]]:
    """A method's points over temperatures (coverage, quality) in one seed; in both, lower is better."""
    score = results.design.quality[0]
    sign = -1.0 if SCORES[score].higher else 1.0
    swept = [row.seeds[seed] for row in results.rows if row.method == base and seed in row.seeds]
    return [(value(at, results.design.coverage), sign * value(at, score)) for at in swept if at.scores.score(score)]


def matched(results: Results, row: Row, base: str) -> Matched:
    """A row against a method's curve over temperatures, whose points are joined by straight lines, within each seed.

    Nothing for a seed, or a method, without a curve, and nothing against its own.
    """
    score, coverage = results.design.quality[0], results.design.coverage
    sign = -1.0 if SCORES[score].higher else 1.0  # above_curve takes less for better
    found, past = {}, []
    for seed, scored in row.seeds.items():
        points = curve_of(results, base, seed)
        if len(points) > 1 and scored.scores.score(score) and row.method != base:
            found[seed] = sign * above_curve(value(scored, coverage), sign * value(scored, score), points)
            if value(scored, coverage) > max(x for x, _ in points):
                past.append(seed)
    return Matched(found, tuple(past))


def _against_temperatures(results: Results) -> list[str]:
    """Each method at temperature 1 against MLE's curves over temperatures, within seeds; nothing without such a curve."""
    bases = [name for name in KNOBS if results.row(name)]
    rows = [row for row in results.rows if row.at == 1.0 and row.method not in bases]
    return [told for name in bases for row in rows for told in _over_curve(results, row, name)]


def _over_curve(results: Results, row: Row, base: str) -> list[str]:
    found, score, coverage = matched(results, row, base), results.design.quality[0], results.design.coverage
    base_row, sweep = results.row(base), results.design.sweep
    if base_row is None:
        return []
    if found.past:
        last = min(other.at for other in results.rows if other.method == base)
        where = "" if len(found.past) == len(found.by_seed) else f" in {len(found.past)} of {len(found.by_seed)} seeds"
        return [
            f"{row.title}'s {coverage} is higher than that of {base_row.title} at any {sweep} down to {last:g}{where}: "
            "at the same coverage they are not compared."
        ]
    if not found.known:
        return []
    known = over_seeds(found.known)
    if not found.whole:
        word = f"in {known.count} of {len(found.by_seed)} seeds; in the others no {sweep} covers as much"
    else:
        word = {
            "equal": "no difference that matters",
            "better": "better than turning that knob",
            "worse": "worse than turning that knob",
            "undecided": "undecided",
        }[_judged(known, score, results.design.margin).split(",")[0]]
    article = "an" if coverage[0] in "aeion" else "a"
    return [
        f"{row.title}'s {score}, minus that of {base_row.title} at some {sweep} with {article} {coverage} no worse, is "
        f"{signed(known)}: {word}."
    ]
