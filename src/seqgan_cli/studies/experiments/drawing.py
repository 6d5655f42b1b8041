"""An experiment's figures."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from seqgan_cli.evaluation.real import SCORES
from seqgan_cli.evaluation.statistics import over_seeds
from seqgan_cli.figures import COVERAGE, CURVES, QUALITY, Curve, Panel, frontier, on_curve, panels
from seqgan_cli.runs.history import Row
from seqgan_cli.runs.run import Run
from seqgan_cli.studies.experiments.methods import EXPERIMENTS, METHODS
from seqgan_cli.studies.experiments.results import Design, Histories, Results
from seqgan_cli.studies.tasks import Task

# (nll_test, nll_oracle) as reported by others for the paper's oracle size, from the highest temperature to the lowest.
# Caccia et al., "Language GANs Falling Short", 2020: inverse temperatures about 1 and about 2.
QUOTED = (
    Curve("quoted, of another oracle: SeqGAN (Caccia et al.)", (9.18, 13.8), (9.63, 8.43)),
    Curve("quoted, of another oracle: MLE tuned on both (Caccia et al.)", (8.06, 11.3), (8.28, 5.86)),
    Curve("quoted, of another oracle: MLE tuned on held-out (Caccia et al.)", (7.61, 8.85), (9.40, 6.51)),
    Curve("quoted, of another oracle: CoT (Caccia et al.)", (7.57, 9.12), (9.40, 6.30)),
)
PAPER_SIZE = {"data.vocab-size": 5000, "data.sequence-length": 20}
FORMATS = (".png", ".svg")


def start_of(task: Task, tasks: Sequence[Task]) -> int:
    """Epochs of pretrain-g before the task's own stage: where its curve begins."""
    by_name = {other.name: other for other in tasks if other.seed == task.seed}
    while task.work.parent:
        task = by_name[task.work.parent]
        if task.work.stage == "pretrain-g":
            return min(task.target, Run(task.path).position(task.work.stage))  # fewer if it lost its patience
    return 0


def curve(method: str, metric: str, by_seed: dict[int, list[Row]], start: int) -> Curve | None:
    """The mean over seeds, at the positions that all of them have reached; the band is from lowest to highest."""
    values = [{row.position: row.value for row in rows if on_curve(row.metric, metric)} for rows in by_seed.values()]
    common = sorted(set.intersection(*(set(points) for points in values))) if values else []
    if not common:
        return None
    table = np.array([[points[position] for position in common] for points in values])
    band = (table.min(axis=0), table.max(axis=0)) if len(table) > 1 else (None, None)
    return Curve(METHODS[method].title, [start + position for position in common], table.mean(axis=0), *band)


def draw(results: Results, tasks: Sequence[Task], found: Histories, settings: Mapping[str, Any], folder: Path) -> list[Path]:
    """Write the experiment's figures and return their paths (PNG).

    Args:
        found: what `histories` found of the tasks.

    Raises OSError.
    """
    starts = {method: start_of(next(t for t in tasks if t.name == METHODS[method].work), tasks) for method in found}
    drawn = []

    def paths(name: str) -> list[Path]:
        drawn.append(folder / f"{name}.png")
        return [folder / f"{name}{suffix}" for suffix in FORMATS]

    design = results.design
    label = "the oracle's own sequences" if design.synthetic else "the training data"
    marks = {name: {label: over_seeds([figures[name] for figures in results.data.values()]).mean} for name in design.quality}
    if EXPERIMENTS[design.kind].swept:
        at_papers_size = all(settings.get(name) == size for name, size in PAPER_SIZE.items())
        quoted = QUOTED if design.coverage == "nll_test" and at_papers_size else ()
        frontier(*frontier_curves(results), quoted, _frontier_axes(design), *paths("frontier"))
    elif design.kind == "strategies":
        shown = []
        for method in (method for method in found if starts[method]):
            both = [(curve(method, metric, found[method], 0), label) for metric, label in CURVES.items()]
            curves = [dataclasses.replace(one, label=label) for one, label in both if one]
            shown.append(Panel(METHODS[method].title, "nats per token", curves, marks[design.quality[0]]))
        if shown:
            panels(shown, "rounds", 2, *paths("strategies"))
    else:
        shown = []
        for metric in (*design.quality, "nll_validation"):
            all_curves = [curve(method, metric, found[method], starts[method]) for method in found]
            curves = [one for one in all_curves if one]
            begun = sorted({start for start in starts.values() if start})
            unit = "nats per token" if metric.startswith("nll_") else metric
            title = CURVES.get(metric, f"quality: {SCORES[metric].heading}")
            shown.append(Panel(title, unit, curves, marks.get(metric, {}), begun))
        panels(shown, "epochs of pretrain-g, then adversarial rounds", 2, *paths("learning-curves"))
    return drawn


def frontier_curves(results: Results) -> tuple[list[Curve], list[float]]:
    """A curve a method, mean over seeds at each temperature, or what is swept instead, that all have; and those, from 1 down.

    Some curves go on where others end.
    """
    values = sorted({row.at for row in results.rows}, reverse=True)
    curves = []
    for method in dict.fromkeys(row.method for row in results.rows):
        own = [row for row in results.rows if row.method == method]
        own = [row for row in own if len(row.seeds) == len(own[0].seeds)]
        if len(own) > 1:
            quality = results.design.quality[0]
            x, y = ([row.over_seeds(score).mean for row in own] for score in (results.design.coverage, quality))
            curves.append(Curve(own[0].title, x, [1.0 - score for score in y] if SCORES[quality].higher else y))
    return curves, values


def _frontier_axes(design: Design) -> tuple[str, str]:
    """What the axes of `frontier_curves` are; of both less is better."""
    if design.coverage == "nll_test":
        return COVERAGE, QUALITY
    quality = SCORES[design.quality[0]]
    shown = f"1 − {quality.heading.split()[0]} ↓" if quality.higher else quality.heading
    return f"variety: {SCORES[design.coverage].heading}", f"quality: {shown}"
