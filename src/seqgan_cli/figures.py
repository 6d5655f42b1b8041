"""Figures as files: the learning curve of a run, learning curves of several methods, quality against coverage."""

import contextlib
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqgan_cli import files

if TYPE_CHECKING:
    from seqgan_cli.run import Row

QUALITY = "quality: nll_oracle of samples ↓"
COVERAGE = "coverage: nll_test of held-out data ↓"
CURVES = {"nll_oracle": QUALITY, "nll_test": COVERAGE}


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


@contextlib.contextmanager
def _drawing(paths: Sequence[Path], columns: int = 1, rows: int = 1, **size: Any) -> Iterator[tuple[Any, Any]]:
    """A figure and its axes `[rows, columns]`, saved at the end under each path, in the format of its suffix."""
    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)  # it greets while it caches fonts
    import matplotlib

    matplotlib.use("Agg")
    # Text in an SVG stays text, and the same figure the same file.
    matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "seqgan"})
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(rows, columns, squeeze=False, layout="constrained", **size)
    try:
        yield figure, axes
        for path in paths:
            metadata = {"Date": None} if path.suffix == ".svg" else None
            with files.replacing(path) as temporary:
                figure.savefig(temporary, dpi=120, metadata=metadata)
    finally:
        pyplot.close(figure)


def learning_curve(rows: "Sequence[Row]", marks: dict[str, float], *paths: Path) -> None:
    """Quality and coverage over pretrain-g's epochs and then the adversarial rounds.

    Args:
        rows: of history.csv.
        marks: horizontal lines by label, e.g. what the oracle scores on its own sequences.
        paths: .png or .svg files.
    """
    start = max((row.position for row in rows if row.stage == "pretrain-g"), default=0)
    with _drawing(paths, figsize=(8, 4.5)) as (_, table):
        axes = table[0, 0]
        for colour, (metric, label) in zip(("tab:blue", "tab:orange"), CURVES.items(), strict=True):
            points = [(row.position, row.value) for row in rows if row.stage == "pretrain-g" and row.metric == metric]
            # Round 0 is the generator the last epoch left: the curve goes on from there.
            points += [(start + row.position, row.value) for row in rows if row.stage == "adversarial" and row.metric == metric]
            if points:
                axes.plot(*zip(*points, strict=True), color=colour, label=label)
        for label, value in marks.items():
            axes.axhline(value, color="grey", linestyle=":", label=label)
        if any(row.stage == "adversarial" for row in rows):
            axes.axvline(start, color="black", linewidth=1, linestyle="--", label="adversarial training starts")
        axes.set_xlabel("epochs of pretrain-g, then adversarial rounds")
        axes.set_ylabel("nats per token")
        axes.legend()


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
