"""`--reward`: a weighted sum of terms, each of one reward or of several that must hold together.

    discriminator=0.5,qed=0.5          a weighted sum
    grammar*birds=lexicon              a product; birds is a name for this use of the reward lexicon
    a=lexicon=0.7,b=lexicon=0.3        a name for each use, and weights
"""

import math
import re
from dataclasses import dataclass

from seqgan_cli.errors import UsageError

NAME = re.compile(r"[^\W\d][\w.-]*")


@dataclass(frozen=True)
class Use:
    """One use of a reward: under what name, and of which."""

    name: str
    reward: str


@dataclass(frozen=True)
class Term:
    """A product of uses, with its weight."""

    uses: tuple[Use, ...]
    weight: float

    @property
    def name(self) -> str:
        return "*".join(use.name for use in self.uses)


@dataclass(frozen=True)
class Expression:
    """A sum of terms, as `parse` reads it."""

    text: str
    terms: tuple[Term, ...]

    @property
    def uses(self) -> tuple[Use, ...]:
        """Each once, as they come."""
        return tuple(dict.fromkeys(use for term in self.terms for use in term.uses))

    @property
    def single(self) -> Use | None:
        """The use, if it is the only one, counts once and has the reward's own name: what it was before there were sums."""
        use = self.uses[0]
        plain = len(self.terms) == 1 and self.terms[0] == Term((use,), 1.0)
        return use if plain and use.name == use.reward else None


def parse(text: str, setting: str) -> Expression:
    """The expression. Raises UsageError that names the setting and the part that is wrong."""

    def wrong(part: str, why: str) -> UsageError:
        of = f" in {text!r}" if part != text.strip() else ""
        return UsageError(f"{setting}: {part!r}{of} {why}. Write terms as NAME=WEIGHT,NAME*NAME=WEIGHT, or LABEL=NAME=WEIGHT.")

    named: dict[str, str] = {}
    split = []
    for part in (part.strip() for part in text.split(",")):
        *factors, last = (factor.strip() for factor in part.split("*"))
        last, weight = _weight(last)
        if weight is not None and not (math.isfinite(weight) and weight):
            raise wrong(part, "has a weight that is 0 or not finite")
        uses = []
        for factor in (*factors, last):
            label, equals, reward = (piece.strip() for piece in factor.rpartition("="))
            for name in (label, reward) if equals else (reward,):
                if not NAME.fullmatch(name):
                    raise wrong(part, "is no term" if name else "lacks a name")
            if label and named.setdefault(label, reward) != reward:
                raise wrong(part, f"gives the name {label} to a second reward")
            uses.append((label, reward))
        split.append((part, uses, 1.0 if weight is None else weight))
    terms: dict[frozenset[Use], Term] = {}
    for part, pairs, weight in split:
        uses_of_term = tuple(Use(label or reward, reward if label else named.get(reward, reward)) for label, reward in pairs)
        factors_of_term = frozenset(uses_of_term)  # a product is the same in any order
        if len(factors_of_term) < len(uses_of_term):
            raise wrong(part, "has a factor twice")
        if factors_of_term in terms:
            raise wrong(part, "is there twice: add up the weights")
        terms[factors_of_term] = Term(uses_of_term, weight)
    return Expression(text, tuple(terms.values()))


def _weight(last: str) -> tuple[str, float | None]:
    """A term's last factor without the number that ends it, and that number."""
    before, equals, number = last.rpartition("=")
    try:
        return (before, float(number)) if equals else (last, None)
    except ValueError:
        return last, None

