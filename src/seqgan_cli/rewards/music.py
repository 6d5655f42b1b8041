"""Melodies: two objectives of ORGAN (Guimaraes et al. 2017, in its experiments on music), of sequences of pitches.

Ids are int `[T]`, one for each step in time: 1 … 88 are keys, a semitone apart, and a note that lasts repeats its id. An
interval is what lies between a note and the next one that differs: a note that is struck again cannot be told from one that is
held, so it makes none. 0 is a rest, and is passed over: the notes on both sides of it follow each other. A melody without an
interval scores 0.

ORGAN's paper says in words what it counts. Its code (`music_metrics.py`) counts letters of ABC notation and takes no notice of
their accidentals. Where the two differ, or differ from what can be said of pitches, the classes below say what is counted here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar

from seqgan_cli.config.expression import Use
from seqgan_cli.lazy import np, tf
from seqgan_cli.rewards.base import Reward

if TYPE_CHECKING:
    from seqgan_cli.config.settings import Settings


def intervals(pitches: np.ndarray) -> np.ndarray:
    """Semitones from each note up to the next, int `[R, T−1]`, of ids int `[R, T]`: 0 at each step where none begins."""
    steps = np.where(pitches > 0, np.arange(pitches.shape[1]), 0)
    last = np.take_along_axis(pitches, np.maximum.accumulate(steps, axis=1), axis=1)[:, :-1]  # before the step; 0: none
    return np.where((last > 0) & (pitches[:, 1:] > 0), pitches[:, 1:] - last, 0)


class IntervalReward(Reward):
    """The share of a melody's intervals that have one of some sizes, up or down: a subclass has `sizes`, in semitones."""

    sizes: ClassVar[tuple[int, ...]] = ()

    def scores(self, tokens: np.ndarray) -> np.ndarray:
        """float32 `[R]` in [0, 1] for int32 `[R, T]`."""
        found = np.abs(intervals(tokens))
        those = np.isin(found, self.sizes).sum(axis=1)
        return (those / np.maximum((found > 0).sum(axis=1), 1)).astype(np.float32)

    def __call__(self, tokens: Any, key: Any) -> Any:
        return tf.ensure_shape(tf.numpy_function(self.scores, [tokens], tf.float32, stateful=False), [None])

    @classmethod
    def refused(cls, settings: Settings, use: Use) -> Iterable[tuple[bool, str]]:
        yield (
            settings.kind.pitch_step(settings) is None,
            f"--reward {use.reward} is of melodies, and data of kind {settings.kind.name} have no pitches: leave it out.",
        )


class TonalityReward(IntervalReward):
    """The share of a melody's intervals that are perfect fifths: 7 semitones, up or down.

    The paper counts perfect fifths, whose frequencies have a ratio of about 3:2. The code takes the next note's frequency over
    this one's, so that none but rising fifths count; it divides by all pairs of notes that follow each other, with those that
    repeat one; and a fifth with an accidental on one side, as B to F♯, does not count. Here a falling fifth counts too. A
    fourth, which is a fifth's inversion, and a twelfth, which is an octave more, do not.
    """

    name = "tonality"
    meaning = "share of a melody's intervals that are fifths"
    rank = 30
    sizes = (7,)


class StepsReward(IntervalReward):
    """The share of a melody's intervals that are steps: 1 or 2 semitones, up or down; the others are skips.

    For the paper a step lies between neighbours in a scale. The code takes neighbouring letters, up or down, so that C to D♯ is
    a step and C to C♯ repeats a note, and divides by all pairs of notes. Pitches do not say which scale a melody is in, but
    neighbours in every major and natural minor one are 1 or 2 semitones apart. The 3 in a harmonic minor scale are a skip.
    """

    name = "steps"
    meaning = "share of a melody's intervals that are steps"
    rank = 31
    sizes = (1, 2)
