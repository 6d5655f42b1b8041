"""What is compared on an objective: the reward with and without what keeps samples real, and what needs no training by it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from seqgan_cli.config.expression import Expression, Term
from seqgan_cli.studies.tasks import Work

DISCRIMINATOR = "discriminator"


@dataclass(frozen=True)
class Method:
    """A row: a title, and whether a KL penalty keeps it near MLE."""

    title: str
    near: bool = False


METHODS = {
    "seqgan": Method("SeqGAN: the discriminator alone"),
    "reward": Method("the reward alone"),
    "reward-kl": Method("the reward, with KL", near=True),
    "reward-mle": Method("the reward, with steps of likelihood between"),
    "reward-kl-mle": Method("the reward, with KL and steps of likelihood", near=True),
    "organ": Method("½ reward + ½ discriminator (ORGAN)"),
    "organ-kl": Method("½ reward + ½ discriminator, with KL", near=True),
    "ppo-kl": Method("the reward, with KL, PPO", near=True),
}
COLDER = "MLE, temperature"  # how the rows of lower temperatures begin
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


def works_of(expression: Expression, kl_coefficients: Sequence[float]) -> Mapping[str, Work]:
    """Every run that a method may need, by name; those with a KL penalty once for each of its coefficients."""
    alone, both = expression.text, f"{DISCRIMINATOR}=0.5,{written(expression, 0.5)}"
    teaching = {"adversarial.mle-every": 0}  # this and a target may be set for all
    free = {"adversarial.kl-coefficient": 0.0, "adversarial.kl-target": 0.0}

    def rounds(name: str, parent: str, reward: str, **others: Any) -> dict[str, Work]:
        costs = candidates(name, kl_coefficients) if METHODS[name].near else {name: free}
        chosen = {"adversarial.reward": reward, **teaching, **{f"adversarial.{key}": value for key, value in others.items()}}
        return {work: Work("adversarial", parent, {**chosen, **cost}) for work, cost in costs.items()}

    return {
        "mle": Work("pretrain-g"),
        "pretrained-d": Work("pretrain-d", "mle"),
        **rounds("seqgan", "pretrained-d", DISCRIMINATOR),
        **rounds("reward", "mle", alone),
        **rounds("reward-kl", "mle", alone),
        **rounds("reward-mle", "mle", alone, **{"mle-every": 1}),
        **rounds("reward-kl-mle", "mle", alone, **{"mle-every": 1}),
        **rounds("organ", "pretrained-d", both),
        **rounds("organ-kl", "pretrained-d", both),
        **rounds("ppo-kl", "mle", alone, algorithm="ppo"),
    }


def candidates(name: str, kl_coefficients: Sequence[float]) -> Mapping[str, Mapping[str, float]]:
    """The runs of which a method's row takes the best on validation data, and the settings in which they differ."""
    if not METHODS[name].near:
        return {name: {}}
    several = len(kl_coefficients) > 1
    return {f"{name}-{x:g}" if several else name: {"adversarial.kl-coefficient": x} for x in kl_coefficients}
