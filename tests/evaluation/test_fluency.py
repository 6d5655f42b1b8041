"""How likely a language model of other text finds samples: against a literal sum, and what it refuses."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

import reference
from parts import parts_of
from seqgan_cli.config.sections import GeneratorSettings
from seqgan_cli.config.settings import Settings
from seqgan_cli.data.vocabulary import EOS, PAD, UNK, Vocabulary
from seqgan_cli.errors import SeqganError
from seqgan_cli.evaluation.fluency import Fluency
from seqgan_cli.evaluation.quality import Measures
from seqgan_cli.evaluation.real import RealScores
from seqgan_cli.models.generator import Generator
from seqgan_cli.models.oracle import described_arrays, draw_oracle, oracle_arrays
from seqgan_cli.randomness import rng
from tiny import data_settings

pytestmark = pytest.mark.usefixtures("quickly")
WORDS = ["the", "cat", "sleeps", ".", "<unk>"]
OTHERS = Settings({"data.source": "x.txt", "data.kind": "text", "data.tokenizer": "words", "data.lowercase": True})


@pytest.fixture
def model(tmp_path: Path) -> tuple[Generator, Path]:
    """A language model of words in lower case, five at most, and its file."""
    generator = Generator(Vocabulary(WORDS), 6, GeneratorSettings(3, 4))
    generator.initialise(rng(0, "test"), 0.7)
    path = tmp_path / "other.npz"
    np.savez(path, **described_arrays(generator, OTHERS, None))
    return generator, path


def literal(generator: Generator, words: list[str]) -> float:
    """−log of the probability of the words that it knows and of the end, over how many these are; the sixth place is an end."""
    weights = [weight.numpy() for weight in generator.trainable_variables]
    ids = [3 + WORDS.index(word) if word else UNK for word in words]
    losses = []
    for t, token in enumerate([*ids, EOS]):
        logits = reference.next_logits(weights, ids[:t])
        logits[[PAD, UNK]] = -np.inf
        if token != UNK and t < 5:
            losses.append(-float(np.log(reference.softmax(logits)[token])))
    return sum(losses) / max(1, len(losses))


def test_scores_are_those_of_the_literal_sum(model: tuple[Generator, Path]) -> None:
    generator, path = model
    texts = ["The cat sleeps.", "the DOG sleeps", "", "<unk> cat", "the cat the cat ."]
    read = [["the", "cat", "sleeps", "."], ["the", "", "sleeps"], [], ["<unk>", "cat"], ["the", "cat", "the", "cat", "."]]
    scores = Fluency(path).scores(texts)
    np.testing.assert_allclose(scores["nll_fluency"], [literal(generator, words) for words in read], rtol=1e-5)
    np.testing.assert_allclose(scores["fluency_unknown"], [0, 1 / 3, 0, 0, 0])


def test_samples_of_another_vocabulary_are_read_as_text(model: tuple[Generator, Path]) -> None:
    """Ids of a run whose words are in another order, and cut at spaces: `sleeps.` is two tokens of the model's.

    What the run does not know the model does not know either, though `<unk>` is a word to it.
    """
    generator, path = model
    vocabulary = Vocabulary(["sleeps.", "The", "cat"])
    table = np.array([[4, 5, 3, EOS], [5, UNK, EOS, PAD]] * 6, np.int32)
    corpus, run = parts_of(table, table[::2], vocabulary), data_settings(source="x", kind="text")  # held out: the likelier one
    expected = {
        "nll_fluency": (literal(generator, ["the", "cat", "sleeps", "."]) + literal(generator, ["cat", ""])) / 2,
        "fluency_unknown": 1 / 4,
    }
    found = RealScores(corpus, run, fluency=Fluency(path)).all(table)
    measured = Measures(corpus, run, None, 12, "", Fluency(path))
    data = RealScores(corpus, run, fluency=Fluency(path)).of_data(table)
    for name, value in expected.items():
        assert found[name].mean == pytest.approx(value, rel=1e-5)
        assert data[name] == pytest.approx(value, rel=1e-5)
        for scores in (measured.of_samples(table), measured.of_data()):
            assert dataclasses.asdict(scores[name])["mean"] == pytest.approx(value, rel=1e-5)
    assert "under other.npz" in measured.caption()
    assert not {*RealScores(corpus, run).all(table)} & {*expected}


def test_an_unknown_token_of_a_run_is_one_token_to_any_model(tmp_path: Path) -> None:
    """And not the five characters of its name, of which three are letters like others."""
    generator = Generator(Vocabulary([*"thekun "]), 8, GeneratorSettings(3, 4))
    generator.initialise(rng(0, "test"), 0.7)
    settings = Settings({**OTHERS.values, "data.tokenizer": "chars", "data.lowercase": False})
    np.savez(tmp_path / "characters.npz", **described_arrays(generator, settings, None))
    vocabulary = Vocabulary(["the", "hut"])
    table = np.array([[3, UNK, EOS], [4, 3, EOS]], np.int32)
    found = Fluency(tmp_path / "characters.npz").of_samples(table, data_settings(source="x", kind="text"), vocabulary)
    assert found["fluency_unknown"].tolist() == [1 / 5, 0.0]


def test_what_it_refuses(model: tuple[Generator, Path], tmp_path: Path) -> None:
    _, path = model
    with pytest.raises(SeqganError, match=r"texts of up to 5 tokens, and a text has 6: .* with --max-length 6\."):
        Fluency(path).scores(["the cat the cat the cat"])
    with pytest.raises(SeqganError, match=r"knows no token of what it scores, such as 'C D E'"):
        Fluency(path).scores(["C D E", "D"])
    numbers = tmp_path / "numbers.npz"
    np.savez(numbers, **oracle_arrays(draw_oracle(0, 5, 4)))
    with pytest.raises(SeqganError, match="an oracle of numbers"):
        Fluency(numbers)
    with pytest.raises(SeqganError, match="Cannot read the oracle"):
        Fluency(tmp_path / "none.npz")
