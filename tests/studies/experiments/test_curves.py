"""Curves over temperatures go on until they meet what is held against them, or to the coldest there is."""

from collections import defaultdict
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from made_up import results as made_of
from made_up import scored
from sampled import examples
from seqgan_cli.config.resolution import resolve
from seqgan_cli.sampling.choices import Sampling
from seqgan_cli.studies.experiments import results
from seqgan_cli.studies.experiments.drawing import frontier_curves
from seqgan_cli.studies.experiments.findings import matched
from seqgan_cli.studies.experiments.methods import COLDER, EXPERIMENTS, KNOBS, MATCHED, METHODS, TEMPERATURES
from seqgan_cli.studies.experiments.plan import tasks

FRONTIER = EXPERIMENTS["frontier"].methods


def collected(
    tmp_path: Any, coverage: dict[str, float], growth: float, seeds: int = 2, fluency: Any = None
) -> tuple[results.Results, Any]:
    """What `collect` makes of generators that cover c / T^growth at temperature T, with c by method, and how often it asked."""
    asked: dict[tuple[str, int], list[float]] = defaultdict(list)
    by_work = {METHODS[name].work: name for name in coverage if METHODS[name].which == "latest"}
    by_best = {METHODS[name].work: name for name in coverage if METHODS[name].which == "best"}
    by_start = {METHODS[name].work: name for name in coverage if METHODS[name].corrected}

    class Scorer:
        def __init__(self, run: Any, samples: int, warn: Any, variety: bool, fluency: Any, given: Any = fluency) -> None:
            assert fluency is given
            self.work, self.seed = run.path.name, int(run.path.parent.name.removeprefix("seed-"))

        def data(self) -> dict[str, float]:
            return {"nll_oracle": 5.9, "nll_oracle_uniform": 11.2, "distinct_share": 1.0, "token_types": 100.0}

        def uncorrectable(self) -> str:
            return ""

        def score(self, which: str, sampling: Sampling, corrected: bool) -> Any:
            temperature = sampling.temperature
            method = (by_start if corrected else by_best if which == "best" else by_work)[self.work]
            asked[method, self.seed].append(temperature)
            return scored(9.0 * temperature, coverage[method] * (1 + 0.1 * self.seed) / temperature**growth)

    class Trained(results.Run):
        def has(self, stage: str) -> bool:
            return True

        def checkpoints(self, stage: str) -> Any:
            return SimpleNamespace(best=lambda: True)

    config = resolve({}, {}, None, "quick")
    planned = tasks(tmp_path, list(coverage), range(seeds), config, "quick")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(results, "Scorer", Scorer)
        patch.setattr(results, "Run", Trained)
        found = results.collect("frontier", list(coverage), planned, 10, 0.05, pytest.fail, lambda what: None, fluency=fluency)
    return found, asked


def test_scores_of_texts_stand_beside_if_they_are_asked_for(tmp_path: Any) -> None:
    plain = collected(tmp_path, {"mle": 5.0}, 1.0)[0].design
    asked = collected(tmp_path, {"mle": 5.0}, 1.0, fluency=SimpleNamespace(path=tmp_path / "captions.npz"))[0].design
    assert (asked.extra_scores, asked.fluency) == ((*plain.extra_scores, "nll_fluency", "fluency_unknown"), "captions.npz")
    assert plain.fluency == ""


@settings(deadline=None, max_examples=examples(40))
@given(st.fixed_dictionaries({name: st.floats(1.0, 50.0) for name in FRONTIER}), st.floats(0.0, 2.0))
def test_a_curve_goes_on_until_it_covers_as_little_as_each_method_does(
    tmp_path_factory: Any, coverage: Any, growth: float
) -> None:
    found, asked = collected(tmp_path_factory.getbasetemp(), coverage, growth)
    for (method, seed), temperatures in asked.items():
        assert temperatures == [*TEMPERATURES, *COLDER][: len(temperatures)], "once each, from warm to cold"
        base = method in (*KNOBS, *MATCHED)
        rivals = max(c for name, c in coverage.items() if name != method)
        further = temperatures[len(TEMPERATURES) :]
        assert base or not further
        if base and temperatures[-1] != COLDER[-1]:
            assert coverage[method] / temperatures[-1] ** growth >= rivals
        if further:
            before = temperatures[-2]
            assert coverage[method] / before**growth < rivals, "and no further"
        assert len(temperatures) == len(asked[method, 1 - seed]), "the same in every seed"
    for name in FRONTIER:
        row = found.row(name)
        assert row
        for base in (*KNOBS, *MATCHED):
            if matched(found, row, base).past:
                assert (base, COLDER[-1]) in {(other.method, other.at) for other in found.rows}


def test_curves_of_different_lengths_are_drawn_each_to_its_end() -> None:
    made = made_of(
        {("mle", 1.0): [(9.0, 9.0)] * 2, ("mle", 0.9): [(8.0, 10.0)] * 2, ("mle", 0.45): [(7.0, 12.0)] * 2}
        | {("seqgan", 1.0): [(8.5, 9.5)] * 2, ("seqgan", 0.9): [(8.2, 9.9)] * 2, "random": [(11.0, 8.5)] * 2},
        kind="frontier",
    )
    curves, temperatures = frontier_curves(made)
    assert temperatures == [1.0, 0.9, 0.45]
    assert {curve.label: list(curve.x) for curve in curves} == {"MLE": [9.0, 10.0, 12.0], "SeqGAN": [9.5, 9.9]}
