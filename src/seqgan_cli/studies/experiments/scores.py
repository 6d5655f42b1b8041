"""Scores of the generators that runs hold, kept beside each run so that none is computed twice."""

import contextlib
import dataclasses
import functools
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from seqgan_cli import __version__, files
from seqgan_cli.algorithms.mle import untrained_generator
from seqgan_cli.evaluation.correction import Correction, correction_of, uncorrectable
from seqgan_cli.evaluation.fluency import Fluency
from seqgan_cli.evaluation.generators import Likelihoods, data_figures, from_record, likelihoods
from seqgan_cli.evaluation.real import RealScores, Variety
from seqgan_cli.models.discriminator import Discriminator
from seqgan_cli.models.generator import Generator
from seqgan_cli.randomness import key, rng
from seqgan_cli.runs.checkpoints import assign, named
from seqgan_cli.runs.discriminators import correcting_discriminator, load_discriminator
from seqgan_cli.runs.generators import generator_checkpoint, starting_generator
from seqgan_cli.runs.run import Run
from seqgan_cli.sampling.choices import PLAIN, Sampling

Kept = TypeVar("Kept", Likelihoods, dict[str, float])
# What decides a score besides weights, data and settings: a change in any of it makes kept scores those of another measure.
MEASURING = ("studies/experiments/scores.py", "sampling", "randomness.py", "evaluation", "models", "data")


@functools.cache
def measure(package: Path = Path(__file__).parents[2]) -> str:
    """A digest of the source that measures, of the package in that folder: what another one measured is another score."""
    files_of = ([package / name] if name.endswith(".py") else (package / name).rglob("*.py") for name in MEASURING)
    digest = hashlib.blake2b(digest_size=8)
    for path in sorted(path for paths in files_of for path in paths):
        digest.update(path.read_bytes())
    return digest.hexdigest()


@dataclasses.dataclass(frozen=True)
class Scored:
    """Scores of one generator of one run under one way of sampling, and where training stood."""

    scores: Likelihoods
    stage: str
    position: int


class Scorer:
    """Scores the generators of one run.

    Args:
        run: with a corpus.
        num: samples behind each score.
        warn: told of damaged checkpoints.
        variety: of synthetic data too, measure what samples have in common.
        fluency: what it says of text, beside its scores.
        common_random_numbers: draw the samples of all generators of a seed from one key, which pairs them. Not for tests that
            take samples for independent.

    Raises SeqganError for a run that cannot be read.
    """

    def __init__(
        self,
        run: Run,
        num: int,
        warn: Callable[[str], None],
        variety: bool = False,
        common_random_numbers: bool = False,
        fluency: Fluency | None = None,
    ) -> None:
        self.run, self.num, self.warn = run, num, warn
        self.common_random_numbers = common_random_numbers
        self.settings = run.config().settings
        self.corpus, self.oracle = run.corpus(), run.oracle()
        self.real: Variety | None = None if self.oracle else RealScores(self.corpus, self.settings, fluency=fluency)
        self.kind = "" if self.oracle else "-real"  # of the files in which scores are kept
        if fluency:
            longest = self.corpus.sequence_length - self.corpus.vocabulary.has_eos
            fluency.refuse_longer(longest, f"those of {run.path} have up to")
            self.kind += f"-fluency-{fluency.digest}"
        if self.oracle and variety:
            self.real, self.kind = Variety(self.corpus), "-variety"
        self.generator = untrained_generator(self.settings, self.corpus)

    def data(self) -> dict[str, float]:
        """What the data themselves score."""
        return self._kept(
            f"data-{self.num}{self.kind}",
            lambda: data_figures(self.corpus, self.oracle, self.settings.seed, self.num, self.real),
            lambda record: {name: float(record[name]) for name in (*record, "token_types", "distinct_share", "copied_share")},
        )

    def load(self, which: str) -> tuple[str, int]:
        """Make `generator` the one that `which` names: latest, adversarial, pretrain-g, best or untrained.

        Returns the stage and the position it comes from. Raises SeqganError if there is none.
        """
        if which == "untrained":
            twin = untrained_generator(self.settings, self.corpus)
            for mine, theirs in zip(self.generator.trainable_variables, twin.trainable_variables, strict=True):
                mine.assign(theirs)
            return "pretrain-g", 0
        checkpoint = generator_checkpoint(self.run, which, self.warn)
        assign(checkpoint, named("generator", self.generator))
        return checkpoint.path.parent.name, checkpoint.position

    def score(self, which: str, sampling: Sampling = PLAIN, corrected: bool = False) -> Scored:
        """Scores of samples drawn so, from the file of an earlier call if the generator is the same.

        corrected: by what the run's discriminator knows. Raises SeqganError as `load` does, and where it has none.
        """
        which = starting_generator(self.run) if which == "start" else which
        stage, position = self.load(which)
        name = f"{digest_of(self.generator)}-{self.num}-{_address(sampling)}{self.kind}"
        discriminator: Discriminator | None = None
        if corrected:
            found_d = correcting_discriminator(self.run, which, self.settings, self.warn)
            discriminator = load_discriminator(found_d, self.settings, self.corpus)
            name += f"-corrected-{digest_of(discriminator)}"
        seed, common = self.settings.seed, self.common_random_numbers
        draws = key(seed, "scores", "alike") if common else samples_key(seed, self.generator)
        name += "-common" * common
        found = self._kept(
            name,
            lambda: likelihoods(
                self.generator,
                self.corpus,
                self.oracle,
                self.num,
                draws,
                sampling,
                real=self.real,
                correction=self._correction(discriminator, sampling) if discriminator else None,
            ),
            from_record,
        )
        return Scored(found, stage, position)

    def uncorrectable(self) -> str:
        """Why the run's generator cannot be corrected; empty if it can."""
        return uncorrectable(self.settings.discriminator, self.corpus)

    def _correction(self, discriminator: Discriminator, sampling: Sampling) -> Correction:
        address = (self.settings.seed, "scores", "correction", digest_of(self.generator), digest_of(discriminator))
        return correction_of(self.generator, discriminator, self.corpus, self.num, key(*address), rng(*address), sampling)

    def _kept(self, name: str, compute: Callable[[], Kept], parse: Callable[[dict[str, Any]], Kept]) -> Kept:
        """What `compute` gave when this version was last asked for that name with the run's data as they are."""
        path = self.run.path / "scores" / self.run.fingerprint[:16] / f"{name}.json"
        stamp = {"version": __version__, "measure": measure()}
        try:
            record = dict(json.loads(path.read_text(encoding="utf-8")))
            if {field: record.get(field) for field in stamp} == stamp:
                return parse(dict(record["scores"]))
            if not stamp.keys() <= record.keys() and "token_types" not in record:  # which every unstamped record has
                raise KeyError("token_types")
            _tell_of_another_measure(self.warn, self.run.path.parent)
        except FileNotFoundError:
            pass
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            self.warn(f"{path} is damaged; computing it again.")
        computed = compute()
        scores = computed.record() if isinstance(computed, Likelihoods) else computed
        with contextlib.suppress(OSError):  # of somebody else's run, or on a full disk: then it is computed again next time
            files.write(path, json.dumps({**stamp, "scores": scores}).encode())
        return computed


@functools.cache
def _tell_of_another_measure(warn: Callable[[str], None], folder: Path) -> None:
    """Once, though every score of a folder's runs is: or nobody knows what takes so long."""
    warn(f"The scores kept in {folder} are of another version of this program, or of how it measures; they are taken again.")


def _address(sampling: Sampling) -> str:
    """Of kept scores: the temperature as ever, and what is used of truncation."""
    used = sampling.used()
    temperature = used.pop("temperature")
    return "-".join([f"{temperature:g}", *(f"{name}-{value:g}" for name, value in used.items())])


def digest_of(model: Generator | Discriminator) -> str:
    """Of the weights: scores belong to them and to nothing else that may have changed on disk."""
    digest = hashlib.blake2b(digest_size=8)
    for weight in model.trainable_variables:
        digest.update(weight.numpy().tobytes())
    return digest.hexdigest()


def samples_key(seed: int, generator: Generator) -> np.ndarray:
    """int32 `[2]`: from which a generator's scored samples are drawn, each generator's from its own.

    From one key two generators that are alike draw alike samples, which a test between independent ones cannot take. The same
    weights have the same key: a generator scored twice scores the same.
    """
    return key(seed, "scores", digest_of(generator))
