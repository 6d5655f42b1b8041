"""Beam search against all sequences there are: a beam of them all is exact, a beam of one greedy, and equals come by id."""

import itertools
from typing import Any

import numpy as np
import pytest

import reference
from seqgan_cli.config.sections import GeneratorSettings
from seqgan_cli.data.vocabulary import EOS, UNK, Vocabulary
from seqgan_cli.errors import SeqganError
from seqgan_cli.models.generator import Generator
from seqgan_cli.randomness import key, rng
from seqgan_cli.sampling.beam import beam_search
from seqgan_cli.sampling.choices import PLAIN, Sampling
from seqgan_cli.sampling.continuation import continuations
from seqgan_cli.sampling.sequences import sample

pytestmark = pytest.mark.usefixtures("quickly")

LENGTH = 4
VOCABULARIES = {"ids": Vocabulary(size=3), "text": Vocabulary([*"abc"]), "poems": Vocabulary([*"abc"], has_eos=False)}
GREEDY = Sampling(top_k=1)


def make(vocabulary: Vocabulary, stddev: float = 1.0, **changes: Any) -> Generator:
    made = Generator(vocabulary, LENGTH, GeneratorSettings(embedding_dim=3, hidden_dim=4, **changes))
    made.initialise(rng(0, "test generator"), stddev)
    return made


def found(generator: Generator, width: int, sampling: Sampling = PLAIN, prompt: Any = ()) -> dict[tuple[int, ...], float]:
    ((ids, scores),) = beam_search(generator, width, sampling, [prompt])
    return dict(zip(map(tuple, ids.tolist()), scores.tolist(), strict=True))


def distribution(generator: Generator, sampling: Sampling = PLAIN) -> dict[tuple[int, ...], float]:
    """Every sequence and its probability, by the literal model."""
    weights, vocabulary = [variable.numpy() for variable in generator.trainable_variables], generator.vocabulary
    how = {"temperature": sampling.temperature, "top_k": sampling.top_k, "top_p": sampling.top_p, "min_p": sampling.min_p}
    return reference.sequence_distribution(weights, LENGTH, vocabulary.has_special_tokens, vocabulary.has_eos, **how)


@pytest.mark.parametrize("sampling", [PLAIN, Sampling(0.5), Sampling(top_k=2), Sampling(1.5, top_p=0.8)], ids=str)
@pytest.mark.parametrize("name", [*VOCABULARIES])
def test_a_beam_of_all_sequences_is_exact(name: str, sampling: Sampling) -> None:
    generator = make(VOCABULARIES[name])
    expected = distribution(generator, sampling)
    searched = found(generator, 4**LENGTH, sampling)
    assert [*searched] == sorted(expected, key=lambda ids: -expected[ids])
    np.testing.assert_allclose(np.exp([*searched.values()]), [expected[ids] for ids in searched], rtol=1e-4)
    assert np.exp([*searched.values()]).sum() == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize("name", [*VOCABULARIES])
@pytest.mark.parametrize("width", [2, 3, 5])
def test_a_narrower_beam_is_the_literal_search(name: str, width: int) -> None:
    """Prefixes and their probabilities in a dictionary, the likeliest kept, one that has ended among them."""
    generator = make(VOCABULARIES[name], 1.5)
    every = distribution(generator)
    kept: list[tuple[int, ...]] = [()]
    for t in range(1, LENGTH + 1):
        mass = {
            prefix: sum(p for ids, p in every.items() if ids[:t] == prefix)
            for prefix in sorted({ids[:t] for ids in every if ids[: t - 1] in kept})
        }
        kept = sorted(mass, key=lambda prefix: -mass[prefix])[:width]
    searched = found(generator, width)
    assert [*searched] == kept
    np.testing.assert_allclose(np.exp([*searched.values()]), [every[ids] for ids in kept], rtol=1e-4)


@pytest.mark.sampled(4)
@pytest.mark.parametrize("cell", ["lstm", "attention"])
@pytest.mark.parametrize("name", [*VOCABULARIES])
def test_a_beam_of_one_is_the_likeliest_token_every_time(name: str, cell: str) -> None:
    for stddev in (0.5, 1.5):
        generator = make(VOCABULARIES[name], stddev, cell=cell)
        (greedy,) = sample(generator, 1, key(0, "x"), GREEDY).tolist()
        assert [*found(generator, 1)] == [tuple(greedy)]
        prompts = [[], [UNK], [2, UNK, 2] if name == "ids" else [3, UNK, 4]]
        drawn = next(continuations(generator, prompts, key(0, "x"), GREEDY)).tolist()
        for one, (ids, _) in zip(drawn, beam_search(generator, 1, PLAIN, prompts), strict=True):
            assert ids.tolist() == [one]


def test_prompts_are_searched_each_by_itself_and_cost_nothing() -> None:
    generator = make(VOCABULARIES["text"])
    every = distribution(generator)
    prompts = [[3], [], [5, 4], [4]] * 30
    for prompt, (ids, scores) in zip(prompts, beam_search(generator, 80, PLAIN, prompts), strict=True):
        of_prompt = {each: p for each, p in every.items() if [*each[: len(prompt)]] == prompt}
        assert [tuple(row) for row in ids.tolist()] == sorted(of_prompt, key=lambda each: -of_prompt[each])
        given = sum(of_prompt.values())
        np.testing.assert_allclose(np.exp(scores), [of_prompt[tuple(row)] / given for row in ids.tolist()], rtol=1e-4)


def test_of_equally_likely_sequences_the_smaller_ids_are_kept_and_come_first() -> None:
    generator = make(VOCABULARIES["ids"], 0.0)
    assert [*found(generator, 7)] == [*itertools.product(range(3), repeat=LENGTH)][:7]
    # A token of probability ½ and two of ¼: those with one ½ among two places tie, whichever comes first.
    generator.output_layer.bias.assign(np.log([0.25, 0.25, 0.5]).astype(np.float32))
    expected = sorted(itertools.product(range(3), repeat=LENGTH), key=lambda ids: (-ids.count(2), ids))
    for width in (3, 9, 81):
        assert [*found(generator, width)] == expected[:width]


def test_unknown_comes_only_if_it_may_and_ends_are_whole() -> None:
    generator = make(VOCABULARIES["text"])
    generator.output_layer.bias.assign(np.array([0, 0, 9, 0, 0, 0], np.float32))
    assert not any(UNK in ids for ids in found(generator, 20))
    assert any(UNK in ids for ids in found(generator, 20, Sampling(allow_unknown=True)))
    for ids in found(generator, 200):
        end = ids.index(EOS)
        assert set(ids[end + 1 :]) <= {0}


def test_a_beam_that_memory_cannot_hold_is_refused() -> None:
    with pytest.raises(SeqganError, match="A beam of 100000000 compares 300000000 continuations: 44739242 is the widest here"):
        next(beam_search(make(VOCABULARIES["ids"]), 10**8))
