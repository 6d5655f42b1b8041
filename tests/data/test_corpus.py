"""A corpus and its files in a run."""

import warnings
from pathlib import Path

import numpy as np
import pytest

from parts import parts_of
from seqgan_cli.data.corpus import Corpus, load_corpus
from seqgan_cli.data.sources.opening import real_corpus
from seqgan_cli.data.vocabulary import Vocabulary
from seqgan_cli.errors import SeqganError
from tiny import data_settings

TRAIN = np.array([[3, 4, 1], [4, 1, 0], [5, 3, 1]], np.int32)
HELDOUT = np.array([[4, 2, 1], [5, 1, 0]], np.int32)


def a_corpus() -> Corpus:
    return parts_of(TRAIN, HELDOUT, Vocabulary(["a", "b", "c"]))


def assert_same(loaded: Corpus, saved: Corpus) -> None:
    for name in ("train", "validation", "test"):
        found, expected = getattr(loaded, name), getattr(saved, name)
        assert found.dtype == expected.dtype == np.int32
        assert found.tolist() == expected.tolist()
    assert loaded.vocabulary.tokens == saved.vocabulary.tokens
    assert loaded.vocabulary.has_special_tokens == saved.vocabulary.has_special_tokens
    assert loaded.sequence_length == saved.sequence_length


def test_a_text_corpus_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    a_corpus().save(tmp_path)
    assert_same(load_corpus(tmp_path, None), a_corpus())
    assert (tmp_path / "vocabulary.txt").read_bytes() == b" <pad>\n <eos>\n <unk>\na\nb\nc\n"
    assert sorted(path.name for path in (tmp_path / "corpus").iterdir()) == ["test.npz", "train.npz", "validation.npz"]


def test_a_synthetic_corpus_comes_back_with_its_vocabulary_size(tmp_path: Path) -> None:
    corpus = parts_of(TRAIN, HELDOUT, Vocabulary(size=9))
    corpus.save(tmp_path)
    assert_same(load_corpus(tmp_path, 9), corpus)
    assert not (tmp_path / "vocabulary.txt").exists()


ODD = "x\ry\x85z\u2028w\u2029v\x0bu\x0ct\x1cs\u00a0é\u200b日\U0001f600 r"


@pytest.mark.parametrize("test", ["x\ry\n", "qx\n"])
def test_tokens_that_other_programs_take_for_line_ends_survive(tmp_path: Path, test: str) -> None:
    (tmp_path / "train.txt").write_bytes(f"{ODD}\n{ODD[::-1]}\n".encode())
    (tmp_path / "test.txt").write_bytes(test.encode())
    settings = data_settings(source=str(tmp_path / "train.txt"), test=str(tmp_path / "test.txt"), tokenizer="chars")
    corpus = real_corpus(settings)[0]
    assert set(corpus.vocabulary.tokens[3:]) == set(ODD)
    corpus.save(tmp_path / "run")
    loaded = load_corpus(tmp_path / "run", None)
    assert_same(loaded, corpus)
    assert "".join(loaded.vocabulary.decode(loaded.train[0])) == ODD


def test_saving_again_replaces_the_files(tmp_path: Path) -> None:
    parts_of(TRAIN[:1], HELDOUT[:1], Vocabulary(["x"] * 1)).save(tmp_path)
    a_corpus().save(tmp_path)
    assert_same(load_corpus(tmp_path, None), a_corpus())


@pytest.mark.parametrize("name", ["corpus/train.npz", "corpus/validation.npz", "corpus/test.npz", "vocabulary.txt"])
def test_a_missing_file_is_refused_by_name(tmp_path: Path, name: str) -> None:
    a_corpus().save(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(SeqganError, match=f"Cannot read .*{name}"):
        load_corpus(tmp_path, None)


@pytest.mark.parametrize("name", ["train", "validation", "test"])
@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"no zip at all"])
def test_a_table_that_is_none_is_refused_by_name(tmp_path: Path, name: str, content: bytes) -> None:
    a_corpus().save(tmp_path)
    (tmp_path / "corpus" / f"{name}.npz").write_bytes(content)
    with pytest.raises(SeqganError, match=rf"Cannot read .*{name}\.npz .*restore it"):
        load_corpus(tmp_path, None)


def test_a_table_cut_off_anywhere_is_refused(tmp_path: Path) -> None:
    a_corpus().save(tmp_path)
    path = tmp_path / "corpus" / "train.npz"
    whole = path.read_bytes()
    for length in range(0, len(whole), 3):
        path.write_bytes(whole[:length])
        with pytest.raises(SeqganError, match=r"train\.npz"):
            load_corpus(tmp_path, None)


def test_a_flipped_byte_anywhere_is_refused_or_harmless(tmp_path: Path) -> None:
    """Some bytes of a zip mean nothing (dates, attributes); none may change a token unnoticed."""
    a_corpus().save(tmp_path)
    path = tmp_path / "corpus" / "train.npz"
    whole, refused = path.read_bytes(), 0
    for place in range(len(whole)):
        damaged = bytearray(whole)
        damaged[place] ^= 0x55
        path.write_bytes(damaged)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                assert load_corpus(tmp_path, None).train.tolist() == TRAIN.tolist()
        except SeqganError:
            refused += 1
    assert refused > len(whole) // 2


def test_pickled_objects_are_never_loaded(tmp_path: Path) -> None:
    a_corpus().save(tmp_path)
    np.savez(tmp_path / "corpus" / "train.npz", tokens=np.array([{"a": 1}], object))
    with pytest.raises(SeqganError, match="pickled Python objects, which are refused"):
        load_corpus(tmp_path, None)


def test_a_table_under_another_name_is_refused(tmp_path: Path) -> None:
    a_corpus().save(tmp_path)
    np.savez(tmp_path / "corpus" / "train.npz", other=TRAIN)
    with pytest.raises(SeqganError, match=r"Cannot read .*train\.npz"):
        load_corpus(tmp_path, None)


def test_a_vocabulary_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    a_corpus().save(tmp_path)
    (tmp_path / "vocabulary.txt").write_bytes(b"<pad>\n<eos>\n<unk>\na\nb\xff\nc\n")
    with pytest.raises(SeqganError, match=r"Cannot read .*vocabulary\.txt"):
        load_corpus(tmp_path, None)


def test_a_vocabulary_of_an_earlier_version_is_read_as_it_was(tmp_path: Path) -> None:
    """Its special tokens have names that words may have now; there, such words are unknown."""
    a_corpus().save(tmp_path)
    (tmp_path / "vocabulary.txt").write_bytes(b"<pad>\n<eos>\n<unk>\na\nb\nc\n")
    loaded = load_corpus(tmp_path, None)
    assert_same(loaded, a_corpus())
    assert loaded.vocabulary.encode(["<pad>", "<eos>", "<unk>", "a"]) == [2, 2, 2, 3]


@pytest.mark.parametrize("kept", [b"", b"<pad>\n<eos>\n<unk>\na\n", b"<pad>\n<eos>\n<unk>\na\nb\n"])
def test_a_vocabulary_that_is_cut_off_is_refused(tmp_path: Path, kept: bytes) -> None:
    """Ids of the tables would mean nothing."""
    a_corpus().save(tmp_path)
    (tmp_path / "vocabulary.txt").write_bytes(kept)
    with pytest.raises(SeqganError, match=r"vocabulary\.txt"):
        load_corpus(tmp_path, None)
