"""`seqgan status` names the next step at every stage; `seqgan settings` tells values and where they came from."""

import json
import re
import shutil

import pytest

from seqgan_cli import __version__
from seqgan_cli.config.settings import SCHEMA
from seqgan_cli.runs.run import Run
from store_parts import record_anew


def next_step(outcome) -> str:
    assert outcome.code == 0
    assert outcome.err == ""
    last = outcome.out.splitlines()[-1]
    assert last.startswith("Next: ")
    return last.removeprefix("Next: ")


def record(run) -> dict:
    return json.loads((run / "config.json").read_text())


# status


def test_status_of_a_finished_run(seqgan, synthetic):
    outcome = seqgan("status", "--run", synthetic.path)
    assert next_step(outcome) == f"seqgan sample --run {synthetic.path} > out.txt, or seqgan eval-nll --run {synthetic.path}"
    lines = outcome.out.splitlines()
    assert lines[0] == f"Run {synthetic.path}: oracle, seed 0, preset paper, seqgan {__version__}"
    stages = {line.split()[0]: line for line in lines if line.startswith(("  pretrain", "  adversarial"))}
    assert "12 of 12 epochs" in stages["pretrain-g"]
    assert "2 of 2 d-steps" in stages["pretrain-d"]
    assert "2 of 2 rounds" in stages["adversarial"]
    history = [line.split(",") for line in (synthetic.path / "history.csv").read_text().splitlines()]
    last = {row[3]: float(row[4]) for row in history if row[:2] == ["pretrain-g", "12"]}
    assert f"nll_oracle {last['nll_oracle']:.3f}, nll_validation {last['nll_validation']:.3f}" in stages["pretrain-g"]


def test_status_names_the_next_step_of_each_stage(seqgan, synthetic_copy):
    checkpoints, run = synthetic_copy / "checkpoints", f" --run {synthetic_copy}"
    (checkpoints / "adversarial" / "0000002.npz").unlink()
    assert next_step(seqgan("status", "--run", synthetic_copy)) == "seqgan adversarial" + run
    shutil.rmtree(checkpoints / "adversarial")
    assert next_step(seqgan("status", "--run", synthetic_copy)) == "seqgan adversarial" + run
    (checkpoints / "pretrain-d" / "0000002.npz").unlink()
    assert next_step(seqgan("status", "--run", synthetic_copy)) == "seqgan pretrain-d" + run
    shutil.rmtree(checkpoints / "pretrain-d")
    outcome = seqgan("status", "--run", synthetic_copy)
    assert next_step(outcome) == "seqgan pretrain-d" + run
    assert "0 of 2 d-steps" in outcome.out
    (checkpoints / "pretrain-g" / "0000012.npz").unlink()
    outcome = seqgan("status", "--run", synthetic_copy)
    assert next_step(outcome) == "seqgan pretrain-g" + run
    assert "11 of 12 epochs" in outcome.out
    shutil.rmtree(checkpoints)
    assert next_step(seqgan("status", "--run", synthetic_copy)) == "seqgan pretrain-g" + run


def test_status_advises_no_stage_that_patience_has_ended(seqgan, synthetic_copy):
    """A stage of which another unit is advised does one, and one that is not would stop at once; so for each."""
    run = f" --run {synthetic_copy}"
    record_anew(synthetic_copy, pretrain_g__epochs=80, pretrain_g__patience=1, adversarial__rounds=5)
    for stage, setting, patience in [("pretrain-g", "eval_every", 6), ("adversarial", "patience", 1)]:
        checkpoints = Run(synthetic_copy).checkpoints(stage)
        found = checkpoints.latest(pytest.fail)
        for since in (patience - 1, patience):
            best = {"position": found.position - since, "value": -1e9}
            checkpoints.save(found.position, found.arrays, {**found.facts, "best": best}, best=False)
            if stage == "adversarial":
                record_anew(synthetic_copy, adversarial__patience=patience)
            advised = next_step(seqgan("status", "--run", synthetic_copy))
            assert (advised == f"seqgan {stage}{run}") == (since < patience), (stage, since, setting)
    assert advised == f"seqgan sample{run} > out.txt, or seqgan eval-nll{run}"
    assert "has not improved since" in seqgan("pretrain-g", "--run", synthetic_copy).err
    assert "has not improved since" in seqgan("adversarial", "--run", synthetic_copy).err


@pytest.mark.parametrize("reward", SCHEMA["adversarial.reward"].shown)
def test_status_advises_the_discriminator_for_every_reward_that_is_its(seqgan, synthetic_copy, reward):
    record_anew(synthetic_copy, adversarial__reward=reward)
    shutil.rmtree(synthetic_copy / "checkpoints" / "pretrain-d")
    shutil.rmtree(synthetic_copy / "checkpoints" / "adversarial")
    needed = "pretrain-d" if reward in ("discriminator", "log-ratio", "partial") else "adversarial"
    assert next_step(seqgan("status", "--run", synthetic_copy)) == f"seqgan {needed} --run {synthetic_copy}"


def test_status_of_the_default_run_needs_no_option(seqgan, synthetic, tmp_path, monkeypatch):
    shutil.copytree(synthetic.path, tmp_path / "runs" / "default")
    monkeypatch.chdir(tmp_path)
    assert next_step(seqgan("status")) == "seqgan sample > out.txt, or seqgan eval-nll"


def test_status_quotes_what_a_shell_would_split(seqgan, synthetic, tmp_path):
    import shlex

    run = shutil.copytree(synthetic.path, tmp_path / "my run")
    shutil.rmtree(run / "checkpoints" / "adversarial")
    words = shlex.split(next_step(seqgan("status", "--run", run)))
    assert words == ["seqgan", "adversarial", "--run", str(run)]


def test_status_changes_nothing(seqgan, contents, synthetic):
    before = contents(synthetic.path)
    assert seqgan("status", "--run", synthetic.path).code == 0
    assert contents(synthetic.path) == before


@pytest.mark.parametrize("width", ["40", "200"])
def test_piped_tables_do_not_depend_on_the_terminal(seqgan, synthetic, monkeypatch, width):
    """Nor do they use colours."""
    plain = seqgan("status", "--run", synthetic.path).out
    monkeypatch.setenv("COLUMNS", width)
    assert seqgan("status", "--run", synthetic.path).out == plain
    assert "\x1b" not in plain
    assert max(map(len, plain.splitlines()[1:-1])) <= 120


# settings


def test_settings_lists_all(seqgan, tmp_path):
    outcome = seqgan("settings", "--run", tmp_path / "none")
    assert (outcome.code, outcome.err) == (0, "")
    listed = [line.split()[0] for line in outcome.out.splitlines() if re.match(r"  [a-z]", line)]
    assert listed[0] == "setting"
    assert listed[1:] == list(SCHEMA)
    assert not (tmp_path / "none").exists()


def test_one_setting(seqgan, tmp_path):
    outcome = seqgan("settings", "adversarial.d_learning_rate", "--run", tmp_path / "none")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out == (
        "setting    adversarial.d-learning-rate\ndefault    0.0001\nquick      0.001\nmeaning    discriminator's step size\n"
    )


def test_one_setting_of_a_run(seqgan, synthetic):
    outcome = seqgan("settings", "pretrain-g.epochs", "--run", synthetic.path)
    assert outcome.out == (
        "setting    pretrain-g.epochs\n"
        "default    120\n"
        "quick      30\n"
        "fast       60\n"
        "this run   12\n"
        "from       option\n"
        "meaning    passes over the training set (scheduled sampling: 300)\n"
    )


def test_choices_and_what_fixes_a_setting_are_told(seqgan, tmp_path):
    outcome = seqgan("settings", "generator.cell", "--run", tmp_path / "none")
    *_, meaning, lstm, gru, attention, transformer = outcome.out.splitlines()
    assert meaning.endswith("(lstm, gru, attention, transformer) · fixed once pretrain-g has begun")
    assert [line.split()[0] for line in (lstm, gru, attention, transformer)] == ["lstm", "gru", "attention", "transformer"]
    assert gru.split(maxsplit=1)[1] == "gated recurrent unit"


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("kind", "There is no setting 'kind'. Did you mean data.kind or discriminator.kind? `seqgan settings` lists them all."),
        ("zzzzzz", "There is no setting 'zzzzzz'. `seqgan settings` lists them all."),
    ],
)
def test_unknown_setting(seqgan, refused, tmp_path, name, sentence):
    refused(seqgan("settings", name, "--run", tmp_path / "none"), 2, sentence)


# Where values come from.


def test_sources_are_recorded(seqgan, tmp_path, monkeypatch):
    """Option before --config file before preset before default, and a later command's before what the run has."""
    config, run = tmp_path / "some.toml", tmp_path / "run"
    config.write_text(
        "[data]\nnum-sequences = 40\nvocab-size = 11\nsequence-length = 4\n"
        "[generator]\nembedding_dim = 3\nhidden-dim = 3\n[evaluation]\nsamples = 16\n[pretrain-g]\nepochs = 7\n"
    )
    monkeypatch.setattr("sys.argv", ["seqgan", "pretrain-g", "and so on"])
    outcome = seqgan(
        *("pretrain-g", "--preset", "quick", "--config", config, "--epochs", 1),
        *("--set", "pretrain-g.batch_size=8", "--vocab-size", 9, "--seed", 5, "--run", run),
    )
    assert outcome.code == 0, outcome.err
    written = record(run)
    settings = written["settings"]
    assert settings.keys() == SCHEMA.keys()
    expected = {
        "pretrain-g.epochs": (1, "option"),
        "pretrain-g.batch-size": (8, "option"),
        "data.vocab-size": (9, "option"),
        "seed": (5, "option"),
        "data.num-sequences": (40, "file"),
        "generator.embedding-dim": (3, "file"),
        "evaluation.samples": (16, "file"),
        "adversarial.rounds": (SCHEMA["adversarial.rounds"].presets["quick"], "preset quick"),
        "pretrain-d.learning-rate": (1e-3, "preset quick"),
        "pretrain-g.learning-rate": (0.01, "default"),
        "generator.cell": ("lstm", "default"),
    }
    assert {name: (settings[name]["value"], settings[name]["source"]) for name in expected} == expected
    assert written["preset"] == "quick"
    assert written["versions"]["seqgan"] == __version__
    assert written["commands"] == ["seqgan pretrain-g 'and so on'"]

    # A later command keeps what it does not change, whatever its preset.
    outcome = seqgan("pretrain-g", "--preset", "paper", "--set", "adversarial.rounds=4", "--run", run)
    assert outcome.code == 0, outcome.err
    assert f"{run} was begun with --preset quick: its settings stand.\n" in outcome.err
    later = record(run)
    assert later["settings"].pop("adversarial.rounds") == {"value": 4, "source": "option"}
    del settings["adversarial.rounds"]
    assert later["settings"] == settings
    assert later["preset"] == "quick"
    assert len(later["commands"]) == 2


def test_preset_from_the_environment(seqgan, tiny_config, tmp_path, monkeypatch):
    monkeypatch.setenv("SEQGAN_PRESET", "quick")
    run = tmp_path / "run"
    assert seqgan("pretrain-g", "--config", tiny_config, "--epochs", 1, "--run", run).code == 0
    assert record(run)["preset"] == "quick"
    assert seqgan("settings", "adversarial.d-learning-rate", "--run", run).out.splitlines()[3:5] == [
        "this run   0.001",
        "from       preset quick",
    ]
