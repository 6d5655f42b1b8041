"""A run that goes on with other data: in its own vocabulary, to the same bits however often it is stopped, and its record."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_advice import advice

from seqgan_cli.data.corpus import Corpus
from seqgan_cli.runs.run import Run

OLD = [f"the {a} {b}" for a in ("cat", "dog", "owl", "bird") for b in ("sees", "hears", "knows")] * 2
NEW = [f"a {a} {b}" for a in ("zebra", "dog", "cat") for b in ("sees", "hears the owl", "knows")] * 2 + ["the cat sees"] * 4


def lines(path: Path, texts: list[str]) -> Path:
    path.write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
    return path


@pytest.fixture
def begun(seqgan: Any, tiny_config: Path, tmp_path: Path, once: Callable[..., Path]) -> Path:
    """A run of three epochs on OLD, which was in a file that is gone, with NEW beside it."""

    def build(folder: Path) -> None:
        old = lines(folder / "old.txt", OLD)
        outcome = seqgan("pretrain-g", "-q", "--data", old, "--run", folder / "run", "--config", tiny_config)
        assert outcome.code == 0, outcome.err

    folder = once("to-go-on", build)
    shutil.copy(folder / "old.txt", tmp_path)
    lines(tmp_path / "new.txt", NEW)
    return Path(shutil.copytree(folder / "run", tmp_path / "run"))


def source_of(run: Path) -> str:
    return str(Run(run).config().values["data.source"])


def weights(run: Path) -> dict[str, bytes]:
    found = Run(run).checkpoints("pretrain-g").latest(print)
    assert found is not None
    return {name: array.tobytes() for name, array in found.arrays.items()}


def test_it_goes_on_in_its_own_words_and_says_what_it_does_not_know(seqgan: Any, begun: Path, tmp_path: Path) -> None:
    old, new = Path(source_of(begun)), tmp_path / "new.txt"
    before, vocabulary = Run(begun).corpus(), (begun / "vocabulary.txt").read_bytes()
    outcome = seqgan("pretrain-g", "--data", new, "--continue", "--epochs", 5, "--run", begun)
    assert outcome.code == 0, outcome.err
    tokens = sum(len(text.split()) for text in NEW)  # a, which OLD has not, 18 times, and zebra 6 times
    unknown = "24 are unknown to it and read as <unk>, 2 of 9 types, the most frequent a, zebra."
    assert f"Of the new data's {tokens} tokens {unknown}" in outcome.err
    assert "; 6 longer than 3 tokens, dropped" in outcome.err
    assert (begun / "vocabulary.txt").read_bytes() == vocabulary
    after = Run(begun).corpus()
    assert after.sequence_length == before.sequence_length == 4
    known = {" ".join(text if text in before.vocabulary.tokens else "<unk>" for text in each.split()) for each in NEW}
    rows = np.concatenate([after.train, *(part.tokens for part in after.held_out.values())])
    assert len(rows) == len(NEW) - 6
    assert {" ".join(after.vocabulary.decode(ids)) for ids in rows} <= known
    record = json.loads((begun / "config.json").read_text())
    (earlier,) = record["earlier_data"]
    assert (earlier["settings"], earlier["until"]) == ({"data.source": str(old)}, 3)
    assert earlier["origins"]["data.source"]["size"] == old.stat().st_size
    assert record["settings"]["data.source"]["value"] == str(new)
    assert record["origins"]["data.source"]["size"] == new.stat().st_size
    assert f"Before: {old}, up to epoch 3 of pretrain-g" in seqgan("status", "--run", begun).out
    scored = seqgan("eval-nll", "--samples", 8, "--run", begun)
    assert f"are of {new}, on which {begun} goes on since epoch 3; before that it learned from {old}." in scored.err
    assert seqgan("rerun", begun).code == 1


def test_it_comes_to_the_same_bits_however_often_it_is_stopped(
    seqgan: Any, begun: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ["pretrain-g", "-q", "--data", tmp_path / "new.txt", "--continue"]
    other = Path(shutil.copytree(begun, tmp_path / "other"))
    assert seqgan(*command, "--epochs", 6, "--run", begun).code == 0
    with monkeypatch.context() as killed:  # before the record names the new data
        killed.setattr(Run, "write_config", lambda *_: (_ for _ in ()).throw(OSError("killed")))
        assert seqgan(*command, "--epochs", 6, "--run", other).code == 1
    assert Run(other).corpus().train.shape == Run(begun.parent / "other").corpus().train.shape
    assert not Run(other).earlier_data
    for epochs in (4, 5, 6):
        assert seqgan(*command, "--epochs", epochs, "--run", other).code == 0
        assert len(Run(other).earlier_data) == 1  # the same data again are the same data
    assert weights(other) == weights(begun)
    best = [Run(run).checkpoints("pretrain-g").best() for run in (begun, other)]
    assert best[0] and best[1] and best[0].position == best[1].position > 3


def test_the_best_is_chosen_anew_and_earlier_epochs_can_be_named(seqgan: Any, begun: Path, tmp_path: Path) -> None:
    outcome = seqgan("pretrain-g", "--data", tmp_path / "new.txt", "--continue", "--epochs", 4, "--run", begun)
    assert "of the data before, from here on by nll_validation" in outcome.err
    best = Run(begun).checkpoints("pretrain-g").best()
    assert best is not None and best.position == 4
    assert seqgan("sample", "-n", 1, "--from", "pretrain-g:3", "--run", begun).code == 0
    assert "of the data before" not in seqgan("pretrain-g", "--epochs", 5, "--run", begun).err


def test_a_file_that_has_grown_is_gone_on_with_by_what_is_advised(seqgan: Any, begun: Path, tmp_path: Path) -> None:
    old = lines(tmp_path / "own.txt", OLD)
    assert seqgan("pretrain-g", "-q", "--data", old, "--overwrite", "--run", begun).code == 0
    lines(old, [*OLD, *NEW])
    changed = f"{old} has changed since {begun} read it: what is said of the data is of what they were."
    for command, is_told in ((["eval-nll", "--samples", 8], True), (["sample", "-n", 1, "--novel"], True), (["sample"], False)):
        assert (changed in seqgan(*command, "--run", begun).err.splitlines()) == is_told
    told = seqgan("pretrain-g", "--run", begun)
    words, _ = advice(told.err)
    assert words[-3:] == ["--continue", "--epochs", "4"]
    outcome = seqgan(*words)
    assert outcome.code == 0, outcome.err
    assert "of the new held-out sequences stand in data that it learned from before" in outcome.err
    assert "has changed since" not in seqgan("pretrain-g", "--run", begun).err
    assert [each["until"] for each in Run(begun).earlier_data] == [3]


def test_other_data_are_gone_on_with_by_what_is_advised(seqgan: Any, begun: Path, tmp_path: Path) -> None:
    refused = seqgan("pretrain-g", "--data", tmp_path / "new.txt", "--run", begun)
    assert refused.code == 2
    assert seqgan(*advice(refused.err)[0]).code == 0
    late = seqgan("pretrain-g", "--data", tmp_path / "old.txt", "--continue", "--run", begun)
    assert late.code == 2
    assert seqgan(*advice(late.err)[0]).code == 0
    assert [each["until"] for each in Run(begun).earlier_data] == [3, 4]
    assert Run(begun).corpus_folder == "corpus/3"


def test_what_begins_anew_forgets_the_data_before(seqgan: Any, begun: Path, tmp_path: Path) -> None:
    train = Run(begun).corpus().train
    assert seqgan("pretrain-g", "--data", tmp_path / "new.txt", "--continue", "--epochs", 4, "--run", begun).code == 0
    again = seqgan("pretrain-g", "--data", tmp_path / "old.txt", "--overwrite", "--epochs", 1, "--run", begun)
    assert again.code == 0, again.err
    assert not Run(begun).earlier_data and not (begun / "corpus" / "2").exists()
    assert np.array_equal(Run(begun).corpus().train, train)


def test_later_stages_on_the_data_before_are_restarted(seqgan: Any, text_copy: Path, tmp_path: Path) -> None:
    new = lines(tmp_path / "new.txt", ["the cat follows a child", "that keeper watches the gull"] * 20)
    outcome = seqgan("pretrain-g", "--data", new, "--continue", "--epochs", 4, "--run", text_copy)
    assert outcome.code == 0 and "pretrain-d and adversarial began with an earlier generator" in outcome.err
    assert seqgan("sample", "-n", 1, "--run", text_copy).code == 0
    for stage in ("pretrain-d", "adversarial"):
        refused = seqgan(stage, "--run", text_copy)
        assert refused.code == 1 and "was trained on the data before those that it has now" in refused.err
        (words,) = advice(refused.err)
        assert words[0] == "pretrain-d"
    assert seqgan(*words).code == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--continue"], "--continue is of other data: name them with --data"),
        (["--continue", "--data", "NEW", "--overwrite"], "leave one of them out"),
        (["--continue", "--data", "NEW", "--epochs", 4, "--tokenizer", "chars"], "data.tokenizer is whitespace"),
        (["--continue", "--data", "NEW", "--epochs", 4, "--max-length", 9], "data.max-length is 0"),
        (["--continue", "--data", "NEW", "--epochs", 4, "--unit", "window"], "data.unit is line .* cannot become window"),
        (["--continue", "--data", "speech", "--epochs", 4], "speech"),
        (["--continue", "--data", "NONE", "--epochs", 4], "Cannot read .*none.txt"),
    ],
)
def test_what_cannot_go_on_is_refused_and_changes_nothing(
    seqgan: Any, begun: Path, tmp_path: Path, contents: Any, arguments: list[Any], words: str
) -> None:
    before = contents(begun)
    names = {"NEW": tmp_path / "new.txt", "NONE": tmp_path / "none.txt"}
    outcome = seqgan("pretrain-g", *(names.get(each, each) for each in arguments), "--run", begun)
    assert outcome.code in (1, 2)
    assert re.search(words, outcome.err), outcome.err
    assert contents(begun) == before


def test_there_is_nothing_to_go_on_with(seqgan: Any, tmp_path: Path, synthetic: Any) -> None:
    new = lines(tmp_path / "new.txt", NEW)
    outcome = seqgan("pretrain-g", "--data", new, "--continue", "--run", tmp_path / "run")
    assert (outcome.code, "There is no run in" in outcome.err) == (1, True)
    outcome = seqgan("pretrain-g", "--data", new, "--continue", "--run", synthetic.path)
    assert (outcome.code, "is of synthetic data" in outcome.err) == (2, True)


def test_a_corpus_is_saved_where_it_is_asked_for(tmp_path: Path, begun: Path) -> None:
    corpus: Corpus = Run(begun).corpus()
    corpus.save(tmp_path / "saved", "corpus/2")
    assert {path.name for path in (tmp_path / "saved" / "corpus").iterdir()} == {"2"}
