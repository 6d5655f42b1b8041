"""`seqgan score`, from a file's lines to lines of scores, against the generator's forward pass over the same sequences."""

import tempfile
from pathlib import Path

import numpy as np
from measure import NUM, H, Machine, Row, T, V, first_call, main, next_token_work, seconds

from seqgan_cli.sampling.likelihood import sequence_nll


def rows(machine: Machine) -> list[Row]:
    from seqgan_cli.jobs.scored import score_lines

    from seqgan_cli.commands.score import tsv_lines
    from seqgan_cli.config.resolution import resolve
    from seqgan_cli.config.sections import GeneratorSettings
    from seqgan_cli.data.corpus import Corpus
    from seqgan_cli.data.text.records import texts_of
    from seqgan_cli.data.vocabulary import SPECIAL, Vocabulary
    from seqgan_cli.jobs.trained import Trained
    from seqgan_cli.models.generator import Generator
    from seqgan_cli.randomness import rng
    from seqgan_cli.runs.run import Run
    from seqgan_cli.sampling.choices import PLAIN

    vocabulary = Vocabulary([f"word{i}" for i in range(V - len(SPECIAL))])
    generator = Generator(vocabulary, T, GeneratorSettings(hidden_dim=H, embedding_dim=H))
    generator.initialise(rng(0, "benchmark"), 1.0)
    table = rng(0, "benchmark", "lines").integers(len(SPECIAL), V, (NUM, T), dtype=np.int32)
    table[:, -1] = 1
    config = resolve({"data.kind": "text"}, {"data.kind": "option"}, None, "paper")
    trained = Trained(Run(Path("none")), config, Corpus(table[:1], {}, vocabulary), generator, "")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "lines.txt")
        path.write_text("\n".join(" ".join(vocabulary.decode(row)) for row in table) + "\n", encoding="utf-8")

        def score() -> None:
            texts = (text for _, text in texts_of(path))
            with Path(folder, "scores.tsv").open("w", encoding="utf-8") as file:
                for line in tsv_lines(score_lines(trained, texts, PLAIN)):
                    file.write(line + "\n")

        compiling = first_call(lambda: sequence_nll(generator, table[:1]))
        pairs = [(seconds(lambda: sequence_nll(generator, table), 1, 0), seconds(score, 1, 0)) for _ in range(9)]
    forward, ours = (float(np.median(times)) for times in zip(*pairs, strict=True))
    ratio = float(np.median([both / alone for alone, both in pairs]))
    row = Row(f"seqgan score, {NUM:,} lines", ours, "s", None, machine.floor(*next_token_work(NUM * T)), compile=compiling)
    row.target, row.met = f"≤ 1.3 × its forward pass (here {ratio:.2f}×)", ratio <= 1.3
    row.note = f"nll alone, of lines of {T - 1} words; the forward pass alone, timed in turn, takes {forward * 1e3:.0f} ms"
    return [row]


if __name__ == "__main__":
    main(rows)
