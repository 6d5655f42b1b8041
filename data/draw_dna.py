"""Draws short made-up genes, or checks lines for their form: a promoter's box, a spacer, and an open reading frame.

The box is bacteria's TATAAT with changed letters here and there, the spacer rich in A and T, and codons follow each other as a
Markov chain whose probabilities are drawn from a seed of their own: no organism's.
"""

import argparse
import itertools
import random
import re
from pathlib import Path

LETTERS = "ACGT"
BOX = "TATAAT"
STOPS = ("TAA", "TAG", "TGA")
CODONS = [codon for codon in map("".join, itertools.product(LETTERS, repeat=3)) if codon not in STOPS]
GENE = re.compile(
    rf"(?P<box>[{LETTERS}]{{6}})[{LETTERS}]{{4,6}}ATG((?!{'|'.join(STOPS)})[{LETTERS}]{{3}}){{8,11}}({'|'.join(STOPS)})"
)


def draw_lines(number: int, seed: int) -> list[str]:
    """So many genes of 40 to 54 letters."""
    model, draw = random.Random("codons"), random.Random(seed)
    following = {codon: [model.gammavariate(0.3, 1.0) for _ in CODONS] for codon in CODONS}  # few codons are likely

    def gene() -> str:
        box = "".join(letter if draw.random() < 0.8 else draw.choice(LETTERS) for letter in BOX)
        spacer = "".join(draw.choices(LETTERS, [3, 1, 1, 3], k=draw.randint(4, 6)))
        codons = ["ATG"]
        for _ in range(draw.randint(8, 11)):
            codons += draw.choices(CODONS, following[codons[-1]])
        return box + spacer + "".join(codons) + draw.choice(STOPS)

    return [gene() for _ in range(number)]


def box_matches(gene: str) -> int:
    """Letters of the box that are TATAAT's."""
    return sum(letter == usual for letter, usual in zip(gene, BOX, strict=False))


def main() -> None:
    parser = argparse.ArgumentParser(description="Made-up genes on stdout, one a line.")
    parser.add_argument("--num", type=int, default=2000, help="how many [2000]")
    parser.add_argument("--seed", type=int, default=0, help="seed of every draw [0]")
    parser.add_argument("--check", type=Path, metavar="FILE", help="print how many of its lines are such genes instead")
    options = parser.parse_args()
    if options.check is None:
        print("\n".join(draw_lines(options.num, options.seed)))
        return
    try:
        lines = options.check.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        parser.error(f"cannot read {options.check}: {error}")
    genes = [line for line in lines if GENE.fullmatch(line)]
    print(f"{len(genes) / max(1, len(lines)):.1%} of {len(lines)} lines are genes: a start and no stop but the last, in frame.")
    print(f"{sum(map(box_matches, lines)) / max(1, len(lines)):.2f} of the first six letters are {BOX}'s, on average.")


if __name__ == "__main__":
    main()
