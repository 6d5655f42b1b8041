"""The report of an experiment's directory, from the tables and figures that its commands left."""

import itertools
import json
from pathlib import Path
from typing import Any

from seqgan_cli.errors import SeqganError
from seqgan_cli.studies.experiments import findings, outputs, tables
from seqgan_cli.studies.experiments.methods import EXPERIMENTS
from seqgan_cli.studies.report.page import Page, Section, Table, data_uri


def experiment_page(directory: Path) -> Page:
    """The report of an experiment's directory, from the tables and figures that its commands left.

    Raises SeqganError if there are none, or one is damaged.
    """
    told: dict[str, list[str]] = {}  # a finding, and which experiments have it
    sections = []
    settings: dict[str, Any] = {}
    found = sorted(path.parent for path in directory.glob("*/results.json"))
    for kind, folder in itertools.product(EXPERIMENTS, found):
        if not f"{folder.name}-".startswith(f"{kind}-"):  # frontier, frontier-top-p
            continue
        results, settings = outputs.read(folder)
        for sentence in findings.conclusions(results):
            told.setdefault(sentence, []).append(f"{folder.name}, {len(results.data)} seed{'s' * (len(results.data) != 1)}")
        shown = [Table(*tables.scores_table(results), tables.scores_caption(results))]
        tested = Table(*tables.tests_table(results), tables.tests_caption(results))
        matched = Table(*tables.matched_table(results), tables.matched_caption(results))
        figures = [(data_uri(path), f"{folder.name}: {path.stem}") for path in sorted(folder.glob("*.svg"))]
        title = EXPERIMENTS[kind].title_of(results.design.sweep)
        title = title[0].upper() + title[1:]
        sections.append(Section(title, (), figures, [*shown, *(table for table in (tested, matched) if table.rows)]))
    for folder in found:
        if not any(f"{folder.name}-".startswith(f"{kind}-") for kind in EXPERIMENTS) and (folder / "table.md").exists():
            written, conclusions, settings = _written(folder)
            sections += written
            for sentence in conclusions:
                told.setdefault(sentence, []).append(folder.name)
    if not sections:
        raise SeqganError(f"{directory} has no tables yet: `seqgan experiment` writes them, with --partial while it trains.")
    rows = [[name, str(entry)] for name, entry in settings.items()]
    sections.append(Section("Settings", tables=[Table(["setting", "value"], rows, numbers=False)], folded=True))
    said = [f"{sentence} ({'; '.join(where)})" for sentence, where in told.items()]
    return Page(f"Experiment {directory}", said, sections)


def _written(folder: Path) -> tuple[list[Section], list[str], dict[str, Any]]:
    """What a study with tables of its own has left as table.md: sections, findings, and the settings beside them.

    Raises SeqganError if it is damaged.
    """
    try:
        lines = (folder / "table.md").read_text(encoding="utf-8").splitlines()
        settings = dict(json.loads((folder / "results.json").read_text(encoding="utf-8")).get("settings", {}))
    except (OSError, ValueError, TypeError, AttributeError, RecursionError) as error:
        again = "`seqgan experiment … --partial` writes it again"
        raise SeqganError(f"Cannot read what {folder} holds ({error}): {again}.") from None
    figures = [(data_uri(path), f"{folder.name}: {path.stem}") for path in sorted(folder.glob("*.svg"))]
    sections, findings, cells = [Section(folder.name, figures=figures)], list[str](), list[list[str]]()
    paragraph: list[str] = []
    for line in [*lines, ""]:
        if line.startswith("| "):
            cells.append([cell.strip() for cell in line[1:].removesuffix("|").split("|")])
            continue
        if cells:
            columns, _, *rows = cells
            sections[-1].tables.append(Table(columns, rows))
            cells = []
        if paragraph and (not line.strip() or line.startswith(("#", "- ", "    "))):
            sections[-1].sentences = [*sections[-1].sentences, " ".join(paragraph)]
            paragraph = []
        if line.startswith("# "):
            sections[0].title = line.removeprefix("# ")
        elif line.startswith("## "):
            sections.append(Section(line.removeprefix("## "), folded=True))
        elif line.startswith("- "):
            findings.append(line.removeprefix("- "))
        elif line.startswith("    "):  # a sample, as it is
            sections[-1].sentences = [*sections[-1].sentences, line.strip()]
        elif line:
            paragraph.append(line.removeprefix("**").removesuffix("**"))
    return sections, findings, settings
