"""Every algorithm trains from the command line, and goes on to the same bits."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqgan_cli.config import registry
from seqgan_cli.runs.run import Run

pytestmark = pytest.mark.usefixtures("quickly")


@pytest.mark.sampled(1)
@pytest.mark.parametrize("algorithm", registry.algorithms.ours)
def test_it_trains_and_goes_on(algorithm: str, seqgan: Callable[..., Any], tmp_path: Path, tiny_config: Path) -> None:
    run, again = tmp_path / "run", tmp_path / "again"
    reward = ("--reward", "random", "--baseline", "leave-one-out", "--rollouts", 1)
    common = ("--config", tiny_config, "--algorithm", algorithm, *reward)
    assert seqgan("pretrain-g", "--run", run, "--config", tiny_config, "--epochs", 1).code == 0
    Run(run).fork(again)
    assert seqgan("adversarial", "--run", run, *common, "--rounds", 2).code == 0
    assert seqgan("adversarial", "--run", again, *common, "--rounds", 1).code == 0
    assert seqgan("adversarial", "--run", again, "--rounds", 2).code == 0
    found, expected = (Run(each).checkpoints("adversarial").latest(pytest.fail) for each in (run, again))
    assert found
    assert expected
    np.testing.assert_equal(found.arrays, expected.arrays)
    other = next(name for name in registry.algorithms.ours if name != algorithm)
    refused = seqgan("adversarial", "--run", run, "--rounds", 3, "--algorithm", other)
    assert refused.code == 2
    assert f"adversarial.algorithm is {algorithm}" in refused.err
