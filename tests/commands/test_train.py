"""`seqgan train` and the stages one by one: counts are targets, and what each command says and leaves behind."""

import json
import re
import shutil

import numpy as np
import pytest

import forked
from eager import eager


def positions(run, stage) -> list[int]:
    return sorted(int(path.stem) for path in (run / "checkpoints" / stage).glob("0*.npz"))


def stages_in_history(run) -> list[str]:
    return list(dict.fromkeys(line.split(",")[0] for line in (run / "history.csv").read_text().splitlines()[1:]))


# What `train` prints and leaves.


def test_stages_run_in_order(synthetic):
    assert stages_in_history(synthetic.path) == ["pretrain-g", "pretrain-d", "adversarial"]
    done = [line for line in synthetic.err.splitlines() if ": done, " in line]
    assert done == [
        "pretrain-g: done, 12 epochs. --epochs with a larger number continues, --overwrite restarts.",
        "pretrain-d: done, 2 d-steps. --d-steps with a larger number continues, --overwrite restarts.",
        "adversarial: done, 2 rounds. --rounds with a larger number continues, --overwrite restarts.",
    ]


def test_report_of_a_synthetic_run(synthetic):
    out = synthetic.out
    rows = [line.strip() for line in out.splitlines()]
    for name in ("MLE, last epoch", "MLE, best held-out", "SeqGAN", "the data", "uniform tokens"):
        assert sum(row.startswith(name) for row in rows) == 1, name
    assert "nll_oracle ↓" in out
    assert "BLEU" not in out
    assert "The discriminator is right on" in out
    assert "\x1b" not in out


@pytest.mark.whole
def test_report_of_a_text_run(text):
    rows = [line.strip() for line in text.out.splitlines()]
    assert not any(row.startswith("uniform tokens") for row in rows)
    assert "nll_oracle" not in text.out
    assert "Self-BLEU-3" in text.out
    heading = next(row for row in rows if row.startswith("generator"))
    assert [heading.index(name) for name in ("BLEU-2 ↑", "BLEU-3 ↑", "BLEU-4 ↑", "Self-BLEU-3 ↓", "nll_test ↓")] == sorted(
        heading.index(name) for name in ("BLEU-2 ↑", "BLEU-3 ↑", "BLEU-4 ↑", "Self-BLEU-3 ↓", "nll_test ↓")
    )
    (scores,) = (row for row in rows if row.startswith("SeqGAN"))
    assert all(0 <= float(score) <= 1 for score in re.findall(r"(\d\.\d+) ±", scores)[:3])


@pytest.mark.parametrize("kind", ["synthetic", "text"])
def test_files_that_train_leaves(seqgan, kind, request):
    made = request.getfixturevalue(kind)
    samples = (made.path / "samples" / "samples.txt").read_text(encoding="utf-8").split("\n")[:-1]
    assert len(samples) == 1000
    assert seqgan("sample", "-n", 1000, "--run", made.path).out.split("\n")[:-1] == samples
    shown = made.out.split("Ten samples:\n")[1].splitlines()[:10]
    assert shown == ["  " + line for line in samples[:10]]
    assert (made.path / "figures" / "learning-curve.png").read_bytes().startswith(b"\x89PNG")
    assert (made.path / "vocabulary.txt").exists() == (kind == "text")
    assert (made.path / "corpus" / "oracle.npz").exists() == (kind == "synthetic")
    assert f"More samples: {made.path / 'samples' / 'samples.txt'}\n" in made.out


def test_the_table_agrees_with_eval_nll(seqgan, synthetic):
    table = next(line for line in synthetic.out.splitlines() if line.strip().startswith("SeqGAN"))
    said = float(re.search(r"SeqGAN\s+([\d.]+) ±", table)[1])
    entry = json.loads(seqgan("eval-nll", "--json", "--samples", 2000, "--run", synthetic.path).out)["scores"][0]
    assert said == pytest.approx(entry["nll_oracle"]["mean"], abs=0.35)  # 64 samples against 2000
    shown = float(table.split("±")[1].split()[1])
    assert shown == pytest.approx(entry["nll_test"]["mean"], abs=6e-4)  # of the same held-out sequences


def test_only_the_last_three_checkpoints_and_the_best_are_kept(synthetic):
    assert positions(synthetic.path, "pretrain-g") == [10, 11, 12]
    assert {path.name for path in (synthetic.path / "checkpoints" / "pretrain-g").iterdir()} == {
        "0000010.npz",
        "0000011.npz",
        "0000012.npz",
        "best.npz",
    }


# Counts are targets.


@pytest.mark.parametrize(
    ("command", "stage", "said"),
    [
        (["pretrain-g", "--epochs", 12], "pretrain-g", "pretrain-g: done, 12 epochs. --epochs"),
        (["pretrain-g", "--epochs", 5], "pretrain-g", "pretrain-g: done, 12 epochs (asked for 5). --epochs"),
        (["pretrain-d"], "pretrain-d", "pretrain-d: done, 2 d-steps. --d-steps"),
        (["adversarial", "--rounds", 2], "adversarial", "adversarial: done, 2 rounds. --rounds"),
    ],
)
def test_a_stage_that_has_come_so_far_is_done(seqgan, contents, synthetic_copy, command, stage, said):
    before = contents(synthetic_copy)
    outcome = seqgan(*command, "--run", synthetic_copy)
    assert (outcome.code, outcome.out) == (0, "")
    assert outcome.err.splitlines()[-1] == f"{said} with a larger number continues, --overwrite restarts."
    after = contents(synthetic_copy)
    assert {name for name in after.keys() | before.keys() if after.get(name) != before.get(name)} == {"config.json"}


def test_a_larger_count_continues(seqgan, contents, synthetic_copy):
    before = contents(synthetic_copy)
    outcome = seqgan("adversarial", "-v", "--rounds", 3, "--run", synthetic_copy)
    assert (outcome.code, outcome.out) == (0, "")
    assert f"Run {synthetic_copy}, seed 0.\n" in outcome.err
    assert "adversarial.rounds = 3 (option)\n" in outcome.err
    assert "adversarial: going on after round 2.\n" in outcome.err
    assert "adversarial round 3/3 ·" in outcome.err
    assert "adversarial round 2/3" not in outcome.err
    assert positions(synthetic_copy, "adversarial") == [1, 2, 3]
    after = contents(synthetic_copy)
    assert after["history.csv"].startswith(before["history.csv"])
    assert after["checkpoints/adversarial/0000002.npz"] == before["checkpoints/adversarial/0000002.npz"]


def test_overwrite_restarts_a_stage_and_drops_the_later_ones(seqgan, synthetic, synthetic_copy):
    outcome = seqgan("pretrain-d", "--overwrite", "--d-steps", 1, "--run", synthetic_copy)
    assert outcome.code == 0
    assert positions(synthetic_copy, "pretrain-g") == [10, 11, 12]
    assert positions(synthetic_copy, "pretrain-d") == [1]
    assert positions(synthetic_copy, "adversarial") == []
    assert stages_in_history(synthetic_copy) == ["pretrain-g", "pretrain-d"]
    with (
        np.load(synthetic.path / "checkpoints" / "pretrain-d" / "0000001.npz") as first,
        np.load(synthetic_copy / "checkpoints" / "pretrain-d" / "0000001.npz") as again,
    ):
        for name in set(first.files) - {"facts"}:
            assert np.array_equal(first[name], again[name])


def test_overwrite_of_the_first_stage_may_change_everything(seqgan, synthetic_copy):
    outcome = seqgan(
        *("pretrain-g", "--overwrite", "--epochs", 1, "--seed", 9, "--vocab-size", 8, "--sequence-length", 4),
        *("--hidden-dim", 3, "--cell", "gru", "--run", synthetic_copy),
    )
    assert outcome.code == 0, outcome.err
    assert [positions(synthetic_copy, stage) for stage in ("pretrain-g", "pretrain-d", "adversarial")] == [[1], [], []]
    assert stages_in_history(synthetic_copy) == ["pretrain-g"]
    lines = seqgan("sample", "-n", 50, "--run", synthetic_copy).out.splitlines()
    assert {len(line.split()) for line in lines} == {4}
    assert set(" ".join(lines).split()) <= set(map(str, range(8)))


def test_overwrite_from_oracle_to_text(seqgan, synthetic_copy, sentences):
    outcome = seqgan("pretrain-g", "--overwrite", "--epochs", 1, "--data", sentences, "--run", synthetic_copy)
    assert outcome.code == 0, outcome.err
    assert (synthetic_copy / "vocabulary.txt").exists()
    assert not (synthetic_copy / "corpus" / "oracle.npz").exists()
    words = set((synthetic_copy / "vocabulary.txt").read_text().split())
    assert set(seqgan("sample", "-n", 5, "--run", synthetic_copy).out.split()) <= words


def test_a_setting_that_nothing_depends_on_yet_may_change(seqgan, synthetic_copy):
    """The discriminator's size is open until it is trained."""
    shutil.rmtree(synthetic_copy / "checkpoints" / "pretrain-d")
    shutil.rmtree(synthetic_copy / "checkpoints" / "adversarial")
    outcome = seqgan("pretrain-d", "--filters", "1:2,5:3", "--d-steps", 1, "--run", synthetic_copy)
    assert outcome.code == 0, outcome.err
    with np.load(synthetic_copy / "checkpoints" / "pretrain-d" / "0000001.npz") as checkpoint:
        shapes = {name: checkpoint[name].shape for name in checkpoint.files if name.startswith("discriminator/")}
    assert {shape[-1] for shape in shapes.values() if len(shape) == 3} == {2, 3}


# The discriminator where it is needed and only there.


def test_adversarial_trains_the_discriminator_first_and_says_so(seqgan, synthetic, synthetic_copy):
    shutil.rmtree(synthetic_copy / "checkpoints" / "pretrain-d")
    shutil.rmtree(synthetic_copy / "checkpoints" / "adversarial")
    outcome = seqgan("adversarial", "--run", synthetic_copy)
    assert outcome.code == 0
    said = "adversarial: there is no pre-trained discriminator yet, so `pretrain-d` runs first.\n"
    assert said in outcome.err
    assert outcome.err.index(said) < outcome.err.index("pretrain-d d-step 1/2") < outcome.err.index("adversarial round 1/2")
    assert positions(synthetic_copy, "pretrain-d") == [1, 2]
    with (  # to the same end as `train`
        np.load(synthetic.path / "checkpoints" / "adversarial" / "0000002.npz") as first,
        np.load(synthetic_copy / "checkpoints" / "adversarial" / "0000002.npz") as again,
    ):
        for name in set(first.files) - {"facts"}:
            assert np.array_equal(first[name], again[name])


def test_a_constant_reward_needs_no_discriminator(seqgan, synthetic_copy):
    shutil.rmtree(synthetic_copy / "checkpoints" / "pretrain-d")
    shutil.rmtree(synthetic_copy / "checkpoints" / "adversarial")
    outcome = seqgan("adversarial", "--reward", "constant", "--run", synthetic_copy)
    assert outcome.code == 0
    assert "discriminator" not in outcome.err
    assert positions(synthetic_copy, "pretrain-d") == []
    with np.load(synthetic_copy / "checkpoints" / "adversarial" / "0000002.npz") as checkpoint:
        assert not [name for name in checkpoint.files if name.startswith(("discriminator", "d_optimizer"))]


def test_train_whose_held_out_loss_never_improves_still_reports(seqgan, tiny_config, tmp_path):
    """An absurd step size makes every epoch worse than none: there is no best checkpoint, yet the run is scored."""
    outcome = seqgan(
        *("train", "--config", tiny_config, "--epochs", 1, "--rounds", 1, "--reward", "constant", "--run", tmp_path / "run"),
        *("--set", "pretrain-g.learning-rate=50"),
    )
    assert not (tmp_path / "run" / "checkpoints" / "pretrain-g" / "best.npz").exists()
    assert outcome.code == 0, outcome.err
    assert "MLE, last epoch" in outcome.out


def test_monitor_that_a_text_run_has_not(seqgan, refused, text_copy):
    """Nothing would ever be best, and patience would stop a run that improves."""
    outcome = seqgan("adversarial", "-q", "--monitor", "nll_oracle", "--rounds", 3, "--run", text_copy)
    assert "nll_oracle" in outcome.err
    refused(outcome, 2, outcome.err.removeprefix("Error: ").removesuffix("\n"))


# What is said of the data.


def test_data_are_summed_up(text, sentences):
    lines = text.err.splitlines()
    assert lines[0] == f"Run {text.path}, seed 0."
    assert lines[1].startswith(f"Data: {sentences}: 150 lines, 0 blank; 0 longer than ")
    assert lines[2].startswith("120 training sequences, 15 for validation, 15 for test; ")
    share = r"([\d.]+)% of the"
    pattern = rf"Vocabulary: (\d+) tokens \(whitespace\); unknown: {share} training tokens, {share} held-out ones\."
    told = re.fullmatch(pattern, lines[3])
    assert told
    assert int(told[1]) == len((text.path / "vocabulary.txt").read_text().splitlines()) - 3
    with np.load(text.path / "corpus" / "train.npz") as corpus:
        tokens = corpus["tokens"]
    assert float(told[2]) == pytest.approx(100 * (tokens == 2).sum() / (tokens > 1).sum(), abs=0.006)
    assert float(told[2]) > 0


@pytest.fixture(scope="module")
def odd(tiny_config, tmp_path_factory):
    """A text run without a discriminator, whose file and tokens look like markup: folder and what `train` printed."""
    folder = tmp_path_factory.mktemp("odd")
    data = folder / "[bold]:cat:.txt"
    data.write_text(":cat: [bold] :dog:\n:dog: [/bold] :cat:\n" * 10)
    command = ["train", str(data), "--epochs", "1", "--rounds", "1", "--reward", "constant"]
    with eager():
        done = forked.run(tmp_path_factory.mktemp("printed"), *command, "--config", tiny_config, "--run", folder / "run")
    assert done.returncode == 0, done.stderr
    return folder, done.stdout, done.stderr


def test_train_with_a_constant_reward_says_so_in_its_table(odd):
    folder, out, _ = odd
    assert positions(folder / "run", "pretrain-d") == []
    assert "constant reward " in out
    assert "SeqGAN" not in out


def test_names_and_tokens_are_shown_as_they_are(odd):
    """`:cat:` is a token, not a picture, and `[bold]` is one too."""
    folder, out, err = odd
    shown = out.split("Ten samples:\n")[1].splitlines()[:10]
    assert shown == ["  " + line for line in (folder / "run" / "samples" / "samples.txt").read_text().splitlines()[:10]]
    assert ":cat:" in "".join(shown)
    assert f"Data: {folder / '[bold]:cat:.txt'}: 20 lines" in err


@pytest.mark.parametrize(
    ("oracle", "test", "words"),
    [
        ((5.0, 4.0), (3.0, 3.5), "quality (nll_oracle) by -1.000 nats, better and coverage (nll_test) by +0.500 nats, worse"),
        (
            (4.0, 4.1),
            (3.0, 3.0),
            "quality (nll_oracle) by +0.100 nats, less than the width of the intervals and coverage (nll_test) by +0.000",
        ),
    ],
)
def test_what_the_rounds_traded_is_told(oracle, test, words):
    from seqgan_cli.evaluation.generators import Likelihoods
    from seqgan_cli.evaluation.metrics.likelihood import Estimate
    from seqgan_cli.sampling.choices import PLAIN
    from seqgan_cli.studies.experiments.findings import trade

    def scores(i):
        around = [Estimate(values[i], values[i] - 0.1, values[i] + 0.1, 1.0, 100) for values in (oracle, test)]
        return Likelihoods(PLAIN, 10, around[0], around[1], around[1], 1.0, 5, 0.0)

    (told,) = trade("MLE, last epoch", scores(0), scores(1), "nll_oracle")
    assert told.startswith("Against MLE, last epoch, the adversarial rounds changed ")
    assert words in told


# What goes another way than the paper's, from end to end on text.

OTHER_WAYS = [
    [
        *("discriminator.prefixes=true", "discriminator.loss=wasserstein", "discriminator.gradient-penalty=1"),
        *("adversarial.reward=partial", "adversarial.baseline=leave-one-out", "adversarial.reward-transform=standardize"),
    ],
    ["adversarial.reward=lm", "adversarial.baseline=mean", "adversarial.mle-every=1", "pretrain-g.weight-decay=0.01"],
    ["generator.cell=attention", "discriminator.kind=attention", "adversarial.rollout-policy=ngram"],
    ["discriminator.kind=recurrent", "adversarial.rollout-horizon=2", "adversarial.kl-coefficient=0.1"],
]


@pytest.mark.whole
@pytest.mark.parametrize("settings", OTHER_WAYS, ids=" ".join)
def test_other_ways_from_end_to_end(seqgan, tmp_path, tiny_config, settings):
    data = tmp_path / "lines.txt"
    data.write_text("a b c d\nb c d\nc a b a d\nd\n" * 15)
    sets = [part for setting in settings for part in ("--set", setting)]
    command = ["train", data, "--config", tiny_config, "--epochs", 4, "--run", tmp_path / "run"]
    command += ["--set", "pretrain-g.learning-rate=0.1"]  # so that an epoch is better than the untrained generator
    outcome = seqgan(*command, *sets)
    assert outcome.code == 0, outcome.err
    judged = "adversarial.reward=lm" not in settings
    assert stages_in_history(tmp_path / "run") == ["pretrain-g", *(["pretrain-d"] if judged else []), "adversarial"]
    assert positions(tmp_path / "run", "adversarial") == [1, 2]
    if not judged:  # what it holds on to comes back with its checkpoint
        again = seqgan("adversarial", "--rounds", 3, "--run", tmp_path / "run")
        assert again.code == 0, again.err
        assert "going on after round 2" in again.err
    assert "nan" not in (tmp_path / "run" / "history.csv").read_text()
