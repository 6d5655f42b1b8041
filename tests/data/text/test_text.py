"""Files of text to numbered sequences: reading, vocabulary, markers."""

from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cutters import TOKENIZERS, read_lines
from sampled import examples
from seqgan_cli.data import documents
from seqgan_cli.data.documents import Rejected
from seqgan_cli.data.text import lines as text
from seqgan_cli.data.vocabulary import EOS, PAD, SPECIAL, UNK
from seqgan_cli.errors import SeqganError
from text_read import decoded, numbered, put


def test_a_line_that_is_too_long_is_refused_by_its_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file without newlines would otherwise be held whole, and all its tokens."""
    monkeypatch.setattr(text, "LONGEST_LINE", 1000)
    path = put(tmp_path, "a " * 499 + "b\n" + "c " * 499 + "\n")
    assert read_lines(path, TOKENIZERS["whitespace"], False).lengths.tolist() == [500, 499]
    for content in ("a b\n" + "a" * 1001, "a b\n" + "é" * 501 + "\nc d\n", "a b\n" + " " * 5000 + "\n"):
        with pytest.raises(SeqganError, match=r"train\.txt, line 2: is longer than .* MB; one sequence a line is needed\.$"):
            read_lines(put(tmp_path, content), TOKENIZERS["whitespace"], False)


def test_a_name_that_no_file_can_have_is_refused() -> None:
    with pytest.raises(SeqganError, match=r"^Cannot read 'a\\x00b': "):
        read_lines(Path("a\0b"), TOKENIZERS["whitespace"], False)


def test_a_table_that_would_not_fit_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One endless line makes every row as long."""
    found = read_lines(put(tmp_path, "a\n" * 9 + "b " * 10 + "\n"), TOKENIZERS["whitespace"], False)
    monkeypatch.setattr(documents, "LARGEST_TABLE", 100)
    assert found.table().shape == (10, 10)
    monkeypatch.setattr(documents, "LARGEST_TABLE", 99)
    with pytest.raises(SeqganError, match=r"train\.txt: 10 documents, one of 10 tokens, are too much to hold at once"):
        found.table()


def test_one_letter_in_two_forms_is_told_and_made_one_on_request(tmp_path: Path) -> None:
    """é as one character, and as e with an accent: U+00E9, and U+0065 U+0301."""
    path = put(tmp_path, "caf\u00e9 bar\ncafe\u0301 bar\nplain\n")
    mixed, one = (read_lines(path, TOKENIZERS["whitespace"], False, normalize=form) for form in ("none", "nfc"))
    assert len(mixed.tokens) == 4
    assert one.tokens == ["caf\u00e9", "bar", "plain"]
    (note,) = mixed.notes
    assert note.startswith("Line 2 writes letters as several characters, and line 1 as one, so that one word may be two")
    assert one.notes == ()
    assert read_lines(put(tmp_path, "\ufb01n\n", "b.txt"), TOKENIZERS["whitespace"], False, normalize="nfkc").tokens == ["fin"]
    assert read_lines(put(tmp_path, "cafe\u0301\n", "c.txt"), TOKENIZERS["whitespace"], False).notes == ()


def test_read_lines_numbers_tokens_by_first_sight(tmp_path: Path) -> None:
    lines = read_lines(put(tmp_path, "b a b\n\nc a\n"), TOKENIZERS["whitespace"], False)
    assert lines.tokens == ["b", "a", "c"]
    assert lines.ids.tolist() == [0, 1, 0, 2, 1]
    assert lines.offsets.tolist() == [0, 3, 5]
    assert lines.lengths.tolist() == [3, 2]
    assert lines.rejected["blank"].count == 1


@settings(deadline=None, max_examples=examples(100))
@given(
    texts=st.lists(
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n\0\ufeff"), max_size=8), min_size=1
    ).filter(lambda texts: any(text.strip() for text in texts)),
)
@example(texts=["a\rb", "\x85", "x\u2028y"])
def test_reading_characters_gives_each_line_back_without_the_space_around_it(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str]
) -> None:
    """Only the newline ends a line, whatever else Unicode takes for a line end."""
    lines = read_lines(put(tmp_path_factory.mktemp("lines"), "\n".join([*texts, ""])), TOKENIZERS["chars"], False)
    found = [
        "".join(lines.tokens[i] for i in lines.ids[start:end])
        for start, end in zip(lines.offsets[:-1], lines.offsets[1:], strict=True)
    ]
    assert found == [text.strip() for text in texts if text.strip()]


@settings(deadline=None, max_examples=examples(50))
@given(
    st.lists(st.lists(st.sampled_from(["a", "b", "ab"]), min_size=1), min_size=1, max_size=5),
    st.lists(st.integers(0, 30), max_size=5),
    st.sampled_from(["whitespace", "words", "chars"]),
)
@example([["a", "b"], ["a"]], [0, 4], "whitespace")
def test_a_byte_order_mark_is_no_part_of_a_token_wherever_it_stands(
    tmp_path_factory: pytest.TempPathFactory, lines: list[list[str]], places: list[int], tokenizer: str
) -> None:
    """Files that have one may have been joined."""
    text = marked = "".join(" ".join(line) + "\n" for line in lines)
    for place in places:
        marked = f"{marked[:place]}\ufeff{marked[place:]}"
    folder = tmp_path_factory.mktemp("marked")
    found = read_lines(put(folder, marked.encode(), "marked.txt"), TOKENIZERS[tokenizer], False)
    expected = read_lines(put(folder, text.encode(), "plain.txt"), TOKENIZERS[tokenizer], False)
    assert found.tokens == expected.tokens
    assert found.ids.tolist() == expected.ids.tolist()
    assert found.offsets.tolist() == expected.offsets.tolist()


@pytest.mark.parametrize("tokenizer", ["whitespace", "words", "chars"])
def test_crlf_line_ends_read_as_lf(tmp_path: Path, tokenizer: str) -> None:
    unix = read_lines(put(tmp_path, "a bc\n\nd a\n", "unix.txt"), TOKENIZERS[tokenizer], False)
    windows = read_lines(put(tmp_path, "a bc\r\n\r\nd a\r\n", "windows.txt"), TOKENIZERS[tokenizer], False)
    assert windows.tokens == unix.tokens
    assert windows.ids.tolist() == unix.ids.tolist()
    assert windows.offsets.tolist() == unix.offsets.tolist()
    assert windows.rejected == unix.rejected == {"blank": Rejected(1, ["line 2"])}


def test_a_last_line_without_a_newline_is_read(tmp_path: Path) -> None:
    assert read_lines(put(tmp_path, "a\nb c"), TOKENIZERS["whitespace"], False).lengths.tolist() == [1, 2]


def test_lowercase_is_of_the_whole_text(tmp_path: Path) -> None:
    path = put(tmp_path, "The CAT the\nÄ\n")
    assert read_lines(path, TOKENIZERS["whitespace"], True).tokens == ["the", "cat", "ä"]
    assert read_lines(path, TOKENIZERS["whitespace"], False).tokens == ["The", "CAT", "the", "Ä"]


def test_documents_as_a_padded_table_with_lengths(tmp_path: Path) -> None:
    documents = read_lines(put(tmp_path, "b a\n \nB a b c\n"), TOKENIZERS["whitespace"], True)
    assert documents.table().tolist() == [[0, 1, 0, 0], [0, 1, 0, 2]]
    assert documents.lengths.tolist() == [2, 4]
    assert documents.tokens == ["b", "a", "c"]


def test_tokens_by_falling_frequency_and_ties_by_first_sight(tmp_path: Path) -> None:
    corpus = numbered(tmp_path, "b a c\na b d\ne d e e\n", test="a\n")
    assert corpus.vocabulary.tokens[3:] == ("e", "b", "a", "d", "c")


def test_frequencies_are_those_of_the_training_part_alone(tmp_path: Path) -> None:
    """Twenty lines of words of their own: none of a held-out line's is in the vocabulary."""
    corpus = numbered(tmp_path, "".join(f"w{i} x\n" for i in range(20)), holdout=0.25)
    kept = {text.split()[0] for text in decoded(corpus, corpus.train)}
    assert len(kept) == 15
    assert set(corpus.vocabulary.tokens[3:]) == kept | {"x"}
    assert (corpus.test[:, 0] == UNK).all()


def test_tokens_of_dropped_and_cut_ends_do_not_count(tmp_path: Path) -> None:
    text = "a b\nb c z z z z\n"
    assert numbered(tmp_path, text, test="a\n", max_length=2).vocabulary.tokens[3:] == ("a", "b")
    assert numbered(tmp_path, text, test="a\n", max_length=2, overlong="cut").vocabulary.tokens[3:] == ("b", "a", "c")


def test_min_count_makes_rarer_tokens_unknown(tmp_path: Path) -> None:
    corpus = numbered(tmp_path, "a b c\na b d\n", test="c a\n", min_count=2)
    assert corpus.vocabulary.tokens[3:] == ("a", "b")
    assert corpus.train.tolist() == [[3, 4, UNK, EOS], [3, 4, UNK, EOS]]
    assert corpus.test.tolist() == [[UNK, 3, EOS, PAD]]


def test_max_vocab_keeps_the_most_frequent(tmp_path: Path) -> None:
    corpus = numbered(tmp_path, "c c c b b a\n", test="a b c\n", max_vocab=2)
    assert corpus.vocabulary.tokens[3:] == ("c", "b")
    assert corpus.train.tolist() == [[3, 3, 3, 4, 4, UNK, EOS]]


def test_words_that_are_called_like_special_tokens_are_words(tmp_path: Path) -> None:
    corpus = numbered(tmp_path, "<pad> a <eos> b <unk>\n<pad> <pad> <eos> a\n", test="<eos> b\n", max_vocab=3)
    assert corpus.vocabulary.tokens == (*SPECIAL, "<pad>", "a", "<eos>")
    assert corpus.train.tolist() == [[3, 4, 5, UNK, UNK, EOS], [3, 3, 5, 4, EOS, PAD]]
    assert corpus.test.tolist() == [[5, UNK, EOS, PAD, PAD, PAD]]


LINE = st.lists(st.sampled_from(["a", "<eos>", "b<sos>", "c"]), max_size=4)


@pytest.mark.parametrize("tokenizer", ["whitespace", "words", "chars"])
@settings(deadline=None)
@given(
    lines=st.lists(LINE.map(lambda words: ["w", *words, "v"]), min_size=2, max_size=5),
    number=st.integers(0, 3),
    glued=st.booleans(),
)
def test_markers_are_taken_off_both_ends(
    tmp_path_factory: pytest.TempPathFactory, tokenizer: str, lines: list[list[str]], number: int, glued: bool
) -> None:
    """However many there are, with or without a space; within a line they are words."""
    folder, space = tmp_path_factory.mktemp("marked"), "" if glued else " "
    plain = "".join(" ".join(words) + "\n" for words in lines)
    marked = "".join(space.join(["<sos>", " ".join(words), *["<eos>"] * number, "[PAD]"]) + "\n" for words in lines)
    own = {"tokenizer": tokenizer, "max_length": 50}
    wanted = numbered(folder, plain, test=plain, **own)
    found = numbered(folder, marked, test=marked, markers="<sos>, <eos>,[PAD]", **own)
    assert found.vocabulary.tokens == wanted.vocabulary.tokens
    assert found.train.tolist() == wanted.train.tolist()
    assert sorted(found.test.tolist()) == sorted(wanted.train.tolist())


def test_markers_that_nobody_took_off_are_told_with_the_option_that_does(tmp_path: Path) -> None:
    text = "<sos> the cat sat <eos>\n<sos> the dog ran <eos>\n<sos> a bird <eos> sang\n"
    corpus = numbered(tmp_path, text, test=text)
    told = "Most lines begin or end with <sos> or <eos>, taken as words of the text: --markers '<sos>,<eos>' takes them off."
    assert {told, f"{told} (held out)"} < {*corpus.summary}
    assert "<eos>" in corpus.vocabulary.tokens
    kept = numbered(tmp_path, text, test=text, markers="<sos>")
    assert any("Most lines begin or end with <eos>, taken as words" in line for line in kept.summary)
    none = numbered(tmp_path, text, test=text, markers="<eos>,<sos>")
    assert decoded(none, none.train) == ["the cat sat", "the dog ran", "a bird <eos> sang"]
    assert not any("Most lines" in line for line in none.summary)


def test_a_marker_is_a_whole_word(tmp_path: Path) -> None:
    corpus = numbered(tmp_path, "BOS BOSton is a city EOS\nBOSton EOS\nthe EEOS\n", test="BOS a EOS\n", markers="BOS,EOS")
    assert decoded(corpus, corpus.train) == ["BOSton is a city", "BOSton", "the EEOS"]
    assert decoded(corpus, corpus.test) == ["a"]


def test_unknown_words_of_a_test_file_are_not_taught(tmp_path: Path) -> None:
    corpus = numbered(tmp_path, "the cat\nthe dog\n", test="the bird\ncow\n")
    assert corpus.vocabulary.tokens[3:] == ("the", "cat", "dog")
    assert corpus.train.tolist() == [[3, 4, EOS], [3, 5, EOS]]
    assert sorted(corpus.test.tolist()) == [[UNK, EOS, PAD], [3, UNK, EOS]]
    assert "unknown: 0.00% of the training tokens, 66.67% of the held-out ones." in corpus.summary[-2]
