"""config.json: every setting and where it came from, versions, machine, command lines, and a checksum of it all."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shlex
import sys
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from seqgan_cli import __version__, files
from seqgan_cli.config.resolution import Config
from seqgan_cli.config.settings import SCHEMA
from seqgan_cli.errors import SeqganError, UsageError
from seqgan_cli.lazy import np
from seqgan_cli.runs.checkpoints import FORMAT
from seqgan_cli.runs.origins import scorers_of

EARLIER_DATA = "earlier_data"


def read(path: Path) -> dict[str, Any]:
    """The record.

    Raises SeqganError if it cannot be read, is damaged, was written by a later version, or names a component that is not there.
    """
    record: Any = None
    checked = ""
    try:
        record = json.loads(path.read_text(encoding="utf-8", errors="surrogateescape"))
        refuse_newer(path, record)
        # Components first: what those of other packages declare are settings from then on.
        for name, entry in sorted(record["settings"].items(), key=lambda each: not _names_component(each[0])):
            if name in SCHEMA:
                checked = name
                SCHEMA[name].check(entry["value"])
                str(entry["source"])
    except OSError as error:
        raise SeqganError(f"Cannot read {path}: {error.strerror}.") from None
    except NewerError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, SeqganError) as error:
        written = isinstance(error, UsageError) and record.get("checksum") == checksum(record)
        if written and _names_component(checked):
            raise SeqganError(
                f"{path}: {error} The run was trained with a component of another package: install that package."
            ) from None
        raise SeqganError(f"{path} is damaged ({error}): restore it, or use another --run.") from None
    if record.get("format", 1) > 1 and record.get("checksum") != checksum(record):
        raise SeqganError(
            f"{path} is not as seqgan wrote it (its checksum differs): restore it, or use another --run. "
            "Settings are changed by options."
        )
    return dict(record)


def _names_component(setting: str) -> bool:
    return setting in SCHEMA and SCHEMA[setting].names_component


def write(
    path: Path, config: Config, preset: str, earlier: Mapping[str, Any], origins: Any = None, data: list[Any] | None = None
) -> None:
    """Record the settings, and this command's line and versions; preset and command lines go on from `earlier`.

    `origins`: of the data files, where they were read anew; `data`: the data sets that the run was trained on before these, if
    they change. Raises OSError, also for a scorer's file that cannot be read.
    """
    versions = {name: metadata.version(name) for name in ("tensorflow", "keras", "numpy")}
    record = {
        "format": FORMAT,
        "preset": earlier.get("preset", preset),
        "settings": {name: {"value": config.values[name], "source": config.sources[name]} for name in sorted(config.values)},
        "origins": earlier.get("origins", {}) if origins is None else origins,
        **({EARLIER_DATA: before} if (before := earlier.get(EARLIER_DATA, []) if data is None else data) else {}),
        "scorers": scorers_of(config.settings),
        "versions": {"seqgan": __version__, "python": platform.python_version(), **versions},
        "machine": machine(),
        "commands": [*earlier.get("commands", []), shlex.join(["seqgan", *sys.argv[1:]])],
    }
    record["checksum"] = checksum(record)
    text = json.dumps(record, indent=2, ensure_ascii=False) + "\n"
    # A file's name may hold bytes that are no UTF-8, which Python carries as lone surrogates.
    files.write(path, text.encode(errors="surrogateescape"))


class NewerError(SeqganError):
    """A file of a later version of this program."""


def refuse_newer(path: Path, record: Any) -> None:
    """Raises NewerError for a record that a later version wrote, in a format that this one does not know.

    Raises ValueError for one whose format is no number.
    """
    if type(known := record.get("format", 1)) is not int:
        raise ValueError(f"format is {known!r}")
    if known > FORMAT:
        by = record.get("versions", {}).get("seqgan", "a later version")
        raise NewerError(f"{path} was written by seqgan {by}, and this is {__version__}: update seqgan, or use another --run.")


def checksum(record: Mapping[str, Any]) -> str:
    """Of a record as JSON, without its own checksum."""
    rest = {name: value for name, value in record.items() if name != "checksum"}
    return hashlib.blake2b(json.dumps(rest, sort_keys=True).encode(), digest_size=12).hexdigest()


def machine() -> dict[str, Any]:
    """What arithmetic may depend on besides the versions: the processor, and its features that NumPy found."""
    extensions = np.show_config(mode="dicts").get("SIMD Extensions", {})
    return {
        "system": platform.system(),
        "processor": platform.machine(),
        "cores": os.cpu_count(),
        "features": [*extensions.get("baseline", []), *extensions.get("found", [])],
    }
