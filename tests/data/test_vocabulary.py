"""Token ids, lengths and masks, for text and for synthetic vocabularies."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cutters import TOKENIZERS
from seqgan_cli.data.vocabulary import EOS, PAD, SPECIAL, START, UNK, Vocabulary

TEXT = np.array([[3, 4, 2, 1, 0, 0], [3, 1, 0, 0, 0, 0], [3, 4, 5, 4, 3, 1]], np.int32)


@pytest.fixture
def text() -> Vocabulary:
    return Vocabulary(["the", "cat", "sat"])


def test_special_tokens_have_fixed_ids_and_words_follow(text: Vocabulary) -> None:
    assert (PAD, EOS, UNK, START) == (0, 1, 2, 0)
    assert text.tokens == (*SPECIAL, "the", "cat", "sat")
    assert text.size == 6
    assert text.has_special_tokens


def test_a_synthetic_vocabulary_has_ordinary_ids_only() -> None:
    synthetic = Vocabulary(size=4)
    assert synthetic.tokens == ("0", "1", "2", "3")
    assert synthetic.size == 4
    assert not synthetic.has_special_tokens


def test_text_encode_gives_ids_and_unk_for_unknown_words(text: Vocabulary) -> None:
    assert text.encode(["sat", "the", "dog", "cat", ""]) == [5, 3, 2, 4, 2]


WORDS = ["<pad>", "<eos>", "<unk>", "<sos>"]


def test_words_that_are_called_like_special_tokens_are_words(text: Vocabulary) -> None:
    marked = Vocabulary(WORDS)
    assert marked.encode(WORDS) == [3, 4, 5, 6]
    assert marked.decode([4, 3, 5, 6, EOS, PAD]) == ["<eos>", "<pad>", "<unk>", "<sos>"]
    assert marked.mask(np.array([4, 3, 5, 6, EOS, PAD])).tolist() == [True] * 5 + [False]
    assert text.encode(WORDS) == [UNK] * 4  # in a vocabulary without them they are unknown


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"])) | st.sampled_from([*WORDS, *SPECIAL, " <eos> "]))
def test_no_text_holds_the_name_of_a_special_token(text: str) -> None:
    for tokenizer in TOKENIZERS.values():
        assert not {*tokenizer.split(text)} & {*SPECIAL}


def test_encode_takes_any_iterable_once(text: Vocabulary) -> None:
    assert text.encode(iter(["the", "cat"])) == [3, 4]
    assert text.encode([]) == []


def test_synthetic_encode_is_the_number_itself() -> None:
    assert Vocabulary(size=12).encode(["0", "11", "2"]) == [0, 11, 2]


@pytest.mark.parametrize("token", ["12", "-1", "01", "<unk>", "x"])
def test_synthetic_encode_refuses_what_is_no_id(token: str) -> None:
    with pytest.raises(ValueError):
        Vocabulary(size=12).encode([token])


def test_text_decode_stops_before_eos(text: Vocabulary) -> None:
    assert [text.decode(row) for row in TEXT] == [
        ["the", "cat", "<unk>"],
        ["the"],
        ["the", "cat", "sat", "cat", "the"],
    ]


def test_decode_takes_a_list_and_a_sequence_without_tokens(text: Vocabulary) -> None:
    assert text.decode([4, 3, 1, 0]) == ["cat", "the"]
    assert text.decode([1, 0, 0, 0]) == []


def test_synthetic_decode_keeps_every_position() -> None:
    """Ids 0 and 1 are ordinary there."""
    assert Vocabulary(size=5).decode(np.array([1, 0, 4, 0])) == ["1", "0", "4", "0"]


def test_text_encode_undoes_decode(text: Vocabulary) -> None:
    words = ["sat", "cat", "the", "the"]
    assert text.decode([*text.encode(words), EOS, PAD, PAD]) == words


def test_text_length_counts_neither_eos_nor_pad(text: Vocabulary) -> None:
    lengths = text.length(TEXT)
    assert lengths.tolist() == [3, 1, 5]
    assert lengths.dtype == np.int32


def test_length_of_one_sequence_is_a_number(text: Vocabulary) -> None:
    assert text.length(TEXT[0]) == 3
    assert np.ndim(text.length(TEXT[0])) == 0
    assert Vocabulary(size=9).length(TEXT[0]) == 6
    assert np.ndim(Vocabulary(size=9).length(TEXT[0])) == 0


def test_length_keeps_leading_axes(text: Vocabulary) -> None:
    assert text.length(TEXT[None]).tolist() == [[3, 1, 5]]
    assert Vocabulary(size=9).length(TEXT[None]).tolist() == [[6, 6, 6]]


def test_synthetic_length_is_the_whole_row() -> None:
    lengths = Vocabulary(size=9).length(TEXT)
    assert lengths.tolist() == [6, 6, 6]
    assert lengths.dtype == np.int32


def test_mask_counts_eos_but_no_pad_and_no_unk(text: Vocabulary) -> None:
    assert text.mask(TEXT).astype(int).tolist() == [[1, 1, 0, 1, 0, 0], [1, 1, 0, 0, 0, 0], [1, 1, 1, 1, 1, 1]]


def test_inside_is_everything_up_to_the_end(text: Vocabulary) -> None:
    assert text.inside(TEXT).astype(int).tolist() == [[1, 1, 1, 1, 0, 0], [1, 1, 0, 0, 0, 0], [1, 1, 1, 1, 1, 1]]
    assert Vocabulary(size=9).inside(TEXT).all()


def test_only_unk_matches_nothing(text: Vocabulary) -> None:
    assert [each.tolist() for each in text.for_matching(np.array([[3, 2, 5, 1, 0]]))] == [[[3, -1, 5, 1, 0]], [3]]
    assert Vocabulary(size=9).for_matching(TEXT)[0].tolist() == TEXT.tolist()


def test_unknown_share_is_of_the_tokens_before_the_end(text: Vocabulary) -> None:
    assert text.unknown_share(np.array([[3, 2, 5, 1, 0], [2, 1, 0, 0, 0]])) == 2 / 4
    assert text.unknown_share(np.array([[1, 0]])) == 0.0
    assert Vocabulary(size=9).unknown_share(TEXT) == 0.0


def test_synthetic_mask_counts_everything() -> None:
    mask = Vocabulary(size=9).mask(TEXT)
    assert mask.dtype == bool
    assert mask.shape == TEXT.shape
    assert mask.all()
