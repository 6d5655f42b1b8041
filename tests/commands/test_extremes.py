"""The smallest there is: two tokens, sequences of one, two sequences, batches larger than the corpus, tails of padding."""

import math

import pytest

from seqgan_cli.runs.run import Run


def scores(run, stage):
    """The last of every score that a stage measured."""
    return {row.metric: row.value for row in Run(run).history.rows() if row.stage == stage}


LEARNED = ("--epochs", 30, "--set", "pretrain-g.learning-rate=0.1", "--set", "pretrain-g.eval-every=30")  # by heart


def test_two_tokens_in_sequences_of_one(seqgan, tmp_path, tiny_config):
    """Four sequences and batches of 32: the oracle is one coin, which likelihood training learns from four tosses."""
    sizes = ["--vocab-size", 2, "--sequence-length", 1, "--num-sequences", 4, "--set", "discriminator.filters=1:4"]
    done = seqgan("train", "--run", tmp_path, "--config", tiny_config, *sizes, *LEARNED)
    assert done.code == 0, done.err
    assert "only 4 sequences, so batches hold 4 instead of 32" in done.err
    heads = (Run(tmp_path).corpus().train == 1).mean()
    likelihood = scores(tmp_path, "pretrain-g")["nll_train"]
    entropy = -sum(p * math.log(p) for p in (heads, 1 - heads) if p)
    assert likelihood == pytest.approx(entropy, abs=0.1)
    last = scores(tmp_path, "adversarial")
    assert all(math.isfinite(value) for value in last.values())
    assert 0.0 < last["nll_oracle"] < 20.0
    assert {name for name in last if name.startswith("reward_0")} == {"reward_01"}


@pytest.mark.whole
def test_two_lines_one_of_them_mostly_padding(seqgan, tmp_path, tiny_config):
    """One is held out, and chooses too. All but the first token of the short line is padding, which counts nowhere."""
    (tmp_path / "data.txt").write_text("a b\nb c d e f g h i\n", encoding="utf-8")
    run = tmp_path / "run"
    done = seqgan("train", tmp_path / "data.txt", "--run", run, "--config", tiny_config, *LEARNED, "--validation", 0)
    assert done.code == 0, done.err
    corpus = Run(run).corpus()
    assert (len(corpus.train), len(corpus.test)) == (1, 1)
    likelihood = scores(run, "pretrain-g")["nll_train"]
    assert 0.0 <= likelihood < 1.5, "one sequence is learned by heart"
    assert all(math.isfinite(value) for value in scores(run, "adversarial").values())


def test_one_line_is_refused_in_words(seqgan, refused, tmp_path):
    (tmp_path / "data.txt").write_text("a b c\n", encoding="utf-8")
    done = seqgan("pretrain-g", "--data", tmp_path / "data.txt", "--run", tmp_path / "run")
    refused(done, 1, f"{tmp_path / 'data.txt'} "
        "holds one line: at least three are needed, so that one to report by and one to choose by can be held out.")
    assert not (tmp_path / "run").exists()
