"""Experiments on real data: scores of which more is better, and the command from a file to its tables."""

import csv
import dataclasses
import json
import random
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ttest_ind_from_stats

from made_up import real_results
from seqgan_cli.runs.run import Run
from seqgan_cli.studies.experiments import outputs, tables
from seqgan_cli.studies.experiments.findings import conclusions


def seeds(score: float, nll_test: float = 6.0, count: int = 5, salt: int = 0) -> list[tuple[float, float]]:
    draw = np.random.default_rng(salt)
    return [(score + draw.normal(0, 0.001), nll_test + draw.normal(0, 0.01)) for _ in range(count)]


def test_more_bleu_is_better():
    made = real_results({"mle": seeds(0.60, salt=1), "constant": seeds(0.64, 6.5, salt=2), "seqgan": seeds(0.70, 6.5, salt=3)})
    told = conclusions(made)
    assert told[0].startswith("Against MLE, from which it starts, SeqGAN is better in quality by more than 0.01: bleu_2 +0.1")
    assert told[2].startswith("Against the constant reward, SeqGAN is better in quality by more than 0.01: bleu_2 +0.06")
    assert told[3].startswith("The highest bleu_2 is that of SeqGAN (0.7")
    assert "the lowest nll_test that of MLE" in told[3]


def test_what_nothing_compares_stands_beside_what_is_compared(tmp_path: Path) -> None:
    """Of generators, of the training data, and in results.json; where scores were kept without it, nothing."""
    made = real_results({"mle": seeds(0.60, salt=1), "seqgan": seeds(0.70, 6.5, salt=3)})
    shown = ("bleu_2", "bleu_5")  # bleu_2 stands for one that all have, and no row has bleu_5
    wider = dataclasses.replace(made, design=dataclasses.replace(made.design, extra_scores=shown))
    columns, rows = tables.scores_table(wider)
    first = len(columns) - columns[::-1].index("BLEU-2 ↑") - 1
    assert columns[first : first + 2] == ["BLEU-2 ↑", "BLEU-5 ↑"]
    assert {len(row) for row in rows} == {len(columns)}
    means = {row.title: f"{row.over_seeds('bleu_2').mean:.3f}" for row in made.rows}
    means["the training data"] = f"{np.mean([found['bleu_2'] for found in made.data.values()]):.3f}"
    assert {row[0]: row[first : first + 2] for row in rows if row[0] in means} == {k: [v, ""] for k, v in means.items()}
    wider = dataclasses.replace(wider, design=dataclasses.replace(wider.design, fluency="captions.npz"))
    outputs.write(wider, {}, tmp_path)
    again = outputs.read(tmp_path)[0]
    assert (again.design.extra_scores, again.design.fluency) == (shown, "captions.npz")
    assert "nll_fluency: how likely captions.npz, a language model of other text" in tables.scores_caption(again)
    assert "nll_fluency" not in tables.scores_caption(made)


def test_a_gain_that_the_constant_reward_has_too_is_not_earned():
    made = real_results({"mle": seeds(0.60, salt=1), "constant": seeds(0.70, 6.5, salt=2), "seqgan": seeds(0.66, 6.5, salt=3)})
    assert any("has not earned" in sentence for sentence in conclusions(made))


def test_sampling_mle_colder_is_the_control():
    """At its own Self-BLEU, half way along MLE's curve, MLE has a BLEU 0.05 above: the higher curve is the better one.

    By nll_test, in which its curve is not matched, SeqGAN would lie past the end of it.
    """

    def varied(pairs: list[tuple[float, float]], self_bleu: float) -> list[tuple[float, ...]]:
        return [(*pair, self_bleu) for pair in pairs]

    sweep = {
        ("mle", 1.0): varied(seeds(0.60, 6.0, salt=1), 0.5),
        ("mle", 0.7): varied(seeds(0.80, 6.4, salt=2), 0.7),
    }
    made = real_results({**sweep, "seqgan": varied(seeds(0.65, 6.5, salt=3), 0.6)})
    told = conclusions(made)[-1]
    assert told.startswith("SeqGAN's bleu_2, minus that of MLE at some temperature with a self_bleu_3 no worse, is -0.0")
    assert told.endswith("worse than turning that knob.")


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.floats(0.1, 0.9), st.floats(4, 8), st.floats(0.1, 0.9)), min_size=2, max_size=6),
    st.tuples(st.floats(0.1, 0.9), st.floats(4, 8), st.floats(0.1, 0.9)),
    st.sampled_from(["poems", "speeches", "music"]),
)
def test_the_table_and_the_sentences_match_in_the_same_score(sweep: Any, point: Any, kind: str) -> None:
    """What the table prints of a generator against a curve is what the sentence beside it says."""
    at = {("mle-strong", 1.0 - i / 10): [figures, figures] for i, figures in enumerate(sweep)}
    made = real_results({**at, "seqgan": [point, point]}, kind)
    columns, rows = tables.matched_table(made)
    cells = next(row for row in rows if row[0] == "SeqGAN")
    cell = cells[columns.index("minus MLE, strong")]
    (told,) = [words for words in conclusions(made) if "MLE, strong at " in words] or [""]
    if cell == tables.PAST_ITS_END:
        assert "not compared" in told
        assert not re.search(r"[+-]\d\.\d{3}", told)
    else:
        assert bool(cell) == bool(told)
        assert cell in told


def test_the_datas_own_scores_stand_in_their_columns():
    columns, rows = tables.scores_table(real_results({"mle": seeds(0.60, salt=1), "seqgan": seeds(0.70, salt=2)}))
    by_name = {row[0]: dict(zip(columns, row, strict=True)) for row in rows}
    training, heldout = by_name["the training data"], by_name["the held-out data"]
    assert training["BLEU-2 ↑"].startswith("0.700 ± ")
    assert (training["distinct"], training["Self-BLEU-3 ↓"], training["copied run"]) == ("100.0%", "0.700", "")
    assert [heldout[name] for name in ("BLEU-2 ↑", "distinct", "copied run")] == ["", "", "0.70"]
    assert by_name["SeqGAN"]["copied run"] == "0.70"


def test_two_scores_of_quality_are_both_tested(tmp_path: Path):
    made = real_results({"mle": seeds(0.60, salt=1), "seqgan": seeds(0.70, salt=2)}, kind="speeches")
    columns, rows = tables.tests_table(made)
    assert [row[columns.index("score")] for row in rows] == ["bleu_3", "bleu_4"]
    assert {row[-1] for row in rows} == {"higher"}
    outputs.write(made, {"data.source": "/home/someone/poems.txt"}, tmp_path)
    with (tmp_path / "table.csv").open() as file:
        seqgan = next(row for row in csv.DictReader(file) if row["method"] == "seqgan")
    means = [[scored.scores.real["bleu_4"] for scored in made.row(name).seeds.values()] for name in ("seqgan", "mle")]
    expected = np.mean([a.mean - b.mean for a, b in zip(*means, strict=True)])
    assert float(seqgan["bleu_4_difference"]) == pytest.approx(expected, rel=1e-4)
    p = max(
        ttest_ind_from_stats(a.mean, 0.1, 1000, b.mean, 0.1, 1000, equal_var=False).pvalue for a, b in zip(*means, strict=True)
    )
    assert float(seqgan["welch_p_largest_bleu_4"]) == pytest.approx(p, rel=1e-3)
    again, settings = outputs.read(tmp_path)
    assert conclusions(again) == conclusions(made)
    assert settings["data.source"] == "poems.txt", "nobody's folders stand in results"


@pytest.fixture(scope="module")
def poems(tmp_path_factory: pytest.TempPathFactory) -> Path:
    draw = random.Random(0)
    path = tmp_path_factory.mktemp("poems") / "poems.txt"
    lines = ["".join(draw.choices("山人不日風雲水春上一", weights=range(1, 11), k=20)) for _ in range(120)]
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return path


@pytest.mark.whole
@pytest.mark.compiled  # of sequences of 20
def test_from_a_file_to_tables(experiment: Any, table: Any, poems: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    methods = ["--methods", "mle,constant", "--seeds", 2, "--out", out]
    done = experiment("poems", "--data", poems, *methods)
    assert done.returncode == 0, done.stderr
    for words in ("BLEU-2 ↑", "the training data", "constant reward", "each with a split of its own of poems.txt"):
        assert words in done.stdout
    rows = json.loads((out / "poems" / "results.json").read_text())["rows"]
    assert {(row["method"], row["temperature"]) for row in rows} == {
        *(("mle", t) for t in (1.0, 0.9, 0.8, 0.7, 0.6, 0.5)),
        ("constant", 1.0),
    }
    assert all(0 < scored["scores"]["real"]["bleu_2"]["mean"] <= 1 for row in rows for scored in row["seeds"].values())
    assert str(poems.parent) not in (out / "poems" / "results.json").read_text()
    with (out / "poems" / "curves.csv").open() as file:
        assert {"bleu_2", "nll_validation"} <= {row["metric"] for row in csv.DictReader(file)}
    assert Run(out / "seed-0" / "constant").config().settings.data.kind == "poems"
    first, second = (Run(out / f"seed-{seed}" / "mle").corpus() for seed in (0, 1))
    assert first.train.shape == second.train.shape == (96, 20)
    assert first.test.tolist() != second.test.tolist()

    listed = table("poems", "--data", poems, *methods, "--dry-run")
    assert listed.code == 0, listed.err
    assert listed.out.count("100%") == 4

    swept = table("frontier", "--data", poems, *methods, "--partial")
    assert swept.code == 0, swept.err
    assert "constant reward" in swept.out[swept.out.index("At matched coverage") :]
    assert "Self-BLEU-3 ↓" in swept.out
    rows = json.loads((out / "frontier" / "results.json").read_text())["rows"]
    assert {row["temperature"] for row in rows if row["method"] == "constant"} == {1.0, 0.9, 0.8, 0.7, 0.6, 0.5}
    assert (out / "frontier" / "frontier.png").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["poems"], "experiment poems needs data: give --data."),
        (["synthetic", "--data", "speech"], "needs the oracle's truth"),
        (["synthetic", "--fluency", "x.npz"], "--fluency scores what experiments on --data sample: leave it out of synthetic."),
        (["music", "--data", "speech"], "--data speech is of kind speeches: leave --kind out."),
    ],
)
def test_data_and_experiment_go_together(table: Any, tmp_path: Path, arguments: list[str], words: str) -> None:
    done = table(*arguments, "--out", tmp_path / "out")
    assert done.code == 2
    assert words in done.err
    assert not (tmp_path / "out").exists()
