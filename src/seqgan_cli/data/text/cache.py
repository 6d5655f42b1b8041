"""Documents that took long to read, kept in the user's cache directory by what they were made from."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import platformdirs

from seqgan_cli import files
from seqgan_cli.arrays import read_arrays
from seqgan_cli.data.documents import Documents, Rejected
from seqgan_cli.errors import SeqganError
from seqgan_cli.lazy import np

CACHE_FORMAT = 2  # to be raised when the same files would give other documents


def cache_file(name: str, contents: Iterable[bytes], how: Sequence[object]) -> Path | None:
    """Where the documents of these contents, read with such settings, are kept, or None if there is no place for them.

    `name`: how the file's begins.
    """
    own = os.environ.get("SEQGAN_CACHE")
    folder = Path(own) if own else platformdirs.user_cache_path("seqgan")
    if not own and not folder.is_absolute():
        return None  # without a home it would be a folder named ~ in this one
    digest = hashlib.blake2b(json.dumps([CACHE_FORMAT, *how]).encode(), digest_size=16)
    for content in contents:
        digest.update(len(content).to_bytes(8, "big") + content)
    return folder / f"{name}-{digest.hexdigest()}.npz"


def load(cache: Path, source: str) -> Documents | None:
    """The documents a file keeps, or None if it is missing or damaged."""
    try:
        arrays = read_arrays(cache)
        told = json.loads(str(arrays["told"]))
        rejected = {reason: Rejected(count, places) for reason, count, places in told["rejected"]}
        return Documents(source, arrays["ids"], arrays["offsets"], told["tokens"], rejected, tuple(told["notes"]))
    except Exception:  # whatever half a zip file leads to
        return None


def store(documents: Documents, cache: Path) -> None:
    """Keep the documents; a folder that cannot be written keeps nothing."""
    rejected = [(reason, entry.count, entry.places) for reason, entry in documents.rejected.items()]
    told = json.dumps({"tokens": documents.tokens, "rejected": rejected, "notes": documents.notes})
    try:
        with files.replacing(cache) as temporary:
            np.savez_compressed(temporary, ids=documents.ids, offsets=documents.offsets, told=np.array(told))
    except (OSError, SeqganError):
        pass
