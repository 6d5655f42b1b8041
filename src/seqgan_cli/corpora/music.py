"""Music: MIDI files, and the folk tunes that come with music21 → the pitch at every step.

A tune is read at the times 0, step, 2·step … of its file, in exact arithmetic: a note sounds from its start, which counts, to
its end, which does not. Where several sound, the highest is heard. Ids: 1…88 are the keys of a piano, A0 = MIDI note 21 to
C8 = 108; 0 is a rest, if rests are tokens.
"""

import importlib.metadata
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

from seqgan_cli.corpora.cache import cache_file, load, store
from seqgan_cli.corpora.documents import Collector, Documents
from seqgan_cli.corpora.folk import abc_part, folk_tunes
from seqgan_cli.corpora.midi import BELOW, KEYS, Part, Unusable, content_of, exact_step, midi_files, midi_part
from seqgan_cli.errors import SeqganError
from seqgan_cli.settings import Data

CACHED_FROM = 50  # tunes: fewer are read in a blink

Report = Callable[[int, int], None]


def read_music(path: Path, settings: Data, report: Report | None = None) -> Documents:
    """Every MIDI file as one document: a file, or all `.mid` and `.midi` files of a folder and the folders in it, sorted.

    The melody is the track that `settings.track` names by number (from 0) or name; else one whose name says solo, melody or
    lead; else the first with notes (drums are none). What it is at the file's time 0, step, 2·step … is the document. A key
    that is struck again while it sounds sounds until it was released as often; a note that is never released is none.

    `settings.rests`: `hold`: the document begins at the first step at which a note sounds and ends with the last note, and a
    rest between holds the pitch before it. `token`: it goes from time 0 to the track's end, and a rest is token "0".

    Files that cannot be used are rejected with the reason; with `settings.strict` the first of them raises SeqganError. So
    does a source without a usable file, and a step that is no use UsageError. `report` is called with (tunes read, tunes in
    all), unless the cache has them: see _documents.
    """
    step = exact_step(settings.step)
    folder, names = midi_files(path)

    def part(name: str) -> Part:
        return midi_part(content_of(folder / name), settings.track, step)

    def contents() -> Iterable[bytes]:
        for name in names:
            yield os.fsencode(name)
            try:
                yield content_of(folder / name)
            except Unusable as reason:
                yield str(reason).encode()

    return _documents(str(path), names, part, contents(), settings, report)


def read_folk(settings: Data, report: Report | None = None) -> Documents:
    """The tunes of Ryan's Mammoth Collection, Aird's Airs and O'Neill's Music of Ireland, which come with music21 as ABC.

    Each is one document, sampled and rejected like a MIDI file; `settings.track` does not apply. The tempo is the tune's `Q:`
    as music21 reads it, else 120 quarter notes a minute; repeats are not played, and of several endings all follow each
    other; grace notes take no time; of several voices the first is read.

    Raises SeqganError without music21, and as read_music.
    """
    step = exact_step(settings.step)
    tunes = folk_tunes()

    def contents() -> Iterable[bytes]:
        yield importlib.metadata.version("music21").encode()
        for tune in tunes.items():
            yield from (part.encode() for part in tune)

    return _documents("folk", list(tunes), lambda name: abc_part(tunes[name], step), contents(), settings, report)


def _sampled(part: Part, settings: Data) -> tuple[np.ndarray, int]:
    """Ids int `[T]` of a voice, and how many notes are off a piano's keys and so were left out. Raises Unusable.

    Key by key, from the lowest up so that the highest is heard: time O(notes + 88 T), however many sound at once.
    """
    first, after, keys = np.array(part.notes, np.int64).reshape(-1, 3).T - [[0], [0], [BELOW]]
    on_piano = (keys >= 1) & (keys <= KEYS)
    first, after, keys = first[on_piano], after[on_piano], keys[on_piano]
    length = int(after.max(initial=0))
    if settings.rests == "token":
        length = max(length, part.end)
    pitches = np.zeros(length, np.int64)
    for key in np.unique(keys):
        mine = keys == key
        changes = np.bincount(first[mine], minlength=length + 1) - np.bincount(after[mine], minlength=length + 1)
        pitches[np.cumsum(changes[:-1]) > 0] = key
    heard = np.flatnonzero(pitches)
    if not len(heard):
        raise Unusable("no note of a piano at any step")
    if settings.rests == "hold":
        latest = np.maximum.accumulate(np.where(pitches > 0, np.arange(length), 0))
        pitches = pitches[latest][heard[0] :]
    if len(pitches) < settings.window:
        raise Unusable(f"shorter than {settings.window} steps of {settings.step:g} s")
    return pitches, int((~on_piano).sum())


def _documents(
    source: str,
    names: Sequence[str],
    part: Callable[[str], Part],
    contents: Iterable[bytes],
    settings: Data,
    report: Report | None,
) -> Documents:
    """The documents of the named tunes, from the cache if the same contents were read with the same settings before.

    The cache is a folder of the user's, or the one that SEQGAN_CACHE names. A tune it knows is neither parsed nor reported.
    """
    cache = cache_file(contents, settings) if len(names) >= CACHED_FROM else None
    documents = load(cache, source) if cache else None
    if documents is None:
        documents = _collect(source, names, part, settings, report)
        if cache:
            store(documents, cache)
    return documents


def _collect(
    source: str, names: Sequence[str], part: Callable[[str], Part], settings: Data, report: Report | None
) -> Documents:
    """Read tune by tune. Raises SeqganError if none can be used, or if one cannot and `settings.strict`."""
    collector, outside = Collector(), 0
    tokens = [str(key) for key in range(KEYS + 1)]
    for done, name in enumerate(names, start=1):
        try:
            pitches, left_out = _sampled(part(name), settings)
        except Unusable as unusable:
            place = os.fsencode(name).decode(errors="replace")  # a name of other bytes could not be printed
            if settings.strict:
                raise SeqganError(f"{source}, {place}: {unusable}. Leave --strict out to go on without it.") from None
            collector.reject(place, str(unusable))
        else:
            collector.add([tokens[pitch] for pitch in pitches.tolist()])
            outside += left_out
        if report:
            report(done, len(names))
    if not len(collector):
        reason, worst = max(collector.rejected.items(), key=lambda item: item[1].count)
        raise SeqganError(
            f"{source} holds no tune that can be used: {worst.count} of {len(names)} left out: {reason} ({worst.places[0]})."
        )
    if outside:
        collector.notes.append(f"Left out {outside} notes below A0 or above C8.")
    return collector.documents(source)


def windows(documents: Documents, chosen: np.ndarray, window: int, stride: int) -> tuple[np.ndarray, np.ndarray]:
    """Where the sequences of some documents begin and end.

    Args:
        documents: as read.
        chosen: int `[m]`, numbers of documents.
        window: pitches in a sequence.
        stride: pitches from one sequence's start to the next; 0: the window, so that they do not overlap.

    Returns:
        Starts and ends in `documents.ids`, int64 `[n]` each, of all windows at 0, stride, 2·stride … of a document that fit
        whole, document after document.
    """
    stride = stride or window
    counts = np.maximum((documents.lengths[chosen] - window) // stride + 1, 0)
    before = np.repeat(np.cumsum(counts) - counts, counts)
    starts = np.repeat(documents.offsets[chosen], counts) + (np.arange(counts.sum()) - before) * stride
    return starts, starts + window
