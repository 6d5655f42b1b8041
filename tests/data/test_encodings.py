"""Files that are not UTF-8 with newlines: what the refusal calls them, and that the command in it does what it says."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cutters import TOKENIZERS, read_lines
from sampled import examples
from seqgan_cli.errors import SeqganError, quoted

CHINESE = "春眠不觉晓处处闻啼鸟夜来风雨声花落知多少床前明月光疑是地上霜举头望低思故乡白日依山尽黄河入海流"
TRADITIONAL = "春眠不覺曉處聞啼鳥夜來風雨聲花落知多少床前明月光疑是地上霜舉頭望低思故鄉白日依山盡黃河入海流"
# Words of texts that people write in each encoding, and what stands between them.
WORDS = {
    "CP1252": (["It’s", "“test”", "–", "café", "déjà", "garçon", "für", "a", "dog", "œuvre", "señor"], " "),
    "GB18030": ([*CHINESE, "，", "。"], ""),
    "BIG5": ([*TRADITIONAL, "，", "。"], ""),
    "CP932": (["これは", "日本語", "の", "文章", "です", "。", "カメラ", "を"], ""),
    "EUC-JP": (["これは", "日本語", "の", "文章", "です", "。", "カメラ", "を"], ""),
    "EUC-KR": (["한국어", "문장", "입니다", "그리고", "고양이", "가", "있다"], " "),
    "CP1251": (["Это", "русский", "текст", "про", "кошку", "и", "собаку", "в", "доме"], " "),
    "KOI8-R": (["Это", "русский", "текст", "про", "кошку", "и", "собаку", "в", "доме"], " "),
}
UTF16 = ["UTF-16", "UTF-16LE", "UTF-16BE", "UTF-32"]
NAMES = ["data.txt", "two words.txt", "it's.txt", "-c.txt", "$(x) `y`.txt", "line\nend.txt", "\udcff.txt", "日本"]


def advised(path: Path) -> str:
    """The one command that the refusal of a file advises."""
    with pytest.raises(SeqganError) as refused:
        read_lines(path, TOKENIZERS["whitespace"], False)
    commands = re.findall(r"`((?:iconv|tr) .*)`", str(refused.value), re.DOTALL)
    assert len(commands) == 1, refused.value
    return str(commands[0])


def carried_out(path: Path, command: str) -> bytes:
    """The new file that a command pasted into a shell leaves, beside what was there before."""
    before = {*path.parent.iterdir()}
    done = subprocess.run(["bash", "-c", command.encode(errors="surrogateescape")], cwd=path.parent, capture_output=True)
    (made,) = {*path.parent.iterdir()} - before
    assert done.stderr == b""
    return made.read_bytes()


@pytest.mark.skipif(not shutil.which("iconv"), reason="the commands need iconv")
@pytest.mark.parametrize("encoding", WORDS)
@settings(deadline=None, max_examples=examples(15))
@given(data=st.data())
def test_the_advised_command_makes_utf8_of_the_text(
    tmp_path_factory: pytest.TempPathFactory, encoding: str, data: st.DataObject
) -> None:
    """The guess is the encoding, or one that reads the same."""
    words, between = WORDS[encoding]
    lines = data.draw(st.lists(st.lists(st.sampled_from(words), min_size=8, max_size=20), min_size=3, max_size=12))
    text = "".join(between.join(line) + "\n" for line in lines) + between.join(words) + "\n"
    path = tmp_path_factory.mktemp("encoded") / data.draw(st.sampled_from(NAMES))
    path.write_bytes(text.encode(encoding))
    assert carried_out(path, advised(path)).decode() == text


@pytest.mark.skipif(not shutil.which("iconv"), reason="the commands need iconv")
@pytest.mark.parametrize("encoding", UTF16)
@given(text=st.text(st.characters(max_codepoint=0xFF, min_codepoint=32, exclude_categories=["Cc"]), min_size=3))
@example("a b")
@settings(deadline=None, max_examples=examples(10))
def test_utf16_and_utf32_are_called_so_with_or_without_their_mark(
    tmp_path_factory: pytest.TempPathFactory, encoding: str, text: str
) -> None:
    path = tmp_path_factory.mktemp("wide") / "data.txt"
    path.write_bytes(f"{text}\n".encode(encoding))
    command = advised(path)
    assert f"-f {encoding} " in command
    assert carried_out(path, command).decode() == f"{text}\n"


@pytest.mark.skipif(not shutil.which("iconv"), reason="the commands need iconv")
def test_of_text_that_is_mostly_utf8_what_is_not_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "data.txt"
    path.write_bytes("naïve café\nein Käse\n".encode() + b"caf\xe9\n")
    command = advised(path)
    done = subprocess.run(["bash", "-c", command], capture_output=True, check=False)
    assert done.stderr == b""
    assert (tmp_path / "data.utf-8.txt").read_text(encoding="utf-8") == "naïve café\nein Käse\ncaf\n"


_CHARACTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\0\ufeff")
LINE = st.text(_CHARACTERS, min_size=1).filter(lambda line: bool(line.split()))


@settings(deadline=None, max_examples=examples(30))
@given(lines=st.lists(LINE, min_size=2), name=st.sampled_from(NAMES), last=st.booleans())
@example(["a b", "b a"], "data.txt", True)
def test_carriage_returns_alone_are_refused_and_the_command_makes_lines_of_them(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str], name: str, last: bool
) -> None:
    path = tmp_path_factory.mktemp("mac") / name
    path.write_bytes(("\r".join(lines) + "\r" * last).encode())
    assert carried_out(path, advised(path)).decode() == "\n".join(lines) + "\n" * last


def test_a_converted_file_replaces_none(tmp_path: Path) -> None:
    path = tmp_path / "data.txt"
    path.write_bytes(b"a\rb")
    (tmp_path / "data.lines.txt").write_text("kept")
    assert carried_out(path, advised(path)) == b"a\nb"
    assert (tmp_path / "data.lines.txt").read_text() == "kept"


def test_carriage_returns_among_newlines_are_told(tmp_path: Path) -> None:
    """As of a file of an old Mac joined with others: its lines are one."""
    path = tmp_path / "data.txt"
    path.write_bytes(b"a b\nb c\nc d\re f\rg h\n")
    found = read_lines(path, TOKENIZERS["whitespace"], False)
    assert found.lengths.tolist() == [2, 2, 6]
    (note,) = found.notes
    assert note.startswith("Carriage returns within lines end none: if they should, make newlines of them, with `tr ")
    path.write_bytes(b"a b\r\nb c\r\r\n")
    assert read_lines(path, TOKENIZERS["whitespace"], False).notes == ()


@settings(deadline=None)
@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])) | st.just("\udcff"))
@example("-n")
@example("a'b\\c\n")
def test_quoted_is_the_word_to_a_shell(text: str) -> None:
    printed = subprocess.run(["bash", "-c", f"printf '%s' {quoted(text)}"], capture_output=True, check=True).stdout
    assert printed == text.encode(errors="surrogateescape")
