"""The rollout policy G_β and the Monte Carlo search for action values (Eq. 4)."""

from __future__ import annotations

import abc
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from seqgan_cli.data.vocabulary import Vocabulary
from seqgan_cli.lazy import compiled, np, tf
from seqgan_cli.models.ngram import NgramModel
from seqgan_cli.models.softmax import LOGITS_AT_ONCE
from seqgan_cli.rewards.base import PrefixReward, Reward, StepwiseReward
from seqgan_cli.runs.checkpoints import named
from seqgan_cli.sampling.draws import draw_next, force_end

if TYPE_CHECKING:
    from seqgan_cli.models.generator import Generator
    from seqgan_cli.models.value import ValueHead

# Prefixes that advance together: enough to fill the cores, few enough for their logits to fit.
PREFIXES_AT_ONCE = 2560
# Completions of one prefix length that a discriminator scores together, where it need not score them as they come.
COMPLETIONS_AT_ONCE = 512


class RolloutPolicy(abc.ABC):
    """Interface of rollout policies. A state is a list of `[B, ·]` whose rows can be gathered and joined."""

    def __init__(self, vocabulary: Vocabulary, sequence_length: int) -> None:
        self.vocabulary, self.sequence_length = vocabulary, sequence_length
        self.state_size = 0  # numbers of a row's state, where they are many

    @abc.abstractmethod
    def update(self, policy: Generator, update_rate: float) -> None:
        """Take note of what θ has become."""

    def variables(self) -> dict[str, Any]:
        """Everything that changes, by name."""
        return {}

    @abc.abstractmethod
    def states(self, tokens: Any) -> list:
        """What is known before each token of int32 `[B, T]`: a list of `[T, B, ·]`."""

    @abc.abstractmethod
    def read(self, tokens: Any, state: list) -> tuple[Any, list]:
        """Read tokens int32 `[B]`: what the next ones are drawn from, and the new state."""

    @abc.abstractmethod
    def draw(self, known: Any, last: Any, place: Any, key: Any) -> Any:
        """The tokens after `last`, int32 `[B]`, from what `read` gave, at a place counted from 0; see `force_end`."""

    def sample_continuations(self, tokens: Any, key: Any, first: int = 1) -> Any:
        """Finish every proper prefix of every sequence once, from those of `first` tokens on.

        One pass of teacher forcing gives the policy's state at every prefix. Then all prefixes advance together, each joining
        when its own length is due, so a position is sampled in one large product and no prefix is read twice.

        Args:
            tokens: int32 `[C, T]`.
            key: int32 `[2]`.

        Returns:
            int32 `[T-first, C, T]`: at [t-first, c] the first t tokens of sequence c, continued.
        """
        count, length = tf.shape(tokens)[0], tf.shape(tokens)[1]
        columns = tf.transpose(tokens)  # [T, C]
        has_sources, sources = self.vocabulary.separator is not None, tf.transpose(self.vocabulary.given(tokens))
        states = self.states(tokens)  # each [T, C, ·], after reading start, y₁ … y_{t-1}

        def advance(t: Any, last: Any, state: list, sampled: Any) -> tuple:
            # Rows are ordered by prefix length, so the prefixes of length t join at the end.
            last = tf.concat([last, columns[t - 1]], axis=0)  # [(t-first+1)·C]
            state = [tf.concat([old, new[t - 1]], axis=0) for old, new in zip(state, states, strict=True)]
            known, state = self.read(last, state)
            drawn = self.draw(known, last, t, tf.random.experimental.stateless_fold_in(key, t))
            if has_sources:  # a prefix that ends within a source has the rest of it
                rows = [t - first + 1]
                drawn = tf.where(tf.tile(sources[t], rows), tf.tile(columns[t], rows), drawn)
            given = tf.tile(columns[t], [length - 1 - t])  # the longer prefixes hold their own token here
            return t + 1, drawn, state, sampled.write(t, tf.concat([drawn, given], axis=0))

        sampled = tf.TensorArray(tf.int32, size=length, element_shape=[None])
        for t in range(first):
            sampled = sampled.write(t, tf.tile(columns[t], [length - first]))
        empty = [tf.zeros([0, state.shape[-1]], state.dtype) for state in states]
        shapes = (tf.TensorShape([]), tf.TensorShape([None]), [tf.TensorShape([None, s.shape[-1]]) for s in states], None)
        *_, sampled = tf.while_loop(
            lambda t, *_: t < length,
            advance,
            (first, tf.zeros([0], tf.int32), empty, sampled),
            shape_invariants=(*shapes[:3], tf.TensorShape(None)),
        )
        return tf.reshape(tf.transpose(sampled.stack()), [length - first, count, length])


class NetworkPolicy(RolloutPolicy):
    """G_β: a network of its own, which moves only when told to."""

    def __init__(self, policy: Generator) -> None:
        super().__init__(policy.vocabulary, policy.sequence_length)
        self.network = policy.clone("rollout_policy")
        self.state_size = policy.state_size

    def update(self, policy: Generator, update_rate: float) -> None:
        """β ← u·β + (1-u)·θ."""
        for beta, theta in zip(self.network.trainable_variables, policy.trainable_variables, strict=True):
            # u = 0 must copy θ to the last bit, which 0·β + θ does unless β overflowed.
            beta.assign(update_rate * beta + (1.0 - update_rate) * theta if update_rate else theta)

    def variables(self) -> dict[str, Any]:
        return named("rollout_policy", self.network)

    def states(self, tokens: Any) -> list:
        return self.network.unroll(tokens, keep_states=True)[1]

    def read(self, tokens: Any, state: list) -> tuple[Any, list]:
        return self.network.step(tokens, state)

    def draw(self, known: Any, last: Any, place: Any, key: Any) -> Any:
        return draw_next(self.network, self.network.policy_logits(known), last, place, key)

    def bootstrap_values(self, tokens: Any, horizon: int, value: Callable[[Any], Any], key: Any) -> Any:
        """What a value function expects after `horizon` more tokens, of the prefixes that are not finished by then.

        Args:
            tokens: int32 `[C, T]`.
            value: of outputs `[R, H]`, gives `[R]`.
            key: int32 `[2]`.

        Returns:
            float32 `[T-1-horizon, C]`: at [t-1, c] of the first t tokens of sequence c.
        """
        count, number = tf.shape(tokens)[0], tf.shape(tokens)[1] - 1 - horizon
        last = tf.reshape(tf.transpose(tokens)[:number], [-1])
        state = [tf.reshape(each[:number], [number * count, each.shape[-1]]) for each in self.states(tokens)]
        for i in range(horizon):
            known, state = self.read(last, state)
            # Of rows with prefixes of all lengths, none is at the last place before the horizon, nor at the first.
            last = self.draw(known, last, 1, tf.random.experimental.stateless_fold_in(key, i))
            if self.vocabulary.separator is not None:
                given, own = (tf.transpose(each)[i + 1 : i + 1 + number] for each in (self.vocabulary.given(tokens), tokens))
                last = tf.where(tf.reshape(given, [-1]), tf.reshape(own, [-1]), last)
        return tf.reshape(value(self.read(last, state)[0]), [number, count])


class NgramPolicy(RolloutPolicy):
    """An n-gram model of the training data: the paper's "simplified version" of G_β, which needs no product at all."""

    ORDER = 3

    def __init__(self, vocabulary: Vocabulary, sequences: np.ndarray) -> None:
        super().__init__(vocabulary, sequences.shape[1])
        self.model = NgramModel(vocabulary, sequences, self.ORDER)

    def update(self, policy: Generator, update_rate: float) -> None:
        """No-op: the n-gram model is fixed."""

    def states(self, tokens: Any) -> list:
        length, width = tf.shape(tokens)[1], self.ORDER - 1
        before = tf.concat([self.model.start(tf.shape(tokens)[0]), tokens], axis=1)
        contexts = tf.stack([before[:, i : i + length] for i in range(width)], axis=2)  # [C, T, order-1]
        return [tf.ensure_shape(tf.transpose(contexts, [1, 0, 2]), [None, None, width])]

    def read(self, tokens: Any, state: list) -> tuple[Any, list]:
        context = tf.concat([state[0][:, 1:], tokens[:, None]], axis=1)
        return context, [context]

    def draw(self, known: Any, last: Any, place: Any, key: Any) -> Any:
        drawn = self.model.draw(known, key)
        return force_end(self.vocabulary, drawn, last, place > 0, place >= self.sequence_length - 1)


class ActionValues:
    """Q(s, a) of every token of a batch by N rollouts, compiled once and bounded in memory for any N and T.

    Args:
        policy, reward: what completes prefixes, and what scores the finished sequences.
        num_rollouts: N.
        horizon, value: if given, a rollout ends after so many tokens, and the value of its last state stands for its reward
            (temporal differences: Sutton 1988).
    """

    def __init__(
        self,
        policy: RolloutPolicy,
        reward: Reward | StepwiseReward,
        num_rollouts: int,
        horizon: int = 0,
        value: ValueHead | None = None,
    ) -> None:
        self.policy = policy
        self.reward: Any = reward
        self.num_rollouts = num_rollouts
        length = policy.sequence_length
        # A short rollout ends in a value; of as many tokens as there are, it is a whole one.
        self.horizon, self.value = (horizon, value) if 0 < horizon < length - 1 else (0, None)
        # A chunk of c (sequence, rollout) pairs advances (T-1)·c prefixes, whose logits and states are on the table at once.
        rows = min(PREFIXES_AT_ONCE, LOGITS_AT_ONCE // max(policy.vocabulary.size, policy.state_size))
        self.chunk = max(1, rows // max(1, length - 1))

    @compiled
    def __call__(self, tokens: Any, key: Any, batch: Any = None) -> Any:
        """Expected final reward after each token: float32 `[B, T]` for int32 `[B, T]`; no gradient flows through it.

        For t < T the mean reward of N continuations of Y₁:t, for t = T the reward of Y itself. With N = 0 there is no search:
        every token gets the reward of Y (REINFORCE on whole sequences), as does the only one of a sequence with T = 1. A
        stepwise reward needs no search at all.

        `batch`: int32 `[·, T]`, the sequences of all replicas where these are not all: a reward may depend on the whole batch.
        """
        if isinstance(self.reward, StepwiseReward):
            return tf.stop_gradient(self.reward.action_values(tokens))
        reward: Any = self.reward.of_batch(tokens if batch is None else batch)
        count, length = tf.shape(tokens)[0], tf.shape(tokens)[1]
        if not self.num_rollouts or self.policy.sequence_length == 1:
            return tf.stop_gradient(tf.tile(reward(tokens, key)[:, None], [1, length]))
        pairs = count * self.num_rollouts
        num_chunks = -(-pairs // self.chunk)
        width = -(-pairs // num_chunks)  # all chunks alike: the surplus of the last is dropped
        find = self._look_ahead if self.value else self._search
        by_pair = find(reward, tokens, key, num_chunks, width)[:pairs]  # [B·N, T-1]
        by_rollout = tf.reshape(by_pair, [count, self.num_rollouts, length - 1])
        final = reward(tokens, tf.random.experimental.stateless_fold_in(key, num_chunks))
        return tf.stop_gradient(tf.concat([tf.reduce_mean(by_rollout, axis=1), final[:, None]], axis=1))

    def _look_ahead(self, reward: Any, tokens: Any, key: Any, num_chunks: Any, width: Any) -> Any:
        """Of every (sequence, rollout) pair, chunk by chunk: float32 `[≥ B·N, T-1]`, values and, near the end, rewards."""
        pairs, length = tf.shape(tokens)[0] * self.num_rollouts, self.policy.sequence_length
        first = length - self.horizon  # the shortest prefix that is finished within the horizon
        policy, value = self.policy, self.value
        assert isinstance(policy, NetworkPolicy)
        assert value

        def look(i: Any, values: Any) -> tuple:
            members = tf.minimum(tf.range(i * width, (i + 1) * width), pairs - 1) // self.num_rollouts
            sources, chunk_key = tf.gather(tokens, members), tf.random.experimental.stateless_fold_in(key, i)
            keys = tf.unstack(tf.random.experimental.stateless_split(chunk_key, 3))
            finished = policy.sample_continuations(sources, keys[0], first)
            rewards = tf.reshape(reward(tf.reshape(finished, [-1, length]), keys[1]), [self.horizon, width])
            bootstrap_values = policy.bootstrap_values(sources, self.horizon, value, keys[2])
            return i + 1, values.write(i, tf.transpose(tf.concat([bootstrap_values, rewards], axis=0)))

        values = tf.TensorArray(tf.float32, size=num_chunks, element_shape=[None, None])
        _, values = tf.while_loop(lambda i, _: i < num_chunks, look, (0, values), parallel_iterations=1)
        return values.concat()

    def _search(self, reward: Any, tokens: Any, key: Any, num_chunks: Any, width: Any) -> Any:
        """Of every (sequence, rollout) pair the rewards of its continuations: float32 `[≥ B·N, T-1]`."""
        pairs, length = tf.shape(tokens)[0] * self.num_rollouts, tf.shape(tokens)[1]
        together = self._completions_at_once(length) // width if isinstance(reward, PrefixReward) else 1
        together = tf.maximum(1, together)

        def search(group: Any, values: Any) -> tuple:
            """Complete each chunk of the group, then reward them all."""
            first, last = group * together, tf.minimum((group + 1) * together, num_chunks)
            # The sequence of each pair; where the last chunk is longer than what is left, its last pair again.
            members = tf.minimum(tf.range(first * width, last * width), pairs - 1) // self.num_rollouts

            def sample_chunk(i: Any, continuations: Any) -> tuple:
                source_ids = members[(i - first) * width : (i - first + 1) * width]
                chunk_key = tf.random.experimental.stateless_fold_in(key, i)
                finished = self.policy.sample_continuations(tf.gather(tokens, source_ids), chunk_key)
                return i + 1, continuations.write(i - first, tf.transpose(finished, [1, 0, 2]))

            continuations = tf.TensorArray(tf.int32, size=last - first, element_shape=[None, None, None])
            _, continuations = tf.while_loop(lambda i, _: i < last, sample_chunk, (first, continuations), parallel_iterations=1)
            finished = tf.transpose(continuations.concat(), [1, 0, 2])
            rewards = self._rewards(reward, tokens, members, finished, key, first)
            return group + 1, values.write(group, tf.transpose(rewards))

        num_groups = -(-num_chunks // together)
        values = tf.TensorArray(tf.float32, size=num_groups, element_shape=[None, None])
        _, values = tf.while_loop(lambda group, _: group < num_groups, search, (0, values), parallel_iterations=1)
        return values.concat()

    def _completions_at_once(self, length: Any) -> Any:
        """COMPLETIONS_AT_ONCE, or fewer where long sequences, or many for few rollouts each, would fill the memory."""
        by_tokens = 2**22 // (length * length)  # a completion of each prefix
        by_responses = 2**13 * self.num_rollouts // length  # responses at every position of a sequence
        return tf.minimum(COMPLETIONS_AT_ONCE, tf.minimum(by_tokens, by_responses))

    def _rewards(self, reward: Any, tokens: Any, members: Any, continuations: Any, key: Any, chunk: Any) -> Any:
        """float32 `[T-1, C]` of completions int32 `[T-1, C, T]`, the c-th of sequence `members[c]`."""
        own_key = tf.random.experimental.stateless_fold_in(tf.random.experimental.stateless_fold_in(key, chunk), 0)
        if isinstance(reward, PrefixReward):
            first, last = tf.reduce_min(members), tf.reduce_max(members)
            used = key if getattr(reward, "keyed_by_batch", False) else own_key
            return reward.score_continuations(tokens[first : last + 1], members - first, continuations, used)
        finished = tf.reshape(continuations, [-1, tf.shape(continuations)[2]])
        rewards = reward(finished, own_key)
        return tf.reshape(rewards, tf.shape(continuations)[:2])
