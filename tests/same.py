"""Whether this checkout trains to the same bits as a commit before it: `make same`.

A redesign moves code and no number. Both versions run the same commands with the same interpreter on one thread; every array of
every checkpoint, every row of the history but for its seconds, the corpus, and what `sample` and `eval-nll` print have to agree
to the last bit. Arrays may change their names: those of one name are compared by it, the others as a set of contents. Metrics
may not, but there may be more of them. The runs of the commit are kept in --out: the next time only those of the checkout are
made.
"""

import argparse
import collections
import csv
import dataclasses
import hashlib
import importlib.metadata
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

BASE = "760ac6d31f9cf7d25b53a78961ac54674f1d19d1"
CHECKOUT = Path(__file__).resolve().parents[1]
NEW = {f"metric={name}" for name in ("reward_final", "kl", "d_knows", "d_scale", "nats_earned")}  # not measured then
# What has had another meaning since: the mean of a round's likelihood steps, which was the last step's loss.
REDEFINED = {"stage=adversarial", "metric=mle_loss"}
NEW_FILE = "checkpoints/pretrain-d/best.npz"  # which it did not keep
NEW_LINE = re.compile(r"nll_test of .* bits per byte of text")  # what its commands did not say
RUN = "run"  # what every command is told, from the folder that it works in
ONE_THREAD = ("--run", RUN, "--threads", "1")

Command = tuple[str, ...]
Array = tuple[tuple[int, ...], str, str]  # shape, dtype, digest of the bytes

# Two of everything that is counted: the second finds what the first has left.
FEW = ("--preset", "quick", "--epochs", "2", "--d-steps", "2", "--rounds", "2")
FEW_STEPS = ("adversarial.d-steps=2", "adversarial.g-steps=2", "adversarial.k=2")


@dataclasses.dataclass(frozen=True)
class Case:
    """A run: the commands that make it. `{data}` stands for the commit's folder of data, for both versions."""

    name: str
    commands: tuple[Command, ...]


def trained(name: str, data: str, *settings: str, options: Command = FEW) -> Case:
    """A run that one `train` makes."""
    source = (f"{{data}}/{data}",) if data else ()
    return Case(name, (("train", *source, *options, *_set(FEW_STEPS + settings if options == FEW else settings)),))


def _set(settings: Command) -> Command:
    return tuple(word for setting in settings for word in ("--set", setting))


def _staged(name: str, *devices: str) -> Case:
    """A run that is made stage by stage, which options of devices need."""
    sizes = _set(("data.num-sequences=500",))
    return Case(
        name,
        (
            ("pretrain-g", "--preset", "quick", "--epochs", "2", *sizes, *devices),
            ("pretrain-d", "--d-steps", "2", *devices),
            ("adversarial", "--rounds", "2", *_set(FEW_STEPS), *devices),
        ),
    )


QUICK = ("--preset", "quick")
CASES = (
    trained("oracle", "", options=QUICK),
    trained("sentences", "sentences.txt", options=QUICK),
    trained("poems", "poems.txt", options=QUICK),
    trained("tunes", "tunes", options=(*QUICK, "--stride", "1")),
    trained("value", "sentences.txt", "adversarial.baseline=value", "adversarial.rollout-horizon=4"),
    trained("partial", "sentences.txt", "adversarial.reward=partial", "discriminator.prefixes=true"),
    trained("bleu", "sentences.txt", "adversarial.reward=bleu"),
    trained("wasserstein", "", "data.num-sequences=500", "discriminator.loss=wasserstein", "discriminator.gradient-penalty=10"),
    trained("attention", "sentences.txt", "generator.cell=attention"),
    trained(
        "mali",
        "sentences.txt",
        "generator.cell=gru",
        "discriminator.kind=recurrent",
        "adversarial.reward-transform=mali",
        "adversarial.mle-every=1",
        "adversarial.update-rate=0.5",
    ),
    trained(
        "rank",
        "",
        "data.num-sequences=500",
        "pretrain-g.scheduled-sampling=linear",
        "adversarial.reward-transform=rank",
        "adversarial.rollout-policy=ngram",
        "adversarial.baseline=leave-one-out",
        "adversarial.entropy-coefficient=0.01",
    ),
    trained(
        "lm",
        "",
        "data.num-sequences=500",
        "discriminator.kind=attention",
        "adversarial.reward=lm",
        "adversarial.reward-transform=standardize",
        "adversarial.kl-coefficient=0.1",
    ),
    Case(
        "streamed",
        (
            ("corpus", "{data}/sentences.txt", "--write", "prepared", "--format", "tfrecord"),
            ("train", "prepared", *FEW, *_set(FEW_STEPS)),
        ),
    ),
    _staged("devices", "--distribute", "mirrored", "--devices", "2"),
)
# What is printed about each run, by the file it is kept in.
PRINTED = {
    "sample.txt": ("sample", "-n", "20"),
    "eval-nll.txt": ("eval-nll", "--samples", "500"),
}


class CommandError(Exception):
    """A command did not end with 0; its words are what it said last."""


@dataclasses.dataclass(frozen=True)
class Version:
    """One of the two programs: its sources, and the folder of its runs."""

    name: str
    source: Path
    runs: Path

    def call(self, arguments: Command, folder: Path) -> str:
        """What a command prints. Raises CommandError."""
        env = {name: value for name, value in os.environ.items() if not name.startswith(("SEQGAN_", "PYTHON", "TF_"))}
        env |= {"PYTHONPATH": str(self.source), "PYTHONUTF8": "1", "COLUMNS": "200", "NO_COLOR": "1"}
        done = subprocess.run(
            [sys.executable, "-m", "seqgan_cli", *arguments],
            cwd=folder,
            env=env,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
        if done.returncode:
            said = " ".join(done.stderr.split())[-400:]
            raise CommandError(f"{self.name}: {arguments[0]} ended with {done.returncode}: {said}")
        return done.stdout

    def check(self) -> None:
        """Raises SystemExit if another package would be imported than that of `source`."""
        program = "import seqgan_cli; print(seqgan_cli.__file__)"
        env = os.environ | {"PYTHONPATH": str(self.source)}
        found = subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True, check=True).stdout
        if not Path(found.strip()).is_relative_to(self.source):
            sys.exit(f"{self.name}: {found.strip()} is imported instead of {self.source}.")

    def make(self, case: Case, data: Path) -> Path:
        """The folder of a run, made anew. Raises CommandError."""
        folder = self.runs / case.name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for command in case.commands:
            words = tuple(word.replace("{data}", str(data)) for word in command)
            self.call(words if words[0] == "corpus" else (*words, *ONE_THREAD), folder)
        for file, command in PRINTED.items():
            printed = self.call((*command, *ONE_THREAD), folder)
            (folder / file).write_text(printed, encoding="utf-8")
        return folder

    def kept(self, case: Case, data: Path, recipe: str) -> Path:
        """The folder of a run that is made if there is none of this recipe. Raises CommandError."""
        mark = self.runs / f"{case.name}.done"
        if not mark.exists() or mark.read_text(encoding="utf-8") != recipe:
            mark.unlink(missing_ok=True)
            self.make(case, data)
            mark.write_text(recipe, encoding="utf-8")
        return self.runs / case.name


def recipe(case: Case, commit: str) -> str:
    """What a run of the commit depends on, as text: another text, another run."""
    cpuinfo = Path("/proc/cpuinfo")
    model = next((line for line in cpuinfo.read_text().splitlines() if "model name" in line), "") if cpuinfo.exists() else ""
    libraries = {name: importlib.metadata.version(name) for name in ("tensorflow", "keras", "numpy", "scipy")}
    machine = [platform.platform(), platform.python_version(), model]
    return json.dumps([commit, case.commands, list(PRINTED.items()), libraries, machine], indent=1)


def git(*arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(CHECKOUT), *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"git {arguments[0]}: {done.stderr.strip()}")
    return done.stdout.strip()


def worktree(commit: str, folder: Path) -> Path:
    """The files of a commit."""
    if not (folder / ".git").exists():
        shutil.rmtree(folder, ignore_errors=True)
        git("worktree", "add", "--force", "--detach", str(folder), commit)
    elif git("-C", str(folder), "rev-parse", "HEAD") != commit or git("-C", str(folder), "status", "--porcelain"):
        git("-C", str(folder), "checkout", "--force", "--detach", commit)
    return folder


def arrays(path: Path) -> dict[str, Array]:
    """What a `.npz` holds but for the facts, which are no weights and tell the version."""
    with np.load(path, allow_pickle=False) as file:
        loaded = {name: file[name] for name in file.files if name != "facts"}
    return {
        name: (array.shape, array.dtype.str, hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest())
        for name, array in loaded.items()
    }


def distance(base: Path, new: Path, name: str) -> str:
    """How far two arrays of one name are apart, in words."""
    with np.load(base) as one, np.load(new) as other:
        before, after = one[name], other[name]
    if before.shape != after.shape or before.dtype != after.dtype:
        return f"{before.dtype}{list(before.shape)} → {after.dtype}{list(after.shape)}"
    apart = before != after
    if not apart.any():
        return "other bits of equal values"
    most = np.max(np.abs(after[apart].astype(np.float64) - before[apart].astype(np.float64)))
    return f"{np.count_nonzero(apart)} of {before.size} values, by {most:.3g} at most"


def array_differences(base: Path, new: Path, what: str) -> Iterator[str]:
    """Of one file of arrays in two versions."""
    mine, theirs = arrays(base), arrays(new)
    both = mine.keys() & theirs.keys()
    for name in mine:
        if name in both and mine[name] != theirs[name]:
            elsewhere = [other for other, content in theirs.items() if content == mine[name]]
            moved = f"; what it was is {elsewhere[0]} now" if elsewhere else ""
            yield f"{what}: {name}: {distance(base, new, name)}{moved}"
    left = collections.Counter(content for name, content in mine.items() if name not in both)
    came = collections.Counter(content for name, content in theirs.items() if name not in both)
    for shape, dtype, _ in left - came:
        names = [name for name, (s, d, _) in mine.items() if name not in both and (s, d) == (shape, dtype)]
        yield f"{what}: an array {dtype}{list(shape)} ({', '.join(names)}) has no equal"
    if (came - left) and not (left - came):
        yield f"{what}: {sum((came - left).values())} arrays more: {', '.join(sorted(theirs.keys() - both))}"


def history(run: Path) -> collections.Counter[tuple[str, ...]]:
    """The rows, each as its columns' `name=value` but for the seconds."""
    with (run / "history.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return collections.Counter(tuple(f"{name}={value}" for name, value in row.items() if name != "seconds") for row in rows)


def history_differences(base: Path, new: Path) -> Iterator[str]:
    mine, theirs = history(base), history(new)
    for row in mine - theirs:  # in the order of the file
        if set(row) >= REDEFINED:
            continue
        now = [other[-1] for other in theirs - mine if other[:-1] == row[:-1]]
        yield f"history: {' '.join(row)} is {now[0] if now else 'missing'} now"
    keys = {row[:-1] for row in mine}
    for row in theirs - mine:
        if row[:-1] not in keys and not NEW & set(row):
            yield f"history: {' '.join(row)} is new"


def names(folder: Path, pattern: str) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.glob(pattern))


def text_differences(base: Path, new: Path, what: str) -> Iterator[str]:
    before, after = (path.read_text(encoding="utf-8").splitlines() for path in (base, new))
    after = [line for line in after if not NEW_LINE.search(line)]
    for number, (mine, theirs) in enumerate(zip(before, after, strict=False), 1):
        if mine != theirs:
            yield f"{what}, line {number}: {mine!r} → {theirs!r}"
            return
    if len(before) != len(after):
        yield f"{what}: {len(before)} lines → {len(after)}"


def differences(base: Path, new: Path) -> Iterator[str]:
    """All that two folders of one run differ in, in words; the history first, which says when it begins."""
    yield from history_differences(base / RUN, new / RUN)
    for pattern in ("checkpoints/*/*.npz", "corpus/*.npz", "samples/*.txt"):
        mine, theirs = names(base / RUN, pattern), names(new / RUN, pattern)
        theirs = [name for name in theirs if name != NEW_FILE or name in mine]
        if mine != theirs:
            yield f"files {pattern}: {', '.join(sorted(set(mine) ^ set(theirs)))} in one alone"
        compare = array_differences if pattern.endswith("npz") else text_differences
        for name in mine:
            if name in theirs:
                yield from compare(base / RUN / name, new / RUN / name, name)
    for file in PRINTED:
        yield from text_differences(base / file, new / file, file)


def verdict(base: Path, new: Path) -> tuple[bool, str]:
    """Whether two folders of one run agree, and a line that says so or what first differs."""
    found = list(differences(base, new))
    if found:
        return False, f"differs in {len(found)}, first {found[0]}"
    checkpoints = names(base / RUN, "checkpoints/*/*.npz")
    held = sum(len(arrays(base / RUN / name)) for name in checkpoints)
    if not held or not history(base / RUN):
        return False, "nothing to compare"
    return True, f"same: {held} arrays in {len(checkpoints)} checkpoints, {history(base / RUN).total()} history rows"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", default=BASE, help=f"the commit that is compared with [{BASE[:7]}]")
    parser.add_argument("--source", type=Path, default=CHECKOUT / "src", help="the sources that are compared [src]")
    parser.add_argument("--only", action="append", default=[], help="only the run of this name; repeat it for several")
    parser.add_argument("--out", type=Path, default=CHECKOUT / "same", help="where the runs are kept [same]")
    parser.add_argument("--fresh", action="store_true", help="make the runs of the commit anew too")
    options = parser.parse_args()
    known = [case.name for case in CASES]
    if unknown := set(options.only) - set(known):
        parser.error(f"no run is called {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    commit = git("rev-parse", "--verify", f"{options.base}^{{commit}}")
    out = options.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    files = worktree(commit, out / "base")
    base = Version("base", files / "src", out / "base-runs")
    new = Version("new", options.source.resolve(), out / "new-runs")
    base.check()
    new.check()
    if options.fresh:
        shutil.rmtree(base.runs, ignore_errors=True)
    wrong = 0
    for case in CASES:
        if options.only and case.name not in options.only:
            continue
        began = time.monotonic()
        try:
            agrees, line = verdict(base.kept(case, files / "data", recipe(case, commit)), new.make(case, files / "data"))
        except CommandError as error:
            agrees, line = False, str(error)
        wrong += not agrees
        print(f"{case.name}: {line}  ({time.monotonic() - began:.0f} s)", flush=True)
    if wrong:
        sys.exit(f"{wrong} runs differ from {commit[:7]}.")


if __name__ == "__main__":
    main()
