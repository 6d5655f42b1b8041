"""What keeps a policy near the one it began as: a penalty on the log-ratio of the two, whose weight may hold a divergence."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from seqgan_cli.config.schema import setting
from seqgan_cli.config.sections import Adversarial
from seqgan_cli.lazy import tf
from seqgan_cli.runs.checkpoints import named

if TYPE_CHECKING:
    from seqgan_cli.models.generator import Generator

FIRST = 0.1  # the coefficient that a target begins with, if none is set
GAIN, MOST = 0.1, 0.2  # of the controller: Ziegler et al. 2019, §2.2


@dataclass(frozen=True)
class KLPenaltySettings(Adversarial):
    """Those of rounds by policy gradient that are of the penalty."""

    kl_coefficient: float = setting(
        0.0, "KL penalty against the pre-trained policy, per nat", at_least=0, fixed_by="adversarial", times_steps=True
    )
    kl_target: float = setting(
        0.0,
        "nats a sequence of divergence from the pre-trained policy that a moving KL penalty holds (0: it does not move)",
        at_least=0,
        fixed_by="adversarial",
        times_steps=True,
    )
    kl_reference: str = setting(
        "start",
        "what the KL penalty is against: the policy that rounds begin with, or that of the last round's end",
        choices=("start", "round"),
        fixed_by="adversarial",
    )

    @property
    def penalised(self) -> bool:
        return self.kl_coefficient > 0 or self.kl_target > 0

    def penalty_conflicts(self) -> Iterable[tuple[bool, str]]:
        """As `Algorithm.conflicts`."""
        yield (
            self.kl_reference != "start" and not self.penalised,
            f"adversarial.kl-reference={self.kl_reference} is of a KL penalty, and there is none: set "
            "adversarial.kl-coefficient, or leave it out.",
        )


class KLPenalty:
    """β · Σ_t log(G_θ / G_ref)(y_t | Y₁:t-1), in the reward of every token; a target moves β.

    G_ref is the policy as rounds begin; or it follows, and is what the last round left. With d-steps that is the policy whose
    samples the discriminator has just learned to tell, so that with the reward `log-ratio` and β = 1 each round aims at
    that policy corrected.

    Args:
        generator: the policy as it begins, which is copied.
        settings: β or where it begins, the nats a sequence that E log(G_θ / G_ref) is held at, if it is, and whether G_ref
            follows.
    """

    def __init__(self, generator: Generator, settings: KLPenaltySettings) -> None:
        self.policy = generator.clone("start")  # its name in checkpoints
        self.target, self.follows = settings.kl_target, settings.kl_reference == "round"
        coefficient = settings.kl_coefficient
        self.coefficient: Any = tf.Variable(coefficient or FIRST, trainable=False) if self.target else coefficient

    def end_round(self, generator: Generator) -> None:
        """The reference is what this round left, where it follows."""
        if self.follows:
            for own, left in zip(self.policy.trainable_variables, generator.trainable_variables, strict=True):
                own.assign(left)

    def move(self, divergence: float) -> dict[str, float]:
        """Take note of a batch's mean log-ratio, in nats a sequence. Returns it, and the coefficient that it was met with.

        β ← β·(1 + 0.1·clip((KL − target) / target, ±0.2)): up where the policy is too far, down where it need not be so near.
        """
        met = float(self.coefficient.numpy()) if self.target else self.coefficient  # of several devices it is no number
        if self.target:
            error = (divergence - self.target) / self.target
            self.coefficient.assign(met * (1.0 + GAIN * min(MOST, max(-MOST, error))))
        return {"kl": divergence, "kl_coefficient": met} if self.target else {"kl": divergence}

    def variables(self) -> dict[str, Any]:
        """The reference, which no other file may have now; and β if it moves."""
        moving = {"kl_coefficient": self.coefficient} if self.target else {}
        return {**named(self.policy.name, self.policy), **moving}
