"""Sampling 10,000 sequences from the generator, and scoring as many under the oracle."""

import numpy as np
from measure import NUM, H, Machine, Row, T, V, drawn, first_call, generator_weights, main, next_token_work, seconds

from seqgan_cli.sampling.likelihood import sequence_nll
from seqgan_cli.sampling.sequences import sample


def rows(machine: Machine) -> list[Row]:
    import reference
    from seqgan_cli.config.resolution import resolve
    from seqgan_cli.randomness import key

    _, oracle = drawn(resolve({}, {}, None, "paper").settings)
    floor = machine.floor(*next_token_work(NUM * T))
    compiling = first_call(lambda: sample(oracle, 1, key(0, "benchmark")))
    ours = seconds(lambda: sample(oracle, NUM, key(0, "benchmark")))
    weights, draw, few = generator_weights(oracle), np.random.default_rng(0), 10
    literal = seconds(lambda: [reference.sample_sequence(weights, T, draw.random(T)) for _ in range(few)], 3) * NUM / few
    sampling = Row("sample 10,000 sequences", ours, "s", literal, floor, "≤ 1.3 s", ours <= 1.3, compiling)

    tokens = sample(oracle, NUM, key(1, "benchmark"))
    compiling = first_call(lambda: sequence_nll(oracle, tokens[:1]))
    ours = seconds(lambda: sequence_nll(oracle, tokens))
    literal = seconds(lambda: [reference.sequence_nll(weights, row) for row in tokens[:few].tolist()], 3) * NUM / few
    scoring = Row("score 10,000 sequences (oracle NLL)", ours, "s", literal, floor, compile=compiling)
    note = f"literal loop timed on {few} sequences of {T} tokens (V {V}, H {H}) and scaled"
    sampling.note = scoring.note = note
    return [sampling, scoring]


if __name__ == "__main__":
    main(rows)
