"""Ids in NumPy's arrays and columns in Parquet: the sequences that were put in, and what is told or refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqgan_cli.data.inputs import arrays, parquet
from seqgan_cli.data.inputs.options import TextOptions
from seqgan_cli.data.sources.inference import infer_kind
from seqgan_cli.data.sources.opening import real_corpus
from seqgan_cli.data.text.records import texts_of
from seqgan_cli.errors import SeqganError, UsageError
from tiny import data_settings

NESTED = st.lists(st.lists(st.integers(0, 2**31 - 1), min_size=1, max_size=6), min_size=1, max_size=9)


def saved(folder: Path, array: Any, name: str = "ids.npy") -> Path:
    np.save(folder / name, np.array(array))
    return folder / name


def read(path: Path, told: list[str] | None = None, **options: Any) -> list[list[int]]:
    found = arrays.ids_of(path, TextOptions(**options), (told if told is not None else []).append, lambda size: None)
    return [[*map(int, text.split())] for _, text in found]


@given(NESTED, st.sampled_from([-1, -100, 7]), st.integers(1, 5))
def test_rows_and_runs_are_the_sequences_that_were_put_in(
    tmp_path_factory: pytest.TempPathFactory, sequences: list[list[int]], pad: int, block: int
) -> None:
    sequences = [[each for each in row if each != pad] or [1] for row in sequences]
    folder, width = tmp_path_factory.mktemp("arrays"), max(map(len, sequences))
    table = [row + [pad] * (width - len(row)) for row in sequences]
    runs = [each for row in sequences for each in (*row, pad)]
    before, arrays.BLOCK = arrays.BLOCK, block  # so that sequences stand in several
    try:
        asked = {"pad_id": pad} if pad >= 0 else {}
        assert read(saved(folder, table), **asked) == sequences
        assert read(saved(folder, runs), **asked) == sequences
        np.savez(folder / "a.npz", table=table)
        assert read(folder / "a.npz", **asked) == sequences
    finally:
        arrays.BLOCK = before


@given(st.lists(st.integers(0, 9), min_size=1, max_size=30), st.integers(1, 7), st.integers(1, 9))
def test_one_dimension_without_ends_is_cut_into_windows(
    tmp_path_factory: pytest.TempPathFactory, ids: list[int], window: int, block: int
) -> None:
    before, arrays.BLOCK = arrays.BLOCK, block
    told: list[str] = []
    try:
        found = read(saved(tmp_path_factory.mktemp("arrays"), ids), told, window=window)
    finally:
        arrays.BLOCK = before
    assert found == [ids[i : i + window] for i in range(0, len(ids), window)]
    assert f"each {window} ids are a sequence, as --max-length says, since none ends one" in told[0]


def test_a_row_of_filler_alone_is_a_blank_one(tmp_path: Path) -> None:
    assert read(saved(tmp_path, [[1, 2], [-1, -1], [3, -1]])) == [[1, 2], [], [3]]


def test_what_may_be_filler_is_told_and_left_out_on_request(tmp_path: Path) -> None:
    told: list[str] = []
    path = saved(tmp_path, [[5, 6, 0, 0], [5, 0, 0, 0], [0, 5, 6, 7]])
    assert read(path, told) == [[5, 6, 0, 0], [5, 0, 0, 0], [0, 5, 6, 7]]
    assert told == ["ids.npy: 2 of 3 rows end in several 0: if these fill the rows up, --pad-id 0 leaves them out."]
    told.clear()
    assert read(path, told, pad_id=0) == [[5, 6], [5], [0, 5, 6, 7]]
    assert told == ["ids.npy: 1 rows have 0 before other ids, where it stays, row 3 the first."]


@pytest.mark.parametrize(
    ("array", "options", "words"),
    [
        ([[1, -1, 2]], {}, "row 1: -1 stands where an id is needed; negative numbers only fill rows up, at their end"),
        ([[1, -1]], {"pad_id": 0}, "row 1: -1 stands where an id is needed; leave --pad-id out"),
        ([1, -1], {"pad_id": 0}, "holds negative numbers"),
        ([[1.0]], {}, "holds float64 of shape 1×1"),
        ([[True]], {}, "holds bool of shape 1×1"),
        ([[[1]]], {}, "holds int64 of shape 1×1×1"),
        (3, {}, "holds int64 of shape a single value"),
        (np.zeros((2, 0), int), {}, "holds int64 of shape 2×0"),
        (np.array([[None]]), {}, "is no array of whole numbers, or damaged"),
        ([[1]], {"column": "a"}, "holds one array"),
    ],
)
def test_arrays_that_are_refused(tmp_path: Path, array: Any, options: dict[str, Any], words: str) -> None:
    with pytest.raises(SeqganError, match=words):
        read(saved(tmp_path, array), **options)


def test_files_that_are_no_arrays_are_refused(tmp_path: Path) -> None:
    for name, content in (("a.npy", b"1 2 3\n"), ("a.npz", b"1 2 3\n"), ("b.npy", b"")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(SeqganError, match=r"damaged \("):
            read(tmp_path / name)
    np.savez(tmp_path / "two.npz", a=[[1]], b=[[2]])
    with pytest.raises(UsageError, match="has the arrays 'a', 'b': name one, with --column NAME"):
        read(tmp_path / "two.npz")
    assert read(tmp_path / "two.npz", column="b") == [[2]]
    with pytest.raises(SeqganError, match=r"Cannot read .*none\.npy: No such file"):
        read(tmp_path / "none.npy")


def test_an_array_is_trained_on_as_ids(tmp_path: Path) -> None:
    path = saved(tmp_path, [[i % 3, 4, -1] for i in range(30)])
    assert infer_kind(str(path)) == "ids"
    corpus, documents = real_corpus(data_settings(source=str(path), kind="ids"))
    assert documents is not None and len(documents) == 30
    assert {*corpus.vocabulary.tokens[3:]} == {"0", "1", "2", "4"}
    assert corpus.sequence_length == 3  # two ids and the end


# Parquet.


def table(folder: Path, name: str = "a.parquet", **columns: Any) -> Path:
    pyarrow.parquet.write_table(pyarrow.table(columns), folder / name, row_group_size=2)
    return folder / name


def test_the_column_that_is_text_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "BATCH", 2)
    texts = ["a dog", "the\ncat", None, "über 雨"]
    path = table(tmp_path, text=texts, label=[1, 2, 3, 4])
    told: list[str] = []
    expected = [(1, "a dog"), (2, "the cat"), (3, ""), (4, "über 雨")]
    assert [*texts_of(path, told=told.append)] == expected
    assert told == ["a.parquet: column 'text' is read, and not 'label'."]
    assert infer_kind(str(path)) == "text"
    dictionary = pyarrow.array(texts).dictionary_encode()
    assert [*texts_of(table(tmp_path, "b.parquet", words=dictionary, label=[1, 2, 3, 4]))] == expected
    assert [*texts_of(path, "label")] == [(i, str(i)) for i in range(1, 5)]
    with pytest.raises(UsageError, match=r"--column none: .* has the columns 'text', 'label'"):
        list(texts_of(path, "none"))


def test_lists_of_numbers_are_ids(tmp_path: Path) -> None:
    ids = [[1, 2], [], None, [30]]
    path = table(tmp_path, n=[1, 2, 3, 4], ids=ids)
    told: list[str] = []
    assert infer_kind(str(path)) == "ids"
    assert [text for _, text in texts_of(path, told=told.append)] == ["1 2", "", "", "30"]
    assert told == ["a.parquet: column 'ids' is read, and not 'n'."]
    both = table(tmp_path, "both.parquet", text=["a dog", "the cat", "it rains", "no one"], ids=ids)
    assert (infer_kind(str(both)), infer_kind(str(both), "ids")) == ("text", "ids")
    two = table(tmp_path, "two.parquet", ids=ids, mask=ids)
    with pytest.raises(UsageError, match="name the one that is trained on"):
        list(texts_of(two))


def test_tables_that_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nested = table(tmp_path, a=[{"b": 1}], c=["a dog"])
    with pytest.raises(UsageError, match=r"--column a: .* has no texts, numbers or lists of such there"):
        list(texts_of(nested, "a"))
    (tmp_path / "b.parquet").write_bytes(b"a dog\n")
    with pytest.raises(SeqganError, match=r"b\.parquet is no Parquet file, or damaged"):
        list(texts_of(tmp_path / "b.parquet"))
    with pytest.raises(SeqganError, match=r"Cannot read .*none\.parquet: No such file or directory\.$"):
        list(texts_of(tmp_path / "none.parquet"))
    with pytest.raises(SeqganError, match="decompress it first"):
        list(texts_of(tmp_path / "a.parquet.gz"))
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(SeqganError, match=r"pip install 'seqgan-cli\[parquet\]'"):
        list(texts_of(nested))
