"""The discriminator against its literal definition, and on a task it must solve."""

import numpy as np
import pytest
import tensorflow as tf

import reference
from seqgan_cli.algorithms.discriminator import discriminator_loss
from seqgan_cli.data.vocabulary import Vocabulary
from seqgan_cli.evaluation.logits import scores
from seqgan_cli.models.discriminator import Discriminator
from seqgan_cli.models.discriminators.convolutional import ConvolutionalSettings, max_over_time
from seqgan_cli.randomness import key, rng
from seqgan_cli.training.optimizers import Adam, apply_gradients


def make(filters: str = "1:3,2:2,4:2", length: int = 5, **settings: float | str) -> Discriminator:
    chosen = ConvolutionalSettings(embedding_dim=4, filters=filters, **settings)  # type: ignore[arg-type]
    discriminator = Discriminator(Vocabulary(size=9), length, chosen)
    discriminator.initialise(rng(0, "test"))
    return discriminator


@pytest.mark.parametrize("length", [4, 5, 8])
def test_logit_equals_the_literal_definition(length: int) -> None:
    discriminator = make(length=length)
    tokens = rng(1, "tokens").integers(0, 9, (6, length)).astype(np.int32)
    expected = [
        reference.discriminator_logit(
            row,
            discriminator.embedding.numpy(),
            [kernel.numpy() for kernel in discriminator.extractor.kernels],
            discriminator.extractor.conv_bias.numpy(),
            discriminator.extractor.highway_kernel.numpy(),
            discriminator.extractor.highway_bias.numpy(),
            discriminator.output_kernel.numpy(),
            discriminator.output_bias.numpy(),
        )
        for row in tokens.tolist()
    ]
    np.testing.assert_allclose(discriminator(tokens), expected, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(scores(discriminator, tokens, rows=4), reference.sigmoid(np.array(expected)), rtol=1e-4)


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("width", [1, 3, 4, 7])
def test_max_over_time_and_its_gradient_equal_the_literal_ones(width: int, compiled: bool) -> None:
    """Narrow and wide windows, whose gradients are computed differently; one sequence repeats itself, so that windows tie."""
    draw = rng(0, "windows")
    embedded, kernel = draw.normal(size=(3, 7, 2)).astype(np.float32), draw.normal(size=(width, 2, 5)).astype(np.float32)
    embedded[1] = embedded[1, 0]
    upstream = draw.normal(size=(3, 5)).astype(np.float32)

    def run(embedded: tf.Tensor, kernel: tf.Tensor) -> tuple:
        with tf.GradientTape() as tape:
            tape.watch([embedded, kernel])
            largest = max_over_time(embedded, kernel)
        return largest, *tape.gradient(largest, [embedded, kernel], output_gradients=tf.constant(upstream))

    results = (tf.function(run) if compiled else run)(tf.constant(embedded), tf.constant(kernel))
    literal = [reference.max_over_time(e, kernel, u) for e, u in zip(embedded, upstream, strict=True)]
    np.testing.assert_allclose(results[0], [largest for largest, _, _ in literal], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(results[1], [by_embedded for _, by_embedded, _ in literal], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(results[2], sum(by_kernel for _, _, by_kernel in literal), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("dtype", [tf.float32, tf.bfloat16])
def test_the_gradient_of_the_maximum_needs_no_known_length(dtype: tf.DType) -> None:
    draw = rng(0, "windows")
    embedded, kernel = tf.cast(draw.normal(size=(3, 7, 2)), dtype), tf.cast(draw.normal(size=(5, 2, 4)), dtype)

    def gradients(embedded: tf.Tensor) -> list:
        with tf.GradientTape() as tape:
            tape.watch([embedded, kernel])
            largest = max_over_time(embedded, kernel)
        return tape.gradient(largest, [embedded, kernel])

    unknown = tf.function(gradients, input_signature=[tf.TensorSpec([None, None, 2], dtype)])
    for found, expected in zip(unknown(embedded), gradients(embedded), strict=True):
        np.testing.assert_allclose(tf.cast(found, tf.float32), tf.cast(expected, tf.float32), rtol=0.02, atol=0.02)


@pytest.mark.parametrize("low", ["bfloat16", "float16"])
def test_low_precision_is_near_float32_and_its_weights_stay_float32(low: str) -> None:
    """bfloat16 keeps 8 bits of a number, so logits agree to a hundredth; gradients less, where another response is largest."""
    tokens = rng(1, "tokens").integers(0, 9, (64, 5)).astype(np.int32)
    labels = (np.arange(64) % 2).astype(np.float32)
    logits, gradients = {}, {}
    for precision in ("float32", low):
        discriminator = make("1:30,2:20,4:20", precision=precision, dropout=0.0)
        assert {str(weight.dtype) for weight in discriminator.trainable_variables} == {"float32"}
        logits[precision] = discriminator(tokens).numpy()
        weights = [weight.value for weight in discriminator.trainable_variables]
        with tf.GradientTape() as tape:
            loss = discriminator_loss(discriminator, tokens, labels, None)
        gradients[precision] = [tf.convert_to_tensor(g).numpy() for g in tape.gradient(loss, weights)]
    assert logits[low].dtype == np.float32
    assert not np.array_equal(logits[low], logits["float32"])
    np.testing.assert_allclose(logits[low], logits["float32"], atol=0.02 * np.abs(logits["float32"]).max())
    for rough, exact in zip(gradients[low], gradients["float32"], strict=True):
        assert np.linalg.norm(rough - exact) < 0.25 * np.linalg.norm(exact)


def test_gradients_too_small_for_float16_are_not_lost() -> None:
    """Those of a loss of which a ten-thousandth is taken: without the scale most of them would be 0."""
    tokens = rng(1, "tokens").integers(0, 9, (64, 5)).astype(np.int32)
    labels = (np.arange(64) % 2).astype(np.float32)
    found = {}
    for precision in ("float32", "float16"):
        discriminator = make("1:30,2:20,4:20", precision=precision, dropout=0.0)
        with tf.GradientTape() as tape:
            loss = 1e-4 * discriminator_loss(discriminator, tokens, labels, None)
        kernels = [kernel.value for kernel in discriminator.extractor.kernels]
        found[precision] = [g.numpy() for g in tape.gradient(loss, kernels)]
    for rough, exact in zip(found["float16"], found["float32"], strict=True):
        assert 0 < np.abs(exact).max() < 1e-6  # and float16 rounds by steps of 6e-8 here
        assert np.linalg.norm(rough - exact) < 0.1 * np.linalg.norm(exact)


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
@pytest.mark.parametrize("filters", ["1:3", "5:2", "1:3,2:2,4:2"])
def test_completions_cost_less_and_score_the_same(precision: str, filters: str) -> None:
    discriminator = make(filters, precision=precision)
    draw = rng(1, "tokens")
    tokens = draw.integers(0, 9, (3, 5)).astype(np.int32)
    source_ids = np.array([0, 0, 1, 2, 2, 2, 0], np.int32)
    continuations = draw.integers(0, 9, (4, 7, 5)).astype(np.int32)
    for t in range(1, 5):
        continuations[t - 1, :, :t] = tokens[source_ids, :t]
    logits = discriminator.score_continuations(tokens, source_ids, continuations).numpy()
    whole = discriminator(continuations.reshape(28, 5)).numpy().reshape(4, 7)
    np.testing.assert_allclose(logits, whole, rtol=1e-5 if precision == "float32" else 2e-2, atol=1e-5)
    assert np.ptp(whole) > 0.001


def test_paper_setting_has_the_papers_features() -> None:
    discriminator = Discriminator(Vocabulary(size=9), 20, ConvolutionalSettings())
    assert discriminator.num_features == 1720
    assert [tuple(kernel.shape) for kernel in discriminator.extractor.kernels][-1] == (20, 64, 160)


def test_dropout_only_where_a_key_is_given() -> None:
    discriminator = make(dropout=0.5)
    tokens = rng(1, "tokens").integers(0, 9, (50, 5)).astype(np.int32)
    np.testing.assert_array_equal(discriminator(tokens), discriminator(tokens))
    a, again, b = (discriminator(tokens, dropout_key=key(0, name)).numpy() for name in "aab")
    np.testing.assert_array_equal(a, again)
    assert not np.array_equal(a, b)
    assert not np.array_equal(a, discriminator(tokens))


def test_l2_is_the_released_programs_on_two_columns() -> None:
    """0.2 · ½ (‖w₁‖² + ‖w₂‖²) with w₁ = -w₂ = w/2, the least pair of columns whose difference is w."""
    with_l2, without = make(l2=0.2, dropout=0.0), make(l2=0.0, dropout=0.0)
    tokens, labels = np.zeros((2, 5), np.int32), np.array([1.0, 0.0], np.float32)
    w = with_l2.output_kernel.numpy()
    penalty = discriminator_loss(with_l2, tokens, labels, None) - discriminator_loss(without, tokens, labels, None)
    np.testing.assert_allclose(penalty, 0.2 * 0.5 * 2 * ((w / 2) ** 2).sum(), rtol=1e-3)
    np.testing.assert_allclose(penalty, 0.05 * (w**2).sum(), rtol=1e-3)


def test_cross_entropy_by_hand() -> None:
    discriminator = make(l2=0.0, dropout=0.0)
    tokens = rng(1, "tokens").integers(0, 9, (4, 5)).astype(np.int32)
    labels = np.array([1.0, 0.0, 0.0, 1.0], np.float32)
    p = scores(discriminator, tokens).astype(np.float64)
    expected = -np.mean(labels * np.log(p) + (1 - labels) * np.log(1 - p))
    np.testing.assert_allclose(discriminator_loss(discriminator, tokens, labels, None), expected, rtol=1e-4)


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("length", [5, 8])
def test_cross_entropy_and_its_gradients_equal_the_literal_ones(length: int, compiled: bool) -> None:
    discriminator = make("1:3,2:2,4:2,5:2", length, l2=0.0, dropout=0.0)
    draw = rng(1, "case")
    for weight in discriminator.trainable_variables:  # no two biases alike
        weight.assign_add(draw.normal(0.0, 0.3, weight.shape))
    discriminator.extractor.conv_bias.assign_add(tf.fill([9], -0.5))  # ReLU stops some features
    tokens = draw.integers(0, 9, (12, length)).astype(np.int32)
    labels = (np.arange(12) % 3 == 0).astype(np.float32)

    def run(tokens: tf.Tensor, labels: tf.Tensor) -> tuple:
        with tf.GradientTape() as tape:
            loss = discriminator_loss(discriminator, tokens, labels, None)
        gradients = tape.gradient(loss, [weight.value for weight in discriminator.trainable_variables])
        return loss, *map(tf.convert_to_tensor, gradients)

    loss, *gradients = (tf.function(run) if compiled else run)(tf.constant(tokens), tf.constant(labels))
    embedding, *kernels, conv_bias, highway_kernel, highway_bias, output_kernel, output_bias = (
        weight.numpy() for weight in discriminator.trainable_variables
    )
    rest = (embedding, kernels, conv_bias, highway_kernel, highway_bias, output_kernel, output_bias)
    literal = [reference.discriminator_gradients(row, y, *rest) for row, y in zip(tokens.tolist(), labels, strict=True)]
    np.testing.assert_allclose(loss, np.mean([entropy for entropy, _ in literal]), rtol=1e-5)
    for gradient, *expected in zip(gradients, *(by_weights for _, by_weights in literal), strict=True):
        np.testing.assert_allclose(gradient, np.mean(expected, axis=0), rtol=1e-4, atol=1e-6)
        assert np.abs(gradient).max() > 0.001
    stopped = np.array([by_weights[5] == 0 for _, by_weights in literal])  # the gradient of a convolution's bias
    assert 0.1 < stopped.mean() < 0.9


def test_separates_an_easy_task_on_unseen_sequences() -> None:
    """Real sequences hold the bigram 3 4; the others never do."""
    draw = rng(0, "task")
    tokens = draw.integers(0, 9, (800, 5)).astype(np.int32)
    tokens[tokens == 4] = 5
    labels = (np.arange(800) % 2).astype(np.float32)
    starts = draw.integers(0, 4, 800)
    real = labels == 1
    tokens[real, starts[real]] = 3
    tokens[real, starts[real] + 1] = 4
    discriminator = make(filters="1:8,2:8", dropout=0.25)
    optimizer = Adam(discriminator.trainable_variables, 0.01)

    @tf.function
    def step(batch: tf.Tensor, truth: tf.Tensor, dropout_key: tf.Tensor) -> None:
        with tf.GradientTape() as tape:
            loss = discriminator_loss(discriminator, batch, truth, dropout_key)
        apply_gradients(optimizer, tape, loss)

    for i in range(150):
        chosen = draw.permutation(600)[:64]
        step(tf.constant(tokens[chosen]), tf.constant(labels[chosen]), tf.constant(key(0, "dropout", i)))
    assert ((scores(discriminator, tokens[600:]) > 0.5) == real[600:]).mean() > 0.95
