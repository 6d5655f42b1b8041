"""Several processes that train one run together: the same curve as one, and what becomes of them when one is lost."""

import csv
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from cluster import ended, start
from eager import eager
from forked import Forked
from sampled import WHOLE
from seqgan_cli.config.resolution import explicit, resolve
from seqgan_cli.data.sources.preparation import prepare
from seqgan_cli.errors import UsageError
from seqgan_cli.runs.run import Run
from seqgan_cli.training.distribution import agreement
from seqgan_cli.training.distribution.placement import placement

SENTENCES = Path(__file__).parents[3] / "data" / "sentences.txt"


def curve(run: Path, metric: str) -> list[float]:
    with (run / "history.csv").open() as file:
        return [float(row["value"]) for row in csv.DictReader(file) if row["metric"] == metric]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sentences prepared for streaming, in the soak all."""
    folder = tmp_path_factory.mktemp("data") / "prepared"
    lines = SENTENCES.read_text(encoding="utf-8").splitlines(keepends=True)
    few = lines if WHOLE else [line for line in lines if len(line.split()) <= 7][:200]
    (folder.parent / "sentences.txt").write_text("".join(few), encoding="utf-8")
    asked = {"data.source": str(folder.parent / "sentences.txt"), "data.kind": "text"}
    prepare(resolve(*explicit(asked, (), None), None, "paper").settings, folder, lambda done, total: None)
    return folder


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory, tiny_config: Path, prepared: Path) -> Path:
    """A run of three processes and 2 epochs (in `make test` two and 1) on streamed data, of which each reads its own."""
    run, (number, epochs) = tmp_path_factory.mktemp("three") / "run", (3, 2) if WHOLE else (2, 1)
    results = ended(start(number, "pretrain-g", "--data", prepared, "--epochs", epochs, "--run", run, "--config", tiny_config))
    assert [(code, out) for code, out, _ in results] == [(0, "")] * number, results
    return run


@pytest.mark.whole
def test_three_processes_follow_the_curve_of_one(
    seqgan: Callable[..., Any], tmp_path: Path, tiny_config: Path, three: Path, prepared: Path
) -> None:
    one = tmp_path / "one"
    assert seqgan("pretrain-g", "--data", prepared, "--run", one, "--config", tiny_config, "--epochs", 2).code == 0
    assert Run(one).history.rows()[-1].step > 50
    for metric in ("nll_train", "loss", "nll_validation"):
        np.testing.assert_allclose(curve(three, metric), curve(one, metric), rtol=1e-5)


def test_the_chief_alone_writes(three: Path) -> None:
    """The others leave nothing, and no row stands twice."""
    rows = [(row.stage, row.position, row.metric) for row in Run(three).history.rows()]
    assert len(rows) == len(set(rows))
    assert [entry.name for entry in three.parent.iterdir()] == ["run"]


@pytest.mark.whole
def test_a_lost_worker_stops_the_others_and_fewer_go_on(seqgan: Callable[..., Any], tmp_path: Path, three: Path) -> None:
    """kill -9 in the midst of rounds: the chief ends soon and names it, and one process alone goes on from its checkpoint.

    They know each other by TF_CONFIG.
    """
    run = Run(three).fork(tmp_path / "run").path
    constant = ("--reward", "constant")  # nothing but rounds, which begin at once
    processes = start(2, "adversarial", "--rounds", 100000, *constant, "--run", run, launched=True)
    while Run(run).position("adversarial") < 2 and all(process.poll() is None for process in processes):
        time.sleep(0.01)
    processes[1].send_signal(signal.SIGKILL)
    (chief, _, said), (other, _, _) = ended(processes)  # how soon, the soak tells
    assert (chief, other) == (1, -signal.SIGKILL)
    last = said.strip().splitlines()[-1]
    assert last.startswith("Error: worker 1 (127.0.0.1:")
    assert "no longer answers" in last
    assert "Traceback" not in said
    further = Run(run).position("adversarial") + 1
    assert seqgan("adversarial", "--rounds", further, "--run", run).code == 0
    assert Run(run).position("adversarial") == further


def test_processes_that_were_asked_for_different_things_are_refused(tmp_path: Path, tiny_config: Path) -> None:
    run = tmp_path / "run"
    results = ended(start(2, "pretrain-g", "--run", run, "--config", tiny_config, others={1: ["--epochs", "7"]}))
    assert [code for code, _, _ in results] == [2, 2]
    for _, _, err in results:
        assert "Error: worker 1 (127.0.0.1:" in err
        assert "has pretrain-g.epochs = 7, and worker 0 (127.0.0.1:" in err
        assert "Traceback" not in err
    assert not (run / "config.json").exists()


def test_another_version_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """By what the processes told each other, which is here made up.

    None leaves before all have heard; whoever is gone then changes nothing in what the others say.
    """
    place = placement("multi-worker", None, "alpha:1,beta:2,gamma:3", 1, {})
    told = [{"the version of seqgan": "0.1.0"}, {"the version of seqgan": "0.1.0"}, {"the version of seqgan": "0.2.0"}]
    exchanges = []

    def gathered(data: bytes, processes: int) -> list[bytes]:
        exchanges.append(data)
        if len(exchanges) == 2:
            raise tf.errors.UnavailableError(None, None, "the connection was closed")
        return [json.dumps(each).encode() for each in told]

    monkeypatch.setattr(agreement, "gathered", gathered)
    with pytest.raises(UsageError, match=r"worker 2 \(gamma:3\) has the version of seqgan = 0\.2\.0, and worker 0 \(alpha:1"):
        agreement.refuse_disagreement(told[1], place)
    assert len(exchanges) == 2
    told[2] = told[0]
    agreement.refuse_disagreement(told[1], place)
    assert len(exchanges) == 3, "where all agree there is nothing to wait for"


def test_an_address_that_another_program_has(tmp_path: Path, tiny_config: Path) -> None:
    with socket.create_server(("0.0.0.0", 0)) as taken:
        port = taken.getsockname()[1]
        together = ["--distribute", "multi-worker", "--cluster", f"127.0.0.1:{port},127.0.0.1:1", "--worker", "0"]
        command = [sys.executable, "-m", "seqgan_cli", "pretrain-g", "--run", tmp_path / "run", "--config", tiny_config]
        ((code, _, err),) = ended([Forked([*command, *together], stdout=subprocess.PIPE, env=os.environ)])
    assert code == 1
    assert f"Error: Cannot listen at 127.0.0.1:{port}" in err
    assert "Traceback" not in err


@pytest.mark.whole
def test_mirrored_from_the_command_line(seqgan: Callable[..., Any], tmp_path: Path, tiny_config: Path) -> None:
    devices = ["--distribute", "mirrored", "--devices", 2]
    run, one = tmp_path / "run", tmp_path / "one"
    assert seqgan("pretrain-g", "--run", run, "--config", tiny_config, *devices).code == 0
    with eager():
        assert seqgan("pretrain-g", "--run", one, "--config", tiny_config).code == 0
    np.testing.assert_allclose(curve(run, "nll_validation"), curve(one, "nll_validation"), rtol=1e-5)
    assert seqgan("adversarial", "--run", run, *devices).code == 0
    scored = seqgan("eval-nll", "--run", run, "--samples", 50, "--json", *devices)
    assert (scored.code, scored.err.count("Traceback")) == (0, 0)
    assert seqgan("eval-nll", "--run", run, "--samples", 50).code == 0
    refused = seqgan("adversarial", "--run", run, "--batch-size", 1, "--rounds", 3, *devices)
    assert refused.code == 2
    assert "adversarial.batch-size is 1" in refused.err
    assert Run(run).config().values["adversarial.batch-size"] == 8, "nothing is recorded"
