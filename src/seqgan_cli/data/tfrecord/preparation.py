"""A corpus that memory cannot hold, prepared once: a pass that numbers its tokens, and one that deals sequences to files."""

import contextlib
import dataclasses
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from seqgan_cli import __version__, files
from seqgan_cli.config.settings import BUILT_IN, Data, Settings
from seqgan_cli.data.batches import Streamed
from seqgan_cli.data.corpus import (
    Corpus,
    Layout,
    check_vocabulary,
    counts_within,
    ranked_vocabulary,
    refuse_nothing,
    table_of,
    too_long,
)
from seqgan_cli.data.documents import EXAMPLES, Documents, Reading, Rejected
from seqgan_cli.data.kinds.base import Report, layout_of, numbers_of, prepared_corpus, read
from seqgan_cli.data.split import HELD_OUT, HeldOut, held_out_counts, save_parts
from seqgan_cli.data.summary import Tally, summary_of
from seqgan_cli.data.text.lines import LONGEST_BY_DEFAULT, line_parts
from seqgan_cli.data.tfrecord.shards import EVAL_SUBSET, FORMAT, INDEX, INTERLEAVE, ShardWriter, is_prepared, number_of_files
from seqgan_cli.data.vocabulary import UNK, Vocabulary
from seqgan_cli.errors import SeqganError, UsageError
from seqgan_cli.evaluation.metrics.diversity import stand_in
from seqgan_cli.randomness import rng

PART = 1 << 22  # tokens that are held at once, padding included
REPORTED = 1 << 20  # bytes between two reports
UNFINISHED = ".unfinished"  # what is not yet whole of a folder


def prepare(settings: Settings, folder: Path, report: Report) -> Corpus:
    """Write the corpus that `settings` describe into a new or an empty folder, and return it as it will be read.

    Raises SeqganError for what cannot be trained on, and UsageError if the folder holds files. Whatever ends it early leaves
    nothing in it, or after a kill what the next preparation takes away.
    """
    refuse_filled(folder)
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / UNFINISHED
    if partial.exists():  # left by a kill
        _clear(folder)
    partial.mkdir()
    try:
        _Preparation(settings, report).write(partial)
        for path in sorted(partial.iterdir(), key=lambda path: path.name == INDEX):  # without its index it is nothing yet
            path.replace(folder / path.name)
    finally:
        if is_prepared(str(folder)):
            shutil.rmtree(partial)
        else:
            _clear(folder)
    return prepared_corpus(folder)


def _clear(folder: Path) -> None:
    """Take away what was written of a folder that was not finished."""
    for path in [*folder.glob("*.npz"), *folder.glob("*.tfrecord.gz"), folder / "vocabulary.txt"]:
        path.unlink(missing_ok=True)
    shutil.rmtree(folder / UNFINISHED, ignore_errors=True)


def refuse_filled(folder: Path) -> None:
    """Raises UsageError unless the folder can be prepared: it is missing, or empty but for what a kill or a lock left."""
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"--write {folder} is a file: name a directory.")
    unfinished = (folder / UNFINISHED).exists()
    found = [entry for entry in folder.iterdir() if not entry.name.startswith(".")] if folder.exists() else []
    if found and (not unfinished or (folder / INDEX).exists()):
        raise UsageError(f"--write {folder} holds files: name a new or an empty directory.")


@dataclass
class _HeldOut:
    """Documents that are held out: those with the smallest of the numbers that are drawn for all, which any pass can keep.

    drawn float64 and documents int64, one of each a document; sequences: the token numbers of each one's sequences.
    """

    drawn: np.ndarray = field(default_factory=lambda: np.zeros(0))
    documents: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    sequences: list[list[np.ndarray]] = field(default_factory=list)

    def only(self, kept: np.ndarray) -> "_HeldOut":
        return _HeldOut(self.drawn[kept], self.documents[kept], [self.sequences[i] for i in kept])

    def parts(
        self, counts: dict[str, int], tokens: list[str], vocabulary: Vocabulary, layout: Layout, seed: int
    ) -> dict[str, HeldOut]:
        """The parts by name; the documents with the smallest numbers are the test part's, as many as `counts` says."""
        rank = np.empty(len(self.drawn), np.int64)
        rank[np.argsort(self.drawn, kind="stable")] = np.arange(len(self.drawn))
        found = {}
        for name in (name for name in HELD_OUT if counts[name]):
            chosen = np.flatnonzero((rank < counts["test"]) == (name == "test"))
            sequences = [sequence for i in chosen for sequence in self.sequences[i]]
            owners = np.repeat(self.documents[chosen], [len(self.sequences[i]) for i in chosen])
            table = _table(sequences, tokens, vocabulary, layout)
            found[name] = HeldOut.shuffled(table, owners, seed, name).first(EVAL_SUBSET)
        return found

    def and_(self, other: "_HeldOut") -> "_HeldOut":
        drawn, documents = (np.concatenate(pair) for pair in ((self.drawn, other.drawn), (self.documents, other.documents)))
        return _HeldOut(drawn, documents, self.sequences + other.sequences)


class _Survey:
    """The first pass: which tokens there are and how often, what is held out, how long documents are."""

    def __init__(self, data: Data, seed: int) -> None:
        self.data, self.draws = data, rng(seed, "corpus", "holdout")
        self.most = EVAL_SUBSET * ((not data.test) + (data.validation > 0))
        self.numbers: dict[str, int] = {}
        self.counts = np.zeros(0, np.int64)  # in training sequences, by the number of the token
        self.held = _HeldOut()
        self.count, self.longest, self.long, self.sequences = 0, 0, 0, 0
        self.rejected: dict[str, Rejected] = {}
        self.notes: tuple[str, ...] = ()

    def add(self, part: Documents, layout: Layout) -> None:
        """Take the next documents."""
        numbers = np.array([self.numbers.setdefault(token, len(self.numbers)) for token in part.tokens], np.int64)
        self.counts = np.pad(self.counts, (0, len(self.numbers) - len(self.counts)))
        drawn = self.draws.random(len(part))
        bound = self.held.drawn.max() if len(self.held.drawn) == self.most and self.most else np.inf
        candidates = np.flatnonzero(drawn < bound) if self.most else np.zeros(0, np.int64)
        if len(candidates) > self.most:
            candidates = np.sort(candidates[np.argpartition(drawn[candidates], self.most)[: self.most]])
        others = np.ones(len(part), bool)
        others[candidates] = False
        starts, ends = layout.fit(part, np.flatnonzero(others))
        self.sequences += len(starts)
        self.counts[numbers] += counts_within(part, starts, ends)
        self._hold_out(part, layout, numbers, candidates, drawn)
        self.count += len(part)
        self.longest = max(self.longest, int(part.lengths.max(initial=0)))
        self.long += int((part.lengths > layout.max_length).sum())
        for reason, entry in part.rejected.items():
            known = self.rejected.setdefault(reason, Rejected())
            known.count += entry.count
            known.places += entry.places[: EXAMPLES - len(known.places)]
        self.notes = tuple(dict.fromkeys((*self.notes, *part.notes)))

    def _hold_out(
        self, part: Documents, layout: Layout, numbers: np.ndarray, candidates: np.ndarray, drawn: np.ndarray
    ) -> None:
        starts, ends = layout.fit(part, candidates)
        owners = np.searchsorted(part.offsets, starts, side="right") - 1
        places = np.searchsorted(candidates, owners)
        sequences: list[list[np.ndarray]] = [[] for _ in candidates]
        for place, start, end in zip(places.tolist(), starts.tolist(), ends.tolist(), strict=True):
            sequences[place].append(numbers[part.ids[start:end]])
        self.held = self.held.and_(_HeldOut(drawn[candidates], self.count + candidates, sequences))
        self.keep(self.most)

    def keep(self, most: int) -> None:
        """Hold out so many; what was held out beyond that is trained on."""
        order = np.argsort(self.held.drawn, kind="stable")
        back = self.held.only(order[most:])
        self.held = self.held.only(np.sort(order[:most]))
        for sequence in (sequence for sequences in back.sequences for sequence in sequences):
            np.add.at(self.counts, sequence, 1)
            self.sequences += 1

    def reading(self, source: str) -> Reading:
        return Reading(source, self.count, self.rejected, self.notes)


class _Preparation:
    def __init__(self, settings: Settings, report: Report) -> None:
        self.settings, self.data, self.report = settings, settings.data, report
        self.lines = self.data.kind in ("text", "ids", "speeches") and self.data.source not in BUILT_IN
        self._whole: Documents | None = None  # what cannot be read in parts
        path = Path(self.data.source)
        if self.lines and path.exists() and not path.is_file() and not path.is_dir():
            raise UsageError(f"{self.data.source} can be read only once, and preparing reads twice: write it to a file first.")

    def parts(self, passes: int) -> Iterator[Documents]:
        """The documents, in parts where they are lines; `passes`: how often they were read before."""
        if not self.lines:
            self._whole = self._whole or read(self.data.source, self.data, self.report)
            yield self._whole
            return
        path, done = Path(self.data.source), 0
        size = path.stat().st_size if path.exists() else 0

        def passed(more: int) -> None:
            nonlocal done
            if done // REPORTED != (done + more) // REPORTED:
                self.report(passes * size + min(done + more, size), 2 * size)
            done += more

        documents = max(1, PART // (self.data.max_length or LONGEST_BY_DEFAULT))
        for part in line_parts(path, self.data.tokenizer, self.data.lowercase, PART, documents, passed, self.data.markers):
            yield numbers_of(part, None, "--kind text takes any tokens") if self.data.kind == "ids" else part
        self.report((passes + 1) * size, 2 * size)

    def write(self, folder: Path) -> None:
        """Everything, into a folder that is empty."""
        documents = read(self.data.test, self.data) if self.data.test else None
        survey, layout = self._survey()
        if survey.sequences < INTERLEAVE:
            raise SeqganError(
                f"{self.data.source} gives {survey.sequences} training sequences, and streaming needs {INTERLEAVE} at least."
            )
        vocabulary = layout.vocabulary or ranked_vocabulary([*survey.numbers], survey.counts, self.data)
        test = documents.reading if documents else None
        held_out = survey.held.parts(self.counts, [*survey.numbers], vocabulary, layout, self.settings.seed)
        for name, part in held_out.items():
            refuse_nothing(part.tokens, self.data.source, layout, name)
        long = survey.long, too_long(documents, layout) if documents else 0
        if documents:
            starts, ends = layout.fit(documents, np.arange(len(documents)))
            table = table_of(documents, starts, ends, vocabulary, layout)
            refuse_nothing(table, self.data.test, layout)
            source_ids = np.searchsorted(documents.offsets, starts, side="right") - 1
            held_out["test"] = HeldOut.shuffled(table, source_ids, self.settings.seed, "test").first(EVAL_SUBSET)
        training, copied = self._deal(folder, survey, layout, vocabulary, [part.tokens for part in held_out.values()])
        tallies = {"train": training, **{name: Tally(vocabulary) for name in held_out}}
        for name, part in held_out.items():
            tallies[name].add(part.tokens)
        read_ = survey.reading(self.data.source)
        summary = summary_of(read_, test, layout, self.data, tallies, long, copied)
        self._finish(folder, vocabulary, held_out, summary)

    def _survey(self) -> tuple[_Survey, Layout]:
        """The first pass, and how sequences are laid out."""
        survey = _Survey(self.data, self.settings.seed)
        # No document longer than that is a sequence, whatever the longest turns out to be.
        most = dataclasses.replace(self.data, max_length=self.data.max_length or LONGEST_BY_DEFAULT)
        for part in self.parts(0):
            layout = layout_of(part, most)
            survey.add(part, layout)
        counts = held_out_counts(survey.count, self.data, self.data.source, layout.unit)
        self.counts = {name: min(EVAL_SUBSET, count) for name, count in counts.items()}
        survey.keep(sum(self.counts.values()))
        if self.lines:
            longest = min(survey.longest, most.max_length) if not self.data.max_length else self.data.max_length
            layout = layout_of(part, dataclasses.replace(self.data, max_length=longest))
        return survey, layout

    def _deal(
        self, folder: Path, survey: _Survey, layout: Layout, vocabulary: Vocabulary, held_out: list[np.ndarray]
    ) -> tuple[Tally, float]:
        """The second pass. Returns what training sequences hold, and the share of the held-out ones that are among them.

        `held_out`: the tables of the held-out parts, the test part's last.
        """
        heldout = np.concatenate(held_out)
        width = layout.max_length + layout.ended
        draws = rng(self.settings.seed, "corpus", "deal")
        dealer = ShardWriter(folder, number_of_files(survey.sequences, width), width, vocabulary.size, draws)
        tally, copied, first = Tally(vocabulary), np.zeros(len(heldout), bool), 0
        with contextlib.closing(dealer):
            for part in self.parts(1):
                held = survey.held.documents - first
                chosen = np.ones(len(part), bool)
                chosen[held[(held >= 0) & (held < len(part))]] = False
                known = layout_of(part, dataclasses.replace(self.data, max_length=layout.max_length)) if self.lines else layout
                table = table_of(part, *known.fit(part, np.flatnonzero(chosen)), vocabulary, layout)
                tally.add(table)
                copied |= stand_in(heldout, table)
                dealer.write(table)
                first += len(part)
            if first != survey.count or len(tally) != survey.sequences:
                raise SeqganError(f"{self.data.source} has changed while it was read: run the command again.")
            check_vocabulary(tally, self.data.source, self.data)
            taught = vocabulary.has_special_tokens and bool(tally.used[UNK])
            of_test = float(copied[-len(held_out[-1]) :].mean())
            self.shards = dataclasses.replace(dealer.finish(), unk_taught=taught, heldout_copied=of_test)
        return tally, float(copied.mean())

    def _finish(
        self, folder: Path, vocabulary: Vocabulary, held_out: dict[str, HeldOut], summary: tuple[str, ...]
    ) -> None:
        """All but the training sequences themselves."""
        at_hand = Streamed(self.shards).draw(EVAL_SUBSET, self.settings.seed, "corpus", "at hand")
        save_parts(folder, at_hand, held_out)
        if vocabulary.has_special_tokens:
            (folder / "vocabulary.txt").write_bytes("".join(f"{token}\n" for token in vocabulary.tokens).encode())
        own = {f"data.{each.name.replace('_', '-')}": getattr(self.data, each.name) for each in dataclasses.fields(Data)}
        index = {
            "format": FORMAT,
            "versions": {"seqgan": __version__},
            "settings": {name: value for name, value in own.items() if name not in NOT_OF_DATA},
            "seed": self.settings.seed,
            "summary": summary,
            "shards": {name: value for name, value in self.shards.record().items() if name != "folder"},
        }
        files.write(folder / INDEX, (json.dumps(index, indent=1) + "\n").encode())


# Where the data came from, and what only the oracle has.
NOT_OF_DATA = ("data.source", "data.vocab-size", "data.sequence-length", "data.num-sequences", "data.oracle")


def _table(sequences: list[np.ndarray], tokens: list[str], vocabulary: Vocabulary, layout: Layout) -> np.ndarray:
    """The table of sequences of token numbers."""
    lengths = np.array([len(sequence) for sequence in sequences], np.int64)
    ids = np.concatenate([*sequences, np.zeros(0, np.int64)]).astype(np.int32)
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
    return table_of(Documents("", ids, offsets, tokens), offsets[:-1], offsets[1:], vocabulary, layout)
