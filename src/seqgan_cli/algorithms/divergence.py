"""What keeps a policy near the one it began as: a penalty on the log-ratio of the two, whose weight may hold a divergence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seqgan_cli.lazy import tf
from seqgan_cli.runs.checkpoints import named

if TYPE_CHECKING:
    from seqgan_cli.models.generator import Generator

FIRST = 0.1  # the coefficient that a target begins with, if none is set
GAIN, MOST = 0.1, 0.2  # of the controller: Ziegler et al. 2019, §2.2


class KLPenalty:
    """β · Σ_t log(G_θ / G_start)(y_t | Y₁:t-1), in the reward of every token; a target moves β.

    Args:
        generator: the policy as it begins, which is copied.
        coefficient: β, or where it begins.
        target: nats a sequence that E log(G_θ / G_start) is held at; 0: β stays.
    """

    def __init__(self, generator: Generator, coefficient: float, target: float) -> None:
        self.policy = generator.clone("start")  # its name in checkpoints
        self.target = target
        self.coefficient: Any = tf.Variable(coefficient or FIRST, trainable=False) if target else coefficient

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
        """The policy that pretrain-g had, and may not have now; and β if it moves."""
        moving = {"kl_coefficient": self.coefficient} if self.target else {}
        return {**named(self.policy.name, self.policy), **moving}
