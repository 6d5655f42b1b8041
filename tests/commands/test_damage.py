"""Damaged files of a run: what is whole is used, what is not is named, and what is advised mends it."""

import shutil
from pathlib import Path

import numpy as np
import pytest


def damage(path: Path, how: str) -> None:
    content = path.read_bytes()
    if how == "truncated":
        path.write_bytes(content[: len(content) // 2])
    elif how == "emptied":
        path.write_bytes(b"")
    elif how == "overwritten":
        path.write_bytes(b"not a checkpoint\n" * 100)
    elif how == "one bit flipped":
        path.write_bytes(content[:5000] + bytes([content[5000] ^ 1]) + content[5001:])
    elif how == "no archive":  # a single array in NumPy's own format
        with path.open("wb") as file:
            np.save(file, np.zeros(3))
    elif how == "encrypted":  # one bit of the archive's directory, which says that its first member is encrypted
        place = content.index(b"PK\x01\x02") + 8
        path.write_bytes(content[:place] + bytes([content[place] | 1]) + content[place + 1 :])


@pytest.mark.parametrize("how", ["truncated", "emptied", "overwritten", "one bit flipped", "no archive", "encrypted"])
def test_the_checkpoint_before_a_damaged_one_is_used(seqgan, synthetic_copy, how):
    stage = synthetic_copy / "checkpoints" / "adversarial"
    (stage / "0000002.npz").unlink()
    before = seqgan("sample", "-n", 5, "--run", synthetic_copy)
    shutil.copy(stage / "0000001.npz", stage / "0000002.npz")
    damage(stage / "0000002.npz", how)
    after = seqgan("sample", "-n", 5, "--run", synthetic_copy)
    assert after.code == 0, after.err
    assert after.err == f"Warning: {stage / '0000002.npz'} is damaged. Using the one before: 0000001.npz.\n"
    assert after.out == before.out


def test_training_goes_on_from_the_last_good_checkpoint(seqgan, synthetic, synthetic_copy):
    stage = synthetic_copy / "checkpoints" / "adversarial"
    damage(stage / "0000002.npz", "truncated")
    outcome = seqgan("adversarial", "--run", synthetic_copy)
    assert outcome.code == 0
    assert f"Warning: {stage / '0000002.npz'} is damaged. Using the one before: 0000001.npz.\n" in outcome.err
    assert "adversarial: going on after round 1.\n" in outcome.err
    with (
        np.load(stage / "0000002.npz") as again,
        np.load(synthetic.path / "checkpoints" / "adversarial" / "0000002.npz") as first,
    ):
        assert again.files == first.files
        for name in first.files:
            assert np.array_equal(again[name], first[name])


@pytest.mark.parametrize("command", ["adversarial", "sample", "eval-nll", "eval-bleu"])
def test_no_good_checkpoint(seqgan, refused, contents, synthetic_copy, command):
    stage = synthetic_copy / "checkpoints" / "adversarial"
    for name in ("0000001.npz", "0000002.npz"):
        damage(stage / name, "truncated")
    files = {name: content for name, content in contents(synthetic_copy).items() if name != "config.json"}
    outcome = seqgan(command, "-q", "--run", synthetic_copy)
    refused(
        outcome,
        1,
        f"{stage / '0000002.npz'} is damaged; {stage / '0000001.npz'} is damaged, and there is no good checkpoint before. "
        f"Restart the stage with `seqgan adversarial --run {synthetic_copy} --overwrite`.",
    )
    assert {name: content for name, content in contents(synthetic_copy).items() if name != "config.json"} == files


def test_damaged_best_checkpoint(seqgan, refused, synthetic_copy):
    best = synthetic_copy / "checkpoints" / "pretrain-g" / "best.npz"
    damage(best, "truncated")
    outcome = seqgan("sample", "--from", "best", "--run", synthetic_copy)
    refused(outcome, 1, f"{best} is damaged. Use the last checkpoint instead, or restart the stage.")


def test_checkpoint_of_another_run(seqgan, refused, text, synthetic_copy):
    stage = synthetic_copy / "checkpoints" / "adversarial"
    foreign = text.path / "checkpoints" / "adversarial" / "0000002.npz"
    shutil.copy(foreign, stage / "0000002.npz")
    outcome = seqgan("sample", "-n", 2, "--run", synthetic_copy)
    assert outcome.code == 0
    belongs = "belongs to another run (of other data)"
    assert outcome.err == f"Warning: {stage / '0000002.npz'} {belongs}. Using the one before: 0000001.npz.\n"
    assert outcome.out.count("\n") == 2
    (stage / "0000001.npz").unlink()
    refused(
        seqgan("sample", "--run", synthetic_copy),
        1,
        f"{stage / '0000002.npz'} {belongs}, and there is no good checkpoint before. "
        f"Restart the stage with `seqgan adversarial --run {synthetic_copy} --overwrite`.",
    )


@pytest.mark.parametrize("how", ["truncated", "no archive", "encrypted"])
def test_damaged_corpus(seqgan, refused, synthetic_copy, how):
    corpus = synthetic_copy / "corpus" / "test.npz"
    damage(corpus, how)
    outcome = seqgan("sample", "--run", synthetic_copy)
    assert f"Cannot read {corpus} (" in outcome.err
    refused(outcome, 1, outcome.err.removeprefix("Error: ").removesuffix("\n"))


def test_what_is_advised_for_a_damaged_corpus_mends_it(seqgan, synthetic, synthetic_copy):
    corpus = synthetic_copy / "corpus" / "test.npz"
    damage(corpus, "truncated")
    outcome = seqgan("pretrain-g", "--run", synthetic_copy)
    assert outcome.code == 1
    assert outcome.err.endswith(f"begin anew with `seqgan pretrain-g --run {synthetic_copy} --overwrite`.\n")
    outcome = seqgan("pretrain-g", "--overwrite", "--epochs", 1, "--run", synthetic_copy)
    assert outcome.code == 0, outcome.err
    assert corpus.read_bytes() == (synthetic.path / "corpus" / "test.npz").read_bytes()


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff\xfe", b"[]", b'{"settings": {"seed": {"value": "x", "source": "option"}}}'],
)
@pytest.mark.parametrize("command", ["status", "sample", "pretrain-g"])
def test_damaged_config(seqgan, refused, contents, synthetic_copy, content, command):
    path = synthetic_copy / "config.json"
    path.write_bytes(content)
    files = contents(synthetic_copy)
    outcome = seqgan(command, "--run", synthetic_copy)
    assert f"{path} is damaged (" in outcome.err
    assert outcome.err.endswith("): restore it, or use another --run.\n")
    refused(outcome, 1, outcome.err.removeprefix("Error: ").removesuffix("\n"))
    assert contents(synthetic_copy) == files


@pytest.mark.parametrize("command", ["status", "sample", "pretrain-g"])
def test_config_without_settings_costs_nothing_else(seqgan, contents, synthetic_copy, command):
    """Whatever is made of a run whose settings are missing, its corpus and checkpoints stay."""
    (synthetic_copy / "config.json").write_text('{"settings": {}}')
    before = {name: content for name, content in contents(synthetic_copy).items() if name != "config.json"}
    outcome = seqgan(command, "-q", "--run", synthetic_copy)
    assert outcome.code == 0 or outcome.err.startswith("Error: ")
    assert {name: content for name, content in contents(synthetic_copy).items() if name != "config.json"} == before


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\0\0", b"stage,position\npretrain-g,\0\n", b"nothing\nof, the kind\n"])
def test_damaged_history_leaves_status_whole(seqgan, synthetic_copy, content):
    (synthetic_copy / "history.csv").write_bytes(content)
    outcome = seqgan("status", "--run", synthetic_copy)
    assert outcome.code == 0, outcome.err
    assert "12 of 12 epochs" in outcome.out
