"""The command group: which commands there are, exit codes, and what becomes of an error. Imports no TensorFlow.

Exit codes: 0 done, 1 something is wrong outside the program, 2 usage, and where a signal stopped it 128 and its number: 130 for
SIGINT, 143 for SIGTERM, 129 for SIGHUP.
"""

import difflib
import importlib
import os
import signal
import sys
from pathlib import Path
from typing import NoReturn

import click

from seqgan_cli import __version__, signals
from seqgan_cli.errors import ReaderGone, SeqganError

GROUPS = {
    "Train": {
        "train": "all stages, then samples and scores, in one go",
        "pretrain-g": "train the generator by maximum likelihood",
        "pretrain-d": "train the discriminator against the generator",
        "adversarial": "train both against each other by policy gradient",
        "corpus": "what would be read from a file, without training",
        "settings": "every setting: meaning, default, value and its source",
    },
    "Use": {
        "sample": "write sequences from the generator to stdout",
        "export": "the generator as Keras, SavedModel or ONNX models",
        "oracle": "the generator as an oracle, a truth that is known exactly",
        "score": "how likely the generator finds each line of a file",
        "status": "what a run has and what to do next",
        "rerun": "repeat a run from its record, and compare the weights",
    },
    "Judge": {
        "eval-nll": "likelihood scores, and the coverage beside them",
        "eval-bleu": "BLEU against held-out sequences, and Self-BLEU",
        "eval-quality": "variety, copying, pitches, and distance in embeddings",
        "eval-grammar": "the share of samples that a grammar parses",
        "eval-reward": "what samples are worth by a reward, and what it costs",
        "judge": "blind sheets for human judges, and their scores",
    },
    "Study": {
        "experiment": "the paper's experiments over seeds, with tests and controls",
        "tune": "search settings, on one machine or many",
        "report": "one HTML page on a run or an experiment",
        "compare": "settings and scores of runs side by side, with tests",
    },
}
COMMANDS = {name: meaning for commands in GROUPS.values() for name, meaning in commands.items()}


class LazyGroup(click.Group):
    """Imports a command's module when the command is called or its own help is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return _look_at(cmd_name) if _names_path(cmd_name) else None
        module = importlib.import_module("seqgan_cli.commands." + cmd_name.replace("-", "_"))
        command: click.Command = module.command
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            if near := difflib.get_close_matches(args[0], COMMANDS, 1):
                raise click.UsageError(f"{error.message} Did you mean {near[0]}?", ctx) from None
            raise

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        width = max(map(len, COMMANDS))
        for heading, commands in GROUPS.items():
            with formatter.section(heading):
                formatter.write_dl([(name.ljust(width), meaning) for name, meaning in commands.items()])


def _names_path(text: str) -> bool:
    """Whether a word that is no command is a file, a folder or a pattern with a path in it."""
    return os.path.exists(text) or os.sep in text or text == "-"  # noqa: PTH110  a name with a zero byte is none


def _look_at(path: str) -> click.Command:
    """`seqgan FILE`: what it is, and what to type next."""
    from seqgan_cli.commands.look import looking_at

    return looking_at(path)


@click.group(cls=LazyGroup, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="seqgan")
@click.pass_context
def group(context: click.Context) -> None:
    """Train a generator of discrete sequences with SeqGAN, and tell how good it is.

    Start with `seqgan train --preset quick`, or with your own text: `seqgan train FILE --preset quick`. `seqgan FILE` tells
    what a file, a folder or a run is and what to type next; `seqgan` alone what is here.
    """
    if context.invoked_subcommand is None:
        from seqgan_cli.commands.look import look_around

        look_around()


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run a command and exit. Every failure a user can mend is one sentence on stderr."""
    try:
        _carry_out(arguments)
    except KeyboardInterrupt:  # one more, while the first was seen to
        sys.exit(128 + signal.SIGINT)


def _carry_out(arguments: list[str] | None) -> NoReturn:
    signals.listen()
    _mend_streams()
    try:
        with signals.reraise_signals():
            group.main(arguments, prog_name="seqgan", standalone_mode=False)
            sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except SeqganError as error:
        _fail(str(error), error.exit_code)
    except (ReaderGone, BrokenPipeError):
        _leave_stdout()  # the reader of our output has all it wanted
        sys.exit(0)
    except (KeyboardInterrupt, click.Abort) as error:
        stopped = next((e for e in (error, error.__cause__) if isinstance(e, signals.Stopped)), None)
        sys.exit(128 + (stopped.number if stopped else signal.SIGINT))
    except MemoryError:
        _fail("Out of memory: use a smaller --batch-size, --max-length or --vocab-size.", 1)
    except OSError as error:
        try:
            sys.stdout.flush()
        except OSError:
            _leave_stdout()
        where = f" {error.filename}" if error.filename else ""
        _fail(f"Cannot read or write{where}: {error.strerror or error}. What was saved before is whole.", 1)
    except Exception as error:
        _fail(_what_tensorflow_says(error), 1)
    sys.exit(0)


def _leave_stdout() -> None:
    """Write no more to a stdout that takes nothing: Python would complain once more when it flushes at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _mend_streams() -> None:
    """Let no character and no closed stream stop a command: what a terminal cannot show becomes `?`."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Path(os.devnull).open("w"))  # noqa: SIM115
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


def _what_tensorflow_says(error: Exception) -> str:
    """The first line of a failed operation. Any other exception is a mistake of ours and keeps its traceback."""
    operation = getattr(sys.modules.get("tensorflow"), "errors", None)
    if operation is None or not isinstance(error, operation.OpError):
        raise error
    reason = (error.message or type(error).__name__).strip().splitlines()[0]
    if isinstance(error, operation.ResourceExhaustedError):
        return f"Out of memory ({reason}): use a smaller --batch-size, --rollouts or --max-length."
    return f"TensorFlow stopped: {reason}. What was saved before is whole."


def _fail(message: str, code: int) -> NoReturn:
    from seqgan_cli.console import Console

    Console().error(message)
    sys.exit(code)
