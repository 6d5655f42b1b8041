"""Several processes at one study, some of them killed: `search`, for the suite on a journal, for the soak on a database.

As a program, one of them: it takes trials, holds each for a moment, and tells a value that anybody can work out.
"""

import collections
import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seqgan_cli.studies.leases import HOLDER, SharedStudy, open_storage, wanted
from seqgan_cli.studies.search.space import grid, parse
from seqgan_cli.studies.search.study import SearchStudy

GRID = ("update-rate=0,0.3,0.6,0.9", "generator.hidden-dim=8,16,32", "generator.cell=lstm,gru")
LIMIT = 600.0  # seconds


def opened(place: str) -> SharedStudy:
    dimensions = [parse(text) for text in GRID]
    points = grid(dimensions)
    return SearchStudy(open_storage(place), "seqgan", {"nll_test": False}, {}, len(points), "grid", 0, dimensions, points)


def value(params: Mapping[str, Any]) -> float:
    return sum(float(each) for each in params.values() if not isinstance(each, str))


def work(place: str) -> None:
    shared = opened(place)
    while not shared.done:
        trial = shared.next()
        time.sleep(0.05)
        if trial:
            shared.end(trial, [value(trial.params)])


def search(place: str, processes: int, kills: int, seed: int) -> dict[str, Any]:
    """What came of it: trials complete, kills, and what is wrong (a point missing, done twice, or left at work)."""
    draw, killed, wrong = random.Random(seed), 0, []
    command = [sys.executable, str(Path(__file__)), place]
    workers = [subprocess.Popen(command) for _ in range(processes)]
    view, deadline = opened(place), time.monotonic() + LIMIT
    while any(worker.poll() is None for worker in workers):
        if time.monotonic() > deadline:
            wrong.append("it never ended")
            for worker in workers:
                worker.kill()
            break
        time.sleep(draw.uniform(0.02, 0.2))
        held = [trial.user_attrs for trial in view.trials() if not trial.state.is_finished()]
        holders = {told[HOLDER][0] for told in held if HOLDER in told}
        for i, worker in enumerate(workers):  # one that holds a trial
            if killed < kills and worker.pid in holders and worker.poll() is None:
                worker.send_signal(signal.SIGKILL)
                worker.wait()
                killed += 1
                workers[i] = subprocess.Popen(command)
                break
    wrong += [f"a process ended with {worker.returncode}" for worker in workers if worker.returncode]
    points = {json.dumps(point, sort_keys=True): value(point) for point in grid([parse(text) for text in GRID])}
    complete = [trial for trial in view.study.get_trials(deepcopy=False) if trial.values]
    found = collections.Counter(json.dumps(wanted(trial), sort_keys=True) for trial in complete)
    wrong += [f"{point}: done {found[point]} times" for point in points if found[point] != 1]
    wrong += [f"trial {t.number}: {t.values}" for t in complete if t.values != [points[json.dumps(wanted(t), sort_keys=True)]]]
    wrong += [f"trial {t.number} is {t.state.name}" for t in view.study.get_trials(deepcopy=False) if t.state.name == "RUNNING"]
    return {"complete": len(complete), "kills": killed, "wrong": wrong}


if __name__ == "__main__":
    work(sys.argv[1])
