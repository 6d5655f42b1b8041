"""`seqgan judge`: sheets of held-out items and samples, and scores of the answers, from the command line."""

import csv
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from store_parts import record_anew


def items(page: Path) -> dict[str, Any]:
    """What the page shows."""
    return json.loads(page.read_text(encoding="utf-8").partition('id="data">')[2].partition("</script>")[0])


def sources(page: Path) -> dict[str, set[str]]:
    """The items of each source, by the key."""
    key = json.loads(page.with_suffix(".key.json").read_text(encoding="utf-8"))
    found: dict[str, set[str]] = {name: set() for name in key["sources"]}
    for item, names in zip(items(page)["items"], key["items"], strict=True):
        for name in names:
            found[name].add(item)
    return found


def answer(page: Path, path: Path, human: Callable[[str], bool], judge: str = "one") -> Path:
    """What the page saves for a judge who takes these for human."""
    sheet = items(page)
    answers = ["human" if human(item) else "machine" for item in sheet["items"]]
    path.write_text(json.dumps({"sheet": sheet["sheet"], "judge": judge, "answers": answers}), encoding="utf-8")
    return path


def rows(outcome: Any) -> dict[str, list[str]]:
    """A table's rows by their first cell."""
    cells = [re.split(r"\s{2,}", line.strip()) for line in outcome.out.splitlines()]
    return {row[0]: row[1:] for row in cells if len(row) > 1}


def decoded(run: Path, name: str) -> set[str]:
    import numpy as np

    tokens = (run / "vocabulary.txt").read_text(encoding="utf-8").split("\n")[:-1]
    table = np.load(run / "corpus" / f"{name}.npz")["tokens"]
    return {" ".join(tokens[i] for i in ids if i > 1) for ids in table}


@pytest.fixture(scope="module")
def made(text, tmp_path_factory) -> Path:
    """A page of a text run: its held-out lines and two of its generators. Read only."""
    from seqgan_cli.cli import main

    page = tmp_path_factory.mktemp("judge") / "sheet.html"
    with pytest.raises(SystemExit) as ended:
        main(["judge", "make", "-q", "--run", str(text.path), "--from", "pretrain-g", "--from", "latest", "-o", str(page)])
    assert not ended.value.code
    return page


def test_a_sheet_holds_what_was_asked_for_and_tells_nothing_of_it(made, text):
    found = sources(made)
    names = [f"held out from {text.path}", f"{text.path}, pretrain-g", f"{text.path}, latest"]
    assert list(found) == names
    assert {len(found[name]) for name in names[1:]} == {20}
    known = {line for line in decoded(text.path, "test") if "<unk>" not in line}
    assert found[names[0]] <= known
    assert len(found[names[0]]) == min(20, len(known))
    content = made.read_text(encoding="utf-8")
    for word in (str(text.path), "pretrain", "latest", "held out", "seed"):
        assert word not in content


def test_no_item_shows_an_unknown_token(made):
    assert not any("<unk>" in item for item in items(made)["items"])


def test_the_same_seed_makes_the_same_sheet(seqgan, text, tmp_path):
    def page(name: str, *options: Any) -> bytes:
        done = seqgan("judge", "make", "--run", text.path, "-n", 5, "-o", tmp_path / name, *options)
        assert done.code == 0, done.err
        assert f"in {tmp_path / name}\n" in done.out
        return (tmp_path / name).read_bytes()

    assert page("a.html", "--seed", 3) == page("b.html", "--seed", 3)
    assert page("c.html", "--seed", 4) != page("a.html", "--seed", 3)


def test_scores_of_known_answers(seqgan, made, text, tmp_path):
    """One judge knows the real items from the others, one takes all for human."""
    found = sources(made)
    real, *machines = found
    shared = found[real] & set.union(*(found[name] for name in machines))
    assert not shared
    first = answer(made, tmp_path / "first.json", lambda item: item in found[real])
    second = answer(made, tmp_path / "second.json", lambda item: True, judge="two")
    key = made.with_suffix(".key.json")
    done = seqgan("judge", "score", first, second, "--key", key, "--json")
    assert (done.code, done.err) == (0, "")
    result = json.loads(done.out)
    assert [entry["score"]["mean"] for entry in result["scores"]] == [1.0, 0.5, 0.5]
    assert [entry["source"] for entry in result["scores"]] == list(found)
    assert (result["judges"], result["unanswered"], result["sheet"]) == (2, 0, items(made)["sheet"])
    by_pair = {(pair["first"], pair["second"]): pair for pair in result["differences"]}
    assert by_pair[real, machines[0]]["difference"] == 0.5
    assert by_pair[real, machines[0]]["p"] < 0.01
    assert by_pair[machines[0], machines[1]]["p"] == 1.0
    table = seqgan("judge", "score", first, second, "--key", key)
    shown = rows(table)
    assert shown[machines[0]][0].startswith("0.500 [0.")
    assert shown[machines[0]][1:] == ["20", "40", "0"]
    assert f"{result['agreement']:.3f}" in table.out.partition("Krippendorff")[2]


def test_one_judge_agrees_with_nobody_and_json_is_json(seqgan, made, tmp_path):
    first = answer(made, tmp_path / "first.json", lambda item: False)
    key = made.with_suffix(".key.json")
    assert "one judge alone has none" in seqgan("judge", "score", first, "--key", key).out
    assert json.loads(seqgan("judge", "score", first, "--key", key, "--json").out)["agreement"] is None


def test_a_table_is_filled_in_and_scored_beside_its_key(seqgan, text, tmp_path):
    sheet = tmp_path / "sheet.csv"
    assert seqgan("judge", "make", "--run", text.path, "-n", 6, "-o", sheet).code == 0
    lines = list(csv.reader(io.StringIO(sheet.read_text(encoding="utf-8-sig"), newline="")))
    assert lines[0] == ["item", "text", "answer"]
    assert len(lines) == 13
    key = json.loads((tmp_path / "sheet.key.json").read_text(encoding="utf-8"))
    for line, names in zip(lines[1:], key["items"], strict=True):
        line[2] = "H" if names[0] == key["sources"][0] else ""
    with sheet.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=";").writerows(lines)
    done = seqgan("judge", "score", sheet)
    assert done.code == 0, done.err
    assert rows(done)[str(text.path)] == ["0", "0", "6"]
    assert "Unanswered: 6 of 12." in done.out
    assert "Differences" not in done.out


def test_real_items_from_a_file_are_read_as_the_runs_are(seqgan, text, tmp_path):
    real = tmp_path / "real.txt"
    real.write_text("".join(f"a   line of {word} words \n" for word in ("few", "other", "many")) + "\n", encoding="utf-8")
    page = tmp_path / "sheet.html"
    done = seqgan("judge", "make", "--run", text.path, "--real", real, "-n", 3, "-o", page)
    assert done.code == 0, done.err
    assert sources(page)[f"real, {real}"] == {f"a line of {word} words" for word in ("few", "other", "many")}


def test_fewer_items_than_asked_for_are_told(seqgan, text, tmp_path):
    done = seqgan("judge", "make", "--run", text.path, "-n", 500, "-o", tmp_path / "sheet.html")
    assert done.code == 0, done.err
    assert re.search(r"Warning: held out from .* gave \d+ different items, and 500 were asked for\.", done.err)


def test_what_a_generator_copied_is_shown_once_and_told(seqgan, text, tmp_path):
    page = tmp_path / "sheet.html"
    assert seqgan("judge", "make", "--run", text.path, "-n", 5, "-o", page).code == 0
    copied = next(iter(sources(page)[str(text.path)]))
    (tmp_path / "real.txt").write_text(f"{copied}\nquite another line\n", encoding="utf-8")
    page = tmp_path / "again.html"
    done = seqgan("judge", "make", "--run", text.path, "-n", 5, "--real", tmp_path / "real.txt", "-o", page)
    assert done.code == 0, done.err
    assert "Items that several sources have: 1." in done.err
    assert items(page)["items"].count(copied) == 1
    assert all(copied in found for found in sources(page).values())


def test_another_sheets_key_is_not_replaced(seqgan, refused, contents, text, tmp_path):
    page = tmp_path / "sheet.html"
    assert seqgan("judge", "make", "--run", text.path, "-n", 3, "-o", page).code == 0
    before = contents(tmp_path)
    assert seqgan("judge", "make", "--run", text.path, "-n", 3, "-o", page).code == 0
    done = seqgan("judge", "make", "--run", text.path, "-n", 4, "-o", page, "-q")
    said = "is the key of another sheet, whose answers need it: name another file with -o."
    refused(done, 1, f"{tmp_path / 'sheet.key.json'} {said}")
    assert contents(tmp_path) == before


def test_numbers_of_the_oracle_are_not_judged(seqgan, refused, text_copy, tmp_path):
    record_anew(text_copy, data__source="oracle")
    done = seqgan("judge", "make", "--run", text_copy, "-o", tmp_path / "sheet.html")
    refused(done, 2, f"{text_copy} is trained on an oracle's sequences, of which none is a person's: name another run.")
    assert not list(tmp_path.glob("sheet*"))


def test_runs_that_differ_in_form_are_told(seqgan, text, text_copy, tmp_path):
    record_anew(text_copy, data__lowercase=True)
    done = seqgan("judge", "make", "--run", text.path, "--run", text_copy, "-n", 4, "-o", tmp_path / "sheet.html")
    assert done.code == 0, done.err
    said = f"Warning: {text_copy} and {text.path} differ in data.lowercase: judges may tell them by that alone.\n"
    assert said in done.err
    found = sources(tmp_path / "sheet.html")
    assert list(found)[1:] == [str(text.path), str(text_copy)]
    assert not found[str(text.path)] & found[str(text_copy)]  # other draws, though of one generator


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["make"], "--run"),
        (["make", "--run", "x", "-n", 0], "-n"),
        (["make", "--run", "x", "-n", 1001], "-n"),
        (["make", "--run", "x", "-o", "sheet.pdf"], "neither .html nor .csv"),
        (["make", "--run", "x", "--from", "y"], "--from"),
        (["score"], "ANSWERS"),
    ],
)
def test_usage(seqgan, refused, arguments, part):
    refused(seqgan("judge", *arguments), 2, part, usage=True)


def test_no_run_and_no_real_file(seqgan, refused, text, tmp_path):
    refused(
        seqgan("judge", "make", "--run", tmp_path / "none", "-o", tmp_path / "sheet.html"),
        1,
        f"There is no run in {tmp_path / 'none'}: `seqgan pretrain-g --run {tmp_path / 'none'}` begins one.",
    )
    done = seqgan("judge", "make", "--run", text.path, "--real", tmp_path / "none.txt", "-o", tmp_path / "sheet.html")
    refused(done, 1, f"Cannot read {tmp_path / 'none.txt'}: No such file or directory.")
    assert not list(tmp_path.iterdir())


def test_bad_answers_are_one_sentence(seqgan, refused, made, tmp_path):
    first = answer(made, tmp_path / "first.json", lambda item: True)
    name = items(made)["sheet"]
    refused(seqgan("judge", "score", first), 1, f"The key of sheet {name} is not beside the answers: name it with --key.")
    key = made.with_suffix(".key.json")
    twice = seqgan("judge", "score", first, first, "--key", key)
    refused(twice, 1, f"{first} and {first} are by the same judge: give only the later one.")
    wrong = tmp_path / "wrong.json"
    wrong.write_text(first.read_text(encoding="utf-8").replace('"human"', '"perhaps"', 1), encoding="utf-8")
    said = "item 1: 'perhaps' is no answer: write human (h, 1), machine (m, 0), or nothing."
    refused(seqgan("judge", "score", wrong, "--key", key), 1, f"{wrong}, {said}")
    refused(seqgan("judge", "score", first, "--key", first), 1, *[f"{first} is damaged or no key: name the .key.json that "
                                                               "`seqgan judge make` wrote beside the sheet."])  # fmt: skip


def test_melodies_of_a_run_are_played(seqgan, tiny_config, tmp_path):
    notes = tmp_path / "notes.txt"
    notes.write_text("".join(" ".join(str(40 + (i * j) % 12) for j in range(8)) + "\n" for i in range(1, 40)), encoding="utf-8")
    run, page = tmp_path / "run", tmp_path / "sheet.html"
    options = ["--kind", "music", "--set", "data.window=8", "--set", "data.step=0.25", "--config", tiny_config]
    assert seqgan("pretrain-g", "--data", notes, *options, "--run", run).code == 0
    done = seqgan("judge", "make", "--run", run, "-n", 3, "-o", page)
    assert done.code == 0, done.err
    tunes = items(page)["items"]
    assert len(tunes) == 6
    for tune in tunes:
        assert (tune["step"], len(tune["pitches"])) == (0.25, 8)
        assert all(0 <= pitch <= 88 for pitch in tune["pitches"])
    known = {tuple(map(int, line.split())) for line in notes.read_text().splitlines()}
    assert sum(tuple(tune["pitches"]) in known for tune in tunes) >= 3
    table = seqgan("judge", "make", "--run", run, "-n", 3, "-o", tmp_path / "table.csv")
    assert table.code == 2
    assert "Melodies are to be heard" in table.err
