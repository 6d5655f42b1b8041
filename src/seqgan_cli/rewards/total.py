"""The reward of a run: one, or a weighted sum of terms, each a product of rewards (ORGAN's λ: Guimaraes et al. 2017, Eq. 7)."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from seqgan_cli.config import registry
from seqgan_cli.config.expression import Expression
from seqgan_cli.lazy import np, tf
from seqgan_cli.rewards.base import Given, PrefixReward, Reward


def make_reward(given: Given) -> Reward:
    """What `adversarial.reward` says: a single reward as it is, or the sum."""
    expression = registry.rewards.expression(given.settings.adversarial.reward)
    made: dict[str, Reward] = {}
    with contextlib.ExitStack() as closing:  # what one has started, if another cannot be made
        for use in expression.uses:
            made[use.name] = registry.rewards[use.reward].make(dataclasses.replace(given, use=use))
            closing.callback(made[use.name].close)
        closing.pop_all()
    return made[expression.uses[0].name] if expression.single else RewardSum(expression, made)


class RewardSum(Reward):
    """Σ_k w_k Π_u r_u(Y).

    Args:
        expression: the terms and their weights.
        rewards: by the name of their use, none of them stepwise.
    """

    def __init__(self, expression: Expression, rewards: Mapping[str, Reward]) -> None:
        self.expression, self.rewards = expression, rewards
        self.needs_discriminator = any(reward.needs_discriminator for reward in rewards.values())  # type: ignore[misc]

    def total(self, scores: Sequence[Any]) -> Any:
        """The sum of scores of any one shape, in the order of uses."""
        by_use = dict(zip(self.rewards, scores, strict=True))
        total: Any = 0.0
        for term in self.expression.terms:
            product = term.weight
            for use in term.uses:
                product = product * by_use[use.name]
            total = total + product
        return total

    def _keys(self, key: Any) -> list[Any]:
        return [tf.random.experimental.stateless_fold_in(key, i) for i in range(len(self.rewards))]

    def scores(self, tokens: Any, key: Any) -> list[Any]:
        """Of every use float32 `[R]` for int32 `[R, T]`, in their order."""
        pairs = zip(self.rewards.values(), self._keys(key), strict=True)
        return [reward(tokens, own) for reward, own in pairs]  # type: ignore[operator]

    def __call__(self, tokens: Any, key: Any) -> Any:
        return self.total(self.scores(tokens, key))

    def score_continuations(self, tokens: Any, source_ids: Any, continuations: Any, key: Any) -> Any:
        scores = []
        for reward, own in zip(self.rewards.values(), self._keys(key), strict=True):
            if isinstance(reward, PrefixReward):
                scores.append(reward.score_continuations(tokens, source_ids, continuations, own))
            else:
                finished = tf.reshape(continuations, [-1, tf.shape(continuations)[2]])
                scores.append(tf.reshape(reward(finished, own), tf.shape(continuations)[:2]))  # type: ignore[operator]
        return self.total(scores)

    def of_batch(self, tokens: Any) -> Reward:
        return RewardSum(self.expression, {name: reward.of_batch(tokens) for name, reward in self.rewards.items()})

    def measured(self, tokens: Any, key: Any) -> dict[str, float]:
        """Means over a batch int32 `[B, T]` of finished sequences: reward_final, the sum; and of every use and product."""
        found = self._measured(tf.constant(tokens), tf.constant(key))
        self.check()
        return {name: float(value) for name, value in zip(self.names, np.asarray(found), strict=True)}

    @property
    def names(self) -> list[str]:
        """What `measured` has."""
        products = [term.name for term in self.expression.terms if len(term.uses) > 1]
        return ["reward_final", *(f"term_{name}" for name in (*self.rewards, *products))]

    def _measured(self, tokens: Any, key: Any) -> Any:
        whole = self.of_batch(tokens)
        assert isinstance(whole, RewardSum)
        scores = whole.scores(tokens, key)
        by_use = dict(zip(self.rewards, scores, strict=True))
        products = [
            tf.reduce_prod(tf.stack([by_use[use.name] for use in term.uses]), axis=0)
            for term in self.expression.terms
            if len(term.uses) > 1
        ]
        return tf.stack([tf.reduce_mean(each) for each in (self.total(scores), *scores, *products)])

    def variables(self) -> Mapping[str, Any]:
        return {name: variable for reward in self.rewards.values() for name, variable in reward.variables().items()}

    def check(self) -> None:
        for reward in self.rewards.values():
            reward.check()

    def take_note(self, measured: Mapping[str, float]) -> None:
        for reward in self.rewards.values():
            reward.take_note(measured)

    def close(self) -> None:
        with contextlib.ExitStack() as closing:
            for reward in self.rewards.values():
                closing.callback(reward.close)

    def remark(self) -> str:
        said = {name: reward.remark() for name, reward in self.rewards.items()}
        return " · ".join(f"{name}: {words}" for name, words in said.items() if words)


AT_ONCE = 2048  # sequences that a discriminator scores together


def values_of(reward: Reward, tokens: np.ndarray, key: Any) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """What a reward that is not stepwise says of sequences int32 `[n, T]`, which are one batch: float64 `[n]`.

    Returns: all of it; and of a sum each use, by its name. Raises SeqganError of a scorer.
    """
    whole = reward.of_batch(tf.constant(tokens))
    names = [*whole.rewards] if isinstance(whole, RewardSum) else []
    totals: list[np.ndarray] = []
    found: dict[str, list[np.ndarray]] = {name: [] for name in names}
    for first in range(0, len(tokens), AT_ONCE):
        rows = tf.constant(tokens[first : first + AT_ONCE])
        own = tf.random.experimental.stateless_fold_in(tf.constant(key), first)
        scores = whole.scores(rows, own) if isinstance(whole, RewardSum) else []
        total = whole.total(scores) if isinstance(whole, RewardSum) else whole(rows, own)  # type: ignore[operator]
        totals.append(np.asarray(total, np.float64))
        for name, values in zip(names, scores, strict=True):
            found[name].append(np.asarray(values, np.float64))
        whole.check()
    return np.concatenate(totals), {name: np.concatenate(values) for name, values in found.items()}
