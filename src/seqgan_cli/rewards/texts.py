"""What scores sequences as people read them, in Python: the base of such rewards, which are functions of texts."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from seqgan_cli.lazy import np, tf
from seqgan_cli.rewards.base import Given, Reward

if TYPE_CHECKING:
    from seqgan_cli.scoring.protocols import Protocol
    from seqgan_cli.scoring.scorer import Ask, Scorer
    from seqgan_cli.scoring.workers import Workers

SEPARATOR = "\n"  # between the tokens of a text that is read by token: none has it


class TextReward(Reward):
    """Scores texts: a subclass has `function`, and its settings if it has any in `Section`.

    A text is what people read, on one line: words joined, the lines of a poem in one. Every text is asked for once.

    Args:
        write: the text of ids int `[T]`.
        scorer: of texts.
        workers: the processes that it asks, if there are any.
    """

    reads: ClassVar[str] = "line"  # or "tokens": the tokens of a sequence, joined by SEPARATOR
    isolated: ClassVar[bool] = False  # whether it runs in processes of its own, since it may be slow, hang or crash

    def __init__(self, write: Callable[[np.ndarray], str], scorer: Scorer, workers: Workers | None = None) -> None:
        self.write, self.scorer, self.workers = write, scorer, workers
        self._failure: BaseException | None = None

    @classmethod
    def function(cls, **options: Any) -> Ask:
        """What scores a list of texts with these settings: as many numbers. It needs nothing else of the run."""
        raise NotImplementedError

    @classmethod
    def make(cls, given: Given) -> Reward:
        from seqgan_cli.scoring import worker
        from seqgan_cli.scoring.protocols import Json
        from seqgan_cli.scoring.scorer import Scorer

        options = dataclasses.asdict(given.options(cls.Section)) if cls.Section else {}
        write = cls.writer(given)
        if not cls.isolated:
            return cls(write, Scorer(cls.function(**options)))
        place = f"{cls.__module__}:{cls.__qualname__}.function"
        workers = cls.start(given, worker.command("component", place, json.dumps(options)), Json())
        return cls(write, Scorer(workers.ask), workers)

    @classmethod
    def start(cls, given: Given, command: Sequence[str], protocol: Protocol) -> Workers:
        """The processes that `adversarial.reward-jobs` says."""
        from seqgan_cli.scoring.workers import Workers

        cfg = given.settings.adversarial
        return Workers(command, cfg.reward_jobs, cfg.reward_timeout, protocol, f"--reward {given.use.name}")

    @classmethod
    def writer(cls, given: Given) -> Callable[[np.ndarray], str]:
        """How sequences are written to be scored."""
        vocabulary = given.corpus.vocabulary
        if cls.reads == "tokens":
            return lambda ids: SEPARATOR.join(vocabulary.decode(ids))
        return given.settings.kind.detokenizer(given.settings, vocabulary).line

    def scores(self, tokens: np.ndarray) -> np.ndarray:
        """float32 `[R]` for int32 `[R, T]`; zeros after a failure, of which `check` tells."""
        if self._failure is None:
            try:
                rows, places = np.unique(tokens, axis=0, return_inverse=True)
                texts = [self.write(ids) for ids in rows]
                return np.asarray(self.scorer(texts), np.float32)[places.reshape(-1)]
            except BaseException as error:  # it passes compiled code, which would make another of it
                self._failure = error
        return np.zeros(len(tokens), np.float32)

    def __call__(self, tokens: Any, key: Any) -> Any:
        return tf.ensure_shape(tf.numpy_function(self.scores, [tokens], tf.float32, stateful=False), [None])

    def check(self) -> None:
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure

    def close(self) -> None:
        self.scorer.close()
        if self.workers:
            self.workers.close()

    def remark(self) -> str:
        scorer = self.scorer
        if not scorer.asked:
            return ""
        rate = f"{scorer.asked / scorer.seconds:.0f} calls/s, " if scorer.seconds else ""
        return f"{rate}{1 - scorer.asked / scorer.met:.0%} from the cache"
