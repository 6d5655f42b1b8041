"""Draws made-up questions with their answers, or checks answers: whether each is the one right answer to its question.

The questions ask for facts that the program knows: how many legs so many animals of one or two kinds have, which of two animals
is larger, and where one lives. Every question has one right answer, so the share of right ones is exact.
"""

import argparse
import functools
import itertools
import random
from pathlib import Path

ANIMALS = {  # legs, rank of size, place
    "gull": (2, 4, "sea"),
    "heron": (2, 5, "marsh"),
    "wren": (2, 2, "hedge"),
    "crab": (10, 3, "sea"),
    "spider": (8, 1, "barn"),
    "seal": (0, 7, "sea"),
    "hare": (4, 6, "field"),
    "ox": (4, 9, "field"),
    "deer": (4, 8, "wood"),
    "beetle": (6, 0, "wood"),
}
NUMBERS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
PLURALS = {"ox": "oxen", "deer": "deer"}
OPENINGS = ("", "tell me , ", "please , ", "well , ")


def plural(animal: str) -> str:
    """The word for several of them."""
    return PLURALS.get(animal, f"{animal}s")


def some(count: int, animal: str) -> str:
    """So many of them, in words."""
    return f"{NUMBERS[count - 1]} {animal if count == 1 else plural(animal)}"


@functools.cache
def questions() -> dict[str, str]:
    """Every question without its opening, and its answer."""
    found = {}
    for animal, (legs, size, place) in ANIMALS.items():
        for count in range(1, len(NUMBERS) + 1):
            found[f"how many legs {'has' if count == 1 else 'have'} {some(count, animal)} ?"] = f"{count * legs or 'no'} legs ."
        for other, (others_legs, _, _) in ANIMALS.items():
            for count, others in itertools.product(range(1, 4), repeat=2):
                asked = f"how many legs have {some(count, animal)} and {some(others, other)} together ?"
                found |= {asked: f"{count * legs + others * others_legs or 'no'} legs ."} if other != animal else {}
        found[f"where does {'an' if animal[0] in 'aeiou' else 'a'} {animal} live ?"] = f"in the {place} ."
        for other, (_, others_size, _) in ANIMALS.items():
            if other != animal:
                larger = animal if size > others_size else other
                found[f"which is larger , the {animal} or the {other} ?"] = f"the {larger} ."
    return found


def draw_pairs(number: int, seed: int) -> list[tuple[str, str]]:
    """So many questions, each with an opening or none, and their answers."""
    draw, known = random.Random(seed), questions()
    asked = sorted(known)
    chosen = [draw.choice(asked) for _ in range(number)]
    return [(draw.choice(OPENINGS) + question, known[question]) for question in chosen]


def is_right(line: str) -> bool:
    """Whether a question, a tab and an answer are a question of these with its answer."""
    question, _, answer = line.strip().partition("\t")
    opening = next((opening for opening in OPENINGS[1:] if question.startswith(opening)), "")
    return questions().get(question.removeprefix(opening)) == answer


def rewards(pairs: list[str]) -> list[float]:
    """1 for each question, tab and answer that is right, else 0: for `seqgan adversarial --reward-file`."""
    return [float(is_right(pair)) for pair in pairs]


def main() -> None:
    parser = argparse.ArgumentParser(description="Made-up questions and answers on stdout: a question, a tab and an answer.")
    parser.add_argument("--num", type=int, default=3000, help="how many [3000]")
    parser.add_argument("--seed", type=int, default=0, help="seed of every draw [0]")
    parser.add_argument("--check", type=Path, metavar="FILE", help="print how many of its pairs are right instead")
    options = parser.parse_args()
    if options.check is not None:
        try:
            lines = options.check.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            parser.error(f"cannot read {options.check}: {error}")
        right = [is_right(line) for line in lines if line.strip()]
        print(f"{sum(right) / max(1, len(right)):.1%} of {len(right)} answers are right.")
    else:
        print("\n".join("\t".join(pair) for pair in draw_pairs(options.num, options.seed)))


if __name__ == "__main__":
    main()
