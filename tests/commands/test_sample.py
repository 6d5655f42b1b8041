"""`seqgan sample`: stdout holds samples alone, in formats that agree, and the same ones for the same seed."""

import json
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import reference
from seqgan_cli.config.settings import GENERATORS
from seqgan_cli.console import Console
from seqgan_cli.jobs.trained import sampled, trained_of
from seqgan_cli.models.generator import Generator
from seqgan_cli.randomness import key
from seqgan_cli.runs.run import Run
from seqgan_cli.sampling.choices import PLAIN
from seqgan_cli.sampling.likelihood import sequence_nll
from seqgan_cli.sampling.sequences import sample
from store_parts import record_anew

FORMATS = ("text", "ids", "jsonl")


def vocabulary(run: Path) -> list[str]:
    return (run / "vocabulary.txt").read_bytes().decode().split("\n")[:-1]


@pytest.mark.parametrize("num", [1, 3, 1500])
def test_stdout_holds_so_many_lines_and_nothing_else(seqgan, synthetic, num):
    outcome = seqgan("sample", "-n", num, "--run", synthetic.path)
    assert outcome.code == 0
    assert outcome.err == ""
    lines = outcome.out.split("\n")
    assert lines.pop() == ""
    assert len(lines) == num
    for line in lines:
        tokens = line.split(" ")
        assert len(tokens) == 5
        assert set(tokens) <= set(map(str, range(12)))


def test_a_hundred_by_default(seqgan, synthetic):
    assert seqgan("sample", "--run", synthetic.path).out.count("\n") == 100


def test_notes_go_to_stderr(seqgan, synthetic):
    loud = seqgan("sample", "-v", "--temperature", 0.5, "--seed", 3, "--run", synthetic.path)
    assert "From adversarial, round 2; seed 3, temperature 0.5.\n" in loud.err
    assert loud.out == seqgan("sample", "-q", "--temperature", 0.5, "--seed", 3, "--run", synthetic.path).out


def test_formats_agree_through_the_vocabulary(seqgan, text):
    texts, ids, objects = (
        seqgan("sample", "-n", 40, "--format", form, "--run", text.path).out.split("\n")[:-1] for form in FORMATS
    )
    tokens = vocabulary(text.path)
    assert tokens[:3] == [" <pad>", " <eos>", " <unk>"]
    assert len(texts) == len(ids) == len(objects) == 40
    assert len({len(line.split()) for line in texts}) > 1  # sequences of several lengths
    for line, numbers, entry in zip(texts, ids, objects, strict=True):
        assert line == " ".join(tokens[int(number)] for number in numbers.split())
        assert {"text": line, "ids": [int(number) for number in numbers.split()]}.items() <= json.loads(entry).items()


def test_formats_agree_for_ids_without_words(seqgan, synthetic):
    texts, ids, objects = (
        seqgan("sample", "-n", 10, "--format", form, "--run", synthetic.path).out.splitlines() for form in FORMATS
    )
    assert texts == ids
    found = [json.loads(entry) for entry in objects]
    assert [(each["text"], each["ids"]) for each in found] == [(t, list(map(int, t.split()))) for t in texts]
    trained = trained_of(Run(synthetic.path), "latest", Console(quiet=True))
    expected = sequence_nll(trained.generator, np.array([each["ids"] for each in found], np.int32))
    assert [each["nll"] for each in found] == pytest.approx(expected, abs=1e-3)


def test_numbers_of_data_are_their_own(seqgan, tiny_config, tmp_path):
    """And not their places in the vocabulary, which would be read as other numbers."""
    data, run = tmp_path / "numbers.txt", tmp_path / "run"
    data.write_text("70 80 90\n90 80 0\n10 70 0\n" * 4)
    made = seqgan("pretrain-g", "--data", data, "--kind", "ids", "--config", tiny_config, "--epochs", 1, "--run", run)
    assert made.code == 0, made.err
    texts, ids, objects = (
        seqgan("sample", "-n", 10, "--format", form, "--run", run).out.splitlines() for form in ("raw", "ids", "jsonl")
    )
    assert texts == ids
    assert {*" ".join(ids).split()} <= {"70", "80", "90", "10", "0"}
    found = [json.loads(entry) for entry in objects]
    assert [(each["text"], each["ids"]) for each in found] == [(t, list(map(int, t.split()))) for t in texts]


def test_poems_are_whole_and_lines_no_longer_than_they_may_be(seqgan, tiny_config, tmp_path):
    poems, lines, run = tmp_path / "poems.txt", tmp_path / "lines.txt", tmp_path / "run"
    poems.write_text(
        "".join(
            "白日依山盡黃河入海流欲窮千里目更上一層樓"[i:] + "白日依山盡黃河入海流欲窮千里目更上一層樓"[:i] + "\n"
            for i in range(9)
        )
    )
    lines.write_text("a b c d\nb a\n" * 6)
    options = ("--config", tiny_config, "--epochs", 1)
    assert seqgan("pretrain-g", "--data", poems, "--kind", "poems", *options, "--run", run).code == 0
    raw = seqgan("sample", "-n", 200, "--temperature", 5, "--format", "raw", "--run", run).out.splitlines()
    assert {len(line.split()) for line in raw} == {20}
    assert (
        seqgan("pretrain-g", "--data", lines, "--max-length", 3, "--overlong", "cut", *options, "--run", tmp_path / "r").code
        == 0
    )
    raw = seqgan("sample", "-n", 200, "--temperature", 5, "--format", "raw", "--run", tmp_path / "r").out.split("\n")[:-1]
    assert max(len(line.split()) for line in raw) == 3


def test_characters_are_joined_without_spaces(seqgan, tiny_config, tmp_path):
    data, run = tmp_path / "poems.txt", tmp_path / "run"
    data.write_text("白日依山盡\n黃河入海流\n欲窮千里目\n更上一層樓\n" * 4, encoding="utf-8")
    made = seqgan("pretrain-g", "--data", data, "--tokenizer", "chars", "--config", tiny_config, "--epochs", 1, "--run", run)
    assert made.code == 0, made.err
    lines = seqgan("sample", "-n", 20, "--run", run).out.split("\n")[:-1]
    assert len(lines) == 20
    assert set("".join(lines)) <= set(vocabulary(run)[3:])
    assert max(map(len, lines)) <= 5
    entries = seqgan("sample", "-n", 20, "--format", "jsonl", "--run", run).out
    assert "\\u" not in entries
    assert [json.loads(line)["text"] for line in entries.splitlines()] == lines


def test_output_file_equals_stdout(seqgan, text, tmp_path):
    out = tmp_path / "new" / "samples.txt"
    written = seqgan("sample", "-n", 20, "-o", out, "--run", text.path)
    assert (written.code, written.out, written.err) == (0, "", "")
    assert out.read_bytes().decode() == seqgan("sample", "-n", 20, "--run", text.path).out
    assert [path.name for path in out.parent.iterdir()] == ["samples.txt"]


def test_output_goes_where_a_link_points(seqgan, synthetic, tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "target")
    (tmp_path / "target").write_text("old")
    assert seqgan("sample", "-n", 2, "-o", tmp_path / "link", "--run", synthetic.path).code == 0
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_text().count("\n") == 2


def test_output_to_a_pipe_leaves_the_pipe(seqgan, synthetic, tmp_path):
    """`-o /dev/stdout` and `-o >(gzip)` name no regular file: it is written to, not replaced."""
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert seqgan("sample", "-n", 2, "-o", tmp_path / "pipe", "--run", synthetic.path).code == 0
        assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)
        assert os.read(reader, 1000).count(b"\n") == 2
    finally:
        os.close(reader)


def test_seeds(seqgan, synthetic):
    def drawn(*arguments):
        return seqgan("sample", *arguments, "--run", synthetic.path).out.splitlines()

    fifty = drawn("-n", 50)
    assert drawn("-n", 50) == fifty
    assert drawn("-n", 50, "--seed", 0) == fifty
    assert drawn("-n", 3) == fifty[:3]
    assert drawn("-n", 1200)[:50] == fifty
    other = drawn("-n", 50, "--seed", 1)
    assert sum(a == b for a, b in zip(fifty, other, strict=True)) < 10


NAMED = {
    "latest": "adversarial/0000002.npz",
    "adversarial": "adversarial/0000002.npz",
    "pretrain-g": "pretrain-g/0000012.npz",
    "best": "pretrain-g/best.npz",
    "best-adversarial": "adversarial/best.npz",
}


@pytest.fixture(scope="module")
def four_generators(synthetic, tmp_path_factory):
    """A run in which every checkpoint that can be named holds weights of its own: its path, and samples by checkpoint."""
    run = Run(Path(shutil.copytree(synthetic.path, tmp_path_factory.mktemp("from") / "run")))
    corpus, samples = run.corpus(), {}
    for i, place in enumerate(dict.fromkeys(NAMED.values())):
        path = run.path / "checkpoints" / place
        with np.load(path if path.exists() else path.with_name("0000002.npz")) as file:
            arrays = dict(file)
        draw = np.random.default_rng(i)
        for weights in (name for name in arrays if name.startswith("generator/")):
            arrays[weights] = draw.normal(0, 1, arrays[weights].shape).astype(np.float32)
        path.unlink(missing_ok=True)
        np.savez(path, **arrays)
        generator = Generator(corpus.vocabulary, corpus.sequence_length, run.config().settings.generator)
        for j, variable in enumerate(generator.trainable_variables):
            (array,) = (array for weights, array in arrays.items() if weights.startswith(f"generator/{j}."))
            variable.assign(array)
        samples[place] = sample(generator, 50, key(0, "sample")).tolist()
    assert len({str(drawn) for drawn in samples.values()}) == 4
    return run.path, samples


@pytest.mark.parametrize("which", GENERATORS)
def test_from_chooses_the_generator(seqgan, four_generators, which):
    path, samples = four_generators
    done = seqgan("sample", "-n", 50, "--from", which, "--run", path)
    assert done.code == 0, done.err
    assert [list(map(int, line.split())) for line in done.out.splitlines()] == samples[NAMED[which]]


def test_samples_that_are_tested_against_those_of_mle_have_draws_of_their_own(synthetic_copy):
    """`eval-bleu`, `eval-quality` and `eval-grammar` test between the two as between independent ones, and so they are."""
    stages = synthetic_copy / "checkpoints"
    with np.load(stages / NAMED["pretrain-g"]) as mle, np.load(stages / NAMED["adversarial"]) as after:
        arrays = {name: mle[name] if name.startswith("generator/") else after[name] for name in after.files}
    np.savez(stages / NAMED["adversarial"], **arrays)
    trained = trained_of(Run(synthetic_copy), "adversarial", Console(quiet=True))
    drawn = sampled(trained, 1000, 0, PLAIN, Console(quiet=True), "eval-bleu")
    alike = (drawn["samples"] == drawn["MLE"]).all(axis=1).mean()
    pairs = (drawn["samples"] == np.roll(drawn["MLE"], 1, axis=0)).all(axis=1).mean()
    assert alike == pytest.approx(pairs, abs=0.02), "as often as two samples are that have nothing to do with each other"


def test_every_command_that_takes_a_generator_takes_them_all():
    from seqgan_cli import cli

    top = [cli.group.get_command(None, name) for name in cli.COMMANDS]
    commands = [*top, *(sub for command in top for sub in getattr(command, "commands", {}).values())]
    offered = {
        command.name: option.type.choices for command in commands for option in command.params if "--from" in option.opts
    }
    assert {"sample", "make", "eval-nll", "eval-bleu", "eval-quality", "eval-grammar"} <= set(offered)
    assert all(tuple(choices) == GENERATORS for choices in offered.values())


@pytest.mark.parametrize("command", ["eval-nll", "eval-bleu", "eval-quality"])
def test_every_command_that_scores_knows_the_best_round(seqgan, four_generators, command):
    path, _ = four_generators
    size = ["--samples", 50] if command == "eval-nll" else ["-n", 50]
    scored = {
        which: seqgan(command, *size, "--json", "--from", which, "--run", path) for which in ("latest", "best-adversarial")
    }
    assert all(done.code == 0 for done in scored.values()), scored
    assert scored["latest"].out != scored["best-adversarial"].out


def test_best_is_the_checkpoint_with_the_lowest_held_out_loss(seqgan, synthetic_copy):
    stage = synthetic_copy / "checkpoints" / "pretrain-g"
    shutil.copy(stage / "best.npz", stage / "0000013.npz")
    best = seqgan("sample", "-n", 50, "--from", "best", "--run", synthetic_copy).out
    assert best == seqgan("sample", "-n", 50, "--from", "pretrain-g", "--run", synthetic_copy).out


def test_latest_is_the_pretrained_generator_before_adversarial_training(seqgan, synthetic, synthetic_copy):
    shutil.rmtree(synthetic_copy / "checkpoints" / "adversarial")
    latest = seqgan("sample", "-n", 10, "--run", synthetic_copy).out
    assert latest == seqgan("sample", "-n", 10, "--from", "pretrain-g", "--run", synthetic.path).out


def test_a_low_temperature_repeats_the_likeliest_sequence(seqgan, synthetic):
    lines = seqgan("sample", "-n", 20, "--temperature", 0.001, "--run", synthetic.path).out.splitlines()
    assert len(lines) == 20
    assert len(set(lines)) == 1


def test_unknown_and_special_tokens_are_never_in_text(seqgan, text):
    drawn = seqgan("sample", "-n", 400, "--temperature", 2, "--run", text.path).out
    assert not any(token in drawn for token in ("<unk>", "<pad>", "<eos>"))
    allowed = seqgan("sample", "-n", 400, "--temperature", 2, "--allow-unk", "--run", text.path).out
    assert "<unk>" in allowed.split()
    assert not any(token in allowed for token in ("<pad>", "<eos>"))
    ids = seqgan("sample", "-n", 400, "--temperature", 2, "--format", "ids", "--run", text.path).out
    assert min(map(int, ids.split())) == 3


def test_samples_change_nothing_in_the_run(seqgan, contents, synthetic):
    before = contents(synthetic.path)
    assert seqgan("sample", "-n", 5, "--run", synthetic.path).code == 0
    assert contents(synthetic.path) == before


def test_the_run_may_be_moved_and_its_data_gone(seqgan, sentences, text, text_copy, tmp_path):
    moved = tmp_path / "elsewhere" / "ünïcode run"
    moved.parent.mkdir()
    text_copy.rename(moved)
    data = json.loads((moved / "config.json").read_text())["settings"]["data.source"]["value"]
    assert data == str(sentences)
    record_anew(moved, data__source="/nowhere/sentences.txt")
    assert seqgan("sample", "-n", 5, "--run", moved).out == seqgan("sample", "-n", 5, "--run", text.path).out


def test_run_from_the_environment(seqgan, synthetic, monkeypatch):
    given = seqgan("sample", "-n", 5, "--run", synthetic.path).out
    monkeypatch.setenv("SEQGAN_RUN", str(synthetic.path))
    assert seqgan("sample", "-n", 5).out == given


def test_a_reader_that_has_enough_ends_it_quietly(synthetic):
    command = f'"{sys.executable}" -m seqgan_cli sample -n 100000 --run "{synthetic.path}" | head -3'
    outcome = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command}"],
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert outcome.returncode == 0
    assert outcome.stderr == ""
    assert outcome.stdout.count("\n") == 3


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("command", ["status", "settings"])  # `sample` writes in the same way, and starts slower
def test_a_full_disk_behind_stdout(synthetic, command):
    with Path("/dev/full").open("w") as full:
        outcome = subprocess.run(
            [sys.executable, "-m", "seqgan_cli", command, "--run", str(synthetic.path)],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=280,
        )
    assert outcome.stderr == "Error: Cannot read or write: No space left on device. What was saved before is whole.\n"
    assert outcome.returncode == 1


# What is asked of samples besides.


def test_temperature_0_is_the_likeliest_token_every_time(seqgan, synthetic):
    greedy = seqgan("sample", "-n", 20, "--temperature", 0, "--run", synthetic.path)
    assert greedy.code == 0, greedy.err
    (line,) = {*greedy.out.splitlines()}
    trained = trained_of(Run(synthetic.path), "latest", Console(quiet=True))
    weights = [variable.numpy() for variable in trained.generator.trainable_variables]
    ids: list[int] = []
    for _ in range(5):
        ids.append(int(np.argmax(reference.next_logits(weights, ids))))
    assert line == " ".join(map(str, ids))


def test_unique_and_novel_samples(seqgan, synthetic):
    plain = seqgan("sample", "-n", 400, "--run", synthetic.path).out.splitlines()
    unique = seqgan("sample", "-n", 60, "--unique", "--run", synthetic.path).out.splitlines()
    assert unique == list(dict.fromkeys(plain))[:60]
    novel = seqgan("sample", "-n", 60, "--novel", "--run", synthetic.path).out.splitlines()
    training = {" ".join(map(str, row)) for row in Run(synthetic.path).corpus().train.tolist()}
    assert novel == [line for line in plain if line not in training][:60]
    assert len(novel) == 60
    assert {*plain} & training


def test_where_there_are_no_more_unique_ones_it_ends_with_those_there_are(seqgan, synthetic, tmp_path, monkeypatch):
    from seqgan_cli.jobs import drawn

    monkeypatch.setattr(drawn, "PATIENCE", 50)
    out = tmp_path / "out.txt"
    done = seqgan("sample", "-n", 3, "--unique", "--temperature", 0, "--run", synthetic.path, "-o", out)
    assert done.code == 1
    assert "Error: 1 of 3 samples: 50 draws in succession brought nothing new." in done.err
    assert out.read_text().count("\n") == 1


def test_sequences_end_where_they_are_told_to(seqgan, text):
    long = seqgan("sample", "-n", 50, "--run", text.path).out.splitlines()
    short = seqgan("sample", "-n", 50, "--max-length", 3, "--run", text.path).out.splitlines()
    assert max(len(line.split()) for line in long) > 3
    assert [line.split()[:3] for line in long] == [line.split() for line in short]
    refused = seqgan("sample", "--max-length", 400, "--run", text.path)
    assert refused.code == 1
    assert "--max-length 400: sequences of " in refused.err


def test_any_checkpoint_that_is_kept_can_be_sampled(seqgan, tmp_path, tiny_config):
    run = tmp_path / "run"
    options = ("--epochs", 9, "--eval-every", 9, "--keep-every", 3, "--run", run, "--config", tiny_config)
    assert seqgan("pretrain-g", *options).code == 0
    assert sorted(int(path.stem) for path in (run / "checkpoints" / "pretrain-g").glob("0*.npz")) == [3, 6, 7, 8, 9]
    found = {unit: seqgan("sample", "-n", 50, "--from", f"pretrain-g:{unit}", "--run", run).out for unit in (3, 6, 9)}
    assert len({*found.values()}) == 3
    assert found[9] == seqgan("sample", "-n", 50, "--run", run).out
    gone = seqgan("sample", "--from", "pretrain-g:4", "--run", run)
    assert gone.code == 1
    assert "keeps no pretrain-g:4; of pretrain-g it keeps 3, 6, 7, 8, 9. --keep-every N keeps" in gone.err
