"""Text that is refused, each with its reason."""

import re
from pathlib import Path

import pytest

from seqgan_cli.data.sources.opening import real_corpus
from seqgan_cli.data.vocabulary import EOS
from seqgan_cli.errors import SeqganError
from text_read import numbered, put, refusal
from tiny import data_settings


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SeqganError, match=r"^Cannot read .*none\.txt: No such file or directory\.$"):
        real_corpus(data_settings(source=str(tmp_path / "none.txt")))


def test_a_missing_test_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SeqganError, match=r"^Cannot read .*none\.txt: No such file or directory\.$"):
        real_corpus(data_settings(source=str(put(tmp_path, "a b\nb a\n")), test=str(tmp_path / "none.txt")))


def test_an_empty_directory_is_refused(tmp_path: Path) -> None:
    message = "is a folder without files: name a file with one sequence a line, or a folder of such."
    with pytest.raises(SeqganError, match=rf"^{re.escape(str(tmp_path))} {message}$"):
        real_corpus(data_settings(source=str(tmp_path)))


@pytest.mark.parametrize("content", [b"", b"\n\n", b"  \t\r\n\n", b"\xef\xbb\xbf", b"\xef\xbb\xbf\n \n"])
def test_a_file_without_text_is_refused(tmp_path: Path, content: bytes) -> None:
    assert refusal(tmp_path, content) == f"{tmp_path / 'train.txt'} holds no text: one sequence a line is needed."


def test_an_empty_test_file_is_refused_by_its_name(tmp_path: Path) -> None:
    message = refusal(tmp_path, "a b\nb a\n", test="\n")
    assert message == f"{tmp_path / 'test.txt'} holds no text: one sequence a line is needed."


def test_a_binary_file_is_refused_with_the_line(tmp_path: Path) -> None:
    message = refusal(tmp_path, b"a b\nc d\ne\0f\n")
    assert message.startswith(f"{tmp_path / 'train.txt'}, line 3: holds a zero byte")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf16_is_refused_by_name(tmp_path: Path, encoding: str) -> None:
    content = ("" if encoding == "utf-16" else "\ufeff") + "ab cd\nab\n"
    assert refusal(tmp_path, content.encode(encoding)).startswith(f"{tmp_path / 'train.txt'} is UTF-16: convert it")


@pytest.mark.parametrize(
    ("content", "line", "byte", "before"),
    [
        (b"good\nba\xffd\n", 2, "ff", 2),
        (b"\xe9t\xe9\n", 1, "e9", 0),
        (b"\xef\xbb\xbfab\xff\n", 1, "ff", 2),  # a byte order mark is no text
        ("ok\n\nnaïve café ".encode() + b"\xe9\n", 3, "e9", 13),  # bytes, not characters: ï and é are two each
        (b"ok\nends in \xc3", 2, "c3", 8),  # half a character
        (b"surrogate\n\xed\xa0\x80\n", 2, "ed", 0),
    ],
)
def test_what_is_not_utf8_is_refused_with_line_and_byte(
    tmp_path: Path, content: bytes, line: int, byte: str, before: int
) -> None:
    message = refusal(tmp_path, content)
    assert message.startswith(f"{tmp_path / 'train.txt'}, line {line}: 0x{byte} after {before} bytes of text is not UTF-8;")


@pytest.mark.parametrize(("name", "train", "test"), [("train", "a b c\nb c d\n", "a\n"), ("test", "a b\nb\n", "a b c\n")])
def test_lines_that_are_all_too_long_are_refused(tmp_path: Path, name: str, train: str, test: str) -> None:
    message = refusal(tmp_path, train, test=test, max_length=2)
    assert message.startswith(f"{tmp_path / name}.txt: every line is longer than 2 tokens; raise --max-length")


@pytest.mark.parametrize(
    ("text", "own"),
    [("a a\na\n", {}), ("a a\na b\n", {"min_count": 2}), ("a a\na b\n", {"max_vocab": 1})],
)
def test_a_vocabulary_of_one_word_is_refused(tmp_path: Path, text: str, own: dict[str, int]) -> None:
    message = refusal(tmp_path, text, test="a\n", **own)
    after = "".join(f" (after --{name.replace('_', '-')} {value})" for name, value in own.items())  # and of no other option
    assert message == f"{tmp_path / 'train.txt'} holds fewer than two different tokens{after}: nothing to learn."


@pytest.mark.parametrize("own", [{}, {"min_count": 1, "max_vocab": 0}])
def test_a_tune_of_one_pitch_is_refused_as_one(tmp_path: Path, own: dict[str, int]) -> None:
    """Music has no --min-count that could be changed."""
    message = refusal(tmp_path, f"{'60 ' * 40}\n" * 3, kind="music", **own)
    assert message == f"{tmp_path / 'train.txt'} holds fewer than two different pitches: nothing to learn."


def test_one_line_alone_is_refused(tmp_path: Path) -> None:
    message = refusal(tmp_path, "\na b c\n\n")
    assert message.startswith(f"{tmp_path / 'train.txt'} holds one line: at least two are needed")


def test_one_line_is_enough_with_a_test_file(tmp_path: Path) -> None:
    assert numbered(tmp_path, "a b c\n", test="c\n").train.tolist() == [[3, 4, 5, EOS]]
