"""Poems: what a poem is in each way of writing it, what is left out and why, and lines with their marks."""

import json
import os
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from sampled import examples
from seqgan_cli.data import documents
from seqgan_cli.data.documents import Documents, Rejected
from seqgan_cli.data.inputs import chinese_poetry
from seqgan_cli.data.kinds.poems import is_opening, poem_lines, read_poems, title_end, verses_of, width_of
from seqgan_cli.data.sources.inference import infer_kind
from seqgan_cli.errors import SeqganError
from tiny import data_settings

QUIET = ["床前明月光", "疑是地上霜", "舉頭望明月", "低頭思故鄉"]
SPRING = ["春眠不覺曉", "處處聞啼鳥", "夜來風雨聲", "花落知多少"]
GORGE = ["朝辭白帝彩雲間", "千里江陵一日還", "兩岸猿聲啼不住", "輕舟已過萬重山"]
CHARACTERS = "春眠不覺曉處聞啼鳥夜來風雨聲花落知多少床前明月光疑是地上霜𠀀"


def put(folder: Path, content: Any, name: str = "poems.txt") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if not isinstance(content, bytes | str):
        content = json.dumps(content, ensure_ascii=False)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def read(path: Path, **own: Any) -> Documents:
    return read_poems(path, data_settings(kind="poems", **own))


def texts(found: Documents) -> list[str]:
    ends = zip(found.offsets[:-1], found.offsets[1:], strict=True)
    return ["".join(found.tokens[i] for i in found.ids[start:end]) for start, end in ends]


def counts(found: Documents) -> dict[str, int]:
    return {reason: entry.count for reason, entry in found.rejected.items()}


def refusal(path: Path, **own: Any) -> str:
    with pytest.raises(SeqganError) as refused:
        read(path, **own)
    assert refused.value.exit_code == 1
    return str(refused.value)


# What a poem is

WAYS = {
    "together": "".join,
    "characters with spaces": lambda verses: " ".join("".join(verses)),
    "lines with spaces": " ".join,
    "lines with wide spaces": "\u3000".join,
    "Chinese marks": lambda verses: "".join(verse + "，。！？；、"[i % 6] for i, verse in enumerate(verses)),
    "ASCII marks": ",".join,
    "marks and spaces": lambda verses: " , ".join(" ".join(verse) for verse in verses) + " . ",
    "quotes": lambda verses: "「" + "，」「".join(verses) + "」",
    "tabs and marks": lambda verses: "\t" + "。\t".join(verses),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("width", [5, 7])
@settings(deadline=None)
@given(data=st.data(), number=st.integers(4, 8))
def test_a_poem_is_the_same_however_it_is_written(way: str, width: int, data: st.DataObject, number: int) -> None:
    verses = data.draw(st.lists(st.text(CHARACTERS, min_size=width, max_size=width), min_size=number, max_size=number))
    assert verses_of(WAYS[way](verses), width) == verses
    assert is_opening(verses_of(WAYS[way](verses), width), width)
    assert not is_opening(verses_of(WAYS[way](verses[:3]), width), width)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("width", "verses"), [(5, GORGE), (7, QUIET), (5, GORGE * 2), (7, QUIET * 2)])
def test_a_poem_of_the_other_form_is_none_of_this(way: str, width: int, verses: list[str]) -> None:
    """Least of all where nothing but the number of characters tells: 28 are no four lines of five and a remainder."""
    assert not is_opening(verses_of(WAYS[way](verses), width), width)


def test_spaces_between_lines_outweigh_the_number_of_characters() -> None:
    """Five lines of seven are as many characters as seven of five; of words of prose some have one character."""
    assert verses_of(" ".join([*GORGE, GORGE[0]]), 5) == [*GORGE, GORGE[0]]
    assert verses_of("床前 明月光 疑 是 地上霜", 5) == QUIET[:2]


@pytest.mark.parametrize("way", ["lines with spaces", "Chinese marks"])
@pytest.mark.parametrize("place", range(4))
@pytest.mark.parametrize("length", [1, 4, 6, 7])
def test_one_line_of_another_length_makes_it_none(way: str, place: int, length: int) -> None:
    verses = [*QUIET[:place], "月" * length, *QUIET[place + 1 :]]
    assert not is_opening(verses_of(WAYS[way](verses), 5), 5)


@pytest.mark.parametrize("text", ["", "  ", "\t", "，。", " ， 。", "「」"])
def test_marks_alone_are_no_lines(text: str) -> None:
    assert verses_of(text, 5) == []


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=[])), st.sampled_from([5, 7]))
@example("\ud800" * 20, 5)
@example("a_1" * 10, 5)
def test_verses_of_anything_hold_no_marks_and_no_space(text: str, width: int) -> None:
    verses = verses_of(text, width)
    assert "".join(verses) == "".join(c for c in text if c.isalnum() or c == "_")
    assert all(verses)


# Titles

VERSES = {5: st.text(CHARACTERS, min_size=5, max_size=5), 7: st.text(CHARACTERS, min_size=7, max_size=7)}
TITLE = st.text(CHARACTERS + "一二三首其贈別", min_size=1, max_size=12)
# Titles with marks of their own; a bracket holds what other editions have.
MARKED = st.sampled_from(["贈別·其一", "《春曉》", "九日（一作，重陽。）", "Spring 1", "詠懷 其三"])


@settings(deadline=None, max_examples=examples(200))
@given(
    width=st.sampled_from([5, 7]),
    fields=st.lists(TITLE | MARKED, min_size=1, max_size=3),
    separator=st.sampled_from([":", "：", "\t", ": ", " ："]),
    number=st.sampled_from([4, 6, 8]),
    way=st.sampled_from(["together", "lines with spaces", "Chinese marks", "ASCII marks"]),
    data=st.data(),
)
def test_a_title_is_no_line_and_no_line_is_lost(
    width: int, fields: list[str], separator: str, number: int, way: str, data: st.DataObject
) -> None:
    """Whatever its length is, an author beside it or not. Two that are as long as a line could be lines, but for `:`."""
    as_long = sum(sum(map(len, verses_of(field, width))) == width for field in fields)
    assume(as_long < 2 or separator.strip(" ") == ":")
    verses = data.draw(st.lists(VERSES[width], min_size=number, max_size=number))
    poem = WAYS[way](verses)
    title = separator.join(fields) + separator
    assert verses_of((title + poem)[title_end(title + poem, width) :], width) == verses
    assert title_end(poem, width) == 0


@settings(deadline=None)
@given(width=st.sampled_from([5, 7]), number=st.sampled_from([4, 6, 8]), place=st.integers(0, 7), data=st.data())
def test_a_colon_after_a_line_ends_no_title(width: int, number: int, place: int, data: st.DataObject) -> None:
    """As after `he said`: with an even number of lines, the first is one."""
    verses = data.draw(st.lists(VERSES[width], min_size=number, max_size=number))
    marks = ["：" if i == place % number else "，。"[i % 2] for i in range(number)]
    assert title_end("".join(map("".join, zip(verses, marks, strict=True))), width) == 0


@pytest.mark.parametrize("separator", ["\t", "："])
def test_fields_that_are_as_long_as_lines_together_are_no_lines(separator: str) -> None:
    """A title of one character and an author of nine, before a poem of four lines of five."""
    fields = f"春{separator}一二三其贈別首上人{separator}"
    assert title_end(fields + "床前明月光疑是地上霜舉頭望明月低頭思故鄉", 5) == len(fields)


@given(st.lists(VERSES[5], min_size=8, max_size=8))
def test_tabs_between_lines_end_no_title(verses: list[str]) -> None:
    assert title_end("\t".join(verses), 5) == 0


@pytest.mark.parametrize("title", ["春曉", "贈別離其三", "過故人舊宅二首"])  # of 2, of 5 as a line has, of 7
def test_poems_with_titles_are_read_and_told(tmp_path: Path, title: str) -> None:
    marked = [WAYS["Chinese marks"](verses) for verses in (QUIET, SPRING)]
    found = read(put(tmp_path, "".join(f"{title}:{poem}\n" for poem in marked)))
    assert texts(found) == ["".join(QUIET), "".join(SPRING)]
    assert found.rejected == {}
    assert found.notes == ("2 stand after a title and a colon or tab; titles are left out.",)
    assert infer_kind(str(tmp_path / "poems.txt")) == "poems"
    assert read(put(tmp_path, "".join(f"{title}：{poem}\n" for poem in marked)), whole=True).ids.tolist() == found.ids.tolist()


# Reading text


def test_text_is_a_poem_a_line_and_what_is_left_out_is_counted_and_placed(tmp_path: Path) -> None:
    lines = [
        "".join(QUIET),
        "",
        " ".join("".join(SPRING)),
        "，".join(QUIET) + "。",  # the first again, with marks
        "春眠不覺曉，處處聞啼鳥",
        "，".join([*SPRING[1:], *QUIET]),  # longer: its first four lines
        "春眠不覺，處處聞啼，夜來風雨，花落知多",
        "；".join(SPRING),
        "no poem",
        " ，。 ",
    ]
    found = read(put(tmp_path, "\n".join(lines) + "\n"))
    assert texts(found) == ["".join(QUIET), "".join(SPRING), "".join([*SPRING[1:], QUIET[0]])]
    assert found.lengths.tolist() == [20] * 3
    assert found.source == str(tmp_path / "poems.txt")
    assert found.rejected == {
        "blank": Rejected(2, ["line 2", "line 10"]),
        "a duplicate": Rejected(2, ["line 4", "line 8"]),
        "not 5 characters in each of its first four lines": Rejected(3, ["line 5", "line 7", "line 9"]),
    }
    assert found.notes == ()


def test_whole_keeps_poems_of_four_lines_alone(tmp_path: Path) -> None:
    path = put(tmp_path, "\n".join(["，".join([*QUIET, *SPRING]), "，".join(SPRING), "".join([*QUIET, *SPRING])]))
    assert texts(read(path)) == ["".join(QUIET), "".join(SPRING)]
    found = read(path, whole=True)
    assert texts(found) == ["".join(SPRING)]
    assert found.rejected == {"not 5 characters in exactly four lines": Rejected(2, ["line 1", "line 3"])}


@pytest.mark.parametrize("way", WAYS)
def test_poems_of_both_forms_in_one_file(tmp_path: Path, way: str) -> None:
    write = WAYS[way]
    path = put(tmp_path, "\n".join(map(write, [GORGE, QUIET, GORGE[::-1], [*GORGE, *GORGE], ["月"], SPRING])))
    found = read(path)
    assert texts(found) == ["".join(QUIET), "".join(SPRING)]
    assert found.notes == ("3 have lines of 7 characters: --poem-form 7x4 reads those instead.",)
    found = read(path, poem_form="7x4")
    assert texts(found) == ["".join(GORGE), "".join(GORGE[::-1])]
    assert counts(found) == {"not 7 characters in each of its first four lines": 3, "a duplicate": 1}
    assert found.notes == ("2 have lines of 5 characters: --poem-form 5x4 reads those instead.",)


def test_a_file_of_the_other_form_is_refused_with_the_option_that_reads_it(tmp_path: Path) -> None:
    path = put(tmp_path, "".join(GORGE) + "\n" + "，".join(GORGE[::-1]))
    assert refusal(path) == (
        f"{path} holds no poem of the form 5x4: 2 left out: not 5 characters in each of its first four lines (line 1). "
        "2 have lines of 7 characters: --poem-form 7x4 reads those instead."
    )
    assert len(read(path, poem_form="7x4")) == 2


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "it is empty"),
        (b"\n \n", "2 left out: blank (line 1)"),
        (b"\xef\xbb\xbf", "1 left out: blank (line 1)"),
        (
            b"a b\n\nc\n",
            "2 left out: not 5 characters in each of its first four lines (line 1); 1 left out: blank (line 2)",
        ),
    ],
)
def test_a_file_without_a_poem_is_refused_with_the_reasons(tmp_path: Path, content: bytes, why: str) -> None:
    path = put(tmp_path, content)
    assert refusal(path) == f"{path} holds no poem of the form 5x4: {why}."


def test_bytes_that_are_no_text_are_refused_as_elsewhere(tmp_path: Path) -> None:
    assert ", line 2: 0xb4 after 0 bytes" in refusal(put(tmp_path, "月\n".encode() + QUIET[0].encode("gbk")[:1] * 2))
    assert " is UTF-16: convert it" in refusal(put(tmp_path, "".join(QUIET).encode("utf-16")))
    assert ", line 1: holds a zero byte" in refusal(put(tmp_path, b"\0" * 20))
    assert refusal(tmp_path / "none.txt").endswith("none.txt: No such file or directory.")


def test_a_byte_order_mark_is_no_character(tmp_path: Path) -> None:
    assert texts(read(put(tmp_path, b"\xef\xbb\xbf" + "".join(QUIET).encode() + b"\r\n"))) == ["".join(QUIET)]
    assert texts(read(put(tmp_path, b"\xef\xbb\xbf" + json.dumps({"paragraphs": QUIET}).encode(), "a.json"))) == [
        "".join(QUIET)
    ]


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.sampled_from(list(WAYS))), max_size=30).filter(bool))
def test_duplicates_are_those_of_a_list(tmp_path_factory: pytest.TempPathFactory, drawn: list[tuple[int, str]]) -> None:
    """Ten poems in turns of writing them: each is kept at its first place, unless all are asked for."""
    all_ten = [
        ["".join(CHARACTERS[(i * 7 + j) % len(CHARACTERS)] for j in range(v, v + 5)) for v in (0, 5, 10, 15)] for i in range(10)
    ]
    path = put(tmp_path_factory.mktemp("poems"), "\n".join(WAYS[way](all_ten[i]) for i, way in drawn))
    written = ["".join(all_ten[i]) for i, _ in drawn]
    first = [poem for i, poem in enumerate(written) if poem not in written[:i]]
    found = read(path)
    assert texts(found) == first
    assert counts(found).get("a duplicate", 0) == len(written) - len(first)
    everything = read_poems(path, data_settings(kind="poems"), once=False)
    assert texts(everything) == written
    assert not everything.rejected


def test_a_poem_takes_little_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its text is not kept, which would be 500 bytes: its 20 numbers are, and 8 bytes by which a duplicate is told."""
    number = 8000
    monkeypatch.setattr(documents, "BLOCK", 400)
    path = put(tmp_path, "".join("".join(chr(0x4E00 + (i // 7**j) % 7) for j in range(20)) + "\n" for i in range(number)))
    tracemalloc.start()
    try:
        assert len(read(path)) == number
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak / number < 300


# Reading JSON


def test_a_folder_is_read_in_the_order_of_its_names(tmp_path: Path) -> None:
    put(tmp_path, [{"paragraphs": ["，".join(SPRING[:2]) + "。", "，".join(SPRING[2:]) + "。"], "title": "春曉"}], "b/2.json")
    put(tmp_path, {"paragraphs": QUIET, "author": "李白"}, "b/1.JSON")
    put(tmp_path, "no JSON", "b/readme.txt")
    put(tmp_path, [{"paragraphs": QUIET}, {"paragraphs": GORGE}, {"paragraphs": []}], "a.json")
    found = read(tmp_path)
    assert texts(found) == ["".join(QUIET), "".join(SPRING)]
    assert found.rejected == {
        "not 5 characters in each of its first four lines": Rejected(1, ["a.json, poem 2"]),
        "blank": Rejected(1, ["a.json, poem 3"]),
        "a duplicate": Rejected(1, [f"b{os.sep}1.JSON, poem 1"]),
    }
    assert found.notes == ("1 have lines of 7 characters: --poem-form 7x4 reads those instead.",)


GOOD = {"paragraphs": QUIET}
BAD_FILES = {
    "empty": (b"", "no JSON in UTF-8"),
    "cut off": (b'[{"paragraphs": ["', "no JSON in UTF-8"),
    "no UTF-8": (json.dumps([GOOD], ensure_ascii=False).encode("gbk", "ignore"), "no JSON in UTF-8"),
    "UTF-16": (json.dumps([GOOD]).encode("utf-16"), "no JSON in UTF-8"),
    "deeply nested": (b"[" * 200_000, "no JSON in UTF-8"),
    "deeply nested objects": (b'{"paragraphs":' * 100_000, "no JSON in UTF-8"),
    "a number of too many digits": (b'[{"paragraphs": ' + b"1" * 10_000 + b"}]", "no JSON in UTF-8"),
    "other keys": (b'[{"poem": ["a"]}, {"content": "b"}]', "holds no object with `paragraphs`"),
    "a list of lists": (b'[[{"paragraphs": []}], 1, null, "paragraphs"]', "holds no object with `paragraphs`"),
    "null": (b"null", "holds no object with `paragraphs`"),
    "a string": (b'"paragraphs"', "holds no object with `paragraphs`"),
    "NaN": (b"NaN", "holds no object with `paragraphs`"),
    "nothing": (b"[]", "holds no object with `paragraphs`"),
}


@pytest.mark.parametrize("kind", BAD_FILES)
def test_one_bad_file_among_many_is_left_out_and_named(tmp_path: Path, kind: str) -> None:
    content, reason = BAD_FILES[kind]
    put(tmp_path, GOOD, "1.json")
    put(tmp_path, content, "sub/2.json")
    put(tmp_path, {"paragraphs": SPRING}, "3.json")
    found = read(tmp_path)
    assert texts(found) == ["".join(QUIET), "".join(SPRING)]
    assert found.rejected == {reason: Rejected(1, [f"sub{os.sep}2.json"])}
    message = f"{tmp_path / 'sub' / '2.json'}: {reason}. Leave --strict out to go on without it."
    assert refusal(tmp_path, strict=True) == message
    alone = refusal(tmp_path / "sub" / "2.json")
    assert alone == f"{tmp_path / 'sub' / '2.json'} holds no poem of the form 5x4: 1 left out: {reason} (2.json)."


@pytest.mark.parametrize(
    "paragraphs",
    [None, 5, float("nan"), 1e308, 10**400, "".join(QUIET), {}, [QUIET], [1, 2], [None], ["a", 5], [float("inf")], True],
)
def test_paragraphs_of_another_type_are_left_out(tmp_path: Path, paragraphs: Any) -> None:
    put(tmp_path, [{"paragraphs": paragraphs}, GOOD], "1.json")
    found = read(tmp_path)
    assert texts(found) == ["".join(QUIET)]
    assert found.rejected == {"`paragraphs` is no list of strings": Rejected(1, ["1.json, poem 1"])}


def test_half_a_surrogate_pair_is_no_character(tmp_path: Path) -> None:
    """JSON can hold one, and no UTF-8 file can: it would fail when it is written."""
    path = put(
        tmp_path,
        r'[{"paragraphs": ["\ud800\ud800\ud800\ud800\ud800，", "\udc00"]}, ' + json.dumps(GOOD) + "]",
        "a.json",
    )
    found = read(path)
    assert texts(found) == ["".join(QUIET)]
    "".join(found.tokens).encode()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
def test_what_is_no_ordinary_file_is_not_waited_for(tmp_path: Path) -> None:
    put(tmp_path, GOOD, "1.json")
    os.mkfifo(tmp_path / "2.json")
    (tmp_path / "3.json").symlink_to("/dev/zero")
    (tmp_path / "4.json").mkdir()
    (tmp_path / "5.json").symlink_to(tmp_path / "none")
    found = read(tmp_path)
    assert found.rejected == {"no ordinary file": Rejected(4, ["2.json", "3.json", "4.json"])}


def test_a_json_file_that_is_too_large_is_not_parsed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, GOOD, "1.json")
    put(tmp_path, json.dumps([{"paragraphs": SPRING}] * 50), "2.json")
    monkeypatch.setattr(chinese_poetry, "LARGEST_JSON", 1000)
    found = read(tmp_path)
    assert texts(found) == ["".join(QUIET)]
    assert found.rejected == {"a JSON file of more than 0 MB": Rejected(1, ["2.json"])}


def test_many_bad_files_are_counted_and_three_are_named(tmp_path: Path) -> None:
    for i in range(9):
        put(tmp_path, b"{", f"{i}.json")
    put(tmp_path, GOOD, "good.json")
    assert read(tmp_path).rejected == {"no JSON in UTF-8": Rejected(9, ["0.json", "1.json", "2.json"])}


def test_a_json_file_that_is_missing_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none.json") == f"Cannot read {tmp_path / 'none.json'}: No such file or directory."


VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just("，".join(QUIET)),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["paragraphs", "title", "x"]), inner, max_size=3)
    ),
    max_leaves=12,
)


@settings(deadline=None, max_examples=examples(200))
@given(
    VALUE.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=60) | st.binary(max_size=60).map(b'["a'.__add__)
)
def test_no_content_of_a_file_stops_the_others(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    folder = tmp_path_factory.mktemp("any")
    put(folder, GOOD, "2.json")
    put(folder, content, "1.json")
    found = read(folder)
    assert "".join(QUIET) in texts(found)
    assert set(found.lengths.tolist()) == {20}


@settings(deadline=None, max_examples=examples(200))
@given(st.binary(max_size=60) | st.text(max_size=60).map(lambda text: text.encode("utf-8", "replace")))
def test_any_text_file_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = put(tmp_path_factory.mktemp("any"), content)
    try:
        assert set(read(path).lengths.tolist()) == {20}
    except SeqganError as refused:
        assert str(path) in str(refused)


# Script

# The same 20 characters in both, each of which only one script has.
SIMPLIFIED = "门来时见风东马鸟鱼龙阳电车长书红绿黄声飞"
TRADITIONAL = "門來時見風東馬鳥魚龍陽電車長書紅綠黃聲飛"


def turned(text: str, number: int) -> list[str]:
    return [text[i % 20 :] + text[: i % 20] if i < 20 else text[i % 20 :: -1] + text[: i % 20 : -1] for i in range(number)]


@pytest.mark.parametrize(
    ("simplified", "traditional", "mixed"),
    [(20, 0, False), (0, 20, False), (10, 10, True), (30, 3, True), (3, 30, True), (39, 1, False), (1, 39, False)],
)
def test_scripts_that_are_mixed_are_told_and_left_alone(tmp_path: Path, simplified: int, traditional: int, mixed: bool) -> None:
    lines = [*turned(SIMPLIFIED, simplified), *turned(TRADITIONAL, traditional)]
    found = read(put(tmp_path, "\n".join(lines)))
    assert texts(found) == lines
    if mixed:
        (note,) = found.notes
        counted = f"({simplified * 20} and {traditional * 20} that only one script has)"
        assert note.startswith(f"Simplified and traditional characters are mixed {counted}")
        assert "OpenCC" in note
    else:
        assert found.notes == ()


def test_rare_and_foreign_characters_are_of_no_script(tmp_path: Path) -> None:
    lines = [
        "𠀀𠀁𠀂𠀃𠀄山水人日月一二三上下大小中天夫",
        "abcdeABCDEéàüöñ12345",
        *turned("山水人日月一二三上下大小中天夫子女口手木", 3),
    ]
    assert read(put(tmp_path, "\n".join(lines))).notes == ()


# Lines


def test_lines_end_with_a_comma_and_a_full_stop_in_turn() -> None:
    assert poem_lines(list("".join(QUIET)), 5) == ["床前明月光，", "疑是地上霜。", "舉頭望明月，", "低頭思故鄉。"]
    assert poem_lines(list("".join(GORGE)), 7) == [f"{verse}{mark}" for verse, mark in zip(GORGE, "，。，。", strict=True)]
    assert poem_lines(list("床前明月光疑是"), 5) == ["床前明月光，", "疑是"]
    assert poem_lines([], 5) == []


@pytest.mark.parametrize("form", ["5x4", "7x4"])
@settings(deadline=None)
@given(data=st.data())
def test_lines_are_read_as_the_poem_they_were(form: str, data: st.DataObject) -> None:
    width = width_of(form)
    characters = data.draw(st.lists(st.sampled_from(CHARACTERS), min_size=4 * width, max_size=4 * width))
    for separator in ("", " ", "\n"):
        assert "".join(verses_of(separator.join(poem_lines(characters, width)), width)) == "".join(characters)
