"""Pairs and labelled texts: every form they come in gives the same sequences, and what is no pair is told with its line."""

import csv
import json
import random
import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqgan_cli.config import registry
from seqgan_cli.data.corpus import Corpus, corpus_of
from seqgan_cli.data.sources.opening import real_corpus
from seqgan_cli.data.vocabulary import LABEL, SEPARATOR
from seqgan_cli.errors import SeqganError, UsageError
from tiny import data_settings

PAIRS = [("how are you ?", "fine ."), ("and you , sir ?", "fine , thanks ."), ("who ?", "me .")]
WRITTEN: dict[str, tuple[dict[str, str], dict[str, str]]] = {  # files, settings
    "tabs": ({"x.txt": "".join(f"{given}\t{said}\n" for given, said in PAIRS)}, {}),
    "csv": ({"x.csv": "ask,reply\n" + "".join(f'"{given}","{said}"\n' for given, said in PAIRS)}, {}),
    "other order": (
        {"x.csv": "n,reply,ask\n" + "".join(f'{n},"{said}","{given}"\n' for n, (given, said) in enumerate(PAIRS))},
        {"source_column": "ask", "target_column": "reply"},
    ),
    "no names": (
        {"x.tsv": "".join(f"{given}\t{said}\n" for given, said in PAIRS)},
        {"source_column": "1", "target_column": "2"},
    ),
    "jsonl": ({"x.jsonl": "".join(json.dumps({"ask": given, "reply": said}) + "\n" for given, said in PAIRS)}, {}),
    "json": ({"x.json": json.dumps([{"ask": given, "reply": said} for given, said in PAIRS])}, {}),
    "two files": (
        {"x.txt": "".join(f"{given}\n" for given, _ in PAIRS), "y.txt": "".join(f"{said}\n" for _, said in PAIRS)},
        {"targets": "y.txt"},
    ),
}


def read(folder: Path, files: dict[str, str], kind: str = "pairs", **own: Any) -> Any:
    for name, text in files.items():
        (folder / name).write_text(text)
    source = str(folder / next(iter(files)))
    if "targets" in own:
        own["targets"] = str(folder / own["targets"])
    settings = data_settings(source=source, kind=kind, **own)
    return registry.kinds[kind].read(source, settings), settings


def sentences(documents: Any) -> list[list[str]]:
    bounds = zip(documents.offsets[:-1], documents.offsets[1:], strict=True)
    return [[documents.tokens[i] for i in documents.ids[start:end]] for start, end in bounds]


@pytest.mark.parametrize("form", WRITTEN)
def test_every_form_gives_the_same_pairs(tmp_path: Path, form: str) -> None:
    files, own = WRITTEN[form]
    documents, _ = read(tmp_path, files, **own)
    assert sentences(documents) == [[*given.split(), SEPARATOR, *said.split()] for given, said in PAIRS]


@pytest.mark.parametrize(
    ("files", "own", "said"),
    [
        ({"x.txt": "a\tb\nc d\n"}, {}, "line 2: has 0 tabs"),
        ({"x.txt": "a\tb\nc\td\te\n"}, {}, "line 2: has 2 tabs"),
        ({"x.txt": "a\nb\n", "y.txt": "c\n"}, {"targets": "y.txt"}, "y.txt ends before line 2"),
        ({"x.csv": "a,b,c\n1 2,3 4,5 6\n"}, {}, "--source-column a --target-column b"),
        ({"x.csv": "a,b,c\n1 2,3 4,5 6\n"}, {"source_column": "a"}, "name both"),
        ({"x.csv": "a,b\n1 2,3 4\n"}, {"source_column": "z", "target_column": "b"}, "'a', 'b'"),
        ({"x.tsv": "how are you ?\tfine .\nwho is it ?\tme .\n"}, {}, "--source-column 1 --target-column 2"),
        ({"x.txt": "a\tb\n"}, {"source_column": "a", "target_column": "b"}, "leave --source-column and --target-column out"),
        ({"x.txt": "a\t\n\tb\n"}, {}, "holds no pairs"),
    ],
)
def test_what_is_no_pair_is_told(tmp_path: Path, files: dict[str, str], own: dict[str, str], said: str) -> None:
    with pytest.raises((SeqganError, UsageError)) as told:
        read(tmp_path, files, **own)
    assert said in str(told.value)


def test_a_table_leaves_the_limit_of_fields_as_it_was(tmp_path: Path) -> None:
    before = csv.field_size_limit()
    read(tmp_path, WRITTEN["csv"][0])
    assert csv.field_size_limit() == before


def test_halves_of_pairs_are_left_out_and_counted(tmp_path: Path) -> None:
    documents, _ = read(tmp_path, {"x.txt": "a\tb\n\tc\nd\t\ne\tf\n"})
    assert len(documents) == 2
    assert {reason: (each.count, each.places) for reason, each in documents.rejected.items()} == {
        "without a source": (1, ["line 2"]),
        "without a target": (1, ["line 3"]),
    }


def corpus(tmp_path: Path, lines: list[str], kind: str, **own: Any) -> Corpus:
    documents, settings = read(tmp_path, {"x.txt": "\n".join(lines) + "\n"}, kind, **own)
    return corpus_of(documents, None, settings.kind.layout(documents, settings), settings.data, 0)


def test_no_label_and_no_separator_is_too_rare(tmp_path: Path) -> None:
    """A label as `<unk>` would be another's, in silence."""
    lines = [*["loud\ta b", "calm\ta c"] * 20, "odd\ta a"] * 2
    found = corpus(tmp_path, lines, "labels", min_count=30, max_vocab=1)
    assert set(found.vocabulary.tokens[3:]) == {SEPARATOR, "a", *(f"{LABEL}{name}" for name in ("loud", "calm", "odd"))}
    assert found.vocabulary.labels[-1] == "odd"


def test_a_label_is_one_token_and_not_the_word_of_that_name(tmp_path: Path) -> None:
    found = corpus(tmp_path, ["very loud\tloud loud", "calm\tvery calm"] * 10, "labels")
    rows = [found.vocabulary.source(row) for row in found.train]
    assert {tuple(each) for each in rows} == {("very loud",), ("calm",)}
    texts = {tuple(found.vocabulary.decode(row)) for row in found.train}
    assert texts == {("loud", "loud"), ("very", "calm")}
    assert (found.vocabulary.source_length(found.train) == 2).all()


def test_labels_of_a_table_are_counted_aloud(tmp_path: Path) -> None:
    rows = ["mood,text,id"] + [f"{mood},the sea is {mood},{i}" for i, mood in enumerate(["calm", "loud", "calm"] * 3)]
    documents, _ = read(tmp_path, {"x.csv": "\n".join(rows) + "\n"}, "labels", label_column="mood", column="text")
    assert documents.notes[-1] == "2 labels: calm (6), loud (3)."
    assert sentences(documents)[0] == [f"{LABEL}calm", SEPARATOR, "the", "sea", "is", "calm"]


def test_a_label_column_tells_the_kind(tmp_path: Path, seqgan: Callable[..., Any]) -> None:
    (tmp_path / "x.csv").write_text("mood,text\n" + "calm,the sea is calm\nloud,the sea is loud\n" * 10)
    outcome = seqgan("corpus", tmp_path / "x.csv", "--label-column", "mood")
    assert outcome.code == 0
    assert "2 labels: calm (10), loud (10)." in outcome.out + outcome.err


# The made-up questions.

SCRIPT = Path(__file__).parents[2] / "data" / "draw_questions.py"


def script(*arguments: str) -> str:
    return subprocess.run([sys.executable, str(SCRIPT), *arguments], capture_output=True, text=True, check=True).stdout


def test_the_questions_of_the_checkout_are_those_of_their_script() -> None:
    assert script() == (SCRIPT.parent / "questions.txt").read_text()


def test_answers_are_checked_one_by_one(tmp_path: Path) -> None:
    """By hand: three crabs have thirty legs, and with two gulls four more."""
    lines = [
        "how many legs have three crabs ?\t30 legs .",
        "tell me , how many legs have two gulls and three crabs together ?\t34 legs .",
        "how many legs has one seal ?\tno legs .",
        "which is larger , the ox or the wren ?\tthe wren .",
        "where does an ox live ?\tin the sea .",
        "where does an ox live ?",
    ]
    scorer = runpy.run_path(str(SCRIPT))["rewards"]
    assert scorer(lines) == [1.0, 1.0, 1.0, 0.0, 0.0, 0.0]
    (tmp_path / "answers.txt").write_text("\n".join(lines) + "\n")
    assert script("--check", str(tmp_path / "answers.txt")) == "50.0% of 6 answers are right.\n"


def test_sums_are_right_by_another_count() -> None:
    legs = {"gull": 2, "heron": 2, "wren": 2, "ox": 4, "oxen": 4, "deer": 4, "hare": 4, "beetle": 6, "spider": 8, "crab": 10}
    words = {"one": 1, "two": 2, "three": 3}
    lines = [line for line in (SCRIPT.parent / "questions.txt").read_text().splitlines() if "together" in line]
    for line in random.Random(0).sample(lines, 200):
        question, answer = line.split("\t")
        total = 0
        for part in question.partition("have ")[2].removesuffix(" together ?").split(" and "):
            number, animal = part.split()
            total += words[number] * legs.get(animal.rstrip("s"), 0)
        assert answer == f"{total or 'no'} legs ."


def test_subwords_are_of_sources_and_targets_and_every_byte_is_one(tmp_path: Path) -> None:
    lines = [f"{given}\t{said}" for given, said in PAIRS] * 10
    (tmp_path / "x.txt").write_text("\n".join(lines) + "\n")
    own = {"tokenizer-size": 260, "tokenizer": "bpe", "kind": "pairs", "source": str(tmp_path / "x.txt")}
    found, _ = real_corpus(data_settings(**own))
    assert found.vocabulary.size == 3 + 1 + 260
    assert found.tokenizer is not None
    join = found.tokenizer.join
    assert {(join(found.vocabulary.source(row)), join(found.vocabulary.decode(row))) for row in found.train} <= set(PAIRS)


def test_tables_hold_pairs_whole(tmp_path: Path) -> None:
    found = corpus(tmp_path, [f"{given}\t{said}" for given, said in PAIRS] * 10, "pairs")
    longest = max(len(given.split()) + 1 + len(said.split()) for given, said in PAIRS)
    assert found.sequence_length == longest + 1
    for row in found.train:
        given, said = (" ".join(tokens) for tokens in (found.vocabulary.source(row), found.vocabulary.decode(row)))
        assert (given, said) in PAIRS
    np.testing.assert_array_equal(found.vocabulary.length(found.train) > 0, True)
