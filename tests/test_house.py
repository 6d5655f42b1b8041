"""The house: every import points down, and the command line starts without the heavy libraries."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "seqgan_cli"
# The rooms, from the roof to the ground. A module imports from its own room and from those below it, so that no two rooms lean
# on each other.
ROOMS = (
    "__main__",
    "cli",
    "commands",
    "jobs",
    "studies.report",
    "studies.judging",
    "studies.search",
    "studies.experiments",
    "studies",
    "algorithms",
    "rewards",
    "training",
    "evaluation",
    "runs",
    "sampling",
    "models",
    "data.sources",
    "data.sources",
    "data.kinds",
    "data.midi",
    "data.text",
    "data",
    "data.tfrecord",
    "data.tfrecord",
    "evaluation.metrics",
    "training.backend",
    "training.distribution",
    "config",
    "figures",
    "console",
    "signals",
    "randomness",
    "files",
    "arrays",
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


@pytest.mark.parametrize("library", ["tensorflow", "keras", "nltk", "matplotlib", "scipy", "jinja2", "mido", "music21"])
def test_help_imports_nothing_heavy(library: str) -> None:
    from seqgan_cli.cli import COMMANDS

    program = (
        "import sys, importlib, seqgan_cli.cli as cli\n"
        "for name in cli.COMMANDS: cli.group.get_command(None, name)\n"
        f"sys.exit({library!r} in sys.modules)"
    )
    assert len(COMMANDS) == 18
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_every_source_file_opens_with_a_sentence() -> None:
    for path in SOURCE.rglob("*.py"):
        docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
        assert docstring or not path.read_text(encoding="utf-8"), path
