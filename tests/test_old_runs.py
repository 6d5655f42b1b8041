"""Runs and prepared data of earlier versions go on: they have one held-out part, which chooses and reports, and say so."""

import shutil
from pathlib import Path

import pytest

from seqgan_cli.arrays import read_arrays
from seqgan_cli.data.split import CHOOSES_AND_REPORTS
from seqgan_cli.runs.run import Run

pytestmark = pytest.mark.usefixtures("quickly")

OLD = Path(__file__).parent / "old_runs"
VERSIONS = ("0.1.0",)  # of two parts


@pytest.mark.sampled(1)
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", ["text", "oracle"])
def test_an_old_run_goes_on(tmp_path: Path, seqgan, version: str, name: str) -> None:
    run = Path(shutil.copytree(OLD / version / name, tmp_path / "run"))
    before = Run(run).history.rows()
    more = seqgan("adversarial", "--run", run, "--rounds", 3)
    assert more.code == 0, more.err
    assert CHOOSES_AND_REPORTS in more.err
    rows = Run(run).history.rows()
    assert rows[: len(before)] == before
    added = {row.metric for row in rows[len(before) :]}
    assert {"nll_test", "d_accuracy_test", "distinct_share"} <= added
    assert not {"nll_validation", "d_accuracy_validation"} & added
    assert {row.position for row in rows[len(before) :]} == {3}
    for command in (["sample", "-n", 3], ["status"], ["eval-nll", "--samples", 32]):
        scored = seqgan(*command, "--run", run)
        assert scored.code == 0, scored.err
        assert scored.out
    if name == "text":
        assert seqgan("eval-bleu", "--run", run, "-n", 32).code == 0


@pytest.mark.parametrize("version", VERSIONS)
def test_an_old_run_is_not_called_changed_where_only_its_version_repeats_it(tmp_path: Path, seqgan, version: str) -> None:
    run = Path(shutil.copytree(OLD / version / "oracle", tmp_path / "run"))
    again = seqgan("rerun", run)
    assert again.code == 1
    assert again.err == (
        f"Error: {run} was begun by an earlier version, which trained and scored otherwise: only that version repeats it.\n"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


@pytest.mark.parametrize("version", VERSIONS)
def test_old_prepared_data_are_streamed(tmp_path: Path, seqgan, tiny_config: Path, version: str) -> None:
    folder = shutil.copytree(OLD / version / "prepared", tmp_path / "prepared")
    done = seqgan("pretrain-g", "--data", folder, "--run", tmp_path / "run", "--config", tiny_config, "--epochs", 1)
    assert done.code == 0, done.err
    assert CHOOSES_AND_REPORTS in done.err
    assert "nll_test" in Run(tmp_path / "run").history.at("pretrain-g", 1)


@pytest.mark.sampled(1)
@pytest.mark.parametrize("name", ["text", "oracle"])
def test_a_run_from_before_components_goes_on(tmp_path: Path, seqgan, name: str) -> None:
    """Its record knows no `adversarial.algorithm`; its checkpoints have the names of then."""
    run = Path(shutil.copytree(OLD / "format-3" / name, tmp_path / "run"))
    before = Run(run).history.rows()
    more = seqgan("adversarial", "--run", run, "--rounds", 3)
    assert more.code == 0, more.err
    rows = Run(run).history.rows()
    assert rows[: len(before)] == before
    assert {row.metric for row in rows[len(before) :]} >= {row.metric for row in before if row.stage == "adversarial"}
    assert {row.position for row in rows[len(before) :]} == {3}
    kept = [read_arrays(path) for path in sorted(run.glob("checkpoints/adversarial/0*"))]
    assert len(kept) == 2
    assert set(kept[0]) == set(kept[1])
    for command in (["sample", "-n", 3], ["sample", "-n", 3, "--from", "best"], ["status"], ["eval-nll", "--samples", 32]):
        scored = seqgan(*command, "--run", run)
        assert scored.code == 0, scored.err
        assert scored.out
    assert Run(run).config().values["adversarial.algorithm"] == "policy-gradient"
