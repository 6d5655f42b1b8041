"""How a command's settings are put together.

Precedence: option (or `--set`) > `--config` file > what the run already has > kind of data > preset > default.
"""

import functools
import os
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from seqgan_cli.config import registry
from seqgan_cli.config.paths import mapped
from seqgan_cli.config.schema import specs_of
from seqgan_cli.config.settings import SCHEMA, Settings, find, preset_value, specs_with
from seqgan_cli.errors import UsageError

PLACES = ("data.source", "data.oracle")  # where the data are, or what draws them


@dataclass(frozen=True)
class Config:
    """Settings and where each came from: option, file, data (seen from the file), kind NAME, preset NAME or default."""

    values: Mapping[str, Any]
    sources: Mapping[str, str]
    kept: Path | None = field(default=None, compare=False)  # see `Settings`

    @functools.cached_property
    def settings(self) -> Settings:
        return Settings(self.values, self.kept)


def read_file(path: Path) -> dict[str, Any]:
    """Settings of a TOML file, by dotted name. Raises UsageError on a name or value that is none."""
    flat: dict[str, Any] = {}

    def visit(section: dict[str, Any], prefix: str) -> None:
        for name, value in section.items():
            if isinstance(value, dict):
                visit(value, f"{prefix}{name}.")
            else:
                flat[prefix + name] = value

    try:
        visit(tomllib.loads(path.read_text(encoding="utf-8")), "")
    except OSError as error:
        raise UsageError(f"Cannot read --config {path}: {error.strerror}.") from None
    except ValueError as error:  # TOMLDecodeError, UnicodeDecodeError, or a number with too many digits
        raise UsageError(f"--config {path} is not valid TOML: {error}.") from None
    except RecursionError:
        raise UsageError(f"--config {path} has lists or tables in one another that are too deep for any setting.") from None
    import_named(flat.items())
    specs = {name: find(name) for name in flat}
    return {specs[name].name: specs[name].check(value) for name, value in flat.items()}


def import_named(values: Iterable[tuple[str, Any]]) -> None:
    """Import the components of other packages that these settings name: what they declare are settings from then on.

    Raises UsageError for a component that is none.
    """
    for name, value in values:
        try:
            spec = find(name)
        except UsageError:  # perhaps of a component that comes later
            continue
        if spec.names_component:
            spec.check(value)


def explicit(options: Mapping[str, Any], sets: tuple[str, ...], file: Path | None) -> tuple[dict[str, Any], dict[str, str]]:
    """What the user asked for in this command, and by what: values by name, sources by name. Raises UsageError."""
    assigned = []
    for assignment in sets:
        name, equals, text = (part.strip() for part in assignment.partition("="))
        if not equals:
            raise UsageError(f"--set {assignment}: write NAME=VALUE.")
        assigned.append((name, text))
    import_named([*options.items(), *assigned])
    values = read_file(file) if file is not None else {}
    sources = dict.fromkeys(values, "file")
    import_named([*options.items(), *assigned])  # again: a name of a use may be another reward's in the file
    chosen = {name: find(name).check(value) for name, value in options.items()}
    for name, text in assigned:
        info = find(name)
        chosen[info.name] = info.parse(text)
    values.update(chosen)
    sources.update(dict.fromkeys(chosen, "option"))
    reward = registry.rewards.setting
    if reward not in values and (implied := registry.rewards.implied(values)):
        if len(implied) > 1:
            raise UsageError(f"Two rewards are given: say what they make together, as in --reward {'=0.5,'.join(implied)}=0.5.")
        values[reward], sources[reward] = implied[0], "option"
    for name in values:
        is_name = name == "data.source" and registry.kinds.of_source(values[name]) is not None
        if values[name] and find(name).names_file(values[name]) and not is_name:
            # The run may be continued from another folder.
            values[name] = mapped(values[name], _absolute) if find(name).is_files else _absolute(values[name])
    return values, sources


def _absolute(name: str) -> str:
    return "/dev/stdin" if name == "-" else os.path.abspath(name)  # noqa: PTH100


# Passes with scheduled sampling, after which the linear schedule reaches 0.4 in each preset; the default number would end at
# 0.76. The authors' early release trained it for 300.
SCHEDULED_EPOCHS = {"quick": 60, "fast": 100, "paper": 300}


def _of_kind(name: str, source: str, kind: str) -> bool:
    """Whether what a run recorded from that source gives way when its data become of another kind."""
    return source.startswith("kind ") or (name in registry.kinds.defaults_of(kind) and source not in ("option", "file"))


def legacy_values(kind: str) -> dict[str, Any]:
    """What holds for records of such data that are older than a setting, by its name, where it is not the default."""
    others = [each.Section for each in registry.kinds.known() if each.name != kind and each.Section is not None]
    foreign = {spec.name for section in others for spec in specs_of(section)}
    return {name: spec.before for name, spec in SCHEMA.items() if spec.before is not None and name not in foreign}


def resolve(asked: Mapping[str, Any], asked_sources: Mapping[str, str], run: Config | None, preset: str) -> Config:
    """All settings by precedence. `run` is what an existing run recorded."""
    values, sources = {}, {}
    moved = run is not None and any(asked.get(name, run.values.get(name)) != run.values.get(name) for name in PLACES)
    before = run.values.get("data.kind") if run and not (moved and run.sources.get("data.kind") == "data") else None
    kind = asked.get("data.kind") or before or "auto"
    usual = registry.kinds.defaults_of(kind)
    changed = run is not None and kind != run.values.get("data.kind", "auto")
    reward = registry.rewards.setting
    named = asked.get(reward) or (run.values.get(reward) if run else None) or SCHEMA[reward].default
    registry.rewards.require(named)  # what another run calls by the same name may be in the schema
    specs = specs_with({reward: named})
    for name in asked:
        if name not in specs:
            raise UsageError(f"{name} is of no use: {reward}={named} does not name that reward.")
    for name, info in specs.items():
        if name in asked:
            values[name], sources[name] = asked[name], asked_sources[name]
        elif run is not None and name in run.values and not (
            (changed and _of_kind(name, run.sources[name], kind)) or (moved and run.sources[name] == "data")
        ):
            values[name], sources[name] = run.values[name], run.sources[name]
        elif name in usual:
            values[name], sources[name] = usual[name], f"kind {kind}"
        elif (of_preset := preset_value(info, preset)) is not None:
            values[name], sources[name] = of_preset, f"preset {preset}"
        else:
            values[name], sources[name] = info.default, "default"
    epochs, sampled = "pretrain-g.epochs", values["pretrain-g.scheduled-sampling"] != "none"
    if sampled and sources[epochs] not in ("option", "file"):
        values[epochs], sources[epochs] = SCHEDULED_EPOCHS.get(preset, SCHEDULED_EPOCHS["paper"]), "scheduled sampling"
    elif not sampled and sources[epochs] == "scheduled sampling":  # what the run has, and now goes without
        of_preset = preset_value(SCHEMA[epochs], preset)
        values[epochs], sources[epochs] = (of_preset, f"preset {preset}") if of_preset else (SCHEMA[epochs].default, "default")
    return Config(values, sources)
