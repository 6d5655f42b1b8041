"""The policy G_θ: embedding → recurrent cell → linear → softmax (the paper, "The Generative Model for Sequences").

Teacher forcing (`call`), sampling (`sample`) and the rollout search (`rollout.py`) are three loops over one `step`.
"""

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from seqgan_cli.config import registry
from seqgan_cli.config.sections import GeneratorSettings
from seqgan_cli.data.vocabulary import EOS, PAD, START, UNK, Vocabulary
from seqgan_cli.models import softmax
from seqgan_cli.models.softmax import LOGITS_AT_ONCE, draw_tokens, force_end
from seqgan_cli.training.distribution import replicas

# What a draw is made of: how many sequences, the key, the temperature, and whether `<unk>` may come.
DRAW = [
    tf.TensorSpec([], tf.int32),
    tf.TensorSpec([2], tf.int32),
    tf.TensorSpec([], tf.float32),
    tf.TensorSpec([], tf.bool),
]
# A logit no token with this added can win, and small enough to keep softmax and its gradient finite.
NEVER = -1e9


class Generator(keras.Model):
    """Next-token distributions over V tokens given the prefix.

    Args:
        vocabulary: the tokens; `<pad>` never has probability, nor `<eos>` where no sequence ends early; `<unk>` is never
            sampled unless asked. The *model* is normalised over all but `<pad>`: likelihood training teaches it, `<unk>`
            included. The *policy*, which is sampled from, rewarded and scored, is the model given that no `<unk>` comes:
            normalised over all but `<pad>` and `<unk>`.
        sequence_length: T of the sequences it samples. Where they end in `<eos>`, the last place can hold nothing else, so
            that it is certain there: it is never drawn, taught or paid for.
        settings: sizes and cell.

    Weights start at zero: call `initialise` or restore them.
    """

    def __init__(
        self, vocabulary: Vocabulary, sequence_length: int, settings: GeneratorSettings, name: str = "generator"
    ) -> None:
        super().__init__(name=name)
        self.vocabulary = vocabulary
        self.sequence_length = sequence_length
        self.settings = settings
        embedding_dim, hidden_dim = settings.embedding_dim, settings.hidden_dim
        self.embedding = keras.layers.Embedding(
            vocabulary.size, embedding_dim, embeddings_initializer="zeros", name="embedding"
        )
        self.cell = registry.generators[settings.cell].cell(settings, sequence_length)
        self.output_layer = keras.layers.Dense(vocabulary.size, name="output")
        self.embedding.build((None,))
        self.cell.build((None, embedding_dim))
        self.output_layer.build((None, hidden_dim))
        self.built = True
        impossible, unsampled = np.zeros((2, vocabulary.size), np.float32)
        if vocabulary.has_special_tokens:
            impossible[PAD] = NEVER
            if not vocabulary.has_eos:
                impossible[EOS] = NEVER
            unsampled[UNK] = NEVER
        self._pad_mask = tf.constant(impossible)
        self._unk_mask = tf.constant(unsampled)

    def initialise(self, rng: np.random.Generator, stddev: float = 0.1) -> None:
        """Every weight ~ N(0, stddev²), as in the paper (and with stddev 1 for the oracle)."""
        for weight in self.trainable_variables:
            weight.assign(rng.normal(0.0, stddev, weight.shape).astype(np.float32))

    def clone(self, name: str) -> "Generator":
        """Another generator of the same shape with a copy of the weights."""
        twin = type(self)(self.vocabulary, self.sequence_length, self.settings, name=name)
        for mine, theirs in zip(self.trainable_variables, twin.trainable_variables, strict=True):
            theirs.assign(mine)
        return twin

    # One step, and the heads on it.

    def step(self, tokens: Any, state: list) -> tuple[Any, list]:
        """Read one token: int32 `[B]` and the state → output float32 `[B, H]` and the new state (a list of `[B, ·]`)."""
        return self.cell(self.embedding(tokens), state)

    def head(self, temperature: Any = 1.0, logit_mask: Any = 0.0) -> Any:
        """float32 `[H+1, V]`: kernel and bias, with temperature and ban in them: the table of logits is too large to touch."""
        bias = self.output_layer.bias + self._pad_mask + logit_mask
        return tf.concat([self.output_layer.kernel, bias[None]], axis=0) / temperature

    def logits(self, outputs: Any, temperature: Any = 1.0, logit_mask: Any = 0.0) -> Any:
        """float32 `[..., V]` of the model's next-token distribution, for outputs `[..., H]`."""
        return softmax.logits(outputs, self.head(temperature, logit_mask))

    def policy_logits(self, outputs: Any, temperature: Any = 1.0) -> Any:
        """float32 `[..., V]` of the policy: the distribution that is sampled from, the model's without `<unk>`."""
        return self.logits(outputs, temperature, self._unk_mask)

    # Teacher forcing.

    def unroll(self, tokens: Any, keep_states: bool = False, dropout: float = 0.0, key: Any = None) -> tuple[Any, list]:
        """Read start, y₁ … y_{T-1} and give what is known before each y_t.

        Args:
            tokens: int32 `[B, T]`.
            keep_states: also return the recurrent state at every position.
            dropout, key: share of embedding and output features dropped, drawn from `key` int32 `[2]` (training only).

        Returns:
            outputs float32 `[B, T, H]`; states, a list of `[T, B, ·]` (empty unless kept).
        """
        inputs = tf.concat([tf.fill([tf.shape(tokens)[0], 1], START), tokens[:, :-1]], axis=1)
        embedded = self.embedding(tf.transpose(inputs))  # [T, B, E]
        if dropout:
            embedded = tf.nn.experimental.stateless_dropout(embedded, dropout, seed=key)
        if hasattr(self.cell, "whole") and not keep_states:
            outputs, states = self.cell.whole(tf.transpose(embedded, [1, 0, 2])), list[Any]()
        else:
            outputs, states = self._step_by_step(embedded, keep_states)
        if dropout:
            outputs = tf.nn.experimental.stateless_dropout(
                outputs, dropout, seed=tf.random.experimental.stateless_fold_in(key, 1)
            )
        return outputs, states

    def _step_by_step(self, embedded: Any, keep_states: bool) -> tuple[Any, list]:
        """Outputs `[B, T, H]` of inputs `[T, B, E]`, and if kept the states that they came with."""
        length, batch = tf.shape(embedded)[0], tf.shape(embedded)[1]
        state = self.cell.get_initial_state(batch_size=batch)
        arrays = [tf.TensorArray(tf.float32, size=length) for _ in range(1 + keep_states * len(state))]

        def advance(t: Any, state: list, arrays: list) -> tuple:
            output, state = self.cell(embedded[t], state)
            kept = [output, *state] if keep_states else [output]
            return t + 1, state, [array.write(t, value) for array, value in zip(arrays, kept, strict=True)]

        _, _, arrays = tf.while_loop(lambda t, *_: t < length, advance, (0, state, arrays))
        return tf.transpose(arrays[0].stack(), [1, 0, 2]), [array.stack() for array in arrays[1:]]

    def scheduled_sampling_inputs(self, tokens: Any, teacher_forcing_prob: Any, key: Any) -> Any:
        """What the generator reads under scheduled sampling (Bengio et al. 2015, §2.4); no gradient flows through it.

        Position by position a coin decides, for each sequence by itself, between the true token and one that the generator
        draws after what it has read so far. After an `<eos>` of the generator's own it reads on, as the true sequence does.

        Args:
            tokens: int32 `[B, T]`, the true sequences.
            true_share: float32 scalar ε, the probability of the true token.
            key: int32 `[2]`.

        Returns:
            int32 `[B, T]`. The last column is never read and stays true.
        """
        length, columns = tf.shape(tokens)[1], tf.transpose(tokens)
        coins, draws = tf.unstack(tf.random.experimental.stateless_split(key, 2))
        keep = tf.random.stateless_uniform(tf.shape(columns), coins) < teacher_forcing_prob

        def advance(t: Any, last: Any, state: list, inputs: Any) -> tuple:
            output, state = self.step(last, state)
            drawn = draw_tokens(self.policy_logits(output), tf.random.experimental.stateless_fold_in(draws, t))
            chosen = tf.where(keep[t], columns[t], drawn)
            return t + 1, chosen, state, inputs.write(t, chosen)

        start = tf.fill([tf.shape(tokens)[0]], START)
        state = self.cell.get_initial_state(batch_size=tf.shape(tokens)[0])
        inputs = tf.TensorArray(tf.int32, size=length, element_shape=[None])
        *_, inputs = tf.while_loop(lambda t, *_: t < length - 1, advance, (0, start, state, inputs))
        return tf.stop_gradient(tf.transpose(inputs.write(length - 1, columns[-1]).stack()))

    def call(self, tokens: Any) -> Any:
        """Logits float32 `[B, T, V]` of every token given those before it, for int32 `[B, T]`."""
        return self.logits(self.unroll(tokens)[0])

    def weighted_nll(
        self,
        tokens: Any,
        weights: Any,
        policy: bool = False,
        dropout: float = 0.0,
        key: Any = None,
        inputs: Any = None,
    ) -> Any:
        """Σ weight · −log G(y_t | Y₁:t-1), a differentiable scalar, for int32 and float32 `[B, T]`.

        A certain `<eos>` adds nothing. `policy`: under the policy, else under the model. `dropout`, `key`: as in `unroll`.
        `inputs`: int32 `[B, T]`, what the generator reads instead of `tokens` (scheduled sampling).
        """
        outputs, _ = self.unroll(tokens if inputs is None else inputs, dropout=dropout, key=key)
        head = self.head(logit_mask=self._unk_mask if policy else 0.0)
        flat = tf.reshape(outputs, [-1, outputs.shape[-1]])
        weights = tf.where(self._uncertain(tokens), weights, 0.0)
        return softmax.weighted_nll(flat, head, tf.reshape(tokens, [-1]), tf.reshape(weights, [-1]))

    def _uncertain(self, tokens: Any) -> Any:
        """bool `[1, T]`: the places of int32 `[B, T]` where a sequence has a choice: all, but for the last if that ends it."""
        places = tf.range(tf.shape(tokens)[1])[None, :]
        if self.vocabulary.has_eos:
            return places < self.sequence_length - 1
        return places >= 0

    def weighted_nll_and_score(
        self, tokens: Any, weights: Any, dropout: float = 0.0, key: Any = None, inputs: Any = None
    ) -> tuple[Any, Any]:
        """`weighted_nll` under the model, and the same sum under the policy over all tokens but `<unk>`.

        The second is a score of the same pass, and not differentiable.
        """
        outputs, _ = self.unroll(tokens if inputs is None else inputs, dropout=dropout, key=key)
        flat, scored = tf.reshape(outputs, [-1, outputs.shape[-1]]), tf.cast(self._unk_mask == 0.0, tf.float32)
        weights = tf.where(self._uncertain(tokens), weights, 0.0)
        return softmax.weighted_nll_and_score(
            flat, self.head(), tf.reshape(tokens, [-1]), tf.reshape(weights, [-1]), scored
        )

    def token_nll(self, tokens: Any) -> Any:
        """−log of the policy at every token, float32 `[B, T]` for int32 `[B, T]`; 0 at `<unk>` and past the end.

        Not differentiable.
        """
        outputs, _ = self.unroll(tokens)
        flat, counted = tf.reshape(outputs, [-1, outputs.shape[-1]]), self.vocabulary.mask(tokens) & self._uncertain(tokens)
        head = self.head(logit_mask=self._unk_mask)
        losses = softmax.token_nll(flat, head, tf.reshape(tokens, [-1]), tf.reshape(counted, [-1]))
        return tf.reshape(losses, tf.shape(tokens))

    @tf.function(autograph=False, input_signature=[tf.TensorSpec([None, None], tf.int32), tf.TensorSpec([], tf.float32)])
    def _sequence_nll(self, tokens: Any, temperature: Any) -> Any:
        return replicas.replicated(self._shared_sequence_nll, tokens, temperature)

    def _shared_sequence_nll(self, tokens: Any, temperature: Any) -> Any:
        tokens = replicas.shard(tokens)
        outputs, _ = self.unroll(tokens)
        flat, counted = tf.reshape(outputs, [-1, outputs.shape[-1]]), self.vocabulary.mask(tokens) & self._uncertain(tokens)
        head = self.head(temperature, self._unk_mask)
        losses = softmax.token_nll(flat, head, tf.reshape(tokens, [-1]), tf.reshape(counted, [-1]))
        return replicas.all_gather(tf.reduce_sum(tf.reshape(losses, tf.shape(tokens)), axis=1))

    def sequence_nll(self, tokens: np.ndarray, temperature: float = 1.0) -> np.ndarray:
        """−log G(Y) of whole sequences in nats: float32 `[n]` for int32 `[n, T]`; a certain `<eos>` and `<pad>` add nothing.

        G is the policy at that temperature, normalised over what `sample` draws from: all tokens but `<pad>` and `<unk>`. An
        `<unk>` is read, and adds nothing: the sum is over the positions that `vocabulary.mask` counts.
        """
        # Several tables of outputs and gates are alive at once; the logits have chunks of their own.
        rows = max(16, min(1024, LOGITS_AT_ONCE // (8 * tokens.shape[1] * self.settings.hidden_dim))) * replicas.number()
        parts = [self._sequence_nll(tokens[i : i + rows], temperature).numpy() for i in range(0, len(tokens), rows)]
        return np.concatenate(parts) if parts else np.zeros(0, np.float32)

    # Sampling.

    @tf.function(autograph=False, input_signature=DRAW)
    def _draw(self, batch: Any, key: Any, temperature: Any, allow_unknown: Any) -> Any:
        length = self.sequence_length
        logit_mask = tf.where(allow_unknown, 0.0, self._unk_mask)

        def advance(t: Any, last: Any, state: list, sampled: Any) -> tuple:
            output, state = self.step(last, state)
            logits = self.logits(output, temperature, logit_mask)
            drawn = self.draw_next(logits, last, t, tf.random.experimental.stateless_fold_in(key, t))
            return t + 1, drawn, state, sampled.write(t, drawn)

        start = tf.fill([batch], START)
        state = self.cell.get_initial_state(batch_size=batch)
        sampled = tf.TensorArray(tf.int32, size=length, element_shape=[None])
        *_, sampled = tf.while_loop(lambda t, *_: t < length, advance, (0, start, state, sampled))
        return tf.transpose(sampled.stack())

    @tf.function(autograph=False, input_signature=DRAW)
    def _draw_together(self, batch: Any, key: Any, temperature: Any, allow_unknown: Any) -> Any:
        return replicas.replicated(self._shared_draw, batch, key, temperature, allow_unknown)

    def _shared_draw(self, batch: Any, key: Any, temperature: Any, allow_unknown: Any) -> Any:
        cfg = self._draw(replicas.shard_count(batch), replicas.replica_key(key), temperature, allow_unknown)
        return replicas.all_gather(cfg)

    def draw_next(self, logits: Any, last: Any, place: Any, key: Any) -> Any:
        """The token after `last` at a place counted from 0, int32 `[B]`, drawn from logits `[B, V]`; see `force_end`."""
        drawn = draw_tokens(logits, key)
        return force_end(self.vocabulary, drawn, last, place > 0, place >= self.sequence_length - 1)

    @property
    def rows_at_once(self) -> int:
        """Sequences whose next-token logits are held in memory together."""
        return max(16, min(1024, LOGITS_AT_ONCE // self.vocabulary.size))

    def sample_batch(self, batch: Any, key: Any) -> Any:
        """One batch from the policy: int32 tensor `[batch, T]`, drawn from `key` int32 `[2]` by one replica alone."""
        return self._draw(batch, key, 1.0, False)

    def samples(self, key: np.ndarray, temperature: float = 1.0, allow_unknown: bool = False) -> Iterator[np.ndarray]:
        """Batches int32 `[rows, T]` without end; batch i depends on `key` and i alone, so any number starts alike.

        Several replicas draw rows each, so that other sequences come than from one.
        """
        rows, i = self.rows_at_once * replicas.number(), 0
        while True:
            batch_key = tf.random.experimental.stateless_fold_in(key, i)
            yield self._draw_together(rows, batch_key, temperature, allow_unknown).numpy()
            i += 1

    def sample(self, num: int, key: np.ndarray, temperature: float = 1.0) -> np.ndarray:
        """`num` sequences at that temperature: int32 `[num, T]`."""
        batches = []
        for batch in self.samples(key, temperature):
            batches.append(batch)
            if sum(map(len, batches)) >= num:
                return np.concatenate(batches)[:num]
        raise AssertionError("samples() never ends")


def make_generator(
    vocabulary: Vocabulary, sequence_length: int, settings: GeneratorSettings, name: str = "generator"
) -> Generator:
    """The generator whose component the section is of, its weights zero."""
    made: Generator = registry.generators[settings.cell].make(vocabulary, sequence_length, settings, name)
    return made
