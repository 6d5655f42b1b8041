"""Text that cannot be read or trained on: one sentence that names the file, and no run begun."""

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from seqgan_cli.runs.run import Run


def write_lines(path: Path, lines: list[str]) -> Path:
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return path


UNUSABLE = {
    "empty": (b"", " holds no text: one sequence a line is needed."),
    "blank": (b"\n  \n\t\n", " holds no text: one sequence a line is needed."),
    "binary": (b"a b\nc\0d\n", ", line 2: holds a zero byte, so it is binary; text is needed."),
    "latin-1": (
        b"a b c\nd\xe9j\xe0 vu\n",
        ", line 2: 0xe9 after 1 bytes of text is not UTF-8; convert it to UTF-8, with "
        "`iconv -f CP1252 -t UTF-8 DATA.txt > DATA.utf-8.txt`.",
    ),
    "utf-16": (
        "a b\n".encode("utf-16"),
        " is UTF-16: convert it to UTF-8, with `iconv -f UTF-16 -t UTF-8 DATA.txt > DATA.utf-8.txt`.",
    ),
    "old Mac": (
        b"a b\rb a\r",
        " has the line ends of old Macs, carriage returns alone: make newlines of them, with "
        "`tr '\\r' '\\n' < DATA.txt > DATA.lines.txt`.",
    ),
    "one line": (b"a b c\n", " holds one line: at least three are needed, so that one to report by and one to choose "
        "by can be held out."),
    "one word": (
        b"a a\na\na a a\n",
        " holds fewer than two different tokens: nothing to learn.",
    ),
}


@pytest.mark.parametrize("kind", UNUSABLE)
def test_unusable_text_is_named_and_begins_no_run(seqgan, refused, tmp_path, kind):
    content, sentence = UNUSABLE[kind]
    (tmp_path / "data.txt").write_bytes(content)
    outcome = seqgan("pretrain-g", "--data", tmp_path / "data.txt", "--run", tmp_path / "run")
    refused(outcome, 1, f"{tmp_path / 'data.txt'}{sentence.replace('DATA', str(tmp_path / 'data'))}")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("command", [["train"], ["pretrain-g", "--data"]])
def test_missing_text(seqgan, refused, tmp_path, command):
    outcome = seqgan(*command, tmp_path / "none.txt", "--run", tmp_path / "run")
    refused(outcome, 1, f"Cannot read {tmp_path / 'none.txt'}: No such file or directory.")
    assert not (tmp_path / "run").exists()


def test_empty_folder_for_text(seqgan, refused, tmp_path):
    message = f"{tmp_path} is a folder without files: name a file with one sequence a line, or a folder of such."
    refused(seqgan("train", tmp_path, "--run", tmp_path / "run"), 1, message)
    refused(seqgan("train", tmp_path, "--kind", "text", "--run", tmp_path / "run"), 1, message)
    assert not (tmp_path / "run").exists()


def test_unusable_test_file_is_the_one_named(seqgan, refused, tmp_path, sentences):
    (tmp_path / "test.txt").write_bytes(b"")
    outcome = seqgan("pretrain-g", "--data", sentences, "--test", tmp_path / "test.txt", "--run", tmp_path / "run")
    refused(outcome, 1, f"{tmp_path / 'test.txt'} holds no text: one sequence a line is needed.")
    assert not (tmp_path / "run").exists()


@pytest.mark.sampled(1)
@pytest.mark.skipif(sys.platform == "darwin", reason="macOS allows no other names")
@pytest.mark.parametrize("where", ["data", "run"])
def test_file_name_that_is_not_utf8(seqgan, tiny_config, sentences, tmp_path, where):
    """It works as any other: the run is trained, goes on when the file is named again, samples, and recorded the name."""
    names = {"data": tmp_path / "data.txt", "run": tmp_path / "run"}
    names[where] = names[where].with_name(f"x\udcff.{where}")  # the byte 0xff
    data, run = names["data"], names["run"]
    shutil.copy(sentences, data)
    for epochs in (1, 2):
        outcome = seqgan("pretrain-g", "-q", "--data", data, "--config", tiny_config, "--epochs", epochs, "--run", run)
        assert (outcome.code, outcome.err) == (0, "")
        assert (run / "checkpoints" / "pretrain-g" / f"{epochs:07d}.npz").exists()
    assert Run(run).config().values["data.source"] == str(data)
    assert seqgan("sample", "-n", 2, "--run", run).out.count("\n") == 2
    assert seqgan("status", "--run", run).code == 0


def test_every_line_too_long(seqgan, refused, tmp_path):
    data = write_lines(tmp_path / "long.txt", ["a b c d", "b c d e f"] * 5)
    outcome = seqgan("pretrain-g", "--data", data, "--max-length", 3, "--run", tmp_path / "run")
    refused(outcome, 1, f"{data}: every line is longer than 3 tokens; raise --max-length, or use --overlong cut or split.")
    assert not (tmp_path / "run").exists()


def test_lines_longer_than_the_default_bound_are_dropped_and_counted(seqgan, refused, tmp_path):
    data = write_lines(tmp_path / "long.txt", ["a b " * 33] * 4)
    outcome = seqgan("pretrain-g", "--data", data, "--run", tmp_path / "run")
    refused(outcome, 1, f"{data}: every line is longer than 64 tokens; raise --max-length, or use --overlong cut or split.")


def test_too_high_a_min_count(seqgan, refused, tmp_path):
    data = write_lines(tmp_path / "rare.txt", ["a b", "c d", "e f"])
    outcome = seqgan("pretrain-g", "--data", data, "--min-count", 5, "--run", tmp_path / "run")
    refused(outcome, 1, f"{data} holds fewer than two different tokens (after --min-count 5): nothing to learn.")


@pytest.mark.parametrize("option", ["--hypotheses", "--references"])
@pytest.mark.parametrize("kind", ["empty", "binary", "latin-1"])
def test_unusable_files_to_score(seqgan, refused, tmp_path, sentences, option, kind):
    content, sentence = UNUSABLE[kind]
    (tmp_path / "data.txt").write_bytes(content)
    files = {"--hypotheses": sentences, "--references": sentences, option: tmp_path / "data.txt"}
    outcome = seqgan("eval-bleu", "--run", tmp_path / "run", *(part for pair in files.items() for part in pair))
    refused(outcome, 1, f"{tmp_path / 'data.txt'}{sentence.replace('DATA', str(tmp_path / 'data'))}")


def test_fewer_sequences_than_a_batch_train_in_a_smaller_one(seqgan, tiny_config, tmp_path):
    data = write_lines(tmp_path / "few.txt", ["a b c", "b c a", "c a b", "a c b", "b a"])
    run = tmp_path / "run"
    outcome = seqgan("pretrain-g", "--data", data, "--config", tiny_config, "--epochs", 1, "--run", run)
    assert outcome.code == 0
    assert "pretrain-g: only 3 sequences, so batches hold 3 instead of 32.\n" in outcome.err
    with np.load(run / "checkpoints" / "pretrain-g" / "0000001.npz") as checkpoint:
        assert max(checkpoint[name].max() for name in checkpoint.files if name.startswith("g_optimizer")) > 0
    outcome = seqgan("pretrain-d", "--d-steps", 1, "--run", run)
    assert outcome.code == 0
    assert "discriminator: only 6 sequences, so batches hold 6 instead of 64.\n" in outcome.err
