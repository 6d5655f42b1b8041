"""The corpus of a run: read or drawn, held against the settings and the memory, and stored."""

import contextlib
import shutil
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from seqgan_cli.config import registry
from seqgan_cli.config.settings import Settings
from seqgan_cli.console import Console, Progress
from seqgan_cli.runs.run import Run

if TYPE_CHECKING:
    from seqgan_cli.data.corpus import Corpus
    from seqgan_cli.data.documents import Documents
    from seqgan_cli.data.kinds.base import Report
    from seqgan_cli.models.generator import Generator


def check_fit(settings: Settings, stages: Sequence[str], corpus: "Corpus", oracle: "Generator | None") -> None:
    """Raises UsageError or SeqganError for settings that cannot go with the data, or data that cannot go into memory."""
    from seqgan_cli.training.memory import refuse_too_large

    size = corpus.vocabulary.size
    sequences = len(corpus.train) + sum(map(len, corpus.held_out.values()))
    refuse_too_large(settings, stages, size, corpus.sequence_length, sequences)  # and filters that do not fit the length
    rounds = settings.needs_discriminator or registry.rewards.needs(settings.adversarial.reward, "needs_positives")
    if rounds if "adversarial" in stages else "pretrain-d" in stages:
        from seqgan_cli.data.corpus import refuse_no_positives

        refuse_no_positives(corpus)


def new_corpus(settings: Settings, stages: Sequence[str], console: Console) -> "tuple[Corpus, Generator | None]":
    """The corpus that the settings name, and the oracle that it is drawn from. Raises SeqganError."""
    if settings.data.synthetic:
        from seqgan_cli.data.kinds.oracle import OracleSettings
        from seqgan_cli.synthetic import synthetic_corpus
        from seqgan_cli.training.memory import refuse_too_large

        cfg = settings[OracleSettings]
        refuse_too_large(settings, stages, cfg.vocab_size, cfg.sequence_length, 3 * cfg.num_sequences)
        return synthetic_corpus(settings)
    return read_corpus(settings, console)[0], None


def read_corpus(settings: Settings, console: Console) -> "tuple[Corpus, Documents | None]":
    """The corpus and the documents of a file, folder or name, with progress where reading is long. Raises SeqganError."""
    from seqgan_cli.data.sources.opening import real_corpus

    with showing_reading(console, settings.kind.counts) as report:
        return real_corpus(settings, report)


@contextlib.contextmanager
def showing_reading(console: Console, unit: str) -> "Iterator[Report]":
    """What a reader calls with the units that are done and how many there are; progress shows from the first call on."""
    with contextlib.ExitStack() as shown:
        progress: Progress | None = None

        def report(done: int, total: int) -> None:
            nonlocal progress
            if progress is None:
                progress = shown.enter_context(console.progress("reading", unit, 0, total, 1.0, ""))
            progress.move(done)

        yield report


def store_corpus(run: Run, settings: Settings, corpus: "Corpus", oracle: "Generator | None") -> None:
    """Put the corpus, and the oracle's weights, into the run. Raises OSError."""
    import numpy as np

    from seqgan_cli import files
    from seqgan_cli.data.corpus import FOLDER

    corpus.save(run.path)
    for folder in (run.path / FOLDER).glob("[0-9]*"):  # of a run that went on with other data, before --overwrite
        shutil.rmtree(folder, ignore_errors=True)
    if oracle is None:  # of another source, before --overwrite
        (run.path / "corpus" / "oracle.npz").unlink(missing_ok=True)
    elif not corpus.vocabulary.has_special_tokens:
        (run.path / "vocabulary.txt").unlink(missing_ok=True)
    if oracle is not None:
        from seqgan_cli.models.oracle import described_arrays, is_plain, oracle_arrays

        plain = is_plain(oracle)
        arrays = oracle_arrays(oracle) if plain else described_arrays(oracle, settings, corpus.tokenizer)
        files.write(run.path / "corpus" / "oracle.npz", lambda file: np.savez(file, **arrays))  # type: ignore[arg-type]
