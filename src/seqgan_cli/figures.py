"""Figures as files: learning curves of a run and of several methods, quality against coverage, maps, tunes."""

import contextlib
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from seqgan_cli import files

if TYPE_CHECKING:
    from seqgan_cli.runs.history import Row

QUALITY = "quality: nll_oracle of samples ↓"
COVERAGE = "coverage: nll_test of held-out data ↓"
CURVES = {"nll_oracle": QUALITY, "nll_validation": "coverage: nll_validation of held-out data ↓"}
# Scores on the validation part, and what they are called in runs that have none: there the test part chooses too.
WITHOUT_VALIDATION = {"nll_validation": "nll_test", "d_accuracy_validation": "d_accuracy_test"}


def on_curve(metric: str, name: str) -> bool:
    """Whether a row's metric is the score of that name, as learning curves have it."""
    return metric in (name, WITHOUT_VALIDATION.get(name))


@dataclass(frozen=True)
class Curve:
    """A line: x and y of its points, and how far y reaches below and above over seeds, if known."""

    label: str
    x: Sequence[float]
    y: Sequence[float]
    low: Sequence[float] | None = None
    high: Sequence[float] | None = None


@dataclass(frozen=True)
class Panel:
    """One pair of axes: its curves, horizontal marks by label, and vertical ones."""

    title: str
    ylabel: str
    curves: Sequence[Curve]
    marks: dict[str, float]
    starts: Sequence[float] = ()


@dataclass(frozen=True)
class HeatMap:
    """A title, and a value for every row and column; nan where there is none."""

    title: str
    values: Sequence[Sequence[float]]


@contextlib.contextmanager
def _drawing(
    paths: Sequence[Path], columns: int = 1, rows: int = 1, figsize: tuple[float, float] | None = None, **shared: Any
) -> Iterator[tuple[Any, Any]]:
    """A figure and its axes `[rows, columns]`, saved at the end under each path, in the format of its suffix.

    `shared`: which axes are common, as `Figure.subplots` takes it.
    """
    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)  # it greets while it caches fonts
    import matplotlib
    from matplotlib.figure import Figure

    # Without pyplot, whose backend and settings are the user's where this package is a library, as in a notebook.
    # Text in an SVG stays text, and the same figure the same file.
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "seqgan"}):
        figure = Figure(figsize, layout="constrained")
        yield figure, figure.subplots(rows, columns, squeeze=False, **shared)
        for path in paths:
            metadata = {"Date": None} if path.suffix == ".svg" else None
            with files.replacing(path) as temporary:
                figure.savefig(temporary, dpi=120, metadata=metadata)


def learning_curve(rows: "Sequence[Row]", marks: dict[str, float], *paths: Path) -> None:
    """Quality (of real data BLEU, on the right) and coverage over pretrain-g's epochs and then the adversarial rounds.

    Args:
        rows: of history.csv.
        marks: horizontal lines by label, e.g. what the oracle scores on its own sequences.
        paths: .png or .svg files.
    """
    start = max((row.position for row in rows if row.stage == "pretrain-g"), default=0)
    bleu = min({row.metric for row in rows if row.metric.startswith("bleu_")}, default="")

    def points_of(metric: str) -> list[tuple[int, float]]:
        points = [(row.position, row.value) for row in rows if row.stage == "pretrain-g" and on_curve(row.metric, metric)]
        # Round 0 is the generator the last epoch left: the curve goes on from there.
        return points + [
            (start + row.position, row.value) for row in rows if row.stage == "adversarial" and on_curve(row.metric, metric)
        ]

    with _drawing(paths, figsize=(8, 4.5)) as (_, table):
        axes = table[0, 0]
        for colour, (metric, label) in zip(("tab:blue", "tab:orange"), CURVES.items(), strict=True):
            if points := points_of(metric):
                axes.plot(*zip(*points, strict=True), color=colour, label=label)
        if bleu:  # of real data, in the oracle's stead; it has a scale of its own
            name = bleu.upper().replace("_", "-")
            axes.plot([], [], color="tab:blue", label=f"quality: {name} of samples ↑ (right)")
            right = axes.twinx()
            right.plot(*zip(*points_of(bleu), strict=True), color="tab:blue")
            right.set_ylabel(name)
        for label, value in marks.items():
            axes.axhline(value, color="grey", linestyle=":", label=label)
        if any(row.stage == "adversarial" for row in rows):
            axes.axvline(start, color="black", linewidth=1, linestyle="--", label="adversarial training starts")
        axes.set_xlabel("epochs of pretrain-g, then adversarial rounds")
        axes.set_ylabel("nats per token")
        axes.legend(loc="center right" if bleu else "best")


def panels(shown: Sequence[Panel], xlabel: str, columns: int, *paths: Path) -> None:
    """Panels of curves beside each other, each with a band from the lowest to the highest seed."""
    rows = -(-len(shown) // columns)
    size = (6.5 * columns, 4.0 * rows)
    with _drawing(paths, columns, rows, figsize=size, sharex=len(shown) == 2) as (_, table):
        for axes, panel in zip(table.flat, shown, strict=False):
            for i, curve in enumerate(panel.curves):
                axes.plot(curve.x, curve.y, color=f"C{i}", label=curve.label)
                if curve.low is not None and curve.high is not None:
                    axes.fill_between(curve.x, curve.low, curve.high, color=f"C{i}", alpha=0.2, linewidth=0)
            for label, value in panel.marks.items():
                axes.axhline(value, color="grey", linestyle=":", label=label)
            for i, start in enumerate(panel.starts):
                told = "adversarial training starts" if i == 0 else None
                axes.axvline(start, color="black", linewidth=1, linestyle="--", label=told)
            axes.set_title(panel.title)
            axes.set_xlabel(xlabel)
            axes.set_ylabel(panel.ylabel)
            axes.legend(fontsize="small")
        for axes in table.flat[len(shown) :]:
            axes.set_axis_off()


def frontier(
    curves: Sequence[Curve],
    temperatures: Sequence[float],
    quoted: Sequence[Curve],
    axis_names: tuple[str, str],
    *paths: Path,
) -> None:
    """Quality (y) against coverage (x) with a point a temperature: nearer the lower left corner is better in both.

    `quoted`: what other systems report, drawn hollow, since it was measured elsewhere.
    """
    with _drawing(paths, figsize=(8, 7)) as (figure, table):
        axes = table[0, 0]
        for i, curve in enumerate(curves):
            axes.plot(curve.x, curve.y, marker="o", markersize=4, color=f"C{i}", label=curve.label)
            for x, y, temperature in zip(curve.x, curve.y, temperatures, strict=False):
                axes.annotate(f"{temperature:g}", (x, y), xytext=(4, 3), textcoords="offset points", fontsize="x-small")
        for i, curve in enumerate(quoted):
            style = {"linestyle": ":", "color": "grey", "marker": "sDv^P*"[i % 6], "markerfacecolor": "none"}
            axes.plot(curve.x, curve.y, label=curve.label, **style)
        axes.set_xlabel(axis_names[0])
        axes.set_ylabel(axis_names[1])
        figure.legend(fontsize="small", loc="outside lower center", ncols=2)


def trade_off(curves: Sequence[Curve], points: Sequence[Curve], axis_names: tuple[str, str], *paths: Path) -> None:
    """What is gained (y) against what it costs (x): curves of ways of sampling, and points of what was trained."""
    with _drawing(paths, figsize=(7, 6)) as (figure, table):
        axes = table[0, 0]
        for i, curve in enumerate(curves):
            axes.plot(curve.x, curve.y, marker="o", markersize=4, color=f"C{i}", label=curve.label)
        for i, curve in enumerate(points):
            axes.plot(curve.x, curve.y, linestyle="", marker="sDv^P*X"[i % 7], color=f"C{len(curves) + i}", label=curve.label)
        axes.set_xlabel(axis_names[0])
        axes.set_ylabel(axis_names[1])
        figure.legend(fontsize="small", loc="outside lower center", ncols=2)


def trials(
    scored: Sequence[tuple[int, Sequence[float]]], best: Sequence[int], objectives: Sequence[tuple[str, bool]], *paths: Path
) -> None:
    """A search's trials: the second score against the first, or one score in the order of trials.

    Args:
        scored: number and scores of each trial.
        best: numbers of those to mark.
        objectives: a name for each score, and whether more is better.
        paths: .png or .svg files.
    """
    labels = [f"{name} {'↑' if higher else '↓'}" for name, higher in objectives]
    with _drawing(paths, figsize=(7, 5)) as (_, table):
        axes = table[0, 0]
        points = {n: (scores[1], scores[0]) if len(scores) > 1 else (float(n), scores[0]) for n, scores in scored}
        axes.scatter(*zip(*points.values(), strict=True), s=18, color="tab:grey", label="trials")
        axes.scatter(*zip(*(points[n] for n in best), strict=True), s=30, color="tab:blue", label="the best")
        for n in best:
            axes.annotate(str(n), points[n], xytext=(4, 3), textcoords="offset points", fontsize="x-small")
        axes.set_xlabel(labels[1] if len(labels) > 1 else "trial")
        axes.set_ylabel(labels[0])
        axes.legend()


def bars(values: dict[str, float], label: str, *paths: Path) -> None:
    """A horizontal bar for each name, the largest above."""
    ordered = sorted(values.items(), key=lambda item: item[1])
    with _drawing(paths, figsize=(7, 1 + 0.4 * len(ordered))) as (_, table):
        axes = table[0, 0]
        axes.barh(*zip(*ordered, strict=True), color="tab:blue")
        axes.set_xlabel(label)


def piano_roll(rows: Sequence[np.ndarray], step: float, *paths: Path) -> None:
    """Sequences of pitches below each other, time against pitch.

    Args:
        rows: int `[T]` each: 0 is a rest, 1…88 are the keys of a piano from A0 (MIDI note 21) to C8. Equal neighbours are
            drawn as one held note.
        step: seconds of each pitch.
        paths: .png or .svg files.
    """
    sounding = np.concatenate([row[row > 0] for row in rows]) + 20
    low, high = (int(sounding.min()), int(sounding.max())) if len(sounding) else (60, 72)
    # The white keys are named, or where those would crowd, the Cs.
    named = [note for note in range(low - 1, high + 2) if _note_name(note)[0] == "C" or high - low <= 36]
    named = [note for note in named if "♯" not in _note_name(note)]
    with _drawing(paths, 1, len(rows), figsize=(9, 1 + 2.4 * len(rows)), sharex=True, sharey=True) as (_, table):
        for axes, row in zip(table.flat, rows, strict=True):
            starts = np.flatnonzero(np.diff(row, prepend=-1))
            lengths = np.diff(starts, append=len(row))
            heard = row[starts] > 0
            axes.barh(row[starts][heard] + 20, lengths[heard] * step, left=starts[heard] * step, height=0.8)
            axes.set_xlim(0, step * max(map(len, rows)))
            axes.set_ylim(low - 1, high + 1)
            axes.set_yticks(named, [_note_name(note) for note in named], fontsize="x-small")
            axes.grid(axis="y", linewidth=0.4)
            axes.set_axisbelow(True)
            axes.set_ylabel("pitch")
        for i, axes in enumerate(table.flat if len(rows) > 1 else (), start=1):
            axes.set_title(str(i), loc="left", fontsize="small")
        axes.set_xlabel("seconds")


def _note_name(note: int) -> str:
    """A MIDI note as C4 or C♯4; 60 is C4."""
    names = ("C", "C♯", "D", "D♯", "E", "F", "F♯", "G", "G♯", "A", "A♯", "B")
    return f"{names[note % 12]}{note // 12 - 1}"


def heat_maps(
    maps: Sequence[HeatMap], columns: Sequence[str], rows: Sequence[str], axis_names: tuple[str, str], *paths: Path
) -> None:
    """Maps beside each other, which have the same columns and rows."""
    with _drawing(paths, len(maps), figsize=(1.6 + 2.6 * len(maps), 1.6 + 0.7 * len(rows))) as (_, table):
        for axes, shown in zip(table.flat, maps, strict=True):
            axes.imshow(np.ma.masked_invalid(np.array(shown.values, np.float64)), cmap="viridis", aspect="auto")
            for (row, column), value in np.ndenumerate(np.array(shown.values, np.float64)):
                text = axes.text(column, row, "" if np.isnan(value) else f"{value:.3g}", ha="center", va="center")
                text.set_bbox({"facecolor": "white", "alpha": 0.7, "linewidth": 0, "pad": 1.5})
            axes.set_xticks(range(len(columns)), columns)
            axes.set_yticks(range(len(rows)), rows)
            axes.set_xlabel(axis_names[0])
            axes.set_ylabel(axis_names[1])
            axes.set_title(shown.title, fontsize="medium")
