"""BLEU and Self-BLEU: equal to NLTK's sentence scores on anything, and to hand computations on small cases."""

import itertools
import math
import warnings
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu

from sampled import examples
from seqgan_cli.evaluation.metrics.bleu import SMOOTHING, References, orders_needed, scores

Sentence = Sequence[int]


def table(sentences: Sequence[Sentence], width: int | None = None, fill: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Sentences as the rows of an int32 table and their lengths."""
    lengths = np.array([len(sentence) for sentence in sentences], np.int32)
    tokens = np.full((len(sentences), width or max(1, *lengths, 1)), fill, np.int32)
    for row, sentence in zip(tokens, sentences, strict=True):
        row[: len(sentence)] = sentence
    return tokens, lengths


def bleu(
    references: Sequence[Sentence], hypotheses: Sequence[Sentence], weights: Sequence[float], smoothing: str = "method0"
) -> np.ndarray:
    index = References(*table(references), orders_needed(weights, smoothing))
    return scores(index.match(*table(hypotheses)), weights, smoothing)


def self_bleu(sentences: Sequence[Sentence], weights: Sequence[float], smoothing: str = "method0") -> np.ndarray:
    index = References(*table(sentences), orders_needed(weights, smoothing))
    return scores(index.match(*table(sentences), excluding_self=True), weights, smoothing)


def nltk_bleu(references: Sequence[Sentence], hypothesis: Sentence, weights: Sequence[float], smoothing: str) -> float | None:
    """NLTK's score; None where its method6 stops because no trigram matches."""
    method = getattr(SmoothingFunction(), smoothing)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about scores of zero
        try:
            return float(sentence_bleu(references, hypothesis, tuple(weights), method))
        except AssertionError:
            assert smoothing == "method6"
            return None


def assert_equal_to_nltk(ours: np.ndarray, theirs: Sequence[float | None]) -> None:
    for score, expected in zip(ours, theirs, strict=True):
        if expected is not None:
            assert score == pytest.approx(expected, rel=1e-9, abs=1e-300)


@st.composite
def methods(draw: st.DrawFn) -> tuple[list[float], str]:
    """Weights of 1 to 5 orders and a smoothing that takes so many."""
    smoothing = draw(st.sampled_from(SMOOTHING))
    orders = draw(st.integers(3 if smoothing == "method6" else 1, 5))
    share = st.floats(0.0, 1.0, allow_subnormal=False)
    return draw(st.lists(share, min_size=orders, max_size=orders)), smoothing


def sentences(largest: int, min_size: int, max_size: int = 6) -> st.SearchStrategy[list[list[int]]]:
    return st.lists(st.lists(st.integers(0, largest), max_size=9), min_size=min_size, max_size=max_size)


@settings(deadline=None, max_examples=examples(400))
@given(references=sentences(3, 1), hypotheses=sentences(5, 1), method=methods())
@example(references=[[]], hypotheses=[[], [0], [1, 2]], method=([0.5, 0.5], "method4"))
@example(references=[[0, 0, 0], [0]], hypotheses=[[0, 0], []], method=([0.25] * 4, "method0"))
@example(references=[[0, 1, 2, 3, 0]], hypotheses=[[0, 1, 2, 3, 0]], method=([0.2] * 5, "method7"))
def test_bleu_equals_nltk_for_any_corpus_weights_and_smoothing(
    references: list[list[int]], hypotheses: list[list[int]], method: tuple[list[float], str]
) -> None:
    theirs = [nltk_bleu(references, hypothesis, *method) for hypothesis in hypotheses]
    assert_equal_to_nltk(bleu(references, hypotheses, *method), theirs)


@pytest.mark.parametrize(
    ("orders", "smoothing"), [(n, name) for n in range(1, 6) for name in SMOOTHING if name != "method6" or n >= 3]
)
def test_bleu_equals_nltk_for_every_smoothing_and_order(orders: int, smoothing: str) -> None:
    """A corpus of 60 short sentences, where some orders match and others do not, so that every branch is taken."""
    draws = np.random.default_rng(7)
    corpus = [draws.integers(0, 4, draws.integers(0, 10)).tolist() for _ in range(60)]
    weights = draws.dirichlet(np.ones(orders)).tolist()
    references, hypotheses = corpus[:5], corpus[5:]
    theirs = [nltk_bleu(references, hypothesis, weights, smoothing) for hypothesis in hypotheses]
    assert len([score for score in theirs if score]) > 20
    assert_equal_to_nltk(bleu(references, hypotheses, weights, smoothing), theirs)


@settings(deadline=None, max_examples=examples(300))
@given(corpus=sentences(3, 2), method=methods())
@example(corpus=[[0, 1, 2], [0, 1, 2], [3]], method=([0.5, 0.5], "method0"))
@example(corpus=[[], []], method=([1.0], "method1"))
def test_self_bleu_equals_nltk_with_the_sentence_itself_left_out(
    corpus: list[list[int]], method: tuple[list[float], str]
) -> None:
    theirs = [nltk_bleu(corpus[:i] + corpus[i + 1 :], sentence, *method) for i, sentence in enumerate(corpus)]
    assert_equal_to_nltk(self_bleu(corpus, *method), theirs)


@settings(deadline=None, max_examples=examples(100))
@given(
    references=sentences(3, 1),
    hypotheses=sentences(5, 1),
    method=methods(),
    fill=st.sampled_from([-1, 1, 3, 7, 100_000]),
    extra=st.integers(1, 4),
)
def test_what_stands_past_the_length_changes_nothing(
    references: list[list[int]], hypotheses: list[list[int]], method: tuple[list[float], str], fill: int, extra: int
) -> None:
    weights, smoothing = method
    index = References(*table(references, 9 + extra, fill), orders_needed(weights, smoothing))
    padded = scores(index.match(*table(hypotheses, 9 + extra, fill)), weights, smoothing)
    assert padded.tolist() == bleu(references, hypotheses, weights, smoothing).tolist()


def unlike(corpus: list[list[int]], first: int) -> list[list[int]]:
    """The sentences with a word of its own in each place of a −1."""
    words = itertools.count(first)
    return [[next(words) if token < 0 else token for token in sentence] for sentence in corpus]


def with_unknown(min_size: int) -> st.SearchStrategy[list[list[int]]]:
    return st.lists(st.lists(st.integers(-1, 2), max_size=9), min_size=min_size, max_size=6)


@settings(deadline=None, max_examples=examples(300))
@given(references=with_unknown(1), hypotheses=with_unknown(1), method=methods())
@example(references=[[-1, -1]], hypotheses=[[-1, -1], [-1]], method=([0.5, 0.5], "method0"))
@example(references=[[0, -1, 1, 2]], hypotheses=[[0, -1, 1, 2]], method=([0.25] * 4, "method1"))
def test_a_token_below_0_matches_nothing_as_if_each_were_a_word_of_its_own(
    references: list[list[int]], hypotheses: list[list[int]], method: tuple[list[float], str]
) -> None:
    theirs = [nltk_bleu(unlike(references, 100), hypothesis, *method) for hypothesis in unlike(hypotheses, 1000)]
    assert_equal_to_nltk(bleu(references, hypotheses, *method), theirs)
    if len(references) > 1:
        corpus = unlike(references, 100)
        theirs = [nltk_bleu(corpus[:i] + corpus[i + 1 :], sentence, *method) for i, sentence in enumerate(corpus)]
        assert_equal_to_nltk(self_bleu(references, *method), theirs)


def test_geometric_mean_of_clipped_precisions() -> None:
    """[1 2 4] against [1 2 3]: 2 of 3 unigrams and 1 of 2 bigrams match; same length, no penalty."""
    assert bleu([[1, 2, 3]], [[1, 2, 4]], [0.5, 0.5])[0] == pytest.approx(math.sqrt(2 / 3 * 1 / 2), rel=1e-12)


def test_counts_are_clipped_at_the_largest_count_in_one_reference_not_their_sum() -> None:
    """Seven "the" against references that hold it twice and once: 2 of 7 (Papineni et al. 2002, example 2)."""
    references = [[9, 1, 2, 3, 9, 4, 5], [6, 2, 7, 1, 3, 9, 4]]
    matches = References(*table(references), 2).match(*table([[9] * 7]))
    assert matches.matched.tolist() == [[2, 0]]
    assert matches.total.tolist() == [[7, 6]]
    assert scores(matches, [1.0]).tolist() == pytest.approx([2 / 7], rel=1e-12)


@pytest.mark.parametrize(
    ("references", "hypothesis", "closest", "expected"),
    [
        ([[1, 2, 3, 4]], [1, 2], 4, math.exp(1 - 4 / 2)),  # shorter than the only reference
        ([[1], [1, 2, 3]], [1, 2], 1, 1.0),  # two references equally near: the shorter counts, so no penalty
        ([[1, 2, 3], [1]], [1, 2], 1, 1.0),  # whatever their order
        ([[1, 2, 3], [1, 2]], [1, 2], 2, 1.0),  # an equal length
        ([[1]], [1, 1, 1], 1, 1 / 3),  # longer: no penalty, but clipped
    ],
)
def test_brevity_penalty_takes_the_nearest_reference_length(
    references: list[list[int]], hypothesis: list[int], closest: int, expected: float
) -> None:
    matches = References(*table(references), 1).match(*table([hypothesis]))
    assert matches.reference_length.tolist() == [closest]
    assert scores(matches, [1.0])[0] == pytest.approx(expected, rel=1e-12)


def test_an_empty_hypothesis_and_one_without_a_match_score_zero() -> None:
    for smoothing in SMOOTHING:
        assert bleu([[1, 2, 3]], [[], [7, 8, 9]], [0.4, 0.3, 0.3], smoothing).tolist() == [0.0, 0.0], smoothing


def test_a_token_beyond_the_references_largest_matches_nothing() -> None:
    """Keys are built from token numbers: a larger number must not be taken for another n-gram."""
    references = [[0, 1], [1, 0]]
    for token in range(2, 12):
        matches = References(*table(references), 2).match(*table([[token, 1], [1, token], [0, token]]))
        assert matches.matched.tolist() == [[1, 0], [1, 0], [1, 0]], token


def test_method1_adds_a_tenth_to_an_order_without_a_match() -> None:
    score = bleu([[1, 2, 3]], [[3, 2, 1]], [0.5, 0.5], "method1")[0]
    assert score == pytest.approx(math.sqrt(1.0 * 0.1 / 2), rel=1e-12)


def test_duplicate_sentences_are_references_for_each_other_in_self_bleu() -> None:
    """Two equal sentences score 1, as each has the other; the third shares nothing and scores 0."""
    corpus = [[1, 2, 3, 4], [5, 6, 7, 8], [1, 2, 3, 4]]
    assert self_bleu(corpus, [0.25] * 4).tolist() == [1.0, 0.0, 1.0]


def test_self_bleu_uses_the_second_largest_count_where_the_sentence_holds_the_largest() -> None:
    """1 stands three, two and one times. Left out, the first may match 2 of 3; the others keep all of theirs."""
    corpus = table([[1, 1, 1], [1, 1], [1]])
    matches = References(*corpus, 1).match(*corpus, excluding_self=True)
    assert matches.matched[:, 0].tolist() == [2, 2, 1]
    assert matches.reference_length.tolist() == [2, 1, 2]


def test_self_bleu_of_unlike_sentences_is_below_bleu_against_all() -> None:
    corpus = [[1, 2, 3], [1, 2, 4]]
    assert bleu(corpus, corpus, [1.0]).tolist() == pytest.approx([1.0, 1.0])
    assert self_bleu(corpus, [1.0]).tolist() == pytest.approx([2 / 3, 2 / 3])


def test_more_orders_than_the_longest_sentence_has_tokens() -> None:
    matches = References(*table([[1, 2, 3], [3]]), 8).match(*table([[1, 2, 3], []]))
    assert matches.matched.tolist() == [[3, 2, 1, 0, 0, 0, 0, 0], [0] * 8]
    assert matches.total.tolist() == [[3, 2, 1, 0, 0, 0, 0, 0], [0] * 8]
    assert scores(matches, [1 / 3] * 3).tolist() == pytest.approx([1.0, 0.0])


def test_tables_of_different_widths_can_be_compared() -> None:
    """Hypotheses wider, and narrower, than the references."""
    index = References(*table([[1, 2, 3, 4]]), 3)
    assert index.match(*table([[1, 2]], 2)).matched.tolist() == [[2, 1, 0]]
    assert index.match(*table([[0, 1, 2, 3, 4, 5]], 30)).matched.tolist() == [[4, 3, 2]]


@pytest.mark.parametrize(
    ("orders", "smoothing", "needed"),
    [(1, "method0", 1), (4, "method4", 4), (2, "method5", 5), (6, "method5", 6), (3, "method7", 5), (3, "method6", 3)],
)
def test_orders_needed(orders: int, smoothing: str, needed: int) -> None:
    """Methods 5 and 7 look at 5-grams whatever the last order is."""
    assert orders_needed([1 / orders] * orders, smoothing) == needed


def test_method6_refuses_fewer_than_three_orders() -> None:
    with pytest.raises(ValueError, match="three orders"):
        bleu([[1, 2, 3]], [[1, 2, 3]], [0.5, 0.5], "method6")


def test_an_unknown_smoothing_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"'method8'.*method0, method1"):
        bleu([[1, 2, 3]], [[1, 2, 3]], [0.5, 0.5], "method8")
