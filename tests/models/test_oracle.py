"""The oracle: its file, and that its own sequences score its own entropy."""

from pathlib import Path

import numpy as np
import pytest

import reference
from seqgan_cli.errors import SeqganError
from seqgan_cli.models.oracle import ARRAYS, draw_oracle, oracle_arrays, read_oracle
from seqgan_cli.randomness import key
from seqgan_cli.sampling.likelihood import sequence_nll
from seqgan_cli.sampling.sequences import sample


def test_file_round_trip_keeps_the_distribution(tmp_path: Path) -> None:
    oracle = draw_oracle(3, 11, 6)
    np.savez(tmp_path / "oracle.npz", **oracle_arrays(oracle))
    again = read_oracle(tmp_path / "oracle.npz", 6)
    tokens = sample(oracle, 20, key(0, "x"))
    np.testing.assert_array_equal(sequence_nll(again, tokens), sequence_nll(oracle, tokens))


def test_weights_are_standard_normal_and_follow_the_seed() -> None:
    values = np.concatenate([array.ravel() for array in oracle_arrays(draw_oracle(0, 1000, 5)).values()])
    assert abs(values.mean()) < 0.02
    assert abs(values.std() - 1.0) < 0.02
    other = np.concatenate([array.ravel() for array in oracle_arrays(draw_oracle(1, 1000, 5)).values()])
    assert abs(np.corrcoef(values, other)[0, 1]) < 0.02


def test_own_sequences_score_the_entropy() -> None:
    oracle = draw_oracle(0, 3, 3)
    weights = list(oracle_arrays(oracle).values())
    nll = np.array([reference.sequence_nll(weights, s) for s in reference.all_sequences(3, 3)])
    probabilities = np.exp(-nll)
    np.testing.assert_allclose(probabilities.sum(), 1.0, rtol=1e-6)
    losses = sequence_nll(oracle, sample(oracle, 20_000, key(0, "x")))
    error = losses.std() / np.sqrt(len(losses))
    assert abs(losses.mean() - (probabilities * nll).sum()) < 4 * error


def write(path: Path, **changes: np.ndarray) -> Path:
    arrays = {**oracle_arrays(draw_oracle(0, 11, 6)), **changes}
    np.savez(path, **{name: array for name, array in arrays.items() if array is not None})
    return path


def test_refuses_pickled_arrays_without_opening_them(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple:
            return (Path(tmp_path / "exploded").touch, ())

    path = write(tmp_path / "oracle.npz", bias=np.array([Bomb()], dtype=object))
    with pytest.raises(SeqganError, match="pickled Python objects, which are refused"):
        read_oracle(path, 6)
    assert not (tmp_path / "exploded").exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"bias": None}, "holds no array 'bias'"),
        ({"bias": np.zeros(5)}, r"bias has shape \(5,\)"),
        ({"embeddings": np.zeros(11)}, "embeddings has shape"),
        ({"output_bias": np.full(11, np.nan)}, "not finite"),
        ({"output_bias": np.zeros(11, int)}, "not finite numbers"),
    ],
)
def test_refuses_weights_that_are_no_oracle(tmp_path: Path, changes: dict, message: str) -> None:
    with pytest.raises(SeqganError, match=message):
        read_oracle(write(tmp_path / "oracle.npz", **changes), 6)


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04 broken"])
def test_refuses_files_that_are_no_npz(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "oracle.npz"
    path.write_bytes(content)
    with pytest.raises(SeqganError, match=r"Cannot read the oracle .*oracle\.npz"):
        read_oracle(path, 6)
    with pytest.raises(SeqganError, match="No such file"):
        read_oracle(tmp_path / "absent.npz", 6)


def test_array_names_match_the_generators_variables() -> None:
    oracle = draw_oracle(0, 11, 6)
    assert [tuple(v.shape) for v in oracle.trainable_variables] == [(11, 32), (32, 128), (32, 128), (128,), (32, 11), (11,)]
    assert tuple(oracle_arrays(oracle)) == ARRAYS
