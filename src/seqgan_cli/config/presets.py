"""Presets: three sizes of everything, and settings that go together whatever the size."""

from typing import Any

SIZES = ("quick", "fast", "paper")
# Maximum likelihood with dropout, stopped on held-out data: the bar for all else. Found by `seqgan tune`:
# docs/experiments.md, "Strong maximum likelihood".
MLE_STRONG: dict[str, Any] = {
    "generator.hidden-dim": 64,
    "pretrain-g.dropout": 0.5,
    "pretrain-g.learning-rate": 0.005,
    "pretrain-g.patience": 5,
    "adversarial.start": "best",
}
# The generator that learned most of molecules and of captions for as many multiplications: docs/generators.md.
MLE_NORM: dict[str, Any] = {
    "generator.embedding-dim": 64,
    "generator.hidden-dim": 192,
    "generator.layer-norm": True,
    "pretrain-g.dropout": 0.1,
    "pretrain-g.learning-rate": 0.003,
    "pretrain-g.patience": 5,
    "adversarial.start": "best",
}
# Policy gradient on a reward that knows something: no rollouts, the others' mean subtracted, near to a strong likelihood model
# and to the data that it learned from. docs/objectives.md has what it gives.
OBJECTIVE: dict[str, Any] = {
    **MLE_STRONG,
    "adversarial.rollouts": 0,
    "adversarial.baseline": "leave-one-out",
    "adversarial.batch-size": 128,
    "adversarial.g-learning-rate": 0.0005,
    "adversarial.g-steps": 5,
    "adversarial.d-steps": 1,
    "adversarial.k": 1,
    "adversarial.rounds": 100,
    "adversarial.kl-coefficient": 0.01,
    "adversarial.mle-every": 1,
    "adversarial.mle-learning-rate": 0.0002,
}
# What the discriminator of strong maximum likelihood knows, earned by rounds: its log-ratio as the reward, a KL penalty of 1 to
# the generator that it knows, and no d-steps, after which it would know another. Then, how many steps, and how large.
LOG_RATIO_ROUNDS: dict[str, Any] = {
    "adversarial.reward": "log-ratio",
    "adversarial.d-start": "best",
    "adversarial.d-steps": 0,
    "adversarial.kl-coefficient": 1.0,
    "adversarial.rollouts": 0,
    "adversarial.baseline": "leave-one-out",
}
LOG_RATIO_STEPS: dict[str, Any] = {
    "adversarial.batch-size": 256,
    "adversarial.g-learning-rate": 0.0002,
    "adversarial.g-steps": 40,
    "adversarial.rounds": 5,
}
LOG_RATIO: dict[str, Any] = {**MLE_STRONG, **LOG_RATIO_ROUNDS, **LOG_RATIO_STEPS}
SPECIAL = {"mle-strong": MLE_STRONG, "mle-norm": MLE_NORM, "objective": OBJECTIVE, "log-ratio": LOG_RATIO}  # no sizes
PRESETS = (*SIZES, *SPECIAL)
