"""Scores against real sequences: as NLTK and literal loops have them, under the names that each kind of data is given."""

import dataclasses
import itertools

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu

import reference
from parts import parts_of
from sampled import examples
from seqgan_cli.data.corpus import Corpus
from seqgan_cli.data.vocabulary import EOS, UNK, Vocabulary
from seqgan_cli.evaluation.generators import data_figures
from seqgan_cli.evaluation.quality import Measures
from seqgan_cli.evaluation.real import SELF_BLEU_SAMPLES, RealScores
from tiny import data_settings


def text(num: int, draw: np.random.Generator, length: int = 7) -> np.ndarray:
    """Sequences of 1 … length tokens, `<eos>`, `<pad>`."""
    table = np.zeros((num, length + 1), np.int32)
    for row, end in zip(table, draw.integers(1, length + 1, num), strict=True):
        row[:end], row[end] = draw.integers(3, 8, end), 1
    return table


@pytest.fixture
def lines() -> Corpus:
    draw = np.random.default_rng(0)
    return parts_of(text(40, draw), text(30, draw), Vocabulary(list("abcde")))


def sentences(corpus: Corpus, table: np.ndarray) -> list[list[str]]:
    return [corpus.vocabulary.decode(row) for row in table]


@pytest.mark.parametrize("order", [2, 3, 4, 5])
def test_bleu_is_nltks_with_all_held_out_sequences_as_references(lines: Corpus, order: int) -> None:
    samples = text(20, np.random.default_rng(1))
    found = RealScores(lines, data_settings(source="x", kind="text")).quality(samples)[f"bleu_{order}"]
    smooth, heldout = SmoothingFunction().method1, sentences(lines, lines.test)
    weights = (1 / order,) * order
    expected = [sentence_bleu(heldout, words, weights, smooth) for words in sentences(lines, samples)]
    assert found == pytest.approx(expected)


def test_self_bleu_leaves_out_the_sentence_itself_and_copied_runs_are_the_loops(lines: Corpus) -> None:
    samples = text(20, np.random.default_rng(2))
    found = RealScores(lines, data_settings(source="x", kind="text")).all(samples)
    own, smooth = sentences(lines, samples), SmoothingFunction().method1
    alone = [sentence_bleu(own[:i] + own[i + 1 :], words, (1 / 3,) * 3, smooth) for i, words in enumerate(own)]
    assert found["self_bleu_3"].mean == pytest.approx(np.mean(alone))
    training = sentences(lines, lines.train)
    runs = [reference.longest_copied_run(words, training) for words in own]
    assert found["copied_run"].mean == pytest.approx(np.mean(runs))
    assert found["bleu_2"].low < found["bleu_2"].mean < found["bleu_2"].high


def test_self_bleu_is_of_so_many_samples_however_many_there_are(lines: Corpus) -> None:
    draw = np.random.default_rng(3)
    samples = text(SELF_BLEU_SAMPLES + 50, draw)
    many = parts_of(text(SELF_BLEU_SAMPLES, draw), lines.test, lines.vocabulary)
    scores = RealScores(many, data_settings(source="x", kind="text"))
    assert scores.self_bleu(samples).mean == scores.self_bleu(samples[:SELF_BLEU_SAMPLES]).mean
    assert scores.self_bleu(samples).count == SELF_BLEU_SAMPLES


@settings(deadline=None, max_examples=examples(25))
@given(seed=st.integers(0, 999), share=st.floats(0.0, 0.9))
@example(seed=0, share=0.5)
def test_unknown_matches_nothing_in_any_score(seed: int, share: float) -> None:
    """As if each `<unk>` were a word that stands nowhere else: in samples, held-out sequences and training sequences alike."""
    draw, words = np.random.default_rng(seed), itertools.count()
    tables = [text(12, draw) for _ in range(3)]
    for each in tables:
        each[(each > EOS) & (draw.random(each.shape) < share)] = UNK
    corpus = parts_of(tables[0], tables[1], Vocabulary(list("abcde")))
    own, heldout, training = (
        [[str(next(words)) if word == "<unk>" else word for word in corpus.vocabulary.decode(row)] for row in each]
        for each in (tables[2], tables[1], tables[0])
    )
    found, smooth = RealScores(corpus, data_settings(source="x", kind="text")).all(tables[2]), SmoothingFunction().method1
    expected = np.mean([sentence_bleu(heldout, sentence, (0.5, 0.5), smooth) for sentence in own])
    assert found["bleu_2"].mean == pytest.approx(expected)
    alone = [sentence_bleu(own[:i] + own[i + 1 :], sentence, (1 / 3,) * 3, smooth) for i, sentence in enumerate(own)]
    assert found["self_bleu_3"].mean == pytest.approx(np.mean(alone))
    numbers = {word: i for i, word in enumerate({word for each in (own, training) for sentence in each for word in sentence})}
    ids = [[[numbers[word] for word in sentence] for sentence in each] for each in (own, training)]
    assert found["copied_run"].mean == pytest.approx(np.mean([reference.longest_copied_run(row, ids[1]) for row in ids[0]]))
    measures = Measures(corpus, data_settings(source="x", kind="text"), None, 12, "").of_samples(tables[2])
    assert measures["copied_run"] == found["copied_run"]
    known = [[-1 if word.isdigit() else numbers[word] for word in sentence] for sentence in own]
    assert measures["distinct_2"] == pytest.approx(reference.distinct_n(known, 2), nan_ok=True)


def test_music_has_its_distance_to_held_out_windows() -> None:
    draw = np.random.default_rng(4)
    tables = [draw.integers(0, 89, (12, 6), dtype=np.int32) for _ in range(3)]
    corpus = parts_of(tables[0], tables[1], Vocabulary(size=89))
    scores = RealScores(corpus, data_settings(source="x", kind="music"))
    expected = [reference.nearest_window_mse(window.tolist(), tables[1].tolist()) for window in tables[2]]
    assert scores.quality(tables[2])["nearest_window_mse"] == pytest.approx(expected)
    assert scores.curve(tables[2])["nearest_window_mse"] == pytest.approx(np.mean(expected))


@pytest.mark.parametrize(
    ("source", "kind", "names"),
    [
        ("oracle", "auto", ("nll_oracle",)),
        ("x", "poems", ("bleu_2",)),
        ("x", "music", ("bleu_4", "nearest_window_mse")),
        ("x", "speeches", ("bleu_3", "bleu_4")),
        ("x", "text", ("bleu_3", "bleu_4")),
    ],
)
def test_each_kind_has_the_papers_scores(lines: Corpus, source: str, kind: str, names: tuple[str, ...]) -> None:
    assert data_settings(source=source, kind=kind).kind.quality == names
    if source != "oracle" and kind != "music":
        assert tuple(RealScores(lines, data_settings(source=source, kind=kind)).curve(lines.train)) == names


def test_the_datas_own_marks(lines: Corpus) -> None:
    scores = RealScores(lines, data_settings(source="x", kind="text"))
    figures = data_figures(lines, None, 0, 1000, scores)
    assert figures["bleu_3"] == pytest.approx(scores.all(lines.train)["bleu_3"].mean)
    assert figures["copied_run"] == pytest.approx(scores.all(lines.test)["copied_run"].mean)
    assert figures["copied_run"] < lines.vocabulary.length(lines.train).mean(), "training sequences copy themselves whole"


def test_the_datas_own_self_bleu_is_of_sequences_from_all_documents() -> None:
    """Documents of ten lines that are nearly one: neighbours are alike, and a fair sample of 100 lines of 400 has few pairs."""
    draw = np.random.default_rng(0)
    documents = draw.integers(3, 200, (400, 12)).astype(np.int32)
    train = np.repeat(documents, 10, axis=0)
    train[:, -1] = draw.integers(3, 200, len(train))
    vocabulary = Vocabulary([str(i) for i in range(197)])
    corpus = parts_of(train, train[:20], vocabulary)
    scores = RealScores(corpus, data_settings(source="x", kind="text"))
    smooth, found = SmoothingFunction().method1, data_figures(corpus, None, 0, 100, scores)["self_bleu_3"]
    expected = []
    for _ in range(20):
        own = sentences(corpus, train[draw.permutation(len(train))[:100]])
        every = [sentence_bleu(own[:i] + own[i + 1 :], words, (1 / 3,) * 3, smooth) for i, words in enumerate(own[:20])]
        expected.append(np.mean(every))
    assert abs(found - np.mean(expected)) < 4 * np.std(expected) < 0.4
    assert scores.self_bleu(train[:100]).mean > 0.9, "neighbours"
    assert data_figures(corpus, None, 0, 100, scores)["self_bleu_3"] == found
    assert data_figures(dataclasses.replace(corpus, seed=1), None, 1, 100, scores)["self_bleu_3"] != found


def test_self_bleu_is_of_equal_numbers_where_data_are_few(lines: Corpus) -> None:
    """Forty training sequences: so many samples, too."""
    samples = text(500, np.random.default_rng(3))
    scores = RealScores(lines, data_settings(source="x", kind="text"))
    assert scores.self_bleu(samples).count == len(lines.train) == 40
    assert scores.self_bleu(samples).mean == scores.self_bleu(samples[:40]).mean


def test_variety_of_the_data_is_that_of_as_many_draws(lines: Corpus) -> None:
    """More samples than the forty different sequences: nobody expects more than forty of 400 to differ."""
    figures = data_figures(lines, None, 0, 400)
    assert figures["distinct_share"] == pytest.approx(len({*map(tuple, lines.train.tolist())}) / 400, rel=0.01)
    assert figures["least_distinct_share"] < figures["distinct_share"] / 2 + 1e-9
    assert data_figures(lines, None, 0, 10)["distinct_share"] > 0.8
