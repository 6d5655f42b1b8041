"""The experiment `objective`: methods trained on a reward of one's own, and what reaches it without training, by seed."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqgan_cli import files
from seqgan_cli.config import registry
from seqgan_cli.config.paths import short
from seqgan_cli.config.resolution import Config
from seqgan_cli.config.schema import OF_USE
from seqgan_cli.config.settings import Settings, file_settings
from seqgan_cli.console import Console
from seqgan_cli.errors import SeqganError
from seqgan_cli.evaluation.generators import Outside
from seqgan_cli.evaluation.metrics.likelihood import Estimate
from seqgan_cli.rewards.base import Given
from seqgan_cli.rewards.total import make_reward
from seqgan_cli.runs.generators import generator_checkpoint, read_generator, starting_generator
from seqgan_cli.runs.origins import scorers_of
from seqgan_cli.runs.run import Run
from seqgan_cli.sampling.choices import PLAIN, Sampling
from seqgan_cli.studies.experiments.findings import above_curve, discriminator
from seqgan_cli.studies.experiments.plan import SCORES, tasks_of
from seqgan_cli.studies.objectives.methods import COLDER, METHODS, TEMPERATURES, candidates, works_of
from seqgan_cli.studies.objectives.scores import Objective, Scored, fair
from seqgan_cli.studies.tasks import Task

if TYPE_CHECKING:
    from seqgan_cli.models.generator import Generator

MLE, FOLDER = "mle", "objective"
COUNTS = (4, 16)  # of which the best is taken, besides as many as training has asked for


@dataclass(frozen=True)
class Kept:
    """What is kept of a method and a seed: scores, what was said of its discriminator, and settings chosen on validation."""

    rows: list[Scored] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    chosen: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """An experiment on one objective.

    Args:
        config: of all runs; its reward is the objective.
        num: samples behind each score.
        kl_coefficients: of which a method with a KL penalty takes, in every seed, the best on validation data.
    """

    directory: Path
    config: Config
    preset: str
    methods: tuple[str, ...]
    seeds: tuple[int, ...]
    num: int
    kl_coefficients: tuple[float, ...]

    @property
    def settings(self) -> Settings:
        return self.config.settings

    def tasks(self) -> list[Task]:
        """What is trained: for the seeds whose scores are not all there yet."""
        cfg = self.settings
        expression = registry.rewards.expression(cfg.adversarial.reward)
        works = works_of(expression, self.kl_coefficients)
        planned: list[Task] = []
        for seed in self.seeds:
            missing = [name for name in (MLE, *self.methods) if not self.path(seed, name).exists()]
            wanted = [work for name in missing for work in self.candidates(name)]
            planned += tasks_of(works, wanted, self.directory, [seed], self.config, self.preset)
        return planned

    def candidates(self, name: str) -> Mapping[str, Mapping[str, float]]:
        """The runs that the scores of a method, or of MLE's ways of sampling, may be of, and in what they differ."""
        return candidates(name, self.kl_coefficients) if name in METHODS else {MLE: {}}

    def path(self, seed: int, name: str) -> Path:
        """Where the scores of a method, or of MLE's ways of sampling, are kept."""
        return self.directory / FOLDER / SCORES / f"seed-{seed}" / f"{name}-{self._digest}.json"

    @property
    def _digest(self) -> str:
        """Of all that decides a score but the seed.

        Files go by their names, since they are elsewhere on other machines, and those that score by their content too.
        """
        own: dict[str, Any] = {name: value for name, value in self.config.values.items() if name != "seed"}
        if len(self.kl_coefficients) > 1:
            own["adversarial.kl-coefficient"] = self.kl_coefficients
        for name in own.keys() & {*file_settings()}:
            own[name] = short(str(own[name]))
        text = json.dumps([own, self.num, scorers_of(self.settings)], sort_keys=True, default=list)
        return hashlib.blake2b(text.encode(), digest_size=6).hexdigest()

    def kept(self, seed: int, name: str) -> Kept:
        """The scores that are kept, without rows if they are not there yet. Raises SeqganError if they cannot be read."""
        path = self.path(seed, name)
        if not path.exists():
            return Kept()
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
            rows, said = [parse(row) for row in record["rows"]], [str(sentence) for sentence in record.get("said", ())]
            return Kept(rows, said, {str(key): float(value) for key, value in record.get("chosen", {}).items()})
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise SeqganError(f"{path} is damaged ({error}): remove it, and the same command scores anew.") from None

    def scored(self, seed: int, name: str) -> list[Scored]:
        """The rows of what is kept. Raises SeqganError as `kept`."""
        return self.kept(seed, name).rows


def score(plan: Plan, console: Console) -> None:
    """Score what has been trained to its end and has no scores yet; the scores outlive the runs. Raises SeqganError."""
    done = {task.path for task in plan.tasks() if task.done}
    every = [(seed, name) for seed in plan.seeds for name in (MLE, *plan.methods)]
    places = {(seed, name): [plan.directory / f"seed-{seed}" / work for work in plan.candidates(name)] for seed, name in every}
    todo = [each for each, paths in places.items() if done.issuperset(paths) and not plan.path(*each).exists()]
    with console.progress("scoring", "methods", 0, len(todo), 1.0, "") as progress:
        for i, (seed, name) in enumerate(todo, 1):
            runs = [Run(path) for path in places[seed, name]]
            console.note(f"{runs[0].path} …")
            about = {"method": name, "seed": seed, "reward": plan.settings.adversarial.reward}
            record = files.plain({**about, **_scores(plan, runs, name, console)})
            files.write(plan.path(seed, name), (json.dumps(record, indent=1) + "\n").encode())
            progress.move(i)


def _scores(plan: Plan, runs: Sequence[Run], name: str, console: Console) -> dict[str, Any]:
    """What is kept of a method, of the best of its runs, or of MLE's ways of sampling."""
    settings, corpus = runs[0].config().settings, runs[0].corpus()
    objective_settings = settings.changed({"adversarial.reward": plan.settings.adversarial.reward, **_options(plan.settings)})
    reward = make_reward(Given(objective_settings, corpus, console, folder=runs[0].path))

    def untrained() -> Generator:
        mle = Run(plan.directory / f"seed-{settings.seed}" / MLE)
        return read_generator(mle, generator_checkpoint(mle, starting_generator(mle), console.warn), corpus)

    try:
        objective = Objective(objective_settings, corpus, reward, settings.seed, plan.num)
        if name == MLE:
            return {"rows": [row.record() for row in _of_mle(plan, objective, untrained())]}
        trained = [read_generator(run, generator_checkpoint(run, "adversarial", console.warn), corpus) for run in runs]
        best, choosing = _chosen(plan, objective, trained, untrained(), name) if len(trained) > 1 else (0, {})
        row = objective.of_sampling(METHODS[name].title, trained[best], purpose=name)
        return {"rows": [row.record()], "said": _of_discriminator(runs[best]), **choosing}
    finally:
        reward.close()


def _of_mle(plan: Plan, objective: Objective, mle: Generator) -> list[Scored]:
    """Its temperatures, and the best of n: of as many as one training asks for, and as all that are chosen among."""
    colder = [objective.of_sampling(f"{COLDER} {t:g}", mle, Sampling(t), f"MLE {t:g}") for t in TEMPERATURES]
    rounds, length = plan.settings.adversarial.rounds, objective.corpus.sequence_length
    asked_for = {fair(plan.settings, length, rounds * n, plan.num) for n in (1, len(plan.kl_coefficients))}
    return [*colder, *objective.best_of(mle, sorted({*COUNTS, *asked_for}))]


def _chosen(
    plan: Plan, objective: Objective, trained: Sequence[Generator], mle: Generator, name: str
) -> tuple[int, dict[str, Any]]:
    """Which of a method's generators validation data choose, and what is kept of the choice."""
    curve = [objective.on_validation(mle, Sampling(t), f"MLE {t:g}") for t in TEMPERATURES]
    tried = [objective.on_validation(generator, PLAIN, name) for generator in trained]
    best, candidates = choice(tried, curve), plan.candidates(name)
    among = [{"run": run, "nll_validation": x, "reward": y} for run, (x, y) in zip(candidates, tried, strict=True)]
    return best, {"chosen": [*candidates.values()][best], "among": among}


def choice(tried: Sequence[tuple[float, float]], curve: Sequence[tuple[float, float]]) -> int:
    """Which of those points (coverage, reward) is the furthest above the curve; if it meets none, which covers best."""
    above = [-above_curve(x, -y, [(a, -b) for a, b in curve]) for x, y in tried]
    known = [i for i, gain in enumerate(above) if math.isfinite(gain)]
    return max(known, key=lambda i: above[i]) if known else min(range(len(tried)), key=lambda i: tried[i][0])


def _of_discriminator(run: Run) -> list[str]:
    """What the last round says of the discriminator, if there is one."""
    return discriminator(run.history.at("adversarial", run.position("adversarial")))


def _options(settings: Settings) -> dict[str, Any]:
    return {name: value for name, value in settings.values.items() if name.startswith(f"{OF_USE}.")}


def parse(record: Mapping[str, Any]) -> Scored:
    """Of its `record`, as JSON has it. Raises KeyError, TypeError or AttributeError for what is none."""

    def number(value: float | None) -> float:
        return float("nan") if value is None else value

    def estimate(found: Mapping[str, Any]) -> Estimate:
        values: dict[str, Any] = {name: number(value) for name, value in found.items()}
        return Estimate(**values)

    return Scored(
        **{
            **record,
            **{name: number(record[name]) for name in ("distinct", "diversity", "nearest")},
            "valid_share": number(record.get("valid_share")),
            **{name: estimate(record[name]) for name in ("reward", "novel", "nll_test")},
            "terms": {name: estimate(found) for name, found in record["terms"].items()},
            "nll_fulfilling": None if record["nll_fulfilling"] is None else estimate(record["nll_fulfilling"]),
            "outside": Outside(**record["outside"]),
            "examples": tuple(record["examples"]),
        }
    )


def arranged(plan: Plan) -> dict[str, dict[int, Scored]]:
    """Every row's scores by its name and by seed."""
    found: dict[str, dict[int, Scored]] = {}
    for name in (MLE, *plan.methods):
        for seed in plan.seeds:
            for row in plan.scored(seed, name):
                found.setdefault(row.name, {})[seed] = row
    return found


def curve(plan: Plan, seed: int, start: str) -> Sequence[tuple[float, float]]:
    """Coverage and reward of MLE's ways of sampling whose names begin so, from MLE itself on."""
    rows = plan.scored(seed, MLE)
    return [(row.coverage, row.reward.mean) for row in rows if row.name.startswith(start) or row is rows[0]]
