"""The one place that prints: results to stdout, everything else to stderr."""

import contextlib
import math
import os
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import rich.box
from rich.console import Console as RichConsole
from rich.measure import Measurement
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
from rich.progress import Progress as RichProgress
from rich.table import Table
from rich.text import Text

from seqgan_cli.errors import ReaderGone

LONG_JOB = 30 * 60.0  # seconds from which a stage says so at its start
EVERY = 10.0  # seconds between two lines of what is done, where there is no bar
BARS = "▁▂▃▄▅▆▇█"


CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")  # all but tab and newline: what a terminal obeys


def visible(text: str) -> str:
    """Text that commands a terminal nothing: control characters are written out, as `\\x1b`."""
    return CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text)


def sparkline(values: Sequence[float]) -> str:
    """One character a finite value, from the lowest to the highest of them."""
    values = [value for value in values if math.isfinite(value)]
    low, high = min(values, default=0.0), max(values, default=0.0)
    span = (high - low) or 1.0
    return "".join(BARS[min(7, int(8 * (value - low) / span))] for value in values)


def duration(seconds: float) -> str:
    """`45 s`, `12 min`, `3 h 20 min`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


def counted(done: int, target: int, unit: str) -> str:
    """`3 of 40 files`; bytes in MB."""
    if unit == "byte":
        return f"{done / 1e6:.0f} of {target / 1e6:.0f} MB"
    return f"{done} of {target} {unit.removesuffix('s')}s"


def number(value: float) -> str:
    """Four digits, as tables and progress lines show scores."""
    return f"{value:.4g}" if abs(value) < 1e-2 or abs(value) >= 1000 else f"{value:.3f}"


class _Out(RichConsole):
    """Rich's console, but a pipe that is closed ends the program as quietly as everywhere else here."""

    def on_broken_pipe(self) -> None:
        raise ReaderGone from None


class Console:
    """What a command says, as loud as it was asked to be.

    Args:
        quiet: only warnings, errors and results.
        verbose: notes too.
        silent: nothing at all: the process beside it says the same.
    """

    def __init__(self, quiet: bool = False, verbose: bool = False, silent: bool = False) -> None:
        self.quiet, self.verbose = quiet, verbose
        nowhere = Path(os.devnull).open("w") if silent else None  # noqa: SIM115  for as long as the process lives
        self._out = _Out(file=nowhere, highlight=False, soft_wrap=True, emoji=False)
        if not self._out.is_terminal:
            self._out.width = 120  # a file has no width of its own, and Rich's guess of 80 breaks tables
        self._err = RichConsole(file=nowhere, stderr=not silent, highlight=False, soft_wrap=True, emoji=False)

    def say(self, message: str) -> None:
        if not self.quiet:
            self._err.print(visible(message), markup=False)

    def note(self, message: str) -> None:
        if self.verbose:
            self._err.print(visible(message), style="dim", markup=False)

    def warn(self, message: str) -> None:
        self._err.print(f"Warning: {visible(message)}", style="yellow", markup=False)

    def error(self, message: str) -> None:
        self._err.print(f"Error: {visible(message)}", style="bold red", markup=False)

    def result(self, text: str = "") -> None:
        """Text to stdout; a pipe or file gets it as it is, a terminal without control characters."""
        try:
            self._out.file.write((visible(text) if self._out.is_terminal else text) + "\n")
        except BrokenPipeError:
            raise ReaderGone from None

    def table(
        self, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], caption: str = "", numbers: bool = True
    ) -> None:
        """A table to stdout, its title above and its caption below. The first column names the row.

        `numbers`: whether the others hold numbers, which stand to the right and are never broken: where the terminal is too
        narrow for that, each row becomes lines of its own. A file is as wide as the table.
        """
        table = Table(box=rich.box.SIMPLE_HEAD)
        # Text, since a path or token in square brackets is no mark-up.
        for i, column in enumerate(columns):
            table.add_column(Text(column), justify="right" if numbers and i else "left", no_wrap=bool(i) if numbers else not i)
        for row in rows:
            table.add_row(*(Text(visible(cell)) for cell in row))
        if title:
            self.result(title)
        wanted = Measurement.get(self._out, self._out.options.update(max_width=10_000), table)
        if numbers and self._out.is_terminal and wanted.minimum > self._out.width:
            for row in rows:
                lines = [f"  {column}  {cell}" for column, cell in zip(columns[1:], row[1:], strict=True) if cell]
                self.result("\n".join([row[0], *lines]))
        else:
            if numbers and not self._out.is_terminal:
                self._out.width = max(self._out.width, wanted.maximum)
            self._out.print(table, soft_wrap=False)
        if caption:
            self.result(caption)

    @contextlib.contextmanager
    def progress(self, label: str, unit: str, done: int, target: int, work: float, main: str) -> Iterator["Progress"]:
        """Progress of a stage; see Progress."""
        progress = Progress(self, label, unit, done, target, work, main)
        if self._err.is_terminal and not self.quiet:
            with progress.bar(self._err):
                yield progress
        else:
            yield progress


class Progress:
    """A stage's way from `done` to `target` units of `work` each: a bar on a terminal, a line a unit elsewhere.

    The estimate comes from the work done in this process, so that it stands after the first few steps.
    """

    def __init__(self, console: Console, label: str, unit: str, done: int, target: int, work: float, main: str) -> None:
        self.console, self.label, self.unit, self.main = console, label, unit, main
        self.first, self.done, self.target, self.work = done, done, target, work
        self.worked = 0.0
        self.recent: list[float] = []
        self.text = ""
        self.started = self.unit_started = time.monotonic()
        self.measured: tuple[float, float] | None = None  # (time, work) after the first step, which also compiled
        self.told = False
        self._said = self.started
        self._bar: RichProgress | None = None

    @contextlib.contextmanager
    def bar(self, err: RichConsole) -> Iterator[None]:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[left]}"),
            TextColumn("{task.fields[scores]}"),
        )
        with RichProgress(*columns, console=err) as self._bar:
            self._task = self._bar.add_task(
                f"{self.label} {self.unit}", total=self.target, completed=self.done, left="", scores=""
            )
            yield

    @property
    def seconds_left(self) -> float | None:
        """Estimate from the rate since the first step, or None while there is none."""
        if self.measured is None or self.worked <= self.measured[1]:
            return None
        rate = (time.monotonic() - self.measured[0]) / (self.worked - self.measured[1])
        return rate * max(0.0, (self.target - self.first) * self.work - self.worked)

    def tick(self, work: float = 1.0) -> None:
        """So much of the unit's work is done."""
        self.worked += work
        if self.measured is None:
            self.measured = (time.monotonic(), self.worked)
        left = self.seconds_left
        if left is not None and not self.told and time.monotonic() - self.measured[0] > 5.0:
            self.told = True
            if left > LONG_JOB and self.main:  # of training, which has a score
                self.console.say(
                    f"{self.label}: about {duration(left)} for {self.target - self.first} {self.unit}s. `--preset quick` in a "
                    "new --run is much quicker. Stopping (Ctrl-C) at any time keeps a usable result; the same command goes on."
                )
        if self._bar is not None:
            part = self.worked / self.work if self.work else 0.0
            shown = f"{duration(left)} left" if left is not None else ""
            self._bar.update(self._task, completed=min(self.first + part, self.done + 0.99), left=shown)

    def move(self, position: int) -> None:
        """So many units are done, which are too many for a line each: a bar shows it, or a line now and then."""
        self.tick((position - self.first) * self.work - self.worked)
        if self._bar is not None:
            self._bar.update(self._task, completed=position)
        elif time.monotonic() - self._said >= EVERY and position < self.target:
            self._said = time.monotonic()
            left = self.seconds_left
            ending = f" · {duration(left)} left" if left is not None else ""
            self.console.say(f"{self.label}: {counted(position, self.target, self.unit)}{ending}")

    def finish_unit(self, position: int, scores: Mapping[str, float], remark: str = "") -> None:
        """A unit is done, with these scores to show, and a remark."""
        self.done = position
        self.worked = (position - self.first) * self.work
        if self.main in scores:
            self.recent = [*self.recent, scores[self.main]][-20:]
        shown = " · ".join([*(f"{name} {number(value)}" for name, value in scores.items()), *filter(None, [remark])])
        now = time.monotonic()
        if self._bar is not None:
            self._bar.update(self._task, completed=position, scores=f"{shown} {sparkline(self.recent)}")
        else:
            left = self.seconds_left if position < self.target else None
            ending = f" · {duration(left)} left" if left is not None else ""
            self.console.say(
                f"{self.label} {self.unit} {position}/{self.target} · {shown} · {now - self.unit_started:.1f} s{ending}"
            )
        self.unit_started = now
