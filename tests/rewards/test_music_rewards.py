"""Rewards of melodies, by hand and against a literal count."""

import itertools

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from seqgan_cli.config import registry
from seqgan_cli.config.expression import Use
from seqgan_cli.config.settings import Settings
from seqgan_cli.randomness import key
from seqgan_cli.rewards.music import StepsReward, TonalityReward

C, D, E, F, G, A, B = 40, 42, 44, 45, 47, 49, 51  # of the octave of middle C
REST = 0
MELODIES = {  # its ids; how many of its intervals are fifths and steps, and how many there are
    "a scale of C major": ([C, D, E, F, G, A, B, C + 12], 0, 7, 7),
    "up a fifth, down a fourth": ([C, G, D, A], 2, 0, 3),
    "down a fifth": ([G, C], 1, 0, 1),
    "a fourth, and a twelfth": ([C, F, C, G + 12], 0, 0, 3),
    "an octave, a tritone and both sixths": ([C, C + 12, C + 6, C + 14, C + 5], 0, 0, 4),
    "a semitone, a tone and a minor third": ([C, C + 1, C + 3, C + 6], 0, 2, 3),
    "held notes make no interval": ([C, C, C, G, G, A, A, A], 1, 1, 2),
    "over a rest": ([C, REST, REST, G, REST, A], 1, 1, 2),
    "the same note after a rest": ([C, REST, C, D], 0, 1, 1),
    "rests before and after": ([REST, REST, C, G, REST], 1, 0, 1),
    "one note": ([C, C, C, C], 0, 0, 0),
    "one note and rests": ([REST, C, REST], 0, 0, 0),
    "silence": ([REST, REST], 0, 0, 0),
    "one step": ([C], 0, 0, 0),
    "the lowest and the highest keys": ([1, 8, 88, 87], 1, 1, 3),
}


@pytest.mark.parametrize("name", MELODIES)
def test_by_hand(name: str) -> None:
    melody, fifths, steps, intervals = MELODIES[name]
    tokens = tf.constant([melody, melody], tf.int32)
    for reward, count in ((TonalityReward(), fifths), (StepsReward(), steps)):
        found = reward(tokens, key(0, "r"))
        assert found.dtype == tf.float32
        assert found.numpy().tolist() == pytest.approx([count / max(intervals, 1)] * 2)


def literally(melody: list[int], sizes: tuple[int, ...]) -> float:
    notes = [pitch for pitch in melody if pitch]
    found = [abs(after - before) for before, after in itertools.pairwise(notes) if after != before]
    return sum(size in sizes for size in found) / len(found) if found else 0.0


@settings(deadline=None)
@given(arrays(np.int32, st.tuples(st.integers(1, 4), st.integers(1, 9)), elements=st.sampled_from([0, 1, 2, 3, 8, 9, 15, 88])))
def test_a_literal_count_is_the_same(tokens: np.ndarray) -> None:
    assert TonalityReward().scores(tokens).tolist() == pytest.approx([literally(row, (7,)) for row in tokens.tolist()])
    assert StepsReward().scores(tokens).tolist() == pytest.approx([literally(row, (1, 2)) for row in tokens.tolist()])


def test_compiled_code_knows_their_shape() -> None:
    graph = tf.function(TonalityReward().__call__, autograph=False).get_concrete_function(
        tf.TensorSpec([3, 5], tf.int32), tf.TensorSpec([2], tf.int32)
    )
    assert graph.structured_outputs.shape.as_list() == [None]


@pytest.mark.parametrize("name", ["tonality", "steps"])
def test_they_are_of_music_alone(name: str) -> None:
    reward = registry.rewards[name]
    assert reward.bounds(Settings(), Use(name, name)) == (0.0, 1.0)
    sums = (name, f"constant,{name}=0.5")
    for kind, total in itertools.product(("music", "text"), sums):
        chosen = Settings({"adversarial.reward": total, "data.source": "tunes.txt", "data.kind": kind})
        refused = [words for wrong, words in registry.rewards.conflicts(chosen) if wrong]
        sentence = f"--reward {name} is of melodies, and data of kind text have no pitches: leave it out."
        assert refused == ([sentence] if kind == "text" else [])
