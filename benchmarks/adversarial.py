"""The parts of an adversarial round and the round (1, 5, 3) they make, in both precisions."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from measure import (
    NUM,
    B,
    H,
    Machine,
    N,
    Row,
    T,
    V,
    discriminator_sizes,
    drawn,
    first_call,
    generator_weights,
    main,
    next_token_work,
    seconds,
)

from seqgan_cli.sampling.sequences import sample

G_STEPS, D_STEPS, K = 1, 5, 3


def d_step_floor(machine: Machine, discriminator: Any, precision: str) -> float:
    """Forward and backward of 64 sequences, Adam, and the weights and responses on their way.

    Weights: read forward and backward, their gradient written (three passes), and Adam's read of weight, gradient and two
    moments and write of three (seven). Responses: written, read by the maximum, and the same for their gradient.
    """
    convolutions, highway, weights = discriminator_sizes(discriminator)
    responses = sum((T - width + 1) * number for width, number in discriminator.extractor.filters)
    moved = 10.0 * 4 * weights + 4.0 * 4 * B * responses
    return machine.floor(3.0 * B * (convolutions + highway), moved, precision)


def rewards_floor(machine: Machine, discriminator: Any, precision: str) -> float:
    """A g-step's rewards, each window inside a shared prefix convolved once for a sequence and not for each rollout."""
    convolutions, highway, _ = discriminator_sizes(discriminator)
    embedding_dim = discriminator.settings.embedding_dim
    reaching = sum(
        2.0 * min(T - width + 1, T - t) * width * embedding_dim * number
        for t in range(1, T)
        for width, number in discriminator.extractor.filters
    )
    return machine.floor(B * N * (reaching + (T - 1) * highway) + B * (convolutions + highway), 0.0, precision)


def rollouts_floor(machine: Machine) -> float:
    """Every rollout's tokens after its prefix: recurrence, logits, one write and one read of the logits."""
    drawn_tokens = B * N * T * (T - 1) // 2
    return machine.floor(drawn_tokens * (2.0 * (H + H) * 4 * H + 2.0 * H * V), drawn_tokens * 2.0 * 4 * V)


@dataclass
class Parts:
    """Seconds of what a round is made of."""

    stage: Any
    d_step: float
    d_first: float
    g_step: float
    g_first: float
    negatives: float

    @property
    def whole(self) -> float:
        epochs = D_STEPS * K * self.stage.trainer.num_batches
        return G_STEPS * self.g_step + D_STEPS * self.negatives + epochs * self.d_step

    @property
    def fast(self) -> float:
        """A round of `--preset fast`."""
        from seqgan_cli.config.resolution import resolve

        cfg = resolve({}, {}, None, "fast").settings.adversarial
        share = cfg.d_samples / NUM  # of an epoch's steps, and of its negatives
        steps = cfg.k * share * self.stage.trainer.num_batches
        return cfg.g_steps * self.g_step + cfg.d_steps * (share * self.negatives + steps * self.d_step)


def parts(precision: str) -> Parts:
    """Ours, timed in that precision."""
    from seqgan_cli.algorithms.adversarial import AdversarialTraining
    from seqgan_cli.config.resolution import explicit, resolve
    from seqgan_cli.console import Console
    from seqgan_cli.models.generator import Generator
    from seqgan_cli.randomness import key, rng
    from seqgan_cli.training.optimizers import STEPS_AT_ONCE

    settings = resolve(*explicit({"discriminator.precision": precision}, (), None), None, "paper").settings
    corpus, oracle = drawn(settings)
    generator = Generator(corpus.vocabulary, T, settings.generator)
    generator.initialise(rng(0, "generator"))
    stage = AdversarialTraining(settings, corpus, oracle, generator, Console(quiet=True))
    tokens = corpus.train[: STEPS_AT_ONCE * B].reshape(STEPS_AT_ONCE, B, T)
    labels = np.tile(np.repeat(np.array([1.0, 0.0], np.float32), B // 2), (STEPS_AT_ONCE, 1))
    dropout_keys = np.stack([key(0, "benchmark", i) for i in range(STEPS_AT_ONCE)])

    def d_steps() -> None:
        stage.trainer._steps(tokens, labels, dropout_keys).numpy()

    def g_step() -> None:
        stage.algorithm.g_step(1, 0)

    d_first, g_first = first_call(d_steps), first_call(g_step)
    negatives = seconds(lambda: sample(generator, NUM, key(0, "benchmark")), 3)
    return Parts(stage, seconds(d_steps, 9, 1) / STEPS_AT_ONCE, d_first, seconds(g_step, 3, 0), g_first, negatives)


def literal(stage: Any) -> tuple[float, float, float]:
    """Seconds of a discriminator step, a g-step and a round by the literal loops, scaled from one sequence."""
    import reference

    weights = [variable.numpy().astype(np.float64) for variable in stage.trainer.discriminator.trainable_variables]
    discriminator = (weights[0], weights[1:-5], *weights[-5:])
    generator, draw = generator_weights(stage.generator), np.random.default_rng(0)
    row = stage.corpus.train[0].tolist()
    d_step = B * seconds(lambda: reference.discriminator_gradients(row, 1.0, *discriminator), 1, 0)
    reward = seconds(lambda: reference.discriminator_logit(row, *discriminator), 1, 0)
    rollouts = seconds(lambda: reference.action_values(generator, row, 1, lambda _: 0.0, draw), 1, 0)
    g_step = B * N * (rollouts + (T - 1) * reward)
    return d_step, g_step, G_STEPS * g_step + D_STEPS * K * stage.trainer.num_batches * d_step


def rows(machine: Machine) -> list[Row]:
    exact, rough = parts("float32"), parts("bfloat16")
    by_literal = literal(exact.stage)
    table = []
    for found, precision in ((exact, "float32"), (rough, "bfloat16")):
        trainer = found.stage.trainer
        d_floor = d_step_floor(machine, trainer.discriminator, precision)
        g_floor = rollouts_floor(machine) + rewards_floor(machine, trainer.discriminator, precision)
        floor = G_STEPS * g_floor + D_STEPS * (machine.floor(*next_token_work(NUM * T)) + K * trainer.num_batches * d_floor)
        d_step = Row(f"one discriminator step, {precision}", found.d_step, floor=d_floor, compile=found.d_first)
        g_step = Row(f"one g-step, {precision}", found.g_step, floor=g_floor, compile=found.g_first)
        whole = Row(f"an adversarial round (1, 5, 3), {precision}", found.whole, floor=floor)
        fast = Row(f"a round of --preset fast, {precision}", found.fast)
        table += [d_step, g_step, whole, fast]
        if found is exact:
            d_step.literal, g_step.literal, whole.literal = by_literal
            d_step.target, d_step.met = "≤ 1.15 × floor", found.d_step <= 1.15 * d_floor
            g_step.target, g_step.met = "≤ 1.2 × floor", found.g_step <= 1.2 * g_floor
            d_step.note = "literal loop timed on one sequence and scaled to 64"
            g_step.note = "literal loop timed on one rollout of every prefix of one sequence, and one reward, and scaled"
            draws = f"{D_STEPS} draws of {NUM} negatives with {K} epochs on each, and a g-step; scores not"
            whole.note = f"put together from its parts: {draws}"
        else:
            ratio = exact.whole / found.whole
            whole.target, whole.met = f"1.3× float32 (here {ratio:.2f}×)", ratio >= 1.3
    return table


if __name__ == "__main__":
    main(rows)
