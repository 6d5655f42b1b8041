"""`seqgan` and `seqgan FILE`: what is here, and what to type next."""

from pathlib import Path

import click

from seqgan_cli import __version__
from seqgan_cli.config import registry
from seqgan_cli.console import Console
from seqgan_cli.data.text.records import FORMATS, suffix_of
from seqgan_cli.data.tfrecord.shards import is_prepared
from seqgan_cli.errors import SeqganError, quoted

SHOWN = 5  # runs, and files
PLACES = ("", "data", "corpus", "corpora")  # where data are looked for
LINES = frozenset((".txt", ".text", ".lst", ".tok"))
NO_DATA = frozenset(("license.txt", "requirements.txt", "readme.txt", "package.json", "package-lock.json", "tsconfig.json"))


def look_around(console: Console | None = None) -> None:
    """Tell of the runs and the data of this folder, and what to type next."""
    console = console or Console()
    console.result(f"seqgan {__version__} trains a generator of discrete sequences, and tells how good it is.")
    runs, found = _runs_here(), _data_here()
    if runs:
        console.result("\nRuns here, the latest first, and what to type next:")
        for path in runs[:SHOWN]:
            console.result(f"  {path}: {_next_of(path)}")
        if len(runs) > SHOWN:
            console.result(f"  … and {len(runs) - SHOWN} more in runs/")
    if found:
        console.result("\nData here; this tells what is read of them:")
        for path in found[:SHOWN]:
            console.result(f"  seqgan {quoted(str(path))}")
    if not runs:
        source = f" {quoted(str(found[0]))}" if found else ""
        on = "the first of them" if found else "synthetic data (three minutes)"
        console.result(f"\nTo begin, train on {on}:")
        console.result(f"  seqgan train{source} --preset quick")
        if not found:
            console.result("or on a file of your own, a sequence a line: `seqgan FILE` tells what is read of it.")
    console.result("\n`seqgan --help` has all commands.")


def _runs_here() -> list[Path]:
    """Runs in `runs/`, the latest first."""
    found = [path.parent for pattern in ("runs/*/config.json", "runs/*/*/config.json") for path in Path().glob(pattern)]
    return sorted(found, key=lambda path: (path / "config.json").stat().st_mtime, reverse=True)


def _next_of(path: Path) -> str:
    from seqgan_cli.commands.status import next_command
    from seqgan_cli.runs.run import Run

    try:
        return next_command(Run(path), Run(path).config())
    except (SeqganError, OSError) as error:
        return str(error)


def _data_here() -> list[Path]:
    """Files that are named as data are, and folders of what a kind of data reads."""
    suffixes = {suffix for kind in registry.kinds.ours.values() for suffix in kind.suffixes}
    found = []
    for place in map(Path, PLACES):
        for path in sorted(place.iterdir()) if place.is_dir() else ():
            if path.is_dir():
                holds = {file.suffix.lower() for file in path.iterdir()}
                is_data = not path.name.startswith(".") and bool(is_prepared(str(path)) or holds & (suffixes - {*FORMATS}))
            else:
                is_data = path.name.lower() not in NO_DATA and suffix_of(path) in {*FORMATS, *LINES}
            found += [path] * is_data
    return found


def looking_at(text: str) -> click.Command:
    """The command that tells of one file, folder or run."""

    @click.command(text, help="What it is, and what to type next.")
    @click.pass_context
    def look(context: click.Context) -> None:
        from seqgan_cli.commands import corpus, status
        from seqgan_cli.runs.run import Run

        console, path = Console(), Path(text)
        if path.is_dir() and Run(path).exists:
            context.invoke(status.command, **_defaults(status.command, context, ["--run", text]))
            return
        if path.is_dir() and (runs := [each.parent for each in sorted(path.glob("*/config.json"))]):
            for each in runs:
                console.result(f"  {each}: {_next_of(each)}")
            return
        context.invoke(corpus.command, **_defaults(corpus.command, context, [text, "-n", "3"]))
        name = path.name.partition(".")[0] or "data"
        run = quoted(str(Path("runs") / name))
        console.result("\nNext:")
        console.result(f"  seqgan train {quoted(text)} --preset quick --run {run}")
        console.result(f"  seqgan sample --run {run}")
        console.result("Without --preset quick it takes longer and learns more. `seqgan train --help` has the options.")

    return look


def _defaults(command: click.Command, context: click.Context, arguments: list[str]) -> dict[str, object]:
    """The parameters of a command as its own command line would give them."""
    return dict(command.make_context(command.name, arguments, parent=context).params)
