"""Scorers of a user's own, from the command line: what they give, what is kept, and what is said where they go wrong."""

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from eager import eager
from seqgan_cli.runs.run import Run

pytestmark = pytest.mark.usefixtures("quickly")

LINES = ["a gull sings", "the heron waits", "a dog sleeps", "the cat waits", "a heron sleeps", "the gull sings"] * 8
STEPS = ("adversarial.rollouts=0", "adversarial.batch-size=8", "evaluation.samples=16", "generator.hidden-dim=4")
SETS = [part for each in STEPS for part in ("--set", each)]
BIRDS = "def score(texts):\n    return [float('gull' in t or 'heron' in t) for t in texts]\n"
Call = Callable[..., Any]


@pytest.fixture(scope="module")
def trained(once: Callable[..., Path]) -> Path:
    """A run with two epochs of MLE on a few sentences."""

    def build(folder: Path) -> None:
        from seqgan_cli.cli import main

        (folder / "lines.txt").write_text("\n".join(LINES) + "\n")
        options = ["--run", str(folder / "run"), "--epochs", "2", "--threads", "1", "--quiet", *SETS]
        with eager(), pytest.raises(SystemExit) as ended:  # before a test's own fixtures
            main(["pretrain-g", "--data", str(folder / "lines.txt"), *options])
        assert not ended.value.code

    return once("own-rewards", build) / "run"


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> Path:
    """A copy to go on with."""
    shutil.copytree(trained, tmp_path / "run")
    return tmp_path / "run"


def scorer(tmp_path: Path, code: str = BIRDS) -> str:
    (tmp_path / "mine.py").write_text(code)
    return f"{tmp_path / 'mine.py'}:score"


def rewards(run: Path) -> list[float]:
    return [row.value for row in Run(run).history.rows() if row.metric == "reward_final"]


def test_a_function_scores_the_rounds_and_its_digest_is_recorded(run: Path, tmp_path: Path, seqgan: Call) -> None:
    import hashlib

    place = scorer(tmp_path)
    outcome = seqgan("adversarial", "--run", run, "--reward-file", place, "--rounds", 2, *SETS)
    assert outcome.code == 0, outcome.err
    assert "from the cache" in outcome.err
    record = json.loads((run / "config.json").read_text())
    assert record["settings"]["adversarial.reward"] == {"source": "option", "value": "file"}
    assert record["scorers"] == {"reward.file.path": hashlib.sha256(BIRDS.encode()).hexdigest()}
    assert all(0.0 <= value <= 1.0 for value in rewards(run))
    Path(place.rpartition(":")[0]).write_text(BIRDS.replace("heron", "dog"))
    again = seqgan("adversarial", "--run", run, "--rounds", 3, *SETS)
    assert again.code == 0
    assert "mine.py:score has changed since" in again.err
    assert "--overwrite" in again.err


def test_a_command_and_a_function_that_say_the_same_train_the_same(run: Path, tmp_path: Path, seqgan: Call) -> None:
    other = tmp_path / "other"
    shutil.copytree(run, other)
    program = tmp_path / "birds.py"
    body = "print(int('gull' in line or 'heron' in line), flush=True)"
    program.write_text(f"import sys\nfor line in sys.stdin:\n    {body}\n")
    assert seqgan("adversarial", "--run", run, "--reward-file", scorer(tmp_path), "--rounds", 2, *SETS).code == 0
    command = f"{sys.executable} {program}"
    more = ("--reward-jobs", 2, *SETS)
    assert seqgan("adversarial", "--run", other, "--reward-command", command, "--rounds", 2, *more).code == 0
    assert rewards(run) == rewards(other)
    found, theirs = (Run(each).checkpoints("adversarial").latest(pytest.fail) for each in (run, other))
    assert found
    assert theirs
    for name, array in found.arrays.items():
        assert (array == theirs.arrays[name]).all(), name


def test_what_a_scorer_once_said_is_kept_so_that_a_moody_one_repeats_the_same_bits(
    run: Path, tmp_path: Path, seqgan: Call
) -> None:
    """The round that a stop lost is done again with the scores that it had."""
    place = scorer(tmp_path, "import random\ndef score(texts):\n    return [random.random() for _ in texts]\n")
    assert seqgan("adversarial", "--run", run, "--reward-file", place, "--rounds", 2, *SETS).code == 0
    before, (last, *_) = rewards(run), sorted((run / "checkpoints" / "adversarial").glob("00*2.npz"))
    last.unlink()
    assert seqgan("adversarial", "--run", run, "--rounds", 2, *SETS).code == 0
    assert rewards(run) == before
    (run / "rewards.sqlite").unlink()
    sorted((run / "checkpoints" / "adversarial").glob("00*2.npz"))[0].unlink()
    assert seqgan("adversarial", "--run", run, "--rounds", 2, *SETS).code == 0
    assert rewards(run) != before


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("def score(texts):\n    raise ValueError('no such bird')\n", "no such bird"),
        ("def score(texts):\n    return [float('nan')] * len(texts)\n", "nan is no finite number"),
        ("def score(texts):\n    return [1.0]\n", "1 number"),
        ("import time\ndef score(texts):\n    time.sleep(100)\n", "no answer for 0.5 seconds"),
        ("import os\ndef score(texts):\n    os._exit(3)\n", "exit code 3"),
    ],
)
def test_one_sentence_says_what_is_wrong_and_the_last_round_is_kept(
    code: str, said: str, run: Path, tmp_path: Path, seqgan: Call
) -> None:
    place = scorer(tmp_path)
    assert seqgan("adversarial", "--run", run, "--reward-file", place, "--rounds", 1, *SETS).code == 0
    kept = rewards(run)
    scorer(tmp_path, code)
    outcome = seqgan("adversarial", "--run", run, "--rounds", 4, "--reward-timeout", 0.5, *SETS)
    assert outcome.code == 1
    errors = [line for line in outcome.err.splitlines() if line.startswith("Error: ")]
    assert len(errors) == 1
    assert said in errors[0]
    assert "Traceback" not in outcome.err
    assert rewards(run)[: len(kept)] == kept
    scorer(tmp_path)
    assert seqgan("adversarial", "--run", run, "--rounds", 2, "--reward-timeout", 60, *SETS).code == 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--reward", "file"], "--reward file needs a scorer: --set reward.file.path=FILE.py:FUNCTION."),
        (["--reward", "command"], "--reward command needs a scorer: --set reward.command.line='CMD …'."),
        (["--reward-file", "nowhere.py"], "there is no file"),
        (["--reward-file", "a.py", "--reward-command", "b"], "Two rewards are given"),
    ],
)
def test_what_is_missing_is_refused_before_anything_is_trained(
    options: list[str], said: str, run: Path, seqgan: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    outcome = seqgan("adversarial", "--run", run, *options, "--rounds", 1, *SETS)
    assert outcome.code == 2
    assert said in outcome.err
    assert not Run(run).has("adversarial")


def test_ids_are_given_where_they_are_asked_for(run: Path, tmp_path: Path, seqgan: Call) -> None:
    code = "def score(texts):\n    return [1.0 if t and all(w.isdigit() for w in t.split()) else 0.0 for t in texts]\n"
    place = scorer(tmp_path, code)
    ids = ("--set", "reward.file.input=ids")
    assert seqgan("adversarial", "--run", run, "--reward-file", place, "--rounds", 1, *ids, *SETS).code == 0
    assert rewards(run)[-1] > 0.8  # an empty sequence has none


def test_a_scorer_without_bounds_is_scaled(run: Path, tmp_path: Path, seqgan: Call) -> None:
    place = scorer(tmp_path, "def score(texts):\n    return [30.0 for t in texts]\n")
    scale = ("--set", "reward.file.low=20", "--set", "reward.file.high=60")
    assert seqgan("adversarial", "--run", run, "--reward-file", place, "--rounds", 1, *scale, *SETS).code == 0
    assert rewards(run)[-1] == pytest.approx(0.25)
