"""`seqgan train`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seqgan_cli import files
from seqgan_cli.commands.adversarial import REWARD
from seqgan_cli.config.settings import STAGES
from seqgan_cli.jobs.options import DATA, KINDS, GroupedCommand, common_options, setting_options
from seqgan_cli.runs.generators import generator_checkpoint, is_left_behind, read_generator

if TYPE_CHECKING:
    from seqgan_cli.evaluation.generators import Likelihoods
    from seqgan_cli.jobs.job import Job

COUNTS = {
    "--epochs": "pretrain-g.epochs",
    "--d-steps": "pretrain-d.d-steps",
    "--rounds": "adversarial.rounds",
    "--precision": "discriminator.precision",
}
VECTORS = {"--embeddings": "generator.embeddings", "--discriminator-embeddings": "discriminator.embeddings"}
OWN = ("--reward", "--reward-file", "--reward-command")


@click.command("train", cls=GroupedCommand)
@click.argument("names", nargs=-1, metavar="[FILE…]")
@setting_options("Data", {flag: name for flag, name in DATA.items() if flag != "--data"})
@setting_options("Poems, speeches, music", KINDS)
@setting_options("Stages", COUNTS)
@setting_options("Word vectors", VECTORS)
@setting_options("Reward", {flag: REWARD[flag] for flag in OWN})
@common_options()
@click.pass_context
def command(context: click.Context, names: tuple[str, ...], **_: Any) -> None:
    """All of Algorithm 1 on FILEs, or on the synthetic oracle, then scores, ten samples and the learning curve.

    Stopped anywhere, the same command goes on from there.
    """
    extra = {"data.source": names} if any(names) else {}
    from seqgan_cli.jobs.job import job

    with job(context, STAGES, extra) as work:
        for stage in STAGES:
            if stage == "pretrain-d" and not work.settings.needs_discriminator:
                continue
            work.train(stage)
        _report(work)


def _report(work: "Job") -> None:
    """Score what the run has come to, and leave table, samples and learning curve."""
    from seqgan_cli.evaluation.generators import data_figures, likelihoods, unknown_note
    from seqgan_cli.evaluation.real import RealScores
    from seqgan_cli.figures import learning_curve
    from seqgan_cli.jobs.drawn import drawn
    from seqgan_cli.jobs.trained import Trained
    from seqgan_cli.jobs.written import sample_lines
    from seqgan_cli.sampling.choices import PLAIN
    from seqgan_cli.studies.experiments.findings import LEFT_BEHIND, discriminator, trade
    from seqgan_cli.studies.experiments.scores import samples_key
    from seqgan_cli.studies.experiments.tables import generators_caption, generators_table

    run, console, cfg = work.run, work.console, work.settings.evaluation
    console.say("Scoring …")
    checkpoints = {
        "MLE, last epoch": generator_checkpoint(run, "pretrain-g", console.warn),
    }
    if best := run.checkpoints("pretrain-g").best():
        checkpoints["MLE, best held-out"] = best
    last = generator_checkpoint(run, "adversarial", console.warn)
    checkpoints[work.settings.title] = last
    real = None if work.oracle else RealScores(work.corpus, work.settings)
    scores: list[tuple[str, Likelihoods]] = []
    for name, checkpoint in checkpoints.items():
        generator = read_generator(run, checkpoint, work.corpus)
        draws = samples_key(work.settings.seed, generator)
        scores.append((name, likelihoods(generator, work.corpus, work.oracle, cfg.final_samples, draws, real=real)))
    data = data_figures(work.corpus, work.oracle, work.settings.seed, cfg.final_samples, real)
    columns, rows = generators_table(scores, data)
    console.table(
        f"Scores of {run.path}: {cfg.final_samples} samples each, nats per token, ± half a 95 % interval",
        ["generator", *columns],
        rows,
        caption="\n".join([generators_caption(work.oracle is not None), *filter(None, [unknown_note(data)])]) + "\n",
    )
    started = scores[1 if work.settings.adversarial.start == "best" else 0]
    quality = work.settings.origin.quality[0]
    changed = [LEFT_BEHIND] if is_left_behind(run, last) else trade(*started, scores[-1][1], quality)
    for finding in [*changed, *discriminator(run.history.at("adversarial", last.position))]:
        console.result(finding + "\n")
    trained = Trained(run, run.config(), work.corpus, read_generator(run, last, work.corpus), "")
    lines = list(sample_lines(trained, drawn(trained, 1000, 0, PLAIN), "line"))
    files.write(run.path / "samples" / "samples.txt", "".join(line + "\n" for line in lines).encode())
    console.result("Ten samples:")
    for line in lines[:10]:
        console.result("  " + line)
    marks = {"the oracle's own sequences": data["nll_oracle"]} if work.oracle else {}
    learning_curve(run.history.rows(), marks, run.path / "figures" / "learning-curve.png")
    where = Path(run.path)
    console.result(f"\nMore samples: {where / 'samples' / 'samples.txt'}")
    console.result(f"Learning curve: {where / 'figures' / 'learning-curve.png'}")
