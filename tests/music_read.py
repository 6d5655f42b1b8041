"""Tunes as tests put and read them: small files, and what a reading of one gives or says."""

import itertools
from pathlib import Path
from typing import Any

import pytest

from midi_bytes import midi, note, off, on, put
from seqgan_cli.data.documents import Documents
from seqgan_cli.data.kinds import music
from seqgan_cli.errors import SeqganError
from tiny import data_settings

GOOD = midi(b"".join(note(60 + i % 9) for i in range(40)))
DRUMS = midi(on(0, 40, channel=9) + off(100, 40, channel=9))


def rows(documents: Documents) -> list[list[int]]:
    """The documents' ids, as the tokens say."""
    numbers = [int(token) for token in documents.tokens]
    return [[numbers[i] for i in documents.ids[start:stop]] for start, stop in itertools.pairwise(documents.offsets.tolist())]


def read(path: Path, **own: Any) -> list[list[int]]:
    return rows(music.read_music(path, data_settings(**{"window": 1, **own})))


def row(folder: Path, content: bytes, **own: Any) -> list[int]:
    """What one file gives. At 100 ticks a beat of half a second, a step of 0.5 s is 100 ticks."""
    [found] = read(put(folder, content), **{"step": 0.5, **own})
    return found


def reason(folder: Path, content: bytes, **own: Any) -> str:
    """Why the file is refused."""
    with pytest.raises(SeqganError) as refused:
        row(folder, content, **own)
    message = str(refused.value)
    beginning, ending = f"{folder / 'tune.mid'} holds no tune that can be used: 1 of 1 left out: ", " (tune.mid)."
    assert message.startswith(beginning)
    assert message.endswith(ending)
    return message.removeprefix(beginning).removesuffix(ending)


def assert_same(a: Documents, b: Documents) -> None:
    assert (a.source, a.tokens, a.rejected, a.notes) == (b.source, b.tokens, b.rejected, b.notes)
    for own, other in ((a.ids, b.ids), (a.offsets, b.offsets)):
        assert own.dtype == other.dtype
        assert own.tolist() == other.tolist()


def no_reading(*_: Any) -> None:
    raise AssertionError("read again")
