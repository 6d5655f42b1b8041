"""The rollout policy G_β and the Monte Carlo search for action values (Eq. 4)."""

from typing import Any

import tensorflow as tf

from seqgan_cli.models.generator import Generator
from seqgan_cli.models.softmax import LOGITS_AT_ONCE
from seqgan_cli.rewards import PrefixReward, Reward

# Prefixes that advance together: enough to fill the cores, few enough for their logits to fit.
PREFIXES_AT_ONCE = 2560
# Completions of one prefix length that a discriminator scores together, where it need not score them as they come.
COMPLETIONS_AT_ONCE = 512


class RolloutPolicy:
    """G_β, which completes prefixes. It is a network of its own and moves only when told to."""

    def __init__(self, policy: Generator) -> None:
        self.network = policy.clone("rollout_policy")

    def follow(self, policy: Generator, update_rate: float) -> None:
        """β ← u·β + (1-u)·θ."""
        for beta, theta in zip(self.network.trainable_variables, policy.trainable_variables, strict=True):
            # u = 0 must copy θ to the last bit, which 0·β + θ does unless β overflowed.
            beta.assign(update_rate * beta + (1.0 - update_rate) * theta if update_rate else theta)

    def complete(self, tokens: Any, key: Any) -> Any:
        """Finish every proper prefix of every sequence once.

        One pass of teacher forcing gives the policy's state at every prefix. Then all prefixes advance together, each joining
        when its own length is due, so a position is sampled in one large product and no prefix is read twice.

        Args:
            tokens: int32 `[C, T]`.
            key: int32 `[2]`.

        Returns:
            int32 `[T-1, C, T]`: at [t-1, c] the first t tokens of sequence c, continued by G_β.
        """
        count, length = tf.shape(tokens)[0], tf.shape(tokens)[1]
        columns = tf.transpose(tokens)  # [T, C]
        _, states = self.network.unroll(tokens, keep_states=True)  # each [T, C, ·], after reading start, y₁ … y_{t-1}

        def advance(t: Any, last: Any, state: list, sampled: Any) -> tuple:
            # Rows are ordered by prefix length, so the prefixes of length t join at the end.
            last = tf.concat([last, columns[t - 1]], axis=0)  # [t·C]
            state = [tf.concat([old, new[t - 1]], axis=0) for old, new in zip(state, states, strict=True)]
            output, state = self.network.step(last, state)
            logits = self.network.policy_logits(output)
            drawn = self.network.draw_next(logits, last, True, tf.random.experimental.stateless_fold_in(key, t))
            given = tf.tile(columns[t], [length - 1 - t])  # the longer prefixes hold their own token here
            return t + 1, drawn, state, sampled.write(t, tf.concat([drawn, given], axis=0))

        sampled = tf.TensorArray(tf.int32, size=length, element_shape=[None])
        sampled = sampled.write(0, tf.tile(columns[0], [length - 1]))
        empty = [tf.zeros([0, state.shape[-1]]) for state in states]
        shapes = (tf.TensorShape([]), tf.TensorShape([None]), [tf.TensorShape([None, s.shape[-1]]) for s in states], None)
        *_, sampled = tf.while_loop(
            lambda t, *_: t < length,
            advance,
            (1, tf.zeros([0], tf.int32), empty, sampled),
            shape_invariants=(*shapes[:3], tf.TensorShape(None)),
        )
        return tf.reshape(tf.transpose(sampled.stack()), [length - 1, count, length])


class ActionValues:
    """Q(s, a) of every token of a batch by N rollouts, compiled once and bounded in memory for any N and T."""

    def __init__(self, policy: RolloutPolicy, reward: Reward, num_rollouts: int) -> None:
        self.policy = policy
        self.reward = reward
        self.num_rollouts = num_rollouts
        vocab_size, length = policy.network.vocabulary.size, policy.network.sequence_length
        # A chunk of c (sequence, rollout) pairs advances (T-1)·c prefixes, whose logits are on the table at once.
        rows = min(PREFIXES_AT_ONCE, LOGITS_AT_ONCE // vocab_size)
        self.chunk = max(1, rows // max(1, length - 1))

    @tf.function(autograph=False, reduce_retracing=True)
    def __call__(self, tokens: Any, key: Any) -> Any:
        """Expected final reward after each token: float32 `[B, T]` for int32 `[B, T]`; no gradient flows through it.

        For t < T the mean reward of N continuations of Y₁:t, for t = T the reward of Y itself. With N = 0 there is no search:
        every token gets the reward of Y (REINFORCE on whole sequences), as
        does the only one of a sequence with T = 1.
        """
        batch, length = tf.shape(tokens)[0], tf.shape(tokens)[1]
        if not self.num_rollouts or self.policy.network.sequence_length == 1:
            return tf.stop_gradient(tf.tile(self.reward(tokens, key)[:, None], [1, length]))
        pairs = batch * self.num_rollouts
        num_chunks = -(-pairs // self.chunk)
        width = -(-pairs // num_chunks)  # all chunks alike: the surplus of the last is dropped
        together = self._completions_at_once(length) // width if isinstance(self.reward, PrefixReward) else 1
        together = tf.maximum(1, together)

        def search(group: Any, values: Any) -> tuple:
            """Complete each chunk of the group, then reward them all."""
            first, last = group * together, tf.minimum((group + 1) * together, num_chunks)
            # The sequence of each pair; where the last chunk is longer than what is left, its last pair again.
            members = tf.minimum(tf.range(first * width, last * width), pairs - 1) // self.num_rollouts

            def complete(i: Any, completed: Any) -> tuple:
                own = members[(i - first) * width : (i - first + 1) * width]
                chunk_key = tf.random.experimental.stateless_fold_in(key, i)
                finished = self.policy.complete(tf.gather(tokens, own), chunk_key)
                return i + 1, completed.write(i - first, tf.transpose(finished, [1, 0, 2]))

            completed = tf.TensorArray(tf.int32, size=last - first, element_shape=[None, None, None])
            _, completed = tf.while_loop(lambda i, _: i < last, complete, (first, completed), parallel_iterations=1)
            rewards = self._rewards(tokens, members, tf.transpose(completed.concat(), [1, 0, 2]), key, first)
            return group + 1, values.write(group, tf.transpose(rewards))

        num_groups = -(-num_chunks // together)
        values = tf.TensorArray(tf.float32, size=num_groups, element_shape=[None, None])
        _, values = tf.while_loop(lambda group, _: group < num_groups, search, (0, values), parallel_iterations=1)
        by_pair = values.concat()[:pairs]  # [B·N, T-1]
        by_rollout = tf.reshape(by_pair, [batch, self.num_rollouts, length - 1])
        final = self.reward(tokens, tf.random.experimental.stateless_fold_in(key, num_chunks))
        return tf.stop_gradient(tf.concat([tf.reduce_mean(by_rollout, axis=1), final[:, None]], axis=1))

    def _completions_at_once(self, length: Any) -> Any:
        """COMPLETIONS_AT_ONCE, or fewer where long sequences, or many for few rollouts each, would fill the memory."""
        by_tokens = 2**22 // (length * length)  # a completion of each prefix
        by_responses = 2**13 * self.num_rollouts // length  # responses at every position of a sequence
        return tf.minimum(COMPLETIONS_AT_ONCE, tf.minimum(by_tokens, by_responses))

    def _rewards(self, tokens: Any, members: Any, completed: Any, key: Any, chunk: Any) -> Any:
        """float32 `[T-1, C]` of completions int32 `[T-1, C, T]`, the c-th of sequence `members[c]`."""
        if isinstance(self.reward, PrefixReward):
            first, last = tf.reduce_min(members), tf.reduce_max(members)
            return self.reward.completions(tokens[first : last + 1], members - first, completed)
        chunk_key = tf.random.experimental.stateless_fold_in(key, chunk)
        finished = tf.reshape(completed, [-1, tf.shape(completed)[2]])
        rewards = self.reward(finished, tf.random.experimental.stateless_fold_in(chunk_key, 0))
        return tf.reshape(rewards, tf.shape(completed)[:2])
