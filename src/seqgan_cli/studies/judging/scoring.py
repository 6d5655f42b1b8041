"""What judges make of a sheet's sources (the paper's Turing-like test, §4.2): a source's score is the share called human."""

import csv
import hashlib
import io
import itertools
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from seqgan_cli.errors import SeqganError
from seqgan_cli.evaluation.metrics.likelihood import Estimate
from seqgan_cli.randomness import rng
from seqgan_cli.studies.judging.sheet import Key, read_text

MARKS = {"h": 1.0, "human": 1.0, "1": 1.0, "m": 0.0, "machine": 0.0, "0": 0.0, "": None}
PERMUTATIONS = 99_999


@dataclass(frozen=True)
class Answers:
    """What one judge made of a sheet: 1 for human, 0 for machine, None for no answer, by item's number."""

    path: Path
    sheet: str
    judge: str
    marks: Mapping[int, float | None]


def read_answers(path: Path) -> Answers:
    """What the page saved, or a CSV sheet with its answers filled in. Raises SeqganError that names the line or item."""
    text = read_text(path)
    return (_saved if text.lstrip().startswith("{") else _filled)(text, path)


def _mark(value: Any, where: str) -> float | None:
    word = "" if value is None else str(value).strip()
    if word.casefold() not in MARKS:
        raise SeqganError(f"{where}: {word[:40]!r} is no answer: write human (h, 1), machine (m, 0), or nothing.")
    return MARKS[word.casefold()]


def _saved(text: str, path: Path) -> Answers:
    try:
        record = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SeqganError(f"{path} is damaged ({error}): ask its judge for the file once more.") from None
    sheet, judge, answers = (record.get(name) for name in ("sheet", "judge", "answers"))
    if not (isinstance(sheet, str) and isinstance(judge, str) and isinstance(answers, list)):
        raise SeqganError(f"{path} holds no answers: `sheet`, `judge` and a list of `answers`, as the page saves them.")
    return Answers(path, sheet, judge, {n: _mark(value, f"{path}, item {n}") for n, value in enumerate(answers, 1)})


def _filled(text: str, path: Path) -> Answers:
    """A CSV sheet as spreadsheets save it: also with semicolons or tabs, or without the empty cells at a line's end."""
    header = re.split(r"[\r\n]", text, maxsplit=1)[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=header.count), strict=True)
    sheet, marks = "", dict[int, float | None]()
    try:
        columns = [name.strip().casefold() for name in next(reader, [])]
        if columns.count("item") != 1 or columns.count("answer") != 1:
            raise SeqganError(
                f"{path} holds no answers: it is neither what the page saves nor a CSV sheet (item, text, answer)."
            )
        for row in reader:
            if not any(cell.strip() for cell in row):
                continue
            where = f"{path}, line {reader.line_num}"
            cells = dict(zip(columns, row, strict=False))
            name = cells.get("item", "").strip()
            found = re.fullmatch(r"([a-z]+)-([0-9]{1,9})", name)
            if not found:
                raise SeqganError(f"{where}: {name[:40]!r} names no item of a sheet: leave the item column as it was.")
            sheet, number = sheet or found[1], int(found[2])
            if found[1] != sheet:
                raise SeqganError(f"{where}: item {name} is of another sheet than the lines before, which are of {sheet}.")
            if number in marks:
                raise SeqganError(f"{where}: item {name} is there a second time: leave one of them out.")
            marks[number] = _mark(cells.get("answer"), f"{where}, item {name}")
    except csv.Error as error:
        raise SeqganError(f"{path}, line {reader.line_num}: {error}; save the sheet as CSV once more.") from None
    if not marks:
        raise SeqganError(f"{path} holds no items: save the sheet with all its lines.")
    return Answers(path, sheet, hashlib.blake2b(text.encode(), digest_size=8).hexdigest(), marks)


@dataclass(frozen=True)
class Score:
    """A source's share of human answers: the mean over its `score.count` items with answers of each one's mean over judges."""

    source: str
    score: Estimate
    answers: int
    unanswered: int


@dataclass(frozen=True)
class Difference:
    """The first source's score − the second's, its 95 % interval, and p of a permutation test."""

    first: str
    second: str
    difference: float
    low: float
    high: float
    p: float


@dataclass(frozen=True)
class Judgement:
    """What the judges of a sheet found.

    agreement: Krippendorff's α, nan where it has no meaning; items: each one's mean over the judges who answered, nan for none.
    """

    sheet: str
    judges: int
    unanswered: int
    agreement: float
    scores: tuple[Score, ...]
    differences: tuple[Difference, ...]
    items: tuple[float, ...]


def judged(answers: Sequence[Answers], key: Key) -> Judgement:
    """Score every source of a sheet, and test each pair of them.

    All judges judge the same items, so answers to an item are no independent draws: the unit is the item, each with its mean
    over judges. What is found so speaks of other items of these sources before judges such as these; a judge who calls more of
    everything human moves all sources alike.

    Raises SeqganError for answers to another sheet, too few or too many of them, or one judge's given twice.
    """
    table = _table(answers, key)
    counts = (~np.isnan(table)).sum(axis=0)
    means = np.divide(np.nansum(table, axis=0), counts, out=np.full(len(counts), np.nan), where=counts > 0)
    own = {name: np.array([name in names for names in key.items]) for name in key.sources}
    scores = {}
    for name, mine in own.items():
        given = int(counts[mine].sum())
        scores[name] = Score(name, share(means[mine & (counts > 0)], given), given, len(table) * int(mine.sum()) - given)
    differences = []
    for a, b in itertools.combinations(key.sources, 2):
        first, second = (means[mine & (counts > 0)] for mine in (own[a] & ~own[b], own[b] & ~own[a]))
        differences.append(Difference(a, b, *_between(scores[a].score, scores[b].score), permutation_p(first, second)))
    unanswered = int(np.isnan(table).sum())
    found = tuple(scores.values()), tuple(differences), tuple(means.tolist())
    return Judgement(key.sheet, len(table), unanswered, agreement(table), *found)


def _table(answers: Sequence[Answers], key: Key) -> np.ndarray:
    """float `[judges, items]`: 1 human, 0 machine, nan no answer."""
    count, seen = len(key.items), dict[str, Path]()
    for one in answers:
        if one.sheet != key.sheet:
            raise SeqganError(
                f"{one.path} answers sheet {one.sheet}, and the key is of {key.sheet}: leave out one or the other."
            )
        if one.judge in seen:
            raise SeqganError(f"{one.path} and {seen[one.judge]} are by the same judge: give only the later one.")
        seen[one.judge] = one.path
        if missing := set(range(1, count + 1)) - set(one.marks):
            raise SeqganError(
                f"{one.path}: item {min(missing)} of {count} is missing; one without an answer stays, left blank."
            )
        if extra := set(one.marks) - set(range(1, count + 1)):
            raise SeqganError(f"{one.path}: there is no item {min(extra)} on sheet {key.sheet}, which has {count}.")
    marks = [[one.marks[number] for number in range(1, count + 1)] for one in answers]
    return np.array([[math.nan if mark is None else mark for mark in row] for row in marks])


def share(means: np.ndarray, answers: int) -> Estimate:
    """Mean of items' shares float `[n]` of `answers` yes-or-no answers in all, with a 95 % interval over items.

    Wilson's interval for the number of independent answers that would vary as the items' mean does, p(1 − p) / var, as Korn and
    Graubard (1998) do for clustered surveys, with Student's quantile for n items. Unlike mean ± t · error it stays within 0 … 1
    and has a width where all answers are alike. nan for no item, no interval for one.
    """
    from scipy.stats import t

    count = len(means)
    if count < 2:
        return Estimate(float(means[0]) if count else math.nan, math.nan, math.nan, math.nan, count)
    mean, variance, quantile = float(means.mean()), float(means.var(ddof=1)), float(t.ppf(0.975, count - 1))
    spread = mean * (1 - mean)
    effective = float(count)  # where all answers are alike, those to one item may be so because they are of one item
    if spread > 0:
        effective = min(answers, spread * count / variance) if variance > 0 else answers
    centre = (mean + quantile**2 / (2 * effective)) / (1 + quantile**2 / effective)
    half = quantile / (1 + quantile**2 / effective) * math.sqrt(spread / effective + (quantile / effective) ** 2 / 4)
    low, high = max(0.0, centre - half), min(1.0, centre + half)
    return Estimate(mean, min(low, mean), max(high, mean), math.sqrt(variance), count)


def _between(a: Estimate, b: Estimate) -> tuple[float, float, float]:
    """a − b and its 95 % interval from those of both (Newcombe 1998, method 10)."""
    difference = a.mean - b.mean
    low = difference - math.hypot(a.mean - a.low, b.high - b.mean)
    return difference, low, difference + math.hypot(a.high - a.mean, b.mean - b.low)


def permutation_p(a: np.ndarray, b: np.ndarray) -> float:
    """Two-sided p that items' shares differ this much in their mean when sources are assigned to items at random.

    Exact for few items, else from random assignments. With one judge a share is 0 or 1, and with sources told at sight it
    does not vary at all, so no normal distribution is assumed. nan where one source has under two items of its own; an item of
    both cannot be assigned otherwise and takes no part.
    """
    from scipy.stats import permutation_test

    if min(len(a), len(b)) < 2:
        return math.nan

    def difference(x: np.ndarray, y: np.ndarray, axis: int) -> np.ndarray:
        return np.mean(x, axis=axis) - np.mean(y, axis=axis)

    draws = rng(0, "judge", "permutations")
    batch = max(1, 2_000_000 // (len(a) + len(b)))
    return float(permutation_test((a, b), difference, n_resamples=PERMUTATIONS, batch=batch, rng=draws).pvalue)


def agreement(table: np.ndarray) -> float:
    """Krippendorff's α of answers float `[judges, items]`: 1 all agree, 0 as by chance; nan marks no answer.

    nan where no item has two answers, or where all are the same word, which chance would give too.
    """
    from nltk.metrics.agreement import AnnotationTask

    shared = ~np.isnan(table) & ((~np.isnan(table)).sum(axis=0) >= 2)
    if len(np.unique(table[shared])) < 2:
        return math.nan
    return float(
        AnnotationTask([(int(judge), int(item), float(table[judge, item])) for judge, item in np.argwhere(shared)]).alpha()
    )
