"""Results as tables: for reading, and as the files an experiment leaves."""

import csv
import dataclasses
import io
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from seqgan_cli import __version__, files
from seqgan_cli.errors import SeqganError
from seqgan_cli.evaluation import Likelihoods
from seqgan_cli.experiments.findings import conclusions
from seqgan_cli.experiments.plan import EXPERIMENTS, METHODS
from seqgan_cli.experiments.results import (
    BESIDE_QUALITY,
    COMPARED,
    Design,
    Histories,
    Results,
    Row,
    arrange,
    shown_p,
    signed,
    value,
)
from seqgan_cli.experiments.scores import Scored, from_json
from seqgan_cli.metrics.significance import over_seeds, verdict


def scores_table(results: Results) -> tuple[list[str], list[list[str]]]:
    """Columns and rows of the scores, for reading."""
    swept = len({row.temperature for row in results.rows}) > 1
    uneven = len({frozenset(row.seeds) for row in results.rows}) > 1
    own = [*(["temperature"] if swept else []), *(["seeds"] if uneven else [])]
    columns = ["method", "trained for", *own, "nll_oracle ↓", "nll_test ↓", "distinct", "token types"]
    rows = []
    for row in results.rows:
        cells = [row.title, _trained(row)]
        cells += [f"{row.temperature:g}"] if swept else []
        cells += [", ".join(map(str, sorted(row.seeds)))] if uneven else []
        cells += [str(row.over_seeds("nll_oracle")), str(row.over_seeds("nll_test"))]
        cells += [f"{row.over_seeds('distinct_share').mean:.1%}", f"{row.over_seeds('token_types').mean:.0f}"]
        rows.append(cells)
    for name, mark in (("the oracle's own sequences", "nll_oracle"), ("uniform tokens", "nll_oracle_uniform")):
        mean = over_seeds([figures[mark] for figures in results.data.values()])
        rows.append([name, "", *([""] * len(own)), str(mean), "", "", ""])
    return columns, rows


def _trained(row: Row) -> str:
    """How far the stage has come that the row's generators are from: `60 rounds`, `11–14 epochs` where seeds differ."""
    positions = [scored.position for scored in row.seeds.values()]
    unit = {"pretrain-g": "epoch", "adversarial": "round"}[next(iter(row.seeds.values())).stage]
    least, most = min(positions), max(positions)
    return f"{least}{f'–{most}' if most > least else ''} {unit}{'s' * (most != 1)}"


def generators_table(
    named_scores: Sequence[tuple[str, Likelihoods]], data: Mapping[str, float]
) -> tuple[list[str], list[list[str]]]:
    """Columns and rows of single generators: their scores by name, then what the data and, if synthetic, uniform tokens score.

    The name's column has no heading among the columns.
    """
    synthetic = "nll_oracle" in data
    columns = ["nll_test ↓", "nll_train", "distinct", "token types", "copied"]
    rows: list[list[str]] = []

    def add(name: str, nll_oracle: object, *others: object) -> None:
        rows.append([name, *([str(nll_oracle)] if synthetic else []), *map(str, others)])

    for name, s in named_scores:
        shares = f"{s.distinct_share:.1%}", s.token_types, f"{s.copied_share:.1%}"
        add(name, s.nll_oracle, s.nll_test, s.nll_train, *shares)
    types, distinct = f"{data['token_types']:.0f}", f"{data['distinct_share']:.1%}"
    add("the data", f"{data.get('nll_oracle', 0):.3f}", "", "", distinct, types, f"{data['copied_share']:.1%}")
    if synthetic:
        add("uniform tokens", f"{data['nll_oracle_uniform']:.3f}", "", "", "", "", "")
    return (["nll_oracle ↓", *columns] if synthetic else columns), rows


def generators_caption(synthetic: bool) -> str:
    """What those scores are."""
    return (
        ("nll_oracle is quality: how likely the truth finds the samples. " if synthetic else "")
        + "nll_test is coverage: how likely the generator finds held-out data.\n"
        "Lower is better in both; a generator that says less trades the second for the first."
    )


def tests_table(results: Results) -> tuple[list[str], list[list[str]]]:
    """Columns and rows of the comparisons at temperature 1, for reading; no rows where there is nothing to compare."""
    columns = ["method", "minus", "Δ nll_oracle", "Δ nll_test", "p, sequences", "p, seeds", "d_z", "nll_oracle is"]
    rows = []
    for row in results.rows:
        if row.comparison is None or row.temperature != 1.0:
            continue
        oracle, test = (row.comparison.paired[score] for score in COMPARED)
        cells = [row.title, METHODS[row.comparison.against].title, signed(oracle.difference), signed(test.difference)]
        cells += [shown_p(max(row.comparison.welch.values(), default=math.nan)), shown_p(oracle.p)]
        cells += ["" if math.isnan(oracle.effect_size) else f"{oracle.effect_size:+.1f}"]
        rows.append([*cells, verdict(oracle.difference, results.design.margin)])
    return columns, rows


def scores_caption(results: Results) -> str:
    """What the scores are."""
    seeds = len(results.data)
    spread = "± is half a 95 % interval over seeds (Student's t)." if seeds > 1 else "One seed: its spread is unknown."
    design = results.design
    each = "one oracle for all, a training set each" if design.one_oracle else "an oracle and a training set each"
    told = f"{seeds} seed{'s' * (seeds != 1)}, {each}; {design.samples} samples of each generator; nats per token. {spread}"
    if design.unfinished:
        told += f" NOT FINAL: {', '.join(f'{label} is at {share:.0%}' for label, share in design.unfinished.items())}."
    return told


def tests_caption(results: Results) -> str:
    """What the tests are."""
    return (
        "Δ: within seeds, with 95 % intervals. p, sequences: Welch's t-test between the nll_oracle of the sequences of two "
        "runs, the largest over seeds; it says nothing of other seeds. p, seeds and d_z: paired t-test over seeds of Δ "
        "nll_oracle and its effect size, not adjusted for the number of rows. Last column: the interval of Δ nll_oracle "
        f"against a margin of {results.design.margin:g} nats."
    )


# Files.


def _csv(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([f"{cell:.6g}" if isinstance(cell, float) else cell for cell in row] for row in rows)
    return text.getvalue().encode()


def markdown(results: Results) -> str:
    """The tables, their captions and the findings."""
    kind = results.design.kind
    lines = [f"# {kind}: {EXPERIMENTS[kind].title}", ""]
    for (columns, rows), caption in (
        (scores_table(results), scores_caption(results)),
        (tests_table(results), tests_caption(results)),
    ):
        if rows:
            lines += ["| " + " | ".join(cells) + " |" for cells in [columns, ["---"] * len(columns), *rows]]
            lines += ["", caption, ""]
    lines += [f"- {finding}" for finding in conclusions(results)]
    return "\n".join(lines).rstrip() + "\n"


def write(results: Results, settings: Mapping[str, Any], folder: Path) -> None:
    """table.md, table.csv, scores.csv (a row a seed) and results.json. Raises OSError."""
    files.write(folder / "table.md", markdown(results).encode())
    files.write(folder / "table.csv", _csv(*_summary(results)))
    files.write(folder / "scores.csv", _csv(*_by_seed(results)))
    record = {
        "version": __version__,
        **dataclasses.asdict(results.design),
        "settings": dict(settings),
        "data": {str(seed): dict(figures) for seed, figures in results.data.items()},
        "rows": [_record(row) for row in results.rows],
    }
    files.write(folder / "results.json", (json.dumps(_plain(record), indent=1) + "\n").encode())


def write_curves(found: Histories, folder: Path) -> None:
    """curves.csv: every measured point of the learning curves, and of the discriminators. Raises OSError."""
    rows = [
        [method, seed, row.stage, row.position, row.metric, row.value]
        for method, by_seed in found.items()
        for seed, history in by_seed.items()
        for row in history
    ]
    files.write(folder / "curves.csv", _csv(["method", "seed", "stage", "position", "metric", "value"], rows))


def _summary(results: Results) -> tuple[list[str], list[list[object]]]:
    columns = ["method", "temperature", "seeds"]
    for score in ("nll_oracle", *BESIDE_QUALITY):
        columns += [score, f"{score}_low", f"{score}_high"]
    columns.append("against")
    for score in COMPARED:
        name = f"{score}_difference"
        columns += [name, f"{name}_low", f"{name}_high", f"{name}_p", f"{name}_d_z"]
    columns += ["welch_p_largest", "verdict"]
    rows: list[list[object]] = []
    for row in results.rows:
        cells: list[object] = [row.method, row.temperature, len(row.seeds)]
        for score in ("nll_oracle", *BESIDE_QUALITY):
            estimate = row.over_seeds(score)
            cells += [estimate.mean, estimate.low, estimate.high]
        if row.comparison:
            cells.append(row.comparison.against)
            for score in COMPARED:
                test = row.comparison.paired[score]
                cells += [test.difference.mean, test.difference.low, test.difference.high, test.p, test.effect_size]
            cells += [max(row.comparison.welch.values(), default=math.nan)]
            cells += [verdict(row.comparison.paired["nll_oracle"].difference, results.design.margin)]
        rows.append(cells + [""] * (len(columns) - len(cells)))
    for name in ("nll_oracle", "nll_oracle_uniform"):
        estimate = over_seeds([figures[name] for figures in results.data.values()])
        label = "oracle" if name == "nll_oracle" else "uniform"
        start: list[object] = [label, "", estimate.count, estimate.mean, estimate.low, estimate.high]
        rows.append(start + [""] * (len(columns) - len(start)))
    return columns, rows


def _by_seed(results: Results) -> tuple[list[str], list[list[object]]]:
    columns = ["method", "temperature", "seed", "stage", "position", "samples", "nll_oracle", "nll_oracle_std", *BESIDE_QUALITY]
    columns += ["welch_p"]
    rows: list[list[object]] = []
    for row in results.rows:
        for seed, scored in row.seeds.items():
            oracle = scored.scores.nll_oracle
            cells: list[object] = [row.method, row.temperature, seed, scored.stage, scored.position, results.design.samples]
            cells += [oracle.mean, oracle.std] if oracle else ["", ""]
            cells += [value(scored, score) for score in BESIDE_QUALITY]
            cells += [row.comparison.welch.get(seed, "") if row.comparison else ""]
            rows.append(cells)
    return columns, rows


def _record(row: Row) -> dict[str, Any]:
    return {
        "method": row.method,
        "title": row.title,
        "temperature": row.temperature,
        "seeds": {str(seed): dataclasses.asdict(scored) for seed, scored in row.seeds.items()},
        "over_seeds": {score: dataclasses.asdict(row.over_seeds(score)) for score in ("nll_oracle", *BESIDE_QUALITY)},
        "comparison": dataclasses.asdict(row.comparison) if row.comparison else None,
    }


def _plain(record: Any) -> Any:
    """JSON has no nan: null stands for it."""
    if isinstance(record, Mapping):
        return {str(name): _plain(entry) for name, entry in record.items()}
    if isinstance(record, list | tuple):
        return [_plain(entry) for entry in record]
    if isinstance(record, float | np.floating) and not math.isfinite(record):
        return None
    return record


def read(folder: Path) -> tuple[Results, dict[str, Any]]:
    """What `write` left as results.json: the results and the settings. Raises SeqganError if it is damaged."""
    path = folder / "results.json"
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        found = {(r["method"], r["temperature"]): {int(s): _scored(e) for s, e in r["seeds"].items()} for r in record["rows"]}
        data = {int(seed): figures for seed, figures in record["data"].items()}
        design = Design(**{field.name: record[field.name] for field in dataclasses.fields(Design)})
        return arrange(design, found, data), dict(record["settings"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SeqganError(f"Cannot read {path} ({error}): write it again with `seqgan experiment … --partial`.") from None


def _scored(record: dict[str, Any]) -> Scored:
    return Scored(from_json(record["scores"]), record["stage"], record["position"])
