"""Text cut into tokens and joined again: undone where that can be, by hand where it cannot."""

import itertools

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cutters import TOKENIZERS

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
