"""Held-out sequences that are in training too are counted, and with `data.deduplicate` their documents are removed."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqgan_cli.config.resolution import explicit, resolve
from seqgan_cli.data.corpus import Corpus
from seqgan_cli.data.sources.inference import infer_kind
from seqgan_cli.data.sources.opening import real_corpus
from seqgan_cli.data.sources.preparation import prepare
from seqgan_cli.data.tfrecord.shards import INDEX, take_over
from seqgan_cli.errors import SeqganError, UsageError

LINES = [f"w{i % 17} w{i % 13} w{i % 7}" for i in range(150)]
TWICE = [*LINES, *LINES[:60], *["the same again"] * 20]  # the last: in all three parts


def read(folder: Path, lines: Iterable[str], test: Iterable[str] = (), streamed: bool = False, **own: Any) -> Corpus:
    """The corpus of these lines."""
    asked: dict[str, Any] = {"seed": 1}
    for name, content in {"source": [*lines], "test": [*test]}.items():
        path = folder / f"{name}.txt"
        path.write_text("".join(f"{line}\n" for line in content))
        if content:
            asked[f"data.{name}"] = str(path)
    asked["data.kind"] = infer_kind(asked["data.source"])
    asked |= {f"data.{name.replace('_', '-')}": value for name, value in own.items()}
    settings = resolve(*explicit(asked, (), None), None, "paper").settings
    if streamed:
        return prepare(settings, folder / f"prepared{own.get('deduplicate', False)}", lambda done, total: None)
    return real_corpus(settings)[0]


def texts(corpus: Corpus) -> dict[str, list[str]]:
    """The sequences of each part, in their order."""
    tables = {"train": corpus.sequences.draw(10**9, 0, "all"), **{k: part.tokens for k, part in corpus.held_out.items()}}
    return {name: [" ".join(corpus.vocabulary.decode(ids)) for ids in table] for name, table in tables.items()}


@pytest.mark.parametrize("streamed", [False, True])
def test_what_is_in_training_or_chooses_is_removed_and_counted(tmp_path: Path, streamed: bool) -> None:
    """Against the definition, in sets of Python; the rest stays, in its order, with its documents."""
    plain, fresh = (read(tmp_path, TWICE, streamed=streamed, deduplicate=each) for each in (False, True))
    before, after = texts(plain), texts(fresh)
    train, chosen = {*before["train"]}, {*before["validation"]}
    assert after["train"] == before["train"]
    assert after["validation"] == [line for line in before["validation"] if line not in train]
    assert after["test"] == [line for line in before["test"] if line not in train | chosen]
    again = {name: sum(line in train for line in before[name]) for name in ("validation", "test")}
    chose = sum(line in chosen - train for line in before["test"])
    assert 0 < again["validation"] < 23
    assert 0 < again["test"] < 23
    told = f"Duplicates: {again['validation']} of 23 validation and {again['test']} of 23 test sequences are also in training"
    told += f", and {chose} more of test in validation" * bool(chose)
    gone = again["validation"], again["test"] + chose
    assert plain.summary[-1] == f"{told}; --deduplicate removes {sum(gone)}."
    assert fresh.summary[-1] == f"{told}; --deduplicate removed {gone[0]} of validation and {gone[1]} of test."
    left = {name: len(after[name]) for name in ("validation", "test")}
    parts = f" training sequences, {left['validation']} for validation, {left['test']} for test; "
    assert parts in fresh.summary[-3]
    assert any("stand in the training data as they are" in line for line in plain.summary)
    assert not any("stand in the training data as they are" in line for line in fresh.summary)
    for name, part in fresh.held_out.items():
        assert [TWICE[document] for document in part.documents] == after[name]
    if streamed:
        assert plain.shards.heldout_copied == pytest.approx(again["test"] / 23)
        assert fresh.shards.heldout_copied == 0


@pytest.mark.parametrize("streamed", [False, True])
def test_a_test_file_loses_what_is_in_training_and_what_chooses(tmp_path: Path, streamed: bool) -> None:
    test = [*TWICE[:30], "w1 w1", "w2 w2", "w1 w1"]
    found = read(tmp_path, LINES, test, streamed, deduplicate=True)
    assert sorted(texts(found)["test"]) == ["w1 w1", "w1 w1", "w2 w2"], "twice within the part is twice"
    assert "15 validation and" in found.summary[-1]
    assert found.summary[-1].endswith("of test.")
    assert ", and " in found.summary[-1], "what chooses is told of"


def test_a_document_goes_when_none_of_its_sequences_is_new(tmp_path: Path) -> None:
    """Of a long line in pieces: with one that is new, all stay; where other lines hold each, all go."""
    own: dict[str, Any] = {"overlong": "split", "max_length": 3, "validation": 0.0, "deduplicate": True}
    test = ["a a . b c .", "a a . c b ."]  # two pieces each
    found = read(tmp_path, ["a a .", "b c .", "b a c"], test, **own)
    assert sorted(texts(found)["test"]) == ["a a .", "c b ."]
    assert found.held_out["test"].documents.tolist() == [1, 1]
    assert found.summary[-1] == "Duplicates: 3 of 4 test sequences are also in training; --deduplicate removed 2 of test."
    assert "50% of the held-out sequences stand in the training data as they are" in "\n".join(found.summary)


@pytest.mark.parametrize("streamed", [False, True])
def test_a_part_that_would_be_empty_is_refused(tmp_path: Path, streamed: bool) -> None:
    own: dict[str, Any] = {"validation": 0.0, "streamed": streamed}
    same = read(tmp_path, LINES, LINES[:4], **own)
    assert same.summary[-1] == "Duplicates: 4 of 4 test sequences are also in training.", "no advice that would be refused"
    words = f"{tmp_path / 'test.txt'}: all 4 test sequences are also in training, and --deduplicate leaves none to report by"
    with pytest.raises(SeqganError, match=f"^{words}: leave it out, or hold out others.$"):
        read(tmp_path, LINES, LINES[:4], deduplicate=True, **own)
    words = f"{tmp_path / 'source.txt'}: all 8 validation sequences are also in training, .* none to choose by: "
    with pytest.raises(SeqganError, match=words):
        read(tmp_path, ["a b", "b a"] * 40, ["c"], deduplicate=True, streamed=streamed)
    words = f"{tmp_path / 'test.txt'}: all 1 test sequences are also in training or validation, "
    with pytest.raises(SeqganError, match=words):  # as the networks see it: `a <unk>`
        read(tmp_path, [f"a w{i}" for i in range(40)], ["a z"], deduplicate=True, streamed=streamed)


@pytest.mark.parametrize("streamed", [False, True])
def test_what_is_new_stays_in_its_order(tmp_path: Path, streamed: bool) -> None:
    lines = [f"w{i // 7} w{i % 7} w{(i // 7 + i) % 7}" for i in range(49)]
    plain, fresh = (read(tmp_path, lines, streamed=streamed, deduplicate=each) for each in (False, True))
    told = "Duplicates: 0 of 5 validation and 0 of 5 test sequences are also in training"
    assert plain.summary[-1] == f"{told}."
    assert fresh.summary == (*plain.summary[:-1], f"{told}; --deduplicate removed none.")
    for name, part in fresh.held_out.items():
        assert np.array_equal(part.tokens, plain.held_out[name].tokens)
        assert np.array_equal(part.documents, plain.held_out[name].documents)


@pytest.mark.parametrize("older", [False, True])
def test_prepared_data_are_what_they_were_prepared_to_be(tmp_path: Path, older: bool) -> None:
    """Also those of a version that had no such setting."""
    read(tmp_path, TWICE, streamed=True, deduplicate=False)
    path = tmp_path / "preparedFalse" / INDEX
    index = json.loads(path.read_text())
    if older:
        del index["settings"]["data.deduplicate"]
    path.write_text(json.dumps(index))
    with pytest.raises(UsageError, match=r"was prepared with data\.deduplicate = False, and not True: leave it out, or "):
        take_over({"data.source": str(path.parent), "data.deduplicate": True}, {})
