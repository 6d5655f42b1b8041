"""Settings that contradict a run, and steps that are missing: one sentence, and nothing lost."""

import shutil
from pathlib import Path

import pytest


def write_lines(path: Path, lines: list[str]) -> Path:
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return path


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
