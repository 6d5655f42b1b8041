"""Scorers of a user's own: a function in a Python file, or a command in any language. Loaded because a setting says so."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from seqgan_cli.config.expression import Use
from seqgan_cli.config.schema import section, setting
from seqgan_cli.data.kinds.base import numbers_of_target
from seqgan_cli.lazy import np
from seqgan_cli.rewards.base import Given, Reward, Scaled
from seqgan_cli.rewards.texts import TextReward
from seqgan_cli.runs.run import KEPT_SCORES

if TYPE_CHECKING:
    from seqgan_cli.config.settings import Settings
    from seqgan_cli.scoring.scorer import Scorer
    from seqgan_cli.scoring.workers import Workers


@dataclass(frozen=True)
class OwnSettings(Scaled):
    input: str = setting(
        "text", "what is scored: a sequence as people read it, or its ids with spaces", choices=("text", "ids")
    )


class OwnReward(TextReward):
    """What a scorer of the user's says, scaled if `low` and `high` are set.

    Of sequences with sources it is told the source, a tab and the target. Scores once given are kept with the run: a scorer
    that answers otherwise the second time still gives the same run.
    """

    is_named = False
    isolated = True
    option: ClassVar[str]  # the setting of a use that says what scores
    example: ClassVar[str]

    def __init__(self, write: Callable[[Any], str], scorer: Scorer, workers: Workers, scale: Scaled) -> None:
        super().__init__(write, scorer, workers)
        self.scale = scale

    @classmethod
    def make(cls, given: Given) -> Reward:
        from seqgan_cli.scoring.scorer import Scorer
        from seqgan_cli.scoring.store import Store

        cfg: Any = given.options(cls.Section)
        assert given.folder
        command, identity, protocol = cls.process(cfg)
        workers = cls.start(given, command, protocol)
        store = Store(given.folder / KEPT_SCORES[0], f"{cls.name} {identity} {cfg.input}")
        return cls(cls.writer(given), Scorer(workers.ask, store), workers, cfg)

    @classmethod
    def writer(cls, given: Given) -> Callable[[np.ndarray], str]:
        cfg: Any = given.options(cls.Section)
        vocabulary = given.corpus.vocabulary
        write, written = super().writer(given), given.settings.kind.detokenizer(given.settings, vocabulary)
        if cfg.input == "ids":
            write = lambda ids: " ".join(map(str, numbers_of_target(vocabulary, ids)))  # noqa: E731
        return lambda ids: written.with_source(ids, write(ids))

    @classmethod
    def process(cls, cfg: Any) -> tuple[list[str], str, Any]:
        """The command of a process, what tells this scorer from others, and how it is spoken to."""
        raise NotImplementedError

    def __call__(self, tokens: Any, key: Any) -> Any:
        return self.scale.scaled(super().__call__(tokens, key))

    @classmethod
    def bounds(cls, settings: Settings, use: Use) -> tuple[float, float] | None:
        scale: Any = settings.of_use(cls.Section, use.name)
        return scale.bounds or (-math.inf, math.inf)  # which its user knows, and weighs accordingly

    @classmethod
    def refused(cls, settings: Settings, use: Use) -> Iterable[tuple[bool, str]]:
        cfg: Any = settings.of_use(cls.Section, use.name)
        yield (
            not getattr(cfg, cls.option),
            f"--reward {use.name} needs a scorer: --set reward.{use.name}.{cls.option}={cls.example}.",
        )


@section("reward", "adversarial", fixed_by="adversarial")
@dataclass(frozen=True)
class FileSettings(OwnSettings):
    path: str = setting("", "FILE.py:FUNCTION: it takes a list of texts and gives as many numbers", is_file=True)


class FileReward(OwnReward):
    """A function of a Python file."""

    name = "file"
    meaning = "a function of a Python file of yours: --reward-file FILE.py:FUNCTION"
    rank = 20
    is_named = True
    implied_by = option = "path"
    example = "FILE.py:FUNCTION"
    Section = FileSettings

    @classmethod
    def process(cls, cfg: FileSettings) -> tuple[list[str], str, Any]:
        from seqgan_cli.scoring import worker
        from seqgan_cli.scoring.protocols import Json

        path, function = worker.parse(cfg.path)
        return worker.command("file", f"{path}:{function}"), f"{worker.fingerprint(path)} {function}", Json()

    @classmethod
    def refused(cls, settings: Settings, use: Use) -> Iterable[tuple[bool, str]]:
        from seqgan_cli.scoring.worker import parse

        yield from super().refused(settings, use)
        path, _ = parse(settings.of_use(FileSettings, use.name).path)
        yield not path.is_file(), f"reward.{use.name}.path: there is no file {path}."


@section("reward", "adversarial", fixed_by="adversarial")
@dataclass(frozen=True)
class CommandSettings(OwnSettings):
    line: str = setting("", "a command that reads lines and writes a number for each, for the shell")


class CommandReward(OwnReward):
    """A program in any language."""

    name = "command"
    meaning = "a program of yours, a number a line: --reward-command 'CMD …'"
    rank = 21
    is_named = True
    implied_by = option = "line"
    example = "'CMD …'"
    Section = CommandSettings

    @classmethod
    def process(cls, cfg: CommandSettings) -> tuple[list[str], str, Any]:
        from seqgan_cli.scoring.protocols import Lines

        return ["/bin/sh", "-c", cfg.line], cfg.line, Lines()
