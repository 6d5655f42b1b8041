"""Rows that an embedding starts from, made of word vectors: `corpus/generator-vectors.npz` of a run, and `discriminator-`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from seqgan_cli import files
from seqgan_cli.arrays import read_arrays
from seqgan_cli.errors import SeqganError
from seqgan_cli.lazy import np

NETWORKS = GENERATOR, DISCRIMINATOR = ("generator", "discriminator")


@dataclass(frozen=True)
class Start:
    """ids: int64 `[n]`, tokens of the vocabulary; rows: float32 `[n, E]`, what the embedding has for them at first."""

    ids: np.ndarray
    rows: np.ndarray

    def put_into(self, table: np.ndarray) -> np.ndarray:
        """A table float32 `[V, E]` with these rows, and its own for other tokens."""
        started = table.copy()
        started[self.ids] = self.rows
        return started


def path_of(run: Path, network: str) -> Path:
    return run / "corpus" / f"{network}-vectors.npz"


def save_starts(run: Path, starts: Mapping[str, Start]) -> None:
    """Write those of each network, and take away what is of none. Raises OSError."""
    for network in NETWORKS:
        if start := starts.get(network):
            with files.replacing(path_of(run, network)) as temporary:
                np.savez_compressed(temporary, tokens=start.ids, rows=start.rows)
        else:
            path_of(run, network).unlink(missing_ok=True)


def read_starts(run: Path) -> dict[str, Start]:
    """What `save_starts` wrote. Raises SeqganError for a damaged file."""
    found = {}
    for network in NETWORKS:
        if (path := path_of(run, network)).exists():
            try:
                arrays = read_arrays(path)
                found[network] = Start(arrays["tokens"], arrays["rows"])
            except (OSError, ValueError, KeyError) as error:
                raise SeqganError(f"Cannot read {path} ({error}): restore it, or use another --run.") from None
    return found
