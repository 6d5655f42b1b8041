"""Settings that do not go together, found before anything is read or trained: each component says which do not go with it."""

from collections.abc import Iterable
from typing import Any

from seqgan_cli.config import registry
from seqgan_cli.config.resolution import Config
from seqgan_cli.config.schema import specs_of
from seqgan_cli.config.settings import SCHEMA, Settings
from seqgan_cli.errors import UsageError


def check(config: Config) -> None:
    """Raises UsageError for settings that spoil one another, or would be ignored in silence."""
    check_data(config)
    check_together(config.settings)


def check_data(config: Config) -> None:
    """Of all these, what is of the data alone: what their kind has no use for, or other kinds have one for."""
    settings, sources = config.settings, config.sources
    given = {name for name in sources if sources[name] in ("option", "file") and config.values[name] != SCHEMA[name].default}
    of_some = {name for kind in registry.kinds.known() for name in kind.uses} - settings.origin.uses
    _refuse(_useless(settings, [name for name in SCHEMA if name in given & of_some]))
    of_named = {each for tokenizer in registry.tokenizers.named_by(settings.data.tokenizer) for each in _own(tokenizer)}
    for name in sorted(given & {each for other in registry.tokenizers.known() for each in _own(other)} - of_named):
        told = f"--{name.partition('.')[2]} is of no use to --tokenizer {settings.data.tokenizer}: leave it out."
        _refuse([(True, told)])
    _refuse(registry.tokenizers.conflicts(settings))
    for kind in registry.kinds.known():
        if kind is not settings.origin:
            _refuse(kind.misplaced(settings, given))
    _refuse(settings.origin.conflicts(settings))


def _own(component: Any) -> Iterable[str]:
    """The names of a component's own settings."""
    return () if component.Section is None else (spec.name for spec in specs_of(component.Section))


def _useless(settings: Settings, names: Iterable[str]) -> Iterable[tuple[bool, str]]:
    for name in names:
        what = "the oracle's sequences" if settings.data.synthetic else f"data of kind {settings.data.kind}"
        instead = ", or name --data" * settings.data.synthetic
        yield True, f"--{name.partition('.')[2]} is of no use to {what}: leave it out{instead}."


def check_together(settings: Settings) -> None:
    """Raises UsageError for values of which one would spoil the other, whoever asked for them."""
    _refuse(settings.origin.conflicts(settings))
    for each in registry.ALL:
        if each is not registry.kinds:
            _refuse(each.conflicts(settings))


def check_rewards(settings: Settings) -> None:
    """Raises UsageError for a reward whose own settings are missing or do not go together."""
    _refuse(registry.rewards.conflicts(settings))


def _refuse(conflicts: Iterable[tuple[bool, str]]) -> None:
    for wrong, words in conflicts:
        if wrong:
            raise UsageError(words)
