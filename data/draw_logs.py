"""Draws lines of a server's log from the grammar below, masks the numbers of any log, or prints the grammar.

The grammar was written for this project, and `#` stands for a number: what it makes is what masked lines look like. With faults
a few of the lines are spoilt, and a table says which and how.
"""

import argparse
import csv
import random
import re
import sys
from collections.abc import Callable
from pathlib import Path

GRAMMAR = """\
LINE -> '#:#:#' EVENT
EVENT -> 'INFO' INFO | 'INFO' INFO | 'WARN' WARN | 'ERROR' ERROR
INFO -> 'http' REQUEST '#' 'in' '#ms' | 'auth' USER 'logged' 'in' 'from' '#.#.#.#' | 'worker' JOB 'done' 'in' '#s'
INFO -> 'cache' 'holds' '#' 'keys' | 'cache' 'hit' 'ratio' '#%' | 'cache' 'evicted' '#' 'keys' 'in' '#ms'
WARN -> 'http' REQUEST 'is' 'slow:' '#ms' | 'auth' USER 'failed' 'to' 'log' 'in' TIMES | 'db' 'pool' '#/#' 'in' 'use'
WARN -> 'worker' JOB 'waits' '#s' 'before' 'retry' '#' | 'db' HOST 'is' 'behind' 'by' '#s'
ERROR -> 'http' REQUEST '#' REASON | 'worker' JOB 'failed:' REASON | 'db' HOST 'lost:' REASON | 'cache' HOST 'lost:' REASON
REQUEST -> METHOD PATH 'by' NAME
METHOD -> 'GET' | 'POST' | 'PUT' | 'DELETE'
PATH -> '/' | '/login' | '/orders' | '/orders/#' | '/users/#' | '/users/#/cart' | '/search?page=#'
USER -> 'user' NAME
NAME -> 'anna' | 'jonas' | 'mira' | 'tom' | 'olga' | 'ines' | 'karl' | 'guest'
JOB -> 'job' '#' KIND 'for' NAME
KIND -> '(mail)' | '(export)' | '(resize)' | '(backup)' | '(invoice)'
TIMES -> 'once' | 'twice' | '#' 'times'
HOST -> 'host' 'db#' | 'host' 'cache#' | 'host' '#.#.#.#'
REASON -> 'timeout' 'after' '#ms' | 'connection' 'refused' | 'out' 'of' 'memory' | 'no' 'such' 'host' | 'disk' 'full'
"""


def rules() -> dict[str, list[list[str]]]:
    """The grammar as right-hand sides by symbol; words keep their quotes."""
    found: dict[str, list[list[str]]] = {}
    for line in GRAMMAR.splitlines():
        left, right = line.split(" -> ")
        found.setdefault(left, []).extend(side.split() for side in right.split(" | "))
    return found


def draw_lines(number: int, seed: int) -> list[str]:
    """So many lines, with numbers."""
    draw, sides = random.Random(seed), rules()

    def words(symbol: str) -> list[str]:
        if symbol.startswith("'"):
            return [symbol.strip("'")]
        return [word for part in draw.choice(sides[symbol]) for word in words(part)]

    def line() -> str:
        _, *event = words("LINE")
        text = re.sub(r"#\.#\.#\.#", lambda _: ".".join(str(draw.randint(0, 255)) for _ in range(4)), " ".join(event))
        text = re.sub("#", lambda _: str(draw.randint(1, 10 ** draw.randint(1, 4))), text)
        return f"{draw.randint(0, 23):02}:{draw.randint(0, 59):02}:{draw.randint(0, 59):02} {text}"

    return [line() for _ in range(number)]


def _swapped(words: list[str], draw: random.Random, others: list[str]) -> list[str]:
    i = draw.randrange(2, len(words) - 1)
    return [*words[:i], words[i + 1], words[i], *words[i + 2 :]]


def _lost(words: list[str], draw: random.Random, others: list[str]) -> list[str]:
    i = draw.randrange(1, len(words) - 1)
    return words[:i] + words[i + 1 :]


def _repeated(words: list[str], draw: random.Random, others: list[str]) -> list[str]:
    i = draw.randrange(1, len(words))
    return [*words[: i + 1], *words[i:]]


def _strange(words: list[str], draw: random.Random, others: list[str]) -> list[str]:
    """A word of another line, in the place of one."""
    i = draw.randrange(2, len(words))
    return [*words[:i], draw.choice(others[2:]), *words[i + 1 :]]


def _wrong_level(words: list[str], draw: random.Random, others: list[str]) -> list[str]:
    return [words[0], draw.choice([level for level in ("INFO", "WARN", "ERROR") if level != words[1]]), *words[2:]]


FAULTS: dict[str, Callable[[list[str], random.Random, list[str]], list[str]]] = {
    "swapped": _swapped,
    "lost": _lost,
    "repeated": _repeated,
    "strange": _strange,
    "wrong-level": _wrong_level,
}


def faulty_lines(number: int, seed: int, share: float) -> list[tuple[str, str]]:
    """So many lines and the fault of each, empty for most; one that a fault happens to leave as it was has none."""
    lines, draw = draw_lines(number, seed), random.Random(f"faults {seed}")
    found = []
    for line in lines:
        fault = draw.choice([*FAULTS]) if draw.random() < share else ""
        words = line.split()
        spoilt = FAULTS[fault](words, draw, draw.choice(lines).split()) if fault else words
        masked = [re.sub("[0-9]+", "#", " ".join(each)) for each in (words, spoilt)]
        found.append((" ".join(spoilt), fault if masked[0] != masked[1] else ""))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description="Lines of a log on stdout.")
    parser.add_argument("--num", type=int, default=4000, help="how many [4000]")
    parser.add_argument("--seed", type=int, default=0, help="seed of every draw [0]")
    parser.add_argument("--mask", type=Path, metavar="FILE", help="print its lines instead, each number as #")
    parser.add_argument("--with-faults", action="store_true", help="a table of line and fault, which few lines have")
    parser.add_argument("--share", type=float, default=0.05, help="of lines that have a fault [0.05]")
    parser.add_argument("--grammar", action="store_true", help="print the grammar of masked lines instead")
    options = parser.parse_args()
    if options.grammar:
        print(GRAMMAR, end="")
    elif options.mask:
        try:
            print(re.sub("[0-9]+", "#", options.mask.read_text(encoding="utf-8")), end="")
        except (OSError, UnicodeDecodeError) as error:
            parser.error(f"cannot read {options.mask}: {error}")
    elif options.with_faults:
        table = csv.writer(sys.stdout, lineterminator="\n")
        table.writerows([("line", "fault"), *faulty_lines(options.num, options.seed, options.share)])
    else:
        print("\n".join(draw_lines(options.num, options.seed)))


if __name__ == "__main__":
    main()
