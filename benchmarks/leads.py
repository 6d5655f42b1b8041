"""What was tried: each way of doing a task beside the way in use, timed in turn in one run."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from measure import NUM, B, H, T, V, drawn, likelihood_step

from seqgan_cli.algorithms.discriminator import discriminator_loss

Pair = tuple[str, Callable[[], Any], Callable[[], Any]]


def ratio(other: Callable[[], Any], ours: Callable[[], Any], repeats: int = 15) -> tuple[float, float]:
    """(other / ours, ours in milliseconds): medians of runs in turn, after warm-up."""
    times: dict[bool, list[float]] = {True: [], False: []}
    for i in range(repeats + 2):
        for mine, work in ((False, other), (True, ours)):
            started = time.perf_counter()
            work()
            if i > 1:
                times[mine].append(time.perf_counter() - started)
    return float(np.median(times[False]) / np.median(times[True])), float(np.median(times[True])) * 1e3


def of_the_generator() -> list[Pair]:
    import tensorflow as tf

    from seqgan_cli.algorithms.mle import LikelihoodTraining
    from seqgan_cli.config.resolution import resolve
    from seqgan_cli.console import Console
    from seqgan_cli.models.softmax import draw_tokens, logits, weighted_nll
    from seqgan_cli.randomness import key

    settings = resolve({}, {}, None, "paper").settings
    corpus, oracle = drawn(settings)
    stage = LikelihoodTraining(settings, corpus, oracle, Console(quiet=True))
    generator, batch = stage.generator, corpus.train[:B]
    cell = [variable.value for variable in generator.trainable_variables][:4]
    outputs, head = tf.random.stateless_normal([B * T, H], [0, 1]), oracle.output_projection()
    tokens, weights = tf.reshape(tf.constant(batch), [-1]), tf.ones([B * T])

    def differentiated(loss: Callable, *arguments: Any, **how: Any) -> Callable[[], Any]:
        @tf.function(**how)
        def run() -> Any:
            with tf.GradientTape() as tape:
                tape.watch(arguments)
                value = loss(*arguments)
            return [tf.convert_to_tensor(gradient) for gradient in tape.gradient(value, arguments)]

        return lambda: run()[0].numpy()

    def their_loss(outputs: Any, head: Any) -> Any:
        return tf.reduce_sum(tf.nn.sparse_softmax_cross_entropy_with_logits(tokens, logits(outputs, head)))

    def our_loss(outputs: Any, head: Any) -> Any:
        return weighted_nll(outputs, head, tokens, weights)

    def unrolled(embeddings: Any, kernel: Any, recurrent: Any, bias: Any) -> Any:
        """Every step in the graph by itself, the inputs' product taken once for all."""
        columns = tf.transpose(tf.concat([tf.zeros([B, 1], tf.int32), batch[:, :-1]], axis=1))
        inputs = tf.reshape(tf.matmul(tf.reshape(tf.gather(embeddings, columns), [-1, H]), kernel) + bias, [T, B, 4 * H])
        h = c = tf.zeros([B, H])
        total = 0.0
        for t in range(T):
            i, f, g, o = tf.split(inputs[t] + tf.matmul(h, recurrent), 4, axis=1)
            c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
            h = tf.sigmoid(o) * tf.tanh(c)
            total += tf.reduce_sum(tf.square(h))
        return total

    theirs, ours = differentiated(their_loss, outputs, head), differentiated(our_loss, outputs, head)
    loop = tf.function(lambda: _gradients(tf, cell, lambda: tf.reduce_sum(tf.square(generator.unroll(batch)[0]))))
    table = tf.matmul(tf.concat([tf.random.stateless_normal([1024, H], [0, 2]), tf.ones([1024, 1])], axis=1), head)
    draws = tf.function(lambda: draw_tokens(table, key(0, "benchmark")))
    xla_draws = tf.function(lambda: draw_tokens(table, key(0, "benchmark")), jit_compile=True)
    gumbel = tf.function(lambda: tf.random.stateless_categorical(table, 1, key(0, "benchmark")))
    order = np.random.default_rng(0).permutation(NUM)
    keys = tf.zeros([stage.num_batches, 2], tf.int32)
    chosen = tf.constant(order[: stage.num_batches * B].reshape(-1, B))
    train = tf.constant(corpus.train)

    @tf.function
    def whole_epoch() -> Any:
        total = tf.constant(0.0)
        for i in tf.range(stage.num_batches):
            total += likelihood_step(stage, tf.gather(train, chosen[i]), keys[i])[0]
        return total

    pipeline = tf.data.Dataset.from_tensor_slices(corpus.train).shuffle(NUM).batch(B, drop_remainder=True).prefetch(2)

    def from_pipeline() -> None:
        for tokens in pipeline:
            likelihood_step(stage, tokens, keys[0])

    return [
        ("sparse_softmax_cross_entropy_with_logits, 1,280 tokens, with gradients", theirs, ours),
        ("LSTM over 20 steps: unrolled in the graph", differentiated(unrolled, *cell), lambda: loop()[3].numpy()),
        ("the same, compiled by XLA", differentiated(unrolled, *cell, jit_compile=True), lambda: loop()[3].numpy()),
        ("tf.random.stateless_categorical, 1,024 rows", lambda: gumbel().numpy(), lambda: draws().numpy()),
        ("our draw compiled by XLA", lambda: xla_draws().numpy(), lambda: draws().numpy()),
        ("an MLE epoch in one compiled loop", lambda: whole_epoch().numpy(), lambda: stage.epoch(1, lambda _: None)),
        ("an MLE epoch from tf.data", from_pipeline, lambda: stage.epoch(1, lambda _: None)),
    ]


def _gradients(tf: Any, weights: list, loss: Callable) -> list:
    with tf.GradientTape() as tape:
        value = loss()
    return tape.gradient(value, weights)


def of_the_discriminator() -> list[Pair]:
    import keras
    import tensorflow as tf

    from seqgan_cli.data.vocabulary import Vocabulary
    from seqgan_cli.models.discriminator import Discriminator
    from seqgan_cli.models.discriminators import base as module
    from seqgan_cli.models.discriminators.convolutional import ConvolutionalSettings
    from seqgan_cli.randomness import key, rng
    from seqgan_cli.training.optimizers import Adam, apply_gradients

    tokens = rng(0, "benchmark").integers(0, V, (B, T)).astype(np.int32)
    labels = np.repeat(np.array([1.0, 0.0], np.float32), B // 2)
    ours_max, dropout_key = module.max_over_time, key(0, "benchmark")

    def step(precision: str = "float32", over_time: Callable = ours_max, adam: str = "ours", **how: Any) -> Callable[[], Any]:
        """A discriminator step with some part of it done another way."""
        discriminator = Discriminator(Vocabulary(size=V), T, ConvolutionalSettings(precision=precision))
        discriminator.initialise(rng(0, "discriminator"))
        optimizer = Adam(discriminator.trainable_variables, 1e-4)
        theirs = keras.optimizers.Adam(1e-4)
        theirs.build(discriminator.trainable_variables)

        @tf.function(**how)
        def run() -> Any:
            module.max_over_time = over_time
            with tf.GradientTape() as tape:
                loss = discriminator_loss(discriminator, tokens, labels, dropout_key)
            if adam == "keras":
                gradients = tape.gradient(loss, optimizer.weights)
                theirs.apply_gradients(zip(gradients, discriminator.trainable_variables, strict=True))
            elif adam == "ours":
                apply_gradients(optimizer, tape, loss)
            else:
                return sum(tf.reduce_max(tf.convert_to_tensor(gradient)) for gradient in tape.gradient(loss, optimizer.weights))
            return loss

        return lambda: run().numpy()

    def plain(embedded: Any, kernel: Any) -> Any:
        return tf.reduce_max(tf.nn.conv1d(embedded, kernel, 1, "VALID"), axis=1)

    def relu_first(embedded: Any, kernel: Any) -> Any:
        return tf.reduce_max(tf.nn.relu(tf.nn.conv1d(embedded, kernel, 1, "VALID") + 0.1), axis=1)

    def by_windows(embedded: Any, kernel: Any) -> Any:
        width, _, number = kernel.shape
        windows = tf.gather(embedded, np.arange(T - width + 1)[:, None] + np.arange(width), axis=1)
        responses = tf.matmul(tf.reshape(windows, [B * (T - width + 1), -1]), tf.reshape(kernel, [-1, number]))
        return tf.reduce_max(tf.reshape(responses, [B, -1, number]), axis=1)

    ours, rough = step(), step("bfloat16")
    return [
        ("d-step without any update", step(adam="none"), ours),
        ("d-step with keras.optimizers.Adam", step(adam="keras"), ours),
        ("d-step with conv1d's and reduce_max's own gradients", step(over_time=plain), ours),
        ("the same with bias and ReLU before the maximum", step(over_time=relu_first), ours),
        ("d-step with gathered windows and products instead of convolutions", step(over_time=by_windows), ours),
        ("d-step compiled by XLA", step(over_time=plain, jit_compile=True), ours),
        ("d-step in bfloat16 with conv1d's and reduce_max's own gradients", step("bfloat16", plain), rough),
        ("d-step in float32 against bfloat16", ours, rough),
    ]


def main() -> None:
    from seqgan_cli.training.backend import start_tensorflow

    start_tensorflow()
    print("| the other way | its time over ours | ours |\n|---|---|---|")
    for pairs in (of_the_generator, of_the_discriminator):
        for name, other, ours in pairs():
            slower, milliseconds = ratio(other, ours, 3 if "epoch" in name else 15)
            print(f"| {name} | {slower:.2f} | {milliseconds:.1f} ms |", flush=True)


if __name__ == "__main__":
    main()
