"""The house: every import points down, and the command line starts without the heavy libraries."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "seqgan_cli"
# The rooms of CONTRIBUTING.md. A module may import from its own room and from lower floors.
FLOORS = {
    "__main__": 8,
    "cli": 7,
    "commands": 7,
    "experiments": 6,
    "search": 6,
    "training": 5,
    "evaluation": 4,
    "rollout": 3,
    "rewards": 3,
    "store": 3,
    "corpora": 2,
    "models": 1,
    "metrics": 0,
    "arrays": 0,
    "vocabulary": 0,
    "config": 0,
    "settings": 0,
    "conflicts": 0,
    "console": 0,
    "figures": 0,
    "files": 0,
    "errors": 0,
    "randomness": 0,
    "signals": 0,
    "distribution": 0,
    "backend": 0,
}


def room(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


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
            found.update(
                [f"{node.module}.{alias.name}" for alias in node.names] if node.module == "seqgan_cli" else [node.module]
            )
        elif isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names if alias.name.startswith("seqgan_cli"))
    return found - {"seqgan_cli.__version__"}


def test_every_import_points_down() -> None:
    wrong = []
    for path in SOURCE.rglob("*.py"):
        mine = path.relative_to(SOURCE).with_suffix("").parts[0]
        if mine == "__init__":
            continue
        for module in imports(path):
            theirs = room(module)
            if theirs != mine and FLOORS[theirs] > FLOORS[mine]:
                wrong.append(f"{path.relative_to(SOURCE)} (floor {FLOORS[mine]}) imports {module} (floor {FLOORS[theirs]})")
    assert not wrong


def test_every_module_has_a_floor() -> None:
    rooms = {path.relative_to(SOURCE).with_suffix("").parts[0] for path in SOURCE.rglob("*.py")} - {"__init__"}
    assert rooms == set(FLOORS)


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
