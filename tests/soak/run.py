"""What takes too long for `make test`: kills, fuzzers and hours of rounds. `make soak`; `make soak-long` with --long.

Each piece that is done is kept in --out, so a soak that was stopped goes on; what went wrong is tried again.
docs/reliability.md says what each is for.
Pieces run side by side, one a core; rounds, whose time is measured, come last and alone.
"""

import argparse
import concurrent.futures
import dataclasses
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import repeats  # noqa: E402
import rounds  # noqa: E402
import searches  # noqa: E402
import sizes  # noqa: E402
import streams  # noqa: E402
import workers  # noqa: E402
from kills import STAGES, TROUBLES, kill_stage  # noqa: E402

from readers import readers  # noqa: E402

KILLS_AT_ONCE = 20


def fuzz(reader: str, inputs: int, out: Path) -> dict[str, Any]:
    """That many inputs for one reader; what it found stays in `out`."""
    folder = out / "fuzz" / reader.replace(" ", "-")
    done = subprocess.run(
        [sys.executable, str(HERE / "fuzz.py"), reader, str(folder), f"-runs={inputs}"],
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    found = sorted(path.name for path in folder.glob("found-*"))
    tried = [int(number) for number in re.findall(r"^#(\d+)\t", done.stderr, re.MULTILINE)]
    wrong = [f"{reader}: {name} in {folder}" for name in found]
    if done.returncode and not found:
        wrong.append(f"{reader}: the fuzzer ended with {done.returncode}: {done.stderr[-300:]}")
    return {"inputs": max(tried, default=0), "wrong": wrong}


def cases() -> dict[str, Any]:
    """The suite with all cases of what `make test` tries a sample of."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-rfE", str(HERE.parent)],
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        cwd=HERE.parents[1],
        env={**os.environ, "SEQGAN_WHOLE": "1"},
    )
    passed = re.findall(r"(\d+) passed", done.stdout)
    wrong = re.findall(r"^(?:FAILED|ERROR) .*", done.stdout, re.MULTILINE)
    if done.returncode and not wrong:
        wrong = [f"the suite ended with {done.returncode}: {(done.stdout + done.stderr)[-300:]}"]
    return {"cases": int(passed[-1]) if passed else 0, "wrong": wrong}


def kill(stage: str, kills: int, seed: int, trouble: str = "") -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        return dataclasses.asdict(kill_stage(stage, kills, Path(folder), seed, trouble))


def search(where: str, kills: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        return searches.searches(where, kills, Path(folder), 0)


def lose(kills: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        return workers.workers(kills, Path(folder), 0)


def stream(sequences: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        return streams.streams(sequences, Path(folder))


def soak(minutes: float) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        figures = rounds.soak(minutes, Path(folder) / "run")
    return {"figures": figures, "wrong": rounds.failures(figures)}


def measure(what: Any, unit: str) -> dict[str, Any]:
    """The figures of a module that has a function of its own name."""
    with tempfile.TemporaryDirectory() as folder:
        figures = getattr(what, what.__name__)(Path(folder))
    return {"measured": figures, "unit": unit, "wrong": what.failures(figures)}


def pieces(long: bool, out: Path) -> dict[str, Callable[[], dict[str, Any]]]:
    """What there is to do, by name; what has to run alone is the last."""
    found: dict[str, Callable[[], dict[str, Any]]] = {}
    for part in range(10 if long else 1):
        for stage in STAGES:
            found[f"{KILLS_AT_ONCE} kills of {stage}, part {part + 1}"] = (
                lambda stage=stage, part=part: kill(stage, KILLS_AT_ONCE, part)  # type: ignore[misc]
            )
    for trouble in TROUBLES:
        found[f"{KILLS_AT_ONCE} kills of rounds whose scorer {trouble}"] = (
            lambda trouble=trouble: kill("adversarial", KILLS_AT_ONCE, 0, trouble)  # type: ignore[misc]
        )
    found["the suite with all cases"] = cases
    for reader in readers():
        found[f"inputs for the reader of {reader}"] = lambda reader=reader: fuzz(reader, 100_000, out)  # type: ignore[misc]
    kills = 100 if long else 20
    for where in ("journal", "PostgreSQL"):
        found[f"{kills} kills in a search on a {where}"] = lambda where=where: search(where, kills)  # type: ignore[misc]
    lost = 10 if long else 2
    found[f"{lost} workers lost of each stage"] = lambda: lose(lost)
    streamed = 20_000_000 if long else 1_000_000
    found[f"{streamed:,} sequences streamed"] = lambda: stream(streamed)
    found["sizes"] = lambda: measure(sizes, "MB at most")
    found["repeats"] = lambda: measure(repeats, "apart at most")
    minutes = 120.0 if long else 10.0
    found[f"{minutes:g} minutes of adversarial rounds"] = lambda: soak(minutes)
    return found


def summary(done: dict[str, dict[str, Any]]) -> list[str]:
    """The counts of everything that is done, in lines."""
    lines = []
    for stage in STAGES:
        parts = [record for record in done.values() if record.get("stage") == stage]
        if parts:
            kinds = {how: sum(part["kills"][how] for part in parts) for how in parts[0]["kills"]}
            lines.append(
                f"{stage}: {sum(kinds.values())} kills survived ({', '.join(f'{n} {how}' for how, n in kinds.items())}), "
                f"{sum(part['runs'] for part in parts)} runs compared, {sum(part['lost'] for part in parts)} done units lost"
            )
    lines += [
        f"search on a {each['search']}: {each['complete']} trials by four processes, {each['kills']} kills survived"
        for each in done.values()
        if "search" in each
    ]
    lines += [
        f"processes of one run: {each['killed workers']} killed, the others ended within {each['seconds to end']:.0f} s"
        for each in done.values()
        if "killed workers" in each
    ]
    for each in done.values():
        if "streamed" in each:
            told = ", ".join(f"{what} {value:.4g}" for what, value in each["streamed"].items())
            lines.append(f"{each['sequences']:,} sequences streamed: {told}")
    inputs = [record["inputs"] for record in done.values() if "inputs" in record]
    if inputs:
        lines.append(f"readers: {sum(inputs)} inputs for {len(inputs)} readers")
    lines += [f"the suite with all cases: {each['cases']} passed" for each in done.values() if "cases" in each]
    for record in done.values():
        if "figures" in record:
            f = record["figures"]
            flat = "; ".join(
                f"{what} {f[f'{name} first'] * scale:.{digits}f} → {f[f'{name} last'] * scale:.{digits}f} {unit}".rstrip()
                for name, what, scale, digits, unit in (
                    ("memory", "memory", 1, 0, "MB"),
                    ("threads", "threads", 1, 0, ""),
                    ("files", "open files", 1, 0, ""),
                    ("disk", "checkpoints", 1, 2, "MB"),
                    ("round", "a round", 1000, 1, "ms"),
                )
            )
            lines.append(f"rounds: {f['rounds']:.0f} in {f['minutes']:g} minutes; {flat}")
        lines += [f"{what}: {value:.4g} {record['unit']}" for what, value in record.get("measured", {}).items()]
    wrong = [line for record in done.values() for line in record["wrong"]]
    return [*lines, f"wrong: {len(wrong)}", *wrong]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--long", action="store_true", help="200 kills a stage, and two hours of rounds")
    parser.add_argument("--only", default="", help="pieces whose name holds this")
    parser.add_argument("--out", type=Path, default=Path("soak"), help="where what is done is kept [soak]")
    parser.add_argument("--again", action="store_true", help="forget what is done")
    options = parser.parse_args()
    if options.again:
        shutil.rmtree(options.out, ignore_errors=True)
    options.out.mkdir(parents=True, exist_ok=True)
    kept = options.out / "done.json"
    done: dict[str, dict[str, Any]] = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}

    def carry_out(name: str, work: Callable[[], dict[str, Any]]) -> tuple[str, float, dict[str, Any]]:
        began = time.monotonic()
        try:
            record = work()
        except Exception:  # one piece that goes wrong is no reason to lose the others
            record = {"wrong": [f"{name}: {traceback.format_exc()}"]}
        return name, time.monotonic() - began, record

    def keep(name: str, seconds: float, record: dict[str, Any]) -> None:
        done[name] = record | {"seconds": round(seconds, 1)}
        kept.write_text(json.dumps(done, indent=1) + "\n", encoding="utf-8")
        print(f"{name}: {seconds:.0f} s, {len(record['wrong'])} wrong", file=sys.stderr, flush=True)

    known = pieces(options.long, options.out)
    *_, alone = known
    fine = {name for name, record in done.items() if not record["wrong"]}
    left = {name: work for name, work in known.items() if name not in fine and options.only in name}
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    with concurrent.futures.ThreadPoolExecutor(cores) as workers:
        begun = [workers.submit(carry_out, *piece) for piece in left.items() if piece[0] != alone]
        for future in concurrent.futures.as_completed(begun):
            keep(*future.result())
    if alone in left:
        keep(*carry_out(alone, left[alone]))
    lines = summary(done)
    print("\n".join(lines))
    sys.exit(any(record["wrong"] for record in done.values()))


if __name__ == "__main__":
    main()
