"""The map's cells, each a number of training sequences and a size of the generator, and what is trained in one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from seqgan_cli.config.presets import LOG_RATIO_ROUNDS, LOG_RATIO_STEPS
from seqgan_cli.studies.tasks import Work

MLE, CORRECTED, ROUNDS = "mle", "corrected", "rounds"
TITLES = {MLE: "MLE", CORRECTED: "MLE, corrected", ROUNDS: "SeqGAN, log-ratio"}
# Of maximum likelihood in every cell: until validation has it, and from there.
LIKELIHOOD: dict[str, Any] = {"pretrain-g.learning-rate": 0.005, "pretrain-g.patience": 5}
DISCRIMINATOR: dict[str, Any] = {"pretrain-d.patience": 5, "pretrain-d.k": 1}


@dataclass(frozen=True)
class Cell:
    """sequences: of the training part, and of each that is held out; hidden_dim: of the generator."""

    sequences: int
    hidden_dim: int

    @property
    def name(self) -> str:
        return f"n{self.sequences}-h{self.hidden_dim}"

    def mle(self, dropout: float) -> str:
        """The work of maximum likelihood with that dropout."""
        return f"{self.name}-dropout-{dropout:g}"


def likelihood_works(cell: Cell, dropouts: Sequence[float]) -> dict[str, Work]:
    """Of which validation chooses one."""
    size = {"data.num-sequences": cell.sequences, "generator.hidden-dim": cell.hidden_dim}
    return {
        cell.mle(dropout): Work(
            "pretrain-g", settings={**size, "pretrain-g.dropout": dropout, "adversarial.start": "best"}, usual=LIKELIHOOD
        )
        for dropout in dropouts
    }


def later_works(chosen: str) -> dict[str, Work]:
    """What begins with the chosen one: a discriminator, and rounds that earn what it knows."""
    rounds = {**LOG_RATIO_ROUNDS, "adversarial.monitor": "nll_validation"}
    discriminator = f"{chosen}-discriminator"
    return {
        discriminator: Work("pretrain-d", chosen, usual=DISCRIMINATOR),
        f"{chosen}-{ROUNDS}": Work("adversarial", discriminator, rounds, LOG_RATIO_STEPS),
    }
