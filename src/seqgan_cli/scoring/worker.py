"""The process of our own that scores texts: `python -m seqgan_cli.scoring.worker`.

`file PATH[:FUNCTION]` is a user's function of texts, a list of strings, that gives a number for each. `component MODULE:NAME
OPTIONS` is what a function of that module gives for the options, a JSON object: such a function of texts. It speaks
`protocols.Json`. What the hosted code prints goes to stderr, and what it reads is at its end.
"""

import contextlib
import hashlib
import importlib
import json
import math
import os
import signal
import sys
import traceback
import types
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from seqgan_cli.errors import SeqganError

DEFAULT = "score"  # the function of a file, where none is named
Score = Callable[[list[str]], Iterable[Any]]


def command(*arguments: str) -> list[str]:
    """The command line of such a process. The current folder does not shadow modules, as it does not for the program itself."""
    return [sys.executable, "-P", "-m", "seqgan_cli.scoring.worker", *arguments]


def parse(place: str) -> tuple[Path, str]:
    """The file and the function of `PATH[:FUNCTION]`."""
    path, colon, name = place.rpartition(":")
    return (Path(path), name) if colon and name.isidentifier() else (Path(place), DEFAULT)


def fingerprint(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal digits. Raises SeqganError if it cannot be read."""
    return hashlib.sha256(_content(path)).hexdigest()


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SeqganError(f"{path} cannot be read ({error.strerror or error})") from error


def from_file(path: Path, name: str) -> Score:
    """A function of a user's file, which is run as `python FILE` would, but for its `__name__`. Raises what its code raises.

    Raises SeqganError for a file that cannot be read or lacks the function.
    """
    content = _content(path)
    sys.path.insert(0, str(path.resolve().parent))
    sys.argv = [str(path)]
    named = path.stem if path.stem not in sys.modules else f"{path.stem}_of_a_reward"  # such as json.py
    module = types.ModuleType(named)
    module.__file__ = str(path)
    sys.modules[named] = module  # where dataclasses and pickle look for it
    exec(compile(content, str(path), "exec"), module.__dict__)  # no loader: its bytecode may be another version's
    function: Any = getattr(module, name, None)
    if not callable(function):
        raise SeqganError(f"{path} has no function {name!r}")
    return function


def from_component(place: str, options: str) -> Score:
    """What the function at `MODULE:NAME` gives for options, a JSON object. Raises what it raises."""
    module, _, name = place.partition(":")
    factory: Any = importlib.import_module(module)
    for part in name.split("."):
        factory = getattr(factory, part)
    score: Score = factory(**json.loads(options))
    return score


class _Unfit(Exception):  # noqa: N818  becomes an answer
    """What a function gave is no number for each text; `at`: which number."""

    def __init__(self, what: str, at: int | None = None) -> None:
        super().__init__(what)
        self.at = at


def numbers(score: Score, texts: Sequence[str]) -> list[float]:
    """What a function says of texts. Raises _Unfit, and what the function raises."""
    given = score(list(texts))
    try:
        answers = list(given)
    except TypeError:
        raise _Unfit(f"{given!r:.80} is no sequence of numbers") from None
    if len(answers) != len(texts):
        raise _Unfit(f"it gave {len(answers)} number{'s' * (len(answers) != 1)} for {len(texts)} text{'s' * (len(texts) != 1)}")
    return [_number(answer, i) for i, answer in enumerate(answers)]


def _number(answer: Any, at: int) -> float:
    try:
        if isinstance(answer, str | bytes | bytearray):  # float() would read them
            raise TypeError
        value = float(answer)
    except (TypeError, ValueError, OverflowError):
        raise _Unfit(f"{answer!r:.80} is no number", at) from None
    if not math.isfinite(value):
        raise _Unfit(f"{value} is no finite number", at)
    return value


def respond(score: Score, texts: Sequence[str], path: str | None) -> dict[str, Any]:
    """The answer to a request. Where a batch fails its texts are scored one by one, to find the one that it fails at."""
    try:
        return {"scores": numbers(score, texts)}
    except _Unfit as unfit:
        if unfit.at is not None:
            return _failed(str(unfit), unfit.at, unfit.at + 1)
        what = str(unfit)
    except Exception as error:
        what = told(error, path, score)
    for i in range(len(texts) if len(texts) > 1 else 0):
        try:
            numbers(score, texts[i : i + 1])
        except _Unfit as unfit:
            return _failed(str(unfit), i, i + 1)
        except Exception as error:
            return _failed(told(error, path, score), i, i + 1)
    return _failed(what, 0, len(texts))


def _failed(what: str, start: int, stop: int) -> dict[str, Any]:
    return {"error": what, "at": [start, stop]}


def told(error: Exception, path: str | None, function: object = None) -> str:
    """An exception in a sentence: what, and at which line of the user's file, or else of the code that raised it."""
    if isinstance(error, SeqganError):
        return str(error).removesuffix(".")
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename != __file__]
    frames = [frame for frame in frames if frame.filename == path] or frames
    place = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    what = next(iter(str(error).splitlines()), "")
    if isinstance(error, SyntaxError):
        what, place = error.msg, f"{error.filename}:{error.lineno}"
    elif not frames and (code := getattr(function, "__code__", None)):  # it cannot be called so
        place = f"{code.co_filename}:{code.co_firstlineno}"
    return f"{type(error).__name__}{what and ': '}{what:.200}{place and f' ({place})'}"


def _take_streams() -> tuple[BinaryIO, BinaryIO]:
    """What requests come from and answers go to, out of reach of whatever reads stdin and writes to stdout."""
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    return requests, answers


def _end_with_parent() -> None:
    """Have Linux end this process with the thread that started it, also while hosted code does not return."""
    if sys.platform == "linux":
        import ctypes

        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)  # PR_SET_PDEATHSIG


def main(mode: str, place: str, options: str = "{}") -> None:
    """Answer requests until stdin ends."""
    _end_with_parent()
    requests, answers = _take_streams()
    path = None

    def answer(response: dict[str, Any]) -> None:
        answers.write(json.dumps(response).encode() + b"\n")
        answers.flush()

    try:
        if mode == "file":
            file, name = parse(place)
            path = str(file)
            score = from_file(file, name)
        else:
            score = from_component(place, options)
    except Exception as error:
        answer(_failed(told(error, path), 0, 0))
        return
    for line in requests:
        answer(respond(score, json.loads(line)["texts"], path))


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except BrokenPipeError:  # nobody listens any more, to what is in buffers neither
        os._exit(0)
