"""The files that an experiment leaves: table.md, table.csv, scores.csv, curves.csv, and results.json, which reads back."""

import csv
import dataclasses
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from seqgan_cli import __version__, files
from seqgan_cli.config.schema import specs_of
from seqgan_cli.config.settings import without_folders
from seqgan_cli.errors import SeqganError
from seqgan_cli.evaluation.generators import from_record
from seqgan_cli.evaluation.statistics import over_seeds, verdict
from seqgan_cli.sampling.choices import PLAIN, Sampling
from seqgan_cli.studies.experiments.findings import conclusions
from seqgan_cli.studies.experiments.methods import EXPERIMENTS
from seqgan_cli.studies.experiments.results import Design, Histories, Results, Row, arrange, value
from seqgan_cli.studies.experiments.scores import Scored
from seqgan_cli.studies.experiments.tables import (
    markdown_table,
    matched_caption,
    matched_table,
    scores_caption,
    scores_table,
    tests_caption,
    tests_table,
)


def _csv(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([f"{cell:.6g}" if isinstance(cell, float) else cell for cell in row] for row in rows)
    return text.getvalue().encode()


def markdown(results: Results) -> str:
    """The tables, their captions and the findings."""
    kind = results.design.kind
    lines = [f"# {kind}: {EXPERIMENTS[kind].title_of(results.design.sweep)}", ""]
    for (columns, rows), caption in (
        (scores_table(results), scores_caption(results)),
        (tests_table(results), tests_caption(results)),
        (matched_table(results), matched_caption(results)),
    ):
        if rows:
            lines += [*markdown_table(columns, rows), "", caption, ""]
    lines += [f"- {finding}" for finding in conclusions(results)]
    return "\n".join(lines).rstrip() + "\n"


def write(results: Results, settings: Mapping[str, Any], folder: Path) -> None:
    """table.md, table.csv, scores.csv (a row a seed) and results.json. Raises OSError."""
    files.write(folder / "table.md", markdown(results).encode())
    files.write(folder / "table.csv", _csv(*_summary(results)))
    files.write(folder / "scores.csv", _csv(*_by_seed(results)))
    record = {
        "version": __version__,
        **_design(results.design),
        "settings": without_folders(settings),
        "data": {str(seed): dict(figures) for seed, figures in results.data.items()},
        "rows": [_record(row, results.design) for row in results.rows],
    }
    files.write(folder / "results.json", (json.dumps(files.plain(record), indent=1) + "\n").encode())


def write_curves(found: Histories, folder: Path) -> None:
    """curves.csv: every measured point of the learning curves, and of the discriminators. Raises OSError."""
    rows = [
        [method, seed, row.stage, row.position, row.metric, row.value]
        for method, by_seed in found.items()
        for seed, history in by_seed.items()
        for row in history
    ]
    files.write(folder / "curves.csv", _csv(["method", "seed", "stage", "position", "metric", "value"], rows))


def _design(design: Design) -> dict[str, Any]:
    """The design's record; nothing of sampling where it is as ever."""
    record = dataclasses.asdict(design)
    later = ("sweep", "sampling", "extra_scores", "fluency")
    usual = [name for name in later if getattr(design, name) == getattr(Design, name)]
    return {name: record[name] for name in record if name not in usual}


def _sampling_columns(design: Design) -> list[str]:
    return [spec.leaf for spec in specs_of(Sampling)] if design.truncates else ["temperature"]


def _sampling_cells(design: Design, row: Row) -> list[object]:
    return [getattr(design.sampling_at(row.at), name) for name in _sampling_columns(design)]


def _summary(results: Results) -> tuple[list[str], list[list[object]]]:
    design = results.design
    columns = ["method", *_sampling_columns(design), "seeds"]
    for score in design.reported:
        columns += [score, f"{score}_low", f"{score}_high"]
    columns.append("against")
    for score in design.compared:
        name = f"{score}_difference"
        columns += [name, f"{name}_low", f"{name}_high", f"{name}_p", f"{name}_d_z"]
    several = [f"_{score}" for score in design.quality] if len(design.quality) > 1 else [""]
    columns += [f"{name}{score}" for score in several for name in ("welch_p_largest", "verdict")]
    rows: list[list[object]] = []
    for row in results.rows:
        cells: list[object] = [row.method, *_sampling_cells(design, row), len(row.seeds)]
        for score in design.reported:
            over = row.over_seeds(score)
            cells += [over.mean, over.low, over.high]
        if row.comparison:
            cells.append(row.comparison.against)
            for score in design.compared:
                test = row.comparison.paired[score]
                cells += [test.difference.mean, test.difference.low, test.difference.high, test.p, test.effect_size]
            for score in design.quality:
                cells += [
                    row.comparison.largest_p(score),
                    verdict(row.comparison.paired[score].difference, design.margin_for(score)),
                ]
        rows.append(cells + [""] * (len(columns) - len(cells)))
    marks = {"oracle": ("nll_oracle",), "uniform": ("nll_oracle_uniform",)} if design.synthetic else {"data": design.quality}
    for label, names in marks.items():
        start: list[object] = [label, *[""] * len(_sampling_columns(design)), len(results.data)]
        for name in names:
            over = over_seeds([figures[name] for figures in results.data.values()])
            start += [over.mean, over.low, over.high]
        rows.append(start + [""] * (len(columns) - len(start)))
    return columns, rows


def _by_seed(results: Results) -> tuple[list[str], list[list[object]]]:
    design = results.design
    columns = ["method", *_sampling_columns(design), "seed", "stage", "position", "samples"]
    columns += [column for score in design.quality for column in (score, f"{score}_std")]
    columns += design.reported[len(design.quality) :]
    columns += [f"welch_p_{score}" for score in design.quality] if len(design.quality) > 1 else ["welch_p"]
    known = ["d_knows", "d_knows_low", "d_knows_high"] * any(row.knows for row in results.rows)
    columns += known
    rows: list[list[object]] = []
    for row in results.rows:
        for seed, scored in row.seeds.items():
            cells: list[object] = [row.method, *_sampling_cells(design, row)]
            cells += [seed, scored.stage, scored.position, design.samples]
            for score in design.quality:
                found = scored.scores.score(score)
                cells += [found.mean, found.std] if found else ["", ""]
            cells += [value(scored, score) for score in design.reported[len(design.quality) :]]
            cells += [row.comparison.welch[score].get(seed, "") if row.comparison else "" for score in design.quality]
            if known:
                of_d = scored.scores.knowledge
                cells += [of_d.value, of_d.low, of_d.high] if of_d else [""] * 3
            rows.append(cells)
    return columns, rows


def _record(row: Row, design: Design) -> dict[str, Any]:
    return {
        "method": row.method,
        "title": row.title,
        "temperature": design.sampling_at(row.at).temperature,
        **({"at": row.at} if design.truncates or design.sampling != PLAIN else {}),
        "seeds": {str(seed): {**vars(scored), "scores": scored.scores.record()} for seed, scored in row.seeds.items()},
        "over_seeds": {score: dataclasses.asdict(row.over_seeds(score)) for score in design.reported},
        "comparison": dataclasses.asdict(row.comparison) if row.comparison else None,
    }


def read(folder: Path) -> tuple[Results, dict[str, Any]]:
    """What `write` left as results.json: the results and the settings. Raises SeqganError if it is damaged."""
    path = folder / "results.json"
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        found = {
            (r["method"], r.get("at", r["temperature"])): {int(s): _scored(e) for s, e in r["seeds"].items()}
            for r in record["rows"]
        }
        data = {int(seed): figures for seed, figures in record["data"].items()}
        known = {field.name: record[field.name] for field in dataclasses.fields(Design) if field.name in record}
        sampling = Sampling(**known.pop("sampling", {}))
        several = {name: tuple(known.get(name, getattr(Design, name))) for name in ("quality", "extra_scores")}
        design = Design(**{**known, **several, "sampling": sampling})
        return arrange(design, found, data), dict(record["settings"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise SeqganError(f"Cannot read {path} ({error}): write it again with `seqgan experiment … --partial`.") from None


def _scored(record: dict[str, Any]) -> Scored:
    return Scored(from_record(record["scores"]), record["stage"], record["position"])
