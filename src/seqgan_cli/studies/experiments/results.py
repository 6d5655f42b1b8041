"""From the runs of an experiment to its results: scores over seeds, and tests against one method."""

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from seqgan_cli.config.paths import short
from seqgan_cli.data.tfrecord.shards import is_prepared
from seqgan_cli.evaluation.fluency import SCORES_OF_TEXTS, Fluency
from seqgan_cli.evaluation.metrics.likelihood import Estimate
from seqgan_cli.evaluation.real import SCORES, margin_of
from seqgan_cli.evaluation.statistics import Paired, over_seeds, paired, welch
from seqgan_cli.runs.history import Row as Measured
from seqgan_cli.runs.run import Run
from seqgan_cli.sampling.choices import PLAIN, Sampling
from seqgan_cli.studies.experiments.methods import EXPERIMENTS, KNOBS, MATCHED, METHODS, SWEEPS, Sweep
from seqgan_cli.studies.experiments.scores import Scored, Scorer
from seqgan_cli.studies.tasks import Task

BESIDE_QUALITY = ("nll_test", "nll_train", "distinct_share", "token_types", "copied_share")
BESIDE_REAL = ("self_bleu_3", "copied_run")
D_ACCURACIES = tuple(f"d_accuracy_{what}" for what in ("train", "validation", "test", "fake"))
MEASURED = (*SCORES, *D_ACCURACIES, "d_knows", "nats_earned", "reward_oracle_correlation")
Histories = dict[str, dict[int, list[Measured]]]  # by method and seed


@dataclass(frozen=True)
class Comparison:
    """A method against another, by score: paired over the seeds both have, and Welch's p over the sequences of each."""

    against: str
    paired: Mapping[str, Paired]
    welch: Mapping[str, Mapping[int, float]]

    def largest_p(self, score: str) -> float:
        """Of Welch's p over seeds; nan where there is none."""
        return max(self.welch.get(score, {}).values(), default=math.nan)


@dataclass(frozen=True)
class Row:
    """A method at a temperature, or what is swept instead: its scores by seed, and how it compares, if with anything."""

    method: str
    title: str
    at: float
    seeds: Mapping[int, Scored]
    comparison: Comparison | None

    def over_seeds(self, score: str) -> Estimate:
        """Mean and interval of a score over seeds."""
        return over_seeds([value(scored, score) for scored in self.seeds.values()])

    @property
    def knows(self) -> Estimate | None:
        """What the discriminator that corrects it knows, nats a sequence, over seeds; None of what is not corrected."""
        found = [each.scores.knowledge.value for each in self.seeds.values() if each.scores.knowledge]
        return over_seeds(found) if found else None

    @property
    def outside(self) -> float:
        """Share of held-out sequences that truncation leaves out of nll_test, mean over seeds; nan where nothing truncates."""
        shares = [scored.scores.outside["nll_test"].share for scored in self.seeds.values() if scored.scores.outside]
        return over_seeds(shares).mean


@dataclass(frozen=True)
class Design:
    """What results rest on: the experiment, its size, and the share that each unfinished task has done.

    one_oracle: whether all seeds share one, or of real data the held-out set; quality: the scores that say how good samples
    are, the first of which is what findings speak of; source: name of the data; sweep: what curves are over, of SWEEPS;
    sampling: how samples are drawn where that is 1; extra_scores: further scores of quality, which nothing compares; fluency:
    name of the oracle's file that gave some of these, if one did.
    """

    kind: str
    preset: str
    samples: int
    margin: float
    one_oracle: bool
    unfinished: Mapping[str, float]
    quality: tuple[str, ...] = ("nll_oracle",)
    source: str = "oracle"
    sweep: str = "temperature"
    sampling: Sampling = PLAIN
    extra_scores: tuple[str, ...] = ()
    fluency: str = ""

    @property
    def swept(self) -> Sweep:
        return SWEEPS[self.sweep]

    def sampling_at(self, at: float) -> Sampling:
        """How samples are drawn at that temperature, or what is swept instead."""
        if at == 1.0:
            return self.sampling
        swept: dict[str, Any] = {self.sweep.replace("-", "_"): at}
        return replace(self.sampling, **swept)

    @property
    def truncates(self) -> bool:
        """Whether some samples are of a truncated distribution, under which nll_test is of a part of the held-out data."""
        return self.sampling.truncated or self.sweep != "temperature"

    @property
    def synthetic(self) -> bool:
        """Whether the data are an oracle's, which then scores the samples."""
        return "nll_oracle" in self.quality

    @property
    def compared(self) -> tuple[str, ...]:
        """The scores that are tested."""
        return (*self.quality, "nll_test")

    @property
    def coverage(self) -> str:
        """The score of coverage that generators are matched in: of real data how much samples have in common, as is usual.

        So too where truncation leaves held-out sequences out: nll_test is of the others alone, and falls as fewer are left.
        """
        return "nll_test" if self.synthetic and not self.truncates else "self_bleu_3"

    def margin_for(self, score: str) -> float:
        """The margin that a difference in this score is held against: `margin` in its own unit, else the usual one."""
        own = margin_of(self.quality[0])
        return self.margin if margin_of(score) == own else margin_of(score)

    @property
    def reported(self) -> tuple[str, ...]:
        """Every score that the files give."""
        variety = BESIDE_REAL[:1] if self.coverage == "self_bleu_3" else ()
        return (*self.quality, *self.extra_scores, *BESIDE_QUALITY, *(variety if self.synthetic else BESIDE_REAL))


@dataclass(frozen=True)
class Results:
    """All of an experiment's rows, and what the data score by seed."""

    design: Design
    rows: Sequence[Row]
    data: Mapping[int, Mapping[str, float]]

    def row(self, method: str, at: float = 1.0) -> Row | None:
        """The row of a method, None if it has none."""
        return next((r for r in self.rows if (r.method, r.at) == (method, at)), None)


def value(scored: Scored, score: str) -> float:
    """One score as a number."""
    found = scored.scores.score(score) if score in SCORES else getattr(scored.scores, score)
    return found.mean if isinstance(found, Estimate) else math.nan if found is None else float(found)


def compare(
    mine: Mapping[int, Scored], theirs: Mapping[int, Scored], quality: Sequence[str], against: str = ""
) -> Comparison | None:
    """Tests between the scores of two ways of training, on the seeds both have; None if they share none.

    Welch's test is of quality, where the sequences are each generator's own. It would not do for nll_test: there both score
    the same held-out sequences.
    """
    both = [seed for seed in mine if seed in theirs]
    if not both:
        return None
    tests = {
        score: paired([value(mine[seed], score) for seed in both], [value(theirs[seed], score) for seed in both])
        for score in (*quality, "nll_test")
    }
    sequences: dict[str, dict[int, float]] = {score: {} for score in quality}
    for score, seed in itertools.product(quality, both):
        a, b = mine[seed].scores.score(score), theirs[seed].scores.score(score)
        sequences[score][seed] = math.nan if a is None or b is None else welch(a, b)
    return Comparison(against, tests, sequences)


def collect(
    kind: str,
    methods: Sequence[str],
    tasks: Sequence[Task],
    samples: int,
    margin: float,
    warn: Callable[[str], None],
    step: Callable[[str], None],
    sweep: str = "temperature",
    sampling: Sampling = PLAIN,
    fluency: Fluency | None = None,
) -> Results:
    """Score every method of every seed whose run has begun its stage.

    A curve that others are held against goes on until it covers as little as each of them does at temperature 1, or at 1 of
    what is swept instead.

    Args:
        tasks: one or more.
        step: told what is being scored.
        sweep, sampling: as `Design` has them.
        fluency: what scores texts beside, if asked for.
    """
    unfinished = {task.label: task.share for task in tasks if task.share < 1.0 and not task.done}
    values = tasks[0].config.values
    one_oracle = bool(values["data.oracle"] or values["data.test"] or is_prepared(values["data.source"]))
    own = tasks[0].config.settings
    source, quality, extra = short(own.data.source), own.origin.quality, own.origin.extra_scores
    fluent = fluency.path.name if fluency else ""
    extra += SCORES_OF_TEXTS if fluency else ()
    design = Design(
        kind, tasks[0].preset, samples, margin, one_oracle, unfinished, quality, source, sweep, sampling, extra, fluent
    )
    places = {(task.name, task.seed): task for task in tasks}
    seeds = sorted({task.seed for task in tasks})
    found: dict[tuple[str, float], dict[int, Scored]] = {}
    data: dict[int, dict[str, float]] = {}

    def score(method: str, seed: int, values: Sequence[float]) -> None:
        task, which = places[METHODS[method].work, seed], METHODS[method].which
        run, stage = Run(task.path), task.work.stage
        if not run.has(stage):
            return
        if which == "best" and not run.checkpoints(stage).best():
            warn(f"{task.label} was never better on held-out data than untrained: it has no best epoch to score.")
            return
        scorer = Scorer(run, samples, warn, variety=design.truncates, fluency=fluency)
        if METHODS[method].corrected and (why := scorer.uncorrectable()):
            warn(f"{task.label} has no corrected row: {why}")
            return
        if seed not in data:
            data[seed] = scorer.data()
        for at in values:
            step(f"seed {seed}, {METHODS[method].title}, {design.sampling_at(at)}")
            scored = scorer.score(stage if which == "latest" else which, design.sampling_at(at), METHODS[method].corrected)
            if which == "latest" and not task.done:  # also where later checkpoints are damaged
                unfinished[task.label] = scored.position / task.target
            found.setdefault((method, at), {})[seed] = scored

    for seed in seeds:
        for method in methods:
            score(method, seed, EXPERIMENTS[kind].values_of(method, sweep))
    for method in methods:
        if method in (*KNOBS, *MATCHED) and len(EXPERIMENTS[kind].values_of(method, sweep)) > 1:
            begun = list(found.get((method, 1.0), {}))
            for at in design.swept.further:
                if not falls_short(found, method, design.coverage):
                    break
                for seed in begun:  # in all, so that a point's mean is over the same seeds
                    score(method, seed, [at])
    return arrange(design, found, data)


def falls_short(found: Mapping[tuple[str, float], Mapping[int, Scored]], base: str, coverage: str) -> bool:
    """Whether, in some seed, a method covers more at the end of its curve than another does at its beginning."""
    reached: dict[int, float] = {}
    wanted: dict[int, float] = {}
    for (method, at), by_seed in found.items():
        for seed, scored in by_seed.items():
            if method == base:
                reached[seed] = max(reached.get(seed, -math.inf), value(scored, coverage))
            elif at == 1.0:
                wanted[seed] = max(wanted.get(seed, -math.inf), value(scored, coverage))
    return any(reach < wanted.get(seed, -math.inf) for seed, reach in reached.items())


def histories(methods: Sequence[str], tasks: Sequence[Task]) -> Histories:
    """What was measured of each method in its own stage, if it has one: the drawn scores, and what its discriminator knew."""
    found: Histories = {}
    for method in methods:
        for task in tasks:
            if task.name == METHODS[method].work and METHODS[method].which == "latest":
                rows = [row for row in Run(task.path).history.rows() if row.stage == task.work.stage and row.metric in MEASURED]
                if rows:
                    found.setdefault(method, {})[task.seed] = rows
    return found


def arrange(
    design: Design, found: Mapping[tuple[str, float], Mapping[int, Scored]], data: Mapping[int, Mapping[str, float]]
) -> Results:
    """Results of scores by (method, `Row.at`) and seed, each method compared with the one it is held against."""
    methods = list(dict.fromkeys(method for method, _ in found))
    rows = []
    for (method, at), by_seed in sorted(found.items(), key=lambda item: (methods.index(item[0][0]), -item[0][1])):
        against = EXPERIMENTS[design.kind].held_against(method)
        theirs = found.get((against, at), {})
        comparison = compare(by_seed, theirs, design.quality, against) if method != against else None
        rows.append(Row(method, METHODS[method].title, at, by_seed, comparison))
    return Results(design, rows, data)
