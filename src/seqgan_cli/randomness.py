"""Random draws keyed by (seed, what they are for, which step), so that every one can be repeated by itself.

Nothing keeps random state between steps: a stage that is resumed at step n makes the same draws at step n as one that was
never interrupted, and two purposes never share a stream.
"""

from __future__ import annotations

import zlib

from seqgan_cli.lazy import np


def _sequence(seed: int, path: tuple[str | int, ...]) -> np.random.SeedSequence:
    words = [zlib.crc32(part.encode()) if isinstance(part, str) else part for part in path]
    return np.random.SeedSequence([seed, len(words), *words])  # the length: SeedSequence cannot tell (a) from (a, 0)


def key(seed: int, *path: str | int) -> np.ndarray:
    """int32 `[2]` for TensorFlow's stateless draws, e.g. `key(seed, "adversarial", "sample", round)`."""
    return _sequence(seed, path).generate_state(2, np.uint32).view(np.int32)


def rng(seed: int, *path: str | int) -> np.random.Generator:
    """A NumPy generator for the same kind of address."""
    return np.random.default_rng(_sequence(seed, path))
