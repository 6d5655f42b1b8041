"""Processes that are killed: at random moments, under load, and at the touches of the disk a checkpoint is made of.

After every one the same command goes on; what it comes to is held against a run that nobody killed, to the last bit. The
processes are forked from one that has imported TensorFlow and done nothing else, which costs a quarter of starting them anew;
the run that nobody kills is also done by the program as users start it.
"""

import contextlib
import dataclasses
import json
import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from multiprocessing.context import ForkServerProcess
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent)]

from faults import At, touching  # noqa: E402
from seqgan_cli.config.settings import STAGES  # noqa: E402
from seqgan_cli.runs.run import Run  # noqa: E402
from tiny import TINY  # noqa: E402

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["__main__", "tensorflow", "seqgan_cli.algorithms.adversarial", "scipy.stats"])

UNITS = {"pretrain-g": ("--epochs", 24), "pretrain-d": ("--d-steps", 16), "adversarial": ("--rounds", 16)}
TOUCHES = 30  # of the disk, about, in a unit
BUSY = "while True: pass"
# Scorers of a user's own that go wrong once in a while; what they say is a function of the text.
SCORER = """import random, os, time, zlib
def score(texts):
    if random.random() < 0.05:
        {trouble}
    return [zlib.crc32(text.encode()) % 100 / 100 for text in texts]
"""
TROUBLES = {
    "dies": "os._exit(3)",
    "hangs": "time.sleep(60)",
    "lies": "return [float('nan')] * len(texts)",
    "is slow": "time.sleep(0.1)",
}
HOW = ("SIGKILL", "SIGKILL at a touch", "SIGINT", "SIGKILL", "SIGKILL at a touch", "SIGTERM", "SIGINT twice")  # in turn


@dataclasses.dataclass
class Killed:
    """What came of killing one stage. kills: by how; lost: units that were done and had to be done again; runs: compared."""

    stage: str
    kills: dict[str, int]
    lost: int
    runs: int
    wrong: list[str]


def config(folder: Path, trouble: str = "") -> Path:
    own: dict[str, Any] = {}
    if trouble:
        (folder / "scorer.py").write_text(SCORER.format(trouble=TROUBLES[trouble]), encoding="utf-8")
        own = {"adversarial.reward": "file", "adversarial.reward-timeout": 1.0}
        own["reward.file.path"] = f"{folder / 'scorer.py'}:score"
    values = {**TINY, **own, **{f"{stage}.{option[2:]}": count for stage, (option, count) in UNITS.items()}}
    path = folder / "soak.toml"
    sections: dict[str, list[str]] = {}
    for name, value in values.items():
        section, _, leaf = name.rpartition(".")
        sections.setdefault(section, []).append(f"{leaf} = {json.dumps(value)}")
    path.write_text("\n".join(f"[{section}]\n" + "\n".join(lines) for section, lines in sections.items()), encoding="utf-8")
    return path


def state(run: Path, stage: str) -> dict[str, Any]:
    """All that a stage leaves but wall-clock times."""
    found: dict[str, Any] = {}
    for path in sorted((run / "checkpoints" / stage).glob("*.npz")):
        with np.load(path) as file:
            found[path.name] = {name: file[name].tobytes() for name in file.files}
    found["history"] = [(r.position, r.step, r.metric, r.value) for r in Run(run).history.rows() if r.stage == stage]
    found["samples"] = {path.name: path.read_bytes() for path in sorted((run / "samples").glob(f"{stage}-*.txt"))}
    found["left behind"] = [path.name for path in run.rglob(".writing-*")]
    return found


def command(stage: str, run: Path, settings: Path) -> list[str]:
    return [stage, "--run", str(run), "--config", str(settings), "--threads", "1", "-q"]


def train(arguments: list[str], at_touch: int, begun: Event) -> None:
    """The command line, in a process of its own."""
    from seqgan_cli.cli import main

    os.setsid()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored by all that a shell starts in the background
    for stream in (1, 2):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
    die = At(at_touch, lambda what: os.kill(os.getpid(), signal.SIGKILL))
    begun.set()
    try:
        with touching(die) if at_touch else contextlib.nullcontext():
            main(arguments)
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # what follows is no longer the program


def start(arguments: list[str], at_touch: int = 0) -> ForkServerProcess:
    """The command line in a process of its own; with `at_touch`, one that kills itself at that touch of the disk."""
    begun = PROCESSES.Event()
    process = PROCESSES.Process(target=train, args=(arguments, at_touch, begun))
    process.start()
    begun.wait()  # a signal before it would stop Python and not the program
    return process


def run_through(arguments: list[str], again: bool = False) -> float:
    """The seconds that nobody disturbs it; `again`: it may end with an error, and goes on."""
    began, process = time.monotonic(), start(arguments)
    process.join()
    while again and process.exitcode == 1:
        process = start(arguments)
        process.join()
    assert process.exitcode == 0, process.exitcode
    return time.monotonic() - began


def kill_stage(stage: str, kills: int, folder: Path, seed: int, trouble: str = "") -> Killed:
    """Kill a stage that often, each time going on from where it was, and compare every run that comes to its end.

    `trouble`: of TROUBLES, what a scorer of the rounds does once in a while; what ends with it goes on too.
    """
    settings, draw = config(folder, trouble), random.Random(f"{seed} {stage}")
    run_through(["settings"])  # so that what comes before the first process counts for none
    base = folder / "base"
    for earlier in STAGES[: STAGES.index(stage)]:
        run_through(command(earlier, base, settings))
    whole, usual = folder / "whole", folder / "usual"
    if base.exists():
        shutil.copytree(base, whole)
        shutil.copytree(base, usual)
    seconds = run_through(command(stage, whole, settings), again=bool(trouble))
    expected = state(whole, stage)
    result = Killed(stage, dict.fromkeys(HOW, 0), 0, 0, [])
    as_users_do = [sys.executable, "-m", "seqgan_cli", *command(stage, usual, settings)]
    while subprocess.run(as_users_do, check=not trouble, stderr=subprocess.DEVNULL).returncode:
        pass
    if state(usual, stage) != expected:
        result.wrong.append(f"{stage}: started anew it comes to something else")
    victim, number = folder / "victim", 0
    load: list[subprocess.Popen] = []
    try:
        while True:
            finishing = sum(result.kills.values()) >= kills
            if not victim.exists():
                if finishing:
                    break
                shutil.copytree(base, victim) if base.exists() else None
            if number % 10 == 0:  # every other ten under load
                for busy in load:
                    busy.kill()
                load = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(2 * (number // 10 % 2))]
            number += 1
            how = "" if finishing else HOW[sum(result.kills.values()) % len(HOW)]
            before = Run(victim).position(stage) if victim.exists() else 0
            touch = draw.randint(1, 4 * TOUCHES) if how == "SIGKILL at a touch" else 0
            process = start(command(stage, victim, settings), touch)
            if how and not touch:
                # Half of them at any time of the start, half once so many units are saved, whatever the load.
                if draw.random() < 0.5:
                    time.sleep(draw.uniform(0.0, 0.7) * seconds)
                else:
                    units = before + draw.randint(1, UNITS[stage][1] // 2)
                    while process.is_alive() and Run(victim).position(stage) < units:
                        time.sleep(0.002)
                    time.sleep(draw.uniform(0.0, 0.05))
                for kind in {"SIGINT twice": ("SIGINT", "SIGINT")}.get(how, (how,)):
                    if process.is_alive():
                        with contextlib.suppress(ProcessLookupError):  # it has just come to its end
                            os.kill(process.pid, getattr(signal, kind))
                        time.sleep(draw.uniform(0.0, 0.05))
            process.join()
            code = process.exitcode
            if code == 0:
                found = state(victim, stage)
                result.runs += 1
                result.wrong += [f"{stage}: {name} differs" for name in expected if found.get(name) != expected[name]]
                shutil.rmtree(victim)
                continue
            if code == 1 and trouble:
                result.lost += lost_units(victim, stage, before, result)
                continue
            allowed = {"SIGTERM": (143, -15), "SIGINT": (130, -2), "SIGINT twice": (130, -2)}.get(how, (-9,))
            if code not in allowed:
                result.wrong.append(f"{stage}: {how or 'no signal'} ended with {code}")
            result.kills[how] += 1
            result.lost += lost_units(victim, stage, before, result)
    finally:
        for busy in load:
            busy.kill()
    return result


def lost_units(run: Path, stage: str, before: int, result: Killed) -> int:
    """Units in the history beyond the one at work that no checkpoint holds. Notes what is wrong with what a kill left."""
    warned: list[str] = []
    found = Run(run).checkpoints(stage).latest(warned.append) if (run / "config.json").exists() else None
    position = found.position if found else 0
    if position < before:
        result.wrong.append(f"{stage}: went back from {before} to {position}")
    result.wrong += warned
    told = max((row.position for row in Run(run).history.rows() if row.stage == stage), default=0)
    return max(0, told - position - 1)
