"""`--embeddings` and `--discriminator-embeddings`: rows of a file, bit by bit, and all others as without."""

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqgan_cli.algorithms.mle import untrained_generator
from seqgan_cli.data.starts import read_starts
from seqgan_cli.runs.run import Run

ROWS = {"the": ["0.1", "-2.5e-1", "3", "0.33333"], "cat": ["1", "2", "3", "4"], "zebra": ["9", "9", "9", "9"]}
TEXT = "".join(f"{word} {' '.join(row)}\n" for word, row in ROWS.items())
FEW = ("--quiet", "--threads", "1")
SMALL = ("--epochs", 1, "--set", "evaluation.samples=16", "--set", "generator.hidden-dim=5")


@pytest.fixture
def lines(tmp_path: Path) -> Path:
    path = tmp_path / "lines.txt"
    path.write_text("the cat sat\na cat saw the dog\nthe dog sat\na dog saw a cat\n" * 10)
    return path


@pytest.fixture
def vectors(tmp_path: Path) -> Path:
    path = tmp_path / "vectors.txt.gz"
    path.write_bytes(gzip.compress(f"3 4\n{TEXT}".encode()))
    return path


def table_of(run: Path, network: str, stage: str) -> np.ndarray:
    """The embedding in a checkpoint of one unit."""
    found = Run(run).checkpoints(stage).latest(pytest.fail)
    assert found is not None
    (name,) = [name for name in found.arrays if name.startswith(f"{network}/0.")]
    return np.asarray(found.arrays[name])


def test_rows_are_the_files_bit_by_bit_and_the_others_as_without(
    seqgan: Any, lines: Path, vectors: Path, tmp_path: Path
) -> None:
    """A step size of next to nothing leaves them as they began; the dimension is the file's."""
    still = ("--set", "pretrain-g.learning-rate=1e-30", "--set", "pretrain-d.learning-rate=1e-30")
    made = {}
    for name, own, others in (
        ("with", ("--embeddings", vectors), ("--discriminator-embeddings", vectors)),
        ("without", ("--set", "generator.embedding-dim=4"), ("--set", "discriminator.embedding-dim=4")),
    ):
        begin = ("pretrain-g", "--data", lines, "--run", tmp_path / name, "--preset", "quick", *still)
        outcome = seqgan(*begin, *SMALL, "--set", "discriminator.filters=1:4,2:4", *own, "--threads", 1)
        assert outcome.code == 0, outcome.err
        told = outcome.err
        train_d = seqgan("pretrain-d", "--run", tmp_path / name, "--d-steps", 1, "--k", 1, *others, *FEW)
        assert train_d.code == 0, train_d.err
        networks = (("generator", "pretrain-g"), ("discriminator", "pretrain-d"))
        made[name] = (told, [table_of(tmp_path / name, *each) for each in networks])
    vocabulary, corpus = Run(tmp_path / "with").corpus().vocabulary, Run(tmp_path / "with").corpus()
    ids = {word: vocabulary.encode([word])[0] for word in ("the", "cat")}
    for started, plain in zip(made["with"][1], made["without"][1], strict=True):
        assert started.shape == plain.shape
        for word, i in ids.items():
            assert started[i].tobytes() == np.array([float(number) for number in ROWS[word]], np.float32).tobytes()
        rest = np.delete(np.arange(len(plain)), [*ids.values()])
        assert started[rest].tobytes() == plain[rest].tobytes()
        assert not (started[[*ids.values()]] == plain[[*ids.values()]]).all()
    counted = corpus.train[corpus.train > 1]
    share = sum((counted == i).sum() for i in ids.values()) / len(counted)
    words = f"has vectors of 4 numbers for 2 of {vocabulary.size - 3} words, {share:.1%} of the training tokens. The others"
    assert words in made["with"][0] and "deviation is 0.1, and that of the vectors " in made["with"][0]
    untrained = untrained_generator(Run(tmp_path / "with").config().settings, corpus)
    np.testing.assert_array_equal(untrained.embedding.embeddings.numpy(), made["with"][1][0])


def test_a_run_reads_the_file_once_and_says_what_it_was(seqgan: Any, lines: Path, vectors: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    begin = ("pretrain-g", "--data", lines, "--run", run, "--embeddings", vectors, "--preset", "quick")
    few = (*SMALL, *FEW)
    assert seqgan(*begin, *few).code == 0
    record = json.loads((run / "config.json").read_text())
    assert record["settings"]["generator.embedding-dim"] == {"value": 4, "source": "embeddings"}
    assert record["origins"]["generator.embeddings"]["path"] == str(vectors)
    assert len(record["origins"]["generator.embeddings"]["sha256"]) == 64
    vectors.write_bytes(gzip.compress(b"the 1\n"))
    went_on = seqgan("pretrain-g", "--run", run, "--epochs", 2, *FEW)
    assert went_on.code == 0
    assert f"{vectors} has changed since {run} read it" in went_on.err
    vectors.unlink()
    assert seqgan("pretrain-g", "--run", run, "--embeddings", vectors, "--epochs", 3, *FEW).code == 0
    assert read_starts(run)["generator"].rows.shape == (2, 4)
    other = tmp_path / "other.txt"
    other.write_text(TEXT)
    locked = seqgan("pretrain-g", "--run", run, "--embeddings", other)
    assert locked.code == 2 and f"cannot become {other}: leave it out, use another --run, or restart with" in locked.err
    anew = seqgan("pretrain-g", "--run", run, "--overwrite", "--set", f"generator.embeddings={other}", *few)
    assert anew.code == 0, anew.err
    assert json.loads((run / "config.json").read_text())["origins"]["generator.embeddings"]["path"] == str(other)


@pytest.mark.parametrize(
    ("content", "options", "code", "words"),
    [
        ("the 1 2\ncat 3\n", (), 1, "vectors.txt, line 2: a token and 2 numbers are needed"),
        ("the 1 2\ncat 3 x\n", (), 1, "vectors.txt, line 2: 'x' is no finite number."),
        ("the 1 2\n", ("--embedding-dim", 3), 2, "vectors of 2 numbers, and generator.embedding-dim is 3: leave it out"),
        ("zebra 1 2\n", (), 1, "has a vector for none of the run's"),
        (None, (), 1, "No such file"),
    ],
)
def test_a_file_that_does_not_go_with_the_run_is_named(
    seqgan: Any, lines: Path, tmp_path: Path, content: str | None, options: tuple[Any, ...], code: int, words: str
) -> None:
    path = tmp_path / "vectors.txt"
    if content is not None:
        path.write_text(content)
    outcome = seqgan("pretrain-g", "--data", lines, "--run", tmp_path / "run", "--embeddings", path, *options)
    assert outcome.code == code and words in outcome.err
    assert not (tmp_path / "run").exists()


def test_numbers_have_no_word_vectors(seqgan: Any, tmp_path: Path) -> None:
    (tmp_path / "vectors.txt").write_text("1 2 3\n")
    few = ("--vocab-size", 12, "--sequence-length", 5, "--num-sequences", 20)
    outcome = seqgan("pretrain-g", "--run", tmp_path / "run", *few, "--embeddings", tmp_path / "vectors.txt")
    assert outcome.code == 2 and "tokens of these data are numbers" in outcome.err


def test_words_and_vectors_in_an_npz(seqgan: Any, lines: Path, tmp_path: Path) -> None:
    rows = np.array([ROWS["the"], ROWS["cat"]], np.float32)
    np.savez(tmp_path / "vectors.npz", words=np.array(["the", "cat"]), vectors=rows)
    begin = ("pretrain-g", "--data", lines, "--run", tmp_path / "run", "--embeddings", tmp_path / "vectors.npz")
    assert seqgan(*begin, *SMALL, "--preset", "quick", *FEW).code == 0
    assert sorted(map(tuple, read_starts(tmp_path / "run")["generator"].rows.tolist())) == sorted(map(tuple, rows.tolist()))
