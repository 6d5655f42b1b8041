"""`seqgan eval-reward`: its numbers against literal ones, and what it refuses."""

import collections
import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eager import eager
from seqgan_cli.randomness import key
from seqgan_cli.runs.generators import generator_checkpoint, read_generator
from seqgan_cli.runs.run import Run
from seqgan_cli.sampling.choices import Sampling
from seqgan_cli.sampling.likelihood import sequence_nll
from seqgan_cli.sampling.sequences import sample

LINES = ["a gull sings", "the heron waits", "a dog sleeps today", "the cat waits", "a heron sleeps", "the gull sings"] * 8
SIZES = ("generator.hidden-dim=4", "generator.embedding-dim=4", "discriminator.filters=1:4,2:4", "adversarial.rollouts=2")
STEPS = ("adversarial.batch-size=8", "adversarial.g-steps=3", "evaluation.samples=16", "pretrain-d.k=1", "adversarial.k=1")
SETS = [part for each in (*SIZES, *STEPS) for part in ("--set", each)]
BIRDS = ["--reward", "birds=lexicon", "--set", "reward.birds.words=gull,heron"]
NUM = 40
Call = Callable[..., Any]


@pytest.fixture(scope="module")
def trained(once: Callable[..., Path]) -> Path:
    """A run with two epochs of MLE, a discriminator, and two rounds of which it is the reward. Read only."""

    def build(folder: Path) -> None:
        from seqgan_cli.cli import main

        (folder / "lines.txt").write_text("\n".join(LINES) + "\n")
        stages = (["pretrain-g", "--data", str(folder / "lines.txt"), "--epochs", "2"], ["pretrain-d", "--d-steps", "1"])
        for stage in (*stages, ["adversarial", "--rounds", "2"]):
            with eager(), pytest.raises(SystemExit) as ended:
                main([*stage, "--run", str(folder / "run"), "--threads", "1", "--quiet", *SETS])
            assert not ended.value.code
            if stage[0] != "adversarial":
                shutil.copytree(folder / "run", folder / {"pretrain-g": "mle", "pretrain-d": "judged"}[stage[0]])

    return once("eval-reward", build) / "run"


@pytest.fixture
def mle(trained: Path) -> Path:
    """The same run when it had no more than MLE. Read only."""
    return trained.with_name("mle")


@pytest.fixture
def scored(seqgan: Call) -> Call:
    """Rows of the JSON object, and all of it."""

    def call(run: Path, *arguments: Any) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        outcome = seqgan("eval-reward", "-q", "--json", "--run", run, "-n", NUM, "--seed", 3, *arguments)
        assert outcome.code == 0, outcome.err
        assert outcome.out.count("\n") == 1
        record = json.loads(outcome.out)
        return record["rows"], record

    return call


class Literal:
    """One of a run's generators, and texts that are scored one by one."""

    def __init__(self, path: Path, which: str) -> None:
        run = Run(path)
        self.corpus = run.corpus()
        self.generator = read_generator(run, generator_checkpoint(run, which, pytest.fail), self.corpus)

    def words(self, tokens: np.ndarray) -> list[list[str]]:
        return [self.corpus.vocabulary.decode(row) for row in tokens]

    def worth(self, tokens: np.ndarray) -> list[float]:
        return [float("gull" in words or "heron" in words) for words in self.words(tokens)]

    def draw(self, purpose: str, num: int = NUM, temperature: float = 1.0) -> np.ndarray:
        return sample(self.generator, num, key(3, "eval-reward", purpose), Sampling(temperature))

    def losses(self, temperature: float = 1.0) -> list[float]:
        return sequence_nll(self.generator, self.corpus.test, Sampling(temperature)).astype(np.float64).tolist()

    def per_token(self, losses: list[float], chosen: list[bool] | None = None) -> float:
        """Over held-out sequences, of which each also has the token that ends it."""
        lengths = [len(words) + 1 for words in self.words(self.corpus.test)]
        among = [i for i in range(len(lengths)) if math.isfinite(losses[i]) and (chosen is None or chosen[i])]
        return sum(losses[i] for i in among) / sum(lengths[i] for i in among)


def test_samples_and_colder_ones_are_scored_as_a_literal_count_does(trained: Path, scored: Call) -> None:
    colder = ("--mle-temperature", 1, "--mle-temperature", 0.5)
    rows, record = scored(trained, *BIRDS, "--temperature", 0.9, *colder, "--best-of", 2)
    assert record["from"] == "adversarial, round 2"
    assert record["reward"] == "birds=lexicon"
    assert (record["samples"], record["temperature"]) == (NUM, 0.9)
    names = ["adversarial, round 2, temperature 0.9", "MLE, temperature 1", "MLE, temperature 0.5", "best of 2"]
    assert [row["name"] for row in rows] == names
    latest, pretrained = Literal(trained, "adversarial"), Literal(trained, "pretrain-g")
    ways = [(latest, "samples", 0.9), (pretrained, "MLE 1", 1.0), (pretrained, "MLE 0.5", 0.5)]
    train = {tuple(row) for row in latest.corpus.train.tolist()}
    for row, (of, purpose, temperature) in zip(rows, ways, strict=False):
        tokens = of.draw(purpose, NUM, temperature)
        worth, drawn = of.worth(tokens), [tuple(each) for each in tokens.tolist()]
        assert row["reward"]["mean"] == pytest.approx(np.mean(worth))
        half = 1.96 * np.std(worth, ddof=1) / math.sqrt(NUM)
        assert row["reward"]["high"] - row["reward"]["low"] == pytest.approx(2 * half)
        assert row["terms"] == {"birds": row["reward"]}
        assert row["distinct"] == len(set(drawn)) / NUM
        assert row["novel"]["mean"] == pytest.approx(np.mean([each not in train for each in drawn]))
        losses = of.losses(temperature)
        assert row["nll_test"]["mean"] == pytest.approx(of.per_token(losses), rel=1e-5)
        fulfil = [value == 1.0 for value in of.worth(of.corpus.test)]
        assert any(fulfil)
        assert not all(fulfil)
        assert row["nll_fulfilling"]["mean"] == pytest.approx(of.per_token(losses, fulfil), rel=1e-5)
        assert row["outside"] == {"count": 0, "of": len(of.corpus.test)}
        assert (row["calls"], row["samples"], row["nearest"]) == (0, NUM, None)
        assert 0.0 < row["diversity"] < 1.0
        assert row["examples"] == [" ".join(words) for words in of.words(tokens[:3])]


def test_the_best_of_n_has_the_coverage_of_its_density(trained: Path, scored: Call) -> None:
    rows, _ = scored(trained, *BIRDS, "--mle-temperature", 1, "--best-of", 3, "--best-of", 2)
    of, (three, two) = Literal(trained, "pretrain-g"), (rows[3], rows[2])
    assert (two["name"], three["name"]) == ("best of 2", "best of 3")
    draws = of.draw("best of", 3 * NUM)
    worth = of.worth(draws)
    shares = {value: count / len(worth) for value, count in collections.Counter(worth).items()}
    for n, row in ((2, two), (3, three)):
        losses = []
        for loss, value in zip(of.losses(), of.worth(of.corpus.test), strict=True):
            equal, below = shares[value], sum(share for other, share in shares.items() if other < value)
            losses.append(loss - math.log(((below + equal) ** n - below**n) / equal))
        assert row["nll_test"]["mean"] == pytest.approx(of.per_token(losses), rel=1e-5)
        fulfil = [value == 1.0 for value in of.worth(of.corpus.test)]
        assert row["nll_fulfilling"]["mean"] == pytest.approx(of.per_token(losses, fulfil), rel=1e-5)
        groups = np.reshape(worth[: n * NUM], (NUM, n))
        assert row["reward"]["mean"] == pytest.approx(groups.max(axis=1).mean())
        assert (row["calls"], row["samples"]) == (n * NUM, NUM)


def test_without_being_told_the_controls_have_the_calls_of_the_rounds(trained: Path, scored: Call) -> None:
    rows, _ = scored(trained, *BIRDS)
    names = [row["name"] for row in rows[1:]]
    length = Run(trained).corpus().sequence_length
    calls = 2 * 3 * 8 * (2 * (length - 1) + 1)  # rounds, g-steps, sequences, and each with its continuations
    fair = round(calls / NUM)
    assert fair > 4
    assert names == [*(f"MLE, temperature {t}" for t in ("1", "0.8", "0.7", "0.6")), "best of 4", f"best of {fair}"]
    assert rows[-1]["calls"] == pytest.approx(calls, abs=NUM / 2)


def test_best_of_one_is_the_generator_itself(trained: Path) -> None:
    """The command has no such row; of what is behind it this is the limit."""
    objective, generator = objective_of(trained)
    (row,) = objective.best_of(generator, [1])
    same = objective.of_sampling("best of 1", generator, purpose="best of")
    assert row.nll_test == same.nll_test
    assert row.reward == same.reward
    assert row.nll_fulfilling == same.nll_fulfilling


def objective_of(path: Path, reward: str = "birds=lexicon", **settings: Any) -> Any:
    """What measures by a reward, and pretrain-g's generator."""
    from seqgan_cli.config.registry import rewards
    from seqgan_cli.console import Console
    from seqgan_cli.rewards.base import Given
    from seqgan_cli.rewards.total import make_reward
    from seqgan_cli.studies.objectives.scores import Objective

    rewards.require(reward)
    chosen = {"reward.birds.words": ("gull", "heron"), **settings} if "birds" in reward else settings
    changed = Run(path).config().settings.changed({"adversarial.reward": reward, **chosen})
    of = Literal(path, "pretrain-g")
    made = make_reward(Given(changed, of.corpus, Console(quiet=True)))
    return Objective(changed, of.corpus, made, 3, NUM), of.generator


def test_held_out_sequences_that_are_never_the_best_are_counted(trained: Path, scored: Call, seqgan: Call) -> None:
    """Every sample has a reward above that of any held-out sequence: `novel` is 0 for these, which are trained on too."""
    rows, _ = scored(trained, "--reward", "novel", "--mle-temperature", 1, "--best-of", 2, "--from", "pretrain-g")
    of = Literal(trained, "pretrain-g")
    train = {tuple(row) for row in of.corpus.train.tolist()}
    assert all(tuple(row) in train for row in of.corpus.test.tolist()), "the data repeat each line"
    assert all(tuple(row) not in train for row in of.draw("best of", 2 * NUM).tolist()), "choose another seed"
    best = rows[-1]
    assert best["outside"] == {"count": len(of.corpus.test), "of": len(of.corpus.test)}
    assert best["nll_test"]["mean"] is None
    assert rows[0]["outside"]["count"] == 0
    shown = seqgan("eval-reward", "--run", trained, "--reward", "novel", "-n", NUM, "--seed", 3, "--best-of", 2)
    assert shown.code == 0
    assert "inf" not in shown.out
    assert f"({len(of.corpus.test)} outside)" in shown.out


def test_a_reward_that_nothing_has_changes_no_density(mle: Path, scored: Call) -> None:
    never = ["--reward", "lexicon", "--set", "reward.lexicon.words=albatross"]
    rows, _ = scored(mle, *never, "--mle-temperature", 1, "--best-of", 2, "--best-of", 64)
    for row in rows:
        assert row["reward"]["mean"] == 0.0
        assert row["nll_test"]["mean"] == pytest.approx(rows[0]["nll_test"]["mean"])
        assert row["outside"]["count"] == 0
        assert row["nll_fulfilling"]["mean"] is None  # of none


def test_chosen_samples_are_scored_as_the_batch_that_they_are(trained: Path, scored: Call) -> None:
    """A reward of the batch is another in the batch that they were chosen from."""
    rows, _ = scored(trained, "--reward", "unique", "--mle-temperature", 1, "--best-of", 3)
    for row in rows:
        counts = 1 / row["distinct"]  # the mean of 1 / count over samples is the share of different ones
        assert row["reward"]["mean"] == pytest.approx(1 / counts)


def test_chance_is_no_gain_of_choosing_by_it(trained: Path) -> None:
    objective, generator = objective_of(trained, "random")
    objective.num = 2000
    plain, (best,) = objective.of_sampling("plain", generator), objective.best_of(generator, [4])
    for row in (plain, best):
        assert row.reward.mean == pytest.approx(0.5, abs=5 / math.sqrt(12 * 2000))


def test_every_sequence_of_a_long_table_has_chance_of_its_own() -> None:
    from seqgan_cli.rewards.controls import RandomReward
    from seqgan_cli.rewards.total import AT_ONCE, values_of

    found, parts = values_of(RandomReward(), np.zeros((2 * AT_ONCE + 1, 2), np.int32), key(0, "long"))
    assert parts == {}
    assert len(set(found.tolist())) > 1.9 * AT_ONCE


def test_terms_are_told_beside_the_sum_whatever_they_are_called(mle: Path, scored: Call) -> None:
    words = ["--set", "reward.reward.words=gull", "--set", "reward.length.least=2"]
    rows, _ = scored(mle, "--reward", "reward=lexicon=0.5,length=0.25", *words, "--no-controls")
    of = Literal(mle, "pretrain-g")
    drawn = of.words(of.draw("samples"))
    gulls, lengths = np.mean(["gull" in words for words in drawn]), np.mean([min(1.0, len(words) / 2) for words in drawn])
    (row,) = rows
    assert row["terms"]["reward"]["mean"] == pytest.approx(gulls)
    assert row["terms"]["length"]["mean"] == pytest.approx(lengths)
    assert row["reward"]["mean"] == pytest.approx(0.5 * gulls + 0.25 * lengths)
    assert row["nll_fulfilling"] is None  # it is no yes or no


def by_discriminator(path: Path, stage: str, tokens: np.ndarray) -> float:
    """The mean of what the last discriminator of a stage says of sequences."""
    from seqgan_cli.config import registry
    from seqgan_cli.evaluation.logits import scores
    from seqgan_cli.models.discriminator import Discriminator
    from seqgan_cli.runs.checkpoints import assign, named

    run = Run(path)
    corpus, checkpoint = run.corpus(), run.checkpoints(stage).latest(pytest.fail)
    settings = run.config().settings.of(registry.discriminators)
    discriminator = Discriminator(corpus.vocabulary, corpus.sequence_length, settings)
    assert checkpoint
    assign(checkpoint, named("discriminator", discriminator))
    return float(np.mean(scores(discriminator, tokens)))


def test_the_runs_discriminator_is_its_reward(trained: Path, scored: Call) -> None:
    rows, record = scored(trained, "--no-controls")
    assert record["reward"] == "discriminator"
    drawn = Literal(trained, "adversarial").draw("samples")
    after, before = (by_discriminator(trained, stage, drawn) for stage in ("adversarial", "pretrain-d"))
    assert rows[0]["reward"]["mean"] == pytest.approx(after, rel=1e-4)
    assert after != pytest.approx(before, rel=1e-3)
    assert rows[0]["nll_fulfilling"] is None


def test_rounds_without_a_discriminator_leave_that_of_before(trained: Path, tmp_path: Path, scored: Call, seqgan: Call) -> None:
    run = tmp_path / "run"
    shutil.copytree(trained.with_name("judged"), run)
    assert seqgan("adversarial", "--run", run, "--reward", "constant", "--rounds", 1, *SETS).code == 0
    ((row,), _) = scored(run, "--reward", "discriminator", "--no-controls")
    expected = by_discriminator(run, "pretrain-d", Literal(run, "adversarial").draw("samples"))
    assert row["reward"]["mean"] == pytest.approx(expected, rel=1e-4)


def test_a_run_without_a_discriminator_is_told_so(mle: Path, seqgan: Call) -> None:
    outcome = seqgan("eval-reward", "--run", mle, "--reward", "discriminator")
    assert outcome.code == 1
    assert outcome.err.splitlines()[-1].startswith(f"Error: {mle} holds no trained discriminator")
    assert outcome.out == ""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--reward", "lm"], "--reward lm scores tokens and not whole sequences."),
        (["--reward", "lexicon"], "--reward lexicon needs words: --set reward.lexicon.words="),
        (["--reward", "file"], "--reward file needs a scorer"),
        (["--reward", "nothing"], "choose from"),
        ([*BIRDS, "--set", "data.kind=text"], "--set data.kind: eval-reward takes settings of the reward"),
        ([*BIRDS, "--set", "adversarial.reward-transform=standardize"], "eval-reward takes settings of the reward"),
        ([*BIRDS, "--set", "reward.cats.words=cat"], "There is no setting 'reward.cats.words'."),
        ([*BIRDS, "--mle-temperature", "1e-9"], "--mle-temperature"),
        ([*BIRDS, "--mle-temperature", "nan"], "--mle-temperature"),
        ([*BIRDS, "--best-of", "1"], "--best-of"),
        ([*BIRDS, "-n", "1"], "-n"),
    ],
)
def test_what_cannot_be_is_refused(arguments: list[str], said: str, mle: Path, seqgan: Call) -> None:
    outcome = seqgan("eval-reward", "--run", mle, *arguments)
    assert outcome.code == 2
    errors = [line for line in outcome.err.splitlines() if line.startswith("Error: ")]
    assert len(errors) == 1
    assert said in errors[0]
    assert outcome.out == ""


def test_a_reward_of_its_own_leaves_the_run_as_it_was_though_it_trains_elsewhere(
    mle: Path, tmp_path: Path, scored: Call, contents: Callable[[Path], dict[str, bytes]]
) -> None:
    from seqgan_cli.runs import lock

    run = tmp_path / "run"
    shutil.copytree(mle, run)
    before = contents(run)
    with lock.held(run, "Another seqgan is at work", "--run"):
        (row,) = scored(run, *BIRDS, "--no-controls")[0]
    assert row["name"] == "pretrain-g, epoch 2, temperature 1"
    assert contents(run) == before


def test_the_table_shows_what_the_rows_have(trained: Path, seqgan: Call) -> None:
    shown = seqgan("eval-reward", "--run", trained, *BIRDS, "-n", NUM, "--seed", 3, "--best-of", 2, "--mle-temperature", 0.5)
    assert shown.code == 0
    rows = json.loads(
        seqgan(
            *("eval-reward", "-q", "--json", "--run", trained, *BIRDS, "-n", NUM, "--seed", 3),
            *("--best-of", 2, "--mle-temperature", 0.5),
        ).out
    )["rows"]
    for heading in ("reward ↑", "birds", "different", "new", "diversity", "nll_test ↓", "nll of those of reward 1 ↓", "calls"):
        assert heading in shown.out
    for row in rows:
        (line,) = [line for line in shown.out.splitlines() if line.strip().startswith(row["name"])]
        for name in ("reward", "nll_test", "nll_fulfilling"):
            assert f"{row[name]['mean']:.3f}" in line
    assert line.split()[-1] == str(2 * NUM)


def test_numbers_have_rewards_too(synthetic: Any, seqgan: Call) -> None:
    """The oracle's data, of which no token is a word."""
    record = seqgan("eval-reward", "-q", "--json", "--run", synthetic.path, "--reward", "unique", "-n", 64)
    assert record.code == 0, record.err
    assert [row["outside"]["count"] for row in json.loads(record.out)["rows"]] == [0] * 7


def test_molecules_have_the_share_that_are_any(seqgan: Call, scored: Call, tmp_path: Path) -> None:
    """As the reward `valid` scores it, in processes of its own; the nearest training molecule is another figure."""
    pytest.importorskip("rdkit")
    (tmp_path / "smiles.txt").write_text("C\nCC\nCCO\nCC(C)O\nC1CC1\nCO\nCCC\nC(C)C\n" * 6)
    made = ("--data", tmp_path / "smiles.txt", "--tokenizer", "chars", "--epochs", 2, *SETS[:4])
    assert seqgan("pretrain-g", "-q", "--run", tmp_path / "run", *made).code == 0
    (row, *_), _ = scored(tmp_path / "run", "--reward", "valid", "--no-controls")
    assert 0.0 < row["reward"]["mean"] < 1.0
    assert row["valid_share"] == pytest.approx(row["reward"]["mean"])
    assert 0.0 < row["nearest"] <= 1.0
    assert row["nearest"] != row["valid_share"]
    shown = seqgan("eval-reward", "--run", tmp_path / "run", "--reward", "valid", "--no-controls", "-n", NUM, "--seed", 3)
    assert f"{row['valid_share']:.1%}" in shown.out
