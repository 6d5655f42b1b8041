"""Places that cannot be written, full disks among them: one sentence, and nothing lost."""

import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("command", [["pretrain-g"], ["train"]])
def test_run_below_a_file(seqgan, refused, tiny_config, tmp_path, command):
    (tmp_path / "file").write_text("kept")
    run = tmp_path / "file" / "run"
    outcome = seqgan(*command, "-q", "--config", tiny_config, "--run", run)
    refused(outcome, 1, f"Cannot read or write {run}: Not a directory. What was saved before is whole.")
    assert (tmp_path / "file").read_text() == "kept"


def test_run_is_a_file(seqgan, refused, tmp_path):
    (tmp_path / "file").write_text("kept")
    refused(seqgan("pretrain-g", "--run", tmp_path / "file"), 2, f"--run {tmp_path / 'file'} is a file: name a directory.")
    assert (tmp_path / "file").read_text() == "kept"


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a place that root cannot write either")
def test_unwritable_place(seqgan, refused, tiny_config):
    outcome = seqgan("pretrain-g", "-q", "--config", tiny_config, "--run", "/proc/run")
    refused(outcome, 1, "Cannot read or write /proc/run: No such file or directory. What was saved before is whole.")


def test_folder_for_output(seqgan, refused, synthetic, tmp_path):
    refused(seqgan("sample", "-o", tmp_path, "--run", synthetic.path), 2, "'-o' / '--output'", "is a directory", usage=True)


def test_output_below_a_file(seqgan, refused, synthetic, tmp_path):
    (tmp_path / "file").write_text("kept")
    outcome = seqgan("sample", "-o", tmp_path / "file" / "out.txt", "--run", synthetic.path)
    assert outcome.code == 1
    assert str(tmp_path / "file") in outcome.err
    refused(outcome, 1, outcome.err.removeprefix("Error: ").removesuffix("\n"))


def test_tensorboard_folder_that_cannot_be_made(seqgan, refused, synthetic_copy):
    (synthetic_copy / "tensorboard").write_text("kept")
    outcome = seqgan("adversarial", "-q", "--rounds", 3, "--tensorboard", "--run", synthetic_copy)
    assert str(synthetic_copy / "tensorboard") in outcome.err
    refused(outcome, 1, outcome.err.removeprefix("Error: ").removesuffix("\n"))
    assert (synthetic_copy / "tensorboard").read_text() == "kept"


def test_a_folder_that_is_no_run_keeps_its_files(seqgan, tiny_config, tmp_path):
    """Whether the command refuses the folder or not."""
    (tmp_path / "vocabulary.txt").write_text("mine")
    (tmp_path / "history.csv").write_text("mine")
    seqgan("pretrain-g", "-q", "--config", tiny_config, "--epochs", 1, "--run", tmp_path)
    assert (tmp_path / "vocabulary.txt").read_text() == "mine"
    assert (tmp_path / "history.csv").read_text() == "mine"


@pytest.mark.whole
def test_full_disk_loses_nothing_and_the_same_command_goes_on(seqgan, contents, synthetic, synthetic_copy):
    """No file may grow past 30 kB: the history still fits, a checkpoint of `adversarial` does not."""
    before = contents(synthetic_copy)
    limit = 30_000
    assert len(before["checkpoints/adversarial/0000002.npz"]) > limit
    assert max(len(before[name]) for name in ("config.json", "history.csv")) < limit / 2
    arguments = ["adversarial", "-q", "--rounds", "3", "--run", str(synthetic_copy)]
    outcome = subprocess.run(
        [sys.executable, "-m", "seqgan_cli", *arguments],
        capture_output=True,
        text=True,
        timeout=280,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    assert outcome.returncode == 1
    assert outcome.stdout == ""
    path = synthetic_copy / "checkpoints" / "adversarial" / "0000003.npz"
    assert outcome.stderr == f"Error: Cannot read or write {path}: File too large. What was saved before is whole.\n"
    after = contents(synthetic_copy)
    assert after.keys() - before.keys() <= {"samples/adversarial-0000003.txt"}  # written before its checkpoint
    changed = {name for name in before if after[name] != before[name]}
    assert changed <= {"config.json", "history.csv"}
    assert json.loads(after["config.json"])["settings"]["adversarial.rounds"] == {"value": 3, "source": "option"}
    outcome = seqgan(*arguments)
    assert (outcome.code, outcome.out, outcome.err) == (0, "", "")  # quiet, too
    again = contents(synthetic_copy)
    assert "checkpoints/adversarial/0000003.npz" in again
    assert again["checkpoints/adversarial/0000002.npz"] == before["checkpoints/adversarial/0000002.npz"]
    rounds = [line.split(",")[1] for line in again["history.csv"].decode().splitlines() if ",nll_oracle," in line][-4:]
    assert rounds == ["0", "1", "2", "3"]
