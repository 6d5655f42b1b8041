"""Text files to numbered sequences: tokenizers, vocabulary, layout, held-out lines, and every refusal."""

import itertools
import re
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import reference
from cutters import TOKENIZERS, read_lines
from sampled import examples
from seqgan_cli.config.sections import Data
from seqgan_cli.data import documents
from seqgan_cli.data.corpus import Corpus
from seqgan_cli.data.documents import Collector, Documents, Rejected
from seqgan_cli.data.sources.opening import real_corpus
from seqgan_cli.data.split import CHOOSES_AND_REPORTS, held_out_counts
from seqgan_cli.data.text import lines as text
from seqgan_cli.data.text.layout import CLOSERS, LEANING, text_layout
from seqgan_cli.data.vocabulary import EOS, PAD, SPECIAL, UNK
from seqgan_cli.errors import SeqganError, UsageError
from tiny import data_settings


def put(folder: Path, content: str | bytes, name: str = "train.txt") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def numbered(folder: Path, train: str | bytes, test: str | bytes | None = None, seed: int = 1, **own: Any) -> Corpus:
    """The corpus of a training text and, if there is one, a test text; without a validation part, if none is asked for."""
    own.setdefault("validation", 0.0)
    if test is not None:
        own["test"] = str(put(folder, test, "test.txt"))
    return real_corpus(data_settings(seed=seed, source=str(put(folder, train)), **own))[0]


def decoded(corpus: Corpus, table: np.ndarray) -> list[str]:
    return [" ".join(corpus.vocabulary.decode(row)) for row in table]


def refusal(folder: Path, train: str | bytes, test: str | bytes | None = None, **own: Any) -> str:
    with pytest.raises(SeqganError) as refused:
        numbered(folder, train, test, **own)
    assert refused.value.exit_code == 1
    return str(refused.value)


# Tokenizers

ANY = st.characters(exclude_categories=["Cs"])


@given(st.text(ANY))
@example("a\r\x85\u2028 b")
def test_chars_join_undoes_split(text: str) -> None:
    tokenizer = TOKENIZERS["chars"]
    assert [*tokenizer.split(text)] == [text[i] for i in range(len(text))]
    assert tokenizer.join([*tokenizer.split(text)]) == text


@pytest.mark.parametrize("name", [name for name, tokenizer in TOKENIZERS.items() if not tokenizer.spaced])
@given(text=st.text(ANY) | st.text("CClBr[]@%12=()\n "))
def test_where_spaces_part_no_tokens_join_undoes_split(name: str, text: str) -> None:
    tokenizer = TOKENIZERS[name]
    assert tokenizer.join([*tokenizer.split(text)]) == text


@pytest.mark.parametrize(
    ("name", "text", "tokens"),
    [
        ("smiles", "C[C@@H](N)C(=O)O%12.Cl", "C [C@@H] ( N ) C ( = O ) O %12 . Cl"),
        ("smiles", "c1ccccc1Br", "c 1 c c c c c 1 Br"),
        ("smiles", "[Na+].[Cl-", "[Na+] . [ Cl -"),
        ("codons", "ATGGCCTAA", "ATG GCC TAA"),
        ("codons", "ATGGC", "ATG GC"),
    ],
)
def test_molecules_and_genes_by_hand(name: str, text: str, tokens: str) -> None:
    assert [*TOKENIZERS[name].split(text)] == tokens.split()


@given(st.lists(st.text(ANY, min_size=1).filter(lambda token: token.split() == [token])))
def test_whitespace_split_undoes_join(tokens: list[str]) -> None:
    tokenizer = TOKENIZERS["whitespace"]
    assert tokenizer.split(tokenizer.join(tokens)) == tokens


def test_whitespace_runs_become_one_space() -> None:
    tokenizer = TOKENIZERS["whitespace"]
    assert tokenizer.split("  a\t b\u00a0c ") == ["a", "b", "c"]
    assert tokenizer.join(["a", "b", "c"]) == "a b c"


@pytest.mark.parametrize(
    ("sentence", "tokens"),
    [
        ("The cat sat on the mat.", ["The", "cat", "sat", "on", "the", "mat", "."]),
        ("I can't go, but you won't mind.", ["I", "ca", "n't", "go", ",", "but", "you", "wo", "n't", "mind", "."]),
        (
            'He said, "Hello there!" and left.',
            ["He", "said", ",", "``", "Hello", "there", "!", "''", "and", "left", "."],
        ),
        ("It's John's; isn't it?", ["It", "'s", "John", "'s", ";", "is", "n't", "it", "?"]),
        ("Well (I think) it costs $5.00.", ["Well", "(", "I", "think", ")", "it", "costs", "$", "5.00", "."]),
        ("I'm sure they're here: we'd see.", ["I", "'m", "sure", "they", "'re", "here", ":", "we", "'d", "see", "."]),
        ("It's 3,000 miles & 50% more!", ["It", "'s", "3,000", "miles", "&", "50", "%", "more", "!"]),
    ],
)
def test_words_are_treebanks_and_join_to_the_sentence(sentence: str, tokens: list[str]) -> None:
    assert TOKENIZERS["words"].split(sentence) == tokens
    assert TOKENIZERS["words"].join(tokens) == sentence


@pytest.mark.parametrize(
    ("paragraph", "tokens", "restored"),
    [
        # Curly quotes and apostrophes are marks as straight ones are.
        ("“It’s done,” she said.", ["``", "It", "'s", "done", ",", "''", "she", "said", "."], '"It\'s done," she said.'),
        ("Since the ‘90s.", ["Since", "the", "'90s", "."], "Since the '90s."),
        # A full stop within a paragraph is a mark, but for abbreviations and initials.
        ("He left. She did.", ["He", "left", ".", "She", "did", "."], "He left. She did."),
        ("we met mr. b. lee. he left.", ["we", "met", "mr.", "b.", "lee", ".", "he", "left", "."], None),
        ("the u.s. economy grew. we won.", ["the", "u.s.", "economy", "grew", ".", "we", "won", "."], None),
        ("it began in 1945. the war ended.", ["it", "began", "in", "1945", ".", "the", "war", "ended", "."], None),
        ("it began in 1945. The war ended.", ["it", "began", "in", "1945", ".", "The", "war", "ended", "."], None),
        ("it cost $1,000.50. we paid.", ["it", "cost", "$", "1,000.50", ".", "we", "paid", "."], None),
        ("3. occupied countries", ["3", ".", "occupied", "countries"], None),
        ("we thank you. (applause.) so.", ["we", "thank", "you", ".", "(", "applause", ".", ")", "so", "."], None),
    ],
)
def test_words_of_a_paragraph_and_back(paragraph: str, tokens: list[str], restored: str | None) -> None:
    assert TOKENIZERS["words"].split(paragraph) == tokens
    assert TOKENIZERS["words"].join(tokens) == (restored or paragraph)


WORDS = [
    "the",
    "we",
    "union",
    "Washington",
    "U.S.",
    "mr.",
    "middle-class",
    "don't",
    "it's",
    "1945",
    "5.5",
    "3,000",
    "50%",
    "e.g.",
]
CLAUSE = st.lists(st.sampled_from(WORDS), min_size=1, max_size=5).map(lambda words: " ".join(["and", *words, "so"]))
SENTENCE = st.builds(
    lambda clauses, marks, end: "".join(itertools.chain(*zip(clauses, marks, strict=False), [clauses[-1], end])),
    st.lists(CLAUSE, min_size=1, max_size=3),
    st.lists(st.sampled_from([", ", "; ", ": "]), min_size=3, max_size=3),
    st.sampled_from([".", "!", "?", " in 1945."]),
)
PARAGRAPH = st.lists(st.one_of(SENTENCE, SENTENCE.map('"{}"'.format), SENTENCE.map("({})".format)), min_size=1, max_size=4)


@settings(deadline=None)
@given(PARAGRAPH.map(" ".join))
def test_paragraphs_of_words_and_marks_are_restored(paragraph: str) -> None:
    tokenizer = TOKENIZERS["words"]
    tokens = tokenizer.split(paragraph)
    assert tokenizer.join(tokens) == paragraph
    assert not any(token[:-1] and token[-1] in ",;:!?()" for token in tokens)


@settings(deadline=None)
@given(PARAGRAPH.map(" ".join))
def test_words_are_the_same_in_lower_case(paragraph: str) -> None:
    """So that samples, which are in lower case, are read as the corpus was."""
    split = TOKENIZERS["words"].split
    assert split(paragraph.lower()) == [token.lower() for token in split(paragraph)]


@settings(deadline=None)
@given(st.text(ANY) | st.text(st.sampled_from("a.1 '\"`(…“’—$,-\x85")))
def test_words_of_anything_are_words(paragraph: str) -> None:
    tokens = TOKENIZERS["words"].split(paragraph)
    assert all(token.split() == [token] for token in tokens)
    assert isinstance(TOKENIZERS["words"].join(tokens), str)


# Reading


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


# Vocabulary


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


# Layout and length


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


# Overlong lines at the ends of sentences

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


# Held-out lines

HUNDRED = "".join(f"{i:02}\n" for i in range(100))


@pytest.mark.parametrize(
    ("lines", "share", "held"), [(40, 0.25, 10), (40, 0.1, 4), (100, 0.5, 50), (3, 0.1, 1), (3, 0.99, 2), (2, 0.5, 1)]
)
def test_the_share_of_held_out_lines(tmp_path: Path, lines: int, share: float, held: int) -> None:
    """Rounded, but at least one line on either side."""
    corpus = numbered(tmp_path, "a b\n" * lines, holdout=share)
    assert (len(corpus.train), len(corpus.test)) == (lines - held, held)


def test_the_parts_are_every_line_once(tmp_path: Path) -> None:
    """The training part keeps the file's order, the others have one of their own, of which each row's document is told."""
    corpus = numbered(tmp_path, HUNDRED, tokenizer="chars", holdout=0.3, validation=0.2)
    train, validation, test = (
        [text.replace(" ", "") for text in decoded(corpus, table)] for table in (corpus.train, corpus.validation, corpus.test)
    )
    assert (len(train), len(validation), len(test)) == (50, 20, 30)
    assert sorted(train + validation + test) == HUNDRED.split()
    assert train == sorted(train)
    for held_out, name in ((validation, "validation"), (test, "test")):
        assert held_out != sorted(held_out)
        assert held_out == [f"{document:02}" for document in corpus.held_out[name].documents]


@given(st.integers(3, 60), st.floats(0.01, 0.6), st.floats(0.01, 0.39))
def test_every_part_has_a_document_and_no_document_two_parts(count: int, holdout: float, validation: float) -> None:
    """Shares are rounded, but one document at least is left in each part."""
    counts = held_out_counts(count, Data(source="x", holdout=holdout, validation=validation), "x", "line")
    assert min(counts.values()) >= 1
    assert sum(counts.values()) <= count - 1
    if count > 30:
        assert abs(counts["test"] - count * holdout) <= 1
        assert abs(counts["validation"] - count * validation) <= 1


def test_any_first_sequences_of_a_held_out_part_are_a_fair_sample_of_a_sorted_file(tmp_path: Path) -> None:
    """4,000 lines sorted in ten groups: the first quarter of each part, and a sample of the training part, has its share."""
    corpus = numbered(tmp_path, "".join(f"w{i // 400} x{i}\n" for i in range(4000)), holdout=0.25, validation=0.25)
    for table in (corpus.validation[:250], corpus.test[:250], corpus.train_sample(250)):
        groups = Counter(corpus.vocabulary.tokens[row[0]] for row in table)
        assert len(table) == 250
        assert sum((number - 25) ** 2 / 25 for number in groups.values()) + 25 * (10 - len(groups)) < 27.9, "χ², 9, p = 0.001"


def test_shares_that_leave_nothing_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"data\.holdout=0\.6 and data\.validation=0\.4 leave nothing to train on"):
        numbered(tmp_path, HUNDRED, holdout=0.6, validation=0.4)
    assert len(numbered(tmp_path, HUNDRED, test="01\n", holdout=0.6, validation=0.4).train) == 60


def test_the_seed_chooses_the_held_out_lines(tmp_path: Path) -> None:
    parts = [numbered(tmp_path, HUNDRED, tokenizer="chars", seed=seed) for seed in (1, 1, 2)]
    held = [decoded(corpus, corpus.test) for corpus in parts]
    assert held[0] == held[1]
    assert held[0] != held[2]


def test_a_test_file_leaves_every_line_to_training(tmp_path: Path) -> None:
    corpus = numbered(tmp_path, "a b\n\nb a\na a\n", test="b b\n", holdout=0.9)
    assert decoded(corpus, corpus.train) == ["a b", "b a", "a a"]
    assert decoded(corpus, corpus.test) == ["b b"]


def test_the_summary_counts_lines_blanks_and_tokens(tmp_path: Path) -> None:
    corpus = numbered(tmp_path, "a b c\n\n   \nb\nc c\n \t\r\n", test="a\n")
    assert corpus.summary == (
        f"Data: {tmp_path / 'train.txt'}: 3 lines, 3 blank; 0 longer than 3 tokens, dropped.",
        CHOOSES_AND_REPORTS,
        f"3 training sequences, 1 for test from {tmp_path / 'test.txt'}; 1 to 3 tokens, 2.0 on average.",
        "Vocabulary: 3 tokens (whitespace); unknown: 0.00% of the training tokens, 0.00% of the held-out ones.",
        "Duplicates: 0 of 1 test sequences are also in training.",
    )


@given(
    st.lists(st.integers(1, 6), min_size=2, max_size=9),
    st.lists(st.integers(1, 6), min_size=1, max_size=9),
    st.sampled_from(["drop", "cut", "split"]),
)
@settings(deadline=None, max_examples=examples(50))
@example([2, 3], [1, 9, 9], "drop")
def test_a_long_line_is_told_of_the_file_it_stands_in(
    tmp_path_factory: pytest.TempPathFactory, train: list[int], test: list[int], overlong: str
) -> None:
    folder, longest = tmp_path_factory.mktemp("long"), 3
    texts = ["".join(" ".join("ab"[i % 2] for i in range(n)) + "\n" for n in part) for part in (train, test)]
    texts = ["a b\n" + text for text in texts]  # so that something is left
    summary = numbered(folder, texts[0], test=texts[1], max_length=longest, overlong=overlong).summary
    fate = {"drop": "dropped", "cut": "cut", "split": "split at the ends of sentences"}[overlong]
    long = [sum(n > longest for n in part) for part in (train, test)]
    assert f"{len(train) + 1} lines, 0 blank; {long[0]} longer than 3 tokens, {fate}" in summary[0]
    told = f"Of the held-out data, {folder / 'test.txt'}; {long[1]} longer than 3 tokens, {fate}."
    assert (told in summary) == (long[1] > 0)
    assert sum("longer than" in line for line in summary) == 1 + (long[1] > 0)


# Refusals


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
