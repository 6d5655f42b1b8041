"""Runs from Python: `import seqgan_cli as seqgan`, then `seqgan.load` and `seqgan.train`. The commands say the same."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqgan_cli.console import Console
from seqgan_cli.jobs.drawn import Fresh, drawn, prompts_of, shorten, told_unknown
from seqgan_cli.jobs.scored import ScoredLine, score_lines
from seqgan_cli.jobs.trained import Trained, trained_of, with_generator
from seqgan_cli.jobs.written import sample_lines
from seqgan_cli.runs.discriminators import discriminator_if_any
from seqgan_cli.runs.run import Run
from seqgan_cli.sampling.choices import Sampling

if TYPE_CHECKING:
    from seqgan_cli.runs.history import Row


class TrainedRun:
    """A run with a trained generator, as `load` and `train` give it."""

    def __init__(self, path: str | os.PathLike[str], which: str = "latest") -> None:
        self.path, self.which = Path(path), which
        self._console = Console(quiet=True)
        self._trained = self._read()

    def _read(self) -> Trained:
        return trained_of(with_generator(Run(self.path)), self.which, self._console, of_data=False)

    def __repr__(self) -> str:
        return f"<run {self.path}: {self._trained.origin}>"

    def sample(
        self,
        num: int = 10,
        *,
        prompt: str | None = None,
        seed: int = 0,
        max_length: int | None = None,
        unique: bool = False,
        novel: bool = False,
        **sampling: Any,
    ) -> list[str]:
        """So many samples as text on a line, the same as `seqgan sample` writes for the same seed.

        Args:
            prompt: what they begin with, or of pairs the source; an unknown word is warned of on stderr.
            sampling: temperature, top_k, top_p, min_p, allow_unknown, as in `Sampling`.

        Raises SeqganError for a prompt or a length that does not fit, and if there are fewer unique or novel ones.
        """
        trained = self._trained
        if max_length is not None:  # compiled code knows one length
            trained = self._read()
            shorten(trained, max_length)
        begun = None
        if prompt is not None:
            begun, unknown = prompts_of(trained, [prompt])
            if unknown:
                self._console.warn(told_unknown(unknown))
        whole = not trained.config.settings.kind.has_sources  # of pairs what is said
        if not (unique or novel):
            return list(sample_lines(trained, drawn(trained, num, seed, Sampling(**sampling), begun), "line", whole))
        fresh = Fresh(trained, num, seed, Sampling(**sampling), begun, unique, novel)
        lines = list(sample_lines(trained, fresh, "line", whole))
        fresh.check()
        return lines

    def score(self, lines: Iterable[str], *, by_token: bool = False, **sampling: Any) -> list[ScoredLine]:
        """How likely the run finds lines: for each its nll in nats, and more; see `ScoredLine`."""
        return list(self.iter_scores(lines, by_token=by_token, **sampling))

    def iter_scores(self, lines: Iterable[str], *, by_token: bool = False, **sampling: Any) -> Iterator[ScoredLine]:
        """The same one by one, for more lines than memory holds."""
        trained = self._trained
        discriminator = discriminator_if_any(trained.run, trained.config.settings, trained.corpus, self._console.warn)
        return score_lines(trained, lines, Sampling(**sampling), discriminator, by_token)

    @property
    def settings(self) -> Mapping[str, Any]:
        """The run's settings, by dotted name."""
        return dict(self._trained.config.settings.values)

    @property
    def history(self) -> Any:
        """What was measured: a pandas frame if pandas is installed, else a list of `Row`."""
        rows: list[Row] = self._trained.run.history.rows()
        try:
            import pandas  # type: ignore[import-untyped]
        except ImportError:
            return rows
        return pandas.DataFrame([vars(row) for row in rows], columns=list(self._trained.run.history.COLUMNS))


def load(path: str | os.PathLike[str], which: str = "latest", threads: int = 0) -> TrainedRun:
    """A run's generator, read back: `which` as `--from` has it. Raises SeqganError if there is none."""
    from seqgan_cli.training.backend import start_tensorflow

    start_tensorflow(threads)
    return TrainedRun(path, which)


def train(
    data: str | os.PathLike[str],
    run: str | os.PathLike[str],
    preset: str = "paper",
    *,
    settings: Mapping[str, Any] | None = None,
    quiet: bool = True,
) -> TrainedRun:
    """`seqgan train`: all of Algorithm 1 on a file; a run that is there goes on.

    Args:
        settings: by dotted name, as `seqgan settings` lists them.
        quiet: print nothing but warnings.

    Raises SeqganError, and `click.UsageError` for settings that cannot be.
    """
    from seqgan_cli.cli import group

    sets = [word for name, value in (settings or {}).items() for word in ("--set", f"{name}={value}")]
    arguments = ["train", os.fspath(data), "--run", os.fspath(run), "--preset", preset, *sets, *["--quiet"] * quiet]
    with contextlib.redirect_stdout(io.StringIO()) if quiet else contextlib.nullcontext():
        group.main(arguments, prog_name="seqgan", standalone_mode=False)
    return load(run)
