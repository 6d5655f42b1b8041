"""From scores to tables: tests equal SciPy's, files can be read back, and the words say what the numbers do."""

import csv
import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from made_up import results, scored
from seqgan_cli.errors import SeqganError
from seqgan_cli.evaluation.statistics import shown_p
from seqgan_cli.studies.experiments import outputs, tables
from seqgan_cli.studies.experiments.findings import above_curve, against_temperature, conclusions, variety
from seqgan_cli.studies.experiments.results import Design, arrange, compare

RECORD = Path(__file__).parents[3] / "docs" / "results"
SEEDS = 5
rng = np.random.default_rng(0)
NOISE = rng.normal(0, 0.3, SEEDS)  # what seeds share


def seeds(mean: float, test: float = 9.0, spread: float = 0.005, salt: int = 0) -> list[tuple[float, float]]:
    own = np.random.default_rng(salt).normal(0, spread, (SEEDS, 2))
    return [(mean + NOISE[i] + own[i, 0], test + own[i, 1]) for i in range(SEEDS)]


def test_comparisons_pair_seeds_and_equal_scipys_tests():
    from scipy.stats import ttest_ind_from_stats, ttest_rel

    mine, theirs = ({i: scored(*pair) for i, pair in enumerate(seeds(mean, salt=s))} for mean, s in ((9.0, 1), (8.9, 2)))
    found = compare(mine, theirs, ("nll_oracle",))
    a, b = ([s.scores.nll_oracle.mean for s in side.values()] for side in (mine, theirs))
    assert found.paired["nll_oracle"].p == pytest.approx(ttest_rel(a, b).pvalue)
    assert found.welch["nll_oracle"][2] == pytest.approx(
        ttest_ind_from_stats(a[2], 1, 1000, b[2], 1, 1000, equal_var=False).pvalue
    )


def test_seeds_that_one_side_lacks_are_left_out():
    mine = {0: scored(9.0, 9.0), 1: scored(9.1, 9.0), 2: scored(50.0, 9.0)}
    theirs = {1: scored(9.0, 9.0), 0: scored(8.9, 9.0)}
    found = compare(mine, theirs, ("nll_oracle",))
    assert found.paired["nll_oracle"].difference.count == 2
    assert found.paired["nll_oracle"].difference.mean == pytest.approx(0.1)
    assert sorted(found.welch["nll_oracle"]) == [0, 1]


@pytest.mark.parametrize(("p", "text"), [(math.nan, ""), (1e-9, "< 1e-6"), (0.0123, "0.012"), (1e-6, "1e-06")])
def test_p_is_shown_as_in_the_paper(p, text):
    assert shown_p(p) == text


def test_a_reward_that_knows_nothing_and_does_as_well_is_told():
    made = results({"mle": seeds(9.0, 9.0, salt=1), "constant": seeds(8.8, 9.3, salt=2), "seqgan": seeds(8.8, 9.3, salt=3)})
    told = conclusions(made)
    assert "SeqGAN is better in quality by more than 0.05 nats" in told[0]
    assert "the constant reward, which knows nothing, is better in quality by more than 0.05 nats" in told[1]
    assert "Against the constant reward, SeqGAN is equal in quality within 0.05 nats" in told[2]
    assert told[3] == "So the discriminator has not earned what SeqGAN gains over MLE."


def test_a_discriminator_that_earns_its_keep_is_told():
    made = results({"mle": seeds(9.0, 9.0, salt=1), "constant": seeds(8.9, 9.3, salt=2), "seqgan": seeds(8.5, 9.3, salt=3)})
    told = conclusions(made)
    assert "is better in quality by more than 0.05 nats" in told[2]
    assert not any("not earned" in sentence for sentence in told)


def test_one_seed_claims_nothing():
    made = results({"mle": [(9.0, 9.0)], "constant": [(8.8, 9.0)], "seqgan": [(8.0, 9.0)]})
    assert all("cannot be told apart in quality by one seed" in sentence for sentence in conclusions(made)[:3])
    assert all(row[-1] == "undecided" for row in tables.tests_table(made)[1])
    assert "spread is unknown" in tables.scores_caption(made)


def test_a_collapse_is_told():
    data = {"distinct_share": 1.0, "token_types": 100.0, "least_distinct_share": 0.5, "least_token_types": 50.0}
    whole = scored(9, 9).scores
    assert "has not collapsed" in variety(whole, data)
    poor = type(whole)(**{**vars(whole), "distinct_share": 0.4})
    assert variety(poor, data).startswith("The generator has collapsed")
    mute = type(whole)(**{**vars(whole), "token_types": 30})
    assert variety(mute, data).startswith("The generator has collapsed")


def test_nothing_is_earned_or_not_where_nothing_is_gained_or_coverage_is_kept():
    worse = results({"mle": seeds(9.0, 9.0, salt=1), "constant": seeds(8.8, 9.3, salt=2), "seqgan": seeds(9.4, 9.3, salt=3)})
    covers = results({"mle": seeds(9.0, 9.0, salt=1), "constant": seeds(8.8, 9.8, salt=2), "seqgan": seeds(8.8, 9.3, salt=3)})
    for made in (worse, covers):
        assert not any("earned" in sentence for sentence in conclusions(made))


def test_seeds_that_no_two_methods_share_are_not_compared():
    found = {("constant", 1.0): {1: scored(8.8, 9.3)}, ("seqgan", 1.0): {0: scored(8.5, 9.3)}}
    data = dict(results({"mle": [(9.0, 9.0)] * 2}).data)
    made = arrange(Design("synthetic", "quick", 1000, 0.05, False, {}), found, data)
    assert conclusions(made) == []
    assert tables.tests_table(made)[1] == []
    columns, rows = tables.scores_table(made)
    assert [row[columns.index("seeds")] for row in rows[:2]] == ["1", "0"]


def test_unfinished_training_concludes_nothing_and_is_marked():
    made = results({"mle": seeds(9.0), "seqgan": seeds(8.5)}, unfinished={"seed-0/seqgan": 0.25})
    assert len(conclusions(made)) == 1
    assert conclusions(made)[0].startswith("Not final: 1 of the runs behind this are unfinished (the least at 25%)")
    assert "NOT FINAL: seed-0/seqgan is at 25%." in outputs.markdown(made)


def test_pretraining_compares_each_adversarial_run_with_where_it_began():
    names = ("mle-short", "seqgan-short", "mle", "seqgan")
    made = results({name: seeds(9.0 - i / 10, salt=i) for i, name in enumerate(names)}, kind="pretraining")
    pairs = {row.method: row.comparison.against for row in made.rows if row.comparison}
    assert pairs == {"mle-short": "seqgan-short", "seqgan-short": "seqgan", "mle": "seqgan"}


CURVE = [(9.0, 9.0), (10.0, 8.0), (12.0, 7.0)]
FOLDED = [(7.70, 9.4), (7.69, 9.2), (7.72, 8.9)]


@pytest.mark.parametrize(
    ("coverage", "quality", "gap"),
    [(9.5, 8.5, 0.0), (11.0, 7.0, -0.5), (10.0, 9.0, 1.0), (12.0, 7.0, 0.0), (9.0, 9.5, 0.5)],
)
def test_the_gap_to_a_curve_is_taken_at_no_worse_a_coverage(coverage, quality, gap):
    assert above_curve(coverage, quality, CURVE) == pytest.approx(gap)
    assert above_curve(coverage, quality, CURVE[::-1]) == pytest.approx(gap)


def test_a_curve_that_folds_back_gives_its_best():
    assert above_curve(7.70, 9.25, FOLDED) == pytest.approx(0.05)


@pytest.mark.parametrize("coverage", [8.9, 12.001, 20.0, math.nan])
def test_where_the_curve_does_not_reach_nothing_is_said(coverage):
    """Before its beginning, where none of it covers as well, and past its end, where more of it was not measured."""
    assert math.isnan(above_curve(coverage, 6.0, CURVE))
    assert math.isnan(above_curve(coverage, 6.0, []))


# Strong MLE over temperatures 1 … 0.5, mean of five seeds (docs/results/experiment-fast/frontier).
STRONG = [(7.537, 9.226), (7.568, 8.969), (7.642, 8.629), (7.793, 8.184), (8.087, 7.594), (8.651, 6.868)]
NUMBERS = st.floats(1.0, 20.0, allow_subnormal=False)


@settings(deadline=None)
@given(st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=7), st.data())
@example(STRONG, None)
def test_a_curve_never_gains_on_itself(curve, data):
    """A curve's own points against it, whole or cut anywhere, lie on it, are bettered by another of them, or beyond its end."""
    cuts = range(1, len(curve) + 1) if data is None else [data.draw(st.integers(1, len(curve)))]
    for cut in cuts:
        kept = curve[:cut]
        for coverage, quality in curve:
            gap = above_curve(coverage, quality, kept)
            rivals = [y for x, y in kept if x <= coverage]
            if not rivals or coverage > max(x for x, _ in kept):
                assert math.isnan(gap)
            elif (coverage, quality) in kept:
                assert gap >= 0
                if len({x for x, _ in kept}) == len(kept):
                    assert gap == pytest.approx(quality - min(rivals), abs=1e-9)


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.floats(0.01, 2.0), st.floats(0.01, 2.0)), min_size=1, max_size=7), st.integers(0, 6), st.floats(0, 1)
)
def test_on_a_curve_whose_quality_is_paid_for_all_of_it_lies_at_nothing(steps, where, share):
    """Colder is better in quality and worse in coverage at each step: then every point between two neighbours is worth 0."""
    x, y = 7.0 + np.cumsum([step for step, _ in steps]), 30.0 - np.cumsum([step for _, step in steps])
    curve = list(zip(x, y, strict=True))
    i = where % len(curve)
    j = min(i + 1, len(curve) - 1)
    coverage, quality = (1 - share) * x[i] + share * x[j], (1 - share) * y[i] + share * y[j]
    assert above_curve(np.clip(coverage, x[i], x[j]), quality, curve) == pytest.approx(0.0, abs=1e-9)


@settings(deadline=None)
@given(st.integers(2, 6), st.integers(1, 6), st.integers(0, 2**32 - 1))
def test_a_method_is_not_held_against_itself(count, cut, seed):
    """Neither in the table nor in a sentence; and one that is the same under another name gains nothing where a figure is.

    Colder covers less in each of three seeds; what quality it has is anything.
    """
    draw = np.random.default_rng(seed)
    coverage = 7.0 + np.cumsum(draw.exponential(1.0, (count, 3)), axis=0)
    sweep = [list(zip(draw.uniform(5.0, 10.0, 3), at, strict=True)) for at in coverage]
    made = results(
        {("mle-strong", 1.0 - i / 10): seeds for i, seeds in enumerate(sweep[:cut])}
        | {("seqgan", 1.0 - i / 10): seeds for i, seeds in enumerate(sweep)}
    )
    columns, rows = tables.matched_table(made)
    for row in rows:
        cell = dict(zip(columns, row, strict=True))["minus MLE, strong"]
        assert row[0] != "MLE, strong" or cell == ""
        assert cell in ("", tables.PAST_ITS_END) or float(cell.split()[0]) >= 0
    assert not any("better than turning" in sentence for sentence in conclusions(made))
    assert not any(sentence.startswith("MLE, strong's") for sentence in conclusions(made))


def test_a_run_is_held_against_its_own_temperatures():
    sweep = [scored(quality, coverage).scores for coverage, quality in CURVE]
    assert (
        "0.500 nats lower: adversarial training did worse"
        in against_temperature(scored(8.5, 10.0).scores, sweep, "MLE", "nll_oracle")[0]
    )
    assert (
        "0.500 nats higher: adversarial training did better"
        in against_temperature(scored(7.5, 10.0).scores, sweep, "MLE", "nll_oracle")[0]
    )
    past = against_temperature(scored(6.5, 20.0).scores, sweep, "MLE", "nll_oracle")[0]
    assert past.startswith("Its nll_test is higher than that of MLE at any temperature down to 1: ")
    assert "cannot be compared" in past
    assert "cannot be compared" in against_temperature(scored(7.5, 8.0).scores, sweep, "MLE", "nll_oracle")[0]
    assert (
        "within the noise of so many samples (± 0.088)"
        in against_temperature(scored(8.05, 10.0).scores, sweep, "MLE", "nll_oracle")[0]
    )


SWEEP = {("mle", 1.0): [(9.0, 9.0)] * SEEDS, ("mle", 0.8): [(8.0, 10.0)] * SEEDS}


@pytest.mark.parametrize(("quality", "words"), [(8.7, "worse than"), (8.3, "better than"), (8.5, "no difference that matters")])
def test_an_experiments_methods_are_held_against_mles_temperatures_within_seeds(quality, words):
    (told,) = conclusions(results({**SWEEP, "seqgan": [(quality + i / 1000, 9.5) for i in range(SEEDS)]}))[-1:]
    assert told.startswith("SeqGAN's nll_oracle, minus that of MLE at some temperature with an nll_test no worse, is ")
    assert f"{quality + 0.002 - 8.5:+.3f} [" in told  # MLE's curve has 8.5 there
    assert words in told


def test_few_seeds_that_differ_are_undecided():
    made = results({name: pairs[:2] for name, pairs in SWEEP.items()} | {"seqgan": [(8.7, 9.5), (9.1, 9.5)]})
    assert conclusions(made)[-1].endswith("+0.400 [-2.141, +2.941]: undecided.")


def test_seeds_in_which_no_temperature_covers_as_much_give_no_verdict():
    made = results({name: pairs[:3] for name, pairs in SWEEP.items()} | {"seqgan": [(8.7, 9.5), (8.7, 8.0), (8.8, 9.5)]})
    assert "in 2 of 3 seeds; in the others no temperature covers as much" in conclusions(made)[-1]


def test_mle_at_its_best_epoch_is_a_curve_of_its_own():
    made = results({("mle-best", 1.0): [(9.5, 7.7)] * 2, ("mle-best", 0.5): [(7.1, 8.9)] * 2, "seqgan": [(8.8, 8.9)] * 2})
    assert "minus that of MLE, best held-out epoch at some temperature" in conclusions(made)[-1]
    assert "+1.700 [+1.700, +1.700]: worse than turning that knob" in conclusions(made)[-1]


def matched(made) -> dict[tuple[str, str], dict[str, str]]:
    columns, rows = tables.matched_table(made)
    return {(row[0], row[1]): dict(zip(columns, row, strict=True)) for row in rows}


def test_methods_are_matched_in_coverage_with_curves_over_temperatures():
    strong = {("mle-strong", 1.0): [(9.0, 7.0), (9.2, 7.0)], ("mle-strong", 0.5): [(7.0, 9.0), (7.2, 9.0)]}
    constant = {("constant", 1.0): [(8.0, 9.0), (8.0, 9.0)], ("constant", 0.5): [(7.0, 9.5), (7.0, 9.5)]}
    seqgan = {("seqgan", 1.0): [(8.5, 8.0), (8.9, 8.0)], ("seqgan", 0.5): [(6.9, 9.0), (7.0, 9.0)]}
    found = matched(results({**strong, **constant, **seqgan}))
    own = found["SeqGAN", "1"]
    assert own["minus MLE, strong"].startswith("+0.600 [")  # 8.5 − 8.0 and 8.9 − 8.2
    assert own["minus constant reward"] == own["p"] == ""  # it covers as much at no temperature
    best = found["SeqGAN", "0.5"]
    assert best["minus MLE, strong"].startswith("-0.150 [")  # 6.9 − 7.0 and 7.0 − 7.2
    assert best["minus constant reward"].startswith("-1.050 [")
    assert list(found) == [("MLE, strong", "1"), ("constant reward", "1"), ("SeqGAN", "1"), ("SeqGAN", "0.5")]
    assert found["MLE, strong", "1"]["minus MLE, strong"] == ""
    assert tables.matched_table(results({"seqgan": [(8.0, 9.0)]}))[1] == []


def test_past_the_end_of_a_curve_the_table_and_the_sentence_say_so_and_give_no_figure():
    """In one seed of two it ends too early: the other seed alone would be another question."""
    strong = {("mle-strong", 1.0): [(9.0, 7.0)] * 2, ("mle-strong", 0.6): [(7.6, 8.0), (7.6, 8.2)]}
    made = results({**strong, ("seqgan", 1.0): [(7.0, 8.1)] * 2, ("seqgan", 0.9): [(6.9, 8.3)] * 2})
    found = matched(made)
    assert list(found) == [("MLE, strong", "1"), ("SeqGAN", "1")]
    assert found["SeqGAN", "1"]["minus MLE, strong"] == "past its end"
    assert found["SeqGAN", "1"]["p"] == ""
    assert conclusions(made)[-1] == (
        "SeqGAN's nll_test is higher than that of MLE, strong at any temperature down to 0.6 in 1 of 2 seeds: "
        "at the same coverage they are not compared."
    )
    assert "'past its end' where its coldest temperature still covers more" in tables.matched_caption(made)


def test_the_matched_table_stands_among_the_others():
    strong = {("mle-strong", 1.0): [(9.0, 7.0)] * 2, ("mle-strong", 0.5): [(7.0, 9.0)] * 2}
    text = outputs.markdown(results({**strong, "seqgan": [(8.5, 8.0), (8.6, 8.0)]}))
    assert "| SeqGAN | 1 | 8.550" in text
    assert "minus MLE, strong" in text
    assert "SeqGAN's nll_oracle, minus that of MLE, strong at some temperature" in text


OTHERS = {"headline", "objectives", "regimes"}  # which have tables of their own
RECORDED = sorted(path.parent for path in RECORD.rglob("results.json") if not OTHERS & {*path.parts})


@pytest.mark.parametrize("folder", RECORDED, ids=lambda path: path.parts[-2])
def test_the_record_says_what_its_figures_do(folder):
    """Tables and sentences under docs/results are those that are made of results.json beside them."""
    assert (folder / "table.md").read_text(encoding="utf-8") == outputs.markdown(outputs.read(folder)[0])


def test_files_read_back_to_the_same_results(tmp_path):
    made = results({"mle": seeds(9.0, salt=1), "seqgan": seeds(8.8, salt=3)})
    outputs.write(made, {"data.vocab-size": 5000}, tmp_path)
    back, settings = outputs.read(tmp_path)
    assert settings == {"data.vocab-size": 5000}
    assert outputs.markdown(back) == outputs.markdown(made)
    assert json.loads((tmp_path / "results.json").read_text())["margin"] == 0.05


def test_a_single_seed_leaves_valid_json(tmp_path):
    outputs.write(results({"mle": [(9.0, 9.0)], "seqgan": [(8.0, 9.0)]}), {}, tmp_path)
    text = (tmp_path / "results.json").read_text()
    assert "NaN" not in text
    assert len(outputs.read(tmp_path)[0].rows) == 2


@pytest.mark.parametrize("damage", ["", "{}", '{"rows": 3}', "[]"])
def test_damaged_results_are_told(tmp_path, damage):
    (tmp_path / "results.json").write_text(damage)
    with pytest.raises(SeqganError, match=r"results\.json"):
        outputs.read(tmp_path)


def test_every_number_of_the_table_is_in_the_csv(tmp_path):
    made = results({"mle": seeds(9.0, salt=1), "constant": seeds(8.8, salt=2), "seqgan": seeds(8.8, salt=3)})
    outputs.write(made, {}, tmp_path)
    with (tmp_path / "table.csv").open() as file:
        rows = {row["method"]: row for row in csv.DictReader(file)}
    values = [s.scores.nll_oracle.mean for s in made.row("mle").seeds.values()]
    assert float(rows["mle"]["nll_oracle"]) == pytest.approx(np.mean(values), rel=1e-5)
    differences = np.subtract(values, [s.scores.nll_oracle.mean for s in made.row("seqgan").seeds.values()])
    assert float(rows["mle"]["nll_oracle_difference"]) == pytest.approx(differences.mean(), rel=1e-4)
    assert float(rows["uniform"]["nll_oracle"]) == 11.2
    with (tmp_path / "scores.csv").open() as file:
        by_seed = list(csv.DictReader(file))
    assert len(by_seed) == 3 * SEEDS
    assert {row["seed"] for row in by_seed} == set(map(str, range(SEEDS)))


def test_the_table_has_what_the_data_themselves_score():
    columns, rows = tables.scores_table(results({"seqgan": seeds(8.8)}))
    assert [row[0] for row in rows] == ["SeqGAN", "the oracle's own sequences", "uniform tokens"]
    assert all(len(row) == len(columns) for row in rows)
