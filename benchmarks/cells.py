"""What an attention generator costs against the LSTM, at the paper's sizes: both in turn, medians, and their ratio."""

import statistics
import time
from collections.abc import Callable
from typing import Any

from measure import B, N, T, V, start_tensorflow

from seqgan_cli.sampling.likelihood import sequence_nll
from seqgan_cli.sampling.sequences import sample


def works(cell: str) -> dict[str, Callable[[], Any]]:
    import tensorflow as tf

    from seqgan_cli.algorithms.mle import likelihood_loss
    from seqgan_cli.algorithms.rollout import NetworkPolicy
    from seqgan_cli.config.sections import GeneratorSettings
    from seqgan_cli.data.vocabulary import Vocabulary
    from seqgan_cli.models.generator import Generator
    from seqgan_cli.randomness import key, rng
    from seqgan_cli.training.optimizers import Adam, apply_gradients

    generator = Generator(Vocabulary(size=V), T, GeneratorSettings(cell=cell))
    generator.initialise(rng(0, "generator"))
    optimizer, policy = Adam(generator.trainable_variables, 0.01), NetworkPolicy(generator)
    tokens = tf.constant(rng(0, "tokens").integers(0, V, (B, T)), tf.int32)

    @tf.function(autograph=False)
    def step() -> Any:
        with tf.GradientTape() as tape:
            loss = likelihood_loss(generator, tokens)
        return apply_gradients(optimizer, tape, loss, 5.0)

    repeated = tf.repeat(tokens, N // 8, axis=0)
    rollout = tf.function(lambda: policy.sample_continuations(repeated, key(0, "rollout")), autograph=False)
    return {
        "a step of maximum likelihood": lambda: step().numpy(),
        "sample 2,000 sequences": lambda: sample(generator, 2000, key(0, "sample")),
        f"roll {B} sequences out {N // 8} times": lambda: rollout().numpy(),
        "score 2,000 sequences": lambda: sequence_nll(generator, rng(0, "scored").integers(0, V, (2000, T)).astype("int32")),
    }


def main() -> None:
    start_tensorflow()
    lstm, attention = works("lstm"), works("attention")
    print("| task | LSTM | attention | ratio |\n|---|---|---|---|")
    for name in lstm:
        times: tuple[list[float], list[float]] = ([], [])
        for i in range(8):
            for work, taken in zip((lstm[name], attention[name]), times, strict=True):
                started = time.perf_counter()
                work()
                if i:  # the first compiles
                    taken.append(time.perf_counter() - started)
        one, other = map(statistics.median, times)
        print(f"| {name} | {1e3 * one:.1f} ms | {1e3 * other:.1f} ms | {other / one:.2f} |", flush=True)


if __name__ == "__main__":
    main()
