"""A run's discriminator, read back as it is now."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from seqgan_cli.config import registry
from seqgan_cli.config.settings import Settings
from seqgan_cli.errors import SeqganError, advised
from seqgan_cli.runs.checkpoints import Checkpoint, assign, named
from seqgan_cli.runs.run import Run

if TYPE_CHECKING:
    from seqgan_cli.data.corpus import Corpus
    from seqgan_cli.models.discriminator import Discriminator


def stage_of_discriminator(run: Run, settings: Settings) -> str:
    """The stage that a run has its latest discriminator from, if it has any; `settings`: the run's."""
    return "adversarial" if settings.needs_discriminator and run.has("adversarial") else "pretrain-d"


def no_discriminator(run: Run) -> str:
    """That it has none, and what to do."""
    return f"{run.path} holds no trained discriminator: run {advised('pretrain-d', run.path)} first."


def discriminator_checkpoint(run: Run, settings: Settings, warn: Callable[[str], None]) -> Checkpoint:
    """That of the latest discriminator; `settings`: the run's. Raises SeqganError if there is none."""
    checkpoint = run.checkpoints(stage_of_discriminator(run, settings)).latest(warn)
    if checkpoint is None:
        raise SeqganError(no_discriminator(run))
    return checkpoint


def starting_discriminator(run: Run, settings: Settings, warn: Callable[[str], None]) -> Checkpoint | None:
    """Pre-trained discriminator that the rounds begin with: the best, if it is to be that and there is one, or the last."""
    best = run.checkpoints("pretrain-d").best() if settings.adversarial.d_start == "best" else None
    return best or run.checkpoints("pretrain-d").latest(warn)


def correcting_discriminator(run: Run, which: str, settings: Settings, warn: Callable[[str], None]) -> Checkpoint:
    """The one that corrects the run's generator `which`: for one of the rounds the last of theirs, if they train one; else that
    of pretrain-d with the best `d_knows`, or its last. Raises SeqganError if there is none."""
    of_rounds = which.partition(":")[0] in ("latest", "adversarial", "best-adversarial")
    if of_rounds and run.has("adversarial") and settings.needs_discriminator:
        return discriminator_checkpoint(run, settings, warn)
    checkpoints = run.checkpoints("pretrain-d")
    if best := checkpoints.best():
        return best
    if (last := checkpoints.latest(warn)) is None:
        raise SeqganError(no_discriminator(run))
    warn(f"{run.path} keeps no d-step that knows more than the untrained discriminator: its last one corrects.")
    return last


def whose_d(run: Run, settings: Settings) -> str:
    """A sentence: which checkpoint `read_discriminator` reads, and whether what it says is a probability."""
    checkpoint = discriminator_checkpoint(run, settings, lambda _: None)
    stage = checkpoint.path.parent.name
    origin = f"{stage}, {'d-step' if stage == 'pretrain-d' else 'round'} {checkpoint.position}"
    critic = ", a critic, whose value is no probability" * (settings.discriminator.loss == "wasserstein")
    return f"d is by the discriminator of {origin}{critic}."


def read_discriminator(run: Run, settings: Settings, corpus: "Corpus", warn: Callable[[str], None]) -> "Discriminator":
    """The latest discriminator; `settings`, `corpus`: the run's. Raises SeqganError if there is none."""
    return load_discriminator(discriminator_checkpoint(run, settings, warn), settings, corpus)


def load_discriminator(checkpoint: Checkpoint, settings: Settings, corpus: "Corpus") -> "Discriminator":
    """The one of a checkpoint. Raises SeqganError if its weights do not fit the run's settings."""
    from seqgan_cli.models.discriminator import Discriminator

    discriminator = Discriminator(corpus.vocabulary, corpus.sequence_length, settings.of(registry.discriminators))
    assign(checkpoint, named("discriminator", discriminator))
    return discriminator


def discriminator_if_any(run: Run, settings: Settings, corpus: "Corpus", warn: Callable[[str], None]) -> "Discriminator | None":
    """The latest discriminator, None for a run that has not trained one."""
    if not run.has(stage_of_discriminator(run, settings)):
        return None
    return read_discriminator(run, settings, corpus, warn)
