"""history.csv: what was measured, in the order it was."""

import contextlib
import csv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from seqgan_cli import files


@dataclass(frozen=True)
class Row:
    """One line of history.csv."""

    stage: str
    position: int
    step: int
    metric: str
    value: float
    seconds: float


class History:
    """history.csv: what was measured, in the order it was."""

    COLUMNS = ("stage", "position", "step", "metric", "value", "seconds")

    def __init__(self, path: Path) -> None:
        self.path = path

    def rows(self) -> list[Row]:
        """All whole rows; a line cut off by a crash is none."""
        if not self.path.exists():
            return []
        found: list[Row] = []
        with contextlib.suppress(csv.Error), self.path.open(newline="", encoding="utf-8", errors="replace") as file:
            for row in csv.DictReader(file):
                with contextlib.suppress(TypeError, ValueError, KeyError):
                    found.append(
                        Row(
                            row["stage"],
                            int(row["position"]),
                            int(row["step"]),
                            row["metric"],
                            float(row["value"]),
                            float(row["seconds"]),
                        )
                    )
        return found

    def append(self, rows: list[Row]) -> None:
        """Add rows in one write. Raises OSError."""
        new = not self.path.exists() or not self.path.stat().st_size
        files.append(self.path, self._text(rows, header=new))

    def _text(self, rows: list[Row], header: bool) -> bytes:
        cells: list[tuple[object, ...]] = [self.COLUMNS] if header else []
        cells += [(r.stage, r.position, r.step, r.metric, repr(float(r.value)), f"{r.seconds:.3f}") for r in rows]
        return files.csv_text(cells).encode()

    def keep(self, wanted: Callable[[Row], bool]) -> None:
        """Rewrite the file, if there is one, with the rows that are wanted. Raises OSError."""
        if self.path.exists():
            files.write(self.path, self._text([row for row in self.rows() if wanted(row)], header=True))

    def at(self, stage: str, position: int) -> dict[str, float]:
        """Metrics of a stage at a position, by name."""
        return {row.metric: row.value for row in self.rows() if row.stage == stage and row.position == position}
