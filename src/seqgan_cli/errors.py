"""The failures a user can mend: one sentence each, and the exit code that goes with it."""


class SeqganError(Exception):
    """Something outside the program is wrong (a file, a run, the disk). The message is shown as it is; exit code 1."""

    exit_code = 1


class ReaderGone(Exception):  # noqa: N818  no error: `seqgan sample | head` has all it wanted
    """Whoever read our stdout has closed it. Ends the program quietly."""


class UsageError(SeqganError):
    """The command was asked for something impossible or contradictory. Exit code 2."""

    exit_code = 2
