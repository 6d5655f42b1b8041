"""Values, settings and files of settings that cannot be: one sentence that names the option and what to do."""

from pathlib import Path

import pytest


def write_lines(path: Path, lines: list[str]) -> Path:
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["pretrain-g", "--cell", "rnn"], ["'--cell': choose from lstm, gru"]),
        (["pretrain-g", "--tokenizer", "bytes"], ["'--tokenizer'", "choose from whitespace, words, chars"]),
        (["train", "--preset", "slow"], ["'--preset'", "'quick', 'fast', 'paper'"]),
        (["adversarial", "--reward", "rouge"], ["there is no reward 'rouge'; choose from discriminator, partial, lm, bleu"]),
        (["sample", "--format", "xml"], ["'--format'", "'text', 'raw', 'ids', 'jsonl', 'midi', 'pianoroll'"]),
        (["sample", "--from", "first"], ["'--from'", "'latest', 'adversarial', 'pretrain-g', 'best'"]),
        (["eval-bleu", "--smoothing", "method9"], ["'--smoothing'", "'method7'"]),
        (["pretrain-g", "--epochs", "-1"], ["'--epochs'", "must be at least 1."]),
        (["pretrain-g", "--epochs", "many"], ["'--epochs'", "'many' is not a valid integer"]),
        (["pretrain-g", "--g-learning-rate", "-0.1"], ["'--g-learning-rate'", "must be above 0."]),
        (["pretrain-g", "--g-learning-rate", "nan"], ["'--g-learning-rate'", "needs a finite number."]),
        (["pretrain-g", "--g-learning-rate", "inf"], ["'--g-learning-rate'", "needs a finite number."]),
        (["pretrain-g", "--holdout", "1"], ["'--holdout'", "must be below 1."]),
        (["pretrain-g", "--vocab-size", "-5"], ["'--vocab-size'", "must be at least 2."]),
        (["pretrain-d", "--k", "0"], ["'--k'", "must be at least 1."]),
        (["pretrain-d", "--filters", "wide"], ["'--filters'", "write 'paper' or window:number,… such as 1:100,2:200."]),
        (["pretrain-d", "--filters", "0:3"], ["'--filters'", "windows and numbers of filters start at 1."]),
        (["adversarial", "--rounds", "-3"], ["'--rounds'", "must be at least 1."]),
        (["adversarial", "--g-steps", "-1"], ["'--g-steps'", "must be at least 0."]),
        (["adversarial", "--rollouts", "-1"], ["'--rollouts'", "must be at least 0."]),
        (["pretrain-g", "--seed", "-1"], ["'--seed'", "-1 is not in the range"]),
        (["pretrain-g", "--threads", "-1"], ["'--threads'", "-1 is not in the range"]),
        (["sample", "-n", "0"], ["'-n' / '--num'", "0 is not in the range"]),
        (["sample", "-n", "-3"], ["'-n' / '--num'", "-3 is not in the range"]),
        (["sample", "--temperature", "0.0001"], ["--temperature: must be at least 0.001."]),
        (["sample", "--top-p", "0"], ["--top-p: must be above 0."]),
        (["sample", "--top-k", "-1"], ["--top-k: must be at least 0."]),
        (["eval-nll", "--min-p", "1"], ["--min-p: must be below 1."]),
        (["sample", "--temperature", "-1"], ["--temperature: must be at least 0.001."]),
        (["sample", "--temperature", "nan"], ["--temperature: needs a finite number."]),
        (["sample", "--temperature", "inf"], ["--temperature: needs a finite number."]),
        (["eval-nll", "--temperature", "1", "--temperature", "nan"], ["--temperature: needs a finite number."]),
        (["eval-nll", "--samples", "0"], ["'--samples'", "0 is not in the range"]),
        (["eval-nll", "--top-p", "0.9", "--top-p", "1.1"], ["--top-p: must be at most 1."]),
        (["eval-quality", "--top-p", "nan"], ["--top-p: needs a finite number."]),
        (["report", "--min-p", "1"], ["--min-p: must be below 1."]),
        (["eval-bleu", "--temperature", "nan"], ["--temperature: needs a finite number."]),
        (["eval-bleu", "--max-order", "0"], ["'--max-order'", "0 is not in the range"]),
        (["eval-bleu", "-n", "1"], ["'-n' / '--num'", "1 is not in the range"]),
        (["eval-bleu", "--smoothing", "method6", "--max-order", "2"], ["--smoothing: method6 needs orders from 3 on"]),
        (["eval-bleu", "--smoothing", "method6", "--ngram-weights", "1,1"], ["--smoothing: method6 needs three weights"]),
        *(
            (["eval-bleu", "--ngram-weights", weights], ["--ngram-weights: write one to nine numbers of 0 or more"])
            for weights in ("", "a,b", "0.5,", "-1,2", "nan", "inf,1", "0,0", "1,1,1,1,1,1,1,1,1,1")
        ),
        (["sample", "--nonsense"], ["No such option", "--nonsense"]),
        (["sample", "extra"], ["unexpected extra argument", "extra"]),
        (["dance"], ["No such command 'dance'."]),
        (["smaple"], ["No such command 'smaple'. Did you mean sample?"]),
    ],
    ids=" ".join,
)
def test_values_that_no_option_takes(seqgan, refused, synthetic, arguments, parts):
    outcome = seqgan(*arguments, *(["--run", synthetic.path] if arguments[0] != "dance" else []))
    refused(outcome, 2, *parts, usage=True)


@pytest.mark.parametrize(
    ("assignment", "sentence"),
    [
        (
            "pretrain-g.epoch=3",
            "There is no setting 'pretrain-g.epoch'. Did you mean pretrain-g.epochs",
        ),
        ("kind=cnn", "There is no setting 'kind'. Did you mean data.kind or discriminator.kind? `seqgan settings` lists them"),
        ("qqqqqq=3", "There is no setting 'qqqqqq'. `seqgan settings` lists them all."),
        ("=3", "There is no setting ''. `seqgan settings` lists them all."),
        ("seed", "--set seed: write NAME=VALUE."),
        ("pretrain-g.epochs=", "pretrain-g.epochs=: needs a whole number."),
        ("pretrain-g.epochs=1.5", "pretrain-g.epochs=1.5: needs a whole number."),
        ("pretrain-g.epochs=0", "pretrain-g.epochs=0: must be at least 1."),
        ("pretrain-g.learning-rate=fast", "pretrain-g.learning-rate=fast: needs a number."),
        ("pretrain-g.learning-rate=nan", "pretrain-g.learning-rate=nan: needs a finite number."),
        ("data.lowercase=perhaps", "data.lowercase=perhaps: needs true or false."),
        ("generator.cell=rnn", "generator.cell=rnn: choose from lstm, gru, attention, transformer."),
        ("seed=2147483648", "seed=2147483648: must be below 2147483648."),
    ],
)
def test_bad_assignments(seqgan, refused, tmp_path, assignment, sentence):
    outcome = seqgan("pretrain-g", "--set", assignment, "--run", tmp_path / "run")
    assert sentence in outcome.err
    refused(outcome, 2, outcome.err.removeprefix("Error: ").removesuffix("\n"))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (["adversarial.reward=partial"], "--reward partial needs a discriminator that was taught prefixes: --set "),
        (
            ["adversarial.reward=constant", "adversarial.reward-transform=mali"],
            "adversarial.reward-transform=mali is made of the discriminator's score of whole sequences and does not go "
            "with --reward constant: leave one out.",
        ),
        (["discriminator.loss=wasserstein"], "discriminator.loss=wasserstein needs a slope that is held near 1: --set discrim"),
        (
            ["discriminator.loss=wasserstein", "discriminator.gradient-penalty=10", "adversarial.reward-transform=mali"],
            "adversarial.reward-transform=mali needs probabilities, and discriminator.loss=wasserstein gives none: leave one ",
        ),
        (
            ["adversarial.baseline=value", "adversarial.reward-transform=mali"],
            "adversarial.reward-transform=mali divides by a mean that a value head would take away: use --baseline mean",
        ),
        (
            ["adversarial.rollout-policy=ngram", "adversarial.rollouts=0"],
            "adversarial.rollout-horizon and adversarial.rollout-policy are of rollouts, and there are none with ",
        ),
        (
            ["adversarial.reward-transform=standardize", "adversarial.batch-size=1"],
            "adversarial.reward-transform=standardize leaves nothing of a batch of one: use a larger --batch-size.",
        ),
        (
            ["adversarial.baseline=mean", "adversarial.batch-size=1"],
            "adversarial.baseline=mean compares the sequences of a batch, and one by itself teaches nothing: use a larger ",
        ),
        (
            ["adversarial.baseline=leave-one-out", "adversarial.batch-size=1"],
            "adversarial.baseline=leave-one-out compares the sequences of a batch, and one by itself teaches nothing: use a ",
        ),
        (["discriminator.kind=recurrent", "discriminator.precision=bfloat16"], "--precision bfloat16 is of convolutions and "),
        (
            ["adversarial.rollout-horizon=2", "adversarial.rollout-policy=ngram"],
            "adversarial.rollout-horizon bootstraps from the generator's state, and an n-gram model has none: ",
        ),
    ],
)
def test_settings_that_do_not_go_together(seqgan, refused, tmp_path, tiny_config, settings, sentence):
    sets = [part for setting in settings for part in ("--set", setting)]
    outcome = seqgan("train", "--config", tiny_config, *sets, "--run", tmp_path / "run")
    assert sentence in outcome.err
    refused(outcome, 2, outcome.err.removeprefix("Error: ").removesuffix("\n"))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"[data\n", "--config {path} is not valid TOML: "),
        (b"\xff\n", "--config {path} is not valid TOML: "),
        (b"[data]\nvocab_siz = 3\n", "There is no setting 'data.vocab_siz'. Did you mean data.vocab-size"),
        (b"[data]\nvocab-size = 'many'\n", "data.vocab-size=many: needs int, not str."),
        (b"[data]\nvocab-size = true\n", "data.vocab-size=True: needs int, not bool."),
        (b"[data]\nvocab-size = 1\n", "data.vocab-size=1: must be at least 2."),
        (b"[pretrain-g]\nlearning-rate = nan\n", "pretrain-g.learning-rate=nan: needs a finite number."),
        (b"data = 3\n", "There is no setting 'data'."),
    ],
)
def test_bad_config_files(seqgan, refused, tmp_path, content, sentence):
    (tmp_path / "bad.toml").write_bytes(content)
    outcome = seqgan("pretrain-g", "--config", tmp_path / "bad.toml", "--run", tmp_path / "run")
    assert sentence.format(path=tmp_path / "bad.toml") in outcome.err
    refused(outcome, 2, outcome.err.removeprefix("Error: ").removesuffix("\n"))
    assert not (tmp_path / "run").exists()


def test_missing_config_file(seqgan, refused, tmp_path):
    outcome = seqgan("pretrain-g", "--config", tmp_path / "none.toml", "--run", tmp_path / "run")
    refused(outcome, 2, f"Cannot read --config {tmp_path / 'none.toml'}: No such file or directory.")


def test_references_without_overlap(seqgan, refused, text, tmp_path):
    references = write_lines(tmp_path / "references.txt", ["alpha beta", "gamma"])
    outcome = seqgan("eval-bleu", "-n", 4, "--references", references, "--run", text.path)
    refused(
        outcome,
        1,
        f"{references} has no token in common with the samples: are both of the same kind, "
        "and is 'whitespace' the right tokenizer? `sample --format raw` writes what is read here.",
    )


def test_hypotheses_without_overlap(seqgan, refused, text, tmp_path):
    hypotheses = write_lines(tmp_path / "hypotheses.txt", ["alpha beta", "gamma"])
    outcome = seqgan("eval-bleu", "--hypotheses", hypotheses, "--run", text.path)
    refused(
        outcome,
        1,
        f"The held-out set has no token in common with {hypotheses}: are both of the same kind, "
        "and is 'whitespace' the right tokenizer? `sample --format raw` writes what is read here.",
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["synthetic", "--min-p", "-0.1"], "--min-p: must be at least 0."),
        (
            ["synthetic", "--sweep", "top-p"],
            "--sweep is of the experiment frontier, and synthetic has no curves over top-p: leave it out.",
        ),
        (
            ["frontier", "--temperature", "0.8"],
            "experiment frontier draws at several values of temperature: leave --temperature out.",
        ),
        (
            ["frontier", "--sweep", "top-p", "--top-p", "0.8"],
            "experiment frontier draws at several values of top-p: leave --top-p out.",
        ),
    ],
)
def test_ways_of_sampling_that_no_experiment_takes(seqgan, refused, tmp_path, arguments, words):
    refused(seqgan("experiment", *arguments, "--out", tmp_path / "out"), 2, words, usage="--min-p" in arguments)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("option", [("--unit", "sentence"), ("--lowercase",), ("--max-length", 5)])
def test_options_of_text_without_text(seqgan, refused, tmp_path, option):
    outcome = seqgan("pretrain-g", *option, "--run", tmp_path / "run")
    refused(outcome, 2, f"{option[0]} is of no use to the oracle's sequences: leave it out, or name --data.")
