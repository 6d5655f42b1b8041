"""Writes docs/cli.md from the commands' own help; `make docs` runs this, and a test compares."""

from pathlib import Path
from typing import Any

import click

from seqgan_cli.cli import COMMANDS, group

PATH = Path(__file__).parent / "cli.md"


def text() -> str:
    """The whole page."""
    shape: dict[str, Any] = {"terminal_width": 100, "max_content_width": 100, "help_option_names": ["-h", "--help"]}
    parent = click.Context(group, info_name="seqgan", **shape)
    parts = ["# Commands\n\nWritten by `make docs` from `seqgan COMMAND --help`.\n"]
    for name in COMMANDS:
        command = group.get_command(parent, name)
        assert command is not None
        context = click.Context(command, parent=parent, info_name=name, **shape)
        parts.append(f"\n## seqgan {name}\n\n```\n{command.get_help(context)}\n```\n")
        for own, nested in getattr(command, "commands", {}).items():
            below = click.Context(nested, parent=context, info_name=own, **shape)
            parts.append(f"\n## seqgan {name} {own}\n\n```\n{nested.get_help(below)}\n```\n")
    return "".join(parts)


if __name__ == "__main__":
    PATH.write_text(text(), encoding="utf-8")
