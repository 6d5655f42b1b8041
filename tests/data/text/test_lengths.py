"""Lines as sequences: their ends, and what becomes of those that are too long."""

import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import reference
from cutters import TOKENIZERS
from sampled import examples
from seqgan_cli.config.sections import Data
from seqgan_cli.data.documents import Collector, Documents
from seqgan_cli.data.text.layout import CLOSERS, LEANING, text_layout
from seqgan_cli.data.vocabulary import EOS, PAD, UNK
from text_read import decoded, numbered


def test_a_sequence_is_its_tokens_one_eos_and_pads(tmp_path: Path) -> None:
    corpus = numbered(tmp_path, "a b c d\na\nb a\n", test="d c b a\n")
    assert corpus.train.tolist() == [[3, 4, 5, 6, 1], [3, 1, 0, 0, 0], [4, 3, 1, 0, 0]]
    assert corpus.test.tolist() == [[6, 5, 4, 3, 1]]
    assert corpus.train.dtype == corpus.test.dtype == np.int32
    assert corpus.sequence_length == 5


LONG = "a b c d e\nf g\nh i j\n"


def test_overlong_lines_are_dropped(tmp_path: Path) -> None:
    corpus = numbered(tmp_path, LONG, test="a b c d\ng f\n", max_length=3)
    assert decoded(corpus, corpus.train) == ["f g", "h i j"]
    assert decoded(corpus, corpus.test) == ["g f"]
    assert corpus.sequence_length == 4
    assert "1 longer than 3 tokens, dropped (--overlong cut or split" in corpus.summary[0]
    assert corpus.summary[1].endswith("test.txt; 1 longer than 3 tokens, dropped.")


def test_overlong_lines_are_cut(tmp_path: Path) -> None:
    corpus = numbered(tmp_path, LONG, test="a b c h\ng f\n", max_length=3, overlong="cut")
    assert decoded(corpus, corpus.train) == ["a b c", "f g", "h i j"]
    assert sorted(decoded(corpus, corpus.test)) == ["a b c", "g f"]


def test_overlong_lines_are_split(tmp_path: Path) -> None:
    corpus = numbered(tmp_path, LONG, test="a b c d e f g\ng f\n", max_length=3, overlong="split")
    assert decoded(corpus, corpus.train) == ["a b c", "d e", "f g", "h i j"]
    assert sorted(decoded(corpus, corpus.test)) == ["a b c", "d e f", "g", "g f"]


def test_a_line_of_a_whole_number_of_pieces_leaves_no_empty_piece(tmp_path: Path) -> None:
    corpus = numbered(tmp_path, "a b c d e f\n", test="a b\n", max_length=2, overlong="split")
    assert decoded(corpus, corpus.train) == ["a b", "c d", "e f"]


def test_no_line_has_a_piece_in_both_parts(tmp_path: Path) -> None:
    """Line i is seven times its own word, in pieces of 3, 3 and 1: a held-out line's word is unknown to training."""
    text = "".join(" ".join([f"w{i}"] * 7) + "\n" for i in range(20))
    corpus = numbered(tmp_path, text, holdout=0.25, max_length=3, overlong="split")
    assert (len(corpus.train), len(corpus.test)) == (15 * 3, 5 * 3)
    assert (corpus.train != UNK).all()
    assert (corpus.test[corpus.vocabulary.mask(corpus.test)] == EOS).all()
    assert (corpus.test == UNK).sum() == 5 * 7


@pytest.mark.parametrize(("longest", "expected"), [(5, 5), (64, 64), (65, 64), (200, 64)])
def test_the_default_maximum_is_the_longest_line_at_most_64(tmp_path: Path, longest: int, expected: int) -> None:
    corpus = numbered(tmp_path, "x y\n" + "x " * longest + "\n", test="x\n", overlong="cut")
    assert corpus.sequence_length == expected + 1
    assert corpus.vocabulary.length(corpus.train).tolist() == [2, expected]


def test_a_maximum_above_the_longest_line_is_kept(tmp_path: Path) -> None:
    corpus = numbered(tmp_path, "x y\n", test="x\n", max_length=100)
    assert corpus.train.tolist() == [[3, 4, EOS] + [PAD] * 98]


# Tokens, and whether they end a sentence.
ALPHABETS = {
    "words": {
        token: token in (".", "?", "!", "...") for token in ["a", "b", ".", "?", "...", "''", ")", "(", "``", ",", "n't"]
    },
    "chars": {token: token in ".!。" for token in "ab5.!。\"'」， "},
    "whitespace": {
        **dict.fromkeys(["a", "b,", "''", ")", "Mr.", "u.s.", "J.", "(no.)", "(Mr.", "5.5", ","], False),
        **dict.fromkeys(["cd.", "cd.)", 'c!"', "cd.”’", "5.", ".", "...", "no?", "c。」"], True),
    },
}


def collected(lines: list[list[str]]) -> Documents:
    found = Collector()
    for line in lines:
        found.add(line)
    return found.documents("made up")


def words_of(found: Documents, starts: np.ndarray, ends: np.ndarray) -> list[list[str]]:
    return [[found.tokens[i] for i in found.ids[start:end]] for start, end in zip(starts, ends, strict=True)]


@pytest.mark.parametrize("tokenizer", ALPHABETS)
@settings(deadline=None, max_examples=examples(300))
@given(data=st.data(), longest=st.integers(1, 9))
def test_pieces_are_those_of_a_loop_over_tokens(tokenizer: str, data: st.DataObject, longest: int) -> None:
    """Some lines of several are chosen, as when others are held out; closing marks begin and end them."""
    alphabet = ALPHABETS[tokenizer]
    line = st.lists(st.sampled_from(list(alphabet)), min_size=1, max_size=40)
    lines = data.draw(st.lists(line, min_size=1, max_size=4), "lines")
    chosen = data.draw(st.sets(st.integers(0, len(lines) - 1)).map(sorted), "chosen")
    found = collected(lines)
    layout = text_layout(found, Data(tokenizer=tokenizer, overlong="split", max_length=longest))
    characters = tokenizer == "chars"
    expected = [
        reference.sentence_pieces(
            lines[i], longest, alphabet.__getitem__, (*CLOSERS, *" " * characters), LEANING, ".!" * characters
        )
        for i in chosen
    ]
    pieces = list(itertools.chain(*expected))
    if characters:  # without the space around them
        pieces = [list(text) for piece in pieces if (text := "".join(piece).strip())]
    assert words_of(found, *layout.segment(found, np.array(chosen, np.int64))) == pieces


def test_a_mark_at_the_start_of_a_line_belongs_to_no_sentence_before() -> None:
    found = collected([["a", "."], ["''", *"abcdefgh"]])
    layout = text_layout(found, Data(tokenizer="words", overlong="split", max_length=6))
    assert words_of(found, *layout.segment(found, np.arange(2))) == [["a", "."], ["''", *"abcde"], [*"fgh"]]


@pytest.mark.parametrize("overlong", ["drop", "cut", "split"])
@settings(deadline=None)
@given(lines=st.lists(st.lists(st.sampled_from("ab.,)"), min_size=1, max_size=20), min_size=1, max_size=5))
def test_what_becomes_of_tokens_of_overlong_lines(overlong: str, lines: list[list[str]]) -> None:
    found = collected(lines)
    layout = text_layout(found, Data(tokenizer="words", overlong=overlong, max_length=6))
    pieces = words_of(found, *layout.segment(found, np.arange(len(lines))))
    assert all(1 <= len(piece) <= 6 for piece in pieces)
    if overlong == "drop":
        assert pieces == [line for line in lines if len(line) <= 6]
    elif overlong == "cut":
        assert pieces == [line[:6] for line in lines]
    else:
        assert list(itertools.chain(*pieces)) == list(itertools.chain(*lines))


@pytest.mark.parametrize(
    ("tokenizer", "longest", "line", "pieces"),
    [
        ("words", 6, "We won. They lost, and left. So?", ["We won.", "They lost, and left.", "So?"]),
        ("words", 9, "We won. They lost, and left. So?", ["We won. They lost, and left.", "So?"]),
        ("words", 7, "Thank you. (Applause.) Right now we go.", ["Thank you. (Applause.)", "Right now we go."]),
        ("words", 9, 'He said, "Yes." Then he left us.', ['He said, "Yes."', "Then he left us."]),
        ("words", 8, "Mr. J. B. Lee of the U.S. won it.", ["Mr. J. B. Lee of the U.S. won", "it."]),
        ("words", 8, "a b c d e f g he.", ["a b c d e f g", "he."]),  # no piece begins with the full stop
        ("whitespace", 6, "We won today. They lost, and left.", ["We won today.", "They lost, and left."]),
        ("chars", 9, "5.5 up. No", ["5.5 up.", "No"]),
        ("chars", 5, "床前。明月光", ["床前。", "明月光"]),
    ],
)
def test_sentences_of_a_line(tmp_path: Path, tokenizer: str, longest: int, line: str, pieces: list[str]) -> None:
    corpus = numbered(tmp_path, line, test="a\n", tokenizer=tokenizer, overlong="split", max_length=longest)
    join = TOKENIZERS[tokenizer].join
    assert [join(corpus.vocabulary.decode(row)) for row in corpus.train] == pieces
