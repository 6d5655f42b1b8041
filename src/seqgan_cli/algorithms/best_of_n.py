"""Learning what the best of n samples are: maximum likelihood on them (RAFT: Dong et al. 2023; Stiennon et al. 2020, §4.1).

The best of n samples of the starting policy has a density of its own (`evaluation.metrics.best_of_n`), whose divergence from
that policy is at most log n − (n − 1)/n nats a sequence. A policy that has learned it needs no reward to sample.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from seqgan_cli.algorithms.base import Algorithm, GStep, TimedStep
from seqgan_cli.algorithms.interleaved import LikelihoodSteps
from seqgan_cli.config import registry
from seqgan_cli.config.schema import section, setting
from seqgan_cli.evaluation.metrics.best_of_n import choose
from seqgan_cli.lazy import compiled, np, tf
from seqgan_cli.randomness import key, rng
from seqgan_cli.runs.checkpoints import named
from seqgan_cli.sampling.sequences import sample_batch
from seqgan_cli.training.distribution import replicas
from seqgan_cli.training.optimizers import check_finite

if TYPE_CHECKING:
    from seqgan_cli.config.settings import Settings


@section("best-of-n", "adversarial", fixed_by="adversarial")
@dataclass(frozen=True)
class BestOfNSettings:
    n: int = setting(4, "algorithm best-of-n: samples of which the best is learned from", at_least=2, at_most=4096)
    batch_size: int = setting(64, "algorithm best-of-n: sequences learned from in a g-step", at_least=1)
    learning_rate: float = setting(0.001, "algorithm best-of-n: generator's step size", above=0)
    policy: str = setting(
        "start", "algorithm best-of-n: whose samples they are: the policy's as it began, or is", choices=("start", "current")
    )


class BestOfN(Algorithm):
    """Teacher forcing on the sequence of the highest reward among each n samples, ties drawn."""

    name = "best-of-n"
    meaning = "maximum likelihood on the best of n samples"
    rank = 2
    Section = BestOfNSettings
    step_sizes = ("best-of-n.learning-rate",)
    batch_sizes = ("best-of-n.batch-size",)

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.cfg = self.settings[BestOfNSettings]
        self.likelihood = LikelihoodSteps(self.settings, self.corpus, self.generator, "best-of-n.learning-rate")
        self.start = self.generator.clone("start") if self.cfg.policy == "start" else None

    def g_step(self, position: int, part: int) -> GStep:
        seed, address = self.settings.seed, ("adversarial", "g-step", position, part)
        drawn = self._sample_and_score(key(seed, *address, "sample"), key(seed, *address, "reward"))
        self.reward.check()
        tokens, rewards = (each.numpy() for each in drawn)
        chosen = tokens[choose(rewards, self.cfg.n, rng(seed, *address, "choice"))]
        loss = float(self.likelihood.teach(tf.constant(chosen), key(seed, *address, "dropout")))
        check_finite([loss], f"adversarial, round {position}", part, self.step_sizes[0], self.cfg.learning_rate)
        mask = self.corpus.vocabulary.mask(tokens)
        return GStep(loss, np.broadcast_to(rewards[:, None], tokens.shape), mask, tokens)

    @compiled
    def _sample_and_score(self, sample_key: Any, reward_key: Any) -> tuple[Any, Any]:
        """n · batch-size samples int32 `[R, T]` and their rewards float32 `[R]`."""
        return replicas.replicated(self._shard_of_samples, sample_key, reward_key)

    def _shard_of_samples(self, sample_key: Any, reward_key: Any) -> tuple[Any, Any]:
        count = replicas.shard_count(self.cfg.n * self.cfg.batch_size)
        tokens = sample_batch(self.start or self.generator, count, replicas.replica_key(sample_key))
        everybodys = replicas.all_gather(tokens)
        reward: Any = self.reward.of_batch(everybodys)
        return everybodys, replicas.all_gather(reward(tokens, replicas.replica_key(reward_key)))

    def variables(self) -> dict[str, Any]:
        slots = {f"g_optimizer/{name}": variable for name, variable in self.likelihood.optimizer.variables().items()}
        return slots | (named(self.start.name, self.start) if self.start else {})

    @property
    def steps(self) -> int:
        return int(self.likelihood.optimizer.count.numpy())

    @property
    def work(self) -> float:
        return float(self.calls(self.settings, self.corpus.sequence_length))

    @classmethod
    def calls(cls, settings: Settings, length: int) -> int:
        return settings[BestOfNSettings].n * settings[BestOfNSettings].batch_size

    @classmethod
    def generator_copies(cls, settings: Settings) -> int:
        return int(settings[BestOfNSettings].policy == "start")

    @classmethod
    def timed_steps(cls, settings: Settings) -> Sequence[TimedStep]:
        what = f"g-step, reward {settings.adversarial.reward}, best of {settings[BestOfNSettings].n}"
        return (TimedStep(what, 1.0, lambda algorithm: algorithm.g_step(1, 0)),)

    @classmethod
    def conflicts(cls, settings: Settings) -> Iterable[tuple[bool, str]]:
        yield (
            settings.kind.has_sources,
            f"adversarial.algorithm={cls.name} does not go with --kind {settings.data.kind}: the best of several sources is "
            "the easiest of them.",
        )
        yield (
            registry.rewards.needs(settings.adversarial.reward, "stepwise"),
            f"adversarial.algorithm={cls.name} chooses whole sequences, and --reward {settings.adversarial.reward} scores "
            "tokens.",
        )
        yield (
            settings.adversarial.reward_transform != "none",
            f"adversarial.algorithm={cls.name} looks at the order of rewards alone: leave adversarial.reward-transform out.",
        )
        yield (
            settings.values["adversarial.kl-reference"] != "start",
            f"adversarial.algorithm={cls.name} has no KL penalty: leave adversarial.kl-reference out.",
        )
        penalty = any(settings.values[f"adversarial.{name}"] for name in ("kl-coefficient", "kl-target", "entropy-coefficient"))
        yield (
            penalty,
            f"adversarial.algorithm={cls.name} has no costs of tokens and stays near by a small n: set "
            "adversarial.kl-coefficient, adversarial.kl-target and adversarial.entropy-coefficient to 0.",
        )
