"""What is compared on an objective: the reward with and without what keeps samples real, and what needs no training by it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from seqgan_cli.config.expression import Expression, Term
from seqgan_cli.studies.tasks import Work

DISCRIMINATOR = "discriminator"


@dataclass(frozen=True)
class Method:
    """A row: a title, and the run whose last generator it is."""

    title: str
    work: str


METHODS = {
    "seqgan": Method("SeqGAN: the discriminator alone", "seqgan"),
    "reward": Method("the reward alone", "reward"),
    "reward-kl": Method("the reward, with KL", "reward-kl"),
    "organ": Method("½ reward + ½ discriminator (ORGAN)", "organ"),
    "organ-kl": Method("½ reward + ½ discriminator, with KL", "organ-kl"),
    "ppo-kl": Method("the reward, with KL, PPO", "ppo-kl"),
}
TEMPERATURES = (1.0, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2)


def written(expression: Expression, share: float) -> str:
    """The same sum, as `--reward` takes it, with its weights times `share`."""
    labels = {use.name: use for use in expression.uses}

    def factor(name: str) -> str:
        use = labels[name]
        return name if use.name == use.reward else f"{use.name}={use.reward}"

    def term(each: Term) -> str:
        return f"{'*'.join(factor(use.name) for use in each.uses)}={each.weight * share!r}"

    return ",".join(map(term, expression.terms))


def works_of(expression: Expression, kl_coefficient: float) -> Mapping[str, Work]:
    """Every run that a method needs, by name."""
    alone, both = expression.text, f"{DISCRIMINATOR}=0.5,{written(expression, 0.5)}"

    near = {"adversarial.kl-coefficient": kl_coefficient}
    free = {"adversarial.kl-coefficient": 0.0, "adversarial.kl-target": 0.0}  # a target may be set for all

    def rounds(parent: str, reward: str, penalty: Mapping[str, float], **others: Any) -> Work:
        named = {f"adversarial.{name.replace('_', '-')}": value for name, value in others.items()}
        return Work("adversarial", parent, {"adversarial.reward": reward, **penalty, **named})

    return {
        "mle": Work("pretrain-g"),
        "pretrained-d": Work("pretrain-d", "mle"),
        "seqgan": rounds("pretrained-d", DISCRIMINATOR, free),
        "reward": rounds("mle", alone, free),
        "reward-kl": rounds("mle", alone, near),
        "organ": rounds("pretrained-d", both, free),
        "organ-kl": rounds("pretrained-d", both, near),
        "ppo-kl": rounds("mle", alone, near, algorithm="ppo"),
    }
