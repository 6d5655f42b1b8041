"""What the experiment `regimes` leaves: a table, a heat map, results.json, and the sentences that say what they show."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from seqgan_cli import files
from seqgan_cli.config.settings import without_folders
from seqgan_cli.console import Console
from seqgan_cli.errors import SeqganError
from seqgan_cli.evaluation.statistics import over_seeds, paired, shown_p, signed
from seqgan_cli.figures import HeatMap, heat_maps
from seqgan_cli.studies.experiments.tables import markdown_table
from seqgan_cli.studies.regimes.cells import CORRECTED, MLE, ROUNDS, TITLES, Cell
from seqgan_cli.studies.regimes.study import Mapped, Plan, coverage_gap, gap

FOLDER = "regimes"
P = 0.01  # below which a cell is one where it pays
Found = Mapping[tuple[Cell, int], Mapped]
# What is mapped: a title, and the value of a cell in one seed.
MAPS: dict[str, Callable[[Mapped], float]] = {
    "KL(p‖G), nats a sequence": lambda cell: cell.divergence,
    "the discriminator knows, nats": lambda cell: cell.known.value,
    "rounds earn, nats": lambda cell: cell.earned,
    "corrected, minus MLE's curve ↓": lambda cell: gap(cell.curves[CORRECTED], cell.curves[MLE]),
    "rounds, minus MLE's curve ↓": lambda cell: gap(cell.curves[ROUNDS], cell.curves[MLE]),
}


def of_cell(found: Found, cell: Cell) -> list[Mapped]:
    """By seed."""
    return [mapped for (other, _), mapped in found.items() if other == cell]


def table(plan: Plan, found: Found) -> tuple[list[str], list[list[str]]]:
    """Columns and rows, a row a cell."""
    columns = ["sequences", "size", "seeds", "dropout", "KL(p‖G)", "knows", "earned"]
    for name in (CORRECTED, ROUNDS):
        columns += [f"{TITLES[name]}, minus MLE's curve ↓", "p", "minus MLE's best nll_test ↓"]
    rows = []
    for cell in plan.cells:
        own = of_cell(found, cell)
        if not own:
            continue
        numbers = [[m.divergence for m in own], [m.known.value for m in own]]
        numbers.append([m.earned for m in own])
        cells = [str(cell.sequences), str(cell.hidden_dim), str(len(own)), ", ".join(sorted({f"{m.dropout:g}" for m in own}))]
        cells += [str(over_seeds(values)) for values in numbers]
        for name in (CORRECTED, ROUNDS):
            difference, p = test(own, name)
            covered = over_seeds([coverage_gap(mapped.curves[name], mapped.curves[MLE]) for mapped in own])
            cells += [difference, shown_p(p), f"{covered.mean:+.4f}"]
        rows.append(cells)
    return columns, rows


def test(own: Sequence[Mapped], name: str) -> tuple[str, float]:
    """The difference from MLE's curve over seeds with its interval, in words, and p of the t-test of it."""
    gaps = [gap(mapped.curves[name], mapped.curves[MLE]) for mapped in own]
    if not gaps or any(map(math.isnan, gaps)):
        return "not known", math.nan
    result = paired(gaps, [0.0] * len(gaps))
    return signed(result.difference), result.p


def caption(plan: Plan) -> str:
    """What the columns are."""
    several = len(plan.seeds) > 1
    return (
        f"{'Means over ' if several else ''}{len(plan.seeds)} seed{'s' * several}, {plan.samples} samples behind each score"
        f"{', of all methods of a seed drawn from one key' if plan.common_random_numbers else ''}"
        f"{'; ± is half a 95 % interval over seeds' if several else '; one seed: its spread is unknown'}. dropout: that of the "
        "lowest nll_validation. "
        "KL(p‖G): of MLE, nats a sequence, from the oracle's likelihood of the test sequences. knows: what the discriminator "
        "knows of it on the test part, by which a test sequence is likelier when corrected. earned: by how many nats it is "
        "likelier after the round on the log-ratio that validation chooses. Minus MLE's curve: the nll_oracle that a method "
        "has at some temperature from 1 down less what MLE has at some temperature, at the same nll_test, where that is "
        "largest: below 0 MLE is worse at every coverage that both reach. p: t-test of it over seeds, not adjusted for the "
        "number of cells. Minus MLE's best nll_test: above 0 MLE alone reaches some coverages."
    )


def findings(plan: Plan, found: Found) -> list[str]:
    """What the map shows, a sentence each."""
    told = []
    for name in (CORRECTED, ROUNDS):
        tests = {cell: test(of_cell(found, cell), name) for cell in plan.cells if of_cell(found, cell)}
        below = [cell for cell in tests if _everywhere_below(of_cell(found, cell), name)]
        paying = [cell for cell in below if tests[cell][1] < P]
        if len(plan.seeds) == 1:
            where = ", ".join(cell.name for cell in below) or "no cell"
            told.append(f"{TITLES[name]}, one seed: below MLE's curve at every coverage tried in {where}.")
        elif paying:
            told.append(f"{TITLES[name]} is below MLE's curve at every coverage tried (p < {P:g}) in {_listed(paying)}.")
        else:
            told.append(f"{TITLES[name]} is below MLE's curve at every coverage tried (p < {P:g}) in no cell.")
    mapped = {cell: own for cell in plan.cells if (own := of_cell(found, cell))}
    known = {cell: over_seeds([m.known.value for m in own]).mean for cell, own in mapped.items()}
    best = max(known, key=lambda cell: known[cell])
    share = known[best] / over_seeds([m.divergence for m in mapped[best]]).mean
    told.append(
        f"Of {len(known)} cell{'s' * (len(known) > 1)} the discriminator knows most with {best.sequences} sequences and size "
        f"{best.hidden_dim}: {known[best]:.3f} nats a sequence, {share:.1%} of what MLE lacks."
    )
    return told


def _everywhere_below(own: Sequence[Mapped], name: str) -> bool:
    """Whether, in the mean over a cell's seeds, it is below MLE's curve, and covers as well as MLE at its best."""
    pairs = [(mapped.curves[name], mapped.curves[MLE]) for mapped in own]
    below, covered = (over_seeds([measure(*pair) for pair in pairs]).mean for measure in (gap, coverage_gap))
    return below < 0 and covered <= 0


def _listed(cells: Sequence[Cell]) -> str:
    return ", ".join(f"{cell.sequences} sequences and size {cell.hidden_dim}" for cell in cells)


def markdown(plan: Plan, found: Found) -> str:
    """The table, what its columns are, and the findings."""
    columns, rows = table(plan, found)
    lines = ["# regimes: where a discriminator knows something, and what that earns", ""]
    lines += markdown_table(columns, rows)
    lines += ["", caption(plan), "", *(f"- {sentence}" for sentence in findings(plan, found))]
    return "\n".join(lines) + "\n"


def write(plan: Plan, found: Found, console: Console) -> None:
    """The table and the findings to stdout, all files to the experiment's folder.

    Raises SeqganError if nothing has been scored yet, OSError.
    """
    if not found:
        raise SeqganError(f"{plan.directory} holds no cell that is done: leave --partial out.")
    folder = plan.directory / FOLDER
    columns, rows = table(plan, found)
    files.write(folder / "table.md", markdown(plan, found).encode())
    record = {
        "preset": plan.preset,
        "samples": plan.samples,
        "common_random_numbers": plan.common_random_numbers,
        "settings": without_folders(plan.config.values),
        "cells": [
            {"sequences": cell.sequences, "hidden_dim": cell.hidden_dim, "seed": seed, **mapped.record()}
            for (cell, seed), mapped in found.items()
        ],
    }
    files.write(folder / "results.json", (json.dumps(files.plain(record), indent=1) + "\n").encode())
    paths = [folder / f"regimes{suffix}" for suffix in (".png", ".svg")]
    _draw(plan, found, *paths)
    console.table("Regimes", columns, rows, caption=caption(plan) + "\n")
    for sentence in findings(plan, found):
        console.result(sentence)
    console.result(f"\nTable: {folder / 'table.md'}, results.json; map: {paths[0]}, and the same as .svg")


def _draw(plan: Plan, found: Found, *paths: Path) -> None:
    def value(of: Callable[[Mapped], float], number: int, size: int) -> float:
        return over_seeds([of(mapped) for mapped in of_cell(found, Cell(number, size))]).mean

    maps = [
        HeatMap(title, [[value(of, number, size) for number in plan.sequences] for size in plan.hidden_dims])
        for title, of in MAPS.items()
    ]
    columns, rows = [f"{n:,}" for n in plan.sequences], [str(size) for size in plan.hidden_dims]
    heat_maps(maps, columns, rows, ("training sequences", "size of the generator"), *paths)
