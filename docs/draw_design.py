"""Draws docs/design.svg from the imports of the source: rooms from roof to ground, their sizes, and who imports from whom."""

import sys
from pathlib import Path

import matplotlib as mpl
from matplotlib import pyplot as plt

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from test_house import ROOMS, imports, module_of, modules, room

TARGET = Path(__file__).with_name("design.svg")


def main() -> None:
    """Write the figure; the same source gives the same bytes."""
    lines, files = dict.fromkeys(ROOMS, 0), dict.fromkeys(ROOMS, 0)
    arrows: dict[tuple[str, str], int] = {}
    for path in modules():
        mine = room(module_of(path))
        if mine == "__init__":
            continue
        lines[mine] += path.read_text(encoding="utf-8").count("\n")
        files[mine] += 1
        for module in imports(path):
            theirs = room(module.removeprefix("seqgan_cli."))
            if theirs != mine:
                arrows[mine, theirs] = arrows.get((mine, theirs), 0) + 1
    mpl.rcParams.update({"svg.hashsalt": "seqgan", "svg.fonttype": "none", "font.size": 8})
    figure, (sizes, matrix) = plt.subplots(1, 2, figsize=(11, 8.5), width_ratios=(1, 2.2), layout="constrained")
    rows = range(len(ROOMS))
    sizes.barh(rows, [lines[name] for name in ROOMS], color="#4c78a8")
    for row, name in enumerate(ROOMS):
        sizes.text(lines[name] + 20, row, f"{files[name]} file{'s' * (files[name] != 1)}", va="center", fontsize=7)
    sizes.set(yticks=rows, yticklabels=ROOMS, xlabel="lines", title="rooms, from the roof to the ground")
    sizes.set_xlim(0, 1.25 * max(lines.values()))
    sizes.invert_yaxis()
    for (mine, theirs), number in arrows.items():
        matrix.scatter(ROOMS.index(theirs), ROOMS.index(mine), s=14 * number**0.7, color="#e45756", linewidths=0)
    matrix.plot([-0.5, len(ROOMS) - 0.5], [-0.5, len(ROOMS) - 0.5], color="0.7", linewidth=0.8)
    matrix.set(xlim=(-0.5, len(ROOMS) - 0.5), ylim=(len(ROOMS) - 0.5, -0.5), yticks=rows, yticklabels=ROOMS, xticks=rows)
    matrix.set_xticklabels(ROOMS, rotation=90)
    matrix.set_title("a dot: the row imports from the column; right of the line is down")
    matrix.grid(color="0.93", linewidth=0.5)
    matrix.set_axisbelow(True)
    figure.savefig(TARGET, metadata={"Date": None, "Creator": None})


if __name__ == "__main__":
    main()
