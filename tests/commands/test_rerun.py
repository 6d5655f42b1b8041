"""`seqgan rerun`: the same weights, byte for byte, or why not."""

import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eager import eager
from sampled import examples
from seqgan_cli.runs.run import Run
from store_parts import record_anew


@pytest.fixture(scope="module")
def trained(tmp_path_factory, tiny_config):
    """A run of all stages."""
    from seqgan_cli.cli import main

    run = tmp_path_factory.mktemp("rerun") / "run"
    few = ["--set", "pretrain-g.epochs=2", "--set", "pretrain-d.d-steps=1", "--set", "adversarial.rounds=1"]
    for stage in ("pretrain-g", "adversarial"):  # which trains the discriminator first
        with pytest.raises(SystemExit) as ended, eager():
            main([stage, "--run", str(run), "--config", str(tiny_config), "-q", *few])
        assert not ended.value.code
    return run


def test_a_run_repeats_byte_for_byte_and_says_so(seqgan, trained):
    done = seqgan("rerun", trained)
    assert done.code == 0, done.err
    assert done.out.count("the same, byte for byte") == 3
    again = Run(trained.with_name("run-again"))
    for stage in ("pretrain-g", "pretrain-d", "adversarial"):
        names = sorted(path.name for path in (trained / "checkpoints" / stage).iterdir())
        assert names
        for name in names:
            assert (again.path / "checkpoints" / stage / name).read_bytes() == (
                trained / "checkpoints" / stage / name
            ).read_bytes()
    once_more = seqgan("rerun", trained)  # finished: only compares
    assert once_more.code == 0
    assert once_more.out == done.out


@pytest.fixture
def repeated(seqgan, trained, tmp_path):
    """A run to alter, and beside it what its repetition came to, which `rerun` finds finished and compares."""
    if not trained.with_name("run-again").exists():
        assert seqgan("rerun", trained).code == 0
    for name in ("run", "run-again"):
        shutil.copytree(trained.with_name(name), tmp_path / name)
    return tmp_path / "run"


def test_another_outcome_is_an_error_with_its_reasons(seqgan, repeated):
    run = repeated
    found = Run(run).checkpoints("adversarial").latest(pytest.fail)
    name = next(name for name in found.arrays if name.startswith("generator/"))
    Run(run).checkpoints("adversarial").save(
        found.position, {**found.arrays, name: found.arrays[name] + 1e-7}, found.facts, best=False
    )
    record_anew(run, versions={"tensorflow": "2.1"})
    done = seqgan("rerun", run)
    assert done.code == 1
    assert "1 of" in done.out
    assert "tensorflow 2.1 → 2." in done.err
    assert f"{run}-again did not come out as {run} did" in done.err


def test_data_that_have_changed_are_told(seqgan, tmp_path, tiny_config):
    data = tmp_path / "data.txt"
    data.write_text("a b c\nb c a\nc a b\na a b\n" * 10, encoding="utf-8")
    assert seqgan("pretrain-g", "--data", data, "--run", tmp_path / "run", "--config", tiny_config, "--epochs", 1).code == 0
    data.write_text("a b c\nb c a\nc a b\na a c\n" * 10, encoding="utf-8")
    done = seqgan("rerun", tmp_path / "run")
    assert done.code == 1
    assert f"{data} is not what {tmp_path}/run was trained on: it has changed since." in done.err


@pytest.mark.parametrize("target", [None, "run"])
def test_what_cannot_be_repeated_is_refused(seqgan, tmp_path, trained, target):
    if target is None:
        done = seqgan("rerun", tmp_path / "none")
        assert done.code == 1
        assert "There is no run in" in done.err
    else:
        done = seqgan("rerun", trained, "--run", trained)
        assert done.code == 2
        assert "is RUN itself" in done.err


def check_that_it_repeats(seqgan, tiny_config, commands):
    """Whatever epochs its commands scored, and whatever patience the last of them had, a sound run is the same again.

    commands: how many epochs each of them adds, and its --eval-every and patience.
    """
    with tempfile.TemporaryDirectory() as folder:
        run, epochs = Path(folder) / "run", 0
        for more, every, patience in commands:
            epochs += more
            options = ["--epochs", epochs, "--eval-every", every, "--set", f"pretrain-g.patience={patience}"]
            assert seqgan("pretrain-g", "--run", run, "--config", tiny_config, *options, "-q").code == 0
        done = seqgan("rerun", run)
        assert done.code == 0, done.err
        again = Run(run.with_name("run-again"))
        for name in ("best.npz", f"{Run(run).position('pretrain-g'):07d}.npz"):
            own, theirs = (one.path / "checkpoints" / "pretrain-g" / name for one in (Run(run), again))
            assert own.exists() == theirs.exists()
            if own.exists():
                assert own.read_bytes() == theirs.read_bytes(), name


@pytest.mark.whole
@pytest.mark.parametrize("commands", [[(2, 3, 0), (3, 2, 0), (1, 3, 1)], [(4, 1, 0), (2, 3, 1)]])
def test_a_run_in_several_commands_repeats(seqgan, tiny_config, commands):
    check_that_it_repeats(seqgan, tiny_config, commands)


@pytest.mark.sampled(0)  # in the soak alone
@settings(max_examples=examples(10), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(1, 3), st.integers(1, 4), st.integers(0, 2)), min_size=1, max_size=2))
def test_a_run_in_any_number_of_commands_repeats(seqgan, tiny_config, commands):
    check_that_it_repeats(seqgan, tiny_config, commands)


def test_a_score_that_differs_is_told(seqgan, repeated):
    run = repeated
    path = run / "history.csv"
    rows = Run(run).history.rows()
    changed = next(row for row in rows if row.metric == "nll_oracle" and row.position == 2)
    path.write_text(path.read_text().replace(repr(changed.value), repr(changed.value + 1e-6), 1), encoding="utf-8")
    done = seqgan("rerun", run)
    assert done.code == 1
    assert "differ in 1 points" in done.out
