"""What messages advise can be typed: every command and option that a string of the sources names exists."""

import ast
import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import click
import pytest

from seqgan_cli import cli

SOURCE = Path(__file__).parents[1] / "src" / "seqgan_cli"
OTHERS = {"--help", "--version"}
FOREIGN = {"--force-reinstall"}  # of other programs that messages name


@cache
def commands() -> dict[str, click.Command]:
    parent = click.Context(cli.group, info_name="seqgan")
    found: dict[str, Any] = {name: cli.group.get_command(parent, name) for name in cli.COMMANDS}
    for name, command in list(found.items()):
        found |= {f"{name} {own}": each for own, each in getattr(command, "commands", {}).items()}
    return found


def options_of(command: click.Command) -> set[str]:
    return {name for option in command.params for name in (*option.opts, *option.secondary_opts)} | OTHERS


def said(place: str, nodes: list[ast.AST]) -> Iterator[tuple[str, str]]:
    """Of one file's nodes: where each string of a message stands, and its text with `{}` for each value.

    Docstrings, which nobody pastes, aside.
    """
    passed = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}  # docstrings, and parts of what is whole below
    passed |= {id(part) for node in nodes if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in nodes:
        if id(node) in passed:
            continue
        if isinstance(node, ast.JoinedStr):
            text = "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value
        else:
            continue
        yield f"{place}:{node.lineno}", text


def called(place: str, nodes: list[ast.AST]) -> Iterator[tuple[str, str]]:
    """What `advised` and `restarting` make of their arguments."""
    for node in nodes:
        name = getattr(getattr(node, "func", None), "id", "")
        if isinstance(node, ast.Call) and name in ("advised", "restarting") and isinstance(node.args[0], ast.Constant):
            literal = [str(each.value) for each in node.args[2:] if isinstance(each, ast.Constant)]
            words = [str(node.args[0].value), "--run", "x", *literal, *["--overwrite"] * (name == "restarting")]
            yield f"{place}:{node.lineno}", shlex.join(words)


@cache
def of_sources() -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """The strings of all messages, and what is advised by a call; read once, since the sources are long."""
    strings, calls = [], []
    for path in sorted(SOURCE.rglob("*.py")):
        place, nodes = str(path.relative_to(SOURCE)), [*ast.walk(ast.parse(path.read_text(encoding="utf-8")))]
        strings += said(place, nodes)
        calls += called(place, nodes)
    return strings, calls


def advised() -> Iterator[tuple[str, str]]:
    """What stands in backticks after `seqgan`, and what is advised by a call."""
    strings, calls = of_sources()
    for where, text in strings:
        for line in re.findall(r"`seqgan ([^`]+)`", text):
            yield where, line
    yield from calls


def test_every_option_that_a_message_names_exists() -> None:
    known = set().union(*map(options_of, commands().values()))
    wrong = []
    for where, text in of_sources()[0]:
        for option in re.findall(r"(?<![\w-])--[a-z][a-z-]*[a-z]", text):
            if option not in known | FOREIGN and not any(name.startswith(f"{option}-") for name in known if "{}" in text):
                wrong.append(f"{where}: {option}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(("where", "line"), [*advised()], ids=lambda part: part[:60])
def test_every_command_that_a_message_advises_exists_with_its_options(where: str, line: str) -> None:
    words = [word.strip("[]…") for word in shlex.split(line.partition(" > ")[0].partition(" | ")[0])]
    if not re.fullmatch(r"[a-z][a-z-]*", words[0]):  # {}, COMMAND, or an option of the program
        assert words[0].isupper() or words[0] in {"{}", *OTHERS, "sample"}, line
        return
    both = " ".join(words[:2])
    command = commands().get(both) or commands()[words[0]]
    for word in words[1:]:
        if word.startswith("--"):
            assert word in options_of(command), f"{line}: {word}"


def test_every_command_without_a_blank_is_parsed_as_it_stands() -> None:
    """Those with values to fill in are typed by the tests of their messages."""
    whole = [line for _, line in advised() if not re.search(r"[{}…<>|]|\b[A-Z]{3,}\b", line)]
    assert len(whole) > 10
    for line in whole:
        first, *rest = shlex.split(line)
        if first.startswith("-"):
            continue
        command: Any = commands()[first]
        if rest and rest[0] in getattr(command, "commands", {}):
            continue  # which needs its files
        if "--help" not in rest:
            try:
                command.make_context(first, rest)
            except click.MissingParameter:  # an argument that the sentence around it names
                continue
