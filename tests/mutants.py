"""How many small faults in the sources the tests find: `make mutants`.

A mutant is the program with one operator, number, condition, call or statement changed, drawn by --seed. Each runs against the
tests that mirror its file (`src/seqgan_cli/a/b.py` has `tests/a/test_b.py`), and if these pass, against the others of that
room, in a copy of the checkout and in a child that a process with TensorFlow imported forks. What is done is kept in --out; a
file that has changed begins anew. A survivor is a change that no test minds: a test is missing, or the change has no effect.
"""

import argparse
import ast
import collections
import compileall
import contextlib
import dataclasses
import hashlib
import importlib.util
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parents[1]
PACKAGE = "src/seqgan_cli"
TARGETS = tuple(f"{PACKAGE}/{name}" for name in ("algorithms", "rewards", "sampling", "evaluation/metrics"))
# The tests of a file, stage by stage, where its path does not tell them; files that are not there are left out.
OVERRIDES: dict[str, tuple[tuple[str, ...], ...]] = {
    f"{PACKAGE}/evaluation/metrics/grammar.py": (("tests/commands/test_eval_grammar.py",),),
    f"{PACKAGE}/evaluation/metrics/music.py": (("tests/evaluation/metrics/test_music_measures.py",),),
    f"{PACKAGE}/algorithms/advantages.py": (("tests/algorithms/test_policy_gradient.py",),),
    f"{PACKAGE}/algorithms/base.py": (("tests/test_plugins.py",),),
    f"{PACKAGE}/algorithms/discriminator.py": (
        ("tests/algorithms/test_discriminator_training.py",),
        ("tests/models/test_convolutional.py", "tests/models/test_discriminators.py"),
    ),
    **{
        f"{PACKAGE}/sampling/{name}.py": (
            ("tests/sampling/test_sampling.py", "tests/sampling/test_continuation.py"),
            ("tests/models/test_generator.py", "tests/models/test_softmax.py"),
        )
        for name in ("choices", "draws", "likelihood", "sequences", "continuation")
    },
    **{
        f"{PACKAGE}/rewards/{name}.py": (("tests/rewards/test_rewards.py",),)
        for name in ("base", "bleu", "controls", "discriminator", "likelihood", "partial")
    },
}
DEAR = {"test_stage.py", "test_runner.py", "test_train.py"}  # of the others of a room: minutes of kills and of whole runs
LEFT_OUT = {"build", "dist", "mutants", "runs", "same", "soak"}  # at the top of the checkout: what no test reads
LEAST_SECONDS, TIMES_AS_LONG = 20.0, 5.0  # what the tests of a mutant may take, beside the time of the unmutated ones
ELSEWHERE = 98  # the exit code of tests that have imported another package than the copy's
TIMEOUT = -1000

SWAPS: dict[type[ast.AST], tuple[tuple[str, str], ...]] = {  # how an operator is written, and what it becomes
    ast.Add: (("+", "-"),),
    ast.Sub: (("-", "+"),),
    ast.Mult: (("*", "/"),),
    ast.Div: (("/", "*"),),
    ast.FloorDiv: (("//", "*"),),
    ast.Mod: (("%", "*"),),
    ast.Pow: (("**", "*"),),
    ast.Lt: (("<", "<="), ("<", ">=")),
    ast.LtE: (("<=", "<"), ("<=", ">")),
    ast.Gt: ((">", ">="), (">", "<=")),
    ast.GtE: ((">=", ">"), (">=", "<")),
    ast.Eq: (("==", "!="),),
    ast.NotEq: (("!=", "=="),),
    ast.Is: (("is", "is not"),),
    ast.IsNot: (("is not", "is"),),
    ast.In: (("in", "not in"),),
    ast.NotIn: (("not in", "in"),),
    ast.And: (("and", "or"),),
    ast.Or: (("or", "and"),),
}
PAIRS = (
    ("min", "max"),
    ("minimum", "maximum"),
    ("reduce_min", "reduce_max"),
    ("argmin", "argmax"),
    ("sum", "mean"),
    ("reduce_sum", "reduce_mean"),
    ("any", "all"),
    ("reduce_any", "reduce_all"),
    ("floor", "ceil"),
)
CALLS = {**dict(PAIRS), **{other: one for one, other in PAIRS}}
# Of these another value has no effect that a test could see, or none but a message's.
IDLE_KEYWORDS = {"strict", "parallel_iterations", "stacklevel", "encoding", "name"}


@dataclasses.dataclass(frozen=True)
class Mutant:
    """One change of one file: its bytes from `start` to `end` become `text`. `before` and `after` are the lines it is on."""

    path: str
    line: int
    kind: str
    start: int
    end: int
    text: str
    before: str
    after: str

    @property
    def key(self) -> str:
        return f"{self.start}-{self.end} {self.text}"

    def applied(self, source: bytes) -> bytes:
        return source[: self.start] + self.text.encode() + source[self.end :]

    def __str__(self) -> str:
        return f"{self.path}:{self.line}  {self.before}  →  {self.after}"


class Finder:
    """Finds what may be changed in a file: not annotations, decorators, docstrings, messages, assertions and their like."""

    def __init__(self, path: str, source: bytes) -> None:
        self.path, self.source = path, source
        self.offsets = [0]
        for line in source.splitlines(keepends=True):
            self.offsets.append(self.offsets[-1] + len(line))
        self.found: dict[str, Mutant] = {}
        tree = ast.parse(source)
        self.meaning = ast.dump(tree)
        self._statements(tree.body, set())

    def _start(self, node: Any) -> int:
        return self.offsets[node.lineno - 1] + node.col_offset

    def _end(self, node: Any) -> int:
        return self.offsets[node.end_lineno - 1] + node.end_col_offset

    def _text(self, node: Any) -> str:
        return self.source[self._start(node) : self._end(node)].decode()

    def _add(self, kind: str, start: int, end: int, text: str) -> None:
        line = self.source.count(b"\n", 0, start) + 1
        first, last = self.offsets[line - 1], self.source.find(b"\n", end)
        last = len(self.source) if last < 0 else last
        before, after = self.source[first:last], self.source[first:start] + text.encode() + self.source[end:last]
        shown = (re.sub(r"  #.*| *\n *", " ", part.decode()).strip() for part in (before, after))
        mutant = Mutant(self.path, line, kind, start, end, text, *shown)
        with contextlib.suppress(SyntaxError):
            if ast.dump(ast.parse(mutant.applied(self.source))) != self.meaning:
                self.found[mutant.key] = mutant

    def _statements(self, body: Sequence[ast.stmt], bound: set[str]) -> None:
        """`bound` are the names that have a value before."""
        for statement in body:
            docstring = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
            if docstring or (isinstance(statement, ast.If) and "TYPE_CHECKING" in ast.unparse(statement.test)):
                continue
            if _removable(statement, bound):
                self._add("statement removed", self._start(statement), self._end(statement), "pass")
            self._statement(statement, bound)
            if not isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                bound |= _stored(statement)

    def _statement(self, statement: ast.stmt, bound: set[str]) -> None:
        if isinstance(statement, ast.Import | ast.ImportFrom | ast.Assert | ast.Raise):
            return
        inner = set(bound)
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            inner |= {argument.arg for argument in ast.walk(statement.args) if isinstance(argument, ast.arg)}
            for default in [*statement.args.defaults, *statement.args.kw_defaults]:
                if default:
                    self._expression(default)
        if isinstance(statement, ast.If | ast.While):
            self._negate(statement.test)
        if isinstance(statement, ast.AugAssign):
            self._swap(self._end(statement.target), self._start(statement.value), statement.op)
        if isinstance(statement, ast.Return) and statement.value:
            self._return(statement, statement.value)
        for name, field in ast.iter_fields(statement):
            if name in ("annotation", "returns", "decorator_list", "bases", "keywords"):
                continue
            for child in field if isinstance(field, list) else [field]:
                if isinstance(child, ast.expr):
                    self._expression(child)
                elif isinstance(child, ast.withitem):
                    self._expression(child.context_expr)
                elif isinstance(child, ast.ExceptHandler | ast.match_case):
                    self._statements(child.body, set(inner))
            if isinstance(field, list) and field and isinstance(field[0], ast.stmt):
                self._statements(field, set(inner))

    def _return(self, statement: ast.Return, value: ast.expr) -> None:
        begin, end = self._start(statement) + len("return"), self._end(statement)
        if isinstance(value, ast.Compare | ast.BoolOp):
            self._add("return changed", begin, end, f" not ({self.source[begin:end].decode().strip()})")
        elif not (isinstance(value, ast.Constant) and (value.value is None or isinstance(value.value, bool))):
            self._add("return changed", begin, end, " None")

    def _negate(self, test: ast.expr) -> None:
        """Of a comparison and of `not` there are other mutants that say the same."""
        if not isinstance(test, ast.Compare | ast.UnaryOp):
            self._add("condition negated", self._start(test), self._end(test), f"(not ({self._text(test)}))")

    def _swap(self, start: int, end: int, op: ast.AST) -> None:
        """The operator that stands between two offsets, among brackets and comments."""
        between = re.sub(rb"#[^\n]*", lambda comment: b" " * len(comment.group()), self.source[start:end])
        kind = {ast.cmpop: "comparison", ast.boolop: "and/or"}.get(type(op).__mro__[1], "arithmetic")
        for written, other in SWAPS.get(op.__class__, ()):
            words = rb"\s+".join(re.escape(word.encode()) for word in written.split())
            found = re.search(rb"\b%b\b" % words if written.isalpha() or " " in written else words, between)
            if found:
                self._add(kind, start + found.start(), start + found.end(), other)

    def _constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, bool):
            self._add("constant", self._start(node), self._end(node), str(not node.value))
        elif isinstance(node.value, int | float):
            for other in (node.value + 1, node.value - 1):
                self._add("constant", self._start(node), self._end(node), repr(other))

    def _expression(self, node: ast.AST) -> None:
        if isinstance(node, ast.JoinedStr):
            return
        if isinstance(node, ast.Constant):
            self._constant(node)
        elif isinstance(node, ast.BinOp) and not (_is_text(node.left) or _is_text(node.right)):
            self._swap(self._end(node.left), self._start(node.right), node.op)
        elif isinstance(node, ast.Compare):
            for op, left, right in zip(node.ops, [node.left, *node.comparators], node.comparators, strict=False):
                self._swap(self._end(left), self._start(right), op)
        elif isinstance(node, ast.BoolOp):
            for left, right in zip(node.values, node.values[1:], strict=False):
                self._swap(self._end(left), self._start(right), node.op)
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.USub):
            word = "not" if isinstance(node.op, ast.Not) else "-"
            self._add(f"{word} dropped", self._start(node), self._start(node) + len(word), "")
        elif isinstance(node, ast.IfExp):
            self._negate(node.test)
        elif isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            if name in CALLS:
                self._add("call swapped", self._end(node.func) - len(name), self._end(node.func), CALLS[name])
        elif isinstance(node, ast.keyword) and node.arg in IDLE_KEYWORDS:
            return
        elif isinstance(node, ast.keyword) and node.arg == "axis":
            axis = getattr(node.value, "value", None)
            if axis in (0, 1):
                self._add("axis", self._start(node.value), self._end(node.value), str(1 - axis))
                return
        for child in [node.body] if isinstance(node, ast.Lambda) else ast.iter_child_nodes(node):
            self._expression(child)


def _removable(statement: ast.stmt, bound: set[str]) -> bool:
    """Without it every name still has a value, so that it takes a test to miss it."""
    if isinstance(statement, ast.Assign):
        return _stored(statement) <= bound
    return isinstance(statement, ast.Expr | ast.AugAssign | ast.Raise | ast.Continue | ast.Break | ast.Delete)


def _stored(statement: ast.stmt) -> set[str]:
    return {node.id for node in ast.walk(statement) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str | bytes))


def digest(source: bytes) -> str:
    return hashlib.sha256(source).hexdigest()[:16]


def sources(targets: Iterable[str]) -> list[str]:
    """The Python files of files and folders, as paths from the checkout. Raises SystemExit for one that is not there."""
    found = []
    for target in targets:
        path = (CHECKOUT / target).resolve()
        files = sorted(path.rglob("*.py")) if path.is_dir() else [path]
        if not files or not all(file.is_file() and file.is_relative_to(CHECKOUT) for file in files):
            sys.exit(f"There are no sources in {target}.")
        found += [file.relative_to(CHECKOUT).as_posix() for file in files]
    return list(dict.fromkeys(found))


def drawn(path: str, source: bytes, seed: int) -> tuple[int, list[Mutant]]:
    """How many places of a file can be changed, and its mutants in the order they are drawn: each place once, then again."""
    places = collections.defaultdict(list)
    for mutant in Finder(path, source).found.values():
        places[mutant.start, mutant.end].append(mutant)
    chance = random.Random(f"{seed}:{path}")
    ordered = [places[place] for place in sorted(places)]
    chance.shuffle(ordered)
    for mutants in ordered:
        chance.shuffle(mutants)
    most = max((len(mutants) for mutants in ordered), default=0)
    return len(ordered), [mutants[turn] for turn in range(most) for mutants in ordered if turn < len(mutants)]


def draw(paths: Sequence[str], number: int, seed: int) -> list[Mutant]:
    """So many mutants, from each file in proportion to its places; what is drawn in one does not depend on the others' text."""
    by_path = {path: drawn(path, (CHECKOUT / path).read_bytes(), seed) for path in paths}
    total = sum(places for places, _ in by_path.values())
    shares = {path: number * places / total for path, (places, _) in by_path.items() if places}
    counts = {path: int(share) for path, share in shares.items()}
    by_rest = sorted(shares, key=lambda path: counts[path] - shares[path])
    for path in by_rest[: number - sum(counts.values())]:
        counts[path] += 1
    return [mutant for path, count in counts.items() for mutant in by_path[path][1][:count]]


def stages(path: str) -> list[tuple[str, ...]]:
    """The tests of a file: those that mirror it, then the others of its room, or of the nearest room above that has any."""
    inside = Path(path).relative_to(PACKAGE)
    room = CHECKOUT / "tests" / inside.parent
    while not any(room.glob("test_*.py")):
        room = room.parent
    own = OVERRIDES.get(path, (((room / f"test_{inside.stem}.py").relative_to(CHECKOUT).as_posix(),),))
    first = [tuple(test for test in stage if (CHECKOUT / test).exists()) for stage in own]
    done = {test for stage in first for test in stage}
    others = sorted(test.relative_to(CHECKOUT).as_posix() for test in room.glob("test_*.py") if test.name not in DEAR)
    rest = tuple(test for test in others if test not in done) if room != CHECKOUT / "tests" else ()
    return [stage for stage in (*first, rest) if stage]


class Copy:
    """A copy of the checkout whose tests can be run, and the process that forks for each run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.server: subprocess.Popen[str] | None = None

        def left_out(parent: str, names: list[str]) -> set[str]:
            top = {name for name in names if name in LEFT_OUT or name.startswith(".")} if Path(parent) == CHECKOUT else set()
            return top | {name for name in names if name == "__pycache__"}

        shutil.copytree(CHECKOUT, folder, ignore=left_out)
        compileall.compile_dir(folder / "src", quiet=1)

    def run(self, tests: Sequence[str], seconds: float) -> tuple[int, float]:
        """pytest's exit code, a signal's number negated or TIMEOUT, and what it took."""
        if self.server is None or self.server.poll() is not None:
            kept = {name: value for name, value in os.environ.items() if not name.startswith(("SEQGAN_", "PYTHON"))}
            paths = {"PYTHONPATH": str(self.folder / "src"), "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUTF8": "1"}
            quiet = {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "2"}
            self.server = subprocess.Popen(
                [sys.executable, str(self.folder / "tests" / "mutants.py"), "--serve"],
                cwd=self.folder,
                env=kept | paths | quiet,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=(self.folder / "server.txt").open("w", encoding="utf-8"),
                text=True,
                encoding="utf-8",
            )
        assert self.server.stdin
        assert self.server.stdout
        self.server.stdin.write(json.dumps({"tests": tests, "seconds": seconds}) + "\n")
        self.server.stdin.flush()
        line = self.server.stdout.readline()
        if not line:
            sys.exit(f"What runs the tests has ended:\n{(self.folder / 'server.txt').read_text(encoding='utf-8')[-2000:]}")
        answer = json.loads(line)
        if answer["code"] == ELSEWHERE:
            sys.exit(f"The tests import another package than that of {self.folder}.")
        return answer["code"], answer["seconds"]

    def output(self) -> str:
        """What the last run has printed."""
        return (self.folder / "output.txt").read_text(encoding="utf-8", errors="replace")

    @contextlib.contextmanager
    def mutated(self, mutant: Mutant) -> Any:
        """The copy with one change. Its compiled file goes: one of the same size and second would be taken for the change's."""
        path = self.folder / mutant.path
        source = path.read_bytes()
        Path(importlib.util.cache_from_source(str(path))).unlink(missing_ok=True)
        path.write_bytes(mutant.applied(source))
        try:
            yield
        finally:
            path.write_bytes(source)

    def close(self) -> None:
        """End the process, and the tests it runs."""
        if self.server and self.server.poll() is None:
            self.server.send_signal(signal.SIGINT)
            self.server.wait()


def serve() -> None:
    """Run tests as lines of stdin ask for, each in a child of this process, which has imported what is slow and no more."""
    import keras  # noqa: F401
    import nltk  # noqa: F401
    import pytest
    import scipy.stats  # noqa: F401
    import tensorflow  # noqa: F401

    folder = Path.cwd()
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as answers:
        for line in sys.stdin:
            asked = json.loads(line)
            began = time.monotonic()
            child = os.fork()
            if child == 0:
                os.setsid()
                for number, how in ((0, os.O_RDONLY), (1, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)):
                    os.dup2(os.open(folder / "output.txt" if number else os.devnull, how, 0o644), number)
                os.dup2(1, 2)
                code = 3
                try:
                    options = ["-x", "-p", "no:cacheprovider", f"--rootdir={folder}", f"--basetemp={folder / 'tmp'}"]
                    code = int(pytest.main([*options, *asked["tests"]]))
                    package = sys.modules.get("seqgan_cli")
                    if package and not Path(str(package.__file__)).is_relative_to(folder):
                        code = ELSEWHERE
                finally:
                    sys.stdout.flush()
                    sys.stderr.flush()
                    os._exit(code)
            status = ended = 0
            try:
                while not ended and time.monotonic() - began < asked["seconds"]:
                    time.sleep(0.02)
                    ended, status = os.waitpid(child, os.WNOHANG)
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(child, signal.SIGKILL)  # what the tests have started, too
            if not ended:
                os.waitpid(child, 0)
            code = os.waitstatus_to_exitcode(status) if ended else TIMEOUT
            print(json.dumps({"code": code, "seconds": round(time.monotonic() - began, 2)}), file=answers, flush=True)


def unmutated(copy: Copy, tests: Sequence[str]) -> float:
    """The seconds that tests take as they are. Raises SystemExit if they do not pass."""
    code, seconds = copy.run(tests, 1800)
    if code:
        sys.exit(f"The tests of the unmutated sources end with {code}: {' '.join(tests)}\n{copy.output()[-2000:]}")
    return seconds


def judge(copy: Copy, mutant: Mutant, times: dict[tuple[str, ...], float]) -> dict[str, Any]:
    """What becomes of a mutant: killed, timeout (which counts as killed) or survived, and by which tests.

    `times` are those of the unmutated tests, measured when they are needed: most mutants do not come to a second stage.
    """
    took = 0.0
    for tests in stages(mutant.path):
        if tests not in times:
            times[tests] = unmutated(copy, tests)
        with copy.mutated(mutant):
            code, seconds = copy.run(tests, LEAST_SECONDS + TIMES_AS_LONG * times[tests])
        took += seconds
        if code:
            failed = re.search(r"^(?:FAILED|ERROR) (\S+)", copy.output(), re.MULTILINE)
            by = failed[1] if failed else f"{' '.join(tests)} ({code})"
            return {"outcome": "timeout" if code == TIMEOUT else "killed", "by": by, "seconds": round(took, 1)}
    return {"outcome": "survived", "by": "", "seconds": round(took, 1)}


class Results:
    """What is done, in a file of one record a line, of which a later one replaces an earlier."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.digests: dict[str, str] = {}
        self.records: dict[tuple[str, str, str], dict[str, Any]] = {}
        for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
            with contextlib.suppress(ValueError):  # the last line of a process that was killed
                record = json.loads(line)
                self.records[record["path"], record["digest"], record["key"]] = record

    def _key(self, mutant: Mutant) -> tuple[str, str, str]:
        if mutant.path not in self.digests:
            self.digests[mutant.path] = digest((CHECKOUT / mutant.path).read_bytes())
        return mutant.path, self.digests[mutant.path], mutant.key

    def get(self, mutant: Mutant) -> dict[str, Any] | None:
        return self.records.get(self._key(mutant))

    def keep(self, mutant: Mutant, seed: int, found: dict[str, Any]) -> None:
        path, of, key = self._key(mutant)
        told = {"path": path, "digest": of, "key": key, "seed": seed, "line": mutant.line, "kind": mutant.kind}
        self.records[path, of, key] = told | {"before": mutant.before, "after": mutant.after} | found
        ends_a_line = not self.path.exists() or self.path.read_bytes()[-1:] in (b"", b"\n")
        with self.path.open("a", encoding="utf-8") as file:
            file.write(("" if ends_a_line else "\n") + json.dumps(self.records[path, of, key], ensure_ascii=False) + "\n")


def report(mutants: Sequence[Mutant], results: Results) -> str:
    """Counts by file, then each survivor."""
    counts: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    survivors = []
    for mutant in mutants:
        outcome = (results.get(mutant) or {"outcome": "to do"})["outcome"]
        counts[mutant.path][outcome] += 1
        if outcome == "survived":
            survivors.append(mutant)
    total: collections.Counter[str] = collections.Counter()
    for of in counts.values():
        total += of
    kinds = ("killed", "timeout", "survived", "to do")
    width = max(map(len, counts), default=0)
    lines = [f"{'file':{width}}" + "".join(f"{kind:>10}" for kind in kinds)]
    for path, of in [*counts.items(), ("all", total)]:
        lines.append(f"{path:{width}}" + "".join(f"{of[kind]:10}" for kind in kinds))
    return "\n".join([*lines, "", *map(str, sorted(survivors, key=lambda mutant: (mutant.path, mutant.line)))])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sources", nargs="*", default=TARGETS, help=f"files and folders [{' '.join(TARGETS)}]")
    parser.add_argument("-n", "--number", type=int, default=200, help="mutants [200]")
    parser.add_argument("--seed", type=int, default=0, help="of the draw [0]")
    parser.add_argument("--jobs", type=int, default=1, help="mutants at once [1]")
    parser.add_argument("--again", action="store_true", help="run the survivors anew, for there are other tests now")
    parser.add_argument("--report", action="store_true", help="print what is done, and run nothing")
    parser.add_argument("--list", action="store_true", help="print what is drawn, and run nothing")
    parser.add_argument("--out", type=Path, default=CHECKOUT / "mutants", help="where what is done is kept [mutants]")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve()
        return
    mutants = draw(sources(options.sources), options.number, options.seed)
    if options.list:
        print("\n".join(f"{mutant}  ({mutant.kind})" for mutant in mutants))
        return
    options.out.mkdir(parents=True, exist_ok=True)
    results = Results(options.out / "results.jsonl")
    due = ("to do", "survived") if options.again else ("to do",)
    left = [mutant for mutant in mutants if (results.get(mutant) or {"outcome": "to do"})["outcome"] in due]
    if left and not options.report:
        carry_out(left, results, options.seed, options.jobs)
    print(report(mutants, results))


def carry_out(mutants: Sequence[Mutant], results: Results, seed: int, jobs: int) -> None:
    """Judge mutants, so many at once, each of them in a copy of its own."""
    with tempfile.TemporaryDirectory() as folder:
        copies = [Copy(Path(folder).resolve() / f"copy-{number}") for number in range(min(jobs, len(mutants)))]
        free, lock = list(copies), threading.Lock()
        times: dict[tuple[str, ...], float] = {}

        def work(mutant: Mutant) -> tuple[Mutant, dict[str, Any]]:
            with lock:
                copy = free.pop()
            try:
                return mutant, judge(copy, mutant, times)
            finally:
                free.append(copy)

        with ThreadPoolExecutor(len(copies)) as workers:
            try:
                for done, future in enumerate(as_completed([workers.submit(work, mutant) for mutant in mutants]), 1):
                    mutant, found = future.result()
                    results.keep(mutant, seed, found)
                    told = f"{done}/{len(mutants)} {found['outcome']} in {found['seconds']:.0f} s"
                    print(f"{told}: {mutant}", file=sys.stderr, flush=True)
            finally:
                workers.shutdown(wait=False, cancel_futures=True)
                for copy in copies:
                    copy.close()


if __name__ == "__main__":
    main()
