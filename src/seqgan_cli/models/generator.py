"""The policy G_θ: embedding → recurrent cell → linear → softmax (the paper, "The Generative Model for Sequences").

Teacher forcing (`call`), sampling (`sampling/`) and the rollout search (`rollout.py`) are three loops over one `step`.
"""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from seqgan_cli.config import registry
from seqgan_cli.config.sections import GeneratorSettings
from seqgan_cli.data.vocabulary import START, UNK, Vocabulary
from seqgan_cli.models import softmax
from seqgan_cli.models.softmax import NEVER


class TiedOutput(keras.layers.Layer):
    """An output layer whose kernel is the table of embeddings, transposed (Press and Wolf 2017), with a bias of its own."""

    def __init__(self, embedding: Any) -> None:
        super().__init__(name="output")
        self._table = [embedding]  # in a tuple or attribute Keras would count its weights twice

    def build(self, input_shape: Any) -> None:
        self.bias = self.add_weight(name="bias", shape=(self._table[0].input_dim,), initializer="zeros")
        self.built = True

    @property
    def kernel(self) -> Any:
        """float32 `[H, V]`."""
        return tf.transpose(self._table[0].embeddings)


class Generator(keras.Model):
    """Next-token distributions over V tokens given the prefix.

    Args:
        vocabulary: the tokens; `<pad>` never has probability, nor what else is never drawn; `<unk>` is never sampled unless
            asked. The *model* is normalised over all but `<pad>`: likelihood training teaches it, `<unk>`
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
        kind = registry.generators[settings.cell]
        self.cell = kind.cell(settings, sequence_length)
        self.state_size = kind.state_size(settings, sequence_length)
        self.layered = "layers" in kind.uses
        self.embedding.build((None,))
        if settings.tied:
            self.output_layer: Any = TiedOutput(self.embedding)
        else:
            self.output_layer = keras.layers.Dense(vocabulary.size, name="output")
        self.cell.build((None, embedding_dim))
        self.output_layer.build((None, hidden_dim))
        self.built = True
        pad_mask, unk_mask = np.zeros((2, vocabulary.size), np.float32)
        pad_mask[list(vocabulary.never_drawn)] = NEVER
        if vocabulary.has_special_tokens:
            unk_mask[UNK] = NEVER
        self._pad_mask = tf.constant(pad_mask)
        self.unk_mask = tf.constant(unk_mask)
        self._sources: tuple[Any, Any] | None = None

    def give_sources(self, sequences: np.ndarray) -> None:
        """What it draws targets for, where sequences have sources and nobody says which: those of sequences int32 `[n, T]`."""
        if self.vocabulary.separator is not None:
            self._sources = tf.constant(sequences), tf.constant(self.vocabulary.source_length(sequences), tf.int32)

    def draw_sources(self, batch: Any, key: Any) -> tuple[Any, Any] | None:
        """So many of them, alike likely: int32 `[batch, T]`, of which the first int32 `[batch]` tokens count; None of none."""
        if self._sources is None:
            return None
        sequences, lengths = self._sources
        rows = tf.random.stateless_uniform([batch], key, maxval=tf.shape(sequences)[0], dtype=tf.int32)
        return tf.gather(sequences, rows), tf.gather(lengths, rows)

    def initialise(self, rng: np.random.Generator, stddev: float = 0.1) -> None:
        """Every weight ~ N(0, stddev²), as in the paper (and with stddev 1 for the oracle), or as the cell would have it."""
        scaled = {id(weight) for weight in self.cell.trainable_variables} if hasattr(self.cell, "initial_scale") else ()
        for weight in self.trainable_variables:
            own = stddev * self.cell.initial_scale(weight) if id(weight) in scaled else stddev
            weight.assign(rng.normal(0.0, own, weight.shape).astype(np.float32))

    def clone(self, name: str) -> "Generator":
        """Another generator of the same shape with a copy of the weights."""
        twin = type(self)(self.vocabulary, self.sequence_length, self.settings, name=name)
        for mine, theirs in zip(self.trainable_variables, twin.trainable_variables, strict=True):
            theirs.assign(mine)
        twin._sources = self._sources
        return twin

    # One step, and the heads on it.

    def step(self, tokens: Any, state: list) -> tuple[Any, list]:
        """Read one token: int32 `[B]` and the state → output float32 `[B, H]` and the new state (a list of `[B, ·]`)."""
        return self.cell(self.embedding(tokens), state)

    def output_projection(self, temperature: Any = 1.0, logit_mask: Any = 0.0) -> Any:
        """float32 `[H+1, V]`: kernel and bias, with temperature and ban in them: the table of logits is too large to touch."""
        bias = self.output_layer.bias + self._pad_mask + logit_mask
        return tf.concat([self.output_layer.kernel, bias[None]], axis=0) / temperature

    def logits(self, outputs: Any, temperature: Any = 1.0, logit_mask: Any = 0.0) -> Any:
        """float32 `[..., V]` of the model's next-token distribution, for outputs `[..., H]`."""
        return softmax.logits(outputs, self.output_projection(temperature, logit_mask))

    def policy_logits(self, outputs: Any, temperature: Any = 1.0) -> Any:
        """float32 `[..., V]` of the policy: the distribution that is sampled from, the model's without `<unk>`."""
        return self.logits(outputs, temperature, self.unk_mask)

    # Teacher forcing.

    def unroll(self, tokens: Any, keep_states: bool = False, dropout: float = 0.0, key: Any = None) -> tuple[Any, list]:
        """Read start, y₁ … y_{T-1} and give what is known before each y_t.

        Args:
            tokens: int32 `[B, T]`.
            keep_states: also return the recurrent state at every position.
            dropout, key: share of embedding and output features dropped, and of those between layers, drawn from `key` int32
                `[2]` (training only).

        Returns:
            outputs float32 `[B, T, H]`; states, a list of `[T, B, ·]` (empty unless kept).
        """
        inputs = tf.concat([tf.fill([tf.shape(tokens)[0], 1], START), tokens[:, :-1]], axis=1)
        embedded = self.embedding(tf.transpose(inputs))  # [T, B, E]
        if dropout:
            embedded = tf.nn.experimental.stateless_dropout(embedded, dropout, seed=key)
        if hasattr(self.cell, "whole") and not keep_states:
            between = (dropout, tf.random.experimental.stateless_fold_in(key, 2)) if dropout and self.layered else ()
            outputs, states = self.cell.whole(tf.transpose(embedded, [1, 0, 2]), *between), list[Any]()
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
        head = self.output_projection(logit_mask=self.unk_mask if policy else 0.0)
        flat = tf.reshape(outputs, [-1, outputs.shape[-1]])
        weights = tf.where(self.uncertain(tokens), weights, 0.0)
        return softmax.weighted_nll(flat, head, tf.reshape(tokens, [-1]), tf.reshape(weights, [-1]))

    def uncertain(self, tokens: Any) -> Any:
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
        flat, scored = tf.reshape(outputs, [-1, outputs.shape[-1]]), tf.cast(self.unk_mask == 0.0, tf.float32)
        weights = tf.where(self.uncertain(tokens), weights, 0.0)
        return softmax.weighted_nll_and_score(
            flat, self.output_projection(), tf.reshape(tokens, [-1]), tf.reshape(weights, [-1]), scored
        )

    def token_nll(self, tokens: Any) -> Any:
        """−log of the policy at every token, float32 `[B, T]` for int32 `[B, T]`; 0 at `<unk>` and past the end.

        Not differentiable.
        """
        outputs, _ = self.unroll(tokens)
        flat, counted = tf.reshape(outputs, [-1, outputs.shape[-1]]), self.vocabulary.mask(tokens) & self.uncertain(tokens)
        head = self.output_projection(logit_mask=self.unk_mask)
        losses = softmax.token_nll(flat, head, tf.reshape(tokens, [-1]), tf.reshape(counted, [-1]))
        return tf.reshape(losses, tf.shape(tokens))


def make_generator(
    vocabulary: Vocabulary, sequence_length: int, settings: GeneratorSettings, name: str = "generator"
) -> Generator:
    """The generator whose component the section is of, its weights zero."""
    made: Generator = registry.generators[settings.cell].make(vocabulary, sequence_length, settings, name)
    return made
