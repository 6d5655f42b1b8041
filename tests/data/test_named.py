"""Several files as one corpus: the same as the joined file; what is refused, and where a message says that something stands."""

import itertools
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutters import TOKENIZERS, read_lines
from seqgan_cli.config.paths import joined, names_in, short
from seqgan_cli.config.resolution import explicit
from seqgan_cli.data.inputs.named import files_of, is_one, label
from seqgan_cli.data.inputs.options import TextOptions
from seqgan_cli.data.sources.inference import infer_kind
from seqgan_cli.data.sources.opening import real_corpus
from seqgan_cli.data.text.tokens import read_texts
from seqgan_cli.errors import SeqganError, UsageError
from tiny import data_settings

TUNES = Path(__file__).parents[2] / "data" / "tunes"


def put(folder: Path, **texts: str) -> list[str]:
    """Files `NAME.txt`; a name with two underscores is in a folder."""
    paths = [folder / f"{name.replace('__', '/')}.txt" for name in texts]
    for path, text in zip(paths, texts.values(), strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return [*map(str, paths)]


@given(st.lists(st.text("ab[*,\"' /é\n", min_size=1), min_size=1, max_size=4, unique=True))
def test_names_are_joined_and_found_again(names: list[str]) -> None:
    source = joined(names)
    if len(names) > 1 or not names[0].startswith('["'):
        assert names_in(source) == sorted(names)
    assert joined(reversed(names)) == source


def test_names_are_those_of_any_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    values, _ = explicit({"data.source": ("logs/*.txt", "a.txt")}, (), None)
    assert names_in(values["data.source"]) == [f"{tmp_path}/a.txt", f"{tmp_path}/logs/*.txt"]
    assert names_in(short(values["data.source"])) == ["*.txt", "a.txt"]
    values, _ = explicit({}, ('data.source=["b.txt", "a.txt"]',), None)
    assert names_in(values["data.source"]) == [f"{tmp_path}/a.txt", f"{tmp_path}/b.txt"]
    (tmp_path / "config.toml").write_text('[data]\nsource = ["b.txt", "a.txt"]\ntest = "t.txt"\n')
    found, _ = explicit({}, (), tmp_path / "config.toml")
    assert (found["data.source"], found["data.test"]) == (values["data.source"], f"{tmp_path}/t.txt")


@pytest.mark.parametrize("way", ["folder", "pattern", "deep", "names"])
def test_several_files_are_the_joined_file(tmp_path: Path, way: str) -> None:
    texts = {"c": "the dog\n", "a": "a cat\nno one\n", "b__d": "the cat sees\n"}
    paths = put(tmp_path / "in", **texts)
    for hidden in (tmp_path / "in" / ".a.txt", tmp_path / "in" / ".hidden" / "e.txt"):
        hidden.parent.mkdir(exist_ok=True)
        hidden.write_text("not read\n")
    (whole,) = put(tmp_path, whole="".join(texts[name] for name in ("a", "b__d", "c")))
    sources = {"folder": f"{tmp_path}/in", "pattern": f"{tmp_path}/in/[abc]*", "deep": f"{tmp_path}/in/**/*.txt"}
    source = sources.get(way) or joined(paths)
    found = read_texts(files_of(source), TextOptions(), source=source)
    expected = read_lines(Path(whole), TOKENIZERS["whitespace"], False)
    assert found.tokens == expected.tokens
    assert found.ids.tolist() == expected.ids.tolist() and found.offsets.tolist() == expected.offsets.tolist()
    assert [found.place(i) for i in range(4)] == [
        f"{tmp_path}/in/{place}" for place in ("a.txt, line 1", "a.txt, line 2", "b/d.txt, line 1", "c.txt, line 1")
    ]


def test_parts_of_several_files_are_those_of_the_joined_file(tmp_path: Path) -> None:
    """A file is no document: the split is by lines."""
    lines = [f"w{i % 7} w{i % 3} w{i % 5}\n" for i in range(60)]
    paths = put(tmp_path, **{f"f{i}": "".join(lines[20 * i : 20 * i + 20]) for i in range(3)}, whole="".join(lines))
    found, expected = (
        real_corpus(data_settings(source=source, kind="text", seed=3))[0] for source in (joined(paths[:3]), paths[3])
    )
    assert np.array_equal(found.train, expected.train)
    for name, part in expected.held_out.items():
        assert np.array_equal(found.held_out[name].tokens, part.tokens)
    assert found.summary[0].startswith("Data: 3 files (")


def test_what_names_no_file_or_one_twice_is_refused(tmp_path: Path) -> None:
    a, b = put(tmp_path, a="a\n", b="b\n")
    with pytest.raises(SeqganError, match=r"^No file matches .*/none\*\.txt: "):
        files_of(f"{tmp_path}/none*.txt")
    with pytest.raises(UsageError, match=r"a\.txt is read twice: name every file once\.$"):
        files_of(joined([a, a]))
    with pytest.raises(UsageError, match=r"a\.txt is read twice: name every file once\.$"):
        files_of(joined([a, f"{tmp_path}/*.txt"]))
    (tmp_path / "c.txt").symlink_to(b)
    with pytest.raises(UsageError, match=r"c\.txt is read twice, as .*/b\.txt too: name every file once\.$"):
        files_of(str(tmp_path))
    with pytest.raises(UsageError, match="--data speech is a name of data that come with the program"):
        files_of(joined([a, "speech"]))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
def test_a_pipe_goes_alone(tmp_path: Path) -> None:
    put(tmp_path, a="a\n")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UsageError, match="pipe can be read only once, and goes alone"):
        files_of(str(tmp_path))
    assert files_of(str(tmp_path / "pipe")) == [tmp_path / "pipe"]


def test_a_name_that_exists_is_no_pattern(tmp_path: Path) -> None:
    put(tmp_path, **{"a[1]": "a\n", "a1": "b\n"})
    assert files_of(f"{tmp_path}/a[1].txt") == [tmp_path / "a[1].txt"]
    assert is_one(f"{tmp_path}/a[1].txt") and not is_one(f"{tmp_path}/a[12].txt")
    assert label(f"{tmp_path}/a[12].txt", files_of(f"{tmp_path}/a[12].txt")) == f"{tmp_path}/a[12].txt (1 file)"


def test_files_of_several_forms_are_refused(tmp_path: Path) -> None:
    put(tmp_path, a="a\n", b="b\n")
    (tmp_path / "c.csv").write_text("text\na dog\n")
    with pytest.raises(UsageError, match=r"a\.txt and .*/c\.csv are not read alike.*: name some, as .*\*\*/\*\.txt") as told:
        infer_kind(str(tmp_path))
    pattern = str(told.value).rpartition("as ")[2].rstrip(".").strip("'")
    assert files_of(pattern) == [tmp_path / "a.txt", tmp_path / "b.txt"]


def test_what_is_told_names_the_file(tmp_path: Path) -> None:
    put(tmp_path, a="a b\n\nb\n", b="", c="1\n")
    found = read_texts(files_of(str(tmp_path)), TextOptions(), source=str(tmp_path))
    assert found.source == f"{tmp_path} (3 files)"
    assert found.rejected["blank"].places == ["a.txt, line 2"]
    assert found.notes == ("1 of 3 files hold nothing to read: b.txt.",)
    with pytest.raises(SeqganError, match=r"/a\.txt, line 1: 'a' is no whole number"):
        real_corpus(data_settings(source=str(tmp_path), kind="ids"))
    (tmp_path / "b.txt").write_bytes(b"\xff\n")
    with pytest.raises(SeqganError, match=r"/b\.txt, line 1: 0xff after"):
        read_texts(files_of(str(tmp_path)), TextOptions())


def test_bytes_that_were_read_are_counted_over_all_files(tmp_path: Path) -> None:
    put(tmp_path, a="a b\n" * 10, b="c d e\n" * 5)
    passed: list[int] = []
    read_texts(files_of(str(tmp_path)), TextOptions(), passed.append)
    assert [*itertools.accumulate(passed)][-1] == 70


def test_tunes_and_poems_are_read_of_several_files_too(tmp_path: Path) -> None:
    for name in ("b.mid", "a.mid"):
        shutil.copy(TUNES / "brook.mid", tmp_path / name)
    source = joined([f"{tmp_path}/b.mid", f"{tmp_path}/a.mid"])
    assert infer_kind(source) == infer_kind(f"{tmp_path}/*.mid") == "music"
    settings = data_settings(kind="music", window=2)
    assert len(settings.kind.read(source, settings)) == len(settings.kind.read(str(tmp_path), settings)) == 2
    poems = put(tmp_path, x="床前明月光疑是地上霜舉頭望明月低頭思故鄉\n", y="春眠不覺曉處處聞啼鳥夜來風雨聲花落知多少\n")
    settings = data_settings(kind="poems")
    assert infer_kind(joined(poems)) == "poems"
    assert len(settings.kind.read(joined(poems), settings)) == 2
