"""What is read meets how it is cut and paired: several files, Parquet and units of prose with bpe, pairs and labels."""

from pathlib import Path

import numpy as np
import pyarrow as arrow
import pyarrow.parquet as parquet
import pytest

from seqgan_cli.config.checks import check_data
from seqgan_cli.config.paths import joined
from seqgan_cli.config.resolution import Config
from seqgan_cli.config.settings import Settings
from seqgan_cli.data.corpus import Corpus
from seqgan_cli.data.sources.opening import real_corpus
from seqgan_cli.errors import SeqganError, UsageError

LINES = [f"the {who} {did} in the rain." for who in ("cat", "dog", "gull") for did in ("sat", "sang", "slept", "fell")]
BPE = {"data.tokenizer": "bpe", "data.tokenizer-size": 260, "data.max-length": 40}
PAIRS = [(f"where is {who} {i}", f"{who} is at {i}") for i in range(6) for who in ("ann", "bob")]


def put(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    return str(path)


def read(source: str, kind: str = "text", **others: object) -> Corpus:
    values = {"data.source": source, "data.kind": kind, **{name.replace("__", "."): value for name, value in others.items()}}
    return real_corpus(Settings(values))[0]


def rows(corpus: Corpus) -> list[list[int]]:
    return [ids.tolist() for part in (corpus.train, *(part.tokens for part in corpus.held_out.values())) for ids in part]


def sentences(corpus: Corpus) -> set[str]:
    return {corpus.tokenizer.join(corpus.vocabulary.decode(np.array(ids))) for ids in rows(corpus)}


def table(folder: Path, name: str, texts: list[tuple[str, str]], columns: tuple[str, str] = ("ask", "say")) -> str:
    return put(folder / name, "\n".join(map(",".join, [columns, *texts])) + "\n")


def test_subwords_of_several_files_are_those_of_one(tmp_path: Path) -> None:
    """The tokenizer is made of the training part of all files, and that is the same lines."""
    parts = [put(tmp_path / f"{i}.txt", "".join(f"{line}\n" for line in LINES[i::2] * 3)) for i in range(2)]
    whole = put(tmp_path / "whole.txt", "".join(Path(part).read_text() for part in parts))
    several, one = read(joined(parts), **BPE), read(whole, **BPE)
    assert several.tokenizer.content() == one.tokenizer.content()
    assert several.vocabulary.tokens == one.vocabulary.tokens
    assert rows(several) == rows(one)


def test_subwords_of_sentences(tmp_path: Path) -> None:
    """A sentence a sequence, of which some stand on two lines; windows are counted in tokens that are not there yet."""
    prose = put(tmp_path / "prose.txt", " ".join(LINES * 2).replace("in the", "in\nthe"))
    assert sentences(read(prose, **BPE, **{"data.unit": "sentence"})) == set(LINES)
    values = {**Settings({"data.source": prose, "data.kind": "text", **BPE, "data.unit": "window"}).values}
    with pytest.raises(UsageError, match="--unit window does not go with --tokenizer bpe"):
        check_data(Config(values, dict.fromkeys(values, "default")))


def test_windows_of_a_tokenizer_of_a_file_are_of_the_running_text(tmp_path: Path) -> None:
    """What a window holds is what the text holds, the space where a line begins with it."""
    made = read(put(tmp_path / "lines.txt", "".join(f"{line}\n" for line in LINES * 3)), **BPE)
    (tmp_path / "own.json").write_bytes(made.tokenizer.content())
    own = {"data.tokenizer": str(tmp_path / "own.json"), "data.unit": "window", "data.max-length": 4, "data.validation": 0.0}
    corpus = read(str(tmp_path / "lines.txt"), **own)
    assert all(len(ids) == 4 for ids in rows(corpus))
    running = " ".join(LINES * 3)
    assert all(each in running for each in sentences(corpus))
    assert any(". t" in each or ". " in each for each in sentences(corpus))


@pytest.mark.parametrize("end", ["csv", "tabs", "parquet"])
@pytest.mark.parametrize("tokenizer", ["whitespace", "bpe"])
def test_pairs_of_several_files_are_those_of_one(tmp_path: Path, end: str, tokenizer: str) -> None:
    def written(name: str, pairs: list[tuple[str, str]]) -> str:
        if end == "parquet":
            parquet.write_table(arrow.table(dict(zip(("ask", "say"), zip(*pairs, strict=True), strict=True))), tmp_path / name)
            return str(tmp_path / name)
        return table(tmp_path, name, pairs) if end == "csv" else put(tmp_path / name, "\n".join(map("\t".join, pairs)))

    suffix = "txt" if end == "tabs" else end
    several = joined([written(f"a.{suffix}", PAIRS[:5]), written(f"b.{suffix}", PAIRS[5:])])
    others = {} if tokenizer == "whitespace" else BPE
    made, expected = read(several, "pairs", **others), read(table(tmp_path, "whole.csv", PAIRS), "pairs", **others)
    assert rows(made) == rows(expected)
    assert made.vocabulary.tokens == expected.vocabulary.tokens


def test_labels_of_several_files_and_of_parquet(tmp_path: Path) -> None:
    texts = [(label, f"{word} {i} falls") for i in range(8) for label, word in (("wet", "rain"), ("dry", "dust"))]
    parts = [table(tmp_path, f"{i}.csv", texts[i * 8 : i * 8 + 8], ("mood", "text")) for i in range(2)]
    stored = tmp_path / "whole.parquet"
    parquet.write_table(arrow.table(dict(zip(("mood", "text"), zip(*texts, strict=True), strict=True))), stored)
    own = {"data.label-column": "mood"}
    several, one = read(joined(parts), "labels", **own), read(str(stored), "labels", **own)
    assert several.vocabulary.labels == ["wet", "dry"]
    assert rows(several) == rows(one)


def test_pairs_that_are_not_alike_are_refused(tmp_path: Path) -> None:
    a, b = table(tmp_path, "a.csv", PAIRS[:4]), table(tmp_path, "b.csv", PAIRS[4:], ("say", "ask"))
    with pytest.raises(UsageError, match=r"'ask', 'say' would be read, and of .*b.csv 'say', 'ask': name those of all files"):
        read(joined([a, b]), "pairs")
    columns = {"data.source-column": "ask", "data.target-column": "say"}
    assert len(rows(read(joined([a, b]), "pairs", **columns))) == len(PAIRS)
    with pytest.raises(UsageError, match="are not read alike"):
        read(joined([a, put(tmp_path / "c.txt", "a\tb\n")]), "pairs")
    lines = [put(tmp_path / f"{name}.txt", "a\nb\n") for name in "xy"]
    with pytest.raises(UsageError, match="--targets is of one file of sources, and --data names 2"):
        read(joined(lines), "pairs", **{"data.targets": lines[0]})
    np.savez(tmp_path / "ids.npz", a=np.ones((2, 3), int), b=np.ones((2, 3), int))
    with pytest.raises(UsageError, match="holds arrays, and --kind pairs reads tables, JSON and lines"):
        read(str(tmp_path / "ids.npz"), "pairs")


@pytest.mark.parametrize("own", [{}, BPE], ids=["words", "subwords"])
def test_what_is_left_out_of_several_files_has_its_file(tmp_path: Path, own: dict[str, object]) -> None:
    a, b = (put(tmp_path / f"{name}.txt", "\ta\n" + "x y\tz\n" * 9) for name in "ab")
    _, documents = real_corpus(Settings({"data.source": joined([a, b]), "data.kind": "pairs", **own}))
    assert documents is not None
    assert documents.rejected["without a source"].places == ["a.txt, line 1", "b.txt, line 1"]
    assert documents.place(9) == f"{b}, line 2"


def test_empty_pairs_name_all_files(tmp_path: Path) -> None:
    files = [put(tmp_path / f"{name}.txt", "\n") for name in "ab"]
    with pytest.raises(SeqganError, match=r"2 files \(.*\) holds no pairs"):
        read(joined(files), "pairs")
