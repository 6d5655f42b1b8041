"""Settings that do not go together, found before anything is read or trained."""

from typing import Any

from seqgan_cli.config import registry
from seqgan_cli.config.resolution import Config
from seqgan_cli.config.settings import BUILT_IN, KINDS, SCHEMA, Settings
from seqgan_cli.errors import UsageError

# Settings that only some kinds of data have a use for.
OF_KINDS = {
    **dict.fromkeys(("poem-form", "whole"), ("poems",)),
    **dict.fromkeys(("track", "channel", "step", "sampling", "rests", "window", "stride"), ("music",)),
    **dict.fromkeys(("lowercase", "markers", "max-length", "overlong"), ("auto", "text", "speeches", "ids")),
    **dict.fromkeys(("min-count", "max-vocab"), ("auto", "text", "speeches", "ids", "poems")),
    "strict": ("poems", "music"),
}


def legacy_defaults(kind: str) -> dict[str, Any]:
    """What holds for records of such data that are older than a setting, by its name, where it is not the default."""
    known = {name: info for name, info in SCHEMA.items() if info.before is not None}
    return {name: info.before for name, info in known.items() if kind in OF_KINDS.get(name.removeprefix("data."), (kind,))}


def check_kind(config: Config) -> None:
    """Raises UsageError for options that the kind of data has no use for."""
    data = config.settings.data
    for name, kinds in OF_KINDS.items():
        given = config.sources[f"data.{name}"] in ("option", "file") and not data.synthetic
        if given and data.kind not in kinds and config.values[f"data.{name}"] != SCHEMA[f"data.{name}"].default:
            raise UsageError(f"--{name} is of no use to data of kind {data.kind}: leave it out.")
    usual = KINDS.get(data.kind, {}).get("data.tokenizer", "whitespace")
    if data.kind in ("poems", "music", "ids") and data.tokenizer != usual:
        raise UsageError(f"--tokenizer {data.tokenizer} does not go with --kind {data.kind}: leave it out.")
    if (data.speaker or data.since) and data.source != "speech":
        raise UsageError("--speaker and --since choose among the texts of --data speech: leave them out.")
    if data.markers and data.source == "speech":
        raise UsageError("--markers is of files, and the texts of --data speech have none: leave it out.")
    if BUILT_IN.get(data.source, data.kind) != data.kind and not data.synthetic:
        raise UsageError(f"--data {data.source} is of kind {BUILT_IN[data.source]}: leave --kind out.")


def check_together(settings: Settings) -> None:
    """Raises UsageError for values of which one would spoil the other, or be ignored in silence."""
    for component in registry.chosen(settings):
        for wrong, words in component.conflicts(settings):
            if wrong:
                raise UsageError(words)


def check_source(settings: Settings) -> None:
    """Raises UsageError for settings of the oracle with other data, and of other data with the oracle."""
    synthetic = settings.data.synthetic
    if not synthetic and settings.adversarial.monitor == "nll_oracle":
        raise UsageError("adversarial.monitor is nll_oracle, which only synthetic data have: use nll_validation.")
    if not synthetic and settings.data.oracle:
        raise UsageError("--oracle gives weights for synthetic data and does not go with a text file: leave one out.")
    if synthetic and settings.data.kind != "auto":
        raise UsageError("--kind goes with --data: the oracle has numbers of its own.")
    if synthetic and settings.data.test:
        raise UsageError("--test goes with --data FILE: the oracle draws its own held-out sequences.")
