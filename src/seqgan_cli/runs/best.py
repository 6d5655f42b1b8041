"""Which checkpoint of a stage is its best: by which score of how many sequences, and when a stage has lost its patience."""

from collections.abc import Mapping
from typing import Any

from seqgan_cli.config.settings import Settings


def changed_measure(
    facts: Mapping[str, Any], settings: Settings, stage: str, earlier_data: bool = False
) -> tuple[str, str] | None:
    """What the best of a checkpoint was chosen by and what chooses now, in words, if they differ; None if they do not.

    `facts`: of the stage's checkpoint. One of an early version does not say, and is taken to be chosen as now. `earlier_data`:
    whether it was chosen by other data.
    """
    now = settings.measure(stage) or {}
    before = facts.get("measure", now)
    if earlier_data and before:
        return f"{_words(before)} of the data before", f"{_words(now)} of the data now"
    return None if before == now else (_words(before), _words(now))


def _words(measure: Mapping[str, Any]) -> str:
    return f"{measure['score']} (evaluation.samples {measure['samples']})"


def best_of(facts: Mapping[str, Any], settings: Settings, stage: str, earlier_data: bool = False) -> dict[str, Any]:
    """`position` and `value` of the best checkpoint so far; where the measure has changed, value None, which any betters.

    Arguments as in `changed_measure`.
    """
    unmeasured = "measure" not in facts and facts["best"].get("value") is None  # by an early version
    if unmeasured or changed_measure(facts, settings, stage, earlier_data):
        return {"position": facts["position"], "value": None}
    return dict(facts["best"])


def has_stalled(position: int, best: Mapping[str, Any], patience: int) -> bool:
    """Whether so many units have passed without a better score; never with a patience of 0."""
    return bool(patience) and position - best["position"] >= patience
