"""Processes that score texts: what they are given, what they answer, and what is wrong with their answers."""

import contextlib
import os
import random
import selectors
import threading
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scorers import NEVER, json, lines, lines_command, once_there
from seqgan_cli.scoring import process, worker
from seqgan_cli.scoring.errors import ScoringError, Wrong
from seqgan_cli.scoring.protocols import Json, Lines
from seqgan_cli.scoring.workers import Workers

PUT = "def score(texts):\n"


def said(workers: Workers, texts: list[str]) -> str:
    with pytest.raises(ScoringError) as caught:
        workers.ask(texts)
    assert "\n" not in str(caught.value)
    assert not workers._started
    return str(caught.value)


@pytest.mark.parametrize("jobs", [1, 3])
@pytest.mark.parametrize("protocol", ["lines", "json"])
def test_scores_are_those_of_the_same_function_here_in_the_order_of_the_texts(tmp_path, protocol, jobs) -> None:
    body = "time.sleep(0.002 * ('slow' in text)); say(repr(len(text) / 7))"
    code = "import time\ndef one(t):\n    time.sleep(0.002 * ('slow' in t))\n    return len(t) / 7\n"
    if protocol == "lines":
        workers = lines(tmp_path, body, jobs=jobs)
    else:
        workers = json(tmp_path, code + PUT + "    return [one(t) for t in texts]", jobs)
    draw = random.Random(0)
    for number in (1, 2, 7, 300):
        texts = [draw.choice(["slow ", ""]) + "x" * draw.randrange(50) for _ in range(number)]
        assert workers.ask(texts) == [len(text) / 7 for text in texts]
    assert workers.ask([]) == []
    assert len(workers._started) == jobs
    workers.close()


@pytest.mark.parametrize("protocol", ["lines", "json"])
def test_every_text_arrives_as_it_is(tmp_path: Path, protocol: str) -> None:
    texts = ["", " ", "床前明月光", "naïve 🙂 \u2028 end", "tab\tand 'quotes' \"both\" \\n", "\r", "C1=CC=CC=C1"]
    code = "sum((i + 1) * ord(c) for i, c in enumerate({}))"
    if protocol == "lines":
        reading = "sys.stdin.reconfigure(newline='\\n')"
        workers = lines(tmp_path, f"say({code.format('text')})", reading)
    else:
        workers = json(tmp_path, f"{PUT}    return [{code.format('t')} for t in texts]")
    assert workers.ask(texts) == [sum((i + 1) * ord(c) for i, c in enumerate(text)) for text in texts]
    workers.close()


def test_chunks_grow_to_256_and_shrink_to_the_end(tmp_path: Path) -> None:
    """No more than half of an equal share, so that the processes end together. By hand, for one process and no time."""
    (tmp_path / "my.py").write_text(f"sizes = []\n{PUT}    sizes.append(len(texts))\n    return [len(sizes)] * len(texts)")
    workers = Workers(worker.command("file", str(tmp_path / "my.py")), 1, NEVER, Json(), "s", clock=lambda: 0.0)
    numbers = workers.ask([str(i) for i in range(1000)])
    sizes = [numbers.count(i) for i in range(1, int(max(numbers)) + 1)]
    assert sizes == [1, 4, 16, 64, 256, 256, 202, 101, 50, 25, 13, 6, 3, 2, 1]
    workers.close()


@pytest.mark.parametrize(("timeout", "size"), [(NEVER, 8), (1.0, 4)])
def test_a_chunk_takes_half_a_second_or_a_quarter_of_the_timeout(tmp_path: Path, timeout: float, size: int) -> None:
    """By a clock that is a sixteenth of a second further with every text."""
    number = tmp_path / "number"
    code = "import pathlib\nsizes = []\n" + PUT + "    sizes.append(len(texts))\n"
    code += f"    pathlib.Path('{number}.new').write_text(str(sum(sizes)))\n"
    code += f"    pathlib.Path('{number}.new').replace('{number}')\n"
    (tmp_path / "my.py").write_text(code + "    return [len(sizes)] * len(texts)")
    number.write_text("0")
    command = worker.command("file", str(tmp_path / "my.py"))
    workers = Workers(command, 1, timeout, Json(), "s", lambda: int(number.read_text()) / 16)
    numbers = workers.ask([str(i) for i in range(60)])
    assert [numbers.count(i) for i in range(1, 7)] == [1, 4, size, size, size, size]
    workers.close()


def test_pipes_may_fill_on_both_sides(tmp_path: Path) -> None:
    """Megabytes of texts on the way to a process that has not read them, because its own answers are not read yet."""
    workers = lines(tmp_path, "say(str(len(text)) + ' ' * 4000)")
    texts = ["x" * (20000 + i) for i in range(600)]
    assert workers.ask(texts) == [20000.0 + i for i in range(600)]
    assert len(workers._processes[0]._last) == 1
    workers.close()


AT_C = "{} if text == 'c' else say(1)"


@pytest.mark.sampled(8)
@pytest.mark.parametrize(
    ("body", "what"),
    [
        (AT_C.format("say('abc')"), "'abc' is no number"),
        (AT_C.format("say('')"), "'' is no number"),
        (AT_C.format("say('1 2')"), "'1 2' is no number"),
        (AT_C.format("say('0,5')"), "'0,5' is no number"),
        (AT_C.format("say('x' * 1000000)"), f"'{'x' * 79}…' is no number"),
        (AT_C.format("(sys.stdout.write('x' * 1000000), sys.stdout.flush(), time.sleep(1e6))"), f"'{'x' * 79}…' is no number"),
        (AT_C.format("say('rubbish\\n' * 125000)"), "'rubbish' is no number"),
        (AT_C.format("os.write(1, bytes([255, 10]))"), "'\ufffd' is no number"),
        (AT_C.format("say('nan')"), "nan is no finite number"),
        (AT_C.format("say('-inf')"), "-inf is no finite number"),
        (AT_C.format("say('1e999')"), "inf is no finite number"),
        (AT_C.format("sys.exit(3)"), "it ended with exit code 3"),
        (AT_C.format("sys.exit()"), "it ended with exit code 0"),
        (AT_C.format("sys.exit(137)"), "it ended with exit code 137 (SIGKILL)"),
        (AT_C.format("sys.exit(255)"), "it ended with exit code 255"),
        (AT_C.format("os.kill(os.getpid(), signal.SIGSEGV)"), "it was ended by SIGSEGV"),
        (AT_C.format("(os.close(0), sys.exit(4))"), "it ended with exit code 4"),
    ],
)
def test_what_is_wrong_with_a_program_is_one_sentence_with_the_text(tmp_path: Path, body: str, what: str) -> None:
    workers = lines(tmp_path, body)
    assert said(workers, list("abcde")) == f"--reward-command: {what}, at the text 'c'."
    assert workers.ask(["a", "b"]) == [1, 1]  # it starts anew
    workers.close()


def test_the_text_is_shortened(tmp_path: Path) -> None:
    text = "word " * 40
    assert said(lines(tmp_path, "say('x')"), [text]) == f"--reward-command: 'x' is no number, at the text '{text[:79]}…'."


def test_two_lines_a_text_are_found_out_at_the_first(tmp_path: Path) -> None:
    """Else each text would have the number of the one before."""
    workers = lines(tmp_path, "say(f'{len(text)}\\n{len(text)}')")
    told = "--reward-command: it answered a line more than it was asked for, at the text 'first'."
    assert said(workers, ["first", "second", "third"]) == told


def test_the_first_answer_is_waited_after(tmp_path: Path) -> None:
    """The second line may come a moment later. The clock moves once it is there."""
    body = "say(1); time.sleep(0.1); say(2); (here / 'there').touch()"
    workers = Workers(lines_command(tmp_path, body), 1, NEVER, Lines(), "s", once_there(tmp_path / "there"))
    assert said(workers, ["only"]) == "s: it answered a line more than it was asked for, at the text 'only'."


@pytest.mark.parametrize("more", ["2", "2\\n"])
def test_what_came_since_is_found_before_the_next_is_sent(tmp_path: Path, more: str) -> None:
    body = "say(1)\nwhile i and not (here / 'go').exists(): time.sleep(0.01)\n"
    body += f"if i: os.write(1, b'{more}'); (here / 'done').touch()"
    workers = lines(tmp_path, body)
    assert workers.ask(["a"]) == [1]
    assert workers.ask(["b"]) == [1]
    (tmp_path / "go").touch()
    while not (tmp_path / "done").exists():
        pass
    assert said(workers, ["c", "d"]) == "--reward-command: it answered a line more than it was asked for, at the text 'b'."


def test_a_command_that_is_not_there(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    workers = Workers(["/bin/sh", "-c", "no-such-scorer --fast"], 2, NEVER, Lines(), "--reward-command")
    assert said(workers, ["a"]) == "--reward-command: command not found (exit code 127), at the text 'a'."
    assert "no-such-scorer" in capfd.readouterr().err
    direct = Workers([str(tmp_path / "none")], 2, NEVER, Lines(), "--reward-command")
    assert said(direct, ["a"]) == "--reward-command cannot be started: No such file or directory."


def test_one_that_ends_between_two_askings(tmp_path: Path) -> None:
    workers = lines(tmp_path, "say(1); (i == 1 and sys.exit(5))")
    assert workers.ask(["a", "b"]) == [1, 1]
    assert said(workers, ["c"]) == "--reward-command: it ended with exit code 5, at the text 'c'."


def test_one_that_closes_its_stdout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "LAST_BREATH", 0.0)
    workers = lines(tmp_path, "say(1) if i < 1 else (os.close(1), time.sleep(1e6))")
    assert said(workers, ["a", "b"]) == "--reward-command: it closed its stdout, at the text 'b'."


def test_one_that_ends_while_what_it_started_holds_its_stdout(tmp_path: Path) -> None:
    workers = lines(tmp_path, "say(1) if i < 1 else (os.fork() and os._exit(6), time.sleep(1e6))")
    assert said(workers, ["a", "b"]) == "--reward-command: it ended with exit code 6, at the text 'b'."


def test_a_text_of_several_lines_is_refused(tmp_path: Path) -> None:
    workers = lines(tmp_path, "say(1)")
    told = "--reward-command: a text of several lines cannot be asked for in one, at the text 'b\\nc'."
    assert said(workers, ["a", "b\nc"]) == told


def test_silence_is_told_with_its_likely_reason(tmp_path: Path) -> None:
    """The second text is read and never answered; time runs from there."""
    body = "say(1) if i < 1 else ((here / 'hangs').touch(), time.sleep(1e6))"
    workers = Workers(lines_command(tmp_path, body), 1, 0.3, Lines(), "--reward-command", once_there(tmp_path / "hangs"))
    workers.protocol.settle = 0.0  # type: ignore[misc]
    told = said(workers, ["a", "b", "c"])
    assert told.startswith("--reward-command: no answer for 0.3 seconds (a program that writes to a pipe has to flush ")
    assert "`print(…, flush=True)`" in told
    assert told.endswith("--reward-timeout), at the text 'b'.")


@pytest.fixture
def piped() -> Iterator[tuple[process.Process, int, int]]:
    """A process, what it would read from, and what it would write to, but for that there is none; its exit code is 4."""
    (texts_out, texts_in), (answers_out, answers_in) = os.pipe(), os.pipe()
    pipes = [os.fdopen(texts_in, "wb", 0), os.fdopen(answers_out, "rb", 0)]
    popen: Any = types.SimpleNamespace(stdin=pipes[0], stdout=pipes[1], poll=lambda: None, wait=lambda seconds: 4)
    with selectors.DefaultSelector() as selector:
        yield process.Process(popen, Lines(), selector), texts_out, answers_in
    for pipe in pipes:
        pipe.close()
    for end in (texts_out, answers_in):
        with contextlib.suppress(OSError):
            os.close(end)


def test_each_answer_begins_the_time_anew(piped) -> None:
    scorer, texts_out, answers_in = piped
    scorer.send(7, ["a", "b", "c"], 10.0)
    assert os.read(texts_out, 100) == b"a\nb\nc\n"
    for now in (10.25, 10.5):
        scorer.look(now, 0.3)
        os.write(answers_in, b"0.5\n")
        scorer.read(now)
    scorer.look(10.75, 0.3)
    with pytest.raises(Wrong) as caught:
        scorer.look(10.85, 0.3)
    assert scorer.concerned(caught.value) == ["c"]
    assert scorer.complete(10.9) is None
    os.write(answers_in, b"2\n")
    scorer.read(10.9)
    scorer.look(99.0, 0.3)
    assert scorer.complete(10.9) == (7, [0.5, 0.5, 2.0])
    assert not scorer.is_free(10.94)
    assert scorer.is_free(10.96)


def test_one_that_reads_no_more_may_still_answer_and_is_told_by_how_it_ends(piped) -> None:
    scorer, texts_out, answers_in = piped
    os.close(texts_out)
    scorer.send(0, ["a", "b"], 0.0)
    os.write(answers_in, b"1\n")
    scorer.read(0.0)
    os.close(answers_in)
    with pytest.raises(Wrong, match="it ended with exit code 4") as caught:
        scorer.read(0.0)
    assert scorer.concerned(caught.value) == ["b"]


@pytest.mark.parametrize(
    ("code", "what", "where"),
    [
        ("    return [1 / (t != 'c') for t in texts]", "ZeroDivisionError: division by zero ({}:2)", "'c'"),
        ("    return [len(t) for t in texts if t != 'c']", "it gave 0 numbers for 1 text", "'c'"),
        ("    return [1] * (len(texts) + 1)", "it gave 2 numbers for 1 text", "'a'"),
        ("    return [None if t == 'c' else 1 for t in texts]", "None is no number", "'c'"),
        ("    return ['1' if t == 'c' else 1 for t in texts]", "'1' is no number", "'c'"),
        ("    return [float('nan') if t == 'c' else 1 for t in texts]", "nan is no finite number", "'c'"),
        ("    return [1e999 if t == 'c' else 1 for t in texts]", "inf is no finite number", "'c'"),
        ("    return [10 ** 400 for t in texts]", f"1{'0' * 79} is no number", "'a'"),
        ("    return 0.5", "0.5 is no sequence of numbers", "'a'"),
        ("    return None", "None is no sequence of numbers", "'a'"),
        ("    raise KeyError('two\\nlines')", "KeyError: 'two\\nlines' ({}:2)", "'a'"),
        ("    raise ValueError('two\\nlines')", "ValueError: two ({}:2)", "'a'"),
        ("    raise ValueError", "ValueError ({}:2)", "'a'"),
        ("    import json\n    json.loads('x')", "JSONDecodeError: Expecting value: line 1 column 1 (char 0) ({}:3)", "'a'"),
        ("    import os\n    os._exit(9)", "it ended with exit code 9", "'a'"),
        ("    import os, signal\n    os.kill(os.getpid(), signal.SIGKILL)", "it was ended by SIGKILL", "'a'"),
    ],
)
def test_what_is_wrong_with_a_function_is_one_sentence_with_the_text(tmp_path: Path, code: str, what: str, where: str) -> None:
    told = said(json(tmp_path, PUT + code), list("abcdefghijk"))
    assert told.startswith(f"--reward-file: {what.format(tmp_path / 'my.py')}")
    assert told.endswith(f", at the text {where}.")


def test_a_batch_that_fails_where_none_of_its_texts_does(tmp_path: Path) -> None:
    told = said(json(tmp_path, f"{PUT}    assert len(texts) == 1, 'one at a time'\n    return [1]"), list("abcdefghij"))
    file = tmp_path / "my.py"
    assert told == f"--reward-file: AssertionError: one at a time ({file}:2), at one of 4 texts, the first of which is 'b'."


def test_a_crash_within_a_batch_may_be_at_any_of_its_texts(tmp_path: Path) -> None:
    code = f"import os\n{PUT}    'd' in texts and os._exit(1)\n    return [1] * len(texts)"
    told = said(json(tmp_path, code), list("abcdefghij"))
    assert told == "--reward-file: it ended with exit code 1, at one of 4 texts, the first of which is 'b'."


def test_silence_of_a_function(tmp_path: Path) -> None:
    code = f"import time, pathlib\n{PUT}    pathlib.Path({str(tmp_path / 'hangs')!r}).touch()\n    time.sleep(1e6)"
    (tmp_path / "my.py").write_text(code)
    command = worker.command("file", str(tmp_path / "my.py"))
    workers = Workers(command, 1, 0.3, Json(), "--reward-file", once_there(tmp_path / "hangs"))
    hint = "a slow scorer needs a larger --reward-timeout"
    assert said(workers, ["a"]) == f"--reward-file: no answer for 0.3 seconds ({hint}), at the text 'a'."


def test_whoever_asks_while_it_is_closed_is_told(tmp_path: Path) -> None:
    workers = lines(tmp_path, "(here / 'asked').touch(); time.sleep(1e6)")
    told: list[str] = []
    thread = threading.Thread(target=lambda: told.append(said(workers, ["a"])))
    thread.start()
    while not (tmp_path / "asked").exists():
        pass
    workers.close()
    thread.join()
    assert told == ["--reward-command was ended while it was asked."]


def test_processes_outlive_the_thread_that_first_asked(tmp_path: Path) -> None:
    """Linux would end them with it, if it had started them."""
    workers = json(tmp_path, f"import os\n{PUT}    return [os.getpid()] * len(texts)")
    found: list[float] = []
    for _ in range(3):
        thread = threading.Thread(target=lambda: found.extend(workers.ask(["a"])))
        thread.start()
        thread.join()
    assert found == [workers._started[0].pid] * 3
    workers.close()
