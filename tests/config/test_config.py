"""Settings: precedence and its record, every refusal, TOML files, and the table of filters."""

import math
from pathlib import Path
from typing import Any

import pytest

from seqgan_cli.config import registry
from seqgan_cli.config.resolution import Config, explicit, read_file, resolve
from seqgan_cli.config.settings import SCHEMA, Settings, find, without_folders
from seqgan_cli.data.kinds.oracle import OracleSettings
from seqgan_cli.errors import SeqganError, UsageError
from seqgan_cli.models.discriminators.convolutional import parse_filters


def toml(folder: Path, text: str) -> Path:
    path = folder / "settings.toml"
    path.write_text(text, encoding="utf-8")
    return path


def of_command(
    options: dict[str, Any] | None = None,
    sets: tuple[str, ...] = (),
    file: Path | None = None,
    run: Config | None = None,
    preset: str = "paper",
) -> Config:
    return resolve(*explicit(options or {}, sets, file), run, preset)


def test_precedence_is_option_file_run_preset_default_and_each_source_is_recorded(tmp_path: Path) -> None:
    """Five settings: each is given at one level and at all those below it."""
    names = ("pretrain-g.epochs", "adversarial.rounds", "data.vocab-size")
    run = Config(dict.fromkeys(names, 3), dict.fromkeys(names, "option"))
    file = toml(tmp_path, "[pretrain-g]\nepochs = 2\n[adversarial]\nrounds = 2\n")
    config = of_command({"pretrain-g.epochs": 1}, file=file, run=run, preset="quick")
    found = {name: (config.values[name], config.sources[name]) for name in config.values}
    assert found["pretrain-g.epochs"] == (1, "option")
    assert found["adversarial.rounds"] == (2, "file")
    assert found["data.vocab-size"] == (3, "option")  # what the run recorded, with the source it recorded
    assert found["data.sequence-length"] == (10, "preset quick")
    assert found["pretrain-g.batch-size"] == (64, "default")


def test_a_run_outranks_the_preset_even_with_its_defaults() -> None:
    """A run begun with the paper's settings is not turned into a quick one by a later --preset."""
    run = of_command()
    config = of_command(run=run, preset="quick")
    assert config.values == run.values
    assert set(config.sources.values()) == {"default"}


def test_set_and_option_are_both_options_and_the_last_wins() -> None:
    config = of_command({"pretrain-g.epochs": 4}, sets=("pretrain-g.epochs=5", "adversarial.k=2", "adversarial.k=7"))
    assert (config.values["pretrain-g.epochs"], config.sources["pretrain-g.epochs"]) == (5, "option")
    assert (config.values["adversarial.k"], config.sources["adversarial.k"]) == (7, "option")


def test_every_setting_is_resolved_and_its_default_passes_its_own_check() -> None:
    config = of_command()
    assert set(config.values) == set(config.sources) == set(SCHEMA)
    for name, info in SCHEMA.items():
        assert info.check(info.default) == config.values[name] == info.default
        for value in info.presets.values():
            assert info.check(value) == value


def test_defaults_as_a_tree_are_the_dataclasses_own() -> None:
    assert of_command().settings == Settings()


def test_the_tree_takes_each_value_to_its_place() -> None:
    settings = of_command(
        {"seed": 9, "data.tokenizer": "chars", "pretrain-g.learning-rate": 0.5, "adversarial.d-steps": 8}
    ).settings
    assert (settings.seed, settings.data.tokenizer) == (9, "chars")
    assert (settings.pretrain_g.learning_rate, settings.pretrain_d.learning_rate) == (0.5, 1e-4)
    assert (settings.adversarial.d_steps, settings.pretrain_d.d_steps) == (8, 50)


def test_the_fast_preset_trains_and_measures_less_and_changes_nothing_else() -> None:
    fast, paper = of_command(preset="fast"), of_command()
    changed = {name for name in SCHEMA if fast.values[name] != paper.values[name]}
    assert changed == {
        "pretrain-g.epochs",
        "pretrain-g.sampling-decay",
        "pretrain-d.d-steps",
        "pretrain-d.d-samples",
        "adversarial.rounds",
        "adversarial.d-steps",
        "adversarial.k",
        "adversarial.d-samples",
        "evaluation.samples",
    }
    assert {fast.sources[name] for name in changed} == {"preset fast"}


def test_the_quick_preset_changes_what_it_says_and_nothing_else() -> None:
    quick, paper = of_command(preset="quick"), of_command()
    for name, info in SCHEMA.items():
        expected = (info.presets["quick"], "preset quick") if "quick" in info.presets else (paper.values[name], "default")
        assert (quick.values[name], quick.sources[name]) == expected
    assert "preset quick" in quick.sources.values()
    assert quick.settings[OracleSettings].vocab_size == 200


# Defaults of a kind of data

SPOKEN = {"data.tokenizer": "words", "data.lowercase": True, "data.overlong": "split", "data.max-length": 32}


def found(config: Config, *names: str) -> dict[str, tuple[Any, str]]:
    return {name: (config.values[name], config.sources[name]) for name in names}


def test_kinds_and_their_defaults_are_settings_with_values_of_theirs() -> None:
    for kind in registry.kinds.named:
        defaults = registry.kinds.defaults_of(kind)
        assert find("data.kind").check(kind) == kind
        for name, value in defaults.items():
            assert find(name).check(value) == value


def test_a_kind_brings_its_defaults_and_changes_nothing_else() -> None:
    assert registry.kinds.defaults_of("speeches") == SPOKEN
    plain = of_command()
    for kind in registry.kinds.named:
        defaults = registry.kinds.defaults_of(kind)
        config = of_command({"data.kind": kind})
        for name in SCHEMA:
            expected = (defaults[name], f"kind {kind}") if name in defaults else (plain.values[name], "default")
            assert name == "data.kind" or (config.values[name], config.sources[name]) == expected


def test_a_kind_that_was_seen_in_the_data_counts_as_one_that_was_asked_for() -> None:
    config = resolve({"data.kind": "poems"}, {"data.kind": "data"}, None, "paper")
    assert found(config, "data.kind", "data.tokenizer") == {
        "data.kind": ("poems", "data"),
        "data.tokenizer": ("chars", "kind poems"),
    }


def test_precedence_of_a_kind_is_below_option_file_and_run_and_above_preset_and_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Six settings of the kind, each given at one level and at all those below it."""
    names = ("data.tokenizer", "data.overlong", "data.holdout", "data.vocab-size", "data.min-count")
    values = ("words", "split", 0.3, 77, 5)
    monkeypatch.setattr(registry.kinds["poems"], "defaults", dict(zip(names, values, strict=True)))
    run = of_command({"data.tokenizer": "chars", "data.overlong": "cut", "data.holdout": 0.25})
    file = toml(tmp_path, "[data]\nkind = 'poems'\ntokenizer = 'chars'\noverlong = 'drop'\n")
    other = Config({name: run.values[name] for name in names[:3]}, {name: run.sources[name] for name in names[:3]})
    config = of_command({"data.tokenizer": "whitespace"}, file=file, run=other, preset="quick")
    assert found(config, *names, "data.sequence-length") == {
        "data.tokenizer": ("whitespace", "option"),
        "data.overlong": ("drop", "file"),
        "data.holdout": (0.25, "option"),  # the run's, with the source it recorded
        "data.vocab-size": (77, "kind poems"),  # for which the preset has 200
        "data.min-count": (5, "kind poems"),
        "data.sequence-length": (10, "preset quick"),
    }


def test_a_run_keeps_its_kind_and_that_kinds_defaults() -> None:
    run = of_command({"data.kind": "speeches", "data.max-length": 20})
    config = of_command({"pretrain-g.epochs": 3}, run=run, preset="quick")
    assert {name: (config.values[name], config.sources[name]) for name in SCHEMA if name != "pretrain-g.epochs"} == {
        name: (run.values[name], run.sources[name]) for name in SCHEMA if name != "pretrain-g.epochs"
    }
    assert found(config, "data.tokenizer", "data.max-length") == {
        "data.tokenizer": ("words", "kind speeches"),
        "data.max-length": (20, "option"),
    }


@pytest.mark.parametrize("kind", ["poems", "text", "ids", "music"])
def test_another_kind_drops_the_defaults_of_the_one_before_and_keeps_what_was_asked_for(kind: str) -> None:
    run = of_command({"data.kind": "speeches", "data.max-length": 20})
    config = of_command({"data.kind": kind}, run=run)
    tokenizer = ("chars", "kind poems") if kind == "poems" else ("whitespace", "default")
    assert found(config, *SPOKEN) == {
        "data.tokenizer": tokenizer,
        "data.lowercase": (False, "default"),
        "data.overlong": ("drop", "default"),
        "data.max-length": (20, "option"),
    }
    assert of_command({"data.kind": "speeches"}, run=config).values["data.max-length"] == 20


def test_a_run_that_knew_no_kinds_keeps_its_settings() -> None:
    old = {name: value for name, value in of_command({"data.tokenizer": "words"}).values.items() if name != "data.kind"}
    config = of_command(run=Config(old, dict.fromkeys(old, "default")))
    assert found(config, "data.kind", "data.tokenizer") == {
        "data.kind": ("auto", "default"),
        "data.tokenizer": ("words", "default"),
    }


@pytest.mark.parametrize("name", ["oracle", "speech", "folk"])
def test_names_that_come_with_the_program_are_no_paths(name: str) -> None:
    assert explicit({"data.source": name}, (), None)[0] == {"data.source": name}
    assert explicit({"data.test": name}, (), None)[0] == {"data.test": str(Path.cwd() / name)}
    assert explicit({"data.source": f"./{name}"}, (), None)[0] == {"data.source": str(Path.cwd() / name)}


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("data.kind=verse", "data.kind=verse: choose from auto, text, poems, speeches, music, ids, pairs, labels."),
        ("data.poem-form=6x4", "data.poem-form=6x4: choose from 5x4, 7x4."),
        ("data.whole=maybe", "data.whole=maybe: needs true or false."),
        ("data.since=-1", "data.since=-1: must be at least 0."),
        ("data.since=1999.5", "data.since=1999.5: needs a whole number."),
    ],
)
def test_settings_of_kinds_have_bounds(assignment: str, message: str) -> None:
    with pytest.raises(UsageError) as refusal:
        explicit({}, (assignment,), None)
    assert str(refusal.value) == message


SCHEDULED = "pretrain-g.scheduled-sampling"
EPOCHS = "pretrain-g.epochs"


def epochs_of(config: Config) -> tuple[int, str]:
    return config.values[EPOCHS], config.sources[EPOCHS]


@pytest.mark.parametrize(
    ("preset", "plain", "scheduled"),
    [("paper", (120, "default"), 300), ("fast", (60, "preset fast"), 100), ("quick", (30, "preset quick"), 60)],
)
def test_scheduled_sampling_has_its_own_number_of_epochs(preset: str, plain: tuple[int, str], scheduled: int) -> None:
    assert epochs_of(of_command(preset=preset)) == plain
    assert epochs_of(of_command({SCHEDULED: "none"}, preset=preset)) == plain
    for schedule in ("linear", "exponential", "sigmoid"):
        config = of_command({SCHEDULED: schedule}, preset=preset)
        assert epochs_of(config) == (scheduled, "scheduled sampling")
        others = {name for name, value in of_command(preset=preset).values.items() if config.values[name] != value}
        assert others == {SCHEDULED, EPOCHS}
    decay = config.settings.pretrain_g.sampling_decay
    assert 0.4 <= 1 - decay * (scheduled - 1) < 0.42  # where the linear schedule ends, whatever the preset


def test_epochs_that_were_asked_for_outrank_those_of_scheduled_sampling(tmp_path: Path) -> None:
    """In this command or in a file, and those that a run was asked for earlier."""
    assert epochs_of(of_command({SCHEDULED: "linear", EPOCHS: 7}, preset="fast")) == (7, "option")
    assert epochs_of(of_command({SCHEDULED: "linear"}, sets=("pretrain-g.epochs=120",))) == (120, "option")
    file = toml(tmp_path, "[pretrain-g]\nepochs = 7\n")
    assert epochs_of(of_command({SCHEDULED: "linear"}, file=file)) == (7, "file")
    run = of_command({EPOCHS: 9})
    assert epochs_of(of_command({SCHEDULED: "linear"}, run=run)) == (9, "option")


def test_scheduled_sampling_asked_for_in_a_file_counts_too(tmp_path: Path) -> None:
    file = toml(tmp_path, "[pretrain-g]\nscheduled-sampling = 'sigmoid'\n")
    assert epochs_of(of_command(file=file, preset="quick")) == (60, "scheduled sampling")


def test_a_run_keeps_the_epochs_of_its_scheduled_sampling() -> None:
    run = of_command({SCHEDULED: "linear"}, preset="fast")
    assert epochs_of(of_command(run=run, preset="fast")) == (100, "scheduled sampling")
    assert epochs_of(of_command({EPOCHS: 150}, run=run, preset="fast")) == (150, "option")


@pytest.mark.parametrize(("preset", "plain"), [("paper", 120), ("fast", 60), ("quick", 30)])
def test_going_back_to_none_restores_the_presets_epochs(preset: str, plain: int) -> None:
    run = of_command({SCHEDULED: "linear"}, preset=preset)
    back = of_command({SCHEDULED: "none"}, run=run, preset=preset)
    assert back.values == of_command(preset=preset).values
    assert back.values[EPOCHS] == plain
    again = of_command({SCHEDULED: "linear"}, run=back, preset=preset)
    assert epochs_of(again) == epochs_of(run)


@pytest.mark.parametrize("name", ["pretrain-g.learning-rate", "pretrain_g.learning_rate", "pretrain-g.learning_rate"])
def test_names_take_hyphens_or_underscores(name: str) -> None:
    assert find(name) is SCHEMA["pretrain-g.learning-rate"]


@pytest.mark.parametrize(("name", "whole"), [("rollouts", "adversarial.rollouts"), ("update_rate", "adversarial.update-rate")])
def test_the_last_part_of_a_name_is_enough_where_it_is_plain(name: str, whole: str) -> None:
    assert find(name) is find(whole)


@pytest.mark.parametrize(
    ("wrong", "suggested"),
    [
        ("pretrain-g.epoch", "pretrain-g.epochs"),
        ("learning-rate", "pretrain-g.learning-rate"),
        ("adversarial.g_step", "adversarial.g-steps"),
        ("k", "pretrain-d.k or adversarial.k"),
    ],
)
def test_an_unknown_name_is_refused_with_near_ones(wrong: str, suggested: str) -> None:
    with pytest.raises(UsageError) as refusal:
        find(wrong)
    assert str(refusal.value).startswith(f"There is no setting {wrong!r}. Did you mean ")
    assert suggested in str(refusal.value)
    assert refusal.value.exit_code == 2


@pytest.mark.parametrize("name", ["zzz", ""])
def test_a_name_like_none_is_refused_without_a_suggestion(name: str) -> None:
    with pytest.raises(UsageError) as refusal:
        find(name)
    assert str(refusal.value) == f"There is no setting {name!r}. `seqgan settings` lists them all."


@pytest.mark.parametrize(
    ("assignment", "name", "value"),
    [
        ("data.lowercase=true", "data.lowercase", True),
        ("data.lowercase=Yes", "data.lowercase", True),
        ("data.lowercase=0", "data.lowercase", False),
        ("pretrain-g.epochs=7", "pretrain-g.epochs", 7),
        (" pretrain_g.epochs = 7 ", "pretrain-g.epochs", 7),
        ("pretrain-g.learning-rate=1e-3", "pretrain-g.learning-rate", 0.001),
        ("pretrain-g.learning-rate=2", "pretrain-g.learning-rate", 2.0),
        ("generator.cell=gru", "generator.cell", "gru"),
        ("discriminator.filters=1:10,3:20", "discriminator.filters", "1:10,3:20"),
        ("discriminator.filters=24:10,32:10", "discriminator.filters", "24:10,32:10"),
        ("data.test=", "data.test", ""),
    ],
)
def test_set_parses_by_the_settings_type(assignment: str, name: str, value: Any) -> None:
    values, sources = explicit({}, (assignment,), None)
    assert values == {name: value}
    assert type(values[name]) is type(value)
    assert sources == {name: "option"}


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("pretrain-g.epochs", "--set pretrain-g.epochs: write NAME=VALUE."),
        ("pretrain-g.epochs=ten", "pretrain-g.epochs=ten: needs a whole number."),
        ("pretrain-g.epochs=1.5", "pretrain-g.epochs=1.5: needs a whole number."),
        ("pretrain-g.epochs=", "pretrain-g.epochs=: needs a whole number."),
        ("pretrain-g.learning-rate=fast", "pretrain-g.learning-rate=fast: needs a number."),
        ("data.lowercase=maybe", "data.lowercase=maybe: needs true or false."),
        ("generator.cell=rnn", "generator.cell=rnn: choose from lstm, gru, attention, transformer."),
        ("pretrain-g.epochs=0", "pretrain-g.epochs=0: must be at least 1."),
        ("seed=-1", "seed=-1: must be at least 0."),
        ("seed=2147483648", "seed=2147483648: must be below 2147483648."),
        ("data.holdout=0", "data.holdout=0.0: must be above 0."),
        ("data.holdout=1", "data.holdout=1.0: must be below 1."),
        ("adversarial.reward-references=1.5", "adversarial.reward-references=1.5: must be at most 1."),
        ("adversarial.reward-references=0", "adversarial.reward-references=0.0: must be above 0."),
        ("adversarial.reward-order=11", "adversarial.reward-order=11: must be at most 10."),
        ("adversarial.reward-order=0", "adversarial.reward-order=0: must be at least 1."),
        ("adversarial.rollouts=-1", "adversarial.rollouts=-1: must be at least 0."),
        ("pretrain-g.sampling-decay=1", "pretrain-g.sampling-decay=1.0: must be below 1."),
        ("pretrain-g.scheduled-sampling=cosine", "pretrain-g.scheduled-sampling=cosine: choose from none, linear, exponential"),
        ("adversarial.update-rate=1", "adversarial.update-rate=1.0: must be below 1."),
        ("pretrain-g.learning-rate=nan", "pretrain-g.learning-rate=nan: needs a finite number."),
        ("pretrain-g.learning-rate=inf", "pretrain-g.learning-rate=inf: needs a finite number."),
        ("discriminator.l2=-inf", "discriminator.l2=-inf: needs a finite number."),
        ("discriminator.l2=1e999", "discriminator.l2=inf: needs a finite number."),
        ("discriminator.filters=1-100", "discriminator.filters=1-100: write 'paper' or window:number,…"),
        ("discriminator.filters=", "discriminator.filters=: write 'paper' or window:number,…"),
        ("discriminator.filters=0:5", "discriminator.filters=0:5: windows and numbers of filters start at 1."),
        ("discriminator.filters=2:0", "discriminator.filters=2:0: windows and numbers of filters start at 1."),
    ],
)
def test_set_refuses_what_is_wrong_and_says_what_is_needed(assignment: str, message: str) -> None:
    with pytest.raises(UsageError) as refusal:
        explicit({}, (assignment,), None)
    assert str(refusal.value).startswith(message)


@pytest.mark.parametrize("value", [0, 2**31 - 1])
def test_bounds_of_the_seed_are_inside(value: int) -> None:
    assert explicit({"seed": value}, (), None)[0] == {"seed": value}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("pretrain-g.epochs", True),
        ("pretrain-g.epochs", 3.0),
        ("pretrain-g.epochs", "3"),
        ("pretrain-g.learning-rate", "0.1"),
        ("pretrain-g.learning-rate", False),
        ("pretrain-g.learning-rate", math.nan),
        ("data.lowercase", 1),
        ("data.source", 5),
        ("data.source", None),
        ("generator.cell", ["lstm"]),
        ("discriminator.dropout", 1.0),
    ],
)
def test_check_refuses_a_value_of_another_type_or_out_of_bounds(name: str, value: Any) -> None:
    with pytest.raises(UsageError, match=f"^{name}="):
        find(name).check(value)


@pytest.mark.parametrize(("name", "value"), [("adversarial.reward-references", 1.0), ("adversarial.reward-order", 10)])
def test_the_largest_value_is_inside(name: str, value: float) -> None:
    assert find(name).check(value) == value
    with pytest.raises(UsageError, match=r"must be at most 1"):
        find(name).check(value + 1)


def test_check_makes_a_whole_number_a_float_where_one_is_needed() -> None:
    value = find("pretrain-g.learning-rate").check(1)
    assert (value, type(value)) == (1.0, float)


def test_a_toml_file_sets_nested_and_dotted_names(tmp_path: Path) -> None:
    top = 'seed = 3\ndata.lowercase = true\n"adversarial.k" = 2\n'
    values = read_file(toml(tmp_path, top + '[pretrain_g]\nlearning_rate = 1\noptimizer = "rmsprop"\n'))
    assert values == {
        "seed": 3,
        "data.lowercase": True,
        "adversarial.k": 2,
        "pretrain-g.learning-rate": 1.0,
        "pretrain-g.optimizer": "rmsprop",
    }
    assert type(values["pretrain-g.learning-rate"]) is float


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seed = ", "is not valid TOML"),
        ("seed = 1\nseed = 2\n", "is not valid TOML"),
        ("sed = 1\n", "There is no setting 'sed'. Did you mean seed"),
        ("[pretrain-x]\nepochs = 1\n", "There is no setting 'pretrain-x.epochs'. Did you mean pretrain-"),
        ("data = 1\n", "There is no setting 'data'."),
        ("seed.a = 1\n", "There is no setting 'seed.a'."),
        ("[[data]]\nsource = 'x'\n", "There is no setting 'data'."),
        ("seed = '1'\n", "seed=1: needs int, not str."),
        ("seed = true\n", "seed=True: needs int, not bool."),
        ("[data]\nsource = [1]\n", "data.source=[1]: needs str, not list."),
        ("[data]\ntokenizer = ['chars']\n", "data.tokenizer=['chars']: needs str, not list."),
        ("[data]\nlowercase = 'true'\n", "data.lowercase=true: needs bool, not str."),
        ("[pretrain-g]\nlearning-rate = nan\n", "pretrain-g.learning-rate=nan: needs a finite number."),
        ("[pretrain-g]\nlearning-rate = inf\n", "pretrain-g.learning-rate=inf: needs a finite number."),
        ("[pretrain-g]\nepochs = 0\n", "pretrain-g.epochs=0: must be at least 1."),
        ("[generator]\ncell = 'rnn'\n", "generator.cell=rnn: choose from lstm, gru, attention, transformer."),
        ("[pretrain-g]\nstarted = 2020-01-01\n", "There is no setting 'pretrain-g.started'."),
    ],
)
def test_a_toml_file_with_a_mistake_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UsageError) as refusal:
        read_file(toml(tmp_path, text))
    assert message in str(refusal.value)


def test_a_toml_number_too_large_for_a_float_is_refused(tmp_path: Path) -> None:
    """TOML whole numbers have no bound; a float has."""
    with pytest.raises(UsageError, match=r"learning-rate"):
        read_file(toml(tmp_path, f"[pretrain-g]\nlearning-rate = 1{'0' * 400}\n"))


def test_a_toml_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.toml: No such file or directory"):
        read_file(tmp_path / "none.toml")
    with pytest.raises(UsageError, match=r"Is a directory"):
        read_file(tmp_path)
    (tmp_path / "latin.toml").write_bytes('[data]\nsource = "é"\n'.encode("latin-1"))
    with pytest.raises(UsageError, match=r"latin\.toml is not valid TOML"):
        read_file(tmp_path / "latin.toml")


def test_options_are_checked_too() -> None:
    with pytest.raises(UsageError, match=r"pretrain-g\.epochs=0: must be at least 1"):
        explicit({"pretrain-g.epochs": 0}, (), None)


def test_paths_are_made_absolute_and_the_oracle_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run may be continued from another folder; `oracle` as a source is no file."""
    monkeypatch.chdir(tmp_path)
    values, _ = explicit({"data.source": "a.txt", "data.test": "b/../c.txt"}, ("data.oracle=w.npz",), None)
    folder = Path.cwd()
    assert values == {
        "data.source": str(folder / "a.txt"),
        "data.test": str(folder / "c.txt"),
        "data.oracle": str(folder / "w.npz"),
    }
    assert explicit({"data.source": "oracle"}, (), None)[0] == {"data.source": "oracle"}
    assert explicit({"data.test": ""}, (), None)[0] == {"data.test": ""}


NARROW = ((1, 100), (2, 200), (3, 200), (4, 200), (5, 200), (6, 100), (7, 100), (8, 100), (9, 100), (10, 100))


@pytest.mark.parametrize(
    ("length", "filters"),
    [
        (20, (*NARROW, (15, 160), (20, 160))),
        (32, (*NARROW, (16, 160), (24, 160), (32, 160))),
        (4, NARROW[:4]),
        (10, NARROW),
        (11, (*NARROW, (11, 160))),
        (1, NARROW[:1]),
    ],
)
def test_the_papers_filters(length: int, filters: tuple[tuple[int, int], ...]) -> None:
    assert parse_filters("paper", length) == filters


def test_own_filters_are_sorted_and_those_wider_than_the_sequence_left_out() -> None:
    assert parse_filters("6:50, 2:30,1:20", 5) == ((1, 20), (2, 30))


def test_filters_that_are_all_wider_than_the_sequence_are_refused() -> None:
    with pytest.raises(SeqganError, match=r"every window is wider than the sequences \(4 tokens\)"):
        parse_filters("5:10,6:10", 4)


@pytest.mark.parametrize("text", ["1:2:3", "1", "a:b", "1:1.5", "1:2,", "Paper"])
def test_filters_that_cannot_be_read_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"write 'paper' or window:number"):
        parse_filters(text, 20)


def test_results_keep_the_names_of_files_alone() -> None:
    values = {"data.source": "/one/two/x.txt", "data.oracle": "/one/oracle.npz", "data.test": "", "seed": 3}
    assert without_folders(values) == {"data.source": "x.txt", "data.oracle": "oracle.npz", "data.test": "", "seed": 3}
