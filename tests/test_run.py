"""The run directory: checkpoints that survive damage, the history, the record of settings, and the lock."""

import contextlib
import json
import shutil
import signal
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqgan_cli.config import CATALOGUE, resolve
from seqgan_cli.corpora.corpus import Corpus
from seqgan_cli.errors import SeqganError
from seqgan_cli.run import Checkpoint, Checkpoints, History, Row, Run, assign, named
from seqgan_cli.vocabulary import Vocabulary

WEIGHTS = np.arange(6, dtype=np.float32).reshape(2, 3)


def arrays(position: int) -> dict[str, np.ndarray]:
    return {"generator/0.kernel": WEIGHTS * position, "step": np.array([position], np.int64)}


def never(message: str) -> None:
    pytest.fail(f"unexpected warning: {message}")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def saved(folder: Path, *positions: int, best: int = 0) -> Checkpoints:
    checkpoints = Checkpoints(folder / "pretrain-g", "print")
    for position in positions:
        checkpoints.save(position, arrays(position), {"best": {"position": best}}, best=position == best)
    return checkpoints


def file(checkpoints: Checkpoints, position: int) -> Path:
    return checkpoints.directory / f"{position:07d}.npz"


# Checkpoints


def test_a_checkpoint_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path / "pretrain-g", "print")
    checkpoints.save(3, arrays(3), {"best": {"position": 2, "value": 4.5}}, best=False)
    found = checkpoints.latest(never)
    assert found is not None
    assert found.position == 3
    assert found.facts["best"] == {"position": 2, "value": 4.5}
    assert found.path == tmp_path / "pretrain-g" / "0000003.npz"
    assert set(found.arrays) == {"generator/0.kernel", "step"}
    assert found.arrays["generator/0.kernel"].dtype == np.float32
    assert found.arrays["generator/0.kernel"].tolist() == (WEIGHTS * 3).tolist()
    assert found.arrays["step"].tolist() == [3]


def test_there_is_no_latest_and_no_best_before_the_first(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path / "none", "print")
    assert checkpoints.latest(never) is None
    assert checkpoints.best() is None
    assert checkpoints.positions() == []


def test_only_the_last_three_and_the_best_are_kept(tmp_path: Path) -> None:
    checkpoints = saved(tmp_path, 1, 2, 3, 4, 5, best=1)
    assert names(checkpoints.directory) == ["0000003.npz", "0000004.npz", "0000005.npz", "best.npz"]
    assert checkpoints.positions() == [3, 4, 5]
    latest, best = checkpoints.latest(never), checkpoints.best()
    assert latest is not None
    assert best is not None
    assert (latest.position, best.position) == (5, 1)
    assert best.arrays["generator/0.kernel"].tolist() == WEIGHTS.tolist()


def test_a_better_one_replaces_the_best(tmp_path: Path) -> None:
    checkpoints = saved(tmp_path, 1, best=1)
    checkpoints.save(2, arrays(2), {}, best=True)
    best = checkpoints.best()
    assert best is not None
    assert best.position == 2
    assert names(checkpoints.directory) == ["0000001.npz", "0000002.npz", "best.npz"]


def test_the_best_is_written_where_links_are_not_possible(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(*_: Any) -> None:
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr("os.link", no_links)
    best = saved(tmp_path, 4, best=4).best()
    assert best is not None
    assert best.position == 4
    assert best.arrays["step"].tolist() == [4]


def test_positions_are_numbers_not_names(tmp_path: Path) -> None:
    checkpoints = saved(tmp_path, 9, 10, 11)
    (checkpoints.directory / ".writing-abc.npz").write_bytes(b"half")
    (checkpoints.directory / "notes.npz").write_bytes(b"x")
    assert checkpoints.positions() == [9, 10, 11]
    latest = checkpoints.latest(never)
    assert latest is not None
    assert latest.position == 11


def test_a_latest_one_cut_off_anywhere_falls_back_with_a_warning_that_names_it(tmp_path: Path) -> None:
    checkpoints = saved(tmp_path, 1, 2)
    whole = file(checkpoints, 2).read_bytes()
    for length in range(0, len(whole), 5):
        file(checkpoints, 2).write_bytes(whole[:length])
        said: list[str] = []
        found = checkpoints.latest(said.append)
        assert found is not None
        assert found.position == 1, length
        assert said == [f"{file(checkpoints, 2)} is damaged. Using the one before: 0000001.npz."]


def test_a_flipped_byte_in_an_array_falls_back_with_a_warning_that_names_it(tmp_path: Path) -> None:
    checkpoints = saved(tmp_path, 1, 2, 3)
    content = bytearray(file(checkpoints, 3).read_bytes())
    content[content.index((WEIGHTS * 3).tobytes()) + 9] ^= 0x04
    file(checkpoints, 3).write_bytes(content)
    said: list[str] = []
    found = checkpoints.latest(said.append)
    assert found is not None
    assert found.position == 2
    assert said == [f"{file(checkpoints, 3)} is damaged. Using the one before: 0000002.npz."]


@pytest.mark.parametrize("mask", [0x01, 0xFF])
def test_a_flipped_byte_anywhere_changes_no_array_unnoticed(tmp_path: Path, mask: int) -> None:
    """Some bytes of a zip mean nothing; one that hides an array is found when the array is assigned."""
    checkpoints = saved(tmp_path, 1, 2)
    whole, expected, fallbacks = file(checkpoints, 2).read_bytes(), arrays(2), 0
    for place in range(len(whole)):
        damaged = bytearray(whole)
        damaged[place] ^= mask
        file(checkpoints, 2).write_bytes(damaged)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = checkpoints.latest(lambda message: None)
        assert found is not None
        fallbacks += found.position == 1
        if found.position == 2:
            for name in set(expected) & set(found.arrays):
                assert found.arrays[name].tolist() == expected[name].tolist(), place
    assert fallbacks > len(whole) // 2


def test_every_damaged_one_before_is_named_once(tmp_path: Path) -> None:
    checkpoints = saved(tmp_path, 1, 2, 3)
    for position in (2, 3):
        file(checkpoints, position).write_bytes(b"")
    said: list[str] = []
    found = checkpoints.latest(said.append)
    assert found is not None
    assert found.position == 1
    first, second = file(checkpoints, 3), file(checkpoints, 2)
    assert said == [f"{first} is damaged; {second} is damaged. Using the one before: 0000001.npz."]


def test_nothing_but_damaged_ones_is_an_error_that_names_the_way_out(tmp_path: Path) -> None:
    checkpoints = saved(tmp_path, 1, 2, best=1)
    for position in (1, 2):
        file(checkpoints, position).write_bytes(b"PK\x03\x04 no zip")
    with pytest.raises(SeqganError) as refusal:
        checkpoints.latest(never)
    message = str(refusal.value)
    assert message.startswith(f"{file(checkpoints, 2)} is damaged; {file(checkpoints, 1)} is damaged, and there is no good")
    assert message.endswith(" --overwrite`.")
    assert "`seqgan pretrain-g --run " in message


def test_a_damaged_best_is_an_error_of_its_own(tmp_path: Path) -> None:
    checkpoints = saved(tmp_path, 1, 2, best=1)
    best = checkpoints.directory / "best.npz"
    best.write_bytes(best.read_bytes()[:-30])
    with pytest.raises(SeqganError, match=r"best\.npz is damaged\. Use the last checkpoint instead"):
        checkpoints.best()
    latest = checkpoints.latest(never)
    assert latest is not None
    assert latest.position == 2


def test_one_of_another_run_is_refused(tmp_path: Path) -> None:
    checkpoints = saved(tmp_path, 1, 2, best=2)
    other = Checkpoints(checkpoints.directory, "another print")
    with pytest.raises(SeqganError, match=r"0000002\.npz belongs to another run"):
        other.latest(never)
    with pytest.raises(SeqganError, match=r"best\.npz belongs to another run"):
        other.best()


def test_one_of_another_run_among_ones_own_is_passed_over_with_a_warning(tmp_path: Path) -> None:
    checkpoints = saved(tmp_path, 1)
    Checkpoints(checkpoints.directory, "another print").save(2, arrays(2), {}, best=False)
    said: list[str] = []
    found = checkpoints.latest(said.append)
    assert found is not None
    assert found.position == 1
    assert len(said) == 1
    assert said[0].startswith(f"{file(checkpoints, 2)} belongs to another run")


def test_pickled_objects_are_never_loaded(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return pytest.fail, ("unpickled",)

    checkpoints = saved(tmp_path, 1)
    facts = json.dumps({"position": 2, "fingerprint": "print"}).encode()
    np.savez(file(checkpoints, 2), facts=np.frombuffer(facts, np.uint8), w=np.array([Trap()], object))
    said: list[str] = []
    found = checkpoints.latest(said.append)
    assert found is not None
    assert found.position == 1
    assert said == [f"{file(checkpoints, 2)} is damaged. Using the one before: 0000001.npz."]


def test_a_write_that_fails_half_way_leaves_the_old_ones_whole_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoints = saved(tmp_path, 1, 2, 3, best=2)
    before = {path.name: path.read_bytes() for path in checkpoints.directory.iterdir()}

    def full_disk(target: Any, **_: Any) -> None:
        target.write(b"PK\x03\x04 half of it")
        target.flush()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full_disk)
    with pytest.raises(OSError, match="No space left on device"):
        checkpoints.save(4, arrays(4), {}, best=True)
    assert {path.name: path.read_bytes() for path in checkpoints.directory.iterdir()} == before


def test_a_best_that_cannot_be_written_leaves_the_old_ones_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoints = saved(tmp_path, 1, 2, best=1)
    before = {path.name: path.read_bytes() for path in checkpoints.directory.iterdir()}

    def full_disk(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.link", full_disk)
    monkeypatch.setattr(shutil, "copyfile", full_disk)
    with pytest.raises(OSError, match="No space left on device"):
        checkpoints.save(3, arrays(3), {}, best=True)
    assert {path.name: path.read_bytes() for path in checkpoints.directory.iterdir()} == before


def test_drop_after_removes_later_ones_only(tmp_path: Path) -> None:
    checkpoints = saved(tmp_path, 1, 2, 3, best=3)
    checkpoints.drop_after(1)
    assert names(checkpoints.directory) == ["0000001.npz", "best.npz"]


def test_drop_removes_all(tmp_path: Path) -> None:
    checkpoints = saved(tmp_path, 1, best=1)
    checkpoints.drop()
    assert not checkpoints.directory.exists()
    checkpoints.drop()  # and again, of nothing
    assert checkpoints.latest(never) is None


# Weights


class Variable:
    """As much of a variable as checkpoints need."""

    def __init__(self, name: str, value: np.ndarray) -> None:
        self.name, self.value, self.shape = name, value, value.shape

    def assign(self, value: np.ndarray) -> None:
        self.value = value


class Model:
    def __init__(self, *variables: Variable) -> None:
        self.trainable_variables = variables


def test_named_tells_weights_of_one_name_apart() -> None:
    first, second = Variable("kernel", WEIGHTS), Variable("kernel", WEIGHTS)
    assert named("generator", Model(first, second)) == {"generator/0.kernel": first, "generator/1.kernel": second}


def test_assign_restores_by_name() -> None:
    kernel, bias = Variable("kernel", np.zeros((2, 3))), Variable("bias", np.zeros(3))
    checkpoint = Checkpoint(1, {"b": np.ones(3), "k": WEIGHTS, "more": np.ones(1)}, {}, Path("x.npz"))
    assign(checkpoint, {"k": kernel, "b": bias})
    assert kernel.value.tolist() == WEIGHTS.tolist()
    assert bias.value.tolist() == [1.0, 1.0, 1.0]


@pytest.mark.parametrize(
    ("bias", "message"), [(None, "b is missing"), (np.ones(4), r"b is of shape \(4,\), where .* need \(3,\)")]
)
def test_assign_refuses_what_does_not_fit_before_it_changes_anything(bias: np.ndarray | None, message: str) -> None:
    kernel, variable = Variable("kernel", np.zeros((2, 3))), Variable("bias", np.zeros(3))
    held = {"k": WEIGHTS} if bias is None else {"k": WEIGHTS, "b": bias}
    with pytest.raises(SeqganError, match=rf"x\.npz: {message}"):
        assign(Checkpoint(1, held, {}, Path("x.npz")), {"k": kernel, "b": variable})
    assert not kernel.value.any()


# History


def row(stage: str, position: int, metric: str = "nll_test", value: float = 1.5, seconds: float = 0.25) -> Row:
    return Row(stage, position, position * 10, metric, value, seconds)


def test_history_appends_rows_after_one_header(tmp_path: Path) -> None:
    history = History(tmp_path / "history.csv")
    assert history.rows() == []
    first, second = row("pretrain-g", 1, value=0.1 + 0.2), row("pretrain-g", 2, "distinct_share", 1.0)
    history.append([first])
    history.append([second, first])
    assert history.rows() == [first, second, first]
    assert history.path.read_bytes().splitlines() == [
        b"stage,position,step,metric,value,seconds",
        b"pretrain-g,1,10,nll_test,0.30000000000000004,0.250",
        b"pretrain-g,2,20,distinct_share,1.0,0.250",
        b"pretrain-g,1,10,nll_test,0.30000000000000004,0.250",
    ]


@pytest.mark.parametrize("value", [float("inf"), float("-inf"), 1e-300, -0.1])
def test_history_keeps_every_digit_of_any_value(tmp_path: Path, value: float) -> None:
    history = History(tmp_path / "history.csv")
    history.append([row("adversarial", 1, value=value)])
    assert history.rows() == [row("adversarial", 1, value=value)]


def test_history_keep_rewrites_the_file_with_the_wanted_rows(tmp_path: Path) -> None:
    history = History(tmp_path / "history.csv")
    rows = [row("pretrain-g", 1), row("pretrain-g", 2), row("adversarial", 1)]
    history.append(rows)
    history.keep(lambda each: each.position == 1)
    assert history.rows() == [rows[0], rows[2]]
    assert names(tmp_path) == ["history.csv"]
    history.append([rows[1]])
    assert history.rows() == [rows[0], rows[2], rows[1]]


def test_history_keep_of_none_leaves_a_file_that_can_be_appended_to(tmp_path: Path) -> None:
    history = History(tmp_path / "history.csv")
    history.append([row("pretrain-g", 1)])
    history.keep(lambda each: False)
    assert history.rows() == []
    history.append([row("pretrain-g", 3)])
    assert history.rows() == [row("pretrain-g", 3)]


def test_history_keep_makes_no_file_where_none_is(tmp_path: Path) -> None:
    History(tmp_path / "history.csv").keep(lambda each: True)
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    "partial",
    ["pretrain-g", "pretrain-g,3", "pretrain-g,3,30,nll", "pretrain-g,3,30,nll_test,1.5", "pretrain-g,3,30,nll_test,,"],
)
def test_a_last_line_cut_off_by_a_crash_is_no_row_and_gone_after_keep(tmp_path: Path, partial: str) -> None:
    """As a stage begins: it keeps what it goes on from, then appends."""
    history = History(tmp_path / "history.csv")
    whole = [row("pretrain-g", 1), row("pretrain-g", 2)]
    history.append(whole)
    with history.path.open("a") as file:
        file.write(partial)
    assert history.rows() == whole
    history.keep(lambda each: True)
    history.append([row("pretrain-g", 3)])
    assert history.rows() == [*whole, row("pretrain-g", 3)]


def test_history_at_gives_the_metrics_of_one_point(tmp_path: Path) -> None:
    history = History(tmp_path / "history.csv")
    history.append([row("pretrain-g", 1, "nll_test", 5.0), row("pretrain-g", 1, "distinct_share", 0.5)])
    history.append([row("pretrain-g", 2, "nll_test", 4.0), row("adversarial", 1, "nll_test", 3.0)])
    assert history.at("pretrain-g", 1) == {"nll_test": 5.0, "distinct_share": 0.5}
    assert history.at("adversarial", 2) == {}


# The run


def with_corpus(folder: Path, first: int = 3) -> Run:
    tokens = np.array([[first, 4, 1], [4, 1, 0]], np.int32)
    Corpus(tokens, tokens, Vocabulary(["a", "b"])).save(folder)
    return Run(folder)


def recorded(folder: Path, **changed: Any) -> Run:
    """A run with a record in which some of the JSON is replaced."""
    run = Run(folder)
    run.write_config(resolve({}, {}, None, "paper"), "paper")
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), **changed}), encoding="utf-8")
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
    with pytest.raises(SeqganError, match=r"There is no run in .*none: `seqgan pretrain-g` begins one\."):
        Run(tmp_path / "none").config()


def test_settings_that_this_version_does_not_know_are_left_out(tmp_path: Path) -> None:
    settings = {"seed": {"value": 3, "source": "option"}, "future.setting": {"value": [1], "source": "option"}}
    config = recorded(tmp_path, settings=settings).config()
    assert (config.values["seed"], config.sources["seed"]) == (3, "option")
    assert config.values.keys() == CATALOGUE.keys()
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
    ("name", "value"), [("seed", "3"), ("seed", -1), ("seed", None), ("data.tokenizer", "bytes"), ("data.holdout", 2.0)]
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
        which: run.generator_checkpoint(which, never).path.relative_to(run.path / "checkpoints").as_posix()
        for which in ("latest", "adversarial", "pretrain-g", "best")
    }
    assert found == {
        "latest": "adversarial/0000008.npz",
        "adversarial": "adversarial/0000008.npz",
        "pretrain-g": "pretrain-g/0000002.npz",
        "best": "pretrain-g/best.npz",
    }
    assert run.generator_checkpoint("best", never).position == 1


def test_before_adversarial_training_the_latest_is_the_pretrained_one(tmp_path: Path) -> None:
    run = with_corpus(tmp_path)
    run.checkpoints("pretrain-g").save(2, arrays(2), {}, best=False)
    assert run.generator_checkpoint("latest", never).position == 2
    with pytest.raises(SeqganError, match=r"no trained generator 'adversarial': run `seqgan adversarial` first"):
        run.generator_checkpoint("adversarial", never)


@pytest.mark.parametrize("which", ["latest", "adversarial", "pretrain-g", "best"])
def test_a_run_without_a_generator_says_what_to_run_first(tmp_path: Path, which: str) -> None:
    with pytest.raises(SeqganError, match=r"holds no trained generator.*: run `seqgan pretrain-g` first"):
        with_corpus(tmp_path).generator_checkpoint(which, never)


def test_drop_from_forgets_a_stage_and_those_after_it(tmp_path: Path) -> None:
    run = with_corpus(tmp_path)
    for stage in ("pretrain-g", "pretrain-d", "adversarial"):
        run.checkpoints(stage).save(1, arrays(1), {}, best=True)
        run.history.append([row(stage, 1)])
    run.drop_from("pretrain-d")
    assert [run.has(stage) for stage in ("pretrain-g", "pretrain-d", "adversarial")] == [True, False, False]
    assert run.history.rows() == [row("pretrain-g", 1)]
    assert names(tmp_path / "checkpoints") == ["pretrain-g"]


# The lock

HOLDER = """
import sys
from pathlib import Path
from seqgan_cli.run import Run
with Run(Path(sys.argv[1])).lock():
    print("held", flush=True)
    sys.stdin.read()
"""


@contextlib.contextmanager
def another_process_holding(run: Run) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", HOLDER, str(run.path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "held\n"
            yield process
        finally:
            process.kill()


def test_the_lock_refuses_a_second_trainer_but_no_reader_and_dies_with_its_holder(tmp_path: Path) -> None:
    run = with_corpus(tmp_path)
    config = resolve({}, {}, None, "quick")
    run.write_config(config, "quick")
    run.checkpoints("pretrain-g").save(1, arrays(1), {}, best=True)
    run.history.append([row("pretrain-g", 1)])
    with another_process_holding(run) as holder:
        with (
            pytest.raises(SeqganError, match=r"Another seqgan is training in .*: wait for it or use another --run"),
            run.lock(),
        ):
            pytest.fail("two processes hold the lock")
        reader = Run(tmp_path)
        assert reader.config() == config
        assert reader.generator_checkpoint("latest", never).position == 1
        assert reader.history.rows() == [row("pretrain-g", 1)]
        holder.send_signal(signal.SIGKILL)
        assert holder.wait(timeout=60) == -signal.SIGKILL
        with run.lock():
            entered = True
    assert entered


def test_the_lock_is_free_after_its_block_even_if_that_failed(tmp_path: Path) -> None:
    run = Run(tmp_path / "new" / "run")
    with pytest.raises(KeyboardInterrupt), run.lock():
        raise KeyboardInterrupt
    with another_process_holding(run) as holder:
        assert holder.poll() is None


def test_the_lock_in_one_process_is_held_once(tmp_path: Path) -> None:
    with Run(tmp_path).lock(), pytest.raises(SeqganError, match="Another seqgan is training"), Run(tmp_path).lock():
        pytest.fail("held twice")
