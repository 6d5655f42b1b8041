"""Figures of a run, as files."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from seqgan_cli import files

if TYPE_CHECKING:
    from seqgan_cli.run import Row

CURVES = {
    "nll_oracle": "quality: nll_oracle of samples ↓",
    "nll_test": "coverage: nll_test of held-out data ↓",
}


def learning_curve(rows: "Sequence[Row]", marks: dict[str, float], path: Path) -> None:
    """Quality and coverage over pretrain-g's epochs and then the adversarial rounds, as a PNG.

    Args:
        rows: of history.csv.
        marks: horizontal lines by label, e.g. what the oracle scores on its own sequences.
    """
    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)  # it greets while it caches fonts
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, 4.5), layout="constrained")
    start = max((row.position for row in rows if row.stage == "pretrain-g"), default=0)
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
    with files.replacing(path) as temporary:
        figure.savefig(temporary, dpi=120)
    pyplot.close(figure)
