"""The report of a run: its scores, learning curve, frontier, discriminator, samples and settings."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np

from seqgan_cli.config.settings import SCHEMA, Settings
from seqgan_cli.errors import SeqganError, advised
from seqgan_cli.evaluation.generators import Likelihoods, outside_notes
from seqgan_cli.evaluation.real import SCORES
from seqgan_cli.figures import COVERAGE, QUALITY, Curve, Panel, frontier, learning_curve, panels, piano_roll
from seqgan_cli.runs.generators import generator_checkpoint, is_left_behind
from seqgan_cli.runs.history import Row
from seqgan_cli.runs.run import Run
from seqgan_cli.sampling.choices import PLAIN, Sampling
from seqgan_cli.studies.experiments import findings, tables
from seqgan_cli.studies.experiments.methods import COLDER, EXPERIMENTS, TEMPERATURES
from seqgan_cli.studies.experiments.scores import Scorer
from seqgan_cli.studies.report.page import Page, Section, Table, figure

SHOWN_ROUNDS = 6
SHOWN_TUNES = 4
IN_NATS = {"d_knows": "the discriminator knows", "nats_earned": "earned since the rounds began"}


def run_page(
    run: Run, samples: int, warn: Callable[[str], None], step: Callable[[str], None], sampling: Sampling = PLAIN
) -> Page:
    """The report of a run: scores are computed from its checkpoints, the rest is read.

    Args:
        samples: behind each score.
        step: told what is being done.
        sampling: how they are drawn. Where it truncates, nll_test compares no generators, and nothing is held against curves.

    Raises SeqganError if the run has no trained generator.
    """
    if not run.has("pretrain-g"):
        raise SeqganError(f"{run.path} holds no trained generator: run {advised('pretrain-g', run.path)} first.")
    scorer = Scorer(run, samples, warn)
    rows = run.history.rows()
    adversarial = run.has("adversarial")
    names = {"pretrain-g": "MLE, last epoch", "best": "MLE, best held-out"}
    if not run.checkpoints("pretrain-g").best():
        del names["best"]
    if adversarial:
        names["adversarial"] = scorer.settings.title
    scores = {}
    for which, name in names.items():
        step(f"scoring {name}")
        scores[which] = scorer.score(which, sampling).scores
    data = scorer.data()
    last = "adversarial" if adversarial else "pretrain-g"
    start = scorer.settings.adversarial.start
    start = "best" if start == "best" and "best" in scores else "pretrain-g"
    told = [findings.variety(scores[last], data)]
    curve_sections: list[Section] = []
    if sampling.truncated:
        told += outside_notes([(names[which], found) for which, found in scores.items()])
    else:
        shown = [start, last] if adversarial else [start]
        curve_section, sweep = _frontier(scorer, shown, names, step, scores[last].nll_test.mean)
        curve_sections = [curve_section]
    if adversarial:
        quality = scorer.settings.origin.quality[0]
        if is_left_behind(run, generator_checkpoint(run, "adversarial", warn)):
            told.append(findings.LEFT_BEHIND)
        elif not sampling.truncated:
            told += findings.trade(names[start], scores[start], scores[last], quality)
            told += findings.against_temperature(scores[last], sweep[start], names[start], quality)
        told += findings.discriminator(run.history.at("adversarial", run.position("adversarial")))
        if scorer.settings.needs_discriminator:
            data_kind = scorer.settings.kind.name
            kind = "synthetic" if scorer.oracle else f"{data_kind if data_kind in EXPERIMENTS else 'text'} --data …"
            told.append(
                "Whether a reward that knows nothing would have done as well, only a control tells: "
                f"`seqgan experiment {kind}` has one for every seed, and `seqgan compare` sets two runs side by side."
            )
    marks = {"the oracle's own sequences": data["nll_oracle"]} if "nll_oracle" in data else {}
    sections = [
        _scores_section(scores, names, data, f"{samples} samples each{'' if sampling == PLAIN else f', {sampling}'}"),
        Section(
            "Learning curve",
            figures=[
                figure("Quality and coverage over training", partial(learning_curve, rows, marks)),
            ],
        ),
        *curve_sections,
        *_reward_sections(rows),
        *_piano_sections(run, scorer.settings),
        *_sample_sections(run),
        _settings_section(run),
    ]
    return Page(f"Run {run.path}", told, sections)


def _scores_section(scores: dict[str, Likelihoods], names: dict[str, str], data: dict[str, float], what: str) -> Section:
    columns, rows = tables.generators_table([(names[which], found) for which, found in scores.items()], data)
    caption = f"{what}, nats per token, ± half a 95 % interval over sequences. "
    return Section(
        "Scores", tables=[Table(["generator", *columns], rows, caption + tables.generators_caption("nll_oracle" in data))]
    )


def _frontier(
    scorer: Scorer, shown: Sequence[str], names: dict[str, str], step: Callable[[str], None], wanted: float
) -> tuple[Section, dict[str, list[Likelihoods]]]:
    """Quality against coverage over temperatures; where more quality is better, 1 minus it. Also the scores behind it.

    The first generator's curve goes on, colder, until its nll_test is the one that is wanted.
    """
    curves = []
    score = scorer.settings.origin.quality[0]
    sweeps: dict[str, list[Likelihoods]] = {}
    for which in dict.fromkeys(shown):
        step(f"{names[which]} over temperatures")
        sweeps[which] = [scorer.score(which, Sampling(temperature)).scores for temperature in TEMPERATURES]
    first = sweeps[shown[0]]
    for temperature in COLDER:
        if max(s.nll_test.mean for s in first) >= wanted:
            break
        first.append(scorer.score(shown[0], Sampling(temperature)).scores)
    for which, sweep in sweeps.items():
        points = [(s.nll_test.mean, found.mean) for s in sweep if (found := s.score(score))]
        if SCORES[score].higher:
            points = [(x, 1.0 - y) for x, y in points]
        curves.append(Curve(names[which], *zip(*points, strict=True)))
    axes = (COVERAGE, QUALITY if scorer.oracle else f"quality: 1 − {SCORES[score].heading.split()[0]} ↓")
    coldest = min(s.sampling.temperature for s in first)
    sentence = f"A point a temperature, 1 down to {coldest:g}; nearer the lower left corner is better in both."
    draw = partial(frontier, curves, (*TEMPERATURES, *COLDER), (), axes)
    return Section(
        "Quality against coverage", [sentence], [figure("Quality against coverage over temperatures", draw)]
    ), sweeps


def _spread(positions: Sequence[int]) -> list[int]:
    """At most SHOWN_ROUNDS of them, the first and the last included."""
    if len(positions) <= SHOWN_ROUNDS:
        return list(positions)
    return [positions[round(i * (len(positions) - 1) / (SHOWN_ROUNDS - 1))] for i in range(SHOWN_ROUNDS)]


def _place(metric: str) -> int:
    """The position in the sequence that `reward_01` … is of."""
    return int(metric.removeprefix("reward_"))


def _reward_sections(rows: Sequence[Row]) -> list[Section]:
    measured = [row for row in rows if row.stage == "adversarial"]
    by_position: dict[int, dict[str, float]] = {}
    for row in measured:
        by_position.setdefault(row.position, {})[row.metric] = row.value
    names = {row.metric for row in measured}
    places = sorted({name for name in names if name.startswith("reward_") and name[7:].isdecimal()}, key=_place)
    sections = []
    terms = sorted(name for name in names if name.startswith("term_"))
    if terms:
        shown = {"reward_final": "the sum", **{name: name.removeprefix("term_") for name in terms}}
        curves = []
        for metric, label in shown.items():
            points = [(position, scores[metric]) for position, scores in sorted(by_position.items()) if metric in scores]
            curves.append(Curve(label, *zip(*points, strict=True)))
        panel = Panel("mean over a round's finished sequences", "reward", curves, {})
        draw = partial(panels, [panel], "rounds", 1)
        sections.append(Section("Terms of the reward", figures=[figure("Terms of the reward", draw)]))
    if places:
        rounds = _spread([position for position, scores in by_position.items() if places[0] in scores])
        curves = [
            Curve(
                f"round {position}",
                [_place(place) for place in places if place in by_position[position]],
                [by_position[position][place] for place in places if place in by_position[position]],
            )
            for position in rounds
        ]
        panel = Panel("mean action value of each position's token", "reward", curves, {})
        draw = partial(panels, [panel], "position in the sequence", 1)
        sections.append(Section("Reward by position", figures=[figure("Reward by position", draw)]))
    watched = {
        "d_accuracy_train": "training sequences called real",
        "d_accuracy_validation": "held-out real ones called real",
        "d_accuracy_test": "held-out real ones called real",
        "d_accuracy_fake": "fresh samples called generated",
        "reward_oracle_correlation": "rank correlation of reward and truth",
    }
    lines, nats = (_lines(by_position, labels) for labels in (watched, IN_NATS))
    if lines:
        told = (
            "What counts is what it makes of what it is not trained on: held-out real ones and fresh samples. A coin has 0.5. "
            "The correlation, on synthetic data, says whether the reward ranks samples as the truth does; 0 is no knowledge."
        )
        watch = Panel("the discriminator over rounds", "share, or correlation", lines, {})
        draw = partial(panels, [watch], "rounds", 1)
        figures = [figure("Discriminator over rounds", draw)]
        if nats:
            told += " What it knows of the generator's faults is what a perfect student of it gains, in nats a sequence."
            panel = Panel("known and earned over rounds", "nats a sequence", nats, {"": 0.0})
            figures.append(figure("Nats known and earned", partial(panels, [panel], "rounds", 1)))
        sections.append(Section("The discriminator", [told], figures))
    return sections


def _lines(by_position: Mapping[int, Mapping[str, float]], labels: Mapping[str, str]) -> list[Curve]:
    """A curve of each measured metric."""
    lines = []
    for metric, label in labels.items():
        points = [(position, scores[metric]) for position, scores in sorted(by_position.items()) if metric in scores]
        if points:
            lines.append(Curve(label, *zip(*points, strict=True)))
    return lines


def _sample_sections(run: Run) -> list[Section]:
    sections = []
    for stage, unit in (("pretrain-g", "epoch"), ("adversarial", "round")):
        kept = run.examples(stage)
        if not kept:
            continue
        positions = _spread(sorted(kept))
        count = max(len(kept[position]) for position in positions)
        rows = [[(kept[position] + [""] * count)[i] for position in positions] for i in range(count)]
        columns = [f"{unit} {position}" for position in positions]
        caption = "Every column from the same random draws, so that a row changes as the generator does."
        sections.append(Section(f"Samples over {stage}", tables=[Table(columns, rows, caption, numbers=False)], folded=True))
    return sections


def _piano_sections(run: Run, settings: Settings) -> list[Section]:
    """Of data that can be drawn, the first samples of the last ones that the run kept."""
    step = settings.kind.pitch_step(settings)
    kept = run.examples("adversarial") or run.examples("pretrain-g")
    if step is None or not kept:
        return []
    rows = [np.array([*map(int, line.split())]) for line in kept[max(kept)][:SHOWN_TUNES]]
    picture = figure("Samples as piano rolls", partial(piano_roll, rows, step))
    return [Section("Samples", ["Equal neighbours are drawn as one held note."], [picture])]


def _settings_section(run: Run) -> Section:
    record, config = run.record(), run.config()
    rows = [
        [name, str(config.values[name]), config.sources[name], SCHEMA[name].meaning] for name in SCHEMA if name in config.values
    ]
    versions = ", ".join(f"{name} {version}" for name, version in record.get("versions", {}).items())
    told = [f"Preset {record.get('preset')}. {versions}.", *[f"$ {line}" for line in record.get("commands", [])]]
    return Section("Settings", told, tables=[Table(["setting", "value", "from", "meaning"], rows, numbers=False)], folded=True)
