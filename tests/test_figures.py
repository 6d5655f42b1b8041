"""Figures are files: drawing one changes nothing for a program, or a notebook, that draws figures of its own."""

from pathlib import Path

import matplotlib

from seqgan_cli.figures import learning_curve
from seqgan_cli.runs.history import Row


def test_the_users_backend_and_settings_stay(tmp_path: Path) -> None:
    rows = [Row("pretrain-g", position, position, "nll_validation", 3.0 - position, 0.0) for position in range(3)]
    before = matplotlib.get_backend()
    try:
        matplotlib.use("pdf")
        settings = dict(matplotlib.rcParams)
        learning_curve(rows, {}, tmp_path / "curve.png", tmp_path / "curve.svg")
        assert matplotlib.get_backend() == "pdf"
        assert dict(matplotlib.rcParams) == settings
    finally:
        matplotlib.use(before)
    assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG")
    assert "<text" in (tmp_path / "curve.svg").read_text(encoding="utf-8")
