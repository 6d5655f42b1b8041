"""The two evaluations at full size, after start-up: `eval-nll --samples 100000`, BLEU-2…5, and BLEU as a reward."""

import numpy as np
from measure import NUM, B, Machine, N, Row, T, drawn, main, next_token_work, seconds

from seqgan_cli.sampling.likelihood import sequence_nll
from seqgan_cli.sampling.sequences import sample

SAMPLES, HELDOUT = 100_000, 10_000


def rows(machine: Machine) -> list[Row]:
    from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu

    from seqgan_cli.config.resolution import resolve
    from seqgan_cli.evaluation.generators import data_figures, likelihoods
    from seqgan_cli.evaluation.metrics import bleu
    from seqgan_cli.evaluation.real import bleu_scores
    from seqgan_cli.randomness import key, rng

    settings = resolve({}, {}, None, "paper").settings
    corpus, oracle = drawn(settings)
    sample(oracle, 1, key(0, "benchmark"))
    sequence_nll(oracle, corpus.train[:1])

    def eval_nll() -> None:
        data_figures(corpus, oracle, 0)
        likelihoods(oracle, corpus, oracle, SAMPLES, key(0, "benchmark"))

    ours = seconds(eval_nll, 1, 0)
    # Sampled and scored by the oracle; held-out, training and uniform sequences and the oracle's own scored too.
    tokens = (2 * SAMPLES + 4 * HELDOUT) * T
    nll = Row("eval-nll --samples 100000", ours, "s", None, machine.floor(*next_token_work(tokens)), "≤ 20 s", ours <= 20.0)

    # Sentences whose words have a language's frequencies (Zipf's law), so that n-grams do match.
    words = np.minimum(rng(0, "benchmark", "bleu").zipf(1.3, (2, 2 * NUM, T)), 5000)
    lengths = np.full(2 * NUM, T)
    sentences, references = (words[0, :NUM], lengths[:NUM]), (words[1, :NUM], lengths[:NUM])
    weights = [(1.0 / n,) * n for n in (2, 3, 4, 5)]
    ours = seconds(lambda: bleu_scores(sentences, references, weights, "method1"))
    few, smoothing = 1, SmoothingFunction().method1
    hypotheses, all_references = sentences[0].tolist(), references[0].tolist()

    def nltk() -> list:
        return [sentence_bleu(all_references, h, w, smoothing_function=smoothing) for h in hypotheses[:few] for w in weights]

    literal = seconds(nltk, 1, 0) * NUM / few
    note = f"the literal loop is NLTK's sentence_bleu, timed on {few} sentence and scaled"
    scored = Row("eval-bleu, 10,000 × 10,000, BLEU-2…5", ours, "s", literal, None, "≤ 1.5 s", ours <= 1.5, note=note)

    rollouts = B * N * (T - 1) + B
    table = bleu.References(*references, 4)

    def reward() -> None:
        bleu.scores(table.match(words[0, :rollouts], lengths[:rollouts]), weights[2], "method1")

    ours = seconds(reward)
    literal = rollouts * seconds(
        lambda: sentence_bleu(all_references, hypotheses[0], weights[2], smoothing_function=smoothing), 1, 0
    )
    rewarded = Row(
        f"BLEU-4 of {rollouts:,} rollouts, 10,000 references", ours, "s", literal, None, "≤ 0.6 s", ours <= 0.6, note=note
    )
    return [nll, scored, rewarded]


if __name__ == "__main__":
    main(rows)
