"""The notebook of the documents: its cells run one after the other, in `make soak` by a kernel as a reader's do."""

import contextlib
import io
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from eager import eager

ROOT = Path(__file__).parents[1]
NOTEBOOK = ROOT / "docs" / "first_run.ipynb"


def cells() -> list[str]:
    import nbformat

    return [cell.source for cell in nbformat.read(NOTEBOOK, as_version=4).cells if cell.cell_type == "code"]


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the data that the notebook reads, fewer and shorter: steps are as many as the longest has words."""
    (tmp_path / "data").mkdir()
    lines = (ROOT / "data" / "sentences.txt").read_text(encoding="utf-8").splitlines(keepends=True)
    few = [line for line in lines if len(line.split()) <= 7][:150]
    (tmp_path / "data" / "sentences.txt").write_text("".join(few), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "agg")
    return tmp_path


def test_its_cells_run(clone: Path) -> None:
    smaller = '"pretrain-g.epochs": 2, "adversarial.rounds": 1, "adversarial.rollouts": 1, "evaluation.samples": 30, '
    smaller += '"evaluation.final-samples": 30, "pretrain-d.d-steps": 1, "pretrain-d.d-samples": 32, '
    smaller += '"adversarial.d-samples": 32'
    asked = '"pretrain-g.epochs": 20, "adversarial.rounds": 5'
    assert asked in cells()[0]
    names: dict[str, Any] = {}
    with eager(), contextlib.redirect_stdout(io.StringIO()):
        for source in cells():
            exec(compile(source.replace(asked, smaller), str(NOTEBOOK), "exec"), names)
    assert len(names["curve"]) == 5, "two epochs, a round, and what each began with"


@pytest.mark.whole
def test_a_kernel_runs_it(clone: Path) -> None:
    import nbclient
    import nbformat

    notebook = nbformat.read(NOTEBOOK, as_version=4)
    shutil.copy(ROOT / "data" / "sentences.txt", clone / "data")
    inherited = {name: value for name, value in os.environ.items() if name != "MPLBACKEND"}  # a kernel draws into its cells
    environment = {**inherited, "PYTHONPATH": str(ROOT / "src")}
    nbclient.NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(clone)}}).execute(env=environment)
    outputs = [cell.outputs for cell in notebook.cells if cell.cell_type == "code"]
    assert all(outputs[1:])


def test_it_is_kept_without_outputs() -> None:
    """Figures that no command of the checkout has written are none of ours."""
    import nbformat

    assert not any(cell.get("outputs") for cell in nbformat.read(NOTEBOOK, as_version=4).cells)
