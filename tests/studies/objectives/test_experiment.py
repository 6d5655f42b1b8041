"""`seqgan experiment objective` on a handful of sentences: what it trains, keeps, says and refuses."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import forked
from eager import eager
from seqgan_cli.runs.generators import generator_checkpoint, read_generator
from seqgan_cli.runs.run import Run
from seqgan_cli.sampling.likelihood import sequence_nll
from seqgan_cli.studies.objectives.methods import METHODS
from seqgan_cli.studies.objectives.study import choice

LINES = ["a gull sings", "the heron waits", "a dog sleeps today", "the cat waits", "a heron sleeps", "the gull sings"] * 8
SIZES = {
    "generator.hidden-dim": 4,
    "generator.embedding-dim": 4,
    "discriminator.filters": "1:4,2:4",
    "pretrain-g.epochs": 1,
    "pretrain-d.d-steps": 1,
    "pretrain-d.k": 1,
    "adversarial.rounds": 1,
    "adversarial.g-steps": 2,
    "adversarial.g-learning-rate": 0.05,
    "adversarial.batch-size": 8,
    "evaluation.samples": 16,
    "evaluation.final-samples": 16,
}
SETS = [part for name, value in SIZES.items() for part in ("--set", f"{name}={value}")]
BIRDS = ["--reward", "birds=lexicon", "--set", "reward.birds.words=gull,heron"]
OPTIONS = ["--preset", "quick", "--seeds", "2", "--samples", "32", "--jobs", "2", "--threads", "1"]
Call = Callable[..., Any]


@pytest.fixture(scope="module")
def finished(once: Callable[..., Path]) -> Path:
    """The folder of a finished experiment with one method and two seeds, of its data and of what it printed. Read only."""

    def build(folder: Path) -> None:
        (folder / "lines.txt").write_text("\n".join(LINES) + "\n")
        with eager():
            done = forked.run(folder, *command(folder))
        assert done.returncode == 0, done.stderr

    return once("objective", build)


@pytest.fixture
def copied(finished: Path, tmp_path: Path) -> Path:
    """The same without runs: what is committed of it."""
    shutil.copytree(finished, tmp_path / "copied", ignore=shutil.ignore_patterns("seed-[0-9]", ".lock"))
    scores = sorted((finished / "birds" / "objective" / "scores").iterdir())
    for folder in scores:  # whose folders have such names too
        shutil.copytree(folder, tmp_path / "copied" / "birds" / "objective" / "scores" / folder.name)
    return tmp_path / "copied"


def command(folder: Path, *more: Any, methods: str = "organ-kl") -> list[Any]:
    data = ["--data", folder / "lines.txt", "--out", folder / "birds", "--methods", methods]
    return ["experiment", "objective", *data, *BIRDS, *OPTIONS, *SETS, *more]


def test_it_leaves_a_table_scores_and_a_figure(finished: Path) -> None:
    out, folder = (finished / "stdout").read_text(encoding="utf-8"), finished / "birds" / "objective"
    written = (folder / "table.md").read_text(encoding="utf-8")
    for text in (out, written):
        assert "Objective birds=lexicon" in text
        for title in ("MLE, temperature 1", "MLE, temperature 0.5", "best of 4", "best of 16"):
            assert title in text
        for name, method in METHODS.items():
            assert (method.title in text) == (name == "organ-kl")
    assert (folder / "reward.png").stat().st_size > 1000
    assert (folder / "reward.svg").stat().st_size > 1000
    results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    assert (results["reward"], results["seeds"], results["samples"]) == ("birds=lexicon", [0, 1], 32)
    for rows in results["rows"].values():
        assert rows.keys() == {"0", "1"}
        for row in rows.values():
            assert row["samples"] == 32
            assert row["terms"]["birds"] == row["reward"]
    assert len(list((folder / "scores").glob("seed-[01]/*.json"))) == 2 * 2
    trained = {path.name for path in (finished / "birds").glob("seed-*/*") if path.is_dir()}
    assert trained == {"mle", "pretrained-d", "organ-kl"}
    kept = json.loads((finished / "birds" / "seed-0" / "organ-kl" / "config.json").read_text())["settings"]
    assert kept["adversarial.reward"]["value"] == "discriminator=0.5,birds=lexicon=0.5"
    assert kept["reward.birds.words"]["value"] == ["gull", "heron"]
    assert kept["adversarial.kl-coefficient"]["value"] == 0.01


def test_it_goes_on_from_its_scores_when_the_runs_are_gone(finished: Path, copied: Path, seqgan: Call) -> None:
    before = (copied / "birds" / "objective" / "results.json").read_bytes()
    again = seqgan(*command(copied))
    assert again.code == 0, again.err
    assert again.out.replace(str(copied), "") == (finished / "stdout").read_text(encoding="utf-8").replace(str(finished), "")
    assert not list((copied / "birds").glob("seed-*"))
    assert (copied / "birds" / "objective" / "results.json").read_bytes() == before
    told = seqgan(*command(copied, "--dry-run"))
    assert told.code == 0
    assert told.out == "Nothing is left to train: all scores are there.\n"


def test_scores_from_elsewhere_go_by_the_names_of_files_until_something_is_trained_on_them(copied: Path, seqgan: Call) -> None:
    """Their folders are other ones on another machine; and from then on they are here."""
    record = copied / "birds" / "experiment.json"
    assert str(copied) not in record.read_text()
    assert seqgan(*command(copied)).code == 0
    assert json.loads(record.read_text())["settings"]["data.source"] == str(copied / "lines.txt")
    (copied / "birds" / "seed-0").mkdir()
    assert seqgan(*command(copied)).code == 0
    (copied / "elsewhere").mkdir()
    other = shutil.copy(copied / "lines.txt", copied / "elsewhere")
    refused = seqgan(*command(copied, "--data", other))
    assert refused.code == 2
    assert "was begun with data.source" in refused.err


def test_a_part_of_it_is_shown_as_it_is_and_trains_nothing(copied: Path, seqgan: Call) -> None:
    for path in (copied / "birds" / "objective" / "scores" / "seed-1").glob("organ-kl-*.json"):
        path.unlink()
    shown = seqgan(*command(copied, "--partial", methods="organ-kl,seqgan"))
    assert shown.code == 0, shown.err
    assert METHODS["organ-kl"].title in shown.out
    assert METHODS["seqgan"].title not in shown.out
    assert not list((copied / "birds").glob("seed-*"))


def test_scores_of_a_run_that_has_rounds_to_go_are_not_kept(finished: Path, tmp_path: Path, seqgan: Call) -> None:
    """What is half trained is no method's score, or it would stay one."""
    folder = tmp_path / "other"
    shutil.copytree(finished, folder)
    record = folder / "birds" / "experiment.json"
    record.write_text(record.read_text().replace(str(finished), str(folder)))
    scores = folder / "birds" / "objective" / "scores"
    for path in scores.glob("seed-1/*.json"):
        path.unlink()
    for path in (folder / "birds" / "seed-1" / "organ-kl" / "checkpoints" / "adversarial").iterdir():
        path.unlink()
    shown = seqgan(*command(folder, "--partial"))
    assert shown.code == 0, shown.err
    assert sorted(path.name.partition("-")[0] for path in scores.glob("seed-1/*.json")) == ["mle"]


@pytest.mark.whole
def test_validation_data_choose_among_coefficients(finished: Path, tmp_path: Path) -> None:
    """The rows are of the run that is the furthest above the temperatures on other samples and held-out data than these."""
    folder = tmp_path / "chosen"
    shutil.copytree(finished, folder, ignore=shutil.ignore_patterns("objective", "organ*", "seed-1"))
    more = ["--data", finished / "lines.txt", "--seeds", "1", "--kl-coefficients", "0.1,1000"]
    done = forked.run(folder, *command(folder, *more, methods="reward-kl"))
    assert done.returncode == 0, done.stderr
    assert {path.name for path in (folder / "birds" / "seed-0").glob("reward*") if path.is_dir()} == {
        "reward-kl-0.1",
        "reward-kl-1000",
    }
    (path,) = (folder / "birds" / "objective" / "scores" / "seed-0").glob("reward-kl-*.json")
    kept = json.loads(path.read_text())
    assert [each["run"] for each in kept["among"]] == ["reward-kl-0.1", "reward-kl-1000"]
    runs = [Run(folder / "birds" / "seed-0" / each["run"]) for each in kept["among"]]
    last = [run.history.at("adversarial", run.position("adversarial")) for run in runs]  # what the rounds measured themselves
    assert last[0]["nll_validation"] != last[1]["nll_validation"]
    assert [each["nll_validation"] for each in kept["among"]] == pytest.approx([row["nll_validation"] for row in last])
    chosen = [{"adversarial.kl-coefficient": 0.1}, {"adversarial.kl-coefficient": 1000.0}].index(kept["chosen"])
    (row,) = kept["rows"]
    generator = read_generator(runs[chosen], generator_checkpoint(runs[chosen], "adversarial", print), runs[chosen].corpus())
    corpus = runs[chosen].corpus()
    tokens = int(corpus.vocabulary.mask(corpus.test).sum())
    assert row["nll_test"]["mean"] == pytest.approx(sequence_nll(generator, corpus.test).sum() / tokens)
    said = (folder / "stdout").read_text(encoding="utf-8")
    value = kept["chosen"]["adversarial.kl-coefficient"]
    assert f"the reward, with KL: adversarial.kl-coefficient, chosen on validation data seed by seed: {value:g}." in said


def test_the_choice_by_hand() -> None:
    curve = [(1.0, 0.2), (1.4, 0.6)]
    assert choice([(1.2, 0.5), (1.4, 0.9), (1.1, 0.35)], curve) == 1  # above by 0.1, 0.3, 0.05
    assert choice([(1.2, 0.3), (1.5, 1.0)], curve) == 0  # beyond its end the curve is not known
    assert choice([(1.6, 1.0), (1.5, 0.9)], curve) == 1  # of those that meet it nowhere, what covers best


def test_nothing_to_show_is_one_sentence(finished: Path, tmp_path: Path, seqgan: Call) -> None:
    (tmp_path / "lines.txt").write_text((finished / "lines.txt").read_text())
    shown = seqgan(*command(tmp_path, "--partial"))
    assert shown.code == 1
    assert shown.err.splitlines()[-1].endswith("holds no scores yet, nor runs that are done: leave --partial out.")


def test_a_damaged_score_is_one_sentence(copied: Path, seqgan: Call) -> None:
    (path,) = (copied / "birds" / "objective" / "scores" / "seed-0").glob("organ-kl-*.json")
    path.write_text(path.read_text()[:100])
    outcome = seqgan(*command(copied))
    assert outcome.code == 1
    (error,) = [line for line in outcome.err.splitlines() if line.startswith("Error: ")]
    assert f"{path} is damaged" in error
    assert "Traceback" not in outcome.err


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--set", "reward.birds.words=gull"], "was begun with reward.birds.words = ('gull', 'heron')"),
        (["--reward", "birds=lexicon,length", "--set", "reward.length.least=3"], "was begun with adversarial.reward"),
        (["--set", "adversarial.kl-coefficient=0.1"], "was begun with adversarial.kl-coefficient = 0.01"),
        (["--preset", "fast"], "was begun with --preset quick"),
    ],
)
def test_other_settings_are_refused_though_the_runs_are_gone(copied: Path, seqgan: Call, more: list[str], said: str) -> None:
    outcome = seqgan(*command(copied, *more))
    assert outcome.code == 2
    assert said in outcome.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "experiment objective is of a reward: give --reward, as `adversarial` takes it."),
        (["--reward", "discriminator=0.5,constant=0.5"], "experiment objective adds the discriminator itself"),
        (["--reward", "lexicon"], "--reward lexicon needs words"),
        (["--reward", "lm"], "--reward lm scores tokens and not whole sequences."),
        ([*BIRDS, "--methods", "reward,nothing"], "--methods: there is no method 'nothing'; choose from seqgan, reward,"),
        ([*BIRDS, "--margin", "0.1"], "has no margin"),
        ([*BIRDS, "--top-k", "5"], "draws at temperatures alone"),
        ([*BIRDS, "--kl-coefficients", "0.1,x"], "adversarial.kl-coefficient=x: needs a number."),
        ([*BIRDS, "--kl-coefficients", "0.1"], "--kl-coefficients 0.1: needs several that differ in six digits"),
        ([*BIRDS, "--kl-coefficients", "0.1,0.10"], "--kl-coefficients 0.1,0.10: needs several"),
        ([*BIRDS, "--kl-coefficients", ""], "adversarial.kl-coefficient=: needs a number."),
        ([*BIRDS, "--kl-coefficients", "0.1,-1"], "adversarial.kl-coefficient=-1.0: must be at least 0"),
        ([*BIRDS, "--temperature", "0.5"], "draws at several values of temperature"),
    ],
)
def test_what_cannot_be_is_refused(
    arguments: list[str], said: str, finished: Path, tmp_path: Path, seqgan: Call
) -> None:
    out = tmp_path / "out"
    outcome = seqgan("experiment", "objective", "--data", finished / "lines.txt", "--out", out, *OPTIONS[:-4], *arguments)
    assert outcome.code == 2
    (error,) = [line for line in outcome.err.splitlines() if line.startswith("Error: ")]
    assert said in error
    assert not list(out.glob("seed-*"))


def test_what_the_data_are_is_seen_for_the_tasks_too(tmp_path: Path, seqgan: Call) -> None:
    """Tunes are no text to them either, and a reward of melodies is none of text."""
    tunes = Path(__file__).parents[3] / "data" / "tunes"
    asked = ("--data", tunes, "--reward", "tonality", "--preset", "quick", "--seeds", "1", "--out", tmp_path / "out", *SETS)
    taught = ("--set", "adversarial.mle-every=1", "--set", "adversarial.kl-coefficient=0.5")
    told = seqgan("experiment", "objective", *asked, *taught, "--methods", "reward,reward-mle,reward-kl", "--dry-run")
    assert told.code == 0, told.err
    assert "seed-0/reward-kl" in told.out
    warned = [line for line in " ".join(told.err.split()).split("Warning: ") if "does not hold" in line]
    assert len(warned) == 1  # a KL penalty is what methods are compared in
    assert "adversarial.mle-every=1 does not hold for what has its own: reward (0), reward-kl (0)." in warned[0]


def test_without_out_it_has_a_folder_of_its_own(
    finished: Path, tmp_path: Path, seqgan: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing that another experiment has trained is of its settings."""
    monkeypatch.chdir(tmp_path)
    data = ("--data", finished / "lines.txt", *BIRDS, *OPTIONS, *SETS)
    shown = seqgan("experiment", "objective", *data, "--partial")
    assert shown.code == 1
    assert "runs/objective-quick holds no scores yet" in shown.err
