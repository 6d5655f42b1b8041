"""The discriminator of another run as a reward: how sequences become that run's, and what cannot be asked."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from eager import eager
from parts import parts_of
from seqgan_cli.arrays import read_arrays
from seqgan_cli.cli import main
from seqgan_cli.config import registry
from seqgan_cli.config.expression import Use
from seqgan_cli.config.settings import SCHEMA, Settings
from seqgan_cli.console import Console
from seqgan_cli.data.vocabulary import EOS, PAD, UNK, Vocabulary
from seqgan_cli.errors import SeqganError
from seqgan_cli.models.discriminator import Discriminator
from seqgan_cli.models.discriminators.convolutional import ConvolutionalSettings
from seqgan_cli.randomness import key, rng
from seqgan_cli.rewards.base import Given
from seqgan_cli.rewards.discriminator import ClassifierReward
from seqgan_cli.runs.run import Run
from tiny import tiny_settings

pytestmark = pytest.mark.usefixtures("quickly")

OWN, THEIRS = Vocabulary(["a", "b", "c", "d"]), Vocabulary(["c", "x", "a"])  # of theirs a is 5 and c is 3
POEMS = Vocabulary(["c", "x", "a"], has_eos=False)


def discriminator(vocabulary: Vocabulary, length: int) -> Discriminator:
    made = Discriminator(vocabulary, length, ConvolutionalSettings(embedding_dim=4, filters="1:16,2:16", dropout=0.5))
    made.initialise(rng(0, "d"))
    return made


@pytest.mark.parametrize(
    ("length", "theirs", "expected"),
    [
        (5, THEIRS, [[5, 2, 3, 2, EOS], [3, EOS, PAD, PAD, PAD], [EOS, PAD, PAD, PAD, PAD], [5, 2, EOS, PAD, PAD]]),
        (7, THEIRS, [[5, 2, 3, 2, EOS, 0, 0], [3, EOS, 0, 0, 0, 0, 0], [EOS, 0, 0, 0, 0, 0, 0], [5, 2, EOS, 0, 0, 0, 0]]),
        (3, THEIRS, [[5, 2, EOS], [3, EOS, PAD], [EOS, PAD, PAD], [5, 2, EOS]]),
        (3, POEMS, [[5, 2, 3], [3, PAD, PAD], [PAD, PAD, PAD], [5, 2, PAD]]),
    ],
)
@pytest.mark.parametrize("compiled", [False, True])
def test_sequences_are_written_as_the_other_run_has_them(
    length: int, theirs: Vocabulary, expected: list[list[int]], compiled: bool
) -> None:
    reward = ClassifierReward(discriminator(theirs, length), OWN, 5, "classifier")
    sequences = [[3, 4, 5, 6, EOS], [5, EOS, PAD, PAD, PAD], [EOS, PAD, PAD, PAD, PAD], [3, UNK, EOS, PAD, PAD]]
    tokens = np.array(sequences, np.int32)
    signature = [tf.TensorSpec([None, None], tf.int32)]
    translated = tf.function(reward.translated, input_signature=signature, autograph=False) if compiled else reward.translated
    assert translated(tf.constant(tokens)).numpy().tolist() == expected
    score = tf.sigmoid(reward.discriminator(np.array(expected, np.int32)))
    np.testing.assert_allclose(reward(tf.constant(tokens), key(0, "r")), score, rtol=1e-6)
    assert np.ptp(score) > 1e-3


def test_a_poem_ends_where_lines_do() -> None:
    reward = ClassifierReward(discriminator(Vocabulary(["c", "a"]), 5), POEMS, 3, "classifier")
    assert reward.translated(tf.constant([[3, 4, 5]])).numpy().tolist() == [[3, UNK, 4, EOS, PAD]]


@pytest.mark.parametrize("length", [5, 4, 7])
def test_completions_are_worth_what_each_is_by_itself(length: int) -> None:
    reward = ClassifierReward(discriminator(THEIRS, length), OWN, 5, "classifier")
    tokens = np.array([[3, 4, 5, 6, EOS], [5, 3, EOS, PAD, PAD]], np.int32)
    source_ids = np.array([0, 1, 1], np.int32)
    continuations = rng(0, "completions").integers(3, 7, (4, 3, 5)).astype(np.int32)
    continuations[..., -1] = EOS
    for t in range(1, 5):
        continuations[t - 1, :, :t] = tokens[source_ids, :t]
        for c in (1, 2):
            if t >= 3:
                continuations[t - 1, c] = tokens[1]
    each = reward(tf.constant(continuations.reshape(-1, 5)), key(0, "r")).numpy().reshape(4, 3)
    found = reward.score_continuations(tf.constant(tokens), source_ids, tf.constant(continuations), key(0, "r"))
    np.testing.assert_allclose(found, each, rtol=1e-5)
    assert np.ptp(each) > 1e-3


def test_a_synthetic_sequence_is_the_other_runs_as_it_is() -> None:
    ids = Vocabulary(size=4)
    tokens = tf.constant([[0, 1, 2], [3, 3, 0]])
    assert ClassifierReward(discriminator(ids, 3), ids, 3, "classifier").translated(tokens) is tokens


# Against a run.

FEW = {
    **{f"{stage}.d-samples": 8 for stage in ("adversarial", "pretrain-d")},
    **{"adversarial.rollouts": 1, "evaluation.samples": 16, "evaluation.final-samples": 16},
}
SMALL = [part for name, value in FEW.items() for part in ("--set", f"{name}={value}")]


@pytest.fixture(scope="module")
def trained(once: Callable[..., Path], tiny_config: Path) -> Path:
    """A run of text with three stages."""

    def build(folder: Path) -> None:
        lines = folder / "lines.txt"
        lines.write_text("the gull sings\nthe heron waits\nevery gull waits again\nthe cat sings\n" * 20)
        command = ("train", lines, "--config", tiny_config, "--epochs", 1, "--rounds", 1, *SMALL, "--run", folder / "run")
        with eager(), pytest.raises(SystemExit) as ended:  # before a test's own fixtures
            main([str(each) for each in command])
        assert not ended.value.code

    return once("classifier", build) / "run"


@pytest.fixture
def copy(trained: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trained, tmp_path / "other"))


def settings_for(run: Path | str, use: str = "classifier") -> Settings:
    reward = "classifier" if use == "classifier" else f"{use}=classifier"
    return tiny_settings(**{"adversarial.reward": reward, f"reward.{use}.run": str(run), "data.source": "none.txt"})


def made_of(run: Path, words: list[str], console: Console, use: str = "classifier", plain: int = 0) -> ClassifierReward:
    vocabulary = Vocabulary(size=plain) if plain else Vocabulary(words)
    table = np.array([[0, 1, 2]], np.int32)
    settings = settings_for(run, use)
    made = ClassifierReward.make(Given(settings, parts_of(table, table, vocabulary), console, use=Use(use, "classifier")))
    assert isinstance(made, ClassifierReward)
    return made


def refusals(settings: Settings) -> list[str]:
    return [words for wrong, words in registry.rewards.conflicts(settings) if wrong]


@pytest.mark.sampled(1)
@pytest.mark.parametrize("stage", ["adversarial", "pretrain-d"])
def test_the_latest_discriminator_scores_what_it_knows_by_name(copy: Path, stage: str, capsys: Any) -> None:
    """A sentence that its run has as other numbers; the weights are those of the last stage that trained it."""
    if stage == "pretrain-d":
        shutil.rmtree(copy / "checkpoints" / "adversarial")
    assert not refusals(settings_for(copy))
    reward = made_of(copy, ["gull", "sings", "the", "whale"], Console(), use="birds")
    run = Run(copy)
    theirs = run.corpus()
    arrays = read_arrays(sorted((copy / "checkpoints" / stage).glob("0*.npz"))[-1])
    kept = [name for name in arrays if name.startswith("discriminator/")]
    weights = {name.removeprefix("discriminator/"): arrays[name] for name in kept}
    found = {name: variable.numpy() for name, variable in reward.variables().items()}
    assert found.keys() == {f"classifier/birds/{name}" for name in weights}
    for name, array in weights.items():
        np.testing.assert_array_equal(found[f"classifier/birds/{name}"], array)
    literal = Discriminator(theirs.vocabulary, theirs.sequence_length, reward.discriminator.settings)
    for variable, name in zip(literal.trainable_variables, weights, strict=True):
        variable.assign(weights[name])
    ids = [theirs.vocabulary.tokens.index(word) for word in ("the", "gull", "sings")]
    row = np.array([[*ids, EOS, *[PAD] * (theirs.sequence_length - 4)]], np.int32)
    np.testing.assert_allclose(reward(tf.constant([[5, 3, 4, EOS]]), key(0, "r")), tf.sigmoid(literal(row)), rtol=1e-6)
    told = capsys.readouterr().err.replace("\n", " ")
    assert f"{copy} does not know 1 of 4 tokens, which are <unk> to its discriminator." in told


def test_where_nothing_is_known_by_name_it_is_said_once(trained: Path, capsys: Any) -> None:
    made_of(trained, ["le", "chat"], Console())
    warning = f"Warning: {trained} knows none of the 2 tokens: its discriminator tells sequences by their length alone."
    assert capsys.readouterr().err == f"{warning}\n"


def test_numbers_and_words_do_not_mix(trained: Path) -> None:
    with pytest.raises(SeqganError) as refused:
        made_of(trained, [], Console(quiet=True), plain=7)
    run = Run(trained).corpus()
    assert str(refused.value) == (
        f"{trained} has sequences of {run.sequence_length} out of {run.vocabulary.size} tokens, and this run of 3 out of 7: "
        "unless both are text they must be alike for its discriminator to score these."
    )


def test_no_run_is_refused(tmp_path: Path) -> None:
    assert refusals(settings_for("")) == ["--reward classifier needs another run: --set reward.classifier.run=RUN."]
    assert refusals(settings_for("", "birds")) == ["--reward classifier needs another run: --set reward.birds.run=RUN."]
    with pytest.raises(SeqganError, match=rf"^There is no run in {tmp_path}: `seqgan pretrain-g --run {tmp_path}` begins "):
        refusals(settings_for(tmp_path))


def test_a_run_without_a_discriminator_is_refused(copy: Path) -> None:
    """Nor is one that only began with rounds that need none."""
    shutil.rmtree(copy / "checkpoints" / "pretrain-d")
    assert refusals(settings_for(copy)) == []  # the rounds have it
    recorded(copy, **{"adversarial.reward": "constant"})
    sentence = f"{copy} holds no trained discriminator: run `seqgan pretrain-d --run {copy}` first."
    assert refusals(settings_for(copy)) == [sentence]
    with pytest.raises(SeqganError) as refused:
        made_of(copy, ["gull"], Console(quiet=True))
    assert str(refused.value) == sentence


def recorded(path: Path, **changes: Any) -> None:
    """Record other settings of a run."""
    run = Run(path)
    config = run.config()
    for name, value in changes.items():
        SCHEMA[name].check(value)
        config.values[name], config.sources[name] = value, "option"
    run.write_config(config, "paper")


def test_a_critic_is_refused(copy: Path) -> None:
    recorded(copy, **{"discriminator.loss": "wasserstein"})
    assert refusals(settings_for(copy)) == [
        f"--reward classifier needs a probability, and the discriminator of {copy} is a critic, which gives none: name a run "
        "with discriminator.loss=cross-entropy."
    ]


def test_a_use_of_the_same_name_in_the_other_run_changes_no_setting_here(copy: Path) -> None:
    recorded(copy, **{"adversarial.reward": "birds=lexicon", "reward.birds.words": ("gull",)})
    settings = settings_for(copy, "birds")
    assert not refusals(settings)
    assert SCHEMA["reward.birds.run"].is_file
    assert "reward.birds.words" not in SCHEMA


@pytest.mark.usefixtures("eagerly")
def test_a_resumed_run_ends_in_the_same_bits_though_the_other_goes_on(copy: Path, tmp_path: Path, tiny_config: Path) -> None:
    lines = tmp_path / "lines.txt"
    lines.write_text("gull sings\nheron waits again\nwhale sings\ncat waits\n" * 20)

    def rounds(run: Path, *, start: bool, to: int) -> None:
        begin = ("train", lines, "--config", tiny_config, "--epochs", 1, *SMALL, "--reward", "classifier")
        begin += ("--set", f"reward.classifier.run={copy}")
        command = (*(begin if start else ("adversarial",)), "--rounds", to, "--run", run)
        with pytest.raises(SystemExit) as ended:
            main([str(each) for each in command])
        assert not ended.value.code

    rounds(tmp_path / "whole", start=True, to=2)
    rounds(tmp_path / "cut", start=True, to=1)
    last = sorted((copy / "checkpoints" / "adversarial").glob("0*.npz"))[-1]
    last.unlink()  # so that its latest is another
    rounds(tmp_path / "cut", start=False, to=2)
    whole, cut = (read_arrays(tmp_path / name / "checkpoints" / "adversarial" / "0000002.npz") for name in ("whole", "cut"))
    whole.pop("facts"), cut.pop("facts")
    assert whole.keys() == cut.keys()
    assert any(name.startswith("classifier/classifier/") for name in whole)
    for name, array in whole.items():
        np.testing.assert_array_equal(array, cut[name], err_msg=name)
