"""`--correct`: a run's generator, corrected by what its discriminator knows of it."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from seqgan_cli.jobs.options import grouped_option
from seqgan_cli.jobs.trained import Trained

if TYPE_CHECKING:
    from seqgan_cli.console import Console
    from seqgan_cli.evaluation.correction import Correction
    from seqgan_cli.sampling.choices import Sampling


def correct_option(group: str, what: str) -> Callable[[Callable], Callable]:
    """`--correct` of a command."""
    return grouped_option(group)("--correct", is_flag=True, help=what)


def refuse_unless_of_run(context: click.Context, *others: str) -> None:
    """Raises UsageError for `--correct` beside other data, or beside what one of these options names instead of samples."""
    given = context.params
    if not given["correct"]:
        return
    if given.get("data_file"):
        raise click.UsageError("--correct is chosen and reported on the run's own held-out parts: leave --data out.", context)
    for name in others:
        if given[name]:
            raise click.UsageError(f"--correct is of the run's samples: leave --{name.replace('_', '-')} out.", context)


def opened_correction(trained: Trained, which: str, sampling: "Sampling", console: "Console") -> "Correction":
    """That of the run's generator `which`, sampled so, which is told. Always the same for a run's checkpoints.

    Raises SeqganError for what the run lacks, or cannot be corrected.
    """
    from seqgan_cli.evaluation.correction import correction_of
    from seqgan_cli.randomness import key, rng
    from seqgan_cli.runs.discriminators import correcting_discriminator, load_discriminator

    settings, corpus = trained.config.settings, trained.corpus
    checkpoint = correcting_discriminator(trained.run, which, settings, console.warn)
    stage = checkpoint.path.parent.name
    console.say(f"Discriminator of {stage}, {'d-step' if stage == 'pretrain-d' else 'round'} {checkpoint.position}.")
    discriminator = load_discriminator(checkpoint, settings, corpus)
    num, seed = settings.evaluation.final_samples, settings.seed
    address = key(seed, "correction"), rng(seed, "correction")
    found = correction_of(trained.generator, discriminator, corpus, num, *address, sampling)
    for sentence in found.told(corpus):
        console.say(sentence)
    return found
