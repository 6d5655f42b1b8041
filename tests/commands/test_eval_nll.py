"""`seqgan eval-nll`: what it reports, and that the figures stand in the right relation to each other."""

import json
import math

import numpy as np
import pytest

from seqgan_cli.runs.generators import generator_checkpoint, read_generator
from seqgan_cli.runs.run import Run
from seqgan_cli.sampling.choices import Sampling
from seqgan_cli.sampling.likelihood import sequence_nll

KEYS = {
    "temperature",
    "num_samples",
    "nll_oracle",
    "nll_test",
    "nll_train",
    "distinct_share",
    "token_types",
    "copied_share",
}


def scored(seqgan, run, *arguments):
    outcome = seqgan("eval-nll", "-q", "--json", "--run", run, *arguments)
    assert outcome.code == 0, outcome.err
    assert outcome.err == ""
    assert outcome.out.count("\n") == 1
    return json.loads(outcome.out)


@pytest.fixture(scope="module")
def sweep(synthetic):
    """Three temperatures of the pre-trained generator, scored once."""
    import contextlib
    import io

    from seqgan_cli.cli import main

    out = io.StringIO()
    temperatures = [part for t in ("0.1", "1", "1.5") for part in ("--temperature", t)]
    with contextlib.redirect_stdout(out), pytest.raises(SystemExit) as ended:
        main(["eval-nll", "--json", "--run", str(synthetic.path), "--samples", "600", "--from", "pretrain-g", *temperatures])
    assert not ended.value.code
    return json.loads(out.getvalue())


def test_keys(sweep):
    assert sweep.keys() == {"from", "scores", "data"}
    assert sweep["from"] == "pretrain-g, epoch 12"
    assert [entry["temperature"] for entry in sweep["scores"]] == [0.1, 1.0, 1.5]
    for entry in sweep["scores"]:
        assert entry.keys() == KEYS
        assert entry["num_samples"] == 600
        for name in ("nll_oracle", "nll_test", "nll_train"):
            assert entry[name].keys() == {"mean", "low", "high", "std", "count"}
    variety = {f"{least}{name}" for least in ("", "least_") for name in ("token_types", "distinct_share")}
    assert sweep["data"].keys() == {*variety, "copied_share", "nll_oracle", "nll_oracle_uniform"}


def test_intervals_contain_their_mean_in_the_middle(sweep):
    for entry in sweep["scores"]:
        for name in ("nll_oracle", "nll_test", "nll_train"):
            estimate = entry[name]
            assert estimate["low"] < estimate["mean"] < estimate["high"]
            assert estimate["high"] - estimate["mean"] == pytest.approx(estimate["mean"] - estimate["low"])


def test_the_data_are_likelier_than_samples_and_samples_than_uniform_tokens(sweep):
    middle = sweep["scores"][1]
    assert sweep["data"]["nll_oracle"] < middle["nll_oracle"]["low"]
    assert middle["nll_oracle"]["high"] < sweep["data"]["nll_oracle_uniform"]


def test_a_lower_temperature_trades_coverage_for_quality(sweep):
    cold, middle, hot = sweep["scores"]
    assert cold["nll_oracle"]["high"] < middle["nll_oracle"]["low"]
    assert middle["nll_oracle"]["high"] < hot["nll_oracle"]["low"]
    assert cold["token_types"] <= middle["token_types"] <= hot["token_types"]
    assert cold["token_types"] < 12
    assert cold["distinct_share"] < middle["distinct_share"] < hot["distinct_share"]
    assert cold["nll_test"]["mean"] > middle["nll_test"]["mean"]


def test_data_figures(synthetic, sweep):
    """Against the corpus itself."""
    import numpy as np

    with np.load(synthetic.path / "corpus" / "train.npz") as train, np.load(synthetic.path / "corpus" / "test.npz") as held:
        training = [tuple(row) for row in train["tokens"]]
        heldout = [tuple(row) for row in held["tokens"]]
    assert sweep["data"]["token_types"] == pytest.approx(len({token for row in training for token in row}), rel=0.01)
    # Equal numbers: of 600 draws from these 96, as there are 600 samples.
    shares = [training.count(row) / len(training) for row in set(training)]
    expected = sum(1 - (1 - share) ** 600 for share in shares) / 600
    assert sweep["data"]["distinct_share"] == pytest.approx(expected)
    assert sweep["data"]["copied_share"] == pytest.approx(sum(row in training for row in heldout) / len(heldout))


def test_coverage_is_that_of_the_samples(seqgan, synthetic):
    """The tiny corpus is small enough to count: what `eval-nll` says of many samples holds for those `sample` draws."""
    shares = scored(seqgan, synthetic.path, "--samples", 2000, "--temperature", 0.3)["scores"][0]
    drawn = seqgan("sample", "-n", 2000, "--temperature", 0.3, "--run", synthetic.path).out.splitlines()
    assert len(set(drawn)) / 2000 == pytest.approx(shares["distinct_share"], abs=0.05)


def test_the_same_seed_gives_the_same_scores(seqgan, synthetic):
    first, again, other = (scored(seqgan, synthetic.path, "--samples", 64, "--seed", seed) for seed in (1, 1, 2))
    assert first == again
    assert first["scores"][0]["nll_oracle"] != other["scores"][0]["nll_oracle"]
    assert first["scores"][0]["nll_test"] == other["scores"][0]["nll_test"]  # of held-out data, which no seed changes


def test_text_has_no_oracle(seqgan, text):
    result = scored(seqgan, text.path, "--samples", 64)
    (entry,) = result["scores"]
    assert entry["nll_oracle"] is None
    assert math.isfinite(entry["nll_test"]["mean"])
    assert {"token_types", "distinct_share", "copied_share", "unknown_share"} <= result["data"].keys()
    assert not {"nll_oracle", "nll_oracle_uniform"} & result["data"].keys()


def test_the_share_of_unknown_tokens_stands_beside_the_score(seqgan, text, synthetic):
    """Counted in the words of the file: rarer ones than four times are `<unk>`."""
    with np.load(text.path / "corpus" / "test.npz") as file:
        tokens = file["tokens"]
    share = (tokens == 2).sum() / (tokens > 1).sum()
    assert 0.0 < share < 1.0
    assert scored(seqgan, text.path, "--samples", 64)["data"]["unknown_share"] == share
    told = f"<unk> is {share:.2%} of the held-out tokens"
    assert told in seqgan("eval-nll", "-q", "--samples", 64, "--run", text.path).out
    assert told in text.out  # of `train`
    assert "<unk>" not in seqgan("eval-nll", "-q", "--samples", 64, "--run", synthetic.path).out


def refuse(constant):
    raise AssertionError(f"{constant} is no JSON")


@pytest.mark.parametrize("run", ["synthetic", "text"])
def test_extreme_temperatures_leave_valid_json(seqgan, request, run):
    """The lowest and the highest that are allowed: nothing in it is NaN or Infinity, which JSON lacks."""
    path = request.getfixturevalue(run).path
    extremes = [word for value in ("0.001", "1000") for word in ("--temperature", value)]
    outcome = seqgan("eval-nll", "-q", "--json", "--samples", 16, *extremes, "--run", path)
    assert (outcome.code, outcome.err) == (0, "")
    found = json.loads(outcome.out, parse_constant=refuse)
    assert [entry["temperature"] for entry in found["scores"]] == [0.001, 1000.0]
    cold, hot = (entry["nll_test"]["mean"] for entry in found["scores"])
    tokens = Run(path).corpus().vocabulary.size
    assert math.log(tokens - 3) - 0.1 < hot < math.log(tokens) + 0.1  # all are alike likely, but for special ones
    assert cold > 2 * hot


@pytest.mark.parametrize("value", ["1e-50", "0.00099", "1001", "1e50", "nan", "inf", "-1"])
def test_temperatures_beyond_them_are_refused(seqgan, refused, synthetic, value):
    outcome = seqgan("eval-nll", "-q", "--json", "--temperature", value, "--run", synthetic.path)
    refused(outcome, 2, "--temperature", usage=True)


def test_table(seqgan, synthetic):
    outcome = seqgan("eval-nll", "-q", "--samples", 64, "--temperature", 0.5, "--temperature", 2, "--run", synthetic.path)
    assert outcome.code == 0
    assert outcome.err == ""
    lines = [line.split() for line in outcome.out.splitlines() if line.strip()]
    assert " ".join(lines[0]) == ("Scores of adversarial, round 2: 64 samples, nats per token, ± half a 95 % interval")
    assert lines[1][:5] == ["temperature", "nll_oracle", "↓", "nll_test", "↓"]
    assert [line[0] for line in lines[3:]] == ["0.5", "2", "the", "uniform"]


def test_table_of_text_has_no_oracle_column(seqgan, text):
    outcome = seqgan("eval-nll", "-q", "--samples", 64, "--run", text.path)
    assert "nll_test ↓" in outcome.out
    assert "nll_oracle" not in outcome.out
    assert "uniform tokens" not in outcome.out


def test_every_top_p_is_a_row_and_says_what_is_outside(seqgan, synthetic):
    asked = ["--samples", 64, "--top-p", 1, "--top-p", 0.9, "--top-k", 5, "--run", synthetic.path]
    found = json.loads(seqgan("eval-nll", "-q", "--json", *asked).out)
    assert [(entry["top_k"], entry["top_p"]) for entry in found["scores"]] == [(5, 1.0), (5, 0.9)]
    outside = [entry["outside"]["nll_test"] for entry in found["scores"]]
    run = Run(synthetic.path)
    corpus = run.corpus()
    generator = read_generator(run, generator_checkpoint(run, "latest", pytest.fail), corpus)
    for entry, counted, top_p in zip(found["scores"], outside, (1.0, 0.9), strict=True):
        losses = sequence_nll(generator, corpus.test, Sampling(top_k=5, top_p=top_p))
        inside = losses[np.isfinite(losses)]
        assert (counted["count"], counted["of"]) == (len(losses) - len(inside), len(losses))
        assert counted["share"] == pytest.approx(1 - len(inside) / len(losses))
        if len(inside):
            assert entry["nll_test"]["mean"] == pytest.approx(inside.mean() / corpus.sequence_length, rel=1e-5)
    table = seqgan("eval-nll", "-q", *asked).out
    assert " ".join(table.split()).count("temperature 1, top-k 5, top-p 0.9") == 3  # its row, and a note for each part
    count, of, share = (outside[1][name] for name in ("count", "of", "share"))
    words = f"of {of} sequences {count} are outside ({share:.1%}), and the mean is of the"
    assert words in " ".join(table.split())


def test_without_truncation_nothing_is_said_of_it(seqgan, synthetic):
    plain = ["--samples", 64, "--run", synthetic.path]
    unused = ["--top-k", 0, "--top-p", 1, "--min-p", 0]
    for form in ([], ["--json"]):
        outcome = seqgan("eval-nll", "-q", *form, *plain)
        assert seqgan("eval-nll", "-q", *form, *plain, *unused).out == outcome.out
        assert "outside" not in outcome.out
        assert "top" not in outcome.out


def test_bits_of_lines_without_unknown_words_are_said_to_be_of_these_alone(seqgan, text):
    told = seqgan("eval-nll", "--run", text.path, "--samples", 20, "--quiet").out
    corpus = Run(text.path).corpus()
    known = corpus.vocabulary.has_no_unk(corpus.test).sum()
    assert 0 < known < len(corpus.test)
    expected = f"bits per byte of text, of the {known} of {len(corpus.test)} documents with sequences without <unk>"
    assert expected in " ".join(told.split())
