"""An oracle's file of one's own: what it settles, and every way in which it is refused."""

import json
import os
from pathlib import Path

import numpy as np
import pytest


class Explosive:
    """Unpickling it makes a folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def oracle_weights(vocab_size: int = 12, embedding_dim: int = 3, hidden_dim: int = 2) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    shapes = {
        "embeddings": (vocab_size, embedding_dim),
        "kernel": (embedding_dim, 4 * hidden_dim),
        "recurrent_kernel": (hidden_dim, 4 * hidden_dim),
        "bias": (4 * hidden_dim,),
        "output_kernel": (hidden_dim, vocab_size),
        "output_bias": (vocab_size,),
    }
    return {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}


@pytest.mark.parametrize("how", ["a member", "the file"])
def test_pickled_oracle_is_refused_unopened(seqgan, refused, tmp_path, how):
    import pickle

    oracle, trap = tmp_path / "oracle.npz", tmp_path / "trap"
    if how == "a member":
        np.savez(oracle, **{**oracle_weights(), "kernel": np.array([Explosive(trap)], dtype=object)})
    else:
        oracle.write_bytes(pickle.dumps(Explosive(trap)))
    outcome = seqgan("pretrain-g", "--oracle", oracle, "--run", tmp_path / "run")
    reason = "it holds pickled Python objects, which are refused" if how == "a member" else "it is damaged or no .npz"
    refused(outcome, 1, f"Cannot read the oracle {oracle}: {reason}.")
    assert not trap.exists()
    assert not (tmp_path / "run").exists()
    opened = np.load(oracle, allow_pickle=True)  # the trap does work
    if how == "a member":
        with opened:
            opened["kernel"]
    assert trap.exists()


@pytest.mark.parametrize(
    ("name", "array", "sentence"),
    [
        ("kernel", np.zeros((3, 9), np.float32), "kernel has shape (3, 9), where the other arrays need (3, 8)."),
        ("output_bias", np.zeros(11, np.float32), "output_bias has shape (11,), where the other arrays need (12,)."),
        ("bias", np.full(8, np.nan, np.float32), "bias holds values that are not finite numbers."),
        ("bias", np.zeros(8, np.int32), "bias holds values that are not finite numbers."),
        ("embeddings", np.zeros(12, np.float32), "embeddings has shape (12,), where the other arrays need (12, 0)."),
    ],
)
def test_oracle_with_wrong_arrays(seqgan, refused, tmp_path, name, array, sentence):
    np.savez(tmp_path / "oracle.npz", **{**oracle_weights(), name: array})
    outcome = seqgan("pretrain-g", "--oracle", tmp_path / "oracle.npz", "--run", tmp_path / "run")
    refused(outcome, 1, f"{tmp_path / 'oracle.npz'}: {sentence}")
    assert not (tmp_path / "run").exists()


def test_oracle_without_an_array(seqgan, refused, tmp_path):
    weights = oracle_weights()
    del weights["bias"]
    np.savez(tmp_path / "oracle.npz", **weights)
    outcome = seqgan("pretrain-g", "--oracle", tmp_path / "oracle.npz", "--run", tmp_path / "run")
    refused(
        outcome,
        1,
        f"{tmp_path / 'oracle.npz'} holds no array 'bias': an oracle needs "
        "embeddings, kernel, recurrent_kernel, bias, output_kernel, output_bias.",
    )


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "No such file or directory"),
        (b"", "it is damaged or no .npz"),
        (b"PK\x03\x04 and no more", "it is damaged or no .npz"),
    ],
)
def test_oracle_that_is_no_archive(seqgan, refused, tmp_path, content, reason):
    if content is not None:
        (tmp_path / "oracle.npz").write_bytes(content)
    outcome = seqgan("pretrain-g", "--oracle", tmp_path / "oracle.npz", "--run", tmp_path / "run")
    refused(outcome, 1, f"Cannot read the oracle {tmp_path / 'oracle.npz'}: {reason}.")


@pytest.mark.parametrize("way", ["option", "--set", "--config"])
def test_vocabulary_size_that_contradicts_the_oracle(seqgan, refused, tmp_path, way):
    np.savez(tmp_path / "oracle.npz", **oracle_weights(vocab_size=12))
    (tmp_path / "size.toml").write_text("[data]\nvocab-size = 13\n")
    given = {"option": ["--vocab-size", 13], "--set": ["--set", "data.vocab-size=13"]}.get(
        way, ["--config", tmp_path / "size.toml"]
    )
    outcome = seqgan("pretrain-g", "--oracle", tmp_path / "oracle.npz", *given, "--num-sequences", 8, "--run", tmp_path / "run")
    refused(outcome, 2, "data.vocab-size is 13, and the oracle's file holds 12 tokens: leave it out.")
    assert not (tmp_path / "run").exists()


def test_the_oracle_file_settles_the_vocabulary_size(seqgan, tiny_config, tmp_path):
    np.savez(tmp_path / "oracle.npz", **oracle_weights(vocab_size=9))
    config = tmp_path / "tiny.toml"
    config.write_text(tiny_config.read_text().replace("vocab-size = 12\n", ""))
    run = tmp_path / "run"
    outcome = seqgan("pretrain-g", "--config", config, "--oracle", tmp_path / "oracle.npz", "--epochs", 1, "--run", run)
    assert outcome.code == 0, outcome.err
    recorded = json.loads((run / "config.json").read_text())["settings"]["data.vocab-size"]
    assert recorded == {"value": 9, "source": "oracle"}
    with np.load(run / "corpus" / "oracle.npz") as kept:
        for name, array in oracle_weights(vocab_size=9).items():
            assert np.array_equal(kept[name], array)
    with np.load(run / "corpus" / "train.npz") as corpus:
        assert set(np.unique(corpus["tokens"])) == set(range(9))
