"""The house: every import points down, and the command line starts without the heavy libraries."""

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "seqgan_cli"
# The rooms, from the roof to the ground. A module imports from its own room and from those below it, so that no two rooms lean
# on each other.
ROOMS = (
    "__main__",
    "library",
    "cli",
    "commands",
    "inference",
    "jobs",
    "export",
    "studies.report",
    "studies.judging",
    "studies.search",
    "studies.objectives",
    "studies.regimes",
    "studies.headline",
    "studies.experiments",
    "studies",
    "algorithms",
    "rewards",
    "training",
    "evaluation",
    "runs",
    "scoring",
    "synthetic",
    "sampling",
    "training.backend",
    "training.distribution",
    "models",
    "data.sources",
    "data.kinds",
    "data.midi",
    "data.text",
    "data.inputs",
    "data.tokenizers",
    "data",
    "data.tfrecord",
    "evaluation.metrics",
    "config",
    "figures",
    "console",
    "signals",
    "randomness",
    "files",
    "arrays",
    "lazy",
    "errors",
)
FLOORS = {name: len(ROOMS) - i for i, name in enumerate(ROOMS)}
MOST_FILES, MOST_LINES = 12, 300


def room(module: str) -> str:
    """The innermost room of a module named without the package's own name; a module that is no room's is its own."""
    parts = module.split(".")
    return next((name for i in range(len(parts), 0, -1) if (name := ".".join(parts[:i])) in FLOORS), parts[0])


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(SOURCE).with_suffix("").parts)


def imports(path: Path) -> set[str]:
    """Modules of this package that a file imports, anywhere but for type checking."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    ignored: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            ignored.update(ast.walk(node))
    found = set()
    for node in ast.walk(tree):
        if node in ignored:
            continue
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("seqgan_cli"):
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names if alias.name.startswith("seqgan_cli"))
    return found - {"seqgan_cli.__version__"}


def modules() -> list[Path]:
    return [path for path in sorted(SOURCE.rglob("*.py")) if path.read_text(encoding="utf-8").strip()]


def test_every_import_points_down() -> None:
    wrong = []
    for path in modules():
        mine = room(module_of(path))
        if mine == "__init__":
            continue
        for module in imports(path):
            theirs = room(module.removeprefix("seqgan_cli."))
            if theirs != mine and FLOORS[theirs] >= FLOORS[mine]:
                wrong.append(f"{path.relative_to(SOURCE)} imports {module}, which is above it")
    assert not wrong, "\n".join(wrong)


def test_every_module_is_in_a_room() -> None:
    assert {room(module_of(path)) for path in modules()} - {"__init__"} == set(FLOORS)


def compared(tree: ast.AST) -> list[tuple[str, int]]:
    """Strings that a program decides by, with their lines: compared with, looked for, matched, or looked up in a table."""
    found = []
    for node in ast.walk(tree):
        parts: list[ast.AST] = []
        if isinstance(node, ast.Compare):
            parts = [node.left, *node.comparators]
        elif isinstance(node, ast.MatchValue):
            parts = [node.value]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("startswith", "get"):
            parts = list(node.args[:1])
        elif isinstance(node, ast.Subscript):
            parts = [node.slice]
        strings = [each for part in parts for each in ast.walk(part) if isinstance(each, ast.Constant)]
        found += [(each.value, each.lineno) for each in strings if isinstance(each.value, str)]
    return found


# Words that name something else too, and where.
OTHER_MEANINGS = {
    "lm": {"studies/experiments/methods.py"},  # a method of that name
    "novel": {"studies/objectives/study.py", "commands/sample.py", "inference/chosen.py"},  # a score; an option
    "unique": {"commands/sample.py", "inference/chosen.py"},  # an option
    "log-ratio": {"studies/experiments/methods.py"},  # a method of that name
    "text": {"data/inputs/columns.py"},  # a column that is often called so
    "smiles": {"data/inputs/molecules.py"},  # another one
    # A format, and the name of an array; what a scorer reads.
    "ids": {"jobs/written.py", "data/text/cache.py", "rewards/own.py"},
    # Where a setting comes from; a field of settings.
    "file": {
        *("config/checks.py", "config/resolution.py", "jobs/options.py", "rewards/structure.py", "scoring/worker.py"),
        *("studies/experiments/plan.py", "studies/tasks.py", "runs/vectors.py"),
    },
}


def test_no_component_is_named_outside_its_own_file() -> None:
    """But as a default, in a preset, or in an experiment's methods: nothing decides by the name of one."""
    from seqgan_cli.config import registry

    wrong = []
    homes = {name: Path(inspect.getfile(component)) for known in registry.ALL for name, component in known.ours.items()}
    homes |= {source: Path(inspect.getfile(kind)) for kind in registry.kinds.ours.values() for source in kind.sources}
    for path in modules():
        for text, line in compared(ast.parse(path.read_text(encoding="utf-8"))):
            where = path.relative_to(SOURCE).as_posix()
            if text in homes and homes[text] != path and where not in OTHER_MEANINGS.get(text, set()):
                wrong.append(f"{where}:{line} decides by {text!r}")
    assert not wrong, "\n".join(wrong)


def test_no_room_is_crowded_and_no_file_is_long() -> None:
    rooms: dict[Path, list[Path]] = {}
    for path in SOURCE.rglob("*.py"):
        if path.name != "__init__.py":
            rooms.setdefault(path.parent, []).append(path)
    numbers = {folder.relative_to(SOURCE).as_posix(): len(found) for folder, found in rooms.items()}
    lines = {path.relative_to(SOURCE).as_posix(): path.read_text(encoding="utf-8").count("\n") for path in modules()}
    del numbers["commands"]  # a file a command
    assert {name: number for name, number in numbers.items() if number > MOST_FILES} == {}
    assert {name: number for name, number in lines.items() if number > MOST_LINES} == {}


HEAVY = (
    *("tensorflow", "keras", "numpy", "nltk", "matplotlib", "scipy", "jinja2", "mido", "music21", "rdkit", "onnx"),
    *("pyarrow", "tokenizers"),
)


@pytest.fixture(scope="module")
def imported_for_help() -> set[str]:
    """The modules that a process has once it has every command."""
    from seqgan_cli.cli import COMMANDS

    program = (
        "import sys, importlib, seqgan_cli.cli as cli\n"
        "for name in cli.COMMANDS: cli.group.get_command(None, name)\n"
        "print(*sys.modules)"
    )
    assert len(COMMANDS) == 22
    return set(subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout.split())


@pytest.mark.parametrize("library", HEAVY)
def test_help_imports_nothing_heavy(imported_for_help: set[str], library: str) -> None:
    assert "seqgan_cli.cli" in imported_for_help
    assert library not in imported_for_help


def test_every_source_file_opens_with_a_sentence() -> None:
    for path in SOURCE.rglob("*.py"):
        docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
        assert docstring or not path.read_text(encoding="utf-8"), path
