"""An oracle's file of a trained generator: every cell comes back as it was, and what is damaged or missing is one sentence."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqgan_cli.config.sections import GeneratorSettings
from seqgan_cli.config.settings import Settings
from seqgan_cli.data.oracle_file import read_oracle_file
from seqgan_cli.data.vocabulary import EOS, PAD, UNK, Vocabulary
from seqgan_cli.errors import SeqganError
from seqgan_cli.models.generator import Generator
from seqgan_cli.models.generators.transformer import TransformerSettings
from seqgan_cli.models.oracle import described_arrays, read_oracle
from seqgan_cli.randomness import key, rng
from seqgan_cli.sampling.likelihood import sequence_nll
from seqgan_cli.sampling.sequences import sample

pytestmark = pytest.mark.usefixtures("quickly")
CELLS: dict[str, Any] = {
    "lstm": GeneratorSettings(3, 4),
    "gru": GeneratorSettings(3, 4, "gru"),
    "layers": GeneratorSettings(4, 4, "lstm", layers=3, tied=True, layer_norm=True, residual=True),
    "attention": GeneratorSettings(3, 4, "attention"),
    "transformer": TransformerSettings(4, 6, "transformer", layers=2, heads=3, positions="sinusoidal", feed_forward=2),
    "learned": TransformerSettings(3, 4, "transformer", layers=1, heads=2),
}
TEXT = Settings({"data.source": "x.txt", "data.kind": "text", "data.tokenizer": "words", "data.lowercase": True})
WORDS = ["a", "b c", "ü", "1", "\ud800", "x\x00", "<unk>"]


def made(section: Any, vocabulary: Vocabulary | None = None) -> Generator:
    generator = Generator(vocabulary or Vocabulary(WORDS), 6, section)
    generator.initialise(rng(0, "test"), 0.7)
    return generator


def put(path: Path, arrays: dict[str, Any]) -> Path:
    np.savez(path, **arrays)
    return path


@pytest.mark.sampled(3)
@pytest.mark.parametrize("section", CELLS.values(), ids=CELLS)
def test_every_cell_comes_back_as_it_was(section: Any, tmp_path: Path) -> None:
    generator = made(section)
    path = put(tmp_path / "oracle.npz", described_arrays(generator, TEXT, None))
    again = read_oracle(path, 6)
    assert again.settings == section
    assert again.vocabulary.tokens == generator.vocabulary.tokens
    assert (again.vocabulary.has_eos, again.sequence_length) == (True, 6)
    mine, theirs = generator.trainable_variables, again.trainable_variables
    assert [weight.numpy().tobytes() for weight in mine] == [weight.numpy().tobytes() for weight in theirs]
    tokens = sample(again, 50, key(0, "x"))
    np.testing.assert_array_equal(tokens, sample(generator, 50, key(0, "x")))
    np.testing.assert_array_equal(sequence_nll(again, tokens), sequence_nll(generator, tokens))
    ends = (tokens == EOS).argmax(axis=1)
    assert (tokens[np.arange(50), ends] == EOS).all()
    assert len(set(ends.tolist())) > 1
    assert not (tokens == UNK).any()
    assert (tokens[:, -1] <= EOS).all()
    assert read_oracle_file(path)[1].settled() == {
        "data.vocab-size": 10,
        "data.sequence-length": 6,
        "data.kind": "text",
        "data.tokenizer": "words",
        "data.lowercase": True,
        "data.normalize": "none",
        "data.markers": "",
    }


def test_poems_do_not_end_early_and_ids_have_no_words(tmp_path: Path) -> None:
    poems = Settings({"data.source": "x.json", "data.kind": "poems", "data.tokenizer": "chars", "data.poem-form": "7x4"})
    generator = made(CELLS["gru"], Vocabulary(["床", "前"], has_eos=False))
    path = put(tmp_path / "poems.npz", described_arrays(generator, poems, None))
    again = read_oracle(path, 6)
    assert not again.vocabulary.has_eos
    assert (sample(again, 20, key(0, "x")) > UNK).all()
    settled = read_oracle_file(path)[1].settled()
    assert (settled["data.kind"], settled["data.poem-form"]) == ("poems", "7x4")
    numbers = made(CELLS["gru"], Vocabulary(size=9))
    path = put(tmp_path / "ids.npz", described_arrays(numbers, Settings(), None))
    assert read_oracle(path, 6).vocabulary.tokens == tuple("012345678")
    assert read_oracle_file(path)[1].settled() == {"data.vocab-size": 9, "data.sequence-length": 6}


def facts(change: Callable[[dict], object]) -> Callable[[dict], object]:
    def changed(arrays: dict) -> None:
        found = json.loads(arrays["facts"].tobytes())
        change(found)
        arrays["facts"] = np.frombuffer(json.dumps(found).encode(), np.uint8)

    return changed


FIRST = "generator/0.embeddings"
DAMAGE: dict[str, tuple[Callable[[dict], object], str]] = {
    "no weight": (lambda a: a.update({"generator/9.x": a.pop(FIRST)}), "holds no array 'generator/0.embeddings'"),
    "fewer": (lambda a: a.pop(FIRST), "holds 178 weights, where its settings and vocabulary need 208"),
    "shape": (lambda a: a.update({FIRST: a[FIRST].T}), r"embeddings has shape \(3, 10\), where its settings need \(10, 3\)"),
    "nan": (lambda a: a.update({FIRST: np.full((10, 3), np.nan, np.float32)}), "not finite numbers"),
    "whole": (lambda a: a.update({FIRST: np.zeros((10, 3), int)}), "not finite numbers"),
    "facts": (lambda a: a.update(facts=np.frombuffer(b"{", np.uint8)), "its facts are damaged"),
    "list": (lambda a: a.update(facts=np.frombuffer(b"[]", np.uint8)), "its facts are damaged"),
    "deep": (lambda a: a.update(facts=np.frombuffer(b"[" * 99999, np.uint8)), "its facts are damaged"),
    "format": (facts(lambda f: f.update(format=2)), "format 2, which a later version wrote: update seqgan"),
    "no words": (facts(lambda f: f.pop("tokens")), "its facts have no 'tokens'"),
    "twice": (facts(lambda f: f["tokens"].__setitem__(0, "1")), "its tokens are no list of different words"),
    "special": (facts(lambda f: f["tokens"].__setitem__(0, " <eos>")), "its tokens are no list of different words"),
    "lines": (facts(lambda f: f["tokens"].__setitem__(0, "a\nb")), "its tokens are no list of different words"),
    "label": (facts(lambda f: f["tokens"].__setitem__(0, " <label> x")), "its tokens are no list of different words"),
    "object": (facts(lambda f: f["tokens"].__setitem__(0, ["a"])), "its tokens are no list of different words"),
    "size": (facts(lambda f: f.update(vocab_size=11)), "7 words make no 11 tokens"),
    "length": (facts(lambda f: f.update(sequence_length=0)), "sequences of 0"),
    "huge": (facts(lambda f: f["generator"].update({"generator.hidden-dim": 10**9})), "its settings and vocabulary need"),
    "ends": (facts(lambda f: f.update(has_eos=1)), "has_eos is 1"),
    "cell": (facts(lambda f: f["generator"].update({"generator.cell": "none"})), "generator.cell"),
    "setting": (facts(lambda f: f["data"].update({"generator.cell": "gru"})), "'generator.cell' is no setting"),
    "source": (facts(lambda f: f["data"].update({"data.source": "x.txt"})), "'data.source' does not say how"),
    "kind": (facts(lambda f: f["data"].update({"data.kind": "pairs"})), "data.kind is pairs"),
    "no kind": (facts(lambda f: f["data"].pop("data.kind")), "its facts have no 'data.kind'"),
    "tied": (facts(lambda f: f["generator"].update({"generator.tied": True})), "generator.tied needs equal sizes"),
    "tokenizer": (facts(lambda f: f["data"].update({"data.tokenizer": "bpe"})), "its facts have no 'tokenizer'"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_is_one_sentence(damage: str, tmp_path: Path) -> None:
    arrays = dict(described_arrays(made(CELLS["lstm"]), TEXT, None))
    change, words = DAMAGE[damage]
    change(arrays)
    path = put(tmp_path / "oracle.npz", arrays)
    with pytest.raises(SeqganError, match=words) as error:
        read_oracle(path, 6)
    assert str(error.value).startswith(str(path))
    assert "\n" not in str(error.value)
    assert str(error.value).endswith(".")


def test_length_of_a_file_is_the_runs(tmp_path: Path) -> None:
    path = put(tmp_path / "oracle.npz", described_arrays(made(CELLS["lstm"]), TEXT, None))
    with pytest.raises(SeqganError, match=r"draws sequences of 6 tokens, and data\.sequence-length is 7"):
        read_oracle(path, 7)
    assert (PAD, EOS) == (0, 1)
