"""What generators of several kinds come to with the same number of multiplications, on captions and on molecules.

    python benchmarks/generators.py molecules drugs.smi --out runs/generators
    python benchmarks/generators.py captions captions.txt --lines 10000 --out runs/generators
    python benchmarks/generators.py --table

Each is trained by `seqgan pretrain-g` for as many whole epochs as the budget of its data allows, by what its component says a
step costs; what is done is kept in --out and in the results, and a run that was stopped goes on. Scores are of the epoch that
the validation part finds best; of molecules `valid` is the share of samples at temperature 1 that RDKit reads.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from measure import ROOT, seconds, start_tensorflow

from seqgan_cli import files
from seqgan_cli.config import registry
from seqgan_cli.config.schema import written

RESULTS = ROOT / "docs" / "results" / "generators.json"
RATE = "pretrain-g.learning-rate"
RECURRENT = {"generator.embedding-dim": 64, "generator.hidden-dim": 192, RATE: 0.003}
ATTENTIVE = {"generator.cell": "transformer", RATE: 0.001}
KINDS: dict[str, dict[str, Any]] = {
    "LSTM": RECURRENT,
    "transformer, 2 blocks": {
        **ATTENTIVE, "generator.layers": 2, "generator.embedding-dim": 128, "generator.hidden-dim": 128
    },
    "LSTM, layer norm": {**RECURRENT, "generator.layer-norm": True},
    "LSTM, 2 layers": {**RECURRENT, "generator.layers": 2},
    "LSTM, tied": {**RECURRENT, "generator.embedding-dim": 192, "generator.tied": True},
    "LSTM, 2 layers, layer norm, residual": {
        **RECURRENT, "generator.layers": 2, "generator.layer-norm": True, "generator.residual": True
    },
    "GRU": {**RECURRENT, "generator.cell": "gru"},
    "transformer, 4 blocks": {**ATTENTIVE, "generator.layers": 4, "generator.embedding-dim": 96, "generator.hidden-dim": 96},
}
DATA: dict[str, dict[str, Any]] = {
    "molecules": {"data.tokenizer": "smiles", "pretrain-g.dropout": 0.1},
    "captions": {"pretrain-g.dropout": 0.4, "data.min-count": 2},
}
BUDGET = {"molecules": 2e12, "captions": 1e12}  # multiplications of one weight and one number, forwards
SAMPLES = 2000


def cost(settings: Any, vocab_size: int, length: int) -> int:
    """Multiplications a token."""
    section = settings.of(registry.generators)
    cell = int(registry.generators[section.cell].operations(section, length))
    return cell + section.hidden_dim * vocab_size


def train(data: Path, run: Path, values: dict[str, Any], epochs: int) -> None:
    """Until so many epochs are done, by the command that a user would give."""
    sets = [word for name, value in values.items() for word in ("--set", f"{name}={written(value)}")]
    command = [sys.executable, "-m", "seqgan_cli", "pretrain-g", "--data", str(data), "--run", str(run), "--quiet"]
    subprocess.run([*command, "--epochs", str(epochs), *sets, "--set", "evaluation.samples=500"], check=True)


def measured(run: Path, molecules: bool) -> dict[str, Any]:
    """The scores of the best epoch, and speeds."""
    import numpy as np

    from seqgan_cli.console import Console
    from seqgan_cli.jobs.trained import trained_of
    from seqgan_cli.jobs.written import sample_lines
    from seqgan_cli.randomness import key
    from seqgan_cli.runs.run import Run
    from seqgan_cli.sampling.likelihood import sequence_nll
    from seqgan_cli.sampling.sequences import rows_at_once, sample

    trained = trained_of(Run(run), "best", Console(quiet=True))
    generator, test = trained.generator, trained.corpus.test
    counted = trained.corpus.vocabulary.mask(test) & np.asarray(generator.uncertain(test))
    rows = rows_at_once(generator)
    sampling = seconds(lambda: sample(generator, rows, key(0, "speed")), repeats=3)
    found = {
        "nll_test": float(sequence_nll(generator, test).sum() / counted.sum()),
        "weights": sum(int(np.prod(weight.shape)) for weight in generator.trainable_variables),
        "best": trained.origin,
        "sequences_a_second": rows / sampling,
    }
    history = [row for row in Run(run).history.rows() if row.metric == "nll_train"]
    taken = [row.seconds for row in history]  # of an epoch, scores included
    found["tokens_a_second"] = float(trained.corpus.vocabulary.inside(trained.corpus.train).sum() / np.median(taken))
    found["minutes"] = sum(taken) / 60
    if molecules:
        from seqgan_cli.evaluation.metrics.molecules import molecule

        drawn = ((ids, 0) for ids in sample(generator, SAMPLES, key(0, "valid")))
        lines = list(sample_lines(trained, drawn, "line"))
        found["valid"] = sum(molecule(line) is not None for line in lines) / SAMPLES
        found["distinct"] = len(set(lines)) / SAMPLES
    return found


def table(results: dict[str, Any]) -> str:
    """Markdown, a part for each kind of data; what was not trained is not there."""
    parts = []
    for name, rows in results.items():
        lines = [
            f"{name}:\n",
            "| generator | weights | epochs | nll a token, test | valid | tokens/s, training | sequences/s, sampling |",
            "|---|---|---|---|---|---|---|",
        ]
        for kind, row in sorted(rows.items(), key=lambda item: item[1]["nll_test"]):
            valid = f"{100 * row['valid']:.0f} %" if "valid" in row else ""
            scores = f"{row['nll_test']:.3f} | {valid} | {row['tokens_a_second']:,.0f} | {row['sequences_a_second']:,.0f}"
            lines.append(f"| {kind} | {row['weights']:,} | {row['epochs']} | {scores} |")
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", choices=sorted(DATA))
    parser.add_argument("data", nargs="?", type=Path)
    parser.add_argument("--lines", type=int, default=0, help="use the first so many lines alone")
    parser.add_argument("--out", type=Path, default=Path("runs/generators"))
    parser.add_argument("--only", nargs="*", default=[*KINDS], choices=[*KINDS], metavar="GENERATOR")
    parser.add_argument("--budget", type=float, default=0.0, help="multiplications, where not as many as for the table")
    parser.add_argument("--anneal", type=int, default=0, metavar="N", help="train N epochs more at a sixth of the step size")
    parser.add_argument("--table", action="store_true", help="print what is known")
    asked = parser.parse_args()
    results = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    if asked.table:
        print(table(results))
        return
    if asked.data is None:
        parser.error("name the data and their file")
    start_tensorflow()
    from seqgan_cli.runs.run import Run

    asked.out.mkdir(parents=True, exist_ok=True)
    lines = asked.data.read_text(encoding="utf-8").splitlines(keepends=True)
    data = asked.out / f"{asked.what}.txt"
    data.write_text("".join(lines[: asked.lines or None]), encoding="utf-8")
    budget = asked.budget or BUDGET[asked.what]
    title = f"{asked.what}, {budget:g} multiplications"
    title += f" and {asked.anneal} epochs of a sixth of the step size" if asked.anneal else ""
    for kind in asked.only:
        if kind in results.get(title, {}):
            continue
        run, values = asked.out / f"{title} {kind}".replace(",", "").replace(" ", "-"), {**DATA[asked.what], **KINDS[kind]}
        if not (run / "config.json").exists():  # an epoch, after which the size of the data is known
            train(data, run, values, 1)
        corpus, settings = Run(run).corpus(), Run(run).config().settings
        tokens = len(corpus.train) * corpus.sequence_length
        epochs = max(2, round(budget / (tokens * cost(settings, corpus.vocabulary.size, corpus.sequence_length))))
        started = time.perf_counter()
        train(data, run, values, epochs)
        if asked.anneal:
            epochs += asked.anneal
            train(data, run, {**values, RATE: values[RATE] / 6}, epochs)
        found = {"epochs": epochs, "settings": values, **measured(run, asked.what == "molecules")}
        results = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
        results.setdefault(title, {})[kind] = found
        files.write(RESULTS, (json.dumps(results, indent=1) + "\n").encode())
        print(f"{title}, {kind}: {found} in {time.perf_counter() - started:.0f} s", flush=True)


if __name__ == "__main__":
    main()
