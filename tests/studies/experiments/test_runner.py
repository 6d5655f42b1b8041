"""`seqgan experiment` at work: what it trains and leaves, and that it can be stopped anywhere."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from forked import Forked
from seqgan_cli.evaluation.generators import from_record
from seqgan_cli.runs.run import Run
from seqgan_cli.sampling.choices import Sampling
from seqgan_cli.studies.experiments import outputs
from seqgan_cli.studies.experiments.methods import COLDER, SWEEPS, TEMPERATURES
from seqgan_cli.studies.report.experiment_page import experiment_page
from seqgan_cli.studies.tasks import failure

METHODS = "random,mle,mle-best,constant,seqgan"
SMALL = ["--methods", "mle", "--seeds", "1", "--set", "pretrain-g.epochs=40"]


def scores(directory: Path, kind: str = "synthetic") -> list:
    return json.loads((directory / kind / "results.json").read_text(encoding="utf-8"))["rows"]


def test_the_table_and_its_files_are_there(studied):
    out = (studied / "stdout.txt").read_text(encoding="utf-8")
    for title in ("untrained generator", "MLE, best held-out epoch", "constant reward", "SeqGAN", "uniform tokens"):
        assert title in out
    folder = studied / "synthetic"
    for name in (
        "table.md",
        "table.csv",
        "scores.csv",
        "curves.csv",
        "results.json",
        "learning-curves.png",
        "learning-curves.svg",
    ):
        assert (folder / name).stat().st_size > 200, name
    assert {row["method"] for row in scores(studied)} == set(METHODS.split(","))
    assert all(len(row["seeds"]) == 2 for row in scores(studied))


def test_results_are_on_stdout_and_progress_on_stderr(studied):
    out, err = ((studied / f"{name}.txt").read_text(encoding="utf-8") for name in ("stdout", "stderr"))
    assert "done in" in err
    assert "done in" not in out
    assert "nll_oracle" not in err


def test_what_methods_share_is_trained_once(studied):
    for seed in (0, 1):
        folder = studied / f"seed-{seed}"
        last = Run(folder / "mle").checkpoints("pretrain-g").directory / "0000003.npz"
        for method in ("discriminator", "constant", "seqgan"):
            copy = folder / method / "checkpoints" / "pretrain-g" / last.name
            assert copy.stat().st_ino == last.stat().st_ino, "a fork shares the file itself"
        assert not Run(folder / "constant").has("pretrain-d")
        assert not Run(folder / "mle").has("adversarial"), "forks leave what they began from alone"


def test_the_random_row_is_the_generator_before_training(studied):
    row = next(row for row in scores(studied) if row["method"] == "random")
    assert {entry["position"] for entry in row["seeds"].values()} == {0}
    start = Run(studied / "seed-0" / "mle").history.at("pretrain-g", 0)
    assert row["seeds"]["0"]["scores"]["nll_test"]["mean"] == pytest.approx(start["nll_validation"], rel=0.05)


def test_the_same_command_trains_nothing_again_and_gives_the_same(studied, table):
    before = (studied / "synthetic" / "results.json").read_bytes()
    trained = {path: path.stat().st_mtime_ns for path in studied.rglob("checkpoints/**/*.npz")}
    done = table("synthetic", "--seeds", 2, "--methods", METHODS, "--out", studied)
    assert done.code == 0, done.err
    assert "All 8 tasks are done already" in done.err
    assert (studied / "synthetic" / "results.json").read_bytes() == before
    assert {path: path.stat().st_mtime_ns for path in studied.rglob("checkpoints/**/*.npz")} == trained


@pytest.mark.whole
def test_the_frontier_uses_what_the_table_trained(studied, table):
    done = table("frontier", "--seeds", 2, "--out", studied, "--methods", "mle,constant,seqgan")
    assert done.code == 0, done.err
    assert "All 8 tasks are done already" in done.err
    assert (studied / "frontier" / "frontier.svg").exists()
    swept = {(row["method"], row["temperature"]) for row in scores(studied, "frontier")}
    usual = {(method, temperature) for method in ("mle", "constant", "seqgan") for temperature in TEMPERATURES}
    assert usual <= swept
    assert swept - usual <= {(method, temperature) for method in ("mle", "constant") for temperature in COLDER}
    assert "with nll_test no worse" in " ".join(done.out.split()), "the caption of what is matched"


@pytest.mark.whole
def test_top_p_is_swept_as_temperatures_are(studied, table):
    """From 1, which is the distribution as it is, to the narrowest that is needed; coverage is what samples have in common."""
    done = table("frontier", "--sweep", "top-p", "--seeds", 2, "--out", studied, "--methods", "mle,constant,seqgan")
    assert done.code == 0, done.err
    folder = studied / "frontier-top-p"
    assert (folder / "frontier.svg").exists()
    rows, out = scores(studied, folder.name), " ".join(done.out.split())
    assert {row["temperature"] for row in rows} == {1.0}
    sweep = SWEEPS["top-p"]
    for method in ("mle", "constant", "seqgan"):
        own = [row for row in rows if row["method"] == method]
        assert [row["at"] for row in own] == [*sweep.values, *sweep.further][: len(own)]
        for row in own:
            for entry in row["seeds"].values():
                found = from_record(entry["scores"])
                assert found.sampling == Sampling(top_p=row["at"])
                assert set(found.outside) == ({"nll_test", "nll_train"} if row["at"] < 1.0 else set())
                assert 0.0 <= found.real["self_bleu_3"].mean <= 1.0
    assert "quality against coverage over values of top-p" in out
    assert "with self_bleu_3 no worse, between values of top-p along" in out
    assert "at some top-p" in out or "at any top-p" in out
    assert "temperature" not in out
    read, _ = outputs.read(folder)
    assert (read.design.sweep, read.design.coverage) == ("top-p", "self_bleu_3")
    assert "Quality against coverage over values of top-p" in experiment_page(studied).html()


def started(tiny_config: Path, out: Path) -> Forked:
    options = ["--config", str(tiny_config), "--samples", "64", "--jobs", "2", "--threads", "1", "--out", str(out), *SMALL]
    command = [sys.executable, "-m", "seqgan_cli", "experiment", "synthetic", *options]
    return Forked(command, stdout=subprocess.PIPE, env=os.environ)


def wait_for(condition, what: str, seconds: float = 280.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.05)


@pytest.mark.whole
@pytest.mark.compiled  # as the task that lives on is
def test_killed_outright_it_goes_on_to_the_same_scores(tiny_config, experiment, studied, tmp_path):
    for name in ("killed", "whole"):
        (tmp_path / name).mkdir()
        shutil.copy(studied / "estimate.json", tmp_path / name)  # no need to time again
    process = started(tiny_config, tmp_path / "killed")
    mle = Run(tmp_path / "killed" / "seed-0" / "mle")
    wait_for(lambda: mle.position("pretrain-g") >= 3, "training began")
    process.kill()  # the task it started lives on and holds its run
    process.communicate()
    assert mle.position("pretrain-g") < 40, "killed half way"
    done = experiment("synthetic", *SMALL, "--out", tmp_path / "killed")
    assert done.returncode == 0, done.stderr
    whole = experiment("synthetic", *SMALL, "--out", tmp_path / "whole")
    assert whole.returncode == 0, whole.stderr
    assert scores(tmp_path / "killed") == scores(tmp_path / "whole")


@pytest.mark.whole
def test_interrupted_it_stops_its_tasks_and_says_so(tiny_config, studied, tmp_path):
    shutil.copy(studied / "estimate.json", tmp_path)
    process = started(tiny_config, tmp_path)
    mle = Run(tmp_path / "seed-0" / "mle")
    wait_for(lambda: mle.position("pretrain-g") >= 3, "training began")
    os.kill(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=280)
    assert process.returncode == 130
    assert "the same command goes on" in err
    assert not mle.busy, "no task lives on: it would hold its run"
    assert mle.position("pretrain-g") < 40


def test_a_task_that_fails_is_named_with_its_reason(experiment, studied, tmp_path):
    for name in ("experiment.json", "estimate.json"):
        shutil.copy(studied / name, tmp_path)
    (tmp_path / "seed-0").mkdir()
    (tmp_path / "seed-0" / "mle").write_text("")
    done = experiment("synthetic", "--methods", "mle", "--seeds", 1, "--out", tmp_path)
    assert done.returncode == 1
    assert "seed-0/mle: `seqgan pretrain-g` failed: " in done.stderr
    assert "is a file: name a directory" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_dry_run_lists_and_trains_nothing(table, studied, tmp_path):
    shutil.copy(studied / "estimate.json", tmp_path)
    done = table("strategies", "--seeds", 2, "--dry-run", "--out", tmp_path)
    assert done.code == 0, done.err
    assert "seed-1/g100-d1-k10" in done.out
    assert "12 tasks" in done.out
    assert not list(tmp_path.rglob("*.npz"))


def test_partial_results_say_that_they_are(table, tmp_path, studied):
    (tmp_path / "seed-0").mkdir()
    Run(studied / "seed-0" / "mle").fork(tmp_path / "seed-0" / "mle")
    (tmp_path / "experiment.json").write_bytes((studied / "experiment.json").read_bytes())
    done = table("synthetic", "--seeds", 2, "--partial", "--out", tmp_path)
    assert done.code == 0, done.err
    assert "seed-0/seqgan is at 0%" in done.err.replace("\n", " ")
    assert "NOT FINAL: " in (tmp_path / "synthetic" / "table.md").read_text(encoding="utf-8")
    assert {row["method"] for row in scores(tmp_path)} == {"random", "mle", "mle-best"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["tables"], "'tables' is not one of"),
        (["synthetic", "--methods", "mle,gan"], "there is no method 'gan'"),
        (["synthetic", "--set", "data.source=poems.txt"], "leave --data out"),
        (["synthetic", "--set", "seed=3"], "use --seed for the first of them"),
        (["synthetic", "--seeds", "0"], "--seeds"),
        (["synthetic", "--margin", "0"], "--margin"),
        (["synthetic", "--margin", "nan"], "no finite number"),
        (["synthetic", "--set", "adversarial.reward=constant"], "The methods differ in adversarial.reward"),
        (["synthetic", "--set", "adversarial.rollouts=-1"], "must be at least 0"),
        (["synthetic", "--config", "nowhere.toml"], "nowhere.toml"),
    ],
)
def test_wrong_input_is_one_sentence(seqgan, tmp_path, arguments, words):
    done = seqgan("experiment", *arguments, "--preset", "quick", "--out", tmp_path / "new")
    assert done.code == 2
    assert words in done.err
    assert "Traceback" not in done.err
    assert not (tmp_path / "new").exists()


def test_partial_with_nothing_there_says_so(seqgan, tmp_path):
    done = seqgan("experiment", "synthetic", "--preset", "quick", "--partial", "--out", tmp_path)
    assert done.code == 1
    assert "leave --partial out" in done.err


def test_two_experiments_do_not_share_a_directory_at_once(tmp_path):
    from seqgan_cli.errors import SeqganError
    from seqgan_cli.runs import lock

    with (
        lock.held(tmp_path, "An experiment is at work in it", "--out"),
        pytest.raises(SeqganError, match=rf"at work in it \(process {os.getpid()} on .*\): wait for it or use another --out"),
        lock.held(tmp_path, "An experiment is at work in it", "--out"),
    ):
        pass


def test_the_reason_of_a_failure_is_the_error_of_this_attempt(tmp_path):
    log = tmp_path / "log"
    before = "Run x\nError: an older one.\n"
    log.write_text(before + "Error: first.\nmore\nError: pretrain-g: loss is\nnan.\n")
    assert failure(1, log, len(before)) == "failed: pretrain-g: loss is nan."
    log.write_text(before + "Something else\n")
    assert failure(1, log, len(before)) == "failed: Something else"
    log.write_text(before)
    assert failure(1, log, len(before)) == "failed: it said nothing."
    assert failure(-9, log, len(before)) == "was killed by SIGKILL (perhaps for want of memory)."


def test_a_damaged_last_checkpoint_is_trained_again(studied, experiment, tmp_path):
    (tmp_path / "seed-0").mkdir()
    run = Run(studied / "seed-0" / "mle").fork(tmp_path / "seed-0" / "mle")
    for name in ("experiment.json", "estimate.json"):
        shutil.copy(studied / name, tmp_path)
    last = run.checkpoints("pretrain-g").directory / "0000003.npz"
    whole = last.read_bytes()
    last.unlink()  # a fork shares its files
    last.write_bytes(whole[:-100])
    partial = experiment("synthetic", "--methods", "mle", "--seeds", 1, "--partial", "--out", tmp_path)
    assert partial.returncode == 0, partial.stderr
    assert "NOT FINAL: seed-0/mle is at 67%" in partial.stdout
    done = experiment("synthetic", "--methods", "mle", "--seeds", 1, "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "NOT FINAL" not in done.stdout
    mine, theirs = scores(tmp_path)[0]["seeds"]["0"], next(r for r in scores(studied) if r["method"] == "mle")["seeds"]["0"]
    assert mine == theirs


def test_a_run_without_a_best_epoch_is_left_out_of_that_row(studied, table, tmp_path):
    (tmp_path / "seed-0").mkdir()
    run = Run(studied / "seed-0" / "mle").fork(tmp_path / "seed-0" / "mle")
    (run.checkpoints("pretrain-g").directory / "best.npz").unlink()
    for name in ("experiment.json", "estimate.json"):
        shutil.copy(studied / name, tmp_path)
    done = table("synthetic", "--methods", "mle,mle-best", "--seeds", 1, "--out", tmp_path)
    assert done.code == 0, done.err
    assert "it has no best epoch to score" in done.err
    assert [row["method"] for row in scores(tmp_path)] == ["mle"]


def test_tables_that_lose_something_say_so(studied, table, tmp_path):
    shutil.copytree(studied, tmp_path / "copy")
    done = table("synthetic", "--methods", "mle", "--seeds", 1, "--out", tmp_path / "copy")
    assert done.code == 0, done.err
    assert "lose seed 0 of constant, seed 0 of mle-best, seed 0 of random, seed 0 of seqgan, seed 1 of constant" in done.err


def test_scores_that_make_no_sense_are_computed_again(studied, experiment, tmp_path):
    shutil.copytree(studied, tmp_path / "copy")
    kept = list((tmp_path / "copy" / "seed-0" / "mle" / "scores").rglob("*.json"))
    assert kept
    for path in kept:
        path.write_text("{}")
    done = experiment("synthetic", "--methods", METHODS, "--seeds", 2, "--out", tmp_path / "copy")
    assert done.returncode == 0, done.stderr
    assert "is damaged; computing it again" in done.stderr
    assert scores(tmp_path / "copy") == scores(studied)


def test_a_fork_cut_short_leaves_nothing(studied, tmp_path, monkeypatch):
    run = Run(studied / "seed-0" / "mle")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("shutil.copyfile", full)
    with contextlib.suppress(OSError):
        run.fork(tmp_path / "fork")
    assert not (tmp_path / "fork").exists()
    monkeypatch.undo()
    assert run.fork(tmp_path / "fork").config().values == run.config().values
