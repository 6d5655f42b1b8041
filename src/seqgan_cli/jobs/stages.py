"""The stages of a run: what each is made of, what it begins with, and what it drops."""

import contextlib
from typing import TYPE_CHECKING

from seqgan_cli.algorithms.adversarial import AdversarialTraining
from seqgan_cli.algorithms.discriminator import DiscriminatorPretraining
from seqgan_cli.algorithms.mle import LikelihoodTraining
from seqgan_cli.config import registry
from seqgan_cli.config.settings import STAGES
from seqgan_cli.errors import SeqganError, advised, restarting
from seqgan_cli.evaluation.correction import knowledge_of, knows, unknowable
from seqgan_cli.randomness import key, rng
from seqgan_cli.runs.checkpoints import Checkpoint, assign
from seqgan_cli.runs.continued import refuse_earlier_data
from seqgan_cli.runs.discriminators import starting_discriminator
from seqgan_cli.runs.generators import generator_checkpoint, read_generator
from seqgan_cli.training.stage import run_stage

if TYPE_CHECKING:
    from seqgan_cli.jobs.job import Job
    from seqgan_cli.models.discriminator import Discriminator
    from seqgan_cli.models.generator import Generator


def train(job: "Job", stage: str) -> None:
    """Bring one stage to its target."""
    {"pretrain-g": _pretrain_g, "pretrain-d": _pretrain_d, "adversarial": _adversarial}[stage](job)


def _pretrain_g(job: "Job") -> None:
    before = job.run.checkpoints("pretrain-g").positions()
    likelihood = LikelihoodTraining(job.settings, job.corpus, job.oracle, job.console, job.scored)
    run_stage(likelihood, job.run, job.console, job.tensorboard)
    later = [name for name in STAGES[1:] if job.run.has(name)]
    if later and job.run.checkpoints("pretrain-g").positions() != before:
        dropped = f" and drops {' and '.join(later[1:])}" * (len(later) > 1)
        job.console.warn(
            f"{' and '.join(later)} began with an earlier generator: {restarting(later[0], job.run.path)} "
            f"restarts {later[0]} from this one{dropped}."
        )


def _pretrain_d(job: "Job") -> None:
    refuse_earlier_data(job.run, "pretrain-d")
    discriminator = DiscriminatorPretraining(job.settings, job.corpus, job.oracle, job.start_generator(), job.console)
    discriminator.begun_with = job.start().position
    run_stage(discriminator, job.run, job.console, job.tensorboard)


def _adversarial(job: "Job") -> None:
    for later in STAGES[1:] if job.settings.needs_discriminator else STAGES[2:]:
        refuse_earlier_data(job.run, later)
    generator = job.start_generator()
    if job.settings.needs_discriminator and not job.run.has("pretrain-d"):
        job.console.say("adversarial: there is no pre-trained discriminator yet, so `pretrain-d` runs first.")
        train(job, "pretrain-d")
    model = None
    if registry.rewards.needs(job.settings.adversarial.reward, "needs_language_model"):
        model = read_generator(job.run, generator_checkpoint(job.run, "best", job.console.warn), job.corpus)
    stage = AdversarialTraining(job.settings, job.corpus, job.oracle, generator, job.console, model, job.run.path)
    if stage.trainer:
        discriminator = starting_discriminator(job.run, job.settings, job.console.warn)
        if discriminator is None:
            raise SeqganError(
                f"{job.run.path} holds no trained discriminator: run {advised('pretrain-d', job.run.path)} first."
            )
        assign(discriminator, stage.trainer.variables())
        _tell_of_another_generator(job, discriminator)
        if not job.run.has("adversarial"):
            _tell_what_it_knows(job, generator, stage.trainer.discriminator)
    stage.begun_with = job.start().position
    with contextlib.closing(stage):
        run_stage(stage, job.run, job.console, job.tensorboard)


def _tell_what_it_knows(job: "Job", generator: "Generator", discriminator: "Discriminator") -> None:
    """Say in nats what there is to earn, before the first round; nothing where it cannot be measured."""
    corpus, seed, num = job.corpus, job.settings.seed, job.settings.evaluation.samples
    if unknowable(discriminator.settings, corpus):
        return
    keys = key(seed, "adversarial", "knows", 0), key(seed, "adversarial", "knows", 1)
    known, *_ = knowledge_of(generator, discriminator, corpus, num, keys, rng(seed, "adversarial", "knows"))
    job.console.say(knows(known, corpus))


def _tell_of_another_generator(job: "Job", discriminator: Checkpoint) -> None:
    """Warn where rounds are about to begin with a discriminator that met another generator than they begin with."""
    met, start = discriminator.facts.get("begun_with"), job.start()
    if met in (None, start.position) or job.run.has("adversarial"):  # an early version's checkpoint does not say
        return
    which = job.settings.adversarial.start
    job.console.warn(
        f"The discriminator was taught against the generator after epoch {met} of pretrain-g, and the rounds begin with "
        f"the {which} one, after epoch {start.position}: its first rewards are of the other's samples. "
        f"{restarting('pretrain-d', job.run.path)} teaches it against this one, before the rounds are begun again."
    )
