"""Draws strings in the form of SMILES (Weininger 1988) from a small grammar written for this project, or checks lines for it.

Chains of atoms with branches, double bonds and rings; no atom has more bonds than it may. They look like molecules, and nobody
says that they exist.
"""

import argparse
import itertools
import random
import re
from pathlib import Path

BONDS = {"C": 4, "N": 3, "O": 2, "S": 2, "F": 1, "Cl": 1}  # how many an atom may have
USUAL = {"C": 12.0, "N": 2.0, "O": 2.5, "S": 0.5, "F": 0.7, "Cl": 0.5}  # how often it is drawn
LONGEST = 40


def chain(draw: random.Random, atoms: int, taken: int = 0, rings: int = 0) -> str:
    """About so many atoms; `taken`: bonds from the first to what stands before it, `rings`: those that are open around it."""
    text = ""
    while True:
        if atoms >= 5 and taken <= 1 and rings < 2 and draw.random() < 0.35:
            text, atoms, free = text + ring(draw, rings + 1), atoms - 6, 1
        else:
            fitting = [atom for atom in BONDS if BONDS[atom] - taken >= (atoms > 1)]
            atom = draw.choices(fitting, [USUAL[atom] for atom in fitting])[0]
            text, atoms, free = text + atom, atoms - 1, BONDS[atom] - taken
            if atoms > 2 and free > 1 and draw.random() < 0.3:
                double = free > 2 and draw.random() < 0.4  # a bond is left for the next atom
                side = "=O" if double else chain(draw, draw.randint(1, 2), 1, rings)
                text, atoms, free = f"{text}({side})", atoms - 1, free - 1 - double
        if atoms <= 0:
            return text
        taken = 2 if free > 1 and draw.random() < 0.15 else 1
        text += "=" * (taken - 1)


def ring(draw: random.Random, number: int) -> str:
    """Benzene, pyridine or a ring of single bonds, with or without a branch; what is before and after hangs on its ends."""
    first, *others = draw.choice(["cccccc", "cccncc", "CCCCC", "CCCCCC", "CCOCC", "CCCNCC"])
    side = f"({chain(draw, draw.randint(1, 3), 1, number)})" if draw.random() < 0.4 else ""
    return f"{first}{number}{others[0]}{side}{''.join(others[1:])}{number}"


def is_well_formed(line: str) -> bool:
    """Whether brackets are balanced, ring closures paired, and every bond and bracket stands where one may.

    That is the form alone: not whether atoms have too many bonds, and no chemistry.
    """
    kinds = re.sub("[0-9]", "1", re.sub("Cl|[CNOSFcn]", "a", line))
    depths = list(itertools.accumulate((kind == "(") - (kind == ")") for kind in kinds))
    return (
        re.fullmatch(r"a1*(=?a1*|\(=?a1*|\))*", kinds) is not None
        and min(depths) == depths[-1] == 0
        and all(line.count(digit) % 2 == 0 for digit in "0123456789")
        and not re.search(r"([0-9])[0-9]*\1", line)  # an atom in a ring with itself
    )


def draw_lines(number: int, seed: int) -> list[str]:
    """So many different ones."""
    draw = random.Random(seed)
    lines: dict[str, None] = {}  # in order, each once
    while len(lines) < number:
        line = chain(draw, draw.randint(4, 14))
        if len(line) <= LONGEST:
            lines.setdefault(line)
    return list(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description="SMILES-like strings on stdout, one a line.")
    parser.add_argument("--num", type=int, default=2000, help="how many [2000]")
    parser.add_argument("--seed", type=int, default=0, help="seed of every draw [0]")
    parser.add_argument("--check", type=Path, metavar="FILE", help="print the share of its lines that are well-formed instead")
    options = parser.parse_args()
    if options.check is None:
        print("\n".join(draw_lines(options.num, options.seed)))
        return
    try:
        lines = options.check.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        parser.error(f"cannot read {options.check}: {error}")
    share = sum(map(is_well_formed, lines)) / max(1, len(lines))
    print(f"{share:.1%} of {len(lines)} lines are well-formed: brackets balanced, ring closures paired.")


if __name__ == "__main__":
    main()
