"""How texts are written to a process that scores them, and how its answers are read."""

import abc
import json
from collections.abc import Sequence

from seqgan_cli.scoring.errors import Wrong, check_number, shown

LONGEST = 4096  # bytes of a line that may become a number


class Protocol(abc.ABC):
    """Interface of protocols. Stateless: what came so far is in a buffer of whoever reads."""

    settle: float = 0.0  # seconds for which nothing may follow a process's first answer
    one_by_one: bool  # whether answers come text by text, or a chunk's at once
    hint: str  # what may be the reason where no answer comes

    @abc.abstractmethod
    def encode(self, texts: Sequence[str]) -> bytes:
        """What is written for these texts. Raises Wrong for a text that cannot be."""

    @abc.abstractmethod
    def take(self, buffer: bytearray, due: int) -> list[float]:
        """The answers that are whole, to the first of `due` texts, removed from the buffer. Raises Wrong."""


class Lines(Protocol):
    """A text a line, a number a line: what a program in any language can do."""

    settle = 0.05
    one_by_one = True
    hint = (
        "a program that writes to a pipe has to flush after every line, as `python -u` or `print(…, flush=True)` does, and not "
        "to wait for more lines before it answers one; a slow one needs a larger --reward-timeout"
    )

    def encode(self, texts: Sequence[str]) -> bytes:
        for i, text in enumerate(texts):
            if "\n" in text:
                raise Wrong("a text of several lines cannot be asked for in one", i)
        return "".join(f"{text}\n" for text in texts).encode(errors="surrogatepass")

    def take(self, buffer: bytearray, due: int) -> list[float]:
        *lines, rest = bytes(buffer).split(b"\n", due)
        scores = [_number(line, i) for i, line in enumerate(lines)]
        if len(scores) < due and len(rest) > LONGEST:
            _number(rest, len(scores))
        buffer[:] = rest
        return scores


def _number(line: bytes, text: int) -> float:
    try:
        value = float(line) if len(line) <= LONGEST else None
    except ValueError:
        value = None
    if value is None:
        raise Wrong(f"{shown(line.decode(errors='replace').strip())} is no number", text)
    return check_number(value, text)


class Json(Protocol):
    """What the process of our own speaks: `{"texts": […]}`, and `{"scores": […]}` or `{"error": "…", "at": [start, stop]}`."""

    one_by_one = False
    hint = "a slow scorer needs a larger --reward-timeout"

    def encode(self, texts: Sequence[str]) -> bytes:
        return json.dumps({"texts": list(texts)}).encode() + b"\n"

    def take(self, buffer: bytearray, due: int) -> list[float]:
        line, end, rest = bytes(buffer).partition(b"\n")
        if not end:
            return []
        buffer[:] = rest
        try:
            answer = json.loads(line)
            if "error" in answer:
                raise Wrong(answer["error"], *answer["at"])
            scores = [check_number(float(score), i) for i, score in enumerate(answer["scores"])]
        except (ValueError, TypeError, KeyError):
            raise Wrong(f"{shown(line.decode(errors='replace'))} is no answer", 0, due) from None
        if len(scores) != due:
            raise Wrong(f"it gave {len(scores)} numbers for {due} texts", 0, due)
        return scores
