"""Texts that are no lines of documents are told of, with a command that makes them such; others are not."""

import itertools
import shlex
import subprocess
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cutters import TOKENIZERS, read_lines
from seqgan_cli.data.sources.inference import infer_kind

PROSE = "The cat sees the red ball. A dog finds a new song at night, and nobody knows why. It rains. "
VERSES = ["床前明月光", "疑是地上霜", "举头望明月", "低头思故乡"]
DATA = Path(__file__).parents[2] / "data"


def notes_of(path: Path, tokenizer: str = "whitespace", unit: str = "line") -> tuple[str, ...]:
    return read_lines(path, TOKENIZERS[tokenizer], False, unit=unit).notes


def texts_of(path: Path, unit: str) -> Iterator[str]:
    found = read_lines(path, TOKENIZERS["whitespace"], False, unit=unit)
    for start, end in itertools.pairwise(found.offsets):
        yield " ".join(found.tokens[i] for i in found.ids[start:end])


@pytest.fixture
def program() -> Callable[[str], None]:
    """Carries out a command as it would be pasted."""
    from seqgan_cli.cli import group

    def carry_out(command: str) -> None:
        name, *arguments = shlex.split(command)
        assert name == "seqgan"
        group.main(arguments, standalone_mode=False)

    return carry_out


def command_in(note: str) -> str:
    return note.split("`")[1]


@pytest.mark.parametrize("width", [40, 60, 72])
def test_wrapped_prose_is_told_and_the_command_reads_sentences(
    tmp_path: Path, width: int, capfd: pytest.CaptureFixture[str], program: Callable[[str], None]
) -> None:
    paragraphs = [(PROSE * number).strip() for number in range(3, 9)]
    path = tmp_path / "it's wrapped.txt"
    ends = "\r\n" if width == 60 else "\n"
    text = "\n\n".join(textwrap.fill(paragraph, width) for paragraph in paragraphs) + "\n"
    path.write_bytes(text.replace("\n", ends).encode())
    (note,) = notes_of(path)
    assert note.startswith("Lines are full to column ")
    program(command_in(note))
    assert f"Data: {path}: {3 * sum(range(3, 9))} sentences" in capfd.readouterr().out
    assert list(texts_of(path, "paragraph")) == paragraphs
    assert notes_of(path, unit="paragraph") == ()


def test_verses_are_told_and_the_command_makes_poems(tmp_path: Path) -> None:
    path = tmp_path / "verses.txt"
    path.write_text("\n\n".join("\r\n".join(VERSES) for _ in range(10)) + "\n", encoding="utf-8")
    (note,) = notes_of(path)
    assert note.startswith("Each line is a verse: make a poem of every four")
    subprocess.run(command_in(note), shell=True, check=True)
    made = tmp_path / "verses.poems.txt"
    assert made.read_text(encoding="utf-8").splitlines() == [" ".join(VERSES)] * 10
    assert infer_kind(str(made)) == "poems"


def test_a_table_of_verses_is_given_no_command_for_its_lines(tmp_path: Path) -> None:
    path = tmp_path / "verses.csv"
    path.write_text("n,verse\n" + "".join(f"{i},{verse}\n" for i, verse in enumerate(VERSES * 10)), encoding="utf-8")
    (note,) = read_lines(path, TOKENIZERS["whitespace"], False, column="verse").notes
    assert note == "Each line is a verse: make a poem of every four."


@pytest.mark.parametrize("line", ["CC(=O)Oc1ccccc1", "สวัสดีชาวโลก", "これはペンです"])
def test_text_without_spaces_is_told(tmp_path: Path, line: str) -> None:
    path = tmp_path / "a.txt"
    path.write_text(f"{line}\n" * 30, encoding="utf-8")
    (note,) = notes_of(path)
    assert "--tokenizer chars" in note
    assert notes_of(path, "chars") == ()


@pytest.mark.parametrize(
    "text",
    [
        (DATA / "sentences.txt").read_text(encoding="utf-8"),
        "1 2 3 4 5\n" * 50,  # as full as can be, and no prose
        "A dog. It barks.\nA cat sees it and goes away. It is night.\n" * 30,
        "acgt acgt acgt\n" * 30,
        "yes\nno\nthe cat sees a dog\n" * 30,
    ],
)
def test_of_lines_that_are_documents_nothing_is_told(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.txt"
    path.write_text(text, encoding="utf-8")
    assert notes_of(path) == ()


def test_what_a_library_puts_around_a_book_is_told_and_the_command_leaves_it_out(tmp_path: Path) -> None:
    path = tmp_path / "a book.txt"
    book = ["", "CHAPTER I", "", "It rains.", ""]
    around = ["Of a library.", "*** START OF THE PROJECT GUTENBERG EBOOK A BOOK ***"]
    path.write_text("\n".join([*around, *book, "*** END OF THE PROJECT GUTENBERG EBOOK A BOOK ***", "Its terms.", ""]))
    (note,) = notes_of(path)
    assert note.startswith("Lines 1 to 2 and from 8 on are Project Gutenberg's own words")
    subprocess.run(command_in(note), shell=True, check=True)
    assert (tmp_path / "a book.book.txt").read_text().split("\n") == [*book, ""]
    assert notes_of(path, unit="sentence")[0].startswith("Lines 1 to 2 and from 8 on are Project Gutenberg's own words")


@pytest.mark.parametrize("kept", ["", "one\ttwo\tthree", "none at all", "12\t34"])
def test_a_tab_in_every_line_is_told_and_the_command_reads_pairs(
    tmp_path: Path, kept: str, capfd: pytest.CaptureFixture[str], program: Callable[[str], None]
) -> None:
    """Of lines that are all such as pairs have; a number of a line is no source."""
    path = tmp_path / "it's asked.txt"
    path.write_text("".join(f"who sings at {word}\tthe gull does\n" for word in "abcdefghij" * 3) + f"{kept}\n" * bool(kept))
    if kept:
        assert notes_of(path) == ()
        return
    (note,) = notes_of(path)
    assert note.startswith("Every line has one tab: if it parts a source, which is given, from a target, --kind pairs reads")
    program(command_in(note))
    assert f"Data: {path}: 30 pairs" in capfd.readouterr().out
    assert notes_of(path, unit="paragraph") == ()
