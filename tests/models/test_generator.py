"""The generator against literal NumPy, and its samplers against the distributions they should have."""

import functools
import itertools
from collections import Counter
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

import reference
from sampled import examples
from seqgan_cli.algorithms.mle import scheduled_sampling_inputs
from seqgan_cli.config.sections import GeneratorSettings
from seqgan_cli.data.vocabulary import EOS, PAD, UNK, Vocabulary
from seqgan_cli.models.generator import Generator
from seqgan_cli.randomness import key, rng
from seqgan_cli.sampling.choices import Sampling
from seqgan_cli.sampling.draws import draw_tokens
from seqgan_cli.sampling.likelihood import sequence_nll
from seqgan_cli.sampling.sequences import sample, sample_batch, samples

pytestmark = pytest.mark.usefixtures("quickly")


def make(vocabulary: Vocabulary, length: int, stddev: float = 1.0, cell: str = "lstm", seed: int = 0) -> Generator:
    generator = Generator(vocabulary, length, GeneratorSettings(embedding_dim=3, hidden_dim=4, cell=cell))
    generator.initialise(rng(seed, "test"), stddev)
    return generator


def weights(generator: Generator) -> list[np.ndarray]:
    return [variable.numpy() for variable in generator.trainable_variables]


def test_logits_equal_the_literal_lstm() -> None:
    generator = make(Vocabulary(size=7), 6)
    tokens = rng(1, "tokens").integers(0, 7, (3, 6)).astype(np.int32)
    logits = generator(tokens).numpy()
    for b in range(3):
        for t in range(6):
            np.testing.assert_allclose(logits[b, t], reference.next_logits(weights(generator), tokens[b, :t]), atol=1e-5)


@pytest.mark.parametrize("temperature", [1.0, 0.6, 2.0])
def test_sequence_nll_equals_the_literal_sum(temperature: float) -> None:
    generator = make(Vocabulary(size=5), 4)
    tokens = rng(1, "tokens").integers(0, 5, (6, 4)).astype(np.int32)
    expected = [reference.sequence_nll(weights(generator), row, temperature) for row in tokens.tolist()]
    np.testing.assert_allclose(sequence_nll(generator, tokens, Sampling(temperature)), expected, rtol=1e-5)


@pytest.mark.compiled
def test_compiled_equals_eager() -> None:
    generator = make(Vocabulary(size=5), 4)
    tokens = sample(generator, 50, key(0, "x"))
    losses = sequence_nll(generator, tokens)
    tf.config.run_functions_eagerly(True)
    try:
        np.testing.assert_array_equal(sample(generator, 50, key(0, "x")), tokens)
        np.testing.assert_allclose(sequence_nll(generator, tokens), losses, rtol=1e-5)
    finally:
        tf.config.run_functions_eagerly(False)


@pytest.mark.sampled(1)
@pytest.mark.parametrize("temperature", [1.0, 0.5])
def test_samples_have_the_models_frequencies(temperature: float) -> None:
    generator = make(Vocabulary(size=3), 2, stddev=0.7)
    count = 20_000
    seen = Counter(map(tuple, sample(generator, count, key(0, "x"), Sampling(temperature)).tolist()))
    sequences = list(reference.all_sequences(3, 2))
    expected = [count * np.exp(-reference.sequence_nll(weights(generator), s, temperature)) for s in sequences]
    assert chisquare([seen[s] for s in sequences], np.array(expected) * count / sum(expected)).pvalue > 1e-3


@pytest.mark.compiled
def test_samples_equal_the_literal_ones_for_the_same_uniform_numbers() -> None:
    """But for the few numbers that fall within rounding of a boundary (none in these)."""
    generator = make(Vocabulary(size=7), 6)
    fold_in, sample_key = tf.random.experimental.stateless_fold_in, key(0, "x")
    uniforms = np.stack([tf.random.stateless_uniform([50, 1], fold_in(sample_key, t)).numpy()[:, 0] for t in range(6)], axis=1)
    expected = [reference.sample_sequence(weights(generator), 6, row) for row in uniforms.tolist()]
    np.testing.assert_array_equal(sample_batch(generator, 50, sample_key), expected)


@pytest.mark.sampled(1)
@pytest.mark.parametrize("prefix", [(), (2,), (1, 0)])
def test_literal_samples_have_the_models_frequencies(prefix: tuple[int, ...]) -> None:
    generator = make(Vocabulary(size=3), 3, stddev=0.7)
    count = 2500
    uniforms = rng(0, "uniforms").random((count, 3))
    seen = Counter(tuple(reference.sample_sequence(weights(generator), 3, row, prefix)) for row in uniforms.tolist())
    sequences = [s for s in reference.all_sequences(3, 3) if s[: len(prefix)] == prefix]
    assert set(seen) <= set(sequences)
    probabilities = np.exp([-reference.sequence_nll(weights(generator), s) for s in sequences])
    expected = count * probabilities / probabilities.sum()
    assert expected.min() > 5
    assert chisquare([seen[s] for s in sequences], expected).pvalue > 1e-3


def numbers_of_partly_own(replica_key: np.ndarray, count: int, length: int) -> tuple[np.ndarray, np.ndarray]:
    """The coins, and the uniform numbers behind the draws, float32 [B, T] each."""
    fold_in = tf.random.experimental.stateless_fold_in
    coins, draws = tf.unstack(tf.random.experimental.stateless_split(replica_key, 2))
    uniforms = [tf.random.stateless_uniform([count, 1], fold_in(draws, t)).numpy()[:, 0] for t in range(length)]
    return tf.random.stateless_uniform([length, count], coins).numpy().T, np.stack(uniforms, axis=1)


@pytest.mark.compiled
@pytest.mark.sampled(4)
@pytest.mark.parametrize("share", [0.0, 0.3, 0.8])
@pytest.mark.parametrize("cell", ["lstm", "gru"])
@pytest.mark.parametrize("vocabulary", [Vocabulary(size=7), Vocabulary(["a", "b", "c"])], ids=["ids", "text"])
def test_what_is_partly_own_equals_the_literal_loop_for_the_same_numbers(
    vocabulary: Vocabulary, cell: str, share: float
) -> None:
    """But for the few numbers that fall within rounding of a boundary (none in these). Compiled, as training calls it."""
    generator = make(vocabulary, 6, cell=cell)
    tokens = rng(1, "tokens").integers(0, vocabulary.size, (60, 6)).astype(np.int32)
    coins, uniforms = numbers_of_partly_own(key(0, "own"), 60, 6)
    impossible = (PAD, UNK) if vocabulary.has_special_tokens else ()
    expected = [
        reference.scheduled_sampling_inputs(weights(generator), row, share, *numbers, impossible)
        for row, *numbers in zip(tokens.tolist(), coins, uniforms, strict=True)
    ]
    read = scheduled_sampling_inputs(generator, tokens, share, key(0, "own"))
    assert read.dtype == tf.int32
    np.testing.assert_array_equal(read, expected)
    compiled = tf.function(functools.partial(scheduled_sampling_inputs, generator))
    np.testing.assert_array_equal(compiled(tokens, tf.constant(share), key(0, "own")), expected)


@pytest.mark.parametrize("length", [1, 2, 6])
def test_with_a_share_of_one_only_true_tokens_are_read(length: int) -> None:
    generator = make(Vocabulary(size=7), length)
    tokens = rng(1, "tokens").integers(0, 7, (2000, length)).astype(np.int32)
    np.testing.assert_array_equal(scheduled_sampling_inputs(generator, tokens, 1.0, key(0, "own")), tokens)


def test_with_a_share_of_zero_no_true_token_is_read() -> None:
    """Two tables without a token in common give the same, but for the last column, which nothing reads: the model's samples."""
    generator = make(Vocabulary(size=8), 6)
    draw = rng(1, "tokens")
    low, high = draw.integers(0, 4, (50, 6)).astype(np.int32), draw.integers(4, 8, (50, 6)).astype(np.int32)
    read_low, read_high = (scheduled_sampling_inputs(generator, tokens, 0.0, key(0, "own")).numpy() for tokens in (low, high))
    np.testing.assert_array_equal(read_low[:, :-1], read_high[:, :-1])
    np.testing.assert_array_equal(read_low[:, -1], low[:, -1])
    np.testing.assert_array_equal(read_high[:, -1], high[:, -1])
    _, draws = tf.unstack(tf.random.experimental.stateless_split(key(0, "own"), 2))
    np.testing.assert_array_equal(read_low[:, :-1], sample_batch(generator, 50, draws)[:, :-1])


def true_tokens_read(share: float, replica_key: np.ndarray, count: int = 4000, length: int = 6) -> np.ndarray:
    """bool [count, length - 1]: which tokens read are true, told by a token that is always true and that no model draws."""
    generator = make(Vocabulary(size=7), length)
    generator.output_layer.bias.assign(tf.one_hot(3, 7) * -30.0)
    read = scheduled_sampling_inputs(generator, np.full((count, length), 3, np.int32), share, replica_key).numpy()
    return read[:, :-1] == 3


@pytest.mark.parametrize("share", [0.3, 0.5, 0.7])
def test_true_tokens_have_their_share_at_every_position_and_are_independent_within_a_sequence(share: float) -> None:
    """Every pattern of five coins is as frequent as five independent ones make it."""
    true = true_tokens_read(share, key(0, "own"))
    np.testing.assert_allclose(true.mean(axis=0), share, atol=4.5 * np.sqrt(share * (1 - share) / len(true)))
    patterns = np.array(list(reference.all_sequences(2, 5)))
    expected = len(true) * np.prod(np.where(patterns, share, 1 - share), axis=1)
    assert expected.min() > 5
    assert chisquare(np.bincount(true @ 2 ** np.arange(5)[::-1], minlength=32), expected).pvalue > 1e-3


def test_coins_are_independent_between_sequences_and_between_steps() -> None:
    """Neighbouring sequences of one step, and the same sequence of two steps: all four outcomes of a pair are as frequent."""
    first, second = (true_tokens_read(0.5, key(0, "own", step)) for step in (1, 2))
    pairs = {"neighbours": (first[0::2], first[1::2]), "steps": (first, second), "halves": (first[:2000], first[2000:])}
    for name, (a, b) in pairs.items():
        assert chisquare(np.bincount((2 * a + b).ravel(), minlength=4)).pvalue > 1e-3, name
    np.testing.assert_array_equal(true_tokens_read(0.5, key(0, "own", 1)), first)


def test_the_coin_says_nothing_of_the_token_drawn() -> None:
    """Numbers shared by coin and draw would leave only the upper part of the distribution to those drawn."""
    generator = make(Vocabulary(size=5), 2)
    count = 20_000
    generator.output_layer.bias.assign_add(tf.one_hot(4, 5) * -30.0)
    read = scheduled_sampling_inputs(generator, np.full((count, 2), 4, np.int32), 0.6, key(0, "own")).numpy()[:, 0]
    seen = np.bincount(read[read != 4], minlength=5)[:4]
    expected = reference.softmax(reference.next_logits(weights(generator), ()))[:4]
    assert chisquare(seen, expected * seen.sum() / expected.sum()).pvalue > 1e-3


@pytest.mark.compiled
@pytest.mark.sampled(4)
@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("length", [1, 2, 6])
def test_weighted_nll_and_its_gradients_equal_the_literal_ones(length: int, compiled: bool) -> None:
    """Some weights are zero and some negative."""
    generator = make(Vocabulary(size=7), length)
    draw = rng(1, "case")
    tokens = draw.integers(0, 7, (5, length)).astype(np.int32)
    token_weights = (draw.normal(size=(5, length)) * (draw.random((5, length)) < 0.7)).astype(np.float32)

    def run(tokens: tf.Tensor, token_weights: tf.Tensor) -> tuple:
        with tf.GradientTape() as tape:
            loss = generator.weighted_nll(tokens, token_weights)
        gradients = tape.gradient(loss, [variable.value for variable in generator.trainable_variables])
        return loss, *map(tf.convert_to_tensor, gradients)

    loss, *gradients = (tf.function(run) if compiled else run)(tf.constant(tokens), tf.constant(token_weights))
    literal = [reference.weighted_nll_gradients(weights(generator), *case) for case in zip(tokens, token_weights, strict=True)]
    np.testing.assert_allclose(loss, sum(total for total, _ in literal), rtol=1e-5, atol=1e-5)
    for gradient, *expected in zip(gradients, *(by_weights for _, by_weights in literal), strict=True):
        np.testing.assert_allclose(gradient, sum(expected), rtol=1e-4, atol=1e-5)
        assert np.abs(gradient).max() > 0.01 or length == 1  # with one token no state is read, and its kernel has no gradient


@pytest.mark.parametrize("vocab_size", [2, 3, 7, 1000])
def test_drawn_tokens_follow_the_softmax(vocab_size: int) -> None:
    logits = rng(0, "logits").normal(0.0, 1.0, vocab_size).astype(np.float32)
    logits[1] = -1e9  # probability zero
    count = 50_000
    drawn = draw_tokens(tf.tile(logits[None], [count, 1]), key(0, "draw")).numpy()
    seen = np.bincount(drawn, minlength=vocab_size)
    assert seen[1] == 0
    expected = count * np.delete(reference.softmax(logits.astype(np.float64)), 1)
    if vocab_size > 2:
        assert chisquare(np.delete(seen, 1), expected * count / expected.sum()).pvalue > 1e-3


@pytest.mark.parametrize("vocab_size", [2, 9, 10, 1001])
def test_one_hot_logits_make_draws_exact(vocab_size: int) -> None:
    """Logits of ±1000 neither overflow nor leak, wherever the one likely token stands in its block."""
    logits = np.where(np.eye(vocab_size, dtype=bool), 1000.0, -1000.0).astype(np.float32)
    for i in range(5):
        np.testing.assert_array_equal(draw_tokens(logits, key(i, "draw")), np.arange(vocab_size))


def test_rows_draw_independently() -> None:
    drawn = draw_tokens(tf.zeros([40_000, 2]), key(0, "draw")).numpy()
    pairs = np.bincount(2 * drawn[0::2] + drawn[1::2], minlength=4)
    assert chisquare(pairs).pvalue > 1e-3


def text_generator(stddev: float = 0.5) -> Generator:
    return make(Vocabulary(["a", "b"]), 6, stddev=stddev)


TEXT = text_generator()


def test_after_the_end_there_is_only_padding() -> None:
    samples = sample(text_generator(), 2000, key(0, "x"))
    ended = np.cumsum(samples == EOS, axis=1) - (samples == EOS) > 0
    assert ended.any()
    assert (samples[ended] == PAD).all()
    assert (samples[~ended] != PAD).all()


@pytest.mark.parametrize("length", [2, 3, 6])
@pytest.mark.parametrize("ends", [True, False], ids=["lines", "poems"])
def test_text_equals_the_literal_samples_for_the_same_uniform_numbers(length: int, ends: bool) -> None:
    """A line has at most T - 1 ordinary tokens, since the last place is `<eos>`'s; a poem has T of them, always."""
    generator = make(Vocabulary(["a", "b", "c"], has_eos=ends), length)
    fold_in, sample_key = tf.random.experimental.stateless_fold_in, key(0, "x")
    uniforms = np.stack([tf.random.stateless_uniform([80, 1], fold_in(sample_key, t)).numpy()[:, 0] for t in range(length)], 1)
    expected = np.array([reference.sample_text(weights(generator), length, row, ends) for row in uniforms.tolist()])
    np.testing.assert_array_equal(sample_batch(generator, 80, sample_key), expected)
    longest = generator.vocabulary.length(expected).max()
    assert longest == (length - 1 if ends else length)


@pytest.mark.parametrize("length", [2, 4])
def test_probabilities_of_all_texts_sum_to_one(length: int) -> None:
    """Of those with at most T - 1 ordinary tokens: the `<eos>` after as many is certain, and costs nothing."""
    generator = make(Vocabulary(["a", "b"]), length)
    texts = [text for n in range(length) for text in itertools.product((3, 4), repeat=n)]
    table = np.array([[*text, EOS, *[PAD] * (length - 1 - len(text))] for text in texts], np.int32)
    found = np.exp(-generator.token_nll(tf.constant(table)).numpy().sum(axis=1))
    np.testing.assert_allclose(found, [reference.text_probability(weights(generator), t, length) for t in texts], rtol=1e-4)
    np.testing.assert_allclose(found.sum(), 1.0, rtol=1e-5)


def test_a_certain_end_is_neither_paid_for_nor_taught() -> None:
    generator = text_generator()
    full = np.array([[3, 4, 3, 4, 3, EOS]], np.int32)
    logits = generator(full).numpy()
    logits[..., UNK] = -np.inf  # scores are of the policy
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(full, logits).numpy()[0]
    np.testing.assert_allclose(sequence_nll(generator, full), [losses[:5].sum()], rtol=1e-5)
    with tf.GradientTape() as tape:
        nothing = generator.weighted_nll(tf.constant(full), tf.constant([[0.0, 0.0, 0.0, 0.0, 0.0, 1.0]]))
    assert nothing == 0.0
    for gradient in tape.gradient(nothing, generator.trainable_variables):
        assert not tf.convert_to_tensor(gradient).numpy().any()


def test_where_no_sequence_ends_early_the_end_has_no_probability() -> None:
    generator = make(Vocabulary(["a", "b"], has_eos=False), 3)
    poems = np.array([*itertools.product((3, 4), repeat=3)], np.int32)
    np.testing.assert_allclose(np.exp(-generator.token_nll(tf.constant(poems)).numpy().sum(axis=1)).sum(), 1.0, rtol=1e-5)
    assert tf.nn.softmax(generator(poems)).numpy()[..., EOS].max() == 0.0


def test_unknown_is_sampled_only_when_asked() -> None:
    generator = text_generator()
    assert not (sample(generator, 2000, key(0, "x")) == UNK).any()
    assert (next(samples(generator, key(0, "x"), Sampling(allow_unknown=True))) == UNK).any()


def test_policy_leaves_unknown_out_and_the_model_does_not() -> None:
    generator = text_generator()
    outputs = generator.unroll(np.array([[3, 4, 1, 0, 0, 0]], np.int32))[0]
    model, policy = (tf.nn.softmax(f(outputs)).numpy()[0] for f in (generator.logits, generator.policy_logits))
    assert (model[:, PAD] == 0).all()
    assert (model[:, UNK] > 0.01).all()
    assert (policy[:, UNK] == 0).all()
    rest = np.delete(model, UNK, axis=1)
    np.testing.assert_allclose(np.delete(policy, UNK, axis=1), rest / rest.sum(axis=1, keepdims=True), rtol=1e-4)


def test_padding_does_not_count_in_the_nll() -> None:
    generator = text_generator()
    tokens = np.array([[3, 4, EOS, PAD, PAD, PAD]], np.int32)
    w = weights(generator)
    expected = 0.0
    for t in range(3):
        logits = reference.next_logits(w, tokens[0, :t])
        logits[[PAD, UNK]] = -np.inf
        expected -= np.log(reference.softmax(logits)[tokens[0, t]])
    np.testing.assert_allclose(sequence_nll(generator, tokens), [expected], rtol=1e-5)


@settings(deadline=None, max_examples=examples(25))
@given(seed=st.integers(0, 999), temperature=st.floats(0.1, 10.0), share=st.floats(0.0, 1.0))
@example(seed=0, temperature=1.0, share=1.0)
def test_a_score_is_of_the_policy_and_of_no_unknown(seed: int, temperature: float, share: float) -> None:
    """Softmax of the literal logits over the temperature without `<pad>` and `<unk>`, at every target that is neither."""
    generator, draw = TEXT, rng(seed, "text")
    generator.initialise(rng(seed, "weights"), 1.0)
    ends, columns = draw.integers(0, 6, (5, 1)), np.arange(6)
    tokens = np.where(draw.random((5, 6)) < share, UNK, draw.integers(3, 5, (5, 6)))
    tokens = np.where(columns < ends, tokens, np.where(columns == ends, EOS, PAD)).astype(np.int32)
    by_token = []
    for row in tokens:
        by_token.append(np.zeros(6))
        for t in np.flatnonzero((row[:5] != PAD) & (row[:5] != UNK)):  # in the last place <eos> is certain
            logits = reference.next_logits(weights(generator), row[:t]) / temperature
            logits[[PAD, UNK]] = -np.inf
            by_token[-1][t] = -np.log(reference.softmax(logits)[row[t]])
    losses = sequence_nll(generator, tokens, Sampling(temperature))
    np.testing.assert_allclose(losses, np.sum(by_token, axis=1), rtol=1e-4, atol=1e-5)
    if temperature == 1.0:
        np.testing.assert_allclose(generator.token_nll(tokens), by_token, rtol=1e-4, atol=1e-5)


def test_any_number_of_samples_starts_alike_and_keys_differ() -> None:
    generator = make(Vocabulary(size=7), 6)
    many = sample(generator, 3000, key(0, "x"))
    np.testing.assert_array_equal(sample(generator, 5, key(0, "x")), many[:5])
    assert not np.array_equal(sample(generator, 3000, key(0, "y")), many)
    assert len(np.unique(many[:1000], axis=0)) > 500  # batches and rows are no copies of one another
    assert not np.array_equal(many[:1000], many[1024:2024])


def test_a_clone_is_equal_and_apart() -> None:
    generator = make(Vocabulary(size=7), 6)
    twin = generator.clone("twin")
    tokens = sample(generator, 5, key(0, "x"))
    np.testing.assert_array_equal(sequence_nll(twin, tokens), sequence_nll(generator, tokens))
    generator.trainable_variables[0].assign_add(tf.ones_like(generator.trainable_variables[0]))
    assert not np.allclose(sequence_nll(twin, tokens), sequence_nll(generator, tokens))


def test_dropout_is_keyed_and_keeps_the_mean() -> None:
    generator = make(Vocabulary(size=7), 6)
    tokens = sample(generator, 64, key(0, "x"))

    def dropped(name: str) -> Any:
        return generator.unroll(tokens, dropout=0.5, key=key(0, name))[0].numpy()

    np.testing.assert_array_equal(dropped("a"), dropped("a"))
    assert not np.array_equal(dropped("a"), dropped("b"))
    assert 0.4 < (dropped("a") == 0).mean() < 0.6
