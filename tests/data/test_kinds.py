"""Kinds of data: what a path is taken for, numbers that are none, and how sequences are written and read again."""

import os
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sampled import examples
from seqgan_cli.config import registry
from seqgan_cli.config.resolution import explicit, resolve
from seqgan_cli.config.settings import Settings
from seqgan_cli.data import corpus as corpora
from seqgan_cli.data import documents
from seqgan_cli.data.documents import Documents
from seqgan_cli.data.kinds import speeches
from seqgan_cli.data.sources.inference import infer_kind
from seqgan_cli.data.sources.opening import real_corpus
from seqgan_cli.data.vocabulary import EOS, Vocabulary
from seqgan_cli.errors import SeqganError
from tiny import data_settings

QUIET = "床前明月光，疑是地上霜。舉頭望明月，低頭思故鄉。"
GORGE = "朝辭白帝彩雲間，千里江陵一日還。兩岸猿聲啼不住，輕舟已過萬重山。"
PROSE = "从前有座山，山里有座庙，庙里有个老和尚，正在给小和尚讲故事。"


def bare(poem: str, between: str = "") -> str:
    return between.join(character for character in poem if character.isalnum())


def put(folder: Path, content: str | bytes, name: str = "data.txt") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def of_kind(kind: str, **own: Any) -> Settings:
    """The settings of data of that kind, with some changed."""
    asked = {"data.kind": kind, **{f"data.{name}": value for name, value in own.items()}}
    return resolve(*explicit(asked, (), None), None, "paper").settings


def read(source: str, chosen: Settings) -> Documents:
    found: Documents = chosen.kind.read(source, chosen)
    return found


def sentences_of(path: Path, chosen: Settings) -> Documents:
    found: Documents = chosen.kind.sentences_of(path, chosen)
    return found


# What a path is taken for

BUILT_IN = [("oracle", "oracle"), ("speech", "speeches"), ("folk", "music")]


@pytest.mark.parametrize(("name", "kind"), BUILT_IN)
def test_names_that_come_with_the_program_are_no_paths(name: str, kind: str, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).mkdir()
    assert infer_kind(name) == kind


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        *(("a.mid", "music"), ("a.MIDI", "music"), ("a.kar", "music"), ("a.json", "poems"), ("a.JSON", "poems")),
        *(("mid", "text"), ("a.txt.x", "text")),
    ],
)
def test_the_ending_of_a_files_name_tells_most(tmp_path: Path, name: str, kind: str) -> None:
    content = b'{"paragraphs": []}\n' if kind == "poems" else b"a b\n"
    assert infer_kind(str(put(tmp_path, content, name))) == kind


@pytest.mark.parametrize(
    ("names", "kind"),
    [
        (["a.json"], "poems"),
        (["deep/down/a.JSON", "readme.txt"], "poems"),
        (["a.mid"], "music"),
        (["x/b.MIDI", "readme.txt"], "music"),
        (["song.kar", "readme.txt"], "music"),
        (["a.json", "b/c.mid"], "music"),
    ],
)
def test_a_folder_is_what_its_files_are(tmp_path: Path, names: list[str], kind: str) -> None:
    for name in names:
        put(tmp_path, b"", name)
    assert infer_kind(str(tmp_path)) == kind


@pytest.mark.parametrize("names", [["a.txt"], ["b/c.midx", "json"]])
def test_a_folder_of_neither_is_text(tmp_path: Path, names: list[str]) -> None:
    for name in names:
        put(tmp_path, b"a b\n", name)
    assert infer_kind(str(tmp_path)) == "text"


@pytest.mark.parametrize("name", ["", ".hidden"])
def test_an_empty_folder_is_refused(tmp_path: Path, name: str) -> None:
    if name:
        put(tmp_path, b"a b\n", name)
    with pytest.raises(SeqganError) as refused:
        infer_kind(str(tmp_path))
    message = "is a folder without files: name a file with one sequence a line, or a folder of such."
    assert str(refused.value) == f"{tmp_path} {message}"


POEM_FILES = {
    "together": [bare(QUIET)],
    "characters with spaces": [bare(QUIET, " ")],
    "marks": [QUIET],
    "seven a line": [GORGE],
    "seven together": [bare(GORGE)],
    "longer ones": [QUIET * 2, GORGE + GORGE],
    "lines with spaces": ["床前明月光 疑是地上霜 舉頭望明月 低頭思故鄉"],
    "blank lines between": [QUIET, "", "  "],
    "more of them than of others": [QUIET, bare(GORGE), "题目"],
    "rare characters": ["𠀀𠀁𠀂𠀃𠀄" * 4],
}
TEXT_FILES = {
    "English": ["The cat sat on the mat.", "It purred."],
    "numbers": ["1 2 3 4 5 6", "12345" * 4],
    "letters in fives": ["abcde fghij klmno pqrst"],
    "prose": [PROSE, PROSE],
    "prose without marks": [bare(PROSE)],
    "words of prose": ["从前 有 座 山 山 里 有 座 庙 庙 里 有 个 老和尚 正在 给 小和尚 讲 故事"],
    "titles": ["静夜思", "李白", "春晓"],
    "as many poems as others": [QUIET, "从前"],
    "poems with numbers": ["1. " + QUIET],
    "empty": [],
    "blank": ["", " "],
    "other lines of five": ["あいうえおかきくけこさしすせそたちつてと"],
    "half of a poem": ["床前明月光，疑是地上霜。"],
}


@pytest.mark.parametrize("start", ["", "\ufeff"])
@pytest.mark.parametrize(
    ("kind", "lines"),
    [*(("poems", lines) for lines in POEM_FILES.values()), *(("text", lines) for lines in TEXT_FILES.values())],
)
def test_poems_are_told_from_other_text(tmp_path: Path, start: str, kind: str, lines: list[str]) -> None:
    assert infer_kind(str(put(tmp_path, start + "".join(f"{line}\n" for line in lines)))) == kind


def test_what_is_taken_for_poems_can_be_read_as_poems(tmp_path: Path) -> None:
    for lines in POEM_FILES.values():
        path = put(tmp_path, "\n".join(lines))
        found = [len(read(str(path), of_kind("poems", **{"poem-form": form}))) for form in ("5x4", "7x4") if _holds(path, form)]
        assert sum(found) > 0.5 * sum(bool(line.strip()) for line in lines)


def _holds(path: Path, form: str) -> bool:
    try:
        return bool(len(read(str(path), of_kind("poems", **{"poem-form": form}))))
    except SeqganError:
        return False


def test_only_the_beginning_of_a_file_is_looked_at(tmp_path: Path) -> None:
    """A file may be as long as it likes, and what is wrong with a later line is said when it is read."""
    path = put(tmp_path, QUIET.encode() + b"\n" * 60 + b"\xff\n")
    assert infer_kind(str(path)) == "poems"
    with pytest.raises(SeqganError, match=r"line 61: 0xff"):
        read(str(path), of_kind("poems"))


@pytest.mark.parametrize(("content", "message"), [(b"\0\n", "line 1: holds a zero byte"), (b"\xff\n", "line 1: 0xff")])
def test_a_file_that_is_no_text_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(SeqganError, match=message):
        infer_kind(str(put(tmp_path, content)))


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    for name in ("none", "none.txt"):
        with pytest.raises(SeqganError, match=rf"^Cannot read .*{name}: No such file or directory\.$"):
            infer_kind(str(tmp_path / name))
    with pytest.raises(SeqganError, match="Cannot read"):
        infer_kind("a\0b")


@settings(deadline=None, max_examples=examples(200))
@given(st.binary(max_size=200) | st.text(max_size=60).map(lambda text: text.encode("utf-8", "replace")))
def test_any_file_is_taken_for_something_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = put(tmp_path_factory.mktemp("any"), content)
    try:
        assert infer_kind(str(path)) in registry.kinds.named
    except SeqganError as refused:
        assert str(path) in str(refused)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
@pytest.mark.timeout(30)
def test_a_pipe_is_read_once_from_its_beginning(tmp_path: Path) -> None:
    """What is looked at in a pipe is gone, so it is not looked at."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert infer_kind(str(pipe)) == "text"
    writer = threading.Thread(target=lambda: pipe.write_text(QUIET + "\n" + "b c\n" * 9), daemon=True)
    writer.start()
    found = read(str(pipe), of_kind("text"))
    writer.join()
    assert len(found) == 10
    assert found.tokens == [QUIET, "b", "c"]


# Numbers


@settings(deadline=None)
@given(st.lists(st.lists(st.integers(0, 10**30), min_size=1, max_size=6), min_size=1, max_size=6))
def test_ids_are_whole_numbers_with_spaces(tmp_path_factory: pytest.TempPathFactory, lines: list[list[int]]) -> None:
    path = put(tmp_path_factory.mktemp("ids"), "".join(" ".join(map(str, line)) + "\n" for line in lines))
    found = read(str(path), of_kind("ids"))
    assert [
        [int(found.tokens[i]) for i in row[:length]] for row, length in zip(found.table(), found.lengths, strict=True)
    ] == lines


@pytest.mark.parametrize(
    ("text", "token", "line"),
    [
        ("1 2\n3 x\n", "x", 2),
        ("1 2\n\n-3 4\n", "-3", 3),
        ("1.5 2\n", "1.5", 1),
        ("1,2,3\n", "1,2,3", 1),
        ("1 ٣\n", "٣", 1),
        ("1 ²\n", "²", 1),
        ("1 0x10\n", "0x10", 1),
        ("1 nan\n", "nan", 1),
        ("1\n2\n3 " + "9" * 50 + "e5\n", "9" * 30, 3),
        ("1 " + "a" * 100_000 + "\n", "a" * 30, 1),
    ],
)
def test_what_is_no_number_is_refused_in_a_short_sentence(tmp_path: Path, text: str, token: str, line: int) -> None:
    path = put(tmp_path, text)
    with pytest.raises(SeqganError) as refused:
        read(str(path), of_kind("ids"))
    assert str(refused.value) == f"{path}, line {line}: {token!r} is no whole number; --kind text takes any tokens."


@given(
    before=st.lists(st.sampled_from(["1 2", "3", "", " ", "\t"]), max_size=9),
    after=st.lists(st.sampled_from(["1", "", "x"]), max_size=3),
    kind=st.sampled_from(["ids", "music"]),
)
@example(before=["1 2 3", "", "", "4 5 6"], after=["1 1 2"], kind="ids")
def test_the_line_that_is_named_is_the_files_own(
    tmp_path_factory: pytest.TempPathFactory, before: list[str], after: list[str], kind: str
) -> None:
    """As an editor counts them, blank ones too."""
    path = put(tmp_path_factory.mktemp("ids"), "".join(f"{line}\n" for line in [*before, "7 x 9", *after]))
    with pytest.raises(SeqganError) as refused:
        read(str(path), of_kind(kind))
    assert str(refused.value).startswith(f"{path}, line {len(before) + 1}: 'x' is no ")


ZEROS = st.builds(lambda zeros, number: "0" * zeros + str(number), st.integers(0, 3), st.integers(0, 30))


@given(st.lists(st.lists(ZEROS, min_size=1, max_size=6), min_size=1, max_size=6), st.sampled_from(["ids", "music"]))
@example([["01", "1", "007", "7"]], "ids")
def test_a_number_is_one_token_however_it_is_written(
    tmp_path_factory: pytest.TempPathFactory, lines: list[list[str]], kind: str
) -> None:
    path = put(tmp_path_factory.mktemp("ids"), "".join(" ".join(line) + "\n" for line in lines))
    found = read(str(path), of_kind(kind))
    assert [found.tokens[i] for i in found.ids] == [str(int(token)) for line in lines for token in line]
    assert len({*found.tokens}) == len(found.tokens) == len({int(token) for line in lines for token in line})
    changed = any(token != str(int(token)) for line in lines for token in line)
    assert found.notes == ("Numbers are read without leading zeros: 01 is 1.",) * changed


def test_pitches_are_numbers_from_0_to_88(tmp_path: Path) -> None:
    found = read(str(put(tmp_path, "0 88 40\n")), of_kind("music"))
    assert found.tokens == ["0", "88", "40"]
    for token in ("89", "-1", "1" * 5000, "0089", "x", "1.0"):
        path = put(tmp_path, f"1 2\n3 {token}\n")
        with pytest.raises(SeqganError) as refused:
            read(str(path), of_kind("music"))
        assert str(refused.value).startswith(f"{path}, line 2: {token[:30]!r} is no number from 0 to 88; ")


def test_the_size_of_a_vocabulary_of_numbers() -> None:
    def size(**own: Any) -> int | None:
        chosen = data_settings(**own)
        found: int | None = chosen.kind.vocabulary_size(chosen)
        return found

    assert size(source="oracle", vocab_size=7) == 7
    assert size(source="folk", kind="music") == size(source="x", kind="music") == 89
    for kind in ("text", "poems", "speeches", "ids", "auto"):
        assert size(source="x", kind=kind) is None


# Corpora


def test_poems_are_numbered_without_ends(tmp_path: Path) -> None:
    path = put(tmp_path, "\n".join([QUIET, bare(QUIET)[::-1], QUIET, "题目"]))
    corpus, read_documents = real_corpus(of_kind("poems", source=str(path), validation=0.0))
    assert len(read_documents) == 2
    assert corpus.train.shape == corpus.test.shape == (1, 20)
    assert corpus.choosing == "test"
    assert (corpus.train != EOS).all()
    assert set(corpus.vocabulary.tokens[3:]) == set(bare(QUIET))
    decoded = {"".join(corpus.vocabulary.decode(row)) for row in (corpus.train[0], corpus.test[0])}
    assert decoded == {bare(QUIET), bare(QUIET)[::-1]}
    assert corpus.summary[0] == (
        f"Data: {path}: 2 poems; 1 left out: a duplicate (line 3); "
        "1 left out: not 5 characters in each of its first four lines (line 4)."
    )
    different = len(set(bare(QUIET)))
    assert corpus.summary[-2].startswith(f"Vocabulary: {different} characters; unknown: 0.00% of the training tokens, ")


def test_a_test_file_is_of_the_same_kind(tmp_path: Path) -> None:
    train, test = put(tmp_path, QUIET), put(tmp_path, bare(QUIET, " ") + "\n" + GORGE, "test.txt")
    corpus, _ = real_corpus(of_kind("poems", source=str(train), test=str(test), validation=0.0))
    assert corpus.train.tolist() == corpus.test.tolist()


def test_what_is_noted_on_the_data_is_said(tmp_path: Path) -> None:
    path = put(tmp_path, "\n".join([QUIET, bare(QUIET)[::-1], GORGE]))
    corpus, _ = real_corpus(of_kind("poems", source=str(path), validation=0.0))
    assert "1 have lines of 7 characters: --poem-form 7x4 reads those instead." in corpus.summary


@pytest.mark.parametrize("block", [1, 7, 30])
def test_a_long_corpus_is_numbered_in_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    """With the same result as at once, for vocabulary and sequences."""
    text = "".join(f"{'a ' * (i % 5)}w{i % 7} {'b ' * (i % 3)}\n" for i in range(60))
    own = {"max-length": 5, "overlong": "split", "validation": 0.0}
    wanted = of_kind("text", source=str(put(tmp_path, text)), **own)
    at_once, _ = real_corpus(wanted)
    monkeypatch.setattr(documents, "BLOCK", block)
    monkeypatch.setattr(corpora, "BLOCK", block)
    in_blocks, _ = real_corpus(wanted)
    assert in_blocks.vocabulary.tokens == at_once.vocabulary.tokens
    assert in_blocks.train.tolist() == at_once.train.tolist()
    assert in_blocks.test.tolist() == at_once.test.tolist()
    assert in_blocks.vocabulary.length(in_blocks.train).sum() + in_blocks.vocabulary.length(in_blocks.test).sum() == len(
        text.split()
    )


# How sequences are written


def written(data: Settings, tokens: list[str]) -> tuple[str, str, str]:
    vocabulary = Vocabulary(list(dict.fromkeys(tokens)))
    ids = np.array([*vocabulary.encode(tokens), EOS])
    ways = data.kind.detokenizer(data, vocabulary)
    return ways.line(ids), ways.page(ids), ways.raw(ids)


def test_poems_are_written_in_lines_or_in_one() -> None:
    lines = "床前明月光，\n疑是地上霜。\n舉頭望明月，\n低頭思故鄉。\n"
    assert written(of_kind("poems"), list(bare(QUIET))) == (QUIET, lines, bare(QUIET, " "))
    assert written(of_kind("poems", **{"poem-form": "7x4"}), list(bare(GORGE)))[0] == GORGE


@pytest.mark.parametrize(
    ("data", "tokens", "line", "raw"),
    [
        (data_settings(kind="text"), ["a", ",", "b"], "a , b", "a , b"),
        (data_settings(kind="text", tokenizer="chars"), ["a", " ", "b"], "a b", "a b"),
        (data_settings(kind="text", tokenizer="words"), ["a", ",", "``", "b", "''"], 'a, "b"', "a , `` b ''"),
        (of_kind("speeches"), ["it", "'s", "so", "."], "it's so.", "it 's so ."),
        (of_kind("ids"), ["3", "1", "2"], "3 1 2", "3 1 2"),
    ],
)
def test_other_sequences_are_written_on_a_line(data: Settings, tokens: list[str], line: str, raw: str) -> None:
    assert written(data, tokens) == (line, line, raw)


def test_numbers_without_special_tokens_are_written_with_spaces() -> None:
    for data in (of_kind("music"), data_settings(source="oracle", tokenizer="chars")):
        ways = data.kind.detokenizer(data, Vocabulary(size=89))
        assert (
            ways.line(np.array([60, 0, 88])) == ways.page(np.array([60, 0, 88])) == ways.raw(np.array([60, 0, 88])) == "60 0 88"
        )


@pytest.mark.parametrize("kind", ["poems", "text", "ids", "speeches"])
def test_what_is_written_raw_is_read_again(tmp_path: Path, kind: str) -> None:
    contents = {
        "poems": f"{QUIET}\n{bare(QUIET)[::-1]}\n",
        "text": "a b c\nb a\n",
        "ids": "1 22 333\n22 1\n",
        "speeches": 'He said, "It\'s done." We go.\n(Applause.) So?\n',
    }
    data = of_kind(kind, source=str(put(tmp_path, contents[kind])), validation=0.0)
    corpus, read_documents = real_corpus(data)
    ways = data.kind.detokenizer(data, corpus.vocabulary)
    again = put(tmp_path, "".join(f"{ways.raw(row)}\n" for row in corpus.train), "again.txt")
    tokens = read(str(again), data_settings(kind="text") if kind == "speeches" else data)
    assert [tokens.tokens[i] for i in tokens.ids] == corpus.vocabulary.decode(corpus.train[0])
    assert len(read_documents) == 2


# Files to score


def test_every_sentence_of_a_file_counts_however_often_it_stands_there(tmp_path: Path) -> None:
    poems = put(tmp_path, f"{QUIET}\n{QUIET}\n{bare(QUIET, ' ')}\n")
    assert len(sentences_of(poems, of_kind("poems"))) == 3
    text = put(tmp_path, "a b\na b\n" + "c " * 100 + "\n")
    assert sentences_of(text, of_kind("text", **{"max-length": 5})).lengths.tolist() == [2, 2, 100]
    assert sentences_of(text, of_kind("speeches")).lengths.tolist() == [2, 2, 100]


@pytest.mark.parametrize("name", ["speech", "folk", "oracle"])
def test_a_file_may_have_a_name_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(speeches, "_folder", lambda: Path("nowhere"))
    put(tmp_path, "a b\nc\n", name)
    assert sentences_of(Path(name), of_kind("text")).tokens == ["a", "b", "c"]
