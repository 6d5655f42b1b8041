"""Music: MIDI files, and the folk tunes that come with music21 → the pitch at every step.

The steps of a tune begin at the times 0, step, 2·step … of its file, in exact arithmetic: a note sounds from its start, which
counts, to its end, which does not. Ids: 1…88 are the keys of a piano, A0 = MIDI note 21 to C8 = 108; 0 is a rest, if rests are
tokens.
"""

from __future__ import annotations

import dataclasses
import importlib.metadata
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from seqgan_cli.config.schema import section, setting
from seqgan_cli.config.settings import Settings
from seqgan_cli.data.corpus import Layout
from seqgan_cli.data.documents import EXAMPLES, Collector, Documents
from seqgan_cli.data.inputs.named import files_of, is_one, label
from seqgan_cli.data.inputs.options import TextOptions
from seqgan_cli.data.kinds.base import Kind, Report, no_report
from seqgan_cli.data.midi.folk import abc_part, folk_tunes
from seqgan_cli.data.midi.melody import pitches_of
from seqgan_cli.data.midi.tracks import (
    DRUMS,
    KEYS,
    NAMED,
    SUFFIXES,
    Part,
    Unusable,
    content_of,
    exact_step,
    midi_among,
    midi_files,
    midi_part,
    write_midi,
)
from seqgan_cli.data.text.cache import cache_file, load, store
from seqgan_cli.data.text.numbers import numbers_of, plain
from seqgan_cli.data.text.tokens import read_texts
from seqgan_cli.data.vocabulary import Vocabulary
from seqgan_cli.errors import SeqganError, UsageError
from seqgan_cli.evaluation.metrics.likelihood import Estimate
from seqgan_cli.evaluation.metrics.music import PITCHES, nearest_window_mse, pitch_histogram_mse
from seqgan_cli.lazy import np

CACHED_FROM = 50  # tunes: fewer are read in a blink
FOLK = "folk"


@section("data", "pretrain-g", fixed_by="corpus")
@dataclass(frozen=True)
class MusicSettings:
    track: str = setting("", "music: number or name of the track (default: solo, melody or lead, else the first)")
    channel: int = setting(0, "music: channel of the track, 1 to 16 (0: all but the drums')", at_least=0, at_most=16)
    step: float = setting(0.4, "music: seconds between the pitches of a sequence", above=0)
    sampling: str = setting(
        "longest",
        "music: a step's pitch is what sounds longest in it, or when it begins",
        choices=("longest", "instant"),
        before="instant",
    )
    rests: str = setting("hold", "music: a rest holds the pitch, or is 0", choices=("hold", "token"))
    window: int = setting(32, "music: pitches in a sequence", at_least=2)
    stride: int = setting(0, "music: pitches from one sequence's start to the next (0: the window)", at_least=0)


class Music(Kind):
    """Windows of a tune's pitches, which are numbers: they have distances, and can be drawn and heard."""

    name = "music"
    meaning = "windows of tunes"
    rank = 3
    Section = MusicSettings
    writing = ("data.step",)
    sources = (FOLK,)
    suffixes = SUFFIXES
    uses = frozenset({"data.strict"})
    several = True
    counts = "file"
    quality = ("bleu_4", "nearest_window_mse")
    extra_scores = ()
    experiment = "windows of tunes"
    distance_notes = (
        "nearest-window MSE: a sample's mean squared difference in pitch to the held-out window nearest to it.",
        "pitch-histogram MSE: mean over the 89 ids of the squared difference between their shares in samples and data.",
        "Neither is known to be the paper's MSE, which it does not define.",
    )

    @classmethod
    def read(cls, source: str, settings: Settings, report: Report = no_report, keep_blank: bool = False) -> Documents:
        """Of MIDI files, or of a file with the pitch ids of a tune on each line."""
        if source == FOLK:
            return read_folk(settings, report)
        if Path(source).is_dir():
            return read_music(source, settings, report)
        files = files_of(source)
        if any(file.suffix.lower() in SUFFIXES for file in files):
            return read_music(source, settings, report)
        numbers = read_texts(files, TextOptions(keep_blank=keep_blank), source=source)
        return numbers_of(numbers, PITCHES, "--kind music needs MIDI or pitch ids")

    @classmethod
    def layout(cls, documents: Documents, settings: Settings) -> Layout:
        cfg = settings[MusicSettings]

        def segment(documents: Documents, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            return windows(documents, chosen, cfg.window, cfg.stride)

        numbers = Vocabulary(size=PITCHES)
        return Layout("tune", cfg.window, segment, overlong="", tokens="pitches", ended=False, vocabulary=numbers)

    @classmethod
    def prompt(cls, text: str, settings: Settings) -> list[str]:
        """The pitches of a MIDI file that is named, or pitch ids."""
        if Path(text).suffix.lower() not in SUFFIXES:
            return [plain(token) for token in text.split()]
        documents = read_music(Path(text), settings)
        return [documents.tokens[i] for i in documents.ids]

    @classmethod
    def vocabulary_size(cls, settings: Settings) -> int:
        return PITCHES

    @classmethod
    def distances(cls, samples: np.ndarray, references: np.ndarray) -> dict[str, np.ndarray]:
        return {"nearest_window_mse": nearest_window_mse(samples, references)}

    @classmethod
    def set_distances(cls, samples: np.ndarray, references: np.ndarray) -> dict[str, Estimate]:
        return {"pitch_histogram_mse": pitch_histogram_mse(samples, references)}

    @classmethod
    def pitch_step(cls, settings: Settings) -> float:
        return settings[MusicSettings].step

    @classmethod
    def write_midi(cls, pitches: np.ndarray, settings: Settings, path: Path) -> None:
        cfg = settings[MusicSettings]
        write_midi(pitches, cfg.step, path, cfg.track, cfg.channel)


def read_music(source: str | Path, settings: Settings, report: Report | None = None) -> Documents:
    """Every MIDI file as one document: a file, all `.mid`, `.midi` and `.kar` of a folder and the folders in it, or of the
    files that a setting names; sorted.

    The melody is the track that `data.track` names by number (from 0) or name; else one whose name says solo, melody or
    lead; else the first with notes (drums are none); `data.channel` chooses among its notes. The document is what it is in
    every step, as pitches_of says. A key that is struck again while it sounds sounds until it was released as often; a note
    that is never released is none.

    `data.rests`: `hold`: the document begins at the first step that has a pitch and ends with the last note, and a rest
    between holds the pitch before it. `token`: it goes from time 0 to the track's end, and a rest is token "0".

    Files that cannot be used are rejected with the reason; with `data.strict` the first of them raises SeqganError. So
    does a source without a usable file, and a step or channel that is no use UsageError. `report` is called with (tunes read,
    tunes in all), unless the cache has them: see _documents.
    """
    cfg = settings[MusicSettings]
    step = exact_step(cfg.step)
    if cfg.channel == DRUMS + 1:
        raise UsageError(f"data.channel={cfg.channel}: that channel is the drums', which have no pitch: choose another.")
    source, path = str(source), Path(source)
    alone = is_one(source) or path.is_dir()
    folder, names, others = midi_files(path) if alone else midi_among(files_of(source))

    def part(name: str) -> Part:
        return midi_part(content_of(folder / name), cfg.track, cfg.channel, step)

    def contents() -> Iterable[bytes]:
        for name in names:
            yield os.fsencode(name)
            try:
                yield content_of(folder / name)
            except Unusable as reason:
                yield str(reason).encode()

    called = source if alone else label(source, files_of(source))
    documents = _documents(called, names, part, contents(), settings, report)
    if not others:
        return documents
    passed = f"Not read, being no {NAMED} file: {listed(others)}."
    return dataclasses.replace(documents, notes=(*documents.notes, passed))


def read_folk(settings: Settings, report: Report | None = None) -> Documents:
    """The tunes of Ryan's Mammoth Collection, Aird's Airs and O'Neill's Music of Ireland, which come with music21 as ABC.

    Each is one document, sampled and rejected like a MIDI file; there are no tracks and channels to choose. The tempo is the
    tune's `Q:` as music21 reads it, else 120 quarter notes a minute; repeats are not played, and of several endings all follow
    each other; grace notes take no time; of several voices the first is read.

    Raises SeqganError without music21, UsageError for a track or channel, and as read_music.
    """
    cfg = settings[MusicSettings]
    if cfg.track or cfg.channel:
        raise UsageError("--track and --channel choose among a MIDI file's notes, and --data folk has none: leave them out.")
    step = exact_step(cfg.step)
    tunes = folk_tunes()

    def contents() -> Iterable[bytes]:
        yield importlib.metadata.version("music21").encode()
        for tune in tunes.items():
            yield from (part.encode() for part in tune)

    return _documents(FOLK, list(tunes), lambda name: abc_part(tunes[name], step), contents(), settings, report)


def _documents(
    source: str,
    names: Sequence[str],
    part: Callable[[str], Part],
    contents: Iterable[bytes],
    settings: Settings,
    report: Report | None,
) -> Documents:
    """The documents of the named tunes, from the cache if the same contents were read with the same settings before.

    The cache is a folder of the user's, or the one that SEQGAN_CACHE names. A tune it knows is neither parsed nor reported.
    """
    cfg = settings[MusicSettings]
    how = (cfg.track, cfg.channel, cfg.step, cfg.sampling, cfg.rests, cfg.window, settings.data.strict)
    cache = cache_file("music", contents, how) if len(names) >= CACHED_FROM else None
    documents = load(cache, source) if cache else None
    if documents is None:
        documents = _collect(source, names, part, settings, report)
        if cache:
            store(documents, cache)
    return documents


def _collect(
    source: str, names: Sequence[str], part: Callable[[str], Part], settings: Settings, report: Report | None
) -> Documents:
    """Read tune by tune. Raises SeqganError if none can be used, or if one cannot and `data.strict`."""
    cfg, collector, outside = settings[MusicSettings], Collector(), 0
    remarks: dict[str, list[str]] = {}
    tokens = [str(key) for key in range(KEYS + 1)]
    for done, name in enumerate(names, start=1):
        place = os.fsencode(name).decode(errors="replace")  # a name of other bytes could not be printed
        try:
            voice = part(name)
            pitches, left_out = pitches_of(voice, cfg)
        except Unusable as unusable:
            if settings.data.strict:
                raise SeqganError(f"{source}, {place}: {unusable}. Leave --strict out to go on without it.") from None
            collector.reject(place, str(unusable))
        else:
            collector.add([tokens[pitch] for pitch in pitches.tolist()])
            outside += left_out
            for remark, own in voice.remarks.items():
                remarks.setdefault(remark, []).append(f"{place} ({own})" if own else place)
        if report:
            report(done, len(names))
    if not len(collector):
        reason, worst = max(collector.rejected.items(), key=lambda item: item[1].count)
        raise SeqganError(
            f"{source} holds no tune that can be used: {worst.count} of {len(names)} left out: {reason} ({worst.places[0]})."
        )
    if outside:
        collector.notes.append(f"Left out {outside} notes below A0 or above C8.")
    collector.notes += [f"{remark}: {listed(places)}." for remark, places in remarks.items()]
    return collector.documents(source)


def listed(places: Sequence[str]) -> str:
    """The first of some places, and how many there are besides."""
    more = len(places) - EXAMPLES
    return ", ".join(places[:EXAMPLES]) + (f" and {more} more" if more > 0 else "")


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
