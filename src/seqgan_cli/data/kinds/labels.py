"""Labelled texts: pairs whose source is a label, one token."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from seqgan_cli.config.schema import section, setting
from seqgan_cli.config.settings import Settings
from seqgan_cli.data.documents import Documents
from seqgan_cli.data.kinds.base import Report, no_report
from seqgan_cli.data.kinds.pairs import Pairs, Records, of_columns, of_tabs
from seqgan_cli.data.text.records import WITH_COLUMNS, column_besides, suffix_of
from seqgan_cli.data.vocabulary import LABEL, SEPARATOR
from seqgan_cli.errors import UsageError

SHOWN = 8  # labels that a note names


@section("data", "pretrain-g", fixed_by="corpus")
@dataclass(frozen=True)
class LabelSettings:
    label_column: str = setting("", "column or field that is a label, which texts are generated for")


class Labels(Pairs):
    """Texts with a label each: two columns of a table, two fields of JSON objects, or a label, a tab and a text."""

    name = "labels"
    meaning = "a label, which is given, and a text"
    rank = 6
    Section: ClassVar[Any] = LabelSettings
    uses = Pairs.uses | {"data.column"}
    unit = "labelled text"
    has_labels = True
    places = frozenset({"data.label-column"})

    @classmethod
    def read(cls, source: str, settings: Settings, report: Report = no_report, keep_blank: bool = False) -> Documents:
        documents = super().read(source, settings, report, keep_blank)
        firsts = Counter(documents.ids[documents.offsets[:-1]].tolist()).most_common()
        named = ", ".join(f"{documents.tokens[label].removeprefix(LABEL)} ({count})" for label, count in firsts[:SHOWN])
        note = f"{len(firsts)} labels: {named}{', …' * (len(firsts) > SHOWN)}."
        return dataclasses.replace(documents, notes=(*documents.notes, note))

    @classmethod
    def records(cls, path: Path, settings: Settings, told: Callable[[str], object], own: bool) -> Records:
        label = settings[LabelSettings].label_column
        if suffix_of(path) not in WITH_COLUMNS:
            if own and label:
                raise UsageError(
                    f"--label-column {label}: {path} is no table and no JSON. --kind {cls.name} alone reads a label, a tab "
                    "and a text in each line."
                )
            return of_tabs(path)
        return of_columns(path, cls.columns(path, settings), told)

    @classmethod
    def columns(cls, path: Path, settings: Settings) -> tuple[str, str]:
        label = settings[LabelSettings].label_column
        if not label:
            raise UsageError(f"{path} has columns: name the one that is a label, with --label-column NAME.")
        return label, column_besides(path, settings.data.column, label)

    @classmethod
    def prompt(cls, text: str, settings: Settings) -> list[str]:
        """A label."""
        return [LABEL + " ".join(text.split()), SEPARATOR]
