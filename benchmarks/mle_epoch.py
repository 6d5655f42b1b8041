"""One epoch of teacher forcing: 156 steps of 64 sequences, optimizer included, scores not."""

import numpy as np
from measure import NUM, B, H, Machine, Row, T, V, drawn, first_call, generator_weights, main, seconds


def rows(machine: Machine) -> list[Row]:
    import reference
    from seqgan_cli.algorithms.mle import LikelihoodTraining
    from seqgan_cli.config.resolution import resolve
    from seqgan_cli.console import Console

    settings = resolve({}, {}, None, "paper").settings
    corpus, oracle = drawn(settings)
    stage = LikelihoodTraining(settings, corpus, oracle, Console(quiet=True))
    compiling = first_call(lambda: stage.epoch(1, lambda _: None))
    # The first epoch compiles steps in full groups and in the last one.
    ours = seconds(lambda: stage.epoch(1, lambda _: None), 3)
    tokens = stage.num_batches * B * T
    # Forward, and twice that backward; the logits written, scaled by the softmax (read, written) and read by two products.
    operations = tokens * 3.0 * (2 * (H + H) * 4 * H + 2 * H * V)
    weights = sum(int(np.prod(variable.shape)) for variable in stage.generator.trainable_variables)
    floor = machine.floor(operations, tokens * 5.0 * 4 * V + stage.num_batches * 7.0 * 4 * weights)
    few, literal_weights = 4, generator_weights(stage.generator)
    one = seconds(
        lambda: [reference.weighted_nll_gradients(literal_weights, row, [1.0] * T) for row in corpus.train[:few].tolist()], 3
    )
    note = f"literal loop timed on {few} sequences and scaled to {NUM}"
    return [Row("one MLE epoch", ours, "s", one * NUM / few, floor, "≤ 2.8 s", ours <= 2.8, compiling, note)]


if __name__ == "__main__":
    main(rows)
