"""The failures a user can mend: one sentence each, and the exit code that goes with it."""

import os
import shlex
from collections.abc import Sequence
from pathlib import Path


class SeqganError(Exception):
    """Something outside the program is wrong (a file, a run, the disk). The message is shown as it is; exit code 1."""

    exit_code = 1


def quoted(text: str) -> str:
    """A word as a shell takes it. One that cannot be printed is written in escapes, as Bash and Zsh read them."""
    if text.isprintable():
        return shlex.quote(text)
    return "$'" + "".join(chr(b) if 32 <= b < 127 and b not in b"'\\" else f"\\x{b:02x}" for b in os.fsencode(text)) + "'"


def advised(stage: str, run: Path, *options: str) -> str:
    """A command on a run, as messages advise it: without --run it would be another's."""
    return f"`seqgan {' '.join([stage, '--run', quoted(str(run)), *map(quoted, options)])}`"


def restarting(stage: str, run: Path, sets: Sequence[str] = ()) -> str:
    """The command that restarts a stage of a run, with settings `NAME=VALUE` changed."""
    return advised(stage, run, "--overwrite", *(word for each in sets for word in ("--set", each)))


class ReaderGone(Exception):  # noqa: N818  no error: `seqgan sample | head` has all it wanted
    """Whoever read our stdout has closed it. Ends the program quietly."""


class UsageError(SeqganError):
    """The command was asked for something impossible or contradictory. Exit code 2."""

    exit_code = 2
