"""A run's generators: which checkpoint a name means, and the generator with its weights."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from seqgan_cli.config import registry
from seqgan_cli.errors import SeqganError, advised
from seqgan_cli.runs.checkpoints import Checkpoint, assign, named
from seqgan_cli.runs.run import Run

if TYPE_CHECKING:
    from seqgan_cli.data.corpus import Corpus
    from seqgan_cli.models.generator import Generator

BEST = {"best": "pretrain-g", "best-adversarial": "adversarial"}  # the stage whose best generator a name means


def generator_checkpoint(run: Run, which: str, warn: Callable[[str], None]) -> Checkpoint:
    """The checkpoint that `which`, one of GENERATORS or STAGE:UNIT, names. Raises SeqganError if there is none."""
    stage, numbered, unit = which.partition(":")
    if numbered:
        return _of_unit(run, stage, int(unit))
    if which in BEST:
        found = run.checkpoints(BEST[which]).best()
    elif which == "latest":
        found = run.checkpoints("adversarial").latest(warn) or run.checkpoints("pretrain-g").latest(warn)
    else:
        found = run.checkpoints(which).latest(warn)
    if found is None:
        if which == "best" and run.has("pretrain-g"):
            raise SeqganError(f"{run.path} has no best checkpoint yet: no epoch has bettered the untrained generator.")
        if which == "best-adversarial" and run.has("adversarial"):
            raise SeqganError(
                f"{run.path} has no best round yet: none has bettered the generator that the rounds began with. "
                "--from adversarial names the last one."
            )
        first = "adversarial" if which.endswith("adversarial") and run.has("pretrain-g") else "pretrain-g"
        raise SeqganError(
            f"{run.path} holds no trained generator{'' if which == 'latest' else f' {which!r}'}: "
            f"run {advised(first, run.path)} first."
        )
    return found


def _of_unit(run: Run, stage: str, unit: int) -> Checkpoint:
    checkpoints = run.checkpoints(stage)
    if (found := checkpoints.at(unit)) is not None:
        return found
    kept = ", ".join(map(str, checkpoints.positions())) or "none"
    raise SeqganError(
        f"{run.path} keeps no {stage}:{unit}; of {stage} it keeps {kept}. --keep-every N keeps every Nth from then on."
    )


def starting_generator(run: Run) -> str:
    """Which of GENERATORS the rounds begin with: pretrain-g's best, if it is to be that and there is one, or its last."""
    wants_best = run.config().values["adversarial.start"] == "best"
    return "best" if wants_best and run.checkpoints("pretrain-g").best() else "pretrain-g"


def is_left_behind(run: Run, checkpoint: Checkpoint) -> bool:
    """Whether a checkpoint is of adversarial training that began with an earlier generator than pretrain-g has now."""
    begun = checkpoint.facts.get("begun_with")
    own = {run.position("pretrain-g")}
    if run.config().values["adversarial.start"] == "best" and (best := run.checkpoints("pretrain-g").best()):
        own = {best.position}
    return begun is not None and begun not in own


def read_generator(run: Run, checkpoint: Checkpoint, corpus: "Corpus") -> "Generator":
    """The generator with a checkpoint's weights. Raises SeqganError if they do not fit the run's settings."""
    from seqgan_cli.models.generator import make_generator

    section = run.config().settings.of(registry.generators)
    generator = make_generator(corpus.vocabulary, corpus.sequence_length, section)
    assign(checkpoint, named("generator", generator))
    generator.give_sources(corpus.without_unk(corpus.train))
    return generator
