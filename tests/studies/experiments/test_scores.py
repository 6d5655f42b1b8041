"""Scores of a run's generators: independent where a test takes them for it, and kept only for the measure that they are of."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.stats import kstest

from sampled import examples
from seqgan_cli import __version__
from seqgan_cli.runs.run import Run
from seqgan_cli.sampling.likelihood import sequence_nll
from seqgan_cli.studies.experiments import scores
from seqgan_cli.studies.experiments.results import compare
from seqgan_cli.studies.experiments.scores import Scorer, measure

SAMPLES = 64


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, tiny_config: Path) -> Run:
    """A run of an epoch of pretrain-g."""
    from seqgan_cli.cli import main

    path = tmp_path_factory.mktemp("scores") / "run"
    with pytest.raises(SystemExit) as ended:
        main(["pretrain-g", "--run", str(path), "--config", str(tiny_config), "--epochs", "1", "-q"])
    assert not ended.value.code
    return Run(path)


def scorer_of(run: Run, warn: Callable[[str], None] = pytest.fail) -> Scorer:
    return Scorer(run, SAMPLES, warn)


def renumbered(weights: list[np.ndarray], order: np.ndarray) -> list[np.ndarray]:
    """The weights of the same generator with its hidden units in another order: embedding, LSTM, output layer."""
    embedding, kernel, recurrent, bias, output, output_bias = weights
    gates = np.concatenate([order + gate * len(order) for gate in range(4)])
    return [embedding, kernel[:, gates], recurrent[order][:, gates], bias[gates], output[order], output_bias]


def test_samples_drawn_alike_are_the_same_where_generators_are(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of one distribution with other weights: from one key the same samples, else others."""
    own = [weight.numpy() for weight in scorer_of(run).generator.trainable_variables]
    twin = renumbered(own, np.random.default_rng(0).permutation(len(own[2])))

    def load(self: Scorer, which: str) -> tuple[str, int]:
        for variable, array in zip(self.generator.trainable_variables, own if which == "own" else twin, strict=True):
            variable.assign(array)
        return "pretrain-g", 1

    monkeypatch.setattr(Scorer, "load", load)
    scorers = (Scorer(run, SAMPLES, pytest.fail, common_random_numbers=each) for each in (True, False))
    alike, apart = ([scorer.score(which).scores.nll_oracle.mean for which in ("own", "twin")] for scorer in scorers)
    assert alike[0] == pytest.approx(alike[1], rel=1e-5)
    assert apart[0] != pytest.approx(apart[1], rel=1e-5)
    assert len({*alike, *apart}) >= 3


@pytest.mark.whole
@pytest.mark.compiled
def test_p_is_uniform_between_generators_that_say_the_same(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two generators of one distribution and other weights, over 200 seeds: Welch's p is what it is under the null."""
    scorer = scorer_of(run)
    own = [weight.numpy() for weight in scorer.generator.trainable_variables]
    twin = renumbered(own, np.random.default_rng(0).permutation(len(own[2])))
    tokens = scorer.corpus.train[:8]
    expected = sequence_nll(scorer.generator, tokens)

    def load(self: Scorer, which: str) -> tuple[str, int]:
        for variable, array in zip(self.generator.trainable_variables, own if which == "own" else twin, strict=True):
            variable.assign(array)
        return "pretrain-g", 1

    monkeypatch.setattr(Scorer, "load", load)
    monkeypatch.setattr(Scorer, "_kept", lambda self, name, compute, parse: compute())
    load(scorer, "twin")
    assert sequence_nll(scorer.generator, tokens) == pytest.approx(expected, rel=1e-5)
    found = []
    for seed in range(200):
        scorer.settings = scorer.settings.changed({"seed": seed})
        comparison = compare({0: scorer.score("own")}, {0: scorer.score("twin")}, ("nll_oracle",))
        assert comparison
        found.append(comparison.largest_p("nll_oracle"))
    assert kstest(found, "uniform").pvalue > 0.01
    itself = compare({0: scorer.score("own")}, {0: scorer.score("own")}, ("nll_oracle",))
    assert itself
    assert itself.paired["nll_oracle"].difference.mean == 0.0
    assert itself.largest_p("nll_oracle") == 1.0


def kept_in(run: Run) -> dict[Path, dict[str, Any]]:
    return {path: json.loads(path.read_text()) for path in (run.path / "scores").rglob("*.json")}


@pytest.mark.whole
@settings(max_examples=examples(10), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(["version", "measure", None]), st.text() | st.none() | st.integers())
def test_kept_scores_are_used_by_the_measure_that_they_are_of_alone(run: Run, field: str | None, other: Any) -> None:
    """Those of another version, of a measure that has changed, or of a version that wrote neither, are made anew and told."""
    shutil.rmtree(run.path / "scores", ignore_errors=True)
    first, data = scorer_of(run).score("latest"), scorer_of(run).data()
    before = kept_in(run)
    assert len(before) == 2
    stale = field is None or other not in (__version__, measure())
    for path, record in before.items():
        entry = record["scores"]
        for name in ("token_types", "distinct_share"):
            entry[name] = 7
        path.write_text(json.dumps(entry if field is None else {**record, field: other} if stale else record))
    told: list[str] = []

    def warn(message: str) -> None:
        told.append(message)

    again = scorer_of(run, warn)
    if stale:
        assert again.score("latest") == first
        assert again.data() == data
        assert all(record["scores"]["token_types"] != 7 for record in kept_in(run).values())
    assert all(record["version"] == __version__ and record["measure"] == measure() for record in kept_in(run).values())
    assert len(told) == stale
    if not stale:
        assert again.score("latest").scores.token_types == 7, "what is kept by this measure is not computed twice"


@pytest.mark.parametrize(
    "changed",
    [
        *("evaluation/metrics/bleu.py", "evaluation/generators.py", "models/softmax.py", "data/kinds/text.py"),
        *("sampling/choices.py", "randomness.py"),
    ],
)
def test_a_measure_that_changes_is_another(tmp_path: Path, changed: str) -> None:
    package = Path(shutil.copytree(Path(scores.__file__).parents[2], tmp_path / "package"))
    assert measure(package) == measure()
    measure.cache_clear()
    with (package / changed).open("a", encoding="utf-8") as file:
        file.write("# another\n")
    assert measure(package) != measure()
