"""The experiment `objective`: methods trained on a reward of one's own, and what reaches it without training, by seed."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seqgan_cli import files
from seqgan_cli.config import registry
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
from seqgan_cli.sampling import Sampling
from seqgan_cli.studies.experiments.findings import discriminator
from seqgan_cli.studies.experiments.plan import SCORES, tasks_of
from seqgan_cli.studies.objectives.methods import METHODS, TEMPERATURES, works_of
from seqgan_cli.studies.objectives.scores import Objective, Scored, fair
from seqgan_cli.studies.tasks import Task

MLE, FOLDER = "mle", "objective"
COUNTS = (4, 16)  # of which the best is taken, besides as many as training has asked for


@dataclass(frozen=True)
class Plan:
    """An experiment on one objective.

    Args:
        config: of all runs; its reward is the objective.
        num: samples behind each score.
    """

    directory: Path
    config: Config
    preset: str
    methods: tuple[str, ...]
    seeds: tuple[int, ...]
    num: int

    @property
    def settings(self) -> Settings:
        return self.config.settings

    def tasks(self) -> list[Task]:
        """What is trained: for the seeds whose scores are not all there yet."""
        cfg = self.settings
        expression = registry.rewards.expression(cfg.adversarial.reward)
        works = works_of(expression, cfg.values["adversarial.kl-coefficient"])
        planned: list[Task] = []
        for seed in self.seeds:
            missing = [_work(name) for name in (MLE, *self.methods) if not self.path(seed, name).exists()]
            planned += tasks_of(works, missing, self.directory, [seed], self.config, self.preset)
        return planned

    def path(self, seed: int, name: str) -> Path:
        """Where the scores of a method, or of MLE's ways of sampling, are kept."""
        return self.directory / FOLDER / SCORES / f"seed-{seed}" / f"{name}-{self._digest}.json"

    @property
    def _digest(self) -> str:
        """Of all that decides a score but the seed.

        Files go by their names, since they are elsewhere on other machines, and those that score by their content too.
        """
        own = {name: value for name, value in self.config.values.items() if name != "seed"}
        for name in own.keys() & {*file_settings()}:
            own[name] = Path(str(own[name])).name
        text = json.dumps([own, self.num, scorers_of(self.settings)], sort_keys=True, default=list)
        return hashlib.blake2b(text.encode(), digest_size=6).hexdigest()

    def scored(self, seed: int, name: str) -> list[Scored]:
        """The scores that are kept, none if they are not there yet. Raises SeqganError if they cannot be read."""
        return self._kept(seed, name)[0]

    def said(self, seed: int, name: str) -> list[str]:
        """What was said of the method's discriminator, if it has one. Raises SeqganError as `scored`."""
        return self._kept(seed, name)[1]

    def _kept(self, seed: int, name: str) -> tuple[list[Scored], list[str]]:
        path = self.path(seed, name)
        if not path.exists():
            return [], []
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
            return [parse(row) for row in record["rows"]], [str(sentence) for sentence in record.get("said", ())]
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise SeqganError(f"{path} is damaged ({error}): remove it, and the same command scores anew.") from None


def _work(name: str) -> str:
    """The run that a method's scores are of."""
    return METHODS[name].work if name in METHODS else MLE


def score(plan: Plan, console: Console) -> None:
    """Score what has been trained to its end and has no scores yet; the scores outlive the runs. Raises SeqganError."""
    done = {task.path for task in plan.tasks() if task.done}
    every = [(seed, name) for seed in plan.seeds for name in (MLE, *plan.methods)]
    places = {(seed, name): plan.directory / f"seed-{seed}" / _work(name) for seed, name in every}
    todo = [each for each, path in places.items() if path in done and not plan.path(*each).exists()]
    with console.progress("scoring", "methods", 0, len(todo), 1.0, "") as progress:
        for i, (seed, name) in enumerate(todo, 1):
            run = Run(places[seed, name])
            console.note(f"{run.path} …")
            rows = _rows(plan, run, name, console)
            about = {"method": name, "seed": seed, "reward": plan.settings.adversarial.reward}
            record = {**about, "rows": [row.record() for row in rows], "said": _of_discriminator(run) if name != MLE else []}
            files.write(plan.path(seed, name), (json.dumps(files.plain(record), indent=1) + "\n").encode())
            progress.move(i)


def _rows(plan: Plan, run: Run, name: str, console: Console) -> list[Scored]:
    settings, corpus = run.config().settings, run.corpus()
    objective_settings = settings.changed({"adversarial.reward": plan.settings.adversarial.reward, **_options(plan.settings)})
    reward = make_reward(Given(objective_settings, corpus, console, folder=run.path))
    try:
        objective = Objective(objective_settings, corpus, reward, settings.seed, plan.num)
        if name != MLE:
            generator = read_generator(run, generator_checkpoint(run, "adversarial", console.warn), corpus)
            return [objective.of_sampling(METHODS[name].title, generator, purpose=name)]
        generator = read_generator(run, generator_checkpoint(run, starting_generator(run), console.warn), corpus)
        colder = [objective.of_sampling(f"MLE, temperature {t:g}", generator, Sampling(t), f"MLE {t:g}") for t in TEMPERATURES]
        asked_for = fair(plan.settings, corpus.sequence_length, plan.settings.adversarial.rounds, plan.num)
        return [*colder, *objective.best_of(generator, sorted({*COUNTS, asked_for}))]
    finally:
        reward.close()


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
