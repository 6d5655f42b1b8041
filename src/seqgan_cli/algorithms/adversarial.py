"""`adversarial`: rounds of g-steps and d-steps (Algorithm 1, lines 6-19)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seqgan_cli.algorithms.base import Algorithm, GStep
from seqgan_cli.algorithms.discriminator import D_HELD_OUT, DiscriminatorTrainer
from seqgan_cli.config import registry
from seqgan_cli.config.settings import Settings
from seqgan_cli.console import Console
from seqgan_cli.data.corpus import Corpus
from seqgan_cli.evaluation.generators import curve_scores
from seqgan_cli.evaluation.real import RealScores
from seqgan_cli.lazy import np
from seqgan_cli.randomness import key
from seqgan_cli.rewards.base import Given
from seqgan_cli.rewards.total import RewardSum, make_reward
from seqgan_cli.runs.checkpoints import named
from seqgan_cli.training.distribution.agreement import agreed
from seqgan_cli.training.stage import REAL, Stage, Tick, examples_of

if TYPE_CHECKING:
    from pathlib import Path

    from seqgan_cli.models.generator import Generator


class AdversarialTraining(Stage):
    """Rounds: g-steps by the algorithm that is set, d-steps on fresh negatives, then the algorithm ends the round."""

    name = "adversarial"
    unit = "round"
    target_option = "--rounds"
    shown = ("reward_mean", "kl", "nll_oracle", "nll_validation", "nll_test", *REAL, "distinct_share", *D_HELD_OUT, "d_knows")

    def __init__(
        self,
        settings: Settings,
        corpus: Corpus,
        oracle: Generator | None,
        generator: Generator,
        console: Console,
        language_model: Generator | None = None,
        folder: Path | None = None,
    ) -> None:
        super().__init__(settings, corpus)
        cfg = settings.adversarial
        self.generator, self.oracle = generator, oracle
        self.real = None if oracle else RealScores(corpus, settings, corpus.validation)
        self.trainer: DiscriminatorTrainer | None = None
        if settings.needs_discriminator:
            self.trainer = DiscriminatorTrainer(
                settings, corpus, oracle, console, cfg.d_learning_rate, cfg.d_samples, cfg.k, self.name
            )
        discriminator = self.trainer.discriminator if self.trainer else None
        given = Given(settings, corpus, console, discriminator, language_model or generator, folder=folder)
        self.reward = make_reward(given)
        self.algorithm: Algorithm = registry.algorithms[cfg.algorithm](given, generator, self.reward)
        self.step_sizes = (*self.algorithm.step_sizes, *(("adversarial.d-learning-rate",) if self.trainer else ()))
        if isinstance(self.reward, RewardSum) or cfg.keep_coverage:
            terms = self.reward.names if isinstance(self.reward, RewardSum) else ("reward_final",)
            self.shown = (*terms, *self.shown[1:])  # type: ignore[misc]
        counted = corpus.vocabulary.mask(corpus.validation[: settings.evaluation.samples])
        self.tokens_per_sequence = float(counted.sum() / len(counted))
        self.earned = ""
        self.target = cfg.rounds
        self.work = cfg.g_steps * self.algorithm.work + (cfg.d_steps * self.trainer.work if self.trainer else 0.0)
        if cfg.monitor == "nll_test" and self.monitor != cfg.monitor:
            console.warn("adversarial.monitor=nll_test is called nll_validation now: what chooses does not see the test part.")

    def advance(self, position: int, tick: Tick) -> dict[str, float]:
        cfg = self.settings.adversarial
        g_steps = []
        for part in range(cfg.g_steps):
            g_steps.append(self._with_terms(self.algorithm.g_step(position, part), position, part))
            tick(self.algorithm.work)
        measured = _summary(g_steps, self.reward.sums_to_go)
        if self.trainer and cfg.d_steps:
            losses = [self.trainer.d_step(self.generator, position, tick, part) for part in range(cfg.d_steps)]
            if worked := [loss for loss in losses if loss is not None]:
                measured["d_loss"] = float(np.mean(worked))
        self.algorithm.end_round()
        return {**measured, **self.scores(position)}

    def _with_terms(self, step: GStep, position: int, part: int) -> GStep:
        """The step, with what the terms of its reward came to before the discriminator moves."""
        if isinstance(self.reward, RewardSum) and step.tokens is not None:
            terms_key = key(self.settings.seed, self.name, "g-step", position, part, "terms")
            step.measured.update(self.reward.measured(step.tokens, terms_key))
        return step

    def refuses(self, scores: dict[str, float], start: dict[str, float]) -> str:
        most, name = self.settings.adversarial.keep_coverage, f"nll_{self.corpus.choosing}"
        if not most:
            return ""
        if name not in start:
            return f"the history lacks the {name} that adversarial.keep-coverage counts from."
        risen = scores[name] - start[name]
        if risen <= most:
            return ""
        return f"{name} would be {risen:.3f} nats a token above the start (adversarial.keep-coverage={most:g})."

    def remark(self) -> str:
        return " · ".join(filter(None, [self.earned, self.reward.remark()]))

    def close(self) -> None:
        """End what was started for the reward."""
        self.reward.close()

    def scores(self, position: int) -> dict[str, float]:
        sample_key = key(self.settings.seed, self.name, "curve", position)
        num = self.settings.evaluation.samples
        scores = curve_scores(self.generator, self.corpus, self.oracle, self.real, num, sample_key)
        scores |= self.trainer.scores(self.generator, position) if self.trainer else {}
        if position == 0 or self.settings.adversarial.d_steps:  # else the discriminator goes on being the start's
            self.reward.take_note(agreed(scores))
        return {**scores, **self._earned(scores)}

    def _earned(self, scores: dict[str, float]) -> dict[str, float]:
        """nats_earned: by how much a held-out sequence has become likelier since the rounds began, in nats. What the
        discriminator knew at the start (`d_knows`) is what there was to earn."""
        name = f"nll_{self.corpus.choosing}"
        if name not in self.first:
            return {}
        earned, known = (self.first[name] - scores[name]) * self.tokens_per_sequence, self.first.get("d_knows")
        if known is not None:
            self.earned = f"{earned:+.3f} nats a sequence earned of {known:.3f} known"
        return {"nats_earned": earned}

    def examples(self) -> list[str]:
        return examples_of(self.generator, self.settings, self.corpus)

    def variables(self) -> dict[str, Any]:
        trainer = self.trainer.variables() if self.trainer else {}
        reward = self.algorithm.reward.variables()
        return {**named("generator", self.generator), **self.algorithm.variables(), **reward, **trainer}

    @property
    def steps(self) -> int:
        return self.algorithm.steps


def _summary(g_steps: list[GStep], sums_to_go: bool = False) -> dict[str, float]:
    """Means over a round's g-steps: of what they measured, and of the rewards that were met, over all positions and at each."""
    if not g_steps:
        return {}
    measured: dict[str, list[float]] = {}
    for step in g_steps:
        for name, value in step.measured.items():
            measured.setdefault(name, []).append(value)
    found = {name: float(np.mean(values)) for name, values in measured.items()}
    found["g_loss"] = float(np.mean([step.loss for step in g_steps]))
    rewarded = [(step.rewards, step.mask) for step in g_steps if step.rewards is not None and step.mask is not None]
    if rewarded:
        rewards, masks = zip(*rewarded, strict=True)
        found = _reward_means(np.concatenate(rewards), np.concatenate(masks), sums_to_go) | found  # reward_final of the terms
    return found


def _reward_means(rewards: np.ndarray, mask: np.ndarray, sums_to_go: bool) -> dict[str, float]:
    """reward_mean over all positions that count, reward_01 … reward_T at each that any sequence reaches, and reward_final.

    That is the mean over sequences of what a whole one is worth: the value of its last token, or of a sum that is left to go
    that of its first.
    """
    first, last = mask.argmax(axis=1), mask.shape[1] - 1 - mask[:, ::-1].argmax(axis=1)
    whole = rewards[np.arange(len(rewards)), first if sums_to_go else last]
    means = {"reward_mean": float(rewards[mask].mean()), "reward_final": float(whole.mean())}
    for t in range(rewards.shape[1]):
        if mask[:, t].any():
            means[f"reward_{t + 1:02d}"] = float(rewards[mask[:, t], t].mean())
    return means
