"""Commands that messages advise: pasted into a shell, each does what the message says."""

import re
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from sampled import examples
from seqgan_cli.config.settings import SCHEMA, STAGES
from seqgan_cli.jobs.job import Job
from seqgan_cli.runs.run import Run
from store_parts import record_anew

pytestmark = pytest.mark.usefixtures("eagerly")  # what is said matters here, and not what trains

SOURCE = Path(__file__).parents[2] / "src" / "seqgan_cli"
# Commands that messages write by hand: those that need no run, and those with something left for the reader to fill in.
WITHOUT_A_RUN = re.compile(
    r"`seqgan (settings|train --preset quick|train --help|train FILE|FILE|--help|tune|compare|experiment|judge make|\{task)"
)


def advice(message: str) -> list[list[str]]:
    """The words of each command between backticks, as a shell would pass them."""
    return [shlex.split(command)[1:] for command in re.findall(r"`(seqgan [^`]*)`", message)]


def dropped(message: str) -> set[str]:
    """The stages that a message says a command drops."""
    found = re.search(r"(?:which|and) drops (.*?)(?: too)?[.;]", message)
    return {*found[1].split(" and ")} if found else set()


@pytest.fixture
def untrained(monkeypatch):
    """Training commands do all but train."""
    monkeypatch.setattr(Job, "train", lambda self, stage: None)
    monkeypatch.setattr("seqgan_cli.commands.train._report", lambda work: None)


def has(run: Path) -> set[str]:
    return {stage for stage in STAGES if Run(run).has(stage)}


def test_no_message_writes_a_command_on_a_run_by_hand():
    """Without `--run` it would be another's: `errors.advised` writes them all."""
    found = [
        (path.name, line.strip())
        for path in sorted(SOURCE.rglob("*.py"))
        for line in path.read_text(encoding="utf-8").splitlines()
        if "`seqgan " in WITHOUT_A_RUN.sub("", line) and '"""' not in line and path.name != "errors.py"
    ]
    assert found == []


# What a run has come too far to change

OTHERS = {
    "seed": [7],
    "data.vocab-size": [13],
    "data.num-sequences": [70],
    "generator.cell": ["gru", "attention"],
    "generator.hidden-dim": [9],
    "pretrain-g.optimizer": ["rmsprop"],
    "pretrain-g.epochs": [13],
    "discriminator.filters": ["1:9", "1:4,2:5"],
    "discriminator.prefixes": [True],
    "discriminator.dropout": [0.5],
    "adversarial.reward": ["constant", "bleu", "lm"],
    "adversarial.kl-coefficient": [0.125],
    "adversarial.baseline": ["mean", "value"],
    "adversarial.rounds": [3],
}


@settings(deadline=None, max_examples=examples(25), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), command=st.sampled_from(STAGES), overwrite=st.booleans(), kept=st.integers(1, 3))
def test_a_refused_change_names_the_restart_that_makes_it(
    seqgan, untrained, synthetic, tmp_path_factory, data, command, overwrite, kept
):
    """All is as asked afterwards, or else as before, and the stages that are gone are those that it named."""
    run = Path(shutil.copytree(synthetic.path, tmp_path_factory.mktemp("advice") / "a run"))
    for stage in STAGES[kept:]:
        shutil.rmtree(run / "checkpoints" / stage)
    assume(command == "pretrain-g" or kept > 0)
    names = data.draw(st.lists(st.sampled_from([*OTHERS]), unique=True, min_size=1, max_size=3))
    asked = {name: data.draw(st.sampled_from(OTHERS[name])) for name in names}
    before, stages = Run(run).config().values, has(run)
    sets = [word for name, value in asked.items() for word in ("--set", f"{name}={value}")]
    outcome = seqgan(command, "--run", run, *sets, *["--overwrite"] * overwrite)
    if outcome.code == 0:
        return  # nothing that is fixed yet
    assert outcome.code == 2
    assert "leave it out, use another --run, or restart with `" in outcome.err
    (words,) = advice(outcome.err)
    lost = dropped(outcome.err)
    again = seqgan(*words)
    assert again.code == 0, again.err
    assert Run(run).config().values == {**before, **asked}
    restarted = words[0]
    later = {*STAGES[STAGES.index(restarted) + 1 :]}
    assert lost == stages & later
    assert has(run) == stages - {restarted} - later
    # No later stage would have been enough.
    first = min(
        (STAGES.index(SCHEMA[name].fixed_by) if SCHEMA[name].fixed_by in STAGES else 0)
        for name in [name for name in asked if SCHEMA[name].fixed_by]
    )
    assert STAGES.index(restarted) == (min(first, STAGES.index(command)) if overwrite else first)


def test_a_restart_on_other_data_reads_them_as_what_they_are(seqgan, untrained, text_copy, tmp_path):
    other = tmp_path / "it's other.txt"
    other.write_text("a b\nb a\nc a\n" * 5)
    outcome = seqgan("train", other, "--lowercase", "--run", text_copy)
    assert outcome.code == 2
    (words,) = advice(outcome.err)
    assert seqgan(*words).code == 0
    values = Run(text_copy).config().values
    assert (values["data.source"], values["data.lowercase"], values["data.min-count"]) == (str(other), True, 4)
    assert has(text_copy) == set()


def test_no_restart_is_advised_that_would_be_refused(seqgan, refused, text_copy):
    """A discriminator that reads by windows alone has no such precision to restart with."""
    outcome = seqgan("pretrain-d", "--run", text_copy, "--set", "discriminator.kind=recurrent", "--precision", "bfloat16")
    assert outcome.code == 2
    assert advice(outcome.err) == []
    assert outcome.err.endswith("leave it out, or use another --run.\n")


# Data that have changed since


def rewritten(path: Path) -> None:
    path.write_text(path.read_text() + "the cat sings\n")


def same_size(path: Path) -> None:
    text = path.read_text()
    path.write_text(text[::-1].strip() + "\n" + " " * (len(text) - len(text[::-1].strip()) - 1))


@pytest.mark.sampled(2)
@pytest.mark.parametrize("change", [rewritten, same_size])
@pytest.mark.parametrize(
    "command", [["pretrain-g"], ["pretrain-d"], ["adversarial"], ["train"], ["train", "FILE"], ["pretrain-g", "--data", "FILE"]]
)
@pytest.mark.parametrize("which", ["data", "test"])
def test_data_that_have_changed_are_told_with_the_restart_that_reads_them(
    seqgan, untrained, text, sentences, tiny_config, tmp_path, change, command, which
):
    files = {name: tmp_path / f"{name} file.txt" for name in ("data", "test")}
    for path in files.values():
        shutil.copy(sentences, path)
    run = tmp_path / "run"
    begun = seqgan("train", files["data"], "--test", files["test"], "--config", tiny_config, "--run", run)
    assert begun.code == 0, begun.err
    shutil.copytree(text.path / "checkpoints", run / "checkpoints")
    command = [str(files["data"]) if word == "FILE" else word for word in command]
    quiet = seqgan(*command, "-q", "--run", run)
    assert (quiet.code, quiet.err) == (0, "")
    fingerprint = Run(run).fingerprint
    change(files[which])
    told = seqgan(*command, "-q", "--run", run)
    assert told.code == 0
    assert told.err.count("\n") == 1
    assert told.err.startswith(f"Warning: {files[which]} has changed since {run} read it, and the run goes on with what it was")
    assert Run(run).fingerprint == fingerprint
    assert dropped(told.err) == {"pretrain-d", "adversarial"}
    *going_on, words = advice(told.err)
    assert [each[0] for each in going_on] == ["pretrain-g"] * (which == "data")  # test_continued.py carries it out
    assert seqgan(*words).code == 0
    assert Run(run).fingerprint != fingerprint
    assert has(run) == set()
    assert seqgan("pretrain-g", "-q", "--run", run).err == ""


@pytest.fixture
def begun(seqgan, untrained, sentences, tiny_config, tmp_path) -> Callable[[], str]:
    """A run on a file of its own, and what its next command says."""
    data = Path(shutil.copy(sentences, tmp_path / "data.txt"))
    assert seqgan("pretrain-g", "-q", "--data", data, "--config", tiny_config, "--run", tmp_path / "run").code == 0
    return lambda: str(seqgan("pretrain-g", "-q", "--run", tmp_path / "run").err)


@pytest.mark.parametrize("how", ["touched", "gone", "a folder", "another link", "as before"])
def test_nothing_is_said_of_data_that_have_not_changed_or_are_gone(begun, sentences, tmp_path, how):
    data = tmp_path / "data.txt"
    if how != "touched":
        data.unlink()
    if how == "touched":
        data.touch()
    elif how == "another link":
        data.symlink_to(sentences)
    elif how == "as before":
        shutil.copy(sentences, data)
    elif how == "a folder":
        data.mkdir()
    assert (begun() == "") == (how != "a folder")


def test_nothing_is_said_by_runs_that_recorded_nothing(begun, tmp_path):
    record_anew(tmp_path / "run", origins={})
    rewritten(tmp_path / "data.txt")
    assert begun() == ""


@pytest.mark.parametrize("how", ["added", "removed", "renamed", "rewritten", "touched"])
def test_a_folder_has_changed_if_one_of_its_files_has(seqgan, untrained, tiny_config, tmp_path, how):
    folder = Path(shutil.copytree(Path(__file__).parents[2] / "data" / "tunes", tmp_path / "tunes"))
    arguments = ["pretrain-g", "-q", "--run", tmp_path / "run"]
    assert seqgan(*arguments, "--data", folder, "--config", tiny_config).code == 0
    first, second, *_ = sorted(folder.rglob("*.mid"))
    if how == "added":
        shutil.copy(first, folder / "more.mid")
    elif how == "removed":
        first.unlink()
    elif how == "renamed":
        first.rename(folder / "other.mid")
    elif how == "rewritten":
        shutil.copy(second, first)
    else:
        first.touch()
    assert (f"{folder} has changed" in seqgan(*arguments).err) == (how != "touched")


# What is missing or damaged


@pytest.mark.parametrize("name", ["run", "a run", "it's"])
def test_what_begins_a_run_begins_that_one(seqgan, untrained, tiny_config, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    for command in (["sample"], ["eval-nll"], ["status"], ["pretrain-d"], ["rerun", name], ["compare", name, "other"]):
        asked = command if name in command else [*command, "--run", name]
        outcome = seqgan(*asked)
        assert outcome.code == 1
        (words,) = advice(outcome.err)
        assert words[:2] == ["pretrain-g", "--run"]
        assert Path(words[2]).resolve() == tmp_path / name
    assert seqgan("pretrain-g", "--run", name, "--config", tiny_config).code == 0
    assert seqgan("status", "--run", name).code == 0
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_missing_stage_is_trained_by_what_is_advised(seqgan, synthetic_copy):
    shutil.rmtree(synthetic_copy / "checkpoints" / "adversarial")
    outcome = seqgan("sample", "--from", "adversarial", "--run", synthetic_copy)
    (words,) = advice(outcome.err)
    assert seqgan(*words).code == 0
    assert seqgan("sample", "-n", 1, "--from", "adversarial", "--run", synthetic_copy).code == 0


def test_a_damaged_stage_is_mended_by_what_is_advised(seqgan, synthetic_copy):
    for path in (synthetic_copy / "checkpoints" / "adversarial").glob("*.npz"):
        path.write_bytes(b"")
    outcome = seqgan("sample", "--run", synthetic_copy)
    (words,) = advice(outcome.err)
    assert seqgan(*words).code == 0
    assert seqgan("sample", "-n", 1, "--from", "adversarial", "--run", synthetic_copy).code == 0


def test_what_follows_an_earlier_generator_restarts_from_this_one(seqgan, synthetic_copy):
    outcome = seqgan("pretrain-g", "--epochs", 13, "--run", synthetic_copy)
    assert outcome.code == 0
    (words,) = advice(outcome.err)
    assert words[0] == "pretrain-d"
    assert "restarts pretrain-d from this one and drops adversarial." in outcome.err
    assert dropped(outcome.err) == {"adversarial"}
    assert seqgan(*words).code == 0
    assert has(synthetic_copy) == {"pretrain-g", "pretrain-d"}
