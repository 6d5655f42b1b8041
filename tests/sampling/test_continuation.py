"""Prompts: what a generator goes on with has the model's own probabilities, and without a prompt it is what it samples."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import chisquare

import reference
from seqgan_cli.config.sections import GeneratorSettings
from seqgan_cli.data.vocabulary import EOS, PAD, UNK, Vocabulary
from seqgan_cli.models.generator import Generator
from seqgan_cli.randomness import key, rng
from seqgan_cli.sampling.choices import PLAIN, Sampling
from seqgan_cli.sampling.continuation import continuations
from seqgan_cli.sampling.sequences import rows_at_once, sample

pytestmark = pytest.mark.usefixtures("quickly")

WORDS = Vocabulary(["a", "b", "c"])
Call = Callable[..., Any]


def make(vocabulary: Vocabulary, length: int, stddev: float = 0.5, **changes: Any) -> Generator:
    made = Generator(vocabulary, length, GeneratorSettings(embedding_dim=3, hidden_dim=4, **changes))
    made.initialise(rng(0, "test generator"), stddev)
    return made


def drawn(generator: Generator, prompts: list, sampling: Sampling = PLAIN, seed: int = 0) -> np.ndarray:
    return np.concatenate([*continuations(generator, prompts, key(seed, "x"), sampling)])


@pytest.mark.sampled(3)
@pytest.mark.parametrize("sampling", [Sampling(), Sampling(0.7, top_k=3), Sampling(allow_unknown=True)], ids=str)
@pytest.mark.parametrize("vocabulary", [Vocabulary(size=5), WORDS], ids=["ids", "text"])
def test_without_a_prompt_it_is_what_is_sampled_to_the_bit(vocabulary: Vocabulary, sampling: Sampling) -> None:
    generator = make(vocabulary, 6)
    rows = rows_at_once(generator)
    number = rows + 3
    np.testing.assert_array_equal(
        drawn(generator, [[]] * number, sampling), sample(generator, number, key(0, "x"), sampling)
    )


def test_each_sequence_begins_with_its_own_prompt_and_goes_on_under_the_masks() -> None:
    generator = make(WORDS, 6)
    prompts: list[list[int]] = [[3], [], [4, UNK, 5], [3, 3, 3, 3], [5, 4]] * 400
    found = drawn(generator, prompts)
    assert found.shape == (len(prompts), 6)
    ended = 0
    for row, prompt in zip(found.tolist(), prompts, strict=True):
        assert row[: len(prompt)] == prompt
        rest = row[len(prompt) :]
        assert UNK not in rest
        assert EOS in rest
        end = rest.index(EOS)
        assert PAD not in rest[:end]
        assert set(rest[end + 1 :]) <= {PAD}
        ended += end == 0
    assert 0 < ended < len(prompts), "a prompt may be the whole of a sequence, and seldom is"


@pytest.mark.sampled(2)
@pytest.mark.parametrize("prompt", [(2,), (1, 0)])
@pytest.mark.parametrize("temperature", [1.0, 0.5])
def test_continuations_have_the_models_conditional_frequencies(prompt: tuple[int, ...], temperature: float) -> None:
    """Over all sequences that begin so: p(y | prompt) = p(prompt, y) / Σ p(prompt, ·), by the literal model."""
    generator = make(Vocabulary(size=3), 3, stddev=0.9)
    weights = [variable.numpy() for variable in generator.trainable_variables]
    count = 20_000
    seen = Counter(map(tuple, drawn(generator, [prompt] * count, Sampling(temperature)).tolist()))
    sequences = [each for each in reference.all_sequences(3, 3) if each[: len(prompt)] == prompt]
    assert set(seen) <= set(sequences)
    probabilities = np.exp([-reference.sequence_nll(weights, each, temperature) for each in sequences])
    expected = count * probabilities / probabilities.sum()
    assert expected.min() > 5
    assert chisquare([seen[each] for each in sequences], expected).pvalue > 1e-3


def test_a_stronger_prompt_is_another_distribution() -> None:
    """Or the test above could pass with the prompt written and never read."""
    generator = make(Vocabulary(size=3), 3, stddev=0.9)
    shares = [np.bincount(drawn(generator, [[first]] * 2000)[:, 1], minlength=3) / 2000 for first in range(3)]
    assert np.abs(shares[0] - shares[1]).max() > 0.05


def test_any_number_of_prompts_is_taken_as_needed() -> None:
    generator, taken = make(WORDS, 6), 0

    def endless() -> Any:
        nonlocal taken
        while True:
            taken += 1
            yield [3]

    batches = continuations(generator, endless(), key(0, "x"))
    assert len(next(batches)) == taken == rows_at_once(generator)


# From the command line.


@pytest.fixture
def pretrained(once: Call, tiny_config: Path) -> Path:
    """A run of a few sentences, hardly trained. Read only."""
    from seqgan_cli.cli import main

    def build(folder: Path) -> None:
        lines = ["the old sailor sings", "an old gull waits by the sea", "the sea sings", "a gull sings by the sea"] * 6
        (folder / "lines.txt").write_text("\n".join(lines) + "\n")
        asked = ["--data", folder / "lines.txt", "--run", folder / "run", "--config", tiny_config, "--epochs", 1, "-q"]
        with pytest.raises(SystemExit) as ended:
            main(["pretrain-g", *map(str, asked)])
        assert not ended.value.code

    return once("prompted", build) / "run"


def test_sample_goes_on_with_a_prompt(seqgan: Call, pretrained: Path, tmp_path: Path) -> None:
    asked = ("sample", "--run", pretrained, "--prompt", "the old", "-n", 5)
    lines = seqgan(*asked).out.splitlines()
    assert len(lines) == 5
    assert all(line.startswith("the old") for line in lines)
    rests = seqgan(*asked, "--no-prompt").out.splitlines()
    assert [" ".join(filter(None, ["the old", rest])) for rest in rests] == lines
    records = [json.loads(line) for line in seqgan(*asked, "--format", "jsonl").out.splitlines()]
    assert [(each["text"], each["prompt"], each["continuation"]) for each in records] == [
        (line, "the old", rest) for line, rest in zip(lines, rests, strict=True)
    ]
    (tmp_path / "prompts.txt").write_text("the old\n\na gull\n")
    several = seqgan("sample", "--run", pretrained, "--prompts", tmp_path / "prompts.txt", "-n", 2, "--format", "raw")
    assert [" ".join(line.split()[:2]) for line in several.out.splitlines()] == ["the old"] * 2 + ["a gull"] * 2
    assert len(seqgan("sample", "--run", pretrained, "--prompt", "a").out.splitlines()) == 10


def test_a_long_prompt_is_begun_with_as_far_as_is_asked(seqgan: Call, pretrained: Path) -> None:
    asked = ("sample", "--run", pretrained, "-n", 4)
    long = seqgan(*asked, "--prompt", " ".join(["the old"] * 30), "--prompt-tokens", 2)
    assert long.out == seqgan(*asked, "--prompt", "the old").out
    assert seqgan(*asked, "--prompt", "the old", "--prompt-tokens", 9).out == long.out


def test_prompts_are_records_and_keep_the_space_at_their_ends(seqgan: Call, pretrained: Path, tmp_path: Path) -> None:
    (tmp_path / "prompts.csv").write_text("n,text\n1,the old\n2,a gull\n")
    several = seqgan("sample", "--run", pretrained, "--prompts", tmp_path / "prompts.csv", "-n", 1)
    assert [" ".join(line.split()[:2]) for line in several.out.splitlines()] == ["the old", "a gull"]
    lines, run = tmp_path / "lines.txt", tmp_path / "run"
    lines.write_text("ab cd\ncd ab\nab ab\n" * 6)
    options = ("--tokenizer", "chars", "--preset", "quick", "--epochs", 1, "--run", run, "-q")
    assert seqgan("pretrain-g", "--data", lines, *options).code == 0
    (tmp_path / "prompts.txt").write_text("ab \n")
    asked = ("sample", "--run", run, "-n", 3)
    given = [seqgan(*asked, "--prompt", "ab ").out, seqgan(*asked, "--prompts", tmp_path / "prompts.txt").out]
    assert given[0] == given[1]
    assert all(line.startswith("ab ") for line in given[0].splitlines())


def test_an_empty_prompt_is_none(seqgan: Call, pretrained: Path) -> None:
    plain = seqgan("sample", "--run", pretrained, "-n", 7)
    assert seqgan("sample", "--run", pretrained, "-n", 7, "--prompt", "").out == plain.out


def test_unknown_words_are_told_and_read_as_such(seqgan: Call, pretrained: Path) -> None:
    outcome = seqgan("sample", "--run", pretrained, "--prompt", "the whale", "-n", 2, "-q")
    assert outcome.code == 0
    assert outcome.err.strip() == "Warning: Unknown to the run, and read as <unk>: whale."
    assert all(line.startswith("the <unk>") for line in outcome.out.splitlines())


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--prompt", " ".join(["sea"] * 30)], 1, "has 30 tokens, and sequences of "),
        (["--prompt", " ".join(["sea"] * 30)], 1, "make it shorter, as --prompt-tokens 3 does."),
        (["--prompt-tokens", 2], 2, "--prompt-tokens is of prompts: give --prompt or --prompts."),
        (["--prompts", "nowhere.txt"], 1, "Cannot read nowhere.txt: No such file or directory."),
        (["--no-prompt"], 2, "--no-prompt leaves prompts out: give --prompt or --prompts."),
    ],
)
def test_wrong_prompts_are_one_sentence(seqgan: Call, pretrained: Path, arguments: list[str], code: int, said: str) -> None:
    outcome = seqgan("sample", "--run", pretrained, *arguments)
    assert (outcome.code, outcome.out) == (code, "")
    assert said in outcome.err
    assert "Traceback" not in outcome.err
