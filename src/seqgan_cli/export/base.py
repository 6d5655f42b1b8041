"""The interface of formats: what writes the programs of a generator, each a file of this room; and what goes along."""

import abc
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqgan_cli import __version__, files
from seqgan_cli.config.registry import Component
from seqgan_cli.data.vocabulary import EOS, PAD, START, UNK
from seqgan_cli.export.programs import Program, state_sizes

if TYPE_CHECKING:
    from seqgan_cli.config.settings import Settings
    from seqgan_cli.models.generator import Generator

DESCRIPTION = "vocabulary.json"


class Format(Component, abc.ABC):
    """One way to write models that others load without this package."""

    @classmethod
    @abc.abstractmethod
    def write(cls, programs: Sequence[Program], folder: Path) -> list[str]:
        """Write them into a folder that is there: the names of the files. Raises SeqganError if a package is missing."""


def description(generator: "Generator", settings: "Settings", origin: str) -> dict[str, Any]:
    """What a program that loads the models has to know: tokens by id, what special ids mean, how text becomes tokens."""
    vocabulary, data = generator.vocabulary, settings.data
    special = {"pad": PAD, "eos": EOS, "unk": UNK} if vocabulary.has_special_tokens else {}
    return {
        "tokens": list(vocabulary.tokens),
        "special": {"start": START, **special},
        "has_eos": vocabulary.has_eos,
        "sequence_length": generator.sequence_length,
        "state_sizes": state_sizes(generator),
        "kind": settings.kind.name,
        "tokenizer": data.tokenizer,
        "lowercase": data.lowercase,
        "normalize": data.normalize,
        "markers": data.markers,
        "generator": origin,
        "version": __version__,
    }


def write_description(described: dict[str, Any], folder: Path) -> None:
    """As JSON. Raises OSError."""
    files.write(folder / DESCRIPTION, (json.dumps(described, ensure_ascii=False, indent=1) + "\n").encode())
