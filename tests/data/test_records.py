"""Tables, JSON, FASTA, FASTQ, SMILES and compressed files: which texts they hold, and what is said of those that are none."""

import bz2
import csv
import gzip
import io
import json
import lzma
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutters import TOKENIZERS, read_lines
from seqgan_cli.data.inputs.options import TextOptions
from seqgan_cli.data.sources.inference import infer_kind
from seqgan_cli.data.text.lines import lines_of
from seqgan_cli.data.text.records import texts_of
from seqgan_cli.data.text.tokens import text_parts
from seqgan_cli.errors import SeqganError, UsageError

TABLE = 'id,text,label\n0,"a dog, said ""no one""",a\n1,the cat hears,b\n\n2,"two\nlines",a\n'


def put(folder: Path, content: str | bytes, name: str) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def texts(path: Path, column: str = "") -> list[tuple[int, str]]:
    return [*texts_of(path, column)]


# Tables.


def test_a_table_has_the_column_that_is_text_and_its_first_line_is_no_sentence(tmp_path: Path) -> None:
    told: list[str] = []
    found = [*texts_of(put(tmp_path, TABLE, "table.csv"), told=told.append)]
    assert found == [(2, 'a dog, said "no one"'), (3, "the cat hears"), (6, "two lines")]
    assert told == ["table.csv: column 'text' is read, and not 'id', 'label'."]


@pytest.mark.parametrize(
    ("content", "name", "column"),
    [
        ("label\ttext\npos\ta dog\nneg\tthe cat\n", "a.tsv", ""),
        ("text;n\na dog;1\nthe cat;2\n", "a.csv", ""),  # as spreadsheets write it where a comma parts decimals
        ("sentence\na dog\nthe cat\n", "a.csv", ""),
        ("First name,Review text\nAnna,a dog\nTom,the cat\n", "a.csv", "Review text"),
        ("one,two\na dog,x y\nthe cat,x z\n", "a.csv", "one"),
        ("a dog,7\nthe cat,8\n", "a.csv", "1"),  # no line of names
        ("\ufefftext,n\r\na dog,1\r\nthe cat,2\r\n", "a.csv", ""),
    ],
)
def test_columns_are_found_or_named(content: str, name: str, column: str, tmp_path: Path) -> None:
    assert [text for _, text in texts(put(tmp_path, content, name), column)] == ["a dog", "the cat"]


cells = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"], exclude_characters="\ufeff\x85"))


@given(st.lists(st.tuples(cells, cells), min_size=1, max_size=8))
def test_what_the_csv_module_writes_is_read_back(tmp_path_factory: pytest.TempPathFactory, rows: list) -> None:
    buffer = io.StringIO()
    csv.writer(buffer).writerows([("text", "other"), *rows])
    path = put(tmp_path_factory.mktemp("table"), buffer.getvalue(), "a.csv")
    assert [text for _, text in texts(path, "text")] == [text.strip() for text, _ in rows]


def test_a_short_row_has_a_blank_text(tmp_path: Path) -> None:
    path = put(tmp_path, "n,text\n1,a dog\n2\n3,the cat\n", "a.csv")
    assert texts(path, "text") == [(2, "a dog"), (3, ""), (4, "the cat")]
    found = read_lines(path, TOKENIZERS["whitespace"], False, column="text")
    assert len(found) == 2
    assert found.rejected["blank"].places == ["line 3"]


@pytest.mark.parametrize(
    ("content", "column", "said"),
    [
        ("a,b\nx y,u v\nz y,w v\n", "", r"has the columns 'a', 'b': name the one that is trained on, with --column NAME\."),
        ("a,b\n1,2\n", "", r"has the columns 'a', 'b': name"),
        ("a,b\n1,2\n", "c", r"--column c: .*a\.csv has the columns 'a', 'b'\."),
        ("a,b\n1,2\n", "3", r"--column 3: .*a\.csv has the columns"),
    ],
)
def test_a_column_that_cannot_be_told_is_asked_for(content: str, column: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=said):
        texts(put(tmp_path, content, "a.csv"), column)


def test_of_several_texts_the_one_of_that_name_is_read(tmp_path: Path) -> None:
    path = put(tmp_path, "prompt,text\nx y,a dog\nz y,the cat\n", "a.csv")
    assert [text for _, text in texts(path)] == ["a dog", "the cat"]


def test_a_quote_that_never_ends_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(SeqganError, match=r"a\.csv, line 3: is no table \(unexpected end of data\): quote"):
        texts(put(tmp_path, 'text\n"a dog\nthe cat\n', "a.csv"))


def test_texts_with_marks_that_nobody_quoted_are_refused_and_not_cut(tmp_path: Path) -> None:
    with pytest.raises(SeqganError, match=r"a\.csv, line 3: has 2 fields, and the first line 1: quote texts that hold ','"):
        texts(put(tmp_path, "text\na dog\nhello, world\n", "a.csv"))
    assert texts(put(tmp_path, "text,n\na dog,1,,\n", "b.csv")) == [(2, "a dog")]


def test_an_empty_table_holds_no_text(tmp_path: Path) -> None:
    for content in ("", "text\n", "n,text\n"):
        with pytest.raises(SeqganError):
            read_lines(put(tmp_path, content, "a.csv"), TOKENIZERS["whitespace"], False)


def test_no_columns_where_there_are_none(tmp_path: Path) -> None:
    for name in ("a.txt", "a.fasta", "a.smi"):
        with pytest.raises(UsageError, match="--column x: "):
            texts(put(tmp_path, ">1\nACGT\n", name), "x")


@pytest.mark.parametrize(
    "content",
    [
        "the old gull waits here\nthe cat sings\na dog\n",
        "every cat sings, sailor\nevery dog sings, tonight\nthe cat sings\n",
        "1,one two three\n2,four five six\n",
        "a dog\nthe cat\n",
    ],
)
def test_a_first_line_that_seems_a_record_is_not_taken_for_names(content: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"line 1: .* seems to be no name of a column\. If it is one, say --column NAME; if"):
        texts(put(tmp_path, content, "a.csv"))


def test_the_mark_is_the_one_that_parts_all_lines_alike(tmp_path: Path) -> None:
    path = put(tmp_path, "id;text,long\n1;one two\n2;four, and five\n", "a.csv")
    assert [text for _, text in texts(path)] == ["one two", "four, and five"]


def test_blank_lines_before_a_table_are_none_of_it(tmp_path: Path) -> None:
    assert texts(put(tmp_path, "\n\nid,text\n1,a dog\n2,the cat\n", "a.csv")) == [(4, "a dog"), (5, "the cat")]


def test_quotes_that_would_join_lines_of_a_tsv_are_refused(tmp_path: Path) -> None:
    path = put(tmp_path, 'id\ttext\n1\t"every cat\n2\tthe dog\n3\tthe rain"\n4\ta gull sings\n', "a.tsv")
    with pytest.raises(SeqganError, match=r"a\.tsv, line 4: quotes hold several lines or columns together"):
        texts(path)


def test_two_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="has several columns 'text': give each a name of its own"):
        texts(put(tmp_path, "text,text\na dog,b\n", "a.csv"))


# JSON.


@pytest.mark.parametrize(
    "records",
    [
        ["a dog", "the cat"],
        [{"text": "a dog", "n": 1}, {"n": 2, "text": "the cat"}],
        [{"tokens": ["a", "dog"]}, {"tokens": ["the", "cat"]}],
        [["a", "dog"], ["the", "cat"]],
        [{"text": "a dog", "ids": [5, 7], "prompt": "a", "continuation": "dog"}, {"text": "the cat", "ids": [5, 8]}],
    ],
)
def test_strings_objects_and_lists_of_tokens(records: list, tmp_path: Path) -> None:
    lines = "".join(json.dumps(record) + "\n" for record in records)
    for content, name in ((lines, "a.jsonl"), (json.dumps(records, indent=1), "a.json")):
        assert texts(put(tmp_path, content, name)) == [(1, "a dog"), (2, "the cat")]


def test_an_object_without_the_field_is_blank(tmp_path: Path) -> None:
    path = put(tmp_path, '{"text": "a dog"}\n\n{"other": 1}\n{"text": null}\n', "a.jsonl")
    told: list[str] = []
    assert [*texts_of(path, told=told.append)] == [(1, "a dog"), (3, ""), (4, "")]
    assert told[1:] == ["a.jsonl: 1 records have no field 'text', the first of them record 3."]


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        ('{"text": "a"}\n{"text": \n', "a.jsonl", r"a\.jsonl, line 2: is no JSON; an object or a string a line is needed\."),
        ('["a",\n "b"', "a.json", r"a\.json, line 2: is no JSON\."),
        ('[{"text": "a b"}, {"text": "c d"}]', "a.jsonl", r"a\.jsonl, record 1: holds a list or an object where"),
        ('{"text": {"x": "a b"}}', "a.jsonl", r"a\.jsonl, record 1: holds a list or an object"),
        (r'"a \ud800"', "a.jsonl", r"a\.jsonl, record 1: holds half a character"),
        ('{"text": "a"}', "a.json", r"a\.json: a list of strings or of objects is needed\."),
        ('"a"\n{"text": "b"}\n', "a.jsonl", r"a\.jsonl, record 1: objects and others are mixed"),
    ],
)
def test_what_is_no_json_is_one_sentence(content: str, name: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(SeqganError, match=said):
        texts(put(tmp_path, content, name))


def test_json_of_poems_is_of_poems_and_other_json_is_text(tmp_path: Path) -> None:
    poem = [{"paragraphs": ["床前明月光，疑是地上霜。", "举头望明月，低头思故乡。"]}]
    assert infer_kind(str(put(tmp_path, json.dumps(poem), "poems.json"))) == "poems"
    assert infer_kind(str(put(tmp_path, '["a dog", "the cat"]', "text.json"))) == "text"
    assert infer_kind(str(put(tmp_path, '[{"paragraphs": "a dog"}]', "other.json")), "paragraphs") == "text"


# FASTA, FASTQ, SMILES.


def test_a_record_of_fasta_is_a_text(tmp_path: Path) -> None:
    path = put(tmp_path, ">one Homo\nAC GT\nTT\n\n;a remark\n>two\nGG\n>none\n", "a.fa")
    assert texts(path) == [(1, "ACGTTT"), (6, "GG"), (8, "")]
    with pytest.raises(SeqganError, match=r"b\.fasta, line 1: is no FASTA"):
        texts(put(tmp_path, "ACGT\n", "b.fasta"))


def test_a_record_of_fastq_is_a_text(tmp_path: Path) -> None:
    path = put(tmp_path, "@one\nACGT\n+\nIIII\n@two\nGG\n+two\n@@\n", "a.fastq")
    assert texts(path) == [(1, "ACGT"), (5, "GG")]
    with pytest.raises(SeqganError, match=r"b\.fq, line 1: is no FASTQ record"):
        texts(put(tmp_path, "@one\nACGT\n+\nIII\n", "b.fq"))


def test_the_first_column_of_smiles_is_read(tmp_path: Path) -> None:
    told: list[str] = []
    found = [*texts_of(put(tmp_path, "CCO ethanol\nC1CC1\tcyclo propane\n\nO\n", "a.smi"), told=told.append)]
    assert [text for _, text in found] == ["CCO", "C1CC1", "", "O"]
    assert told == ["a.smi: of each line the first column is read."]
    assert [text for _, text in texts(put(tmp_path, "SMILES name\nCCO ethanol\n", "b.smi"))] == ["CCO"]


# Compressed.


@pytest.mark.parametrize(("suffix", "compress"), [(".gz", gzip.compress), (".bz2", bz2.compress), (".xz", lzma.compress)])
def test_compressed_files_are_read_as_they_are(suffix: str, compress: Callable[[bytes], bytes], tmp_path: Path) -> None:
    assert [*lines_of(put(tmp_path, compress("a dog\nthe cát\n".encode()), f"a.txt{suffix}"))] == [(1, "a dog"), (2, "the cát")]
    found = texts(put(tmp_path, compress(TABLE.encode()), f"a.csv{suffix}"))
    assert found == texts(put(tmp_path, TABLE, "a.csv"))
    content = compress(b"a dog\n" * 5000)
    with pytest.raises(SeqganError, match=r"is damaged: it cannot be decompressed to its end"):
        list(lines_of(put(tmp_path, content[:-9], f"cut.txt{suffix}")))
    with pytest.raises(SeqganError, match=f"does not begin as a {suffix} file does: decompress it, or rename it"):
        list(lines_of(put(tmp_path, "a dog\n", f"none.txt{suffix}")))


def test_zstandard_is_read_frame_by_frame_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    zstandard = pytest.importorskip("zstandard")
    frames = [zstandard.compress(b"a dog %d\n" % i * 40_000) for i in range(3)]
    path = put(tmp_path, b"".join(frames), "a.txt.zst")
    assert [text for _, text in lines_of(path)] == [f"a dog {i}" for i in range(3) for _ in range(40_000)]
    for kept in (len(path.read_bytes()) - 1, len(frames[0]) + 9, 5):
        with pytest.raises(SeqganError, match=r"is damaged: it cannot be decompressed to its end \(it is cut off\)"):
            list(lines_of(put(tmp_path, b"".join(frames)[:kept], "cut.txt.zst")))
    with pytest.raises(SeqganError, match="is damaged: it cannot be decompressed to its end"):
        list(lines_of(put(tmp_path, frames[0] + b"no frame", "more.txt.zst")))
    monkeypatch.setitem(sys.modules, "zstandard", None)
    with pytest.raises(SeqganError, match=r"pip install 'seqgan-cli\[zst\]'"):
        list(lines_of(path))


# What is made of them.


def test_parts_are_the_documents_of_the_whole_and_a_note_stands_once(tmp_path: Path) -> None:
    path = put(tmp_path, "n,text\n" + "".join(f"{i},a dog {i}\n" for i in range(200)), "a.csv")
    parts = [*text_parts([path], TextOptions(), 50)]
    assert len(parts) > 5
    assert sum(map(len, parts)) == 200
    assert [note for part in parts for note in part.notes] == ["a.csv: column 'text' is read, and not 'n'."]


@pytest.mark.parametrize("documents", [50, 60])
def test_what_is_told_last_is_told_though_the_part_before_has_the_last_document(tmp_path: Path, documents: int) -> None:
    """200 documents fill four parts of 50, and of 60 three and a bit: the hint of all lines comes with an empty part."""
    path = put(tmp_path, "".join(f"word{i}\n" for i in range(200)), "a.txt")
    parts = [*text_parts([path], TextOptions(), 10**6, documents)]
    assert [len(part) for part in parts] == ([50] * 4 + [0] if documents == 50 else [60] * 3 + [20])
    (note,) = read_lines(path, TOKENIZERS["whitespace"], False).notes
    assert [each for part in parts for each in part.notes] == [note]
    assert note.startswith("Most lines have no space")


def test_a_run_trains_on_a_column_and_says_so(
    seqgan: Callable[..., Any], tmp_path: Path, tiny_config: Path, quickly: None
) -> None:
    rows = "".join(f'{i},"the cat, no {i % 7}",{"ab"[i % 2]}\n' for i in range(40))
    data, run = put(tmp_path, f"id,text,label\n{rows}", "table.csv"), tmp_path / "run"
    shown = seqgan("corpus", data)
    assert shown.code == 0, shown.err
    assert "table.csv: column 'text' is read, and not 'id', 'label'." in shown.out + shown.err
    made = seqgan("pretrain-g", "--data", data, "--column", "text", "--run", run, "--config", tiny_config, "--epochs", 1)
    assert made.code == 0, made.err
    vocabulary = (run / "vocabulary.txt").read_text().split("\n")
    assert {"the", "cat,", "no"} < {*vocabulary}
    assert not {"id,text,label", "label", "text"} & {*vocabulary}
    raw = seqgan("sample", "--run", run, "-n", 40, "--format", "raw").out
    put(tmp_path, raw, "samples.txt")
    scored = seqgan("eval-bleu", "--run", run, "--hypotheses", tmp_path / "samples.txt", "--references", data)
    assert scored.code == 0, scored.err
    asked = seqgan("pretrain-g", "--data", data, "--column", "nothing", "--run", tmp_path / "other")
    assert (asked.code, asked.out) == (2, "")
    assert "has the columns 'id', 'text', 'label'" in asked.err
    assert not (tmp_path / "other").exists()


def test_records_of_characters_are_read_by_character(seqgan: Callable[..., Any], tmp_path: Path) -> None:
    data = put(tmp_path, "".join(f">seq{i}\nACGT\nTTGA{'ACGT'[i % 4]}\n" for i in range(12)), "dna.fasta")
    shown = seqgan("corpus", data)
    assert shown.code == 0, shown.err
    assert "tokens (chars)" in shown.out
    assert "4 lines are held out" not in shown.out
