"""What one sequence of prose is: text → lines → paragraphs, sentences → the same text; windows, with every token once."""

import itertools
import textwrap
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutters import TOKENIZERS, read_lines
from seqgan_cli.data.inputs.options import TextOptions
from seqgan_cli.data.text.tokens import read_texts, text_parts
from seqgan_cli.data.text.units import Windows, paragraphs, sentences
from seqgan_cli.errors import SeqganError


def numbered(text: str) -> list[tuple[int, str]]:
    return [*enumerate(text.split("\n"), start=1)]


def paragraphs_of(text: str) -> list[str]:
    return [each for _, each in paragraphs(numbered(text))]


def sentences_of(text: str) -> list[str]:
    return [each for _, each in sentences(numbered(text))]


def texts_of(path: Path, tokenizer: str = "whitespace", **options: object) -> list[str]:
    found = read_lines(path, TOKENIZERS[tokenizer], False, **options)
    join = TOKENIZERS[tokenizer].join
    return [join([found.tokens[i] for i in found.ids[a:b]]) for a, b in itertools.pairwise(found.offsets.tolist())]


def put(folder: Path, text: str, name: str = "a.txt") -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


# Words as prose has them, with hyphens and dashes at which a line may be broken.
_WORDS = ["a", "Dog", "rains", "well-known", "word--another", "Mr", "no", "été", "1914-18", "“Well", "--", "incomprehensible"]
WORDS = st.tuples(st.sampled_from(_WORDS), st.sampled_from(["", "", ",", ";", ".", "!", "?”"])).map("".join)
PARAGRAPHS = st.lists(st.lists(WORDS, min_size=1, max_size=20).map(" ".join), min_size=1, max_size=5)


@given(PARAGRAPHS, st.integers(20, 80), st.integers(1, 3))
def test_wrapped_paragraphs_are_what_they_were(texts: list[str], width: int, blank: int) -> None:
    """`textwrap` breaks lines at spaces, hyphens and dashes, and paragraphs put together again are the text."""
    wrapped = ("\n" * (blank + 1)).join(textwrap.fill(text, width, break_long_words=False) for text in texts)
    assert paragraphs_of(wrapped) == texts


@given(PARAGRAPHS, st.integers(20, 80))
def test_sentences_are_the_text_and_do_not_depend_on_where_lines_break(texts: list[str], width: int) -> None:
    wrapped = "\n\n".join(textwrap.fill(text, width, break_long_words=False) for text in texts)
    found = sentences_of(wrapped)
    assert " ".join(found) == " ".join(texts)
    assert found == sentences_of("\n\n".join(texts))
    for sentence in found:
        assert sentences_of(sentence) == [sentence]


@given(
    st.lists(st.lists(st.sampled_from(["a", "bc", "d.", "E"]), max_size=7).map(" ".join), min_size=1, max_size=12),
    st.integers(1, 9),
    st.integers(1, 40),
)
def test_windows_have_every_token_once_and_in_order(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str], size: int, most: int
) -> None:
    path = put(tmp_path_factory.mktemp("windows"), "\n".join(lines))
    tokens = " ".join(lines).split()
    expected = [tokens[i : i + size] for i in range(0, len(tokens) - size + 1, size)]
    options = TextOptions(unit="window", window=size)
    if not expected:
        with pytest.raises(SeqganError, match=r"holds no (window|text)"):
            read_texts([path], options)
        return
    assert [text.split() for text in texts_of(path, unit="window", window=size)] == expected
    in_parts = [part.tokens[i] for part in text_parts([path], options, most) for i in part.ids]
    assert in_parts == list(itertools.chain(*expected))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One.\nTwo.", ["One. Two."]),
        ("  One,\n  two.\n \n\n\nThree.\n", ["One, two.", "Three."]),
        ("a well-\nknown man, and a word--\nanother, 1914-\n18", ["a well-known man, and a word--another, 1914-18"]),
        ("a word\n--another, but he\n-- at once", ["a word--another, but he -- at once"]),
        ("he said -\nand left --\nat once", ["he said - and left -- at once"]),  # marks by themselves stand apart
        ("床前明\n月光。", ["床前明月光。"]),
        ("바람이\n분다", ["바람이 분다"]),  # Hangul is written with spaces
        ("", []),
    ],
)
def test_lines_of_a_paragraph(text: str, expected: list[str]) -> None:
    assert paragraphs_of(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It rains. A dog\nbarks! Why? Nobody knows.", ["It rains.", "A dog barks!", "Why?", "Nobody knows."]),
        ("Mr. Hart and J. R. Low met, e.g. Here it ends.", ["Mr. Hart and J. R. Low met, e.g. Here it ends."]),
        ('"Is it?" he said. "It is." She left.', ['"Is it?" he said.', '"It is."', "She left."]),
        ("He said no. Then he read No. 5 of it.", ["He said no.", "Then he read No. 5 of it."]),
        ("It costs 3.50 at 5 p.m. and more later. Yes", ["It costs 3.50 at 5 p.m. and more later.", "Yes"]),
        ("it rains. a dog barks. nobody knows.", ["it rains.", "a dog barks.", "nobody knows."]),  # without capitals at all
        ("A title\n\nIt rains.", ["A title", "It rains."]),
        ("他走了。她問：「為什麼？」沒有人知道。", ["他走了。", "她問：「為什麼？」", "沒有人知道。"]),
        ("Wait… what? (Really.) So.", ["Wait… what?", "(Really.)", "So."]),
    ],
)
def test_sentences(text: str, expected: list[str]) -> None:
    assert sentences_of(text) == expected


def test_units_have_the_line_on_which_they_begin(tmp_path: Path) -> None:
    path = put(tmp_path, "\nIt rains. A\ndog barks.\n\nYes.\n")
    assert read_lines(path, TOKENIZERS["whitespace"], False, unit="sentence").lines.tolist() == [2, 2, 5]
    assert read_lines(path, TOKENIZERS["whitespace"], False, unit="paragraph").lines.tolist() == [2, 5]
    assert read_lines(path, TOKENIZERS["whitespace"], False, unit="window", window=3).lines.tolist() == [2, 3]


def test_records_are_texts_of_their_own(tmp_path: Path) -> None:
    path = put(tmp_path, 'text\n"It rains. A\ndog\n\nbarks. Yes"\nNo two words more\n', "a.csv")
    assert texts_of(path, unit="sentence") == ["It rains.", "A dog", "barks.", "Yes", "No two words more"]
    assert texts_of(path, unit="paragraph") == ["It rains. A dog", "barks. Yes", "No two words more"]
    assert texts_of(path, unit="window", window=3) == ["It rains. A", "dog barks. Yes", "No two words"]


def test_characters_of_windows_have_a_space_where_a_line_ends(tmp_path: Path) -> None:
    path = put(tmp_path, "ab\n c-\nde\n\nf\n")
    assert texts_of(path, "chars", unit="window", window=4) == ["ab c", "-de "]
    (note,) = read_lines(path, TOKENIZERS["chars"], False, unit="window", window=4).notes
    assert note == "1 tokens at the end fill no window of 4, and are left out."


def test_a_text_that_fills_no_window_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SeqganError, match=r"a\.txt holds no window of 4 tokens: a smaller --max-length makes shorter ones\.$"):
        read_lines(put(tmp_path, "a b c\n"), TOKENIZERS["whitespace"], False, unit="window", window=4)


def test_windows_of_several_texts_do_not_run_over_their_ends() -> None:
    windows = Windows(2)
    found = [[*windows.of([(1, tokens)])] for tokens in ("abc", "d", "ef")]
    assert found == [[(1, ["a", "b"])], [], [(1, ["e", "f"])]]
    assert windows.notes() == ["2 tokens at the ends of 2 texts fill no window of 2, and are left out."]
