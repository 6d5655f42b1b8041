"""What an experiment trains: shared works once a seed, parents first, and settings that are what the methods are."""

from pathlib import Path

import pytest

from seqgan_cli.config.resolution import resolve
from seqgan_cli.config.settings import SCHEMA
from seqgan_cli.console import Console
from seqgan_cli.errors import SeqganError, UsageError
from seqgan_cli.studies.experiments.methods import EXPERIMENTS, METHODS
from seqgan_cli.studies.experiments.plan import chosen_methods, claim, tasks, tell_of_own

DEFAULT = resolve({}, {}, None, "paper")


def planned(methods, seeds=(0,), preset="paper", **asked):
    values = {name.replace("__", ".").replace("_", "-"): value for name, value in asked.items()}
    config = resolve(values, dict.fromkeys(values, "option"), None, preset)
    return tasks(Path("somewhere"), methods, seeds, config, preset)


def test_mle_is_trained_once_a_seed_and_shared():
    names = [task.label for task in planned(EXPERIMENTS["synthetic"].methods, seeds=(3, 4))]
    assert len(names) == len(set(names))
    assert [name for name in names if name.endswith("/mle")] == ["seed-3/mle", "seed-4/mle"]
    assert sum(name.endswith("/discriminator") for name in names) == 2


def test_how_much_of_a_method_is_as_asked_for_and_what_it_is_stays_and_is_told(capsys):
    asked = {"adversarial__rounds": 2, "adversarial__kl_coefficient": 0.5, "pretrain_g__patience": 5}
    (last,) = (task for task in planned(["log-ratio"], **asked) if task.name == "log-ratio")
    values = last.config.values
    assert (values["adversarial.rounds"], values["adversarial.g-steps"], values["adversarial.kl-coefficient"]) == (2, 40, 1.0)
    options = {name.replace("__", ".").replace("_", "-"): value for name, value in asked.items()}
    config = resolve(options, dict.fromkeys(options, "option"), None, "paper")
    tell_of_own(planned(["log-ratio", "constant"], seeds=(0, 1), **asked), config, Console())
    told = capsys.readouterr().err.split()
    assert " ".join(told) == "Warning: adversarial.kl-coefficient=0.5 does not hold for what has its own: log-ratio (1.0)."


@pytest.mark.parametrize("kind", EXPERIMENTS)
def test_parents_come_before_what_begins_from_them(kind):
    seen = set()
    for task in planned(EXPERIMENTS[kind].methods, seeds=(0, 1)):
        assert task.parent is None or task.parent in seen
        seen.add(task.path)


def test_no_discriminator_is_trained_for_rewards_without_one():
    assert [task.name for task in planned(["pg-bleu", "constant", "random-reward"])] == [
        "mle",
        "pg-bleu",
        "constant",
        "random-reward",
    ]


@pytest.mark.parametrize(
    ("method", "setting", "value"),
    [
        ("ss", "pretrain-g.scheduled-sampling", "linear"),
        ("ss", "pretrain-g.epochs", 300),
        ("pg-bleu", "adversarial.reward", "bleu"),
        ("constant", "adversarial.reward", "constant"),
        ("random-reward", "adversarial.reward", "random"),
        ("seqgan", "adversarial.reward", "discriminator"),
        ("sentence-reward", "adversarial.rollouts", 0),
        ("lagging-rollout", "adversarial.update-rate", 0.8),
        ("mean-baseline", "adversarial.baseline", "mean"),
        ("mle-short", "pretrain-g.epochs", 20),
        ("g100-d1-k10", "adversarial.g-steps", 100),
        ("g30-d1-k30", "adversarial.k", 30),
        ("g1-d5-k3", "adversarial.d-steps", 5),
    ],
)
def test_a_method_is_a_choice_of_values(method, setting, value):
    task = planned([method])[-1]
    assert task.name == METHODS[method].work
    assert task.config.values[setting] == value


def test_a_users_setting_goes_to_every_task_but_does_not_undo_a_method():
    for task in planned(["pg-bleu", "seqgan"], adversarial__reward="constant", generator__hidden_dim=8):
        assert task.config.values["generator.hidden-dim"] == 8
        if task.work.stage == "adversarial":
            assert task.config.values["adversarial.reward"] == {"pg-bleu": "bleu", "seqgan": "discriminator"}[task.name]


def test_each_seed_has_its_own_settings():
    assert [task.config.values["seed"] for task in planned(["mle"], seeds=(5, 6))] == [5, 6]


@pytest.mark.parametrize("text", ["mle,gan", "", " , "])
def test_an_unknown_method_is_told_with_those_there_are(text):
    with pytest.raises(UsageError, match="choose from random, mle"):
        chosen_methods("synthetic", text)


def test_methods_keep_the_order_asked_for():
    assert chosen_methods("synthetic", "seqgan, mle,seqgan") == ("seqgan", "mle")


def test_a_directory_is_claimed_once_and_refused_for_other_settings(tmp_path):
    claim(tmp_path, DEFAULT, "paper", begin=True)
    (tmp_path / "seed-0").mkdir()
    claim(tmp_path, DEFAULT, "paper", begin=True)
    other = resolve({"generator.hidden-dim": 8}, {"generator.hidden-dim": "option"}, None, "paper")
    with pytest.raises(UsageError, match=r"generator.hidden-dim = 32, and this command asks for 8"):
        claim(tmp_path, other, "paper", begin=True)
    with pytest.raises(UsageError, match="begun with --preset paper"):
        claim(tmp_path, DEFAULT, "quick", begin=True)


def test_a_directory_without_runs_is_begun_again_and_none_is_begun_by_looking(tmp_path):
    other = resolve({"generator.hidden-dim": 8}, {"generator.hidden-dim": "option"}, None, "paper")
    claim(tmp_path, other, "paper", begin=False)
    assert list(tmp_path.iterdir()) == []
    claim(tmp_path, other, "paper", begin=True)
    claim(tmp_path, DEFAULT, "paper", begin=True)
    assert '"generator.hidden-dim": 32' in (tmp_path / "experiment.json").read_text()


def test_a_setting_that_a_later_version_adds_does_not_shut_the_directory(tmp_path):
    claim(tmp_path, DEFAULT, "paper", begin=True)
    (tmp_path / "seed-0").mkdir()
    path = tmp_path / "experiment.json"
    text = path.read_text()
    line = next(line for line in text.splitlines() if '"adversarial.rollouts"' in line)
    path.write_text(text.replace(line + "\n", ""))
    claim(tmp_path, DEFAULT, "paper", begin=True)
    assert SCHEMA["adversarial.rollouts"].default == 16


def test_a_damaged_record_is_told(tmp_path):
    (tmp_path / "experiment.json").write_text("{")
    (tmp_path / "seed-0").mkdir()
    with pytest.raises(SeqganError, match="damaged"):
        claim(tmp_path, DEFAULT, "paper", begin=True)


def test_somebodys_folder_and_a_file_are_refused(tmp_path):
    (tmp_path / "thesis.tex").write_text("")
    with pytest.raises(UsageError, match="holds other files"):
        claim(tmp_path, DEFAULT, "paper", begin=True)
    with pytest.raises(UsageError, match="is a file"):
        claim(tmp_path / "thesis.tex", DEFAULT, "paper", begin=True)


def test_the_command_knows_every_experiment():
    from seqgan_cli.commands.experiment import EVERY, HEADLINE, OBJECTIVE, REGIMES

    assert tuple(EXPERIMENTS) == tuple(kind for kind in EVERY if kind not in (HEADLINE, OBJECTIVE, REGIMES))
