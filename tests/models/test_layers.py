"""Stacked, normalised, residual and tied generators, and the transformer: against literal NumPy, and against themselves."""

import dataclasses
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

import reference
import reference_transformer as literal
from seqgan_cli.algorithms.rollout import ActionValues, NetworkPolicy
from seqgan_cli.config import registry
from seqgan_cli.config.sections import GeneratorSettings
from seqgan_cli.data.vocabulary import Vocabulary
from seqgan_cli.models.generator import Generator
from seqgan_cli.models.generators.transformer import TransformerSettings
from seqgan_cli.models.norm import dropped
from seqgan_cli.models.softmax import LOGITS_AT_ONCE
from seqgan_cli.randomness import key, rng
from seqgan_cli.rewards.controls import ConstantReward
from seqgan_cli.sampling.likelihood import sequence_nll, token_nll
from seqgan_cli.sampling.sequences import rows_at_once, sample
from seqgan_cli.training import memory
from tiny import tiny_settings

pytestmark = pytest.mark.usefixtures("quickly")
SIZES = {"embedding_dim": 4, "hidden_dim": 4}
DEEP: dict[str, Any] = {
    "lstm": GeneratorSettings(3, 4, "lstm", layers=3),
    "gru": GeneratorSettings(3, 4, "gru", layers=2),
    "norm": GeneratorSettings(3, 4, "lstm", layer_norm=True),
    "residual": GeneratorSettings(3, 4, "gru", layers=3, residual=True),
    "all": GeneratorSettings(4, 4, "lstm", layers=3, tied=True, layer_norm=True, residual=True),
    "tied": GeneratorSettings(4, 4, "gru", tied=True),
    "transformer": TransformerSettings(3, 4, "transformer", layers=2, heads=2),
    "sines": TransformerSettings(4, 6, "transformer", layers=3, heads=3, positions="sinusoidal", feed_forward=2),
    "tied transformer": TransformerSettings(4, 4, "transformer", layers=1, heads=1, tied=True),
}
each = pytest.mark.parametrize("settings", DEEP.values(), ids=DEEP)


def make(settings: Any, vocabulary: Vocabulary | None = None, length: int = 5, stddev: float = 0.5) -> Generator:
    generator = Generator(vocabulary or Vocabulary(size=7), length, settings)
    generator.initialise(rng(0, "test"), stddev)
    return generator


def double(weight: Any) -> np.ndarray:
    return np.asarray(weight, np.float64)


def norm_of(layer: Any) -> tuple[np.ndarray, np.ndarray]:
    return double(layer.gain), double(layer.bias)


def outputs_of(generator: Generator, inputs: np.ndarray) -> np.ndarray:
    """[T, H] of embedded inputs [T, E], by the literal code."""
    cell: Any = generator.cell
    if hasattr(cell, "blocks"):
        ends = {"input_kernel": double(cell.input_kernel), "output_norm": norm_of(cell.output_norm)}
        if not cell.sinusoidal:
            ends["positions"] = double(cell.positions)
        kernels = ("queries_keys_values", "attended_kernel", "hidden_kernel", "hidden_bias", "output_kernel", "output_bias")
        blocks = [
            {name: double(getattr(block, name)) for name in kernels}
            | {name: norm_of(getattr(block, name)) for name in ("attention_norm", "hidden_norm")}
            for block in cell.blocks
        ]
        return literal.transformer_outputs(blocks, ends, inputs, cell.heads)
    cells = [[double(w) for w in (c.kernel, c.recurrent_kernel, c.bias)] for c in getattr(cell, "cells", [cell])]
    norms = [norm_of(norm) for norm in getattr(cell, "norms", [])]
    return literal.stack_outputs(cells, norms, getattr(cell, "residual", False), inputs)


@each
def test_logits_equal_the_literal_ones(settings: Any) -> None:
    generator = make(settings)
    tokens = rng(1, "tokens").integers(0, 7, (3, 5)).astype(np.int32)
    table = double(generator.embedding.embeddings)
    kernel = table.T if settings.tied else double(generator.output_layer.kernel)
    for row, logits in zip(tokens, generator(tokens).numpy(), strict=True):
        outputs = outputs_of(generator, table[[0, *row[:-1]]])  # 0 is the start input
        expected = outputs @ kernel + double(generator.output_layer.bias)
        assert np.ptp(expected, axis=0).max() > 0.1  # positions differ
        np.testing.assert_allclose(logits, expected, atol=1e-5)


PLAIN = {cell: GeneratorSettings(3, 4, cell) for cell in ("lstm", "gru", "attention")}


@pytest.mark.sampled(6)
@pytest.mark.parametrize("settings", [*DEEP.values(), *PLAIN.values()], ids=[*DEEP, *(f"plain {cell}" for cell in PLAIN)])
def test_steps_with_their_states_equal_teacher_forcing(settings: Any) -> None:
    generator = make(settings)
    tokens = rng(1, "tokens").integers(0, 7, (3, 5)).astype(np.int32)
    outputs, states = generator.unroll(tokens, keep_states=True)
    np.testing.assert_allclose(generator.unroll(tokens)[0], outputs, atol=2e-6)
    state, last = generator.cell.get_initial_state(batch_size=3), np.zeros(3, np.int32)
    for t in range(5):
        output, state = generator.step(last, state)
        np.testing.assert_allclose(outputs[:, t], output, atol=2e-6)
        for kept, now in zip(states, state, strict=True):
            np.testing.assert_allclose(kept[t], now, atol=2e-6)
        last = tokens[:, t]


def test_rows_that_have_read_differently_many_tokens_advance_together() -> None:
    """As they do where a rollout ends early: gathered states go on as if each were alone."""
    generator = make(DEEP["transformer"])
    tokens = rng(1, "tokens").integers(0, 7, (3, 5)).astype(np.int32)
    outputs, states = generator.unroll(tokens, keep_states=True)
    mixed = [tf.stack([state[t, t] for t in range(3)]) for state in states]  # row t has read t + 1
    output, _ = generator.step(tf.linalg.diag_part(tokens[:, :3]), mixed)
    np.testing.assert_allclose(output, [outputs[t, t + 1] for t in range(3)], atol=2e-6)


@pytest.mark.parametrize("name", ["all", "transformer"])
def test_samples_have_the_frequencies_that_the_generator_says_and_rollouts_too(name: str) -> None:
    generator = make(DEEP[name], Vocabulary(size=3), 3)
    every = np.array(list(reference.all_sequences(3, 3)), np.int32)
    probabilities = np.exp(-sequence_nll(generator, every).astype(np.float64))
    assert probabilities.sum() == pytest.approx(1.0, rel=1e-4)
    drawn = sample(generator, 4000, key(0, "samples"))
    shares = np.array([(drawn == row).all(axis=1).mean() for row in every])
    np.testing.assert_allclose(shares, probabilities, atol=0.02)
    given = tf.constant(np.tile([[2, 0, 1]], (8000, 1)), tf.int32)
    continued = NetworkPolicy(generator).sample_continuations(given, key(0, "rollout")).numpy()[0]
    assert (continued[:, 0] == 2).all()
    begun = every[:, 0] == 2
    expected = probabilities[begun] / probabilities[begun].sum()
    found = [(continued == row).all(axis=1).mean() for row in every[begun]]
    np.testing.assert_allclose(found, expected, atol=0.02)


@pytest.mark.sampled(4)
@each
def test_gradients_reach_every_weight_and_dropout_is_keyed(settings: Any) -> None:
    generator = make(settings)
    tokens = rng(1, "tokens").integers(0, 7, (4, 5)).astype(np.int32)

    def loss(rate: float, name: str) -> Any:
        return generator.weighted_nll(tokens, np.ones([4, 5], np.float32), dropout=rate, key=key(0, name))

    assert float(loss(0.5, "a")) == float(loss(0.5, "a")) != float(loss(0.5, "b"))
    with tf.GradientTape() as tape:
        value = loss(0.0, "a")
    gradients = tape.gradient(value, [weight.value for weight in generator.trainable_variables])
    for weight, gradient in zip(generator.trainable_variables, gradients, strict=True):
        assert gradient is not None, weight.path
        assert np.abs(tf.convert_to_tensor(gradient)).max() > 0, weight.path


@pytest.mark.parametrize("name", ["lstm", "transformer"])
def test_dropout_is_between_layers_too_and_keeps_their_mean(name: str) -> None:
    cell = make(DEEP[name]).cell
    inputs = tf.constant(rng(2, "inputs").normal(size=(1, 5, 3)), tf.float32)
    assert not np.allclose(cell.whole(inputs, 0.2, key(0, "drop")), cell.whole(inputs), atol=1e-2)
    np.testing.assert_allclose(cell.whole(inputs, 1e-7, key(0, "drop")), cell.whole(inputs), atol=1e-5)
    ones = dropped(tf.ones([10_000]), 0.2, key(0, "drop"), 1)
    assert set(np.unique(ones)) == {0.0, np.float32(1 / 0.8)}
    assert np.mean(ones) == pytest.approx(1.0, abs=0.02)
    assert not np.array_equal(ones, dropped(tf.ones([10_000]), 0.2, key(0, "drop"), 2))


@pytest.mark.sampled(4)
@each
def test_clones_weights_and_costs_are_as_declared(settings: Any) -> None:
    generator = make(settings)
    twin = generator.clone("twin")
    tokens = sample(generator, 4, key(0, "x"))
    np.testing.assert_array_equal(token_nll(twin, tokens), token_nll(generator, tokens))
    kind = registry.generators[settings.cell]
    assert kind.weights(settings, 7, 5) == sum(weight.numpy().size for weight in generator.trainable_variables)
    state = sum(each.shape[1] for each in generator.cell.get_initial_state(batch_size=1))
    assert generator.state_size in (0, state)
    assert kind.operations(settings, 5) >= kind.cell_weights(settings, 5)


def test_of_one_plain_layer_nothing_has_changed() -> None:
    """The same cell, weights and names as before there were more."""
    for cell, kernel in (("lstm", (4, 16)), ("gru", (4, 12))):
        plain = Generator(Vocabulary(size=7), 5, GeneratorSettings(**SIZES, cell=cell))
        names = [weight.name for weight in plain.trainable_variables]
        assert names == ["embeddings", "kernel", "recurrent_kernel", "bias", "kernel", "bias"]
        assert tuple(plain.trainable_variables[1].shape) == kernel
        plain.initialise(rng(0, "generator"))
        draw = rng(0, "generator")
        for weight in plain.trainable_variables:
            np.testing.assert_array_equal(weight, draw.normal(0.0, 0.1, weight.shape).astype(np.float32))


def test_kernels_of_a_transformer_start_so_that_variance_stays() -> None:
    generator = Generator(Vocabulary(size=9), 6, TransformerSettings(64, 64, "transformer", layers=2))
    generator.initialise(rng(0, "generator"))
    block = generator.cell.blocks[1]
    for weight, expected in (
        (block.queries_keys_values, 64**-0.5),
        (block.hidden_kernel, 64**-0.5),
        (block.attended_kernel, (64 * 4) ** -0.5),
        (block.output_kernel, (256 * 4) ** -0.5),
        (generator.embedding.embeddings, 0.1),
        (block.hidden_bias, 0.1),
    ):
        assert np.std(weight) == pytest.approx(expected, rel=0.15)


def test_states_that_are_large_bound_how_many_rows_advance() -> None:
    """Of a transformer the keys and values, of as many sequences as fit into the table of logits."""
    settings = TransformerSettings(8, 256, "transformer", layers=4)
    generator = Generator(Vocabulary(size=7), 64, settings)
    assert generator.state_size == 2 * 4 * 64 * 256 + 1
    assert rows_at_once(generator) == LOGITS_AT_ONCE // generator.state_size == 127
    assert ActionValues(NetworkPolicy(generator), ConstantReward(), 4).chunk == 127 // 63
    assert rows_at_once(make(DEEP["lstm"])) == 1024


def test_what_a_transformer_holds_is_counted_before_it_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """By hand, of 2 blocks of 8 features, 2 heads and 5 tokens: states 2·2·5·8 + 1, kept 2·5·(8·16 + 2·2·5)."""
    sizes = {"generator.cell": "transformer", "generator.hidden-dim": 8, "generator.layers": 2, "generator.heads": 2}
    settings = tiny_settings(**sizes)
    weights, state, kept = memory.generator_weights(settings, 12, 5), 161, 2 * 5 * (8 * 16 + 20)
    needed = 4.0 * (4 * weights + 32 * 12 + 32 * state + 32 * kept + 100 * 5)
    monkeypatch.setattr(memory, "available", lambda: needed)
    memory.refuse_too_large(settings, ["pretrain-g"], 12, 5, 100)
    monkeypatch.setattr(memory, "available", lambda: needed - 1)
    with pytest.raises(memory.SeqganError, match=r"32 sequences are remembered by \(161 numbers each × 4\)"):
        memory.refuse_too_large(settings, ["pretrain-g"], 12, 5, 100)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"generator.cell": "attention", "generator.layers": 2}, "generator.layers is of no use to generator.cell=attention"),
        ({"generator.heads": 2}, "generator.heads is of no use to generator.cell=lstm: leave it out."),
        ({"generator.cell": "transformer", "generator.layer-norm": True}, "generator.layer-norm is of no use to generator"),
        ({"generator.tied": True}, "generator.embedding-dim is 4 where generator.hidden-dim is 5: make them equal"),
        ({"generator.residual": True}, "set generator.layers=2 or leave"),
        ({"generator.cell": "transformer"}, "generator.heads=4 share generator.hidden-dim, and 5 is no multiple"),
    ],
)
def test_settings_that_would_be_ignored_or_do_not_fit_are_refused(settings: dict[str, Any], words: str) -> None:
    from seqgan_cli.config.checks import check_together
    from seqgan_cli.errors import UsageError

    with pytest.raises(UsageError, match=words):
        check_together(tiny_settings(**settings))


def test_the_preset_goes_together_and_is_told_where_it_does_not() -> None:
    from seqgan_cli.config.checks import check_together
    from seqgan_cli.config.resolution import resolve
    from seqgan_cli.errors import UsageError

    normed = resolve({}, {}, None, "mle-norm").settings
    check_together(normed)
    assert (normed.generator.hidden_dim, normed.generator.layer_norm, normed.patience("pretrain-g")) == (192, True, 5)
    other = resolve({"generator.cell": "transformer"}, {"generator.cell": "option"}, None, "mle-norm").settings
    with pytest.raises(UsageError, match="leave it out, or at false"):
        check_together(other)


def test_settings_have_the_fields_that_the_paper_had_first() -> None:
    names = [field.name for field in dataclasses.fields(TransformerSettings)]
    assert names[:3] == ["embedding_dim", "hidden_dim", "cell"]
