"""Runs from Python: `import seqgan_cli as seqgan`, then `seqgan.load` and `seqgan.train`. The commands say the same."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqgan_cli.config import registry
from seqgan_cli.config.resolution import explicit
from seqgan_cli.console import Console
from seqgan_cli.inference.chosen import Searched
from seqgan_cli.inference.lines import ScoredLine, score_lines
from seqgan_cli.inference.rewarded import checked_reward, opened_reward, refuse_batch_dependent
from seqgan_cli.inference.scores import REWARD, D, fields_of, opened_scores
from seqgan_cli.jobs.drawn import Fresh, drawn, prompts_of, shorten, told_unknown
from seqgan_cli.jobs.trained import Trained, trained_of, with_generator
from seqgan_cli.jobs.written import records_of, sample_lines
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

    def iter_records(
        self, num: int = 10, *, fields: Sequence[str] = (), reward: str | None = None, seed: int = 0, **sampling: Any
    ) -> Iterator[dict[str, Any]]:
        """Samples as `seqgan sample --format jsonl` writes them, one by one, for more than memory holds.

        Args:
            fields: more of each: by_token, nll_per_token, d, reward.
            reward: another than the run's, as `--reward` has it.
        """
        fields = fields_of(fields)
        settings = self._reward_settings(reward) if REWARD in fields else None
        rows = drawn(self._trained, num, seed, Sampling(**sampling))
        with opened_scores(self._trained, D in fields, settings, seed, self._console) as scores:
            yield from records_of(self._trained, rows, (lambda table: scores.fields(table, fields)) if fields else None)

    def beam(self, width: int, *, prompt: str = "", **sampling: Any) -> list[str]:
        """What `seqgan sample --beam` writes: the likeliest sequences that a beam search finds, best first; no sample."""
        begun, unknown = prompts_of(self._trained, [prompt])
        if unknown:
            self._console.warn(told_unknown(unknown))
        found = Searched(self._trained, width, width, Sampling(**sampling), begun)
        return list(sample_lines(self._trained, found, "line", not self._trained.config.settings.kind.has_sources))

    def score(
        self, lines: Iterable[str], *, by_token: bool = False, reward: str | None = None, **sampling: Any
    ) -> list[ScoredLine]:
        """How likely the run finds lines: for each its nll in nats, and more; see `ScoredLine`.

        `reward`: also their reward, as `--reward` has it; the run's own if it is empty.
        """
        return list(self.iter_scores(lines, by_token=by_token, reward=reward, **sampling))

    def iter_scores(
        self, lines: Iterable[str], *, by_token: bool = False, reward: str | None = None, **sampling: Any
    ) -> Iterator[ScoredLine]:
        """The same one by one, for more lines than memory holds."""
        trained = self._trained
        discriminator = discriminator_if_any(trained.run, trained.config.settings, trained.corpus, self._console.warn)
        settings = None if reward is None else self._reward_settings(reward)
        with opened_reward(settings, trained, self._console) as scorer:
            yield from score_lines(trained, lines, Sampling(**sampling), discriminator, by_token, scorer)

    def _reward_settings(self, reward: str | None) -> Any:
        """The run's settings with that reward, or as they are. Raises UsageError for what gives a sequence no value."""
        settings = self._trained.config.settings
        if reward:
            asked, _ = explicit({registry.rewards.setting: reward}, (), None)
            settings = settings.changed(asked)
        settings = checked_reward(settings)
        refuse_batch_dependent(settings)
        return settings

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
