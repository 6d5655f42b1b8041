"""Draws data/sentences.txt from the grammar beside it. Both were written for this project; `make data` runs this."""

import random
from pathlib import Path

from nltk import CFG, Nonterminal

HERE = Path(__file__).parent
NUMBER = 2000


def expand(symbol: object, grammar: CFG, draw: random.Random) -> list[str]:
    """A derivation of the symbol, every rule of a left-hand side equally likely."""
    if not isinstance(symbol, Nonterminal):
        return [str(symbol)]
    rule = draw.choice(grammar.productions(lhs=symbol))
    return [word for part in rule.rhs() for word in expand(part, grammar, draw)]


def main() -> None:
    grammar = CFG.fromstring((HERE / "sentences.cfg").read_text(encoding="utf-8"))
    draw = random.Random(0)
    sentences: dict[str, None] = {}  # in order, each once
    while len(sentences) < NUMBER:
        sentences.setdefault(" ".join(expand(grammar.start(), grammar, draw)))
    (HERE / "sentences.txt").write_text("".join(sentence + "\n" for sentence in sentences), encoding="utf-8")


if __name__ == "__main__":
    main()
