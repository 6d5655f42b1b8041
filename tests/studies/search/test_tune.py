"""`seqgan tune` from the command line to its files."""

import csv
import os
import signal
import subprocess
import sys
import time
import tomllib

import pytest

import forked

pytest.importorskip("optuna")


@pytest.fixture
def tune(seqgan, tiny_config):
    def call(*arguments):
        with forked.launched():
            return seqgan("tune", "--config", tiny_config, "--jobs", 2, "--threads", 1, *arguments)

    return call


def test_a_grid_from_search_to_settings(tune, seqgan, tmp_path):
    out = tmp_path / "tune"
    searches = ("--search", "pretrain-g.learning-rate=0.001,0.05", "--sampler", "grid")
    command = (*searches, "--until", "pretrain-g", "--for", "coverage", "--out", out)
    done = tune(*command)
    assert done.code == 0, done.err
    rows = list(csv.DictReader((out / "trials.csv").open()))
    assert sorted(float(row["pretrain-g.learning-rate"]) for row in rows) == [0.001, 0.05]
    best = min(rows, key=lambda row: float(row["nll_validation"]))
    assert best["pretrain-g.learning-rate"] == "0.05"
    assert "2 trials: 2 done." in done.out
    assert "partly luck" in done.out
    assert f"seqgan train --config {out}/trial-{best['trial']}.toml" in done.out
    found = tomllib.loads((out / f"trial-{best['trial']}.toml").read_text())
    assert found["pretrain-g"]["learning-rate"] == 0.05
    assert (out / "trials.png").stat().st_size > 5000
    # The score is that of the checkpoint that such a run would be sampled from.
    settings = ("--config", out / f"trial-{best['trial']}.toml", "--run", tmp_path / "run")
    assert seqgan("pretrain-g", *settings, "-q").code == 0
    history = list(csv.DictReader((tmp_path / "run" / "history.csv").open()))
    assert float(best["nll_validation"]) == min(
        float(row["value"]) for row in history if row["metric"] == "nll_validation" and row["position"] != "0"
    )
    again = tune(*command)
    assert "All 2 trials are done already." in again.err
    assert again.out == done.out
    refused = tune(*command, "--preset", "fast")
    assert refused.code == 2
    assert "begun with preset paper, and this command asks for fast" in refused.err


@pytest.mark.whole
def test_trials_share_what_their_settings_share_and_both_scores_make_a_front(tune, tmp_path):
    out = tmp_path / "tune"
    searches = ("--search", "g-learning-rate=0.001,0.1", "--search", "adversarial.reward=constant,partial")
    done = tune(*searches, "--sampler", "grid", "--out", out)
    assert done.code == 0, done.err
    assert len(list((out / "seed-0").glob("pretrain-g-*.log"))) == 1
    assert len(list((out / "seed-0").glob("adversarial-*.log"))) == 2
    rows = list(csv.DictReader((out / "trials.csv").open()))
    assert [row["ended"] for row in rows].count("failed") == 2, "a judge of prefixes that has none"
    assert all("prefixes" in row["reason"] for row in rows if row["ended"] == "failed")
    scores = {row["trial"]: (float(row["nll_oracle"]), float(row["nll_validation"])) for row in rows if row["ended"] == "done"}
    front = [n for n, s in scores.items() if not any(o != s and o[0] <= s[0] and o[1] <= s[1] for o in scores.values())]
    assert sorted(path.stem.partition("-")[2] for path in out.glob("trial-*.toml")) == sorted(front)
    assert "The front: " in done.out


@pytest.mark.whole
@pytest.mark.compiled
def test_stopped_it_gives_back_and_goes_on(tiny_config, seqgan, tmp_path):
    out = tmp_path / "tune"
    command = ["tune", "--config", str(tiny_config), "--until", "pretrain-g", "--for", "coverage", "--out", str(out)]
    command += ["--search", "pretrain-g.learning-rate=0.001:0.05:log", "--trials", "1", "--set", "pretrain-g.epochs=120"]
    process = forked.Forked([sys.executable, "-m", "seqgan_cli", *command], stdout=subprocess.PIPE, env=os.environ)
    deadline = time.monotonic() + 280
    while not any(int(path.stem) >= 3 for path in out.glob("seed-0/*/checkpoints/pretrain-g/0*.npz")):
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGTERM)
    _, err = process.communicate()
    assert process.returncode == 143
    assert "1 trials at work were saved and given back" in err
    with forked.launched():
        done = seqgan(*command)
    assert done.code == 0, done.err
    log = next(out.glob("seed-0/*.log")).read_text()
    assert "going on after epoch" in log
    assert len(list(out.glob("seed-0/*.log"))) == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--search", "update-rate=1:0"], "must be below"),
        (["--search", "update-rate=0:0.5", "--set", "update-rate=0.3"], "both searched and set"),
        (["--search", "update-rate=0:0.5", "--sampler", "grid"], "needs values to choose from"),
        (["--search", "update-rate=0:0.5", "--until", "pretrain-g"], "changes nothing up to --until pretrain-g"),
        (["--set", "seed=3"], "use --seed"),
        (["--trials", "0"], "--trials"),
        (["--timeout", "0"], "--timeout"),
        (["--data", "nowhere.txt"], "nowhere.txt"),
    ],
)
def test_wrong_input_is_one_sentence(tune, tmp_path, arguments, words):
    done = tune(*arguments, "--out", tmp_path / "new")
    assert done.code in (1, 2)
    assert words in done.err
    assert "Traceback" not in done.err
    assert not (tmp_path / "new").exists()
