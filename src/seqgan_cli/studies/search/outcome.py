"""What a search leaves: trials.csv, a settings file for each of the best, two figures, and the table of the best."""

import csv
import io
from pathlib import Path
from typing import Any

from seqgan_cli import figures, files
from seqgan_cli.config.resolution import Config
from seqgan_cli.config.settings import SCHEMA
from seqgan_cli.console import Console, number
from seqgan_cli.errors import quoted
from seqgan_cli.evaluation.real import SCORES
from seqgan_cli.studies.leases import FAILED, wanted
from seqgan_cli.studies.search.study import SearchStudy
from seqgan_cli.studies.search.trials import Base

BEST = 5  # trials to list, where one objective orders them all
HOW = {"COMPLETE": "done", "PRUNED": "left off as poor", "FAIL": "failed", "RUNNING": "at work", "WAITING": "waiting"}


def best(study: SearchStudy) -> list[Any]:
    """The Pareto front by its first objective, or with one objective the best trials, best first."""
    done = [trial for trial in study.trials() if trial.values and trial.state == study.states.COMPLETE]
    higher = next(iter(study.objectives.values()))
    if len(study.objectives) > 1:
        front = {trial.number for trial in study.study.best_trials}
        done = [trial for trial in done if trial.number in front]
    ordered = sorted(done, key=lambda trial: -trial.values[0] if higher else trial.values[0])
    return ordered if len(study.objectives) > 1 else ordered[:BEST]


def importances(study: SearchStudy) -> dict[str, float]:
    """The share of the difference between good and other trials that each setting has (PED-ANOVA; Watanabe et al. 2023)."""
    import optuna

    done = [trial for trial in study.finished if trial.state == study.states.COMPLETE]
    if len(study.dimensions) < 2 or len({tuple(trial.values) for trial in done}) < 2:
        return {}
    found: dict[str, float] = optuna.importance.get_param_importances(study.study)
    return found


def as_toml(config: Config) -> bytes:
    """A file for --config: every setting that has not its default."""
    import tomli_w

    tree: dict[str, Any] = {}
    for name, value in config.values.items():
        if value != SCHEMA[name].default:
            section, _, leaf = name.rpartition(".")
            (tree.setdefault(section, {}) if section else tree)[leaf] = value
    return tomli_w.dumps(tree).encode()


def _trials_csv(study: SearchStudy) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = [dimension.name for dimension in study.dimensions]
    writer.writerow(["trial", "ended", *study.objectives, *names, "reason"])
    for trial in study.trials():
        values, scores = wanted(trial), trial.values or [""] * len(study.objectives)
        reason = trial.user_attrs.get(FAILED, "")
        writer.writerow([trial.number, HOW[trial.state.name], *scores, *(values.get(name, "") for name in names), reason])
    return text.getvalue().encode()


def report(study: SearchStudy, base: Base, folder: Path, console: Console) -> None:
    """The table of the best to stdout, and the files. Raises OSError."""
    found, weights = best(study), importances(study)
    files.write(folder / "trials.csv", _trials_csv(study))
    for stale in folder.glob("trial-*.toml"):
        stale.unlink()
    for trial in found:
        files.write(folder / f"trial-{trial.number}.toml", as_toml(base.config(trial.params)))
    done = [trial for trial in study.finished if trial.state == study.states.COMPLETE]
    if done:
        points = [(trial.number, list(trial.values)) for trial in done]
        front = [trial.number for trial in found]
        figures.trials(points, front, list(study.objectives.items()), folder / "trials.png", folder / "trials.svg")
    if weights:
        figures.bars(weights, "share of the difference between good trials and others", folder / "importances.png")
    _show(study, found, weights, folder, console)


def _show(study: SearchStudy, found: list[Any], weights: dict[str, float], folder: Path, console: Console) -> None:
    several = len(study.objectives) > 1
    ended = [trial.state.name for trial in study.finished]
    counts = ", ".join(f"{ended.count(name)} {HOW[name]}" for name in dict.fromkeys(ended))
    if not found:
        console.result(f"{len(ended)} trials ({counts or 'none yet'}); none has a score.")
        return
    columns = ["trial", *(SCORES[name].heading for name in study.objectives), *(d.name for d in study.dimensions)]
    rows = [
        [str(trial.number), *map(number, trial.values), *(_cell(trial.params.get(d.name, "")) for d in study.dimensions)]
        for trial in found
    ]
    what = "The front: trials that no other betters in both scores" if several else f"The best {len(found)} trials"
    caption = f"{len(ended)} trials: {counts}."
    if weights:
        shares = ", ".join(f"{name} {share:.0%}" for name, share in weights.items())
        caption += f" What the difference between good trials and others comes from: {shares}."
    console.table(what, columns, rows, caption)
    first = folder / f"trial-{found[0].number}.toml"
    console.result(f"\nTrain with the settings of one: seqgan train --config {quoted(str(first))} --run runs/tuned")
    console.result(f"All trials: {folder / 'trials.csv'}, drawn in {folder / 'trials.png'}")
    console.result(
        "The best of many trials is partly luck: these scores, of the validation part, chose it. Train it with other seeds "
        "(`--seed`) and read the table of the test part that `train` ends with before you believe it."
    )


def _cell(value: Any) -> str:
    return number(value) if isinstance(value, float) else str(value)
