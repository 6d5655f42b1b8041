"""A run that goes on with other data keeps its tokenizer, what its embeddings began with, and its labels."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqgan_cli.data.starts import read_starts
from seqgan_cli.runs.run import Run

FEW = ("--set", "evaluation.samples=16", "--set", "generator.hidden-dim=5", "--quiet", "--threads", 1)
LINES = [f"the {who} {did} in the rain" for who in ("cat", "dog", "gull") for did in ("sat", "sang", "waited", "slept", "fell")]
NEW = [f"a zebra {did} in the rain" for did in ("sat", "sang", "waited")] * 5
PAIRS = [f"where is {who} {i}\t{who} is at {i}" for i in range(6) for who in ("ann", "bob")]


def lines(path: Path, texts: list[str]) -> Path:
    path.write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
    return path


def begin(seqgan: Any, run: Path, *arguments: Any) -> Path:
    outcome = seqgan("pretrain-g", "--run", run, "--epochs", 1, "--preset", "quick", *FEW, *arguments)
    assert outcome.code == 0, outcome.err
    return run


def go_on(seqgan: Any, run: Path, *arguments: Any) -> str:
    outcome = seqgan("pretrain-g", "--run", run, "--continue", "--epochs", 2, "--threads", 1, *arguments)
    assert outcome.code == 0, outcome.err
    return str(outcome.err)


def test_subwords_stay_and_know_all_text(seqgan: Any, tmp_path: Path) -> None:
    bpe = ("--tokenizer", "bpe", "--tokenizer-size", 300, "--max-length", 22)
    own = [lines(tmp_path / f"{i}.txt", LINES[i::2] * 3) for i in range(2)]
    run = begin(seqgan, tmp_path / "run", "--data", own[0], "--data", own[1], *bpe)
    kept, vocabulary = run / "corpus" / "tokenizer.json", (run / "vocabulary.txt").read_bytes()
    before = kept.read_bytes()
    told = go_on(seqgan, run, "--data", lines(tmp_path / "new.txt", [*NEW, "ein Zebra 斑馬 sang"] * 2))
    assert "It knows all tokens of the new data." in told
    assert (kept.read_bytes(), (run / "vocabulary.txt").read_bytes()) == (before, vocabulary)
    assert {path.name for path in (run / "corpus" / "2").iterdir()} == {"train.npz", "validation.npz", "test.npz"}
    corpus = Run(run).corpus()
    assert corpus.tokenizer.content() == before
    texts = {corpus.tokenizer.join(corpus.vocabulary.decode(ids)) for ids in corpus.train}
    assert texts <= {*NEW, "ein Zebra 斑馬 sang"} and len(texts) > 2
    assert seqgan("sample", "-n", 2, "--run", run).out.count("\n") == 2
    assert seqgan("pretrain-g", "--run", run, "--epochs", 3, "--quiet").code == 0


def test_a_tokenizer_of_a_file_stays_what_it_was(seqgan: Any, tmp_path: Path) -> None:
    """Its file is another by now: the run goes on with its own copy, and still says that the file has changed."""
    data = lines(tmp_path / "lines.txt", LINES * 3)
    made = begin(seqgan, tmp_path / "made", "--data", data, "--tokenizer", "bpe", "--tokenizer-size", 300)
    own = tmp_path / "own.json"
    own.write_bytes((made / "corpus" / "tokenizer.json").read_bytes())
    run = begin(seqgan, tmp_path / "run", "--data", data, "--tokenizer", own, "--max-length", 22)
    before = own.read_bytes()
    own.write_text(json.dumps({**json.loads(before), "model": {"type": "BPE", "vocab": {"a": 0}, "merges": []}}))
    go_on(seqgan, run, "--data", lines(tmp_path / "new.txt", NEW))
    assert (run / "corpus" / "tokenizer.json").read_bytes() == before
    assert f"{own} has changed since" in seqgan("pretrain-g", "--run", run).err


def test_word_vectors_are_where_it_began_and_not_read_again(seqgan: Any, tmp_path: Path) -> None:
    vectors = lines(tmp_path / "vectors.txt", ["the 1 2 3", "cat 4 5 6"])
    run = begin(seqgan, tmp_path / "run", "--data", lines(tmp_path / "lines.txt", LINES * 3), "--embeddings", vectors)
    before, origin = read_starts(run), Run(run).record()["origins"]["generator.embeddings"]
    vectors.unlink()
    told = go_on(seqgan, run, "--data", lines(tmp_path / "new.txt", NEW))
    assert "the most frequent a, zebra." in told
    after = read_starts(run)
    assert after.keys() == before.keys() == {"generator"}
    assert np.array_equal(after["generator"].rows, before["generator"].rows)
    assert Run(run).record()["origins"]["generator.embeddings"] == origin
    assert seqgan("pretrain-g", "--run", run, "--epochs", 3, "--quiet").code == 0


def test_pairs_go_on_with_those_of_another_form(seqgan: Any, tmp_path: Path) -> None:
    """Columns first, then two files, then lines with tabs: where pairs stand is no property of the run."""
    texts = [pair.replace("\t", ",") for pair in PAIRS]
    columns = ("--source-column", "ask", "--target-column", "say")
    run = begin(seqgan, tmp_path / "run", "--data", lines(tmp_path / "a.csv", ["ask,say", *texts]), *columns)
    sources, targets = zip(*(pair.split("\t") for pair in PAIRS[:8]), strict=True)
    targets_file = lines(tmp_path / "targets.txt", [*targets])
    told = go_on(seqgan, run, "--data", lines(tmp_path / "sources.txt", [*sources]), "--targets", targets_file)
    assert "It knows all tokens of the new data." in told
    read = Run(run).config().values
    assert (read["data.targets"], read["data.source-column"]) == (str(targets_file), "")
    more = lines(tmp_path / "b.txt", [*PAIRS[:9], "where is eve 1\teve is at 1"] * 2)
    told = go_on(seqgan, run, "--data", more, "--epochs", 3)
    assert "4 are unknown to it and read as <unk>, 1 of " in told and "the most frequent eve." in told
    assert Run(run).config().values["data.targets"] == ""
    first, second = (each["settings"] for each in Run(run).earlier_data)
    assert (first["data.source-column"], second["data.targets"]) == ("ask", str(targets_file))
    assert seqgan("sample", "-n", 1, "--prompt", "where is ann 1", "--run", run).code == 0


def test_a_label_that_it_does_not_know_is_refused(seqgan: Any, tmp_path: Path, contents: Any) -> None:
    moods = [f"{mood}\t{text} {i}" for i in range(8) for mood, text in (("wet", "rain falls"), ("dry", "dust falls"))]
    run = begin(seqgan, tmp_path / "run", "--data", lines(tmp_path / "a.txt", moods), "--kind", "labels")
    before = contents(run)
    command = ("pretrain-g", "--run", run, "--continue", "--epochs", 2)
    outcome = seqgan(*command, "--data", lines(tmp_path / "b.txt", [*moods, "cold\tsnow falls"]))
    assert outcome.code == 1
    assert "'cold' is no label of the run, which has wet, dry." in outcome.err
    assert contents(run) == before
    go_on(seqgan, run, "--data", lines(tmp_path / "b.txt", moods[::-1]))
    assert Run(run).corpus().vocabulary.labels == ["wet", "dry"]


@pytest.mark.parametrize("unit", ["sentence", "paragraph"])
def test_units_are_of_no_use_to_pairs(seqgan: Any, tmp_path: Path, unit: str) -> None:
    outcome = seqgan("corpus", lines(tmp_path / "a.txt", PAIRS), "--kind", "pairs", "--unit", unit)
    assert outcome.code == 2
    assert "--unit is of no use to data of kind pairs: leave it out." in outcome.err
