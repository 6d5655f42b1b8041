"""Checkpoints: the state of a stage after so many units, each one file that is whole or absent."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seqgan_cli import __version__, files
from seqgan_cli.arrays import read_arrays
from seqgan_cli.errors import SeqganError, restarting
from seqgan_cli.lazy import np

KEPT = 3
# Of a run on disk: 2 since checkpoints know their seed and settings, and config.json its own checksum; 3 since data have three
# parts.
FORMAT = 3
# What reading a checkpoint that is damaged, or none, can raise.
UNREADABLE = (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError)


@dataclass(frozen=True)
class Checkpoint:
    """State after `position` units of a stage: arrays by name, and what is known of them."""

    position: int
    arrays: dict[str, np.ndarray]
    facts: dict[str, Any]
    path: Path


class Checkpoints:
    """The checkpoints of one stage. Each is one `.npz`, complete or absent; the zip's own checksums tell damage.

    Args:
        fingerprint: of the data a checkpoint must have been made from to be this run's.
        settings: by name, those it must have been made with: what this version and that checkpoint's both know.
        first_fingerprint: the fingerprint as format 1 had it; its checkpoints knew no settings.
        keep_every: besides the last ones, those stay whose position is a multiple of it; 0: none.
        earlier: fingerprints of data that the run was trained on before.
    """

    def __init__(
        self,
        directory: Path,
        fingerprint: str,
        settings: Mapping[str, Any] | None = None,
        first_fingerprint: str = "",
        keep_every: int = 0,
        earlier: Collection[str] = (),
    ) -> None:
        self.directory, self.fingerprint, self.settings = directory, fingerprint, settings or {}
        self.first_fingerprint, self.keep_every, self.earlier = first_fingerprint, keep_every, earlier

    def is_of_earlier_data(self, found: Checkpoint) -> bool:
        """Whether it was made before the run went on with the data that it has now."""
        return found.facts["fingerprint"] in self.earlier

    def positions(self) -> list[int]:
        """Ascending."""
        return sorted(int(path.stem) for path in self.directory.glob("*.npz") if path.stem.isdecimal())

    def _path(self, position: int) -> Path:
        return self.directory / f"{position:07d}.npz"

    @property
    def _best(self) -> Path:
        return self.directory / "best.npz"

    def save(self, position: int, arrays: Mapping[str, np.ndarray], facts: Mapping[str, Any], best: bool) -> None:
        """Write one checkpoint, as the best too if it is, and let go of what is not to be kept. Raises OSError."""
        description = {
            **facts,
            "position": position,
            "format": FORMAT,
            "fingerprint": self.fingerprint,
            "settings": dict(self.settings),
            "version": __version__,
            "arrays": sorted(arrays),
        }
        with files.replacing(self._path(position)) as temporary:
            with temporary.open("wb") as file:
                np.savez(file, **{"facts": np.frombuffer(json.dumps(description).encode(), np.uint8), **arrays})  # type: ignore[arg-type]
            if best:  # before the numbered one appears: a crash between the two then repeats the unit and both
                with files.replacing(self._best) as copy:
                    copy.unlink()
                    try:
                        os.link(temporary, copy)
                    except OSError:
                        shutil.copyfile(temporary, copy)
        for old in self.positions()[:-KEPT]:
            if not self.keep_every or old % self.keep_every:
                self._path(old).unlink(missing_ok=True)

    def _load(self, path: Path) -> Checkpoint:
        """Raises SeqganError for one of another run, any of UNREADABLE for a damaged one."""
        arrays = read_arrays(path)
        facts = json.loads(arrays.pop("facts").tobytes())
        if facts["arrays"] != sorted(arrays):
            raise KeyError("arrays")
        own = self.first_fingerprint or self.fingerprint if facts.get("format", 1) == 1 else self.fingerprint
        if facts["fingerprint"] != own and facts["fingerprint"] not in self.earlier:
            raise SeqganError(f"{path} belongs to another run (of other data)")
        for name, value in facts.get("settings", {}).items():
            own = self.settings.get(name, value)
            if (list(own) if isinstance(own, tuple) else own) != value:
                raise SeqganError(f"{path} belongs to another run ({name} was {value}, and is {self.settings[name]} here)")
        return Checkpoint(int(facts["position"]), arrays, facts, path)

    def latest(self, warn: Callable[[str], None]) -> Checkpoint | None:
        """The last good one, after a warning if later ones are not; None if there are none.

        Raises SeqganError if all are bad.
        """
        bad: list[str] = []
        for _ in range(2):  # a trainer may replace them between the listing and the reading: then list again
            vanished = False
            for position in reversed(self.positions()):
                try:
                    found = self._load(self._path(position))
                except FileNotFoundError:
                    vanished = True
                    continue
                except SeqganError as error:
                    bad.append(str(error))
                except UNREADABLE:
                    bad.append(f"{self._path(position)} is damaged")
                else:
                    if bad:
                        warn(f"{'; '.join(dict.fromkeys(bad))}. Using the one before: {found.path.name}.")
                    return found
            if not vanished:
                break
        if bad:
            raise SeqganError(
                f"{'; '.join(dict.fromkeys(bad))}, and there is no good checkpoint before. Restart the stage with "
                f"{restarting(self.directory.name, self.directory.parents[1])}."
            )
        return None

    def at(self, position: int) -> Checkpoint | None:
        """That of one unit, if it is kept. Raises SeqganError if it is damaged or another run's."""
        path = self._path(position)
        if not path.exists():
            return None
        try:
            return self._load(path)
        except UNREADABLE:
            raise SeqganError(f"{path} is damaged: use another one.") from None

    def best(self) -> Checkpoint | None:
        """The one with the best score. Raises SeqganError if it is damaged or another run's."""
        if not self._best.exists():
            return None
        try:
            return self._load(self._best)
        except UNREADABLE:
            raise SeqganError(f"{self._best} is damaged. Use the last checkpoint instead, or restart the stage.") from None

    def drop_after(self, position: int) -> None:
        """Remove later ones: what is left of them is damaged, and would hide what is written next."""
        for later in self.positions():
            if later > position:
                self._path(later).unlink(missing_ok=True)

    def drop(self) -> None:
        """Remove all."""
        shutil.rmtree(self.directory, ignore_errors=True)


def named(prefix: str, model: Any) -> dict[str, Any]:
    """A model's weights under the names that checkpoints give them."""
    return {f"{prefix}/{i}.{weight.name}": weight for i, weight in enumerate(model.trainable_variables)}


def assign(checkpoint: Checkpoint, variables: Mapping[str, Any]) -> None:
    """Restore variables by name. Raises SeqganError if one is missing or has another shape, before any is changed."""
    for name, variable in variables.items():
        array = checkpoint.arrays.get(name)
        if array is None or array.shape != tuple(variable.shape):
            found = "missing" if array is None else f"of shape {array.shape}"
            raise SeqganError(f"{checkpoint.path}: {name} is {found}, where the run's settings need {tuple(variable.shape)}.")
    for name, variable in variables.items():
        variable.assign(checkpoint.arrays[name])
