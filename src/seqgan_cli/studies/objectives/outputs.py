"""What the experiment `objective` leaves: table.md, results.json, a figure, and the sentences that say what they show."""

import json
import math
from dataclasses import dataclass
from pathlib import Path

from seqgan_cli import files
from seqgan_cli.console import Console, visible
from seqgan_cli.errors import SeqganError
from seqgan_cli.evaluation.metrics.likelihood import Estimate
from seqgan_cli.evaluation.statistics import over_seeds, signed
from seqgan_cli.figures import Curve, trade_off
from seqgan_cli.studies.experiments.findings import above_curve
from seqgan_cli.studies.experiments.tables import markdown_table
from seqgan_cli.studies.objectives.methods import COLDER, METHODS
from seqgan_cli.studies.objectives.scores import BEST_OF, Scored
from seqgan_cli.studies.objectives.study import FOLDER, Plan, arranged, curve

LONGEST = 100  # characters of an example


@dataclass(frozen=True)
class Gain:
    """Reward of a method less the best that MLE's ways of sampling have at its coverage or a better one.

    known: over the seeds where it is known; past, before: seeds in which the method covers worse, or better, than any of them:
    what they would give there is not known.
    """

    known: Estimate
    past: int
    before: int

    def unknown(self, what: str) -> str:
        """In words, in how many seeds it is not known."""
        of = self.known.count + self.past + self.before
        parts = [(self.past, f"covers worse than {what}"), (self.before, f"covers better than {what}")]
        return ", ".join(f"{words} in {number} of {of} seeds" for number, words in parts if number)


def gains(plan: Plan, name: str, start: str) -> Gain:
    """Of a method, against those ways whose names begin so."""
    found, past, before = [], 0, 0
    for seed in plan.seeds:
        points, rows = curve(plan, seed, start), plan.scored(seed, name)
        if not (points and rows):
            continue
        gap = above_curve(rows[0].coverage, -rows[0].reward.mean, [(x, -y) for x, y in points])
        if math.isfinite(gap):
            found.append(0.0 - gap)  # and never −0
        elif rows[0].coverage < min(x for x, _ in points):
            before += 1
        else:
            past += 1
    return Gain(over_seeds(found), past, before)


def _mean(values: list[float]) -> str:
    estimate = over_seeds(values)
    half = "" if math.isnan(estimate.low) else f" ± {(estimate.high - estimate.low) / 2:.3f}"
    return f"{estimate.mean:.3f}{half}"


def table(plan: Plan) -> tuple[list[str], list[list[str]]]:
    """Columns and rows, a row a way of sampling."""
    rows = arranged(plan)
    first = next(iter(next(iter(rows.values())).values()))
    terms, molecules, yes_or_no = list(first.terms), not math.isnan(first.valid_share), first.nll_fulfilling is not None
    columns = ["", "reward ↑", *terms, *["valid"] * molecules, "different", "new", "diversity", *["nearest"] * molecules]
    columns += ["nll_test ↓", *["nll of those of reward 1 ↓"] * yes_or_no]
    columns += ["at its coverage, against temperature", "against best of n"]
    titles = {METHODS[name].title: name for name in plan.methods}
    shown = []
    for title, by_seed in rows.items():
        scores = [*by_seed.values()]
        cells = [_mean([s.reward.mean for s in scores]), *(_mean([s.terms[term].mean for s in scores]) for term in terms)]
        cells += [_mean([s.valid_share for s in scores])] * molecules
        cells += [_mean([s.distinct for s in scores]), _mean([s.novel.mean for s in scores])]
        cells += [_mean([s.diversity for s in scores]), *[_mean([s.nearest for s in scores])] * molecules]
        cells += [_mean([s.nll_test.mean for s in scores]) + _outside(scores)]
        cells += [_mean([s.nll_fulfilling.mean for s in scores if s.nll_fulfilling])] * yes_or_no
        cells += [_gain(plan, titles[title], start) if title in titles else "" for start in (COLDER, BEST_OF)]
        shown.append([title, *cells])
    return columns, shown


def _outside(scores: list[Scored]) -> str:
    left_out = sum(s.outside.count for s in scores) / len(scores)
    return f" ({left_out:.0f} outside)" if left_out else ""


def _gain(plan: Plan, name: str, start: str) -> str:
    found = gains(plan, name, start)
    unknown = found.unknown("its curve")
    if not found.known.count:
        return unknown
    return signed(found.known) + (f" ({unknown})" if unknown else "")


def caption(plan: Plan) -> str:
    """What the columns are."""
    several = len(plan.seeds) > 1
    seeds = f"Means over {len(plan.seeds)} seeds" if several else f"Seed {plan.seeds[0]} alone"
    return (
        f"{seeds}, {plan.num} samples each{', ± half a 95 % interval of Student’s t over seeds' if several else ''}.\n"
        "different: share of different sequences; new: of those that are in no training sequence; diversity: 1 − mean\n"
        "likeness of pairs. At its coverage: the reward, less the best that MLE has at an nll_test no worse, by a lower\n"
        "temperature or as the best of n of its samples; paired by seed. outside: held-out sequences of probability 0, which\n"
        "nll_test leaves out, so that what has any stands on no curve."
    )


def findings(plan: Plan) -> list[str]:
    """In plain sentences what training gave beside a lower temperature, and what the discriminator knew."""
    said = [_headline(plan)]
    for name in plan.methods:
        found, title = gains(plan, name, COLDER), METHODS[name].title
        unknown = found.unknown("MLE at any temperature tried")
        if found.known.count:
            low, high = found.known.low, found.known.high
            word = "more reward than" if low > 0 else "less reward than" if high < 0 else "not told apart from"
            what = f"{word} a lower temperature at the same coverage, {signed(found.known)}"
            if found.known.count == 1:
                what = f"in one seed {signed(found.known)} of reward against a lower temperature at the same coverage"
            said.append(f"{title}: {what}{f'; {unknown}' if unknown else ''}.")
        elif unknown:
            said.append(f"{title}: {unknown}, so the two are not compared.")
    told = [(name, plan.kept(plan.seeds[0], name).said) for name in plan.methods]
    said += _chosen(plan)
    return [*said, *(f"{METHODS[name].title}, seed {plan.seeds[0]}: {sentence}" for name, each in told for sentence in each)]


def _chosen(plan: Plan) -> list[str]:
    """The settings that validation data chose, where there was a choice."""
    found = []
    for name in plan.methods:
        chosen = [plan.kept(seed, name).chosen for seed in plan.seeds]
        for setting in dict.fromkeys(setting for each in chosen for setting in each):
            values = ", ".join(f"{each[setting]:g}" if setting in each else "–" for each in chosen)
            found.append(f"{METHODS[name].title}: {setting}, chosen on validation data seed by seed: {values}.")
    return found


def _headline(plan: Plan) -> str:
    """The best that training reached, beside the best without it; of what is there."""
    rows = arranged(plan)
    means = {title: over_seeds([s.reward.mean for s in by_seed.values()]).mean for title, by_seed in rows.items()}
    trained = {METHODS[name].title: means[METHODS[name].title] for name in plan.methods if METHODS[name].title in means}
    said = f"MLE has a reward of {next(iter(means.values())):.3f}"
    if colder := _starting(means, COLDER):
        said += f", and at no temperature tried above {max(colder.values()):.3f}"
    if trained:
        best = max(trained, key=lambda title: trained[title])
        said += f"; {best[0].lower() + best[1:]} has {trained[best]:.3f}"
    if chosen := _starting(means, BEST_OF):
        best = max(chosen, key=lambda title: chosen[title])
        said += f"; {best} of MLE's samples {chosen[best]:.3f}, which asks for that many scores for every sample that is kept"
    return f"{said}."


def _starting(values: dict[str, float], start: str) -> dict[str, float]:
    return {title: value for title, value in values.items() if title.startswith(start)}


def examples(plan: Plan) -> list[tuple[str, list[str]]]:
    """A few samples of each row, of the first seed."""
    found = []
    for title, scores in arranged(plan).items():
        first = next(iter(scores.values()))
        found.append((title, [visible(text)[:LONGEST] for text in first.examples]))
    return found


def write(plan: Plan, console: Console) -> None:
    """The table and the findings to stdout, all files to the experiment's folder.

    Raises SeqganError if nothing has been scored yet, OSError.
    """
    folder: Path = plan.directory / FOLDER
    if not arranged(plan):
        raise SeqganError(f"{plan.directory} holds no scores yet, nor runs that are done: leave --partial out.")
    columns, rows = table(plan)
    title = f"Objective {plan.settings.adversarial.reward}"
    lines = [f"# {title}", "", *markdown_table(columns, rows)]
    lines += ["", caption(plan), "", *(f"- {finding}" for finding in findings(plan)), "", "## Samples", ""]
    for name, texts in examples(plan):
        lines += [f"**{name}**", "", *(f"    {text}" for text in texts), ""]
    files.write(folder / "table.md", ("\n".join(lines).rstrip() + "\n").encode())
    record = {title: {seed: row.record() for seed, row in scores.items()} for title, scores in arranged(plan).items()}
    results = {"reward": plan.settings.adversarial.reward, "seeds": list(plan.seeds), "samples": plan.num, "rows": record}
    files.write(folder / "results.json", (json.dumps(files.plain(results), indent=1) + "\n").encode())
    _draw(plan, folder / "reward.png", folder / "reward.svg")
    console.table(title, columns, rows, caption=caption(plan) + "\n")
    for name, texts in examples(plan):
        console.result(f"{name}:")
        for text in texts:
            console.result(f"  {text}")
    console.result()
    for finding in findings(plan):
        console.result(finding)
    console.result(f"\nTable: {folder / 'table.md'}, results.json; figure: {folder / 'reward.png'}, and the same as .svg")


def _draw(plan: Plan, *paths: Path) -> None:
    rows = arranged(plan)

    def points(names: list[str], label: str) -> Curve:
        covering = [name for name in names if all(math.isfinite(s.coverage) for s in rows[name].values())]
        x = [over_seeds([s.coverage for s in rows[name].values()]).mean for name in covering]
        return Curve(label, x, [over_seeds([s.reward.mean for s in rows[name].values()]).mean for name in covering])

    mle = next(iter(rows))
    curves = [points([name for name in rows if name.startswith(COLDER)], "MLE, colder and colder")]
    curves.append(points([mle, *(name for name in rows if name.startswith(BEST_OF))], "MLE, best of n"))
    single = [points([title], title) for title in (METHODS[name].title for name in plan.methods) if title in rows]
    trade_off(curves, single, ("nll_test of held-out data ↓", "reward of samples ↑"), *paths)
