"""Settings so small that a stage takes a second or two."""

from typing import Any

from seqgan_cli.config.resolution import explicit, resolve
from seqgan_cli.config.settings import Settings

TINY = {
    "data.vocab-size": 12,
    "data.sequence-length": 5,
    "data.num-sequences": 96,
    "generator.embedding-dim": 4,
    "generator.hidden-dim": 5,
    "discriminator.embedding-dim": 4,
    "discriminator.filters": "1:4,2:4,3:4",
    "pretrain-g.epochs": 3,
    "pretrain-g.batch-size": 32,
    "pretrain-d.d-steps": 2,
    "pretrain-d.k": 1,
    "pretrain-d.learning-rate": 0.01,
    "adversarial.rounds": 2,
    "adversarial.d-steps": 1,
    "adversarial.k": 1,
    "adversarial.rollouts": 2,
    "adversarial.batch-size": 8,
    "evaluation.samples": 32,
    "evaluation.final-samples": 64,
}


def tiny_settings(**changes: Any) -> Settings:
    """TINY with some settings changed, by dotted name."""
    values, sources = explicit({**TINY, **changes}, (), None)
    return resolve(values, sources, None, "paper").settings


def data_settings(**own: Any) -> Settings:
    """Settings of data (or the seed) by the last part of their names; all others have their defaults."""
    return Settings({name if name == "seed" else f"data.{name.replace('_', '-')}": value for name, value in own.items()})
