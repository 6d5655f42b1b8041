"""Tables in Parquet, a column at a time and never held whole."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

from seqgan_cli.errors import SeqganError

SUFFIX = ".parquet"
BATCH = 1024  # rows that are held at once


class Parquet:
    """A file whose columns can be looked at and read.

    Raises SeqganError for what is no such file, and without pyarrow.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._arrow = importlib.import_module("pyarrow")
            module = importlib.import_module("pyarrow.parquet")
        except ImportError:
            told = f"{path} is Parquet: pip install 'seqgan-cli[parquet]', or write the column as .csv or .jsonl."
            raise SeqganError(told) from None
        self._damaged = (OSError, self._arrow.ArrowException)
        try:
            path.stat()
        except OSError as error:
            raise SeqganError(f"Cannot read {path}: {error.strerror}.") from None
        if not path.is_file():
            raise SeqganError(f"{path} is no ordinary file, and Parquet is read from its end: write it to a file first.")
        try:
            self._file = module.ParquetFile(path)
        except self._damaged as error:
            raise self._refusal(error) from None

    def _refusal(self, error: Exception) -> SeqganError:
        reason = str(error).split("\n")[0].rstrip(".")[:200]
        return SeqganError(f"{self.path} is no Parquet file, or damaged ({reason}).")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    @property
    def names(self) -> list[str]:
        """Of all columns."""
        return [*self._file.schema_arrow.names]

    def _type(self, name: str) -> Any:
        found = self._file.schema_arrow.field(name).type
        return found.value_type if self._arrow.types.is_dictionary(found) else found

    def _is_list(self, kind: Any) -> bool:
        types = self._arrow.types
        return bool(types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind))

    def holds_ids(self, name: str) -> bool:
        """Whether a column holds lists of whole numbers."""
        kind = self._type(name)
        return self._is_list(kind) and bool(self._arrow.types.is_integer(kind.value_type))

    def is_read(self, name: str) -> bool:
        """Whether its values are texts, numbers, or lists of such."""
        types, kind = self._arrow.types, self._type(name)
        kind = kind.value_type if self._is_list(kind) else kind
        return any(
            is_one(kind)
            for is_one in (types.is_string, types.is_large_string, types.is_integer, types.is_floating, types.is_boolean)
        )

    def first(self, count: int) -> dict[str, list[Any]]:
        """So many values of each column that can be read, without what is missing."""
        columns = [name for name in self.names if self.is_read(name)]
        try:
            batch = next(self._file.iter_batches(count, columns=columns), None) if columns else None
            return {name: [] if batch is None else batch.column(name).drop_null().to_pylist() for name in columns}
        except self._damaged as error:
            raise self._refusal(error) from None

    def rows(self, name: str, passed: Callable[[int], object]) -> Iterator[tuple[int, Any]]:
        """Number and value of each row of a column, None where it is missing; `passed`: called with bytes, as if all rows were
        as long."""
        size, count = self.path.stat().st_size, max(1, self._file.metadata.num_rows)
        number = 0
        try:
            for batch in self._file.iter_batches(BATCH, columns=[name]):
                for value in batch.column(0).to_pylist():
                    number += 1
                    yield number, value
                passed(size * len(batch) // count)
        except self._damaged as error:
            raise self._refusal(error) from None
