"""An experiment whose runs several processes share: each trained once, whoever dies."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

pytest.importorskip("optuna")


def test_two_processes_train_each_run_once_and_make_one_table(tiny_config, tmp_path):
    out = tmp_path / "shared"
    command = [sys.executable, "-m", "seqgan_cli", "experiment", "synthetic", "--config", str(tiny_config), "--samples", "64"]
    command += ["--methods", "mle", "--seeds", "3", "--jobs", "1", "--threads", "1", "--out", str(out)]
    command += ["--storage", str(tmp_path / "journal"), "--set", "pretrain-g.epochs=30"]

    def begin() -> subprocess.Popen:
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)

    first = begin()
    deadline = time.monotonic() + 200
    while not list(out.glob("seed-0/mle/checkpoints/*/0000001.npz")):
        assert time.monotonic() < deadline
        assert first.poll() is None, first.communicate()
        time.sleep(0.05)
    second = begin()
    while not list(out.glob("seed-1/mle/checkpoints/*/0000001.npz")):
        assert time.monotonic() < deadline
        assert second.poll() is None, second.communicate()
        time.sleep(0.05)
    os.kill(first.pid, signal.SIGKILL)  # its training goes on by itself, or is done again
    first.wait()
    printed, err = second.communicate()
    assert second.returncode == 0, err
    assert "NOT FINAL" not in printed
    rows = json.loads((out / "synthetic" / "results.json").read_text())["rows"]
    assert sorted(rows[0]["seeds"]) == ["0", "1", "2"]
    for seed in range(3):
        log = (out / f"seed-{seed}" / "mle.log").read_text()
        assert log.count("pretrain-g epoch 30/30") == 1, "trained once"
