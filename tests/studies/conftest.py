"""A study in a journal, as several processes see it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def shared(tmp_path: Path) -> Callable[..., Any]:
    """`shared(number, points=…)` opens the study once more, as another process would."""
    pytest.importorskip("optuna")
    from seqgan_cli.studies.leases import open_storage
    from seqgan_cli.studies.search.space import parse
    from seqgan_cli.studies.search.study import SearchStudy

    def open_once_more(number: int = 4, sampler: str = "random", searches: tuple[str, ...] = (), **changes: Any) -> SearchStudy:
        from seqgan_cli.studies.search.space import grid

        dimensions = [parse(text) for text in searches or ("update-rate=0:0.95", "generator.cell=lstm,gru")]
        objectives = changes.pop("objectives", {"nll_oracle": False, "nll_test": False})
        asked = {"preset": "quick", **changes}
        points = grid(dimensions) if sampler == "grid" else None
        storage = open_storage(str(tmp_path / "study.journal"))
        return SearchStudy(storage, "seqgan", objectives, asked, number, sampler, 0, dimensions, points)

    return open_once_more
