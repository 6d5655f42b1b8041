"""A kind of data: FASTA, a sequence a record, a token a letter."""

from pathlib import Path

from seqgan_cli.config.settings import Settings
from seqgan_cli.data.corpus import Layout
from seqgan_cli.data.documents import Collector, Documents
from seqgan_cli.data.kinds.base import Kind, Report, no_report
from seqgan_cli.data.text.layout import text_layout
from seqgan_cli.data.text.lines import lines_of


class Fasta(Kind):
    """Records begin with `>`; their sequences may stand on several lines."""

    name = "fasta"
    meaning = "biological sequences"
    suffixes = (".fa", ".fasta")
    uses = frozenset({"data.max-length", "data.overlong", "data.min-count", "data.max-vocab"})

    @classmethod
    def read(cls, source: str, settings: Settings, report: Report = no_report, keep_blank: bool = False) -> Documents:
        records: dict[int, str] = {}
        for number, line in lines_of(Path(source)):
            if line.startswith(">"):
                records[number] = ""
            elif records:
                records[max(records)] += line.strip().upper()
        found = Collector()
        for number, letters in records.items():
            found.add(letters, number)
        return found.documents(source)

    @classmethod
    def layout(cls, documents: Documents, settings: Settings) -> Layout:
        return text_layout(documents, settings.data, "record")
