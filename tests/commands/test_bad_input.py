"""Bad input: one sentence on stderr that names what is wrong and what to do, the right exit code, and nothing lost."""

import json
import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from seqgan_cli.runs.run import Run


def write_lines(path: Path, lines: list[str]) -> Path:
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return path


# Text files.

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


# Settings that contradict the run.


@pytest.mark.parametrize("way", ["option", "--set", "--config"])
def test_setting_that_contradicts_the_run(seqgan, refused, contents, synthetic, tmp_path, way):
    (tmp_path / "other.toml").write_text("[data]\nvocab-size = 13\n")
    given = {"option": ["--vocab-size", 13], "--set": ["--set", "data.vocab_size = 13"]}.get(
        way, ["--config", tmp_path / "other.toml"]
    )
    before = contents(synthetic.path)
    outcome = seqgan("pretrain-g", *given, "--run", synthetic.path)
    refused(
        outcome,
        2,
        f"data.vocab-size is 12 in {synthetic.path} and cannot become 13: leave it out, use another --run, or "
        f"restart with `seqgan pretrain-g --run {synthetic.path} --overwrite --set data.vocab-size=13`, which drops pretrain-d "
        "and adversarial too.",
    )
    assert contents(synthetic.path) == before


@pytest.mark.parametrize(
    ("arguments", "setting", "before", "after", "restart"),
    [
        (["pretrain-g", "--seed", 7], "seed", 0, 7, "pretrain-g"),
        (["adversarial", "--seed", 7], "seed", 0, 7, "pretrain-g"),
        (["pretrain-g", "--cell", "gru"], "generator.cell", "lstm", "gru", "pretrain-g"),
        (["pretrain-d", "--filters", "1:9"], "discriminator.filters", "1:4,2:4,3:4", "1:9", "pretrain-d"),
        (
            ["adversarial", "--overwrite", "--set", "discriminator.embedding-dim=9"],
            *("discriminator.embedding-dim", 4, 9, "pretrain-d"),
        ),
        (["pretrain-d", "--overwrite", "--set", "generator.hidden-dim=9"], "generator.hidden-dim", 16, 9, "pretrain-g"),
    ],
)
def test_other_settings_that_are_fixed(seqgan, refused, contents, synthetic, arguments, setting, before, after, restart):
    files = contents(synthetic.path)
    outcome = seqgan(*arguments, "--run", synthetic.path)
    later = "pretrain-d and adversarial" if restart == "pretrain-g" else "adversarial"
    refused(
        outcome,
        2,
        f"{setting} is {before} in {synthetic.path} and cannot become {after}: leave it out, use another --run, or restart "
        f"with `seqgan {restart} --run {synthetic.path} --overwrite --set {setting}={after}`, which drops {later} too.",
    )
    assert contents(synthetic.path) == files


def test_another_text_for_a_run(seqgan, refused, contents, text, sentences, tmp_path):
    other = write_lines(tmp_path / "other.txt", ["a b", "b a"])
    files = contents(text.path)
    outcome = seqgan("train", other, "--run", text.path)
    refused(
        outcome,
        2,
        f"data.source is {sentences} in {text.path} and cannot become {other}: leave it out, go on with it by "
        f"`seqgan pretrain-g --run {text.path} --data {other} --continue --epochs 4`, use another --run, or restart "
        f"with `seqgan pretrain-g --run {text.path} --overwrite --set data.source={other}`, which drops pretrain-d and "
        "adversarial too.",
    )
    assert contents(text.path) == files


# A step that is missing.


@pytest.mark.parametrize("command", ["pretrain-d", "adversarial"])
def test_training_needs_a_generator(seqgan, refused, tmp_path, command):
    outcome = seqgan(command, "--run", tmp_path / "run")
    run = tmp_path / "run"
    refused(outcome, 1, f"{run} holds no pre-trained generator: run `seqgan pretrain-g --run {run}` first.")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("command", ["sample", "eval-nll", "eval-bleu", "status"])
def test_reading_needs_a_run(seqgan, refused, tmp_path, command):
    outcome = seqgan(command, "--run", tmp_path / "run")
    run = tmp_path / "run"
    refused(outcome, 1, f"There is no run in {run}: `seqgan pretrain-g --run {run}` begins one.")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("command", ["sample", "eval-nll", "eval-bleu"])
def test_reading_needs_a_checkpoint(seqgan, refused, synthetic_copy, command):
    shutil.rmtree(synthetic_copy / "checkpoints")
    outcome = seqgan(command, "--run", synthetic_copy)
    message = f"{synthetic_copy} holds no trained generator: run `seqgan pretrain-g --run {synthetic_copy}` first."
    refused(outcome, 1, message)


def test_the_stage_that_from_names_must_be_there(seqgan, refused, synthetic_copy):
    shutil.rmtree(synthetic_copy / "checkpoints" / "adversarial")
    outcome = seqgan("sample", "--from", "adversarial", "--run", synthetic_copy)
    advised = f"run `seqgan adversarial --run {synthetic_copy}` first"
    refused(outcome, 1, f"{synthetic_copy} holds no trained generator 'adversarial': {advised}.")


# Damage.


def damage(path: Path, how: str) -> None:
    content = path.read_bytes()
    if how == "truncated":
        path.write_bytes(content[: len(content) // 2])
    elif how == "emptied":
        path.write_bytes(b"")
    elif how == "overwritten":
        path.write_bytes(b"not a checkpoint\n" * 100)
    elif how == "one bit flipped":
        path.write_bytes(content[:5000] + bytes([content[5000] ^ 1]) + content[5001:])
    elif how == "no archive":  # a single array in NumPy's own format
        with path.open("wb") as file:
            np.save(file, np.zeros(3))
    elif how == "encrypted":  # one bit of the archive's directory, which says that its first member is encrypted
        place = content.index(b"PK\x01\x02") + 8
        path.write_bytes(content[:place] + bytes([content[place] | 1]) + content[place + 1 :])


@pytest.mark.parametrize("how", ["truncated", "emptied", "overwritten", "one bit flipped", "no archive", "encrypted"])
def test_the_checkpoint_before_a_damaged_one_is_used(seqgan, synthetic_copy, how):
    stage = synthetic_copy / "checkpoints" / "adversarial"
    (stage / "0000002.npz").unlink()
    before = seqgan("sample", "-n", 5, "--run", synthetic_copy)
    shutil.copy(stage / "0000001.npz", stage / "0000002.npz")
    damage(stage / "0000002.npz", how)
    after = seqgan("sample", "-n", 5, "--run", synthetic_copy)
    assert after.code == 0, after.err
    assert after.err == f"Warning: {stage / '0000002.npz'} is damaged. Using the one before: 0000001.npz.\n"
    assert after.out == before.out


def test_training_goes_on_from_the_last_good_checkpoint(seqgan, synthetic, synthetic_copy):
    stage = synthetic_copy / "checkpoints" / "adversarial"
    damage(stage / "0000002.npz", "truncated")
    outcome = seqgan("adversarial", "--run", synthetic_copy)
    assert outcome.code == 0
    assert f"Warning: {stage / '0000002.npz'} is damaged. Using the one before: 0000001.npz.\n" in outcome.err
    assert "adversarial: going on after round 1.\n" in outcome.err
    with (
        np.load(stage / "0000002.npz") as again,
        np.load(synthetic.path / "checkpoints" / "adversarial" / "0000002.npz") as first,
    ):
        assert again.files == first.files
        for name in first.files:
            assert np.array_equal(again[name], first[name])


@pytest.mark.parametrize("command", ["adversarial", "sample", "eval-nll", "eval-bleu"])
def test_no_good_checkpoint(seqgan, refused, contents, synthetic_copy, command):
    stage = synthetic_copy / "checkpoints" / "adversarial"
    for name in ("0000001.npz", "0000002.npz"):
        damage(stage / name, "truncated")
    files = {name: content for name, content in contents(synthetic_copy).items() if name != "config.json"}
    outcome = seqgan(command, "-q", "--run", synthetic_copy)
    refused(
        outcome,
        1,
        f"{stage / '0000002.npz'} is damaged; {stage / '0000001.npz'} is damaged, and there is no good checkpoint before. "
        f"Restart the stage with `seqgan adversarial --run {synthetic_copy} --overwrite`.",
    )
    assert {name: content for name, content in contents(synthetic_copy).items() if name != "config.json"} == files


def test_damaged_best_checkpoint(seqgan, refused, synthetic_copy):
    best = synthetic_copy / "checkpoints" / "pretrain-g" / "best.npz"
    damage(best, "truncated")
    outcome = seqgan("sample", "--from", "best", "--run", synthetic_copy)
    refused(outcome, 1, f"{best} is damaged. Use the last checkpoint instead, or restart the stage.")


def test_checkpoint_of_another_run(seqgan, refused, text, synthetic_copy):
    stage = synthetic_copy / "checkpoints" / "adversarial"
    foreign = text.path / "checkpoints" / "adversarial" / "0000002.npz"
    shutil.copy(foreign, stage / "0000002.npz")
    outcome = seqgan("sample", "-n", 2, "--run", synthetic_copy)
    assert outcome.code == 0
    belongs = "belongs to another run (of other data)"
    assert outcome.err == f"Warning: {stage / '0000002.npz'} {belongs}. Using the one before: 0000001.npz.\n"
    assert outcome.out.count("\n") == 2
    (stage / "0000001.npz").unlink()
    refused(
        seqgan("sample", "--run", synthetic_copy),
        1,
        f"{stage / '0000002.npz'} {belongs}, and there is no good checkpoint before. "
        f"Restart the stage with `seqgan adversarial --run {synthetic_copy} --overwrite`.",
    )


@pytest.mark.parametrize("how", ["truncated", "no archive", "encrypted"])
def test_damaged_corpus(seqgan, refused, synthetic_copy, how):
    corpus = synthetic_copy / "corpus" / "test.npz"
    damage(corpus, how)
    outcome = seqgan("sample", "--run", synthetic_copy)
    assert f"Cannot read {corpus} (" in outcome.err
    refused(outcome, 1, outcome.err.removeprefix("Error: ").removesuffix("\n"))


def test_what_is_advised_for_a_damaged_corpus_mends_it(seqgan, synthetic, synthetic_copy):
    corpus = synthetic_copy / "corpus" / "test.npz"
    damage(corpus, "truncated")
    outcome = seqgan("pretrain-g", "--run", synthetic_copy)
    assert outcome.code == 1
    assert outcome.err.endswith(f"begin anew with `seqgan pretrain-g --run {synthetic_copy} --overwrite`.\n")
    outcome = seqgan("pretrain-g", "--overwrite", "--epochs", 1, "--run", synthetic_copy)
    assert outcome.code == 0, outcome.err
    assert corpus.read_bytes() == (synthetic.path / "corpus" / "test.npz").read_bytes()


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff\xfe", b"[]", b'{"settings": {"seed": {"value": "x", "source": "option"}}}'],
)
@pytest.mark.parametrize("command", ["status", "sample", "pretrain-g"])
def test_damaged_config(seqgan, refused, contents, synthetic_copy, content, command):
    path = synthetic_copy / "config.json"
    path.write_bytes(content)
    files = contents(synthetic_copy)
    outcome = seqgan(command, "--run", synthetic_copy)
    assert f"{path} is damaged (" in outcome.err
    assert outcome.err.endswith("): restore it, or use another --run.\n")
    refused(outcome, 1, outcome.err.removeprefix("Error: ").removesuffix("\n"))
    assert contents(synthetic_copy) == files


@pytest.mark.parametrize("command", ["status", "sample", "pretrain-g"])
def test_config_without_settings_costs_nothing_else(seqgan, contents, synthetic_copy, command):
    """Whatever is made of a run whose settings are missing, its corpus and checkpoints stay."""
    (synthetic_copy / "config.json").write_text('{"settings": {}}')
    before = {name: content for name, content in contents(synthetic_copy).items() if name != "config.json"}
    outcome = seqgan(command, "-q", "--run", synthetic_copy)
    assert outcome.code == 0 or outcome.err.startswith("Error: ")
    assert {name: content for name, content in contents(synthetic_copy).items() if name != "config.json"} == before


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\0\0", b"stage,position\npretrain-g,\0\n", b"nothing\nof, the kind\n"])
def test_damaged_history_leaves_status_whole(seqgan, synthetic_copy, content):
    (synthetic_copy / "history.csv").write_bytes(content)
    outcome = seqgan("status", "--run", synthetic_copy)
    assert outcome.code == 0, outcome.err
    assert "12 of 12 epochs" in outcome.out


# Places that cannot be written.


@pytest.mark.parametrize("command", [["pretrain-g"], ["train"]])
def test_run_below_a_file(seqgan, refused, tiny_config, tmp_path, command):
    (tmp_path / "file").write_text("kept")
    run = tmp_path / "file" / "run"
    outcome = seqgan(*command, "-q", "--config", tiny_config, "--run", run)
    refused(outcome, 1, f"Cannot read or write {run}: Not a directory. What was saved before is whole.")
    assert (tmp_path / "file").read_text() == "kept"


def test_run_is_a_file(seqgan, refused, tmp_path):
    (tmp_path / "file").write_text("kept")
    refused(seqgan("pretrain-g", "--run", tmp_path / "file"), 2, f"--run {tmp_path / 'file'} is a file: name a directory.")
    assert (tmp_path / "file").read_text() == "kept"


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a place that root cannot write either")
def test_unwritable_place(seqgan, refused, tiny_config):
    outcome = seqgan("pretrain-g", "-q", "--config", tiny_config, "--run", "/proc/run")
    refused(outcome, 1, "Cannot read or write /proc/run: No such file or directory. What was saved before is whole.")


def test_folder_for_output(seqgan, refused, synthetic, tmp_path):
    refused(seqgan("sample", "-o", tmp_path, "--run", synthetic.path), 2, "'-o' / '--output'", "is a directory", usage=True)


def test_output_below_a_file(seqgan, refused, synthetic, tmp_path):
    (tmp_path / "file").write_text("kept")
    outcome = seqgan("sample", "-o", tmp_path / "file" / "out.txt", "--run", synthetic.path)
    assert outcome.code == 1
    assert str(tmp_path / "file") in outcome.err
    refused(outcome, 1, outcome.err.removeprefix("Error: ").removesuffix("\n"))


def test_tensorboard_folder_that_cannot_be_made(seqgan, refused, synthetic_copy):
    (synthetic_copy / "tensorboard").write_text("kept")
    outcome = seqgan("adversarial", "-q", "--rounds", 3, "--tensorboard", "--run", synthetic_copy)
    assert str(synthetic_copy / "tensorboard") in outcome.err
    refused(outcome, 1, outcome.err.removeprefix("Error: ").removesuffix("\n"))
    assert (synthetic_copy / "tensorboard").read_text() == "kept"


def test_a_folder_that_is_no_run_keeps_its_files(seqgan, tiny_config, tmp_path):
    """Whether the command refuses the folder or not."""
    (tmp_path / "vocabulary.txt").write_text("mine")
    (tmp_path / "history.csv").write_text("mine")
    seqgan("pretrain-g", "-q", "--config", tiny_config, "--epochs", 1, "--run", tmp_path)
    assert (tmp_path / "vocabulary.txt").read_text() == "mine"
    assert (tmp_path / "history.csv").read_text() == "mine"


@pytest.mark.whole
def test_full_disk_loses_nothing_and_the_same_command_goes_on(seqgan, contents, synthetic, synthetic_copy):
    """No file may grow past 30 kB: the history still fits, a checkpoint of `adversarial` does not."""
    before = contents(synthetic_copy)
    limit = 30_000
    assert len(before["checkpoints/adversarial/0000002.npz"]) > limit
    assert max(len(before[name]) for name in ("config.json", "history.csv")) < limit / 2
    arguments = ["adversarial", "-q", "--rounds", "3", "--run", str(synthetic_copy)]
    outcome = subprocess.run(
        [sys.executable, "-m", "seqgan_cli", *arguments],
        capture_output=True,
        text=True,
        timeout=280,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    assert outcome.returncode == 1
    assert outcome.stdout == ""
    path = synthetic_copy / "checkpoints" / "adversarial" / "0000003.npz"
    assert outcome.stderr == f"Error: Cannot read or write {path}: File too large. What was saved before is whole.\n"
    after = contents(synthetic_copy)
    assert after.keys() - before.keys() <= {"samples/adversarial-0000003.txt"}  # written before its checkpoint
    changed = {name for name in before if after[name] != before[name]}
    assert changed <= {"config.json", "history.csv"}
    assert json.loads(after["config.json"])["settings"]["adversarial.rounds"] == {"value": 3, "source": "option"}
    outcome = seqgan(*arguments)
    assert (outcome.code, outcome.out, outcome.err) == (0, "", "")  # quiet, too
    again = contents(synthetic_copy)
    assert "checkpoints/adversarial/0000003.npz" in again
    assert again["checkpoints/adversarial/0000002.npz"] == before["checkpoints/adversarial/0000002.npz"]
    rounds = [line.split(",")[1] for line in again["history.csv"].decode().splitlines() if ",nll_oracle," in line][-4:]
    assert rounds == ["0", "1", "2", "3"]


# Values.


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["pretrain-g", "--cell", "rnn"], ["'--cell': choose from lstm, gru"]),
        (["pretrain-g", "--tokenizer", "bytes"], ["'--tokenizer'", "choose from whitespace, words, chars"]),
        (["train", "--preset", "slow"], ["'--preset'", "'quick', 'fast', 'paper'"]),
        (["adversarial", "--reward", "rouge"], ["there is no reward 'rouge'; choose from discriminator, partial, lm, bleu"]),
        (["sample", "--format", "xml"], ["'--format'", "'text', 'raw', 'ids', 'jsonl', 'midi', 'pianoroll'"]),
        (["sample", "--from", "first"], ["'--from'", "'latest', 'adversarial', 'pretrain-g', 'best'"]),
        (["eval-bleu", "--smoothing", "method9"], ["'--smoothing'", "'method7'"]),
        (["pretrain-g", "--epochs", "-1"], ["'--epochs'", "must be at least 1."]),
        (["pretrain-g", "--epochs", "many"], ["'--epochs'", "'many' is not a valid integer"]),
        (["pretrain-g", "--g-learning-rate", "-0.1"], ["'--g-learning-rate'", "must be above 0."]),
        (["pretrain-g", "--g-learning-rate", "nan"], ["'--g-learning-rate'", "needs a finite number."]),
        (["pretrain-g", "--g-learning-rate", "inf"], ["'--g-learning-rate'", "needs a finite number."]),
        (["pretrain-g", "--holdout", "1"], ["'--holdout'", "must be below 1."]),
        (["pretrain-g", "--vocab-size", "-5"], ["'--vocab-size'", "must be at least 2."]),
        (["pretrain-d", "--k", "0"], ["'--k'", "must be at least 1."]),
        (["pretrain-d", "--filters", "wide"], ["'--filters'", "write 'paper' or window:number,… such as 1:100,2:200."]),
        (["pretrain-d", "--filters", "0:3"], ["'--filters'", "windows and numbers of filters start at 1."]),
        (["adversarial", "--rounds", "-3"], ["'--rounds'", "must be at least 1."]),
        (["adversarial", "--g-steps", "-1"], ["'--g-steps'", "must be at least 0."]),
        (["adversarial", "--rollouts", "-1"], ["'--rollouts'", "must be at least 0."]),
        (["pretrain-g", "--seed", "-1"], ["'--seed'", "-1 is not in the range"]),
        (["pretrain-g", "--threads", "-1"], ["'--threads'", "-1 is not in the range"]),
        (["sample", "-n", "0"], ["'-n' / '--num'", "0 is not in the range"]),
        (["sample", "-n", "-3"], ["'-n' / '--num'", "-3 is not in the range"]),
        (["sample", "--temperature", "0.0001"], ["--temperature: must be at least 0.001."]),
        (["sample", "--top-p", "0"], ["--top-p: must be above 0."]),
        (["sample", "--top-k", "-1"], ["--top-k: must be at least 0."]),
        (["eval-nll", "--min-p", "1"], ["--min-p: must be below 1."]),
        (["sample", "--temperature", "-1"], ["--temperature: must be at least 0.001."]),
        (["sample", "--temperature", "nan"], ["--temperature: needs a finite number."]),
        (["sample", "--temperature", "inf"], ["--temperature: needs a finite number."]),
        (["eval-nll", "--temperature", "1", "--temperature", "nan"], ["--temperature: needs a finite number."]),
        (["eval-nll", "--samples", "0"], ["'--samples'", "0 is not in the range"]),
        (["eval-nll", "--top-p", "0.9", "--top-p", "1.1"], ["--top-p: must be at most 1."]),
        (["eval-quality", "--top-p", "nan"], ["--top-p: needs a finite number."]),
        (["report", "--min-p", "1"], ["--min-p: must be below 1."]),
        (["eval-bleu", "--temperature", "nan"], ["--temperature: needs a finite number."]),
        (["eval-bleu", "--max-order", "0"], ["'--max-order'", "0 is not in the range"]),
        (["eval-bleu", "-n", "1"], ["'-n' / '--num'", "1 is not in the range"]),
        (["eval-bleu", "--smoothing", "method6", "--max-order", "2"], ["--smoothing: method6 needs orders from 3 on"]),
        (["eval-bleu", "--smoothing", "method6", "--ngram-weights", "1,1"], ["--smoothing: method6 needs three weights"]),
        *(
            (["eval-bleu", "--ngram-weights", weights], ["--ngram-weights: write one to nine numbers of 0 or more"])
            for weights in ("", "a,b", "0.5,", "-1,2", "nan", "inf,1", "0,0", "1,1,1,1,1,1,1,1,1,1")
        ),
        (["sample", "--nonsense"], ["No such option", "--nonsense"]),
        (["sample", "extra"], ["unexpected extra argument", "extra"]),
        (["dance"], ["No such command 'dance'."]),
        (["smaple"], ["No such command 'smaple'. Did you mean sample?"]),
    ],
    ids=" ".join,
)
def test_values_that_no_option_takes(seqgan, refused, synthetic, arguments, parts):
    outcome = seqgan(*arguments, *(["--run", synthetic.path] if arguments[0] != "dance" else []))
    refused(outcome, 2, *parts, usage=True)


@pytest.mark.parametrize(
    ("assignment", "sentence"),
    [
        (
            "pretrain-g.epoch=3",
            "There is no setting 'pretrain-g.epoch'. Did you mean pretrain-g.epochs",
        ),
        ("kind=cnn", "There is no setting 'kind'. Did you mean data.kind or discriminator.kind? `seqgan settings` lists them"),
        ("qqqqqq=3", "There is no setting 'qqqqqq'. `seqgan settings` lists them all."),
        ("=3", "There is no setting ''. `seqgan settings` lists them all."),
        ("seed", "--set seed: write NAME=VALUE."),
        ("pretrain-g.epochs=", "pretrain-g.epochs=: needs a whole number."),
        ("pretrain-g.epochs=1.5", "pretrain-g.epochs=1.5: needs a whole number."),
        ("pretrain-g.epochs=0", "pretrain-g.epochs=0: must be at least 1."),
        ("pretrain-g.learning-rate=fast", "pretrain-g.learning-rate=fast: needs a number."),
        ("pretrain-g.learning-rate=nan", "pretrain-g.learning-rate=nan: needs a finite number."),
        ("data.lowercase=perhaps", "data.lowercase=perhaps: needs true or false."),
        ("generator.cell=rnn", "generator.cell=rnn: choose from lstm, gru, attention, transformer."),
        ("seed=2147483648", "seed=2147483648: must be below 2147483648."),
    ],
)
def test_bad_assignments(seqgan, refused, tmp_path, assignment, sentence):
    outcome = seqgan("pretrain-g", "--set", assignment, "--run", tmp_path / "run")
    assert sentence in outcome.err
    refused(outcome, 2, outcome.err.removeprefix("Error: ").removesuffix("\n"))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (["adversarial.reward=partial"], "--reward partial needs a discriminator that was taught prefixes: --set "),
        (
            ["adversarial.reward=constant", "adversarial.reward-transform=mali"],
            "adversarial.reward-transform=mali is made of the discriminator's score of whole sequences and does not go "
            "with --reward constant: leave one out.",
        ),
        (["discriminator.loss=wasserstein"], "discriminator.loss=wasserstein needs a slope that is held near 1: --set discrim"),
        (
            ["discriminator.loss=wasserstein", "discriminator.gradient-penalty=10", "adversarial.reward-transform=mali"],
            "adversarial.reward-transform=mali needs probabilities, and discriminator.loss=wasserstein gives none: leave one ",
        ),
        (
            ["adversarial.baseline=value", "adversarial.reward-transform=mali"],
            "adversarial.reward-transform=mali divides by a mean that a value head would take away: use --baseline mean",
        ),
        (
            ["adversarial.rollout-policy=ngram", "adversarial.rollouts=0"],
            "adversarial.rollout-horizon and adversarial.rollout-policy are of rollouts, and there are none with ",
        ),
        (
            ["adversarial.reward-transform=standardize", "adversarial.batch-size=1"],
            "adversarial.reward-transform=standardize leaves nothing of a batch of one: use a larger --batch-size.",
        ),
        (
            ["adversarial.baseline=mean", "adversarial.batch-size=1"],
            "adversarial.baseline=mean compares the sequences of a batch, and one by itself teaches nothing: use a larger ",
        ),
        (
            ["adversarial.baseline=leave-one-out", "adversarial.batch-size=1"],
            "adversarial.baseline=leave-one-out compares the sequences of a batch, and one by itself teaches nothing: use a ",
        ),
        (["discriminator.kind=recurrent", "discriminator.precision=bfloat16"], "--precision bfloat16 is of convolutions and "),
        (
            ["adversarial.rollout-horizon=2", "adversarial.rollout-policy=ngram"],
            "adversarial.rollout-horizon bootstraps from the generator's state, and an n-gram model has none: ",
        ),
    ],
)
def test_settings_that_do_not_go_together(seqgan, refused, tmp_path, tiny_config, settings, sentence):
    sets = [part for setting in settings for part in ("--set", setting)]
    outcome = seqgan("train", "--config", tiny_config, *sets, "--run", tmp_path / "run")
    assert sentence in outcome.err
    refused(outcome, 2, outcome.err.removeprefix("Error: ").removesuffix("\n"))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"[data\n", "--config {path} is not valid TOML: "),
        (b"\xff\n", "--config {path} is not valid TOML: "),
        (b"[data]\nvocab_siz = 3\n", "There is no setting 'data.vocab_siz'. Did you mean data.vocab-size"),
        (b"[data]\nvocab-size = 'many'\n", "data.vocab-size=many: needs int, not str."),
        (b"[data]\nvocab-size = true\n", "data.vocab-size=True: needs int, not bool."),
        (b"[data]\nvocab-size = 1\n", "data.vocab-size=1: must be at least 2."),
        (b"[pretrain-g]\nlearning-rate = nan\n", "pretrain-g.learning-rate=nan: needs a finite number."),
        (b"data = 3\n", "There is no setting 'data'."),
    ],
)
def test_bad_config_files(seqgan, refused, tmp_path, content, sentence):
    (tmp_path / "bad.toml").write_bytes(content)
    outcome = seqgan("pretrain-g", "--config", tmp_path / "bad.toml", "--run", tmp_path / "run")
    assert sentence.format(path=tmp_path / "bad.toml") in outcome.err
    refused(outcome, 2, outcome.err.removeprefix("Error: ").removesuffix("\n"))
    assert not (tmp_path / "run").exists()


def test_missing_config_file(seqgan, refused, tmp_path):
    outcome = seqgan("pretrain-g", "--config", tmp_path / "none.toml", "--run", tmp_path / "run")
    refused(outcome, 2, f"Cannot read --config {tmp_path / 'none.toml'}: No such file or directory.")


def test_references_without_overlap(seqgan, refused, text, tmp_path):
    references = write_lines(tmp_path / "references.txt", ["alpha beta", "gamma"])
    outcome = seqgan("eval-bleu", "-n", 4, "--references", references, "--run", text.path)
    refused(
        outcome,
        1,
        f"{references} has no token in common with the samples: are both of the same kind, "
        "and is 'whitespace' the right tokenizer? `sample --format raw` writes what is read here.",
    )


def test_hypotheses_without_overlap(seqgan, refused, text, tmp_path):
    hypotheses = write_lines(tmp_path / "hypotheses.txt", ["alpha beta", "gamma"])
    outcome = seqgan("eval-bleu", "--hypotheses", hypotheses, "--run", text.path)
    refused(
        outcome,
        1,
        f"The held-out set has no token in common with {hypotheses}: are both of the same kind, "
        "and is 'whitespace' the right tokenizer? `sample --format raw` writes what is read here.",
    )


# An oracle of one's own.


class Explosive:
    """Unpickling it makes a folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def oracle_weights(vocab_size: int = 12, embedding_dim: int = 3, hidden_dim: int = 2) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    shapes = {
        "embeddings": (vocab_size, embedding_dim),
        "kernel": (embedding_dim, 4 * hidden_dim),
        "recurrent_kernel": (hidden_dim, 4 * hidden_dim),
        "bias": (4 * hidden_dim,),
        "output_kernel": (hidden_dim, vocab_size),
        "output_bias": (vocab_size,),
    }
    return {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}


@pytest.mark.parametrize("how", ["a member", "the file"])
def test_pickled_oracle_is_refused_unopened(seqgan, refused, tmp_path, how):
    import pickle

    oracle, trap = tmp_path / "oracle.npz", tmp_path / "trap"
    if how == "a member":
        np.savez(oracle, **{**oracle_weights(), "kernel": np.array([Explosive(trap)], dtype=object)})
    else:
        oracle.write_bytes(pickle.dumps(Explosive(trap)))
    outcome = seqgan("pretrain-g", "--oracle", oracle, "--run", tmp_path / "run")
    reason = "it holds pickled Python objects, which are refused" if how == "a member" else "it is damaged or no .npz"
    refused(outcome, 1, f"Cannot read the oracle {oracle}: {reason}.")
    assert not trap.exists()
    assert not (tmp_path / "run").exists()
    opened = np.load(oracle, allow_pickle=True)  # the trap does work
    if how == "a member":
        with opened:
            opened["kernel"]
    assert trap.exists()


@pytest.mark.parametrize(
    ("name", "array", "sentence"),
    [
        ("kernel", np.zeros((3, 9), np.float32), "kernel has shape (3, 9), where the other arrays need (3, 8)."),
        ("output_bias", np.zeros(11, np.float32), "output_bias has shape (11,), where the other arrays need (12,)."),
        ("bias", np.full(8, np.nan, np.float32), "bias holds values that are not finite numbers."),
        ("bias", np.zeros(8, np.int32), "bias holds values that are not finite numbers."),
        ("embeddings", np.zeros(12, np.float32), "embeddings has shape (12,), where the other arrays need (12, 0)."),
    ],
)
def test_oracle_with_wrong_arrays(seqgan, refused, tmp_path, name, array, sentence):
    np.savez(tmp_path / "oracle.npz", **{**oracle_weights(), name: array})
    outcome = seqgan("pretrain-g", "--oracle", tmp_path / "oracle.npz", "--run", tmp_path / "run")
    refused(outcome, 1, f"{tmp_path / 'oracle.npz'}: {sentence}")
    assert not (tmp_path / "run").exists()


def test_oracle_without_an_array(seqgan, refused, tmp_path):
    weights = oracle_weights()
    del weights["bias"]
    np.savez(tmp_path / "oracle.npz", **weights)
    outcome = seqgan("pretrain-g", "--oracle", tmp_path / "oracle.npz", "--run", tmp_path / "run")
    refused(
        outcome,
        1,
        f"{tmp_path / 'oracle.npz'} holds no array 'bias': an oracle needs "
        "embeddings, kernel, recurrent_kernel, bias, output_kernel, output_bias.",
    )


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "No such file or directory"),
        (b"", "it is damaged or no .npz"),
        (b"PK\x03\x04 and no more", "it is damaged or no .npz"),
    ],
)
def test_oracle_that_is_no_archive(seqgan, refused, tmp_path, content, reason):
    if content is not None:
        (tmp_path / "oracle.npz").write_bytes(content)
    outcome = seqgan("pretrain-g", "--oracle", tmp_path / "oracle.npz", "--run", tmp_path / "run")
    refused(outcome, 1, f"Cannot read the oracle {tmp_path / 'oracle.npz'}: {reason}.")


@pytest.mark.parametrize("way", ["option", "--set", "--config"])
def test_vocabulary_size_that_contradicts_the_oracle(seqgan, refused, tmp_path, way):
    np.savez(tmp_path / "oracle.npz", **oracle_weights(vocab_size=12))
    (tmp_path / "size.toml").write_text("[data]\nvocab-size = 13\n")
    given = {"option": ["--vocab-size", 13], "--set": ["--set", "data.vocab-size=13"]}.get(
        way, ["--config", tmp_path / "size.toml"]
    )
    outcome = seqgan("pretrain-g", "--oracle", tmp_path / "oracle.npz", *given, "--num-sequences", 8, "--run", tmp_path / "run")
    refused(outcome, 2, "data.vocab-size is 13, and the oracle's file holds 12 tokens: leave it out.")
    assert not (tmp_path / "run").exists()


def test_the_oracle_file_settles_the_vocabulary_size(seqgan, tiny_config, tmp_path):
    np.savez(tmp_path / "oracle.npz", **oracle_weights(vocab_size=9))
    config = tmp_path / "tiny.toml"
    config.write_text(tiny_config.read_text().replace("vocab-size = 12\n", ""))
    run = tmp_path / "run"
    outcome = seqgan("pretrain-g", "--config", config, "--oracle", tmp_path / "oracle.npz", "--epochs", 1, "--run", run)
    assert outcome.code == 0, outcome.err
    recorded = json.loads((run / "config.json").read_text())["settings"]["data.vocab-size"]
    assert recorded == {"value": 9, "source": "oracle"}
    with np.load(run / "corpus" / "oracle.npz") as kept:
        for name, array in oracle_weights(vocab_size=9).items():
            assert np.array_equal(kept[name], array)
    with np.load(run / "corpus" / "train.npz") as corpus:
        assert set(np.unique(corpus["tokens"])) == set(range(9))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["synthetic", "--min-p", "-0.1"], "--min-p: must be at least 0."),
        (
            ["synthetic", "--sweep", "top-p"],
            "--sweep is of the experiment frontier, and synthetic has no curves over top-p: leave it out.",
        ),
        (
            ["frontier", "--temperature", "0.8"],
            "experiment frontier draws at several values of temperature: leave --temperature out.",
        ),
        (
            ["frontier", "--sweep", "top-p", "--top-p", "0.8"],
            "experiment frontier draws at several values of top-p: leave --top-p out.",
        ),
    ],
)
def test_ways_of_sampling_that_no_experiment_takes(seqgan, refused, tmp_path, arguments, words):
    refused(seqgan("experiment", *arguments, "--out", tmp_path / "out"), 2, words, usage="--min-p" in arguments)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("option", [("--unit", "sentence"), ("--lowercase",), ("--max-length", 5)])
def test_options_of_text_without_text(seqgan, refused, tmp_path, option):
    outcome = seqgan("pretrain-g", *option, "--run", tmp_path / "run")
    refused(outcome, 2, f"{option[0]} is of no use to the oracle's sequences: leave it out, or name --data.")
