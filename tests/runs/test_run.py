"""The run directory: the record of settings, and which checkpoints are its own."""

import json
import shutil
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqgan_cli.config.resolution import resolve
from seqgan_cli.config.settings import GENERATORS, SCHEMA, STAGES
from seqgan_cli.errors import SeqganError
from seqgan_cli.runs.checkpoints import Checkpoints
from seqgan_cli.runs.generators import generator_checkpoint
from seqgan_cli.runs.record import checksum
from seqgan_cli.runs.run import Run
from store_parts import WEIGHTS, arrays, names, never, row, with_corpus


def recorded(folder: Path, **changed: Any) -> Run:
    """A run with a record in which some of the JSON is replaced."""
    run = Run(folder)
    run.write_config(resolve({}, {}, None, "paper"), "paper")
    path = folder / "config.json"
    record = {**json.loads(path.read_text(encoding="utf-8")), **changed}
    path.write_text(json.dumps({**record, "checksum": checksum(record)}), encoding="utf-8")
    return run


def test_the_settings_come_back_with_their_sources(tmp_path: Path) -> None:
    config = resolve({"seed": 4, "data.source": "/naïve/file"}, {"seed": "option", "data.source": "file"}, None, "quick")
    run = Run(tmp_path / "run")
    assert not run.exists
    run.write_config(config, "quick")
    assert run.exists
    assert run.config() == config
    assert run.config().settings == config.settings
    assert run.record()["preset"] == "quick"


def test_writing_again_keeps_the_preset_and_adds_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config, run = resolve({}, {}, None, "quick"), Run(tmp_path)
    monkeypatch.setattr(sys, "argv", ["/usr/bin/seqgan", "pretrain-g", "--seed", "4"])
    run.write_config(config, "quick")
    monkeypatch.setattr(sys, "argv", ["/usr/bin/seqgan", "adversarial"])
    run.write_config(config, "paper")
    record = run.record()
    assert record["preset"] == "quick"
    assert record["commands"] == ["seqgan pretrain-g --seed 4", "seqgan adversarial"]
    assert record["versions"]["numpy"] == np.__version__
    assert names(tmp_path) == ["config.json"]


def test_a_run_that_is_not_there_says_how_to_begin_one(tmp_path: Path) -> None:
    with pytest.raises(SeqganError, match=r"There is no run in .*none: `seqgan pretrain-g --run .*none` begins one\."):
        Run(tmp_path / "none").config()


def test_settings_that_this_version_does_not_know_are_left_out(tmp_path: Path) -> None:
    settings = {"seed": {"value": 3, "source": "option"}, "future.setting": {"value": [1], "source": "option"}}
    config = recorded(tmp_path, settings=settings).config()
    assert (config.values["seed"], config.sources["seed"]) == (3, "option")
    assert config.values.keys() == SCHEMA.keys()
    assert config.sources["adversarial.rounds"] == "default"


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b"{}", b'{"settings": []}', b'{"settings": {"seed": 3}}', b"\xff\xfe", b"\0" * 40],
)
def test_a_record_that_is_none_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "config.json").write_bytes(content)
    with pytest.raises(SeqganError, match=r"config\.json is damaged .*restore it, or use another --run"):
        Run(tmp_path).config()


@pytest.mark.parametrize(
    ("name", "value"), [("seed", "3"), ("seed", -1), ("seed", None), ("data.overlong", "bytes"), ("data.holdout", 2.0)]
)
def test_a_record_with_a_value_no_setting_can_have_is_refused(tmp_path: Path, name: str, value: Any) -> None:
    run = recorded(tmp_path, settings={name: {"value": value, "source": "option"}})
    with pytest.raises(SeqganError, match=rf"config\.json is damaged \({name}="):
        run.config()


@pytest.mark.parametrize("entry", [{"value": 3}, {"source": "option"}])
def test_a_record_with_half_an_entry_is_refused(tmp_path: Path, entry: dict[str, Any]) -> None:
    with pytest.raises(SeqganError, match=r"config\.json is damaged"):
        recorded(tmp_path, settings={"seed": entry}).config()


def test_the_fingerprint_is_the_corpus_alone(tmp_path: Path) -> None:
    """A copy of a run shares it, another corpus does not; settings and checkpoints do not count."""
    one = with_corpus(tmp_path / "one")
    copy = with_corpus(tmp_path / "copy")
    recorded(copy.path)
    assert copy.fingerprint == one.fingerprint
    assert with_corpus(tmp_path / "other", first=4).fingerprint != one.fingerprint
    np.savez(copy.path / "corpus" / "oracle.npz", weights=WEIGHTS)
    assert Run(copy.path).fingerprint != one.fingerprint


def test_a_damaged_corpus_has_no_fingerprint(tmp_path: Path) -> None:
    path = with_corpus(tmp_path).path / "corpus" / "train.npz"
    whole = path.read_bytes()
    for length in range(0, len(whole), 5):
        path.write_bytes(whole[:length])
        with pytest.raises(SeqganError, match=r"Cannot read .*train\.npz"):
            _ = Run(tmp_path).fingerprint


def test_a_flipped_byte_in_the_corpus_is_refused_or_harmless(tmp_path: Path) -> None:
    """The tables are compressed, so damage shows in the decompression too."""
    expected, refused = with_corpus(tmp_path).fingerprint, 0
    path = tmp_path / "corpus" / "train.npz"
    whole = path.read_bytes()
    for place in range(len(whole)):
        damaged = bytearray(whole)
        damaged[place] ^= 0x55
        path.write_bytes(damaged)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                assert Run(tmp_path).fingerprint == expected
        except SeqganError:
            refused += 1
    assert refused > len(whole) // 3


def test_which_generator_checkpoint_is_meant(tmp_path: Path) -> None:
    run = with_corpus(tmp_path)
    for stage, positions, best in (("pretrain-g", (1, 2), 1), ("adversarial", (7, 8), 7)):
        for position in positions:
            run.checkpoints(stage).save(position, arrays(position), {}, best=position == best)
    found = {
        which: generator_checkpoint(run, which, never).path.relative_to(run.path / "checkpoints").as_posix()
        for which in GENERATORS
    }
    assert found == {
        "latest": "adversarial/0000008.npz",
        "adversarial": "adversarial/0000008.npz",
        "pretrain-g": "pretrain-g/0000002.npz",
        "best": "pretrain-g/best.npz",
        "best-adversarial": "adversarial/best.npz",
    }
    assert generator_checkpoint(run, "best-adversarial", never).position == 7
    assert generator_checkpoint(run, "best", never).position == 1


def test_before_adversarial_training_the_latest_is_the_pretrained_one(tmp_path: Path) -> None:
    run = with_corpus(tmp_path)
    run.checkpoints("pretrain-g").save(2, arrays(2), {}, best=False)
    assert generator_checkpoint(run, "latest", never).position == 2
    with pytest.raises(SeqganError, match=r"no trained generator 'adversarial': run `seqgan adversarial --run .*` first"):
        generator_checkpoint(run, "adversarial", never)
    with pytest.raises(SeqganError, match=r"no trained generator 'best-adversarial': run `seqgan adversarial --run .*` first"):
        generator_checkpoint(run, "best-adversarial", never)
    run.checkpoints("adversarial").save(1, arrays(3), {}, best=False)
    with pytest.raises(SeqganError, match=r"has no best round yet.*--from adversarial names the last one"):
        generator_checkpoint(run, "best-adversarial", never)


@pytest.mark.parametrize("which", GENERATORS)
def test_a_run_without_a_generator_says_what_to_run_first(tmp_path: Path, which: str) -> None:
    with pytest.raises(SeqganError, match=r"holds no trained generator.*: run `seqgan pretrain-g --run .*` first"):
        generator_checkpoint(with_corpus(tmp_path), which, never)


def test_drop_from_forgets_a_stage_and_those_after_it(tmp_path: Path) -> None:
    run = with_corpus(tmp_path)
    for stage in ("pretrain-g", "pretrain-d", "adversarial"):
        run.checkpoints(stage).save(1, arrays(1), {}, best=True)
        run.history.append([row(stage, 1)])
    run.drop_from("pretrain-d")
    assert [run.has(stage) for stage in ("pretrain-g", "pretrain-d", "adversarial")] == [True, False, False]
    assert run.history.rows() == [row("pretrain-g", 1)]
    assert names(tmp_path / "checkpoints") == ["pretrain-g"]


def test_a_record_that_was_changed_behind_its_back_is_refused(tmp_path: Path, whole_suite: bool) -> None:
    """A bit of every character (of every ninth in a sample): refused, or it says the same."""
    run = recorded(tmp_path)
    path, expected = tmp_path / "config.json", run.config()
    whole, refused = path.read_bytes(), 0
    places = range(0, len(whole), 1 if whole_suite else 9)
    for place in places:
        damaged = bytearray(whole)
        damaged[place] ^= 1 << place % 8
        path.write_bytes(damaged)
        try:
            assert run.config() == expected, place
        except SeqganError as error:
            assert "config.json" in str(error)
            refused += 1
    assert refused > 0.9 * len(places)


def test_a_record_edited_by_hand_is_told_apart_from_damage(tmp_path: Path) -> None:
    run = recorded(tmp_path)
    path = tmp_path / "config.json"
    path.write_text(path.read_text(encoding="utf-8").replace("0.01", "0.02"), encoding="utf-8")
    with pytest.raises(SeqganError, match=r"not as seqgan wrote it .*checksum.* Settings are changed by options\."):
        run.config()


def test_a_run_of_a_newer_version_is_refused_in_words(tmp_path: Path) -> None:
    run = recorded(tmp_path, format=4, versions={"seqgan": "9.1"})
    with pytest.raises(SeqganError, match=r"config\.json was written by seqgan 9\.1, and this is .*: update seqgan"):
        run.config()


def test_a_run_of_the_first_format_goes_on(tmp_path: Path) -> None:
    """It had no checksum of its settings, and checkpoints knew nothing but their corpus."""
    run = with_corpus(tmp_path)
    run.write_config(resolve({}, {}, None, "quick"), "quick")
    path = tmp_path / "config.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    del record["checksum"], record["machine"]
    path.write_text(json.dumps({**record, "format": 1}), encoding="utf-8")
    facts = {"best": {}, "position": 1, "fingerprint": run.fingerprint, "version": "0.1.0", "arrays": sorted(arrays(1))}
    (tmp_path / "checkpoints" / "pretrain-g").mkdir(parents=True)
    np.savez(
        tmp_path / "checkpoints" / "pretrain-g" / "0000001.npz",
        facts=np.frombuffer(json.dumps(facts).encode(), np.uint8),
        **arrays(1),
    )
    found = Run(tmp_path).checkpoints("pretrain-g").latest(never)
    assert found is not None
    assert found.position == 1
    run.write_config(run.config(), "quick")
    assert run.record()["format"] == 3
    assert Run(tmp_path).checkpoints("pretrain-g").latest(never) is not None


def test_the_record_holds_versions_machine_and_seed(tmp_path: Path) -> None:
    record = recorded(tmp_path).record()
    assert record["settings"]["seed"]["value"] == 0
    assert record["versions"].keys() == {"seqgan", "python", "tensorflow", "keras", "numpy"}
    assert record["machine"]["cores"] >= 1
    assert record["machine"]["features"]


def run_of(folder: Path, **settings: Any) -> Run:
    """A run of the one corpus with these settings and two checkpoints of every stage."""
    run = with_corpus(folder)
    values = {name.replace("__", ".").replace("_", "-"): value for name, value in settings.items()}
    run.write_config(resolve(values, dict.fromkeys(values, "option"), None, "quick"), "quick")
    for stage in STAGES:
        for position in (1, 2):
            run.checkpoints(stage).save(position, arrays(position), {}, best=False)
    return run


@pytest.mark.parametrize(
    ("other", "foreign"),
    [
        ({"seed": 1}, STAGES),
        ({"generator__hidden_dim": 7}, STAGES),
        ({"discriminator__embedding_dim": 7}, STAGES[1:]),
        ({"adversarial__reward": "constant"}, STAGES[2:]),
        ({"adversarial__rounds": 9, "pretrain_g__epochs": 9}, ()),  # these may change while a run lives
    ],
)
def test_a_checkpoint_of_a_run_with_another_seed_or_settings_is_not_taken_for_ones_own(
    tmp_path: Path, other: dict[str, Any], foreign: tuple[str, ...]
) -> None:
    mine, theirs = run_of(tmp_path / "mine"), run_of(tmp_path / "theirs", **other)
    for stage in STAGES:
        shutil.copyfile(theirs.path / "checkpoints" / stage / "0000002.npz", mine.path / "checkpoints" / stage / "0000002.npz")
        said: list[str] = []
        found = Run(mine.path).checkpoints(stage).latest(said.append)
        assert found is not None
        assert found.position == (1 if stage in foreign else 2), stage
        assert [message.partition(" (")[0] for message in said] == [
            f"{mine.path}/checkpoints/{stage}/0000002.npz belongs to another run"
        ] * (stage in foreign)


def test_a_setting_that_only_one_of_two_versions_knows_decides_nothing(tmp_path: Path) -> None:
    run = run_of(tmp_path)
    own = run.checkpoints("pretrain-g")
    later = {**own.settings, "generator.depth": 3}
    del later["generator.cell"]
    Checkpoints(own.directory, own.fingerprint, later).save(3, arrays(3), {}, best=False)
    found = run.checkpoints("pretrain-g").latest(never)
    assert found is not None
    assert found.position == 3


def test_what_differs_is_told(tmp_path: Path) -> None:
    run = run_of(tmp_path / "mine")
    theirs = run_of(tmp_path / "theirs", seed=1).path / "checkpoints" / "pretrain-g" / "0000002.npz"
    shutil.copyfile(theirs, run.path / "checkpoints" / "pretrain-g" / "0000002.npz")
    said: list[str] = []
    run.checkpoints("pretrain-g").latest(said.append)
    assert "0000002.npz belongs to another run (seed was 1, and is 0 here)." in said[0]


def test_another_vocabulary_makes_checkpoints_another_runs(tmp_path: Path) -> None:
    """The same numbers with other words behind them are another corpus."""
    run = run_of(tmp_path)
    vocabulary = tmp_path / "vocabulary.txt"
    lines = vocabulary.read_text(encoding="utf-8").splitlines()
    vocabulary.write_text("\n".join([*lines[:-2], lines[-1], lines[-2]]) + "\n", encoding="utf-8")
    with pytest.raises(SeqganError, match="belongs to another run"):
        run.checkpoints("pretrain-g").latest(lambda message: None)
