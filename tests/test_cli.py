"""The command group: help without heavy imports, exit codes, signals, and two processes at one run."""

import json
import os
import platform
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from eager import eager
from forked import Forked
from seqgan_cli import __version__
from seqgan_cli.cli import COMMANDS

HEAVY = ("tensorflow", "keras", "nltk", "matplotlib", "scipy")

# Runs command lines one after the other in one process and tells what each left, and which heavy modules came in.
WITHOUT_HEAVY = """
import contextlib, io, json, sys
from seqgan_cli.cli import main
for line in json.load(sys.stdin):
    out, err = io.StringIO(), io.StringIO()
    code = "no exit"
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main(line)
        except SystemExit as ended:
            code = ended.code or 0
    print(json.dumps([code, out.getvalue(), err.getvalue(), [name for name in %r if name in sys.modules]]))
"""


def run_lines(lines: list[list[str]], folder: Path) -> list[list]:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_HEAVY % (HEAVY,)],
        input=json.dumps(lines),
        capture_output=True,
        text=True,
        cwd=folder,
        timeout=280,
        check=True,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_help_needs_nothing_heavy(tmp_path):
    lines = [["--help"], ["-h"], ["--version"], *([name, flag] for name in COMMANDS for flag in ("--help", "-h"))]
    results = run_lines(lines, tmp_path)
    assert len(results) == len(lines)
    for line, (code, out, err, heavy) in zip(lines, results, strict=True):
        assert (line, code, err, heavy) == (line, 0, "", [])
        assert out.startswith(f"seqgan, version {__version__}" if line == ["--version"] else "Usage: seqgan")
    assert list(tmp_path.iterdir()) == []


def test_usage_errors_need_nothing_heavy(tmp_path):
    (tmp_path / "bad.toml").write_text("[data]\nvocab = 3\n")
    lines = [
        ["dance"],
        ["--nonsense"],
        ["train", "--nonsense"],
        ["train", "--preset", "slow"],
        ["train", "--epochs", "-1"],
        ["train", "--set", "nonsense=1"],
        ["train", "--config", "bad.toml"],
        ["train", "--config", "none.toml"],
        ["train", "--run", "bad.toml"],
        ["pretrain-g", "--holdout", "2"],
        ["pretrain-d", "--filters", "x"],
        ["adversarial", "--reward", "x"],
        ["sample", "--temperature", "-1"],
        ["eval-nll", "--temperature", "nan"],
        ["eval-bleu", "--ngram-weights", "x"],
        ["settings", "x"],
    ]
    for line, (code, out, err, heavy) in zip(lines, run_lines(lines, tmp_path), strict=True):
        assert (line, code, out, heavy) == (line, 2, "", [])
        assert "Traceback" not in err
    assert [path.name for path in tmp_path.iterdir()] == ["bad.toml"]


def test_missing_steps_and_settings_need_nothing_heavy(tmp_path):
    others = {"train", "pretrain-g", "settings", "experiment", "tune", "compare"}
    others |= {"eval-grammar", "export", "oracle", "judge", "corpus", "rerun", "score"}
    needy = [name for name in COMMANDS if name not in others]
    lines = [[], ["settings"], ["settings", "seed"], *([name] for name in needy)]
    for line, (code, _, err, heavy) in zip(lines, run_lines(lines, tmp_path), strict=True):
        assert (line, code, heavy) == (line, 0 if line[:1] in ([], ["settings"]) else 1, [])
        assert "Traceback" not in err
    assert list(tmp_path.iterdir()) == []


def test_help_lists_every_command(seqgan):
    out = seqgan("--help").out
    listed = re.findall(r"^  ([a-z-]+)  +(\S.*)$", out.split("Train:\n")[1], re.MULTILINE)
    assert listed == list(COMMANDS.items())


@pytest.mark.parametrize("name", [*(name for name in COMMANDS if name != "judge"), "judge make", "judge score"])
def test_every_option_has_a_meaning_and_a_heading(seqgan, name):
    out = seqgan(*name.split(), "--help").out
    assert out.startswith(f"Usage: seqgan {name} [OPTIONS]")
    assert "\nCommon:\n" in out
    without = {
        "experiment": {"--run"},
        "tune": {"--run"},
        "report": {"--seed"},
        "export": {"--seed"},
        "oracle": {"--seed"},
        "rerun": {"--seed"},
        "score": {"--seed"},
        "compare": {"--run", "--seed"},
        "corpus": {"--run", "--threads"},
        "judge score": {"--run", "--seed", "--threads"},
    }.get(name, set())
    for option in {"--run", "--seed", "--threads", "--quiet", "--verbose", "--help"} - without:
        assert re.search(rf"^  .*{option}\b.*  \S", out, re.MULTILINE), option


def test_version(seqgan):
    outcome = seqgan("--version")
    assert (outcome.code, outcome.out, outcome.err) == (0, f"seqgan, version {__version__}\n", "")


# Processes.


@pytest.fixture(scope="module")
def pretrained(tiny_config: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with a pre-trained generator and no reward to learn: rounds are as quick as can be."""
    from seqgan_cli.cli import main

    run = tmp_path_factory.mktemp("cli") / "run"
    constant = ["--set", "adversarial.reward=constant", "--set", "adversarial.rollouts=1"]
    with eager(), pytest.raises(SystemExit) as ended:
        main(["pretrain-g", "-q", "--epochs", "1", "--config", str(tiny_config), "--run", str(run), *constant])
    assert not ended.value.code
    return run


@pytest.fixture
def training(pretrained: Path, number: int) -> Iterator[subprocess.Popen | Forked]:
    """A process that trains in `pretrained` until it is stopped, and has saved at least one round more.

    For SIGINT it is started as a user starts it, for the others forked.
    """
    stage = pretrained / "checkpoints" / "adversarial"
    before = max(stage.glob("0*.npz"), default=None)
    command = [sys.executable, "-m", "seqgan_cli", "adversarial", "--rounds", "100000", "--run", str(pretrained)]
    process: subprocess.Popen | Forked
    if number == signal.SIGINT:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    else:
        with eager():  # a round comes after seconds of compiling otherwise
            process = Forked(command, stdout=subprocess.PIPE, env=os.environ)
    try:
        started = time.monotonic()
        while max(stage.glob("0*.npz"), default=None) == before:
            assert process.poll() is None, process.communicate()[1]
            assert time.monotonic() - started < 280
            time.sleep(0.05)
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.mark.sampled(1)
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_signals_stop_training_with_one_message(seqgan, pretrained, training, number, code):
    if number == signal.SIGTERM:  # meanwhile, from another process
        second = seqgan("adversarial", "--rounds", 200000, "-q", "--run", pretrained)
        assert (second.code, second.out) == (1, "")
        whose = f"(process {training.pid} on {platform.node()})"
        assert second.err == f"Error: Another seqgan is training in {pretrained} {whose}: wait for it or use another --run.\n"
        assert json.loads((pretrained / "config.json").read_text())["settings"]["adversarial.rounds"]["value"] == 100000
        restart = seqgan("pretrain-g", "--overwrite", "-q", "--run", pretrained)
        assert restart.code == 1
        assert (pretrained / "checkpoints" / "pretrain-g" / "0000001.npz").exists()
        drawn = seqgan("sample", "-n", 5, "--run", pretrained)
        assert (drawn.code, drawn.err, drawn.out.count("\n")) == (0, "", 5)
        assert seqgan("status", "--run", pretrained).code == 0
        assert training.poll() is None
    training.send_signal(number)
    out, err = training.communicate(timeout=280)
    assert training.returncode == code
    assert out == ""
    assert "Traceback" not in err
    assert "WARNING" not in err
    stopped = [line for line in err.splitlines() if line and not line.startswith("adversarial round ")][-1]
    said = re.fullmatch(
        r"Stopped\. adversarial is saved up to round (\d+) of 100000; the same command goes on from there\.", stopped
    )
    assert said
    assert err.count("Stopped.") == 1
    assert int(said[1]) == max(int(path.stem) for path in (pretrained / "checkpoints" / "adversarial").glob("0*.npz"))
    assert not list(pretrained.rglob(".writing-*"))


@pytest.mark.sampled(2)
@pytest.mark.parametrize("command", [["status"], ["settings"], ["settings", "data.overlong"]])
def test_output_on_a_terminal_without_unicode(pretrained, command):
    """What the encoding lacks is replaced; nothing breaks."""
    done = subprocess.run(
        [sys.executable, "-m", "seqgan_cli", *command, "--run", str(pretrained)],
        capture_output=True,
        env={"PYTHONIOENCODING": "ascii", "PATH": "/usr/bin:/bin"},
        timeout=280,
    )
    assert done.stderr.decode() == ""
    assert done.returncode == 0


def test_output_that_is_closed(pretrained):
    """`>&-`: there is nowhere to write, and that is said in a sentence or not at all."""
    done = subprocess.run(
        ["bash", "-c", '"$0" -m seqgan_cli status --run "$1" >&-', sys.executable, str(pretrained)],
        stderr=subprocess.PIPE,
        text=True,
        timeout=280,
    )
    assert "Traceback" not in done.stderr
    assert done.stderr.count("\n") <= 1


def test_ctrl_c_while_another_is_seen_to_shows_no_traceback(seqgan, monkeypatch):
    from seqgan_cli import cli

    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(cli.group, "main", stop)
    monkeypatch.setattr(cli, "next", stop, raising=False)  # what looks at the first meets the second
    assert seqgan("status").code == 130
