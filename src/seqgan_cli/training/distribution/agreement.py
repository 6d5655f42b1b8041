"""What several processes tell each other besides gradients: what each was asked to do, the chief's files, and its scores.

Bytes travel by TensorFlow's own collectives: there is no second connection, and no protocol of ours.
"""

from __future__ import annotations

import contextlib
import functools
import io
import json
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from seqgan_cli.errors import UsageError
from seqgan_cli.lazy import np, tf
from seqgan_cli.training.distribution import replicas
from seqgan_cli.training.distribution.placement import Placement

WORDS_AT_ONCE = 2**22  # of 8 bytes each


@functools.cache
def _compiled(per_replica: Callable[[Any], Any]) -> Any:
    """What every replica gets of its own value, by that exchange."""
    return tf.function(functools.partial(replicas.replicated, per_replica), autograph=False, reduce_retracing=True)


def agreed(scores: dict[str, float]) -> dict[str, float]:
    """The first replica's scores: machines may differ in a last bit, and decisions are to be the same everywhere."""
    if replicas.number() == 1 or not scores:
        return scores
    agreed_on = _compiled(replicas.of_first)(np.array(list(scores.values()), np.float64))
    return dict(zip(scores, agreed_on.numpy().tolist(), strict=True))


def gathered(data: bytes, processes: int) -> list[bytes]:
    """What every process gave, in their order."""
    each = replicas.number() // processes  # the replicas of one process all give what it gave
    lengths = _compiled(replicas.all_gather)(np.array([len(data)], np.int64)).numpy()[::each]
    row = np.zeros((1, int(lengths.max())), np.int64)
    row[0, : len(data)] = np.frombuffer(data, np.uint8)
    rows = _compiled(replicas.all_gather)(row).numpy()[::each]
    return [row[:length].astype(np.uint8).tobytes() for row, length in zip(rows, lengths, strict=True)]


def from_chief(data: bytes) -> bytes:
    """The chief's bytes, whatever the others give."""
    length = int(_compiled(replicas.of_first)(np.array(len(data), np.int64)).numpy())
    words = np.frombuffer(data[:length].ljust(-(-length // 8) * 8, b"\0"), np.int64)
    parts = [_compiled(replicas.of_first)(words[i : i + WORDS_AT_ONCE]).numpy() for i in range(0, len(words), WORDS_AT_ONCE)]
    return b"".join(part.tobytes() for part in parts)[:length]


def refuse_disagreement(asked: Mapping[str, Any], place: Placement) -> None:
    """Raises UsageError in every process if one of them was asked for something else than the chief."""
    told = [json.loads(each) for each in gathered(json.dumps(asked).encode(), len(place.workers))]
    for index, other in enumerate(told):
        for name in sorted({*told[0], *other}):
            if other.get(name) != told[0].get(name):
                with contextlib.suppress(tf.errors.OpError):  # who left at once would be missed by those still listening
                    gathered(b"heard", len(place.workers))
                raise UsageError(
                    f"{place.name(index)} has {name} = {other.get(name)}, and {place.name(0)} {told[0].get(name)}: "
                    "start the same command, of the same version, everywhere."
                )


def share_folder(folder: Path, names: tuple[str, ...], place: Placement) -> None:
    """Give every process what of these names is in the chief's folder; theirs must be empty. Raises OSError."""
    packed = io.BytesIO()
    if place.is_chief:
        with tarfile.open(fileobj=packed, mode="w") as archive:
            for name in names:
                if (folder / name).exists():
                    archive.add(folder / name, name)
    received = from_chief(packed.getvalue())
    if not place.is_chief:
        with tarfile.open(fileobj=io.BytesIO(received)) as archive:
            archive.extractall(folder, filter="data")
