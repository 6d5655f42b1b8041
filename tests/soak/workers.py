"""Processes that train one run together, of which one is killed: the others end by themselves, and the same commands end where
a run without the fault does, to the last bit."""

import random
import shutil
import signal
import sys
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from kills import UNITS, config, state  # noqa: E402

from cluster import ended, start  # noqa: E402
from seqgan_cli.config.settings import STAGES  # noqa: E402
from seqgan_cli.runs.run import Run  # noqa: E402

WORKERS = 2
BOUND = 60.0  # seconds in which the others have to end


def workers(kills: int, folder: Path, seed: int) -> dict[str, Any]:
    """Kill a worker of each stage so often, the chief or another, and go on each time."""
    settings, draw, wrong, done = config(folder), random.Random(seed), list[str](), 0
    slowest = 0.0
    whole, victim = folder / "whole", folder / "victim"
    for stage in STAGES:
        # The settings belong to the run once it is begun.
        command = [stage, *(["--config", settings] if stage == STAGES[0] else []), "--run"]
        if whole.exists():
            shutil.copytree(whole, victim)
        codes = [code for code, _, _ in ended(start(WORKERS, *command, whole))]
        wrong += [f"{stage}: undisturbed processes ended with {codes}"] if any(codes) else []
        for _ in range(kills):
            before = Run(victim).position(stage) if victim.exists() else 0
            processes, index = start(WORKERS, *command, victim), draw.randrange(WORKERS)
            units = before + draw.randint(1, UNITS[stage][1] // kills)
            while all(process.poll() is None for process in processes) and Run(victim).position(stage) < units:
                time.sleep(0.002)
            time.sleep(draw.uniform(0.0, 0.05))
            processes[index].send_signal(signal.SIGKILL)
            began = time.monotonic()
            results = ended(processes)
            slowest = max(slowest, time.monotonic() - began)
            done += results[index][0] == -signal.SIGKILL
            for i, (code, _, said) in enumerate(results):
                if i != index and code and f"Error: worker {index} (" not in said:
                    wrong.append(f"{stage}: worker {i} ended with {code} and did not name {index}: {said[-300:]}")
        codes = [code for code, _, _ in ended(start(WORKERS, *command, victim))]
        wrong += [f"{stage}: processes that go on ended with {codes}"] if any(codes) else []
        found, expected = state(victim, stage), state(whole, stage)
        wrong += [f"{stage}: {name} differs" for name in expected if found.get(name) != expected[name]]
        shutil.rmtree(victim)
    if slowest > BOUND:
        wrong.append(f"the others took {slowest:.0f} s to end")
    return {"killed workers": done, "seconds to end": slowest, "wrong": wrong}
