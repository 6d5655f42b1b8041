"""The failures a user can mend: one sentence each, and the exit code that goes with it."""

import shlex
from pathlib import Path


class SeqganError(Exception):
    """Something outside the program is wrong (a file, a run, the disk). The message is shown as it is; exit code 1."""

    exit_code = 1


def restarting(stage: str, run: Path) -> str:
    """The command that restarts a stage of a run, as messages advise it: without --run it would restart another's."""
    return f"`seqgan {stage} --run {shlex.quote(str(run))} --overwrite`"


class ReaderGone(Exception):  # noqa: N818  no error: `seqgan sample | head` has all it wanted
    """Whoever read our stdout has closed it. Ends the program quietly."""


class UsageError(SeqganError):
    """The command was asked for something impossible or contradictory. Exit code 2."""

    exit_code = 2
