"""The Fréchet distance against closed forms and the formula as it is written; embeddings read from files good and bad."""

import re
from pathlib import Path

import numpy as np
import pytest

import reference
from seqgan_cli.data.text import vectors as vector_files
from seqgan_cli.data.text.vectors import read_embeddings
from seqgan_cli.errors import SeqganError
from seqgan_cli.evaluation.metrics.frechet import frechet_distance, mean_vectors


def cross(scales: list[float], centre: list[float]) -> np.ndarray:
    """Vectors whose covariance is exactly diagonal: ± each scale along its own axis, around the centre."""
    axes = np.diag(np.array(scales))
    return np.concatenate([axes, -axes]) + np.array(centre)


def test_diagonal_covariances_have_a_closed_form() -> None:
    """|Δμ|² + Σ (σ − τ)², with variances of 2 s² / (2 D − 1)."""
    a, b = cross([1.0, 2.0, 0.5], [0.0, 1.0, 0.0]), cross([3.0, 2.0, 1.5], [2.0, 1.0, -1.0])
    spread = 2 / 5 * ((3.0 - 1.0) ** 2 + 0.0 + (1.5 - 0.5) ** 2)
    assert frechet_distance(a, b) == pytest.approx(4.0 + 1.0 + spread)


def test_a_singular_diagonal_covariance_has_it_too() -> None:
    a, b = cross([1.0, 0.0, 2.0], [0.0] * 3), cross([0.0, 3.0, 2.0], [0.0] * 3)
    assert frechet_distance(a, b) == pytest.approx(2 / 5 * (1.0 + 9.0))


@pytest.mark.parametrize(("n", "m", "dimension"), [(50, 60, 4), (30, 7, 12), (5, 6, 20), (2, 2, 3), (40, 40, 1)])
def test_equals_the_formula_as_it_is_written(n: int, m: int, dimension: int) -> None:
    """Also where one or both of the sets have fewer vectors than dimensions."""
    draw = np.random.default_rng(n)
    a = draw.normal(size=(n, dimension)) @ draw.normal(size=(dimension, dimension))
    b = draw.normal(0.5, 2.0, (m, dimension))
    assert frechet_distance(a, b) == pytest.approx(reference.frechet_distance(a, b), rel=1e-6)
    assert frechet_distance(b, a) == pytest.approx(frechet_distance(a, b), rel=1e-9)


def test_a_set_is_at_no_distance_to_itself_and_a_shift_adds_its_square() -> None:
    vectors = np.random.default_rng(0).normal(size=(30, 5))
    shift = np.array([1.0, -2.0, 0.0, 0.5, 3.0])
    assert frechet_distance(vectors, vectors) == pytest.approx(0.0, abs=1e-12)
    assert frechet_distance(vectors, vectors[::-1] + shift) == pytest.approx(float((shift**2).sum()))
    assert frechet_distance(vectors, np.repeat(vectors, 2, axis=0)) > 0.0  # n − 1: covariances differ by a factor


def test_equal_vectors_leave_the_distance_of_the_means() -> None:
    assert frechet_distance(np.ones((4, 3)), np.zeros((5, 3))) == pytest.approx(3.0)


def test_few_vectors_make_it_larger() -> None:
    """The bias that the docstring tells of: all from one distribution."""
    draw = np.random.default_rng(0)
    means = [np.mean([frechet_distance(*draw.normal(size=(2, n, 8))) for _ in range(20)]) for n in (10, 100, 1000)]
    assert means[0] > 3 * means[1] > 9 * means[2] > 0.0


def test_one_vector_has_no_covariance() -> None:
    with pytest.raises(ValueError, match="Two vectors"):
        frechet_distance(np.zeros((1, 3)), np.zeros((4, 3)))


# Sentences.


def test_mean_vectors_leave_out_tokens_and_sentences_without_a_vector() -> None:
    """Token 2 has no vector: it counts in no mean, and a sentence of nothing else is left out. So is what is past the end."""
    vectors = np.array([[9.0, 9.0], [1.0, 0.0], [np.nan, np.nan], [3.0, 4.0]])
    tokens = np.array([[1, 3, 2, 0], [2, 2, 0, 0], [3, 0, 0, 0], [0, 0, 0, 0]])
    found, covered = mean_vectors(tokens, np.array([3, 2, 1, 0]), vectors)
    assert found.tolist() == [[2.0, 2.0], [3.0, 4.0]]
    assert covered == pytest.approx(3 / 6)


def test_mean_vectors_equal_the_literal_means() -> None:
    draw = np.random.default_rng(2)
    vectors = draw.normal(size=(20, 3))
    vectors[[4, 5, 6]] = np.nan
    tokens, lengths = draw.integers(0, 20, (40, 7)), draw.integers(0, 8, 40)
    kept = [[vectors[i] for i in row[:length] if i not in (4, 5, 6)] for row, length in zip(tokens, lengths, strict=True)]
    found, covered = mean_vectors(tokens, lengths, vectors)
    assert found == pytest.approx(np.array([np.mean(one, axis=0) for one in kept if one]))
    assert covered == pytest.approx(sum(map(len, kept)) / lengths.sum())


# Files.


def put(folder: Path, content: str | bytes, name: str = "vectors.txt") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


GOOD = "the 1 2.5\ncat -1e-1 0\nnaïve 3 4\n"


@pytest.mark.parametrize(
    "content", [GOOD, "3 2\n" + GOOD, "\ufeff" + GOOD, GOOD.replace("\n", " \n"), GOOD.replace("\n", "\r\n")]
)
def test_text_with_and_without_a_header(tmp_path: Path, content: str) -> None:
    """Also with a byte order mark, with the space that word2vec leaves at the end, and with Windows's line ends."""
    tokens, vectors = read_embeddings(put(tmp_path, content), {"naïve", "the", "dog"})
    assert tokens == ["the", "naïve"]
    assert vectors.tolist() == [[1.0, 2.5], [3.0, 4.0]]
    assert vectors.dtype == np.float64


def test_only_single_spaces_part_fields(tmp_path: Path) -> None:
    """A space of its own is a token of characters; published files have tokens with spaces, and odd Unicode ones."""
    content = "  1 2\na\u00a0b 3 4\n. . 5 6\n\u3000 7 8\nx 9 9\n"
    tokens, vectors = read_embeddings(put(tmp_path, content), {" ", "a\u00a0b", ". .", "\u3000"})
    assert tokens == [" ", "a\u00a0b", ". .", "\u3000"]
    assert vectors.tolist() == [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 8.0]]


def test_the_first_of_two_vectors_counts(tmp_path: Path) -> None:
    tokens, vectors = read_embeddings(put(tmp_path, "a 1\nb 2\na 3\nc 4\n"), {"a", "c"})
    assert (tokens, vectors.tolist()) == (["a", "c"], [[1.0], [4.0]])


def test_no_more_is_read_than_is_wanted(tmp_path: Path) -> None:
    path = put(tmp_path, "a 1 2\nb 3 4\nno vector\n")
    assert read_embeddings(path, {"a", "b"})[0] == ["a", "b"]
    with pytest.raises(SeqganError, match="line 3"):
        read_embeddings(path, {"a", "c"})


def test_an_endless_line_is_refused_before_it_fills_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vector_files, "LONGEST_LINE", 1000)
    path = put(tmp_path, "a 1 2\n" + "7 " * 600 + "\n")
    with pytest.raises(SeqganError, match=rf"^{re.escape(str(path))}, line 2: longer than 1000 bytes"):
        read_embeddings(path, {"b"})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", " is empty: a token and its numbers a line are needed."),
        ("\n", ", line 1: a token and its numbers are needed"),
        ("word\n", ", line 1: a token and its numbers are needed"),
        ("a 1 2\nb 3\n", ", line 2: a token and 2 numbers are needed"),
        ("a 1 2\nb 3 4 5\n", ", line 2: a token and 2 numbers are needed"),
        ("a 1 2\n\nwanted 1 2\n", ", line 2: a token and 2 numbers are needed"),
        ("2 3\na 1 2\n", ", line 2: a token and 3 numbers are needed"),
        ("5 0\na\n", ", line 2: a token and its numbers are needed"),
        ("9 2\na 1 2\nb 3 4\n", " ends after 2 of the 9 vectors that its first line tells of: it is cut off."),
        ("3 2\na 1 2\nb 3 4\n", " ends after 2 of the 3 vectors that its first line tells of: it is cut off."),
        ("a 1 2\nwanted 1 x\n", ", line 2: 'x' is no finite number."),
        ("wanted nan 1\n", ", line 1: 'nan' is no finite number."),
        ("wanted 1e999 1\n", ", line 1: '1e999' is no finite number."),
        ("wanted  1 2\nb 1 2\n", ", line 1: '' is no finite number."),
        (b"2 2\na \x00\x00\x80\x3f\x00\x00\x00\x40", ", line 2: 0x80 is not UTF-8; word2vec's text format is needed"),
    ],
)
def test_bad_text_is_refused_with_its_line(tmp_path: Path, content: str | bytes, message: str) -> None:
    path = put(tmp_path, content)
    with pytest.raises(SeqganError) as refusal:
        read_embeddings(path, {"wanted", "other"})
    assert str(refusal.value).startswith(f"{path}{message}")
    assert "\n" not in str(refusal.value)


def test_missing_files_and_folders_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none.txt", tmp_path / "none.npz"):
        with pytest.raises(SeqganError, match=rf"^Cannot read {re.escape(str(path))}: No such file or directory\.$"):
            read_embeddings(path, {"a"})
    with pytest.raises(SeqganError, match=r"Is a directory\.$"):
        read_embeddings(tmp_path, {"a"})


def test_npz(tmp_path: Path) -> None:
    path = tmp_path / "vectors.npz"
    np.savez(path, tokens=np.array(["a", "b", "c", "a"]), vectors=np.arange(8, dtype=np.float32).reshape(4, 2))
    tokens, vectors = read_embeddings(path, {"a", "c", "z"})
    assert (tokens, vectors.tolist()) == (["a", "c"], [[0.0, 1.0], [4.0, 5.0]])
    assert read_embeddings(path, {"z"})[1].shape == (0, 2)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"tokens": np.array(["a"])}, "vectors"),
        ({"vectors": np.zeros((1, 2))}, "words"),
        ({"tokens": np.array(["a"], object), "vectors": np.zeros((1, 2))}, "pickled"),
        ({"tokens": np.array([1]), "vectors": np.zeros((1, 2))}, "`tokens` is to be text [N]"),
        ({"tokens": np.array(["a"]), "vectors": np.zeros(1)}, "float64 [1]"),
        ({"tokens": np.array(["a", "b"]), "vectors": np.zeros((1, 2))}, "[2]"),
        ({"tokens": np.array(["a"]), "vectors": np.array([["1"]])}, "`vectors` numbers [N, D]"),
        ({"tokens": np.array(["a"]), "vectors": np.array([[np.inf]])}, "'a' holds a number that is not finite"),
    ],
)
def test_bad_npz_is_refused(tmp_path: Path, arrays: dict[str, np.ndarray], message: str) -> None:
    path = tmp_path / "vectors.npz"
    np.savez(path, **arrays)
    with pytest.raises(SeqganError) as refusal:
        read_embeddings(path, {"a"})
    assert str(path) in str(refusal.value)
    assert message in str(refusal.value)


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x03\x04 cut off"])
def test_what_is_no_npz_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(SeqganError, match=r"an \.npz with the arrays"):
        read_embeddings(put(tmp_path, content, "vectors.npz"), {"a"})
