"""A corpus that memory cannot hold, prepared once: a pass that numbers its tokens, and one that writes sequences to shards."""

import contextlib
import dataclasses
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from seqgan_cli import __version__, files
from seqgan_cli.config import registry
from seqgan_cli.config.schema import specs_of
from seqgan_cli.config.settings import SCHEMA, Settings
from seqgan_cli.data.batches import Streamed
from seqgan_cli.data.corpus import (
    Corpus,
    Layout,
    check_vocabulary,
    ranked_vocabulary,
    refuse_nothing,
    table_of,
    too_long,
)
from seqgan_cli.data.documents import Documents
from seqgan_cli.data.duplicates import Overlap, removed
from seqgan_cli.data.inputs.named import counting, files_of
from seqgan_cli.data.inputs.options import LONGEST_BY_DEFAULT
from seqgan_cli.data.kinds.base import Report
from seqgan_cli.data.sources.opening import prepared_corpus
from seqgan_cli.data.sources.survey import Survey
from seqgan_cli.data.sources.tokenizing import held_out_documents, texts_of_others, trained_on
from seqgan_cli.data.split import HeldOut, held_out_counts, save_parts
from seqgan_cli.data.summary import Tally, summary_of
from seqgan_cli.data.tfrecord.shards import EVAL_SUBSET, FORMAT, INDEX, INTERLEAVE, ShardWriter, is_prepared, number_of_files
from seqgan_cli.data.vocabulary import TOKENIZER, UNK, Vocabulary
from seqgan_cli.errors import SeqganError, UsageError
from seqgan_cli.evaluation.metrics.diversity import stand_in
from seqgan_cli.randomness import rng

PART = 1 << 22  # tokens that are held at once, padding included
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
    for path in [*folder.glob("*.npz"), *folder.glob("*.tfrecord.gz"), folder / "vocabulary.txt", folder / TOKENIZER.name]:
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


class _Preparation:
    def __init__(self, settings: Settings, report: Report) -> None:
        self.settings, self.data, self.kind, self.report = settings, settings.data, settings.kind, report
        self._whole: Documents | None = None  # what cannot be read in parts
        self.passed, self.notes = 0, tuple[str, ...]()  # passes before the first of the two, and what they found
        self.passes = 2 if settings.tokenizer.is_trained else 4
        self.in_parts = self._read_parts(lambda size: None) is not None
        self.files = files_of(self.data.source) if self.in_parts else []
        if any(path.exists() and not path.is_file() for path in self.files):
            raise UsageError(f"{self.data.source} can be read only once, and preparing reads twice: write it to a file first.")

    def _read_parts(self, passed: Callable[[int], object]) -> Iterator[Documents] | None:
        documents = max(1, PART // (self.data.max_length or LONGEST_BY_DEFAULT))
        found: Iterator[Documents] | None = self.kind.parts(self.data.source, self.settings, PART, documents, passed)
        return found

    def parts(self, passes: int) -> Iterator[Documents]:
        """The documents, in parts where they can be; `passes`: how often they were read before."""
        size = sum(path.stat().st_size for path in self.files if path.exists())

        def report(done: int, total: int) -> None:
            self.report(passes * size + done, self.passes * size)

        parts = self._read_parts(counting(self.files, report))
        if parts is None:
            self._whole = self._whole or self.kind.read(self.data.source, self.settings, self.report)
            yield self._whole
            return
        yield from parts
        self.report((passes + 1) * size, self.passes * size)

    def layout(self, part: Documents, max_length: int) -> Layout:
        """How a part is laid out, where no sequence is longer than that."""
        found: Layout = self.kind.layout(part, self.settings.changed({"data.max-length": max_length}))
        return found

    def write(self, folder: Path) -> None:
        """Everything, into a folder that is empty."""
        if not self.settings.tokenizer.is_trained:
            self._train_tokenizer()
        documents = self.kind.read(self.data.test, self.settings) if self.data.test else None
        survey, layout = self._survey()
        if survey.sequences < INTERLEAVE:
            raise SeqganError(
                f"{self.data.source} gives {survey.sequences} training sequences, and streaming needs {INTERLEAVE} at least."
            )
        vocabulary = layout.vocabulary or ranked_vocabulary(
            [*survey.numbers], survey.counts, self.data, layout.keeps_unseen
        )
        test = documents.reading if documents else None
        held_out = survey.held.parts(self.counts, [*survey.numbers], vocabulary, layout, self.settings.seed)
        for name, part in held_out.items():
            refuse_nothing(part.tokens, self.data.source, layout, name)
        long = survey.long, too_long(documents, layout) if documents else 0
        if documents:
            starts, ends = layout.segment(documents, np.arange(len(documents)))
            table = table_of(documents, starts, ends, vocabulary, layout)
            refuse_nothing(table, self.data.test, layout)
            source_ids = np.searchsorted(documents.offsets, starts, side="right") - 1
            held_out["test"] = HeldOut.shuffled(table, source_ids, self.settings.seed, "test").first(EVAL_SUBSET)
        training, held_out, overlaps = self._write_training(folder, survey, layout, vocabulary, held_out)
        tallies = {"train": training, **{name: Tally(vocabulary) for name in held_out}}
        for name, part in held_out.items():
            tallies[name].add(part.tokens)
        survey.notes += self.notes
        read_ = survey.reading(self.data.source)
        summary = summary_of(read_, test, layout, self.data, tallies, long, overlaps)
        self._finish(folder, vocabulary, held_out, summary)

    def _train_tokenizer(self) -> None:
        """Two passes before the others: one that counts documents, and one over those that are trained on."""
        held = held_out_documents(self.settings, self.parts(0))
        trained, self.notes = trained_on(self.settings, texts_of_others(self.parts(1), held))
        self.settings, self._whole = self.settings.with_tokenizer(trained), None
        self.passed = 2

    def _survey(self) -> tuple[Survey, Layout]:
        """The first pass, and how sequences are laid out."""
        survey = Survey(self.data, self.settings.seed)
        # No document longer than that is a sequence, whatever the longest turns out to be.
        most = self.data.max_length or LONGEST_BY_DEFAULT
        for part in self.parts(self.passed):
            layout = self.layout(part, most)
            survey.add(part, layout)
        counts = held_out_counts(survey.count, self.data, self.data.source, layout.unit)
        self.counts = {name: min(EVAL_SUBSET, count) for name, count in counts.items()}
        survey.keep(sum(self.counts.values()))
        if self.in_parts:
            layout = self.layout(part, self.data.max_length or min(survey.longest, most))
        return survey, layout

    def _write_training(
        self, folder: Path, survey: Survey, layout: Layout, vocabulary: Vocabulary, held_out: dict[str, HeldOut]
    ) -> tuple[Tally, dict[str, HeldOut], dict[str, Overlap]]:
        """The second pass. Returns what training sequences hold, and of the held-out ones what `removed` makes of them."""
        heldout = np.concatenate([part.tokens for part in held_out.values()])
        width = layout.max_length + layout.ended
        draws = rng(self.settings.seed, "corpus", "deal")
        writer = ShardWriter(folder, number_of_files(survey.sequences, width), width, vocabulary.size, draws)
        tally, copied, first = Tally(vocabulary), np.zeros(len(heldout), bool), 0
        with contextlib.closing(writer):
            for part in self.parts(self.passed + 1):
                held = survey.held.documents - first
                chosen = np.ones(len(part), bool)
                chosen[held[(held >= 0) & (held < len(part))]] = False
                known = self.layout(part, layout.max_length) if self.in_parts else layout
                table = table_of(part, *known.segment(part, np.flatnonzero(chosen)), vocabulary, layout)
                tally.add(table)
                copied |= stand_in(heldout, table)
                writer.write(table)
                first += len(part)
            if first != survey.count or len(tally) != survey.sequences:
                raise SeqganError(f"{self.data.source} has changed while it was read: run the command again.")
            check_vocabulary(tally, self.data.source, layout, self.data)
            taught = vocabulary.has_special_tokens and bool(tally.used[UNK])
            in_train = dict(zip(held_out, np.split(copied, np.cumsum([*map(len, held_out.values())])[:-1]), strict=True))
            held_out, overlaps = removed(held_out, in_train, self.data, self.data.source)
            shards = writer.finish()
        self.shards = dataclasses.replace(shards, unk_taught=taught, heldout_copied=overlaps["test"].left)
        return tally, held_out, overlaps

    def _finish(
        self, folder: Path, vocabulary: Vocabulary, held_out: dict[str, HeldOut], summary: tuple[str, ...]
    ) -> None:
        """All but the training sequences themselves."""
        at_hand = Streamed(self.shards).draw(EVAL_SUBSET, self.settings.seed, "corpus", "at hand")
        save_parts(folder, at_hand, held_out)
        if vocabulary.has_special_tokens:
            (folder / "vocabulary.txt").write_bytes("".join(f"{token}\n" for token in vocabulary.tokens).encode())
        if self.settings.tokenizer.is_kept:
            (folder / TOKENIZER.name).write_bytes(self.settings.tokenizer.content())
        synthetic = {spec.name for kind in registry.kinds.known() if kind.synthetic for spec in specs_of(kind.Section)}
        own = [name for name in SCHEMA if name.startswith("data.") and name not in {"data.source", *synthetic}]
        index = {
            "format": FORMAT,
            "versions": {"seqgan": __version__},
            "settings": {name: self.settings.values[name] for name in own},
            "seed": self.settings.seed,
            "summary": summary,
            "shards": {name: value for name, value in self.shards.record().items() if name != "folder"},
        }
        files.write(folder / INDEX, (json.dumps(index, indent=1) + "\n").encode())
