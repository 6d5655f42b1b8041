"""Which lines are held out."""

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sampled import examples
from seqgan_cli.config.sections import Data
from seqgan_cli.data.split import CHOOSES_AND_REPORTS, held_out_counts
from seqgan_cli.errors import UsageError
from text_read import decoded, numbered

HUNDRED = "".join(f"{i:02}\n" for i in range(100))


@pytest.mark.parametrize(
    ("lines", "share", "held"), [(40, 0.25, 10), (40, 0.1, 4), (100, 0.5, 50), (3, 0.1, 1), (3, 0.99, 2), (2, 0.5, 1)]
)
def test_the_share_of_held_out_lines(tmp_path: Path, lines: int, share: float, held: int) -> None:
    """Rounded, but at least one line on either side."""
    corpus = numbered(tmp_path, "a b\n" * lines, holdout=share)
    assert (len(corpus.train), len(corpus.test)) == (lines - held, held)


def test_the_parts_are_every_line_once(tmp_path: Path) -> None:
    """The training part keeps the file's order, the others have one of their own, of which each row's document is told."""
    corpus = numbered(tmp_path, HUNDRED, tokenizer="chars", holdout=0.3, validation=0.2)
    train, validation, test = (
        [text.replace(" ", "") for text in decoded(corpus, table)] for table in (corpus.train, corpus.validation, corpus.test)
    )
    assert (len(train), len(validation), len(test)) == (50, 20, 30)
    assert sorted(train + validation + test) == HUNDRED.split()
    assert train == sorted(train)
    for held_out, name in ((validation, "validation"), (test, "test")):
        assert held_out != sorted(held_out)
        assert held_out == [f"{document:02}" for document in corpus.held_out[name].documents]


@given(st.integers(3, 60), st.floats(0.01, 0.6), st.floats(0.01, 0.39))
def test_every_part_has_a_document_and_no_document_two_parts(count: int, holdout: float, validation: float) -> None:
    """Shares are rounded, but one document at least is left in each part."""
    counts = held_out_counts(count, Data(source="x", holdout=holdout, validation=validation), "x", "line")
    assert min(counts.values()) >= 1
    assert sum(counts.values()) <= count - 1
    if count > 30:
        assert abs(counts["test"] - count * holdout) <= 1
        assert abs(counts["validation"] - count * validation) <= 1


def test_any_first_sequences_of_a_held_out_part_are_a_fair_sample_of_a_sorted_file(tmp_path: Path) -> None:
    """4,000 lines sorted in ten groups: the first quarter of each part, and a sample of the training part, has its share."""
    corpus = numbered(tmp_path, "".join(f"w{i // 400} x{i}\n" for i in range(4000)), holdout=0.25, validation=0.25)
    for table in (corpus.validation[:250], corpus.test[:250], corpus.train_sample(250)):
        groups = Counter(corpus.vocabulary.tokens[row[0]] for row in table)
        assert len(table) == 250
        assert sum((number - 25) ** 2 / 25 for number in groups.values()) + 25 * (10 - len(groups)) < 27.9, "χ², 9, p = 0.001"


def test_shares_that_leave_nothing_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"data\.holdout=0\.6 and data\.validation=0\.4 leave nothing to train on"):
        numbered(tmp_path, HUNDRED, holdout=0.6, validation=0.4)
    assert len(numbered(tmp_path, HUNDRED, test="01\n", holdout=0.6, validation=0.4).train) == 60


def test_the_seed_chooses_the_held_out_lines(tmp_path: Path) -> None:
    parts = [numbered(tmp_path, HUNDRED, tokenizer="chars", seed=seed) for seed in (1, 1, 2)]
    held = [decoded(corpus, corpus.test) for corpus in parts]
    assert held[0] == held[1]
    assert held[0] != held[2]


def test_a_test_file_leaves_every_line_to_training(tmp_path: Path) -> None:
    corpus = numbered(tmp_path, "a b\n\nb a\na a\n", test="b b\n", holdout=0.9)
    assert decoded(corpus, corpus.train) == ["a b", "b a", "a a"]
    assert decoded(corpus, corpus.test) == ["b b"]


def test_the_summary_counts_lines_blanks_and_tokens(tmp_path: Path) -> None:
    corpus = numbered(tmp_path, "a b c\n\n   \nb\nc c\n \t\r\n", test="a\n")
    assert corpus.summary == (
        f"Data: {tmp_path / 'train.txt'}: 3 lines, 3 blank; 0 longer than 3 tokens, dropped.",
        CHOOSES_AND_REPORTS,
        f"3 training sequences, 1 for test from {tmp_path / 'test.txt'}; 1 to 3 tokens, 2.0 on average.",
        "Vocabulary: 3 tokens (whitespace); unknown: 0.00% of the training tokens, 0.00% of the held-out ones.",
        "Duplicates: 0 of 1 test sequences are also in training.",
    )


@given(
    st.lists(st.integers(1, 6), min_size=2, max_size=9),
    st.lists(st.integers(1, 6), min_size=1, max_size=9),
    st.sampled_from(["drop", "cut", "split"]),
)
@settings(deadline=None, max_examples=examples(50))
@example([2, 3], [1, 9, 9], "drop")
def test_a_long_line_is_told_of_the_file_it_stands_in(
    tmp_path_factory: pytest.TempPathFactory, train: list[int], test: list[int], overlong: str
) -> None:
    folder, longest = tmp_path_factory.mktemp("long"), 3
    texts = ["".join(" ".join("ab"[i % 2] for i in range(n)) + "\n" for n in part) for part in (train, test)]
    texts = ["a b\n" + text for text in texts]  # so that something is left
    summary = numbered(folder, texts[0], test=texts[1], max_length=longest, overlong=overlong).summary
    fate = {"drop": "dropped", "cut": "cut", "split": "split at the ends of sentences"}[overlong]
    long = [sum(n > longest for n in part) for part in (train, test)]
    assert f"{len(train) + 1} lines, 0 blank; {long[0]} longer than 3 tokens, {fate}" in summary[0]
    told = f"Of the held-out data, {folder / 'test.txt'}; {long[1]} longer than 3 tokens, {fate}."
    assert (told in summary) == (long[1] > 0)
    assert sum("longer than" in line for line in summary) == 1 + (long[1] > 0)
