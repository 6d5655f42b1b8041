"""Writes the tunes in data/tunes: short melodies made up by this script for this project; `make data` runs it.

Each walks at random over a pentatonic scale in two phrases, which follow each other as A A B A as in many a song.
"""

import random
from pathlib import Path

import numpy as np

from seqgan_cli.data.midi.tracks import write_midi

HERE = Path(__file__).parent
STEP = 0.4  # seconds: the default of data.step
BAR, BARS = 4, 8  # steps a bar, bars a phrase
RHYTHMS = ((2, 1, 1), (2, 2), (3, 1), (4,))
MAJOR, MINOR = (0, 2, 4, 7, 9), (0, 3, 5, 7, 10)  # semitones above the tonic
# The tonic as MIDI note.
TUNES = {"brook": (60, MAJOR), "heath": (57, MINOR), "ferry": (62, MAJOR), "lantern": (64, MINOR), "orchard": (55, MAJOR)}


def phrase(scale: list[int], start: int, end: int, draw: random.Random) -> list[int]:
    """Steps of one phrase, from a degree of the scale to another, mostly by neighbours and never twice the same."""
    notes: list[tuple[int, int]] = []
    place = start
    for bar in range(BARS):
        for length in (BAR,) if bar == BARS - 1 else draw.choice(RHYTHMS):
            notes.append((place, length))
            moves = [move for move in (-2, -1, -1, 1, 1, 2) if 0 <= place + move < len(scale)]
            place += draw.choice(moves)
    notes[-1] = (end, BAR)
    return [scale[place] for place, length in notes for _ in range(length)]


def tune(tonic: int, degrees: tuple[int, ...], draw: random.Random) -> np.ndarray:
    """Ids int `[T]`, as write_midi takes them, over two octaves of the scale."""
    scale = [tonic + octave + degree - 20 for octave in (0, 12) for degree in degrees]
    home, fifth = len(degrees), len(degrees) + 3
    a, b = phrase(scale, home, home, draw), phrase(scale, fifth, fifth, draw)
    return np.array([*a, *a, *b, *a])


def main(folder: Path = HERE / "tunes") -> None:
    for name, (tonic, degrees) in TUNES.items():
        write_midi(tune(tonic, degrees, random.Random(name)), STEP, folder / f"{name}.mid")


if __name__ == "__main__":
    main()
