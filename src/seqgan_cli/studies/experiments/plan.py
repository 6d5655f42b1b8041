"""What an experiment trains: the works that its methods need, each a stage of a run, for every seed.

A work begins from its parent, so that what methods share (the pre-trained generator, the discriminator) is trained once a seed.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from seqgan_cli import __version__, files
from seqgan_cli.config.paths import short
from seqgan_cli.config.resolution import Config, legacy_values, resolve
from seqgan_cli.config.schema import written
from seqgan_cli.config.settings import SCHEMA, file_settings, specs_with
from seqgan_cli.console import Console
from seqgan_cli.errors import SeqganError, UsageError
from seqgan_cli.runs import lock
from seqgan_cli.runs.record import refuse_newer
from seqgan_cli.studies.experiments.methods import EXPERIMENTS, METHODS, works_of
from seqgan_cli.studies.tasks import Task, Work

SCORES = "scores"  # a folder of what outlives the runs
USUAL = "experiment"  # the source of a setting that an experiment has for all runs where nothing else is asked for


def chosen_methods(kind: str, asked: str | None) -> tuple[str, ...]:
    """The methods of a comma-separated list, or the experiment's own. Raises UsageError for a name that is none."""
    if asked is None:
        return EXPERIMENTS[kind].methods
    names = tuple(dict.fromkeys(name.strip() for name in asked.split(",") if name.strip()))
    for name in names:
        if name not in METHODS:
            raise UsageError(f"--methods: there is no method {name!r}; choose from {', '.join(METHODS)}.")
    if not names:
        raise UsageError(f"--methods names none: choose from {', '.join(METHODS)}.")
    return names


def tasks(directory: Path, methods: Sequence[str], seeds: Sequence[int], config: Config, preset: str) -> list[Task]:
    """The works these methods need for each seed, parents first, seed by seed."""
    return tasks_of(works_of(config), [METHODS[method].work for method in methods], directory, seeds, config, preset)


def asked_of(config: Config) -> dict[str, Any]:
    """The settings that were asked for, those the experiment usually has, and what was seen from the data: kind and its own."""
    return {name: value for name, value in config.values.items() if config.sources[name] in ("option", "file", "data", USUAL)}


def tasks_of(
    works: Mapping[str, Work], wanted: Sequence[str], directory: Path, seeds: Sequence[int], config: Config, preset: str
) -> list[Task]:
    """The wanted works and those that they begin from, for each seed, parents first, seed by seed."""
    needed: list[str] = []

    def need(name: str) -> None:
        if works[name].parent:
            need(works[name].parent or "")
        if name not in needed:
            needed.append(name)

    for name in wanted:
        need(name)
    asked = asked_of(config)

    def inherited(work: Work, what: str) -> dict[str, Any]:
        return {**(inherited(works[work.parent], what) if work.parent else {}), **getattr(work, what)}

    def resolved(work: Work, seed: int) -> Config:
        chosen = {**inherited(work, "usual"), **asked, **inherited(work, "settings"), "seed": seed}
        known = specs_with(chosen)  # a work may have another reward than the experiment asks for
        chosen = {name: value for name, value in chosen.items() if name in known}
        return resolve(chosen, dict.fromkeys(chosen, "option"), None, preset)

    return [Task(name, seed, works[name], directory, resolved(works[name], seed), preset) for seed in seeds for name in needed]


def tell_of_own(planned: Sequence[Task], config: Config, console: Console, compared: Collection[str] = ()) -> None:
    """Warn of each setting that was typed for all of an experiment's runs and is another in some: what these are fixes it.

    compared: settings in which the methods differ by what they are called.
    """
    typed = {name: value for name, value in config.values.items() if config.sources[name] in ("option", "file")}
    typed = {name: value for name, value in typed.items() if name not in compared}
    differ: dict[str, dict[str, None]] = {}
    for task in planned:
        for name, value in task.work.settings.items():
            if name in typed and value != typed[name]:
                differ.setdefault(f"{name}={written(typed[name])}", {})[f"{task.name} ({written(value)})"] = None
    for what, own in differ.items():
        console.warn(f"{what} does not hold for what has its own: {', '.join(own)}.")


def claim(directory: Path, config: Config, preset: str, begin: bool) -> None:
    """Make sure that an experiment's directory was begun with the same settings.

    Args:
        begin: begin it if it holds no run yet, and no scores that have outlived theirs.

    Raises UsageError if it was not, or holds somebody's files; SeqganError if its record is damaged.
    """
    path = directory / "experiment.json"
    values = {name: value for name, value in config.values.items() if name != "seed"}
    mine = {"format": 1, "versions": {"seqgan": __version__}, "preset": preset, "settings": values}
    trained = any(directory.glob("seed-*"))
    if not path.exists() or not (trained or any(directory.glob(f"*/{SCORES}"))):
        if directory.exists() and not directory.is_dir():
            raise UsageError(f"--out {directory} is a file: name a directory.")
        ours = {"estimate.json", "experiment.json", *lock.NAMES}
        if directory.exists() and {entry.name for entry in directory.iterdir()} - ours:
            raise UsageError(f"--out {directory} holds other files and no experiment: name a new or an empty directory.")
        if begin:
            files.write(path, (json.dumps(mine, indent=1) + "\n").encode())
        return
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        refuse_newer(path, record)
        before, settings = record["preset"], dict(record["settings"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise SeqganError(f"{path} is damaged ({error}): restore it, or use another --out.") from None
    if before != preset:
        raise UsageError(f"{directory} was begun with --preset {before}: give that, or another --out.")
    settings = {**legacy_values(str(settings.get("data.kind"))), **settings}
    for name in sorted({*values, *settings}, key=lambda name: (not name.startswith("data."), name)):
        default = SCHEMA[name].default if name in SCHEMA else None  # for a setting one of the two versions lacks
        earlier, now = settings.get(name, default), values.get(name, default)
        earlier = tuple(earlier) if isinstance(earlier, list) else earlier  # as JSON has words
        if not trained and name in file_settings() and short(str(earlier)) == short(str(now)):
            continue  # scores without runs may have come from another machine
        if earlier != now:
            raise UsageError(
                f"{directory} was begun with {name} = {earlier}, and this command asks for {now}: "
                "what it holds would not compare. Ask for the same, or use another --out."
            )
    if begin and not trained:
        files.write(path, (json.dumps(mine, indent=1) + "\n").encode())
