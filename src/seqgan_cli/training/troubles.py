"""What goes wrong in training without an error: a generator that comes to repeat itself, a discriminator that has won."""

import itertools
import math
from collections.abc import Sequence

from seqgan_cli.evaluation.metrics.diversity import collapse_threshold

D_SATURATED = 1e-3  # a mean reward below it, and as small a share of samples that pass for real
FALLS = 3  # in a row, from which on the share of different samples is falling and does not just vary
# Standard deviations that it has fallen by: where nothing changes, that happens in less than 1 % of trainings of 200 rounds.
DEVIATIONS = 6.0


def troubles(scores: dict[str, float], variety: dict[str, float], num: int) -> dict[str, str]:
    """What has gone wrong, by its name, in words and with what to do. `num`: samples behind the scores.

    collapse: the generator has come to repeat itself, variety is under half of what is expected, and not by chance. defeat: the
    discriminator knows every sample for one, and rewards are all but 0.
    """
    found = {}
    if 0.0 <= scores.get("reward_mean", 1.0) < D_SATURATED and scores.get("d_accuracy_fake", 0.0) > 1.0 - D_SATURATED:
        found["defeat"] = (
            f"the discriminator has won: it knows every sample for one (mean reward {scores['reward_mean']:.2g}), and leaves "
            "the generator little to climb. Consider fewer d-steps or epochs k, a smaller adversarial.d-learning-rate, more "
            "g-steps, or more epochs of pretrain-g."
        )
    distinct, entropy = variety.get("distinct_share", 0.0), variety.get("entropy", 0.0)
    fewest = variety.get("least_distinct_share", collapse_threshold(distinct * num, num) / num)
    for metric, meaning, lowest in (
        ("distinct_share", "the share of different sequences among samples", fewest),
        ("entropy", "the entropy of the policy (nats per token)", 0.5 * entropy),
    ):
        if metric in scores and scores[metric] < lowest:
            found["collapse"] = (
                f"the generator is collapsing: {meaning} is {scores[metric]:.3f}, where {variety[metric]:.3f} is expected. "
                "It repeats itself; trust no quality score from here on, and consider fewer rounds or a smaller step size."
            )
    return found


def falling(shares: Sequence[float | None], variety: dict[str, float], num: int) -> dict[str, str]:
    """Whether distinct_share fell unit after unit by more than `num` samples vary: a collapse, before it has come.

    `shares`: of the last units, None where it was not measured. What falls to what is expected is learning.
    """
    known = [share for share in shares[-FALLS - 1 :] if share is not None]
    if len(known) <= FALLS or any(later >= earlier for earlier, later in itertools.pairwise(known)):
        return {}
    first, last = known[0], known[-1]
    least = max(0.02, DEVIATIONS * math.sqrt(last * (1.0 - last) / num))
    if first - last < least or last >= variety.get("distinct_share", 1.0):
        return {}
    return {
        "falling": (
            f"samples repeat more and more: distinct_share fell from {first:.3f} to {last:.3f} in {FALLS} steps. If that goes "
            "on the generator collapses: consider adversarial.kl-target, adversarial.keep-coverage or a smaller step size."
        )
    }
