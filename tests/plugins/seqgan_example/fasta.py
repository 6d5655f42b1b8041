"""A kind of data: FASTA, whose records are sequences of letters, cut into words of a few."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from seqgan_cli.config.schema import section, setting
from seqgan_cli.config.settings import Settings
from seqgan_cli.data.corpus import Layout
from seqgan_cli.data.documents import Collector, Documents
from seqgan_cli.data.kinds.base import Kind, Report, no_report
from seqgan_cli.data.text.lines import lines_of


@section("data", "pretrain-g", fixed_by="corpus")
@dataclass(frozen=True)
class FastaSettings:
    letters: int = setting(1, "fasta: letters of a token", at_least=1)


class Fasta(Kind):
    """A record begins with `>` and its name; the lines that follow are its letters."""

    name = "fasta"
    meaning = "records of letters"
    Section = FastaSettings
    defaults: ClassVar[Mapping[str, Any]] = {"data.max-length": 8}
    uses = frozenset({"data.max-length", "data.min-count", "data.max-vocab"})

    @classmethod
    def read(cls, source: str, settings: Settings, report: Report = no_report, keep_blank: bool = False) -> Documents:
        found, letters = Collector(), settings[FastaSettings].letters
        for name, record in _records(Path(source)):
            if not found.add([record[i : i + letters] for i in range(0, len(record), letters)], keep_empty=keep_blank):
                found.reject(name, "blank")
        return found.documents(source)

    @classmethod
    def layout(cls, documents: Documents, settings: Settings) -> Layout:
        longest = settings.data.max_length

        def segment(documents: Documents, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            starts = documents.offsets[chosen]
            return starts, np.minimum(documents.offsets[chosen + 1], starts + longest)

        return Layout("record", longest, segment, overlong="cut", tokens="words")


def _records(path: Path) -> Iterator[tuple[str, str]]:
    name, letters = "", ""
    for _, line in lines_of(path):
        if not line.startswith(">"):
            letters += line
            continue
        if name:
            yield name, letters
        name, letters = line[1:], ""
    yield name, letters
