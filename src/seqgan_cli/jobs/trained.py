"""A run's generator read back, and samples of it: what the commands that sample and score share."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from seqgan_cli.config.resolution import Config
from seqgan_cli.config.settings import STAGES
from seqgan_cli.console import Console
from seqgan_cli.errors import SeqganError, advised
from seqgan_cli.runs.continued import tell_which_data
from seqgan_cli.runs.generators import generator_checkpoint, is_left_behind, read_generator
from seqgan_cli.runs.run import Run

if TYPE_CHECKING:
    import numpy as np

    from seqgan_cli.data.corpus import Corpus
    from seqgan_cli.evaluation.correction import Correction
    from seqgan_cli.models.generator import Generator
    from seqgan_cli.sampling.choices import Sampling


@dataclass(frozen=True)
class Trained:
    """A generator read back for sampling or scoring."""

    run: Run
    config: Config
    corpus: "Corpus"
    generator: "Generator"
    origin: str  # which checkpoint, in words


def open_trained(context: click.Context, console: Console, of_data: bool = True) -> Trained:
    """The generator `--from` names; reads only, so a run may be training meanwhile. Raises SeqganError if there is none.

    `of_data`: whether the run's data are looked at too, of which more is said then.
    """
    parameters = context.params
    run = with_generator(Run(parameters["run_path"]))

    from seqgan_cli.training.backend import start_tensorflow

    start_tensorflow(parameters["threads"], parameters["verbose"])
    return trained_of(run, parameters["which"], console, of_data)


def with_generator(run: Run) -> Run:
    """The run itself. Raises SeqganError if it holds no trained generator."""
    run.config()
    if not any(map(run.has, STAGES)):
        raise SeqganError(f"{run.path} holds no trained generator: run {advised('pretrain-g', run.path)} first.")
    return run


def trained_of(run: Run, which: str, console: Console, of_data: bool = True) -> Trained:
    """One of the run's generators; TensorFlow is started. `of_data` as above. Raises SeqganError if there is none."""
    config, corpus = run.config(), run.corpus()
    if of_data:
        tell_which_data(run, config.values, console)
    checkpoint = generator_checkpoint(run, which, console.warn)
    stage = checkpoint.path.parent.name
    unit = {"pretrain-g": "epoch", "adversarial": "round"}[stage]
    return Trained(run, config, corpus, read_generator(run, checkpoint, corpus), f"{stage}, {unit} {checkpoint.position}")


def sampled(
    trained: Trained,
    num: int,
    seed: int,
    sampling: "Sampling",
    console: Console,
    purpose: str,
    correction: "Correction | None" = None,
) -> dict[str, "np.ndarray"]:
    """int32 `[num, T]` by where they are from.

    `samples`; with a correction as many that are `corrected`; and if the generator is an adversarial one, as many of the run's
    `MLE`.
    """
    from seqgan_cli.randomness import key
    from seqgan_cli.sampling.continuation import sample_beside
    from seqgan_cli.sampling.sequences import first_of, samples

    console.note(f"Sampling {num} sequences from {trained.origin}, {sampling} …")
    drawn = {"samples": sample_beside(trained.generator, trained.corpus.test, num, key(seed, purpose), sampling)}
    if correction:
        own = key(seed, purpose, "corrected")
        drawn["corrected"] = first_of(correction.accept(samples(trained.generator, own, sampling), own), num)
    if trained.origin.startswith("adversarial") and trained.run.has("pretrain-g"):
        checkpoint = generator_checkpoint(trained.run, "pretrain-g", console.warn)
        if is_left_behind(trained.run, generator_checkpoint(trained.run, "adversarial", console.warn)):
            console.warn("The adversarial rounds began with an earlier generator than the MLE beside them.")
        generator = read_generator(trained.run, checkpoint, trained.corpus)
        own = key(seed, purpose, "MLE")  # the test wants that
        drawn["MLE"] = sample_beside(generator, trained.corpus.test, num, own, sampling)
    return drawn
