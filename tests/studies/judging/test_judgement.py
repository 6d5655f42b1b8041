"""Sheets that tell nothing of their sources, answers in every form they come back in, and scores checked by hand."""

import csv
import html
import io
import itertools
import json
import math
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from sampled import examples
from seqgan_cli.errors import SeqganError, UsageError
from seqgan_cli.studies.judging.scoring import Answers, agreement, judged, permutation_p, read_answers, share
from seqgan_cli.studies.judging.sheet import Key, Melody, Sheet, find_key, make_sheet, read_key

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
NASTY = '</script><script>document.title="taken"</script><!-- \' " & \u2028 {{ 1 }}'
NAMES = ("the-real-ones", "runs/likelihood", "runs/adversarial")
TEXTS = {name: [f"{word} {i}" for i in range(8)] for name, word in zip(NAMES, ("river", "mountain", "cloud"), strict=True)}


class Page(HTMLParser):
    """Tags with their attributes, addresses, and what stands in each script."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.scripts: list[str] = []
        self.feed(page.decode())

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.addresses += [value for name, value in attrs if name in ("src", "href", "action")]
        if tag == "script":
            self.scripts.append("")

    def handle_data(self, data):
        if self.tags and self.tags[-1] == "script":
            self.scripts[-1] += data


def data_of(page: bytes) -> dict:
    return json.loads(Page(page).scripts[0])


# Sheets.


def test_every_item_stands_on_the_sheet_once_and_the_key_knows_its_source():
    sheet, key = make_sheet(TEXTS, 0)
    assert sorted(sheet.items) == sorted(itertools.chain(*TEXTS.values()))
    assert key.sources == NAMES
    assert all(item in TEXTS[name] for item, (name,) in zip(sheet.items, key.items, strict=True))


@settings(max_examples=examples(20), deadline=None)
@given(st.lists(st.text(max_size=8), min_size=3, max_size=12, unique=True), st.integers(0, 2**31 - 1), st.randoms())
def test_the_same_items_of_other_sources_give_the_same_sheet(texts, seed, random):
    """So there is nothing in a sheet, its order or its name by which a source could be told, seed known or not."""
    others = random.sample(texts, len(texts))
    sheet, _ = make_sheet({"a": texts[:1], "b": texts[1:]}, seed)
    again, _ = make_sheet({"c": others[:2], "d": others[2:]}, seed)
    assert (sheet.html(), sheet.csv()) == (again.html(), again.csv())


def test_sources_are_spread_over_the_sheet():
    """The mean place of one source's items over many seeds is the middle, and hardly any sheet has them in their order."""
    places, in_order = [], 0
    for seed in range(300):
        sheet, key = make_sheet(TEXTS, seed)
        places += [i for i, names in enumerate(key.items) if names == (NAMES[0],)]
        in_order += [item for item in sheet.items if item in TEXTS[NAMES[0]]] == TEXTS[NAMES[0]]
    error = np.std(places) / math.sqrt(len(places))
    assert abs(np.mean(places) - (len(sheet.items) - 1) / 2) < 4 * error
    assert in_order < 3


def test_a_page_tells_the_items_and_the_sheets_name_and_no_more():
    sheet, key = make_sheet(TEXTS, 4)
    page = sheet.html()
    assert data_of(page) == {"sheet": sheet.name, "items": list(sheet.items)}
    for name in (*NAMES, *itertools.chain(*(name.split("/") for name in NAMES))):
        assert name.encode() not in page
        assert name.encode() not in sheet.csv()
    other, _ = make_sheet({"x": ["something else"], "y": [f"{i}" for i in range(len(key.items) - 1)]}, 5)
    around, around_others = (re.sub(rb'(?s)(id="data">).*?<', rb"\1<", one) for one in (page, other.html()))
    assert around == around_others


def test_the_name_is_of_the_seed_and_the_content():
    names = [make_sheet(TEXTS, seed)[0].name for seed in range(20)]
    names.append(make_sheet({**TEXTS, NAMES[0]: ["another"]}, 0)[0].name)
    assert len(set(names)) == 21
    assert make_sheet(TEXTS, 0)[0].name == names[0]
    assert all(re.fullmatch("[a-z]{10}", name) for name in names)


def test_what_several_sources_have_is_shown_once_and_counts_for_each():
    sheet, key = make_sheet({"a": ["x", "y", "x"], "b": ["y", "z"]}, 0)
    assert sorted(sheet.items) == ["x", "y", "z"]
    assert dict(zip(sheet.items, key.items, strict=True)) == {"x": ("a",), "y": ("a", "b"), "z": ("b",)}


def test_a_page_is_alone_in_the_world_and_text_is_text():
    sheet, _ = make_sheet({"a": [NASTY, "plain"], "b": ["<img src=http://x.example/>"]}, 0)
    page = Page(sheet.html())
    assert page.tags.count("script") == 2
    assert not {"img", "link", "iframe", "object"} & set(page.tags)
    assert not page.addresses
    assert not re.search(rb"url\(|@import|https?:", sheet.html().replace(b"http://x.example", b""))
    assert b"default-src 'none'" in sheet.html()
    assert sorted(data_of(sheet.html())["items"]) == sorted(sheet.items)


def test_melodies_are_written_for_the_page_and_not_for_a_table():
    tune = Melody((40, 40, 0, 44), 0.25)
    sheet, _ = make_sheet({"a": [tune], "b": [Melody((1, 2), 0.25)]}, 0)
    assert {"pitches": [40, 40, 0, 44], "step": 0.25} in data_of(sheet.html())["items"]
    with pytest.raises(UsageError, match=r"-o sheet\.html"):
        sheet.csv()


def test_a_table_runs_no_formulas_and_loses_no_text():
    texts = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "a, b", 'he said "no"', "two\nlines", "床前明月光", ""]
    sheet, _ = make_sheet({"a": texts}, 0)
    assert sheet.csv().startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(sheet.csv().decode("utf-8-sig"), newline="")))
    assert rows[0] == ["item", "text", "answer"]
    assert [row[0] for row in rows[1:]] == [f"{sheet.name}-{i}" for i in range(1, 11)]
    for (_, shown, answer), text in zip(rows[1:], sheet.items, strict=True):
        assert shown == ("'" + text if text[:1] in ("=", "+", "-", "@", "\t") and text else text)
        assert answer == ""


# Keys.


def test_a_key_is_read_as_it_was_written(tmp_path):
    _, key = make_sheet({"a": ["x", "y"], "run \udcff": ["y", "é"]}, 0)
    (tmp_path / "sheet.key.json").write_bytes(key.json())
    assert read_key(tmp_path / "sheet.key.json") == key


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{}",
        b"[" * 100_000,
        b"\xff\xfe{",
        b'{"sheet": "b", "sources": ["a"], "items": [["c"]]}',
        b'{"sheet": "b", "sources": ["a"], "items": [[]]}',
        b'{"sheet": "b", "sources": ["a"], "items": []}',
        b'{"sheet": 1, "sources": ["a"], "items": [["a"]]}',
        b'{"sheet": "b", "sources": "a", "items": [[{}]]}',
        b'{"sheet": "b", "sources": 1, "items": 2}',
    ],
)
def test_a_damaged_key_is_named(tmp_path, content):
    path = tmp_path / "x.key.json"
    path.write_bytes(content)
    with pytest.raises(SeqganError, match=f"{path} is damaged or no key"):
        read_key(path)


def test_the_key_of_a_sheet_is_found_among_others(tmp_path):
    keys = [make_sheet(TEXTS, seed)[1] for seed in range(3)]
    (tmp_path / "deep").mkdir()
    for i, key in enumerate(keys[:2]):
        (tmp_path / "deep" / f"{i}.key.json").write_bytes(key.json())
    (tmp_path / "deep" / "00.key.json").write_bytes(b"{")
    assert find_key(keys[1].sheet, [tmp_path, tmp_path / "deep"]) == keys[1]
    with pytest.raises(SeqganError, match=f"sheet {keys[2].sheet} .* --key"):
        find_key(keys[2].sheet, [tmp_path, tmp_path / "deep"])


# Answers.

KEY = Key("bcdf", ("a", "b"), (("a",), ("b",), ("a", "b"), ("a",)))


def saved(path: Path, answers: list, judge: str = "one", sheet: str = "bcdf") -> Path:
    path.write_text(json.dumps({"sheet": sheet, "judge": judge, "answers": answers}), encoding="utf-8")
    return path


def filled(path: Path, answers: list[str], sheet: str = "bcdf") -> Path:
    rows = "".join(f'{sheet}-{i},"some, ""text""\r\nwith lines",{answer}\r\n' for i, answer in enumerate(answers, 1))
    path.write_text("item,text,answer\r\n" + rows, encoding="utf-8", newline="")
    return path


def test_every_way_to_write_an_answer(tmp_path):
    words = ["h", "H", " human", "Human", "HUMAN ", "1", "m", "M", "machine", "MaChine", "0", "", "  "]
    expected = dict(enumerate([1.0] * 6 + [0.0] * 5 + [None] * 2, 1))
    assert read_answers(filled(tmp_path / "a.csv", words)).marks == expected
    assert read_answers(saved(tmp_path / "a.json", words)).marks == expected
    assert read_answers(saved(tmp_path / "b.json", [1, 0, None])).marks == {1: 1.0, 2: 0.0, 3: None}


@pytest.mark.parametrize(
    "text",
    [
        "item;text;answer\nbcdf-1;some; h\nbcdf-2;\nbcdf-3;x;m\n",
        "item\ttext\tanswer\r\nbcdf-1\tsome, thing\th\r\nbcdf-2\t\t\r\nbcdf-3\tx\tm",
        '\ufeff"Item","Text","Answer","remarks"\n"bcdf-1","some","h","sure, very"\n\n"bcdf-2","",""\n"bcdf-3","x","m"\n,,\n',
        "answer,item\rh,bcdf-1\r,bcdf-2\rm,bcdf-3\r",
        "item,answer\nbcdf-3,m\nbcdf-1,h\nbcdf-2\n",
    ],
)
def test_tables_as_spreadsheets_save_them(tmp_path, text):
    (tmp_path / "a.csv").write_bytes(text.encode())
    answers = read_answers(tmp_path / "a.csv")
    assert answers.sheet == "bcdf"
    assert dict(sorted(answers.marks.items())) == {1: 1.0, 2: None, 3: 0.0}


def test_text_in_another_encoding_costs_no_answers(tmp_path):
    (tmp_path / "a.csv").write_bytes("item,text,answer\nbcdf-1,é,h\n".encode("latin-1"))
    assert read_answers(tmp_path / "a.csv").marks == {1: 1.0}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "holds no answers"),
        (b"hello\n", "holds no answers"),
        (b"item,item,answer\n", "holds no answers"),
        (b"item,text\nbcdf-1,x\n", "holds no answers"),
        (b"item,text,answer\n", "holds no items"),
        (b"item,text,answer\nbcdf-1,x,h\nbcdf-2,y,maybe\n", "line 3, item bcdf-2: 'maybe' is no answer"),
        (b'item,text,answer\nbcdf-1,"two\nlines",2\n', "line 3, item bcdf-1: '2' is no answer"),
        (b"item,text,answer\nbcdf-1,x,h\nbcdf-1,x,m\n", "line 3: item bcdf-1 is there a second time"),
        (b"item,text,answer\nbcdf-1,x,h\nghjk-2,x,m\n", "line 3: item ghjk-2 is of another sheet"),
        (b"item,text,answer\n1,x,h\n", "line 2: '1' names no item"),
        (b"item,text,answer\n,x,h\n", "line 2: '' names no item"),
        (b'item,text,answer\nbcdf-1,"x,h\n', "line 2: unexpected end of data"),
        (b"item,text,answer\nbcdf-1," + b"x" * 200_000 + b",h\n", "field larger than field limit"),
        ("item,text,answer\nbcdf-1,x,h\n".encode("utf-16"), "holds zero bytes"),
        (b'{"sheet": "bcdf", ', "is damaged"),
        (b'{"a":' * 100_000, "is damaged"),
        (b'{"sheet": ' + b"9" * 5000 + b"}", "is damaged"),
        (b"{}", "holds no answers"),
        (b'{"sheet": "bcdf", "judge": "x", "answers": {"1": "human"}}', "holds no answers"),
        (b'{"sheet": "bcdf", "answers": ["human"]}', "holds no answers"),
        (b'{"sheet": "bcdf", "judge": "x", "answers": ["human", "both"]}', "item 2: 'both' is no answer"),
        (b'{"sheet": "bcdf", "judge": "x", "answers": [true]}', "item 1: 'True' is no answer"),
        (b'{"sheet": "bcdf", "judge": "x", "answers": [[1]]}', "is no answer"),
        (b"{" + b" " * (32 << 20), "is larger than 32 MB"),
    ],
)
def test_what_is_no_answers_file_is_told_in_one_sentence(tmp_path, content, said):
    path = tmp_path / "answers"
    path.write_bytes(content)
    with pytest.raises(SeqganError) as refusal:
        read_answers(path)
    assert str(refusal.value).startswith(str(path))
    assert said in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert len(str(refusal.value)) < len(str(path)) + 200


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(SeqganError, match=r"Cannot read .*none: No such file"):
        read_answers(tmp_path / "none")


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (lambda path: saved(path, ["h"] * 4, sheet="ghjk"), "answers sheet ghjk, and the key is of bcdf"),
        (lambda path: saved(path, ["h"] * 3), "item 4 of 4 is missing"),
        (lambda path: saved(path, ["h"] * 5), "no item 5 on sheet bcdf, which has 4"),
        (lambda path: saved(path, ["m"] * 4, judge="zero"), "are by the same judge"),
        (lambda path: shutil.copy(path.with_name("table.csv"), path), "are by the same judge"),
    ],
)
def test_answers_that_do_not_go_with_the_others(tmp_path, made, said):
    first = [read_answers(saved(tmp_path / "a.json", ["h"] * 4, judge="zero"))]
    first.append(read_answers(filled(tmp_path / "table.csv", ["h", "m", "", "h"])))
    assert judged(first, KEY).judges == 2
    wrong = read_answers(Path(made(tmp_path / "wrong")))
    with pytest.raises(SeqganError, match=said):
        judged([*first, wrong], KEY)


# Scores.


def by(judge: str, marks: list[float | None]) -> Answers:
    return Answers(Path(judge), "bcdf", judge, dict(enumerate(marks, 1)))


def test_scores_by_hand():
    """Items of a: 1, 3 and 4; of b: 2 and 3. Means over judges: 1/2, 0, 1 and none."""
    found = judged([by("x", [1.0, 0.0, 1.0, None]), by("y", [0.0, 0.0, 1.0, None])], KEY)
    assert found.items[:3] == (0.5, 0.0, 1.0)
    assert math.isnan(found.items[3])
    a, b = found.scores
    assert (a.source, a.score.mean, a.score.count, a.answers, a.unanswered) == ("a", 0.75, 2, 4, 2)
    assert (b.source, b.score.mean, b.score.count, b.answers, b.unanswered) == ("b", 0.5, 2, 4, 0)
    assert (found.judges, found.unanswered) == (2, 2)
    (difference,) = found.differences
    assert (difference.first, difference.second, difference.difference) == ("a", "b", 0.25)
    assert difference.low == pytest.approx(0.25 - math.hypot(0.75 - a.score.low, b.score.high - 0.5))
    assert difference.high == pytest.approx(0.25 + math.hypot(a.score.high - 0.75, 0.5 - b.score.low))
    assert math.isnan(difference.p)  # a and b have one item each with answers that is not also the other's


def test_what_two_sources_have_is_no_part_of_their_test():
    """Six of a, six of b, three of both: the test is that of the twelve."""
    key = Key("bcdf", ("a", "b"), (("a",),) * 6 + (("b",),) * 6 + (("a", "b"),) * 3)
    marks = [1, 1, 1, 0, 1, 1, 0, 0, 1, 0, 0, 0, 1, 1, 1]
    found = judged([by("x", [float(mark) for mark in marks])], key)
    assert found.differences[0].p == pytest.approx(permutation_p(np.array(marks[:6], float), np.array(marks[6:12], float)))
    assert found.differences[0].difference == pytest.approx(8 / 9 - 4 / 9)


def test_no_answers_at_all():
    found = judged([by("x", [None] * 4)], KEY)
    assert found.unanswered == 4
    assert all(math.isnan(entry.score.mean) and math.isnan(entry.score.low) for entry in found.scores)
    assert math.isnan(found.differences[0].p)


def test_unanswered_items_weigh_nothing():
    key = Key("bcdf", ("a", "b"), (("a",),) * 3 + (("b",),) * 3)
    with_blank = judged([by("x", [1, 0, None, 1, 1, 0]), by("y", [1, 1, None, 0, 0, 0])], key)
    short = Key("bcdf", ("a", "b"), (("a",),) * 2 + (("b",),) * 3)
    without = judged([by("x", [1, 0, 1, 1, 0]), by("y", [1, 1, 0, 0, 0])], short)
    assert with_blank.scores[0].score == without.scores[0].score
    assert with_blank.differences == without.differences
    assert with_blank.agreement == pytest.approx(without.agreement)


def test_the_interval_of_one_judge_is_wilsons():
    """By its definition: the shares π that a test of the answers, of n − 1 degrees of freedom, would not reject."""
    for yes, count in ((3, 20), (10, 20), (19, 20), (1, 6)):
        means = np.array([1.0] * yes + [0.0] * (count - yes))
        found, p = share(means, count), yes / count
        quantile = stats.t.ppf(0.975, count - 1)
        worth = count - 1  # p(1 − p) over the sample variance of the mean

        def outside(share, p=p, quantile=quantile, worth=worth):
            return abs(p - share) / math.sqrt(share * (1 - share) / worth) - quantile

        assert found.low == pytest.approx(optimize.brentq(outside, 1e-9, p), abs=1e-9)
        assert found.high == pytest.approx(optimize.brentq(outside, p, 1 - 1e-9), abs=1e-9)


@pytest.mark.parametrize("mark", [0.0, 1.0])
def test_answers_that_are_all_alike_leave_doubt(mark):
    """As much as one judge of so many items would leave, since the others may repeat him."""
    found = share(np.full(20, mark), 20 * 70)
    assert found.mean == mark
    assert found.low == (0.0 if mark == 0 else pytest.approx(1 - share(np.zeros(20), 20).high))
    assert 0.1 < found.high - found.low < 0.25


def test_too_few_items_for_an_interval():
    assert math.isnan(share(np.array([]), 0).mean)
    one = share(np.array([0.5]), 8)
    assert one.mean == 0.5
    assert math.isnan(one.low)


@pytest.mark.parametrize(("judges", "centre", "spread"), [(1, 0.0, 1.0), (1, -4.0, 1.0), (5, -2.0, 1.0), (70, 1.0, 1.0)])
def test_intervals_hold_the_share_of_all_items_of_a_source(judges, centre, spread):
    """By simulation: 20 items from a source whose items differ in how human they look; mean ± t · error holds 43 % of row 2."""
    draws = np.random.default_rng(1)
    truth = (1 / (1 + np.exp(-draws.normal(centre, spread, 400_000)))).mean()
    inside = 0
    for _ in range(600):
        looks = 1 / (1 + np.exp(-draws.normal(centre, spread, 20)))
        found = share(draws.binomial(judges, looks) / judges, 20 * judges)
        inside += found.low <= truth <= found.high
    assert inside / 600 > 0.92


def slow_permutation_p(a: list[float], b: list[float]) -> float:
    """Every way to deal the values: twice the smaller share of those as far out on one side as what was found."""
    values, found = [*a, *b], np.mean(a) - np.mean(b)
    dealt = []
    for chosen in itertools.combinations(range(len(values)), len(a)):
        first = [values[i] for i in chosen]
        second = [values[i] for i in range(len(values)) if i not in chosen]
        dealt.append(np.mean(first) - np.mean(second))
    dealt = np.array(dealt)
    return min(1.0, 2 * min((dealt >= found - 1e-9).mean(), (dealt <= found + 1e-9).mean()))


@pytest.mark.parametrize("seed", range(6))
def test_p_equals_the_slow_count(seed):
    draws = np.random.default_rng(seed)
    judges = [1, 3][seed % 2]
    a, b = draws.binomial(judges, 0.7, 4 + seed % 3) / judges, draws.binomial(judges, 0.4, 5) / judges
    assert permutation_p(a, b) == pytest.approx(slow_permutation_p(list(a), list(b)))


def test_p_of_one_judge_is_nearly_fishers():
    """Where both sources have as many items, his exact test of the two-by-two table is this one."""
    a, b = np.array([1.0] * 14 + [0.0] * 6), np.array([1.0] * 5 + [0.0] * 15)
    assert permutation_p(a, b) == pytest.approx(stats.fisher_exact([[14, 6], [5, 15]]).pvalue, rel=0.15)


def test_p_where_nothing_varies():
    assert permutation_p(np.ones(20), np.ones(20)) == 1.0
    assert permutation_p(np.ones(20), np.zeros(20)) < 1e-4
    assert math.isnan(permutation_p(np.ones(1), np.zeros(20)))


def slow_alpha(table: np.ndarray) -> float:
    """1 − D_o / D_e over all pairs of answers to one item, each weighing 1 / (m − 1), and over all pairs (Krippendorff)."""
    units = [[mark for mark in column if not math.isnan(mark)] for column in table.T]
    units = [unit for unit in units if len(unit) > 1]
    everything = list(itertools.chain(*units))
    observed = sum(
        sum(x != y for i, x in enumerate(unit) for j, y in enumerate(unit) if i != j) / (len(unit) - 1) for unit in units
    ) / len(everything)
    n = len(everything)
    expected = sum(x != y for i, x in enumerate(everything) for j, y in enumerate(everything) if i != j) / (n * (n - 1))
    return 1 - observed / expected


@pytest.mark.parametrize("seed", range(5))
def test_agreement_equals_its_definition(seed):
    draws = np.random.default_rng(seed)
    table = draws.binomial(1, draws.random(12), (2 + seed, 12)).astype(float)
    table[draws.random(table.shape) < 0.2] = math.nan
    assert agreement(table) == pytest.approx(slow_alpha(table))


def test_agreement_at_its_ends():
    same = np.array([[1.0, 0.0, 1.0, 0.0]] * 3)
    assert agreement(same) == 1.0
    assert agreement(np.array([[1.0, 0.0], [0.0, 1.0]])) < 0
    for none in (same[:1], np.ones((3, 4)), np.full((2, 3), math.nan), np.array([[1.0, math.nan], [math.nan, 0.0]])):
        assert math.isnan(agreement(none))


def test_a_sheet_goes_through_judges_and_back(tmp_path):
    """A judge with the page, one with the table; what each thought of every item comes back to its source."""
    sheet, key = make_sheet(TEXTS, 11)
    human = {item: "river" in item or item.endswith("3") for item in sheet.items}
    path = tmp_path / "page.json"
    saved(path, ["human" if human[item] else "machine" for item in sheet.items], "one", sheet.name)
    rows = list(csv.reader(io.StringIO(sheet.csv().decode("utf-8-sig"), newline="")))
    text = io.StringIO()
    csv.writer(text).writerows([rows[0], *([name, shown, "h" if human[shown] else ""] for name, shown, _ in rows[1:])])
    (tmp_path / "table.csv").write_text(text.getvalue(), encoding="utf-8", newline="")
    found = judged([read_answers(path), read_answers(tmp_path / "table.csv")], key)
    assert [entry.score.mean for entry in found.scores] == [1.0, 1 / 8, 1 / 8]
    assert [entry.unanswered for entry in found.scores] == [0, 7, 7]


# In a browser.

DRIVER = """
<script>
const saved = [], notes = [];
const real = URL.createObjectURL;
URL.createObjectURL = blob => { saved.push(blob); return real(blob); };
const press = key => document.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
const click = id => document.getElementById(id).click();
const create = AudioContext.prototype.createOscillator;
AudioContext.prototype.createOscillator = function () {
  const tone = create.call(this), note = [tone];
  notes.push(note);
  for (const act of ["start", "stop"]) {
    const own = tone[act];
    tone[act] = at => { note.push(at); own.call(tone, at); };
  }
  return tone;
};
addEventListener("load", async () => {
  const before = JSON.parse(sessionStorage.getItem("before") ?? '{ "seen": [], "texts": [], "acts": %s }'), seen = before.seen;
  const look = () => seen.push([document.getElementById("text").textContent, document.getElementById("count").textContent,
    document.getElementById("human").getAttribute("aria-pressed"), document.getElementById("play").textContent]);
  const act = { click, press, look };
  while (before.acts.length && before.acts[0][0] !== "reload") {
    const [how, what] = before.acts.shift();
    act[how](what);
  }
  const played = notes.map(([tone, from, to]) => [tone.frequency.value, from - notes[0][1], to - notes[0][1]]);
  const texts = [...before.texts, ...await Promise.all(saved.map(blob => blob.text()))];
  if (before.acts.shift()) {
    sessionStorage.setItem("before", JSON.stringify({ seen, texts, acts: before.acts }));
    return location.reload();
  }
  const found = document.createElement("pre");
  found.id = "found";
  found.textContent = JSON.stringify({ seen, texts, played, wide: document.documentElement.scrollWidth - innerWidth });
  document.body.append(found);
});
</script>
"""


def driven(sheet: Sheet, acts: list[tuple[str, str]], folder: Path, width: int = 800) -> dict:
    """Do these in the sheet's page; what was seen, saved and played. What the browser keeps, it keeps in `folder`."""
    page = sheet.html().decode().replace("</body>", DRIVER % json.dumps(acts) + "</body>")
    path = folder / "sheet.html"
    path.write_text(page, encoding="utf-8")
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", f"--window-size={width},800"]
    options += [f"--user-data-dir={folder / 'profile'}", "--virtual-time-budget=2000", "--dump-dom"]
    options += ["--autoplay-policy=no-user-gesture-required"]  # a script's clicks are nobody's
    environment = {"HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "PATH": "/usr/bin:/bin"}
    command = [str(BROWSER), *options, path.as_uri()]
    for left in (2, 1, 0):  # a browser that hangs at its start, as on a busy machine, says nothing of the page
        try:
            done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=280, env=environment)
            break
        except subprocess.TimeoutExpired:
            if not left:
                raise
    assert done.returncode == 0
    assert not [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    assert "taken" not in done.stdout.split("</title>")[0]
    return json.loads(html.unescape(done.stdout.partition('<pre id="found">')[2].partition("</pre>")[0]))


@pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine")
def test_a_judge_clicks_through_the_page(tmp_path):
    """With buttons and keys, there and back; the file saved on the way holds the answers given, and scores."""
    sheet, key = make_sheet({"a": ["first", NASTY, "third"], "b": ["fourth", "\n床前明月光\n疑是地上霜", ""]}, 2)
    acts = [
        ("look", ""),
        ("click", "human"),
        ("press", "m"),
        ("look", ""),
        ("press", "H"),
        ("click", "next"),
        ("click", "machine"),
    ]
    acts += [("press", "ArrowRight"), ("press", "ArrowRight"), ("look", ""), ("click", "save")]  # 4 and 6 are left out
    acts += [("press", "h"), ("look", ""), *[("press", "ArrowLeft")] * 5, ("look", ""), ("click", "human")]  # 1 is taken back
    acts += [("look", ""), ("click", "next"), ("click", "human"), ("click", "save")]
    found = driven(sheet, acts, tmp_path)
    shown = [item if item else "(nothing)" for item in sheet.items]
    counts = ["0 of 6 answered", "2 of 6 answered, not yet 3, 4, 5, 6", "4 of 6 answered, not yet 4, 6"]
    counts += ["5 of 6 answered, not yet 4", "5 of 6 answered, not yet 4", "4 of 6 answered, not yet 1, 4"]
    texts = [shown[i] for i in (0, 2, 5, 5, 0, 0)]
    assert [(text, count) for text, count, *_ in found["seen"]] == list(zip(texts, counts, strict=True))
    assert [pressed for *_, pressed, _ in found["seen"]] == ["false", "false", "false", "true", "true", "false"]
    expected = [
        {1: 1.0, 2: 0.0, 3: 1.0, 4: None, 5: 0.0, 6: None},
        {1: None, 2: 1.0, 3: 1.0, 4: None, 5: 0.0, 6: 1.0},
    ]
    for i, marks in enumerate(expected):
        (tmp_path / f"{i}.json").write_text(found["texts"][i], encoding="utf-8")
        assert read_answers(tmp_path / f"{i}.json").marks == marks
    score = judged([read_answers(tmp_path / "1.json")], key)
    assert (score.sheet, score.unanswered) == (sheet.name, 2)
    assert [entry.answers for entry in score.scores] == [sum(expected[1][n] is not None for n, names in enumerate(key.items, 1)
                                                            if name in names) for name in key.sources]  # fmt: skip


@pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine")
def test_a_page_that_is_opened_again_goes_on_and_is_the_same_judges(tmp_path):
    sheet, _ = make_sheet(TEXTS, 2)
    acts = [("click", "human"), ("press", "m"), ("click", "save"), ("reload", ""), ("look", ""), ("click", "save")]
    for attempt in range(3):  # on a busy machine the browser's own storage may come too late for the reload
        (tmp_path / str(attempt)).mkdir()
        found = driven(sheet, acts, tmp_path / str(attempt), width=500)
        if found["seen"][0][1] != "0 of 24 answered":
            break
    assert found["seen"][0][1] == "2 of 24 answered"
    assert found["texts"][0] == found["texts"][1]
    assert found["wide"] <= 0


@pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine")
def test_melodies_are_played_as_notes_that_are_held(tmp_path):
    """440 Hz is MIDI note 69, so pitch 49; 61 is an octave above."""
    sheet, _ = make_sheet({"a": [Melody((49, 49, 0, 61, 37, 37, 37, 0), 0.25)]}, 0)
    acts = [("look", ""), ("click", "play"), ("look", ""), ("press", "p"), ("look", "")]
    found = driven(sheet, acts, tmp_path)
    assert [play for *_, play in found["seen"]] == ["▶ Play", "■ Stop", "▶ Play"]
    assert found["played"] == [
        pytest.approx(note, abs=1e-4) for note in ([440.0, 0.0, 0.5], [880.0, 0.75, 1.0], [220.0, 1.0, 1.75])
    ]
