"""The process of our own that scores: what it hosts, and how hosted code behaves in it."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from scorers import NEVER, json
from seqgan_cli.errors import SeqganError
from seqgan_cli.scoring import worker
from seqgan_cli.scoring.errors import ScoringError
from seqgan_cli.scoring.protocols import Json
from seqgan_cli.scoring.workers import Workers


def test_the_function_of_a_file_by_its_name(tmp_path: Path) -> None:
    assert worker.parse("my.py") == (Path("my.py"), "score")
    assert worker.parse("a/my.py:qed") == (Path("a/my.py"), "qed")
    assert worker.parse("C:\\my.py") == (Path("C:\\my.py"), "score")
    assert worker.parse("C:\\my.py:qed") == (Path("C:\\my.py"), "qed")
    code = "def score(texts):\n    return [1] * len(texts)\ndef other(texts):\n    return [2] * len(texts)\n"
    for place, value in (("my.py", 1), ("my.py:score", 1), ("my.py:other", 2)):
        workers = json(tmp_path, code, place=place)
        assert workers.ask(["a", "b"]) == [value, value]
        workers.close()


def test_a_fingerprint_is_of_the_bytes(tmp_path: Path) -> None:
    (tmp_path / "my.py").write_bytes(b"x = 1\r\n")
    assert worker.fingerprint(tmp_path / "my.py") == hashlib.sha256(b"x = 1\r\n").hexdigest()
    with pytest.raises(SeqganError, match=r"none\.py cannot be read \(No such file or directory\)"):
        worker.fingerprint(tmp_path / "none.py")


@pytest.mark.parametrize(
    "answer",
    [
        "[0.5, True, 3]",
        "(0.5, 1, 3)",
        "iter([0.5, 1, 3])",
        "np.array([0.5, 1, 3], np.float32)",
        "[np.float64(0.5), np.int8(1), np.array(3.0)]",
        "np.array([[0.5], [1], [3]])[:, 0]",
    ],
)
def test_numbers_may_come_in_any_sequence(answer: str) -> None:
    import numpy as np

    assert worker.numbers(lambda texts: eval(answer, {"np": np}), ["a", "b", "c"]) == [0.5, 1.0, 3.0]


@pytest.mark.parametrize("answer", [b"1", "1", None, 1j, [1], 10**400])
def test_what_is_no_number_is_refused(answer: object) -> None:
    refused = worker.respond(lambda texts: [0.5, answer], ["a", "b"], None)
    assert refused == {"error": f"{answer!r:.80} is no number", "at": [1, 2]}


CHATTY = """
import os, subprocess, sys
print("loading")
sys.stdout.write("half a line")
def score(texts):
    print("scoring", len(texts))
    os.write(1, b"from C")
    subprocess.run(["echo", "from a child"], check=True)
    try:
        input()
    except EOFError:
        return [len(text) for text in texts]
"""


def test_what_hosted_code_prints_goes_to_stderr_and_it_has_no_stdin(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    workers = json(tmp_path, CHATTY)
    assert workers.ask(["a", "bb", "ccc"]) == [1, 2, 3]
    workers.close()
    printed = capfd.readouterr()
    assert printed.out == ""
    for part in ("loading", "half a line", "scoring 1", "from C", "from a child"):
        assert part in printed.err


def test_a_file_runs_as_python_runs_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its folder first on the path, dataclasses and all, from wherever; the current folder shadows nothing."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "json.py").write_text("raise SystemExit(3)")
    monkeypatch.chdir(elsewhere)
    (tmp_path / "beside.py").write_text("VALUE = 7")
    code = "import dataclasses, pathlib, pickle, sys\nfrom beside import VALUE\n"
    code += "@dataclasses.dataclass\nclass A:\n    a: 'int'\n"
    code += "def score(texts):\n    assert pickle.loads(pickle.dumps(A(1))) == A(1) and __name__ == 'my'\n"
    code += "    assert sys.path[0] == str(pathlib.Path(__file__).parent) and '' not in sys.path\n"
    workers = json(tmp_path, code + "    return [VALUE] * len(texts)")
    assert workers.ask(["a"]) == [7]
    workers.close()


def test_a_change_of_a_file_counts_at_once(tmp_path: Path) -> None:
    """Bytecode kept by time and size would be the old one's."""
    for value in (1, 2):
        workers = json(tmp_path, f"def score(texts):\n    return [{value}] * len(texts)")
        os.utime(tmp_path / "my.py", (1e9, 1e9))
        assert workers.ask(["a"]) == [value]
        workers.close()


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (None, "{} cannot be read (No such file or directory)"),
        ("def scores(texts): pass", "{} has no function 'score'"),
        ("score = 1", "{} has no function 'score'"),
        ("\ndef score(texts) return 1", "SyntaxError: expected ':' ({}:2)"),
        ("\n\nimport no_such_module", "ModuleNotFoundError: No module named 'no_such_module' ({}:3)"),
        ("from json import no_such_name", "ImportError: cannot import name 'no_such_name' from 'json'"),
        ("1 / 0", "ZeroDivisionError: division by zero ({}:1)"),
    ],
)
@pytest.mark.parametrize("jobs", [1, 3])
def test_a_file_that_cannot_be_loaded_is_one_sentence(tmp_path: Path, code: str | None, said: str, jobs: int) -> None:
    workers = json(tmp_path, code or "", jobs)
    if code is None:
        (tmp_path / "my.py").unlink()
    with pytest.raises(ScoringError) as caught:
        workers.ask(["a"])
    told = str(caught.value)
    assert told.startswith(f"--reward-file: {said.format(tmp_path / 'my.py')}")
    assert "at the text" not in told
    assert "\n" not in told


def test_a_function_that_cannot_be_called_with_texts_is_told_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(ScoringError) as caught:
        json(tmp_path, "\ndef score():\n    return 1").ask(["a"])
    told = f"TypeError: score() takes 0 positional arguments but 1 was given ({tmp_path / 'my.py'}:2)"
    assert str(caught.value) == f"--reward-file: {told}, at the text 'a'."


COMPONENT = """
from seqgan_cli.errors import UsageError
class Rewards:
    @staticmethod
    def letter(letter, weight=1):
        if len(letter) != 1:
            raise UsageError("letter has to be one.")
        return lambda texts: [weight * text.count(letter) for text in texts]
"""


def test_a_component_is_made_of_its_options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "somebodys.py").write_text(COMPONENT)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))

    def component(place: str, options: str) -> Workers:
        return Workers(worker.command("component", place, options), 1, NEVER, Json(), "letter")

    workers = component("somebodys:Rewards.letter", '{"letter": "a", "weight": 0.5}')
    assert workers.ask(["banana", "kiwi"]) == [1.5, 0]
    workers.close()
    for place, options, said in (
        ("somebodys:Rewards.letter", '{"letter": "ab"}', "letter has to be one."),
        ("somebodys:nothing", "{}", "AttributeError: module 'somebodys' has no attribute 'nothing'."),
        ("nobodys:f", "{}", "ModuleNotFoundError: No module named 'nobodys'"),
    ):
        with pytest.raises(ScoringError) as caught:
            component(place, options).ask(["a"])
        assert str(caught.value).startswith(f"letter: {said}")


def test_it_starts_without_heavy_libraries_and_ends_quietly(tmp_path: Path) -> None:
    code = "import sys\nHEAVY = {'numpy', 'tensorflow', 'keras', 'click', 'rich'}\n"
    (tmp_path / "my.py").write_text(code + "def score(texts):\n    return [len(HEAVY & set(sys.modules))] * len(texts)")
    command = worker.command("file", str(tmp_path / "my.py"))
    done = subprocess.run(command, input='{"texts": ["a"]}\n', capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, '{"scores": [0.0]}\n', "")


def test_it_ends_quietly_when_nobody_reads_its_answers(tmp_path: Path) -> None:
    (tmp_path / "my.py").write_text("def score(texts):\n    return [1] * len(texts)")
    reading, writing = os.pipe()
    os.close(reading)
    command = [*worker.command("file", str(tmp_path / "my.py"))]
    done = subprocess.run(command, input=b'{"texts": ["a"]}\n', stdout=writing, stderr=subprocess.PIPE, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")
    assert sys.executable == command[0]
