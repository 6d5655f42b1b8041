"""Numbers for texts, each asked for once."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence

from seqgan_cli.lazy import np
from seqgan_cli.scoring.errors import ScoringError, Wrong, check_number, sentence
from seqgan_cli.scoring.store import Store

Ask = Callable[[Sequence[str]], Sequence[float]]  # a finite number for each text; raises ScoringError


class Scorer:
    """What a function says of texts, remembered. Any thread may call it; one at a time asks.

    Args:
        ask: scores texts.
        store: keeps scores for good; closed with this.
        capacity: scores in memory; those that were not met for longest are dropped.

    Attributes:
        asked: texts that the function was asked for, so far.
        met: texts that this was called with, repeats counted, so far.
        seconds: time that the function took, so far.
    """

    def __init__(self, ask: Ask, store: Store | None = None, capacity: int = 1 << 20) -> None:
        self._ask, self._store, self._capacity = ask, store, capacity
        self._known: OrderedDict[str, float] = OrderedDict()
        self._lock = threading.Lock()
        self.asked = self.met = 0
        self.seconds = 0.0

    def __call__(self, texts: Sequence[str]) -> "np.ndarray":
        """float64 `[n]` for n texts, in their order. The function is asked for each new one once, the first met first.

        New scores are in the store before this returns. Raises ScoringError, and SeqganError of the store.
        """
        with self._lock:
            self.met += len(texts)
            scores = {text: self._known[text] for text in texts if text in self._known}
            if self._store:
                scores |= self._store.get([text for text in dict.fromkeys(texts) if text not in scores])
            new = [text for text in dict.fromkeys(texts) if text not in scores]
            if new:
                answers = self._answers(new)
                if self._store:
                    self._store.add(new, answers)
                scores |= zip(new, answers, strict=True)
            for text, score in scores.items():
                self._known[text] = score
                self._known.move_to_end(text)
            while len(self._known) > self._capacity:
                self._known.popitem(last=False)
            return np.fromiter((scores[text] for text in texts), np.float64, len(texts))

    def close(self) -> None:
        """Close the store."""
        if self._store:
            self._store.close()

    def _answers(self, texts: Sequence[str]) -> list[float]:
        started = time.monotonic()
        try:
            given = self._ask(texts)
        finally:
            self.seconds += time.monotonic() - started
        self.asked += len(texts)
        if len(given) != len(texts):
            raise ScoringError(f"A scorer gave {len(given)} numbers for {len(texts)} texts.")
        try:
            return [check_number(float(score), i) + 0.0 for i, score in enumerate(given)]  # no -0.0, which SQLite cannot keep
        except Wrong as wrong:
            raise sentence("A scorer", wrong.what, texts[wrong.start : wrong.stop]) from None
