"""How long tasks will take here: each kind of step is done twice, timed the second time, and counted."""

import dataclasses
import functools
import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from seqgan_cli import files
from seqgan_cli.algorithms.adversarial import AdversarialTraining
from seqgan_cli.algorithms.discriminator import DiscriminatorTrainer
from seqgan_cli.algorithms.mle import LikelihoodTraining
from seqgan_cli.config import registry
from seqgan_cli.config.resolution import Config
from seqgan_cli.config.settings import SCHEMA, Settings
from seqgan_cli.console import Console
from seqgan_cli.data.batches import InMemory, Sequences
from seqgan_cli.data.corpus import Corpus
from seqgan_cli.data.kinds.oracle import OracleSettings
from seqgan_cli.data.sources.opening import real_corpus
from seqgan_cli.models.generator import Generator
from seqgan_cli.studies.experiments.plan import Task
from seqgan_cli.synthetic import synthetic_corpus

# Steps behind a timing: so many make one call of compiled code.
STEPS = 8


class Stopwatch:
    """Seconds of the units of tasks, from those of single steps, which are measured here or were before.

    Args:
        config: the experiment's settings.
        threads: what TensorFlow was started with.
        keep: file of what was measured before, by kind of step.
    """

    def __init__(self, config: Config, threads: int, keep: Path, console: Console) -> None:
        self.values, self.settings = config.values, config.settings
        self.threads, self.keep, self.console = threads, keep, console
        self.known: dict[str, float] = {}
        self.start = time.process_time()  # what this process took to start, as each task's will
        try:
            found = json.loads(keep.read_text(encoding="utf-8"))
            self.known = {str(name): float(value) for name, value in found.items()}
        except FileNotFoundError:
            pass
        except (ValueError, TypeError, AttributeError, RecursionError):
            console.warn(f"{keep} is damaged; timing again.")

    def seconds(self, task: Task) -> float:
        """What the task takes from its beginning to its target."""
        cfg = task.config.settings
        self.first = self.start
        different = {name: value for name, value in task.config.values.items() if value != self.values[name]}
        self.way = "".join(f", {name} {value}" for name, value in different.items() if SCHEMA[name].times_steps)
        curve = self._time("scores of a generator", 1, lambda: functools.partial(self._likelihood(cfg).scores, 0))
        if task.work.stage == "pretrain-g":
            mle = cfg.pretrain_g
            step = self._time(
                f"step of MLE, scheduled sampling {mle.scheduled_sampling}",
                STEPS,
                lambda: functools.partial(self._likelihood(cfg).epoch, 1, lambda work: None),
            )
            unit = step * (mle.steps_per_epoch or self._sequences.steps_of_epoch(mle.batch_size)) + curve / mle.eval_every
        elif task.work.stage == "pretrain-d":
            unit = self._d_steps(cfg, cfg.pretrain_d.d_samples, cfg.pretrain_d.k)
        else:
            rounds = cfg.adversarial
            unit = curve
            for step in registry.algorithms[rounds.algorithm].timed_steps(cfg):
                seconds = self._time(step.what, 1, lambda: functools.partial(step.run, self._adversarial(cfg).algorithm))  # noqa: B023
                unit += seconds * step.per_g_step * rounds.g_steps
            if cfg.needs_discriminator:
                unit += self._d_steps(cfg, rounds.d_samples, rounds.k * rounds.d_steps)
        return unit * task.target + self.first

    def _d_steps(self, cfg: Settings, samples: int, epochs: int) -> float:
        """So many epochs of the discriminator on each of `samples` positives and negatives (0: all), and its scores."""
        cfg = cfg.changed({"discriminator.stop": 0.0})  # at work, not at rest
        real = self._sequences if self.settings.data.synthetic else self._real.positives
        num = min(samples or real.usual_draw, len(real))
        step = self._time("step of D", STEPS, lambda: self._d_step(cfg))
        return step * epochs * (2 * num // cfg.discriminator.batch_size) + self._time(
            "scores of D", 1, lambda: self._d_scores(cfg)
        )

    def _time(self, what: str, steps: int, make: Callable[[], Callable[[], object]]) -> float:
        """Seconds of one of the steps that the made action does; its first call, which compiles, is added to `first`."""
        name = f"{what}{self.way}, {self.threads} thread{'s' * (self.threads != 1)}"
        if name not in self.known:
            times = [time.monotonic()]
            action = make()
            for _ in range(2):
                action()
                times.append(time.monotonic())
            self.known[name] = (times[2] - times[1]) / steps
            self.known[f"{name}, first"] = times[1] - times[0]
            files.write(self.keep, json.dumps(self.known, indent=2).encode())
        self.first += self.known.get(f"{name}, first", 0.0)
        return self.known[name]

    @functools.cached_property
    def _real(self) -> Corpus:
        return real_corpus(self.settings)[0]

    @functools.cached_property
    def _sequences(self) -> Sequences:
        """The training sequences; of the oracle's, which are not drawn yet, only their number means anything."""
        if not self.settings.data.synthetic:
            return self._real.sequences
        return InMemory(np.zeros((self.settings[OracleSettings].num_sequences, 0), np.int32))

    @functools.cached_property
    def _corpus(self) -> tuple[Corpus, Generator | None]:
        """A training set of STEPS batches or fewer, and as much to score on as there will be."""
        cfg = self.settings
        num = STEPS * cfg.pretrain_g.batch_size
        if not cfg.data.synthetic:
            known = self._real.without_unk(self._real.train)  # which a discriminator is taught; without any it refuses them all
            train = (known if len(known) else self._real.train)[:num]
            return dataclasses.replace(self._real, train=train, shards=None), None
        corpus, oracle = synthetic_corpus(cfg.changed({"data.num-sequences": max(num, cfg.evaluation.samples)}))
        return dataclasses.replace(corpus, train=corpus.train[:num]), oracle

    def _likelihood(self, cfg: Settings) -> LikelihoodTraining:
        whole = cfg.changed({"pretrain-g.steps-per-epoch": 0})  # of these few
        return LikelihoodTraining(whole, *self._corpus, Console(quiet=True))

    def _adversarial(self, cfg: Settings) -> AdversarialTraining:
        return AdversarialTraining(cfg, *self._corpus, self._likelihood(cfg).generator, Console(quiet=True))

    def _trainer(self, cfg: Settings) -> tuple[DiscriminatorTrainer, Generator]:
        samples = STEPS * cfg.discriminator.batch_size // 2
        console, rate = Console(quiet=True), cfg.adversarial.d_learning_rate
        trainer = DiscriminatorTrainer(cfg, *self._corpus, console, rate, samples, 1, "estimate")
        return trainer, self._likelihood(cfg).generator

    def _d_step(self, cfg: Settings) -> Callable[[], object]:
        trainer, generator = self._trainer(cfg)
        return functools.partial(trainer.d_step, generator, 1, lambda work: None)

    def _d_scores(self, cfg: Settings) -> Callable[[], object]:
        trainer, generator = self._trainer(cfg)
        return functools.partial(trainer.scores, generator, 1)
