"""Pairs: a source, which is given, and a target, which the generator learns to say after it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any, ClassVar

from seqgan_cli.config.schema import section, setting
from seqgan_cli.config.settings import Settings
from seqgan_cli.data.documents import Collector, Documents
from seqgan_cli.data.inputs.arrays import SUFFIXES as ARRAYS
from seqgan_cli.data.inputs.columns import named
from seqgan_cli.data.inputs.named import files_of, label
from seqgan_cli.data.kinds.base import Report, no_report
from seqgan_cli.data.kinds.text import Text
from seqgan_cli.data.text.lines import lines_of
from seqgan_cli.data.text.records import WITH_COLUMNS, suffix_of, texts_of, two_columns
from seqgan_cli.data.text.tokens import refuse_mixed
from seqgan_cli.data.vocabulary import SEPARATOR
from seqgan_cli.errors import SeqganError, UsageError

Records = Iterator[tuple[int, str, str]]  # number of the line, source, target


@section("data", "pretrain-g", fixed_by="corpus")
@dataclass(frozen=True)
class PairSettings:
    source_column: str = setting("", "pairs: column or field that is given (default: the first of two)")
    target_column: str = setting("", "pairs: column or field that is said after it (default: the second of two)")
    targets: str = setting("", "pairs: file of targets, a line for each line of the data, which are sources", is_file=True)


class Pairs(Text):
    """Sequences of a source, a separator and a target (Li et al. 2017: the message and the response of a dialogue).

    They stand in two columns of a table, in two fields of JSON objects, with a tab between them, or in two files. The longest
    length is of both together and the separator.
    """

    name = "pairs"
    meaning = "a source, which is given, and a target"
    rank = 5
    Section: ClassVar[Any] = PairSettings
    uses = frozenset(
        f"data.{name}" for name in ("lowercase", "normalize", "markers", "max-length", "min-count", "max-vocab")
    )
    experiment = ""
    unit = "pair"
    has_sources = True
    places = frozenset({"data.source-column", "data.target-column", "data.targets"})

    @classmethod
    def is_of(cls, lines: list[str]) -> bool:
        """Only who asks for it gets a source: other texts hold tabs too."""
        return False

    @classmethod
    def read(cls, source: str, settings: Settings, report: Report = no_report, keep_blank: bool = False) -> Documents:
        found, files, own = Collector(settings.tokenizer.alphabet), files_of(source), source == settings.data.source
        cls._refuse_unlike(files, settings, own)
        for path in files:
            found.begin(str(path))
            where = f"{path.name}, line" if len(files) > 1 else "line"
            for number, given, said in cls.records(path, settings, found.note, own):
                tokens = cls.target(said, settings)
                if given.strip() and tokens:
                    found.add([*cls.prompt(given, settings), *tokens], number)
                else:
                    found.reject(f"{where} {number}", "without a target" if given.strip() else "without a source")
        if not len(found):
            raise SeqganError(f"{label(source, files)} holds no {cls.unit}s, of which each has a source and a target.")
        return found.documents(label(source, files))

    @classmethod
    def _refuse_unlike(cls, files: Sequence[Path], settings: Settings, own: bool) -> None:
        """Raises UsageError for what holds no texts, and for files whose sources and targets are not in the same places."""
        refuse_mixed(files)
        if suffix_of(files[0]) in ARRAYS:
            raise UsageError(f"{files[0]} holds arrays, and --kind {cls.name} reads tables, JSON and lines.")
        if own and len(files) > 1 and settings[PairSettings].targets:
            raise UsageError(f"--targets is of one file of sources, and --data names {len(files)}: join them first.")
        if len(files) < 2 or suffix_of(files[0]) not in WITH_COLUMNS:
            return
        first = cls.columns(files[0], settings)
        for path in files[1:]:
            if (others := cls.columns(path, settings)) != first:
                raise UsageError(
                    f"Of {files[0]} the columns {named(first)} would be read, and of {path} {named(others)}: name those of all "
                    "files."
                )

    @classmethod
    def parts(cls, *args: object, **kwargs: object) -> Iterator[Documents] | None:
        return None

    @classmethod
    def records(cls, path: Path, settings: Settings, told: Callable[[str], object], own: bool) -> Records:
        """Sources and targets of a file. `own`: whether the settings are of it. Raises SeqganError and UsageError."""
        cfg = settings[PairSettings]
        if cfg.targets and own:
            yield from _of_two_files(path, Path(cfg.targets))
        elif suffix_of(path) in WITH_COLUMNS:
            yield from of_columns(path, cls.columns(path, settings), told)
        elif own and (cfg.source_column or cfg.target_column):
            raise UsageError(f"{path} is no table and no JSON: leave --source-column and --target-column out.")
        else:
            yield from of_tabs(path)

    @classmethod
    def columns(cls, path: Path, settings: Settings) -> tuple[str, str]:
        """Those of a file, or fields, that hold sources and targets. Raises UsageError."""
        cfg = settings[PairSettings]
        if bool(cfg.source_column) != bool(cfg.target_column):
            raise UsageError("--source-column and --target-column go together: name both.")
        if cfg.source_column:
            return cfg.source_column, cfg.target_column
        return two_columns(path, "--source-column {} --target-column {}")

    @classmethod
    def prompt(cls, text: str, settings: Settings) -> list[str]:
        """A source, whole."""
        return [*super().prompt(text, settings), SEPARATOR]

    @classmethod
    def target(cls, text: str, settings: Settings) -> list[str]:
        return super().prompt(text, settings)

    @classmethod
    def sequence(cls, text: str, settings: Settings) -> list[str]:
        """A source, a tab and a target."""
        given, tab, said = text.partition("\t")
        if not tab:
            raise SeqganError("no tab between a source and a target")
        return [*cls.prompt(given, settings), *cls.target(said, settings)]

    @classmethod
    def read_sentences(cls, source: str, settings: Settings, keep_blank: bool) -> Documents:
        """Samples and references are targets, a line each."""
        return cls.read_files(source, settings, keep_blank=keep_blank)

    @classmethod
    def conflicts(cls, settings: Settings) -> Iterable[tuple[bool, str]]:
        yield from super().conflicts(settings)
        yield (
            settings.data.overlong != "drop",
            f"--overlong {settings.data.overlong} does not go with --kind {cls.name}, whose sources stay whole: leave it out.",
        )


def of_columns(path: Path, columns: tuple[str, str], told: Callable[[str], object]) -> Records:
    """Two columns of a table, or fields of JSON objects, read beside each other."""
    if not path.is_file():
        raise UsageError(f"{path} can be read only once, and each of two columns is read by itself: write it to a file first.")
    sources = list(texts_of(path, columns[0], told=told))  # one reader of tables at a time: they share a limit
    for (number, given), (_, said) in zip(sources, texts_of(path, columns[1], told=told), strict=True):
        yield number, given, said


def of_tabs(path: Path) -> Records:
    """Lines with one tab."""
    for number, line in lines_of(path, spaces=True):
        given, _, said = line.partition("\t")
        if line.strip() and (tabs := line.count("\t")) != 1:
            raise SeqganError(
                f"{path}, line {number}: has {tabs} tabs, and one parts a source from its target. A table that names "
                "its columns ends in .csv or .tsv."
            )
        yield number, given, said


def _of_two_files(sources: Path, targets: Path) -> Records:
    for number, pair in enumerate(zip_longest(lines_of(sources), lines_of(targets)), start=1):
        given, said = pair
        if given is None or said is None:
            shorter, longer = (sources, targets) if given is None else (targets, sources)
            raise SeqganError(f"{shorter} ends before line {number}, and {longer} does not: their lines are paired.")
        yield number, given[1], said[1]
