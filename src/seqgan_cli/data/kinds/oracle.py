"""Synthetic data: sequences drawn from an oracle whose distribution is known, made where the oracle is (`synthetic.py`)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seqgan_cli.config import registry
from seqgan_cli.config.schema import section, setting
from seqgan_cli.config.settings import Settings
from seqgan_cli.data.kinds.text import Text
from seqgan_cli.data.oracle_file import read_oracle_file
from seqgan_cli.errors import UsageError

NUMBERS = "--kind goes with --data: the oracle has numbers of its own."


@section("data", "pretrain-g", fixed_by="corpus")
@dataclass(frozen=True)
class OracleSettings:
    vocab_size: int = setting(5000, "oracle: number of token ids", at_least=2, quick=200)
    sequence_length: int = setting(20, "oracle: tokens in a sequence", at_least=1, quick=10)
    num_sequences: int = setting(
        10000, "oracle: sequences of each part: training, validation, test", at_least=4, quick=5000
    )
    oracle: str = setting(
        "", "oracle: .npz with its weights, as the command `oracle` writes it (default: N(0, 1) from the seed)", is_file=True
    )


class Oracle(Text):
    """Its samples, written as numbers with spaces, are read as lines of text.

    Those of a file that says more than weights have its vocabulary and are written as data of the kind that it names, which is
    then the run's `data.kind`.
    """

    name = "oracle"
    meaning = "sequences of a known distribution"
    rank = 5
    is_named = False
    Section = OracleSettings
    uses = frozenset()
    sources = ("oracle",)
    synthetic = True
    quality = ("nll_oracle",)
    extra_scores = ()
    experiment = ""

    @classmethod
    def vocabulary_size(cls, settings: Settings) -> int:
        return settings[OracleSettings].vocab_size

    @classmethod
    def settled(cls, settings: Mapping[str, Any]) -> dict[str, Any]:
        path = settings.get("data.oracle")
        found = read_oracle_file(Path(path))[1] if path else None
        if found is not None:
            return found.settled()
        if settings.get("data.kind", "auto") not in registry.kinds.beside:
            raise UsageError(NUMBERS)
        return {}

    @classmethod
    def misplaced(cls, settings: Settings, given: set[str]) -> Iterable[tuple[bool, str]]:
        yield (
            not settings.data.synthetic and bool(settings[OracleSettings].oracle),
            "--oracle gives weights for synthetic data and does not go with a text file: leave one out.",
        )

    @classmethod
    def conflicts(cls, settings: Settings) -> Iterable[tuple[bool, str]]:
        yield settings.data.kind not in registry.kinds.beside and not settings[OracleSettings].oracle, NUMBERS
        yield (
            settings.data.deduplicate,
            "--deduplicate goes with --data FILE: the oracle draws its parts independently; leave it out.",
        )
        yield bool(settings.data.test), "--test goes with --data FILE: the oracle draws its own held-out sequences."
