"""`seqgan compare`: differences of settings, scores, and tests on the same data only."""

import re

import pytest


def test_settings_scores_and_tests_stand_side_by_side(studied, seqgan):
    runs = [studied / f"seed-{seed}" / name for name in ("constant", "seqgan") for seed in (0, 1)]
    done = seqgan("compare", *runs, "--samples", 64)
    assert done.code == 0, done.err
    assert re.search(r"adversarial.reward\s+constant\s+constant\s+discriminator\s+discriminator", done.out)
    assert "2 different sets of data" in done.err
    tests = done.out.partition("Tests against")[2]
    row = next(line for line in tests.splitlines() if "seqgan" in line and "[" in line)
    assert re.search(r"[+-]\d\.\d{3} \[[+-]\d\.\d{3}", row)


def test_the_tests_over_seeds_are_those_of_the_experiment(studied, seqgan):
    """Both score the same generators on the same draws."""
    import json

    rows = json.loads((studied / "synthetic" / "results.json").read_text())["rows"]
    constant = next(row for row in rows if row["method"] == "constant")["comparison"]["paired"]["nll_oracle"]["difference"]
    runs = [studied / f"seed-{seed}" / name for name in ("seqgan", "constant") for seed in (0, 1)]
    done = seqgan("compare", *runs, "--samples", 64)
    assert f"{constant['mean']:+.3f}" in done.out.partition("Tests against")[2]


def test_stages_of_one_run_are_two_ways(studied, seqgan):
    folder = studied / "seed-0"
    done = seqgan("compare", folder / "mle", folder / "seqgan", "--samples", 64)
    assert done.code == 0, done.err
    assert "different sets of data" not in done.err
    assert re.search(r"trained up to\s+pretrain-g 3\s+adversarial 1", done.out)
    assert "Tests against" in done.out


def test_other_data_are_not_tested_against_each_other(studied, seqgan):
    done = seqgan("compare", studied / "seed-0" / "mle", studied / "seed-1" / "constant", "--samples", 64)
    assert done.code == 0, done.err
    assert "2 different sets of data" in done.err
    assert "Tests against" not in done.out


@pytest.mark.parametrize(("names", "code", "words"), [(["mle"], 2, "two runs or more"), (["mle", "gone"], 1, "no run in")])
def test_wrong_input_is_one_sentence(studied, seqgan, names, code, words):
    done = seqgan("compare", *(studied / "seed-0" / name for name in names))
    assert done.code == code
    assert words in done.err


@pytest.mark.parametrize("below", [".", "seed-0"])
def test_an_experiment_is_no_run(studied, seqgan, below):
    done = seqgan("compare", studied / below, studied / "seed-0" / "mle")
    assert done.code == 1
    assert "is no run but an experiment's: name one of its runs" in done.err


def test_a_run_named_twice_is_one(studied, seqgan):
    done = seqgan("compare", studied / "seed-0" / "mle", f"{studied}/seed-0/../seed-0/mle/")
    assert done.code == 2
    assert "two runs or more" in done.err
