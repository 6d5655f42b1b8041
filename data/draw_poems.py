"""Draws data/poems.txt: made-up quatrains of four lines of five characters, the second half of each pair answering the first.

The words and patterns were chosen for this project; `make data` runs this.
"""

import random
from pathlib import Path

HERE = Path(__file__).parent
NUMBER = 1500
WORDS = {
    "A": "白青清寒明孤高深碧新古遠",
    "N": "山水風月花鳥雲江夜春秋樹雨雪竹松石門舟燈",
    "V": "過落照入歸生鳴隨臨隔滿動開迎",
    "P": "外上下前中裏",
}
# A pair is two lines of one pattern, the classical parallel couplet.
PATTERNS = ("ANVAN", "ANNPV", "NPANV", "NVANP", "VNANP")


def line(pattern: str, draw: random.Random, used: set[str]) -> str:
    """A line of the pattern in which no character stands that the poem has already."""
    found = ""
    for kind in pattern:
        found += draw.choice([word for word in WORDS[kind] if word not in used and word not in found])
    used.update(character for character in found if character not in WORDS["P"])
    return found


def poem(draw: random.Random) -> str:
    used: set[str] = set()
    pairs = [draw.choice(PATTERNS) for _ in range(2)]
    lines = [line(pattern, draw, used) for pattern in pairs for _ in range(2)]
    return f"{lines[0]}，{lines[1]}。{lines[2]}，{lines[3]}。"


def main() -> None:
    draw = random.Random(0)
    poems: dict[str, None] = {}  # in order, each once
    while len(poems) < NUMBER:
        poems.setdefault(poem(draw))
    (HERE / "poems.txt").write_text("".join(one + "\n" for one in poems), encoding="utf-8")


if __name__ == "__main__":
    main()
